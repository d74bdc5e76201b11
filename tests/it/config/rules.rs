//! Rules files beyond the golden cases: every key of the schema is read, what is shipped is fine, nothing panics.

use std::fs;
use std::path::Path;

use plimsoll::config;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Fixed, for_each_key};

fn parse(text: &str) -> Result<config::Rules, String> {
    config::parse_rules(text, "rules.yaml", &Fixed).map_err(|problems| problems.to_string())
}

/// A value that a key of the schema takes.
fn example(name: &str, schema: &Value) -> Value {
    if let Some(default) = schema.get("default") {
        return default.clone();
    }
    let objects = schema.get("items").unwrap_or(schema);
    if objects.get("properties").is_some() {
        let object = least(objects);
        return if schema.get("items").is_some() { json!([object]) } else { object };
    }
    match name {
        "window" => json!("30d"),
        "calendar" => json!("month"),
        "long" => json!("1h"),
        "short" => json!("5m"),
        "topic" | "group" | "name" | "dead_letter_topic" => json!(format!("a-{name}")),
        "description" | "runbook" => json!("words"),
        "of" => json!("latency"),
        "per" => json!("partition"),
        "severity" => json!("page"),
        "objective" => json!("99.9%"),
        "min_share" | "share" | "by" => json!("5%"),
        "quantile" => json!("0.5"),
        "within" | "for" | "rising_for" => json!("5m"),
        // A number of records or a rate, a length of time, or a share: the schema tells which.
        _ => match (schema["anyOf"][0]["type"].as_str(), schema["pattern"].as_str()) {
            (_, Some(_)) => json!("5m"),
            (Some("number"), _) if schema["anyOf"][0].get("maximum").is_some() => json!("50%"),
            _ => json!(7),
        },
    }
}

/// An object with everything that it needs: of a choice, the first.
fn least(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().unwrap();
    let mut object = Map::new();
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        object.insert(name.to_owned(), example(name, &properties[name]));
    }
    if schema.get("minProperties").is_some() {
        let (name, value) = properties.iter().next().unwrap();
        object.insert(name.clone(), example(name, value));
    }
    if properties.contains_key("min_share") {
        object.insert("min_share".to_owned(), json!("50%"));
    }
    if properties.contains_key("calendar") {
        object.insert("window".to_owned(), json!("7d"));
    }
    Value::Object(object)
}

/// The least rules in which the key at `path` is given.
fn with(schema: &Value, path: &[&str]) -> Value {
    let [name, deeper @ ..] = path else { return Value::Null };
    let within = schema.get("items").unwrap_or(schema);
    let mut object = least(within);
    let child = &within["properties"][name];
    let value = if deeper.is_empty() { example(name, child) } else { with(child, deeper) };
    if within.get("maxProperties").is_some() {
        object = json!({});
    }
    match *name {
        "calendar" | "timezone" => {
            object["calendar"] = json!("month");
            object.as_object_mut().unwrap().remove("window");
        }
        "min_per_second" => drop(object.as_object_mut().unwrap().remove("min_share")),
        // The least indicator counts records.
        "slice" | "slice_target" => object["indicator"] = json!({ "lag": { "group": "a", "max": 1 } }),
        "per" => object["when"] = json!({ "lag": { "group": "a", "above": 1 } }),
        _ => {}
    }
    object[*name] = value;
    if schema.get("items").is_some() { json!([object]) } else { object }
}

#[test]
fn the_schema_and_the_reader_know_the_same_keys_and_defaults() {
    let schema = config::rules_schema();
    let mut keys = 0;
    for_each_key(&schema, "", &mut |path, about| {
        keys += 1;
        assert!(about["description"].is_string(), "{path} has no description");
        let path: Vec<_> = path.split('.').collect();
        let given = with(&schema, &path);
        // JSON is YAML.
        let read = parse(&given.to_string()).unwrap_or_else(|told| panic!("{path:?}: {given}: {told}"));
        if about.get("default").is_some() {
            let pointer = pointer(&path);
            let mut without = given.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
            assert_eq!(parse(&without.to_string()).as_ref(), Ok(&read), "{path:?}: the default");
        }
    });
    assert_eq!(keys, 112);
}

/// Where the key is in what [`with`] has made: lists hold one item.
fn pointer(path: &[&str]) -> String {
    let lists = ["slos", "alerts", "tiers"];
    let each =
        path.iter().map(|name| if lists.contains(name) { format!("/{name}/0") } else { format!("/{name}") });
    each.collect()
}

#[test]
fn every_object_of_the_schema_is_closed() {
    for_each_key(&config::rules_schema(), "", &mut |path, schema| {
        let within = schema.get("items").unwrap_or(schema);
        if within.get("properties").is_some() {
            assert_eq!(within["additionalProperties"], false, "{path}");
        }
    });
}

