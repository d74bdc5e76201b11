//! What must survive a restart: how far the commit log is judged, who is a member, and the counters. Written as of the
//! place from which the log would be read again, so that nothing that waits has to be saved.

use std::collections::BTreeMap;

use super::Measurement;
use super::group::Group;
use super::group_topic::GroupTopic;
use super::membership::Membership;
use super::topic::Topic;
use crate::model::{
    CommitSource, Damaged, GroupId, Offset, Reader, Row, RowKind, TopicName, Writer, commit_log_partition,
};

/// What was saved and is no more.
#[derive(Debug)]
pub(super) enum Removed {
    Topic(TopicName),
    Group(GroupId, Vec<TopicName>),
    GroupTopics(GroupId, Vec<TopicName>),
}

fn key(names: &[&str]) -> Vec<u8> {
    let mut writer = Writer::default();
    for name in names {
        writer.text(name);
    }
    writer.into_bytes()
}

fn group_topic_row(group: &GroupId, topic: &TopicName, value: Option<Vec<u8>>) -> Row {
    Row { kind: RowKind::GroupTopic, key: key(&[group.as_str(), topic.as_str()]), value }
}

impl Removed {
    fn rows(self, rows: &mut Vec<Row>) {
        match self {
            Self::Topic(topic) => {
                rows.push(Row { kind: RowKind::Topic, key: key(&[topic.as_str()]), value: None });
            }
            Self::Group(group, topics) => {
                rows.push(Row { kind: RowKind::Membership, key: key(&[group.as_str()]), value: None });
                rows.extend(topics.iter().map(|topic| group_topic_row(&group, topic, None)));
            }
            Self::GroupTopics(group, topics) => {
                rows.extend(topics.iter().map(|topic| group_topic_row(&group, topic, None)));
            }
        }
    }
}

impl Measurement {
    /// What has changed since it was last asked, to be made durable together, and before anything that was judged is
    /// shown.
    pub fn changed_rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        std::mem::take(&mut self.removed).into_iter().for_each(|removed| removed.rows(&mut rows));
        let mut positions: Vec<Offset> = self.commit_log.iter().map(|log| log.taken_to).collect();
        let partition = |group: &GroupId| commit_log_partition(group.as_str(), self.commit_log.len());
        for (id, group) in &self.groups {
            if let Some(position) = positions.get_mut(partition(id)) {
                let waiting = group.topics.values().filter_map(GroupTopic::waits_from).min();
                *position = waiting.map_or(*position, |waiting| waiting.min(*position));
            }
        }
        for ((number, log), position) in (0_u32..).zip(&mut self.commit_log).zip(&positions) {
            // Nothing was read of it yet: what was saved stays true.
            if log.is_read && log.saved.replace(*position) != Some(*position) {
                let mut writer = Writer::default();
                writer.number(*position).number(log.gaps.len() as u64);
                for (from, to) in &log.gaps {
                    writer.number(*from).number(*to);
                }
                let mut key = Writer::default();
                key.number(u64::from(number));
                let (key, value) = (key.into_bytes(), Some(writer.into_bytes()));
                rows.push(Row { kind: RowKind::CommitLogPosition, key, value });
            }
        }
        for (id, group) in &mut self.groups {
            let position = positions.get(commit_log_partition(id.as_str(), positions.len())).copied();
            if let Some(value) = group.membership.changed(position.unwrap_or(0)) {
                rows.push(Row { kind: RowKind::Membership, key: key(&[id.as_str()]), value: Some(value) });
            }
            for (name, memory) in &mut group.topics {
                if std::mem::take(&mut memory.is_changed) {
                    rows.push(group_topic_row(id, name, Some(memory.to_bytes())));
                }
            }
        }
        for (name, topic) in &mut self.topics {
            if let Some(value) = topic.changed() {
                rows.push(Row { kind: RowKind::Topic, key: key(&[name.as_str()]), value: Some(value) });
            }
        }
        rows
    }

    /// Goes on where `rows` were saved; rows of other parts are passed over. Before the first tick only.
    ///
    /// # Errors
    /// When a row cannot be read; what was restored until then is of no use.
    pub fn restore(&mut self, rows: &[Row]) -> Result<(), Damaged> {
        for row in rows {
            match row.kind {
                RowKind::CommitLogPosition => self.restore_position(row)?,
                RowKind::Membership => {
                    let (mut key, mut value) = row.readers()?;
                    let group = self.groups.entry(key.text()?.into()).or_insert_with(Group::new);
                    group.membership = Membership::restored(&mut value)?;
                }
                RowKind::GroupTopic => {
                    let (mut key, mut value) = row.readers()?;
                    let group = self.groups.entry(key.text()?.into()).or_insert_with(Group::new);
                    group.topics.insert(key.text()?.into(), GroupTopic::restored(&mut value)?);
                }
                RowKind::Topic => {
                    let (mut key, mut value) = row.readers()?;
                    self.topics.insert(key.text()?.into(), Topic::restored(&mut value)?);
                }
                RowKind::Slo
                | RowKind::SloCounts
                | RowKind::Alert
                | RowKind::Incident
                | RowKind::Delivery
                | RowKind::Silence => {}
            }
        }
        Ok(())
    }

    fn restore_position(&mut self, row: &Row) -> Result<(), Damaged> {
        /// Kafka's own limit is far below; a number beyond it is damage.
        const MOST_PARTITIONS: u64 = 100_000;
        let (mut key, mut value) = row.readers()?;
        let number = key.number()?;
        if number >= MOST_PARTITIONS {
            return Err(Damaged);
        }
        let number = usize::try_from(number).map_err(|_| Damaged)?;
        if self.commit_log.len() <= number {
            self.commit_log.resize_with(number + 1, Default::default);
        }
        let position = value.number()?;
        let read = |value: &mut Reader<'_>| Ok((value.number()?, value.number()?));
        let gaps = (0..value.count()?).map(|_| read(&mut value)).collect::<Result<_, _>>()?;
        let log = &mut self.commit_log[number];
        (log.taken_to, log.saved, log.gaps) = (position, Some(position), gaps);
        // It could be read, so it is waited for.
        self.commit_source = CommitSource::Log;
        Ok(())
    }

    /// Where reading of each partition of the commit log goes on after a restart.
    #[must_use]
    pub fn commit_log_positions(&self) -> BTreeMap<u32, Offset> {
        let saved = (0..).zip(&self.commit_log).filter_map(|(number, log)| Some((number, log.saved?)));
        saved.collect()
    }
}
