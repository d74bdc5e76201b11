//! A YAML file as a tree in which every node knows where it stands. Bounds what hostile files may cost.
//! Keeps scalars as they are written (`010` and `no` stay text): their type is the reader's business.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};

/// Larger than any settings file; also bounds the memory that a hostile one may take.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// The longest value: a certificate fits. With the next one it bounds what aliases can multiply into.
const MAX_VALUE_BYTES: usize = 16 * 1024;

/// The most values and brackets that aliases may stand for.
const MAX_REPLAYED: usize = 5000;

/// One node of the file.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it is used; for an alias that is where the alias stands.
    pub at: Span,
    /// The bytes it was written in; for collections, only the beginning.
    pub written: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// A place in the text: line and column from 1, width in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub line: usize,
    pub column: usize,
    pub width: usize,
}

/// The kinds of YAML nodes.
#[derive(Debug)]
pub(super) enum Kind {
    Nothing,
    Scalar(String),
    List(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

impl Kind {
    /// The kind in a newcomer's words.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping of keys to values",
        }
    }
}

/// What the parser could not read: where, what, and what would be right.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub at: Option<Span>,
    pub what: String,
    pub help: &'static str,
}

/// Reads `text`, which is at most [`MAX_BYTES`] long.
pub(super) fn parse(text: &str) -> Result<Node, Unreadable> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: 32, max_nodes: 100_000, max_documents: 2 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPLAYED },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(raw) => Ok(node(raw, text)),
        Err(error) => Err(unreadable(&error)),
    }
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let span = raw.defined.span();
    let start = as_usize(span.byte_offset().unwrap_or(0));
    let written = start..start.saturating_add(as_usize(span.byte_len().unwrap_or(0)));
    let source = text.get(written.clone()).unwrap_or_default();
    let kind = match raw.value {
        Raw::Nothing => Kind::Nothing,
        Raw::Text(value) => Kind::Scalar(value),
        Raw::Resolved(value) if source.trim().is_empty() => Kind::Scalar(value),
        Raw::Resolved(_) => Kind::Scalar(source.trim().to_owned()),
        Raw::List(items) => Kind::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Mapping(entries) => Kind::Mapping(
            entries.into_iter().map(|(key, value)| (node(key, text), node(value, text))).collect(),
        ),
    };
    let alias = raw.referenced != raw.defined;
    let width = if alias { 1 } else { source.lines().next().unwrap_or_default().trim_end().chars().count() };
    Node { at: Span { width: width.max(1), ..place(raw.referenced) }, written, kind }
}

fn place(location: Location) -> Span {
    Span { line: as_usize(location.line()), column: as_usize(location.column()), width: 1 }
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

enum Raw {
    Nothing,
    Text(String),
    /// A plain scalar that the parser took for a number or a truth value.
    Resolved(String),
    List(Vec<Spanned<Raw>>),
    Mapping(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Raw, E> {
        if value.len() > MAX_VALUE_BYTES {
            return Err(E::custom(TOO_LONG));
        }
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Resolved(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Resolved(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Resolved(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Resolved(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut mapping = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            mapping.push(entry);
        }
        Ok(Raw::Mapping(mapping))
    }
}

const NO_ANCHOR: &str = "an alias (`*…`) of an anchor that is not defined above";
const QUOTE_GLOB: &str = "a glob that begins with `*` needs quotes, such as `\"*-dlq\"`";
const TOO_LONG: &str = "value too long";

/// The parser's words for the commonest mistakes, and ours. Quotes nothing from the file, which may be a secret.
const WORDS: &[(&str, &str, &str)] = &[
    (TOO_LONG, "a value longer than 16 KiB", "put it into a file, and write `${file:/path}`"),
    (
        "multiple YAML documents",
        "a second YAML document",
        "settings are one document: remove the line `---` above",
    ),
    ("anchor or alias", NO_ANCHOR, QUOTE_GLOB),
    ("unknown anchor", NO_ANCHOR, QUOTE_GLOB),
    ("tab", "a tab where YAML wants spaces", "indent with spaces"),
    ("unclosed quote", "a quote that is never closed", "close it, or remove it"),
    ("unclosed bracket", "a bracket that is never closed", "close it, or remove it"),
    ("misplaced bracket", "a closing bracket that nothing opened", "remove it, or put the value in quotes"),
    ("mismatched", "a closing bracket of another kind than the opening one", "close what was opened"),
    ("unexpected EOF", "the file ends within a list or mapping", "close the last bracket"),
    (
        "unexpected character: `\\u",
        "a character that YAML does not allow",
        "remove it; is this a text file at all?",
    ),
    ("unexpected character", "a value that begins with a character YAML reserves", "put the value in quotes"),
    (
        "mapping values are not allowed",
        "a `:` that YAML cannot place",
        "put a value with `: ` in it in quotes",
    ),
    ("illegal placement of ':'", "a `:` that YAML cannot place", "is a bracket above not closed?"),
    (
        "block sequence entries are not",
        "a list that begins beside its key",
        "begin the list on a line of its own",
    ),
    ("did not find expected", "a line that is indented differently than those above", "align it with them"),
    ("indent", "a line that is indented differently than YAML wants", "align it with the lines above"),
    ("recursive references", "an alias inside of its own anchor", "remove it"),
    ("recursion limit", "too many levels, one inside the other", "settings never need more than 32 levels"),
    ("budget", "more than any settings file needs", "keep below 32 levels and 100000 values"),
    ("replay", "aliases that multiply into more than any settings file needs", "write the values out"),
    ("merge value", "`<<` needs a mapping, or a list of mappings", "give it an alias such as `*defaults`"),
    ("escape", "an escape that YAML does not know", "use single quotes, in which a `\\` is only itself"),
];

fn unreadable(error: &serde_saphyr::Error) -> Unreadable {
    let message = error.without_snippet().to_string();
    let at = error.location().map(place).filter(|span| span.line > 0);
    let words = WORDS.iter().find(|(theirs, ..)| message.contains(theirs));
    let (what, help) =
        words.map_or(("not valid YAML", "check quotes, brackets and indentation"), |w| (w.1, w.2));
    Unreadable { at, what: what.to_owned(), help }
}
