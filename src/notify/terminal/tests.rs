//! Lines on a terminal, with nothing in them that a terminal obeys.

use std::sync::{Arc, Mutex};

use super::super::trial;
use super::*;

#[test]
fn lines_look_like_this() {
    trial::golden("terminal", |message| lines(message, false));
}

#[test]
fn a_notice_is_one_line_and_no_name_paints_it() {
    for (name, message) in trial::stories().into_iter().chain(trial::masses()) {
        let text = lines(&message, false);
        let expected = message.notices.len().min(20) + usize::from(message.notices.len() > 20);
        assert_eq!(text.lines().count(), expected, "{name}");
        assert!(!text.contains('\u{1b}'), "{name}");
        assert!(lines(&message, true).contains("\u{1b}[1;"), "{name}");
    }
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_written_is_taken_and_what_nobody_reads_is_kept_for_later() {
    let (screen, message) = (Screen::default(), trial::message(vec![]));
    let message = Message { notices: trial::stories()[7].1.notices.clone(), ..message };
    let receipt = Terminal::new(Box::new(screen.clone()), false).send(&message).unwrap();
    assert_eq!(receipt.threads.len(), 2);
    assert!(trial::threadless(&receipt));
    assert_eq!(screen.0.lock().unwrap().as_slice(), lines(&message, false).as_bytes());

    let failure = Terminal::new(Box::new(Closed), false).send(&message).unwrap_err();
    assert!(matches!(failure, Failure::Later { .. }), "{failure:?}");
}
