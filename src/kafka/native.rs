//! Safe wrappers over librdkafka's admin calls that the `rdkafka` crate does not have.
//! The only files with `unsafe` are this and those of its folder. Every event, option set and list is destroyed by its owner's `Drop`;
//! every per-item error is read. Error codes are read as plain integers: a broker may send codes
//! that are newer than the enum in the bindings, and such a value must not become an enum.
#![expect(unsafe_code, reason = "librdkafka is a C library; each block says why it is sound")]

mod records;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka_sys as sys;

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

    /// Every group that the brokers list, in one call to each broker.
    pub(super) fn list_groups(&self) -> Result<GroupListing, CallError> {
        let submit = |(): &(), call: &Call| {
            // SAFETY: client, options and queue are alive; the call copies what it needs.
            unsafe { sys::rd_kafka_ListConsumerGroups(self.client, call.options, call.queue) };
        };
        self.only(sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, submit, read_group_listing)
    }

    /// Members of `groups`; one answer per group.
    pub(super) fn describe_groups(&self, groups: &[&str]) -> Result<Vec<DescribedGroup>, CallError> {
        let names = CNames::new(groups.iter().copied());
        let submit = |(): &(), call: &Call| {
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
        self.only(operation, submit, read_group_descriptions)
    }

    /// The committed offsets of each of `groups`, in their order; `read` sees every partition that the coordinator tells.
    pub(super) fn committed_offsets<T>(
        &self,
        groups: &[&str],
        in_flight: usize,
        read: impl Fn(&mut dyn Iterator<Item = PartitionAnswer<'_>>) -> T,
    ) -> Vec<Result<T, CallError>> {
        let submit = |group: &&str, call: &Call| {
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
        self.each(operation, false, groups, in_flight, submit, |event| read_group_offsets(event, &read))
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
        self.each(operation, read_committed, batches, in_flight, submit, |event| {
            read_list_offsets(event, &read)
        })
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
        let mut answers = self.each(operation, false, &[()], 1, submit, read);
        answers.pop().unwrap_or_else(|| Err(CallError::timed_out()))
    }

    /// Submits `requests` with at most `in_flight` unanswered, and reads the answer of each.
    fn each<R, T>(
        &self,
        operation: sys::rd_kafka_admin_op_t,
        read_committed: bool,
        requests: &[R],
        in_flight: usize,
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
            while sent < requests.len() && sent - answered < in_flight {
                let options = Options::new(self.client, operation, self.timeout, read_committed, sent + 1);
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
        operation: sys::rd_kafka_admin_op_t,
        timeout: Duration,
        read_committed: bool,
        number: usize,
    ) -> Self {
        let millis = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        let mut text = [0 as c_char; 256];
        // SAFETY: the options are owned; the opaque is a number that is never dereferenced. Both settings
        // are valid for these operations, so their error results can only be null or "no error".
        unsafe {
            let options = sys::rd_kafka_AdminOptions_new(client, operation);
            sys::rd_kafka_AdminOptions_set_request_timeout(options, millis, text.as_mut_ptr(), text.len());
            sys::rd_kafka_AdminOptions_set_opaque(options, ptr::without_provenance_mut::<c_void>(number));
            if read_committed {
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

/// # Safety
/// `error` is null or lives during the call.
unsafe fn item_error(error: *const sys::rd_kafka_error_t) -> Option<CallError> {
    if error.is_null() {
        return None;
    }
    // SAFETY: by the contract of this function; the string belongs to the error.
    unsafe {
        let code = externs::rd_kafka_error_code(error);
        (code != 0).then(|| CallError::new(code, &text(sys::rd_kafka_error_string(error))))
    }
}

/// # Safety
/// `items` points to `count` valid elements, or is null with a count of 0, for as long as `'s`.
unsafe fn items<'s, T>(items: *mut *const T, count: usize) -> &'s [*const T] {
    if items.is_null() {
        return &[];
    }
    // SAFETY: by the contract of this function.
    unsafe { std::slice::from_raw_parts(items.cast_const(), count) }
}

/// # Safety
/// `list` is null or lives, unchanged, for as long as `'s`.
unsafe fn partitions<'s>(
    list: *const sys::rd_kafka_topic_partition_list_t,
) -> impl Iterator<Item = PartitionAnswer<'s>> {
    let elements = if list.is_null() {
        &[]
    } else {
        // SAFETY: by the contract of this function, `elems` holds `cnt` elements.
        unsafe {
            let count = usize::try_from((*list).cnt).unwrap_or(0);
            if count == 0 { &[] } else { std::slice::from_raw_parts((*list).elems, count) }
        }
    };
    // SAFETY: elements of a living list.
    elements.iter().map(|element| unsafe { partition(element, -1) })
}

/// # Safety
/// `element` is valid for as long as `'s`.
unsafe fn partition<'s>(
    element: *const sys::rd_kafka_topic_partition_t,
    timestamp: i64,
) -> PartitionAnswer<'s> {
    // SAFETY: the element is valid; its error is read as the integer that it is in C. A topic name is ASCII.
    unsafe {
        PartitionAnswer {
            topic: CStr::from_ptr((*element).topic).to_str().unwrap_or_default(),
            partition: (*element).partition,
            offset: (*element).offset,
            timestamp,
            error: ptr::read((&raw const (*element).err).cast::<c_int>()),
        }
    }
}

fn read_group_listing(event: &Event) -> Result<GroupListing, CallError> {
    let mut listing = GroupListing::default();
    let mut count = 0;
    // SAFETY: the event is of this type, for the operation that was submitted with its number, and alive.
    unsafe {
        let result = sys::rd_kafka_event_ListConsumerGroups_result(event.0);
        let groups = sys::rd_kafka_ListConsumerGroups_result_valid(result, &raw mut count);
        for group in items(groups, count) {
            listing.groups.push(ListedGroup {
                id: text(sys::rd_kafka_ConsumerGroupListing_group_id(*group)),
                is_simple: sys::rd_kafka_ConsumerGroupListing_is_simple_consumer_group(*group) != 0,
                state: externs::rd_kafka_ConsumerGroupListing_state(*group),
                kind: externs::rd_kafka_ConsumerGroupListing_type(*group),
            });
        }
        let errors = sys::rd_kafka_ListConsumerGroups_result_errors(result, &raw mut count);
        listing.errors.extend(items(errors, count).iter().filter_map(|error| item_error(*error)));
    }
    Ok(listing)
}

fn read_group_descriptions(event: &Event) -> Result<Vec<DescribedGroup>, CallError> {
    let mut count = 0;
    // SAFETY: as in `read_group_listing`.
    unsafe {
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(event.0);
        let groups = sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        let read = |group: &*const sys::rd_kafka_ConsumerGroupDescription_t| DescribedGroup {
            id: text(sys::rd_kafka_ConsumerGroupDescription_group_id(*group)),
            members: match item_error(sys::rd_kafka_ConsumerGroupDescription_error(*group)) {
                Some(error) => Err(error),
                None => Ok((0..sys::rd_kafka_ConsumerGroupDescription_member_count(*group))
                    .map(|index| read_member(sys::rd_kafka_ConsumerGroupDescription_member(*group, index)))
                    .collect()),
            },
        };
        Ok(items(groups, count).iter().map(read).collect())
    }
}

/// # Safety
/// `member` is valid during the call.
unsafe fn read_member(member: *const sys::rd_kafka_MemberDescription_t) -> DescribedMember {
    // SAFETY: by the contract of this function; a member without an assignment has a null one.
    unsafe {
        let assignment = sys::rd_kafka_MemberDescription_assignment(member);
        let list = if assignment.is_null() {
            ptr::null()
        } else {
            sys::rd_kafka_MemberAssignment_partitions(assignment)
        };
        DescribedMember {
            client_id: text(sys::rd_kafka_MemberDescription_client_id(member)),
            host: text(sys::rd_kafka_MemberDescription_host(member)),
            assignment: partitions(list).map(|p| (p.topic.to_owned(), p.partition)).collect(),
        }
    }
}

fn read_group_offsets<T>(
    event: &Event,
    read: &impl Fn(&mut dyn Iterator<Item = PartitionAnswer<'_>>) -> T,
) -> Result<T, CallError> {
    let mut count = 0;
    // SAFETY: as in `read_group_listing`; one group was asked for, so one is answered.
    unsafe {
        let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(event.0);
        let groups = sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
        let Some(group) = items(groups, count).first() else {
            return Err(CallError::timed_out());
        };
        match item_error(sys::rd_kafka_group_result_error(*group)) {
            Some(error) => Err(error),
            None => Ok(read(&mut partitions(sys::rd_kafka_group_result_partitions(*group)))),
        }
    }
}

fn read_list_offsets<T>(
    event: &Event,
    read: &impl Fn(&mut dyn Iterator<Item = PartitionAnswer<'_>>) -> T,
) -> Result<T, CallError> {
    let mut count = 0;
    // SAFETY: as in `read_group_listing`.
    unsafe {
        let result = sys::rd_kafka_event_ListOffsets_result(event.0);
        let infos = sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        let answer = |info: &*const sys::rd_kafka_ListOffsetsResultInfo_t| {
            partition(
                sys::rd_kafka_ListOffsetsResultInfo_topic_partition(*info),
                sys::rd_kafka_ListOffsetsResultInfo_timestamp(*info),
            )
        };
        Ok(read(&mut items(infos, count).iter().map(answer)))
    }
}

fn read_topic_descriptions(event: &Event) -> Result<Vec<DescribedTopic>, CallError> {
    let mut count = 0;
    // SAFETY: as in `read_group_listing`; a described topic always has an id.
    unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(event.0);
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        let read = |topic: &*const sys::rd_kafka_TopicDescription_t| DescribedTopic {
            name: text(sys::rd_kafka_TopicDescription_name(*topic)),
            id: match item_error(sys::rd_kafka_TopicDescription_error(*topic)) {
                Some(error) => Err(error),
                None => Ok(read_uuid(sys::rd_kafka_TopicDescription_topic_id(*topic))),
            },
        };
        Ok(items(topics, count).iter().map(read).collect())
    }
}

/// # Safety
/// `uuid` is valid during the call.
unsafe fn read_uuid(uuid: *const sys::rd_kafka_Uuid_t) -> u128 {
    // SAFETY: by the contract of this function.
    let (high, low) = unsafe {
        (sys::rd_kafka_Uuid_most_significant_bits(uuid), sys::rd_kafka_Uuid_least_significant_bits(uuid))
    };
    u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned())
}

fn read_configs(event: &Event) -> Result<Vec<DescribedConfigs>, CallError> {
    let mut count = 0;
    // SAFETY: as in `read_group_listing`.
    unsafe {
        let result = sys::rd_kafka_event_DescribeConfigs_result(event.0);
        let resources = sys::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count);
        let read = |resource: &*const sys::rd_kafka_ConfigResource_t| DescribedConfigs {
            topic: text(sys::rd_kafka_ConfigResource_name(*resource)),
            entries: match externs::rd_kafka_ConfigResource_error(*resource) {
                0 => Ok(read_config_entries(*resource)),
                code => {
                    Err(CallError::new(code, &text(sys::rd_kafka_ConfigResource_error_string(*resource))))
                }
            },
        };
        Ok(items(resources, count).iter().map(read).collect())
    }
}

/// # Safety
/// `resource` is valid during the call.
unsafe fn read_config_entries(
    resource: *const sys::rd_kafka_ConfigResource_t,
) -> Vec<(String, Option<String>)> {
    let mut count = 0;
    // SAFETY: by the contract of this function; a value is null when it is hidden or unset.
    unsafe {
        let entries = sys::rd_kafka_ConfigResource_configs(resource, &raw mut count);
        let read = |entry: &*const sys::rd_kafka_ConfigEntry_t| {
            let value = sys::rd_kafka_ConfigEntry_value(*entry);
            let value = (!value.is_null()).then(|| text(value));
            (text(sys::rd_kafka_ConfigEntry_name(*entry)), value)
        };
        items(entries, count).iter().map(read).collect()
    }
}
