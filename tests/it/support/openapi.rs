//! GitHub's own description of its API: what a request and a response must look like.
//!
//! It is not part of the repository. `.ci/run` installs it and sets `GITHUB_DESCRIPTION`, and
//! then every exchange with the fake GitHub is held to it; without it the exchanges are
//! what they are, unchecked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::repository;

/// Said of a field that stands in GitHub's example and is not there this time.
pub const ABSENT: &str = "(absent)";

/// A file of GitHub's description, where it is installed.
pub fn installed(name: &str) -> Option<Value> {
    let required = std::env::var_os("GITHUB_DESCRIPTION").map(PathBuf::from);
    let path = required.clone().unwrap_or_else(|| repository("target/github")).join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).expect("JSON")),
        Err(error) if required.is_some() => {
            panic!("GITHUB_DESCRIPTION is set, and {} can't be read: {error}", path.display())
        }
        Err(_) => None,
    }
}

fn description() -> Option<&'static Value> {
    static DESCRIPTION: OnceLock<Option<Value>> = OnceLock::new();
    DESCRIPTION.get_or_init(|| installed("api.github.com.json")).as_ref()
}

/// An operation of the API.
pub struct Operation {
    api: &'static Value,
    template: &'static str,
    described: &'static Value,
}

/// The operation that a request is for. A request for none that GitHub has is a mistake.
pub fn operation(method: &str, path: &str) -> Option<Operation> {
    let api = description()?;
    let asked: Vec<&str> = path.split('/').collect();
    let paths = api["paths"].as_object().expect("paths");
    let literal = |template: &str| template.split('/').filter(|part| !part.starts_with('{')).count();
    let matches = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        let rest = parts.last() == Some(&"{path}");
        (parts.len() == asked.len() || (rest && parts.len() < asked.len()))
            && parts.iter().zip(&asked).all(|(part, asked)| part.starts_with('{') || part == asked)
    };
    let (template, item) = paths
        .iter()
        .filter(|(template, item)| matches(template) && item.get(method.to_lowercase()).is_some())
        .max_by_key(|(template, _)| literal(template))
        .unwrap_or_else(|| panic!("GitHub's API has no {method} {path}"));
    Some(Operation { api, template, described: &item[method.to_lowercase()] })
}

impl Operation {
    /// Holds a request to the description: known parameters alone, a body with known fields that fits its schema.
    pub fn check_request(&self, query: &str, body: &str) {
        let parameters: Vec<&str> = self.described["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| resolve(self.api, parameter)["name"].as_str().expect("a name"))
            .collect();
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            assert!(parameters.contains(&name.as_ref()), "{} has no parameter {name}", self.template);
        }
        let schema = &self.described["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            assert!(body.is_empty() || body == "null", "{} takes no body: {body}", self.template);
            return;
        }
        let body: Value = serde_json::from_str(body).expect("JSON");
        self.known_fields(schema, &body, "");
        self.fits(schema, &body, "the request");
    }

    /// No field that GitHub does not know: it would pass the schema and mean nothing.
    fn known_fields(&self, schema: &Value, value: &Value, at: &str) {
        let schema = resolve(self.api, schema);
        match (value, schema["properties"].as_object()) {
            (Value::Object(fields), Some(known)) => {
                for (name, value) in fields {
                    let Some(schema) = known.get(name) else { panic!("{} knows no {at}/{name}", self.template) };
                    self.known_fields(schema, value, &format!("{at}/{name}"));
                }
            }
            (Value::Array(items), _) => {
                for item in items {
                    self.known_fields(&schema["items"], item, &format!("{at}/0"));
                }
            }
            _ => {}
        }
    }

    /// A response: what the fake says, and all that GitHub says besides, by its own example.
    pub fn response(&self, status: u16, body: Value) -> Value {
        let response = &self.described["responses"][status.to_string()];
        if response.is_null() {
            assert!(status >= 400, "{} does not answer {status}", self.template);
            return body;
        }
        let content = &resolve(self.api, response)["content"]["application/json"];
        let example = content["examples"].as_object().and_then(|examples| examples.values().next());
        let example = example.map_or(&Value::Null, |example| &resolve(self.api, example)["value"]);
        let body = if status < 400 { merged(example, &body) } else { body };
        if !content["schema"].is_null() {
            self.fits(&content["schema"], &body, "the response");
        }
        body
    }

