//! Where the state is kept.

use std::path::PathBuf;

/// The `state` settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateConfig {
    /// The folder of the state file; `None` for the system's own place.
    pub path: Option<PathBuf>,
}
