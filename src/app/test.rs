//! `plimsoll test`: runs scripted tests of rules, and shows what was not as expected.

mod alert;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::{Ending, say};
use crate::cli::TestArgs;
use crate::config::{RuleTest, TestFile, load_tests};
use crate::sim::{self, Failure};

/// # Errors
/// When standard output cannot be written, or a time zone is not known.
pub(super) fn run(arguments: &TestArgs) -> anyhow::Result<Ending> {
    let mut out = std::io::stdout().lock();
    let mut ending = Ending::Fine;
    let mut sum = Sum::default();
    let mut told = Vec::new();
    for path in &arguments.files {
        match load_tests(path) {
            Ok(file) => {
                for test in &file.tests {
                    let outcome = Outcome::of(path, test, &file)?;
                    sum.add(&outcome);
                    if arguments.json {
                        told.push(outcome.as_json());
                    } else if !outcome.failures.is_empty() {
                        outcome.show(&mut out)?;
                    }
                }
            }
            Err(problems) => {
                say(problems.to_string().trim_end());
                ending = Ending::Refused;
            }
        }
    }
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &told)?;
        writeln!(out)?;
    } else if sum.tests > 0 {
        writeln!(out, "{}", sum.sentence())?;
    }
    Ok(ending.max(if sum.failed == 0 { Ending::Fine } else { Ending::Failed }))
}

/// What came of one test.
struct Outcome {
    file: String,
    /// What is tried: `slo orders-on-time`.
    of: String,
    name: String,
    expectations: usize,
    failures: Vec<Failure>,
}

impl Outcome {
    fn of(path: &Path, test: &RuleTest, file: &TestFile) -> anyhow::Result<Self> {
        let gone = || anyhow::anyhow!("a test names a rule that is not there");
        let (of, name, expectations, failures) = match test {
            RuleTest::Slo(test) => {
                let slo = file.rules.slos.iter().find(|slo| *slo.name == *test.slo).ok_or_else(gone)?;
                (format!("slo {}", slo.name), &test.name, test.expect.len(), sim::run(slo, test)?)
            }
            RuleTest::Alert(test) => {
                let mut alerts = file.rules.alerts.iter();
                let alert = alerts.find(|alert| *alert.name == *test.alert).ok_or_else(gone)?;
                let failures = alert::run(alert, test)?;
                (format!("alert {}", alert.name), &test.name, test.expect.len(), failures)
            }
        };
        Ok(Self { file: path.display().to_string(), of, name: name.clone(), expectations, failures })
    }

    /// The test's name, and below it a line per value that is not as it should be.
    fn show(&self, out: &mut impl Write) -> anyhow::Result<()> {
        writeln!(out, "FAILED {} ({})", self.name, self.of)?;
        let width = |length: fn(&Failure) -> usize| self.failures.iter().map(length).max().unwrap_or(0);
        let (what, expected) = (width(|one| one.what.len()), width(|one| one.expected.len()));
        for failure in &self.failures {
            writeln!(
                out,
                "  {}:{}: at {}m  {:what$}  expected {:expected$}  found {}",
                self.file, failure.line, failure.at_minute, failure.what, failure.expected, failure.found
            )?;
        }
        Ok(())
    }

    fn as_json(&self) -> Value {
        let failures = self.failures.iter().map(|failure| {
            json!({
                "line": failure.line,
                "at_minute": failure.at_minute,
                "what": failure.what,
                "expected": failure.expected,
                "found": failure.found,
            })
        });
        json!({
            "file": self.file,
            "test": self.name,
            "of": self.of,
            "expectations": self.expectations,
            "fine": self.failures.is_empty(),
            "failures": failures.collect::<Vec<_>>(),
        })
    }
}

/// Over all tests.
#[derive(Default)]
struct Sum {
    tests: usize,
    failed: usize,
    expectations: usize,
    unmet: usize,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.tests += 1;
        self.failed += usize::from(!outcome.failures.is_empty());
        self.expectations += outcome.expectations;
        let mut unmet: Vec<_> = outcome.failures.iter().map(|failure| failure.line).collect();
        unmet.dedup();
        self.unmet += unmet.len();
    }

    fn sentence(&self) -> String {
        let plural =
            |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        let all = format!("{}, {}", plural(self.tests, "test"), plural(self.expectations, "expectation"));
        match self.failed {
            0 => format!("{all}, all fine"),
            failed => format!("{all}; {} failed, {} not met", plural(failed, "test"), self.unmet),
        }
    }
}
