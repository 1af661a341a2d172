//! From the documents of the API to the words of the trade.
//!
//! Owns every tolerance: two spellings, an operation as object or array, status words in any
//! form, HTML in messages. What can't be read is an error in words; nothing is guessed.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::wire::{Message, OperationDocument, StepDocument, Submission};
use crate::domain::{Operation, OperationId, Phase, StatusWord};
use crate::portal::Progress;
use crate::portal::client::plain_text;

/// The longest text of the portal that is kept, in characters.
const MAX_TEXT: usize = 1_000;

/// The longest word of the portal that is kept, in characters.
const MAX_WORD: usize = 100;

/// An operation that is listed as running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub id: OperationId,
    pub kind: Option<String>,
    pub state: Option<StatusWord>,
    pub changed_at: Option<Timestamp>,
}

/// Reads the answer of `GET …/submissions/?status=running`. The filter is the portal's, and
/// held against what it lets through: what says that it is over is left out.
pub(super) fn running_submissions(body: &[u8]) -> Result<Vec<Listed>, String> {
    let submissions: Vec<Submission> =
        serde_json::from_slice(body).map_err(|error| format!("not a list of submissions ({error})"))?;
    let mut listed: Vec<Listed> = Vec::new();
    for submission in submissions {
        let state = unfinished_of(submission.submission_state.as_deref(), submission.status.as_deref());
        if state.as_ref().is_some_and(StatusWord::is_final) {
            continue;
        }
        let id =
            submission.id.parse::<OperationId>().map_err(|error| format!("the id of a running operation {error}"))?;
        if listed.iter().any(|other| other.id.same(&id)) {
            continue;
        }
        let changed = [&submission.changed_time, &submission.last_action_date_time, &submission.created_date_time];
        listed.push(Listed {
            id,
            kind: submission.submission_type.as_deref().and_then(word).map(|word| word.as_str().to_owned()),
            state,
            changed_at: changed.into_iter().flatten().find_map(|text| timestamp(text)),
        });
    }
    Ok(listed)
}

/// Of two spellings of one state, the one that leaves the operation unfinished where they differ.
fn unfinished_of(first: Option<&str>, second: Option<&str>) -> Option<StatusWord> {
    let (first, second) = (first.and_then(word), second.and_then(word));
    match (first, second) {
        (Some(first), Some(second)) if first.is_final() => Some(second),
        (first, second) => first.or(second),
    }
}

/// What an operation's document adds to what the list said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub operation: Operation,
    pub message: Option<String>,
    pub is_over: bool,
}

/// Reads the answer of `GET …/operations/{id}`.
pub(super) fn operation(body: &[u8], listed: Listed, location: String) -> Result<Described, String> {
    let document = operation_document(body)?;
    let own = document.status.as_deref().and_then(word);
    let is_over = own.as_ref().is_some_and(StatusWord::is_final);
    // The more telling of the two words: one that is not known, or that says that it is
    // being cancelled, must not be hidden by a plain "running".
    let state = match (&own, &listed.state) {
        (Some(own), Some(listed)) if own.phase() == Phase::Pending => Some(listed.clone()),
        (Some(own), _) => Some(own.clone()),
        (None, listed) => listed.clone(),
    };
    let cancellation = match &document.cancellation_request_state {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) => word(text),
        // Something is said about cancelling, and not in a word: kept, so that it blocks.
        Some(other) => Some(StatusWord::new(cut(&other.to_string(), MAX_WORD))),
    };
    let step = current_step(&document.steps);
    let message = messages(step.map(|(_, step)| step), &document.messages);
    let count = u32::try_from(document.steps.len()).ok().filter(|count| *count > 0);
    Ok(Described {
        operation: Operation {
            id: listed.id,
            location,
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
        },
        message,
        is_over,
    })
}

