//! Single values: lengths of time, numbers, addresses, names. Each says what is wrong with a value without
//! repeating it, since it may be a secret.

mod notify;
mod rule;

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::keys::{Section, Shape};
use crate::model::{Millis, Selector};

pub use notify::Severities;
pub(super) use notify::{
    MailServer, address, channel, header_name, header_value, incident_label, own_severity, plain_url,
    rate_limit, receiver_name, routing_key, secret_url, smtp, token,
};
pub(super) use rule::{
    MINUTE, NINETY_DAYS, amount, digits, exact_topic, flag, label_name, minutes, objective, path, quantile,
    rate, rule_name, share, text, time, time_zone,
};

/// What is wrong with a value, as a clause after it, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub what: String,
    pub help: String,
}

fn wrong<T>(what: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { what: what.into(), help: help.into() })
}

/// A value to show to somebody who gave none.
pub(super) fn example(shape: &Shape) -> &'static str {
    match shape {
        Shape::ClusterName => "prod",
        Shape::Servers => "[kafka-1:9092]",
        Shape::Properties => "{ security.protocol: SSL }",
        Shape::Selectors => "[\"orders-*\"]",
        Shape::Duration(..) => "1s",
        Shape::Durations(..) => "[100ms, 1s]",
        Shape::Minutes(..) => "5m",
        Shape::Integer(..) => "1000",
        Shape::Ratio => "0.01",
        Shape::Choice(names) => names.first().copied().unwrap_or_default(),
        Shape::Url => "\"http://collector:4317\"",
        Shape::ListenAddress => "\"0.0.0.0:1876\"",
        Shape::Share => "1%",
        Shape::Objective => "99.9%",
        Shape::Rate | Shape::Amount => "10",
        Shape::Digits => "0.98",
        Shape::DigitsByDuration => "{ 1h: 14.4 }",
        Shape::Flag => "true",
        Shape::Severity => "ticket",
        Shape::Path => "/var/lib/plimsoll",
        Shape::Paths => "[rules/*.yaml]",
        Shape::RuleName => "orders-on-time",
        Shape::Text => "…",
        Shape::Group => "orders-processor",
        Shape::Topic | Shape::ExactTopic => "orders",
        Shape::Labels => "{ team: payments }",
        Shape::TimeZone => "Europe/Paris",
        Shape::Time => "2026-03-01T00:00:00Z",
        Shape::Secret => "\"${NAME}\"",
        Shape::SecretUrl => "\"https://hooks.example.com/alerts\"",
        Shape::SecretUrls => "[\"http://alertmanager-1:9093\"]",
        Shape::Headers => "{ Authorization: \"Bearer ${NAME}\" }",
        Shape::Channel => "\"#alerts\"",
        Shape::Smtp => "\"smtps://user@mail.example.com:465\"",
        Shape::Address => "plimsoll@example.com",
        Shape::Addresses => "[oncall@example.com]",
        Shape::ReceiverName => "oncall",
        Shape::ReceiverNames => "[oncall]",
        Shape::RateLimit => "30/m",
        Shape::Matchers => "{ severity: page }",
        Shape::LabelNames => "[alertname, cluster]",
        Shape::Severities => "{ urgent: page }",
        Shape::Section(section) if section.keys.is_empty() => "{}",
        Shape::Section(section) | Shape::Sections(section) | Shape::AnySections(section) => {
            example_of(section)
        }
        Shape::OneOf(section) => section.keys.first().map_or("{}", |key| match key.shape {
            // A mapping within a mapping is written here by hand.
            Shape::Section(_) => "{ lag: { group: orders-processor, … } }",
            _ => "{}",
        }),
    }
}

fn example_of(section: &Section) -> &'static str {
    let named = |name: &str| section.keys.iter().any(|key| key.name == name);
    if named("bootstrap_servers") {
        "[{ name: prod, bootstrap_servers: [kafka-1:9092] }]"
    } else if named("expect") {
        "[{ name: …, slo: …, events: […], expect: […] }]"
    } else if named("at") {
        "[{ at: 5m, state: ok }]"
    } else {
        "{}"
    }
}

