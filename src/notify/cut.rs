//! Texts of others, fit for a message: on one line, without characters that do something, and not too long.
//! Always cuts between characters.

/// Stands for what was cut off.
const ELLIPSIS: char = '…';

/// `text` on one line, without control characters and without those that turn the direction of writing, at most `most`
/// characters.
pub(super) fn plain(text: &str, most: usize) -> String {
    // What is cut away needs no cleaning: names may be 64 KB long.
    let mut cleaned = String::new();
    let mut length = 0;
    for character in text.trim().chars() {
        let character = if is_harmful(character) { ' ' } else { character };
        if character == ' ' && cleaned.ends_with(' ') {
            continue;
        }
        if length > most {
            break;
        }
        cleaned.push(character);
        length += 1;
    }
    within(cleaned.trim(), most)
}

/// `text` itself, or its beginning and an ellipsis, at most `most` characters together.
pub(super) fn within(text: &str, most: usize) -> String {
    pieces_within(text.chars().map(String::from), most)
}

/// As many of `pieces`, which are never cut themselves, as fit into `most` characters, with an ellipsis when some do not.
pub(super) fn pieces_within(pieces: impl Iterator<Item = String>, most: usize) -> String {
    let mut text = String::new();
    let mut length = 0;
    // Where the text has to end if it turns out to be too long: one character is left for the ellipsis.
    let mut end = 0;
    for piece in pieces {
        length += piece.chars().count();
        if length > most {
            text.truncate(end);
            if most > 0 {
                text.push(ELLIPSIS);
            }
            return text;
        }
        text.push_str(&piece);
        if length < most {
            end = text.len();
        }
    }
    text
}

/// Control characters, line separators, and what overrides the direction of writing, which shows names as other names.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_on_one_line_and_not_too_long() {
        let check = |text: &str, most, expected: &str| assert_eq!(plain(text, most), expected, "{text:?}");
        check("orders", 6, "orders");
        check("orders!", 6, "order…");
        check("a\r\nBcc: b", 20, "a Bcc: b");
        check("\u{1b}[31mred\u{7}", 20, "[31mred");
        check("abc\u{202e}def", 20, "abc def");
        check("👩‍👩‍👧 family", 2, "👩…");
        check("ab", 1, "…");
        check("ab", 0, "");
        check("", 5, "");
    }

    proptest! {
        #[test]
        fn whatever_the_text_is_it_fits(text in any::<String>(), most in 0_usize..50) {
            let cut = plain(&text, most);
            prop_assert!(cut.chars().count() <= most);
            prop_assert!(!cut.chars().any(is_harmful));
            let whole = within(&text, most);
            prop_assert!(whole.chars().count() <= most);
            if text.chars().count() <= most {
                prop_assert_eq!(whole, text);
            } else if most > 0 {
                let kept = whole.strip_suffix(ELLIPSIS);
                prop_assert!(kept.is_some_and(|kept| text.starts_with(kept)));
            }
        }
    }
}
