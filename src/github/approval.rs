//! What was approved: the pull request of a commit, its head, the check run on it, its reviews.
//!
//! Owns the finding, and that whatever is missing is a refusal with its reason: nothing here can
//! come to "approved" because it could not look. A comment's text is never read.

use serde::Deserialize;

use super::client::{GitHub, GitHubError};

/// What is looked for.
#[derive(Debug, Clone)]
pub struct ApprovalQuery<'a> {
    /// Where: the commit that a pull request was merged as, or a pull request that is being merged.
    pub at: Merged<'a>,
    /// The name of the check run.
    pub check_name: &'a str,
    /// The app that must have made it, by its slug.
    pub app: &'a str,
    /// Whether somebody must have approved that very commit.
    pub require_approval: bool,
}

/// Which pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged<'a> {
    /// The one that was merged as this commit, into this branch if that is known.
    As(&'a str, Option<&'a str>),
    /// This one, merged or about to be.
    Number(u64),
}

/// What a check run says was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// The pull request.
    pub pull_request: u64,
    /// Its head.
    pub head: String,
    /// The decision digest.
    pub digest: String,
    /// The text of the check run, which carries the decision document.
    pub text: String,
}

#[derive(Debug, Deserialize)]
struct Pull {
    number: u64,
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    head: Commit,
    base: Base,
    user: Option<Login>,
}

#[derive(Debug, Deserialize)]
struct Commit {
    sha: String,
}

#[derive(Debug, Deserialize)]
struct Base {
    #[serde(rename = "ref")]
    branch: String,
}

#[derive(Debug, Deserialize)]
struct Login {
    login: String,
}

#[derive(Debug, Deserialize)]
struct CheckRuns {
    total_count: usize,
    check_runs: Vec<CheckRun>,
}

#[derive(Debug, Deserialize)]
struct CheckRun {
    id: u64,
    name: String,
    head_sha: String,
    status: String,
    conclusion: Option<String>,
    external_id: Option<String>,
    output: Output,
    app: Option<App>,
}

#[derive(Debug, Deserialize)]
struct Output {
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct App {
    slug: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Review {
    user: Option<Login>,
    state: String,
    commit_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Permission {
    permission: String,
}

fn no<T>(why: String) -> Result<T, GitHubError> {
    Err(GitHubError::NotApproved(why))
}

impl GitHub {
    /// What was approved.
    ///
    /// # Errors
    /// Whenever that can't be told for certain, with the reason.
    pub async fn approved(&self, query: &ApprovalQuery<'_>) -> Result<Approved, GitHubError> {
        let pull = self.merged(query.at).await?;
        let (number, head) = (pull.number, pull.head.sha.clone());
        let run = self.check_run(query, number, &head).await?;
        let digest = run.external_id.unwrap_or_default();
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return no(format!("the check run on the head of #{number} carries no decision digest"));
        }
        if query.require_approval {
            self.somebody_approved(&pull).await?;
        }
        Ok(Approved { pull_request: number, head, digest, text: run.output.text.unwrap_or_default() })
    }

    async fn merged(&self, at: Merged<'_>) -> Result<Pull, GitHubError> {
        let (commit, branch) = match at {
            Merged::Number(number) => return self.get(&self.path(&format!("/pulls/{number}"))).await,
            Merged::As(commit, branch) => (commit, branch),
        };
        let mut pulls: Vec<Pull> = self.all(&self.path(&format!("/commits/{commit}/pulls"))).await?;
        pulls.retain(|pull| pull.merged_at.is_some() && branch.is_none_or(|branch| branch == pull.base.branch));
        let is_its_merge = |pull: &Pull| pull.merge_commit_sha.as_deref() == Some(commit);
        // A commit can be in several; the one that was merged as this commit is meant.
        if pulls.iter().any(is_its_merge) {
            pulls.retain(is_its_merge);
        }
        let into = branch.map(|branch| format!(" into {branch}")).unwrap_or_default();
        if pulls.len() > 1 {
            let numbers: Vec<String> = pulls.iter().map(|pull| format!("#{}", pull.number)).collect();
            return no(format!("the commit {commit} comes from several merged pull requests ({})", numbers.join(", ")));
        }
        match pulls.pop() {
            Some(pull) => Ok(pull),
            None => no(format!("the commit {commit} comes from no pull request that was merged{into}")),
        }
    }

    /// The latest check run of that name by that app, which must have succeeded.
    async fn check_run(&self, query: &ApprovalQuery<'_>, number: u64, head: &str) -> Result<CheckRun, GitHubError> {
        let name: String = url::form_urlencoded::byte_serialize(query.check_name.as_bytes()).collect();
        let mut runs: Vec<CheckRun> = Vec::new();
        for page in 1..=100 {
            let path = format!("/commits/{head}/check-runs?check_name={name}&filter=all&per_page=100&page={page}");
            let answer: CheckRuns = self.get(&self.path(&path)).await?;
            let is_last = answer.check_runs.is_empty() || runs.len() + answer.check_runs.len() >= answer.total_count;
            runs.extend(answer.check_runs);
            if is_last {
                break;
            }
        }
        runs.retain(|run| run.name == query.check_name && run.head_sha == head);
        let others: Vec<String> = runs.iter().filter_map(|run| run.app.as_ref()?.slug.clone()).collect();
        runs.retain(|run| run.app.as_ref().and_then(|app| app.slug.as_deref()) == Some(query.app));
        let Some(run) = runs.into_iter().max_by_key(|run| run.id) else {
            let by = match others.first() {
                Some(other) => format!("; there is one by the app {other}, which is not believed"),
                None => "; was the plan reported there with `report --to check`?".to_owned(),
            };
            return no(format!(
                "#{number} has no check run `{}` by the app {} on its head {head}{by}",
                query.check_name, query.app
            ));
        };
        match (run.status.as_str(), run.conclusion.as_deref()) {
            ("completed", Some("success")) => Ok(run),
            ("completed", conclusion) => {
                let word = conclusion.unwrap_or("nothing");
                no(format!("the plan on the head of #{number} ended as {word}, and only a success can be approved"))
            }
            (status, _) => no(format!("the plan on the head of #{number} is not complete ({status})")),
        }
    }

    /// Somebody with write access, other than the author, approves of the head as it is.
    async fn somebody_approved(&self, pull: &Pull) -> Result<(), GitHubError> {
        let reviews: Vec<Review> = self.all(&self.path(&format!("/pulls/{}/reviews", pull.number))).await?;
        let mut last: Vec<(String, &Review)> = Vec::new();
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
            let path = self.path(&format!("/collaborators/{login}/permission"));
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
