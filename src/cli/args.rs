//! The command line as it is typed.
//!
//! Owns names, texts and defaults of subcommands and flags. The texts here are the reference:
//! the README repeats them, and a test holds it to them.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::commands::{Format, ReportTarget, SchemaName};
use crate::identity::{Cloud, Method};

/// Cancels pending Azure Marketplace operations that a reviewed YAML file marks
#[derive(Debug, Parser)]
#[command(
    name = "cancel-pending",
    version,
    max_term_width = 100,
    after_help = "\
Exit status:
  0    done, or nothing to do
  1    an error, bad input or usage, a refused plan, an entry that failed, is blocked or unreadable
  2    plan --detailed-exitcode: the plan holds cancellations
  3    apply: a cancel call was sent whose end is not known
  130  interrupted (143: terminated)

Environment:
  CANCEL_PENDING_TOKEN   bearer token for the portal; without it, Entra signs in by the first of:
                         GitHub OIDC (AZURE_CLIENT_ID, AZURE_TENANT_ID, id-token: write),
                         AZURE_CLIENT_SECRET (with the same two), AZURE_FEDERATED_TOKEN_FILE
                         (likewise), a managed identity (IDENTITY_ENDPOINT), the Azure CLI
  CANCEL_PENDING_ENDPOINT  the portal, where --endpoint is not given
  GITHUB_TOKEN           report --to comment,review,check, and apply --reviewed: token for GitHub
  HTTPS_PROXY, NO_PROXY  the proxy for https addresses, and the hosts that are reached without it
  SSL_CERT_FILE          root certificates in place of the system's (Linux; also SSL_CERT_DIR)
  NO_COLOR               no colours, where --color is not given"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: GlobalArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct GlobalArguments {
    /// When to colour text
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Log what happens to standard error; twice: every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Write the exit status to this file, for who starts the program by exec
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub status_file: Option<PathBuf>,
    /// How the log is written
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show which cancel calls would be made, and why no others
    ///
    /// Reads the desired state from files and the live state from the portal, and changes
    /// neither.
    Plan(PlanArguments),
    /// Carry out a plan: cancel what it says, and nothing else
    ///
    /// Makes a plan from the files, or takes the one of `plan --out`, shows it, asks, and
    /// cancels. Before each call it reads what runs and goes on only if that is the planned
    /// operation; after it, it waits until the operation is seen to be gone. The outcome goes
    /// to standard output, the plan and all progress to standard error.
    Apply(ApplyArguments),
    /// Show a plan and its outcome on GitHub Actions
    ///
    /// Reads the documents of `plan --out` and `apply --out`, trusts neither, and ends as they
    /// did: with the status of the plan, or of its outcome.
    Report(ReportArguments),
    /// Check desired-state files, offline and without any account
    Validate(ValidateArguments),
    /// Show how the portal is signed in to, and what the account may read
    ///
    /// The first thing to run when something is wrong. Shows which credential is used, its tenant,
    /// its client and its end, and asks the portal for the offers of each publisher of the files.
    /// Never shows the token.
    Whoami(WhoamiArguments),
    /// Print the JSON Schema of a document
    Schema(SchemaArguments),
    /// Run a portal for trying things out
    ///
    /// Speaks the portal's API over HTTP and prints its URL on standard output. Any bearer
    /// token is accepted, unless the state file names one. `POST /_emulator/clock?advance=3h`
    /// turns its clock, `GET /_emulator/requests` lists the requests so far.
    Emulate(EmulateArguments),
    /// Print the completion script for a shell
    Completions(CompletionsArguments),
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Desired state")]
pub(super) struct DesiredArguments {
    /// Files of the desired state, and directories of *.yaml and *.yml files
    #[arg(value_name = "PATHS", default_value = "offers.yaml", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Only offers of this publisher; can be given more than once
    #[arg(long, value_name = "PUBLISHER")]
    pub publisher: Vec<String>,
    /// Only this offer, as OFFER or PUBLISHER/OFFER; can be given more than once
    #[arg(long, value_name = "OFFER")]
    pub offer: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Portal")]
pub(super) struct PortalArguments {
    /// The portal: https, or http to a loopback address (default: `https://cloudpartner.azure.com`)
    #[arg(long, value_name = "URL", conflicts_with = "emulate", value_hint = ValueHint::Url)]
    pub endpoint: Option<String>,
    /// Use an emulated portal inside the process, with this state; no account, no network
    #[arg(long, value_name = "STATE.yaml", value_hint = ValueHint::FilePath)]
    pub emulate: Option<PathBuf>,
    /// How to sign in: `auto` takes the first in this order that is set
    #[arg(long, value_name = "CREDENTIAL", default_value = "auto")]
    pub auth: Auth,
    /// The cloud whose Entra signs in
    #[arg(long, value_name = "CLOUD", default_value = "public")]
    pub cloud: CloudName,
    /// The most requests under way at once; where the portal asks for fewer (429), fewer, and spaced out
    #[arg(long, value_name = "N", default_value = "16")]
    pub concurrency: NonZeroU16,
    /// The time for one attempt at a request; no read is tried again after three times as long
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration)]
    pub request_timeout: Duration,
}

