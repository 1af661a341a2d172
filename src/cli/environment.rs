//! The environment: every variable that means something, and what the streams are.
//!
//! Owns all access to it. Nothing else in the program reads a variable.

use std::collections::BTreeMap;
use std::env;
use std::io::{IsTerminal as _, stderr, stdin, stdout};
use std::path::PathBuf;

use console::Term;
use secrecy::{ExposeSecret as _, SecretString};

use crate::commands::{GitHubSettings, ScreenSize, learn_secret};
use crate::domain::{PortalKind, first_cause};
use crate::identity::Settings;
use crate::portal::Token;

/// The width of text that goes to no terminal.
const DEFAULT_WIDTH: usize = 100;

/// The variable that holds endpoints, separated by commas.
pub(super) const ENDPOINTS: &str = "CANCEL_PENDING_ENDPOINT";

/// A stream that text is written to.
pub(super) struct Stream {
    pub is_terminal: bool,
    pub width: usize,
}

/// The variables about GitHub that only a comment needs.
pub(super) fn github() -> GitHubSettings {
    let given = ["GITHUB_TOKEN", "GH_TOKEN"].into_iter().find_map(|name| Some((name, secret(name)?)));
    let token = given.map(|(name, token)| {
        Token::new(token.expose_secret()).map_err(|error| format!("{name} can't be used: {}", first_cause(&error)))
    });
    GitHubSettings {
        api_url: variable("GITHUB_API_URL"),
        server_url: variable("GITHUB_SERVER_URL"),
        token,
        repository: variable("GITHUB_REPOSITORY"),
        repository_id: variable("GITHUB_REPOSITORY_ID").and_then(|id| id.parse().ok()),
        event_name: variable("GITHUB_EVENT_NAME"),
        event_path: path("GITHUB_EVENT_PATH"),
        git_ref: variable("GITHUB_REF"),
        sha: variable("GITHUB_SHA"),
        run_id: variable("GITHUB_RUN_ID"),
        run_attempt: variable("GITHUB_RUN_ATTEMPT"),
    }
}

/// The variables that say how to sign in to the portals.
pub(super) fn sign_in() -> Settings {
    let (portal_tokens, unknown_tokens) = portal_tokens();
    Settings {
        portal_tokens,
        unknown_tokens,
        has_certificate: variable("AZURE_CLIENT_CERTIFICATE_PATH").is_some(),
        token: secret("CANCEL_PENDING_TOKEN"),
        client_id: variable("AZURE_CLIENT_ID"),
        tenant_id: variable("AZURE_TENANT_ID"),
        client_secret: secret("AZURE_CLIENT_SECRET"),
        federated_token_file: path("AZURE_FEDERATED_TOKEN_FILE"),
        request_url: variable("ACTIONS_ID_TOKEN_REQUEST_URL"),
        request_token: secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        has_identity_endpoint: variable("IDENTITY_ENDPOINT").is_some(),
        has_identity_header: variable("IDENTITY_HEADER").is_some(),
        in_actions: in_actions(),
        has_azure_cli: is_on_path(&["az", "az.cmd"]),
    }
}

/// A variable that holds a secret. From here on it is cut out of all that is written.
fn secret(name: &str) -> Option<SecretString> {
    let value = SecretString::from(variable(name)?);
    learn_secret(value.expose_secret());
    Some(value)
}

/// The tokens for one portal each, and the variables that look like one and are none.
fn portal_tokens() -> (BTreeMap<PortalKind, SecretString>, Vec<String>) {
    let (mut tokens, mut unknown) = (BTreeMap::new(), Vec::new());
    let names = env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    for name in names.filter(|name| name.starts_with("CANCEL_PENDING_TOKEN_")) {
        let Some(value) = secret(&name) else { continue };
        match PortalKind::ALL.iter().find(|kind| kind.token_variable() == name) {
            Some(kind) => _ = tokens.insert(*kind, value),
            None => unknown.push(name),
        }
    }
    unknown.sort();
    (tokens, unknown)
}

fn in_actions() -> bool {
    variable("GITHUB_ACTIONS").is_some_and(|value| value != "false")
}

fn is_on_path(names: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| names.iter().any(|name| directory.join(name).is_file()))
}

/// What the environment says about colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColorWish {
    /// Everywhere: `CLICOLOR_FORCE`.
    Always,
    /// On a terminal.
    OnTerminal,
    /// Nowhere: `NO_COLOR`, or a terminal that can't.
    Never,
}

