//! What `plimsoll test` runs: scripted events, the states they must lead to, and the runner of those of SLOs.
//! Pure: no file is read here and no clock. What a test file looks like is the business of `config`.

mod case;
mod run;
#[cfg(test)]
mod tests;

pub use case::{AlertExpectation, AlertTest, Event, Expectation, Failure, SloTest, Unknown, Value};
pub use run::{MOST_MINUTES, run};
