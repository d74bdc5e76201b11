//! The points of one group's topic: whole blocks that no longer change, and the one that is being filled.
//! Never keeps two points closer than the resolution.

use crate::model::{HistoryPoint, Millis, Timestamp};

use super::block::{Encoder, Row, rows};
use super::{RESOLUTION, RETENTION};

/// A quarter of an hour: the more of an hour is dropped at once, the more is held.
const ROWS_PER_BLOCK: u32 = 60;

/// The open block grows by this many bytes at a time; doubling would waste up to half of it.
const GROWTH: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Series {
    /// Oldest first.
    sealed: Vec<Sealed>,
    open: Vec<u8>,
    open_rows: u32,
    encoder: Encoder,
    /// The time of the last point that was kept.
    last: Option<Timestamp>,
}

#[derive(Debug)]
struct Sealed {
    last: Timestamp,
    bytes: Box<[u8]>,
}

impl Series {
    /// See `Store::append`.
    pub(super) fn append(&mut self, point: &HistoryPoint) {
        if let Some(last) = self.last {
            if last.since(point.at) >= RESOLUTION {
                self.forget_from(point.at);
            } else if point.at.since(last) < RESOLUTION {
                return;
            }
        }
        self.push(&to_row(point));
        self.drop_before(point.at - RETENTION);
    }

    /// The points at or after `since`, oldest first.
    pub(super) fn since(&self, since: Timestamp) -> impl Iterator<Item = HistoryPoint> {
        let sealed = self.sealed.iter().filter(move |block| block.last >= since);
        let all = sealed.flat_map(|block| rows(&block.bytes)).chain(rows(&self.open));
        all.map(|row| to_point(&row)).filter(move |point| point.at >= since)
    }

    /// What this takes on the heap, in bytes, itself included.
    pub(super) fn bytes(&self) -> usize {
        let sealed: usize = self.sealed.iter().map(|block| block.bytes.len()).sum();
        size_of::<Self>() + self.open.capacity() + self.sealed.capacity() * size_of::<Sealed>() + sealed
    }

    fn push(&mut self, row: &Row) {
        if self.open_rows == ROWS_PER_BLOCK
            && let Some(last) = self.last
        {
            let bytes = self.open.as_slice().into();
            self.sealed.push(Sealed { last, bytes });
            self.open.clear();
            self.open_rows = 0;
            self.encoder = Encoder::default();
        }
        if self.open.capacity() - self.open.len() < GROWTH {
            self.open.reserve_exact(GROWTH);
        }
        self.encoder.push(row, &mut self.open);
        self.open_rows += 1;
        self.last = Some(row.at);
    }

    fn drop_before(&mut self, oldest: Timestamp) {
        let gone = self.sealed.partition_point(|block| block.last < oldest);
        self.sealed.drain(..gone);
    }

    /// The clock was set back: what it claims for times that are yet to come is written anew.
    fn forget_from(&mut self, at: Timestamp) {
        let earlier: Vec<_> = self.since(Timestamp(i64::MIN)).filter(|point| point.at < at).collect();
        *self = Self::default();
        for point in earlier.iter().filter(|point| at.since(point.at) >= RESOLUTION) {
            self.push(&to_row(point));
        }
    }
}

fn to_row(point: &HistoryPoint) -> Row {
    let values = [
        point.lag,
        point.time_lag.map(|length| length.0),
        point.consumed_per_second.and_then(to_thousandths),
        point.appended_per_second.and_then(to_thousandths),
    ];
    Row { at: point.at, values }
}

fn to_point(row: &Row) -> HistoryPoint {
    let [lag, time_lag, consumed, appended] = row.values;
    HistoryPoint {
        at: row.at,
        lag,
        time_lag: time_lag.map(Millis),
        consumed_per_second: consumed.map(from_thousandths),
        appended_per_second: appended.map(from_thousandths),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn to_thousandths(rate: f64) -> Option<u64> {
    let thousandths = (rate * 1000.0).round();
    (0.0..1e18).contains(&thousandths).then_some(thousandths as u64)
}

#[expect(clippy::cast_precision_loss, reason = "2^53 thousandths are 9 trillion records per second")]
fn from_thousandths(thousandths: u64) -> f64 {
    thousandths as f64 / 1000.0
}
