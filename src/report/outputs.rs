//! The outputs of a GitHub Actions step: what later steps and jobs decide by.
//!
//! Owns their names and the form of the file. Names are part of the interface.

use serde::Serialize;

use super::json_inert;
use super::links::Links;
use crate::outcome::{Outcome, OutcomeDocument};
use crate::plan::{Decision, Plan};

/// The most bytes of a document in an output. GitHub drops a job's outputs past 1 MiB.
const MAX_DOCUMENT: usize = 512 * 1024;

/// Where an operation and its cancellation are. Later steps may link to them, so nothing but links is in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationLocation<'a> {
    publisher: &'a str,
    offer: &'a str,
    operation_id: &'a str,
    page: Option<String>,
    operation: Option<String>,
    cancellation: Option<String>,
}

/// Names and values, in a fixed order. A plan too large for an output is an empty one. Of a plan that could not be
/// made nothing is counted: 0 would say that there is nothing to cancel.
#[must_use]
pub fn outputs(plan: &Plan, outcome: Option<&OutcomeDocument>, links: Links<'_>) -> Vec<(String, String)> {
    let known = |value: String| if plan.failed.is_some() { String::new() } else { value };
    let mut all = vec![("decision-digest".to_owned(), known(plan.decision_digest.clone()))];
    for decision in Decision::ALL {
        all.push((format!("{}-count", decision.as_str()), known(plan.summary.count(decision).to_string())));
    }
    all.push(("refused".to_owned(), plan.refused.is_some().to_string()));
    for outcome_name in outcome.map(|_| Outcome::ALL).into_iter().flatten() {
        let count = outcome.map_or(0, |document| document.summary.count(outcome_name));
        all.push((format!("{}-count", outcome_name.as_str()), count.to_string()));
    }
    let ended = outcome.map(OutcomeDocument::by_offer).unwrap_or_default();
    let locations: Vec<OperationLocation<'_>> = plan
        .entries
        .iter()
        .filter(|entry| matches!(entry.decision, Decision::Cancel | Decision::Wait))
        .filter_map(|entry| {
            let operation = entry.operation.as_ref()?;
            let ended = ended.get(&entry.key());
            Some(OperationLocation {
                publisher: entry.publisher.as_str(),
                offer: entry.offer.as_str(),
                operation_id: operation.id.as_str(),
                page: Links::page(Some(operation), entry.product_id.as_ref()),
                operation: links.told(entry.portal, &operation.location),
                cancellation: ended
                    .and_then(|ended| ended.location.as_deref())
                    .and_then(|location| links.told(entry.portal, location)),
            })
        })
        .collect();
    all.push(("operation-locations".to_owned(), document(&locations)));
    all.push(("plan-json".to_owned(), document(plan)));
    all
}

/// A document in one line; empty where it is too large.
fn document<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    if text.len() > MAX_DOCUMENT { String::new() } else { json_inert(&text).into_owned() }
}

/// Outputs in the form of `$GITHUB_OUTPUT`. The delimiter is random, so that nobody can write
/// a value that ends early; one that a value happens to hold is refused.
///
/// ```
/// use cancel_pending::report::output_file;
/// let outputs = [("refused".to_owned(), "false".to_owned())];
/// assert_eq!(output_file(&outputs, "E0F").unwrap(), "refused<<E0F\nfalse\nE0F\n");
/// assert!(output_file(&[("a".to_owned(), "b E0F".to_owned())], "E0F").is_none());
/// ```
#[must_use]
pub fn output_file(outputs: &[(String, String)], delimiter: &str) -> Option<String> {
    let mut text = String::new();
    for (name, value) in outputs {
        if value.contains(delimiter) || name.contains(delimiter) {
            return None;
        }
        text.push_str(&format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
    }
    Some(text)
}
