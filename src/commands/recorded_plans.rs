//! The plans that this job has made: their SHA-256, in the runner's directory for the job.
//!
//! Owns the file. The runner empties the directory before and after each job, so what stands in
//! it was written by a step of this one; a plan that came as an artifact does not.

use std::path::Path;

use crate::domain::sha256_hex;
use crate::plan::Plan;
use crate::report::json;

use super::step_summary::append;

const NAME: &str = "cancel-pending-plans";

/// The most bytes that are read: more than a job could plan.
const MAX_BYTES: u64 = 1024 * 1024;

/// Leaves word that this job has made a plan. Without a directory of a runner there is no job.
pub(super) fn record(runner_temp: Option<&Path>, plan: &Plan) -> anyhow::Result<()> {
    runner_temp.map_or(Ok(()), |directory| append(&directory.join(NAME), &format!("{}\n", digest(plan))))
}

/// Whether this job has made a plan.
pub(super) fn is_recorded(runner_temp: Option<&Path>, plan: &Plan) -> bool {
    let Some(directory) = runner_temp else { return false };
    let path = directory.join(NAME);
    let is_small = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MAX_BYTES);
    let wanted = digest(plan);
    is_small && std::fs::read_to_string(&path).is_ok_and(|text| text.lines().any(|line| line == wanted))
}

/// The digest of the document as it is written.
fn digest(plan: &Plan) -> String {
    sha256_hex(json(plan).as_bytes())
}
