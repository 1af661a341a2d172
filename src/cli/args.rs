//! The command line as it is typed.
//!
//! Owns names, texts and defaults of subcommands and flags. The texts here are the reference:
//! the README repeats them, and a test holds it to them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use super::usage::{self, NamedOffer};
use crate::commands::{CheckFormat, Format, ReportTarget, SchemaName};
use crate::domain::{JobId, OperationId, PortalKind, ProductId, PublisherId};
use crate::identity::{Cloud, Method};

/// Cancels pending Azure Marketplace operations that are marked in a reviewed YAML file
#[derive(Debug, Parser)]
#[command(
    name = "cancel-pending",
    version,
    long_version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("CANCEL_PENDING_BUILD"), ")"),
    max_term_width = 100,
    after_help = "\
Exit status:
  0    done, or nothing to do, or apply --no-wait: all cancellations were accepted
  1    error, bad input or usage, refused, or an entry failed, is blocked, unreadable, not approved
  2    plan --detailed-exitcode: the plan holds cancellations
  3    apply: a cancel call was sent, and its outcome is not known to be final
  130  interrupted (143: terminated)

Environment:
  CANCEL_PENDING_TOKEN     bearer token, enough while one portal is in use. Without it, Entra signs
                           in to Microsoft's endpoints, by the first of these that is set:
                           GitHub OIDC (AZURE_CLIENT_ID, AZURE_TENANT_ID, id-token: write),
                           AZURE_CLIENT_SECRET (with the same two), AZURE_FEDERATED_TOKEN_FILE
                           (likewise), a managed identity (IDENTITY_ENDPOINT), the Azure CLI
  CANCEL_PENDING_TOKEN_<PORTAL>
                           bearer token for one portal: ..._CLOUD_PARTNER, ..._PARTNER_CENTER,
                           ..._PRODUCT_INGESTION; wins over CANCEL_PENDING_TOKEN
  CANCEL_PENDING_ENDPOINT  endpoints as in --endpoint, separated by commas; --endpoint replaces it
  GITHUB_TOKEN             token for GitHub: report --to comment,review,check; apply --reviewed
  HTTPS_PROXY, NO_PROXY    proxy for https addresses, and the hosts to reach without it
  SSL_CERT_FILE            root certificates that replace the system's (Linux; also SSL_CERT_DIR)
  NO_COLOR                 turns colors off, unless --color is given
  CLICOLOR_FORCE           turns colors on without a terminal, unless NO_COLOR or --color is given
  FORCE_HYPERLINK          turns links on a terminal on (1) or off (0), where it is not recognized"
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
    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Print errors and the last line only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log to standard error; given twice, every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Write the exit status to this file
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub status_file: Option<PathBuf>,
    /// Format of the log
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what would be cancelled, and why other offers would not
    ///
    /// Reads the desired state from files and the live state from the portals. Changes neither.
    Plan(PlanArguments),
    /// Apply a plan: cancel what it lists, and nothing else
    ///
    /// Makes a plan from the files, or reads one written by `plan --out`, shows it, asks for
    /// confirmation, and cancels. Before each call, reads what is running, and goes on only if it is
    /// the planned operation. Afterwards, waits until the cancellation is confirmed. The outcome goes to
    /// standard output, the plan and all progress to standard error.
    Apply(Box<ApplyArguments>),
    /// Show what is running on the offers of publishers, and which file wants it stopped
    ///
    /// Lists every offer of the publishers given, or of those in the files. Shows for each what runs on it, how far
    /// it is, and where a file names it: marked, pinned, frozen, or in no file. Changes nothing.
    Status(StatusArguments),
    /// Write a desired state with every offer of a publisher, none of them marked
    ///
    /// Lists the offers, and writes a file to standard output, or to `--out`, which is never overwritten. A plan of
    /// that file plans nothing.
    Init(InitArguments),
    /// Report a plan and its outcome on GitHub
    ///
    /// Reads the documents written by `plan --out` and `apply --out`, and trusts neither. Exits with the
    /// status of the plan, or of its outcome.
    Report(ReportArguments),
    /// Mark an offer in a desired-state file, so that nobody types ids
    ///
    /// Changes the file in its place, leaves all else in it as it is, and shows what changes. Adds the offer if
    /// the file does not have it. What is not given stays as it is, unless the mark was for another operation:
    /// then its pin, its expiry and its reason go. If the result would not be valid, nothing is written.
    Mark(MarkArguments),
    /// Check desired-state files, offline and without an account
    ///
    /// Reports every mistake of every file in one run, with its place and what to write instead.
    Validate(ValidateArguments),
    /// Show how each portal is signed in to, and what the account can read
    ///
    /// The first thing to run when something is wrong. For each portal in use, shows its endpoint, the
    /// credential, and the tenant, client ID, audience and expiry of the token, and lists the offers of each
    /// publisher in the files. Never shows a token.
    Whoami(WhoamiArguments),
    /// Print the JSON Schema of a document
    Schema(SchemaArguments),
    /// Run an emulated portal, for trials and tests
    ///
    /// Serves the portal's API over HTTP and prints its URL to standard output. Accepts any bearer
    /// token, unless the state file names one. `POST /_emulator/clock?advance=3h` advances its clock,
    /// `GET /_emulator/requests` lists the requests so far.
    Emulate(EmulateArguments),
    /// Print a shell completion script
    Completions(CompletionsArguments),
    /// Print the manual page, or write all of them to a directory
    Man(ManArguments),
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Desired state")]
pub(super) struct DesiredArguments {
    /// Desired-state files, and directories of *.yaml and *.yml files
    #[arg(value_name = "PATHS", default_value = "offers.yaml", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Only offers of this publisher; repeatable
    #[arg(long, value_name = "PUBLISHER")]
    pub publisher: Vec<String>,
    /// Only this offer, as OFFER or PUBLISHER/OFFER; repeatable
    #[arg(long, value_name = "OFFER")]
    pub offer: Vec<String>,
    /// Refuse a plan that would cancel more operations than this in all, whatever the files allow
    #[arg(long, value_name = "N")]
    pub max_cancels: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Portal")]
pub(super) struct PortalArguments {
    /// Endpoint to use in place of Microsoft's, for the portal KIND or else for every portal in use: https, or http
    /// to a loopback address; repeatable
    #[arg(long, value_name = "[KIND=]URL", value_delimiter = ',', conflicts_with = "emulate", value_hint = ValueHint::Url)]
    pub endpoint: Vec<String>,
    /// Use an emulated portal inside the process, with this state; needs no account and no network
    #[arg(long, value_name = "STATE.yaml", value_hint = ValueHint::FilePath)]
    pub emulate: Option<PathBuf>,
    /// How to sign in; `auto` uses the first credential in this order that is set
    #[arg(long, value_name = "CREDENTIAL", default_value = "auto")]
    pub auth: Auth,
    /// The cloud whose Entra signs in
    #[arg(long, value_name = "CLOUD", default_value = "public")]
    pub cloud: CloudName,
    /// Maximum concurrent requests to a portal; reduced automatically on HTTP 429
    #[arg(long, value_name = "N", default_value = "16", value_parser = usage::concurrency)]
    pub concurrency: u16,
    /// Timeout per attempt; reads stop being retried after three times this long
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = usage::attempt_time)]
    pub request_timeout: Duration,
}

