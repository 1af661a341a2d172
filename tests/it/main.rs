//! Integration tests: through the built binary and the library's public face.
#![expect(
    clippy::unnecessary_wraps,
    clippy::type_complexity,
    clippy::format_collect,
    reason = "tables of cases are read row by row"
)]

/// The action and the example workflows, run for real.
mod action;
/// The steps of the action, one by one: inputs, outputs, statuses, signals.
mod action_steps;
/// Carrying a plan out: gates, answers, losses, races, signals.
mod apply;
/// The direction of dependencies between the modules, and what pure modules may not touch.
mod architecture;
/// Flags, exit statuses, help texts, completions, streams.
mod cli;
/// Real clients of the APIs, run against the emulator.
mod clients;
/// The comment on the pull request: one, found again, never lost, never doubled.
mod comment;
/// What every backend must do, on its emulator and on answers that no emulator would give.
mod contract;
/// What runs and is in no file.
mod coverage;
/// Desired-state files: what is accepted, what is refused, and how that is said.
mod desired;
/// README and docs: links, commands, what is generated, pictures.
mod docs;
/// The emulator: the portal's API over HTTP.
mod emulator;
/// The examples, run as the README says.
mod examples;
/// A plan that could not be made: its document, its report, and that it is never applied.
mod failed_plan;
/// Freezes: what they reach, what they cost, how they are told.
mod freezes;
/// `report`: what a step of GitHub Actions shows.
mod github;
/// How servers are reached: proxies, TLS, time, the end of a body.
mod http_client;
/// Sign-in: which credential, what is asked of whom, and that nothing of it is shown.
mod identity;
/// `init`: a file with every offer of a publisher, and nothing marked.
mod init;
/// Installing the program in a workflow.
mod install;
/// The journal: killed runs and what the next one makes of them.
mod journal;
/// What keeps the comment, the review and the check of one plan apart from those of others.
mod keys;
/// Answers that are as large as they may be, and made to keep whoever reads them busy.
mod large_answers;
/// Marking an offer in a file: what is written, and what stays.
mod mark;
/// Partner Center: its table, its pages, its products, planned and applied.
mod partner_center;
/// The decision table, the digest, the limits.
mod plan;
/// The portal as it must not be: slow, broken, hostile.
mod portal;
/// Product Ingestion: its table, its jobs, and what is never sent.
mod product_ingestion;
/// Making a release: what its workflow does, step by step.
mod release;
/// Reports: bounded, and inert whatever they hold.
mod report;
/// Review comments: on their lines, one each, with suggestions that can be followed.
mod review;
/// An apply that goes on only with what was approved.
mod reviewed;
/// Whole runs on the emulator, one directory each.
mod scenarios;
/// The JSON Schemas in the repository, and the documents that must fit them.
mod schemas;
/// Secrets that a server echoes: cut out of all that is shown or stored.
mod secrets;
/// Plans and applies on a simulated portal that fails at random, seed by seed.
mod simulation;
/// `status`: what is running, who wants it stopped, and watching it end.
mod status;
/// A mark pinned or taken out in the file's own text.
mod suggestions;
/// What the tests share.
mod support;
