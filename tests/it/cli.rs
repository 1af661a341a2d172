//! Flags, exit statuses, help texts, completions, streams.

use std::io::Read as _;
use std::process::Stdio;
use std::sync::atomic::Ordering::SeqCst as SEQUENTIAL;

use crate::support::raw::{RawPortal, answer, wait_for_close};
use crate::support::{Run, Workspace};

const OFFERS: &str = "publisher: contoso\noffers:\n  - {id: vm, cancelPending: true}\n  - {id: saas}\n";
const IDLE: &str = "offers: [{publisher: contoso, id: vm}]\n";
const BUSY: &str = "offers: [{publisher: contoso, id: vm, operations: [{id: op}]}]\n";
const BLOCKED: &str = "offers: [{publisher: contoso, id: vm, operations: [{id: op, cancellation: cannotCancel}]}]\n";
const BROKEN: &str = "offers: []\n";

fn workspace(state: &str) -> Workspace {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    workspace.write("portal.yaml", state);
    workspace
}

fn plan(state: &str, more: &[&str]) -> Run {
    workspace(state).run([&["plan", "--emulate", "portal.yaml"], more].concat())
}

#[test]
fn the_exit_status_tells() {
    plan(IDLE, &[]).expect(0);
    plan(IDLE, &["--detailed-exitcode"]).expect(0);
    plan(BUSY, &[]).expect(0);
    plan(BUSY, &["--detailed-exitcode"]).expect(2);
    plan(BLOCKED, &[]).expect(1);
    plan(BLOCKED, &["--detailed-exitcode"]).expect(1);
    plan(BROKEN, &[]).expect(1);
    let refused = workspace(BUSY);
    refused.write("offers.yaml", format!("{OFFERS}limits: {{maxCancels: 0}}\n"));
    let run = refused.run(["plan", "--emulate", "portal.yaml", "--detailed-exitcode", "--out", "plan.json"]).expect(1);
    assert!(run.stdout.starts_with("Refused: 1 "), "{}", run.stdout);
    let plan: serde_json::Value = serde_json::from_str(&refused.read("plan.json")).expect("the plan is written");
    assert!(plan["refused"].as_str().is_some_and(|why| why.contains("`limits.maxCancels`")), "{plan}");
    assert_eq!(plan["entries"][1]["decision"], "cancel", "a refused plan shows what it would have done: {plan}");
}

#[test]
fn mistakes_in_usage_are_1_and_help_is_0() {
    let workspace = Workspace::new();
    for wrong in [
        vec!["plan", "--nope"],
        vec!["nope"],
        vec![],
        vec!["plan", "--concurrency", "0"],
        vec!["plan", "--format", "xml"],
        vec!["plan", "--emulate", "a", "--endpoint", "https://b"],
        vec!["schema", "nope"],
    ] {
        let run = workspace.run(&wrong).expect(1);
        assert_eq!(run.stdout, "", "{wrong:?}");
        assert!(!run.stderr.is_empty(), "{wrong:?}");
    }
    for right in [vec!["--help"], vec!["plan", "--help"], vec!["--version"], vec!["help", "plan"]] {
        let run = workspace.run(&right).expect(0);
        assert_eq!(run.stderr, "", "{right:?}");
    }
}

