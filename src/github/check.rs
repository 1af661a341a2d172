//! A check run on a commit.
//!
//! Owns the call. It is made once: a check run whose answer was lost may be there, and a
//! second one would stand beside it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{GitHub, GitHubError};
use crate::report::{Check, terminal};

#[derive(Debug, Deserialize)]
struct CheckRun {
    html_url: Option<String>,
}

impl GitHub {
    /// Creates a check run, and returns its address.
    ///
    /// # Errors
    /// When GitHub does not let it be created.
    pub async fn check(&self, name: &str, head: &str, check: &Check) -> Result<String, GitHubError> {
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
        let mut output = json!({ "title": check.title, "summary": check.summary, "annotations": annotations });
        if let Some(text) = &check.text {
            output["text"] = text.as_str().into();
        }
        let body = json!({
            "name": name,
            "head_sha": head,
            "status": "completed",
            "conclusion": check.conclusion.as_str(),
            "external_id": check.digest,
            "output": output,
        });
        let created: CheckRun = self.post(&self.path("/check-runs"), &body).await?;
        Ok(created.html_url.unwrap_or_default())
    }
}
