//! A second implementation that keeps a list of everything and scans it each time, and the proof that the two agree:
//! late additions, clocks that jump forward and backward, and restarts through rows at any moment.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::views::{latency, tier};
use crate::model::{
    CommitSource, Counts, Judgement, Millis, Minute, Row, RowKind, Severity, SloState, SloView, Timestamp,
};
use crate::slo::{Slo, Slos, TickInput};

/// Everything that was counted, as it came.
#[derive(Default)]
struct Naive {
    events: Vec<(i64, Counts)>,
    forgotten: Vec<Counts>,
    first: Option<i64>,
    is_true: Vec<bool>,
}

fn sum<'a>(counts: impl Iterator<Item = &'a Counts>) -> Counts {
    counts.fold(Counts::default(), |sum, one| Counts {
        good: sum.good + one.good,
        bad: sum.bad + one.bad,
        unmeasured: sum.unmeasured + one.unmeasured,
    })
}

/// Long, short, factor × budget as a fraction, page.
type Rule = (i64, i64, u128, u128, bool);

/// One setting: its window's first minute, how many hours are kept, its rules by hand.
struct Setting {
    slo: Slo,
    from: fn(i64) -> i64,
    kept_hours: i64,
    rules: Vec<Rule>,
}

const KATHMANDU: i64 = 5 * 60 + 45;

fn settings() -> Vec<Setting> {
    let own = |window, tiers| {
        let mut slo = latency("99%", window);
        slo.alerting.tiers = Some(tiers);
        slo
    };
    vec![
        Setting {
            slo: own(
                "2d",
                vec![tier(Severity::Page, "10%", 60, 5), tier(Severity::Ticket, "50%", 1440, 120)],
            ),
            from: |now| now - 2880 + 1,
            kept_hours: 96,
            rules: vec![
                (60, 5, 10 * 2880, 100 * 60 * 100, true),
                (1440, 120, 50 * 2880, 100 * 1440 * 100, false),
            ],
        },
        Setting {
            slo: own(
                "10d",
                vec![tier(Severity::Page, "5%", 61, 7), tier(Severity::Ticket, "50%", 7000, 4321)],
            ),
            from: |now| (now - 14_400 + 1).div_euclid(60) * 60,
            kept_hours: 265,
            rules: vec![
                (61, 7, 5 * 14_400, 100 * 61 * 100, true),
                (7000, 4321, 50 * 14_400, 100 * 7000 * 100, false),
            ],
        },
        Setting {
            slo: own("week in Asia/Kathmandu", vec![tier(Severity::Page, "10%", 60, 5)]),
            // 1970 began on a Thursday.
            from: |now| (now + KATHMANDU + 3 * 1440).div_euclid(7 * 1440) * 7 * 1440 - 3 * 1440 - KATHMANDU,
            kept_hours: 264,
            rules: vec![(60, 5, 10 * 10_080, 100 * 60 * 100, true)],
        },
    ]
}

impl Naive {
    fn add(&mut self, minute: i64, counts: Counts) {
        if counts != Counts::default() {
            self.events.push((minute, counts));
            self.first = Some(self.first.map_or(minute, |first| first.min(minute)));
        }
    }

    fn window(&self, from: i64, to: i64) -> Counts {
        sum(self.events.iter().filter(|(minute, _)| (from..=to).contains(minute)).map(|(_, counts)| counts))
    }

    /// Minutes of hours more than three days back become their hour's first; days too far back are forgotten.
    fn age(&mut self, setting: &Setting, now: i64) {
        let from = (setting.from)(now);
        let is_exact = |minute: i64| {
            let hour = minute.div_euclid(60);
            hour >= (now - 4320).div_euclid(60) || (from.rem_euclid(60) != 0 && hour == from.div_euclid(60))
        };
        let first_day = (now.div_euclid(60) - setting.kept_hours).div_euclid(24);
        for (minute, counts) in std::mem::take(&mut self.events) {
            if is_exact(minute) {
                self.events.push((minute, counts));
            } else if minute.div_euclid(1440) >= first_day {
                self.events.push((minute.div_euclid(60) * 60, counts));
            } else {
                self.forgotten.push(counts);
            }
        }
    }