#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    pub desired: DesiredArguments,
    /// Write the plan document to this file, for `apply --plan` and `report`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Format of the result on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ReportFormat,
    /// Show the difference that each cancellation makes, in text
    #[arg(long)]
    pub diff: bool,
    /// Exit with status 2 if the plan holds cancellations and nothing failed
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Also list what is running on the publishers' offers and is in no file; never cancels it
    #[arg(long)]
    pub coverage: bool,
    /// Do not read the portals; marked offers are planned as not read, and the plan can't be applied
    #[arg(long, conflicts_with_all = ["emulate", "coverage"])]
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
    /// Do not ask for confirmation
    #[arg(long)]
    pub auto_approve: bool,
    /// Show the difference that each cancellation makes, in text
    #[arg(long)]
    pub diff: bool,
    /// Refuse to apply unless the plan has this decision digest
    #[arg(long, value_name = "HEX")]
    pub expect_digest: Option<String>,
    /// Apply only what was approved on pull requests that were merged into this branch
    #[arg(long)]
    pub reviewed: bool,
    /// GitHub App whose check run holds what was approved
    #[arg(long, value_name = "APP", default_value = "github-actions")]
    pub reviewed_by: String,
    /// Also require a review of that very commit, approved by somebody with write access who is not the author
    #[arg(long, requires = "reviewed")]
    pub require_approval: bool,
    /// The --key that the plan was reported with [default: made of PATHS, --publisher and --offer]
    #[arg(long, value_name = "KEY", requires = "reviewed")]
    pub key: Option<String>,
    /// Branch that is applied, if it is not the default branch
    #[arg(long, value_name = "NAME", requires = "reviewed")]
    pub branch: Option<String>,
    /// Do not wait until accepted cancellations are confirmed
    #[arg(long)]
    pub no_wait: bool,
    /// After each confirmed cancellation, keep looking this long for a new operation on the offer
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub linger: Duration,
    /// Time limit for the whole command
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = usage::command_time)]
    pub timeout: Duration,
    /// Write the plan document to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "plan")]
    pub plan_out: Option<PathBuf>,
    /// Write the outcome document to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Format of the result on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ReportFormat,
    /// Journal of the calls, written before and after each
    #[arg(long, value_name = "FILE", default_value = ".cancel-pending/journal.jsonl", value_hint = ValueHint::FilePath)]
    pub journal: PathBuf,
    /// In GitHub Actions, also run on this event, whose commit may not be merged; repeatable
    #[arg(long, value_name = "EVENT")]
    pub allow_event: Vec<String>,
    #[command(flatten)]
    pub portal: PortalArguments,
}

