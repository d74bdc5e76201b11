//! Incidents: what is wrong with one group and topic, from its beginning to its end, as people are told of it.
//! Never decides that something is wrong, and never says it to anybody.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Because, ClusterName, GroupId, Millis, Partition, Severity, Timestamp, TopicName};

/// Where incidents happen: one SLO or alert, cluster, group, topic and partition. The same for every incident that
/// there ever is at that place, whatever its severity: what a pager deduplicates by. 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentKey(Arc<str>);

/// One incident among all that there ever were: its key and its beginning. At most 48 characters, `[0-9a-f-]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentId(Arc<str>);

/// What an incident comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IncidentSource {
    /// An SLO whose budget burns too fast.
    Slo,
    /// A plain threshold.
    Alert,
    /// An SLO that could not be measured for too long.
    UnmeasuredSlo,
}

/// What has changed last, of what is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It has begun.
    Opened,
    /// It has become more urgent.
    Escalated,
    /// It has become less urgent.
    Calmed,
    /// It is over.
    Resolved,
}

/// One incident after one tick. Never changes after it was published.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Where.
    pub key: IncidentKey,
    /// Which.
    pub id: IncidentId,
    /// The cluster.
    pub cluster: ClusterName,
    /// What it comes from.
    pub source: IncidentSource,
    /// The SLO's or the alert's name.
    pub name: Arc<str>,
    /// Absent where none is meant, and in a summary.
    pub group: Option<GroupId>,
    /// Absent where none is meant, and in a summary.
    pub topic: Option<TopicName>,
    /// Only of rules that speak per partition.
    pub partition: Option<Partition>,
    /// How many alerts this one stands for; 1 unless it is a summary. Of one that is over as `summary`.
    pub covers: u32,
    /// How urgent it is now; when it is over, how urgent it was last.
    pub severity: Severity,
    /// How urgent it was at its worst.
    pub worst: Severity,
    /// Since when the condition is true, which is before it was an incident where it had to hold for some time.
    pub since: Timestamp,
    /// When it became an incident.
    pub opened_at: Timestamp,
    /// When it was over; absent while it is open.
    pub resolved_at: Option<Timestamp>,
    /// 1 when it opens; every further change that is worth telling adds one.
    pub revision: u32,
    /// What the last revision was.
    pub change: Change,
    /// When the last revision was.
    pub changed_at: Timestamp,
    /// Why it cannot be judged now, if it cannot: it stays as it is. Of one that is over: why, where nobody has seen its
    /// condition end (`rule_gone`), or where it goes on but is told in another way (`summarized`, `told_singly`).
    pub because: Option<Because>,
    /// Its cluster cannot be reached, which is an incident of its own: nothing new is told of this one meanwhile.
    pub inhibited: bool,
    /// What is so, in one clause: `lag is 12000, above 10000`. Of one that is over: what was so when it was last told of.
    pub summary: Arc<str>,
    /// The value that was compared, in the unit of the condition; absent where there is none or it is not measured. Of one
    /// that is over as `summary`: what is so now is in `trend` and `budget`.
    pub value: Option<f64>,
    /// What it costs; only of SLOs.
    pub budget: Option<Budget>,
    /// Lag and where it goes; absent where it is not measured or no group is meant.
    pub trend: Option<Trend>,
    /// Worst first, at most five.
    pub worst_partitions: Vec<WorstPartition>,
    /// What happened around the beginning, in the order of time; at most five.
    pub happenings: Vec<Happening>,
    /// The rule's own labels.
    pub labels: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    /// For people, from the rule.
    pub description: Option<Arc<str>>,
    /// Where it is written what to do.
    pub runbook: Option<Arc<str>>,
}

/// An SLO's error budget during an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The SLO's window as it is written: `30d`.
    pub window: Arc<str>,
    /// The indicator as a phrase: `latency within 100ms`.
    pub indicator: Arc<str>,
    /// Share of the budget that is left, signed; absent while nothing was judged.
    pub remaining: Option<f64>,
    /// The same when the incident opened.
    pub remaining_at_opening: Option<f64>,
    /// When it is used up at the rate of the last hour; absent when it does not shrink or is used up.
    pub exhausted_in: Option<Millis>,
}

/// Lag of the group on the topic, over all partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trend {
    /// In records, now.
    pub lag: u64,
    /// In records, when the incident opened; absent when it was not measured then.
    pub lag_at_opening: Option<u64>,
    /// Of the worst partition, now; absent when it is not measured.
    pub time_lag: Option<Millis>,
    /// In records, five minutes ago or when that is nearer at the first sight of it; absent when it was not measured.
    pub lag_before: Option<u64>,
}

