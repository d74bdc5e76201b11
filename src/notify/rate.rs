//! How many messages a receiver may get: never more than its limit in any stretch of that length.

use std::time::Duration;

use super::config::{RateLimit, ReceiverKind};
use crate::model::{Millis, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

/// What a kind of receiver can take, where the settings do not say; `None` for as much as there is.
pub(super) fn usual(kind: &ReceiverKind) -> Option<RateLimit> {
    let per_minute = |messages| Some(RateLimit { messages, per: MINUTE });
    match kind {
        ReceiverKind::PagerDuty(_) => per_minute(60),
        ReceiverKind::Slack(_) | ReceiverKind::Email(_) => per_minute(30),
        ReceiverKind::Webhook(_) => per_minute(120),
        ReceiverKind::Alertmanager(_) | ReceiverKind::Heartbeat(_) | ReceiverKind::Terminal => None,
    }
}

/// A bucket of half the limit, filled so that bucket and filling together are the limit. So a burst is followed by
/// messages at a steady pace, and what is urgent never waits for the whole stretch. The last message in the bucket is
/// kept for what is urgent.
#[derive(Debug, Clone)]
pub(super) struct Rate {
    limit: Option<RateLimit>,
    /// How many messages it holds, as the time that it takes to fill so far.
    filled: u64,
    at: Timestamp,
}

impl Rate {
    pub(super) fn new(limit: Option<RateLimit>) -> Self {
        let mut this = Self { limit, filled: 0, at: Timestamp::default() };
        this.filled = this.capacity() * this.pace();
        this
    }

    pub(super) fn limit(&self) -> Option<RateLimit> {
        self.limit
    }

    /// The same limit, unused.
    pub(super) fn full(&self) -> Self {
        Self::new(self.limit)
    }

    /// The most messages at once.
    fn capacity(&self) -> u64 {
        self.limit.map_or(1, |limit| u64::from(limit.messages).div_ceil(2).max(1))
    }

    /// Milliseconds until there is room for one more. A bucket of c messages that gets another r within the limit's
    /// stretch lets fewer than c + r + 1 through in any such stretch.
    fn pace(&self) -> u64 {
        let Some(limit) = self.limit else { return 0 };
        let per = u64::try_from(limit.per.as_millis()).unwrap_or(u64::MAX);
        let more = (u64::from(limit.messages) + 1).saturating_sub(self.capacity()).max(1);
        per.div_ceil(more)
    }

    /// When a message may go: `now`, or later.
    pub(super) fn free_at(&self, is_urgent: bool, now: Timestamp) -> Timestamp {
        let kept = u64::from(!is_urgent && self.capacity() > 1);
        let needed = (1 + kept) * self.pace();
        now + Millis(needed.saturating_sub(self.filled_at(now)))
    }

    /// A message goes.
    pub(super) fn take(&mut self, now: Timestamp) {
        self.filled = self.filled_at(now).saturating_sub(self.pace());
        self.at = now;
    }

    fn filled_at(&self, now: Timestamp) -> u64 {
        // A clock that was set back fills nothing.
        self.filled.saturating_add(now.since(self.at).0).min(self.capacity() * self.pace())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(messages: u32) -> Rate {
        Rate::new(Some(RateLimit { messages, per: MINUTE }))
    }

    #[test]
    fn a_burst_then_a_steady_pace_with_one_kept_for_what_is_urgent() {
        let mut rate = rate(30);
        let now = Timestamp(1_000_000);
        for _ in 0..14 {
            assert_eq!(rate.free_at(false, now), now);
            rate.take(now);
        }
        assert_eq!(rate.free_at(false, now), now + Millis(3_750));
        assert_eq!(rate.free_at(true, now), now);
        rate.take(now);
        assert_eq!(rate.free_at(true, now), now + Millis(3_750));
        assert_eq!(rate.free_at(false, now), now + Millis(7_500));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let mut rate = Rate::new(None);
        rate.take(Timestamp(5));
        assert_eq!(rate.free_at(false, Timestamp(5)), Timestamp(5));
    }

    proptest! {
        #[test]
        fn no_stretch_holds_more_than_the_limit(
            messages in 1_u32..40,
            steps in prop::collection::vec((0_u64..9_000, any::<bool>()), 1..300),
        ) {
            let mut rate = rate(messages);
            let mut now = Timestamp(1_000_000);
            let mut sent: Vec<Timestamp> = Vec::new();
            for (pause, is_urgent) in steps {
                now = now + Millis(pause / 10);
                now = rate.free_at(is_urgent, now);
                rate.take(now);
                sent.push(now);
            }
            for (at, first) in sent.iter().enumerate() {
                let within = sent[at..].iter().take_while(|next| next.since(*first) < Millis(60_000)).count();
                prop_assert!(within <= messages as usize, "{} of {messages}", within);
            }
        }
    }
}
