//! Tells receivers what they are owed: each in its own time, none waiting for another. Decides nothing: what is to be
//! told, when and to whom is `notify`'s business.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch as channel;
use tokio::time::{self, Instant};
use tracing::Instrument;

use super::clock;
use super::durable::DurableState;
use super::watch::lock;
use crate::api::{AttemptStatus, DeliveryStatus, SilenceAccess, rfc3339};
use crate::config::Config;
use crate::export::OwnMetrics;
use crate::model::{ClusterName, Incident, IncidentId, Millis, Row, Timestamp};
use crate::notify::{
    DeliveryView, Failure, Message, Next, NotifyConfig, Outbox, Outcome, Receipt, ReceiverConfig,
    ReceiverKind, ReceiverName, ReceiverView, Rows, Sender, Unusable, is_due, of_no_cluster,
};

/// A message that is under way when the daemon stops may take so long; cut, it is sent again after the next start.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is owed to whom, shared by the watchers that see incidents, the receivers that are told, and the API.
#[derive(Debug)]
pub(super) struct Deliveries {
    outbox: Mutex<Outbox>,
    /// Held from a change of the outbox until its rows are durable, so that no row replaces a newer one of its key.
    in_order: Mutex<()>,
    durable: Arc<DurableState>,
    own: Arc<OwnMetrics>,
    /// Raised whenever somebody may be owed something new.
    news: channel::Sender<u64>,
}

impl Deliveries {
    /// Takes back what a process before this one has left; `clusters` with their rows, before the first tick.
    ///
    /// # Errors
    /// The silences cannot be read, or a row cannot be understood: then the cluster's name, empty for silences.
    pub(super) fn restore(
        config: &NotifyConfig,
        clusters: &[(ClusterName, Vec<Row>)],
        durable: Arc<DurableState>,
        own: Arc<OwnMetrics>,
    ) -> anyhow::Result<Result<Self, ClusterName>> {
        let seed = clock::now().0.cast_unsigned() ^ u64::from(std::process::id()).rotate_left(32);
        let mut outbox = Outbox::new(config.clone(), seed);
        let silences = (of_no_cluster(), durable.load(&of_no_cluster())?);
        for (cluster, rows) in std::iter::once(&silences).chain(clusters) {
            match outbox.restore(cluster, rows) {
                Ok(gone) => gone.iter().for_each(|(receiver, incidents)| tell_gone(receiver, *incidents)),
                Err(_) => return Ok(Err(cluster.clone())),
            }
        }
        let (news, _) = channel::channel(0);
        Ok(Ok(Self { outbox: Mutex::new(outbox), in_order: Mutex::new(()), durable, own, news }))
    }

    /// Takes the incidents of a tick, and makes what is owed because of them durable together with the tick's own `rows`.
    /// Only then is anything of it told.
    pub(super) fn save_tick(
        &self,
        cluster: &ClusterName,
        incidents: &[Arc<Incident>],
        mut rows: Vec<Row>,
        now: Timestamp,
    ) {
        let in_order = lock(&self.in_order);
        rows.extend(self.see(cluster, incidents, now));
        self.durable.write(cluster, &rows);
        // While they cannot be written they are kept until they can be; a page does not wait for a disk.
        lock(&self.outbox).saved(cluster);
        drop(in_order);
        self.go();
    }

    fn see(&self, cluster: &ClusterName, incidents: &[Arc<Incident>], now: Timestamp) -> Vec<Row> {
        let mut outbox = lock(&self.outbox);
        let mut rows = outbox.see(cluster, incidents, now);
        for (severity, counted) in outbox.count(cluster, now) {
            self.own.set_incidents(
                cluster,
                severity,
                [("open", counted.open), ("silenced", counted.silenced)],
            );
        }
        drop(outbox);
        let own = rows.remove(cluster).unwrap_or_default();
        self.keep(&rows);
        self.measure();
        own
    }

    fn go(&self) {
        self.news.send_modify(|number| *number += 1);
    }

    /// What was told of an incident, for the API.
    pub(super) fn of_incident(&self, id: &IncidentId) -> Vec<DeliveryStatus> {
        let views = lock(&self.outbox).deliveries(id, clock::now());
        let status = |view: DeliveryView| DeliveryStatus {
            receiver: view.receiver.to_string(),
            state: view.state.label(),
            attempts: view
                .attempts
                .iter()
                .map(|attempt| AttemptStatus {
                    at: rfc3339(attempt.at),
                    answer: Some(attempt.answer.clone()).filter(|answer| !answer.is_empty()),
                    took_ms: attempt.took.0,
                    outcome: attempt.outcome.label(),
                })
                .collect(),
        };
        views.into_iter().map(status).collect()
    }

