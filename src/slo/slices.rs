//! Time cut into slices, each good, bad or unmeasured by what was seen in its moments. Never counts a slice twice,
//! nor the one in which watching began.
//!
//! A moment stands for the time since the one before, at most half a slice; the last of a slice for as long after it, too.
//! Bad is a slice with more bad time than its
//! target allows, however little was measured: by default with a single bad moment. Else it is good if at least half of
//! its time was measured, and within the target in that; else it is unmeasured. A tick that measures nothing is
//! unmeasured time, and so is time without a tick.

use super::rows::read_time;
use crate::model::{Counts, Damaged, Millis, Minute, Ratio, Reader, Timestamp, Writer};

/// The slice that is being filled.
#[derive(Debug)]
pub(super) struct Slices {
    length: u64,
    target: Ratio,
    /// Slices since 1970; `None` before the first moment.
    current: Option<i64>,
    /// Watching began within it.
    is_partial: bool,
    last: Option<Moment>,
    measured: u64,
    bad: u64,
    has_bad: bool,
}

#[derive(Debug, Clone, Copy)]
struct Moment {
    at: Timestamp,
    is_good: Option<bool>,
    /// The time since the one before, at most half a slice.
    distance: u64,
}

impl Slices {
    pub(super) fn new(length: Millis, target: Ratio) -> Self {
        let length = length.0.max(60_000);
        Self {
            length,
            target,
            current: None,
            is_partial: true,
            last: None,
            measured: 0,
            bad: 0,
            has_bad: false,
        }
    }

    /// Takes a moment: good, bad, or unmeasured. Gives out the slices that are over, each at its last minute; `most` of
    /// them at most, the newest.
    pub(super) fn observe(
        &mut self,
        now: Timestamp,
        is_good: Option<bool>,
        most: i64,
    ) -> Vec<(Minute, Counts)> {
        let length = self.length.cast_signed();
        let slice = now.0.div_euclid(length);
        let mut over = Vec::new();
        match self.current {
            Some(current) if current < slice => {
                self.fill_up(current);
                if !self.is_partial {
                    over.push((self.last_minute(current), self.judge()));
                }
                let first = (current + 1).max(slice - most);
                let unseen = Counts { unmeasured: 1, ..Counts::default() };
                over.extend((first..slice).map(|missed| (self.last_minute(missed), unseen)));
                self.start(slice, false);
            }
            // The clock was set back; whether this slice was counted already, the counts know.
            Some(current) if current > slice => self.start(slice, false),
            Some(_) => {}
            None => self.start(slice, true),
        }
        let distance = self.last.map_or(0, |last| now.since(last.at).0.min(self.length / 2));
        let began = Timestamp(slice.saturating_mul(length));
        self.take(is_good, distance.min(now.since(began).0));
        self.last = Some(Moment { at: now, is_good, distance });
        over
    }

    fn take(&mut self, is_good: Option<bool>, time: u64) {
        if let Some(is_good) = is_good {
            self.measured += time;
            self.bad += if is_good { 0 } else { time };
            self.has_bad |= !is_good;
        }
    }

    /// The time between the last moment of a slice and its end.
    fn fill_up(&mut self, slice: i64) {
        let (start, end) = (
            slice.saturating_mul(self.length.cast_signed()),
            Timestamp((slice + 1).saturating_mul(self.length.cast_signed())),
        );
        if let Some(last) = self.last.filter(|last| last.at.0 >= start) {
            self.take(last.is_good, end.since(last.at).0.min(last.distance));
        }
    }

    /// What comes next has nothing to do with what was before.
    pub(super) fn stop(&mut self) {
        (self.current, self.last) = (None, None);
    }

    fn start(&mut self, slice: i64, is_partial: bool) {
        (self.current, self.is_partial) = (Some(slice), is_partial);
        (self.measured, self.bad, self.has_bad) = (0, 0, false);
    }

    fn last_minute(&self, slice: i64) -> Minute {
        let end = (slice + 1).saturating_mul(self.length.cast_signed());
        Minute(Minute::of(Timestamp(end)).0 - 1)
    }

    fn judge(&self) -> Counts {
        let allowed = self.target.rest();
        let is_too_much = |time: u64| {
            u128::from(self.bad) * u128::from(allowed.of()) > u128::from(allowed.parts()) * u128::from(time)
        };
        let is_bad = is_too_much(self.length) || (self.has_bad && allowed.parts() == 0);
        match () {
            () if is_bad => Counts { bad: 1, ..Counts::default() },
            () if self.measured * 2 < self.length => Counts { unmeasured: 1, ..Counts::default() },
            () if is_too_much(self.measured) => Counts { bad: 1, ..Counts::default() },
            () => Counts { good: 1, ..Counts::default() },
        }
    }

    /// Coarsely, so that it seldom changes: a restart within a slice may leave it unmeasured, never good by ignorance.
    pub(super) fn write(&self, writer: &mut Writer) {
        let quarter = self.length / 4;
        writer.flag(self.current.is_some()).signed(self.current.unwrap_or(0)).flag(self.is_partial);
        let measured = if self.measured >= quarter * 2 { quarter * 2 } else { 0 };
        writer.number(measured).number(self.bad / quarter * quarter).flag(self.has_bad);
    }

    pub(super) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        let is_some = reader.flag()?;
        let current = read_time(reader)?;
        self.current = is_some.then_some(current);
        self.is_partial = reader.flag()?;
        self.measured = reader.number()?.min(self.length);
        self.bad = reader.number()?.min(self.length);
        self.has_bad = reader.flag()?;
        Ok(())
    }
}
