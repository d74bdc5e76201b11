//! Reads the answers to admin calls out of librdkafka's events, with the error of each item in them.
//! Everything is copied or lent for as long as the event lives; never says what an answer means.

use std::ffi::{CStr, c_int};
use std::ptr;

use rdkafka_sys as sys;

use super::{
    DescribedConfigs, DescribedGroup, DescribedMember, DescribedTopic, Event, GroupListing, ListedGroup,
    PartitionAnswer, externs, text,
};
use crate::kafka::error::CallError;

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

pub(super) fn read_group_listing(event: &Event) -> Result<GroupListing, CallError> {
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

pub(super) fn read_group_descriptions(event: &Event) -> Result<Vec<DescribedGroup>, CallError> {
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

pub(super) fn read_group_offsets<T>(
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

pub(super) fn read_list_offsets<T>(
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

pub(super) fn read_topic_descriptions(event: &Event) -> Result<Vec<DescribedTopic>, CallError> {
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

pub(super) fn read_configs(event: &Event) -> Result<Vec<DescribedConfigs>, CallError> {
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
