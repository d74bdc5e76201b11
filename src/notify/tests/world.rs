//! A world that goes wrong in every way at once: incidents that come and go, receivers that fail, a process that dies
//! between an answer and its row. Everything that was said in it is written down.

use std::collections::BTreeSet;

use super::*;
use crate::model::{Row, RowKind};

/// How a receiver behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Well,
    Down,
    /// It asks for half a minute of peace.
    Busy,
    /// Every other message fails.
    Flaky,
}

/// What happens next.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Open(usize, Severity),
    Change(usize, Severity),
    Resolve(usize),
    /// So many places of one rule and cluster at once.
    Flood(usize, Severity),
    ResolveAll,
    Inhibit(usize, bool),
    Silence(usize, u64),
    ExpireSilences,
    Mood(usize, Mood),
    /// The process dies after the answer to the message after so many.
    Die(usize),
    Reconfigure(bool),
    Wait(u64),
}

/// A message that was taken.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) at: Timestamp,
    pub(super) message: Message,
    /// That it was taken was never known.
    pub(super) is_lost: bool,
}

pub(super) const CLUSTERS: [&str; 2] = ["prod", "test"];
pub(super) const PLACES: usize = 40;
pub(super) const SILENCES: [&str; 4] =
    ["severity=ticket", "alertname=a", "cluster=test", "topic=~\"t[0-4]\""];

/// Everything by name, and the limits of two of them.
pub(super) fn config(has_comer: bool) -> NotifyConfig {
    let mut receivers = vec![
        receiver("pager", pager()),
        receiver("bot", bot()),
        receiver("chat", slack()),
        receiver("hook", hook()),
        receiver("manager", alertmanager()),
        receiver("terminal", ReceiverKind::Terminal),
        receiver("strict", hook()),
        receiver("spare", slack()),
    ];
    receivers[0].rate_limit = Some(RateLimit { messages: 12, per: Duration::from_secs(60) });
    receivers[3].rate_limit = Some(RateLimit { messages: 7, per: Duration::from_secs(60) });
    receivers[6].fallback = Some("spare".into());
    let mut routes = vec![
        route(&["severity=page"], &["pager", "chat"]),
        route(&["alertname=a"], &["bot", "strict"]),
        route(&["topic!=t0"], &["hook", "manager", "terminal"]),
    ];
    routes[0].grouping = Some(GroupingConfig { wait: Duration::from_secs(10), ..GroupingConfig::default() });
    if has_comer {
        receivers.push(receiver("comer", slack()));
        routes.push(route(&[], &["comer"]));
    }
    routes.iter_mut().for_each(|route| route.goes_on = true);
    NotifyConfig { receivers, routes, ..NotifyConfig::default() }
}

pub(super) struct World {
    outbox: Outbox,
    config: NotifyConfig,
    rows: BTreeMap<(ClusterName, RowKind, Vec<u8>), Vec<u8>>,
    pub(super) now: Timestamp,
    places: Vec<Option<Incident>>,
    over: Vec<Incident>,
    inhibited: [bool; 2],
    moods: BTreeMap<ReceiverName, Mood>,
    dies_after: Option<usize>,
    pub(super) deaths: usize,
    pub(super) said: Vec<Said>,
    /// When each receiver was handed a message, whatever it did with it.
    pub(super) handed: Vec<(ReceiverName, Timestamp)>,
    /// Of each incident: the severities it has had, and whether it was ever muted.
    pub(super) severities: BTreeMap<IncidentId, BTreeSet<Severity>>,
    pub(super) muted: BTreeSet<IncidentId>,
}

impl World {
    pub(super) fn new() -> Self {
        let config = config(true);
        Self {
            outbox: Outbox::new(config.clone(), 7),
            config,
            rows: BTreeMap::new(),
            now: START,
            places: vec![None; PLACES],
            over: Vec::new(),
            inhibited: [false; 2],
            moods: BTreeMap::new(),
            dies_after: None,
            deaths: 0,
            said: Vec::new(),
            handed: Vec::new(),
            severities: BTreeMap::new(),
            muted: BTreeSet::new(),
        }
    }

