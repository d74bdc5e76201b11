//! Slack: by an incoming webhook, which can only say something new, or by a bot, which keeps one message per incident,
//! changes it in place, and tells changes in its thread.

mod blocks;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::Secrets;
use super::config::{ReceiverConfig, SlackAccess, SlackConfig};
use super::http::{self, Http, Taken};
use super::message::{Failure, Message, Notice, NoticeKind, Receipt, Thread};
use super::unusable::Unusable;
use crate::model::{IncidentId, Secret};

/// Slack's words for what may go well later.
const TEMPORARY: [&str; 7] = [
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
];

/// Slack's words for a message that is there no more, or may not be changed any more.
const GONE: [&str; 4] =
    ["message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"];

/// What the id of a thread begins with that is a summary's: an incident's own message is not to be overwritten by one,
/// nor the other way round.
const SUMMARY: &str = "summary ";

/// The most notices that are remembered of messages that were told in part.
const MOST_REMEMBERED: usize = 1000;

/// A way into Slack.
pub(super) struct Slack {
    http: Http,
    access: Access,
}

enum Access {
    Webhook(Url),
    Bot(Box<Bot>),
}

struct Bot {
    post: Url,
    update: Url,
    token: Secret,
    channel: String,
    /// What was told of a message before the rest of it failed, so that it is not told again with the rest.
    told: Mutex<BTreeMap<Told, Thread>>,
}

/// A notice: an incident, its revision, and why it was told.
type Told = (IncidentId, u32, NoticeKind);

/// Why a bot's call was not taken.
enum Refusal {
    /// Slack's own word.
    Word(String),
    Failure(Failure),
}

