//! Takes what a consumer has fetched, with the offset at which a partition ends: the `rdkafka` crate tells that it
//! ends, but not where. Never decodes a record.

use std::ffi::{c_char, c_int};
use std::ptr;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka_sys as sys;

use super::{Event, Queue, externs, text};
use crate::kafka::error::PARTITION_END;

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

/// What a consumer has fetched and nobody has taken yet.
pub(in crate::kafka) struct FetchedRecords<'a, X: ConsumerContext> {
    consumer: &'a BaseConsumer<X>,
    queue: Queue,
}

impl<'a, X: ConsumerContext> FetchedRecords<'a, X> {
    /// Of `consumer`, which must have been made with a group id.
    pub(in crate::kafka) fn of(consumer: &'a BaseConsumer<X>) -> Self {
        // SAFETY: the client outlives the queue by the borrow of `consumer`; the queue is owned, and never null where
        // there is a group id.
        let queue = unsafe { sys::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        Self { consumer, queue: Queue(queue) }
    }

    /// Shows `see` the next thing, with the number of the partition; what is logged meanwhile goes to the consumer's
    /// context. Waits at most `within`; false when there was nothing.
    pub(in crate::kafka) fn take(&self, within: Duration, see: impl FnOnce(i32, Fetched<'_>)) -> bool {
        let Some(event) = self.queue.poll(within) else { return false };
        // SAFETY: the event is alive.
        match unsafe { sys::rd_kafka_event_type(event.0) } {
            sys::RD_KAFKA_EVENT_FETCH => see_record(&event, see),
            sys::RD_KAFKA_EVENT_ERROR => see_error(&event, see),
            sys::RD_KAFKA_EVENT_LOG => log(self.consumer.context().as_ref(), &event),
            // librdkafka's own refreshes of tokens have been made by now; it groups nothing and commits nothing.
            _ => {}
        }
        true
    }
}

fn see_record(event: &Event, see: impl FnOnce(i32, Fetched<'_>)) {
    // SAFETY: the event holds one message, which lives as long as it; bytes are as many as the message says.
    unsafe {
        let message = sys::rd_kafka_event_message_next(event.0);
        if message.is_null() {
            return;
        }
        let bytes =
            |start: *const u8, length| (!start.is_null()).then(|| std::slice::from_raw_parts(start, length));
        let record = Fetched::Record {
            offset: (*message).offset,
            timestamp: sys::rd_kafka_message_timestamp(message, ptr::null_mut()),
            key: bytes((*message).key.cast(), (*message).key_len).unwrap_or_default(),
            value: bytes((*message).payload.cast(), (*message).len),
        };
        see((*message).partition, record);
    }
}

fn see_error(event: &Event, see: impl FnOnce(i32, Fetched<'_>)) {
    // SAFETY: the event is alive; what it tells of a partition is owned and destroyed here.
    unsafe {
        let code = externs::rd_kafka_event_error(event.0);
        let element = sys::rd_kafka_event_topic_partition(event.0);
        if element.is_null() {
            return;
        }
        let (partition, offset) = ((*element).partition, (*element).offset);
        sys::rd_kafka_topic_partition_destroy(element);
        see(
            partition,
            if code == PARTITION_END { Fetched::End { offset } } else { Fetched::Failed { code } },
        );
    }
}

fn log(context: &impl ClientContext, event: &Event) {
    let (mut facility, mut message): (*const c_char, *const c_char) = (ptr::null(), ptr::null());
    let mut level = 0;
    // SAFETY: the event is alive, and the strings live as long as it.
    let (facility, message) = unsafe {
        sys::rd_kafka_event_log(event.0, &raw mut facility, &raw mut message, &raw mut level);
        (text(facility), text(message))
    };
    context.log(RDKafkaLogLevel::Info, facility.trim(), message.trim());
}
