//! Whether a group had members at a place of the commit log. Folded from the group's records in log order; what is
//! saved is as of the place from which the log would be read again.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::model::{
    CommitLogEvent, Damaged, GroupObservation, GroupState, Millis, Offset, Reader, Timestamp, Writer,
};

/// A group's members at one place of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Members {
    /// Those whose ids are not known.
    unnamed: u32,
    /// KIP-848: by id.
    named: BTreeSet<Arc<str>>,
    /// Members have joined it at some time; else commits come from `assign()` or a tool.
    has_protocol: bool,
}

/// A group's members, as far as the log was taken.
#[derive(Debug, Default)]
pub(super) struct Membership {
    now: Members,
    /// As of an earlier place, for the file.
    saved: Members,
    saved_to: Offset,
    later: VecDeque<(Offset, CommitLogEvent)>,
    is_known: bool,
    /// The log has told how many members there are, all of them.
    is_told: bool,
    /// Since when the brokers say something else.
    differs_since: Option<Timestamp>,
    is_changed: bool,
}

/// For so long the log may take to tell what the brokers say already.
const DIFFERS: Millis = Millis::from_seconds(60);

impl Members {
    fn apply(&mut self, event: &CommitLogEvent) {
        match event {
            CommitLogEvent::ClassicGroup { members, has_protocol, .. } => {
                *self = Self { unnamed: *members, named: BTreeSet::new(), has_protocol: *has_protocol };
            }
            CommitLogEvent::ConsumerGroup { .. } => self.has_protocol = true,
            CommitLogEvent::ConsumerMember { member, is_there, .. } => {
                self.has_protocol = true;
                let is_new = if *is_there {
                    self.named.insert(Arc::clone(member))
                } else {
                    !self.named.remove(member)
                };
                // One of those that were there before the log was read is gone. Whoever joins may be somebody else.
                if is_new && !is_there {
                    self.unnamed = self.unnamed.saturating_sub(1);
                }
            }
            CommitLogEvent::GroupDeleted { .. } => *self = Self::default(),
            CommitLogEvent::Committed { .. } | CommitLogEvent::Uncommitted { .. } => {}
        }
    }
}

impl Membership {
    /// A commit made here is an operator's: nobody consumes, but somebody has.
    pub(super) fn skips(&self) -> bool {
        self.is_known && self.now.has_protocol && self.now.unnamed == 0 && self.now.named.is_empty()
    }

    /// Takes what the log says at `offset`, once.
    pub(super) fn take(&mut self, offset: Offset, event: &CommitLogEvent) {
        let taken_to = self.later.back().map_or(self.saved_to, |(last, _)| last + 1);
        if offset >= taken_to {
            self.now.apply(event);
            self.later.push_back((offset, event.clone()));
            // Of a KIP-848 group the log tells who comes and goes, not who was there already.
            if matches!(event, CommitLogEvent::ClassicGroup { .. } | CommitLogEvent::GroupDeleted { .. }) {
                (self.is_known, self.is_told) = (true, true);
            }
        }
    }

    /// What the brokers tell of a group of which the log has told nothing yet.
    pub(super) fn observe(&mut self, observed: &GroupObservation, now: Timestamp) {
        let Ok(state) = observed.state else { return };
        let is_empty = matches!(state, GroupState::Empty | GroupState::Dead);
        let members = observed.members.as_ref().map_or(1, |members| members.len().max(1));
        let unnamed = if is_empty { 0 } else { u32::try_from(members).unwrap_or(u32::MAX) };
        if self.is_known {
            // The log may leave open who was there before it was read. But what the brokers say now it may still be
            // about to tell, after commits that were made before.
            let differs = !self.is_told && self.now.named.is_empty() && is_empty != (self.now.unnamed == 0);
            self.differs_since = self.differs_since.or(Some(now)).filter(|_| differs);
            if self.later.is_empty() && self.differs_since.is_some_and(|since| now.since(since) > DIFFERS) {
                (self.now.unnamed, self.saved.unnamed) = (unnamed, unnamed);
                (self.is_changed, self.differs_since) = (true, None);
            }
            return;
        }
        // Those that have told their names are among the members.
        let named = if is_empty { BTreeSet::new() } else { std::mem::take(&mut self.now.named) };
        let unnamed = unnamed.saturating_sub(u32::try_from(named.len()).unwrap_or(u32::MAX));
        self.now = Members { unnamed, named, has_protocol: !observed.is_simple };
        self.saved = self.now.clone();
        // What was taken so far is in it.
        self.saved_to =
            self.later.drain(..).map(|(offset, _)| offset + 1).next_back().unwrap_or(self.saved_to);
        (self.is_known, self.is_changed) = (true, true);
    }

