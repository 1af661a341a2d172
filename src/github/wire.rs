//! GitHub's documents, as far as they matter here.
//!
//! Owns names and order of fields, and nothing of what they mean.

use jiff::Timestamp;
use serde::Deserialize;

use crate::domain::is_guid;

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// `open` or `closed`.
    #[serde(default)]
    pub state: String,
    /// When it was merged; none: it is not.
    #[serde(default)]
    pub merged_at: Option<Timestamp>,
    /// The commit that it was merged as, or would be.
    #[serde(default)]
    pub merge_commit_sha: Option<String>,
    /// What it brings.
    pub head: BranchTip,
    /// Where it goes.
    pub base: BranchTip,
    /// Who opened it.
    #[serde(default)]
    pub user: Option<Account>,
    /// How many files it changes. A list of pull requests does not say.
    #[serde(default)]
    pub changed_files: Option<usize>,
}

/// One side of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BranchTip {
    /// The commit.
    #[serde(default)]
    pub sha: String,
    /// The branch.
    #[serde(default, rename = "ref")]
    pub branch: String,
    /// Its repository; none: it has been deleted.
    #[serde(default)]
    pub repo: Option<RepositoryId>,
}

/// A repository, by the number that stays when it is renamed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RepositoryId {
    /// The number.
    pub id: u64,
}

/// Somebody, or an app.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// The name; that of an app ends in `[bot]`.
    pub login: String,
}

impl PullRequest {
    /// Whether it brings a branch of the repository that it goes to, and not of a fork.
    #[must_use]
    pub fn is_of_one_repository(&self) -> bool {
        self.head.repo.is_some() && self.head.repo == self.base.repo
    }
}

/// A page of check runs.
#[derive(Debug, Deserialize)]
pub(super) struct CheckRunPage {
    pub total_count: usize,
    pub check_runs: Vec<CheckRun>,
}

/// A check run.
#[derive(Debug, Deserialize)]
pub(super) struct CheckRun {
    pub id: u64,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub head_sha: String,
    #[serde(default)]
    pub conclusion: Option<String>,
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
    #[serde(default)]
    pub external_id: Option<String>,
    #[serde(default)]
    pub html_url: Option<String>,
    #[serde(default)]
    pub output: CheckRunOutput,
    #[serde(default)]
    pub app: Option<App>,
}

impl CheckRun {
    /// Whether it is the one that GitHub Actions itself makes of a job, which has the job's GUID for an external id.
    /// A job may have the name of the check run of a plan, and ends after it was reported.
    pub(super) fn is_of_a_job(&self) -> bool {
        self.external_id.as_deref().is_some_and(is_guid)
    }
}

/// What a check run shows.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CheckRunOutput {
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub summary: Option<String>,
    #[serde(default)]
    pub text: Option<String>,
}

/// The app that made a check run.
#[derive(Debug, Deserialize)]
pub(super) struct App {
    pub slug: Option<String>,
}

/// A review of a pull request.
#[derive(Debug, Deserialize)]
pub(super) struct SubmittedReview {
    pub user: Option<Account>,
    pub state: String,
    #[serde(default)]
    pub commit_id: Option<String>,
    #[serde(default)]
    pub submitted_at: Option<Timestamp>,
}
