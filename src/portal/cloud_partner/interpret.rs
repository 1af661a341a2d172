//! From the documents of the API to the words of the trade.
//!
//! Owns every tolerance: two spellings, an operation as object or array, status words in any
//! form, HTML in messages. What can't be read is an error in words; nothing is guessed.

use jiff::Timestamp;

use super::wire::{ListedOfferDocument, Message, OperationDocument, StepDocument, Submission};
use super::words::{self, RequestState};
use crate::domain::{
    Cancellability, ListedOffer, OfferId, OfferKey, Operation, OperationId, Phase, ProductId, PublisherId,
    RunningOperation, StatusWord, product_page,
};
use crate::portal::CancellationProgress;
use crate::portal::client::{MAX_WORD, cut, cut_text, cut_word, json, plain_text, timestamp};
use crate::portal::each_once::each_once;

/// An operation as the list of an offer's operations shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedOperation {
    pub id: OperationId,
    pub kind: Option<String>,
    pub state: Option<StatusWord>,
    /// What the state comes to. Where the list gives none, it is running as far as anybody knows.
    pub phase: Phase,
    pub changed_at: Option<Timestamp>,
    /// The page for people of the offer that it is on.
    pub link: Option<String>,
}

/// Reads the answer of `GET …/submissions/`: all operations of an offer, each once.
pub(super) fn submissions(body: &[u8], asked: &OfferKey) -> Result<Vec<ListedOperation>, String> {
    let submissions: Vec<Submission> = json(body).map_err(|error| format!("not a list of submissions ({error})"))?;
    let mut listed: Vec<ListedOperation> = Vec::new();
    for submission in submissions {
        is_about(&submission, asked)?;
        let state = unfinished_of(submission.submission_state.as_deref(), submission.status.as_deref());
        let phase = state.as_ref().map_or(Phase::Running, words::phase);
        let id = match submission.id.parse::<OperationId>() {
            Ok(id) => id,
            // What is over is not going to be named.
            Err(_) if phase.is_over() => continue,
            Err(error) => return Err(format!("the id of a running operation {error}")),
        };
        let changed = [&submission.changed_time, &submission.last_action_date_time, &submission.created_date_time];
        listed.push(ListedOperation {
            id,
            kind: submission.submission_type.as_deref().and_then(word).map(|word| word.as_str().to_owned()),
            state,
            phase,
            changed_at: changed.into_iter().flatten().find_map(|text| timestamp(text)),
            link: submission.offer_id.and_then(|guid| guid.parse::<ProductId>().ok()).map(|id| product_page(&id)),
        });
    }
    // Where one is listed twice, what is unfinished counts.
    Ok(each_once(listed, |one| one.id.clone(), |_, first| first.phase.is_over()))
}

/// Reads the answer of `GET …/offers`: all offers of a publisher. What is left out of this list is
/// taken for not there, so an item that can't be named makes the whole list unreadable.
pub(super) fn offers(body: &[u8], asked: &PublisherId) -> Result<Vec<ListedOffer>, String> {
    let documents: Vec<ListedOfferDocument> = json(body).map_err(|error| format!("not a list of offers ({error})"))?;
    let listed = |document: ListedOfferDocument| {
        is_of_publisher(document.publisher_id.as_deref(), asked)?;
        let id = document.id.filter(|id| !id.trim().is_empty()).ok_or("an offer in the list has no id")?;
        let id: OfferId = id.parse().map_err(|error| format!("the id of an offer in the list {error}"))?;
        let status = document.status.as_deref().and_then(word);
        Ok(ListedOffer {
            is_nameless: crate::domain::is_guid(id.as_str()),
            id,
            kind: document.offer_type_id.as_deref().and_then(cut_word),
            name: document.definition.and_then(|definition| definition.display_text.as_deref().and_then(cut_text)),
            is_idle: status.as_ref().is_some_and(words::is_idle),
            status,
        })
    };
    let offers = documents.into_iter().map(listed).collect::<Result<Vec<_>, String>>()?;
    // Where one is listed twice, the one that may be busy counts.
    Ok(each_once(offers, |one| one.id.clone(), |new, first| first.is_idle && !new.is_idle))
}

/// The GUID of an offer by its own document; none where that has another id, or none.
pub(super) fn own_guid(body: &[u8]) -> Result<Option<OfferId>, String> {
    let document: ListedOfferDocument = json(body).map_err(|error| format!("not an offer ({error})"))?;
    Ok(document.id.filter(|id| crate::domain::is_guid(id)).and_then(|id| id.parse().ok()))
}

