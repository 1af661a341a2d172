//! The steps of the action, one by one, with the environment that `action.yml` gives them.
//!
//! Owns how GitHub's runner evaluates that: inputs and their defaults, `continue-on-error`, `outcome`, `if`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::action::stand_in;
use crate::support::{Run, Workspace, repository};

const OFFERS: &str = "publisher: contoso
offers:
  - {id: vm, cancelPending: true, operationId: one}
  - {id: saas, cancelPending: true}
";

const PORTAL: &str = "offers:
  - {publisher: contoso, id: vm, operations: [{id: one, changedAgo: 26h}]}
  - {publisher: contoso, id: saas, operations: [{id: two, changedAgo: 26h}]}
";

/// Writes down its arguments, and leaves the documents that it is asked for.
const RECORDER: &str = "printf '%s\\n' \"$@\" --- >> \"$HOME/arguments\"
echo \"${GITHUB_TOKEN-none} ${CP_GITHUB_TOKEN-none}\" >> \"$HOME/tokens\"
for argument in \"$@\"; do
  case \"$argument\" in
    --out=* | --plan-out=*) echo {} >\"${argument#*=}\" ;;
    --status-file=*) echo 0 >\"${argument#*=}\" ;;
  esac
done";

fn definition() -> Value {
    serde_yaml::from_str(&fs::read_to_string(repository("action.yml")).expect("a file")).expect("YAML")
}

/// A workflow's step that uses the action.
struct Use {
    workspace: Workspace,
    program: String,
    inputs: BTreeMap<String, String>,
}

/// How it ended.
struct Used {
    workspace: Workspace,
    status: Option<i32>,
    log: String,
    outputs: BTreeMap<String, String>,
}

impl Use {
    fn new(inputs: &[(&str, &str)]) -> Self {
        let workspace = Workspace::with("offers.yaml", OFFERS);
        workspace.write("portal.yaml", PORTAL);
        workspace.write("left/.keep", "");
        let own = inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { workspace, program: env!("CARGO_BIN_EXE_cancel-pending").to_owned(), inputs: own }
    }

    /// Without the program, of which only the arguments are of interest.
    fn recorded(inputs: &[(&str, &str)]) -> Self {
        let mut own = Self::new(inputs);
        stand_in(&own.workspace, "recorder", RECORDER);
        own.program = own.workspace.path("recorder").display().to_string();
        own
    }

    /// What an expression of `action.yml` is.
    fn evaluate(&self, definition: &Value, expression: &str, outcome: &str) -> String {
        let Some(inner) = expression.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")) else {
            return expression.to_owned();
        };
        let mut values = inner.split("||").map(str::trim).map(|part| match part.split_once('.') {
            Some(("inputs", name)) => self.inputs.get(name).cloned().unwrap_or_else(|| {
                let default = definition["inputs"][name]["default"].as_str().unwrap_or_default();
                if default.starts_with("${{") { "gh-token".to_owned() } else { default.to_owned() }
            }),
            Some(("env", _)) => String::new(),
            Some(("steps", "install.outputs.program")) => self.program.clone(),
            Some(("steps", "install.outputs.directory")) => self.workspace.path("left").display().to_string(),
            Some(("steps", "report.outcome")) => outcome.to_owned(),
            _ => panic!("{expression} is nothing that this knows"),
        });
        values.find(|value| !value.is_empty()).unwrap_or_default()
    }

    fn step(&self, definition: &Value, id: &str, outcome: &str) -> Command {
        let steps = definition["runs"]["steps"].as_array().expect("steps");
        let step = steps.iter().find(|step| step["id"] == *id).expect("a step");
        let script = step["run"]
            .as_str()
            .expect("a script")
            .replace("$GITHUB_ACTION_PATH", &repository("").display().to_string());
        let mut command = Command::new("bash");
        // As the runner does for `shell: bash`.
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script]);
        command.current_dir(self.workspace.directory.path()).env_clear();
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.workspace.directory.path())
            .env("GITHUB_OUTPUT", self.workspace.path(&format!("outputs-{id}")))
            .env("GITHUB_STEP_SUMMARY", self.workspace.path("summary"));
        for (name, value) in step["env"].as_object().expect("its environment") {
            command.env(name, self.evaluate(definition, value.as_str().expect("text"), outcome));
        }
        command
    }

    fn run(self) -> Used {
        let definition = definition();
        let mut log = String::new();
        let mut outcome = "success";
        let mut status = None;
        let mut outputs = BTreeMap::new();
        for id in ["run", "report", "finish"] {
            let run = Run::of(self.step(&definition, id, outcome).output().expect("bash runs"));
            log.push_str(&format!("{}{}", run.stdout, run.stderr));
            outcome = if run.status == Some(0) { "success" } else { "failure" };
            status = run.status;
            let text = fs::read_to_string(self.workspace.path(&format!("outputs-{id}"))).unwrap_or_default();
            outputs.extend(read_outputs(&text).map(|(name, value)| (format!("{id}.{name}"), value)));
        }
        let outputs = definition["outputs"].as_object().expect("outputs").iter().filter_map(|(name, output)| {
            let value = output["value"].as_str().expect("an expression");
            let key = value.strip_prefix("${{ steps.")?.strip_suffix(" }}")?.replace(".outputs.", ".");
            Some((name.clone(), outputs.get(&key)?.clone()))
        });
        Used { status, log, outputs: outputs.collect(), workspace: self.workspace }
    }
}