/// `500ms`, `1s`, `5m`, `1h30m`, `30d`, from `least` to `most`.
pub(super) fn duration(text: &str, least: Duration, most: Duration) -> Result<Duration, Wrong> {
    let range = format!("from {} to {}", show_duration(least), show_duration(most));
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return wrong("has no unit", format!("write a length of time such as `5s` or `500ms`, {range}"));
    }
    let Some(Millis(millis)) = Millis::from_units(text) else {
        let help = format!("write one such as `500ms`, `1s`, `5m` or `1h30m`, {range}");
        return wrong("is not a length of time", help);
    };
    let length = Duration::from_millis(millis);
    if length < least {
        return wrong("is too short", format!("allowed is {range}"));
    }
    if length > most {
        return wrong("is too long", format!("allowed is {range}"));
    }
    Ok(length)
}

/// A length of time as the settings write it.
pub(super) fn show_duration(length: Duration) -> String {
    let mut millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let mut shown = String::new();
    for (name, unit) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if millis >= unit {
            shown.push_str(&format!("{}{name}", millis / unit));
            millis %= unit;
        }
    }
    if shown.is_empty() { "0s".to_owned() } else { shown }
}

/// A whole number from `least` to `most`; `_` may group its digits.
pub(super) fn integer(text: &str, least: u64, most: u64) -> Result<u64, Wrong> {
    let digits = text.replace('_', "");
    let all_digits = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    let range = format!("from {least} to {most}");
    if !all_digits || text.starts_with('_') {
        return wrong("is not a whole number", format!("write one {range}"));
    }
    match digits.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => wrong("is out of range", format!("allowed is {range}")),
    }
}

/// A number from 0 to 1.
pub(super) fn ratio(text: &str) -> Result<f64, Wrong> {
    let help = "write a number from 0 to 1, such as `0.01` for one in a hundred";
    match text.parse::<f64>() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        Ok(_) => wrong("is out of range", help),
        Err(_) => wrong("is not a number", help),
    }
}

/// `IP:PORT`.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, Wrong> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let help =
        "write IP:PORT, such as `0.0.0.0:1876` for everybody or `127.0.0.1:1876` for this machine only";
    match text.rsplit_once(':') {
        Some(("", _)) => wrong("has no IP address", help),
        Some(("localhost", _)) => wrong("is a name, not an IP address", help),
        _ => wrong("is not an address to listen on", help),
    }
}

/// `http://…` or `https://…`.
pub(super) fn url(text: &str) -> Result<String, Wrong> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let help = "write it with its scheme, such as `http://collector:4317`";
    match host {
        Some(host) if host.starts_with(|c: char| c.is_alphanumeric() || c == '[') => {
            if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return wrong("has a blank in it", help);
            }
            Ok(text.to_owned())
        }
        Some(_) => wrong("has no host", help),
        None => wrong("is not an http:// or https:// URL", help),
    }
}

/// A cluster's name.
pub(super) fn cluster_name(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let help = "use 1 to 100 letters, digits, `_`, `.` and `-`";
    match text.len() {
        0 => wrong("is empty", help),
        101.. => wrong("is too long", help),
        _ if !text.chars().all(allowed) => wrong("is not a cluster's name", help),
        _ => Ok(text.to_owned()),
    }
}

