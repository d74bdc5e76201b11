//! To come.

mod config;
pub use config::HistoryConfig;