    /// What a person should know of receivers: who refuses, who cannot be reached. A sentence each, without a secret.
    pub(super) fn warnings(&self) -> Vec<String> {
        let views = lock(&self.outbox).receivers(clock::now());
        let warning = |view: ReceiverView| {
            let trouble = view.trouble?;
            let what = if trouble.is_refusal { "has refused what it was told" } else { "cannot be told" };
            let since = rfc3339(trouble.since).map(|since| format!(" since {since}")).unwrap_or_default();
            let owed =
                if view.owed > 0 { format!("; it is owed {} incidents", view.owed) } else { String::new() };
            Some(format!("receiver {} {what}{since}: {}{owed}", view.receiver, trouble.answer))
        };
        if views.is_empty() {
            return vec!["nobody is told by this instance: `notify` is false".to_owned()];
        }
        views.into_iter().filter_map(warning).collect()
    }

    /// What the API may do with silences.
    pub(super) fn silence_access(self: &Arc<Self>) -> SilenceAccess {
        let (list, add, expire) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        SilenceAccess {
            now: Arc::new(clock::now),
            list: Arc::new(move || lock(&list.outbox).silences().cloned().collect()),
            add: Arc::new(move |wanted| {
                let silence = add.change(|outbox| match outbox.add_silence(wanted, clock::now()) {
                    Ok((silence, rows)) => (Ok(silence), rows),
                    Err(why) => (Err(why), Rows::new()),
                })?;
                add.go();
                Ok(silence)
            }),
            expire: Arc::new(move |id| {
                let silence = expire.change(|outbox| match outbox.expire_silence(id, clock::now()) {
                    Some((silence, rows)) => (Some(silence), rows),
                    None => (None, Rows::new()),
                })?;
                expire.go();
                Some(silence)
            }),
        }
    }

    /// Changes the outbox, and makes the rows of that durable.
    fn change<T>(&self, change: impl FnOnce(&mut Outbox) -> (T, Rows)) -> T {
        let _in_order = lock(&self.in_order);
        let (changed, rows) = change(&mut lock(&self.outbox));
        self.keep(&rows);
        changed
    }

    fn keep(&self, rows: &Rows) {
        for (cluster, rows) in rows {
            self.durable.write(cluster, rows);
        }
    }

    fn reconfigure(&self, config: &NotifyConfig) {
        let dropped = self.change(|outbox| {
            let done = outbox.reconfigure(config.clone(), clock::now());
            (done.dropped, done.rows)
        });
        for (receiver, incidents) in &dropped {
            tell_gone(receiver, *incidents);
            self.own.forget_receiver(receiver.as_str());
        }
    }

    /// Notes an answer, and makes it durable.
    fn answered(&self, message: &Message, answer: &Result<Receipt, Failure>, took: Duration) {
        let now = clock::now();
        self.change(|outbox| match answer {
            Ok(receipt) => ((), outbox.delivered(message, receipt, took, now)),
            Err(failure) => ((), outbox.failed(message, failure, took, now)),
        });
        let outcome = match answer {
            Ok(_) => Outcome::Delivered,
            Err(Failure::Later { .. }) => Outcome::Failed,
            Err(Failure::Never { .. }) => Outcome::Refused,
        };
        self.own.count_notification(message.receiver.as_str(), outcome.label());
        self.measure();
        // A fallback may be owed what this one has refused.
        self.go();
    }

    /// How receivers are, for the metrics.
    fn measure(&self) {
        let now = clock::now();
        for view in lock(&self.outbox).receivers(now) {
            let oldest = view.oldest.map_or(0.0, |oldest| now.since(oldest).as_seconds());
            self.own.set_receiver(view.receiver.as_str(), view.is_up, oldest);
        }
    }
}

fn tell_gone(receiver: &ReceiverName, incidents: usize) {
    tracing::warn!(%receiver, incidents, "this daemon does not tell the receiver any more; what it was owed is dropped");
}

/// Every receiver, ready to be told.
///
/// # Errors
/// Each that cannot be used as it is set, and what to do.
pub(super) fn senders(config: &NotifyConfig) -> Result<Vec<(ReceiverConfig, Sender)>, Vec<Unusable>> {
    let (mut ready, mut unusable) = (Vec::new(), Vec::new());
    for receiver in &config.receivers {
        match Sender::build(receiver) {
            Ok(sender) => ready.push((receiver.clone(), sender)),
            Err(failed) => unusable.push(failed),
        }
    }
    if unusable.is_empty() { Ok(ready) } else { Err(unusable) }
}

/// Tells receivers until `stopped` is true. Settings that come are told by from then on; those with a receiver that
/// cannot be used leave everything as it was. `judged_at` says when the daemon last judged a cluster, and how far apart
/// its ticks are.
pub(super) async fn deliver(
    deliveries: Arc<Deliveries>,
    mut senders: Vec<(ReceiverConfig, Sender)>,
    mut settings: channel::Receiver<Arc<Config>>,
    mut stopped: channel::Receiver<bool>,
    heart: Heart,
) -> anyhow::Result<()> {
    let mut told_by = settings.borrow_and_update().notify.in_force();
    loop {
        let (ending, _) = channel::channel(false);
        let mut workers: FuturesUnordered<_> = senders
            .iter()
            .map(|(config, sender)| tell(&deliveries, config, sender, ending.subscribe(), heart.clone()))
            .collect();
        let renewed = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => None,
            next = renewal(&mut settings, &mut told_by) => Some(next),
            never = all_of(&mut workers) => match never {},
        };
        ending.send_replace(true);
        let drained = async { while workers.next().await.is_some() {} };
        let Some(renewed) = renewed else {
            drop(time::timeout(LAST_WORDS, drained).await);
            return Ok(());
        };
        drained.await;
        drop(workers);
        deliveries.reconfigure(&told_by);
        senders = renewed;
    }
}

