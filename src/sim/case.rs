//! A test as it was written: events or values by the minute, and what has to be so at some minutes.
//! Minute m covers [m, m + 1), and a state at minute T has seen the minutes before T.

use crate::model::{AlertState, Counts, Millis, SloState, Timestamp};

/// A test of one SLO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SloTest {
    /// What it is called.
    pub name: String,
    /// The name of the SLO that is tried.
    pub slo: String,
    /// When minute 0 begins; matters to calendar windows. By default 1970-01-01T00:00:00Z.
    pub start: Option<Timestamp>,
    /// What happens. Minutes that several events name get the sum.
    pub events: Vec<Event>,
    /// What has to be so, in any order.
    pub expect: Vec<Expectation>,
}

/// What is judged in each of some minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The first minute.
    pub from_minute: u64,
    /// The minute after the last.
    pub to_minute: u64,
    /// In each of them: records, or slices.
    pub counts: Counts,
}

/// What has to be so at one minute. What is `None` or empty is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectation {
    /// Before which minute; its own events are not seen yet.
    pub at_minute: u64,
    /// Where the SLO stands.
    pub state: Option<SloState>,
    /// In the SLO window.
    pub good: Option<u64>,
    /// In the SLO window.
    pub bad: Option<u64>,
    /// In the SLO window.
    pub unmeasured: Option<u64>,
    /// Decimal text, compared to the digits given.
    pub coverage: Option<String>,
    /// Decimal text, signed, compared to the digits given.
    pub budget_remaining: Option<String>,
    /// By window: decimal text, compared to the digits given.
    pub burn_rate: Vec<(Millis, String)>,
    /// The line of the file, from 1.
    pub line: usize,
}

/// A test of one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertTest {
    /// What it is called.
    pub name: String,
    /// The name of the alert that is tried.
    pub alert: String,
    /// When minute 0 begins. By default 1970-01-01T00:00:00Z.
    pub start: Option<Timestamp>,
    /// What is measured. In minutes that none names there is nothing to judge.
    pub values: Vec<Value>,
    /// What has to be so, in any order.
    pub expect: Vec<AlertExpectation>,
}

/// What is measured over some minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The first minute.
    pub from_minute: u64,
    /// The minute after the last.
    pub to_minute: u64,
    /// A decimal number in the unit of the alert's condition.
    pub value: Result<String, Unknown>,
}

/// It could not be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

/// What an alert has to be at one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertExpectation {
    /// Before which minute; its own value is not seen yet.
    pub at_minute: u64,
    /// Pending or firing; `None` for ok.
    pub state: Option<AlertState>,
    /// The line of the file, from 1.
    pub line: usize,
}

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line of the expectation in the file, from 1.
    pub line: usize,
    /// The minute that it is about.
    pub at_minute: u64,
    /// Which value, as the test file names it: `state`, `burn_rate 1h`.
    pub what: String,
    /// As it was written.
    pub expected: String,
    /// As it is, with as many digits.
    pub found: String,
}
