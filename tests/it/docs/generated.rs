//! What is generated: the page of the command line, exit statuses, diagnostics.

use std::fmt::Write as _;

use cancel_pending::desired::Code;
use clap::{Arg, Command};

use super::{expect_file, expect_section};
use crate::support::Workspace;

/// A text in a cell of a table. What stands between backticks is shown as it is, but for the bar.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let parts = line.split('`').enumerate();
    let parts = parts.map(|(at, part)| if at % 2 == 0 { part.replace('*', "\\*") } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("`")
}

/// How an argument is written.
fn usage(argument: &Arg) -> String {
    let names: Vec<String> = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let value = if argument.get_action().takes_values() { format!(" {}", names.join(" ")) } else { String::new() };
    match (argument.get_long(), argument.get_short()) {
        (Some(long), Some(short)) => format!("-{short}, --{long}{value}"),
        (Some(long), None) => format!("--{long}{value}"),
        (None, _) => value.trim().to_owned(),
    }
}

fn row(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut meaning = cell(&help);
    let values = argument.get_possible_values();
    let is_listed = argument.get_action().takes_values() && !values.is_empty();
    if is_listed {
        let values: Vec<String> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        write!(meaning, ": {}", values.join(", ")).expect("a string");
    }
    let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
    let defaults: Vec<String> = defaults.collect();
    if !defaults.is_empty() && argument.get_action().takes_values() {
        write!(meaning, " (default `{}`)", defaults.join(" ")).expect("a string");
    }
    format!("| `{}` | {meaning} |\n", usage(argument))
}

fn table<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let rows: String = arguments
        .filter(|argument| !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version"))
        .map(row)
        .collect();
    if rows.is_empty() { rows } else { format!("\n| Argument | Meaning |\n|:--|:--|\n{rows}") }
}

/// A paragraph of the help's end: what its lines name, and what they say of it.
fn list(help: &str, title: &str) -> Vec<(String, String)> {
    let (_, rest) = help.split_once(&format!("{title}:\n")).unwrap_or_else(|| panic!("no {title}"));
    let mut items: Vec<(String, String)> = Vec::new();
    for line in rest.split("\n\n").next().expect("a paragraph").lines() {
        let text = line.trim_start();
        match (line.len() - text.len(), text.split_once("  ")) {
            (2, Some((name, meaning))) => items.push((name.to_owned(), meaning.trim().to_owned())),
            (2, None) => items.push((text.to_owned(), String::new())),
            _ => {
                let (_, meaning) = items.last_mut().expect("a name before it");
                write!(meaning, "{}{text}", if meaning.is_empty() { "" } else { " " }).expect("a string");
            }
        }
    }
    items
}

fn after_help() -> String {
    cancel_pending::cli::command().get_after_help().expect("the end of the help").to_string()
}

#[test]
fn the_page_of_the_command_line() {
    let mut program = cancel_pending::cli::command();
    program.build();
    let mut page = String::from(
        "# Command line\n\n\
         Generated from the program. `cancel-pending COMMAND --help` shows the same. Results go to standard output, everything\n\
         else to standard error. What the exit status means stands in the [README](../README.md#exit-status).\n\n\
         | Command | What it does |\n|:--|:--|\n",
    );
    let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for command in program.get_subcommands().filter(shown) {
        let name = command.get_name();
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(page, "| [`{name}`](#cancel-pending-{name}) | {} |", cell(&about)).expect("a string");
    }
    page.push_str("\n## Options of every command\n");
    page.push_str(&table(program.get_arguments().filter(|argument| argument.is_global_set())));
    page.push_str("\n## Environment\n\nFlags come before variables. Secrets are never flags.\n\n| Variable | Meaning |\n|:--|:--|\n");
    for (name, meaning) in list(&after_help(), "Environment") {
        let names: Vec<String> = name.split(", ").map(|name| format!("`{name}`")).collect();
        writeln!(page, "| {} | {} |", names.join(", "), cell(&meaning)).expect("a string");
    }
    for command in program.get_subcommands().filter(shown) {
        let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string);
        let usage = command.clone().render_usage().to_string();
        write!(
            page,
            "\n## `cancel-pending {}`\n\n{}\n\n```text\n{}\n```\n",
            command.get_name(),
            about.unwrap_or_default().trim(),
            usage.trim_start_matches("Usage: ")
        )
        .expect("a string");
        page.push_str(&table(command.get_arguments().filter(|argument| !argument.is_global_set())));
    }
    expect_file("docs/cli.md", &page);
}

#[test]
fn the_exit_statuses() {
    let rows = list(&after_help(), "Exit status").into_iter().map(|(status, text)| format!("| {status} | {text} |"));
    let rows: Vec<String> = rows.collect();
    expect_section("README.md", "exit statuses", &format!("| Status | Meaning |\n|:--|:--|\n{}", rows.join("\n")));
}

