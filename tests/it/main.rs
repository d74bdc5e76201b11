//! All integration tests, in one program: one link instead of twenty. This is its table of contents.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected has failed, and should say where")]

mod demo;
