//! Tests of the parts together, at the edges that a user sees.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod api;
mod export;
