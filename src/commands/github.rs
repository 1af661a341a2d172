//! What a workflow run knows of GitHub: its settings, its event, and a client by them.
//!
//! Owns what is said when something of it is missing.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde_json::Value;

use super::console::shown;
use super::paths::is_in_work_tree;
use crate::github::{GitHub, Repository};
use crate::plan::Plan;
use crate::portal::Token;
use crate::report::{is_key, selection_key};

/// The most bytes of an event. GitHub caps its payloads at 25 MiB.
const MAX_EVENT_BYTES: u64 = 32 * 1024 * 1024;

/// What the environment of a workflow says about GitHub.
#[derive(Debug, Clone, Default)]
pub struct GitHubSettings {
    /// `GITHUB_API_URL`.
    pub api_url: Option<String>,
    /// `GITHUB_SERVER_URL`.
    pub server_url: Option<String>,
    /// `GITHUB_TOKEN`, or `GH_TOKEN`; an error: why it can't be used. What asks GitHub for nothing does without.
    pub token: Option<Result<Token, String>>,
    /// `GITHUB_REPOSITORY`.
    pub repository: Option<String>,
    /// `GITHUB_REPOSITORY_ID`.
    pub repository_id: Option<u64>,
    /// `GITHUB_EVENT_NAME`.
    pub event_name: Option<String>,
    /// `GITHUB_EVENT_PATH`.
    pub event_path: Option<PathBuf>,
    /// `GITHUB_REF`.
    pub git_ref: Option<String>,
    /// `GITHUB_SHA`.
    pub sha: Option<String>,
    /// `GITHUB_RUN_ID`.
    pub run_id: Option<String>,
    /// `GITHUB_RUN_ATTEMPT`.
    pub run_attempt: Option<String>,
}

impl GitHubSettings {
    /// A client for the repository of the run.
    pub(super) fn client(&self) -> anyhow::Result<GitHub> {
        let missing = |name: &str| anyhow!("{name} is not set; is this a step of a workflow?");
        let repository = self.repository.as_deref().ok_or_else(|| missing("GITHUB_REPOSITORY"))?;
        let repository = Repository::read(repository).ok_or_else(|| anyhow!("GITHUB_REPOSITORY is not owner/name"))?;
        let repository = Repository { id: self.repository_id, ..repository };
        let token = match &self.token {
            Some(Ok(token)) => token,
            Some(Err(why)) => return Err(anyhow!(why.clone())),
            None => {
                return Err(anyhow!(
                    "GITHUB_TOKEN is not set: give the step `env: GITHUB_TOKEN: ${{{{ github.token }}}}`, and the job the permissions it needs"
                ));
            }
        };
        let api_url = self.api_url.as_deref().unwrap_or("https://api.github.com");
        Ok(GitHub::new(api_url, token.expose(), repository)?)
    }

    /// The event of the workflow; empty where there is none.
    pub(super) fn event(&self) -> anyhow::Result<Value> {
        let Some(path) = &self.event_path else { return Ok(Value::Null) };
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_EVENT_BYTES).read_to_string(&mut text))
            .with_context(|| format!("the event {} can't be read", shown(path)))?;
        serde_json::from_str(&text).with_context(|| format!("the event {} can't be read", shown(path)))
    }

    /// The branch that the run is on.
    pub(super) fn branch(&self) -> Option<&str> {
        self.git_ref.as_deref()?.strip_prefix("refs/heads/")
    }
}

/// The commit that an event names as the head of a pull request.
pub(super) fn named_head(event: &Value) -> Option<&str> {
    let named = [&event["pull_request"]["head"]["sha"], &event["workflow_run"]["head_sha"]];
    named.into_iter().find_map(Value::as_str)
}

/// What the paths of documents lack to be those of the repository: nothing in a git work tree, whose root they
/// start from; elsewhere the working directory below the workspace.
pub(super) fn directory_in_repository(workspace: Option<&Path>) -> String {
    if is_in_work_tree() {
        return String::new();
    }
    let workspace = workspace.and_then(|path| path.canonicalize().ok());
    let here = Path::new(".").canonicalize().ok();
    let below = workspace.zip(here).and_then(|(root, here)| here.strip_prefix(root).ok().map(Path::to_path_buf));
    below.map(|path| path.to_string_lossy().replace('\\', "/")).unwrap_or_default()
}

/// A path of a document as a path of the repository.
pub(super) fn path_in_repository(workspace: Option<&Path>, path: &str) -> String {
    below_directory(&directory_in_repository(workspace), path)
}

/// A path of a document as a path of the repository, where the directory is known.
pub(super) fn below_directory(directory: &str, path: &str) -> String {
    if directory.is_empty() || path.starts_with('/') { path.to_owned() } else { format!("{directory}/{path}") }
}

/// A number from the environment; 0 where there is none.
pub(super) fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What keeps the comment and the check of a plan apart from others: the key that was given, else one that is made
/// of what was selected.
pub(super) fn key_of(given: Option<&str>, plan: &Plan) -> anyhow::Result<String> {
    match given {
        None => Ok(selection_key(&plan.selection)),
        Some(key) if is_key(key) => Ok(key.to_owned()),
        Some(_) => Err(anyhow!("--key takes 1 to 64 letters, digits, `.`, `_`, `-`, `/` and `~`, and no `--`")),
    }
}
