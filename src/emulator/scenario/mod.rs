//! The state file of an emulated portal.
//!
//! Owns its format. It is written by the person who runs the emulator, and read strictly all
//! the same, because a misspelled fault is a test that tests nothing.

mod check;
mod partner_center;
mod product_ingestion;

pub(in crate::emulator) use partner_center::{
    CancelledFate, ExternalIdSpec, FilterDemand, NextLinkForm, NextLinkName, PartnerCenterSpec, PromoteAnswer,
    SubmissionOrder, SubmissionSpec, UpdateSpec,
};
pub(in crate::emulator) use product_ingestion::{JobSpec, ProductIngestionSpec};

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::domain::{OfferId, OperationId, PublisherId};
use crate::portal::{CredentialError, Token};

/// A mistake in a state file, with its place where it has one. Which file it is, the caller knows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ScenarioError(String);

impl ScenarioError {
    /// A mistake that the reader found, with the line that it is in.
    fn of_yaml(error: &serde_saphyr::Error, text: &str) -> Self {
        let options = serde_saphyr::render_options! { snippets: serde_saphyr::SnippetMode::Off };
        let message = error.render_with_options(options);
        let number = error.location().and_then(|place| usize::try_from(place.line()).ok()).unwrap_or(0);
        let line = number.checked_sub(1).and_then(|index| text.lines().nth(index));
        Self(line.map_or_else(|| message.clone(), |line| format!("{message}\n  {number} | {line}")))
    }
}

/// What an emulated portal holds when it starts.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// The bearer token that is accepted; absent: any.
    #[serde(default)]
    pub(in crate::emulator) token: Option<String>,
    #[serde(default)]
    pub(in crate::emulator) clock: ClockSpec,
    /// How long every answer takes.
    #[serde(default, deserialize_with = "duration")]
    pub(in crate::emulator) latency: Duration,
    #[serde(default)]
    pub(in crate::emulator) partner_center: PartnerCenterSpec,
    #[serde(default)]
    pub(in crate::emulator) product_ingestion: ProductIngestionSpec,
    pub(in crate::emulator) offers: Vec<OfferSpec>,
    #[serde(default)]
    pub(in crate::emulator) faults: Vec<FaultSpec>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(in crate::emulator) struct ClockSpec {
    /// What time it is at the start; absent: the real time.
    pub now: Option<Timestamp>,
    /// How many seconds pass in a real one.
    pub speed: f64,
}

impl Default for ClockSpec {
    fn default() -> Self {
        Self { now: None, speed: 1.0 }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::emulator) struct OfferSpec {
    pub publisher: PublisherId,
    pub id: OfferId,
    /// The API that has it.
    #[serde(default)]
    pub portal: EmulatedPortal,
    /// What kind of offer it is, in the words of its API.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// Integrated before the move to Partner Center: decides the form of locations.
    #[serde(default = "yes")]
    pub migrated: bool,
    /// Operations come inside an array, as in the page's example.
    #[serde(default)]
    pub wrapped: bool,
    #[serde(default)]
    pub spelling: Spelling,
    #[serde(default)]
    pub location: LocationStyle,
    /// How long each step takes of an operation that is started here.
    #[serde(default = "default_step_time", deserialize_with = "duration")]
    pub step_time: Duration,
    #[serde(default)]
    pub cancel: CancelSpec,
    /// Its name for people; absent: like its id.
    #[serde(default)]
    pub display_text: Option<String>,
    /// Its GUID; absent: the one of the API's page.
    #[serde(default)]
    pub guid: Option<String>,
    #[serde(default)]
    pub listed_by: ListedBy,
    /// Its operations, at most one of them running if it is to behave like the real one.
    #[serde(default)]
    pub operations: Vec<OperationSpec>,
    /// Of the two newer APIs: the GUID of the product.
    #[serde(default)]
    pub product: Option<String>,
    /// What the product is called; absent: like the offer.
    #[serde(default)]
    pub product_name: Option<String>,
    /// By which ids others know the product; absent: by that of the offer.
    #[serde(default)]
    pub external_ids: Option<Vec<ExternalIdSpec>>,
    /// Its plans, which that API calls variants.
    #[serde(default = "default_plans")]
    pub plans: Vec<String>,
    /// Its submissions, the oldest one first.
    #[serde(default)]
    pub submissions: Vec<SubmissionSpec>,
    /// Of Product Ingestion: the jobs that work on its submissions.
    #[serde(default)]
    pub jobs: Vec<JobSpec>,
}

/// An API of the emulator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum EmulatedPortal {
    #[default]
    CloudPartner,
    PartnerCenter,
    ProductIngestion,
}

/// Which of the page's two spellings of a submission is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum Spelling {
    /// That of the example: `submissionState`, `changedTime`.
    #[default]
    Example,
    /// That of the table of properties: `status`, `lastActionDateTime`.
    Table,
}

/// How the location of a long-running operation is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum LocationStyle {
    /// `Location`, a path.
    #[default]
    Path,
    /// `Operation-Location`, an absolute URL without `api-version`.
    Absolute,
    /// Not at all.
    None,
}

