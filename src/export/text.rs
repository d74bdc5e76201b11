//! Writes samples in Prometheus' text format (version 0.0.4) straight into a byte buffer.
//! Names, types and labels come from the catalogue. Never allocates per series, never decides what is exported.

use std::io::Write as _;

use crate::model::{Measured, Metric, Millis};

/// A page of metric families. Each family must be written once, whole.
pub(super) struct Page<'a> {
    into: &'a mut Vec<u8>,
    /// What neighbouring samples share, `name{label="…",last="`; kept here to reuse its memory.
    prefix: Vec<u8>,
}

/// One metric's samples. Its `# HELP` and `# TYPE` lines appear with the first of them.
pub(super) struct Family<'p> {
    metric: Metric,
    into: &'p mut Vec<u8>,
    prefix: &'p mut Vec<u8>,
    is_open: bool,
}

/// Samples that share all labels but the last one, which is a number.
pub(super) struct Siblings<'f, 'p> {
    family: &'f mut Family<'p>,
}

/// What a sample can say. Whole numbers are written as such, so none loses digits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Whole(u64),
    Id(i32),
    /// Written in seconds, exactly.
    Length(Millis),
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Whole(u64::from(value))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(u64::from(value))
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Id(value)
    }
}

impl From<Millis> for Value {
    fn from(value: Millis) -> Self {
        Self::Length(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl<'a> Page<'a> {
    /// A page that is appended to `into`.
    pub(super) fn new(into: &'a mut Vec<u8>) -> Self {
        Self { into, prefix: Vec::new() }
    }

    /// The family of `metric`.
    pub(super) fn family(&mut self, metric: Metric) -> Family<'_> {
        Family { metric, into: self.into, prefix: &mut self.prefix, is_open: false }
    }
}

impl<'p> Family<'p> {
    /// One sample. `labels` are the values in the catalogue's order; an empty one is left out, which
    /// means the same to Prometheus.
    pub(super) fn sample(&mut self, labels: &[&str], value: impl Into<Value>) {
        debug_assert_eq!(labels.len(), self.metric.labels().len(), "{:?}", self.metric);
        self.part("", labels, None, value);
    }

    /// One sample, or none when the value was not measured.
    pub(super) fn measured(&mut self, labels: &[&str], value: Measured<impl Into<Value>>) {
        if let Ok(value) = value {
            self.sample(labels, value);
        }
    }

    /// One sample of a summary or a histogram: with a suffix on the name, and `quantile` or `le` as a further label.
    pub(super) fn part(
        &mut self,
        suffix: &str,
        labels: &[&str],
        further: Option<(&str, &str)>,
        value: impl Into<Value>,
    ) {
        let named = self.metric.labels().iter().copied().zip(labels.iter().copied());
        self.write(suffix, named.chain(further), value.into());
    }

    /// One sample with `own` labels behind those of the catalogue. Own ones that Prometheus could not read, or that
    /// would take the place of others, are left out: they would spoil the whole page.
    pub(super) fn labelled<'l>(
        &mut self,
        labels: &[&'l str],
        own: impl Iterator<Item = (&'l str, &'l str)>,
        value: impl Into<Value>,
    ) {
        debug_assert_eq!(labels.len(), self.metric.labels().len(), "{:?}", self.metric);
        let names = self.metric.labels();
        let own = own.filter(|(name, _)| is_label_name(name) && !names.contains(name));
        self.write("", names.iter().copied().zip(labels.iter().copied()).chain(own), value.into());
    }

    fn write<'l>(&mut self, suffix: &str, labels: impl Iterator<Item = (&'l str, &'l str)>, value: Value) {
        self.open();
        start(self.into, self.metric, suffix);
        let mut separator = b'{';
        for (label, value) in labels {
            if !value.is_empty() {
                write_label(self.into, separator, label, value);
                separator = b',';
            }
        }
        if separator == b',' {
            self.into.push(b'}');
        }
        self.into.push(b' ');
        write_value(self.into, value);
        self.into.push(b'\n');
    }

    /// Starts samples that share `labels`: the values of all labels but the last one.
    pub(super) fn siblings(&mut self, labels: &[&str]) -> Siblings<'_, 'p> {
        let names = self.metric.labels();
        debug_assert_eq!(labels.len() + 1, names.len(), "{:?}", self.metric);
        self.prefix.clear();
        start(self.prefix, self.metric, "");
        let mut separator = b'{';
        for (label, value) in names.iter().zip(labels) {
            write_label(self.prefix, separator, label, value);
            separator = b',';
        }
        self.prefix.push(separator);
        self.prefix.extend_from_slice(names.last().map_or("", |name| name).as_bytes());
        self.prefix.extend_from_slice(b"=\"");
        Siblings { family: self }
    }

    fn open(&mut self) {
        if self.is_open {
            return;
        }
        self.is_open = true;
        let (name, kind) = (self.metric.name(), self.metric.kind().label());
        for part in ["# HELP ", name, " ", self.metric.help(), "\n# TYPE ", name, " ", kind, "\n"] {
            self.into.extend_from_slice(part.as_bytes());
        }
    }
}

impl Siblings<'_, '_> {
    /// The sample whose last label is `number`.
    pub(super) fn sample(&mut self, number: u32, value: impl Into<Value>) {
        self.family.open();
        let into = &mut *self.family.into;
        into.extend_from_slice(self.family.prefix);
        into.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        into.extend_from_slice(b"\"} ");
        write_value(into, value.into());
        into.push(b'\n');
    }
}

/// As Prometheus has it; those with two underscores in front are its own.
fn is_label_name(name: &str) -> bool {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.starts_with("__")
        && !name.is_empty()
}

fn start(into: &mut Vec<u8>, metric: Metric, suffix: &str) {
    into.extend_from_slice(metric.name().as_bytes());
    into.extend_from_slice(suffix.as_bytes());
}

fn write_label(into: &mut Vec<u8>, separator: u8, label: &str, value: &str) {
    into.push(separator);
    into.extend_from_slice(label.as_bytes());
    into.extend_from_slice(b"=\"");
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        into.extend_from_slice(&rest[..at]);
        into.extend_from_slice(match rest[at] {
            b'\n' => br"\n",
            b'"' => br#"\""#,
            _ => br"\\",
        });
        rest = &rest[at + 1..];
    }
    into.extend_from_slice(rest);
    into.push(b'"');
}

