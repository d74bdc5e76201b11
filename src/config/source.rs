//! The settings' text: makes problems out of places in it, and shows no secret while doing so.

use std::ops::Range;

use super::mask::{self, Mask, STAND_IN};
use super::problem::{Place, Problem, clean};
use super::tree::{Kind, Node, Span};

/// Wider lines are cropped around the caret.
const MAX_SHOWN: usize = 100;

/// What some editors put at the beginning of a file; the parser does not count it.
const BOM: char = '\u{feff}';

/// A file's text.
#[derive(Debug)]
pub(super) struct Source<'a> {
    file: &'a str,
    text: &'a str,
    /// The byte at which each line begins.
    starts: Vec<usize>,
    mask: Mask,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let start = |line: &str| line.as_ptr() as usize - text.as_ptr() as usize;
        Self { file, text, starts: mask::lines(text).map(start).collect(), mask: Mask::of(text) }
    }

    /// A problem at `at`, or with the whole file.
    pub(super) fn problem(
        &self,
        at: Option<Span>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        Problem {
            file: Some(self.file.to_owned()),
            place: at.map(|span| self.place(span)),
            what: clean(&what.into()),
            help: Some(clean(&help.into())),
        }
    }

    /// Hides every value in the tree that stands under the key of a secret, wherever it was written.
    pub(super) fn hide_secrets(&mut self, node: &Node) {
        match &node.kind {
            Kind::Nothing | Kind::Scalar(_) => {}
            Kind::List(items) => items.iter().for_each(|item| self.hide_secrets(item)),
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    if matches!(&key.kind, Kind::Scalar(name) if mask::is_secret(name)) {
                        self.hide(value);
                    } else {
                        self.hide_secrets(value);
                    }
                }
            }
        }
    }

    fn hide(&mut self, node: &Node) {
        match &node.kind {
            Kind::Nothing => {}
            Kind::Scalar(_) => {
                let (line, start) = self.position(node.written.start);
                let (last, _) = self.position(node.written.end);
                self.mask.hide(line, start, last);
            }
            Kind::List(items) => items.iter().for_each(|item| self.hide(item)),
            Kind::Mapping(entries) => entries.iter().for_each(|(_, value)| self.hide(value)),
        }
    }

    /// The line from 0 of a byte, and the byte's place in it.
    fn position(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= byte).saturating_sub(1);
        (line, byte - self.starts.get(line).copied().unwrap_or(0))
    }

    /// A line from 0, without its end.
    fn line(&self, line: usize) -> &'a str {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        mask::lines(&self.text[start..]).next().unwrap_or_default()
    }

    /// Where a byte stands, for people.
    fn span(&self, byte: usize, width: usize) -> Span {
        let (line, within) = self.position(byte);
        let before = self.line(line).get(..within).unwrap_or_default();
        Span { line: line + 1, column: before.trim_start_matches(BOM).chars().count() + 1, width }
    }

    /// Where the `index`th `${` of a value stands, when that can be told from how it was written.
    pub(super) fn reference(&self, node: &Node, index: usize) -> Span {
        let written = self.text.get(node.written.clone()).unwrap_or_default();
        let starts: Vec<usize> = written.match_indices("${").map(|(at, _)| at).collect();
        let Some(start) = starts.get(index).filter(|_| self.is_written_at(node)) else {
            return node.at;
        };
        let length = written[*start..].find('}').map_or(2, |end| end + 1);
        let width = written[*start..start + length].lines().next().unwrap_or_default().chars().count();
        self.span(node.written.start + start, width.max(1))
    }

    /// Whether the node stands where it is used, rather than behind an alias.
    fn is_written_at(&self, node: &Node) -> bool {
        let written = self.span(node.written.start, 1);
        (written.line, written.column) == (node.at.line, node.at.column)
    }

    /// A value as it was written, short enough to quote and without secrets.
    pub(super) fn quote(&self, written: &Range<usize>) -> String {
        let text = self.text.get(written.clone()).unwrap_or_default().trim();
        let (line, column) = self.position(written.start);
        if text.contains("://") && text.contains('@')
            || self.mask.hidden_from(line).is_some_and(|from| from <= column)
        {
            return STAND_IN.to_owned();
        }
        let mut lines = text.lines();
        let line = lines.next().unwrap_or_default().trim_matches(['"', '\'']);
        let mut short: String = line.chars().take(60).collect();
        if short.len() < line.len() || lines.next().is_some() {
            short.push('…');
        }
        short
    }

    fn place(&self, span: Span) -> Place {
        let number = span.line.saturating_sub(1);
        let text = self.line(number);
        let hidden_from = self.mask.hidden_from(number);
        let hidden_from =
            hidden_from.map(|byte| text.get(..byte).unwrap_or(text).trim_start_matches(BOM).chars().count());
        let mut line: Vec<char> = clean(text.trim_start_matches(BOM)).chars().collect();
        let mut indent = span.column.saturating_sub(1).min(line.len());
        let mut width = span.width.min(line.len() - indent).max(1);
        if let Some(from) = hidden_from {
            line.truncate(from);
            let gap = line.last().is_some_and(|c| !c.is_whitespace()) && from > 0;
            line.extend(gap.then_some(' '));
            let hidden = line.len();
            line.extend(STAND_IN.chars());
            if indent >= from {
                (indent, width) = (hidden, STAND_IN.len());
            } else {
                width = width.min(from - indent).max(1);
            }
        }
        let skipped = if line.len() > MAX_SHOWN { indent.saturating_sub(MAX_SHOWN / 3) } else { 0 };
        let mut shown: String = line.iter().skip(skipped).take(MAX_SHOWN).collect();
        if skipped > 0 {
            shown.replace_range(..shown.chars().next().map_or(0, char::len_utf8), "…");
        }
        if skipped + MAX_SHOWN < line.len() {
            shown.push('…');
        }
        let indent = indent - skipped;
        let width = width.min(MAX_SHOWN - indent.min(MAX_SHOWN - 1));
        Place { line: span.line, column: span.column, shown: shown.trim_end().to_owned(), indent, width }
    }
}
