//! One comment on a pull request that stays the same comment.
//!
//! Owns how it is found (marker, author and key, over all pages), that a newer run's text is
//! never replaced by an older one's, and that neither a lost answer nor a token that does not say
//! whose it is makes two of it. Two that a race has left become one.

use serde::{Deserialize, Serialize};

use super::answer::{GitHubError, RefusalCause};
use super::client::{GitHub, pauses};
use super::wire::Account;

#[derive(Debug, Deserialize)]
struct IssueComment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    user: Option<Account>,
    html_url: String,
}

#[derive(Serialize)]
struct CommentBody<'a> {
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

impl IssueComment {
    fn text(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }
}

impl GitHub {
    /// Writes the comment: anew, or in place of the one that is there.
    ///
    /// # Errors
    /// When GitHub does not let it be read or written.
    pub async fn stick(&self, pull_request: u64, wanted: &StickyComment<'_>) -> Result<Commented, GitHubError> {
        let known = match wanted.author {
            Some(author) => Some(author),
            None => self.author().await,
        };
        let (author, written) = if let Some(author) = known {
            (author.to_owned(), None)
        } else {
            // Nobody says whose the token is, so a comment has to: it stays only if it is the first.
            let created = self.create(pull_request, None, wanted, &(wanted.text)(None)).await?;
            (created.user.as_ref().map(|user| user.login.clone()).unwrap_or_default(), Some(created))
        };
        let written_id = written.as_ref().map(|comment| comment.id);
        let mut own = self.own(pull_request, wanted, &author).await?;
        own.retain(|comment| Some(comment.id) != written_id);
        let must_stay = |comment: &IssueComment| (wanted.must_stay)(comment.text());
        let position = own.iter().position(|comment| must_stay(comment).is_some());
        let kept = position.or(own.len().checked_sub(1)).map(|index| own.remove(index));
        let commented = match kept {
            None => {
                let there = match written {
                    Some(written) => return Ok(Commented::Written(written.html_url)),
                    None => self.create(pull_request, Some(&author), wanted, &(wanted.text)(None)).await?,
                };
                Commented::Written(there.html_url)
            }
            Some(kept) => match must_stay(&kept) {
                Some(why) => Commented::Left(kept.html_url, why),
                None => Commented::Written(self.replace(pull_request, &author, wanted, &kept).await?),
            },
        };
        // After the one that stays is there: a run that ends in between leaves one too many, not one too few.
        for id in own.iter().map(|comment| comment.id).chain(written_id) {
            match self.delete(&self.path(&format!("/issues/comments/{id}"))).await {
                // One that may not be deleted is no reason to call the report failed.
                Ok(()) | Err(GitHubError::Refused { status: 403, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(commented)
    }

    async fn replace(
        &self,
        pull_request: u64,
        author: &str,
        wanted: &StickyComment<'_>,
        kept: &IssueComment,
    ) -> Result<String, GitHubError> {
        let text = (wanted.text)(Some(kept.text()));
        let path = self.path(&format!("/issues/comments/{}", kept.id));
        match self.patch::<_, IssueComment>(&path, &CommentBody { body: &text }).await {
            Ok(changed) => Ok(changed.html_url),
            // Gone, or another's after all: a new one takes its place.
            Err(GitHubError::Refused {
                status: 403 | 404 | 410,
                cause: RefusalCause::Other | RefusalCause::Permission(_),
                ..
            }) => Ok(self.create(pull_request, Some(author), wanted, &text).await?.html_url),
            Err(error) => Err(error),
        }
    }

    /// Creates a comment. Where its author is known, one whose answer was lost is looked for.
    async fn create(
        &self,
        pull_request: u64,
        author: Option<&str>,
        wanted: &StickyComment<'_>,
        text: &str,
    ) -> Result<IssueComment, GitHubError> {
        let path = self.path(&format!("/issues/{pull_request}/comments"));
        let mut pauses = pauses();
        loop {
            let error = match self.post::<_, IssueComment>(&path, &CommentBody { body: text }).await {
                Ok(created) => {
                    if let Some(user) = &created.user {
                        self.learn_author(&user.login);
                    }
                    return Ok(created);
                }
                Err(error) if !error.is_lost() => return Err(error),
                Err(error) => error,
            };
            // Without an author the next run could not tell a second one from another's.
            let (Some(pause), Some(author)) = (pauses.next(), author) else { return Err(error) };
            tokio::time::sleep(pause).await;
            let own = self.own(pull_request, wanted, author).await?;
            if let Some(there) = own.into_iter().rfind(|comment| comment.text() == text) {
                return Ok(there);
            }
        }
    }

    /// The comments of this kind and key by that author, in the order of time.
    async fn own(
        &self,
        pull_request: u64,
        wanted: &StickyComment<'_>,
        author: &str,
    ) -> Result<Vec<IssueComment>, GitHubError> {
        let mut comments: Vec<IssueComment> = self.all(&self.path(&format!("/issues/{pull_request}/comments"))).await?;
        comments.retain(|comment| {
            comment.user.as_ref().is_some_and(|user| user.login == author) && (wanted.is_own)(comment.text())
        });
        Ok(comments)
    }
}
