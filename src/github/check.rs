//! A check run on a commit.
//!
//! Owns the call, and that a check run whose answer was lost is looked for before it is sent
//! again: a second one would stand beside it.

use serde_json::{Value, json};

use super::answer::GitHubError;
use super::client::{GitHub, encoded, pauses};
use super::comment::is_same_text;
use super::wire::{CheckRun, CheckRunPage};
use crate::report::{Check, terminal};

impl GitHub {
    /// Creates a check run, and returns its address.
    ///
    /// # Errors
    /// When GitHub does not let it be created.
    pub async fn check(&self, name: &str, head: &str, check: &Check) -> Result<String, GitHubError> {
        let mut body = request(name, head, check);
        let mut pauses = pauses();
        loop {
            let error = match self.post::<_, CheckRun>(&self.path("/check-runs"), &body).await {
                Ok(created) => return Ok(created.html_url.unwrap_or_default()),
                // A note on a line that GitHub does not take must not cost the verdict and the decision.
                Err(GitHubError::Refused { status: 422, .. }) if body["output"].get("annotations").is_some() => {
                    body["output"].as_object_mut().map(|output| output.remove("annotations"));
                    continue;
                }
                Err(error) if !error.is_lost() => return Err(error),
                Err(error) => error,
            };
            let Some(pause) = pauses.next() else { return Err(error) };
            tokio::time::sleep(pause).await;
            // The newest alone: an earlier one that says the same would not be the last word.
            let newest = self.check_runs(name, head).await?.into_iter().max_by_key(|run| run.id);
            if let Some(run) = newest.filter(|run| is_this(run, check)) {
                return Ok(run.html_url.unwrap_or_default());
            }
        }
    }

    /// All check runs of a name on a commit that programs made.
    pub(super) async fn check_runs(&self, name: &str, head: &str) -> Result<Vec<CheckRun>, GitHubError> {
        let name_in_query = encoded(name);
        let mut runs: Vec<CheckRun> = Vec::new();
        for page in 1..=100 {
            let path =
                format!("/commits/{head}/check-runs?check_name={name_in_query}&filter=all&per_page=100&page={page}");
            let answer: CheckRunPage = self.get(&self.path(&path)).await?;
            let is_last = answer.check_runs.is_empty() || runs.len() + answer.check_runs.len() >= answer.total_count;
            runs.extend(answer.check_runs);
            if is_last {
                break;
            }
        }
        runs.retain(|run| run.name == name && run.head_sha == head && !run.is_of_a_job());
        Ok(runs)
    }
}

/// Whether a check run is the one that was sent.
fn is_this(run: &CheckRun, check: &Check) -> bool {
    let same = |there: &Option<String>, sent: Option<&str>| {
        is_same_text(there.as_deref().unwrap_or_default(), sent.unwrap_or_default())
    };
    run.conclusion.as_deref() == Some(check.conclusion.as_str())
        && same(&run.external_id, check.digest.as_deref())
        && same(&run.output.title, Some(&check.title))
        && same(&run.output.summary, Some(&check.summary))
        && same(&run.output.text, check.text.as_deref())
}

fn request(name: &str, head: &str, check: &Check) -> Value {
    let annotations: Vec<Value> = check
        .annotations
        .iter()
        // Here every annotation needs a place.
        .filter_map(|one| one.place.as_ref().map(|place| (one, place)))
        .map(|(one, (path, line))| {
            json!({
                "path": terminal(path),
                "start_line": line,
                "end_line": line,
                "annotation_level": one.level.api_word(),
                "title": terminal(&one.title).chars().take(255).collect::<String>(),
                "message": terminal(if one.message.is_empty() { &one.title } else { &one.message }),
            })
        })
        .collect();
    let mut body = json!({
        "name": name,
        "head_sha": head,
        "status": "completed",
        "conclusion": check.conclusion.as_str(),
        "output": { "title": check.title, "summary": check.summary, "annotations": annotations },
    });
    if let Some(text) = &check.text {
        body["output"]["text"] = text.as_str().into();
    }
    if let Some(digest) = &check.digest {
        body["external_id"] = digest.as_str().into();
    }
    body
}
