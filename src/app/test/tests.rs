use super::*;

fn failure(line: usize, at_minute: u64, what: &str, expected: &str, found: &str) -> Failure {
    let [what, expected, found] = [what, expected, found].map(str::to_owned);
    Failure { line, at_minute, what, expected, found }
}

fn outcome(failures: Vec<Failure>) -> Outcome {
    Outcome {
        file: "orders.test.yaml".to_owned(),
        of: "slo orders-on-time".to_owned(),
        name: "ten minutes late".to_owned(),
        expectations: 8,
        failures,
    }
}

#[test]
fn a_failed_test_shows_what_was_expected_and_what_was_found() {
    let mut out = Vec::new();
    let failures = vec![
        failure(14, 121, "state", "ticket", "ok"),
        failure(15, 126, "budget_remaining", "0.98", "0.979"),
    ];
    outcome(failures).show(&mut out).unwrap();
    let expected = "\
FAILED ten minutes late (slo orders-on-time)
  orders.test.yaml:14: at 121m  state             expected ticket  found ok
  orders.test.yaml:15: at 126m  budget_remaining  expected 0.98    found 0.979
";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn the_sum_counts_expectations_not_values() {
    let mut sum = Sum::default();
    sum.add(&outcome(Vec::new()));
    assert_eq!(sum.sentence(), "1 test, 8 expectations, all fine");
    // Two values of one expectation, and one of another.
    let failures = [(3, "good"), (3, "bad"), (4, "state")];
    sum.add(&outcome(failures.map(|(line, what)| failure(line, 1, what, "1", "2")).to_vec()));
    assert_eq!(sum.sentence(), "2 tests, 16 expectations; 1 test failed, 2 not met");
}
