//! The documents of the Product Ingestion API, as they are read.
//!
//! Owns field names (source: Microsoft's pages on that API, and what its clients read). The pages and the schemas spell
//! some keys in two ways, so the keys of a document are read in lower case. What is not read is not declared.

use serde::Deserialize;

use crate::portal::client::shown_text;

/// A product.
#[derive(Debug, Deserialize)]
pub(super) struct IdentifiedProduct {
    pub id: Option<String>,
    pub identity: Option<ProductIdentity>,
    #[serde(rename = "type", default, deserialize_with = "shown_text")]
    pub kind: Option<String>,
    #[serde(default, deserialize_with = "shown_text")]
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
    #[serde(rename = "jobend")]
    pub end: Option<String>,
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
