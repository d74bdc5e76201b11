//! Reads the receivers: names, what all kinds have in common, and who stands in for whom.

use std::path::Path;

use super::{Known, Receiver, items, kind};
use crate::config::keys::{RECEIVER, RECEIVER_KINDS};
use crate::config::read::{Entries, Reader};
use crate::config::tree::Node;
use crate::config::values::{self, Wrong};
use crate::notify::{ReceiverConfig, ReceiverKind, ReceiverName};

/// Every receiver in the settings.
pub(super) fn all(reader: &mut Reader<'_>, file: &Entries<'_>, folder: &Path) -> Known {
    let mut known = Known { receivers: Vec::new(), is_complete: true };
    let example = "write a list of them, each beginning with `- name: …`";
    let before = reader.problem_count();
    let mut fallbacks = Vec::new();
    let found = items(reader, file, "receivers", example);
    let mut places = Vec::new();
    for (index, (item, path)) in found.unwrap_or_default().into_iter().enumerate() {
        let entries = reader.entries(item, &RECEIVER, &path);
        let Some(receiver) = receiver(reader, &entries, folder) else {
            known.is_complete = false;
            continue;
        };
        if let Some(first) =
            known.receivers.iter().position(|earlier| earlier.config.name == receiver.config.name)
        {
            let at = entries.get("name").map_or(item.at, |name| name.at);
            let what = format!("{} is the name of receivers[{}] too", entries.path("name"), places[first]);
            reader.problem(at, what, "give each receiver a name of its own");
            continue;
        }
        if let Some(node) = entries.get("fallback") {
            fallbacks.push((known.receivers.len(), node, entries.path("fallback")));
        }
        places.push(index);
        known.receivers.push(receiver);
    }
    known.is_complete &= reader.problem_count() == before;
    set_fallbacks(reader, &mut known, &fallbacks);
    known
}

fn receiver(reader: &mut Reader<'_>, entries: &Entries<'_>, folder: &Path) -> Option<Receiver> {
    let name = reader.read(entries, "name", values::receiver_name);
    let kind = one_kind(reader, entries);
    let rate_limit = reader.read(entries, "rate_limit", values::rate_limit);
    let lookup = reader.lookup;
    let ca_file = reader.read(entries, "ca_file", |text| {
        let path = folder.join(values::path(text)?);
        if lookup.is_file(&path) {
            return Ok(path);
        }
        let help = "name a file with certificates in PEM; paths are relative to the folder of this file";
        Err(Wrong { what: "does not exist, or is no file".to_owned(), help: help.to_owned() })
    });
    let timeout = reader.duration(entries, "timeout");
    let kind = kind?;
    for (key, help) in idle_keys(&kind) {
        if let Some(node) = entries.get(key) {
            let what =
                format!("{} has no effect on a receiver of the kind {}", entries.path(key), kind.label());
            reader.problem(node.at, what, *help);
        }
    }
    let shown = entries.get("name").map(|node| reader.name(node)).unwrap_or_default();
    let usual = ReceiverConfig::new(name?, kind);
    let timeout = timeout.unwrap_or(usual.timeout);
    Some(Receiver { config: ReceiverConfig { rate_limit, ca_file, timeout, ..usual }, shown })
}

/// Keys that a kind of receiver does nothing with, and why.
fn idle_keys(kind: &ReceiverKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        ReceiverKind::Heartbeat(_) => &[
            ("fallback", "remove it: no alert is sent there, so none can be refused"),
            ("rate_limit", "remove it: `interval` says how often it is called"),
        ],
        ReceiverKind::Terminal => &[
            ("fallback", "remove it: standard output refuses nothing"),
            ("ca_file", "remove it: nothing is encrypted there"),
        ],
        _ => &[],
    }
}

fn one_kind(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<ReceiverKind> {
    let given: Vec<&'static str> = entries.names().filter(|name| RECEIVER_KINDS.contains(name)).collect();
    let all = RECEIVER_KINDS.join("`, `");
    match given[..] {
        [one] => kind::read(reader, entries, one),
        [] => {
            let what = format!("{} does not say what it is", entries.own_path());
            reader.problem(entries.begin(), what, format!("give it exactly one of `{all}`"));
            None
        }
        [_, second, ..] => {
            let at = entries.get(second).map_or(entries.begin(), |node| node.at);
            let what = format!("{} is `{}` at once", entries.own_path(), given.join("` and `"));
            reader.problem(at, what, "keep one, and write the others as receivers of their own");
            None
        }
    }
}

/// Sets who stands in for whom, and notes who is unknown and what goes round.
fn set_fallbacks(reader: &mut Reader<'_>, known: &mut Known, fallbacks: &[(usize, &Node, String)]) {
    for (of, node, path) in fallbacks {
        known.receivers[*of].config.fallback = reader.value(node, path, |text| known.name(text));
    }
    let mut told: Vec<ReceiverName> = Vec::new();
    for (of, node, path) in fallbacks {
        let ring = ring(known, *of);
        // A ring is one mistake, wherever one enters it.
        if ring.is_empty() || ring.iter().any(|name| told.contains(name)) {
            continue;
        }
        let shown: Vec<_> = ring
            .iter()
            .chain(ring.first())
            .map(|name| known.get(name).map_or("…", |receiver| receiver.shown.as_str()))
            .collect();
        let what = format!("{path} goes round: {}", shown.join(" → "));
        reader.problem(node.at, what, "remove one of them: in the end somebody has to be told");
        told.extend(ring);
    }
}

/// The receivers from `of` on that stand in for each other until it comes back to `of`; empty when it does not.
fn ring(known: &Known, of: usize) -> Vec<ReceiverName> {
    let first = &known.receivers[of].config;
    let mut ring = Vec::new();
    let mut at = first;
    while ring.len() <= known.receivers.len() {
        ring.push(at.name.clone());
        let next = at.fallback.as_ref().and_then(|name| known.get(name));
        match next.map(|receiver| &receiver.config) {
            Some(next) if next.name == first.name => return ring,
            Some(next) => at = next,
            None => break,
        }
    }
    Vec::new()
}
