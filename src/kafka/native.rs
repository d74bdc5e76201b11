//! Safe wrappers over librdkafka's admin calls that the `rdkafka` crate does not have.
//! The only files with `unsafe` are this and those of its folder. Every event, option set and list is destroyed by its owner's `Drop`;
//! every per-item error is read. Error codes are read as plain integers: a broker may send codes
//! that are newer than the enum in the bindings, and such a value must not become an enum.
//!
//! Calls about groups name their broker. Without one librdkafka looks the coordinator up itself, and up to 2.12 that ends
//! the process: a call that times out leaves its lookup behind, which goes on with freed memory when the coordinator is back.
#![expect(unsafe_code, reason = "librdkafka is a C library; each block says why it is sound")]

mod answers;
mod records;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka_sys as sys;

use self::answers::{
    read_configs, read_group_descriptions, read_group_listing, read_group_offsets, read_list_offsets,
    read_topic_descriptions,
};
pub(super) use self::records::{Fetched, FetchedRecords};
pub(super) use super::answer::{
    DescribedConfigs, DescribedGroup, DescribedMember, DescribedTopic, GroupListing, ListedGroup,
    OffsetRequest, OffsetSpec, PartitionAnswer,
};
use super::error::CallError;

mod externs {
    //! The same C functions as in the bindings, with the integers that C really returns.
    use super::{c_int, sys};
    unsafe extern "C" {
        pub(super) fn rd_kafka_event_error(event: *mut sys::rd_kafka_event_t) -> c_int;
        pub(super) fn rd_kafka_error_code(error: *const sys::rd_kafka_error_t) -> c_int;
        pub(super) fn rd_kafka_ConfigResource_error(resource: *const sys::rd_kafka_ConfigResource_t)
        -> c_int;
        pub(super) fn rd_kafka_ConsumerGroupListing_state(
            listing: *const sys::rd_kafka_ConsumerGroupListing_t,
        ) -> c_int;
        pub(super) fn rd_kafka_ConsumerGroupListing_type(
            listing: *const sys::rd_kafka_ConsumerGroupListing_t,
        ) -> c_int;
    }
}

/// How often a wait for answers looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// Makes admin calls on one client, several at once, and waits for their answers.
#[derive(Debug)]
pub(super) struct AdminCalls<'a> {
    client: *mut sys::rd_kafka_t,
    /// How long librdkafka may take for one call, all retries included.
    timeout: Duration,
    stop: &'a AtomicBool,
    _client: PhantomData<&'a ()>,
}

impl<'a> AdminCalls<'a> {
    /// Calls through `client`, whose native handle outlives this value by the borrow.
    pub(super) fn new<C: Consumer<X>, X: rdkafka::consumer::ConsumerContext>(
        client: &'a C,
        timeout: Duration,
        stop: &'a AtomicBool,
    ) -> Self {
        Self { client: client.client().native_ptr(), timeout, stop, _client: PhantomData }
    }

    /// The groups that each of `brokers` lists, in their order: those that it coordinates. A broker that does not answer
    /// is told as an error of its listing.
    pub(super) fn list_groups(&self, brokers: &[i32]) -> Vec<Result<GroupListing, CallError>> {
        let submit = |_: &i32, call: &Call| {
            // SAFETY: client, options and queue are alive; the call copies what it needs.
            unsafe { sys::rd_kafka_ListConsumerGroups(self.client, call.options, call.queue) };
        };
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS;
        let family = Family { in_flight: brokers.len(), ..Family::of(operation) };
        self.each(family, brokers, |broker| Some(*broker), submit, read_group_listing)
    }

    /// Members of groups, by the broker that coordinates them; one answer per group. No list is empty or names a group twice.
    pub(super) fn describe_groups(
        &self,
        groups: &[(i32, Vec<&str>)],
    ) -> Vec<Result<Vec<DescribedGroup>, CallError>> {
        let submit = |(_, groups): &(i32, Vec<&str>), call: &Call| {
            let names = CNames::new(groups.iter().copied());
            // SAFETY: `names` outlives the call, which copies the strings.
            unsafe {
                sys::rd_kafka_DescribeConsumerGroups(
                    self.client,
                    names.pointers().as_mut_ptr(),
                    names.len(),
                    call.options,
                    call.queue,
                );
            }
        };
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
        let family = Family { in_flight: groups.len(), ..Family::of(operation) };
        self.each(family, groups, |(broker, _)| Some(*broker), submit, read_group_descriptions)
    }

