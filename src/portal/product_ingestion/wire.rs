//! The documents of the Product Ingestion API, as they are read.
//!
//! Owns field names (source: Microsoft's pages on that API, and what its clients read). The pages and the schemas spell
//! some keys in two ways, so the keys of a document are read in lower case. What is not read is not declared.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A product.
#[derive(Debug, Deserialize)]
pub(super) struct IdentifiedProduct {
    pub id: Option<String>,
    pub identity: Option<ProductIdentity>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub alias: Option<String>,
}

/// What others call a product.
#[derive(Debug, Deserialize)]
pub(super) struct ProductIdentity {
    #[serde(rename = "externalid")]
    pub external_id: Option<String>,
}

/// A submission, for one target.
#[derive(Debug, Deserialize)]
pub(super) struct TargetedDocument {
    pub id: Option<String>,
    pub product: Option<String>,
    pub target: Option<TargetDocument>,
    pub status: Option<String>,
    pub result: Option<String>,
    pub created: Option<String>,
}

/// What a submission is for.
#[derive(Debug, Deserialize)]
pub(super) struct TargetDocument {
    #[serde(rename = "targettype")]
    pub kind: Option<String>,
}

/// The status of a job.
#[derive(Debug, Deserialize)]
pub(super) struct JobStatusDocument {
    #[serde(rename = "jobid")]
    pub id: Option<String>,
    #[serde(rename = "jobstatus")]
    pub status: Option<String>,
    #[serde(rename = "jobresult")]
    pub result: Option<String>,
    #[serde(rename = "jobstart")]
    pub start: Option<String>,
}

/// What a job that is over was about.
#[derive(Debug, Deserialize)]
pub(super) struct JobDetailDocument {
    pub resources: Vec<ResourceDocument>,
}

/// A resource that a job changes.
#[derive(Debug, Deserialize)]
pub(super) struct ResourceDocument {
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    pub id: Option<String>,
    pub product: Option<String>,
}

/// Reads a document, whatever the letter case of its keys. Two keys that differ in nothing else must say the same.
pub(super) fn folded<T: DeserializeOwned>(document: Value) -> Result<T, String> {
    serde_json::from_value(fold(document)?).map_err(|error| error.to_string())
}

fn fold(value: Value) -> Result<Value, String> {
    match value {
        Value::Object(fields) => {
            let mut folded = Map::new();
            for (key, value) in fields {
                let (key, value) = (key.to_ascii_lowercase(), fold(value)?);
                if folded.get(&key).is_some_and(|other| *other != value) {
                    return Err(format!("two keys that are spelled like `{key}` say different things"));
                }
                folded.insert(key, value);
            }
            Ok(Value::Object(folded))
        }
        Value::Array(items) => items.into_iter().map(fold).collect::<Result<_, _>>().map(Value::Array),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read_in_any_letter_case_and_may_not_differ() {
        let read: JobStatusDocument = folded(json!({"jobID": "a", "JobStatus": "running"})).expect("a status");
        assert_eq!((read.id.as_deref(), read.status.as_deref()), (Some("a"), Some("running")));
        assert!(folded::<JobStatusDocument>(json!({"jobId": "a", "jobID": "a"})).is_ok());
        assert!(folded::<JobStatusDocument>(json!({"jobId": "a", "jobID": "b"})).is_err());
    }
}