#[test]
fn values_out_of_bounds_are_refused_in_plain_words() {
    let workspace = Workspace::new();
    for (arguments, expected) in [
        (["plan", "--concurrency", "0"], "use a number from 1 to 256"),
        (["plan", "--concurrency", "257"], "use a number from 1 to 256"),
        (["plan", "--request-timeout", "0s"], "use a time longer than 0"),
        (["plan", "--request-timeout", "18446744073709551615s"], "use at most 1h"),
        (["apply", "--timeout", "500000000000y"], "use at most 7days"),
        (["apply", "--timeout", "99999999999999999999999s"], "use a time with units"),
        (["apply", "--timeout", "30"], "use a time with units"),
    ] {
        let run = workspace.run(arguments).expect(1);
        assert!(run.stderr.contains(expected), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn the_flag_that_endpoint_replaced_is_not_a_riddle() {
    let workspace = Workspace::new();
    for arguments in [&["plan", "--portal", "https://portal.example"][..], &["apply", "--portal=https://u:canary@b"]] {
        let run = workspace.run(arguments).expect(1);
        assert!(run.stderr.contains("unexpected argument '--portal'"), "{}", run.stderr);
        assert!(run.stderr.contains("--portal was replaced by --endpoint [KIND=]URL"), "{}", run.stderr);
        assert!(!run.stderr.contains("canary"), "{}", run.stderr);
    }
    let other = workspace.run(["plan", "--zzzz"]).expect(1);
    assert!(!other.stderr.contains("replaced"), "{}", other.stderr);
}

/// Runs `plan` with endpoints in flags, and then with the same in the variable. Both fail.
fn plan_with_endpoints(endpoints: &[&str]) -> [Run; 2] {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    let flags: Vec<&str> = endpoints.iter().flat_map(|endpoint| ["--endpoint", endpoint]).collect();
    let mut command = workspace.command();
    command.env("CANCEL_PENDING_ENDPOINT", endpoints.join(",")).arg("plan");
    [workspace.run([&["plan"], flags.as_slice()].concat()), Run::of(command.output().expect("it runs"))]
        .map(|run| run.expect(1))
}

#[test]
fn endpoints_that_would_leak_the_token_are_refused_and_each_cause_is_told_once() {
    for (endpoints, expected) in [
        (&["http://cloudpartner.azure.com"][..], "`http://cloudpartner.azure.com` must start with https://"),
        (&["cloud-partner=http://10.0.0.1"], "`http://10.0.0.1` must start with https://"),
        (&["https://portal.example/api"], "`https://portal.example/api` must be scheme, host and port only"),
        (&["https://portal.example/?a=b"], "`https://portal.example/…` must be scheme, host and port only"),
        (&["foo"], "`foo` is not a URL (relative URL without a base)"),
        (&["http://emulator.localhost"], "use --emulate STATE.yaml"),
        (&["clod-partner=https://portal.example"], "unknown portal `clod-partner`; did you mean `cloud-partner`?"),
        (&["https://a.example", "https://b.example"], "two endpoints without a portal's name"),
        (&["cloud-partner=https://a.example", "cloud-partner=https://b.example"], "two endpoints for cloud-partner"),
    ] {
        for (run, place) in plan_with_endpoints(endpoints).iter().zip(["--endpoint", "CANCEL_PENDING_ENDPOINT"]) {
            assert!(run.stderr.starts_with(&format!("error: in {place}: ")), "{}", run.stderr);
            assert_eq!(run.stderr.matches(expected).count(), 1, "{endpoints:?}: {}", run.stderr);
            assert_eq!(
                run.stderr.matches("without a base").count(),
                usize::from(endpoints == ["foo"]),
                "{}",
                run.stderr
            );
        }
    }
}

#[test]
fn user_info_in_an_endpoint_is_refused_and_never_printed() {
    for endpoint in [
        "https://user:canary@portal.example",
        "https://canary@portal.example",
        "cloud-partner=https://user:canary@portal.example",
        "http://user:canary@10.0.0.1",
        "user:canary@portal.example",
        "https://user:can/canary@portal.example",
    ] {
        for run in plan_with_endpoints(&[endpoint]) {
            assert!(!run.stderr.contains("canary") && !run.stdout.contains("canary"), "{}", run.stderr);
            assert!(run.stderr.contains("not shown because it contains `@`"), "{}", run.stderr);
        }
    }
    let run = &plan_with_endpoints(&["https://user:canary@portal.example"])[0];
    assert!(run.stderr.contains("must not contain user info"), "{}", run.stderr);
}

#[test]
fn a_kind_wins_over_none_and_flags_replace_the_variable() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let shared = std::sync::Arc::clone(&seen);
    let portal = RawPortal::serve(move |request, stream| {
        shared.lock().expect("a lock").push(request.header("authorization").unwrap_or_default().to_owned());
        answer(stream, "200 OK", &[], b"[]");
    });
    let own = format!("cloud-partner={}", portal.url);
    let none = "http://127.0.0.1:1";
    for (flags, variable) in [
        (vec!["--endpoint", &portal.url], none.to_owned()),
        (vec!["--endpoint", &own], none.to_owned()),
        (vec!["--endpoint", none, "--endpoint", &own], String::new()),
        (vec![], format!("{none},{own}")),
        (vec![], portal.url.clone()),
    ] {
        let workspace = Workspace::with("offers.yaml", OFFERS);
        let mut command = workspace.command();
        command.env("CANCEL_PENDING_ENDPOINT", &variable).arg("plan").args(&flags);
        let run = Run::of(command.output().expect("it runs")).expect(0);
        assert_eq!(run.stderr, "", "{flags:?} {variable}");
        // The token of the portal wins over the one for any, and another's is said to be unused.
        command.env("CANCEL_PENDING_TOKEN_CLOUD_PARTNER", "own-token").env("CANCEL_PENDING_TOKEN_OTHER", "canary");
        let run = Run::of(command.output().expect("it runs")).expect(0);
        assert!(run.stderr.starts_with("warning: CANCEL_PENDING_TOKEN_OTHER is set, but it names no portal"));
        assert!(!run.stderr.contains("canary"));
    }
    let seen = seen.lock().expect("a lock");
    let expected = ["Bearer a-token", "Bearer own-token"].repeat(5);
    assert_eq!(*seen, expected);
}

#[test]
fn no_token_is_said_before_any_call() {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    let output = workspace.command().env_remove("CANCEL_PENDING_TOKEN").arg("plan").output().expect("it runs");
    let run = Run::of(output).expect(1);
    assert!(run.stderr.starts_with("error: there are no credentials for the portal. In GitHub Actions"));
}

#[test]
fn a_selection_selects_or_is_an_error() {
    let workspace = workspace(BUSY);
    let offers = |arguments: &[&str]| {
        let run = workspace.run([&["plan", "--emulate", "portal.yaml", "--format", "json"], arguments].concat());
        let plan = run.expect(0).json();
        plan["entries"]
            .as_array()
            .expect("entries")
            .iter()
            .map(|e| e["offer"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(offers(&["--offer", "saas"]), ["saas"]);
    assert_eq!(offers(&["--offer", "contoso/VM"]), ["vm"]);
    assert_eq!(offers(&["--offer", "vm", "--offer", "saas"]), ["saas", "vm"]);
    assert_eq!(offers(&["--publisher", "contoso"]), ["saas", "vm"]);
    for wrong in
        [["--offer", "other"], ["--publisher", "fabrikam"], ["--offer", "fabrikam/vm"], ["--offer", "::error::\u{1b}"]]
    {
        let run = workspace.run([&["plan", "--emulate", "portal.yaml"], wrong.as_slice()].concat()).expect(1);
        assert!(run.stderr.contains("no offer in the files"), "{}", run.stderr);
        crate::support::assert_inert_text(&run.stderr);
    }
}

#[test]
fn the_plan_file_is_the_plan_on_standard_output() {
    let workspace = workspace(BUSY);
    let run = workspace.run(["plan", "--emulate", "portal.yaml", "--format", "json", "--out", "plan.json"]).expect(0);
    assert_eq!(workspace.read("plan.json"), run.stdout);
    let run = workspace.run(["plan", "--emulate", "portal.yaml", "--out", "no/such/directory/plan.json"]).expect(1);
    assert!(run.stderr.contains("`no/such/directory/plan.json` can't be written"), "{}", run.stderr);
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    assert!(!plan(BUSY, &[]).stdout.contains('\u{1b}'));
    assert!(!plan(BUSY, &["--color", "never"]).stdout.contains('\u{1b}'));
    assert!(plan(BUSY, &["--color", "always"]).stdout.contains('\u{1b}'));
    let force = ("CLICOLOR_FORCE", "1");
    for (variables, arguments, is_colored) in [
        (&[force][..], &[][..], true),
        (&[force, ("TERM", "dumb")], &[], true),
        (&[("CLICOLOR_FORCE", "0")], &[], false),
        (&[force, ("NO_COLOR", "1")], &[], false),
        (&[force], &["--color", "never"], false),
        (&[("NO_COLOR", "1")], &["--color", "always"], true),
    ] {
        let workspace = workspace(BUSY);
        let mut command = workspace.command();
        command.args(["plan", "--emulate", "portal.yaml"]).args(arguments).envs(variables.iter().copied());
        let run = Run::of(command.output().expect("it runs")).expect(0);
        assert_eq!(run.stdout.contains('\u{1b}'), is_colored, "{variables:?} {arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let workspace = workspace(BUSY);
    let mut command = workspace.command();
    command.args(["schema", "plan"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
    assert_eq!((child.wait().expect("it ends").code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = Workspace::new().run(["completions", shell]).expect(0);
        assert!(run.stdout.contains("detailed-exitcode"), "{shell}");
    }
}

#[test]
fn logs_go_to_standard_error_and_say_what_happens() {
    let text = plan(BUSY, &["-vv", "--format", "json"]).expect(0);
    assert!(text.stderr.contains("answered"), "{}", text.stderr);
    assert!(!text.stderr.contains(":\\:"), "no path of a module is escaped: {}", text.stderr);
    let _ = text.json();
    let json = plan(BUSY, &["-vv", "--log-format", "json"]).expect(0);
    for line in json.stderr.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("a JSON object a line");
        assert!(event["target"].as_str().is_some_and(|target| target.starts_with("cancel_pending")));
    }
}

#[test]
fn an_emulator_state_that_is_wrong_is_said_with_its_place() {
    let workspace = workspace("offers:\n  - {publisher: contoso, id: vm, cancle: {}}\n");
    let run = workspace.run(["plan", "--emulate", "portal.yaml"]).expect(1);
    assert!(run.stderr.starts_with("error: in `portal.yaml`: unknown field"), "{}", run.stderr);
    assert!(run.stderr.contains("cancle"));
    let run = workspace.run(["plan", "--emulate", "none.yaml"]).expect(1);
    assert!(run.stderr.contains("`none.yaml` can't be read"), "{}", run.stderr);
}

#[test]
fn the_version_names_what_was_built_and_for_which_system() {
    let workspace = Workspace::new();
    let long = workspace.run(["--version"]).expect(0).stdout;
    let (version, build) = long.trim_end().split_once(" (").expect("version and build");
    assert_eq!(version, concat!("cancel-pending ", env!("CARGO_PKG_VERSION")));
    assert!(build.ends_with(')') && build.contains(std::env::consts::ARCH), "{build}");
    // For scripts.
    assert_eq!(workspace.run(["-V"]).expect(0).stdout.trim_end(), version);
}

#[test]
fn manual_pages_are_printed_and_written() {
    let workspace = Workspace::new();
    let page = workspace.run(["man"]).expect(0).stdout;
    for section in ["NAME", "SYNOPSIS", "OPTIONS", "SUBCOMMANDS", "\"EXIT STATUS\"", "ENVIRONMENT", "VERSION"] {
        assert!(page.contains(&format!("\n.SH {section}\n")), "{section}: {page}");
    }
    for listed in ["\\fB3\\fR\n", "\\fBCLICOLOR_FORCE\\fR\n", "cancel\\-pending\\-apply(1)"] {
        assert!(page.contains(listed), "{listed}: {page}");
    }
    assert!(!page.contains("build"), "the pages of all systems are the same: {page}");
    let run = workspace.run(["man", "share/man1"]).expect(0);
    let help = workspace.run(["--help"]).expect(0).stdout;
    let commands = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("commands");
    let names: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let expected = names.iter().filter(|name| **name != "help");
    for name in expected.clone() {
        let page = workspace.read(&format!("share/man1/cancel-pending-{name}.1"));
        assert!(page.contains(".SH SYNOPSIS"), "{name}: {page}");
    }
    assert_eq!(workspace.read("share/man1/cancel-pending.1"), page);
    assert_eq!(run.stdout, format!("Wrote {} manual pages to `share/man1`\n", expected.count() + 1));
    workspace.write("file", "");
    assert!(workspace.run(["man", "file/man1"]).expect(1).stderr.starts_with("error: `file/man1` can't be made"));
}

/// With `-q` nothing but errors and the last line; what a program reads is all there.
#[test]
fn quiet_leaves_errors_and_the_last_line() {
    let run = plan(BUSY, &["-q"]).expect(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("Cancel plan: 1 operation to cancel\n", ""));
    let run = plan(BLOCKED, &["--quiet"]).expect(1);
    assert_eq!(run.stdout, "Cancel plan: nothing to cancel, 1 blocked\n");
    assert_eq!(run.stderr, "error: 1 offer blocked (contoso/vm)\n");
    let json = plan(BUSY, &["-q", "--format", "json"]).expect(0);
    assert_eq!((json.json()["summary"]["cancel"].as_u64(), json.stderr.as_str()), (Some(1), ""));
    let apply = workspace(BUSY);
    let run = apply.run(["apply", "--emulate", "portal.yaml", "--auto-approve", "-q"]).expect(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("Apply: 1 of 1 operation cancelled\n", ""));
    let run = apply.run(["validate", "-q", "offers.yaml"]).expect(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("offers.yaml: valid, 2 offers, 1 marked\n", ""));
    let run = apply.run(["plan", "-q", "-v"]).expect(1);
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
    // Who has to answer has to see what is asked.
    let run = apply.run(["apply", "--emulate", "portal.yaml", "-q"]).expect(1);
    assert!(run.stderr.contains("contoso / vm") && run.stderr.contains("cannot prompt"), "{}", run.stderr);
}

#[test]
fn the_last_line_says_why_the_status_is_not_0() {
    let last = |run: &Run| run.stderr.lines().last().unwrap_or_default().to_owned();
    assert_eq!(last(&plan(BUSY, &["--detailed-exitcode"]).expect(2)), "exit status 2: the plan holds cancellations");
    assert_eq!(last(&plan(BROKEN, &[]).expect(1)).split(" (").next(), Some("error: 1 offer could not be read"));
    let both = Workspace::with("offers.yaml", OFFERS.replace("{id: saas}", "{id: saas, cancelPending: true}"));
    both.write("portal.yaml", BLOCKED);
    let arguments = ["--emulate", "portal.yaml", "--out", "plan.json"];
    let run = both.run([&["plan"], &arguments[..]].concat()).expect(1);
    let why = "error: 1 offer blocked (contoso/vm), 1 could not be read (contoso/saas)";
    assert_eq!(last(&run), why);
    let run = both.run(["report", "--plan", "plan.json", "--to", "annotations"]).expect(1);
    assert_eq!(last(&run), why);
    let many: String = (0..5).map(|number| format!("  - {{id: o{number}, cancelPending: true}}\n")).collect();
    let run = Workspace::with("offers.yaml", format!("publisher: contoso\noffers:\n{many}"));
    run.write("portal.yaml", BROKEN);
    let run = run.run(["plan", "--emulate", "portal.yaml"]).expect(1);
    assert_eq!(last(&run), "error: 5 offers could not be read (contoso/o0, contoso/o1, contoso/o2 and 2 more)");
    let stuck = workspace(
        "offers: [{publisher: contoso, id: vm, operations: [{id: op}], cancel: {answer: accepted, polls: 3}}]\n",
    );
    let apply =
        ["apply", "--emulate", "portal.yaml", "--auto-approve", "--out", "outcome.json", "--plan-out", "plan.json"];
    let run = stuck.run([&apply[..], &["--timeout", "2s"]].concat()).expect(3);
    let why = "exit status 3: 1 of 1 cancellation accepted but not yet confirmed; make a new plan later";
    assert_eq!(last(&run), why);
    let reported = ["report", "--plan", "plan.json", "--outcome", "outcome.json", "--to", "annotations"];
    assert_eq!(last(&stuck.run(reported).expect(3)), why);
    let refused =
        workspace("offers: [{publisher: contoso, id: vm, operations: [{id: op}], cancel: {answer: refused}}]\n");
    let run = refused.run(["apply", "--emulate", "portal.yaml", "--auto-approve"]).expect(1);
    assert_eq!(last(&run), "error: 1 cancellation failed (contoso/vm)");
    assert!(run.stdout.ends_with("Apply: 1 of 1 operation failed\n"), "{}", run.stdout);
}

/// Outside of a step there is nothing to report to. That is said, and is no error unless it is to be one.
#[test]
fn a_report_that_reaches_nothing_says_so() {
    let workspace = workspace(BUSY);
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(0);
    let run = workspace.run(["report", "--plan", "plan.json", "--to", "summary"]).expect(0);
    let missing = "no summary: GITHUB_STEP_SUMMARY is not set; is this a step of a workflow?";
    assert_eq!(run.stderr, format!("warning: {missing}\nReported: nothing\n"));
    let run = workspace.run(["report", "--plan", "plan.json", "--to", "summary", "--strict"]).expect(1);
    assert_eq!(run.stderr, format!("error: {missing}\nerror: could not report to summary\n"));
}

#[test]
fn a_document_that_is_none_is_said_with_its_place_before_what_to_do() {
    let workspace = workspace(BUSY);
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(0);
    let plan = workspace.read("plan.json").replacen("\"formatVersion\": 2", "\"formatVersion\": 1", 1);
    workspace.write("plan.json", plan);
    let run = workspace.run(["report", "--plan", "plan.json", "--to", "outputs"]).expect(1);
    let said = "error: `plan.json` is not a plan that can be read (line 2, column 20): it was made by an older release";
    assert!(run.stderr.starts_with(said), "{}", run.stderr);
    assert!(run.stderr.ends_with("; run `cancel-pending plan` again\n"), "{}", run.stderr);
}

/// What would be cancelled comes first, a line each; the differences are there when they are asked for; the end is how
/// to go on.
#[test]
fn a_plan_begins_with_what_it_cancels_and_ends_with_the_next_command() {
    let run = plan(BUSY, &[]).expect(0);
    // How long ago depends on how fast this machine is.
    assert!(run.stdout.starts_with("cancel  contoso / vm  publish op  last changed "), "{}", run.stdout);
    assert!(!run.stdout.contains("pendingOperation"), "{}", run.stdout);
    let end = "\n\nNext: cancel-pending apply --emulate portal.yaml\nCancel plan: 1 operation to cancel\n";
    assert!(run.stdout.ends_with(end), "{}", run.stdout);
    assert!(plan(BUSY, &["--diff"]).expect(0).stdout.contains("\n  +pendingOperation: none\n"));
    for (more, next) in [
        (&["--out", "plan.json"][..], "apply --plan plan.json --emulate portal.yaml"),
        (&["--offer", "vm", "--max-cancels", "2"], "apply --offer vm --max-cancels 2 --emulate portal.yaml"),
        (&["--publisher", "contoso", "--out", "a plan.json"], "apply --plan 'a plan.json' --emulate portal.yaml"),
    ] {
        let run = plan(BUSY, more).expect(0);
        assert!(run.stdout.contains(&format!("\nNext: cancel-pending {next}\n")), "{}", run.stdout);
    }
    for (state, more) in [(IDLE, &[][..]), (BUSY, &["--out", "it's.json"])] {
        assert!(!plan(state, more).expect(0).stdout.contains("Next:"));
    }
    let refused = plan(BUSY, &["--max-cancels", "0"]).expect(1);
    assert!(refused.stdout.starts_with("Refused: ") && !refused.stdout.contains("Next:"), "{}", refused.stdout);
    // The command does what it says.
    let workspace = workspace(BUSY);
    workspace.write("a b.yaml", OFFERS);
    let run = workspace.run(["plan", "a b.yaml", "--emulate", "portal.yaml"]).expect(0);
    let next = run.stdout.lines().find_map(|line| line.strip_prefix("Next: cancel-pending ")).expect("a command");
    assert_eq!(next, "apply 'a b.yaml' --emulate portal.yaml");
    // A workflow goes on by itself.
    let mut command = workspace.command();
    command.env("GITHUB_ACTIONS", "true").args(["plan", "--emulate", "portal.yaml"]);
    assert!(!Run::of(command.output().expect("it runs")).expect(0).stdout.contains("Next:"));
}

/// Runs the program on a terminal of its own, with this typed into it.
#[cfg(target_os = "linux")]
fn on_terminal(workspace: &Workspace, variables: &[(&str, &str)], arguments: &str, typed: &str) -> Run {
    use std::io::Write as _;
    let program = env!("CARGO_BIN_EXE_cancel-pending");
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--return", "--flush", "--echo", "never", "--command"]);
    command.arg(format!("{program} {arguments}")).arg("/dev/null").current_dir(workspace.directory.path()).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh").env("CANCEL_PENDING_TOKEN", "a-token");
    command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("script runs");
    child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).expect("it is typed");
    Run::of(child.wait_with_output().expect("it ends"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_y_is_not_a_yes_and_is_asked_again() {
    let workspace = workspace(BUSY);
    for (typed, status, asked, ending) in [
        ("yes\n", 0, 0, "Apply: 1 of 1 operation cancelled"),
        ("y\nyes\n", 0, 1, "Apply: 1 of 1 operation cancelled"),
        ("y\nY\n\n", 1, 2, "Apply cancelled. Nothing was sent."),
        ("no\n", 1, 0, "Apply cancelled. Nothing was sent."),
    ] {
        let run = on_terminal(&workspace, &[("TERM", "xterm")], "apply --emulate portal.yaml", typed).expect(status);
        assert!(run.stdout.contains("Type 'yes' to cancel 1 operation: "), "{typed:?}: {}", run.stdout);
        assert_eq!(run.stdout.matches("Type 'yes' in full").count(), asked, "{typed:?}: {}", run.stdout);
        assert!(run.stdout.contains(ending), "{typed:?}: {}", run.stdout);
    }
}

/// A terminal that is known to open links is given some, made anew from the product's id; nothing else is.
#[cfg(target_os = "linux")]
#[test]
fn links_are_for_terminals_that_open_them() {
    // The one that the emulated portal tells of every offer.
    let product = "56615b67-2185-49fe-80d2-c4ddf77bb2e8";
    let page = format!("https://partner.microsoft.com/dashboard/commercial-marketplace/offers/{product}/overview");
    let workspace = workspace(BUSY);
    let plan = "plan --emulate portal.yaml";
    let link = format!("\u{1b}]8;;{page}\u{1b}\\op\u{1b}]8;;\u{1b}\\");
    for (variables, is_linked) in [
        (&[("TERM", "xterm-kitty")][..], true),
        (&[("TERM", "xterm"), ("TERM_PROGRAM", "vscode")], true),
        (&[("TERM", "xterm"), ("VTE_VERSION", "7200")], true),
        (&[("TERM", "xterm"), ("FORCE_HYPERLINK", "1")], true),
        (&[("TERM", "xterm")], false),
        (&[("TERM", "xterm"), ("VTE_VERSION", "5000")], false),
        (&[("TERM", "xterm-kitty"), ("FORCE_HYPERLINK", "0")], false),
        (&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")], false),
    ] {
        let run = on_terminal(&workspace, variables, plan, "").expect(0);
        assert_eq!(run.stdout.contains(&link), is_linked, "{variables:?}: {:?}", run.stdout);
        assert_eq!(run.stdout.contains("\u{1b}]8"), is_linked, "{variables:?}: {:?}", run.stdout);
    }
    let mut piped = workspace.command();
    piped.env("FORCE_HYPERLINK", "1").env("CLICOLOR_FORCE", "1").args(plan.split(' '));
    let run = Run::of(piped.output().expect("it runs")).expect(0);
    assert!(!run.stdout.contains("\u{1b}]8"), "{:?}", run.stdout);
    assert!(run.stdout.contains(&page), "who can't click can copy: {}", run.stdout);
}

/// A portal that asks to be left alone is no riddle: the log and the terminal say what is waited for.
#[test]
fn a_read_that_is_retried_is_said() {
    let refusals = std::sync::atomic::AtomicU32::new(1);
    let portal = RawPortal::serve(move |_, stream| {
        if refusals.fetch_update(SEQUENTIAL, SEQUENTIAL, |left| left.checked_sub(1)).is_ok() {
            answer(stream, "429 Too Many Requests", &[("retry-after", "2")], b"");
        } else {
            answer(stream, "200 OK", &[], b"[]");
        }
    });
    let run = workspace(BUSY).run(["plan", "--endpoint", &portal.url]).expect(0);
    assert_eq!(run.stderr, "rate limited by the portal; retrying in 2 s\n");
}

/// Likewise on a terminal, on the line that moves.
#[cfg(target_os = "linux")]
#[test]
fn a_read_that_is_retried_is_shown_on_the_terminal() {
    let refusals = std::sync::atomic::AtomicU32::new(1);
    let portal = RawPortal::serve(move |_, stream| {
        if refusals.fetch_update(SEQUENTIAL, SEQUENTIAL, |left| left.checked_sub(1)).is_ok() {
            answer(stream, "503 Service Unavailable", &[("retry-after", "2")], b"");
        } else {
            answer(stream, "200 OK", &[], b"[]");
        }
    });
    let arguments = format!("plan --endpoint {}", portal.url);
    let run = on_terminal(&workspace(BUSY), &[("TERM", "xterm")], &arguments, "").expect(0);
    assert!(run.stdout.contains("Reading offers 0/1"), "{:?}", run.stdout);
    assert!(run.stdout.contains("rate limited by the portal; retrying in "), "{:?}", run.stdout);
}

#[test]
fn every_help_text() {
    let workspace = Workspace::new();
    let mut texts = String::new();
    for command in [
        vec![],
        vec!["plan"],
        vec!["apply"],
        vec!["status"],
        vec!["init"],
        vec!["report"],
        vec!["mark"],
        vec!["whoami"],
        vec!["validate"],
        vec!["schema"],
        vec!["emulate"],
        vec!["completions"],
        vec!["man"],
    ] {
        let run = workspace.run([command.as_slice(), &["--help"]].concat()).expect(0);
        texts.push_str(&format!("$ cancel-pending {} --help\n{}\n", command.join(" "), run.stdout));
    }
    insta::assert_snapshot!(texts);
}

#[cfg(unix)]
#[test]
fn an_interrupted_plan_ends_with_its_status() {
    for (signal, status) in [("-INT", 130), ("-TERM", 143)] {
        let workspace = Workspace::with("offers.yaml", OFFERS);
        let (sender, receiver) = std::sync::mpsc::channel();
        let portal = RawPortal::start(move |_, stream| {
            let _ = sender.send(());
            wait_for_close(stream);
        });
        let mut command = workspace.command();
        let mut child = command
            .args(["plan", "--endpoint", &portal.url])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        receiver.recv().expect("the portal is asked");
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(status));
    }
}
