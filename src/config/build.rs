//! From the tree to the settings: which key goes where.

use std::collections::BTreeMap;
use std::path::Path;

use super::keys::{self, CLUSTER, FILE, HISTORY, HTTP, LATENCY, OTLP, STATE, Section, Shape};
use super::read::{Entries, Reader};
use super::rules::{self, Rules, RulesFile};
use super::tree::{Kind, Node};
use super::values::{self, Wrong};
use super::{Config, notify};
use crate::api::HttpConfig;
use crate::kafka::{ClusterConfig, Filter, RESERVED_PROPERTIES};
use crate::model::{ClusterName, Millis, Secret, Selector};
use crate::state::StateConfig;
use crate::store::HistoryConfig;
use crate::telemetry::{OtlpConfig, OtlpProtocol};

/// The settings in `root` without their rules. They are complete only when the reader has noted no problem.
/// The rules files it names are relative to `folder`, and `None` when it names none.
pub(super) fn config(
    reader: &mut Reader<'_>,
    root: &Node,
    folder: &Path,
) -> (Config, Option<Vec<RulesFile>>) {
    let file = reader.entries(root, &FILE, "");
    let (http, external_url) = http(reader, &file);
    let config = Config {
        clusters: clusters(reader, &file),
        http,
        otlp: otlp(reader, &file),
        history: history(reader, &file),
        state: state(reader, &file),
        latency_bounds: latency_bounds(reader, &file),
        rules: Rules::default(),
        notify: notify::read(reader, &file, folder, external_url),
        severities: notify::severities(reader, &file),
    };
    (config, rules::named(reader, &file, "rules", folder))
}

fn state(reader: &mut Reader<'_>, file: &Entries<'_>) -> StateConfig {
    let Some(entries) = section(reader, file, "state", &STATE) else { return StateConfig::default() };
    StateConfig { path: reader.read(&entries, "path", values::path) }
}

fn latency_bounds(reader: &mut Reader<'_>, file: &Entries<'_>) -> Vec<Millis> {
    let Some(entries) = section(reader, file, "latency", &LATENCY) else { return Vec::new() };
    let Some(Shape::Durations(least, most)) = entries.shape("buckets") else { return Vec::new() };
    let Some(node) = entries.get("buckets") else { return Vec::new() };
    let path = entries.path("buckets");
    let example = "write a list such as `[100ms, 1s, 10s]`";
    let items = reader.items(node, &path, example).unwrap_or_default();
    if items.len() > MOST_BUCKETS {
        let what = format!("{path} has more than {MOST_BUCKETS} items");
        reader.problem(node.at, what, "each costs a series per group and topic, and time lookups");
        return Vec::new();
    }
    let mut bounds: Vec<Millis> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(bound) = reader.value(item, &path, |text| values::duration(text, *least, *most)) else {
            continue;
        };
        let bound = Millis(u64::try_from(bound.as_millis()).unwrap_or(u64::MAX));
        if bounds.last().is_some_and(|below| *below >= bound) {
            reader.problem(item.at, format!("{path} is not above the one before it"), "write them ascending");
        }
        bounds.push(bound);
    }
    bounds
}

/// Each is a series per group and topic.
const MOST_BUCKETS: usize = 50;

fn section<'n>(
    reader: &mut Reader<'_>,
    within: &Entries<'n>,
    name: &str,
    section: &'static Section,
) -> Option<Entries<'n>> {
    let node = within.get(name)?;
    Some(reader.entries(node, section, &within.path(name)))
}

fn clusters(reader: &mut Reader<'_>, file: &Entries<'_>) -> Vec<ClusterConfig> {
    let Some(node) = file.get("clusters") else { return Vec::new() };
    let example = "write a list of them, each beginning with `- name: …`";
    let Some(items) = reader.items(node, "clusters", example) else { return Vec::new() };
    if items.is_empty() {
        reader.problem(node.at, "clusters is empty, so there is nothing to watch", example);
    }
    let mut clusters: Vec<(ClusterConfig, usize)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let entries = reader.entries(item, &CLUSTER, &format!("clusters[{index}]"));
        let Some(cluster) = cluster(reader, &entries) else { continue };
        if let Some((_, first)) = clusters.iter().find(|(earlier, _)| earlier.name == cluster.name) {
            let at = entries.get("name").map_or(item.at, |name| name.at);
            let what = format!("{} is the name of clusters[{first}] too", entries.path("name"));
            reader.problem(at, what, "give each cluster a name of its own");
        }
        clusters.push((cluster, index));
    }
    clusters.into_iter().map(|(cluster, _)| cluster).collect()
}