/// The GUID of an offer by its operations.
pub(super) fn guid_in_submissions(body: &[u8]) -> Result<Option<OfferId>, String> {
    let all: Vec<Submission> = json(body).map_err(|error| format!("not a list of operations ({error})"))?;
    let guid = |one: Submission| one.offer_id.filter(|id| crate::domain::is_guid(id));
    Ok(all.into_iter().find_map(guid).and_then(|id| id.parse().ok()))
}

/// An answer about another publisher or offer than was asked says nothing about this one.
fn is_about(submission: &Submission, asked: &OfferKey) -> Result<(), String> {
    is_of_publisher(submission.publisher_id.as_deref(), &asked.publisher)?;
    // By the API's page this is the offer's GUID. Where it is a readable id, it has to be the right one.
    if let Some(offer) = &submission.offer_id
        && !offer.is_empty()
        && !crate::domain::is_guid(offer)
        && asked.offer != **offer
    {
        return about_another("offer", offer, asked.offer.as_str());
    }
    Ok(())
}

fn is_of_publisher(told: Option<&str>, asked: &PublisherId) -> Result<(), String> {
    match told.filter(|told| !told.is_empty()) {
        Some(told) if *asked != *told => about_another("publisher", told, asked.as_str()),
        _ => Ok(()),
    }
}

fn about_another(what: &str, told: &str, asked: &str) -> Result<(), String> {
    let told: String = told.chars().take(MAX_WORD).collect();
    Err(format!("it is about the {what} `{told}`, and `{asked}` was asked for"))
}

/// Of two spellings of one state, the one that leaves the operation unfinished where they differ.
fn unfinished_of(first: Option<&str>, second: Option<&str>) -> Option<StatusWord> {
    let (first, second) = (first.and_then(word), second.and_then(word));
    match (first, second) {
        (Some(first), Some(second)) if words::phase(&first).is_over() => Some(second),
        (first, second) => first.or(second),
    }
}

/// What an operation's own document says of its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnState {
    pub phase: Option<Phase>,
    pub word: Option<StatusWord>,
}

/// Reads the state of an operation that is not listed as running.
pub(super) fn own_state(body: &[u8]) -> Result<OwnState, String> {
    let word = operation_document(body)?.status.as_deref().and_then(word);
    Ok(OwnState { phase: word.as_ref().map(words::phase), word })
}

/// What became of an operation that was listed as running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Described {
    Running(Box<RunningOperation>),
    /// It ended between the two reads.
    Over(Phase, StatusWord),
}

/// Reads the answer of `GET …/operations/{id}` for an operation that is listed as running.
pub(super) fn operation(
    body: &[u8],
    listed: ListedOperation,
    location: String,
    guard: Option<String>,
) -> Result<Described, String> {
    let document = operation_document(body)?;
    let own = document.status.as_deref().and_then(word);
    let own_phase = own.as_ref().map(words::phase);
    if let (Some(phase), Some(word)) = (own_phase.filter(|phase| phase.is_over()), own.clone()) {
        return Ok(Described::Over(phase, word));
    }
    let (phase, state) = more_telling((listed.phase, listed.state), (own_phase, own));
    let cancellation = match &document.cancellation_request_state {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) => word(text),
        // Something is said about cancelling, and not in a word: kept, so that it blocks.
        Some(other) => Some(StatusWord::new(cut(&other.to_string(), MAX_WORD))),
    };
    let (phase, cancellability) = match cancellation.as_ref().map(words::request_state) {
        None => (phase, Cancellability::Unsaid),
        Some(RequestState::Requested) => (Phase::Cancelling, Cancellability::Unsaid),
        Some(RequestState::Can(cancellability)) => (phase, cancellability),
    };
    let step = current_step(&document.steps);
    let message = messages(step.map(|(_, step)| step), &document.messages);
    let count = u32::try_from(document.steps.len()).ok().filter(|count| *count > 0);
    let operation = Operation {
        id: listed.id,
        job_id: None,
        location,
        link: listed.link,
        kind: listed.kind,
        state,
        changed_at: listed.changed_at,
        step: step.and_then(|(_, step)| text(step.step_name.as_deref().or(step.id.as_deref()))),
        step_status: step.and_then(|(_, step)| step.status.as_deref()).and_then(word),
        step_number: step.and_then(|(index, _)| u32::try_from(index + 1).ok()),
        step_count: count,
        step_estimate: step.and_then(|(_, step)| text(step.estimated_time_frame.as_deref())),
        progress: step.and_then(|(_, step)| step.progress_percentage).map(percent),
        cancellation,
    };
    Ok(Described::Running(Box::new(RunningOperation {
        operation,
        phase,
        cancellability,
        message,
        caveat: None,
        guard,
    })))
}