/// `name=value` and `name<<DELIMITER`, as the runner reads them.
fn read_outputs(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        if let Some((name, delimiter)) = line.split_once("<<").filter(|(name, _)| !name.contains('=')) {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            return Some((name.to_owned(), value.join("\n")));
        }
        line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    })
}

impl Used {
    #[track_caller]
    fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{}", self.log);
        self
    }

    /// The calls of the recorder, each as the program reads it.
    fn calls(&self) -> Vec<clap::ArgMatches> {
        let text = self.workspace.read("arguments");
        let calls = text.split("---\n").filter(|call| !call.is_empty());
        let read = |call: &str| {
            let arguments = std::iter::once("cancel-pending").chain(call.lines());
            cancel_pending::cli::command()
                .try_get_matches_from(arguments)
                .unwrap_or_else(|error| panic!("{error}\n{call}"))
        };
        calls.map(read).collect()
    }
}

/// The arguments of a call, `--flag=value` each, without where documents are left.
fn flags(workspace: &Workspace, call: usize) -> Vec<String> {
    let text = workspace.read("arguments");
    let call = text.split("---\n").nth(call).expect("a call");
    let own = |line: &&str| {
        !["--status-file", "--out", "--plan-out", "--plan=", "--outcome"].iter().any(|own| line.starts_with(own))
    };
    call.lines().filter(own).map(str::to_owned).collect()
}

/// A value for each input, of which the program must be told in its own words.
fn sample(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "publisher" => ("contoso\n fabrikam ", "--publisher=contoso --publisher=fabrikam"),
        "offer" => ("vm, contoso/saas", "--offer=vm --offer=contoso/saas"),
        "portal" => ("http://127.0.0.1:1", "--portal=http://127.0.0.1:1"),
        "endpoint" => ("http://127.0.0.1:1", "--endpoint=http://127.0.0.1:1"),
        "max-cancels" => ("3", "--max-cancels=3"),
        "expect-digest" => ("abc", "--expect-digest=abc"),
        "reviewed" => ("true", "--reviewed"),
        "require-approval" => ("true", "--require-approval"),
        "reviewed-by" => ("my-app", "--reviewed-by=my-app"),
        "allow-event" => ("issue_comment", "--allow-event=issue_comment"),
        "key" => ("a key", "--key=a key"),
        "branch" => ("release", "--branch=release"),
        "linger" => ("7m", "--linger=7m"),
        "request-timeout" => ("5s", "--request-timeout=5s"),
        "wait" => ("false", "--no-wait"),
        "timeout" => ("5m", "--timeout=5m"),
        "journal" => ("sent.jsonl", "--journal=sent.jsonl"),
        "concurrency" => (" 4\n", "--concurrency=4"),
        "report" => ("summary,\n check", "--to=summary,check,outputs"),
        "pull-request" => ("7", "--pull-request=7"),
        "comment-author" => ("octocat", "--comment-author=octocat"),
        "strict" => ("true", "--strict"),
        "auth" => ("azure-cli", "--auth=azure-cli"),
        "cloud" => ("china", "--cloud=china"),
        _ => return None,
    })
}

