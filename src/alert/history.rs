//! What some conditions remember of the past of one subject, and how it outlives a restart.

use super::counter::CounterHistory;
use super::definition::Condition;
use super::latency::LatencyHistory;
use super::trend::TrendHistory;
use crate::model::{Damaged, Reader, Writer};

/// By kind of condition. Its numbers are in the state file and never change their meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum History {
    #[default]
    None,
    Latency(LatencyHistory),
    Trend(Box<TrendHistory>),
    Lost(CounterHistory<1>),
    DeadLetters(CounterHistory<2>),
}

impl History {
    /// An empty one of the kind that `condition` needs; nothing where `self` is of that kind already.
    pub(super) fn needed_by(condition: &Condition, present: &Self) -> Option<Self> {
        match (condition, present) {
            (Condition::Latency { .. }, Self::Latency(_))
            | (Condition::Trend { .. }, Self::Trend(_))
            | (Condition::Lost { .. }, Self::Lost(_))
            | (Condition::DeadLetters { .. }, Self::DeadLetters(_)) => None,
            (Condition::Latency { .. }, _) => Some(Self::Latency(LatencyHistory::default())),
            (Condition::Trend { .. }, _) => Some(Self::Trend(Box::default())),
            (Condition::Lost { .. }, _) => Some(Self::Lost(CounterHistory::default())),
            (Condition::DeadLetters { .. }, _) => Some(Self::DeadLetters(CounterHistory::default())),
            // These look at one tick only.
            (
                Condition::Lag { .. }
                | Condition::TimeLag { .. }
                | Condition::Throughput { .. }
                | Condition::Stuck { .. }
                | Condition::NotDecreasing { .. }
                | Condition::RetentionEta { .. }
                | Condition::Offline { .. }
                | Condition::UnderMinIsr { .. }
                | Condition::Unreachable,
                _,
            ) => None,
        }
    }

    pub(super) fn write(&self, to: &mut Writer) {
        match self {
            Self::None => {
                to.number(0);
            }
            Self::Latency(history) => history.write(to.number(1)),
            Self::Trend(history) => history.write(to.number(2)),
            Self::Lost(history) => history.write(to.number(3)),
            Self::DeadLetters(history) => history.write(to.number(4)),
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        Ok(match from.number()? {
            0 => Self::None,
            1 => Self::Latency(LatencyHistory::read(from)?),
            2 => Self::Trend(Box::new(TrendHistory::read(from)?)),
            3 => Self::Lost(CounterHistory::read(from)?),
            4 => Self::DeadLetters(CounterHistory::read(from)?),
            _ => return Err(Damaged),
        })
    }
}
