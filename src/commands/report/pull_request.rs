//! What is shown on the pull request: its comment, its review comments, the check of its head.
//!
//! Owns who is asked what: which pull request, which commit, whose comment, which text.

use std::collections::HashMap;
use std::path::{Component, Path};

use anyhow::anyhow;

use super::super::files;
use super::super::github::{GitHubSettings, checked_key, named_head, number};
use super::super::review_gate;
use super::step::{append_outputs, in_repository};
use super::{Report, ReportTarget};
use crate::desired::SourceFile;
use crate::domain::sha256_hex;
use crate::github::{ApprovalQuery, Commented, GitHub, Merged, Place, ReviewRequest, StickyComment, place_of};
use crate::report::{self, Check, CommentMark, Conclusion, Refusal, ReviewMark, counted, terminal};

/// The most bytes that the comparison with what was approved may have in a check's summary.
const CONTINUITY_LIMIT: usize = 5_000;

impl Report<'_> {
    pub(super) async fn comment(&self) -> anyhow::Result<()> {
        let github = self.settings().client()?;
        let event = self.settings().event()?;
        let mark = CommentMark {
            key: self.key()?,
            head: self.head(&event).chars().take(64).collect(),
            run: number(self.settings().run_id.as_deref()),
            attempt: number(self.settings().run_attempt.as_deref()),
            digest: self.plan.decision_digest.clone(),
            applied: self.outcome.is_some(),
            history: Vec::new(),
        };
        let settings = self.settings();
        let run_url = settings.server_url.as_deref().zip(settings.repository.as_deref());
        let run_url = run_url.map(|(server, repository)| format!("{server}/{repository}/actions/runs/{}", mark.run));
        let pull_request = github.pull_request(&self.place(&event)).await?;
        let commented = github
            .stick(
                pull_request,
                &StickyComment {
                    is_own: &|text| CommentMark::read(text).is_some_and(|own| own.key == mark.key),
                    must_stay: &|text| CommentMark::read(text).and_then(|own| must_stay(&own, &mark)),
                    text: &|previous| {
                        report::comment(self.plan, self.outcome, mark.clone(), run_url.as_deref(), previous)
                    },
                    author: self.request.comment_author.as_deref(),
                },
            )
            .await?;
        let url = match commented {
            Commented::Written(url) => {
                self.console.note(&format!("comment: {}\n", terminal(&url)));
                url
            }
            Commented::Left(url, why) => {
                self.console.note(&format!("comment: {} was left as it is: {why}\n", terminal(&url)));
                url
            }
        };
        match (&self.request.output_file, self.wants(ReportTarget::Outputs)) {
            (Some(path), true) => append_outputs(path, &[("comment-url".to_owned(), url)]),
            _ => Ok(()),
        }
    }

    pub(super) async fn review(&self) -> anyhow::Result<()> {
        let github = self.settings().client()?;
        let event = self.settings().event()?;
        let number_of = github.pull_request(&self.place(&event)).await?;
        let pull_request = github.read_pull_request(number_of).await?;
        let skip = |why: &str| {
            self.console.note(&format!("review: nothing is said on the lines of #{number_of}: {why}\n"));
            Ok(())
        };
        if pull_request.state != "open" {
            return skip("it is closed");
        }
        let head = pull_request.head.sha;
        if named_head(&event).is_some_and(|named| named != head) {
            return skip("it has later commits than the one that this run is about");
        }
        let directory = self.directory();
        let files = self.files(&github, &directory, &head).await;
        let mut comments = report::review(self.plan, &|path| files.get(path));
        for comment in &mut comments {
            comment.path = in_repository(&directory, &comment.path);
        }
        let mark = ReviewMark {
            key: self.key()?,
            offer: String::new(),
            rule: String::new(),
            run: number(self.settings().run_id.as_deref()),
            attempt: number(self.settings().run_attempt.as_deref()),
        };
        let request = ReviewRequest {
            pull_request: number_of,
            head: &head,
            author: self.request.comment_author.as_deref(),
            mark,
            comments,
        };
        let reviewed = github.review(&request).await?;
        if let Some(why) = reviewed.left {
            return skip(&why);
        }
        let mut said = vec![format!("{} on #{number_of}", counted(reviewed.there, "comment"))];
        for (count, what) in [
            (reviewed.gone, "no longer held and gone"),
            (reviewed.kept, "kept for the replies"),
            (reviewed.elsewhere.len(), "not on a line of the pull request"),
        ] {
            if count > 0 {
                said.push(format!("{count} {what}"));
            }
        }
        self.console.note(&format!("review: {}\n", said.join(", ")));
        if reviewed.elsewhere.is_empty() || !self.wants(ReportTarget::Summary) {
            return Ok(());
        }
        self.add_to_summary(|room| report::review_elsewhere(&reviewed.elsewhere, room))
    }

    pub(super) async fn check(&self) -> anyhow::Result<()> {
        let github = self.settings().client()?;
        let event = self.settings().event()?;
        let head = self.head(&event);
        if head.len() < 7 || !head.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(anyhow!("the run names no commit, neither in its event nor in GITHUB_SHA"));
        }
        let key = self.request.key.as_ref().map(|_| self.key()).transpose()?;
        let name = report::check_name(key.as_deref());
        let mut check = report::check(self.plan, self.outcome);
        self.continue_from_approval(&github, &event, &name, &mut check).await;
        self.place_in_repository(&mut check.annotations);
        let url = github.check(&name, head, &check).await?;
        self.console.note(&format!("check: {}\n", terminal(&url)));
        Ok(())
    }

    /// After the review, in the merge queue and on the merged commit, the check says whether the decision is
    /// still the one that was approved.
    async fn continue_from_approval(&self, github: &GitHub, event: &serde_json::Value, name: &str, check: &mut Check) {
        let settings = self.settings();
        let at = match (settings.event_name.as_deref(), self.place(event)) {
            (Some("push"), Place::Commit(_)) => {
                Merged::As(settings.sha.as_deref().unwrap_or_default(), settings.branch())
            }
            (Some("push" | "merge_group"), Place::Number(number)) => Merged::Number(number),
            _ => return,
        };
        let app = &self.request.reviewed_by;
        let query = ApprovalQuery { at, check_name: name, app, require_approval: false };
        let found = review_gate::compare(github, &query, self.plan).await;
        let told = match &found {
            Ok((at, relation)) => report::continuity(None, Some((at, *relation)), CONTINUITY_LIMIT),
            Err(refusal) => report::continuity(Some(refusal), None, CONTINUITY_LIMIT),
        };
        // First, because it decides whether the rest is worth reading.
        check.summary.insert_str(0, told.trim_start_matches('\n'));
        if matches!(found, Err(Refusal::Different(..))) {
            check.conclusion = Conclusion::Failure;
        }
    }

    /// The files of the plan, as they were when it was made: from the working directory, else from the commit.
    async fn files(&self, github: &GitHub, directory: &str, head: &str) -> HashMap<String, SourceFile> {
        let mut files = HashMap::new();
        for wanted in &self.plan.desired {
            let same = |file: &SourceFile| sha256_hex(&file.bytes) == wanted.sha256;
            let path = Path::new(&wanted.path);
            // The plan may be a stranger's: its paths open nothing outside of the working directory.
            if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                continue;
            }
            let mut file = files::read(path, &mut Vec::new()).filter(same);
            if file.is_none() {
                let bytes = github.file(&in_repository(directory, &wanted.path), head).await.ok().flatten();
                file = bytes.map(|bytes| SourceFile { path: wanted.path.clone(), bytes }).filter(same);
            }
            files.extend(file.map(|file| (wanted.path.clone(), file)));
        }
        files
    }

    fn settings(&self) -> &GitHubSettings {
        &self.request.github
    }

    fn wants(&self, target: ReportTarget) -> bool {
        self.request.targets.contains(&target)
    }

    /// Where the pull request is to be found.
    fn place(&self, event: &serde_json::Value) -> Place {
        let settings = self.settings();
        match self.request.pull_request {
            Some(number) => Place::Number(number),
            None => place_of(
                settings.event_name.as_deref().unwrap_or("(none)"),
                event,
                settings.git_ref.as_deref().unwrap_or_default(),
                settings.sha.as_deref().unwrap_or_default(),
            ),
        }
    }

    /// The commit that a run is about: the head of the pull request, and not its merge with the base.
    fn head<'e>(&'e self, event: &'e serde_json::Value) -> &'e str {
        named_head(event).unwrap_or(self.settings().sha.as_deref().unwrap_or_default())
    }

    /// The key of the comment: by default that of the files, so that two sets of files have two comments.
    fn key(&self) -> anyhow::Result<String> {
        if let Some(key) = &self.request.key {
            return checked_key(key);
        }
        let paths: Vec<&str> = self.plan.desired.iter().map(|file| file.path.as_str()).collect();
        Ok(format!("files-{}", &sha256_hex(paths.join("\n").as_bytes())[..12]))
    }
}

/// Why a comment must stay as it is.
fn must_stay(there: &CommentMark, mine: &CommentMark) -> Option<String> {
    if !mine.is_not_older_than(there) {
        return Some(format!("it is of a later run ({}, attempt {})", there.run, there.attempt));
    }
    (there.applied && !mine.applied).then(|| "it tells what an apply has done".to_owned())
}
