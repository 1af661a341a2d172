//! One comment on a pull request that stays the same comment.
//!
//! Owns how it is found (marker, author and key, over all pages), that a newer run's text is
//! never replaced by an older one's, and that a lost answer does not make two of it.

use serde::{Deserialize, Serialize};

use super::client::{GitHub, GitHubError};

/// The author of comments that a workflow's own token writes.
const WORKFLOW_AUTHOR: &str = "github-actions[bot]";

#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    user: Option<User>,
    html_url: String,
}

#[derive(Debug, Deserialize)]
struct User {
    login: String,
}

#[derive(Serialize)]
struct Body<'a> {
    body: &'a str,
}

/// What became of the comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commented {
    /// It is there, with the text of this run.
    Written(String),
    /// It is there, and was left as it is, because of this.
    Left(String, String),
}

/// The comment that is wanted.
pub struct StickyComment<'a> {
    /// Whether a comment's text is one of this kind and key.
    pub is_own: &'a dyn Fn(&str) -> bool,
    /// Why a text must stay as it is.
    pub must_stay: &'a dyn Fn(&str) -> Option<String>,
    /// The new text, made from the one that it replaces.
    pub text: &'a dyn Fn(Option<&str>) -> String,
    /// Who writes it; none: whoever the token belongs to.
    pub author: Option<&'a str>,
}

impl GitHub {
    /// Writes the comment: anew, or in place of the one that is there.
    ///
    /// # Errors
    /// When GitHub does not let it be read or written.
    pub async fn stick(&self, pull_request: u64, wanted: &StickyComment<'_>) -> Result<Commented, GitHubError> {
        let author = match wanted.author {
            Some(author) => author.to_owned(),
            None => self.author().await,
        };
        let found = self.find(pull_request, wanted, &author).await?;
        let previous = found.as_ref().and_then(|comment| comment.body.as_deref());
        if let (Some(comment), Some(why)) = (&found, previous.and_then(|text| (wanted.must_stay)(text))) {
            return Ok(Commented::Left(comment.html_url.clone(), why));
        }
        let text = (wanted.text)(previous);
        if let Some(comment) = &found {
            let path = self.path(&format!("/issues/comments/{}", comment.id));
            match self.patch::<_, Comment>(&path, &Body { body: &text }).await {
                Ok(changed) => return Ok(Commented::Written(changed.html_url)),
                // Gone, or another's after all: a new one takes its place.
                Err(GitHubError::Refused { status: 403 | 404 | 410, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.create(pull_request, wanted, &author, &text).await
    }

    async fn create(
        &self,
        pull_request: u64,
        wanted: &StickyComment<'_>,
        author: &str,
        text: &str,
    ) -> Result<Commented, GitHubError> {
        let path = self.path(&format!("/issues/{pull_request}/comments"));
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.post::<_, Comment>(&path, &Body { body: text }).await {
                Ok(created) => return Ok(Commented::Written(created.html_url)),
                Err(error) if error.is_refusal() || attempts == 3 => return Err(error),
                // The answer was lost, and the comment may be there.
                Err(_) => {
                    let found = self.find(pull_request, wanted, author).await?;
                    if let Some(comment) = found.filter(|comment| comment.body.as_deref() == Some(text)) {
                        return Ok(Commented::Written(comment.html_url));
                    }
                }
            }
        }
    }

    async fn find(
        &self,
        pull_request: u64,
        wanted: &StickyComment<'_>,
        author: &str,
    ) -> Result<Option<Comment>, GitHubError> {
        let comments: Vec<Comment> = self.all(&self.path(&format!("/issues/{pull_request}/comments"))).await?;
        let own = |comment: &Comment| {
            comment.user.as_ref().is_some_and(|user| user.login == author)
                && comment.body.as_deref().is_some_and(|body| (wanted.is_own)(body))
        };
        Ok(comments.into_iter().rfind(own))
    }

    /// Whose token it is. A workflow's own token may not ask, and writes as one bot.
    pub(super) async fn author(&self) -> String {
        self.get::<User>("/user").await.map_or_else(|_| WORKFLOW_AUTHOR.to_owned(), |user| user.login)
    }
}
