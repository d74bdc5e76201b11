//! Why nobody can be told through a receiver as it is set.

use std::fmt;

use super::config::ReceiverName;

/// A receiver cannot be used as the settings have it. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Which.
    pub receiver: ReceiverName,
    /// What is wrong: a clause that follows the receiver's name.
    pub what: String,
    /// What to do.
    pub help: String,
}

impl Unusable {
    pub(super) fn new(receiver: &ReceiverName, what: impl Into<String>, help: &str) -> Self {
        Self { receiver: receiver.clone(), what: what.into(), help: help.to_owned() }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "receiver {} {}; {}", self.receiver, self.what, self.help)
    }
}

impl std::error::Error for Unusable {}
