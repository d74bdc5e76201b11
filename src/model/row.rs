//! Rows of the state file: what must survive a restart, in pieces that change independently of each other.
//! Each part of the core writes and reads its own rows; the file never looks into them.

use super::{Damaged, Reader};

/// What a row is about; its number is in the file and never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RowKind {
    /// How far one partition of the commit log has been judged.
    CommitLogPosition = 1,
    /// What the commit log has told of a group's members.
    Membership = 2,
    /// A group's topic: its counters and, by partition and threshold, how far it is judged.
    GroupTopic = 3,
    /// A topic: its counter and where its partitions ended.
    Topic = 4,
    /// One SLO of one group and topic.
    Slo = 5,
    /// The counts of one SLO of one group and topic in one stretch of time.
    SloCounts = 6,
    /// One alert of one group and topic, or partition: its timers.
    Alert = 7,
    /// One incident, open or over.
    Incident = 8,
    /// How far one receiver has been told of one incident.
    Delivery = 9,
    /// One silence; of no cluster.
    Silence = 10,
}

impl RowKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::CommitLogPosition,
        Self::Membership,
        Self::GroupTopic,
        Self::Topic,
        Self::Slo,
        Self::SloCounts,
        Self::Alert,
        Self::Incident,
        Self::Delivery,
        Self::Silence,
    ];
}

/// A row as it is, or as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub kind: RowKind,
    /// Which one of its kind; written with [`super::Writer`]. Unique within kind and cluster. Rows whose keys begin
    /// alike are neighbours in the file, and what is written per tick costs by the neighbourhoods it touches: so a
    /// row of a stretch of time has the time first.
    pub key: Vec<u8>,
    /// What is known of it; `None` when the row is to be removed.
    pub value: Option<Vec<u8>>,
}

impl Row {
    /// Readers of key and value.
    ///
    /// # Errors
    /// When the row has no value.
    pub fn readers(&self) -> Result<(Reader<'_>, Reader<'_>), Damaged> {
        let value = self.value.as_deref().ok_or(Damaged)?;
        Ok((Reader::new(&self.key), Reader::new(value)))
    }
}
