//! Asks a running daemon over HTTP, for the commands that show what it knows or change its silences. Never talks to
//! Kafka.

use std::time::Duration;

use anyhow::Context;
use reqwest::blocking::{Client, Response};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A daemon answers from memory, and from its disk when something is changed: one that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(10);

const WHAT_TO_DO: &str = "start one with `plimsoll run`, or say where it serves with --url or PLIMSOLL_URL";

/// What a `--url` has to look like; the complaint when it does not.
pub(super) const BAD_URL: &str =
    "plimsoll: --url: write where the daemon serves, such as http://127.0.0.1:1876";

/// What the daemon says of an answer that is none.
#[derive(Deserialize)]
struct Complaint {
    error: String,
}

/// One thing to be asked of one daemon.
#[derive(Debug)]
pub(super) struct Question {
    url: Url,
    path: String,
}

impl Question {
    /// Asks `path` of the daemon at `base`; nothing when that is no address of a web server. Parameters without a value
    /// are left out.
    pub(super) fn new(base: &str, path: &str, parameters: &[(&str, Option<&str>)]) -> Option<Self> {
        let mut url = Url::parse(base).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        // below whatever path a proxy has put it
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        for (name, value) in parameters {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Some(Self { url, path: path.to_owned() })
    }

    /// The answer as it came, and what it says.
    ///
    /// # Errors
    /// When no daemon answers, and when what answers is none.
    pub(super) fn ask<T: DeserializeOwned>(&self) -> anyhow::Result<(Vec<u8>, T)> {
        self.send(Method::GET, None)
    }

    /// As [`Self::ask`], by another method, and with a `body` where there is one.
    ///
    /// # Errors
    /// As [`Self::ask`], and when the daemon refuses.
    pub(super) fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        body: Option<&Value>,
    ) -> anyhow::Result<(Vec<u8>, T)> {
        let body = self.body(method, body)?;
        let text = std::str::from_utf8(&body).ok();
        let answer: Option<T> = text.and_then(|text| serde_json::from_str(text).ok());
        let answer =
            answer.with_context(|| format!("what answers at {} is no plimsoll daemon", self.shown()))?;
        Ok((body, answer))
    }

    /// Whether the daemon says yes (200) or not now (503), and with which answer.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) fn ask_whether<T: DeserializeOwned>(&self) -> anyhow::Result<(bool, T)> {
        let (status, body) = self.answer(Method::GET, None)?;
        let known = matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE);
        match serde_json::from_slice(&body) {
            Ok(answer) if known => Ok((status == StatusCode::OK, answer)),
            _ => Err(self.is_no_daemon(status)),
        }
    }

    fn body(&self, method: Method, body: Option<&Value>) -> anyhow::Result<Vec<u8>> {
        let (status, body) = self.answer(method, body)?;
        if status.is_success() {
            return Ok(body);
        }
        let said = serde_json::from_slice::<Complaint>(&body).map(|complaint| complaint.error);
        match said {
            Ok(said) => anyhow::bail!("the daemon at {} answers {status}: {said}", self.shown()),
            Err(_) => Err(self.is_no_daemon(status)),
        }
    }

    fn is_no_daemon(&self, status: StatusCode) -> anyhow::Error {
        anyhow::anyhow!("what answers at {} is no plimsoll daemon: {status}", self.shown())
    }

    fn answer(&self, method: Method, body: Option<&Value>) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        // Only the first provider of a process is kept; another part may have brought the same one.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client =
            Client::builder().timeout(PATIENCE).no_proxy().build().context("making the HTTP client")?;
        let request = client.request(method, self.url.clone());
        let request = if let Some(body) = body { request.json(body) } else { request };
        let answer = request.send().map_err(|failed| {
            let why = if failed.is_timeout() { "it took too long".to_owned() } else { cause(&failed) };
            anyhow::anyhow!("no daemon answers at {} ({why}): {WHAT_TO_DO}", self.shown())
        })?;
        let status = answer.status();
        let body = read(answer).with_context(|| format!("the answer of {} broke off", self.shown()))?;
        Ok((status, body))
    }

    /// The address without what is asked there, and without a password.
    fn shown(&self) -> String {
        let mut url = self.url.clone();
        // Fails for addresses that cannot have any.
        url.set_username("").ok();
        url.set_password(None).ok();
        url.set_query(None);
        url.as_str().trim_end_matches(self.path.as_str()).to_owned()
    }
}

fn read(answer: Response) -> reqwest::Result<Vec<u8>> {
    Ok(answer.bytes()?.to_vec())
}

/// The innermost cause: those around it repeat the address.
fn cause(failed: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = failed;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
