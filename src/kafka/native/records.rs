//! Takes what a consumer has fetched, many records at a time, with the offset at which a partition ends: the `rdkafka`
//! crate tells that it ends, but not where. Never decodes a record.

use std::ffi::c_int;
use std::ptr;
use std::time::Duration;

use rdkafka::consumer::{Consumer, ConsumerContext};
use rdkafka_sys as sys;

use crate::kafka::error::PARTITION_END;

/// How many records are taken in one call.
const BATCH: usize = 1000;

/// One thing that a consumer has fetched from a partition.
#[derive(Debug)]
pub(in crate::kafka) enum Fetched<'a> {
    /// A record; its timestamp in ms since 1970, below 0 when it has none.
    Record { offset: i64, timestamp: i64, key: &'a [u8], value: Option<&'a [u8]> },
    /// Nothing that may be read is there at this offset yet.
    End { offset: i64 },
    /// Fetching failed, with this code of librdkafka or Kafka.
    Failed { code: c_int },
}

/// Shows `see` what `consumer` has fetched, with the number of the partition. Waits for the first of it, at most
/// `within`; returns how much there was. The consumer must have been made with a group id.
pub(in crate::kafka) fn take_fetched<C: Consumer<X>, X: ConsumerContext>(
    consumer: &C,
    within: Duration,
    mut see: impl FnMut(i32, Fetched<'_>),
) -> usize {
    let mut messages = [ptr::null_mut::<sys::rd_kafka_message_t>(); BATCH];
    // SAFETY: the client outlives the queue by the borrow of `consumer`; the array has room for as many as are asked
    // for. Every message is valid until it is destroyed, once, after `see` has seen it.
    unsafe {
        let queue = sys::rd_kafka_queue_get_consumer(consumer.client().native_ptr());
        if queue.is_null() {
            return 0;
        }
        let mut take = |most: usize, within: Duration| {
            let within = c_int::try_from(within.as_millis()).unwrap_or(c_int::MAX);
            let count = sys::rd_kafka_consume_batch_queue(queue, within, messages.as_mut_ptr(), most);
            let taken = &messages[..usize::try_from(count).unwrap_or(0)];
            for message in taken {
                let (partition, fetched) = read(*message);
                see(partition, fetched);
                sys::rd_kafka_message_destroy(*message);
            }
            taken.len()
        };
        // A batch is waited for until it is full: so what is there first, then for a single one.
        let mut count = take(BATCH, Duration::ZERO);
        if count == 0 && !within.is_zero() {
            count = take(1, within);
        }
        sys::rd_kafka_queue_destroy(queue);
        count
    }
}

/// # Safety
/// `message` is valid for as long as `'a`.
unsafe fn read<'a>(message: *mut sys::rd_kafka_message_t) -> (i32, Fetched<'a>) {
    // SAFETY: by the contract of this function; the error is read as the integer that it is in C, and bytes are as
    // many as the message says.
    unsafe {
        let bytes =
            |start: *const u8, length| (!start.is_null()).then(|| std::slice::from_raw_parts(start, length));
        let code = ptr::read((&raw const (*message).err).cast::<c_int>());
        let offset = (*message).offset;
        let fetched = match code {
            0 => Fetched::Record {
                offset,
                timestamp: sys::rd_kafka_message_timestamp(message, ptr::null_mut()),
                key: bytes((*message).key.cast(), (*message).key_len).unwrap_or_default(),
                value: bytes((*message).payload.cast(), (*message).len),
            },
            PARTITION_END => Fetched::End { offset },
            code => Fetched::Failed { code },
        };
        ((*message).partition, fetched)
    }
}