/// A partition that has a share in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorstPartition {
    /// The partition.
    pub partition: Partition,
    /// In records; absent while it is not measured.
    pub lag: Option<u64>,
    /// Records that were late in the last hour; only of SLOs that count records.
    pub bad: Option<u64>,
    /// Who consumes it; absent when nobody does, or it is not known.
    pub owner: Option<Owner>,
}

/// The member of a group that consumes a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its client id.
    pub client_id: Arc<str>,
    /// Its host.
    pub host: Arc<str>,
}

/// Something that happened around the beginning: `the group began to rebalance`, `broker 2 is gone`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// When, to a tick.
    pub at: Timestamp,
    /// What, in one clause.
    pub what: Arc<str>,
}

impl IncidentKey {
    /// The key of a place.
    #[must_use]
    pub fn of(
        cluster: &ClusterName,
        source: IncidentSource,
        name: &str,
        group: Option<&GroupId>,
        topic: Option<&TopicName>,
        partition: Option<Partition>,
    ) -> Self {
        let partition = partition.map(|partition| partition.to_string());
        let place = [group.map(GroupId::as_str), topic.map(TopicName::as_str), partition.as_deref()];
        let rule = [cluster.as_str(), source.label(), name].map(Some);
        Self(stable_key(rule.into_iter().chain(place)).into())
    }

    /// One that was kept.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl IncidentId {
    /// The id of the incident that opened `at` that time.
    #[must_use]
    pub fn new(key: &IncidentKey, at: Timestamp) -> Self {
        Self(format!("{}-{:x}", &key.0[..key.0.len().min(16)], at.0).into())
    }

    /// One that was kept.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl IncidentSource {
    /// As API and state write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Slo => "slo",
            Self::Alert => "alert",
            Self::UnmeasuredSlo => "unmeasured_slo",
        }
    }
}

impl Change {
    /// As API and state write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Escalated => "escalated",
            Self::Calmed => "calmed",
            Self::Resolved => "resolved",
        }
    }
}

impl Incident {
    /// Whether it goes on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// How long it lasted, or has lasted at `now`.
    #[must_use]
    pub fn lasted(&self, now: Timestamp) -> Millis {
        self.resolved_at.unwrap_or(now).since(self.opened_at)
    }

    /// All its labels but the severity, by which routes and silences match and receivers group: the rule's own, which
    /// lose against the fixed ones. A group, topic or partition that there is none of has no label.
    #[must_use]
    pub fn label_set(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        let mut labels = (*self.labels).clone();
        let mut set = |name: &str, value: &str| {
            labels.insert(name.into(), value.into());
        };
        set("alertname", &self.name);
        set("cluster", self.cluster.as_str());
        if self.source != IncidentSource::Alert {
            set("slo", &self.name);
        }
        if self.source == IncidentSource::UnmeasuredSlo {
            set("unmeasured", "true");
        }
        if let Some(group) = &self.group {
            set("consumergroup", group.as_str());
        }
        if let Some(topic) = &self.topic {
            set("topic", topic.as_str());
        }
        if let Some(partition) = self.partition {
            set("partition", &partition.to_string());
        }
        labels
    }
}

/// 32 hexadecimal digits that stand for these texts, in their order and absent ones among them, now and in every later
/// version.
#[must_use]
pub fn stable_key<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut hash = Fnv::default();
    parts.into_iter().for_each(|part| hash.text(part));
    format!("{:032x}", hash.0)
}

/// FNV-1a with 128 bits: the core has no hash of a package, and this one never changes.
struct Fnv(u128);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Fnv {
    /// A text with its end, so that no two lists of texts are alike.
    fn text(&mut self, text: Option<&str>) {
        let bytes = text.into_iter().flat_map(str::bytes).chain([if text.is_some() { 0xff } else { 0xfe }]);
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_a_key_of_its_own_that_never_changes() {
        let key = |name: &str, group: Option<&str>, topic: Option<&str>, partition| {
            let (group, topic) = (group.map(GroupId::from), topic.map(TopicName::from));
            IncidentKey::of(
                &"prod".into(),
                IncidentSource::Alert,
                name,
                group.as_ref(),
                topic.as_ref(),
                partition,
            )
        };
        let all = [
            key("lag", Some("a"), Some("b"), None),
            key("lag", Some("ab"), None, None),
            key("lag", None, Some("ab"), None),
            key("laga", None, Some("b"), None),
            key("lag", Some("a"), Some("b"), Some(0)),
            key("lag", Some(""), Some("b"), None),
            key("lag", None, None, None),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all[0].as_str(), KEY_OF_THE_FIRST);
    }

    const KEY_OF_THE_FIRST: &str = "2caf1700999bb6f7665f08debd72fc26";
}