/// Which `id` the documents of an offer have. The API's page calls it a GUID, its examples show readable ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum ListedBy {
    /// The one of its address.
    #[default]
    Id,
    /// Its GUID.
    Guid,
    /// Its GUID in lists, and the one of its address in its own document.
    GuidInList,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::emulator) struct OperationSpec {
    pub id: OperationId,
    #[serde(rename = "type", default = "default_operation_type")]
    pub kind: String,
    #[serde(default = "default_status")]
    pub status: String,
    #[serde(default, deserialize_with = "duration")]
    pub changed_ago: Duration,
    /// The id of the step that it is in.
    #[serde(default)]
    pub step: Option<String>,
    /// A status that holds the step where it is; absent: it goes on with the clock.
    #[serde(default)]
    pub step_status: Option<String>,
    #[serde(default)]
    pub message: Option<String>,
    /// `cancellationRequestState`; `none`: nothing is said about it.
    #[serde(default = "default_cancellation")]
    pub cancellation: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(in crate::emulator) struct CancelSpec {
    pub answer: CancelBehaviour,
    /// After how many reads an accepted cancellation is done.
    pub polls: u32,
    pub status: u16,
    pub code: String,
    pub message: String,
    /// How a refusal is told; absent: as its API usually does.
    pub form: Option<ErrorForm>,
}

/// How an error is told. Of Partner Center all but the first one were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum ErrorForm {
    /// `{"error": {"code": …, "message": …}}`
    Nested,
    /// A string of JSON: `"CODE - message"`.
    String,
    /// `{"code": …, "message": …, "details": []}`
    Flat,
    /// `{"statusCode": …, "message": …}`
    StatusCode,
    /// Text with JSON in it.
    Text,
}

impl Default for CancelSpec {
    fn default() -> Self {
        Self {
            answer: CancelBehaviour::AtOnce,
            polls: 2,
            status: 409,
            code: "OperationCannotBeCanceled".to_owned(),
            message: "The operation is past the point where it can be canceled.".to_owned(),
            form: None,
        }
    }
}

/// What cancelling answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum CancelBehaviour {
    /// 200, and it is cancelled.
    AtOnce,
    /// 202, and it is cancelled after so many reads.
    Accepted,
    /// An error status, and it goes on.
    Refused,
    /// 200, and it goes on all the same.
    Ignored,
    /// 202, and it never ends.
    Stuck,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::emulator) struct FaultSpec {
    pub on: EmulatedCall,
    #[serde(default)]
    pub portal: Option<EmulatedPortal>,
    #[serde(default)]
    pub publisher: Option<PublisherId>,
    #[serde(default)]
    pub offer: Option<OfferId>,
    /// How many calls are let through first.
    #[serde(default)]
    pub skip: u32,
    /// How many calls it hits; absent: all.
    #[serde(default)]
    pub times: Option<u32>,
    /// Whether the portal has carried the call out when the fault hits.
    #[serde(default)]
    pub when: FaultTime,
    #[serde(default)]
    pub status: Option<u16>,
    #[serde(default)]
    pub retry_after: Option<String>,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub message: Option<String>,
    /// How the error is told; absent: as the API usually does.
    #[serde(default)]
    pub form: Option<ErrorForm>,
    /// What is answered in the place of an error, byte by byte.
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub connection: Option<ConnectionFault>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum FaultTime {
    #[default]
    Before,
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum ConnectionFault {
    /// Closed without an answer.
    Drop,
    /// Closed half-way through the answer.
    Truncate,
    /// Kept open without an answer.
    Hang,
}

/// A call of an API. One name stands for the same thing in each of them: `publish` starts, `go-live` promotes, `cancel`
/// cancels, `submissions` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::emulator) enum EmulatedCall {
    Any,
    Offers,
    Offer,
    Status,
    Submissions,
    Operation,
    Products,
    Product,
    Submission,
    WorkflowDetails,
    Branches,
    Variants,
    ResourceTree,
    JobStatus,
    JobDetail,
    Update,
    Publish,
    GoLive,
    Cancel,
}

impl Scenario {
    /// Reads a state file.
    ///
    /// # Errors
    /// The first mistake, with its line and column.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = serde_saphyr::from_str(text).map_err(|error| ScenarioError::of_yaml(&error, text))?;
        check::check(&scenario).map_err(ScenarioError)?;
        Ok(scenario)
    }

    /// The token that it accepts, or one that will do where it accepts any.
    ///
    /// # Errors
    /// When the state file names a token that can't be sent.
    pub fn own_token(&self) -> Result<Token, CredentialError> {
        Token::new(self.token.as_deref().unwrap_or("emulated"))
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(serde::de::Error::custom)
}

const fn yes() -> bool {
    true
}

const fn default_step_time() -> Duration {
    Duration::from_mins(10)
}

fn default_operation_type() -> String {
    "publish".to_owned()
}

fn default_plans() -> Vec<String> {
    vec!["plan".to_owned()]
}

fn default_status() -> String {
    "running".to_owned()
}

fn default_cancellation() -> String {
    "canCancel".to_owned()
}
