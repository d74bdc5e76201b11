//! To come.

mod config;
pub use config::{ClusterConfig, Filter, RESERVED_PROPERTIES, Secret};
