//! Reads typed values out of the tree and collects every problem on the way, rather than stopping at the first.

use std::collections::BTreeMap;
use std::time::Duration;

use super::expand::{self, Lookup};
use super::keys::{Key, Section, Shape, nearest};
use super::problem::Problem;
use super::source::Source;
use super::tree::{Kind, Node, Span};
use super::values;

/// Nobody reads more at once, and each one costs a line of text.
const MAX_PROBLEMS: usize = 100;

/// What is read from, and what was wrong with it so far.
pub(super) struct Reader<'a> {
    pub source: Source<'a>,
    pub lookup: &'a dyn Lookup,
    /// Names of severities that the settings add.
    pub severities: values::Severities,
    problems: Vec<Problem>,
    /// How many more problems there are than are told.
    untold: usize,
}

/// The entries of one mapping whose keys are known.
pub(super) struct Entries<'a> {
    section: &'static Section,
    path: String,
    at: Span,
    found: Vec<(&'static Key, &'a Node)>,
}

impl<'a> Entries<'a> {
    /// The value of `name`, which is one of the section's keys.
    pub(super) fn get(&self, name: &str) -> Option<&'a Node> {
        self.found.iter().find(|(key, _)| key.name == name).map(|(_, node)| *node)
    }

    /// The names of the keys that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.found.iter().map(|(key, _)| key.name)
    }

    /// The place at which the mapping begins.
    pub(super) fn begin(&self) -> Span {
        Span { width: 1, ..self.at }
    }

    /// The path of the mapping itself, such as `clusters[0]`.
    pub(super) fn own_path(&self) -> &str {
        &self.path
    }

    pub(super) fn shape(&self, name: &str) -> Option<&'static Shape> {
        self.section.keys.iter().find(|key| key.name == name).map(|key| &key.shape)
    }

    /// The path of one of the keys, such as `clusters[0].name`.
    pub(super) fn path(&self, name: &str) -> String {
        join(&self.path, name)
    }
}