#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// Desired-state files, and directories of *.yaml and *.yml files [default: offers.yaml; with --publisher, if it
    /// exists]
    #[arg(value_name = "PATHS", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Portal to look at [default: those of the files for a publisher, or else cloud-partner]
    #[arg(long = "portal", value_name = "KIND", value_parser = portal_kinds())]
    pub kind: Option<PortalKind>,
    /// All offers of this publisher, instead of those of the files' publishers; repeatable
    #[arg(long, value_name = "PUBLISHER")]
    pub publisher: Vec<PublisherId>,
    /// Format of the result on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ReportFormat,
    /// Look again and again until nothing is running; on a terminal, in place
    #[arg(long)]
    pub watch: bool,
    /// Time between two looks of --watch; longer while the portal fails, or is slow
    #[arg(long, value_name = "TIME", default_value = "30s", requires = "watch", value_parser = usage::watch_interval)]
    pub interval: Duration,
    #[command(flatten)]
    pub portal: PortalArguments,
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The publisher whose offers are listed
    #[arg(long, value_name = "PUBLISHER")]
    pub publisher: PublisherId,
    /// Portal that lists them
    #[arg(long = "portal", value_name = "KIND", default_value = PortalKind::default().as_str(), value_parser = portal_kinds())]
    pub kind: PortalKind,
    /// Write to this file, which must not exist
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub portal: PortalArguments,
}

/// The names of portals.
fn portal_kinds() -> impl TypedValueParser<Value = PortalKind> {
    PossibleValuesParser::new(PortalKind::ALL.iter().map(|kind| kind.as_str()))
        .try_map(|name| name.parse::<PortalKind>())
}

#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// The plan document
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
    /// The outcome document of that plan
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub outcome: Option<PathBuf>,
    /// Where to report to, separated by commas
    #[arg(long, value_name = "TARGETS", value_delimiter = ',', required = true)]
    pub to: Vec<TargetName>,
    /// Pull request to comment on [default: that of the event]
    #[arg(long, value_name = "NUMBER")]
    pub pull_request: Option<u64>,
    /// Name that separates this plan's comment and check from others in the repository [default: made of the plan's
    /// files, publishers and offers]
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// GitHub App whose check run holds what was approved, for `check` after the merge
    #[arg(long, value_name = "APP", default_value = "github-actions")]
    pub reviewed_by: String,
    /// Login that writes the comments, for a token whose owner GitHub does not tell
    #[arg(long, value_name = "LOGIN")]
    pub comment_author: Option<String>,
    /// Exit with status 1 if a target could not be reported to
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum TargetName {
    /// Summary of the step, in `GITHUB_STEP_SUMMARY`
    Summary,
    /// Annotations on the lines of the marks, as workflow commands on standard output
    Annotations,
    /// Outputs of the step, in `GITHUB_OUTPUT`
    Outputs,
    /// One comment on the pull request, with the token in `GITHUB_TOKEN`
    Comment,
    /// Comments on the lines of the marks, with suggestions, with the token in `GITHUB_TOKEN`
    Review,
    /// A check run on the commit, with the token in `GITHUB_TOKEN`
    Check,
}

