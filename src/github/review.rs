//! Review comments: each on its line where the pull request shows that line, else on its file.
//!
//! Owns the reading of hunks, and that each comment is one comment: found again by author and
//! mark, changed in place, taken away when it no longer holds, kept when somebody replied.
//! Every comment is written by itself, so that one that GitHub refuses takes no other with it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::answer::GitHubError;
use super::client::{GitHub, pauses};
use super::comment::is_same_text;
use super::wire::Account;
use crate::report::{ReviewComment, ReviewMark, review_settled, review_text};

/// The most comments that one run writes: GitHub counts what creates content, and people read it.
/// What is beyond is in the comment on the pull request and in the summary.
const MOST_NEW: usize = 25;

/// A review that is wanted.
#[derive(Debug)]
pub struct ReviewRequest<'a> {
    /// The pull request.
    pub pull_request: u64,
    /// Its head, which the comments are about.
    pub head: &'a str,
    /// How many files it changes. Of more than 3,000 GitHub lists that many and does not say so.
    pub changed_files: Option<usize>,
    /// Who writes the comments; none: whoever the token belongs to.
    pub author: Option<&'a str>,
    /// The mark of this run's comments; offer and rule are each comment's own.
    pub mark: ReviewMark,
    /// The comments, with paths from the root of the repository.
    pub comments: Vec<ReviewComment>,
}

/// What became of a review.
#[derive(Debug, Default)]
pub struct Reviewed {
    /// Comments that are on their lines or files now.
    pub there: usize,
    /// Comments that no longer held and are gone.
    pub gone: usize,
    /// Comments that no longer held and stay, because somebody replied.
    pub kept: usize,
    /// Comments that could not be written, and why.
    pub elsewhere: Vec<(ReviewComment, String)>,
    /// Why nothing was done at all.
    pub left: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ChangedFile {
    filename: String,
    patch: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Posted {
    id: u64,
    body: String,
    path: String,
    user: Option<Account>,
    in_reply_to_id: Option<u64>,
    line: Option<u64>,
    start_line: Option<u64>,
    subject_type: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CreatedComment {
    user: Option<Account>,
}

/// Where a comment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Lines { first: u64, last: u64 },
    File,
}

#[derive(Serialize)]
struct NewComment<'a> {
    body: &'a str,
    commit_id: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_side: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_type: Option<&'static str>,
}

#[derive(Serialize)]
struct NewBody<'a> {
    body: &'a str,
}

impl Posted {
    fn spot(&self) -> Option<Spot> {
        if self.subject_type.as_deref() == Some("file") {
            return Some(Spot::File);
        }
        // Without a line it is outdated: the line is not part of the pull request any more.
        let last = self.line?;
        Some(Spot::Lines { first: self.start_line.unwrap_or(last), last })
    }
}

/// The lines that a pull request shows of a file: number, hunk, text.
#[derive(Debug, Default)]
struct Shown(HashMap<u64, (usize, String)>);

impl Shown {
    /// Reads the hunks that GitHub gives for a file. What can't be read shows nothing.
    fn read(patch: &str) -> Self {
        let mut shown = HashMap::new();
        let (mut hunk, mut next) = (0, None);
        for line in patch.split('\n') {
            if line.starts_with("@@ ") {
                hunk += 1;
                next = first_new_line(line);
            } else if let (Some(number), Some(text)) = (next, line.strip_prefix(['+', ' '])) {
                shown.insert(number, (hunk, text.trim_end_matches('\r').to_owned()));
                next = Some(number + 1);
            }
        }
        Self(shown)
    }

    fn shows(&self, number: u64, text: Option<&str>) -> bool {
        self.0.get(&number).is_some_and(|(_, shown)| match text {
            Some(text) => shown == text,
            None => shown.contains("cancelPending"),
        })
    }

    /// Whether it shows these lines, as they are, in one piece.
    fn shows_all(&self, first: u64, lines: &[String]) -> bool {
        let Some((hunk, _)) = self.0.get(&first) else { return false };
        (first..)
            .zip(lines)
            .all(|(number, text)| self.0.get(&number).is_some_and(|(own, shown)| own == hunk && shown == text))
    }
}

/// The 12 in `@@ -10,4 +12,6 @@`.
fn first_new_line(header: &str) -> Option<u64> {
    let new = header.split(' ').find_map(|part| part.strip_prefix('+'))?;
    new.split(',').next()?.parse().ok()
}

/// Where a comment goes, and whether its suggestion can be followed there.
fn place(comment: &ReviewComment, shown: Option<&Shown>) -> Option<(Spot, bool)> {
    let shown = shown?;
    if let Some((suggestion, now)) = &comment.suggestion
        && shown.shows_all(suggestion.first, now)
    {
        return Some((Spot::Lines { first: suggestion.first, last: suggestion.last }, true));
    }
    if shown.shows(comment.line, comment.line_text.as_deref()) {
        return Some((Spot::Lines { first: comment.line, last: comment.line }, false));
    }
    Some((Spot::File, false))
}

