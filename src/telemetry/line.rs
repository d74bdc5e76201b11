//! One log line, as text for people or as JSON for machines. Always exactly one line, whatever a broker, a name or
//! an error contains.

use std::fmt::{Debug, Write};

use serde_json::{Map, Value};
use tracing::Level;
use tracing::field::{Field, Visit};

/// Which cycle a line belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cycle {
    pub(super) cluster: Option<String>,
    pub(super) tick: Option<u64>,
}

impl Cycle {
    /// Takes what is not known yet from a span further out.
    pub(super) fn fill_from(&mut self, outer: &Self) {
        self.cluster = self.cluster.take().or_else(|| outer.cluster.clone());
        self.tick = self.tick.or(outer.tick);
    }
}

/// What an event says: its message and its fields, in the order they were written.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, Value)>,
}

/// Everything a line shows.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) at: jiff::Timestamp,
    pub(super) level: Level,
    pub(super) target: &'a str,
    pub(super) fields: Fields,
    pub(super) cycle: Cycle,
    pub(super) trace_id: Option<String>,
}

impl Line<'_> {
    /// `2026-11-22T10:00:00.000Z  INFO kafka: connected broker=1 cluster=prod tick=7`, with a line feed.
    pub(super) fn text(&self, color: bool) -> String {
        let paint = |style: &str, text: &str| {
            if color { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
        };
        let level = paint(level_style(self.level), &format!("{:>5}", self.level.as_str()));
        // `plimsoll::kafka::admin` is `kafka::admin`: most lines are our own.
        let target = self.target.strip_prefix("plimsoll::").unwrap_or(self.target);
        let target = paint("2", &format!("{target}:"));
        let message = one_line(&self.fields.message);
        let mut line = format!("{} {level} {target} {message}", paint("2", &format!("{:.3}", self.at)));
        let mut add = |name: &str, value: &str| {
            // A String takes every write.
            write!(line, " {}{value}", paint("2", &format!("{name}="))).ok();
        };
        for (name, value) in &self.fields.fields {
            add(name, &shown(value));
        }
        for (name, value) in self.belonging() {
            if !self.fields.fields.iter().any(|(other, _)| *other == name) {
                add(name, &shown(&value));
            }
        }
        line.push('\n');
        line
    }

    /// One JSON object and a line feed.
    pub(super) fn json(&self) -> String {
        let mut object = Map::new();
        object.insert("timestamp".to_owned(), format!("{:.3}", self.at).into());
        object.insert("level".to_owned(), self.level.as_str().into());
        object.insert("target".to_owned(), self.target.into());
        object.insert("message".to_owned(), self.fields.message.as_str().into());
        for (name, value) in self.belonging() {
            object.insert(name.to_owned(), value);
        }
        if !self.fields.fields.is_empty() {
            let fields = self.fields.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
            object.insert("fields".to_owned(), Value::Object(fields.collect()));
        }
        let mut line = Value::Object(object).to_string();
        line.push('\n');
        line
    }

    fn belonging(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let cluster = self.cycle.cluster.as_deref().map(|cluster| ("cluster", cluster.into()));
        let tick = self.cycle.tick.map(|tick| ("tick", tick.into()));
        let trace_id = self.trace_id.as_deref().map(|id| ("trace_id", id.into()));
        [cluster, tick, trace_id].into_iter().flatten()
    }
}

fn level_style(level: Level) -> &'static str {
    match level {
        Level::ERROR => "1;31",
        Level::WARN => "33",
        Level::INFO => "32",
        Level::DEBUG => "34",
        Level::TRACE => "35",
    }
}

/// A value as text: quoted where it could be mistaken for more than one.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "\"=\\".contains(c))
}

/// Shows control characters instead of obeying them: names come from whoever may create a topic.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => self.fields.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}").into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            write!(text, ": {error}").ok();
            cause = error.source();
        }
        self.add(field, text.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let number = serde_json::Number::from_f64(value);
        self.add(field, number.map_or_else(|| value.to_string().into(), Value::Number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, value: &str) -> Line<'static> {
        Line {
            at: jiff::Timestamp::from_millisecond(1_795_000_000_005).unwrap(),
            level: Level::WARN,
            target: "plimsoll::kafka",
            fields: Fields {
                message: message.to_owned(),
                fields: vec![("topic", value.into()), ("partitions", 3.into())],
            },
            cycle: Cycle { cluster: Some("prod".to_owned()), tick: Some(7) },
            trace_id: None,
        }
    }

    #[test]
    fn text_is_for_people() {
        let check = |message, value, expected: &str| assert_eq!(line(message, value).text(false), expected);
        check(
            "no leader",
            "orders",
            "2026-11-18T11:06:40.005Z  WARN kafka: no leader topic=orders partitions=3 cluster=prod tick=7\n",
        );
        check(
            "two\nlines",
            "a \x1b[31mb",
            "2026-11-18T11:06:40.005Z  WARN kafka: two\\nlines topic=\"a \\u{1b}[31mb\" partitions=3 cluster=prod tick=7\n",
        );
    }

    #[test]
    fn colour_changes_nothing_but_the_looks() {
        let (plain, colored) =
            (line("no leader", "orders").text(false), line("no leader", "orders").text(true));
        assert_ne!(plain, colored);
        let mut parts = colored.split('\x1b');
        let mut text = parts.next().unwrap().to_owned();
        parts.for_each(|part| text.push_str(part.split_once('m').unwrap().1));
        assert_eq!(text, plain);
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = line("two\nlines", "orders").json();
        assert_eq!(text.matches('\n').count(), 1);
        let object: Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "timestamp": "2026-11-18T11:06:40.005Z", "level": "WARN", "target": "plimsoll::kafka",
            "message": "two\nlines", "cluster": "prod", "tick": 7,
            "fields": { "topic": "orders", "partitions": 3 },
        });
        assert_eq!(object, expected);
    }
}
