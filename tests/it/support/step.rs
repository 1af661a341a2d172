//! A step of a workflow that reports on pull request 7.

use serde_json::json;

use super::github::FakeGitHub;
use super::{Run, Workspace, repository};

/// A workspace with plan and outcome of the examples, and an event of pull request 7.
pub fn workspace() -> Workspace {
    let workspace = Workspace::new();
    for name in ["offers.yaml", "portal.yaml"] {
        workspace.write(name, std::fs::read(repository(&format!("examples/{name}"))).expect("an example"));
    }
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(1);
    let apply = ["apply", "--plan", "plan.json", "--emulate", "portal.yaml", "--auto-approve", "--out", "outcome.json"];
    workspace.run(apply).expect(1);
    workspace.write("event.json", pull_request_event(1));
    workspace
}

/// The event of pull request 7, whose head is in a repository; 1 is the one that it goes to.
pub fn pull_request_event(head_repository: u64) -> String {
    let head = json!({"sha": "abc1234", "ref": "fix", "repo": {"id": head_repository}});
    let base = json!({"sha": "ba5e000", "ref": "main", "repo": {"id": 1}});
    json!({"pull_request": {"number": 7, "state": "open", "head": head, "base": base}}).to_string()
}

/// Makes a plan in the job of the report: the runner's directory knows of it.
pub fn plan(workspace: &Workspace, more: &[&str]) -> Run {
    std::fs::create_dir_all(workspace.path("temp")).expect("a directory");
    let mut command = workspace.command();
    command.env("RUNNER_TEMP", workspace.path("temp"));
    command.args(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).args(more);
    Run::of(command.output().expect("it runs"))
}

pub struct Step<'a> {
    pub workspace: &'a Workspace,
    pub github: &'a FakeGitHub,
    pub run: u64,
    pub attempt: u64,
    pub event: &'a str,
}

impl<'a> Step<'a> {
    pub fn new(workspace: &'a Workspace, github: &'a FakeGitHub, run: u64) -> Self {
        Self { workspace, github, run, attempt: 1, event: "pull_request" }
    }

    pub fn report(&self, more: &[&str]) -> Run {
        self.report_on(more, "refs/pull/7/merge")
    }

    /// Likewise, on this ref.
    pub fn report_on(&self, more: &[&str], git_ref: &str) -> Run {
        let mut command = self.workspace.command();
        command
            .env("GITHUB_API_URL", self.github.api_url())
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_TOKEN", "gh-token")
            .env("GITHUB_REPOSITORY", "contoso/offers")
            .env("GITHUB_REPOSITORY_ID", "1")
            .env("GITHUB_EVENT_NAME", self.event)
            .env("GITHUB_EVENT_PATH", self.workspace.path("event.json"))
            .env("GITHUB_REF", git_ref)
            .env("GITHUB_SHA", "fff0000")
            .env("GITHUB_RUN_ID", self.run.to_string())
            .env("GITHUB_RUN_ATTEMPT", self.attempt.to_string())
            .env("RUNNER_TEMP", self.workspace.path("temp"))
            .env("GITHUB_OUTPUT", self.workspace.path("outputs"))
            .env("GITHUB_STEP_SUMMARY", self.workspace.path("summary"));
        let run = Run::of(command.args(["report", "--plan", "plan.json"]).args(more).output().expect("it runs"));
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("gh-token"));
        run
    }

    pub fn comment(&self) -> Run {
        self.report(&["--to", "comment"]).expect(1)
    }
}
