//! To come.

mod config;
pub use config::{OtlpConfig, OtlpProtocol};
