//! What Plimsoll promises, shown from outside: a table of contents.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod config;
mod kafka_server;
mod telemetry;