    /// All incidents that there ever were.
    pub(super) fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.places.iter().flatten().chain(&self.over)
    }

    pub(super) fn step(&mut self, step: &Step) {
        // No place has two incidents that begin at the same time.
        if !matches!(step, Step::Mood(..)) {
            self.now = self.now + Millis(1);
        }
        match *step {
            Step::Open(place, severity) => self.open(place, severity),
            Step::Flood(kind, severity) => {
                (0..PLACES).filter(|place| place % 4 == kind).for_each(|place| self.open(place, severity));
            }
            Step::Change(place, severity) => {
                let now = self.now;
                if let Some(incident) = &mut self.places[place]
                    && incident.severity != severity
                {
                    *incident = changed(incident, severity, now);
                }
            }
            Step::Resolve(place) => {
                let over = self.places[place].take().map(|incident| resolved(&incident, self.now));
                self.over.extend(over);
            }
            Step::ResolveAll => (0..PLACES).for_each(|place| self.step(&Step::Resolve(place))),
            Step::Inhibit(cluster, is_inhibited) => self.inhibited[cluster] = is_inhibited,
            Step::Silence(which, seconds) => {
                let wanted = NewSilence {
                    matchers: vec![Matcher::parse(SILENCES[which]).unwrap()],
                    starts_at: self.now,
                    ends_at: self.now + Millis::from_seconds(seconds),
                    author: "ada".to_owned(),
                    comment: String::new(),
                };
                let (_, rows) = self.outbox.add_silence(wanted, self.now).unwrap();
                self.apply(rows);
            }
            Step::ExpireSilences => {
                let ids: Vec<_> = self.outbox.silences().map(|silence| silence.id.clone()).collect();
                for id in ids {
                    let (_, rows) = self.outbox.expire_silence(&id, self.now).unwrap();
                    self.apply(rows);
                }
            }
            Step::Mood(which, mood) => {
                self.moods.insert(self.config.receivers[which].name.clone(), mood);
            }
            Step::Die(after) => self.dies_after = Some(after),
            Step::Reconfigure(has_comer) => {
                self.config = config(has_comer);
                let done = self.outbox.reconfigure(self.config.clone(), self.now);
                self.apply(done.rows);
            }
            Step::Wait(millis) => self.wait(Millis(millis)),
        }
        self.tick();
    }

    /// From now on nothing goes wrong any more.
    pub(super) fn heal(&mut self) {
        self.moods.clear();
        self.inhibited = [false; 2];
        self.dies_after = None;
        self.step(&Step::ExpireSilences);
    }

    fn open(&mut self, place: usize, severity: Severity) {
        let (cluster, rule) = (CLUSTERS[place % 2], ["a", "b"][place / 2 % 2]);
        if self.places[place].is_none() {
            let opened = incident_in(cluster, rule, &format!("t{}", place / 4), severity, self.now);
            self.places[place] = Some(opened);
        }
    }

    /// What a cycle does: the incidents as they are, and the rows of it all at once.
    fn tick(&mut self) {
        let all: Vec<_> = self.incidents().cloned().collect();
        all.iter().for_each(|incident| self.note(incident));
        for (cluster, inhibited) in CLUSTERS.into_iter().zip(self.inhibited) {
            let cluster = ClusterName::from(cluster);
            let mut incidents: Vec<Arc<Incident>> = Vec::new();
            for incident in self.places.iter_mut().flatten().filter(|incident| incident.cluster == cluster) {
                incident.inhibited = inhibited;
                incidents.push(Arc::new(incident.clone()));
            }
            let over = self.over.iter().rev().filter(|incident| incident.cluster == cluster);
            // Fewer than there are, so that some leave before they are told.
            incidents.extend(over.take(8).cloned().map(Arc::new));
            let rows = self.outbox.see(&cluster, &incidents, self.now);
            self.apply(rows);
            self.outbox.saved(&cluster);
        }
    }

    fn note(&mut self, incident: &Incident) {
        self.severities.entry(incident.id.clone()).or_default().insert(incident.severity);
        let labels = incident.label_set();
        let is_active = |silence: &Silence| silence.state(self.now) == SilenceState::Active;
        let mut silences = self.outbox.silences().filter(|silence| is_active(silence));
        let is_inhibited = self.inhibited[usize::from(incident.cluster.as_str() == CLUSTERS[1])];
        if is_inhibited || silences.any(|silence| silence.matches(&labels, incident.severity)) {
            self.muted.insert(incident.id.clone());
        }
    }

    fn wait(&mut self, length: Millis) {
        let until = self.now + length;
        loop {
            self.tick();
            let mut due = until;
            let names: Vec<_> = self.config.receivers.iter().map(|receiver| receiver.name.clone()).collect();
            for name in &names {
                due = due.min(self.run(name));
            }
            if self.now >= until {
                return;
            }
            self.now = due.max(self.now + Millis(1));
        }
    }

    /// Tells a receiver all that it may be told now; says when to come back.
    fn run(&mut self, name: &ReceiverName) -> Timestamp {
        loop {
            match self.outbox.next(name, self.now) {
                Next::Message(message) => self.send(&message),
                Next::At(due) => return due,
                Next::Idle => return Timestamp(i64::MAX),
            }
        }
    }

    fn send(&mut self, message: &Message) {
        let rows = self.outbox.sending(message);
        self.apply(rows);
        self.handed.push((message.receiver.clone(), self.now));
        let mood = self.moods.get(&message.receiver).copied().unwrap_or(Mood::Well);
        let later = |seconds| Failure::Later { answer: "503".to_owned(), after: seconds };
        let is_strict = message.receiver.as_str() == "strict";
        let topics = message.notices.iter().filter_map(|notice| notice.incident.topic.as_ref());
        let failure = match mood {
            Mood::Down => Some(later(None)),
            Mood::Busy => Some(later(Some(Duration::from_secs(30)))),
            Mood::Flaky if self.handed.len().is_multiple_of(2) => Some(later(None)),
            _ if is_strict && topics.into_iter().any(|topic| topic.as_str() == "t3") => {
                Some(Failure::Never { answer: "400".to_owned() })
            }
            _ => None,
        };
        let is_taken = failure.is_none();
        let rows = match failure {
            Some(failure) => self.outbox.failed(message, &failure, TOOK, self.now),
            None => self.outbox.delivered(message, &taken(message), TOOK, self.now),
        };
        let dies = self.dies_after == Some(0);
        self.dies_after = self.dies_after.and_then(|after| after.checked_sub(1));
        if is_taken {
            self.said.push(Said { at: self.now, message: message.clone(), is_lost: dies });
        }
        if dies {
            self.deaths += 1;
            self.restart();
        } else {
            self.apply(rows);
        }
    }

    fn restart(&mut self) {
        self.outbox = Outbox::new(self.config.clone(), self.deaths as u64);
        let clusters = CLUSTERS.map(ClusterName::from);
        for cluster in clusters.iter().chain([&of_no_cluster()]) {
            let rows = self.rows.iter().filter(|((of, ..), _)| of == cluster);
            let rows: Vec<Row> = rows
                .map(|((_, kind, key), value)| Row {
                    kind: *kind,
                    key: key.clone(),
                    value: Some(value.clone()),
                })
                .collect();
            self.outbox.restore(cluster, &rows).unwrap();
        }
        self.tick();
    }

    fn apply(&mut self, rows: Rows) {
        for (cluster, rows) in rows {
            for row in rows {
                let key = (cluster.clone(), row.kind, row.key);
                match row.value {
                    Some(value) => self.rows.insert(key, value),
                    None => self.rows.remove(&key),
                };
            }
        }
    }
}
