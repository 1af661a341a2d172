//! One comment on a pull request that stays the same comment.
//!
//! Owns how it is found (marker, author and key, over all pages), that a newer run's text is
//! never replaced by an older one's, and that neither a lost answer nor a token that does not say
//! whose it is, or is said to be another's, makes two of it. Two that a race has left become one.

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
    /// There is none, and none was wanted.
    Absent,
}

/// The comment that is wanted.
pub struct StickyComment<'a> {
    /// Whether a comment's text is one of this kind and key.
    pub is_own: &'a dyn Fn(&str) -> bool,
    /// Why a text must stay as it is.
    pub must_stay: &'a dyn Fn(&str) -> Option<String>,
    /// Which of several texts is the newest.
    pub age: &'a dyn Fn(&str) -> CommentAge,
    /// The new text, made from the one that it replaces.
    pub text: &'a dyn Fn(Option<&str>) -> String,
    /// Who writes it; none: whoever the token belongs to.
    pub author: Option<&'a str>,
    /// Whether one is written where there is none.
    pub may_create: bool,
}

/// The run and the attempt that a text is of.
pub type CommentAge = (u64, u64);

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
        let mut known = None;
        for named in [true, false] {
            // Whoever is named may be misspelled, or an earlier token's: where nothing of theirs is there, GitHub is asked.
            let author =
                if named { wanted.author } else { self.author().await.filter(|told| wanted.author != Some(*told)) };
            let Some(author) = author else { continue };
            let own = self.own(pull_request, wanted, author).await?;
            if !own.is_empty() {
                return self.keep_one(pull_request, author, wanted, own, None).await;
            }
            known = Some(author);
        }
        if !wanted.may_create {
            return Ok(Commented::Absent);
        }
        let written = self.create(pull_request, known, wanted, &(wanted.text)(None)).await?;
        let author = written.user.as_ref().map(|user| user.login.clone()).unwrap_or_default();
        if known == Some(author.as_str()) {
            return Ok(Commented::Written(written.html_url));
        }
        // Nobody said whose the token is, or it was said wrongly, so the comment has to: it stays only if it is the
        // first.
        let mut own = self.own(pull_request, wanted, &author).await?;
        own.retain(|comment| comment.id != written.id);
        if own.is_empty() {
            return Ok(Commented::Written(written.html_url));
        }
        self.keep_one(pull_request, &author, wanted, own, Some(written.id)).await
    }

    /// Leaves one of several comments, with the new text where that is not out of date.
    async fn keep_one(
        &self,
        pull_request: u64,
        author: &str,
        wanted: &StickyComment<'_>,
        mut own: Vec<IssueComment>,
        written: Option<u64>,
    ) -> Result<Commented, GitHubError> {
        let must_stay = |comment: &IssueComment| (wanted.must_stay)(comment.text());
        let stays = (0..own.len()).filter(|index| must_stay(&own[*index]).is_some());
        let newest = stays.max_by_key(|index| (wanted.age)(own[*index].text()));
        let kept = own.remove(newest.unwrap_or(own.len() - 1));
        let commented = match must_stay(&kept) {
            Some(why) => Commented::Left(kept.html_url, why),
            None => Commented::Written(self.replace(pull_request, author, wanted, &kept).await?),
        };
        // After the one that stays is there: a run that ends in between leaves one too many, not one too few. That one
        // can't be deleted is no reason to call the report failed: the next run tries again.
        for id in own.iter().map(|comment| comment.id).chain(written) {
            let _ = self.delete(&self.path(&format!("/issues/comments/{id}"))).await;
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
            if let Some(there) = own.into_iter().rfind(|comment| is_same_text(comment.text(), text)) {
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

/// Whether a text that is there is the one that was sent: line ends and white space around it may have been changed.
pub(super) fn is_same_text(there: &str, sent: &str) -> bool {
    let plain = |text: &str| text.replace('\r', "").trim().to_owned();
    there == sent || plain(there) == plain(sent)
}
