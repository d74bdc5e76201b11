//! Plimsoll watches Kafka pipelines and tells people, exactly, whether they keep their promises.
//!
//! The modules are one straight line in reading order: each may use only those above it.
//! Those up to `engine` are the pure core: time and data come in, decisions go out.

pub mod model;

pub mod measure;

pub mod store;

pub mod slo;

pub mod alert;

pub mod engine;

pub mod kafka;

pub mod state;

pub mod notify;

pub mod export;

pub mod telemetry;

pub mod api;

pub mod sim;

pub mod config;

pub mod cli;

pub mod app;
