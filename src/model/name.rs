//! Names of clusters, groups and topics, and the selectors that match them.
//! Names are shared, so that a tick over 200,000 partitions copies none of them.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as Kafka or the settings spell it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A cluster's name in the settings, and the `cluster` label of every series.
    ClusterName
}
name! {
    /// A consumer group's id.
    GroupId
}
name! {
    /// A topic's name.
    TopicName
}

/// An exact name, or a glob in which `*` stands for any characters and `?` for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector(String);

impl Selector {
    /// A selector as it is written in the settings.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// The text of the settings.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name itself when the selector can only mean that one, so that its absence can be told.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        (!self.0.contains(['*', '?'])).then_some(self.0.as_str())
    }

    /// Whether the whole of `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        glob(self.0.as_bytes(), name.as_bytes())
    }
}

/// Linear in `pattern × name`: on a mismatch only the last `*` is tried again, one byte further.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut last_star = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                last_star = Some((at, seen));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match &mut last_star {
                None => return false,
                Some((star, matched)) => {
                    *matched += 1;
                    (at, seen) = (*star + 1, *matched);
                }
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_whole_names() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(Selector::new(pattern).matches(name), expected, "{pattern} on {name}");
        };
        check("orders", "orders", true);
        check("orders", "orders-2", false);
        check("orders-*", "orders-eu", true);
        check("*-processor", "orders-processor", true);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-b-b", false);
        check("__*", "__consumer_offsets", true);
        check("o?ders", "orders", true);
        check("*", "", true);
        check("?", "", false);
    }

    #[test]
    fn only_a_selector_without_wildcards_is_exact() {
        assert_eq!(Selector::new("orders").exact(), Some("orders"));
        assert_eq!(Selector::new("orders*").exact(), None);
    }
}
