//! What is known of when a partition's records were made: bounds from the broker's time index and from polls.
//! "Time" of a record is the highest timestamp in its partition up to and including it, so it never falls with
//! the offset. An answer is either within the stated width, or it is the question that narrows it; never a guess.

use crate::model::{Millis, Offset, TimeAnswer, Timestamp};

/// Records are placed to within a second, or to within a thousandth of their age.
const WIDTH: Millis = Millis::from_seconds(1);
const SHARE_OF_AGE: u64 = 1000;

/// Polls are believed when record times agree with them to this, for so long.
const POLL_SLACK: Millis = Millis::from_seconds(1);
const BELIEVED_FOR: Millis = Millis::from_seconds(15);

/// Bounds kept per partition; what is thinned out is asked again when it is needed.
const POINTS: usize = 8;

/// Room that is kept for further bounds.
const SPARE: usize = 2;

/// Where in time a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    /// Known to within the width.
    At(Timestamp),
    /// Known once the broker has told the first offset at or after this time.
    Ask(Timestamp),
    /// Later than now.
    InFuture,
}

/// Records below `offset` are older than `before`; those from it on are not older than `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    offset: Offset,
    before: Timestamp,
    from: From,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// The time index: the very time of the record at the offset.
    Index(Timestamp),
    /// A poll of the end offset: true of the time of appending, which a producer's timestamps may not be.
    Poll(Timestamp),
    /// Nothing was there yet.
    Unknown,
}

impl Bound {
    fn polled(&self) -> Option<Timestamp> {
        if let From::Poll(time) = self.from { Some(time) } else { None }
    }
}

impl From {
    fn time(self) -> Option<Timestamp> {
        match self {
            Self::Index(time) | Self::Poll(time) => Some(time),
            Self::Unknown => None,
        }
    }
}

/// The bounds of one partition, by offset.
#[derive(Debug, Default)]
pub(super) struct TimeCurve {
    bounds: Vec<Bound>,
    polls_agree_until: Option<Timestamp>,
    polls_differ_until: Option<Timestamp>,
}

impl TimeCurve {
    /// A poll at `now` found the end at `end`.
    pub(super) fn polled(&mut self, end: Offset, now: Timestamp) {
        match self.bounds.last_mut() {
            Some(last) if last.offset == end && !matches!(last.from, From::Index(_)) => {
                last.from = From::Poll(now)
            }
            Some(last) if last.offset >= end => {}
            _ => self.insert(self.bounds.len(), Bound { offset: end, before: now, from: From::Poll(now) }),
        }
    }

    /// The broker has answered "first offset at or after `asked`"; `end` was read before it was asked.
    pub(super) fn learn(&mut self, asked: Timestamp, answer: TimeAnswer, end: Offset, now: Timestamp) {
        let first = match answer {
            TimeAnswer::Record { offset, .. } => offset,
            TimeAnswer::AllOlder => end,
        };
        self.verify_polls(asked, first, now);
        let from = match answer {
            TimeAnswer::Record { time, .. } => From::Index(time),
            TimeAnswer::AllOlder => From::Unknown,
        };
        // What was learnt before contradicts what is told now (a deletion, a producer's odd clock): now wins.
        self.bounds.retain(|known| {
            if known.offset < first {
                known.from.time().is_none_or(|known_from| known_from < asked)
            } else {
                from.time().is_none_or(|from| known.offset == first || known.before >= from)
            }
        });
        let at = self.bounds.partition_point(|known| known.offset < first);
        match self.bounds.get_mut(at).filter(|known| known.offset == first) {
            Some(same) => {
                same.before = same.before.min(asked);
                if from != From::Unknown {
                    same.from = from;
                }
            }
            None => self.insert(at, Bound { offset: first, before: asked, from }),
        }
    }

