//! `plimsoll incidents`: asks a running daemon what is wrong, and shows that. Never talks to Kafka, never judges.

use std::io::Write;

use serde::Deserialize;

use super::client::{BAD_URL, Question};
use super::incidents_table::{self, Line};
use super::lag::width;
use super::table::Shape;
use super::{Ending, color_on, say};
use crate::cli::{Color, IncidentsArgs};
use crate::model::Selector;

#[derive(Deserialize)]
struct Answer {
    incidents: Vec<Line>,
}

/// # Errors
/// When no daemon answers, when what answers is none, and when standard output cannot be written.
pub(super) fn run(arguments: &IncidentsArgs, color: Color) -> anyhow::Result<Ending> {
    let narrowed = [
        ("name", &arguments.name),
        ("cluster", &arguments.cluster),
        ("group", &arguments.group),
        ("topic", &arguments.topic),
    ];
    let selectors = narrowed.map(|(name, selector)| (name, selector.as_ref().map(Selector::as_str)));
    let state = ("state", (!arguments.all).then_some("open"));
    let parameters: Vec<_> = selectors.into_iter().chain([state]).collect();
    let Some(question) = Question::new(&arguments.daemon.url, "/api/v1/incidents", &parameters) else {
        say(BAD_URL);
        return Ok(Ending::Refused);
    };
    let (body, answer): (_, Answer) = question.ask()?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        out.write_all(body.trim_ascii_end())?;
        out.write_all(b"\n")?;
    } else if !answer.incidents.is_empty() {
        let color = color_on(color, &out);
        let table = incidents_table::render(&answer.incidents, &Shape { width: width(), color });
        out.write_all(table.as_bytes())?;
    }
    out.flush()?;
    let is_narrowed = narrowed.iter().any(|(_, selector)| selector.is_some());
    Ok(match (answer.incidents.is_empty(), is_narrowed, arguments.all) {
        (false, _, _) => Ending::Fine,
        (true, true, false) => {
            say("plimsoll: no open incident is as asked for: --all also shows those that are over");
            Ending::Failed
        }
        (true, true, true) => {
            say("plimsoll: no incident is as asked for: `plimsoll incidents --all` alone shows all of them");
            Ending::Failed
        }
        (true, false, false) => {
            say("plimsoll: no incident is open: --all shows those that are over");
            Ending::Fine
        }
        (true, false, true) => {
            say("plimsoll: there was no incident in the last 90 days");
            Ending::Fine
        }
    })
}