impl Slack {
    pub(super) fn build(config: &ReceiverConfig, slack: &SlackConfig) -> Result<Self, Unusable> {
        let mut secrets = Secrets::default();
        let access = match &slack.access {
            SlackAccess::Webhook { url } => Access::Webhook(http::url(config, "webhook_url", url.expose())?),
            SlackAccess::Bot { token, channel } => {
                let is_header = reqwest::header::HeaderValue::from_str(token.expose()).is_ok();
                if token.expose().is_empty() || !is_header || channel.is_empty() {
                    let help = "set the bot's token, which begins with xoxb-, and a channel's id or name";
                    return Err(Unusable::new(&config.name, "has no usable `bot_token` or `channel`", help));
                }
                secrets.add(token.expose());
                let base = slack.api_url.trim_end_matches('/');
                let method = |name: &str| http::url(config, "api_url", &format!("{base}/{name}"));
                Access::Bot(Box::new(Bot {
                    post: method("chat.postMessage")?,
                    update: method("chat.update")?,
                    token: token.clone(),
                    channel: channel.clone(),
                    told: Mutex::default(),
                }))
            }
        };
        let url = match &access {
            Access::Webhook(url) => {
                secrets.add_url(url);
                url
            }
            Access::Bot(bot) => {
                secrets.add_user(&bot.post);
                &bot.post
            }
        };
        let http = Http::new(config, std::slice::from_ref(url), secrets)?;
        Ok(Self { http, access })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, Failure> {
        match &self.access {
            Access::Webhook(url) => self.send_by_webhook(url, message).await,
            Access::Bot(bot) => self.send_by_bot(bot, message).await,
        }
    }

    async fn send_by_webhook(&self, url: &Url, message: &Message) -> Result<Receipt, Failure> {
        let request = self.http.post(url).json(&blocks::message(message));
        let taken = self.http.send(request, message.at).await?;
        if taken.body.trim() == "ok" {
            return Ok(Receipt::plain(&format!("{}: ok", taken.status), message));
        }
        Err(match word(&taken) {
            Some(Err(word)) => self.refused(&word),
            _ => self.http.secrets.never(&format!("{} but not ok: {}", taken.status, taken.body)),
        })
    }

    async fn send_by_bot(&self, bot: &Bot, message: &Message) -> Result<Receipt, Failure> {
        if message.is_summary {
            let known = message.notices.iter().find_map(|notice| of_summary(notice.thread.as_ref()?));
            let is_news = message.notices.iter().any(|notice| notice.kind != NoticeKind::Repeated);
            let told = self.tell(bot, message, known.as_ref(), is_news, false).await?;
            let thread = Thread { id: format!("{SUMMARY}{}", told.id), ..told };
            let threads = vec![Some(thread); message.notices.len()];
            return Ok(Receipt { answer: "ok".to_owned(), threads });
        }
        let mut threads = Vec::new();
        for notice in &message.notices {
            let key = (notice.incident.id.clone(), notice.incident.revision, notice.kind);
            let before = bot.told(|told| told.get(&key).cloned());
            let thread = match before {
                Some(thread) => thread,
                None => self.tell_one(bot, message, notice).await?,
            };
            bot.told(|told| {
                if told.len() >= MOST_REMEMBERED {
                    told.clear();
                }
                told.insert(key, thread.clone())
            });
            threads.push(Some(thread));
        }
        // All of it is told: what comes next may be the same once more, and is meant so.
        bot.told(|told| {
            for notice in &message.notices {
                told.remove(&(notice.incident.id.clone(), notice.incident.revision, notice.kind));
            }
        });
        Ok(Receipt { answer: "ok".to_owned(), threads })
    }

    async fn tell_one(&self, bot: &Bot, message: &Message, notice: &Notice) -> Result<Thread, Failure> {
        let single = Message { notices: vec![notice.clone()], ..message.clone() };
        let is_news = notice.kind != NoticeKind::Repeated;
        let is_urgent = notice.kind == NoticeKind::Escalated;
        let own = notice.thread.as_ref().filter(|thread| of_summary(thread).is_none());
        self.tell(bot, &single, own, is_news, is_urgent).await
    }

    /// Posts `message`, or changes the one that is in `known` and, where there `is_news`, says so in its thread; in the
    /// channel, too, when it `is_urgent`.
    async fn tell(
        &self,
        bot: &Bot,
        message: &Message,
        known: Option<&Thread>,
        is_news: bool,
        is_urgent: bool,
    ) -> Result<Thread, Failure> {
        if let Some(known) = known.filter(|known| !known.channel.is_empty() && !known.id.is_empty()) {
            let mut changed = blocks::message(message);
            changed.insert("channel".to_owned(), known.channel.as_str().into());
            changed.insert("ts".to_owned(), known.id.as_str().into());
            let mut reply = blocks::reply(message);
            reply.insert("channel".to_owned(), known.channel.as_str().into());
            reply.insert("thread_ts".to_owned(), known.id.as_str().into());
            reply.insert("reply_broadcast".to_owned(), is_urgent.into());
            let mut done = self.call(bot, &bot.update, &changed, message).await;
            if done.is_ok() && is_news {
                done = self.call(bot, &bot.post, &reply, message).await;
            }
            match done {
                Ok(_) => return Ok(known.clone()),
                Err(Refusal::Word(word)) if GONE.contains(&word.as_str()) => {}
                Err(Refusal::Word(word)) => return Err(self.refused(&word)),
                Err(Refusal::Failure(failure)) => return Err(failure),
            }
        }
        let mut new = blocks::message(message);
        new.insert("channel".to_owned(), bot.channel.as_str().into());
        match self.call(bot, &bot.post, &new, message).await {
            Ok(thread) => Ok(thread),
            Err(Refusal::Word(word)) => Err(self.refused(&word)),
            Err(Refusal::Failure(failure)) => Err(failure),
        }
    }

    async fn call(
        &self,
        bot: &Bot,
        method: &Url,
        body: &Map<String, Value>,
        message: &Message,
    ) -> Result<Thread, Refusal> {
        let request = self.http.post(method).bearer_auth(bot.token.expose()).json(body);
        let taken = self.http.send(request, message.at).await.map_err(Refusal::Failure)?;
        match word(&taken) {
            Some(Ok(thread)) => Ok(thread),
            Some(Err(word)) => Err(Refusal::Word(word)),
            None => {
                let said = format!("{} but no answer of Slack: {}", taken.status, taken.body);
                Err(Refusal::Failure(self.http.secrets.never(&said)))
            }
        }
    }

    fn refused(&self, word: &str) -> Failure {
        let answer = format!("Slack answers ok: false, {word}");
        if TEMPORARY.contains(&word) {
            self.http.secrets.later(&answer, None)
        } else {
            self.http.secrets.never(&answer)
        }
    }
}

impl Bot {
    fn told<T>(&self, act: impl FnOnce(&mut BTreeMap<Told, Thread>) -> T) -> T {
        act(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The message of the summary that an incident was told with, if it was.
fn of_summary(thread: &Thread) -> Option<Thread> {
    let id = thread.id.strip_prefix(SUMMARY)?.to_owned();
    Some(Thread { id, ..thread.clone() })
}

#[derive(Debug, Deserialize)]
struct Said {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    ts: String,
}

/// What Slack says in an answer with status 200: where the message is, or why there is none; `None` when it is not Slack
/// that speaks.
fn word(taken: &Taken) -> Option<Result<Thread, String>> {
    let said: Said = serde_json::from_str(&taken.body).ok()?;
    if said.ok {
        return Some(Ok(Thread { channel: said.channel, id: said.ts }));
    }
    Some(Err(said.error.unwrap_or_else(|| "no reason given".to_owned())))
}

#[cfg(test)]
mod tests;