/// What to do with a key that stands somewhere else.
fn elsewhere(section: &Section, name: &str) -> Option<&'static str> {
    section.elsewhere.iter().find(|(key, _)| *key == name).map(|(_, help)| *help)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: Source<'a>, lookup: &'a dyn Lookup) -> Self {
        let severities = values::Severities::default();
        Self { source, lookup, severities, problems: Vec::new(), untold: 0 }
    }

    /// Every problem, in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.place.as_ref().map(|place| (place.line, place.column)));
        self.problems.dedup();
        if self.untold > 0 {
            let what = format!("{} more problems are not shown", self.untold);
            self.problems.push(self.source.problem(None, what, "mend those above first"));
        }
        self.problems
    }

    /// How many problems were noted.
    pub(super) fn problem_count(&self) -> usize {
        self.problems.len() + self.untold
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, at: Span, what: impl Into<String>, help: impl Into<String>) {
        if self.problems.len() >= MAX_PROBLEMS {
            self.untold += 1;
            return;
        }
        self.problems.push(self.source.problem(Some(at), what, help));
    }

    /// The entries of a mapping; keys that are unknown, given twice or missing are problems.
    pub(super) fn entries<'n>(
        &mut self,
        node: &'n Node,
        section: &'static Section,
        path: &str,
    ) -> Entries<'n> {
        let mut entries = Entries { section, path: path.to_owned(), at: node.at, found: Vec::new() };
        let Some(pairs) = self.pairs(node, path) else { return entries };
        let mut meant = Vec::new();
        let mut foreign = false;
        for (key, name, value) in pairs {
            let Some(known) = section.keys.iter().find(|known| known.name == name) else {
                meant.extend(self.unknown(section, key, name, path));
                foreign |= elsewhere(section, name).is_some();
                continue;
            };
            entries.found.push((known, value));
        }
        // A file of rules has nothing to do with clusters.
        if foreign && entries.found.is_empty() {
            return entries;
        }
        let is_missing =
            |key: &&Key| key.required && entries.get(key.name).is_none() && !meant.contains(&key.name);
        for missing in section.keys.iter().filter(is_missing) {
            let whole = if path.is_empty() { "this file" } else { path };
            let help = format!("add `{}: {}`", missing.name, values::example(&missing.shape));
            self.problem(Span { width: 1, ..entries.at }, format!("{whole} has no `{}`", missing.name), help);
        }
        entries
    }

    /// The one entry of a mapping that has exactly one: its key, value and path.
    pub(super) fn one_of<'n>(
        &mut self,
        node: &'n Node,
        section: &'static Section,
        path: &str,
    ) -> Option<(&'static str, Entries<'n>)> {
        let names = || section.keys.iter().map(|key| key.name).collect::<Vec<_>>().join("`, `");
        if matches!(&node.kind, Kind::Scalar(_) | Kind::List(_)) {
            let what = format!("{path} is {} where a mapping with one key belongs", node.kind.name());
            self.problem(node.at, what, format!("the key is one of `{}`", names()));
            return None;
        }
        let whole = self.entries(node, section, path);
        let found: Vec<(&'static Key, &Node)> = whole.found;
        if let [(key, value)] = found[..] {
            let Shape::Section(within) = &key.shape else { return None };
            return Some((key.name, self.entries(value, within, &join(path, key.name))));
        }
        let is_empty = !matches!(&node.kind, Kind::Mapping(pairs) if !pairs.is_empty());
        if is_empty {
            let help = format!("give it exactly one of `{}`", names());
            self.problem(node.at, format!("{path} is empty"), help);
        } else if found.len() > 1 {
            let given: Vec<_> = found.iter().map(|(key, _)| key.name).collect();
            let what = format!("{path} has {} keys, `{}`", found.len(), given.join("`, `"));
            self.problem(node.at, what, "keep one of them, and write the others as rules of their own");
        }
        None
    }

    /// A mapping's entries with their keys' text, each key once.
    pub(super) fn pairs<'n>(
        &mut self,
        node: &'n Node,
        path: &str,
    ) -> Option<Vec<(&'n Node, &'n str, &'n Node)>> {
        let pairs = match &node.kind {
            Kind::Mapping(pairs) => pairs,
            Kind::Nothing => return Some(Vec::new()),
            other => {
                let whole = if path.is_empty() { "the file" } else { path };
                let what = format!("{whole} is {} where a mapping of keys to values belongs", other.name());
                self.problem(node.at, what, "write `key: value` lines");
                return None;
            }
        };
        let mut seen = Vec::new();
        let mut lines = BTreeMap::new();
        for (key, value) in pairs {
            let Kind::Scalar(name) = &key.kind else {
                let what = format!("a key that is {}", key.kind.name());
                self.problem(key.at, what, "keys are plain names");
                continue;
            };
            if let Some(first) = lines.insert(name, key.at.line) {
                let help = format!("it stands in line {first} already: keep one of them");
                self.problem(key.at, format!("`{}` is given twice", join(path, &self.name(key))), help);
                continue;
            }
            seen.push((key, name.as_str(), value));
        }
        Some(seen)
    }

    /// The key that was probably meant is returned.
    fn unknown(&mut self, section: &Section, key: &Node, name: &str, path: &str) -> Option<&'static str> {
        let place = if path.is_empty() { String::new() } else { format!(" in {path}") };
        if let Some(help) = elsewhere(section, name) {
            self.problem(key.at, format!("`{}` does not belong here", join(path, name)), help);
            return None;
        }
        let meant = nearest(name, section.keys.iter().map(|key| key.name));
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if name.contains('.') && section.keys.iter().any(|key| key.name == "properties") => {
                "properties of librdkafka stand below `properties:`".to_owned()
            }
            None if section.keys.is_empty() => "remove it; there is nothing to be set".to_owned(),
            None => {
                let known: Vec<_> = section.keys.iter().map(|key| format!("`{}`", key.name)).collect();
                format!("known here: {}", known.join(", "))
            }
        };
        self.problem(key.at, format!("unknown key `{}`{place}", self.name(key)), help);
        meant
    }

    /// A key as it may be shown: what looks like a key may be the rest of a password with a comma in it.
    pub(super) fn name(&self, key: &Node) -> String {
        self.source.quote(&key.written)
    }

    /// The items of a list.
    pub(super) fn items<'n>(&mut self, node: &'n Node, path: &str, example: &str) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            other => {
                self.problem(node.at, format!("{path} is {} where a list belongs", other.name()), example);
                None
            }
        }
    }

    /// A single value with its references replaced.
    pub(super) fn text(&mut self, node: &Node, path: &str) -> Option<String> {
        let value = match &node.kind {
            Kind::Scalar(value) => value,
            Kind::Nothing => {
                self.problem(node.at, format!("{path} has no value"), "give it one, or remove the key");
                return None;
            }
            other => {
                let what = format!("{path} is {} where a single value belongs", other.name());
                self.problem(node.at, what, "write one value, in quotes when it has `[`, `{` or `: ` in it");
                return None;
            }
        };
        match expand::expand(value, self.lookup) {
            None => Some(value.clone()),
            Some(Ok(expanded)) => Some(expanded),
            Some(Err(unexpanded)) => {
                for one in unexpanded {
                    if self.problems.len() >= MAX_PROBLEMS {
                        self.untold += 1;
                        continue;
                    }
                    let at = self.source.reference(node, one.index);
                    self.problem(at, format!("{path}: {}", one.what), one.help);
                }
                None
            }
        }
    }

    /// A single value that `read` understands; its error says what is wrong with the value, and what would be right.
    pub(super) fn value<T>(
        &mut self,
        node: &Node,
        path: &str,
        read: impl FnOnce(&str) -> Result<T, values::Wrong>,
    ) -> Option<T> {
        let text = self.text(node, path)?;
        match read(text.trim()) {
            Ok(value) => Some(value),
            Err(wrong) => {
                let quoted = match self.source.quote(&node.written) {
                    empty if empty.is_empty() => String::new(),
                    quoted => format!(": `{quoted}`"),
                };
                self.problem(node.at, format!("{path}{quoted} {}", wrong.what), wrong.help);
                None
            }
        }
    }

    /// The length of time under `name`, within the key's bounds.
    pub(super) fn duration(&mut self, entries: &Entries<'_>, name: &str) -> Option<Duration> {
        let shape = entries.shape(name)?;
        self.value(entries.get(name)?, &entries.path(name), |text| match shape {
            Shape::Minutes(least, most) => values::minutes(text, *least, *most),
            Shape::Duration(least, most) | Shape::Durations(least, most) => {
                values::duration(text, *least, *most)
            }
            _ => Err(values::Wrong { what: "is no length of time".to_owned(), help: String::new() }),
        })
    }

    /// The whole number under `name`, within the key's bounds.
    pub(super) fn integer(&mut self, entries: &Entries<'_>, name: &str) -> Option<u64> {
        let Some(Shape::Integer(least, most)) = entries.shape(name) else { return None };
        self.value(entries.get(name)?, &entries.path(name), |text| values::integer(text, *least, *most))
    }
}
