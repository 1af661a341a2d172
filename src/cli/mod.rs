//! The command line: flags and environment in, a request and an exit status out.
//!
//! Owns how settings are decided: flags, then environment, then defaults. Arguments as typed
//! are `args`; what they come to is decided here; what is then done is `commands`'.

mod args;
mod environment;
mod logging;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};

use crate::commands::{
    self, ApplyRequest, Console, EmulateRequest, Exit, InitRequest, MarkRequest, PlanRequest, PlanScope, PlanSource,
    PortalChoice, PortalRequest, ReportRequest, ReviewGate, Selection, SignInRequest, StatusRequest, UnmadePlan,
    ValidateRequest, WhoamiRequest,
};
use crate::domain::Endpoints;
use crate::report::{TextStyle, terminal};
use args::{Arguments, Command, DesiredArguments, MarkArguments, PlanArguments, PortalArguments, ReportArguments};
use environment::{ColorWish, ENDPOINTS, Environment};

/// Runs the program.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let given: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&given) {
        Ok(arguments) => arguments,
        Err(error) => return misused(&usage::explain(error), &given).into(),
    };
    let environment = Environment::read();
    let console = console(&arguments, &environment);
    logging::start(arguments.global.verbose, arguments.global.log_format);
    let status_file = arguments.global.status_file.clone();
    let exit = match dispatch(arguments, &environment, console) {
        Ok(exit) => exit,
        Err(error) => {
            // The parts one by one: joined, a part that holds line breaks would be hard to read.
            let parts: Vec<String> = error.chain().map(|part| safe_lines(&part.to_string())).collect();
            console.error(&format!("error: {}\n", parts.join(": ")));
            Exit::Failed
        }
    };
    if let Some(path) = status_file
        && let Err(error) = std::fs::write(&path, format!("{}\n", exit.status()))
    {
        console.error(&format!("error: the exit status can't be written ({error})\n"));
        return Exit::Failed.into();
    }
    exit.into()
}

/// Says what is wrong with the command line. Help and version are results; a mistake in usage is an error like any
/// other, and not the 2 that means that a plan holds cancellations.
fn misused(error: &clap::Error, given: &[OsString]) -> Exit {
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Done;
    }
    // A value that can't be read leaves no plan, and the comment of an earlier one would stay.
    if let Some(unmade) = usage::unmade_plan(command(), given)
        && let Err(why) = unmade.leave_usage(&usage::message(error))
    {
        let _ = Arguments::command().error(clap::error::ErrorKind::Io, format!("{why:#}")).print();
    }
    Exit::Failed
}

/// The command line's definition, for completions and for what is generated from it.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

fn safe_lines(text: &str) -> String {
    text.lines().map(terminal).collect::<Vec<_>>().join("\n")
}

fn console(arguments: &Arguments, environment: &Environment) -> Console {
    let style = |stream: &environment::Stream| TextStyle {
        color: arguments.global.color.wanted(environment.color.is_wanted(stream.is_terminal)),
        links: stream.is_terminal
            && environment.opens_links
            && arguments.global.color.wanted(environment.color != ColorWish::Never),
        width: stream.width,
        differences: false,
    };
    Console {
        out: style(&environment.out),
        err: style(&environment.err),
        quiet: arguments.global.quiet,
        watched: environment.err.is_terminal && !environment.is_ci && !arguments.global.quiet,
        masks: environment.in_actions,
        can_ask: environment.input_is_terminal && environment.err.is_terminal,
    }
}

fn dispatch(arguments: Arguments, environment: &Environment, console: Console) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Plan(arguments) => plan(arguments, environment, console),
        Command::Apply(apply) => {
            let max_cancels = apply.desired.max_cancels;
            let files = PlanSource::Files(scope(apply.desired));
            let review = if apply.reviewed {
                Some(ReviewGate {
                    reviewed_by: apply.reviewed_by,
                    require_approval: apply.require_approval,
                    key: apply.key,
                    branch: apply.branch,
                    workspace: environment.github_workspace.clone(),
                    github: environment::github(),
                    summary_file: environment.github_step_summary.clone(),
                })
            } else {
                None
            };
            let source = apply.plan.map_or(files, PlanSource::Document);
            let request = ApplyRequest {
                portal: portal(apply.portal, environment)?,
                source,
                auto_approve: apply.auto_approve,
                differences: apply.diff,
                wait: !apply.no_wait,
                timeout: apply.timeout,
                linger: apply.linger,
                max_cancels,
                plan_out: apply.plan_out,
                out: apply.out,
                format: apply.format.into(),
                journal: apply.journal,
                expect_digest: apply.expect_digest,
                review,
                event: environment.github_event.clone(),
                allowed_events: apply.allow_event,
            };
            block_on(commands::apply(&request, console))
        }
        Command::Status(status) => {
            let request = StatusRequest {
                paths: status.paths,
                kind: status.kind,
                publishers: status.publisher,
                format: status.format.into(),
                interval: status.watch.then_some(status.interval),
                screen: environment.screen(),
                portal: portal(status.portal, environment)?,
            };
            block_on(commands::status(&request, console))
        }
        Command::Init(init) => {
            let request = InitRequest {
                publisher: init.publisher,
                kind: init.kind,
                out: init.out,
                portal: portal(init.portal, environment)?,
            };
            block_on(commands::init(&request, console))
        }
        Command::Report(report) => block_on(commands::report(&report_request(report, environment), console)),
        Command::Validate(validate) => {
            let request = ValidateRequest {
                paths: validate.paths,
                stdin_filename: validate.stdin_filename,
                format: validate.format.into(),
                workspace: environment.github_workspace.clone(),
            };
            commands::validate(&request, console)
        }
        Command::Mark(mark) => commands::mark(&mark_request(mark)?, console),
        Command::Whoami(whoami) => {
            let request = WhoamiRequest {
                paths: whoami.paths,
                format: whoami.format.into(),
                portal: portal(whoami.portal, environment)?,
            };
            block_on(commands::whoami(&request, console))
        }
        Command::Schema(schema) => commands::schema(schema.document.into(), console),
        Command::Emulate(emulate) => {
            let request = EmulateRequest { state: emulate.state, listen: emulate.listen };
            block_on(commands::emulate(&request, console))
        }
        Command::Completions(completions) => commands::completions(completions.shell, command(), console),
        Command::Man(man) => commands::man(command(), man.directory.as_deref(), console),
    }
}

