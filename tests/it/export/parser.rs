//! A strict reader of Prometheus' text format: what it accepts, Prometheus does.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::str::Chars;

/// Labels in the order of their names.
pub(crate) type Labels = BTreeMap<String, String>;

#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) help: String,
    pub(crate) kind: String,
    /// Sample name and labels → value as written.
    pub(crate) samples: BTreeMap<(String, Labels), String>,
}

/// Families by name. Panics on anything that is not exactly the format.
pub(crate) fn parse(page: &str) -> BTreeMap<String, Family> {
    assert!(page.is_empty() || page.ends_with('\n'), "the last line is not ended");
    let mut families = BTreeMap::<String, Family>::new();
    let mut closed = BTreeSet::new();
    let mut current = String::new();
    for line in page.split_terminator('\n') {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect(line);
            assert!(closed.insert(name.to_owned()), "{name} comes twice");
            name.clone_into(&mut current);
            families.insert(current.clone(), Family { help: help.to_owned(), ..Family::default() });
            continue;
        }
        let family = families.get_mut(&current).expect(line);
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert!(family.kind.is_empty() && family.samples.is_empty(), "{line}");
            family.kind = kind.strip_prefix(&format!("{current} ")).expect(line).to_owned();
            continue;
        }
        let (name, labels, value) = sample(line);
        let suffixes: &[&str] = match family.kind.as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            "summary" => &["", "_sum", "_count"],
            _ => &[""],
        };
        let suffix = name.strip_prefix(&current).expect("a sample of another family");
        assert!(suffixes.contains(&suffix), "{line}");
        assert!(value.parse::<f64>().expect(line).is_finite(), "{line}");
        assert!(family.samples.insert((name, labels), value).is_none(), "{line} comes twice");
    }
    assert!(families.values().all(|family| !family.kind.is_empty() && !family.samples.is_empty()));
    families
}

fn sample(line: &str) -> (String, Labels, String) {
    let mut rest = line.chars().peekable();
    let name = word(&mut rest);
    let mut labels = Labels::new();
    if rest.next_if_eq(&'{').is_some() {
        loop {
            let label = word(&mut rest);
            assert_eq!((rest.next(), rest.next()), (Some('='), Some('"')), "{line}");
            assert!(labels.insert(label, quoted(&mut rest)).is_none(), "{line}");
            match rest.next() {
                Some(',') => {}
                Some('}') => break,
                _ => panic!("{line}"),
            }
        }
    }
    assert_eq!(rest.next(), Some(' '), "{line}");
    (name, labels, rest.collect())
}

fn word(rest: &mut Peekable<Chars<'_>>) -> String {
    let word: String =
        std::iter::from_fn(|| rest.next_if(|char| char.is_ascii_alphanumeric() || *char == '_')).collect();
    assert!(word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'), "{word}");
    word
}

fn quoted(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    loop {
        match rest.next().expect("an unfinished label value") {
            '"' => return text,
            '\\' => text.push(match rest.next() {
                Some('n') => '\n',
                Some(char @ ('"' | '\\')) => char,
                other => panic!("unknown escape {other:?}"),
            }),
            char => text.push(char),
        }
    }
}
