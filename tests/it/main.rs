//! What Plimsoll promises, shown from outside: a table of contents.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected has failed, and says where")]
#![allow(clippy::disallowed_methods, reason = "tests hold clocks, threads and processes of their own")]

mod api;
mod architecture;
mod cli;
mod commit_log;
mod config;
mod dashboards;
mod delivery;
mod demo;
mod deploy;
mod durability;
mod export;
mod kafka_server;
mod lag_command;
mod lag_truth;
mod notify;
mod program;
mod prometheus;
mod reload;
mod rule_tests;
mod rules;
mod security;
mod slo_truth;
mod state;
mod stopping;
mod telemetry;
mod unknown;
