//! What Plimsoll promises, shown from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod telemetry;