    fn fits(&self, schema: &Value, value: &Value, what: &str) {
        let validator = self.validator(schema);
        let wrong: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{what} of {} is not as GitHub describes it: {wrong:#?}", self.template);
    }

    /// The validator of a schema of the description, made once.
    fn validator(&self, schema: &Value) -> Arc<Validator> {
        static MADE: Mutex<BTreeMap<usize, Arc<Validator>>> = Mutex::new(BTreeMap::new());
        // The description lives as long as the process, so the address of a schema is its name.
        let name = std::ptr::from_ref(schema).addr();
        let made = MADE.lock().expect("a lock").get(&name).cloned();
        made.unwrap_or_else(|| {
            let validator = Arc::new(self.build(schema));
            MADE.lock().expect("a lock").insert(name, Arc::clone(&validator));
            validator
        })
    }

    fn build(&self, schema: &Value) -> Validator {
        let mut names = BTreeSet::new();
        references(self.api, schema, &mut names);
        let schemas: Map<String, Value> =
            names.iter().map(|name| (name.clone(), as_json_schema(&self.api["components"]["schemas"][name]))).collect();
        let whole = json!({ "allOf": [as_json_schema(schema)], "components": { "schemas": schemas } });
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft7)
            .build(&whole)
            .unwrap_or_else(|error| panic!("{}: {error}", self.template))
    }
}

fn resolve<'a>(api: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => api.pointer(&reference[1..]).expect(reference),
        None => value,
    }
}

/// A response as it is said, where there is no example to say it by.
pub fn without_absent(body: &Value) -> Value {
    match body {
        Value::Array(items) => items.iter().map(without_absent).collect(),
        Value::Object(_) => merged(&json!({}), body),
        other => other.clone(),
    }
}

/// The example, with what is said in the place of what stands there.
fn merged(example: &Value, said: &Value) -> Value {
    match (example, said) {
        (Value::Object(example), Value::Object(said)) => {
            let mut all = example.clone();
            // GitHub's own example of a team does not fit its description of one.
            all.entry("requested_teams").and_modify(|teams| *teams = json!([]));
            for (name, value) in said {
                if value == ABSENT {
                    all.remove(name);
                    continue;
                }
                let under = all.get(name).map_or(value.clone(), |under| merged(under, value));
                all.insert(name.clone(), under);
            }
            Value::Object(all)
        }
        (Value::Array(examples), Value::Array(items)) => match examples.first() {
            Some(example @ Value::Object(_)) => items.iter().map(|item| merged(example, item)).collect(),
            _ => said.clone(),
        },
        _ => said.clone(),
    }
}

fn references(api: &Value, schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                let named = value.as_str().and_then(|text| text.strip_prefix("#/components/schemas/"));
                match named.filter(|_| name == "$ref") {
                    Some(named) if into.insert(named.to_owned()) => {
                        references(api, &api["components"]["schemas"][named], into);
                    }
                    _ => references(api, value, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(api, item, into)),
        _ => {}
    }
}

/// The dialect of OpenAPI 3.0 as JSON Schema: `nullable` is a type of its own, examples are none of ours.
fn as_json_schema(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let plain: Map<String, Value> = fields
                .iter()
                .filter(|(name, value)| {
                    !matches!(name.as_str(), "nullable" | "example" | "discriminator") || value.is_object()
                })
                .map(|(name, value)| (name.clone(), as_json_schema(value)))
                .collect();
            let plain = Value::Object(plain);
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                json!({ "anyOf": [{ "type": "null" }, plain] })
            } else {
                plain
            }
        }
        Value::Array(items) => items.iter().map(as_json_schema).collect(),
        other => other.clone(),
    }
}
