//! Waiting for a condition, always with a bound. The only place of the tests that ever parks a thread.

use std::time::{Duration, Instant};

/// Between two looks: short beside any request, long enough to leave the two cores to Kafka.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Returns as soon as `condition` is true; panics with `what` when it is not within `within`.
pub(crate) fn wait_until(what: &str, within: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, within, || condition().then_some(()));
}

/// Returns the first value that `look` finds; panics with `what` when there is none within `within`.
pub(crate) fn wait_for<T>(what: &str, within: Duration, look: impl FnMut() -> Option<T>) -> T {
    try_wait_for(within, look).unwrap_or_else(|| panic!("within {within:?} it never came true: {what}"))
}

/// The first value that `look` finds; none when there is none within `within`.
pub(crate) fn try_wait_for<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if started.elapsed() > within {
            return None;
        }
        // Nothing outside this process can wake us, so the condition is looked at again and again.
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Returns at `moment`, or at once when it has passed: for scripts that say when something is done.
pub(crate) fn park_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}
