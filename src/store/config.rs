//! How much history is kept in memory.

/// The `history` settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryConfig {
    /// The most series kept; further ones are dropped and counted.
    pub max_series: u64,
}

impl HistoryConfig {
    /// Fewest and most `max_series`.
    pub const MAX_SERIES: (u64, u64) = (0, 100_000_000);
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self { max_series: 200_000 }
    }
}
