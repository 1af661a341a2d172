//! The documents of the submission API of Partner Center, as they travel.
//!
//! Owns field names (source: Microsoft's description of that API, and what its clients read).

use serde::{Deserialize, Serialize};

/// A page of a list. The link to the next one has two names.
#[derive(Debug, Clone, Serialize)]
pub(super) struct IngestionPage<T> {
    pub value: Vec<T>,
    #[serde(rename = "nextLink", skip_serializing_if = "Option::is_none")]
    pub next_link: Option<String>,
    #[serde(rename = "@odata.nextLink", skip_serializing_if = "Option::is_none")]
    pub odata_next_link: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct IngestionTypeValue {
    #[serde(rename = "type")]
    pub kind: String,
    pub value: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionProduct {
    pub resource_type: String,
    pub name: String,
    #[serde(rename = "externalIDs")]
    pub external_ids: Vec<IngestionTypeValue>,
    pub is_modular_publishing: bool,
    pub id: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionSubmission {
    pub resource_type: &'static str,
    pub state: String,
    pub substate: String,
    pub targets: Vec<IngestionTypeValue>,
    pub resources: Vec<IngestionTypeValue>,
    pub published_time_in_utc: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_option: Option<IngestionPublishOption>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_update_info: Option<IngestionUpdate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_number: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    pub are_resources_ready: bool,
    pub id: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionPublishOption {
    pub is_manual_publish: bool,
    pub is_auto_promote: bool,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionUpdate {
    pub update_type: String,
    pub status: String,
    pub href: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
}

/// The workflow of a submission in one environment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionWorkflow {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub state: String,
    pub target_environment: &'static str,
    pub workflow_steps: Vec<IngestionStep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date_time_in_utc: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionStep {
    pub name: String,
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date_time_in_utc: Option<String>,
}

/// What is asked for when a submission is created.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionCreation {
    #[serde(default)]
    pub targets: Vec<IngestionTypeValue>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionBranch {
    pub resource_type: &'static str,
    pub friendly_name: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub module: String,
    #[serde(rename = "currentDraftInstanceID")]
    pub current_draft_instance_id: String,
    #[serde(rename = "variantID", skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<String>,
    pub id: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionVariant {
    pub resource_type: &'static str,
    pub state: &'static str,
    pub friendly_name: String,
    #[serde(rename = "externalID")]
    pub external_id: String,
    pub id: String,
}