fn write_value(into: &mut Vec<u8>, value: Value) {
    let mut digits = itoa::Buffer::new();
    match value {
        Value::Whole(value) => into.extend_from_slice(digits.format(value).as_bytes()),
        Value::Id(value) => into.extend_from_slice(digits.format(value).as_bytes()),
        Value::Length(Millis(millis)) => {
            into.extend_from_slice(digits.format(millis / 1000).as_bytes());
            let fraction = millis % 1000;
            if fraction != 0 {
                let digit = |of: u64| b'0' + u8::try_from(of % 10).unwrap_or(0);
                into.extend_from_slice(&[b'.', digit(fraction / 100), digit(fraction / 10), digit(fraction)]);
            }
        }
        Value::Real(value) => {
            // writing to a Vec cannot fail
            let _always_ok = write!(into, "{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: impl Into<Value>, expected: &str) {
        let mut text = Vec::new();
        write_value(&mut text, value.into());
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn own_labels_neither_spoil_the_page_nor_take_another_s_place() {
        let check = |name: &str, expected: &str| {
            let mut text = Vec::new();
            let labels = ["prod", "late", "", "", "", "", "", "", ""];
            let own = [(name, "a\"b\n")].into_iter();
            Page::new(&mut text).family(Metric::Alerts).labelled(&labels, own, 1_u32);
            let text = String::from_utf8(text).unwrap();
            let line = text.lines().last().unwrap();
            let rest = line.strip_prefix(Metric::Alerts.name()).unwrap();
            assert_eq!(rest, format!(r#"{{cluster="prod",alertname="late"{expected}}} 1"#), "{name}");
        };
        check("team", r#",team="a\"b\n""#);
        check("_a1", r#",_a1="a\"b\n""#);
        for refused in ["cluster", "severity", "topic", "cost-centre", "1st", "__name__", "", "é", "a b"] {
            check(refused, "");
        }
    }

    #[test]
    fn numbers_keep_every_digit() {
        check(u64::MAX, "18446744073709551615");
        check(-1_i32, "-1");
        check(true, "1");
        check(Millis(0), "0");
        check(Millis(61_000), "61");
        check(Millis(1_005), "1.005");
        check(Millis(250), "0.250");
        check(0.1_f64, "0.1");
        check(1e-9_f64, "0.000000001");
    }
}
