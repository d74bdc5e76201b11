//! Text in columns of a terminal: how wide it is, how it is cut, and what may not reach the terminal as it is.

use unicode_width::UnicodeWidthChar;

/// Shows what a terminal would obey, or not show at all, by its code point: group and client ids hold anything.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

/// Control characters, those without a width that join or select, and those that turn the direction of writing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// In columns.
pub(super) fn width_of(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// At most `width` columns, the middle left out: names differ at both ends.
pub(super) fn cut_middle(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let start = take_width(text.chars(), room - room / 2);
    let end: Vec<char> = take_width(text.chars().rev(), room / 2);
    let ellipsis = (width > 0).then_some('…');
    start.into_iter().chain(ellipsis).chain(end.into_iter().rev()).collect()
}

/// At most `width` columns, the end left out.
pub(super) fn cut_end(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let start = take_width(text.chars(), width.saturating_sub(1));
    start.into_iter().chain((width > 0).then_some('…')).collect()
}

fn take_width(chars: impl Iterator<Item = char>, width: usize) -> Vec<char> {
    let mut left = width;
    chars
        .take_while(|c| {
            let wide = c.width().unwrap_or(0);
            let fits = wide <= left;
            left = left.saturating_sub(wide);
            fits
        })
        .collect()
}

/// In an ANSI style, when there is one.
pub(super) fn paint(style: Option<&str>, text: &str) -> String {
    match style {
        Some(style) if !text.is_empty() => format!("\x1b[{style}m{text}\x1b[0m"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_in_the_middle_by_columns() {
        let check = |text: &str, width, expected: &str| {
            assert_eq!(cut_middle(text, width), expected, "{text} {width}")
        };
        check("orders", 6, "orders");
        check("orders-processor", 9, "orde…ssor");
        check("orders-processor", 8, "orde…sor");
        check("注文処理サービス", 9, "注文…ビス");
        check("注文処理サービス", 8, "注文…ス");
        check("orders", 1, "…");
        check("orders", 0, "");
    }

    #[test]
    fn nothing_invisible_reaches_the_terminal() {
        let check = |text: &str, expected: &str| assert_eq!(visible(text), expected);
        check("orders-注文", "orders-注文");
        check("a\x1b[2Jb\n", "a\\u{1b}[2Jb\\u{a}");
        check("x\u{202e}y\u{200d}z", "x\\u{202e}y\\u{200d}z");
    }
}
