//! `plimsoll silence`: makes, lists and ends silences of a running daemon.

use std::io::Write;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::cell::{visible, width_of};
use super::client::{BAD_URL, Question};
use super::{Ending, environment, say};
use crate::cli::{SilenceAddArgs, SilenceArgs, SilenceCommand, SilenceExpireArgs, SilenceListArgs};

const PATH: &str = "/api/v1/silences";

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
    let Some(silences) = Question::new(url, PATH, &[]) else {
        say(BAD_URL);
        return Ok(Ending::Refused);
    };
    match &arguments.command {
        SilenceCommand::Add(arguments) => add(&silences, arguments),
        SilenceCommand::List(arguments) => list(&silences, arguments),
        SilenceCommand::Expire(arguments) => expire(url, arguments),
    }
}

fn add(question: &Question, arguments: &SilenceAddArgs) -> anyhow::Result<Ending> {
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
    let (body, made): (_, Line) = question.send(Method::POST, Some(&wanted))?;
    if arguments.json {
        return write(&[body.as_slice(), b"\n"].concat());
    }
    let ends_at = made.ends_at.as_deref().map_or_else(String::new, |at| format!(", until {at}"));
    write(format!("{} is silent: {}{ends_at}\n", made.id, shown(&made.matchers)).as_bytes())
}

fn list(question: &Question, arguments: &SilenceListArgs) -> anyhow::Result<Ending> {
    let (_, Answer { mut silences }) = question.ask()?;
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

fn expire(url: &str, arguments: &SilenceExpireArgs) -> anyhow::Result<Ending> {
    let mut ended = Vec::new();
    for id in &arguments.ids {
        let Some(question) = Question::new(url, &format!("{PATH}/{id}"), &[]) else {
            say(BAD_URL);
            return Ok(Ending::Refused);
        };
        let (_, line): (_, Line) = question.send(Method::DELETE, None)?;
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
