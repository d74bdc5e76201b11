//! Alerts on the terminal, one line each: for those who have set no receiver.

use std::io::Write;
use std::sync::Mutex;

use super::message::{Failure, Message, Receipt};
use super::words;
use crate::model::Severity;

/// Where lines go. Others may write there, too, so each line is written at once.
pub(super) struct Terminal {
    output: Mutex<Box<dyn Write + Send>>,
    is_coloured: bool,
}

impl Terminal {
    pub(super) fn new(output: Box<dyn Write + Send>, is_coloured: bool) -> Self {
        Self { output: Mutex::new(output), is_coloured }
    }

    /// # Errors
    /// Later, when nobody reads: whoever reads again gets it.
    pub(super) fn send(&self, message: &Message) -> Result<Receipt, Failure> {
        let text = lines(message, self.is_coloured);
        // A thread that panicked while it wrote has written a part of a line, which is no reason to be silent.
        let mut output = self.output.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
        match written {
            Ok(()) => Ok(Receipt::plain("written", message)),
            Err(failed) => Err(Failure::Later {
                answer: format!("standard output cannot be written ({})", failed.kind()),
                after: None,
            }),
        }
    }
}

/// `14:03:10 UTC [PAGE] orders-on-time: orders-processor on orders on cluster prod: … Runbook: https://…`
fn lines(message: &Message, is_coloured: bool) -> String {
    let (listed, more) = words::listed(message);
    let clock = words::clock(message.at, message.at);
    let mut text = String::new();
    for notice in listed {
        let story = words::story(message, notice);
        let tag = format!("[{}]", words::tag(notice));
        let tag =
            if is_coloured { coloured(&tag, notice.incident.severity, notice.kind.is_firing()) } else { tag };
        let name = super::cut::plain(&notice.incident.name, 120);
        text.push_str(&format!("{clock} {tag} {name}: {}", story.sentence));
        for link in story.links {
            text.push_str(&format!(" {}: {}", link.name, link.url));
        }
        text.push('\n');
    }
    if more > 0 {
        text.push_str(&format!("{clock} and {more} more: see `plimsoll incidents`\n"));
    }
    text
}

fn coloured(tag: &str, severity: Severity, is_firing: bool) -> String {
    let colour = match (is_firing, severity) {
        (false, _) => 32,
        (true, Severity::Page) => 31,
        (true, Severity::Ticket) => 33,
        (true, Severity::Info) => 36,
    };
    format!("\u{1b}[1;{colour}m{tag}\u{1b}[0m")
}

#[cfg(test)]
mod tests;