    /// What each of `groups` has committed as the broker says that is named with it, in their order; `read` sees every
    /// partition that it tells. One that does not coordinate the group says so.
    pub(super) fn committed_offsets<T>(
        &self,
        groups: &[(&str, i32)],
        in_flight: usize,
        read: impl Fn(&mut dyn Iterator<Item = PartitionAnswer<'_>>) -> T,
    ) -> Vec<Result<T, CallError>> {
        let submit = |(group, _): &(&str, i32), call: &Call| {
            let name = c_string(group);
            // SAFETY: a null list asks for all partitions; the call copies the request, which is destroyed here.
            unsafe {
                let mut request = sys::rd_kafka_ListConsumerGroupOffsets_new(name.as_ptr(), ptr::null());
                sys::rd_kafka_ListConsumerGroupOffsets(
                    self.client,
                    &raw mut request,
                    1,
                    call.options,
                    call.queue,
                );
                sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
            }
        };
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
        let family = Family { in_flight, ..Family::of(operation) };
        self.each(
            family,
            groups,
            |(_, broker)| Some(*broker),
            submit,
            |event| read_group_offsets(event, &read),
        )
    }

    /// Answers of ListOffsets for each of `batches`, in their order. A batch must not hold a partition twice,
    /// and should be small: librdkafka takes quadratic time in it.
    pub(super) fn list_offsets<T>(
        &self,
        batches: &[Vec<OffsetRequest>],
        read_committed: bool,
        in_flight: usize,
        read: impl Fn(&mut dyn Iterator<Item = PartitionAnswer<'_>>) -> T,
    ) -> Vec<Result<T, CallError>> {
        let submit = |batch: &Vec<OffsetRequest>, call: &Call| {
            // SAFETY: the list is filled before use, copied by the call and destroyed here.
            unsafe {
                let list = sys::rd_kafka_topic_partition_list_new(c_length(batch.len()));
                for request in batch {
                    let name = c_string(request.topic.as_str());
                    let number = request.partition.cast_signed();
                    let entry = sys::rd_kafka_topic_partition_list_add(list, name.as_ptr(), number);
                    (*entry).offset = request.spec.wire();
                }
                sys::rd_kafka_ListOffsets(self.client, list, call.options, call.queue);
                sys::rd_kafka_topic_partition_list_destroy(list);
            }
        };
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
        let family = Family { operation, read_committed, in_flight };
        self.each(family, batches, |_| None, submit, |event| read_list_offsets(event, &read))
    }

    /// Ids of `topics`; one answer per topic. Never creates one.
    pub(super) fn describe_topics(&self, topics: &[&str]) -> Result<Vec<DescribedTopic>, CallError> {
        let names = CNames::new(topics.iter().copied());
        let submit = |(): &(), call: &Call| {
            // SAFETY: the collection copies the names, the call copies the collection, which is destroyed here.
            unsafe {
                let collection =
                    sys::rd_kafka_TopicCollection_of_topic_names(names.pointers().as_mut_ptr(), names.len());
                sys::rd_kafka_DescribeTopics(self.client, collection, call.options, call.queue);
                sys::rd_kafka_TopicCollection_destroy(collection);
            }
        };
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        self.only(operation, submit, read_topic_descriptions)
    }

    /// Settings of `topics`; one answer per topic.
    pub(super) fn topic_configs(&self, topics: &[&str]) -> Result<Vec<DescribedConfigs>, CallError> {
        let submit = |(): &(), call: &Call| {
            // SAFETY: the resources are copied by the call and destroyed here.
            unsafe {
                let mut resources: Vec<_> = topics
                    .iter()
                    .map(|topic| {
                        let name = c_string(topic);
                        let kind = sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
                        sys::rd_kafka_ConfigResource_new(kind, name.as_ptr())
                    })
                    .collect();
                let count = resources.len();
                sys::rd_kafka_DescribeConfigs(
                    self.client,
                    resources.as_mut_ptr(),
                    count,
                    call.options,
                    call.queue,
                );
                sys::rd_kafka_ConfigResource_destroy_array(resources.as_mut_ptr(), count);
            }
        };
        self.only(sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, submit, read_configs)
    }

    fn only<T>(
        &self,
        operation: sys::rd_kafka_admin_op_t,
        submit: impl Fn(&(), &Call),
        read: impl Fn(&Event) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let mut answers = self.each(Family::of(operation), &[()], |()| None, submit, read);
        answers.pop().unwrap_or_else(|| Err(CallError::timed_out()))
    }

    /// Submits `requests`, each to the broker that it names or else to one that librdkafka chooses, and reads the
    /// answer of each.
    fn each<R, T>(
        &self,
        family: Family,
        requests: &[R],
        broker_of: impl Fn(&R) -> Option<i32>,
        submit: impl Fn(&R, &Call),
        read: impl Fn(&Event) -> Result<T, CallError>,
    ) -> Vec<Result<T, CallError>> {
        let queue = Queue::new(self.client);
        let mut answers: Vec<_> = requests.iter().map(|_| Err(CallError::timed_out())).collect();
        let (mut sent, mut answered) = (0, 0);
        let mut quiet = Duration::ZERO;
        // librdkafka answers every call by its own timeout; waiting twice as long covers its bookkeeping.
        let patience = self.timeout * 2 + Duration::from_secs(1);
        while answered < requests.len() && quiet < patience && !self.stop.load(Ordering::Relaxed) {
            while sent < requests.len() && sent - answered < family.in_flight {
                let broker = broker_of(&requests[sent]);
                let options = Options::new(self.client, family, broker, self.timeout, sent + 1);
                submit(&requests[sent], &Call { options: options.0, queue: queue.0 });
                sent += 1;
            }
            let Some(event) = queue.poll(STOP_CHECK) else {
                quiet += STOP_CHECK;
                continue;
            };
            quiet = Duration::ZERO;
            if let Some(slot) = event.number().checked_sub(1).and_then(|index| answers.get_mut(index)) {
                *slot = event.error().map_or_else(|| read(&event), Err);
                answered += 1;
            }
        }
        answers
    }
}

/// What the calls that are made at once have in common.
#[derive(Clone, Copy)]
struct Family {
    operation: sys::rd_kafka_admin_op_t,
    read_committed: bool,
    /// At most so many calls are unanswered at a time.
    in_flight: usize,
}

impl Family {
    /// One call at a time.
    fn of(operation: sys::rd_kafka_admin_op_t) -> Self {
        Self { operation, read_committed: false, in_flight: 1 }
    }
}

/// What a submission needs, borrowed for its length.
struct Call {
    options: *const sys::rd_kafka_AdminOptions_t,
    queue: *mut sys::rd_kafka_queue_t,
}

struct Queue(*mut sys::rd_kafka_queue_t);

impl Queue {
    fn new(client: *mut sys::rd_kafka_t) -> Self {
        // SAFETY: the client is alive for the borrow of `AdminCalls`.
        Self(unsafe { sys::rd_kafka_queue_new(client) })
    }

    fn poll(&self, within: Duration) -> Option<Event> {
        let millis = c_int::try_from(within.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the queue is alive; a non-null event is owned by the caller.
        let event = unsafe { sys::rd_kafka_queue_poll(self.0, millis) };
        (!event.is_null()).then_some(Event(event))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once; librdkafka drops answers that still arrive for it.
        unsafe { sys::rd_kafka_queue_destroy(self.0) };
    }
}

struct Options(*mut sys::rd_kafka_AdminOptions_t);

impl Options {
    fn new(
        client: *mut sys::rd_kafka_t,
        family: Family,
        broker: Option<i32>,
        timeout: Duration,
        number: usize,
    ) -> Self {
        let millis = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        let mut text = [0 as c_char; 256];
        // SAFETY: the options are owned; the opaque is a number that is never dereferenced. All settings
        // are valid for these operations, so their error results can only be null or "no error".
        unsafe {
            let options = sys::rd_kafka_AdminOptions_new(client, family.operation);
            sys::rd_kafka_AdminOptions_set_request_timeout(options, millis, text.as_mut_ptr(), text.len());
            sys::rd_kafka_AdminOptions_set_opaque(options, ptr::without_provenance_mut::<c_void>(number));
            if let Some(broker) = broker {
                // Below 0, which no broker's id is, the coordinator would be looked up after all.
                sys::rd_kafka_AdminOptions_set_broker(options, broker.max(0), text.as_mut_ptr(), text.len());
            }
            if family.read_committed {
                let level = sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED;
                let refused = sys::rd_kafka_AdminOptions_set_isolation_level(options, level);
                if !refused.is_null() {
                    sys::rd_kafka_error_destroy(refused);
                }
            }
            Self(options)
        }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once; the calls have copied it.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.0) };
    }
}

struct Event(*mut sys::rd_kafka_event_t);

impl Event {
    fn number(&self) -> usize {
        // SAFETY: the event is alive; the opaque is the number that `Options` set.
        unsafe { sys::rd_kafka_event_opaque(self.0) }.addr()
    }

    fn error(&self) -> Option<CallError> {
        // SAFETY: the event is alive; the string lives as long as it.
        unsafe {
            let code = externs::rd_kafka_event_error(self.0);
            (code != 0).then(|| CallError::new(code, &text(sys::rd_kafka_event_error_string(self.0))))
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once; everything read from it was copied.
        unsafe { sys::rd_kafka_event_destroy(self.0) };
    }
}

/// Names as C wants them; the pointers live as long as this value.
struct CNames(Vec<CString>);

impl CNames {
    fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        Self(names.map(c_string).collect())
    }

    fn pointers(&self) -> Vec<*const c_char> {
        self.0.iter().map(|name| name.as_ptr()).collect()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// A name of Kafka never holds NUL; what a settings file might sneak in ends there.
fn c_string(name: &str) -> CString {
    CString::new(name.split('\0').next().unwrap_or_default()).unwrap_or_default()
}

fn c_length(length: usize) -> c_int {
    c_int::try_from(length).unwrap_or(c_int::MAX)
}

/// # Safety
/// `string` is null or a C string that lives during the call.
unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: by the contract of this function.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
