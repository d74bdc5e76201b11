//! `plimsoll silence`: makes, lists and ends silences of a running daemon.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cell::{visible, width_of};
use super::{Ending, environment, say};
use crate::cli::{SilenceAddArgs, SilenceArgs, SilenceCommand, SilenceExpireArgs, SilenceListArgs};

/// A daemon answers from memory, and from its disk when something is changed.
const PATIENCE: Duration = Duration::from_secs(10);

const PATH: &str = "/api/v1/silences";
const WHAT_TO_DO: &str = "start one with `plimsoll run`, or say where it serves with --url or PLIMSOLL_URL";

/// What the daemon says of an answer that is none.
#[derive(Deserialize)]
struct Complaint {
    error: String,
}

#[derive(Deserialize)]
struct Answer {
    silences: Vec<Line>,
}

/// What is shown of a silence.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct Line {
    id: String,
    state: String,
    matchers: Vec<String>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    author: String,
    comment: String,
}

/// # Errors
/// When no daemon answers, when it refuses, and when standard output cannot be written.
pub(super) fn run(arguments: &SilenceArgs) -> anyhow::Result<Ending> {
    let url = match &arguments.command {
        SilenceCommand::Add(add) => &add.daemon.url,
        SilenceCommand::List(list) => &list.daemon.url,
        SilenceCommand::Expire(expire) => &expire.daemon.url,
    };
    let Some(daemon) = Daemon::at(url) else {
        say("plimsoll: --url: write where the daemon serves, such as http://127.0.0.1:1876");
        return Ok(Ending::Refused);
    };
    match &arguments.command {
        SilenceCommand::Add(arguments) => add(&daemon, arguments),
        SilenceCommand::List(arguments) => list(&daemon, arguments),
        SilenceCommand::Expire(arguments) => expire(&daemon, arguments),
    }
}

fn add(daemon: &Daemon, arguments: &SilenceAddArgs) -> anyhow::Result<Ending> {
    let author = arguments.author.clone().or_else(|| environment("USER"));
    let Some(author) = author else {
        say("plimsoll: --author: say who wants the silence, as USER is not set");
        return Ok(Ending::Refused);
    };
    let wanted = json!({
        "matchers": arguments.matchers,
        "duration": arguments.duration,
        "author": author,
        "comment": arguments.comment,
    });
    let body = daemon.ask(Method::POST, "", Some(&wanted))?;
    let made: Line = daemon.understand(&body)?;
    if arguments.json {
        return write(&[body.as_slice(), b"\n"].concat());
    }
    let ends_at = made.ends_at.as_deref().map_or_else(String::new, |at| format!(", until {at}"));
    write(format!("{} is silent: {}{ends_at}\n", made.id, shown(&made.matchers)).as_bytes())
}

fn list(daemon: &Daemon, arguments: &SilenceListArgs) -> anyhow::Result<Ending> {
    let body = daemon.ask(Method::GET, "", None)?;
    let Answer { mut silences } = daemon.understand(&body)?;
    if !arguments.all {
        silences.retain(|silence| silence.state != "expired");
    }
    if arguments.json {
        let mut text = serde_json::to_vec(&json!({ "silences": silences }))?;
        text.push(b'\n');
        return write(&text);
    }
    if silences.is_empty() {
        say("plimsoll: nothing is silenced");
        return Ok(Ending::Fine);
    }
    write(table(&silences).as_bytes())
}

fn expire(daemon: &Daemon, arguments: &SilenceExpireArgs) -> anyhow::Result<Ending> {
    let mut ended = Vec::new();
    for id in &arguments.ids {
        let body = daemon.ask(Method::DELETE, id, None)?;
        let line: Line = daemon.understand(&body)?;
        if !arguments.json {
            write(format!("{} is over: {}\n", line.id, shown(&line.matchers)).as_bytes())?;
        }
        ended.push(line);
    }
    if arguments.json {
        let mut text = serde_json::to_vec(&json!({ "silences": ended }))?;
        text.push(b'\n');
        write(&text)?;
    }
    Ok(Ending::Fine)
}

