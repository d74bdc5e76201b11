//! Tests of the parts together, at the edges that a user sees.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod api;
mod export;