    /// When the record at `offset` was made. `resolution` is the time between polls: bounds that polls
    /// give are no closer than that, and need not be for people.
    pub(super) fn locate(&self, offset: Offset, now: Timestamp, resolution: Millis) -> Location {
        let right_at = self.bounds.partition_point(|bound| bound.offset <= offset);
        let right = self.bounds.get(right_at);
        let high = right.map_or(now, |bound| bound.before);
        // Nothing older than 1970 is there: the record itself is gone, and the first one left is `right`.
        if let Some(Bound { before: Timestamp(..=0), from: From::Index(from), .. }) = right {
            return past(*from, now);
        }
        let agree = self.polls_agree_until.is_some_and(|until| now <= until);
        let differ = self.polls_differ_until.is_some_and(|until| now <= until);
        let believed = |bound: &&Bound| match bound.from {
            From::Index(_) => true,
            From::Poll(_) => agree,
            From::Unknown => false,
        };
        let left = self.bounds[..right_at].iter().rev().find(believed);
        let low = left.and_then(|bound| bound.from.time());
        if let (Some(bound), Some(low)) = (left, low) {
            if bound.offset == offset && bound.from == From::Index(low) {
                return past(low, now);
            }
            let width = high.since(low);
            if width <= WIDTH.max(resolution).max(Millis(now.since(low).0 / SHARE_OF_AGE)) {
                return past(between(bound, right, offset, low, width), now);
            }
        }
        let unproven = self.bounds[..right_at].iter().rev().find_map(Bound::polled);
        if let Some(from) = unproven
            && !agree
            && !differ
        {
            return Location::Ask(from - POLL_SLACK);
        }
        Location::Ask(low.map_or(Timestamp(0), |low| low + Millis(high.since(low).0.div_ceil(2))))
    }

    /// About the first offset whose time is at or after `at`, for people: between two bounds records are taken to be
    /// spread evenly. Not bounded by the log.
    pub(super) fn estimate(&self, at: Timestamp) -> Offset {
        let left = self.bounds.iter().rev().find(|bound| bound.before <= at);
        let right = self.bounds.iter().find(|bound| bound.from.time().is_some_and(|from| from >= at));
        match (left, right.and_then(|right| Some((right.offset, right.from.time()?)))) {
            (Some(left), Some((offset, time))) if time > left.before && offset > left.offset => {
                let (part, whole) = (at.since(left.before), time.since(left.before));
                let share = u128::from(offset - left.offset) * u128::from(part.0) / u128::from(whole.0);
                left.offset + u64::try_from(share).unwrap_or(0)
            }
            (_, Some((offset, _))) => offset,
            (Some(_), None) => Offset::MAX,
            (None, None) => 0,
        }
    }

    /// Forgets what only tells of records below `offset`, where nobody waits, and what is one bound too many.
    /// Between ticks only: while questions are open, the closest bounds are the ones that matter.
    pub(super) fn forget(&mut self, below: Offset, now: Timestamp) {
        let keep_from = self.bounds.partition_point(|bound| bound.offset <= below).saturating_sub(1);
        self.bounds.drain(..keep_from);
        while self.bounds.len() > POINTS {
            self.thin(now);
        }
        if self.bounds.capacity() > self.bounds.len() + SPARE {
            self.bounds.shrink_to(self.bounds.len() + SPARE);
        }
    }

    /// There is one of these for each watched partition, so they grow by little.
    fn insert(&mut self, at: usize, bound: Bound) {
        if self.bounds.len() == self.bounds.capacity() {
            self.bounds.reserve_exact(SPARE);
        }
        self.bounds.insert(at, bound);
    }

    /// Whether record times agree with polls is told by the first poll bound after what was asked.
    fn verify_polls(&mut self, asked: Timestamp, first: Offset, now: Timestamp) {
        let is_told = |bound: &&Bound| bound.polled().is_some_and(|from| from - POLL_SLACK == asked);
        let told = self.bounds.iter().find(is_told);
        let Some(told) = told else { return };
        let until = Some(now + BELIEVED_FOR);
        (self.polls_agree_until, self.polls_differ_until) =
            if first <= told.offset { (until, None) } else { (None, until) };
    }

    /// Drops the bound whose loss widens the picture least, relative to its age. The ends stay.
    fn thin(&mut self, now: Timestamp) {
        let gap = |index: usize| {
            let from = self.bounds[index - 1].from.time().unwrap_or(self.bounds[index - 1].before);
            let width = self.bounds[index + 1].before.since(from).0;
            width * 1000 / (now.since(self.bounds[index].before).0 + WIDTH.0)
        };
        if let Some(least) = (1..self.bounds.len() - 1).min_by_key(|index| gap(*index)) {
            self.bounds.remove(least);
        }
    }
}

fn past(time: Timestamp, now: Timestamp) -> Location {
    if time > now + WIDTH { Location::InFuture } else { Location::At(time) }
}

/// Within the width, records are taken to be spread evenly; without a right bound, the middle.
fn between(left: &Bound, right: Option<&Bound>, offset: Offset, low: Timestamp, width: Millis) -> Timestamp {
    let (part, whole) = right.map_or((1, 2), |right| (offset - left.offset, right.offset - left.offset));
    let share = u128::from(width.0) * u128::from(part) / u128::from(whole.max(1));
    low + Millis(u64::try_from(share).unwrap_or(width.0))
}

#[cfg(test)]
mod tests;
