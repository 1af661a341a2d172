//! What was approved: pull requests that were merged, the check runs on their heads, their reviews.
//!
//! Owns the finding and the order in time, by GitHub's own clock: what was seen after the merge
//! approves nothing. Whatever is missing is a refusal with its reason: nothing here can come to
//! "approved" because it could not look. A comment's text is never read.

use std::collections::{HashSet, VecDeque};

use jiff::Timestamp;
use serde::Deserialize;

use super::answer::GitHubError;
use super::client::{GitHub, encoded};
use super::wire::{CheckRun, PullRequest, SubmittedReview};

/// How many commits of a branch are looked at.
const COMMITS: usize = 50;

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalQuery<'a> {
    /// The name of the check run.
    pub check_name: &'a str,
    /// The app that must have made it, by its slug.
    pub app: &'a str,
    /// Whether somebody must have approved that very commit.
    pub require_approval: bool,
}

/// What a check run says was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedApproval {
    /// The pull request.
    pub pull_request: u64,
    /// Its head.
    pub head: String,
    /// The decision digest.
    pub digest: String,
    /// The text of the check run, which carries the decision document.
    pub text: String,
}

/// The pull requests that were merged into a branch, the newest first. They are looked up as far back as is asked for.
pub struct MergedPullRequests<'g> {
    github: &'g GitHub,
    branch: String,
    commits: VecDeque<String>,
    found: VecDeque<PullRequest>,
    seen: HashSet<u64>,
}

#[derive(Debug, Deserialize)]
struct ListedCommit {
    sha: String,
}

#[derive(Debug, Deserialize)]
struct Permission {
    permission: String,
}

fn no<T>(why: String) -> Result<T, GitHubError> {
    Err(GitHubError::NotApproved(why))
}

impl MergedPullRequests<'_> {
    /// The next one; none: the last 50 commits of the branch come from no other.
    ///
    /// # Errors
    /// When GitHub does not tell.
    pub async fn next(&mut self) -> Result<Option<PullRequest>, GitHubError> {
        loop {
            if let Some(pull) = self.found.pop_front() {
                return Ok(Some(pull));
            }
            let Some(commit) = self.commits.pop_front() else { return Ok(None) };
            let mut pulls = self.github.pull_requests_of(&commit).await?;
            pulls.retain(|pull| pull.merged_at.is_some() && pull.base.branch == self.branch);
            pulls.retain(|pull| self.seen.insert(pull.number));
            pulls.sort_by_key(|pull| std::cmp::Reverse(pull.merged_at));
            self.found.extend(pulls);
        }
    }
}

impl GitHub {
    /// The pull requests that were merged into a branch.
    ///
    /// # Errors
    /// When GitHub does not tell the branch's commits.
    pub async fn merged_into(&self, branch: &str) -> Result<MergedPullRequests<'_>, GitHubError> {
        let path = self.path(&format!("/commits?sha={}&per_page={COMMITS}", encoded(branch)));
        let commits: Vec<ListedCommit> = self.get(&path).await?;
        Ok(MergedPullRequests {
            github: self,
            branch: branch.to_owned(),
            commits: commits.into_iter().map(|commit| commit.sha).collect(),
            found: VecDeque::new(),
            seen: HashSet::new(),
        })
    }

    /// What was approved by a pull request: what the newest check run on its head says, of those that were complete
    /// when it was merged. One that is not merged yet has no such bound.
    ///
    /// # Errors
    /// [`GitHubError::NotApproved`] when it approves nothing, any other when that can't be told.
    pub async fn approved_by(
        &self,
        query: &ApprovalQuery<'_>,
        pull: &PullRequest,
    ) -> Result<RecordedApproval, GitHubError> {
        let (number, head) = (pull.number, pull.head.sha.clone());
        let run = self.decisive_check_run(query, pull).await?;
        let digest = run.external_id.unwrap_or_default();
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let before = if pull.merged_at.is_some() { " before the merge" } else { "" };
            return no(format!("the newest check run `{}` on #{number}{before} holds no approval", query.check_name));
        }
        if query.require_approval {
            self.somebody_approved(pull, run.completed_at).await?;
        }
        Ok(RecordedApproval { pull_request: number, head, digest, text: run.output.text.unwrap_or_default() })
    }

    /// The newest check run of that name by that app that was complete when the pull request was merged.
    async fn decisive_check_run(&self, query: &ApprovalQuery<'_>, pull: &PullRequest) -> Result<CheckRun, GitHubError> {
        let (number, head) = (pull.number, &pull.head.sha);
        let mut runs = self.check_runs(query.check_name, head).await?;
        let slug = |run: &CheckRun| run.app.as_ref().and_then(|app| app.slug.clone());
        let others: Vec<String> = runs.iter().filter_map(slug).collect();
        runs.retain(|run| slug(run).as_deref() == Some(query.app));
        let found = runs.len();
        let in_time = |run: &CheckRun| {
            run.completed_at.filter(|at| pull.merged_at.is_none_or(|merged| *at <= merged)).map(|at| (at, run.id))
        };
        let newest = runs.into_iter().filter_map(|run| in_time(&run).map(|time| (time, run)));
        if let Some((_, run)) = newest.max_by_key(|(time, _)| *time) {
            return Ok(run);
        }
        let why = match (found, others.first()) {
            (0, Some(other)) => format!("; there is one by the app {other}, which is not accepted"),
            (0, None) => {
                "; was the plan of the same files, publishers and offers reported there with `report --to check`?"
                    .to_owned()
            }
            _ => " that was complete before the merge".to_owned(),
        };
        no(format!(
            "#{number} has no check run `{}` by the app {} on its head {head}{why}",
            query.check_name, query.app
        ))
    }

    /// Somebody with write access, other than the author, approves of the head as it is, and did so after the check.
    async fn somebody_approved(&self, pull: &PullRequest, checked: Option<Timestamp>) -> Result<(), GitHubError> {
        let reviews: Vec<SubmittedReview> = self.all(&self.path(&format!("/pulls/{}/reviews", pull.number))).await?;
        let mut last: Vec<(String, &SubmittedReview)> = Vec::new();
        // In the order of time. A comment takes back neither an approval nor an objection.
        for review in reviews
            .iter()
            .filter(|review| matches!(review.state.as_str(), "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED"))
        {
            let Some(user) = &review.user else { continue };
            last.retain(|(login, _)| *login != user.login);
            last.push((user.login.clone(), review));
        }
        let mut why = "nobody has approved it".to_owned();
        for (login, review) in last.iter().filter(|(_, review)| review.state == "APPROVED") {
            if pull.user.as_ref().is_none_or(|author| author.login == *login) {
                "the approval is the author's own".clone_into(&mut why);
                continue;
            }
            if review.commit_id.as_deref() != Some(&pull.head.sha) {
                why = format!("the approval by {login} is of an earlier commit");
                continue;
            }
            // Nobody reads a plan in the second in which it appears.
            if checked.is_none() || review.submitted_at <= checked {
                why = format!("the approval by {login} is not newer than the plan that was reported last");
                continue;
            }
            let path = self.path(&format!("/collaborators/{}/permission", encoded(login)));
            match self.get::<Permission>(&path).await {
                Ok(permission) if matches!(permission.permission.as_str(), "admin" | "write" | "maintain") => {
                    return Ok(());
                }
                Ok(_) | Err(GitHubError::Refused { status: 404, .. }) => {
                    why = format!("the approval is by {login}, who may not write here");
                }
                Err(error) => return Err(error),
            }
        }
        no(format!("#{} has no approval of its head {}: {why}", pull.number, pull.head.sha))
    }
}