#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    pub desired: DesiredArguments,
    /// Write the plan document to this file, for `apply --plan` and `report`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// The format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ReportFormat,
    /// End with status 2 when the plan holds cancellations and nothing failed
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Do not read the portal: every marked offer is in the plan as not read, and nothing of it can be applied
    #[arg(long, conflicts_with = "emulate")]
    pub offline: bool,
    #[command(flatten)]
    pub portal: PortalArguments,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArguments {
    #[command(flatten)]
    pub desired: DesiredArguments,
    /// Apply this plan document instead of making a plan
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["paths", "publisher", "offer"])]
    pub plan: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Do nothing unless the plan's decision digest is this one
    #[arg(long, value_name = "HEX")]
    pub expect_digest: Option<String>,
    /// Do nothing unless the plan is what was approved on the merged pull request of this commit, or a part of it
    #[arg(long)]
    pub reviewed: bool,
    /// The app whose check run says what was approved
    #[arg(long, value_name = "APP", default_value = "github-actions")]
    pub reviewed_by: String,
    /// Besides, somebody with write access who is not the author must have approved that very commit
    #[arg(long, requires = "reviewed")]
    pub require_approval: bool,
    /// Which check run it is, where the plan was reported with the same key
    #[arg(long, value_name = "KEY", requires = "reviewed")]
    pub key: Option<String>,
    /// Do not wait for the end of cancellations that the portal has accepted
    #[arg(long)]
    pub no_wait: bool,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
    /// Write the plan document that is applied to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "plan")]
    pub plan_out: Option<PathBuf>,
    /// Write the outcome document to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// The format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ReportFormat,
    /// Where calls are written down before and after they are made
    #[arg(long, value_name = "FILE", default_value = ".cancel-pending/journal.jsonl", value_hint = ValueHint::FilePath)]
    pub journal: PathBuf,
    /// In GitHub Actions: run on this event, although what is applied may not have been merged
    #[arg(long, value_name = "EVENT")]
    pub allow_event: Vec<String>,
    #[command(flatten)]
    pub portal: PortalArguments,
}

#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// The plan document
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
    /// The outcome document of that plan
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub outcome: Option<PathBuf>,
    /// Where to report, separated by commas
    #[arg(long, value_name = "TARGETS", value_delimiter = ',', required = true)]
    pub to: Vec<Target>,
    /// The pull request to comment on, where it is not the one of the event
    #[arg(long, value_name = "NUMBER")]
    pub pull_request: Option<u64>,
    /// Which comment it is, where a pull request has one for each of several plans
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// The app whose check run says what was approved, for `check` after the merge
    #[arg(long, value_name = "APP", default_value = "github-actions")]
    pub reviewed_by: String,
    /// Who writes the comments, where GitHub does not tell whose the token is
    #[arg(long, value_name = "LOGIN")]
    pub comment_author: Option<String>,
    /// End with status 1 when a target could not be reported to
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Target {
    /// The summary of the step, in `GITHUB_STEP_SUMMARY`
    Summary,
    /// Annotations on the lines of the marks, as workflow commands on standard output
    Annotations,
    /// The outputs of the step, in `GITHUB_OUTPUT`
    Outputs,
    /// One comment on the pull request, with the token in `GITHUB_TOKEN`
    Comment,
    /// Comments on the lines of the marks, with suggestions, with the token in `GITHUB_TOKEN`
    Review,
    /// A check run on the commit, with the token in `GITHUB_TOKEN`
    Check,
}