/// Of what the list and the operation itself say, the more telling: that it is being cancelled,
/// or a word that is not known, must not be hidden by a plain "running".
fn more_telling(
    (listed, listed_word): (Phase, Option<StatusWord>),
    (own, own_word): (Option<Phase>, Option<StatusWord>),
) -> (Phase, Option<StatusWord>) {
    let Some(own) = own else { return (listed, listed_word) };
    let rank = |phase: Phase| match phase {
        Phase::Cancelling => 3,
        Phase::Unknown => 2,
        Phase::Running => 1,
        _ => 0,
    };
    if listed_word.is_some() && rank(listed) >= rank(own) { (listed, listed_word) } else { (own, own_word) }
}

/// Reads what the document of a cancellation says of it.
pub(super) fn progress(body: &[u8]) -> Result<CancellationProgress, String> {
    let document = operation_document(body)?;
    let step = current_step(&document.steps).map(|(_, step)| step);
    let status = document.status.as_deref().and_then(word);
    Ok(CancellationProgress {
        phase: status.as_ref().map_or(Phase::Unknown, words::phase),
        status,
        step: step.and_then(|step| text(step.step_name.as_deref().or(step.id.as_deref()))),
        percent: step.and_then(|step| step.progress_percentage).map(percent),
    })
}

fn operation_document(body: &[u8]) -> Result<OperationDocument, String> {
    let unreadable = |error: serde_json::Error| format!("not an operation ({error})");
    let value: serde_json::Value = json(body).map_err(unreadable)?;
    let value = match value {
        serde_json::Value::Array(mut items) if items.len() == 1 => items.swap_remove(0),
        serde_json::Value::Array(items) => {
            return Err(format!("not an operation (a list of {} where one was asked for)", items.len()));
        }
        other => other,
    };
    if !value.is_object() {
        return Err("not an operation (neither an object nor a list of one)".to_owned());
    }
    serde_json::from_value(value).map_err(unreadable)
}

/// The step that an operation is in: the first that has begun and is not done, else the first
/// that has not begun, else the last.
fn current_step(steps: &[StepDocument]) -> Option<(usize, &StepDocument)> {
    let word = |step: &StepDocument| step.status.as_deref().map(StatusWord::new);
    let waiting = |step: &StepDocument| {
        word(step).is_none_or(|word| word.as_str().to_lowercase().replace([' ', '_', '-'], "") == "notstarted")
    };
    let done = |step: &StepDocument| word(step).is_some_and(|word| words::phase(&word) == Phase::Completed);
    let numbered = || steps.iter().enumerate();
    numbered()
        .find(|(_, step)| !done(step) && !waiting(step))
        .or_else(|| numbered().find(|(_, step)| waiting(step)))
        .or_else(|| numbered().next_back())
}

