//! `plimsoll test` as it is called: what scripted events lead to, shown and ended as promised.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A folder with the rules of `tests/config/rules` and the test file `text`.
fn run(text: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/rules/orders.yaml");
    fs::copy(from, folder.path().join("orders.yaml")).unwrap();
    fs::write(folder.path().join("orders.test.yaml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("test").args(more).arg("orders.test.yaml").current_dir(folder.path()).output().unwrap()
}

fn check(text: &str, code: i32, expected: &str) {
    let output = run(text, &[]);
    let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), told.as_str()), (Some(code), expected), "{text}");
}

/// Ten minutes at 15% late, and lag above the threshold from minute 10 to 20.
const TESTS: &str = "\
rules: [orders.yaml]
tests:
  - name: ten minutes at 15% late
    slo: orders-on-time
    events:
      - { from: 0m, to: 120m, good: 600 }
      - { from: 120m, to: 130m, good: 510, bad: 90 }
      - { from: 130m, to: 600m, good: 600 }
    expect:
      - { at: 120m, state: ok, budget_remaining: 1 }
      - { at: 121m, state: ticket }
      - { at: 125m, state: ticket }
      - { at: 126m, state: page, good: 75060, bad: 540, budget_remaining: 0.979167, burn_rate: { 1h: 15 } }
      - { at: 158m, state: page }
      - { at: 159m, state: ticket }
      - { at: 487m, state: ticket }
      - { at: 488m, state: ok }
  - name: ten minutes above
    alert: orders-lag
    values:
      - { from: 0m, to: 10m, lag: 10000 }
      - { from: 10m, to: 18m, lag: 10001 }
      - { from: 18m, to: 20m, unmeasured: true }
    expect:
      - { at: 10m, state: ok }
      - { at: 11m, state: pending }
      - { at: 14m, state: pending }
      - { at: 15m, state: firing }
      - { at: 20m, state: firing }
      - { at: 22m, state: ok }
";

#[test]
fn tests_that_are_met_end_with_0_and_one_line() {
    check(TESTS, 0, "2 tests, 14 expectations, all fine\n");
}

#[test]
fn what_is_not_met_is_shown_with_its_line_and_ends_with_1() {
    let wrong = TESTS
        .replace("at: 121m, state: ticket", "at: 121m, state: ok")
        .replace("bad: 540, budget_remaining: 0.979167", "bad: 54, budget_remaining: 0.98")
        .replace("at: 15m, state: firing", "at: 15m, state: pending");
    check(
        &wrong,
        1,
        "\
FAILED ten minutes at 15% late (slo orders-on-time)
  orders.test.yaml:11: at 121m  state  expected ok  found ticket
  orders.test.yaml:13: at 126m  bad    expected 54  found 540
FAILED ten minutes above (alert orders-lag)
  orders.test.yaml:28: at 15m  state  expected pending  found firing
2 tests, 14 expectations; 2 tests failed, 3 not met
",
    );
}

#[test]
fn a_file_with_problems_ends_with_2() {
    check(
        &TESTS.replace("slo: orders-on-time", "slo: orders-in-time"),
        2,
        "\
orders.test.yaml:4:10: tests[0].slo: `orders-in-time` is no slo of the rules
   4 |     slo: orders-in-time
     |          ^^^^^^^^^^^^^^ did you mean `orders-on-time`?
",
    );
}

#[test]
fn as_json_each_test_tells_its_failures() {
    let output = run(&TESTS.replace("at: 22m, state: ok", "at: 22m, state: firing"), &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told[0]["fine"], &told[0]["expectations"]), (&true.into(), &8.into()));
    let failure = &told[1]["failures"][0];
    assert_eq!((&failure["expected"], &failure["found"]), (&"firing".into(), &"ok".into()));
    assert_eq!((&failure["line"], &failure["at_minute"]), (&30.into(), &22.into()));
}
