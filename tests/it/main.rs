//! Everything that is tested from outside of the library, as one binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod config;
