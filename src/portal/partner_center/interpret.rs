//! From the documents of the submission API to the words of the trade.
//!
//! Owns every tolerance: two spellings of a key, ids as text or number, times that mean "never". What can't be read is an
//! error in words; nothing is guessed.

use jiff::Timestamp;

use super::wire::{ProductDocument, SubmissionDocument, SubmissionNumber, WorkflowStep, WorkflowsPage};
use super::words::{self, Meaning, Said};
use crate::domain::{OfferId, OperationId, ProductId, StatusWord};
use crate::portal::client::{cut_text, cut_word, json, timestamp};
use crate::portal::products::{ListedProduct, is_submission_id};

/// A submission, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JudgedSubmission {
    pub id: OperationId,
    pub word: StatusWord,
    pub meaning: Meaning,
    /// Whether its state is the one of everything that is not published.
    pub is_in_progress: bool,
    pub release: Option<String>,
    pub failure: Option<String>,
}

/// Reads a product.
pub(super) fn one_product(body: &[u8]) -> Result<ListedProduct, String> {
    product(json(body).map_err(|error| format!("not a product ({error})"))?)
}

/// Reads a product of a list.
pub(super) fn product(document: ProductDocument) -> Result<ListedProduct, String> {
    let ProductDocument { id, resource_type, name, external_ids } = document;
    let id: ProductId = id.unwrap_or_default().parse().map_err(|error| format!("the id of a product {error}"))?;
    let names_offer =
        |kind: &Option<String>| kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("AzureOfferId"));
    let offers: Vec<OfferId> = external_ids
        .iter()
        .flatten()
        .filter(|external| names_offer(&external.kind))
        .filter_map(|external| external.value.as_deref()?.parse().ok())
        .collect();
    Ok(ListedProduct {
        id,
        offers,
        kind: resource_type.as_deref().and_then(cut_word),
        name: name.as_deref().and_then(cut_text),
    })
}

/// Reads a submission.
pub(super) fn one_submission(body: &[u8]) -> Result<JudgedSubmission, String> {
    submission(json(body).map_err(|error| format!("not a submission ({error})"))?)
}

/// Reads a submission of a list.
pub(super) fn submission(document: SubmissionDocument) -> Result<JudgedSubmission, String> {
    let id = match document.id {
        Some(SubmissionNumber::Text(text)) => text,
        Some(SubmissionNumber::Number(number)) => number.to_string(),
        None => return Err("a submission has no id".to_owned()),
    };
    if !is_submission_id(&id) {
        return Err("the id of a submission is not a number".to_owned());
    }
    let update = document.pending_update_info.as_ref();
    let said = Said {
        state: document.state.as_deref().unwrap_or_default(),
        substate: document.substate.as_deref().unwrap_or_default(),
        update: update.and_then(|update| update.status.as_deref()),
    };
    let word = words::word(said);
    Ok(JudgedSubmission {
        id: id.parse().map_err(|error| format!("the id of a submission {error}"))?,
        word: cut_word(word.as_str()).map_or(word, StatusWord::new),
        meaning: words::meaning(said),
        is_in_progress: words::is_in_progress(said.state),
        release: document.release_number.map(|number| number.to_string()),
        failure: update.and_then(|update| update.failure_reason.as_deref()).and_then(cut_text),
    })
}

/// The step that a submission is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CurrentStep {
    pub name: Option<String>,
    pub state: Option<StatusWord>,
    pub number: Option<u32>,
    pub count: Option<u32>,
    pub since: Option<Timestamp>,
}

/// Reads the workflows of a submission: the step of the first one that is not done.
pub(super) fn current_step(body: &[u8]) -> Result<CurrentStep, String> {
    let page: WorkflowsPage = json(body).map_err(|error| format!("not a list of workflows ({error})"))?;
    let is = |state: &Option<String>, words: &[&str]| {
        state.as_deref().is_some_and(|state| words.iter().any(|word| state.eq_ignore_ascii_case(word)))
    };
    let is_done = |state: &Option<String>| is(state, &["Success", "Succeeded", "Completed"]);
    let Some(workflow) = page.value.iter().find(|workflow| !is_done(&workflow.state)).or(page.value.last()) else {
        return Ok(CurrentStep::default());
    };
    let steps = &workflow.workflow_steps;
    let has_begun = |step: &WorkflowStep| !is_done(&step.state) && !is(&step.state, &["NotStarted"]);
    let at = steps.iter().position(has_begun).or_else(|| steps.iter().position(|step| !is_done(&step.state)));
    let step = at.and_then(|at| steps.get(at));
    let since = step.and_then(|step| step.start_date_time_in_utc.as_deref());
    let since = since.and_then(timestamp).or_else(|| workflow.start_date_time_in_utc.as_deref().and_then(timestamp));
    Ok(CurrentStep {
        name: step.and_then(|step| step.name.as_deref()).and_then(cut_text),
        state: step.and_then(|step| step.state.as_deref()).and_then(cut_word).map(StatusWord::new),
        number: at.and_then(|at| u32::try_from(at + 1).ok()),
        count: u32::try_from(steps.len()).ok().filter(|count| *count > 0),
        since,
    })
}