#[test]
fn the_shipped_rules_are_fine_alone_and_together() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let told = config::check_file(&path).map_err(|problems| problems.to_string());
        let checked = told.unwrap_or_else(|told| panic!("{told}"));
        assert!(checked.rules().is_some_and(|rules| rules.slos.len() + rules.alerts.len() > 0), "{path:?}");
    }
    let all = format!("{}\nrules: {}/*.yaml", super::LEAST, folder.display());
    let told = config::parse(&all, "plimsoll.yaml", &config::System).map_err(|problems| problems.to_string());
    assert_eq!(told.err(), None);
}

#[test]
fn without_rules_the_shipped_ones_are_used_and_an_empty_list_is_none() {
    let rules = |more: &str| {
        let text = format!("{}\n{more}", super::LEAST);
        config::parse(&text, "plimsoll.yaml", &Fixed).unwrap().rules
    };
    let shipped = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/default.yaml"));
    assert_eq!(rules(""), parse(shipped).unwrap());
    assert_eq!(rules("rules: []"), config::Rules::default());
    assert_eq!(rules("rules: rules/orders.yaml").slos.len(), 1);
}

#[test]
fn hostile_rules_are_refused_in_few_words() {
    let many = "- { name: a }\n".repeat(5000);
    let names =
        (0..5000).map(|n| format!("- {{ name: n{n}, when: {{ unreachable: {{}} }}, severity: page }}\n"));
    assert_eq!(parse(&format!("alerts:\n{}", names.collect::<String>())).unwrap().alerts.len(), 5000);
    for text in [format!("slos:\n{many}"), "slos: ".repeat(2000), format!("alerts: [{}", "[".repeat(99_999))]
    {
        let told = parse(&text).unwrap_err();
        assert!(told.len() < 50_000, "{} bytes", told.len());
    }
}

fn yaml_like() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(
            &[
                "slos:",
                "alerts:",
                "tests:",
                "rules:",
                "- ",
                "\n- ",
                "\n  ",
                "{",
                "}",
                "[",
                "]",
                ", ",
                "name: ",
                "a",
                "indicator: ",
                "latency: ",
                "group: ",
                "within: ",
                "100ms",
                "objective: ",
                "99.9%",
                "window: ",
                "30d",
                "when: ",
                "lag: ",
                "above: ",
                "1",
                "labels: ",
                "alerting: ",
                "tiers: ",
                "expect: ",
                "at: ",
                "0m",
                "*a",
                "&a ",
                "<<: ",
                "~",
                "\"",
                "${KAFKA_PASSWORD}",
                "${",
                "events: ",
                "from: ",
                "to: ",
                "slo: ",
                "rules/orders.yaml",
            ][..],
        ),
        0..40,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_rules_and_no_tests_panic_or_show_a_secret(text in yaml_like()) {
        let rules = config::parse_rules(&text, "rules.yaml", &Fixed).map_err(|problems| problems.to_string());
        let tests = config::parse_tests(&text, "test.yaml", &Fixed).map_err(|problems| problems.to_string());
        for told in [rules.err(), tests.err()].into_iter().flatten() {
            prop_assert!(!told.contains(super::SECRET), "{}\n{}", text, told);
        }
    }

    /// A secret from outside in any place of a rule, where something else may be wrong with it.
    #[test]
    fn a_secret_in_a_rule_never_shows_in_problems(
        place in 0..12_usize,
        value in prop::sample::select(&["${KAFKA_PASSWORD}", "x${KAFKA_PASSWORD}", "${KAFKA_PASSWORD}%"][..]),
    ) {
        let values: [&str; 12] =
            ["twice", "orders", "1s", "99%", "7d", "1m", "5", "team", "80%", "page", "words", "UTC"];
        let [name, group, within, objective, window, slice, events, label, floor, severity, runbook, timezone] =
            std::array::from_fn(|at| if at == place { value } else { values[at] });
        let text = format!(
            "slos:\n- &one {{ name: '{name}', indicator: {{ latency: {{ group: '{group}', within: '{within}' }} }}, \
             objective: '{objective}', window: '{window}', slice: '{slice}', labels: {{ a: '{label}' }}, runbook: \
             '{runbook}', timezone: '{timezone}', alerting: {{ min_bad_events: '{events}', coverage_floor: '{floor}' \
             }} }}\n- *one\nalerts:\n- {{ name: '{name}', when: {{ unreachable: {{}} }}, severity: '{severity}' }}\n"
        );
        let told = parse(&text).unwrap_err();
        prop_assert!(!told.contains(super::SECRET), "{}\n{}", text, told);
    }
}
