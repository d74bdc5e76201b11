//! The commit log of a real Kafka, read as the daemon reads it: every commit, once, in its order, with its time.

mod access;
mod events;
mod lookups;
mod reader;
mod resume;
