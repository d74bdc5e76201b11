//! Reads what happens in a test: events that are counted, values that are measured.

use super::{items, minutes};
use crate::alert::{AlertRule, Condition};
use crate::config::keys::{EVENT, Shape, VALUE};
use crate::config::read::{Entries, Reader};
use crate::config::values;
use crate::model::Counts;
use crate::sim::{Event, Unknown, Value};

/// The events of a test of an SLO.
pub(super) fn events(reader: &mut Reader<'_>, test: &Entries<'_>) -> Vec<Event> {
    let mut events = Vec::new();
    for (node, path) in items(reader, test, "events") {
        let entries = reader.entries(node, &EVENT, &path);
        let span = span(reader, &entries);
        let mut count = |name| reader.integer(&entries, name).unwrap_or(0);
        let counts = Counts { good: count("good"), bad: count("bad"), unmeasured: count("unmeasured") };
        if let Some((from_minute, to_minute)) = span {
            events.push(Event { from_minute, to_minute, counts });
        }
    }
    events
}

/// The values of a test of `rule`, which is `None` when it is not known.
pub(super) fn values(reader: &mut Reader<'_>, test: &Entries<'_>, rule: Option<&AlertRule>) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for (node, path) in items(reader, test, "values") {
        let entries = reader.entries(node, &VALUE, &path);
        let span = span(reader, &entries);
        let unmeasured = reader.read(&entries, "unmeasured", values::flag).unwrap_or(false);
        let given: Vec<&str> = entries.names().filter(|name| !NO_VALUES.contains(name)).collect();
        let wanted = rule.map(|rule| condition(&rule.when));
        let value = match (unmeasured, given.as_slice()) {
            (true, []) => Some(Err(Unknown)),
            (false, [name]) => {
                if let Some(wanted) = wanted.filter(|wanted| wanted != name) {
                    let what = format!("{path}: the alert is about `{wanted}`, not about `{name}`");
                    reader.problem(entries.begin(), what, format!("write `{wanted}: …`"));
                }
                number(reader, &entries, name).map(Ok)
            }
            _ => {
                let what = format!("{path} needs exactly one value, or `unmeasured: true`");
                let name = wanted.unwrap_or("lag");
                reader.problem(entries.begin(), what, format!("write `{name}: …` or `unmeasured: true`"));
                None
            }
        };
        let Some((from_minute, to_minute)) = span else { continue };
        if values.iter().any(|other| other.from_minute < to_minute && from_minute < other.to_minute) {
            let what = format!("{path} has minutes that another one has, too");
            reader.problem(entries.begin(), what, "let each begin where the one before it ends");
        }
        values.extend(value.map(|value| Value { from_minute, to_minute, value }));
    }
    values
}

/// Keys of a value that say when, not what.
const NO_VALUES: [&str; 3] = ["from", "to", "unmeasured"];

fn span(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<(u64, u64)> {
    let (from, to) = (minutes(reader, entries, "from"), minutes(reader, entries, "to"));
    let span = (from?, to?);
    if span.0 >= span.1 {
        let what = format!("{} is not after `from`", entries.path("to"));
        reader.problem(
            entries.get("to")?.at,
            what,
            "it is the minute after the last, so `0m` to `1m` is one",
        );
        return None;
    }
    Some(span)
}

/// The name under which a value of the condition is written: its own.
fn condition(when: &Condition) -> &'static str {
    match when {
        Condition::Trend { value, .. } => match value {
            crate::alert::TrendOf::TimeLag => "time_lag",
            crate::alert::TrendOf::Latency => "latency",
        },
        other => other.key(),
    }
}

/// A value as the condition compares it: records, seconds, records per second, a percentage, `true` or `false`.
fn number(reader: &mut Reader<'_>, entries: &Entries<'_>, name: &str) -> Option<String> {
    match entries.shape(name)? {
        Shape::Integer(..) => reader.integer(entries, name).map(|number| number.to_string()),
        Shape::Duration(least, most) => reader.read(entries, name, |text| {
            // Records that nothing will delete.
            if name == "retention_eta" && text == "never" {
                return Ok(text.to_owned());
            }
            let length = values::duration(text, *least, *most)?;
            let (seconds, millis) = (length.as_secs(), length.subsec_millis());
            Ok(if millis == 0 { seconds.to_string() } else { format!("{seconds}.{millis:03}") })
        }),
        Shape::Flag => reader.read(entries, name, values::flag).map(|is_so| is_so.to_string()),
        Shape::Share => reader.read(entries, name, values::share).map(|share| share.to_string()),
        _ => reader.read(entries, name, values::amount),
    }
}
