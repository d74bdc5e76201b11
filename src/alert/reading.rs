//! What one tick says of one condition: whether it is so, or why nobody can know, and the value that was compared.

use crate::model::{Because, Measured, Millis, Reason};

/// Why a condition cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// What it needs is not measured.
    Unmeasured(Reason),
    /// Records wait, but none was committed in the window: there is no latency to judge.
    NothingCommitted,
    /// The quantile lies in the same bucket of the histogram as the threshold.
    BetweenBounds,
    /// Nobody had room to look up on which side of the threshold some records lie.
    Estimated,
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Self {
        Self::Unmeasured(reason)
    }
}

impl Why {
    /// As it is published.
    pub(super) fn because(self) -> Because {
        let (label, sentence) = match self {
            Self::Unmeasured(reason) => (reason.label(), reason.to_string()),
            Self::NothingCommitted => {
                ("nothing_committed", "records wait, but none was committed in the window".to_owned())
            }
            Self::BetweenBounds => (
                "between_bounds",
                "the quantile lies in the same bucket as the threshold: make the threshold a bucket bound"
                    .to_owned(),
            ),
            Self::Estimated => {
                ("estimated", "too many latencies are estimates: raise time_lookups_per_second".to_owned())
            }
        };
        Because { label, sentence: sentence.into() }
    }
}

/// The value that a condition compares, in the condition's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    /// Nothing that could be shown as a number.
    None,
    /// Records.
    Records(u64),
    /// Records, or more: a part of them is not measured.
    AtLeastRecords(u64),
    /// A length of time.
    Time(Millis),
    /// A length of time, or a longer one: a part of it is not measured.
    AtLeastTime(Millis),
    /// Records per second.
    PerSecond(f64),
    /// Some of all.
    Share { parts: u64, of: u64 },
    /// Above the threshold, but nobody knows by how much.
    Above,
    /// A value that rose from one to another, in seconds.
    Rise(f64, f64),
    /// A reason that is itself the finding.
    Failed(Reason),
}

impl Value {
    /// For metrics and the API: records, seconds, records per second, or a share; absent where only bounds are known.
    #[expect(clippy::cast_precision_loss, reason = "a number to show; what decides is exact")]
    pub(super) fn as_f64(self) -> Option<f64> {
        match self {
            Self::Records(records) => Some(records as f64),
            Self::Time(time) => Some(time.as_seconds()),
            Self::PerSecond(rate) => Some(rate),
            Self::Share { parts, of } => (of > 0).then(|| parts as f64 / of as f64),
            Self::Rise(_, to) => Some(to),
            Self::None | Self::AtLeastRecords(_) | Self::AtLeastTime(_) | Self::Above | Self::Failed(_) => {
                None
            }
        }
    }
}

/// One condition of one subject in one tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    /// Whether it is so.
    pub(super) holds: Result<bool, Why>,
    /// What was compared.
    pub(super) value: Value,
}

impl Reading {
    pub(super) fn unknown(why: impl Into<Why>) -> Self {
        Self { holds: Err(why.into()), value: Value::None }
    }

    /// It is known that there is nothing that it could be true of.
    pub(super) const GONE: Self = Self { holds: Ok(false), value: Value::None };

    /// Compares a measured value.
    pub(super) fn of<T: Copy>(
        measured: Measured<T>,
        holds: impl FnOnce(T) -> bool,
        value: impl FnOnce(T) -> Value,
    ) -> Self {
        match measured {
            Ok(measured) => Self { holds: Ok(holds(measured)), value: value(measured) },
            Err(why) => Self::unknown(why),
        }
    }
}
