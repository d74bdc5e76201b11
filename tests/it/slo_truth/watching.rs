//! A daemon that watches a play: what it has counted so far, beside the truth.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::clock;
use super::judge::{Expected, Threshold, Told};
use super::pipelines::HELD;
use super::play::{Clock, unix_now};
use super::script::{Pipeline, Time};
use super::truth::Truth;
use crate::kafka_server::wait::{try_wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, PATIENCE};
use crate::program::{CLUSTER, Daemon, Settings};

/// In milliseconds: below the shortest and above the longest time between commits.
pub(super) const THRESHOLDS: [Threshold; 8] = [50, 100, 250, 500, 1_000, 2_000, 5_000, 30_000];

/// How far a published time lag may be off: milliseconds.
const TIME_LAG_EXACT: i64 = 1_000;

/// Of which the age of the next record is compared too. The others lag by no age that anybody could know.
const TIME_LAGS: [&str; 6] = ["every-record", "every-200ms", "every-5s", "stalled", "slow", HELD];

/// Good, bad and unmeasured records, by pipeline and threshold.
type Counts = BTreeMap<(String, Threshold), [u64; 3]>;

/// One daemon with a promise for every threshold, over every group; its state outlives it.
pub(super) struct Watching {
    what: &'static str,
    daemon: Option<Daemon>,
    stopped: Option<Settings>,
    environment: Vec<(&'static str, String)>,
    names: Vec<&'static str>,
    samples: Vec<Sample>,
    /// When it was killed.
    killed_at: Option<i64>,
    _folder: TempDir,
}

struct Sample {
    /// When all of it had been told.
    told_at: i64,
    counts: Counts,
    /// By pipeline: when it was measured, and the time lag in milliseconds.
    time_lags: BTreeMap<&'static str, (i64, i64)>,
}

impl Watching {
    /// Returns when it measures every pipeline.
    pub(super) fn start(what: &'static str, cluster: &KafkaCluster, pipelines: &[Pipeline]) -> Watching {
        Watching::start_with_clock(what, cluster, pipelines, 0)
    }

    /// Its clock is `ahead` by so many seconds.
    pub(super) fn start_with_clock(
        what: &'static str,
        cluster: &KafkaCluster,
        pipelines: &[Pipeline],
        ahead: i64,
    ) -> Watching {
        let folder = TempDir::new().unwrap();
        let rules = folder.path().join("rules.yaml");
        std::fs::write(&rules, promises().to_string()).unwrap();
        let state = folder.path().join("state");
        let servers = cluster.bootstrap_server();
        let settings = Settings::with(
            &servers.split(',').collect::<Vec<_>>(),
            &json!({ "poll_interval": "500ms", "time_lookups_per_second": 5_000 }),
            &json!({ "rules": [rules], "state": { "path": state } }),
        );
        let environment = if ahead == 0 { Vec::new() } else { clock::ahead_by(ahead).to_vec() };
        let names = pipelines.iter().map(|pipeline| pipeline.name).collect();
        let samples = Vec::new();
        let mut watching = Watching {
            what,
            daemon: None,
            stopped: Some(settings),
            environment,
            names,
            samples,
            killed_at: None,
            _folder: folder,
        };
        watching.start_again();
        watching
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        self.killed_at = Some(unix_now());
        self.stopped = Some(self.daemon.take().unwrap().kill());
    }