/// Reads what the document of any long-running operation says of its state.
pub(super) fn progress(body: &[u8], retry_after: Option<Duration>) -> Result<Progress, String> {
    let document = operation_document(body)?;
    let step = current_step(&document.steps).map(|(_, step)| step);
    Ok(Progress {
        status: document.status.as_deref().and_then(word),
        step: step.and_then(|step| text(step.step_name.as_deref().or(step.id.as_deref()))),
        percent: step.and_then(|step| step.progress_percentage).map(percent),
        retry_after,
    })
}

fn operation_document(body: &[u8]) -> Result<OperationDocument, String> {
    let unreadable = |error: serde_json::Error| format!("not an operation ({error})");
    let value: serde_json::Value = serde_json::from_slice(body).map_err(unreadable)?;
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
    let done = |step: &StepDocument| {
        word(step).is_some_and(|word| word.phase() == Phase::Finished && !word.as_str().eq_ignore_ascii_case("failed"))
    };
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
    let text = text.trim();
    (!text.is_empty()).then(|| StatusWord::new(cut(text, MAX_WORD)))
}

fn text(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    (!text.is_empty()).then(|| cut(text, MAX_TEXT))
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A time of the portal: RFC 3339, or without an offset, which then is UTC.
fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let time: DateTime = text.parse().ok()?;
        time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_both_spellings() {
        let body = br#"[
            {"id": "a", "submissionType": "publish", "submissionState": "running", "changedTime": "2018-03-26T21:46:01.179948Z", "version": 636576975611768314},
            {"id": "b", "status": "Running", "createdDateTime": "2018-03-26T21:46:01"},
            {"id": "c", "submissionState": "completed"},
            {"id": "d", "submissionState": "Canceled", "status": "running"},
            {"id": "A"},
            {"id": "e"}
        ]"#;
        let listed = running_submissions(body).expect("a list");
        let seen: Vec<_> = listed.iter().map(|l| (l.id.as_str(), l.state.as_ref().map(StatusWord::as_str))).collect();
        assert_eq!(seen, [("a", Some("running")), ("b", Some("Running")), ("d", Some("running")), ("e", None)]);
        assert_eq!(listed[0].changed_at.map(|t| t.to_string()).as_deref(), Some("2018-03-26T21:46:01.179948Z"));
        assert_eq!(listed[1].changed_at.map(|t| t.to_string()).as_deref(), Some("2018-03-26T21:46:01Z"));
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for bad in
            ["", "{}", "null", "[1]", "[{}]", "<html>", "[{\"id\": \"..\"}]", "[{\"id\": \"a\"}", "[{\"id\": null}]"]
        {
            assert!(running_submissions(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(running_submissions(b" [] "), Ok(vec![]));
    }

    fn listed(state: Option<&str>) -> Listed {
        Listed { id: "a".parse().expect("an id"), kind: None, state: state.map(StatusWord::new), changed_at: None }
    }

    #[test]
    fn an_operation_as_object_and_array() {
        for body in [r#"{"status": "running"}"#, r#"[{"status": "running"}]"#] {
            let described = operation(body.as_bytes(), listed(None), String::new()).expect("an operation");
            assert_eq!(described.operation.state, Some(StatusWord::new("running")));
            assert!(!described.is_over);
        }
        for bad in ["[]", "[{},{}]", "3", "null", "", "[[{}]]"] {
            assert!(operation(bad.as_bytes(), listed(None), String::new()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_more_telling_state_word_wins() {
        let state = |own: &str, list: &str| {
            let body = format!(r#"{{"status": "{own}"}}"#);
            let described = operation(body.as_bytes(), listed(Some(list)), String::new()).expect("an operation");
            described.operation.state.map(|word| word.to_string()).unwrap_or_default()
        };
        assert_eq!(state("running", "running"), "running");
        assert_eq!(state("thawing", "running"), "thawing");
        assert_eq!(state("running", "thawing"), "thawing");
        assert_eq!(state("canceling", "running"), "canceling");
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
