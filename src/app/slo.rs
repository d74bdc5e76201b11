//! `plimsoll slo`: asks a running daemon how its SLOs stand, and shows that. Never talks to Kafka, never judges.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use reqwest::Url;
use reqwest::blocking::{Client, Response};
use serde::Deserialize;

use super::lag::width;
use super::slo_table::{self, Line, Shape};
use super::{Ending, color_on, say};
use crate::cli::{Color, SloArgs};

/// A daemon answers from memory: one that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(10);

const WHAT_TO_DO: &str = "start one with `plimsoll run`, or say where it serves with --url or PLIMSOLL_URL";

/// What the daemon says of an answer that is none.
#[derive(Deserialize)]
struct Complaint {
    error: String,
}

#[derive(Deserialize)]
struct Answer {
    slos: Vec<Line>,
}

/// # Errors
/// When no daemon answers, when what answers is none, and when standard output cannot be written.
pub(super) fn run(arguments: &SloArgs, color: Color) -> anyhow::Result<Ending> {
    let Some(url) = url(arguments) else {
        say("plimsoll: --url: write where the daemon serves, such as http://127.0.0.1:1876");
        return Ok(Ending::Refused);
    };
    let body = ask(&url)?;
    let text = std::str::from_utf8(&body).ok();
    let answer: Option<Answer> = text.and_then(|text| serde_json::from_str(text).ok());
    let answer = answer.with_context(|| format!("what answers at {} is no plimsoll daemon", shown(&url)))?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        out.write_all(body.trim_ascii_end())?;
        out.write_all(b"\n")?;
    } else if !answer.slos.is_empty() {
        let color = color_on(color, &out);
        out.write_all(slo_table::render(&answer.slos, &Shape { width: width(), color }).as_bytes())?;
    }
    out.flush()?;
    let is_narrowed = [&arguments.slo, &arguments.group, &arguments.topic].iter().any(|it| it.is_some());
    Ok(match (answer.slos.is_empty(), is_narrowed) {
        (false, _) => Ending::Fine,
        (true, true) => {
            say("plimsoll: no SLO is as asked for: `plimsoll slo` alone shows all of them");
            Ending::Failed
        }
        (true, false) => {
            say("plimsoll: the daemon has no SLOs: name a file with `slos:` under `rules:` in its settings");
            Ending::Fine
        }
    })
}

/// The question, or nothing when `--url` is no address of a web server.
fn url(arguments: &SloArgs) -> Option<Url> {
    let mut url = Url::parse(&arguments.url).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    // below whatever path a proxy has put it
    url.set_path(&format!("{}/api/v1/slos", url.path().trim_end_matches('/')));
    for (name, selector) in
        [("slo", &arguments.slo), ("group", &arguments.group), ("topic", &arguments.topic)]
    {
        if let Some(selector) = selector {
            url.query_pairs_mut().append_pair(name, selector.as_str());
        }
    }
    Some(url)
}

fn ask(url: &Url) -> anyhow::Result<Vec<u8>> {
    // Only the first provider of a process is kept; another part may have brought the same one.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = Client::builder().timeout(PATIENCE).no_proxy().build().context("making the HTTP client")?;
    let answer = client.get(url.clone()).send().map_err(|failed| {
        let why = if failed.is_timeout() { "it took too long".to_owned() } else { cause(&failed) };
        anyhow::anyhow!("no daemon answers at {} ({why}): {WHAT_TO_DO}", shown(url))
    })?;
    let status = answer.status();
    let body = read(answer).with_context(|| format!("the answer of {} broke off", shown(url)))?;
    if status.is_success() {
        return Ok(body);
    }
    let said = serde_json::from_slice::<Complaint>(&body).map(|complaint| complaint.error);
    match said {
        Ok(said) => anyhow::bail!("the daemon at {} answers {status}: {said}", shown(url)),
        Err(_) => anyhow::bail!("what answers at {} is no plimsoll daemon: {status}", shown(url)),
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

/// The address without what is asked there, and without a password.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Fails for addresses that cannot have any.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.set_query(None);
    url.as_str().trim_end_matches("/api/v1/slos").to_owned()
}