/// What the portal says, errors first, each thing once.
fn messages(step: Option<&StepDocument>, of_operation: &[Message]) -> Option<String> {
    let of_step = step.map(|step| step.messages.as_slice()).unwrap_or_default();
    let mut all: Vec<&Message> = of_step.iter().chain(of_operation).collect();
    let is_error =
        |message: &Message| message.level.as_deref().is_some_and(|level| level.eq_ignore_ascii_case("error"));
    all.sort_by_key(|message| !is_error(message));
    let mut texts: Vec<String> = Vec::new();
    for message in all {
        let text = plain_text(message.message_html.as_deref().unwrap_or_default());
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    text(Some(&texts.join(" / ")))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 before")]
fn percent(number: f64) -> u8 {
    number.clamp(0.0, 100.0) as u8
}

fn word(text: &str) -> Option<StatusWord> {
    cut_word(text).map(StatusWord::new)
}

fn text(text: Option<&str>) -> Option<String> {
    text.and_then(cut_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> OfferKey {
        OfferKey {
            portal: crate::domain::PortalKind::CloudPartner,
            publisher: "contoso".parse().expect("an id"),
            offer: "vm".parse().expect("an id"),
        }
    }

    fn list(body: &str) -> Result<Vec<ListedOperation>, String> {
        submissions(body.as_bytes(), &asked())
    }

    #[test]
    fn a_list_in_both_spellings() {
        let listed = list(
            r#"[
            {"id": "a", "submissionType": "publish", "submissionState": "running", "changedTime": "2018-03-26T21:46:01.179948Z", "version": 636576975611768314},
            {"id": "b", "status": "Running", "createdDateTime": "2018-03-26T21:46:01"},
            {"id": "c", "submissionState": "completed"},
            {"id": "d", "submissionState": "Canceled", "status": "running"},
            {"id": "A", "submissionState": "completed"},
            {"id": "e"},
            {"id": "f", "submissionState": "Not Started", "changedTime": "0001-01-01T00:00:00Z"},
            {"id": "../..", "submissionState": "failed"}
        ]"#,
        )
        .expect("a list");
        let seen: Vec<_> = listed.iter().map(|one| (one.id.as_str(), one.phase)).collect();
        assert_eq!(
            seen,
            [
                ("a", Phase::Running),
                ("b", Phase::Running),
                ("c", Phase::Completed),
                ("d", Phase::Running),
                ("e", Phase::Running),
                ("f", Phase::Queued),
            ]
        );
        assert_eq!(listed[0].changed_at.map(|t| t.to_string()).as_deref(), Some("2018-03-26T21:46:01.179948Z"));
        assert_eq!(listed[1].changed_at.map(|t| t.to_string()).as_deref(), Some("2018-03-26T21:46:01Z"));
        assert_eq!(listed[5].changed_at, None, "the year 1 means never");
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for bad in
            ["", "{}", "null", "[1]", "[{}]", "<html>", "[{\"id\": \"..\"}]", "[{\"id\": \"a\"}", "[{\"id\": null}]"]
        {
            assert!(list(bad).is_err(), "{bad}");
        }
        assert_eq!(list(" [] "), Ok(vec![]));
        assert_eq!(list("\u{feff}[]"), Ok(vec![]), "some front ends put a byte order mark before it");
    }

    #[test]
    fn an_answer_about_another_offer_is_no_answer() {
        for bad in [
            r#"[{"id": "a", "publisherId": "fabrikam"}]"#,
            r#"[{"id": "a", "publisherId": "contoso", "offerId": "other"}]"#,
        ] {
            assert!(list(bad).is_err(), "{bad}");
        }
        let guid = r#"[{"id": "a", "publisherId": "Contoso", "offerId": "56615b67-2185-49fe-80d2-c4ddf77bb2e8"}]"#;
        assert!(list(guid).expect("a list")[0].link.as_deref().is_some_and(|link| link.contains("56615b67")));
        assert!(list(r#"[{"id": "a", "offerId": "VM"}]"#).is_ok());
    }

    fn listed(state: Option<&str>) -> ListedOperation {
        let state = state.map(StatusWord::new);
        ListedOperation {
            id: "a".parse().expect("an id"),
            kind: None,
            phase: state.as_ref().map_or(Phase::Running, words::phase),
            state,
            changed_at: None,
            link: None,
        }
    }

    fn described(body: &str, list: Option<&str>) -> Result<Described, String> {
        operation(body.as_bytes(), listed(list), String::new(), None)
    }

    #[test]
    fn an_operation_as_object_and_array() {
        for body in [r#"{"status": "running"}"#, r#"[{"status": "running"}]"#, "\u{feff}{\"status\": \"running\"}"] {
            let Ok(Described::Running(running)) = described(body, None) else { panic!("{body}") };
            assert_eq!(running.operation.state, Some(StatusWord::new("running")));
        }
        for bad in ["[]", "[{},{}]", "3", "null", "", "[[{}]]"] {
            assert!(described(bad, None).is_err(), "{bad}");
        }
        assert_eq!(
            described(r#"{"status": "Canceled"}"#, Some("running")),
            Ok(Described::Over(Phase::Cancelled, StatusWord::new("Canceled")))
        );
    }

    #[test]
    fn the_more_telling_state_word_wins() {
        let state = |own: &str, list: &str| {
            let body = format!(r#"{{"status": "{own}"}}"#);
            let Ok(Described::Running(running)) = described(&body, Some(list)) else { panic!("{body}") };
            running.operation.state.map(|word| word.to_string()).unwrap_or_default()
        };
        assert_eq!(state("running", "running"), "running");
        assert_eq!(state("thawing", "running"), "thawing");
        assert_eq!(state("running", "thawing"), "thawing");
        assert_eq!(state("canceling", "running"), "canceling");
        assert_eq!(state("running", "not started"), "running");
        assert_eq!(state("", "running"), "running");
    }

    #[test]
    fn the_current_step() {
        let current = |words: &[&str]| {
            let steps: Vec<StepDocument> = words
                .iter()
                .map(|word| StepDocument { status: Some((*word).to_owned()), ..StepDocument::default() })
                .collect();
            current_step(&steps).map(|(index, _)| index)
        };
        assert_eq!(current(&["complete", "blocked", "notStarted"]), Some(1));
        assert_eq!(current(&["complete", "not started", "NotStarted"]), Some(1));
        assert_eq!(current(&["complete", "failed", "notStarted"]), Some(1));
        assert_eq!(current(&["complete", "thawing", "notStarted"]), Some(1));
        assert_eq!(current(&["complete", "Complete"]), Some(1));
        assert_eq!(current(&[]), None);
    }
}
