//! Selectors that mean nothing that there is: mistyped names, and globs without a match.

use super::AlertInput;
use super::definition::Condition;
use super::places::Target;
use crate::model::{Because, Selector};

/// Why `condition` has nothing to look at; nothing where it has, or where nobody can know.
pub(super) fn unmatched(condition: &Condition, has_matched: bool, input: &AlertInput<'_>) -> Option<Because> {
    if input.up.is_err() {
        return None;
    }
    if let Condition::DeadLetters { dead_letter_topic, .. } = condition
        && let because @ Some(_) = no_topic(dead_letter_topic, input)
    {
        return because;
    }
    if has_matched {
        return None;
    }
    let of = match condition.target() {
        Target::Cluster => return None,
        Target::Topic(selector) => return no_topic(selector, input),
        Target::Consumption(of) => of,
    };
    let mut meant = input.groups.iter().filter(|view| of.group.matches(view.group.as_str())).peekable();
    if meant.peek().is_none() {
        // A group that a broker could not list may be there.
        return if input.groups_complete { none("group", &of.group) } else { None };
    }
    // Without their commits nobody knows what they consume.
    if meant.any(|view| view.commits.is_err()) {
        return None;
    }
    let topic = of.topic.as_ref()?;
    if topic.exact().is_some()
        && let because @ Some(_) = no_topic(topic, input)
    {
        return because;
    }
    let is_consumed = input
        .groups
        .iter()
        .filter(|view| of.group.matches(view.group.as_str()))
        .any(|view| view.topics.iter().any(|view| topic.matches(view.topic.as_str())));
    let sentence = format!("{} has no commits on {}", of.group.as_str(), topic.as_str());
    (!is_consumed).then(|| Because { label: "no_commits", sentence: sentence.into() })
}

fn no_topic(selector: &Selector, input: &AlertInput<'_>) -> Option<Because> {
    let is_there = input.topics.iter().any(|view| selector.matches(view.topic.as_str()));
    if is_there { None } else { none("topic", selector) }
}

fn none(what: &str, selector: &Selector) -> Option<Because> {
    let name = selector.as_str();
    match selector.exact() {
        Some(_) if what == "group" => {
            Some(Because { label: "no_such_group", sentence: format!("no such group: {name}").into() })
        }
        Some(_) => {
            Some(Because { label: "no_such_topic", sentence: format!("no such topic: {name}").into() })
        }
        // A cluster may well be empty.
        None if name == "*" => None,
        None => Some(Because { label: "no_match", sentence: format!("no {what} matches {name}").into() }),
    }
}
