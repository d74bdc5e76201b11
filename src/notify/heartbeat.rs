//! A dead man's switch: an address that is called while the daemon really judges. Whoever answers there tells people
//! when the calls stop, so they must stop as soon as judging does, whatever else still runs.

use std::fmt;
use std::time::Duration;

use reqwest::Url;

use super::answer::Secrets;
use super::config::{HeartbeatConfig, ReceiverConfig};
use super::http::{self, Http};
use super::message::{Failure, Message, Receipt};
use super::unusable::Unusable;
use crate::model::{Millis, Timestamp};

/// After how many ticks without a judgement nothing is called any more.
const TICKS: u64 = 3;

/// An address and how often it is called.
pub struct Heartbeat {
    http: Http,
    url: Url,
    interval: Duration,
}

impl Heartbeat {
    pub(super) fn build(config: &ReceiverConfig, heartbeat: &HeartbeatConfig) -> Result<Self, Unusable> {
        let url = http::url(config, "url", heartbeat.url.expose())?;
        let mut secrets = Secrets::default();
        secrets.add_url(&url);
        let http = Http::new(config, std::slice::from_ref(&url), secrets)?;
        Ok(Self { http, url, interval: heartbeat.interval })
    }

    /// How often it is called.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Calls the address, at `now`. Gives what was answered.
    ///
    /// # Errors
    /// Nobody has heard it; the next beat will tell.
    pub async fn beat(&self, now: Timestamp) -> Result<String, Failure> {
        Ok(self.http.send(self.http.get(&self.url), now).await?.status)
    }

    /// Only a drill may be told to a heartbeat: it beats once.
    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, Failure> {
        if !message.is_drill {
            let why = "a heartbeat takes no messages; take it out of the routes";
            return Err(Failure::Never { answer: why.to_owned() });
        }
        Ok(Receipt::plain(&self.beat(message.at).await?, message))
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat").field("interval", &self.interval).finish_non_exhaustive()
    }
}

/// Whether to call at `now`: the last call, if there was one, is `interval` ago, and the daemon has judged a cluster
/// within the last three ticks, `evaluated_at` being the last time and `tick` the time from one to the next.
#[must_use]
pub fn is_due(
    now: Timestamp,
    last_beat: Option<Timestamp>,
    interval: Millis,
    evaluated_at: Option<Timestamp>,
    tick: Millis,
) -> bool {
    let judges = evaluated_at.is_some_and(|at| now.since(at) <= Millis(tick.0.saturating_mul(TICKS)));
    // A clock that was set back would otherwise be silent until it has caught up.
    let is_time = last_beat.is_none_or(|last| now < last || now.since(last) >= interval);
    judges && is_time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_only_while_the_daemon_judges() {
        let check = |now, last_beat: Option<i64>, evaluated_at: Option<i64>, expected: bool| {
            let due = is_due(
                Timestamp(now),
                last_beat.map(Timestamp),
                Millis(60_000),
                evaluated_at.map(Timestamp),
                Millis(1_000),
            );
            assert_eq!(due, expected, "{now} {last_beat:?} {evaluated_at:?}");
        };
        check(100_000, None, Some(100_000), true);
        check(100_000, None, Some(97_000), true);
        check(100_000, None, Some(96_999), false);
        check(100_000, None, None, false);
        check(100_000, Some(40_001), Some(99_500), false);
        check(100_000, Some(40_000), Some(99_500), true);
        check(100_000, Some(40_000), Some(50_000), false);
        check(100_000, Some(200_000), Some(99_500), true);
    }
}
