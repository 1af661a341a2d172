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
    workspace.write("event.json", json!({"pull_request": {"number": 7, "head": {"sha": "abc1234"}}}).to_string());
    workspace
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
        let mut command = self.workspace.command();
        command
            .env("GITHUB_API_URL", &self.github.raw.url)
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_TOKEN", "gh-token")
            .env("GITHUB_REPOSITORY", "contoso/offers")
            .env("GITHUB_EVENT_NAME", self.event)
            .env("GITHUB_EVENT_PATH", self.workspace.path("event.json"))
            .env("GITHUB_REF", "refs/pull/7/merge")
            .env("GITHUB_SHA", "fff0000")
            .env("GITHUB_RUN_ID", self.run.to_string())
            .env("GITHUB_RUN_ATTEMPT", self.attempt.to_string())
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
