//! `plimsoll slo`: asks a running daemon how its SLOs stand, and shows that. Never talks to Kafka, never judges.

use std::io::Write;

use serde::Deserialize;

use super::client::{BAD_URL, Question};
use super::lag::width;
use super::slo_table::{self, Line};
use super::table::Shape;
use super::{Ending, color_on, say};
use crate::cli::{Color, SloArgs};
use crate::model::Selector;

#[derive(Deserialize)]
struct Answer {
    slos: Vec<Line>,
}

/// # Errors
/// When no daemon answers, when what answers is none, and when standard output cannot be written.
pub(super) fn run(arguments: &SloArgs, color: Color) -> anyhow::Result<Ending> {
    let narrowed = [("slo", &arguments.slo), ("group", &arguments.group), ("topic", &arguments.topic)];
    let parameters = narrowed.map(|(name, selector)| (name, selector.as_ref().map(Selector::as_str)));
    let Some(question) = Question::new(&arguments.daemon.url, "/api/v1/slos", &parameters) else {
        say(BAD_URL);
        return Ok(Ending::Refused);
    };
    let (body, answer): (_, Answer) = question.ask()?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        out.write_all(body.trim_ascii_end())?;
        out.write_all(b"\n")?;
    } else if !answer.slos.is_empty() {
        let color = color_on(color, &out);
        out.write_all(slo_table::render(&answer.slos, &Shape { width: width(), color }).as_bytes())?;
    }
    out.flush()?;
    let is_narrowed = narrowed.iter().any(|(_, selector)| selector.is_some());
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
