//! No record of the commit log makes the decoder panic, and each is counted once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll::kafka::{CommitLogDecoder, Filter};

fuzz_target!(|record: (&[u8], Option<&[u8]>)| {
    let (key, value) = record;
    let mut decoder = CommitLogDecoder::new(Filter::default(), Filter::default());
    let decoded = decoder.decode(key, value);
    let counts = decoder.counts();
    assert_eq!(counts.decoded, u64::from(decoded.is_some()));
    assert_eq!(counts.decoded + counts.skipped + counts.unknown + counts.malformed, 1);
});
