//! Matchers as Alertmanager has them: `team="payments"`, `team!=payments`, `team=~"pay.*"`, `team!~"pay.*"`.
//! A label that is absent has the empty value. Regular expressions match the whole value.

use std::fmt;

use regex::Regex;

/// One condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    label: String,
    test: Test,
    value: String,
}

#[derive(Debug, Clone)]
enum Test {
    Equal,
    NotEqual,
    Matches(Regex),
    NotMatches(Regex),
}

/// Why a text is no matcher: one clause that follows the text, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAMatcher {
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: String,
}

impl Matcher {
    /// `label` has exactly this `value`.
    #[must_use]
    pub fn equal(label: &str, value: &str) -> Self {
        Self { label: label.to_owned(), test: Test::Equal, value: value.to_owned() }
    }

    /// Reads a matcher. The value may stand in double quotes, within which `\"`, `\\` and `\n` are escapes.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn parse(text: &str) -> Result<Self, NotAMatcher> {
        let wrong = |what: String| NotAMatcher { what, help: EXAMPLE.to_owned() };
        let begin = text.find(['=', '!']).ok_or_else(|| wrong("has no operator".to_owned()))?;
        let (label, rest) = text.split_at(begin);
        let label = label.trim();
        if label.is_empty() {
            return Err(wrong("names no label".to_owned()));
        }
        let operators = ["=~", "!~", "!=", "="];
        let operator = operators.into_iter().find(|operator| rest.starts_with(operator));
        let operator = operator.ok_or_else(|| wrong("has no operator".to_owned()))?;
        let value = unquoted(rest[operator.len()..].trim())
            .ok_or_else(|| wrong("has quotes that do not close".to_owned()))?;
        let regex = || {
            Regex::new(&format!("^(?s:{value})$")).map_err(|error| {
                let why = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
                wrong(format!("has a broken regular expression ({why})"))
            })
        };
        let test = match operator {
            "=~" => Test::Matches(regex()?),
            "!~" => Test::NotMatches(regex()?),
            "!=" => Test::NotEqual,
            _ => Test::Equal,
        };
        Ok(Self { label: label.to_owned(), test, value })
    }

    /// Whether `value`, empty where the label is absent, matches.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match &self.test {
            Test::Equal => value == self.value,
            Test::NotEqual => value != self.value,
            Test::Matches(regex) => regex.is_match(value),
            Test::NotMatches(regex) => !regex.is_match(value),
        }
    }

    /// The label that is looked at.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }
}

/// What would be right.
const EXAMPLE: &str =
    "write it like `team=payments` or `team=~\"pay.*\"`; the operators are =, !=, =~ and !~";

/// The text without the quotes around it; `None` when they do not close.
fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let mut value = String::new();
    let mut characters = inner.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(value),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                other @ ('"' | '\\') => value.push(other),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

/// As it is written: `team=~"pay.*"`.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.test {
            Test::Equal => "=",
            Test::NotEqual => "!=",
            Test::Matches(_) => "=~",
            Test::NotMatches(_) => "!~",
        };
        write!(f, "{}{operator}{:?}", self.label, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_match_as_alertmanager_has_it() {
        let check = |matcher: &str, value: &str, expected: bool| {
            assert_eq!(Matcher::parse(matcher).unwrap().matches(value), expected, "{matcher} {value:?}");
        };
        check("team=payments", "payments", true);
        check("team=payments", "payments2", false);
        check(r#"team = "pay ments" "#, "pay ments", true);
        check(r#"team="a\"b\\c\nd\.""#, "a\"b\\c\nd\\.", true);
        check("team!=payments", "", true);
        check("team!=", "", false);
        check(r#"team=~"pay.*""#, "payments", true);
        check("team=~pay", "payments", false);
        check("team=~a|b", "ab", false);
        check("team=~.*", "two\nlines", true);
        check("team!~pay.*", "payments", false);
        check("team=", "", true);
    }

    #[test]
    fn what_is_no_matcher_says_why() {
        let check = |text: &str, expected: &str| {
            let wrong = Matcher::parse(text).unwrap_err();
            assert!(wrong.what.contains(expected), "{text}: {wrong:?}");
        };
        check("payments", "no operator");
        check("=x", "names no label");
        check("team!x", "no operator");
        check(r#"team="x"#, "do not close");
        check(r#"team="x"y"#, "do not close");
        check("team=~(", "broken regular expression");
    }

    #[test]
    fn it_is_shown_as_it_may_be_written() {
        for text in [r#"a="x""#, r#"a!="""#, r#"a=~"b|\"c""#, r#"a!~"\\d+""#] {
            let matcher = Matcher::parse(text).unwrap();
            assert_eq!(matcher.to_string(), text);
            assert_eq!(Matcher::parse(&matcher.to_string()).unwrap(), matcher);
        }
    }
}