impl ColorWish {
    fn read() -> Self {
        if variable("NO_COLOR").is_some() {
            Self::Never
        } else if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
            Self::Always
        } else if variable("TERM").is_some_and(|term| term == "dumb") {
            Self::Never
        } else {
            Self::OnTerminal
        }
    }

    /// Whether to colour what goes to a stream.
    pub const fn is_wanted(self, is_terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::OnTerminal => is_terminal,
            Self::Never => false,
        }
    }
}

/// What the environment says.
pub(super) struct Environment {
    /// `CANCEL_PENDING_ENDPOINT`.
    pub endpoints: Option<String>,
    /// Whether text is coloured where no flag says so.
    pub color: ColorWish,
    /// Whether the terminal is one that opens links.
    pub opens_links: bool,
    /// Whether nobody watches: `CI`.
    pub is_ci: bool,
    /// In GitHub Actions the name of the event, `GITHUB_EVENT_NAME`.
    pub github_event: Option<String>,
    /// `GITHUB_STEP_SUMMARY`.
    pub github_step_summary: Option<PathBuf>,
    /// `GITHUB_OUTPUT`.
    pub github_output: Option<PathBuf>,
    /// `GITHUB_WORKSPACE`.
    pub github_workspace: Option<PathBuf>,
    /// `RUNNER_TEMP`.
    pub runner_temp: Option<PathBuf>,
    /// Whether this is a step of GitHub Actions.
    pub in_actions: bool,
    pub input_is_terminal: bool,
    pub out: Stream,
    pub err: Stream,
}

impl Environment {
    pub fn read() -> Self {
        let width = |term: &Term| term.size_checked().map_or(DEFAULT_WIDTH, |(_, columns)| columns.into());
        Self {
            endpoints: variable(ENDPOINTS),
            color: ColorWish::read(),
            opens_links: opens_links(),
            github_event: variable("GITHUB_EVENT_NAME").filter(|_| in_actions()),
            github_step_summary: path("GITHUB_STEP_SUMMARY"),
            github_output: path("GITHUB_OUTPUT"),
            github_workspace: path("GITHUB_WORKSPACE"),
            runner_temp: path("RUNNER_TEMP"),
            in_actions: in_actions(),
            input_is_terminal: stdin().is_terminal(),
            is_ci: variable("CI").is_some_and(|value| value != "false"),
            out: Stream { is_terminal: stdout().is_terminal(), width: width(&Term::stdout()) },
            err: Stream { is_terminal: stderr().is_terminal(), width: width(&Term::stderr()) },
        }
    }
}

impl Environment {
    /// How large the terminal is that results can be drawn on, asked each time, because it may change; none where
    /// results go elsewhere, or to a terminal that can't.
    pub fn screen(&self) -> Option<fn() -> ScreenSize> {
        let can_draw = self.out.is_terminal && !self.is_ci && variable("TERM").is_none_or(|term| term != "dumb");
        can_draw.then_some(screen_size)
    }
}

fn screen_size() -> ScreenSize {
    let size = Term::stdout().size_checked();
    size.map_or(ScreenSize { rows: 24, columns: DEFAULT_WIDTH }, |(rows, columns)| ScreenSize {
        rows: rows.into(),
        columns: columns.into(),
    })
}

/// Whether the terminal is known to open links that are written by OSC 8. Others may show the address, or rubbish.
/// `FORCE_HYPERLINK` decides where it is set, as for other programs.
fn opens_links() -> bool {
    if let Some(forced) = variable("FORCE_HYPERLINK") {
        return forced != "0";
    }
    let is_one_of = |name: &str, known: &[&str]| variable(name).is_some_and(|value| known.contains(&value.as_str()));
    let vte = variable("VTE_VERSION").and_then(|version| version.parse::<u32>().ok());
    is_one_of("TERM_PROGRAM", &["ghostty", "Hyper", "iTerm.app", "vscode", "WezTerm", "zed"])
        || is_one_of("TERM", &["alacritty", "foot", "xterm-ghostty", "xterm-kitty"])
        || variable("WT_SESSION").is_some()
        || variable("KONSOLE_VERSION").is_some()
        // Earlier ones crashed on them.
        || vte.is_some_and(|version| version > 5_000)
}

/// A variable that is set to something. What is not Unicode counts as something wrong later on.
fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// A variable that names a file or a directory.
fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
