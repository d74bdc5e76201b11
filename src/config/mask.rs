//! Which parts of a settings file may not be shown. Works on the text alone, so that it also serves files
//! that are not YAML at all, and hides too much rather than too little.

/// What a secret reads as.
pub(super) const STAND_IN: &str = "<secret>";

const WORDS: &[&str] = &[
    "password",
    "passphrase",
    "secret",
    "token",
    "key",
    "credential",
    "jaas",
    "sasl.",
    "authorization",
    "url",
    "headers",
];

/// Names that have one of the words in them, but are no secrets.
const NO_SECRETS: &[&str] = &["external_url", "api_url"];

/// Addresses that are a secret wherever they stand: whoever knows them can write to the channel.
const SECRET_HOSTS: &[&str] = &["hooks.slack.com/"];

/// Whether the value of the property `name` is a secret, or everything below it.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !NO_SECRETS.contains(&name.as_str()) && WORDS.iter().any(|word| name.contains(word))
}

/// For each line, the byte from which on it is hidden.
#[derive(Debug, Default)]
pub(super) struct Mask(Vec<Option<usize>>);

impl Mask {
    /// Hides what stands after a secret's key, and the lines below that may belong to its value.
    pub(super) fn of(text: &str) -> Self {
        let mut open: Option<Opened> = None;
        let lines = lines(text).map(|line| {
            let indent = line.len() - line.trim_start().len();
            match &open {
                Some(opened) if !opened.is_ended_by(line, indent) => return Some(indent),
                _ => open = None,
            }
            let from = secret_from(line)?;
            open = Some(Opened { indent, is_item: line.trim_start().starts_with("- ") });
            Some(from)
        });
        Self(lines.collect())
    }

    /// Hides the text from byte `start` of `line` (from 0) through the line `last`.
    pub(super) fn hide(&mut self, line: usize, start: usize, last: usize) {
        for at in line..=last {
            let Some(from) = self.0.get_mut(at) else { break };
            let start = if at == line { start } else { 0 };
            *from = Some(from.map_or(start, |earlier| earlier.min(start)));
        }
    }

    /// The byte of `line` (from 0) from which on it is hidden.
    pub(super) fn hidden_from(&self, line: usize) -> Option<usize> {
        self.0.get(line).copied().flatten()
    }
}

/// The lines of `text` as the parser counts them: ended by `\n`, `\r\n` or `\r`. There is always one.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The line in which a secret's key stands.
struct Opened {
    indent: usize,
    /// It begins with `- `, so that the key stands further in.
    is_item: bool,
}

impl Opened {
    /// Whether nothing of the value can reach into this line, which is indented by `indent`.
    fn is_ended_by(&self, line: &str, indent: usize) -> bool {
        // A list may stand as far out as its key, but not further out: the next item beside one ends what is in that.
        let is_item_beside = indent < self.indent || indent == self.indent && self.is_item;
        is_item_beside && line.trim_start().starts_with("- ") || indent <= self.indent && begins_entry(line)
    }
}

/// `key:` or `- key:`.
fn begins_entry(line: &str) -> bool {
    let entry = line.trim_start().trim_start_matches("- ").trim_start();
    let rest = entry.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    rest.len() < entry.len() && (rest == ":" || rest.starts_with(": "))
}

/// The byte from which on `line` is secret: after the colon of a secret's key, or after `://` of a URL with a
/// password in it.
fn secret_from(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let complex_key = lower.trim_start_matches([' ', '-']).starts_with("? ");
    let after_key = WORDS.iter().flat_map(|word| {
        lower.match_indices(word).filter_map(|(at, word)| {
            let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            let name = lower[at..].find(|c: char| !is_of_name(c)).map_or(lower.len(), |length| at + length);
            let begin = lower[..at].trim_end_matches(is_of_name).len();
            if NO_SECRETS.contains(&&lower[begin..name]) {
                return None;
            }
            let rest = lower[name..].trim_start_matches(['"', '\'']).trim_start();
            let end = lower.len() - rest.len();
            match rest.chars().next() {
                Some(':' | '=') => Some(end + 1),
                _ => complex_key.then_some(at + word.len()),
            }
        })
    });
    let in_url = lower.match_indices("://").filter_map(|(at, colon)| {
        let from = at + colon.len();
        let host = lower[from..].find(['/', ' ', '"', '\'']).map_or(lower.len(), |length| from + length);
        lower[from..host].contains('@').then_some(from)
    });
    // A quoted key with an escape in it may spell anything.
    let escaped = lower
        .find('\\')
        .filter(|at| lower[*at..].split('"').skip(1).any(|after| after.trim_start().starts_with(':')));
    let host = SECRET_HOSTS.iter().filter_map(|host| lower.find(host).map(|at| at + host.len()));
    after_key.chain(in_url).chain(host).chain(escaped.map(|at| at + 1)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mask = Mask::of(text);
        let shown: Vec<String> = lines(text)
            .enumerate()
            .map(|(at, line)| match mask.hidden_from(at) {
                Some(from) => format!("{}…", &line[..from]),
                None => line.to_owned(),
            })
            .collect();
        assert_eq!(shown.join("\n"), expected);
    }

    #[test]
    fn what_follows_a_secret_s_key_is_hidden() {
        check("sasl.password: hunter2", "sasl.password:…");
        check("ssl.key.password: x # y", "ssl.key.password:…");
        check("{ a: 1, \"sasl.password\" : hunter2, b: 2 }", "{ a: 1, \"sasl.password\" :…");
        check("? client_secret\n: hunter2", "? client_secret…\n…");
        check("endpoint: http://me:hunter2@host/x", "endpoint: http://…");
        check("\"passwor\\x64\": hunter2", "\"passwor\\…");
        check("- { name: hook, webhook: { url: 'http://x/y' } }", "- { name: hook, webhook: { url:…");
        check("- { webhok_url: https://x }", "- { webhok_url:…");
        check("x: https://hooks.slack.com/services/T0/B0/x", "x: https://hooks.slack.com/…");
        check("http: { external_url: x, api_url: y }", "http: { external_url: x, api_url: y }");
        check("topics: { include: [monkeys, tokens] }", "topics: { include: [monkeys, tokens] }");
    }

    #[test]
    fn a_secret_over_several_lines_is_hidden_to_its_end() {
        check(
            "p:\n  a.password: |\n    one\n    two: x\n  b: 1\nc: 2",
            "p:\n  a.password:…\n    …\n    …\n  b: 1\nc: 2",
        );
        check(
            "- { a: { password: one } }\n- { b: 1 }\n- password:\n  - one\n- b: 1",
            "- { a: { password:…\n- { b: 1 }\n- password:…\n  …\n- b: 1",
        );
        check("password:\n- one\n- two\nb: 1", "password:…\n…\n…\nb: 1");
        check("{ password: \"one\ntwo\",\n a: 1 }\nc: 2", "{ password:…\n…\n …\nc: 2");
    }
}