/// A file for each code of a diagnostic that has it, and as little else wrong as can be.
fn examples() -> Vec<(Code, Vec<u8>)> {
    let offer = |lines: &str| format!("publisher: contoso\noffers:\n  - id: contoso-vm\n    {lines}\n").into_bytes();
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (Code::Alias, text("publisher: &name contoso\noffers:\n  - id: contoso-vm\n    publisher: *name\n")),
        (Code::Anchor, offer("reason: &why Blocked")),
        (Code::DuplicateKey, offer("id: contoso-vm")),
        (Code::DuplicateOffer, offer("reason: One\n  - id: Contoso-VM")),
        (Code::EmptyFile, text("# nothing\n")),
        (Code::InvalidBoolean, offer("cancelPending: yes")),
        (Code::InvalidEmail, offer("notificationEmails: ['a@contoso.com,b@contoso.com']")),
        (Code::InvalidId, text("publisher: contoso\noffers:\n  - id: contoso/vm\n")),
        (Code::InvalidNumber, text("publisher: contoso\nlimits: {maxCancels: -1}\noffers: [{id: contoso-vm}]\n")),
        (
            Code::InvalidPattern,
            text(
                "publisher: contoso\nlimits: {maxCancels: 5}\nfreezes: [{offers: ['contoso/*'], expires: 2026-12-01T00:00:00Z, reason: Incident}]\n",
            ),
        ),
        (Code::InvalidReason, offer("reason: ''")),
        (Code::InvalidTimestamp, offer("expires: 2026-12-01")),
        (Code::MergeKey, offer("<<: {reason: Blocked}")),
        (Code::MissingKey, text("offers:\n  - id: contoso-vm\n")),
        (Code::NoOffers, text("publisher: contoso\noffers: []\n")),
        (Code::NotUtf8, vec![0xFF, 0xFE, b'a', 0]),
        (Code::NullValue, offer("cancelPending:")),
        (Code::Syntax, text("publisher: contoso\noffers:\n\t- id: contoso-vm\n")),
        (Code::Tag, offer("reason: !!str Blocked")),
        (Code::TooDeep, text("offers: [[[[[[[[x]]]]]]]]\n")),
        (Code::TooLarge, vec![b'#'; 1024 * 1024 + 1]),
        (Code::UnknownKey, offer("cancelpending: true")),
        (Code::UnknownPortal, text("portal: partner-centre\npublisher: contoso\noffers: [{id: contoso-vm}]\n")),
        (Code::UnusedKey, offer("productId: 0d5c0a4e-1111-4222-8333-944455566677")),
        (Code::WrongType, offer("operationId: 4711")),
    ]
}

/// The table of diagnostics: each code, what it means, and what the program says of an example.
#[test]
fn the_diagnostics() {
    let mut examples = examples();
    let mut rows = String::from("| Code | Meaning | Help, for example |\n|:--|:--|:--|");
    for code in Code::ALL {
        let workspace = Workspace::new();
        // A directory without a file, and a file that is none, are the two that no text can show.
        let path = match code {
            Code::NoFiles => {
                workspace.write("offers/notes.txt", "");
                "offers"
            }
            Code::Unreadable => "missing.yaml",
            // Only a portal can tell.
            Code::UnmatchedPattern => {
                workspace.write("portal.yaml", "offers: [{publisher: contoso, id: contoso-vm}]\n");
                workspace.write(
                    "offers.yaml",
                    "publisher: contoso\nlimits: {maxCancels: 5}\nfreezes: [{offers: [contoso-wm], expires: 2099-12-01T00:00:00Z, reason: Incident}]\n",
                );
                "offers.yaml"
            }
            _ => {
                let at = examples.iter().position(|(known, _)| known == code);
                let at = at.unwrap_or_else(|| panic!("no example of {}", code.as_str()));
                workspace.write("offers.yaml", examples.remove(at).1);
                "offers.yaml"
            }
        };
        let found = if *code == Code::UnmatchedPattern {
            workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(1);
            let plan: serde_json::Value = serde_json::from_str(&workspace.read("plan.json")).expect("JSON");
            plan["failed"].as_array().expect("failures").clone()
        } else {
            let run = workspace.run(["validate", path, "--format", "json"]).expect(1);
            run.json()["diagnostics"].as_array().expect("diagnostics").clone()
        };
        let one = found.iter().find(|one| one["code"] == code.as_str());
        let one = one.unwrap_or_else(|| panic!("{} is not in {found:#?}", code.as_str()));
        let help = one["help"].as_str().unwrap_or("");
        write!(rows, "\n| `{}` | {} | {} |", code.as_str(), cell(code.meaning()), cell(help)).expect("a string");
    }
    assert!(examples.is_empty(), "examples of no code: {examples:?}");
    expect_section("docs/file-format.md", "diagnostics", &rows);
}
