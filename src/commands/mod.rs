//! What each subcommand does.
//!
//! Owns the wiring of the other modules, one file a subcommand: files in, portal asked, plan
//! made, report out. Knows no flags and no environment: it is handed requests whose settings
//! are all decided.

mod apply;
mod completions;
mod console;
mod documents;
mod emulate;
mod event_gate;
mod files;
mod github;
mod init;
mod live;
mod man;
mod mark;
mod out_file;
mod paths;
mod plan;
mod portal;
mod progress;
mod recorded_plans;
mod report;
mod review_gate;
mod schema;
mod shell_words;
mod signals;
mod status;
mod step_summary;
mod survey;
mod validate;
mod whoami;

use std::process::ExitCode;

pub use apply::{ApplyRequest, PlanSource, apply};
pub use completions::completions;
pub use console::{Console, Format, learn_secret};
pub use emulate::{EmulateRequest, emulate};
pub use github::GitHubSettings;
pub use init::{InitRequest, init};
pub use live::{needed, observe, read_each, unread};
pub use man::man;
pub use mark::{MarkRequest, mark};
pub use plan::{PlanRequest, PlanScope, Selection, UnmadePlan, plan};
pub use portal::{PortalChoice, PortalRequest, SignInRequest};
pub use report::{ReportRequest, ReportTarget, report};
pub use review_gate::ReviewGate;
pub use schema::{SchemaName, schema};
pub use signals::Interruption;
pub use status::{ScreenSize, StatusRequest, status};
pub use validate::{CheckFormat, ValidateRequest, validate};
pub use whoami::{WhoamiRequest, whoami};

/// Name and version, for documents.
const TOOL: &str = concat!("cancel-pending ", env!("CARGO_PKG_VERSION"));

/// How a run ended. The numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or nothing to do.
    Done,
    /// 1: an error, bad input or usage, a refused plan, or an entry that failed, is blocked or can't be read.
    Failed,
    /// 2: with `--detailed-exitcode`, the plan holds cancellations.
    Cancellations,
    /// 3: something was sent whose end is not known.
    OpenEnds,
    /// 130 or 143: interrupted.
    Interrupted(Interruption),
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Cancellations => 2,
            Self::OpenEnds => 3,
            Self::Interrupted(interruption) => interruption.status(),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