fn cluster(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<ClusterConfig> {
    let name =
        entries.get("name").and_then(|node| reader.value(node, &entries.path("name"), values::cluster_name));
    let servers = servers(reader, entries);
    let properties = properties(reader, entries);
    let groups = section(reader, entries, "groups", &keys::GROUPS);
    let topics = section(reader, entries, "topics", &keys::TOPICS);
    let mut cluster = ClusterConfig::from_bootstrap_server(
        ClusterName::from(name.clone().unwrap_or_default().as_str()),
        servers,
    );
    cluster.properties = properties;
    filter(reader, groups.as_ref(), &mut cluster.groups, values::group_selector);
    filter(reader, topics.as_ref(), &mut cluster.topics, values::topic_selector);
    set(&mut cluster.poll_interval, reader.duration(entries, "poll_interval"));
    set(&mut cluster.request_timeout, reader.duration(entries, "request_timeout"));
    let lookups =
        reader.integer(entries, "time_lookups_per_second").and_then(|number| number.try_into().ok());
    set(&mut cluster.time_lookups_per_second, lookups);
    name.map(|_| cluster)
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// A list, or one string; each item may be several with commas between, as Kafka's own clients take them.
fn servers(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Vec<String> {
    let path = entries.path("bootstrap_servers");
    let Some(node) = entries.get("bootstrap_servers") else { return Vec::new() };
    let read =
        |text: &str| text.split(',').map(|one| values::server(one.trim())).collect::<Result<Vec<_>, _>>();
    let help = "name one broker or more, such as `[kafka-1:9092, kafka-2:9092]`";
    match &node.kind {
        Kind::List(items) => {
            if items.is_empty() {
                reader.problem(node.at, format!("{path} is empty"), help);
            }
            let each = items.iter().enumerate();
            each.filter_map(|(index, item)| reader.value(item, &format!("{path}[{index}]"), read))
                .flatten()
                .collect()
        }
        Kind::Scalar(_) => reader.value(node, &path, read).unwrap_or_default(),
        Kind::Nothing | Kind::Mapping(_) => {
            reader.problem(node.at, format!("{path} is {} where a list belongs", node.kind.name()), help);
            Vec::new()
        }
    }
}

fn properties(reader: &mut Reader<'_>, entries: &Entries<'_>) -> BTreeMap<String, Secret> {
    let mut properties = BTreeMap::new();
    let Some(node) = entries.get("properties") else { return properties };
    let path = entries.path("properties");
    for (key, name, value) in reader.pairs(node, &path).unwrap_or_default() {
        if let Some((reserved, help)) =
            RESERVED_PROPERTIES.iter().find(|(reserved, _)| *reserved == name.trim())
        {
            reader.problem(key.at, format!("{path}: `{reserved}` cannot be set"), *help);
            continue;
        }
        let path = format!("{path}.{}", reader.name(key));
        if let Kind::Mapping(_) = &value.kind {
            let what = format!("{path} is a mapping, not a single value");
            reader.problem(
                value.at,
                what,
                "write the names of properties with dots, such as `sasl.username: me`",
            );
            continue;
        }
        if let Some(text) = reader.text(value, &path) {
            properties.insert(name.to_owned(), Secret::new(text));
        }
    }
    properties
}

fn filter(
    reader: &mut Reader<'_>,
    entries: Option<&Entries<'_>>,
    filter: &mut Filter,
    read: fn(&str) -> Result<Selector, Wrong>,
) {
    let Some(entries) = entries else { return };
    for (name, selectors) in [("include", &mut filter.include), ("exclude", &mut filter.exclude)] {
        let Some(node) = entries.get(name) else { continue };
        let path = entries.path(name);
        let Some(items) =
            reader.items(node, &path, "write a list, such as `[\"orders-*\"]`, or `[]` for none")
        else {
            continue;
        };
        let each = items.iter().enumerate();
        *selectors =
            each.filter_map(|(index, item)| reader.value(item, &format!("{path}[{index}]"), read)).collect();
    }
}

/// Where is served, and where people reach it.
fn http(reader: &mut Reader<'_>, file: &Entries<'_>) -> (HttpConfig, Option<String>) {
    let mut http = HttpConfig::default();
    let Some(entries) = section(reader, file, "http", &HTTP) else { return (http, None) };
    if let Some(node) = entries.get("listen") {
        set(&mut http.listen, reader.value(node, &entries.path("listen"), values::listen_address));
    }
    (http, reader.read(&entries, "external_url", values::plain_url))
}

fn otlp(reader: &mut Reader<'_>, file: &Entries<'_>) -> OtlpConfig {
    let Some(entries) = section(reader, file, "otlp", &OTLP) else { return OtlpConfig::default() };
    let endpoint =
        entries.get("endpoint").and_then(|node| reader.value(node, &entries.path("endpoint"), values::url));
    let protocol = entries.get("protocol").and_then(|node| {
        reader.value(node, &entries.path("protocol"), |text| {
            OtlpProtocol::from_name(text).ok_or_else(|| Wrong {
                what: "is not a protocol".to_owned(),
                help: format!("write one of `{}`", OtlpProtocol::NAMES.join("`, `")),
            })
        })
    });
    let sample_ratio = entries
        .get("sample_ratio")
        .and_then(|node| reader.value(node, &entries.path("sample_ratio"), values::ratio));
    OtlpConfig { endpoint, protocol, sample_ratio }
}

fn history(reader: &mut Reader<'_>, file: &Entries<'_>) -> HistoryConfig {
    let mut history = HistoryConfig::default();
    let Some(entries) = section(reader, file, "history", &HISTORY) else { return history };
    set(&mut history.max_series, reader.integer(&entries, "max_series"));
    history
}