    /// The commit log was made again.
    pub(super) fn forget_taken(&mut self) {
        self.saved = self.now.clone();
        self.saved_to = 0;
        self.later.clear();
        self.is_changed = true;
    }

    /// What to save for a log that would be read again from `position`; `None` when it is saved.
    pub(super) fn changed(&mut self, position: Offset) -> Option<Vec<u8>> {
        while let Some((offset, event)) = self.later.pop_front_if(|(offset, _)| *offset < position) {
            self.saved.apply(&event);
            self.saved_to = offset + 1;
            self.is_changed = true;
        }
        if !std::mem::take(&mut self.is_changed) {
            return None;
        }
        let mut writer = Writer::default();
        writer.number(self.saved_to).number(u64::from(self.saved.unnamed)).flag(self.saved.has_protocol);
        writer.flag(self.is_known).number(self.saved.named.len() as u64);
        for member in &self.saved.named {
            writer.text(member);
        }
        Some(writer.into_bytes())
    }

    /// As it was saved.
    pub(super) fn restored(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let saved_to = reader.number()?;
        let unnamed = u32::try_from(reader.number()?).map_err(|_| Damaged)?;
        let (has_protocol, is_known) = (reader.flag()?, reader.flag()?);
        let named = (0..reader.count()?).map(|_| reader.text().map(Arc::from)).collect::<Result<_, _>>()?;
        let saved = Members { unnamed, named, has_protocol };
        Ok(Self { now: saved.clone(), saved, saved_to, is_known, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GroupId;

    fn group() -> GroupId {
        "g".into()
    }

    fn classic(members: u32, has_protocol: bool) -> CommitLogEvent {
        CommitLogEvent::ClassicGroup { group: group(), generation: 1, members, has_protocol }
    }

    fn member(member: &str, is_there: bool) -> CommitLogEvent {
        CommitLogEvent::ConsumerMember { group: group(), member: member.into(), is_there }
    }

    #[test]
    fn only_a_group_that_had_members_and_has_none_is_reset_by_an_operator() {
        let check = |events: &[CommitLogEvent], expected: bool| {
            let mut membership = Membership::default();
            for (offset, event) in (0..).zip(events) {
                membership.take(offset, event);
            }
            assert_eq!(membership.skips(), expected, "{events:?}");
            // Saved anywhere and read again from there, it is the same.
            for position in 0..=events.len() as u64 {
                let mut first = Membership::default();
                (0..).zip(events).for_each(|(offset, event)| first.take(offset, event));
                first.is_changed = true;
                let bytes = first.changed(position).unwrap();
                let mut again = Membership::restored(&mut Reader::new(&bytes)).unwrap();
                for (offset, event) in (0..).zip(events) {
                    again.take(offset, event);
                }
                assert_eq!(again.now, membership.now, "{events:?} from {position}");
            }
        };
        check(&[], false);
        check(&[classic(2, true)], false);
        check(&[classic(2, true), classic(0, true)], true);
        check(&[classic(0, false)], false);
        let epoch = CommitLogEvent::ConsumerGroup { group: group(), epoch: 3 };
        check(std::slice::from_ref(&epoch), false);
        check(&[epoch.clone(), member("a", true), member("b", true), member("a", false)], false);
        let came_and_went = [member("a", true), member("b", true), member("a", false), member("b", false)];
        check(&came_and_went, false);
        let made = CommitLogEvent::GroupDeleted { group: group() };
        check(&[&[made, epoch], &came_and_went[..]].concat(), true);
        check(&[classic(0, true), CommitLogEvent::GroupDeleted { group: group() }], false);
    }
}
