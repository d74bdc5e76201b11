//! Laws and examples of promises.
