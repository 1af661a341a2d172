//! From the documents of the submission API to the words of the trade.
//!
//! Owns every tolerance: ids as text or number, products that are no offers, times that mean "never". What can't be read is an
//! error in words; nothing is guessed.

use jiff::Timestamp;
use serde_json::Value;

use super::wire::{ProductDocument, SubmissionDocument, SubmissionNumber, WorkflowStep, WorkflowsPage};
use super::words::{self, Meaning, Said};
use crate::domain::{OfferId, OperationId, ProductId, StatusWord};
use crate::portal::client::{cut_text, cut_word, folded, json, timestamp};
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

/// Reads a product that was asked for by its id.
pub(super) fn one_product(body: &[u8]) -> Result<ListedProduct, String> {
    let read = product(json(body).map_err(|error| format!("not a product ({error})"))?)?;
    read.ok_or_else(|| "the id of a product is not a GUID".to_owned())
}

/// Reads a product of a list. None: it is not one of Azure's. Those of the Store are in the same lists, have other ids,
/// and are no offers.
pub(super) fn product(document: Value) -> Result<Option<ListedProduct>, String> {
    let document: ProductDocument = folded(document).map_err(|error| format!("not a product ({error})"))?;
    let ProductDocument { id, resource_type, name, external_ids } = document;
    let names_offer =
        |kind: &Option<String>| kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("AzureOfferId"));
    let offers: Vec<OfferId> = external_ids
        .iter()
        .flatten()
        .filter(|external| names_offer(&external.kind))
        .filter_map(|external| external.value.as_deref()?.parse().ok())
        .collect();
    let id = id.unwrap_or_default();
    let id: ProductId = match id.parse() {
        Ok(id) => id,
        Err(_) if offers.is_empty() && !id.is_empty() => return Ok(None),
        Err(error) => return Err(format!("the id of a product {error}")),
    };
    Ok(Some(ListedProduct {
        id,
        offers,
        kind: resource_type.as_deref().and_then(cut_word),
        name: name.as_deref().and_then(cut_text),
    }))
}

/// Reads a submission.
pub(super) fn one_submission(body: &[u8]) -> Result<JudgedSubmission, String> {
    submission(json(body).map_err(|error| format!("not a submission ({error})"))?)
}

/// Reads a submission of a list.
pub(super) fn submission(document: Value) -> Result<JudgedSubmission, String> {
    let document: SubmissionDocument = folded(document).map_err(|error| format!("not a submission ({error})"))?;
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
        release: document.release_number.as_deref().and_then(cut_word),
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
    let unfit = |error: String| format!("not a list of workflows ({error})");
    let page: WorkflowsPage = folded(json(body).map_err(|error| unfit(error.to_string()))?).map_err(unfit)?;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GUID: &str = "0d5c0a4e-1111-4222-8333-944455566677";

    #[test]
    fn a_product_is_read_in_both_spellings_of_its_ids() {
        let own = json!([{"type": "AzureOfferId", "value": "app"}]);
        for ids in [
            json!({"externalIDs": own}),
            json!({"externalIds": own}),
            json!({"externalIDs": own, "externalIds": null}),
            json!({"externalIDs": [], "externalIds": own}),
            json!({"ExternalIds": [{"type": "Store", "value": "9NBLGGH4R315"}], "externalIDs": own}),
        ] {
            let mut document = json!({"id": GUID});
            document.as_object_mut().expect("an object").extend(ids.as_object().expect("an object").clone());
            let read = product(document.clone()).expect("a product").expect("of Azure");
            assert_eq!(read.offers, ["app".parse::<OfferId>().expect("an id")], "{document}");
        }
    }

    #[test]
    fn a_product_of_the_store_is_left_out_and_one_without_a_guid_is_not_guessed() {
        assert_eq!(product(json!({"id": "9NBLGGH4R315", "resourceType": "Application"})), Ok(None));
        assert!(product(json!({"id": "5", "externalIDs": [{"type": "AzureOfferId", "value": "app"}]})).is_err());
        assert!(product(json!({"resourceType": "AzureApplication"})).is_err());
        assert!(one_product(br#"{"id": "9NBLGGH4R315"}"#).is_err());
    }

    #[test]
    fn what_is_only_shown_does_not_keep_a_submission_from_being_read() {
        for more in [
            json!({"releaseNumber": "4"}),
            json!({"releaseNumber": {}}),
            json!({"pendingUpdateInfo": {"failureReason": []}}),
        ] {
            let mut document =
                json!({"id": 1_152_921_505_700_000_004_u64, "STATE": "InProgress", "substate": "Submitted"});
            document.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let read = submission(document.clone()).unwrap_or_else(|error| panic!("{document}: {error}"));
            assert_eq!(read.id.as_str(), "1152921505700000004");
        }
        assert!(submission(json!({"id": "4", "state": 5, "substate": "Submitted"})).is_err());
    }
}
