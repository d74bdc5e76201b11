//! How a row is written: the key begins with the cluster, so that a cluster's rows are neighbours; the value begins
//! with a checksum over key and value, so that neither can be taken for another's. Never looks into the value.

use crc32fast::Hasher;

use crate::model::{ClusterName, Row, RowKind, Writer};

const CHECKSUM_BYTES: usize = 4;

/// What all keys of `cluster` begin with, and no key of another cluster.
pub(super) fn prefix(cluster: &ClusterName) -> Vec<u8> {
    // The length comes first, so that no name begins another's.
    let mut prefix = Writer::default();
    prefix.text(cluster.as_str());
    prefix.into_bytes()
}

/// The record of `row`: its key, and its value if it has one.
pub(super) fn encode(cluster: &ClusterName, row: &Row) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut key = prefix(cluster);
    key.push(row.kind as u8);
    key.extend(&row.key);
    let value = row.value.as_ref().map(|value| seal(&key, value));
    (key, value)
}

/// The row behind a key without its prefix; `None` when its kind is not known to this version.
pub(super) fn decode(key: &[u8], value: &[u8]) -> Option<Row> {
    let (number, key) = key.split_first()?;
    let kind = RowKind::ALL.into_iter().find(|kind| *kind as u8 == *number)?;
    Some(Row { kind, key: key.to_owned(), value: Some(value.to_owned()) })
}

/// `value` with the checksum of `key` and `value` before it.
pub(super) fn seal(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(CHECKSUM_BYTES + value.len());
    sealed.extend(checksum(key, value));
    sealed.extend(value);
    sealed
}

/// The value that was sealed under `key`; `None` when key or value are not what was sealed.
pub(super) fn unseal<'a>(key: &[u8], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (stored, value) = sealed.split_at_checked(CHECKSUM_BYTES)?;
    (stored == checksum(key, value)).then_some(value)
}

fn checksum(key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = Hasher::new();
    // Without the length, a byte could move from the key to the value.
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(value);
    hasher.finalize().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_told_from_everything_else() {
        let check = |key: &[u8], sealed: &[u8], expected: Option<&[u8]>| {
            assert_eq!(unseal(key, sealed), expected, "{key:?} {sealed:?}");
        };
        let sealed = seal(b"orders", b"120");
        check(b"orders", &sealed, Some(b"120"));
        check(b"order", &sealed, None);
        check(b"orderz", &sealed, None);
        check(b"orders1", &seal(b"orders", b"120"), None);
        check(b"orders", &sealed[..6], None);
        check(b"orders", &[], None);
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            check(b"orders", &flipped, None);
        }
    }

    #[test]
    fn clusters_do_not_meet() {
        let key = |cluster: &str, key: &[u8]| {
            encode(&cluster.into(), &Row { kind: RowKind::Slo, key: key.to_owned(), value: None }).0
        };
        let check = |cluster: &str, other: &str| {
            assert!(!key(other, b"x").starts_with(&prefix(&cluster.into())), "{cluster} {other}");
        };
        check("prod", "prod-2");
        check("prod-2", "prod");
        check("", "prod");
        assert!(key("prod", b"x").starts_with(&prefix(&"prod".into())));
    }
}
