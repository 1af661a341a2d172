//! What is shown on the pull request: its comment, its review comments, the check of its head.
//!
//! Owns who is asked what: which pull request, which commit, whose comment, which text, and
//! which check run approves.

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path};

use anyhow::anyhow;

use super::super::files;
use super::super::github::{GitHubSettings, below_directory, key_of, named_head, number};
use super::super::review_gate;
use super::step::append_outputs;
use super::{Report, ReportTarget};
use crate::desired::SourceFile;
use crate::domain::sha256_hex;
use crate::github::{
    ApprovalQuery, Commented, GitHub, PullRequest, PullRequestSource, ReviewRequest, StickyComment, pull_request_source,
};
use crate::plan::{EntryApproval, EntryVerdict};
use crate::report::{self, Check, CommentMark, CommentOrigin, Conclusion, Refusal, ReviewMark, counted, terminal};

/// The most bytes that the comparison with what was approved may have in a check's summary.
const CONTINUITY_LIMIT: usize = 5_000;

/// What a run is about.
struct Subject {
    /// The commit: the head of the pull request, and not its merge with the base.
    head: String,
    /// The pull request, where its number is known.
    pull_request: Option<PullRequest>,
}

impl Report<'_> {
    pub(super) async fn comment(&self) -> anyhow::Result<()> {
        let github = self.github()?;
        let event = self.settings().event()?;
        let subject = self.subject(github, &event).await?;
        let mark = CommentMark {
            key: self.key()?,
            head: subject.head.chars().take(64).collect(),
            run: number(self.settings().run_id.as_deref()),
            attempt: number(self.settings().run_attempt.as_deref()),
            digest: self.plan.decision_digest.clone(),
            applied: self.outcome.is_some(),
            history: Vec::new(),
        };
        let settings = self.settings();
        let run_url = settings.server_url.as_deref().zip(settings.repository.as_deref());
        let run_url = run_url.map(|(server, repository)| format!("{server}/{repository}/actions/runs/{}", mark.run));
        let is_own = |text: &str| CommentMark::read(text).is_some_and(|own| own.key == mark.key);
        let must_stay = |text: &str| CommentMark::read(text).and_then(|own| must_stay(&own, &mark));
        let age = |text: &str| CommentMark::read(text).map_or((0, 0), |own| (own.run, own.attempt));
        let text = |previous: Option<&str>| {
            let is_of_another_run = self.is_of_another_run();
            let origin = CommentOrigin { run_url: run_url.as_deref(), previous, is_of_another_run };
            report::comment(self.plan, self.outcome, self.links, mark.clone(), origin)
        };
        let author = self.request.comment_author.as_deref();
        let wanted = |may_create| StickyComment {
            is_own: &is_own,
            must_stay: &must_stay,
            age: &age,
            text: &text,
            author,
            may_create,
        };
        let found = github.pull_request(&self.source(&event)).await;
        for number in self.approved_on(github, &mark.key).await {
            if found.as_ref().ok() == Some(&number) {
                continue;
            }
            match github.stick(number, &wanted(false)).await {
                Ok(Commented::Written(url)) => self.console.note(&format!("comment: {}\n", terminal(&url))),
                Ok(Commented::Left(..) | Commented::Absent) => {}
                Err(error) => {
                    let why = error.to_string();
                    self.console.error(&format!("warning: no comment on #{number}: {}\n", terminal(&why)));
                }
            }
        }
        let pull_request = found?;
        let may_create = self.is_about(github, pull_request).await?;
        let commented = github.stick(pull_request, &wanted(may_create)).await?;
        let url = match commented {
            Commented::Written(url) => {
                self.console.note(&format!("comment: {}\n", terminal(&url)));
                url
            }
            Commented::Left(url, why) => {
                self.console.note(&format!("comment: {} was left as it is: {why}\n", terminal(&url)));
                url
            }
            Commented::Absent => {
                self.console.note(&format!(
                    "comment: none: this run is about a branch, and there is no comment on #{pull_request} that it would \
                     bring up to date; --pull-request names where to write one\n"
                ));
                return Ok(());
            }
        };
        match (&self.request.output_file, self.wants(ReportTarget::Outputs)) {
            (Some(path), true) => append_outputs(path, &[("comment-url".to_owned(), url)]),
            _ => Ok(()),
        }
    }

    pub(super) async fn review(&self) -> anyhow::Result<()> {
        let github = self.github()?;
        let event = self.settings().event()?;
        let number_of = github.pull_request(&self.source(&event)).await?;
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
        let files = self.files(github, &directory, &head).await;
        let mut comments = report::review(self.plan, self.links, &|path| files.get(path));
        for comment in &mut comments {
            comment.path = below_directory(&directory, &comment.path);
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
            changed_files: pull_request.changed_files,
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
        let event = self.settings().event()?;
        let subject = self.subject(github, &event).await?;
        let head = subject.head.as_str();
        if head.len() < 7 || !head.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(anyhow!("the run names no commit, neither in its event nor in GITHUB_SHA"));
        }
        let name = report::check_name(&self.key()?);
        let mut check = report::check(self.plan, self.outcome, self.links);
        self.continue_from_approval(github, &event, &name, &mut check).await;
        let mut why_not = self.approves_nothing(&subject);
        if why_not.is_none() && !check.approve(self.plan) {
            why_not = Some("the decision document is too long for a check run");
            check
                .summary
                .push_str("\n**This check approves nothing:** the decision document is too long for a check run.\n");
        }
        if self.is_of_another_run() {
            check.summary.insert_str(0, report::UNVERIFIED);
            // What another run says of the portal is its word alone.
            if check.conclusion == Conclusion::Success {
                check.conclusion = Conclusion::Neutral;
            }
        }
        self.place_in_repository(&mut check.annotations);
        let url = github.check(&name, head, &check).await?;
        let why_not = why_not.filter(|_| self.outcome.is_none());
        let why_not = why_not.map(|why| format!(" (approves nothing: {why})")).unwrap_or_default();
        self.console.note(&format!("check: {}{why_not}\n", terminal(&url)));
        Ok(())
    }

    /// Why the check run must not be taken for an approval by a later `apply --reviewed`.
    fn approves_nothing(&self, subject: &Subject) -> Option<&'static str> {
        let of_pull_request = subject.pull_request.as_ref().filter(|pull| pull.head.sha == subject.head);
        if self.outcome.is_some() {
            Some("it tells what an apply has done")
        } else if self.is_of_another_run() {
            Some("the plan is another run's")
        } else if of_pull_request.is_none() {
            Some("the commit is not the head of a pull request")
        } else if !of_pull_request.is_some_and(PullRequest::is_of_one_repository) {
            Some("the pull request comes from another repository")
        } else if self.plan.failed.is_some() {
            Some("no plan was made")
        } else if self.plan.unread() > 0 {
            Some("the portal was not read")
        } else if self.plan.refused.is_some() {
            Some("the plan is refused")
        } else if !self.is_recorded {
            Some("the plan was not made in this job")
        } else {
            None
        }
    }

    /// Whether the plan is an artifact of the run that this one follows.
    fn is_of_another_run(&self) -> bool {
        self.settings().event_name.as_deref() == Some("workflow_run")
    }

    /// After the review, in the merge queue and on the merged commit, the check says whether what would be
    /// cancelled is still what was approved.
    async fn continue_from_approval(&self, github: &GitHub, event: &serde_json::Value, name: &str, check: &mut Check) {
        let settings = self.settings();
        let base = event["merge_group"]["base_ref"].as_str().and_then(|base| base.strip_prefix("refs/heads/"));
        let (first, branch) = match (settings.event_name.as_deref(), self.source(event)) {
            (Some("push"), PullRequestSource::Commit(_)) => (None, settings.branch()),
            (Some("push"), PullRequestSource::Number(number)) => (Some(number), settings.branch()),
            (Some("merge_group"), PullRequestSource::Number(number)) => (Some(number), base),
            _ => return,
        };
        let Some(branch) = branch else { return };
        let verdicts = self.compared(github, name, first, branch).await;
        // First, because it decides whether the rest is worth reading.
        check.summary.insert_str(0, &report::continuity(&verdicts, CONTINUITY_LIMIT));
        let verdicts = verdicts.unwrap_or_default();
        let is_another = |verdict: &EntryVerdict| {
            matches!(verdict.approval, EntryApproval::OtherOperation(..) | EntryApproval::OtherRecipients(..))
        };
        if verdicts.iter().any(is_another) {
            check.conclusion = Conclusion::Failure;
        } else if check.conclusion == Conclusion::Success && !verdicts.iter().all(EntryVerdict::is_approved) {
            // It may be another pull request's in the same group of the merge queue, which is not merged yet.
            check.conclusion = Conclusion::Neutral;
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
            let mut file = files::read(&wanted.path).filter(same);
            if file.is_none() {
                let bytes = github.file(&below_directory(directory, &wanted.path), head).await.ok().flatten();
                file = bytes.map(|bytes| SourceFile { path: wanted.path.clone(), bytes }).filter(same);
            }
            files.extend(file.map(|file| (wanted.path.clone(), file)));
        }
        files
    }

    /// The pull requests that approved what was applied. Each still shows its plan: two that are merged close together
    /// are applied by one run, which is about the second.
    async fn approved_on(&self, github: &GitHub, key: &str) -> BTreeSet<u64> {
        let settings = self.settings();
        let is_of_branch = matches!(settings.event_name.as_deref(), Some("push" | "schedule" | "workflow_dispatch"));
        let Some(branch) = settings.branch().filter(|_| is_of_branch && self.outcome.is_some()) else {
            return BTreeSet::new();
        };
        let verdicts = self.compared(github, &report::check_name(key), None, branch).await.unwrap_or_default();
        let approved = |verdict: &EntryVerdict| match verdict.approval {
            EntryApproval::Approved(number) => Some(number),
            _ => None,
        };
        verdicts.iter().filter_map(approved).collect()
    }

    /// What was approved of the plan's entries, by the pull request that is named and by those that were merged into
    /// the branch. What the comment has looked up, the check need not.
    async fn compared(
        &self,
        github: &GitHub,
        check_name: &str,
        first: Option<u64>,
        branch: &str,
    ) -> Result<Vec<EntryVerdict>, Refusal> {
        if let Some(known) = self.compared.get().filter(|_| first.is_none()) {
            return known.clone();
        }
        let query = ApprovalQuery { check_name, app: &self.request.reviewed_by, require_approval: false };
        let found = review_gate::look_up(github, &query, self.plan, first, branch).await.map(|(verdicts, _)| verdicts);
        if first.is_none() {
            // Nobody else can have set it since.
            let _ = self.compared.set(found.clone());
        }
        found
    }

    /// Whether a pull request that was found is what the run is about. A scheduled run, and one that was started by
    /// hand, are about their branch: the pull request that its last commit came from may be anybody's.
    async fn is_about(&self, github: &GitHub, number: u64) -> anyhow::Result<bool> {
        let is_of_branch = matches!(self.settings().event_name.as_deref(), Some("schedule" | "workflow_dispatch"));
        if !is_of_branch || self.request.pull_request.is_some() {
            return Ok(true);
        }
        Ok(github.read_pull_request(number).await?.state == "open")
    }

    fn settings(&self) -> &GitHubSettings {
        &self.request.github
    }

    fn wants(&self, target: ReportTarget) -> bool {
        self.request.targets.contains(&target)
    }

    /// The one client of the run: what it has waited for GitHub, and whose token it is, holds for all targets.
    fn github(&self) -> anyhow::Result<&GitHub> {
        if self.github.get().is_none() {
            // Nobody else can have set it since.
            let _ = self.github.set(self.settings().client()?);
        }
        self.github.get().ok_or_else(|| anyhow!("there is no client for GitHub"))
    }

    /// Where the pull request is to be found.
    fn source(&self, event: &serde_json::Value) -> PullRequestSource {
        let settings = self.settings();
        match self.request.pull_request {
            Some(number) => PullRequestSource::Number(number),
            None => pull_request_source(
                settings.event_name.as_deref().unwrap_or("(none)"),
                event,
                settings.git_ref.as_deref().unwrap_or_default(),
                settings.sha.as_deref().unwrap_or_default(),
            ),
        }
    }

    /// The commit and the pull request that a run is about. `GITHUB_SHA` is the head of no pull request.
    async fn subject(&self, github: &GitHub, event: &serde_json::Value) -> anyhow::Result<Subject> {
        let settings = self.settings();
        let of_event: Option<PullRequest> = serde_json::from_value(event["pull_request"].clone()).ok();
        let head_of_event = || named_head(event).unwrap_or(settings.sha.as_deref().unwrap_or_default()).to_owned();
        let number = match (self.source(event), settings.event_name.as_deref()) {
            // The check of a group of the merge queue is that of the group.
            (_, Some("merge_group")) if self.request.pull_request.is_none() => None,
            (PullRequestSource::Number(number), _) => Some(number),
            _ => None,
        };
        let Some(number) = number else { return Ok(Subject { head: head_of_event(), pull_request: None }) };
        if let Some(pull) = of_event.filter(|pull| pull.number == number) {
            return Ok(Subject { head: pull.head.sha.clone(), pull_request: Some(pull) });
        }
        let is_named = named_head(event).is_some() && self.request.pull_request.is_none();
        let pull = github.read_pull_request(number).await?;
        let head = if is_named { head_of_event() } else { pull.head.sha.clone() };
        Ok(Subject { head, pull_request: Some(pull) })
    }

    fn key(&self) -> anyhow::Result<String> {
        key_of(self.request.key.as_deref(), self.plan)
    }
}

/// Why a comment must stay as it is.
fn must_stay(there: &CommentMark, mine: &CommentMark) -> Option<String> {
    if !mine.is_not_older_than(there) {
        return Some(format!("it is of a later run ({}, attempt {})", there.run, there.attempt));
    }
    (there.applied && !mine.applied).then(|| "it tells what an apply has done".to_owned())
}
