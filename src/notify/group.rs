//! Groups: incidents that share the values of some labels, and so share messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::stable_key;

/// The labels that a group is told by, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// 32 hexadecimal digits.
    pub(super) key: Arc<str>,
    /// Absent ones are left out.
    pub(super) labels: BTreeMap<String, String>,
}

impl Group {
    /// The group of what has `labels`, by the labels named.
    pub(super) fn of(by: &[String], labels: &BTreeMap<Arc<str>, Arc<str>>) -> Self {
        let shared: BTreeMap<String, String> = by
            .iter()
            .filter_map(|name| Some((name.clone(), labels.get(name.as_str())?.to_string())))
            .collect();
        let parts = shared.iter().flat_map(|(name, value)| [Some(name.as_str()), Some(value.as_str())]);
        // Told apart from the key of any place.
        let key = stable_key([Some("group"), None].into_iter().chain(parts));
        Self { key: key.into(), labels: shared }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_with_the_same_values_are_one_group() {
        let labels = |pairs: &[(&str, &str)]| -> BTreeMap<Arc<str>, Arc<str>> {
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
        };
        let by = ["alertname".to_owned(), "team".to_owned()];
        let group = |pairs: &[(&str, &str)]| Group::of(&by, &labels(pairs));
        let first = group(&[("alertname", "lag"), ("topic", "a"), ("team", "x")]);
        assert_eq!(first, group(&[("alertname", "lag"), ("topic", "b"), ("team", "x")]));
        assert_ne!(first.key, group(&[("alertname", "lag")]).key);
        assert_ne!(group(&[("alertname", "team")]).key, group(&[("team", "alertname")]).key);
        assert_eq!(first.labels, BTreeMap::from([("alertname", "lag"), ("team", "x")].map(owned)));
        assert_eq!(first.key.len(), 32);
        assert_eq!(first.key.as_ref(), KEY);
    }

    fn owned((name, value): (&str, &str)) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    const KEY: &str = "dca8aee9976855cf269eb6965d9f67c5";
}
