//! GitHub: the pull request of a run, the comments on it, the check run on its head.
//!
//! Owns the calls to GitHub's API and what their failures mean. It is handed text and facts;
//! what the text says is the `report` module's. Nothing here may fail the run: what did not
//! work is said, and the caller goes on.

mod answer;
mod approval;
mod check;
mod client;
mod comment;
mod pull_request_source;
mod repository;
mod review;
mod service;
mod wire;

pub use answer::{GitHubError, RefusalCause};
pub use approval::{ApprovalQuery, MergedPullRequests, RecordedApproval};
pub use client::GitHub;
pub use comment::{CommentAge, Commented, StickyComment};
pub use pull_request_source::{PullRequestSource, pull_request_source};
pub use review::{ReviewRequest, Reviewed};
pub use wire::{Account, BranchTip, PullRequest, RepositoryId};

/// The repository that a run belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its owner.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Its number, which stays when it is renamed; none: it is not known.
    pub id: Option<u64>,
}

impl Repository {
    /// Reads `owner/name`. Both stand in paths, so both must be plain.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let plain = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let (owner, name) = text.split_once('/')?;
        (plain(owner) && plain(name)).then(|| Self { owner: owner.to_owned(), name: name.to_owned(), id: None })
    }
}
