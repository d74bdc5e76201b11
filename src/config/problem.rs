//! What is wrong with settings, said so that the reader can mend it: where, what, and what would be right.
//! Never shows a secret: lines come here already masked.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's name as it was given; `None` when the problem is with the command line.
    pub file: Option<String>,
    /// Where in the file; `None` when the file as a whole is meant.
    pub place: Option<Place>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: Option<String>,
}

/// A place in a file, with its line as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line with its secrets hidden, cropped when long, without control characters.
    pub(super) shown: String,
    /// Characters of `shown` before the caret.
    pub(super) indent: usize,
    /// Number of carets, at least 1.
    pub(super) width: usize,
}

impl Problem {
    /// A problem with the command line or with a whole file.
    #[must_use]
    pub fn without_place(file: Option<&str>, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: file.map(str::to_owned), place: None, what: what.into(), help: Some(help.into()) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", clean(file))?;
            if let Some(place) = &self.place {
                write!(f, "{}:{}:", place.line, place.column)?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.what)?;
        let help = self.help.as_deref().unwrap_or_default();
        match &self.place {
            Some(place) => {
                write!(f, "\n{:>4} | {}\n     | ", place.line, place.shown)?;
                write!(f, "{}{}", " ".repeat(place.indent), "^".repeat(place.width))?;
                if !help.is_empty() {
                    write!(f, " {help}")?;
                }
            }
            None if !help.is_empty() => write!(f, "\n     = {help}")?,
            None => {}
        }
        Ok(())
    }
}

/// Every problem found, in the order of the file. Never empty as an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// `text` with a visible stand-in for every character that would move a terminal's cursor.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{feff}' => '\u{fffd}',
            c => c,
        })
        .collect()
}