impl GitHub {
    /// Makes the review comments of a pull request those that are wanted.
    ///
    /// # Errors
    /// When the pull request or its comments can't be read, or nothing at all may be written.
    pub async fn review(&self, request: &ReviewRequest<'_>) -> Result<Reviewed, GitHubError> {
        let files: Vec<ChangedFile> = self.all(&self.path(&format!("/pulls/{}/files", request.pull_request))).await?;
        let shown: HashMap<&str, Shown> = files
            .iter()
            .map(|file| (file.filename.as_str(), file.patch.as_deref().map(Shown::read).unwrap_or_default()))
            .collect();
        let is_cut = request.changed_files.is_some_and(|count| count > files.len());
        let missing = if is_cut {
            format!(
                "the pull request changes more files than the {} that GitHub lists, and this one is not among those",
                files.len()
            )
        } else {
            "the pull request does not change this file".to_owned()
        };
        let Some(author) = self.author_of(request, &shown).await? else {
            return Ok(Reviewed {
                left: Some("GitHub does not tell whose the token is; name it by --comment-author".to_owned()),
                ..Reviewed::default()
            });
        };
        let (own, replied) = self.posted(request, &author).await?;
        if let Some((_, newer)) = own.iter().find(|(_, mark)| mark.is_newer_than(&request.mark)) {
            let why = format!("a later run ({}, attempt {}) has reviewed it", newer.run, newer.attempt);
            return Ok(Reviewed { left: Some(why), ..Reviewed::default() });
        }
        let mut reviewed = Reviewed::default();
        let mut taken = HashSet::new();
        let mut new = 0;
        for comment in &request.comments {
            let mark =
                ReviewMark { offer: comment.offer.clone(), rule: comment.rule.to_owned(), ..request.mark.clone() };
            let mut there: Vec<&Posted> = own
                .iter()
                .filter(|(posted, own)| own.same(&mark) && posted.path == comment.path)
                .map(|(posted, _)| posted)
                .collect();
            let Some((spot, suggested)) = place(comment, shown.get(comment.path.as_str())) else {
                reviewed.elsewhere.push((comment.clone(), missing.clone()));
                continue;
            };
            // The one with replies is the one to keep; else the one that stands right.
            there.sort_by_key(|posted| (!replied.contains(&posted.id), posted.spot() != Some(spot)));
            let kept = there.first().filter(|posted| posted.spot() == Some(spot) || replied.contains(&posted.id));
            if let Some(posted) = kept {
                let body = comment.body(&mark, suggested && posted.spot() == Some(spot));
                if review_text(&posted.body) == review_text(&body) || self.change(posted.id, &body).await? {
                    taken.insert(posted.id);
                    reviewed.there += 1;
                    continue;
                }
            }
            if new == MOST_NEW {
                reviewed.elsewhere.push((comment.clone(), format!("a run writes {MOST_NEW} comments at most")));
                continue;
            }
            new += 1;
            match self.write(request, Some(&author), comment, &mark, (spot, suggested)).await? {
                None => reviewed.there += 1,
                Some(why) => reviewed.elsewhere.push((comment.clone(), why)),
            }
        }
        // After the new ones are there: a run that ends in between leaves one too many, not one too few.
        for (posted, _) in own.iter().filter(|(posted, _)| !taken.contains(&posted.id)) {
            if replied.contains(&posted.id) {
                let mark = ReviewMark::read(&posted.body).unwrap_or_else(|| request.mark.clone());
                let mark = ReviewMark { run: request.mark.run, attempt: request.mark.attempt, ..mark };
                let body = review_settled(&posted.body, &mark);
                if body != posted.body {
                    self.change(posted.id, &body).await?;
                }
                reviewed.kept += 1;
            } else {
                self.delete(&self.path(&format!("/pulls/comments/{}", posted.id))).await?;
                reviewed.gone += 1;
            }
        }
        Ok(reviewed)
    }

    /// Whose the token is. Where nobody says, the first comment does: if it was there already, the second goes.
    async fn author_of(
        &self,
        request: &ReviewRequest<'_>,
        shown: &HashMap<&str, Shown>,
    ) -> Result<Option<String>, GitHubError> {
        // Whoever is named may be misspelled, or an earlier token's: where nothing of theirs is there, GitHub is asked.
        if let Some(author) = request.author
            && !self.posted(request, author).await?.0.is_empty()
        {
            return Ok(Some(author.to_owned()));
        }
        if self.author().await.is_none() {
            let placed = request
                .comments
                .iter()
                .find_map(|comment| Some((comment, place(comment, shown.get(comment.path.as_str()))?)));
            if let Some((comment, placed)) = placed {
                let mark =
                    ReviewMark { offer: comment.offer.clone(), rule: comment.rule.to_owned(), ..request.mark.clone() };
                self.write(request, None, comment, &mark, placed).await?;
            }
        }
        Ok(self.author().await.or(request.author).map(str::to_owned))
    }