fn table(silences: &[Line]) -> String {
    let headers = ["ID", "STATE", "STARTS", "ENDS", "AUTHOR", "MATCHERS", "COMMENT"].map(str::to_owned);
    let row = |line: &Line| {
        let time = |time: &Option<String>| time.clone().unwrap_or_default();
        let (starts, ends) = (time(&line.starts_at), time(&line.ends_at));
        let texts =
            [&line.id, &line.state, &starts, &ends, &line.author, &shown(&line.matchers), &line.comment];
        texts.map(|text| visible(text))
    };
    let rows: Vec<[String; 7]> = std::iter::once(headers).chain(silences.iter().map(row)).collect();
    let widths: [usize; 7] =
        std::array::from_fn(|column| rows.iter().map(|row| width_of(&row[column])).max().unwrap_or_default());
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - width_of(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn shown(matchers: &[String]) -> String {
    visible(&matchers.join(" "))
}

fn write(text: &[u8]) -> anyhow::Result<Ending> {
    let mut out = std::io::stdout().lock();
    out.write_all(text)?;
    out.flush()?;
    Ok(Ending::Fine)
}

/// Where a daemon serves.
struct Daemon(Url);

impl Daemon {
    fn at(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(Self(url))
    }

    fn ask(&self, method: Method, id: &str, body: Option<&Value>) -> anyhow::Result<Vec<u8>> {
        // Only the first provider of a process is kept; another part may have brought the same one.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client =
            Client::builder().timeout(PATIENCE).no_proxy().build().context("making the HTTP client")?;
        let mut url = self.0.clone();
        url.set_path(&format!("{}{PATH}", url.path().trim_end_matches('/')));
        if !id.is_empty() {
            // Addresses of web servers have paths.
            url.path_segments_mut().map_err(|()| anyhow::anyhow!("no web server is there"))?.push(id);
        }
        let request = client.request(method, url);
        let request = body.map_or(request.try_clone().context("asking")?, |body| request.json(body));
        self.answer(request)
    }

    fn answer(&self, request: RequestBuilder) -> anyhow::Result<Vec<u8>> {
        let answer = request.send().map_err(|failed| {
            let why = if failed.is_timeout() { "it took too long".to_owned() } else { cause(&failed) };
            anyhow::anyhow!("no daemon answers at {} ({why}): {WHAT_TO_DO}", self.shown())
        })?;
        let status = answer.status();
        let body = answer.bytes().with_context(|| format!("the answer of {} broke off", self.shown()))?;
        if status.is_success() {
            return Ok(body.to_vec());
        }
        match serde_json::from_slice::<Complaint>(&body) {
            Ok(said) => anyhow::bail!("the daemon at {} answers {status}: {}", self.shown(), said.error),
            Err(_) => anyhow::bail!("what answers at {} is no plimsoll daemon: {status}", self.shown()),
        }
    }

    fn understand<'a, T: Deserialize<'a>>(&self, body: &'a [u8]) -> anyhow::Result<T> {
        serde_json::from_slice(body)
            .map_err(|_| anyhow::anyhow!("what answers at {} is no plimsoll daemon", self.shown()))
    }

    /// The address without what is asked there, and without a password.
    fn shown(&self) -> String {
        let mut url = self.0.clone();
        // Fails for addresses that cannot have any.
        url.set_username("").ok();
        url.set_password(None).ok();
        url.set_query(None);
        url.as_str().trim_end_matches('/').to_owned()
    }
}

/// The innermost cause: those around it repeat the address.
fn cause(failed: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = failed;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each() {
        let line = |id: &str, author: &str| Line {
            id: id.to_owned(),
            state: "active".to_owned(),
            matchers: vec!["team=\"payments\"".to_owned(), "topic=~\"a.*\"".to_owned()],
            starts_at: Some("2026-01-02T03:04:05Z".to_owned()),
            ends_at: None,
            author: author.to_owned(),
            comment: "moving\x1b[2J".to_owned(),
        };
        let table = table(&[line("0123456789abcdef", "ada"), line("1", "注文")]);
        let expected = "\
ID                STATE   STARTS                ENDS  AUTHOR  MATCHERS                      COMMENT
0123456789abcdef  active  2026-01-02T03:04:05Z        ada     team=\"payments\" topic=~\"a.*\"  moving\\u{1b}[2J
1                 active  2026-01-02T03:04:05Z        注文    team=\"payments\" topic=~\"a.*\"  moving\\u{1b}[2J
";
        assert_eq!(table, expected);
    }
}