/// Inputs that are no flags, or exclude others and are tested by themselves.
const OTHERS: &[&str] = &[
    "command",
    "files",
    "plan",
    "offline",
    "coverage",
    "emulate",
    "github-token",
    "token",
    "azure-client-id",
    "azure-tenant-id",
    "azure-client-secret",
    "working-directory",
    "version",
    "release-url",
    "binary",
];

/// Flags that the action sets by itself, or that mean nothing in a workflow.
const NO_INPUTS: &[&str] = &[
    "out",
    "plan-out",
    "outcome",
    "to",
    "auto-approve",
    "status-file",
    "format",
    "detailed-exitcode",
    "diff",
    "quiet",
    "color",
    "verbose",
    "log-format",
    "help",
    "version",
];

#[test]
fn each_flag_of_the_program_is_an_input() {
    let inputs = definition()["inputs"].as_object().expect("inputs").clone();
    let mut program = cancel_pending::cli::command();
    program.build();
    let mut seen = 0;
    for command in ["plan", "apply", "report"] {
        let command = program.find_subcommand(command).expect("a command");
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            let input = flag.strip_prefix("no-").unwrap_or(flag);
            assert!(
                NO_INPUTS.contains(&flag) || inputs.contains_key(input),
                "--{flag} of {} is no input of the action",
                command.get_name()
            );
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn each_input_is_a_flag_that_the_program_knows() {
    let definition = definition();
    let names = definition["inputs"].as_object().expect("inputs").keys().map(String::as_str);
    let samples: BTreeMap<&str, (&str, &str)> = names
        .filter(|name| !OTHERS.contains(name))
        .map(|name| (name, sample(name).unwrap_or_else(|| panic!("{name} is not tested"))))
        .collect();
    let mut missing: Vec<&str> = samples.values().flat_map(|(_, flags)| flags.split(" --")).collect();
    for command in ["plan", "apply"] {
        let mut inputs: Vec<(&str, &str)> = samples.iter().map(|(name, (value, _))| (*name, *value)).collect();
        inputs.push(("command", command));
        let used = Use::recorded(&inputs).run().expect(0);
        assert_eq!(used.calls().len(), 2, "{command}: the program and its report");
        for call in 0..2 {
            let flags = flags(&used.workspace, call);
            missing.retain(|flag| !flags.iter().any(|one| one.trim_start_matches('-') == flag.trim_start_matches('-')));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    let files = ("files", " a b.yaml \r\n\n-c.yaml\n");
    let used = Use::recorded(&[("command", "plan"), ("offline", "true"), ("coverage", "true"), files]).run();
    let used = used.expect(0);
    let flags = flags(&used.workspace, 0);
    for flag in ["--offline", "--coverage"] {
        assert!(flags.contains(&flag.to_owned()), "{flags:?}");
    }
    assert_eq!(flags[flags.len() - 3..], ["--", "a b.yaml", "-c.yaml"]);
    let used = Use::recorded(&[("command", " validate ")]).run().expect(0);
    assert_eq!(used.calls().len(), 1);
    used.workspace.write("plan.json", "{}");
    let report = Use::recorded(&[("command", "report"), ("plan", "portal.yaml")]).run().expect(0);
    assert_eq!(report.calls().len(), 1);
    assert!(!report.outputs.contains_key("plan"), "it was somebody else's");
}

#[test]
fn a_mistake_in_an_input_is_refused_by_name() {
    let mut table = vec![
        ("command", "aply", "the input `command` is none of"),
        ("command", "plan\napply", "the input `command` takes one line"),
        ("report", "sumary", "the input `report` takes summary"),
        ("report", "summary;check", "the input `report` takes summary"),
        ("report", "none,check", "the input `report` takes `none` or targets"),
        ("pull-request", "#7", "the input `pull-request` is not a number"),
        ("key", "a\nb", "the input `key` takes one line"),
        ("journal", "a\nb", "the input `journal` takes one line"),
        ("files", " \n", "the input `files` names no file"),
        ("working-directory", "nowhere", "the input `working-directory` names no directory"),
        ("require-approval", "true", "`require-approval` means nothing without `reviewed`"),
        ("branch", "release", "`branch` means nothing without `reviewed`"),
        ("branch", "a\nb", "the input `branch` takes one line"),
    ];
    for input in ["offline", "coverage", "reviewed", "require-approval", "wait", "strict"] {
        table.extend(["", "yes", "TRUE", "1"].map(|value| (input, value, "is neither `true` nor `false`")));
    }
    for (input, value, why) in table {
        let mut inputs = vec![("command", "apply"), ("emulate", "portal.yaml")];
        inputs.push((input, value));
        let used = Use::recorded(&inputs).run().expect(1);
        assert!(used.log.contains("::error::") && used.log.contains(why), "{input}: {}", used.log);
        assert!(!used.workspace.path("arguments").exists(), "{input}: nothing was begun");
    }
    let run = Use::recorded(&[("command", "report"), ("plan", "nothing.json")]).run().expect(1);
    assert!(run.log.contains("the input `plan` names no file"), "{}", run.log);
    // What only the program can judge.
    for (input, value) in [("concurrency", "many"), ("auth", "magic"), ("timeout", "soon"), ("expect-digest", "abc")] {
        Use::new(&[("command", "apply"), ("emulate", "portal.yaml"), (input, value)]).run().expect(1);
    }
}

#[test]
fn hostile_inputs_stay_what_they_are() {
    let hostile = [
        "\"; touch pwned #",
        "$(touch pwned)",
        "`touch pwned`",
        "a\ntouch pwned\n",
        "--out=pwned",
        "'; touch pwned; '",
    ];
    for name in definition()["inputs"].as_object().expect("inputs").keys() {
        for value in hostile {
            let mut inputs =
                vec![("command", if name == "plan" { "report" } else { "apply" }), ("emulate", "portal.yaml")];
            inputs.retain(|(own, _)| own != name);
            inputs.push((name, value));
            let used = Use::new(&inputs).run();
            assert!(!used.workspace.path("pwned").exists(), "{name}: {value}");
            assert!(!used.outputs.contains_key("pwned"), "{name}: {value}");
        }
    }
}

#[test]
fn outputs_are_set_wherever_the_report_goes() {
    for report in ["none", "summary", "", "outputs", "annotations\noutputs"] {
        let used = Use::new(&[("command", "plan"), ("emulate", "portal.yaml"), ("report", report)]).run().expect(0);
        assert_eq!(used.outputs["cancel-count"], "2", "{report}");
        assert_eq!(used.outputs["exit-code"], "0");
        let plan: Value =
            serde_json::from_str(&fs::read_to_string(&used.outputs["plan"]).expect("the plan")).expect("JSON");
        assert_eq!(plan["summary"]["cancel"], 2);
        assert!(
            !used.outputs.contains_key("journal") && !used.outputs.contains_key("outcome"),
            "no apply was asked for"
        );
    }
    let used = Use::new(&[("command", "apply"), ("emulate", "portal.yaml"), ("report", "none")]).run().expect(0);
    assert_eq!(used.outputs["cancelled-count"], "2");
    assert!(fs::read_to_string(&used.outputs["outcome"]).expect("the outcome").contains("cancelled"));
    assert!(!used.workspace.path("summary").exists(), "none means none");
}

/// What the program sets, a workflow can use, and nothing else is promised.
#[test]
fn each_output_of_the_program_is_an_output_of_the_action() {
    let used = Use::new(&[("command", "apply"), ("emulate", "portal.yaml")]).run().expect(0);
    let set: BTreeSet<String> = read_outputs(&used.workspace.read("outputs-report")).map(|(name, _)| name).collect();
    let definition = definition();
    let outputs = definition["outputs"].as_object().expect("outputs").iter();
    let mut promised: BTreeSet<String> = outputs
        .filter(|(name, output)| output["value"] == format!("${{{{ steps.report.outputs.{name} }}}}"))
        .map(|(name, _)| name.clone())
        .collect();
    assert!(promised.remove("comment-url"), "set where there is a pull request");
    assert_eq!(set, promised);
}

#[test]
fn a_plan_that_fails_is_reported() {
    let used = Use::new(&[("command", "plan"), ("emulate", "portal.yaml"), ("report", "summary,annotations")]);
    used.workspace.write("offers.yaml", OFFERS.replace("cancelPending", "cancelpending"));
    let used = used.run().expect(1);
    assert!(used.workspace.read("summary").contains("### Cancel plan: failed\n"), "{}", used.log);
    assert!(used.log.contains("::error file=offers.yaml,line=3,title=The plan failed%3A unknown-key"), "{}", used.log);
    let plan: Value =
        serde_json::from_str(&fs::read_to_string(&used.outputs["plan"]).expect("the plan")).expect("JSON");
    assert_eq!(plan["failed"].as_array().map(Vec::len), Some(2), "{plan}");
    assert_eq!((used.outputs["cancel-count"].as_str(), used.outputs["exit-code"].as_str()), ("", "1"));
    // What only the program can judge, and judges before it has read a file.
    for (input, value) in [("concurrency", "many"), ("auth", "magic"), ("max-cancels", "few"), ("endpoint", "nowhere")]
    {
        let mut inputs = vec![("command", "plan"), ("report", "summary"), (input, value)];
        inputs.extend((input != "endpoint").then_some(("emulate", "portal.yaml")));
        let used = Use::new(&inputs).run().expect(1);
        assert!(used.workspace.read("summary").contains("### Cancel plan: failed\n"), "{}", used.log);
        assert!(used.outputs.contains_key("plan") && used.outputs["exit-code"] == "1", "{:?}", used.outputs);
    }
}

/// actions/upload-artifact refuses a path with `.` or `..` in it (`@actions/glob`, "Relative pathing").
#[test]
fn the_journal_is_named_where_it_is() {
    let below = |journal: &str| {
        let used = Use::new(&[
            ("command", "apply"),
            ("emulate", "../portal.yaml"),
            ("files", "../offers.yaml"),
            ("working-directory", "sub"),
            ("journal", journal),
        ]);
        used.workspace.write("sub/.keep", "");
        used.run().expect(0)
    };
    for (journal, named) in
        [("./.cancel-pending/journal.jsonl", "sub/.cancel-pending/journal.jsonl"), ("../sent.jsonl", "sent.jsonl")]
    {
        let used = below(journal);
        let path = &used.outputs["journal"];
        assert!(
            path.starts_with('/') && path.ends_with(named) && !path.contains("/./") && !path.contains("/../"),
            "{path}"
        );
        assert!(fs::read_to_string(path).expect("the journal").contains("\"one\""));
    }
}

#[test]
fn without_a_document_there_is_no_output_and_no_green() {
    for inputs in [[("command", "plan"), ("strict", "maybe")], [("command", "apply"), ("concurrency", "many")]] {
        let used = Use::new(&[&inputs[..], &[("emulate", "portal.yaml")]].concat()).run().expect(1);
        assert!(!used.outputs.contains_key("plan"), "{:?}", used.outputs);
        assert_eq!(used.outputs["exit-code"], "1");
    }
    // Refused by a gate: there is a plan, and nothing was begun.
    let digest = "0".repeat(64);
    let used =
        Use::new(&[("command", "apply"), ("emulate", "portal.yaml"), ("expect-digest", &digest)]).run().expect(1);
    assert_eq!(used.outputs["cancel-count"], "2");
    assert!(used.outputs.contains_key("plan") && !used.outputs.contains_key("outcome"), "{:?}", used.outputs);
    assert!(!used.workspace.path("summary").exists(), "a plan alone would read as if it had been applied");
}

#[test]
fn a_report_that_can_not_be_made_is_an_error_where_that_is_asked_for() {
    // There is no repository and no pull request to comment on.
    for (strict, status) in [("false", 0), ("true", 1)] {
        let inputs = [("command", "plan"), ("emulate", "portal.yaml"), ("report", "comment"), ("strict", strict)];
        let used = Use::new(&inputs).run().expect(status);
        assert_eq!(used.outputs["exit-code"], status.to_string());
        assert_eq!(used.outputs["cancel-count"], "2");
    }
    // A report that did not even begin is never green.
    let mut broken = Use::recorded(&[("command", "plan")]);
    stand_in(&broken.workspace, "broken", &format!("[[ $* != *--to=* ]] || exit 70\n{RECORDER}"));
    broken.program = broken.workspace.path("broken").display().to_string();
    broken.run().expect(1);
    // What was sent and is not confirmed: the report says so with its status, and the program decides.
    let mut open = Use::recorded(&[("command", "apply"), ("wait", "false")]);
    stand_in(
        &open.workspace,
        "open",
        &format!("{RECORDER}\n[[ $* != *--to=* ]] || {{ echo 3 >\"${{1#*=}}\"; exit 3; }}"),
    );
    open.program = open.workspace.path("open").display().to_string();
    open.run().expect(0);
}

#[test]
fn the_job_s_token_is_there_for_who_needs_it() {
    let used = Use::recorded(&[("command", "apply")]).run().expect(0);
    assert_eq!(used.workspace.read("tokens"), "none none\ngh-token none\n");
    let used = Use::recorded(&[("command", "apply"), ("reviewed", "true")]).run().expect(0);
    assert_eq!(used.workspace.read("tokens"), "gh-token none\ngh-token none\n");
}

/// The page about the action and the scripts know the inputs of the action, all of them and no other.
#[test]
fn the_inputs_are_documented_and_used() {
    let action: Value =
        serde_yaml::from_str(&fs::read_to_string(repository("action.yml")).expect("a file")).expect("YAML");
    let steps = action["runs"]["steps"].as_array().expect("steps").clone();
    for kind in ["inputs", "outputs"] {
        let page = fs::read_to_string(repository("docs/github-action.md")).expect("the page");
        let section = page.split(&format!("<!-- {kind} -->")).nth(1).and_then(|rest| rest.split("<!-- /").next());
        let mut rows = String::from(if kind == "inputs" {
            "\n| Input | Meaning |\n|:--|:--|\n"
        } else {
            "\n| Output | Meaning |\n|:--|:--|\n"
        });
        for (name, described) in action[kind].as_object().expect(kind) {
            let default = match described["default"].as_str() {
                Some(default) => format!(" (default `{default}`)"),
                None => String::new(),
            };
            let text = described["description"].as_str().expect("a description").trim();
            rows.push_str(&format!("| `{name}` | {text}{default} |\n"));
            let used = steps.iter().any(|step| step["env"].to_string().contains(&format!("inputs.{name} ")));
            assert!(kind == "outputs" || used, "the input {name} does nothing");
        }
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            let (before, rest) = page.split_once(&format!("<!-- {kind} -->")).expect("a section");
            let (_, after) = rest.split_once(&format!("<!-- /{kind} -->")).expect("its end");
            let whole = format!("{before}<!-- {kind} -->{rows}<!-- /{kind} -->{after}");
            fs::write(repository("docs/github-action.md"), whole).expect("the page");
            continue;
        }
        assert_eq!(section, Some(rows.as_str()), "run the tests with UPDATE_GENERATED=1");
    }
    // What users write reaches a shell as a variable, never as text of a script.
    for step in &steps {
        assert!(!step["run"].as_str().unwrap_or_default().contains("${{"), "{step}");
    }
}

/// As the runner does it: the signal goes to the step's first process, which must be the program by then.
#[cfg(unix)]
#[test]
fn the_signal_of_a_cancelled_run_reaches_the_program() {
    let used = Use::new(&[("command", "apply"), ("emulate", "stuck.yaml"), ("timeout", "1m")]);
    let stuck = PORTAL.replace("changedAgo: 26h}]", "changedAgo: 26h}], cancel: {answer: stuck}");
    used.workspace.write("stuck.yaml", stuck);
    let mut command = used.step(&definition(), "run", "");
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let workspace = &used.workspace;
    let journal = || fs::read_to_string(workspace.path(".cancel-pending/journal.jsonl")).unwrap_or_default();
    let begun = Instant::now();
    while journal().matches("\"result\":\"accepted\"").count() < 2 {
        assert!(
            run.try_wait().expect("a state").is_none() && begun.elapsed() < Duration::from_mins(2),
            "{}",
            journal()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill runs").success());
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    assert_eq!(workspace.read("left/status"), "130\n");
    let outcome: Value = serde_json::from_str(&workspace.read("left/outcome.json")).expect("the outcome");
    assert_eq!(outcome["summary"]["accepted"], 2);
}