    /// The comments of this program on a pull request, and which of them somebody replied to.
    async fn posted(
        &self,
        request: &ReviewRequest<'_>,
        author: &str,
    ) -> Result<(Vec<(Posted, ReviewMark)>, HashSet<u64>), GitHubError> {
        let all: Vec<Posted> = self.all(&self.path(&format!("/pulls/{}/comments", request.pull_request))).await?;
        let is_own = |posted: &Posted| posted.user.as_ref().is_some_and(|user| user.login == author);
        let replied = all.iter().filter(|posted| !is_own(posted)).filter_map(|posted| posted.in_reply_to_id).collect();
        let own = all
            .into_iter()
            .filter(|posted| is_own(posted) && posted.in_reply_to_id.is_none())
            .filter_map(|posted| ReviewMark::read(&posted.body).map(|mark| (posted, mark)))
            .filter(|(_, mark)| mark.key == request.mark.key)
            .collect();
        Ok((own, replied))
    }

    /// Changes a comment. False: it is gone.
    async fn change(&self, id: u64, body: &str) -> Result<bool, GitHubError> {
        let path = self.path(&format!("/pulls/comments/{id}"));
        match self.patch::<_, serde_json::Value>(&path, &NewBody { body }).await {
            Ok(_) => Ok(true),
            Err(GitHubError::Refused { status: 404 | 410, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes a comment: on its lines, else on its file. Returns why neither could be.
    async fn write(
        &self,
        request: &ReviewRequest<'_>,
        author: Option<&str>,
        comment: &ReviewComment,
        mark: &ReviewMark,
        (spot, suggested): (Spot, bool),
    ) -> Result<Option<String>, GitHubError> {
        let spots = if spot == Spot::File { vec![Spot::File] } else { vec![spot, Spot::File] };
        let mut why = None;
        for at in spots {
            let body = comment.body(mark, suggested && at == spot);
            match self.write_at(request, author, comment, &body, at).await {
                Ok(()) => return Ok(None),
                Err(GitHubError::Refused { status: 422, message, .. }) => {
                    why = Some(format!("GitHub refused it ({message})"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(why)
    }

    async fn write_at(
        &self,
        request: &ReviewRequest<'_>,
        author: Option<&str>,
        comment: &ReviewComment,
        body: &str,
        spot: Spot,
    ) -> Result<(), GitHubError> {
        let path = self.path(&format!("/pulls/{}/comments", request.pull_request));
        let (lines, several) = match spot {
            Spot::Lines { first, last } => (Some(last), (first < last).then_some(first)),
            Spot::File => (None, None),
        };
        let new = NewComment {
            body,
            commit_id: request.head,
            path: &comment.path,
            side: lines.map(|_| "RIGHT"),
            line: lines,
            start_line: several,
            start_side: several.map(|_| "RIGHT"),
            subject_type: (spot == Spot::File).then_some("file"),
        };
        let mut pauses = pauses();
        loop {
            let error = match self.post::<_, CreatedComment>(&path, &new).await {
                Ok(created) => {
                    if let Some(user) = created.user {
                        self.learn_author(&user.login);
                    }
                    return Ok(());
                }
                Err(error) if !error.is_lost() => return Err(error),
                Err(error) => error,
            };
            let (Some(pause), Some(author)) = (pauses.next(), author) else { return Err(error) };
            tokio::time::sleep(pause).await;
            let (own, _) = self.posted(request, author).await?;
            if own.iter().any(|(posted, _)| is_same_text(&posted.body, body) && posted.path == comment.path) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_by_example() {
        let shown = Shown::read(
            "@@ -1,3 +1,4 @@ offers:\n publisher: contoso\r\n-old\n+new\n+cancelPending: true\n end\n\\ No newline at end of file\n@@ -9 +20 @@\n+last",
        );
        let text = |number: u64| shown.0.get(&number).map(|(hunk, text)| (*hunk, text.as_str()));
        assert_eq!(text(1), Some((1, "publisher: contoso")));
        assert_eq!(text(2), Some((1, "new")));
        assert_eq!(text(4), Some((1, "end")));
        assert_eq!((text(5), text(20), text(21)), (None, Some((2, "last")), None));
        assert!(shown.shows(3, None) && !shown.shows(2, None) && shown.shows(2, Some("new")));
        assert!(shown.shows_all(2, &["new".to_owned(), "cancelPending: true".to_owned()]));
        assert!(!shown.shows_all(4, &["end".to_owned(), "x".to_owned()]));
        assert!(Shown::read("@@ nonsense").0.is_empty() && Shown::read("").0.is_empty());
    }
}
