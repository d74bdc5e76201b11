//! Which broker coordinates a group, as the brokers themselves say: who lists the group does, and who does not knows that.
//! The client library's own lookup is never used: see `native`. Never remembers a group from one cycle to the next.

use std::collections::BTreeMap;

use crate::kafka::error::{Answers, CallError, is_silence};
use crate::model::{Measured, Reason};

/// The brokers of one cycle, by what became of their listings.
#[derive(Debug, Default)]
pub(super) struct Coordinators {
    answering: Vec<i32>,
    silent: BTreeMap<i32, Reason>,
}

/// What was told of one group.
#[derive(Debug)]
pub(super) struct Told<T> {
    pub(super) answer: Measured<T>,
    /// Who coordinates the group, as far as that is known now.
    pub(super) coordinator: Option<i32>,
}

impl Coordinators {
    /// How `broker`, whose id is 0 or more, has failed to list its groups. Where it was silent it is not asked again in
    /// this cycle; where it refused, or could tell only a part, it may still answer for single groups.
    pub(super) fn listed(&mut self, broker: i32, failed: impl IntoIterator<Item = Reason>) {
        match failed.into_iter().find(|why| is_silence(*why)) {
            Some(why) => drop(self.silent.insert(broker, why)),
            None => self.answering.push(broker),
        }
    }

