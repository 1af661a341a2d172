//! Microsoft's own description of the submission API of Partner Center: what a request and an answer look like.
//!
//! It is not part of the repository. `PARTNER_CENTER_SWAGGER` names the file; without it nothing is held to it.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

const BASE: &str = "/v1.0/ingestion";

pub struct Description {
    api: Value,
}

impl Description {
    /// The description, where it is at hand.
    pub fn installed() -> Option<Self> {
        let path = std::env::var_os("PARTNER_CENTER_SWAGGER")?;
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("PARTNER_CENTER_SWAGGER: {error}"));
        Some(Self { api: serde_json::from_slice(&bytes).expect("JSON") })
    }

    /// Holds one exchange to it: a known path, known parameters, a body that fits, a known status, an answer that fits.
    pub fn check(&self, method: &str, target: &str, request: &str, status: u16, answer: &str) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let method = method.to_lowercase();
        let Some((template, described)) = self.operation(&method, path) else {
            assert!(status >= 400, "the API has no {method} {path}");
            return;
        };
        let parameters: Vec<&str> = described["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|parameter| self.resolve(parameter)["name"].as_str())
            .collect();
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            // The link to a next page of submissions has one too, which is described for products alone.
            assert!(parameters.contains(&name.as_ref()) || name == "$skipToken", "{template} has no parameter {name}");
        }
        if !request.is_empty() && request != "{}" {
            let body = serde_json::from_str(request).expect("JSON");
            self.fits(&described["requestBody"]["content"]["application/json"]["schema"], &body, template);
        }
        let response = &described["responses"][status.to_string()];
        assert!(status >= 400 || !response.is_null(), "{template} does not answer {status}");
        // Errors are told in other forms than the described one: a string.
        if status >= 400 {
            return;
        }
        match &response["content"]["application/json"]["schema"] {
            Value::Null => assert!(answer.is_empty(), "{template} answers nothing: {answer}"),
            schema => {
                let mut answer: Value = serde_json::from_str(answer).expect("JSON");
                // On the wire the link has this name, where `@odata.nextLink` is described.
                if let Some(fields) = answer.as_object_mut() {
                    fields.remove("nextLink");
                }
                self.fits(schema, &answer, template);
                self.known_fields(schema, &answer, template);
            }
        }
    }

    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let asked: Vec<&str> = path.strip_prefix(BASE)?.split('/').collect();
        let matches = |template: &str| {
            let parts: Vec<&str> = template.split('/').collect();
            parts.len() == asked.len()
                && parts.iter().zip(&asked).all(|(part, asked)| match part.split_once('{') {
                    Some((start, _)) => asked.starts_with(start),
                    None => part == asked,
                })
        };
        let paths = self.api["paths"].as_object().expect("paths");
        let literal = |template: &str| template.split('/').filter(|part| !part.contains('{')).count();
        paths
            .iter()
            .filter(|(template, item)| matches(template) && item.get(method).is_some())
            .max_by_key(|(template, _)| literal(template))
            .map(|(template, item)| (template.as_str(), &item[method]))
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        value["$ref"].as_str().map_or(value, |reference| self.api.pointer(&reference[1..]).expect("a reference"))
    }

    fn fits(&self, schema: &Value, value: &Value, template: &str) {
        let whole = json!({ "allOf": [plain(schema)], "components": plain(&self.api["components"]) });
        let validator: Validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft7)
            .build(&whole)
            .unwrap_or_else(|error| panic!("{template}: {error}"));
        let wrong: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{template} is not as described: {wrong:#?}\n{value}");
    }

    /// No field that is not described: it would fit the schema and mean nothing.
    fn known_fields(&self, schema: &Value, value: &Value, template: &str) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let known = self.property(schema, name);
                    let known = known.unwrap_or_else(|| panic!("{template} describes no `{name}`"));
                    self.known_fields(known, value, template);
                }
            }
            Value::Array(items) => {
                let schema = &self.resolve(schema)["items"];
                for item in items {
                    self.known_fields(schema, item, template);
                }
            }
            _ => {}
        }
    }

    fn property<'a>(&'a self, schema: &'a Value, name: &str) -> Option<&'a Value> {
        let schema = self.resolve(schema);
        let parts = ["allOf", "oneOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
        // Plans are described by what all kinds of them have in common.
        let plan = &self.api["components"]["schemas"]["Microsoft.Ingestion.Api.Models.Variants.AzureSkuVariant"];
        let is_plan = schema["properties"]["resourceType"]["enum"][0] == "BaseVariant";
        schema["properties"]
            .get(name)
            .or_else(|| parts.into_iter().find_map(|part| self.property(part, name)))
            .or_else(|| if is_plan { property_of_plan(plan, name) } else { None })
    }
}

fn property_of_plan<'a>(plan: &'a Value, name: &str) -> Option<&'a Value> {
    plan["allOf"].as_array()?.iter().find_map(|part| part["properties"].get(name))
}

/// The dialect of OpenAPI 3.0 as JSON Schema.
fn plain(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept: Map<String, Value> = fields
                .iter()
                .filter(|(name, value)| {
                    !matches!(name.as_str(), "nullable" | "example" | "discriminator") || value.is_object()
                })
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect();
            let kept = Value::Object(kept);
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                json!({ "anyOf": [{ "type": "null" }, kept] })
            } else {
                kept
            }
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}
