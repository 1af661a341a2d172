//! What is shown on the pull request: its comment, its review comments, the check of its head.
//!
//! Owns who is asked what: which pull request, which commit, whose comment, which text.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};

use anyhow::{Context as _, anyhow};

use super::super::console::shown;
use super::super::files;
use super::step::{append_outputs, in_repository};
use super::{GitHubSettings, Report, ReportTarget};
use crate::desired::SourceFile;
use crate::domain::sha256_hex;
use crate::github::{Commented, GitHub, Place, Repository, ReviewRequest, StickyComment, place_of};
use crate::report::{self, CommentMark, ReviewMark, counted, terminal};

/// The most bytes of an event. GitHub caps its payloads at 25 MiB.
const MAX_EVENT_BYTES: u64 = 32 * 1024 * 1024;

impl Report<'_> {
    pub(super) async fn comment(&self) -> anyhow::Result<()> {
        let github = self.github()?;
        let event = self.event()?;
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
        let github = self.github()?;
        let event = self.event()?;
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
        let github = self.github()?;
        let event = self.event()?;
        let head = self.head(&event);
        if head.len() < 7 || !head.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(anyhow!("the run names no commit, neither in its event nor in GITHUB_SHA"));
        }
        let name = match &self.request.key {
            Some(_) => format!("cancel-pending ({})", self.key()?),
            None => "cancel-pending".to_owned(),
        };
        let mut check = report::check(self.plan, self.outcome);
        self.place_in_repository(&mut check.annotations);
        let url = github.check(&name, head, &check).await?;
        self.console.note(&format!("check: {}\n", terminal(&url)));
        Ok(())
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

    /// GitHub, with what the environment says of it.
    fn github(&self) -> anyhow::Result<GitHub> {
        let settings = self.settings();
        let missing = |name: &str| anyhow!("{name} is not set; is this a step of a workflow?");
        let repository = settings.repository.as_deref().ok_or_else(|| missing("GITHUB_REPOSITORY"))?;
        let repository = Repository::read(repository).ok_or_else(|| anyhow!("GITHUB_REPOSITORY is not owner/name"))?;
        let token = settings.token.as_ref().ok_or_else(|| {
            anyhow!("GITHUB_TOKEN is not set: give the step `env: GITHUB_TOKEN: ${{{{ github.token }}}}`, and the job the permission to write")
        })?;
        let api_url = settings.api_url.as_deref().unwrap_or("https://api.github.com");
        Ok(GitHub::new(api_url, token.expose(), repository)?)
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

    /// The event of the workflow; empty where there is none.
    fn event(&self) -> anyhow::Result<serde_json::Value> {
        let Some(path) = &self.settings().event_path else { return Ok(serde_json::Value::Null) };
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_EVENT_BYTES).read_to_string(&mut text))
            .with_context(|| format!("the event {} can't be read", shown(path)))?;
        serde_json::from_str(&text).with_context(|| format!("the event {} can't be read", shown(path)))
    }

    /// The key of the comment: by default that of the files, so that two sets of files have two comments.
    fn key(&self) -> anyhow::Result<String> {
        match &self.request.key {
            Some(key) if report::is_key(key) => Ok(key.clone()),
            Some(_) => Err(anyhow!("--key takes 1 to 64 letters, digits, `.`, `_` and `-`, and no `--`")),
            None => {
                let paths: Vec<&str> = self.plan.desired.iter().map(|file| file.path.as_str()).collect();
                Ok(format!("files-{}", &sha256_hex(paths.join("\n").as_bytes())[..12]))
            }
        }
    }
}

fn named_head(event: &serde_json::Value) -> Option<&str> {
    let named = [&event["pull_request"]["head"]["sha"], &event["workflow_run"]["head_sha"]];
    named.into_iter().find_map(serde_json::Value::as_str)
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Why a comment must stay as it is.
fn must_stay(there: &CommentMark, mine: &CommentMark) -> Option<String> {
    if !mine.is_not_older_than(there) {
        return Some(format!("it is of a later run ({}, attempt {})", there.run, there.attempt));
    }
    (there.applied && !mine.applied).then(|| "it tells what an apply has done".to_owned())
}