/// One broker's `HOST:PORT`, with an IPv6 address in brackets.
pub(super) fn server(text: &str) -> Result<String, Wrong> {
    let help = "write HOST:PORT, such as `kafka-1:9092` or `[2001:db8::1]:9092`";
    if text.contains("://") {
        return wrong(
            "has a protocol in it",
            "write HOST:PORT alone; the protocol is the property `security.protocol`",
        );
    }
    if text.is_empty() {
        return wrong("is empty", help);
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, after)) = rest.split_once(']') else {
                return wrong("has a bracket that is not closed", help);
            };
            if address.parse::<Ipv6Addr>().is_err() {
                return wrong("has no IPv6 address in its brackets", help);
            }
            (address, after.strip_prefix(':').unwrap_or_default())
        }
        None => text.rsplit_once(':').unwrap_or((text, "")),
    };
    if text.parse::<Ipv6Addr>().is_ok() || !text.starts_with('[') && host.contains(':') {
        return wrong("is not HOST:PORT", "put an IPv6 address in brackets, such as `[2001:db8::1]:9092`");
    }
    if host.is_empty() {
        return wrong("has no host", help);
    }
    if port.is_empty() {
        return wrong("has no port", help);
    }
    if !port.chars().all(|c| c.is_ascii_digit()) || !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return wrong("has no port from 1 to 65535", help);
    }
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !text.starts_with('[') && !host.chars().all(name) {
        return wrong("has no valid host name", help);
    }
    Ok(text.to_owned())
}

/// A group's name or glob.
pub(super) fn group_selector(text: &str) -> Result<Selector, Wrong> {
    if text.is_empty() {
        return wrong("is empty", "write a name, or a glob such as `orders-*`");
    }
    Ok(Selector::new(text))
}

/// A topic's name or glob; the characters of topics are few, so that a regular expression is noticed.
pub(super) fn topic_selector(text: &str) -> Result<Selector, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '*' | '?');
    if !text.chars().all(allowed) {
        let help = "write a name, or a glob in which `*` is any text and `?` one character; it is no regular expression";
        return wrong("can match no topic", help);
    }
    group_selector(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what<T>(result: Result<T, Wrong>) -> String {
        result.err().map_or_else(|| "fine".to_owned(), |wrong| wrong.what)
    }

    #[test]
    fn lengths_of_time_need_a_unit() {
        let check = |text: &str, expected: &str| {
            let hour = Duration::from_secs(7200);
            let told = match duration(text, Duration::from_millis(100), hour) {
                Ok(length) => show_duration(length),
                Err(wrong) => wrong.what,
            };
            assert_eq!(told, expected, "{text}");
        };
        check("500ms", "500ms");
        check("1500ms", "1s500ms");
        check("1h30m", "1h30m");
        check("2h", "2h");
        check("1d", "is too long");
        check("5", "has no unit");
        check("1.5s", "is not a length of time");
        check("", "is not a length of time");
        check("30m1h", "is not a length of time");
        check("-1s", "is not a length of time");
        check("99ms", "is too short");
        check("3h", "is too long");
        check("99999999999999999999h", "is not a length of time");
    }

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        let check = |text: &str, expected: &str| assert_eq!(what(server(text)), expected, "{text}");
        check("kafka-1.svc:9092", "fine");
        check("10.0.0.1:1", "fine");
        check("[2001:db8::1]:9092", "fine");
        check("kafka", "has no port");
        check("kafka:", "has no port");
        check(":9092", "has no host");
        check("kafka:99999", "has no port from 1 to 65535");
        check("kafka:+92", "has no port from 1 to 65535");
        check("2001:db8::1", "is not HOST:PORT");
        check("2001:db8::1:9092", "is not HOST:PORT");
        check("[kafka]:9092", "has no IPv6 address in its brackets");
        check("[::1:9092", "has a bracket that is not closed");
        check("[::1]", "has no port");
        check("SASL_SSL://kafka:9092", "has a protocol in it");
        check("kafka 1:9092", "has no valid host name");
    }

    #[test]
    fn numbers_are_bounded() {
        assert_eq!(integer("200_000", 1, 1_000_000), Ok(200_000));
        assert_eq!(what(integer("0", 1, 5)), "is out of range");
        assert_eq!(what(integer("-1", 0, 5)), "is not a whole number");
        assert_eq!(what(integer("1e3", 0, 5)), "is not a whole number");
        assert_eq!(what(integer("99999999999999999999", 0, 5)), "is out of range");
        assert_eq!(ratio("0.5"), Ok(0.5));
        assert_eq!(what(ratio("nan")), "is out of range");
        assert_eq!(what(ratio("1.1")), "is out of range");
        assert_eq!(what(ratio("half")), "is not a number");
    }
}
