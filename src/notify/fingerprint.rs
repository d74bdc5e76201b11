//! Short names of sets, the same in every process and version: FNV-1a with 64 bits, as Prometheus has it.

use super::NoticeKind;
use super::message::Message;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Between texts, so that no two lists of texts are alike: no UTF-8 text holds it.
const SEPARATOR: u8 = 0xff;

/// Of texts in their order. 16 hexadecimal digits.
fn of<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut hash = OFFSET;
    for byte in texts.flat_map(|text| text.bytes().chain([SEPARATOR])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    }
    format!("{hash:016x}")
}

/// Of labels sorted by name, the one that Prometheus and Alertmanager give them.
pub(super) fn of_labels<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    of(labels.flat_map(|(name, value)| [name, value]))
}

/// Of what a message tells: the incidents and their revisions, whatever their order. A message that only repeats also
/// has its minute in it, since otherwise every repetition would be the same.
pub(super) fn of_message(message: &Message) -> String {
    let mut told: Vec<_> = message
        .notices
        .iter()
        .map(|notice| format!("{}.{}", notice.incident.id, notice.incident.revision))
        .collect();
    told.sort();
    if message.notices.iter().all(|notice| notice.kind == NoticeKind::Repeated) {
        told.push(format!("minute {}", message.at.0.div_euclid(60_000)));
    }
    if message.is_drill {
        told.push("drill".to_owned());
    }
    of(told.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_the_fingerprint_that_prometheus_gives_them() {
        let check = |labels: &[(&str, &str)], expected: u64| {
            assert_eq!(of_labels(labels.iter().copied()), format!("{expected:016x}"));
        };
        check(&[], 14_695_981_039_346_656_037);
        check(&[("fear", "love is not enough"), ("name", "garland, briggs")], 5_799_056_148_416_392_346);
    }
}
