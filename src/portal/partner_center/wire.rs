//! The documents of the submission API, as they are read.
//!
//! Owns field names (source: Microsoft's description of that API, and what its clients read), in lower case: the
//! description and the wire differ in that of some. What is not read is not declared; unknown fields are left alone.

use serde::Deserialize;

use crate::portal::client::shown_text;

/// A product.
#[derive(Debug, Deserialize)]
pub(super) struct ProductDocument {
    pub id: Option<String>,
    #[serde(rename = "resourcetype", default, deserialize_with = "shown_text")]
    pub resource_type: Option<String>,
    #[serde(default, deserialize_with = "shown_text")]
    pub name: Option<String>,
    /// The description has `externalIds` of any product and `externalIDs` of those of Azure, the wire the second.
    #[serde(rename = "externalids")]
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
pub(super) struct SubmissionDocument {
    pub id: Option<SubmissionNumber>,
    pub state: Option<String>,
    pub substate: Option<String>,
    #[serde(rename = "pendingupdateinfo")]
    pub pending_update_info: Option<UpdateDocument>,
    #[serde(rename = "releasenumber", default, deserialize_with = "shown_text")]
    pub release_number: Option<String>,
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
pub(super) struct UpdateDocument {
    pub status: Option<String>,
    #[serde(rename = "failurereason", default, deserialize_with = "shown_text")]
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
pub(super) struct WorkflowDocument {
    pub state: Option<String>,
    #[serde(rename = "startdatetimeinutc")]
    pub start_date_time_in_utc: Option<String>,
    #[serde(rename = "workflowsteps", default)]
    pub workflow_steps: Vec<WorkflowStep>,
}

/// A step of a workflow.
#[derive(Debug, Deserialize)]
pub(super) struct WorkflowStep {
    pub name: Option<String>,
    pub state: Option<String>,
    #[serde(rename = "startdatetimeinutc")]
    pub start_date_time_in_utc: Option<String>,
}
