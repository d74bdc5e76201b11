//! Tables that fit a width: which columns are shown, how wide each is, and lines that no name can break.
//! Never knows what is in a cell.

use super::cell::{cut_end, cut_middle, paint, width_of};

/// How to render.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// In columns of a terminal. Under 40 the rightmost text is lost.
    pub(super) width: usize,
    /// With ANSI colours.
    pub(super) color: bool,
}

/// The columns of a table of `N`, by their places.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    pub(super) headers: [&'static str; N],
    /// Those that may be cut when there is no room.
    pub(super) names: &'static [usize],
    /// They are cut no shorter than this while a column can be left out instead.
    pub(super) shortest_name: usize,
    /// Those that stand to the left, besides the names; numbers stand to the right.
    pub(super) words: &'static [usize],
    /// What is left out when there is no room, the least needed first.
    pub(super) least_needed: &'static [usize],
}

/// A column that is shown, and how wide it is.
pub(super) type Column = (usize, usize);

pub(super) const GAP: usize = 2;

impl<const N: usize> Table<N> {
    /// The columns that are shown of those that are not `hidden`, and how wide each is.
    pub(super) fn fit(&self, rows: &[[String; N]], width: usize, hidden: &[usize]) -> Vec<Column> {
        let mut natural = self.headers.map(width_of);
        for (wide, column) in natural.iter_mut().zip(0..) {
            *wide = rows.iter().map(|cells| width_of(&cells[column])).fold(*wide, usize::max);
        }
        let least = |column: usize| match natural[column] {
            wide if self.names.contains(&column) => wide.min(self.shortest_name),
            wide => wide,
        };
        let mut columns: Vec<Column> = (0..N).map(|column| (column, least(column))).collect();
        columns.retain(|(column, _)| !hidden.contains(column));
        let taken = |columns: &[Column]| {
            columns.iter().map(|(_, wide)| wide + GAP).sum::<usize>().saturating_sub(GAP)
        };
        for column in self.least_needed {
            if taken(&columns) > width {
                columns.retain(|(shown, _)| shown != column);
            }
        }
        // What is left goes to the names, a column at a time to the shortest of those that need more.
        let mut spare = width.saturating_sub(taken(&columns));
        while spare > 0
            && let Some((_, wide)) = columns
                .iter_mut()
                .filter(|(column, wide)| *wide < natural[*column])
                .min_by_key(|(_, wide)| *wide)
        {
            *wide += 1;
            spare -= 1;
        }
        columns
    }

    /// Words to the left, numbers to the right.
    pub(super) fn row(&self, columns: &[Column], cells: &[String; N]) -> String {
        let cell = |(column, width): &Column| {
            let cell = cut_middle(&cells[*column], *width);
            let pad = " ".repeat(width.saturating_sub(width_of(&cell)));
            let is_word = self.names.contains(column) || self.words.contains(column);
            if is_word { cell + &pad } else { pad + &cell }
        };
        columns.iter().map(cell).collect::<Vec<_>>().join(&" ".repeat(GAP))
    }

    /// What each column is called.
    pub(super) fn header(&self, columns: &[Column]) -> String {
        self.row(columns, &self.headers.map(str::to_owned))
    }
}

/// Broken between words; further lines are indented.
pub(super) fn wrapped(sentence: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in sentence.split(' ') {
        let line = lines.last().map_or("", String::as_str);
        if !line.trim().is_empty() && width_of(line) + 1 + width_of(word) > width {
            lines.push(" ".repeat(GAP));
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// One line, cut to the width.
pub(super) fn push(text: &mut String, shape: &Shape, style: Option<&str>, content: &str) {
    let content = cut_end(content.trim_end(), shape.width);
    text.push_str(&paint(style.filter(|_| shape.color), &content));
    text.push('\n');
}

/// `2026-11-22T20:04:17.448Z` as `2026-11-22 20:04Z`; anything else as it is.
pub(super) fn to_the_minute(time: &str) -> String {
    match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(minute)) if time.ends_with('Z') => format!("{day} {minute}Z"),
        _ => time.to_owned(),
    }
}
