//! What some conditions remember of the past of one subject, and how it outlives a restart.

use super::counter::CounterHistory;
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
    /// Of the same kind.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
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
