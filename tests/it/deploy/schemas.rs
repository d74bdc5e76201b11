//! JSON Schemas for kubeconform, made of what the projects publish: Kubernetes' OpenAPI definitions, and custom resource
//! definitions. A key that they do not know is an error, as it is for `kubectl apply`, which would ignore nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::checkers;

/// Writes the schema of each of `kinds`, pairs of `apiVersion` and `kind`, into `folder`, named as [`LOCATION`] says.
pub(super) fn write(folder: &Path, kinds: &BTreeSet<(String, String)>) {
    let published = checkers().join("schemas");
    let swagger = fs::read_to_string(published.join("swagger.json")).unwrap();
    let definitions = serde_json::from_str::<Value>(&swagger).unwrap()["definitions"].take();
    let mut custom = Vec::new();
    for entry in fs::read_dir(&published).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            custom.push(serde_saphyr::from_str::<Value>(&fs::read_to_string(path).unwrap()).unwrap());
        }
    }
    for (version, kind) in kinds {
        let schema = of_kubernetes(&definitions, version, kind).or_else(|| of_custom(&custom, version, kind));
        let schema = schema.unwrap_or_else(|| panic!("nobody publishes a schema of {version} {kind}"));
        let (group, number) =
            version.split_once('/').map_or((None, &**version), |(group, it)| (Some(group), it));
        let group = group.map(|group| format!("-{}", group.split('.').next().unwrap())).unwrap_or_default();
        let name = format!("{}{group}-{number}.json", kind.to_lowercase());
        fs::write(folder.join(name), schema.to_string()).unwrap();
    }
}

/// Where kubeconform finds them in their folder.
pub(super) const LOCATION: &str = "{{ .ResourceKind }}{{ .KindSuffix }}.json";

fn of_kubernetes(definitions: &Value, version: &str, kind: &str) -> Option<Value> {
    let (group, number) = version.split_once('/').unwrap_or(("", version));
    let wanted = json!({ "group": group, "kind": kind, "version": number });
    let is_it = |definition: &Value| {
        let kinds = definition["x-kubernetes-group-version-kind"].as_array();
        kinds.is_some_and(|kinds| kinds.contains(&wanted))
    };
    let (name, _) = definitions.as_object()?.iter().find(|(_, definition)| is_it(definition))?;
    let mut needed = Map::new();
    collect(definitions, name, &mut needed);
    Some(json!({ "$ref": format!("#/definitions/{name}"), "definitions": needed }))
}

/// `name` and all that it refers to.
fn collect(definitions: &Value, name: &str, needed: &mut Map<String, Value>) {
    if needed.contains_key(name) {
        return;
    }
    let definition = match name {
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
        | "io.k8s.apimachinery.pkg.api.resource.Quantity" => {
            json!({ "type": ["string", "number"] })
        }
        _ => strict(definitions[name].clone()),
    };
    let mut names = Vec::new();
    referred(&definition, &mut names);
    needed.insert(name.to_owned(), definition);
    names.iter().for_each(|name| collect(definitions, name, needed));
}

fn referred(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            if let Some(Value::String(reference)) = entries.get("$ref") {
                names.extend(reference.strip_prefix("#/definitions/").map(str::to_owned));
            }
            entries.values().for_each(|inner| referred(inner, names));
        }
        Value::Array(items) => items.iter().for_each(|inner| referred(inner, names)),
        _ => {}
    }
}

fn of_custom(custom: &[Value], version: &str, kind: &str) -> Option<Value> {
    let (group, number) = version.split_once('/')?;
    let is_it = |definition: &&Value| {
        definition["spec"]["group"] == group && definition["spec"]["names"]["kind"] == kind
    };
    let versions = custom.iter().find(is_it)?["spec"]["versions"].as_array()?;
    let found = versions.iter().find(|version| version["name"] == number)?;
    let mut schema = found["schema"]["openAPIV3Schema"].clone();
    // Of it the definitions say no more than that it is an object.
    schema["properties"]["metadata"] = json!({ "type": "object" });
    Some(strict(schema))
}

/// No keys but those that are known.
fn strict(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(entries) => {
            if entries.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
                return json!({ "type": ["string", "integer"] });
            }
            let is_open = entries.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
            if entries.contains_key("properties") && !is_open && !entries.contains_key("additionalProperties")
            {
                entries.insert("additionalProperties".to_owned(), json!(false));
            }
            for inner in entries.values_mut() {
                *inner = strict(inner.take());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| *inner = strict(inner.take())),
        _ => {}
    }
    schema
}
