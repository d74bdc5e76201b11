//! Why state could not be opened, read or written, in one sentence that says what to do.
//! Never decides what follows from it.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why something could not be done with the state. The texts name the place and what to do.
#[derive(Debug, Error)]
pub enum StateError {
    /// Nothing says where it should be.
    #[error(
        "there is no folder for state: set `state.path`, or one of STATE_DIRECTORY, XDG_STATE_HOME and HOME"
    )]
    NoFolder,
    /// Another process has it open.
    #[error(
        "the state in {} is in use by {holder}: stop that plimsoll, or give this one a folder of its own in \
         `state.path`",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process, as it has called itself.
        holder: String,
    },
    /// A newer program has written it. It was not touched.
    #[error(
        "{} was written by a newer plimsoll (its format is {found}, this one knows up to {known}): run the newer one, \
         or begin anew by moving it away: mv '{0}' '{0}.newer'",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u64,
        /// The latest format that this program knows.
        known: u64,
    },
    /// Its bytes are not what was written.
    #[error(
        "the state file {} is damaged ({why}): restart plimsoll, which keeps it aside and counts anew; a copy of it \
         from before can be put in its place while plimsoll is stopped",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system refuses.
    #[error(
        "cannot {what} {}: {why}; make its folder writable for the user that runs plimsoll, with space left, \
         or name another folder in `state.path`",
        path.display()
    )]
    Unusable {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What came of it.
        why: String,
    },
    /// Changes are in memory only. What was durable before still is.
    #[error(
        "state could not be saved in {} ({why}): {waiting} changes wait in memory and are tried again and again; \
         see that there is space left and that the folder is writable",
        file.display()
    )]
    NotWritten {
        /// The file.
        file: PathBuf,
        /// What came of it.
        why: String,
        /// How many rows wait.
        waiting: usize,
    },
}

impl StateError {
    pub(super) fn unusable(what: &'static str, path: &Path, why: &impl ToString) -> Self {
        Self::Unusable { what, path: path.to_owned(), why: why.to_string() }
    }

    pub(super) fn damaged(file: &Path, why: &impl ToString) -> Self {
        Self::Damaged { file: file.to_owned(), why: why.to_string() }
    }

    /// The cause alone, for a sentence that names the place itself.
    pub(super) fn why(self) -> String {
        match self {
            Self::Damaged { why, .. } | Self::Unusable { why, .. } | Self::NotWritten { why, .. } => why,
            other => other.to_string(),
        }
    }
}
