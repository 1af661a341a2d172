//! The events of GitHub Actions on which `apply` runs.
//!
//! Owns the list. On every event that is not in it the workflow, the file, or both may be a
//! stranger's, or not merged yet; events that GitHub adds are refused until they are known.

/// Events on which what runs is on a branch of the repository.
const ALLOWED: [&str; 3] = ["push", "schedule", "workflow_dispatch"];

/// Refuses an event on which what would be applied may not have been merged. None: it may run.
///
/// Outside of GitHub Actions there is no event, and nothing to refuse.
pub(super) fn refused_event(event: Option<&str>, named: &[String]) -> Option<String> {
    let event = event?;
    if ALLOWED.contains(&event) || named.iter().any(|name| name == event) {
        return None;
    }
    Some(format!(
        "apply does not run on the event `{event}`: what it would apply may not have been merged. Run it on {}, \
         or pass --allow-event {event} if the workflow makes sure of that itself",
        ALLOWED.map(|name| format!("`{name}`")).join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_merged() {
        let refused = |event: Option<&str>, named: &[&str]| {
            let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
            refused_event(event, &named).is_some()
        };
        for event in ALLOWED {
            assert!(!refused(Some(event), &[]), "{event}");
        }
        for event in [
            "pull_request",
            "pull_request_target",
            "pull_request_review",
            "pull_request_review_comment",
            "issue_comment",
            "issues",
            "merge_group",
            "workflow_run",
            "repository_dispatch",
            "release",
            "an_event_of_tomorrow",
            "",
            "PUSH",
        ] {
            assert!(refused(Some(event), &[]), "{event}");
            assert!(refused(Some(event), &["push"]), "{event}");
            assert!(!refused(Some(event), &[event]), "{event}");
        }
        assert!(!refused(None, &[]));
    }
}