    /// Asks about `groups`, each given with its coordinator as far as it is known; the answers are in their order. `ask`
    /// puts pairs of group and broker to the brokers. A group whose coordinator is silent is not asked for. If nobody is known
    /// to coordinate it, or not any more, everybody else is asked: only who coordinates it, or hides it, answers.
    pub(super) fn ask<T>(
        &self,
        groups: &[(&str, Option<i32>)],
        answers: &mut Answers,
        ask: impl Fn(&[(&str, i32)]) -> Vec<Result<T, CallError>>,
    ) -> Vec<Told<T>> {
        let mut put = |to: &[(usize, i32)]| {
            let requests: Vec<_> = to.iter().map(|(index, broker)| (groups[*index].0, *broker)).collect();
            let answered = ask(&requests);
            answered.iter().for_each(|answer| answers.count(answer.as_ref().err().map(CallError::reason)));
            answered
        };
        let nobody = |(_, coordinator): &(&str, Option<i32>)| Told {
            answer: Err(Reason::NoCoordinator),
            coordinator: *coordinator,
        };
        let mut told: Vec<_> = groups.iter().map(nobody).collect();
        let mut known = Vec::new();
        let mut sought = Vec::new();
        for (index, (_, coordinator)) in groups.iter().enumerate() {
            match coordinator {
                Some(broker) if self.answering.contains(broker) => known.push((index, *broker)),
                Some(broker) if self.silent.contains_key(broker) => {
                    told[index].answer = Err(self.silent[broker]);
                }
                _ => sought.push((index, None)),
            }
        }
        for ((index, broker), answer) in known.iter().zip(put(&known)) {
            match answer {
                Err(failed) if failed.is_from_elsewhere() => sought.push((*index, Some(*broker))),
                answer => told[*index].answer = answer.map_err(|failed| failed.reason()),
            }
        }
        let mut everybody = Vec::new();
        for (index, but) in sought {
            // Who is silent may be the one: nobody can say that there is none.
            let unknown = self.silent.values().next().copied().unwrap_or(Reason::NoCoordinator);
            told[index] = Told { answer: Err(unknown), coordinator: None };
            let others = self.answering.iter().filter(|broker| Some(**broker) != but);
            everybody.extend(others.map(|broker| (index, *broker)));
        }
        for ((index, broker), answer) in everybody.iter().zip(put(&everybody)) {
            let told = &mut told[*index];
            match answer.map_err(|failed| (failed.reason(), failed.is_from_elsewhere())) {
                _ if told.coordinator.is_some() => {}
                Err((_, true)) => {}
                Err((why, _)) if is_silence(why) => told.answer = Err(why),
                answer => {
                    let answer = answer.map_err(|(why, _)| why);
                    *told = Told { answer, coordinator: Some(*broker) };
                }
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const TIMED_OUT: i32 = -185;
    const LOADING: i32 = 14;
    const NOT_COORDINATOR: i32 = 16;
    const NOT_AUTHORIZED: i32 = 30;

    /// Brokers 1 to 3 list their groups or do not, and answer with what the last of them committed or with an error; what is
    /// told of a group that `known` coordinates, or nobody, and in which order they are asked.
    fn check(
        listings: [Option<Reason>; 3],
        answers: [Result<u64, i32>; 3],
        known: Option<i32>,
        expected: (Measured<u64>, Option<i32>),
        expected_asked: &[i32],
    ) {
        let mut coordinators = Coordinators::default();
        (1..).zip(listings).for_each(|(broker, failed)| coordinators.listed(broker, failed));
        let asked = RefCell::new(Vec::new());
        let ask = |requests: &[(&str, i32)]| {
            let answer = |(group, broker): &(&str, i32)| {
                assert_eq!(*group, "late");
                asked.borrow_mut().push(*broker);
                answers[*broker as usize - 1].map_err(|code| CallError::new(code, ""))
            };
            requests.iter().map(answer).collect()
        };
        let mut counted = Answers::default();
        let mut told = coordinators.ask(&[("late", known)], &mut counted, ask);
        let told = told.pop().unwrap();
        let context = format!("{listings:?} {answers:?} {known:?}");
        assert_eq!((told.answer, told.coordinator), expected, "{context}");
        assert_eq!(*asked.borrow(), expected_asked, "{context}");
    }

    #[test]
    fn the_coordinator_is_asked_and_everybody_where_it_is_not_known() {
        let all = [None, None, None];
        let second = [Err(NOT_COORDINATOR), Ok(7), Err(NOT_COORDINATOR)];
        check(all, second, Some(2), (Ok(7), Some(2)), &[2]);
        check(all, second, None, (Ok(7), Some(2)), &[1, 2, 3]);
        // Moved, and gone from the cluster.
        check(all, second, Some(3), (Ok(7), Some(2)), &[3, 1, 2]);
        check(all, second, Some(4), (Ok(7), Some(2)), &[1, 2, 3]);
        // An answer, if not what was asked for: nobody else is the coordinator.
        let loading = [Err(NOT_COORDINATOR), Err(LOADING), Err(NOT_COORDINATOR)];
        check(all, loading, Some(2), (Err(Reason::NoCoordinator), Some(2)), &[2]);
        check(all, loading, None, (Err(Reason::NoCoordinator), Some(2)), &[1, 2, 3]);
        // It did list its groups.
        let late = [Ok(7), Err(TIMED_OUT), Ok(8)];
        check(all, late, Some(2), (Err(Reason::TimedOut), Some(2)), &[2]);
        check(all, [Err(NOT_AUTHORIZED); 3], None, (Err(Reason::NotAuthorized), Some(1)), &[1, 2, 3]);
        check(all, [Err(NOT_COORDINATOR); 3], Some(3), (Err(Reason::NoCoordinator), None), &[3, 1, 2]);
    }

    #[test]
    fn who_is_silent_is_not_asked_and_may_be_the_coordinator() {
        let silent = [None, Some(Reason::Unreachable), None];
        let nobody = [Err(NOT_COORDINATOR); 3];
        check(silent, nobody, Some(2), (Err(Reason::Unreachable), Some(2)), &[]);
        check(silent, nobody, Some(1), (Err(Reason::Unreachable), None), &[1, 3]);
        check(silent, nobody, None, (Err(Reason::Unreachable), None), &[1, 3]);
        check(silent, [Err(NOT_COORDINATOR), Ok(5), Ok(7)], None, (Ok(7), Some(3)), &[1, 3]);
        // Silence of one that has listed its groups ends no search.
        let late = [Err(TIMED_OUT), Err(NOT_COORDINATOR), Ok(7)];
        check([None; 3], late, None, (Ok(7), Some(3)), &[1, 2, 3]);
        let late = [Ok(7), Err(NOT_COORDINATOR), Err(TIMED_OUT)];
        check([None; 3], late, None, (Ok(7), Some(1)), &[1, 2, 3]);
        let late = [Err(NOT_COORDINATOR), Err(TIMED_OUT), Err(NOT_COORDINATOR)];
        check([None; 3], late, None, (Err(Reason::TimedOut), None), &[1, 2, 3]);
        // Who could not list all its groups answers for one.
        check([Some(Reason::NoCoordinator); 3], [Ok(7); 3], Some(2), (Ok(7), Some(2)), &[2]);
    }
}
