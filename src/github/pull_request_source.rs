//! Which pull request a run is about, as far as its event says.
//!
//! Owns the reading of events. What an event does not say is looked up, and where that finds
//! none or several, it is said so: a report on the wrong pull request is worse than none.

use serde_json::Value;

/// Where the pull request is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullRequestSource {
    /// It is this one.
    Number(u64),
    /// It is the one that a commit came from.
    Commit(String),
    /// It is the open one of this branch with this head.
    Branch {
        /// `owner:branch`.
        name: String,
        /// The commit; empty where the event names none.
        head: String,
    },
    /// There is none, and why.
    None(String),
}

/// Reads an event.
///
/// ```
/// use cancel_pending::github::{PullRequestSource, pull_request_source};
/// let event = serde_json::json!({"pull_request": {"number": 7}});
/// assert_eq!(pull_request_source("pull_request", &event, "refs/pull/7/merge", "abc"), PullRequestSource::Number(7));
/// let queue = "refs/heads/gh-readonly-queue/main/pr-123-0a1b2c";
/// assert_eq!(pull_request_source("merge_group", &serde_json::json!({}), queue, "abc"), PullRequestSource::Number(123));
/// ```
#[must_use]
pub fn pull_request_source(name: &str, event: &Value, git_ref: &str, sha: &str) -> PullRequestSource {
    let number = |value: &Value| value.as_u64();
    match name {
        "pull_request" | "pull_request_target" | "pull_request_review" | "pull_request_review_comment" => {
            match number(&event["pull_request"]["number"]).or_else(|| number(&event["number"])) {
                Some(number) => PullRequestSource::Number(number),
                None => PullRequestSource::None(format!("the event `{name}` names no pull request")),
            }
        }
        "issue_comment" => match number(&event["issue"]["number"]) {
            Some(number) if event["issue"]["pull_request"].is_object() => PullRequestSource::Number(number),
            _ => PullRequestSource::None("the comment of this event is on an issue, not on a pull request".to_owned()),
        },
        "merge_group" => {
            let head = event["merge_group"]["head_ref"].as_str().unwrap_or(git_ref);
            match queued(head) {
                Some(number) => PullRequestSource::Number(number),
                None => PullRequestSource::None(format!("the ref of the merge queue names no pull request ({head})")),
            }
        }
        "workflow_run" => source_of_run(event),
        _ if sha.is_empty() => PullRequestSource::None(format!("the event `{name}` names no commit")),
        _ => PullRequestSource::Commit(sha.to_owned()),
    }
}

/// A run names the pull requests that its branch is in, those of other repositories among them, by numbers that
/// are others' here. One is believed only if it goes to this repository and has the commit of the run at its head.
fn source_of_run(event: &Value) -> PullRequestSource {
    let run = &event["workflow_run"];
    let (here, head) = (&event["repository"]["id"], &run["head_sha"]);
    let named: Vec<u64> = run["pull_requests"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| here.is_number() && one["base"]["repo"]["id"] == *here)
        .filter(|one| head.is_string() && one["head"]["sha"] == *head)
        .filter_map(|one| one["number"].as_u64())
        .collect();
    match (named.as_slice(), run["head_repository"]["owner"]["login"].as_str(), run["head_branch"].as_str()) {
        ([one], ..) => PullRequestSource::Number(*one),
        // For a run of a fork GitHub names none.
        ([], Some(owner), Some(branch)) => PullRequestSource::Branch {
            name: format!("{owner}:{branch}"),
            head: head.as_str().unwrap_or_default().to_owned(),
        },
        ([], ..) => PullRequestSource::None("the run of this event names neither pull request nor branch".to_owned()),
        (several, ..) => {
            PullRequestSource::None(format!("the run of this event names several pull requests ({several:?})"))
        }
    }
}

/// The number in `gh-readonly-queue/main/pr-123-<sha>`.
fn queued(git_ref: &str) -> Option<u64> {
    git_ref.split_once("gh-readonly-queue/")?.1.rsplit('/').next()?.strip_prefix("pr-")?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_event_by_example() {
        let place = |name: &str, event: Value| pull_request_source(name, &event, "refs/heads/main", "abc");
        assert_eq!(place("pull_request_target", json!({"number": 5})), PullRequestSource::Number(5));
        assert_eq!(
            place("issue_comment", json!({"issue": {"number": 5, "pull_request": {}}})),
            PullRequestSource::Number(5)
        );
        assert!(matches!(place("issue_comment", json!({"issue": {"number": 5}})), PullRequestSource::None(_)));
        assert_eq!(place("push", json!({})), PullRequestSource::Commit("abc".to_owned()));
        let run = |pulls: Value| {
            json!({
                "repository": {"id": 1},
                "workflow_run": {"pull_requests": pulls, "head_sha": "abc", "head_branch": "fix", "head_repository": {"owner": {"login": "jane"}}},
            })
        };
        let named = |number: u64, repository: u64, head: &str| json!({"number": number, "base": {"repo": {"id": repository}}, "head": {"sha": head}});
        let by_branch = PullRequestSource::Branch { name: "jane:fix".to_owned(), head: "abc".to_owned() };
        assert_eq!(place("workflow_run", run(json!([named(5, 1, "abc")]))), PullRequestSource::Number(5));
        assert_eq!(
            place("workflow_run", run(json!([named(5, 2, "abc"), named(6, 1, "abc")]))),
            PullRequestSource::Number(6)
        );
        assert_eq!(place("workflow_run", run(json!([]))), by_branch);
        assert_eq!(place("workflow_run", run(json!([named(5, 2, "abc")]))), by_branch, "of another repository");
        assert_eq!(place("workflow_run", run(json!([named(5, 1, "def")]))), by_branch, "with another head");
        let several = run(json!([named(5, 1, "abc"), named(6, 1, "abc")]));
        assert!(matches!(place("workflow_run", several), PullRequestSource::None(_)));
        assert!(matches!(place("merge_group", json!({})), PullRequestSource::None(_)));
        assert!(matches!(place("pull_request", json!({})), PullRequestSource::None(_)));
        let nested = "refs/heads/gh-readonly-queue/release/1.x/pr-9-ff";
        assert_eq!(pull_request_source("merge_group", &json!({}), nested, "abc"), PullRequestSource::Number(9));
    }
}
