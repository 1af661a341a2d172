//! Plan and outcome documents, read back.
//!
//! Owns the suspicion: a document may have been edited, or come as an artifact from a job
//! that ran a stranger's code. It is bounded, read strictly, and held against itself.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use serde::de::DeserializeOwned;

use super::console::shown;
use crate::outcome::{OutcomeDocument, OutcomeSummary};
use crate::plan::{Plan, Summary};

/// The most bytes of a document.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a plan document.
pub(super) fn read_plan(path: &Path) -> anyhow::Result<Plan> {
    let name = shown(path);
    let plan: Plan = read(path, "plan")?;
    if !plan.digest_holds() {
        bail!("the plan {name} was modified or is corrupt (digest mismatch); make a new plan");
    }
    if plan.summary != Summary::of(&plan.entries) {
        bail!("the plan {name} was modified or is corrupt (its summary does not fit its entries); make a new plan");
    }
    if plan.failed.as_ref().is_some_and(|failures| failures.is_empty() || !plan.entries.is_empty()) {
        bail!("the plan {name} does not match itself: it has failed, and does not say why, or plans all the same");
    }
    if let Some(twice) = plan.offer_twice() {
        bail!("the plan {name} holds the offer {}/{} twice; make a new plan", twice.publisher, twice.offer);
    }
    if let Some(entry) = plan.entry_without_target() {
        bail!("the plan {name} names no operation for {}/{}; make a new plan", entry.publisher, entry.offer);
    }
    Ok(plan)
}

/// Reads the outcome document of a plan.
pub(super) fn read_outcome(path: &Path, plan: &Plan) -> anyhow::Result<OutcomeDocument> {
    let name = shown(path);
    let outcome: OutcomeDocument = read(path, "outcome")?;
    if outcome.summary != OutcomeSummary::of(&outcome.entries) {
        bail!("the outcome {name} was modified or is corrupt (its summary does not fit its entries)");
    }
    if outcome.decision_digest != plan.decision_digest || outcome.portals != plan.portals {
        bail!("the outcome {name} belongs to another plan");
    }
    Ok(outcome)
}

fn read<T: DeserializeOwned>(path: &Path, what: &str) -> anyhow::Result<T> {
    let name = shown(path);
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .with_context(|| format!("the {what} {name} can't be read"))?;
    if text.len() as u64 > MAX_BYTES {
        bail!("the {what} {name} is larger than 64 MiB");
    }
    let article = if what == "outcome" { "an" } else { "a" };
    serde_json::from_str(&text).map_err(|error| {
        // The place belongs to the file, not to the end of what may say what to do.
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let why = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        anyhow!("{name} is not {article} {what} that can be read (line {line}, column {column}): {why}")
    })
}