    /// With the settings and the state that it had.
    pub(super) fn start_again(&mut self) {
        let variables: Vec<_> =
            self.environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.daemon = Some(Daemon::start_among(self.stopped.take().unwrap(), &[], &variables));
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    /// Until it knows of the first commit of every pipeline, and has measured for two seconds since: so that every
    /// record to come is appended while it watches.
    pub(super) fn wait_until_it_watches(&self) {
        let daemon = self.daemon();
        daemon.wait_for("every pipeline is measured", |page| {
            self.names.iter().all(|name| {
                page.value("kafka_consumergroup_lag_sum", &[("consumergroup", name), ("topic", name)])
                    .is_some()
            })
        });
        let seen = unix_now();
        wait_until("two seconds of watching", PATIENCE, || {
            let first = self.names[0];
            let group = daemon.json(&format!("/api/v1/groups/{CLUSTER}/{first}"));
            measured_at(&group).is_some_and(|at| at > seen + 2_000 || unix_now() > seen + 10_000)
        });
    }

    /// Notes what it says now; nothing while it is stopped, or has nothing to say.
    pub(super) fn sample(&mut self) {
        let Some(daemon) = &self.daemon else { return };
        let mut time_lags = BTreeMap::new();
        for name in &TIME_LAGS {
            let group = daemon.json(&format!("/api/v1/groups/{CLUSTER}/{name}"));
            let seconds = group["time_lag"]["max_seconds"].as_f64();
            if let (Some(at), Some(seconds)) = (measured_at(&group), seconds) {
                time_lags.insert(*name, (at, (seconds * 1_000.0) as i64));
            }
        }
        let counts = self.counts();
        self.samples.push(Sample { told_at: unix_now(), counts, time_lags });
    }

    fn counts(&self) -> Counts {
        let answer = self.daemon().json("/api/v1/slos");
        let mut counts = Counts::new();
        for slo in answer["slos"].as_array().unwrap_or_else(|| panic!("{answer}")) {
            let (group, topic) = (slo["group"].as_str(), slo["topic"].as_str());
            // Other groups, such as Kafka's own tools, are none of ours.
            let Some(group) = group.filter(|group| self.names.contains(group) && topic == Some(*group))
            else {
                continue;
            };
            let within = slo["slo"].as_str().unwrap().strip_prefix("within-").unwrap().parse().unwrap();
            if slo.get("total").is_none() {
                continue;
            }
            let count = |outcome: &str| slo["total"][outcome].as_u64().unwrap_or_else(|| panic!("{slo}"));
            let all = [count("good"), count("bad"), count("unmeasured")];
            counts.insert((group.to_owned(), within), all);
        }
        counts
    }

    /// Every count at every threshold is the truth, at the end as soon as the last deadline has passed, and none was
    /// ever beyond it on the way there. The histogram holds every record that was committed. Else says what is wrong.
    pub(super) fn compare(&self, truth: &Truth) -> Result<(), String> {
        let expected: BTreeMap<(String, Threshold), Expected> = self
            .names
            .iter()
            .flat_map(|name| THRESHOLDS.map(|within| ((*name).to_owned(), within)))
            .map(|key| (key.clone(), truth.expected(&key.0, key.1, self.told(truth, &key))))
            .collect();
        let is_so = |counts: &Counts| {
            expected.iter().all(|(key, expected)| counts.get(key).is_some_and(|it| expected.is(*it)))
        };
        let came = try_wait_for(2 * PATIENCE, || is_so(&self.counts()).then_some(()));
        if came.is_none() {
            let differences = differences(&expected, &self.counts());
            return Err(format!("{}:\n{differences}\n{}", self.what, self.what_it_says()));
        }
        for sample in &self.samples {
            for (key, counted) in &sample.counts {
                let expected = &expected[key];
                if expected.is_exceeded_by(*counted) {
                    return Err(format!("{}: for a while {key:?} {counted:?}, {expected:?}", self.what));
                }
            }
        }
        // A tick later nothing was counted twice.
        let (now, settled) = (unix_now(), self.counts());
        wait_until("one more second", PATIENCE, || unix_now() > now + 1_000);
        assert_eq!(self.counts(), settled, "{}: the counts went on", self.what);
        // Nothing is older than the budget here: its window comes to hold what was ever counted.
        let windows_hold_all = || {
            let answer = self.daemon().json("/api/v1/slos");
            let mut slos = answer["slos"].as_array().unwrap().iter();
            let is_whole = |slo: &Value, outcome: &str| slo[outcome] == slo["total"][outcome];
            slos.all(|slo| {
                slo.get("total").is_none()
                    || ["good", "bad", "unmeasured"].iter().all(|outcome| is_whole(slo, outcome))
            })
        };
        wait_until(&format!("{}: the windows hold all counts", self.what), PATIENCE, windows_hold_all);
        // The latencies of a commit are counted once all its thresholds are.
        let mut wrong = Ok(());
        let is_whole = try_wait_for(PATIENCE, || {
            wrong = self.compare_histogram(truth, &settled);
            wrong.is_ok().then_some(())
        });
        is_whole.map_or(wrong.map_err(|wrong| format!("{}: {wrong}\n{}", self.what, self.what_it_says())), Ok)
    }

    /// How much it had told of a pipeline before records were deleted there, and before it was killed: what was told was
    /// durable, too.
    fn told(&self, truth: &Truth, key: &(String, Threshold)) -> Told {
        let before = |at: Option<i64>| {
            let at = at?;
            let sample = self.samples.iter().rfind(|sample| sample.told_at < at)?;
            Some(sample.counts.get(key)?.iter().sum())
        };
        Told {
            before_deletion: before(truth.deleted_at(&key.0)).unwrap_or(0),
            before_away: before(self.killed_at).unwrap_or(0),
        }
    }

    /// What it says itself of what it cannot know yet and of its trouble, and the end of its log.
    fn what_it_says(&self) -> String {
        let (_, page) = self.daemon().get("/metrics");
        let is_told = |line: &&str| {
            ["plimsoll_unmeasured{", "plimsoll_time_lookup", "plimsoll_up{", "plimsoll_cluster_info{"]
                .iter()
                .any(|name| line.starts_with(name))
        };
        let log = self.daemon().log();
        let of_trouble =
            log.lines().filter(|line| line.contains("\"WARN\"") && !line.contains("SLO changed"));
        let last: Vec<_> = log.lines().rev().take(20).collect();
        let lines: Vec<_> =
            page.lines().filter(is_told).chain(of_trouble).chain(last.into_iter().rev()).collect();
        lines.join("\n")
    }

    /// All that it has counted as unmeasured for a threshold that is shorter than any time away, except for what
    /// operators have skipped.
    pub(super) fn unmeasured(&self) -> u64 {
        let counts = self.counts();
        let ours = counts.iter().filter(|((name, within), _)| *within == 500 && !name.starts_with("reset"));
        ours.map(|(_, [_, _, unmeasured])| unmeasured).sum()
    }

    fn compare_histogram(&self, truth: &Truth, counts: &Counts) -> Result<(), String> {
        let page = self.daemon().metrics();
        for name in &self.names {
            let labels = [("consumergroup", *name), ("topic", *name)];
            let (count, buckets) = page.histogram("kafka_consumergroup_latency_seconds", &labels).unwrap();
            let (least, most) = truth.committed(name);
            if !(least as f64 <= count && count <= most as f64) {
                let commits = truth.histories(name).iter().flat_map(|history| history.commits.iter().rev());
                return Err(format!(
                    "{name} has {count} latencies of {least} to {most} records committed by {:?}",
                    commits.take(4).collect::<Vec<_>>()
                ));
            }
            for within in THRESHOLDS {
                let bound = within as f64 / 1_000.0;
                let (_, below) = buckets
                    .iter()
                    .find(|(le, _)| (le - bound).abs() < 1e-9)
                    .ok_or_else(|| format!("{name} has no bucket of {bound} s"))?;
                let good = counts[&((*name).to_owned(), within)][0] as f64;
                // Of some records it is known that they were in time for this bound, but not for which others: those
                // have no place in a histogram.
                let is_so = if truth.is_in_doubt(name) { *below <= good } else { *below == good };
                if !is_so {
                    return Err(format!("{name} within {bound} s: {below} latencies, {good} good"));
                }
            }
        }
        Ok(())
    }

    /// Every time lag that was sampled is that of the record in question.
    pub(super) fn expect_time_lags(&self, truth: &Truth) {
        for name in &TIME_LAGS {
            let sampled: Vec<_> =
                self.samples.iter().filter_map(|sample| sample.time_lags.get(name)).collect();
            assert!(sampled.len() >= 5, "{}: {name} was sampled {} times only", self.what, sampled.len());
            let time_lag = truth.time_lag(name);
            let (mut before, mut cycle) = (None, 500);
            for (at, lag) in sampled {
                if before != Some(*at) {
                    cycle = before.map_or(cycle, |before| at - before).max(500);
                    before = Some(*at);
                }
                // It is true of some moment of the cycle that it was measured in, however slow the machine; a commit
                // can be read up to a second after its time.
                let near = (at - cycle - 1_000..=*at).step_by(20).map(&time_lag);
                let off = near.map(|true_lag| (true_lag - lag).abs()).min().unwrap();
                // Cycles that take longer than a second know the age of a record only to within a cycle. And nobody
                // knows of a record before it is in its log.
                let exact = TIME_LAG_EXACT.max(cycle).max(truth.slowest_append);
                assert!(off <= exact, "{}: {name} at {at}: {lag} ms is {off} ms off", self.what);
            }
        }
    }
}

fn measured_at(group: &Value) -> Option<i64> {
    Some(group["measured_at"].as_str()?.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// One for each threshold, over every group and topic.
fn promises() -> Value {
    let slos = THRESHOLDS.map(|within| {
        let within_text = format!("{within}ms");
        json!({
            "name": format!("within-{within}"),
            "indicator": {
                "latency": { "group": "*", "topic": "*", "within": within_text, "accept_commit_resolution": true },
            },
            "objective": "99%",
            "window": "30d",
        })
    });
    json!({ "slos": slos })
}

fn differences(expected: &BTreeMap<(String, Threshold), Expected>, counts: &Counts) -> String {
    let mut told = String::new();
    for ((name, within), expected) in expected {
        let counted = counts.get(&(name.clone(), *within));
        if !counted.is_some_and(|counted| expected.is(*counted)) {
            writeln!(told, "{name} within {within} ms: good, bad, unmeasured {counted:?}, {expected:?}")
                .unwrap();
        }
    }
    told
}

/// Samples of all of `watching`, until the play has come to `time`.
pub(super) fn sample_until(watching: &mut [&mut Watching], clock: Clock, time: Time) {
    while clock.now() < time {
        for one in &mut *watching {
            one.sample();
        }
        clock.wait_until((clock.now() + 300).min(time));
    }
}
