//! The settings' JSON Schema, for editors. Made from the same table that the reader uses.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::keys::{FILE, Key, RULES, Section, Shape};
use super::values::show_duration;
use crate::kafka::RESERVED_PROPERTIES;

/// The JSON Schema (2020-12) of a settings file.
#[must_use]
pub fn schema() -> Value {
    whole(&FILE, "Settings of Plimsoll")
}

/// The JSON Schema (2020-12) of a rules file.
#[must_use]
pub fn rules_schema() -> Value {
    whole(&RULES, "Rules of Plimsoll")
}

fn whole(file: &Section, title: &str) -> Value {
    let mut schema = section(file);
    if let Value::Object(fields) = &mut schema {
        fields.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        fields.insert("title".to_owned(), json!(title));
    }
    schema
}

fn section(section: &Section) -> Value {
    let properties: Map<String, Value> =
        section.keys.iter().map(|key| (key.name.to_owned(), value(key))).collect();
    let required: Vec<&str> = section.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn value(key: &Key) -> Value {
    let mut schema = shape(&key.shape);
    schema["description"] = json!(key.about);
    if let Some(default) = key.default {
        // Every default that is not JSON by itself is a plain text.
        schema["default"] = serde_json::from_str(default).unwrap_or_else(|_| json!(default));
    }
    schema
}

/// A value that may also be a reference to a variable or a file.
fn or_reference(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "pattern": "\\$\\{" }] })
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::ClusterName => {
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,100}$|\\$\\{" })
        }
        Shape::Servers => json!({ "anyOf": [
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            { "type": "string" },
        ] }),
        Shape::Properties => {
            let reserved: Vec<&str> = RESERVED_PROPERTIES.iter().map(|(name, _)| *name).collect();
            json!({
                "type": ["object", "null"],
                "propertyNames": { "not": { "enum": reserved } },
                "additionalProperties": { "type": ["string", "number", "boolean"] },
            })
        }
        Shape::Selectors => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Shape::Duration(least, most) => duration(SUBSECOND, *least, *most),
        Shape::Minutes(least, most) => duration(MINUTES, *least, *most),
        Shape::Durations(least, most) => {
            json!({ "type": "array", "items": duration(SUBSECOND, *least, *most) })
        }
        Shape::Integer(least, most) => {
            or_reference(&json!({ "type": "integer", "minimum": least, "maximum": most }))
        }
        Shape::Ratio => or_reference(&json!({ "type": "number", "minimum": 0, "maximum": 1 })),
        Shape::Choice(names) => or_reference(&json!({ "enum": names })),
        Shape::Url => json!({ "type": "string", "pattern": "^https?://|\\$\\{" }),
        Shape::ListenAddress | Shape::Path | Shape::Text | Shape::TimeZone | Shape::Time => {
            json!({ "type": "string", "minLength": 1 })
        }
        Shape::Share | Shape::Objective => json!({ "anyOf": [
            { "type": "number", "minimum": 0, "maximum": 1 },
            { "type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,9})? *%?$|\\$\\{" },
        ] }),
        Shape::Rate => or_reference(&json!({ "type": "number", "exclusiveMinimum": 0 })),
        Shape::Amount => or_reference(&json!({ "type": "number", "minimum": 0 })),
        Shape::Digits => or_reference(&json!({ "type": "number" })),
        Shape::DigitsByDuration => {
            json!({ "type": "object", "additionalProperties": { "type": "number" } })
        }
        Shape::Flag => or_reference(&json!({ "type": "boolean" })),
        // Editors propose the first; the settings may name others.
        Shape::Severity => json!({ "anyOf": [
            { "enum": ["page", "ticket", "info", "critical", "warning"] },
            { "type": "string", "pattern": format!("{NAME}|\\$\\{{") },
        ] }),
        Shape::Paths => one_or_many(&json!({ "type": "string", "minLength": 1 })),
        Shape::Secret | Shape::Channel | Shape::Address => json!({ "type": "string", "minLength": 1 }),
        Shape::SecretUrl => json!({ "type": "string", "pattern": URL }),
        Shape::SecretUrls => one_or_many(&json!({ "type": "string", "pattern": URL })),
        Shape::Headers => json!({
            "type": ["object", "null"],
            "additionalProperties": { "type": ["string", "number", "boolean"] },
        }),
        Shape::Smtp => json!({ "type": "string", "pattern": "^smtps?://|\\$\\{" }),
        Shape::Addresses => one_or_many(&json!({ "type": "string", "minLength": 1 })),
        Shape::ReceiverName => json!({ "type": "string", "pattern": format!("{PLAIN_NAME}|\\$\\{{") }),
        Shape::ReceiverNames => {
            one_or_many(&json!({ "type": "string", "pattern": format!("{PLAIN_NAME}|\\$\\{{") }))
        }
        Shape::RateLimit => json!({ "type": "string", "pattern": "^[0-9]+ */ *[smh]$|\\$\\{" }),
        Shape::Matchers => json!({ "anyOf": [
            { "type": ["object", "null"], "additionalProperties": { "type": ["string", "number", "boolean"] } },
            { "type": "array", "items": { "type": "string", "minLength": 1 } },
        ] }),
        Shape::LabelNames => {
            json!({ "type": "array", "items": { "type": "string", "pattern": "^[A-Za-z_]|\\$\\{" } })
        }
        Shape::Severities => json!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": NAME, "not": { "enum": ["page", "ticket", "info"] } },
            "additionalProperties": or_reference(&json!({ "enum": ["page", "ticket", "info"] })),
        }),
        Shape::RuleName => {
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,100}$|\\$\\{" })
        }
        Shape::Group => json!({ "type": "string", "minLength": 1 }),
        Shape::Topic => json!({ "type": "string", "pattern": "^[A-Za-z0-9_.*?-]+$|\\$\\{" }),
        Shape::ExactTopic => json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]+$|\\$\\{" }),
        Shape::Labels => json!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": "^_?[A-Za-z][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": ["string", "number", "boolean"] },
        }),
        Shape::Section(within) => {
            let mut schema = section(within);
            // A section whose every line is commented out is as good as none.
            schema["type"] = json!(["object", "null"]);
            schema
        }
        Shape::Sections(within) => json!({ "type": "array", "items": section(within), "minItems": 1 }),
        Shape::AnySections(within) => json!({ "type": ["array", "null"], "items": section(within) }),
        Shape::OneOf(within) => {
            let mut schema = section(within);
            schema["minProperties"] = json!(1);
            schema["maxProperties"] = json!(1);
            schema
        }
    }
}

fn one_or_many(one: &Value) -> Value {
    json!({ "anyOf": [{ "type": "array", "items": one }, one] })
}

const URL: &str = "^https?://|\\$\\{";
const NAME: &str = "^[A-Za-z0-9_.:-]{1,100}$";
const PLAIN_NAME: &str = "^[A-Za-z0-9_.-]{1,100}$";

const SUBSECOND: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$|\\$\\{";
const MINUTES: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$|\\$\\{";

fn duration(pattern: &str, least: Duration, most: Duration) -> Value {
    json!({
        "type": "string",
        "pattern": pattern,
        "minLength": 1,
        "$comment": format!("from {} to {}", show_duration(least), show_duration(most)),
    })
}