fn plan(arguments: PlanArguments, environment: &Environment, console: Console) -> anyhow::Result<Exit> {
    let scope = PlanScope { coverage: arguments.coverage, ..scope(arguments.desired) };
    let given = arguments.portal.endpoint.clone();
    let portal = match portal(arguments.portal, environment) {
        Ok(portal) => portal,
        Err(error) => {
            let of_variable = environment.endpoints.iter().flat_map(|text| text.split(','));
            let endpoints = given.iter().map(String::as_str).chain(of_variable);
            let message = usage::without_endpoints(&format!("{error:#}"), endpoints);
            let unmade = UnmadePlan { scope, out: arguments.out, format: arguments.format.into() };
            return unmade.leave(message, error, console);
        }
    };
    let request = PlanRequest {
        portal,
        scope,
        out: arguments.out,
        format: arguments.format.into(),
        differences: arguments.diff,
        detailed_exitcode: arguments.detailed_exitcode,
        offline: arguments.offline,
        runner_temp: environment.runner_temp.clone(),
    };
    block_on(commands::plan(&request, console))
}

fn report_request(report: ReportArguments, environment: &Environment) -> ReportRequest {
    ReportRequest {
        plan: report.plan,
        outcome: report.outcome,
        targets: report.to.into_iter().map(Into::into).collect(),
        strict: report.strict,
        summary_file: environment.github_step_summary.clone(),
        output_file: environment.github_output.clone(),
        workspace: environment.github_workspace.clone(),
        runner_temp: environment.runner_temp.clone(),
        pull_request: report.pull_request,
        key: report.key,
        reviewed_by: report.reviewed_by,
        comment_author: report.comment_author,
        github: environment::github(),
    }
}

fn scope(arguments: DesiredArguments) -> PlanScope {
    PlanScope {
        paths: arguments.paths,
        selection: Selection { publishers: arguments.publisher, offers: arguments.offer },
        max_cancels: arguments.max_cancels,
        coverage: false,
    }
}

fn mark_request(arguments: MarkArguments) -> anyhow::Result<MarkRequest> {
    let named = arguments.offer.publisher;
    if let (Some(one), Some(other)) = (&named, &arguments.publisher)
        && one != other
    {
        anyhow::bail!("--offer names the publisher {one}, and --publisher names {other}");
    }
    Ok(MarkRequest {
        file: arguments.file,
        offer: arguments.offer.offer,
        publisher: named.or(arguments.publisher),
        portal: arguments.portal,
        operation_id: arguments.operation_id,
        job_id: arguments.job_id,
        product_id: arguments.product_id,
        reason: arguments.reason,
        expires: arguments.expires,
        dry_run: arguments.dry_run,
    })
}

fn block_on(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime can't be started")?;
    let result = runtime.block_on(work);
    // A name server that does not answer must not keep the process.
    runtime.shutdown_background();
    result
}

fn portal(arguments: PortalArguments, environment: &Environment) -> anyhow::Result<PortalRequest> {
    let choice = if let Some(state) = arguments.emulate {
        PortalChoice::Emulated { state }
    } else {
        // Flags replace the variable: what is on the command line is all there is.
        let (name, written) = match &environment.endpoints {
            Some(variable) if arguments.endpoint.is_empty() => (ENDPOINTS, variable.split(',').collect()),
            _ => ("--endpoint", arguments.endpoint.iter().map(String::as_str).collect::<Vec<_>>()),
        };
        let endpoints = Endpoints::read(written).with_context(|| format!("in {name}"))?;
        let sign_in = Box::new(SignInRequest {
            settings: environment::sign_in(),
            method: arguments.auth.into(),
            cloud: arguments.cloud.into(),
        });
        PortalChoice::At { endpoints, sign_in }
    };
    Ok(PortalRequest { choice, concurrency: arguments.concurrency.into(), request_timeout: arguments.request_timeout })
}
