//! What a state file says of Partner Center: how its API behaves, and the submissions of a product.
//!
//! Owns that part of the format. Words of the API are given freely: a state that it has not used yet is a case too.

use std::time::Duration;

use serde::Deserialize;

use super::{ErrorForm, duration};
use crate::domain::OperationId;

/// How the submission API behaves.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(in crate::emulator) struct PartnerCenterSpec {
    /// How many products a page has; absent: 1 to 5, as they come.
    pub page_size: Option<usize>,
    /// How many submissions a page has; absent: all of them.
    pub submission_page_size: Option<usize>,
    pub next_link: NextLinkForm,
    pub next_link_name: NextLinkName,
    /// The order of submissions. The state file lists the oldest one first.
    pub order: SubmissionOrder,
    /// What becomes of a cancelled submission.
    pub cancelled: CancelledFate,
    /// The `x-ms-publisherId` without which nothing is answered.
    pub demand_publisher_id: Option<String>,
    pub demand_filter: FilterDemand,
    /// What creating a submission answers.
    pub create_status: u16,
    pub promote_answer: PromoteAnswer,
    pub error_form: ErrorForm,
}

impl Default for PartnerCenterSpec {
    fn default() -> Self {
        Self {
            page_size: None,
            submission_page_size: None,
            next_link: NextLinkForm::Relative,
            next_link_name: NextLinkName::Plain,
            order: SubmissionOrder::NewestFirst,
            cancelled: CancelledFate::Forgotten,
            demand_publisher_id: None,
            demand_filter: FilterDemand::None,
            create_status: 201,
            promote_answer: PromoteAnswer::Workflow,
            error_form: ErrorForm::String,
        }
    }
}

/// How the link to the next page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum NextLinkForm {
    /// `v1.0/ingestion/products?…`, without a slash in front.
    Relative,
    Absolute,
}

/// What the link to the next page is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(in crate::emulator) enum NextLinkName {
    #[serde(rename = "nextLink")]
    Plain,
    #[serde(rename = "@odata.nextLink")]
    Odata,
    #[serde(rename = "both")]
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum SubmissionOrder {
    NewestFirst,
    OldestFirst,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum CancelledFate {
    /// It is in no list any more.
    Forgotten,
    /// It stays, in the state `Cancelled`.
    Shown,
}

/// What promoting a submission answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum PromoteAnswer {
    /// Its workflow, as Microsoft describes it. One client can't read anything else.
    Workflow,
    /// No body.
    Empty,
}

/// Which filter a list of products must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum FilterDemand {
    None,
    /// Any filter will do.
    Any,
    /// One that names the type of product.
    ResourceType,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::emulator) struct SubmissionSpec {
    pub id: OperationId,
    #[serde(default = "in_progress")]
    pub state: String,
    #[serde(default = "submitted")]
    pub substate: String,
    /// `pendingUpdateInfo`; absent: a completed one where the state is `InProgress`.
    #[serde(default)]
    pub update: Option<UpdateSpec>,
    /// What it is for; absent: `live` in the store, `preview` otherwise.
    #[serde(default)]
    pub targets: Option<Vec<String>>,
    #[serde(default)]
    pub release_number: Option<i32>,
    #[serde(default)]
    pub friendly_name: Option<String>,
    /// When it was published, where the state is `Published`.
    #[serde(default, deserialize_with = "duration")]
    pub published_ago: Duration,
    /// When its workflow began, or when it was created.
    #[serde(default, deserialize_with = "duration")]
    pub started_ago: Duration,
    /// The step that its workflow is in.
    #[serde(default)]
    pub step: Option<String>,
    #[serde(default = "in_progress")]
    pub step_state: String,
    /// Of Product Ingestion, in the place of state and substate; absent: `running`.
    #[serde(default)]
    pub status: Option<String>,
    /// Of Product Ingestion; absent: `pending`.
    #[serde(default)]
    pub result: Option<String>,
    #[serde(default)]
    pub lifecycle_state: Option<String>,
}

/// The `pendingUpdateInfo` of a submission.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(in crate::emulator) struct UpdateSpec {
    #[serde(rename = "type")]
    pub kind: String,
    /// `none`: nothing is said about an update.
    pub status: String,
    pub failure_reason: Option<String>,
}

impl Default for UpdateSpec {
    fn default() -> Self {
        Self { kind: "Create".to_owned(), status: "Completed".to_owned(), failure_reason: None }
    }
}

/// An id by which others know a product.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::emulator) struct ExternalIdSpec {
    #[serde(rename = "type", default = "azure_offer_id")]
    pub kind: String,
    pub value: String,
}

fn in_progress() -> String {
    "InProgress".to_owned()
}

fn submitted() -> String {
    "Submitted".to_owned()
}

fn azure_offer_id() -> String {
    "AzureOfferId".to_owned()
}
