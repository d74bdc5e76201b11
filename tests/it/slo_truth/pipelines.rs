//! The pipelines of which the counts are compared.

use super::script::{Commits, Jump, Membership, Pipeline, Producing, Sent, Time, bursts, steady};

/// The group whose commits lie behind another application's open transaction, from [`HELD_FROM`] to [`HELD_TO`].
pub(super) const HELD: &str = "held";
pub(super) const HELD_FROM: Time = 3_500;
pub(super) const HELD_TO: Time = 9_000;

/// When a consumer goes on that stood still for half a minute, and a little longer than the longest threshold.
const STALL_ENDS: Time = 35_000;

/// What every version of Kafka can, and what tells most.
/// `reset_at` is when the groups are reset that are watched then.
pub(super) fn few(reset_at: Time) -> Vec<Pipeline> {
    let often = Commits::Every(200);
    vec![
        Pipeline::new("every-record", steady(20, 1), Commits::EveryRecord),
        Pipeline::new("every-200ms", steady(10, 1), often).log_append_time(),
        Pipeline::new("every-5s", steady(10, 1), Commits::Every(5_000)),
        Pipeline::new("stalled", steady(10, 1), often).consuming(|it| it.stalls.push(4_000..STALL_ENDS)),
        Pipeline::new("slow", steady(10, 1), often).consuming(|it| it.work = 13),
        transactions("aborting"),
        exactly_once("exactly-once"),
        classic_reset("reset-live", reset_at),
        Pipeline::new(HELD, steady(10, 1), often),
    ]
}

/// All of them, for Kafka 4; `reset_while_away` are those whose group is reset between 5 s and 8 s.
pub(super) fn all(reset_at: Time, reset_while_away: bool) -> Vec<Pipeline> {
    let often = Commits::Every(200);
    let mut all = few(reset_at);
    all.extend([
        Pipeline::new("every-1s", steady(10, 1), Commits::Every(1_000)).log_append_time(),
        Pipeline::new("three-partitions", steady(7, 3), often).partitions(3),
        Pipeline::new("bursts", bursts(200, 1_500), often),
        Pipeline::new("trickle", bursts(1, 1_300), Commits::EveryRecord),
        Pipeline::new("dead", steady(10, 1), often).consuming(|it| it.dies_at = Some(6_000)),
        Pipeline::new("clocks-apart", clocks_apart(), often),
        Pipeline::new("one-from-the-future", one_from_the_future(), often),
        Pipeline::new("jumping", steady(10, 1), often).consuming(|it| {
            it.stalls.push(6_000..9_000);
            it.jumps.extend([(3_000, Jump::Back(150)), (7_500, Jump::Ahead(100))]);
        }),
        deleted("deleted"),
        Pipeline::new("member", steady(10, 1), often)
            .consuming(|it| it.membership = Membership::ConsumerProtocol),
        consumer_protocol_reset("reset-live-848", reset_at),
    ]);
    if reset_while_away {
        all.push(classic_reset("reset-away", 5_500));
        all.push(consumer_protocol_reset("reset-away-848", 5_500));
    }
    all
}

fn transactions(name: &'static str) -> Pipeline {
    let mut pipeline = Pipeline::new(name, Vec::new(), Commits::Every(200));
    pipeline.producing = Producing::Transactions { every: 150 };
    pipeline
}

fn exactly_once(name: &'static str) -> Pipeline {
    Pipeline::new(name, steady(10, 1), Commits::Every(300))
        .consuming(|it| it.membership = Membership::ExactlyOnce)
}

/// Absent from two seconds before, so that records wait; back when the operator's tool has surely ended.
fn classic_reset(name: &'static str, at: Time) -> Pipeline {
    let mut pipeline = Pipeline::new(name, steady(10, 1), Commits::Every(200)).consuming(|it| {
        it.membership = Membership::Classic;
        it.absent.push(at - 2_000..at + 3_000);
    });
    pipeline.operator_resets_at = Some(at);
    pipeline
}

fn consumer_protocol_reset(name: &'static str, at: Time) -> Pipeline {
    classic_reset(name, at).consuming(|it| it.membership = Membership::ConsumerProtocol)
}

fn deleted(name: &'static str) -> Pipeline {
    let mut pipeline =
        Pipeline::new(name, steady(10, 1), Commits::Every(200)).consuming(|it| it.absent.push(3_000..12_000));
    pipeline.deletes_at = Some(11_000);
    pipeline
}

/// Three producers, of which one is ahead and one behind.
fn clocks_apart() -> Vec<Sent> {
    let ahead = [0, 300, -700].into_iter().cycle();
    steady(10, 1).into_iter().zip(ahead).map(|(sent, ahead)| Sent { ahead, ..sent }).collect()
}

fn one_from_the_future() -> Vec<Sent> {
    let mut sent = steady(10, 1);
    sent[700].ahead = 600_000;
    sent
}
