//! What SLOs and alerts have in common: selectors, labels, texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::keys::Shape;
use crate::config::read::{Entries, Reader};
use crate::config::values::{self, Wrong};
use crate::model::{Millis, Ratio, Selector, Severity};

impl Reader<'_> {
    /// What `read` makes of the value under `name`; `None` when there is none, or when it is a problem.
    pub(in crate::config) fn read<T>(
        &mut self,
        entries: &Entries<'_>,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.value(entries.get(name)?, &entries.path(name), read)
    }

    /// The length of time under `name`, within the key's bounds.
    pub(in crate::config) fn millis(&mut self, entries: &Entries<'_>, name: &str) -> Option<Millis> {
        let length = self.duration(entries, name)?;
        u64::try_from(length.as_millis()).ok().map(Millis)
    }

    /// The words under `name`.
    pub(in crate::config) fn words(&mut self, entries: &Entries<'_>, name: &str) -> Option<Arc<str>> {
        self.read(entries, name, values::text).map(Arc::from)
    }

    /// The key's choice under `name`.
    pub(in crate::config) fn choice(&mut self, entries: &Entries<'_>, name: &str) -> Option<&'static str> {
        let Some(Shape::Choice(choices)) = entries.shape(name) else { return None };
        self.read(entries, name, |text| {
            choices.iter().find(|choice| **choice == text).copied().ok_or_else(|| Wrong {
                what: "is none of the choices".to_owned(),
                help: format!("write one of `{}`", choices.join("`, `")),
            })
        })
    }

    /// The share under `name`, which has to be above 0.
    pub(in crate::config) fn some_share(&mut self, entries: &Entries<'_>, name: &str) -> Option<Ratio> {
        self.read(entries, name, |text| {
            let share = values::share(text)?;
            if share.parts() == 0 {
                let help = "write a share above 0, such as `1%`".to_owned();
                return Err(Wrong { what: "is nothing".to_owned(), help });
            }
            Ok(share)
        })
    }

    /// The severity under `severity`.
    pub(in crate::config) fn severity(&mut self, entries: &Entries<'_>) -> Option<Severity> {
        let severities = std::mem::take(&mut self.severities);
        let read = self.read(entries, "severity", |text| severities.read(text));
        self.severities = severities;
        read
    }

    /// The selector of groups.
    pub(in crate::config) fn group(&mut self, entries: &Entries<'_>) -> Option<Selector> {
        self.read(entries, "group", values::group_selector)
    }

    /// The selector of topics.
    pub(in crate::config) fn topic(&mut self, entries: &Entries<'_>) -> Option<Selector> {
        self.read(entries, "topic", values::topic_selector)
    }

    /// The rule's own labels.
    pub(in crate::config) fn labels(&mut self, entries: &Entries<'_>) -> Arc<BTreeMap<Arc<str>, Arc<str>>> {
        let mut labels = BTreeMap::new();
        let path = entries.path("labels");
        let pairs = entries.get("labels").and_then(|node| self.pairs(node, &path)).unwrap_or_default();
        for (key, name, value) in pairs {
            let shown = self.name(key);
            if let Err(wrong) = values::label_name(name) {
                self.problem(key.at, format!("{path}: `{shown}` {}", wrong.what), wrong.help);
                continue;
            }
            if let Some(text) = self.value(value, &format!("{path}.{shown}"), values::text) {
                labels.insert(Arc::from(name), Arc::from(text));
            }
        }
        Arc::new(labels)
    }
}

/// "what is wrong: what to change", or "what is wrong; what to change", in its two parts.
pub(super) fn sentence_and_help(sentence: &str) -> (&str, &str) {
    sentence.rsplit_once("; ").or_else(|| sentence.rsplit_once(": ")).unwrap_or((sentence, ""))
}
