//! Runs the test of an alert: its values minute by minute, and what was not as expected.

use crate::alert::{AlertRule, ScriptedMinute, scripted_states};
use crate::model::AlertState;
use crate::sim::{AlertTest, Failure, Value};

/// Every expectation of `test` that `rule` does not meet, in the order in which they are written.
///
/// # Errors
/// A value that the rule's condition cannot compare.
pub(super) fn run(rule: &AlertRule, test: &AlertTest) -> anyhow::Result<Vec<Failure>> {
    let states = scripted_states(rule, &minutes(test)).map_err(anyhow::Error::msg)?;
    Ok(unmet(test, &states))
}

/// What is measured in each minute before the last one that something is expected of.
fn minutes(test: &AlertTest) -> Vec<ScriptedMinute<'_>> {
    let last = test.expect.iter().map(|expectation| expectation.at_minute).max().unwrap_or(0);
    let mut minutes = vec![ScriptedMinute::Nothing; usize::try_from(last).unwrap_or(0)];
    for Value { from_minute, to_minute, value } in &test.values {
        let [from, to] =
            [from_minute, to_minute].map(|minute| usize::try_from(*minute.min(&last)).unwrap_or(0));
        let measured = value.as_deref().map_or(ScriptedMinute::Unmeasured, ScriptedMinute::Value);
        if let Some(span) = minutes.get_mut(from..to) {
            span.fill(measured);
        }
    }
    minutes
}

fn unmet(test: &AlertTest, states: &[Option<AlertState>]) -> Vec<Failure> {
    let mut failures = Vec::new();
    for expectation in &test.expect {
        let state = usize::try_from(expectation.at_minute).ok().and_then(|minute| states.get(minute));
        let found = state.copied().flatten();
        if found != expectation.state {
            failures.push(Failure {
                line: expectation.line,
                at_minute: expectation.at_minute,
                what: "state".to_owned(),
                expected: label(expectation.state).to_owned(),
                found: label(found).to_owned(),
            });
        }
    }
    failures
}

fn label(state: Option<AlertState>) -> &'static str {
    state.map_or("ok", AlertState::label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{AlertExpectation, Unknown};

    fn test(expect: &[(u64, Option<AlertState>)]) -> AlertTest {
        let value = |from_minute, to_minute, value| Value { from_minute, to_minute, value };
        let expect = expect.iter().enumerate();
        AlertTest {
            name: "lag".to_owned(),
            alert: "lag".to_owned(),
            start: None,
            values: vec![value(1, 3, Ok("9".to_owned())), value(3, 9, Err(Unknown))],
            expect: expect
                .map(|(at, (at_minute, state))| AlertExpectation {
                    at_minute: *at_minute,
                    state: *state,
                    line: at + 10,
                })
                .collect(),
        }
    }

    #[test]
    fn values_hold_over_their_minutes_and_no_longer_than_is_asked() {
        use ScriptedMinute::{Nothing, Unmeasured, Value};
        let check = |last, expected: &[ScriptedMinute<'_>]| {
            assert_eq!(minutes(&test(&[(0, None), (last, None)])), expected, "{last}");
        };
        check(0, &[]);
        check(2, &[Nothing, Value("9")]);
        check(5, &[Nothing, Value("9"), Value("9"), Unmeasured, Unmeasured]);
        check(10, &[&[Nothing, Value("9"), Value("9")][..], &[Unmeasured; 6], &[Nothing]].concat());
    }

    #[test]
    fn what_is_not_as_expected_is_told_with_its_line() {
        let (pending, firing) = (Some(AlertState::Pending), Some(AlertState::Firing));
        let failures = unmet(&test(&[(0, None), (2, firing), (1, None)]), &[None, pending, firing]);
        let told: Vec<_> =
            failures.iter().map(|one| (one.line, one.at_minute, &*one.expected, &*one.found)).collect();
        assert_eq!(told, [(12, 1, "ok", "pending")]);
    }
}
