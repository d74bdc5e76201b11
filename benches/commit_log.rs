//! How fast records of the commit log are decoded, on one core: 1,000 groups commit on 10 topics with 10 partitions
//! each, in the version of Kafka 4 and in that of Kafka 3, and the same of groups that are not watched.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

use divan::Bencher;
use divan::counter::ItemsCount;
use plimsoll::kafka::{CommitLogDecoder, Filter};
use plimsoll::model::{CommitLogEntry, Selector, Timestamp};

const RECORDS: usize = 100_000;

fn main() {
    divan::main();
}

/// Key and value of each record.
fn records(version: i16) -> Vec<(Vec<u8>, Vec<u8>)> {
    let string = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
    let record = |number: usize| {
        let (group, topic) =
            (format!("orders-processor-{:04}", number % 1000), format!("orders-eu-{}", number % 10));
        let partition = u32::try_from(number % 10).unwrap().to_be_bytes();
        let key = [&1_u16.to_be_bytes()[..], &string(&group), &string(&topic), &partition].concat();
        let mut value =
            [&version.to_be_bytes()[..], &(number as u64).to_be_bytes(), &7_u32.to_be_bytes()].concat();
        let at = 1_700_000_000_000_u64 + number as u64;
        if version >= 4 {
            value.push(1);
            value.extend_from_slice(&at.to_be_bytes());
            value.extend_from_slice(&[1, 0, 16]);
            value.extend_from_slice(&[9; 16]);
        } else {
            value.extend_from_slice(&[0, 0]);
            value.extend_from_slice(&at.to_be_bytes());
        }
        (key, value)
    };
    (0..RECORDS).map(record).collect()
}

fn decode(bencher: Bencher<'_, '_>, version: i16, groups: &Filter, expected: usize) {
    let records = records(version);
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let mut decoder = CommitLogDecoder::new(groups.clone(), Filter::default());
        let mut entries = Vec::new();
        for (offset, (key, value)) in (0..).zip(&records) {
            let Some(record) = decoder.decode(key, Some(value)) else { continue };
            let at = record.committed_at.unwrap_or(Timestamp(0));
            entries.push(CommitLogEntry { offset, at, event: record.event });
        }
        assert_eq!(entries.len(), expected);
        entries
    });
}

#[divan::bench(args = [3, 4])]
fn watched(bencher: Bencher<'_, '_>, version: i16) {
    decode(bencher, version, &Filter::default(), RECORDS);
}

#[divan::bench(args = [3, 4])]
fn not_watched(bencher: Bencher<'_, '_>, version: i16) {
    let nobody = Filter { include: vec![Selector::new("payments-*")], exclude: Vec::new() };
    decode(bencher, version, &nobody, 0);
}
