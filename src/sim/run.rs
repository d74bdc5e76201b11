//! Runs the test of an SLO minute by minute, as the daemon would have lived through it, and tells what was not met.
//! Nothing is skipped in between, so that what is held and what is late are as they are live.

use super::{Expectation, Failure, SloTest};
use crate::model::{Counts, Millis, Minute};
use crate::slo::{Evaluation, Instance, Slo, UnknownTimeZone};

/// A test is refused beyond a year: nobody wants to wait for it.
pub const MOST_MINUTES: u64 = 366 * 24 * 60;

/// Every expectation of `test` that `slo` does not meet, in the order of the minutes, then as they are written.
///
/// # Errors
/// The SLO's time zone is not known.
pub fn run(slo: &Slo, test: &SloTest) -> Result<Vec<Failure>, UnknownTimeZone> {
    let mut instance = Instance::new(slo)?;
    let start = test.start.map_or(0, |start| Minute::of(start).0);
    let at = |minute: u64| Minute(start.saturating_add_unsigned(minute.min(MOST_MINUTES)));
    let mut expected: Vec<&Expectation> = test.expect.iter().collect();
    expected.sort_by_key(|expectation| expectation.at_minute);
    let mut failures = Vec::new();
    let mut expected = expected.into_iter().peekable();
    let mut minute = 0;
    while expected.peek().is_some() {
        let evaluation = instance.evaluate_before(at(minute));
        while let Some(expectation) = expected.next_if(|next| next.at_minute.min(MOST_MINUTES) == minute) {
            compare(expectation, &evaluation, &instance, &mut failures);
        }
        let now = test.events.iter().filter(|event| (event.from_minute..event.to_minute).contains(&minute));
        let mut counts = Counts::default();
        now.for_each(|event| counts += event.counts);
        instance.add(at(minute), counts);
        minute += 1;
    }
    Ok(failures)
}

/// Compares each thing that is asked.
fn compare(expected: &Expectation, found: &Evaluation, instance: &Instance, failures: &mut Vec<Failure>) {
    let mut differs = |what: String, expected_text: String, found: String| {
        let (line, at_minute) = (expected.line, expected.at_minute);
        failures.push(Failure { line, at_minute, what, expected: expected_text, found });
    };
    if let Some(state) = expected.state.filter(|state| *state != found.state) {
        differs("state".to_owned(), state.label().to_owned(), found.state.label().to_owned());
    }
    let counts = [
        ("good", expected.good, found.window.good),
        ("bad", expected.bad, found.window.bad),
        ("unmeasured", expected.unmeasured, found.window.unmeasured),
    ];
    for (what, number, found) in counts {
        if let Some(number) = number.filter(|number| *number != found) {
            differs(what.to_owned(), number.to_string(), found.to_string());
        }
    }
    let shares = [
        ("coverage", &expected.coverage, Some(found.coverage)),
        ("budget_remaining", &expected.budget_remaining, found.budget_remaining),
    ];
    for (what, number, found) in shares {
        if let Some(number) = number
            && let Err(found) = same_digits(number, found)
        {
            differs(what.to_owned(), number.clone(), found);
        }
    }
    for (window, number) in &expected.burn_rate {
        if let Err(found) = same_digits(number, instance.burn_rate_over(*window)) {
            differs(format!("burn_rate {}", short(*window)), number.clone(), found);
        }
    }
}

/// Whether `found`, rounded to the digits of `expected`, is `expected`; else how it reads with as many digits.
fn same_digits(expected: &str, found: Option<f64>) -> Result<(), String> {
    let Some(found) = found else { return Err("absent".to_owned()) };
    let digits = expected.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let half = 0.5 * 10_f64.powi(-i32::try_from(digits.min(300)).unwrap_or(0));
    // A value half-way between two such numbers is both of them.
    let rounding = 4.0 * f64::EPSILON * found.abs().max(1.0);
    let is_same = expected.parse::<f64>().is_ok_and(|number| (number - found).abs() <= half + rounding);
    if is_same { Ok(()) } else { Err(format!("{found:.*}", digits.min(300))) }
}

/// A length as the file writes it: in the largest unit that divides it.
fn short(length: Millis) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let unit = units.into_iter().find(|(millis, _)| length.0 > 0 && length.0.is_multiple_of(*millis));
    unit.map_or_else(|| format!("{}ms", length.0), |(millis, name)| format!("{}{name}", length.0 / millis))
}
