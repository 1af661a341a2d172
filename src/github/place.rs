//! Which pull request a run is about, as far as its event says.
//!
//! Owns the reading of events. What an event does not say is looked up, and where that finds
//! none or several, it is said so: a report on the wrong pull request is worse than none.

use serde_json::Value;

/// Where the pull request is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It is this one.
    Number(u64),
    /// It is the one that a commit came from.
    Commit(String),
    /// It is the open one of this branch, `owner:branch`.
    Branch(String),
    /// There is none, and why.
    None(String),
}

/// Reads an event.
///
/// ```
/// use cancel_pending::github::{Place, place_of};
/// let event = serde_json::json!({"pull_request": {"number": 7}});
/// assert_eq!(place_of("pull_request", &event, "refs/pull/7/merge", "abc"), Place::Number(7));
/// let queue = "refs/heads/gh-readonly-queue/main/pr-123-0a1b2c";
/// assert_eq!(place_of("merge_group", &serde_json::json!({}), queue, "abc"), Place::Number(123));
/// ```
#[must_use]
pub fn place_of(name: &str, event: &Value, git_ref: &str, sha: &str) -> Place {
    let number = |value: &Value| value.as_u64();
    match name {
        "pull_request" | "pull_request_target" | "pull_request_review" | "pull_request_review_comment" => {
            match number(&event["pull_request"]["number"]).or_else(|| number(&event["number"])) {
                Some(number) => Place::Number(number),
                None => Place::None(format!("the event `{name}` names no pull request")),
            }
        }
        "issue_comment" => match number(&event["issue"]["number"]) {
            Some(number) if event["issue"]["pull_request"].is_object() => Place::Number(number),
            _ => Place::None("the comment of this event is on an issue, not on a pull request".to_owned()),
        },
        "merge_group" => {
            let head = event["merge_group"]["head_ref"].as_str().unwrap_or(git_ref);
            match queued(head) {
                Some(number) => Place::Number(number),
                None => Place::None(format!("the ref of the merge queue names no pull request ({head})")),
            }
        }
        "workflow_run" => {
            let run = &event["workflow_run"];
            let named: Vec<u64> = run["pull_requests"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| number(&one["number"]))
                .collect();
            match (named.as_slice(), run["head_repository"]["owner"]["login"].as_str(), run["head_branch"].as_str()) {
                ([one], ..) => Place::Number(*one),
                // For a run of a fork GitHub names none.
                ([], Some(owner), Some(branch)) => Place::Branch(format!("{owner}:{branch}")),
                ([], ..) => Place::None("the run of this event names neither pull request nor branch".to_owned()),
                (several, ..) => {
                    Place::None(format!("the run of this event names several pull requests ({several:?})"))
                }
            }
        }
        _ if sha.is_empty() => Place::None(format!("the event `{name}` names no commit")),
        _ => Place::Commit(sha.to_owned()),
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
        let place = |name: &str, event: Value| place_of(name, &event, "refs/heads/main", "abc");
        assert_eq!(place("pull_request_target", json!({"number": 5})), Place::Number(5));
        assert_eq!(place("issue_comment", json!({"issue": {"number": 5, "pull_request": {}}})), Place::Number(5));
        assert!(matches!(place("issue_comment", json!({"issue": {"number": 5}})), Place::None(_)));
        assert_eq!(place("push", json!({})), Place::Commit("abc".to_owned()));
        let run = |pulls: Value| json!({"workflow_run": {"pull_requests": pulls, "head_branch": "fix", "head_repository": {"owner": {"login": "jane"}}}});
        assert_eq!(place("workflow_run", run(json!([{"number": 5}]))), Place::Number(5));
        assert_eq!(place("workflow_run", run(json!([]))), Place::Branch("jane:fix".to_owned()));
        assert!(matches!(place("workflow_run", run(json!([{"number": 5}, {"number": 6}]))), Place::None(_)));
        assert!(matches!(place("merge_group", json!({})), Place::None(_)));
        assert!(matches!(place("pull_request", json!({})), Place::None(_)));
        let nested = "refs/heads/gh-readonly-queue/release/1.x/pr-9-ff";
        assert_eq!(place_of("merge_group", &json!({}), nested, "abc"), Place::Number(9));
    }
}