/// Drives all of them for ever: they end only when they are told to, and there may be none.
async fn all_of(workers: &mut FuturesUnordered<impl Future<Output = ()>>) -> std::convert::Infallible {
    while workers.next().await.is_some() {}
    std::future::pending().await
}

/// Until there are other settings of delivery that can be used.
async fn renewal(
    settings: &mut channel::Receiver<Arc<Config>>,
    told_by: &mut NotifyConfig,
) -> Vec<(ReceiverConfig, Sender)> {
    loop {
        if settings.changed().await.is_err() {
            return std::future::pending().await;
        }
        let wanted = settings.borrow_and_update().notify.in_force();
        if wanted == *told_by {
            continue;
        }
        match senders(&wanted) {
            Ok(senders) => {
                *told_by = wanted;
                return senders;
            }
            Err(unusable) => {
                for failed in unusable {
                    tracing::error!(error = %failed, "receivers were not exchanged; those of before stay in use");
                }
            }
        }
    }
}

/// Tells one receiver what it is owed, until `ending`.
async fn tell(
    deliveries: &Deliveries,
    config: &ReceiverConfig,
    sender: &Sender,
    mut ending: channel::Receiver<bool>,
    heart: Heart,
) {
    if let ReceiverKind::Heartbeat(heartbeat) = &config.kind {
        return beat(config, sender, heartbeat.interval, ending, heart).await;
    }
    let mut news = deliveries.news.subscribe();
    while !*ending.borrow() {
        news.mark_unchanged();
        let next = lock(&deliveries.outbox).next(&config.name, clock::now());
        let wake = match next {
            Next::Message(message) => {
                send(deliveries, sender, &message).await;
                continue;
            }
            Next::At(at) => Some(Duration::from_millis(at.since(clock::now()).0.max(1))),
            Next::Idle => None,
        };
        let timer = async {
            match wake {
                Some(wake) => time::sleep(wake).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = ending.changed() => {}
            _ = news.changed() => {}
            () = timer => {}
        }
    }
}

async fn send(deliveries: &Deliveries, sender: &Sender, message: &Message) {
    let incident = message.notices.first().map(|notice| notice.incident.id.to_string()).unwrap_or_default();
    let span = tracing::info_span!(
        "notify",
        receiver = %message.receiver,
        incident,
        incidents = message.notices.len()
    );
    // Whoever may have heard the beginning is to hear the end, whatever happens to this process meanwhile.
    tokio::task::block_in_place(|| deliveries.change(|outbox| ((), outbox.sending(message))));
    let begun = Instant::now();
    let answer = sender.send(message).instrument(span.clone()).await;
    let took = begun.elapsed();
    span.in_scope(|| {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match &answer {
            Ok(receipt) => tracing::info!(answer = receipt.answer, took_ms, "told"),
            Err(Failure::Later { answer, .. }) => {
                tracing::warn!(answer, took_ms, "could not be told; will be tried again")
            }
            Err(Failure::Never { answer }) => tracing::error!(answer, took_ms, "was refused"),
        }
    });
    // Waiting for the disk is nothing for the threads that others are told on.
    tokio::task::block_in_place(|| deliveries.answered(message, &answer, took));
}

/// Says when the daemon last judged a cluster, and how far apart its ticks are.
pub(super) type Heart = Arc<dyn Fn() -> Option<(Timestamp, Millis)> + Send + Sync>;

/// Calls a dead man's switch while the daemon really judges.
async fn beat(
    config: &ReceiverConfig,
    sender: &Sender,
    interval: Duration,
    mut ending: channel::Receiver<bool>,
    heart: Heart,
) {
    let Some(heartbeat) = sender.heartbeat() else { return };
    let interval = Millis(u64::try_from(interval.as_millis()).unwrap_or(u64::MAX));
    let mut last = None;
    let mut look = time::interval(Duration::from_secs(1));
    while !*ending.borrow() {
        tokio::select! {
            _ = ending.changed() => continue,
            _ = look.tick() => {}
        }
        let now = clock::now();
        let (judged_at, tick) = heart().map_or((None, Millis(1_000)), |(at, tick)| (Some(at), tick));
        if is_due(now, last, interval, judged_at, tick) {
            last = Some(now);
            if let Err(Failure::Later { answer, .. } | Failure::Never { answer }) = heartbeat.beat(now).await
            {
                tracing::warn!(receiver = %config.name, answer, "nobody has heard the heartbeat");
            }
        }
    }
}
