//! What has to survive a restart, in one file.

mod config;

pub use config::StateConfig;
