//! What is read of a repository: files, commits, the pull request that a run is about.
//!
//! Owns that one pull request is found or it is said why not: a report on the wrong one is worse
//! than none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::PullRequestSource;
use super::answer::GitHubError;
use super::client::{GitHub, encoded};
use super::wire::PullRequest;

#[derive(Deserialize)]
struct FileContent {
    #[serde(default)]
    encoding: String,
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
struct RepositorySettings {
    default_branch: String,
}

impl GitHub {
    /// A file as it is in a commit or on a branch; none where there is no such file, or it is too large to be given.
    ///
    /// # Errors
    /// When GitHub does not tell.
    pub async fn file(&self, path: &str, at: &str) -> Result<Option<Vec<u8>>, GitHubError> {
        // A name that leads out of the repository would be read as another address of the API.
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Ok(None);
        }
        let segments: Vec<String> = path.split('/').map(encoded).collect();
        let path = self.path(&format!("/contents/{}?ref={}", segments.join("/"), encoded(at)));
        match self.get::<FileContent>(&path).await {
            Ok(content) if content.encoding == "base64" => {
                let plain: String = content.content.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                Ok(BASE64.decode(plain).ok())
            }
            Ok(_) | Err(GitHubError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The branch that pull requests go to by default.
    ///
    /// # Errors
    /// When GitHub does not tell.
    pub async fn default_branch(&self) -> Result<String, GitHubError> {
        Ok(self.get::<RepositorySettings>(&self.path("")).await?.default_branch)
    }

    /// A pull request as it is now.
    ///
    /// # Errors
    /// When GitHub does not tell.
    pub async fn read_pull_request(&self, number: u64) -> Result<PullRequest, GitHubError> {
        self.get(&self.path(&format!("/pulls/{number}"))).await
    }

    /// The pull requests that a commit is in.
    pub(super) async fn pull_requests_of(&self, commit: &str) -> Result<Vec<PullRequest>, GitHubError> {
        let mut pulls: Vec<PullRequest> = self.all(&self.path(&format!("/commits/{commit}/pulls"))).await?;
        pulls.retain(|pull| self.is_here(pull));
        Ok(pulls)
    }

    /// The number of the pull request from a source.
    ///
    /// # Errors
    /// When there is none, when there are several, when GitHub does not tell.
    pub async fn pull_request(&self, source: &PullRequestSource) -> Result<u64, GitHubError> {
        let no = |why: String| Err(GitHubError::NoPullRequest(why));
        let (pulls, what) = match source {
            PullRequestSource::Number(number) => return Ok(*number),
            PullRequestSource::None(why) => return no(why.clone()),
            PullRequestSource::Commit(sha) => {
                let mut pulls = self.pull_requests_of(sha).await?;
                // A commit can be in several: the one that was merged as this commit is meant, else the open one.
                let is_its_merge = |pull: &PullRequest| pull.merge_commit_sha.as_deref() == Some(sha);
                let is_open = |pull: &PullRequest| pull.state == "open";
                for is_meant in [&is_its_merge as &dyn Fn(&PullRequest) -> bool, &is_open] {
                    if pulls.iter().filter(|pull| is_meant(pull)).count() == 1 {
                        pulls.retain(is_meant);
                    }
                }
                (pulls, format!("the commit {sha}"))
            }
            PullRequestSource::Branch { name, head } => {
                let path = self.path(&format!("/pulls?state=open&head={}", encoded(name)));
                let mut pulls: Vec<PullRequest> = self.all(&path).await?;
                let found = pulls.len();
                pulls.retain(|pull| head.is_empty() || pull.head.sha == *head);
                if pulls.is_empty() && found > 0 {
                    return no(format!("the pull request of the branch {name} has later commits than the run, {head}"));
                }
                (pulls, format!("the branch {name}"))
            }
        };
        match pulls.as_slice() {
            [one] => Ok(one.number),
            [] => no(format!("{what} belongs to no pull request; name it by --pull-request")),
            several => {
                let numbers: Vec<String> = several.iter().map(|pull| format!("#{}", pull.number)).collect();
                no(format!(
                    "{what} belongs to several pull requests ({}); name one by --pull-request",
                    numbers.join(", ")
                ))
            }
        }
    }
}