impl From<Target> for ReportTarget {
    fn from(target: Target) -> Self {
        match target {
            Target::Summary => Self::Summary,
            Target::Annotations => Self::Annotations,
            Target::Outputs => Self::Outputs,
            Target::Comment => Self::Comment,
            Target::Review => Self::Review,
            Target::Check => Self::Check,
        }
    }
}

/// `--auth`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Auth {
    /// The first in this order that is set
    Auto,
    /// `CANCEL_PENDING_TOKEN`
    Token,
    /// GitHub's OIDC token of the workflow run, exchanged at Entra
    GithubOidc,
    /// `AZURE_CLIENT_ID`, `AZURE_TENANT_ID`, `AZURE_CLIENT_SECRET`
    ClientSecret,
    /// A federated token in `AZURE_FEDERATED_TOKEN_FILE`
    WorkloadIdentity,
    /// The identity of a machine in Azure
    ManagedIdentity,
    /// Whoever is signed in by `az login`
    AzureCli,
}

impl From<Auth> for Option<Method> {
    fn from(auth: Auth) -> Self {
        Some(match auth {
            Auth::Auto => return None,
            Auth::Token => Method::Token,
            Auth::GithubOidc => Method::GitHubOidc,
            Auth::ClientSecret => Method::ClientSecret,
            Auth::WorkloadIdentity => Method::WorkloadIdentity,
            Auth::ManagedIdentity => Method::ManagedIdentity,
            Auth::AzureCli => Method::AzureCli,
        })
    }
}

/// `--cloud`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum CloudName {
    /// login.microsoftonline.com
    Public,
    /// login.microsoftonline.us
    UsGovernment,
    /// login.chinacloudapi.cn
    China,
}

impl From<CloudName> for Cloud {
    fn from(name: CloudName) -> Self {
        match name {
            CloudName::Public => Self::Public,
            CloudName::UsGovernment => Self::UsGovernment,
            CloudName::China => Self::China,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct WhoamiArguments {
    /// Files of the desired state, whose publishers are asked for (`offers.yaml`, where there is one)
    #[arg(value_name = "PATHS", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// The format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: WhoamiFormat,
    #[command(flatten)]
    pub portal: PortalArguments,
}

/// The formats of `whoami`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum WhoamiFormat {
    /// For a terminal
    Text,
    /// For programs
    Json,
}

impl From<WhoamiFormat> for Format {
    fn from(format: WhoamiFormat) -> Self {
        match format {
            WhoamiFormat::Text => Self::Text,
            WhoamiFormat::Json => Self::Json,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ValidateArguments {
    /// Files of the desired state, and directories of *.yaml and *.yml files
    #[arg(value_name = "PATHS", default_value = "offers.yaml", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Which document
    pub document: SchemaDocument,
}

#[derive(Debug, Args)]
pub(super) struct EmulateArguments {
    /// The state that the portal starts with
    #[arg(value_name = "STATE.yaml", value_hint = ValueHint::FilePath)]
    pub state: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    pub shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Also where it goes to a file or a pipe
    Always,
    /// Not at all
    Never,
}

impl Color {
    pub const fn wanted(self, automatic: bool) -> bool {
        match self {
            Self::Auto => automatic,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// A line of text an event
    Text,
    /// A JSON object an event
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ReportFormat {
    /// For a terminal
    Text,
    /// The document
    Json,
    /// For a pull request, under 60,000 bytes
    Markdown,
}

impl From<ReportFormat> for Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Text => Self::Text,
            ReportFormat::Json => Self::Json,
            ReportFormat::Markdown => Self::Markdown,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SchemaDocument {
    /// The YAML file
    DesiredState,
    /// plan.json
    Plan,
    /// outcome.json
    Outcome,
}

impl From<SchemaDocument> for SchemaName {
    fn from(document: SchemaDocument) -> Self {
        match document {
            SchemaDocument::DesiredState => Self::DesiredState,
            SchemaDocument::Plan => Self::Plan,
            SchemaDocument::Outcome => Self::Outcome,
        }
    }
}