impl From<TargetName> for ReportTarget {
    fn from(target: TargetName) -> Self {
        match target {
            TargetName::Summary => Self::Summary,
            TargetName::Annotations => Self::Annotations,
            TargetName::Outputs => Self::Outputs,
            TargetName::Comment => Self::Comment,
            TargetName::Review => Self::Review,
            TargetName::Check => Self::Check,
        }
    }
}

/// `--auth`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Auth {
    /// The first credential in this order that is set
    Auto,
    /// A bearer token in `CANCEL_PENDING_TOKEN`, or in the variable of a portal
    Token,
    /// GitHub's OIDC token for the workflow run, exchanged at Entra
    GithubOidc,
    /// `AZURE_CLIENT_ID`, `AZURE_TENANT_ID`, `AZURE_CLIENT_SECRET`
    ClientSecret,
    /// A federated token in `AZURE_FEDERATED_TOKEN_FILE`
    WorkloadIdentity,
    /// The managed identity of a machine in Azure
    ManagedIdentity,
    /// The account signed in by `az login`
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
    /// Desired-state files whose publishers are listed [default: offers.yaml, if it exists]
    #[arg(value_name = "PATHS", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Format of the result on standard output
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
pub(super) struct MarkArguments {
    /// The desired-state file
    #[arg(value_name = "FILE", default_value = "offers.yaml", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The offer to mark, as OFFER or PUBLISHER/OFFER
    #[arg(long, value_name = "OFFER", value_parser = usage::named_offer)]
    pub offer: NamedOffer,
    /// Its publisher [default: that of the file]
    #[arg(long, value_name = "PUBLISHER")]
    pub publisher: Option<PublisherId>,
    /// Its portal: cloud-partner, partner-center or product-ingestion [default: that of the file]
    #[arg(long, value_name = "KIND")]
    pub portal: Option<PortalKind>,
    /// The one operation that is to be cancelled; on partner-center and product-ingestion the submission
    #[arg(long, value_name = "ID")]
    pub operation_id: Option<OperationId>,
    /// The job to cancel, on product-ingestion: what `configure` answered to whoever published
    #[arg(long, value_name = "ID")]
    pub job_id: Option<JobId>,
    /// The product that the offer must be, on partner-center and product-ingestion
    #[arg(long, value_name = "ID")]
    pub product_id: Option<ProductId>,
    /// Why, in one line, for the reviewer
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Time from which on the mark does nothing, such as 2026-12-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct ValidateArguments {
    /// Desired-state files, and directories of *.yaml and *.yml files; `-` reads standard input
    #[arg(value_name = "PATHS", default_value = "offers.yaml", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Path that the text on standard input belongs to, for messages
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub stdin_filename: Option<PathBuf>,
    /// Format of the result on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ValidateFormat,
}

/// The formats of `validate`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ValidateFormat {
    /// For a terminal; mistakes go to standard error
    Text,
    /// For programs
    Json,
    /// For GitHub code scanning and other tools that read SARIF 2.1.0
    Sarif,
    /// Annotations in the log of GitHub Actions
    Github,
}

impl From<ValidateFormat> for CheckFormat {
    fn from(format: ValidateFormat) -> Self {
        match format {
            ValidateFormat::Text => Self::Text,
            ValidateFormat::Json => Self::Json,
            ValidateFormat::Sarif => Self::Sarif,
            ValidateFormat::Github => Self::GitHub,
        }
    }
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
    /// Address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Directory to write the pages of all commands to
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` or `CLICOLOR_FORCE` is set
    Auto,
    /// Also to a file or a pipe
    Always,
    /// Never
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
    /// One line of text per event
    Text,
    /// One JSON object per event
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
    /// The result of `status --format json`
    Status,
}

impl From<SchemaDocument> for SchemaName {
    fn from(document: SchemaDocument) -> Self {
        match document {
            SchemaDocument::DesiredState => Self::DesiredState,
            SchemaDocument::Plan => Self::Plan,
            SchemaDocument::Outcome => Self::Outcome,
            SchemaDocument::Status => Self::Status,
        }
    }
}
