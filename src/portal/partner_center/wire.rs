//! The documents of the submission API, as they are read.
//!
//! Owns field names (source: Microsoft's description of that API, and what its clients read). What is not read is not
//! declared; unknown fields are left alone.

use serde::Deserialize;

/// A product.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductDocument {
    pub id: Option<String>,
    pub resource_type: Option<String>,
    pub name: Option<String>,
    /// The description says `externalIds`, the wire `externalIDs`.
    #[serde(rename = "externalIDs", alias = "externalIds")]
    pub external_ids: Option<Vec<ProductExternalId>>,
}

/// An id by which others know a product.
#[derive(Debug, Deserialize)]
pub(super) struct ProductExternalId {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub value: Option<String>,
}

/// A submission.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubmissionDocument {
    pub id: Option<SubmissionNumber>,
    pub state: Option<String>,
    pub substate: Option<String>,
    pub pending_update_info: Option<UpdateDocument>,
    pub release_number: Option<serde_json::Number>,
}

/// An id of a submission: text by the description, and whole where it comes as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum SubmissionNumber {
    Text(String),
    Number(u64),
}

/// What goes on with a submission.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateDocument {
    pub status: Option<String>,
    pub failure_reason: Option<String>,
}

/// The workflows of a submission, one an environment.
#[derive(Debug, Deserialize)]
pub(super) struct WorkflowsPage {
    #[serde(default)]
    pub value: Vec<WorkflowDocument>,
}

/// A workflow.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkflowDocument {
    pub state: Option<String>,
    pub start_date_time_in_utc: Option<String>,
    #[serde(default)]
    pub workflow_steps: Vec<WorkflowStep>,
}

/// A step of a workflow.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkflowStep {
    pub name: Option<String>,
    pub state: Option<String>,
    pub start_date_time_in_utc: Option<String>,
}