    /// Yes, no or unknown, by the sentences of the contract.
    fn over(counts: Counts, (parts, of): (u128, u128)) -> Option<bool> {
        let [good, bad, unmeasured] = [counts.good, counts.bad, counts.unmeasured].map(u128::from);
        let all = good + bad + unmeasured;
        if all > 0 && bad * of > all * parts {
            return Some(true);
        }
        if all == 0 || (bad + unmeasured) * of <= all * parts {
            return Some(false);
        }
        let is_known = (good + bad) * 10 >= all * 9;
        is_known.then(|| good + bad > 0 && bad * of > (good + bad) * parts)
    }

    fn state(&mut self, setting: &Setting, now: i64) -> SloState {
        self.is_true.resize(setting.rules.len(), false);
        for (at, (long, short, parts, of, _)) in setting.rules.iter().enumerate() {
            let first = |length: i64| {
                if length > 4320 { (now - length + 1).div_euclid(60) * 60 } else { now - length + 1 }
            };
            let (long, short) = (self.window(first(*long), now), self.window(first(*short), now));
            match (Self::over(long, (*parts, *of)), Self::over(short, (*parts, *of))) {
                (Some(false), _) | (_, Some(false)) => self.is_true[at] = false,
                (Some(true), _) if long.bad < 10 => self.is_true[at] = false,
                (Some(true), Some(true)) => self.is_true[at] = true,
                _ => {}
            }
        }
        let is_true =
            |page: bool| setting.rules.iter().zip(&self.is_true).any(|(rule, is)| *is && rule.4 == page);
        let shortest = setting.rules[0].1;
        let seen = self.window(now - shortest + 1, now);
        match () {
            () if is_true(true) => SloState::Page,
            () if is_true(false) => SloState::Ticket,
            () if (seen.good + seen.bad) * 10 < (seen.good + seen.bad + seen.unmeasured) * 9 => {
                SloState::Unmeasured
            }
            () => SloState::Ok,
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// So many minutes back (or ahead), these counts.
    Count(i64, [u64; 3]),
    /// The clock moves by so many seconds.
    Pass(i64),
    /// The process ends and begins anew from its rows.
    Restart,
    /// Other settings are read, which promise the same.
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ago = prop_oneof![6 => 0..4_i64, 2 => 0..200_i64, 1 => -3..4500_i64, 1 => 0..20_000_i64];
    let counts = prop_oneof![
        (0..200_u64).prop_map(|good| [good, 0, 0]),
        (0..20_u64, 0..30_u64).prop_map(|(good, bad)| [good, bad, 0]),
        [0..20_u64, 0..30_u64, 0..60_u64],
        (0..60_u64).prop_map(|unmeasured| [0, 0, unmeasured]),
    ];
    let pass = prop_oneof![
        4 => 0..100_i64,
        4 => 60..600_i64,
        2 => 3000..8000_i64,
        1 => 80_000..300_000_i64,
        1 => 300_000..1_500_000_i64,
        1 => -4000..0_i64,
        1 => -500_000..0_i64,
    ];
    let step = prop_oneof![
        8 => (ago, counts).prop_map(|(ago, counts)| Step::Count(ago, counts)),
        6 => pass.prop_map(Step::Pass),
        1 => Just(Step::Restart),
        1 => Just(Step::Reload),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a state file would hold.
#[derive(Default)]
struct File(BTreeMap<(RowKind, Vec<u8>), Vec<u8>>);

impl File {
    fn write(&mut self, rows: Vec<Row>) {
        for row in rows {
            match row.value {
                Some(value) => self.0.insert((row.kind, row.key), value),
                None => self.0.remove(&(row.kind, row.key)),
            };
        }
    }

    fn rows(&self) -> Vec<Row> {
        let row = |((kind, key), value): (&(RowKind, Vec<u8>), &Vec<u8>)| Row {
            kind: *kind,
            key: key.clone(),
            value: Some(value.clone()),
        };
        self.0.iter().map(row).collect()
    }
}

fn tick(slos: &mut Slos, now: Timestamp, judgements: &[Judgement]) -> SloView {
    let group = super::views::group("orders-processor", "orders", 0);
    let input = TickInput {
        now,
        up: Ok(()),
        topics: &[],
        groups: std::slice::from_ref(&group),
        groups_complete: true,
        stalled_groups: &BTreeSet::new(),
        judgements,
        commit_source: CommitSource::Log,
        poll_interval: Millis(1000),
    };
    slos.observe(&input).remove(0)
}

fn agree(setting: &Setting, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut now = 1_790_000_000_000_i64;
    let (mut naive, mut file) = (Naive::default(), File::default());
    let mut slos = Slos::new(vec![setting.slo.clone()]).unwrap();
    let mut counted = Counts::default();
    for step in steps {
        let mut judgements = Vec::new();
        match step {
            Step::Pass(seconds) => now += seconds * 1000,
            Step::Count(ago, [good, bad, unmeasured]) => {
                let minute = now.div_euclid(60_000) - ago;
                let counts = Counts { good: *good, bad: *bad, unmeasured: *unmeasured };
                counted = sum([counted, counts].iter());
                naive.add(minute, counts);
                judgements.push(Judgement {
                    group: "orders-processor".into(),
                    topic: "orders".into(),
                    partition: 0,
                    within: Millis(100),
                    minute: Minute(minute),
                    counts,
                });
            }
            Step::Restart | Step::Reload => {
                let rows = if matches!(step, Step::Restart) { file.rows() } else { slos.rows() };
                slos = Slos::new(vec![setting.slo.clone()]).unwrap();
                slos.restore(&rows).unwrap();
            }
        }
        let view = tick(&mut slos, Timestamp(now), &judgements);
        file.write(slos.changed_rows());
        let minute = now.div_euclid(60_000);
        naive.age(setting, minute);
        let from = (setting.from)(minute);
        prop_assert_eq!(view.window, naive.window(from, minute), "the window");
        prop_assert_eq!(view.total, counted, "everything");
        prop_assert_eq!(view.state, naive.state(setting, minute), "the state");
        prop_assert_eq!(view.measured_since, naive.first.map(|first| Timestamp(first * 60_000)));
        let judged = view.window.good + view.window.bad;
        prop_assert_eq!(view.budget_remaining.is_some(), judged > 0);
        for (long, short, ..) in &setting.rules {
            for length in [long, short] {
                let first = minute - length + 1;
                let counts =
                    naive.window(if *length > 4320 { first.div_euclid(60) * 60 } else { first }, minute);
                let rate =
                    view.burn_rates.iter().find(|rate| rate.window.0 == length.unsigned_abs() * 60_000);
                let measured = counts.good + counts.bad;
                let expected = (measured > 0).then(|| counts.bad as f64 / measured as f64 * 100.0);
                let found = rate.unwrap().rate;
                let is_same = found
                    .zip(expected)
                    .map_or(found == expected, |(a, b)| (a - b).abs() <= 1e-9 * b.max(1.0));
                prop_assert!(is_same, "burn rate over {length}: {found:?}, {expected:?}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn running_sums_are_what_a_scan_would_find(setting in 0..3_usize, steps in steps()) {
        agree(&settings()[setting], &steps)?;
    }

    #[test]
    fn no_bytes_make_reading_rows_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), flip in 0..400_usize) {
        let mut slos = Slos::new(vec![settings()[0].slo.clone()]).unwrap();
        tick(&mut slos, Timestamp(0), &[]);
        let mut rows = slos.changed_rows();
        for kind in [RowKind::Slo, RowKind::SloCounts] {
            rows.push(Row { kind, key: bytes.clone(), value: Some(bytes.clone()) });
        }
        let value = rows[0].value.as_mut().unwrap();
        let at = flip / 8 % value.len();
        value[at] ^= 1 << (flip % 8);
        let mut again = Slos::new(vec![settings()[0].slo.clone()]).unwrap();
        if again.restore(&rows).is_ok() {
            // Bytes that read well may say anything; they are checked by a checksum before.
            prop_assert_eq!(tick(&mut again, Timestamp(60_000), &[]).burn_rates.len(), 5);
        }
    }
}
