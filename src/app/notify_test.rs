//! `plimsoll notify-test`: sends a drill to one receiver, in the way in which alerts are sent, and shows the answer.
//! Never touches the state: the running daemon knows nothing of it.

mod drill;

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;

use super::{Ending, clock, say};
use crate::cli::NotifyTestArgs;
use crate::config::{Config, kind_words, nearest};
use crate::notify::{Failure, Message, Receipt, ReceiverConfig, ReceiverKind, Sender};

/// # Errors
/// When standard output cannot be written, or nothing can be sent from here at all.
pub(super) fn run(config: &Config, arguments: &NotifyTestArgs) -> anyhow::Result<Ending> {
    let receivers = &config.notify.receivers;
    let Some(receiver) = receivers.iter().find(|receiver| receiver.name.as_str() == arguments.receiver)
    else {
        say(&unknown(&arguments.receiver, receivers));
        return Ok(Ending::Refused);
    };
    let message = drill::message(receiver, &config.notify, arguments.resolve, clock::now());
    let (answer, took) = timed(receiver, &message)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(
            &mut out,
            &as_json(receiver, &message, arguments.resolve, &answer, took),
        )?;
        writeln!(out)?;
    } else {
        let what = if arguments.resolve { "the end of a drill" } else { "a drill" };
        let (name, kind) = (&receiver.name, kind_words(&receiver.kind));
        let took = format!("{} ms", took.as_millis());
        match &answer {
            Ok(receipt) => {
                writeln!(out, "{name} ({kind}) has taken {what} in {took}: {}", receipt.answer)?;
                writeln!(out, "  key {}", message.group_key)?;
            }
            Err(Failure::Later { answer, .. } | Failure::Never { answer }) => {
                writeln!(out, "{name} ({kind}) has not taken {what}, after {took}: {answer}")?;
            }
        }
    }
    match &answer {
        Ok(_) => Ok(Ending::Fine),
        Err(failure) => {
            say(&format!("plimsoll: {}", what_to_do(receiver, failure)));
            Ok(Ending::Failed)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is what is asked for")]
fn timed(
    receiver: &ReceiverConfig,
    message: &Message,
) -> anyhow::Result<(Result<Receipt, Failure>, Duration)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("starting the tasks that send")?;
    let begun = Instant::now();
    let answer = runtime.block_on(send(receiver, message));
    Ok((answer, begun.elapsed()))
}

/// The one place that reaches the receiver.
async fn send(receiver: &ReceiverConfig, message: &Message) -> Result<Receipt, Failure> {
    match Sender::build(receiver) {
        Ok(sender) => sender.send(message).await,
        Err(unusable) => Err(Failure::Never { answer: unusable.to_string() }),
    }
}

fn unknown(given: &str, receivers: &[ReceiverConfig]) -> String {
    let names = || receivers.iter().map(|receiver| receiver.name.as_str());
    let help = match nearest(given, names()) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
    };
    format!("plimsoll: the settings have no receiver `{given}`: {help}")
}

/// What a person can do when it was not taken.
fn what_to_do(receiver: &ReceiverConfig, failure: &Failure) -> String {
    if let Failure::Later { after: Some(after), .. } = failure {
        return format!("it asks to be left alone for {} s: try again then", after.as_secs().max(1));
    }
    let is_refused = matches!(failure, Failure::Never { .. });
    let help = match (&receiver.kind, is_refused) {
        (ReceiverKind::Slack(_), true) => {
            "look whether the webhook or the token is still valid, and whether the bot is in the channel"
        }
        (ReceiverKind::PagerDuty(_), true) => {
            "look whether the routing key is that of an `Events API V2` integration, and the region that of `url`"
        }
        (ReceiverKind::Email(_), true) => "look at user, password, and the addresses in `from` and `to`",
        (ReceiverKind::Webhook(_) | ReceiverKind::Alertmanager(_) | ReceiverKind::Heartbeat(_), true) => {
            "look at the address, and at what lets us in there"
        }
        (ReceiverKind::Terminal, _) => "look where standard output leads",
        (_, false) => {
            "look whether it can be reached from this machine (name, port, proxy, certificate: `ca_file`), then try again"
        }
    };
    help.to_owned()
}

fn as_json(
    receiver: &ReceiverConfig,
    message: &Message,
    resolve: bool,
    answer: &Result<Receipt, Failure>,
    took: Duration,
) -> serde_json::Value {
    let (delivered, said) = match answer {
        Ok(receipt) => (true, &receipt.answer),
        Err(Failure::Later { answer, .. } | Failure::Never { answer }) => (false, answer),
    };
    json!({
        "receiver": receiver.name.as_str(),
        "kind": receiver.kind.label(),
        "what": if resolve { "resolved" } else { "firing" },
        "delivered": delivered,
        "answer": said,
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "key": message.group_key,
        "may_be_repeated": matches!(answer, Err(Failure::Later { .. })),
    })
}
