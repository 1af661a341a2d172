//! `mark`: what is written into a file, what stays, and when nothing is written.

use proptest::prelude::*;

use crate::support::{Run, Workspace};

const JOB: &str = "7a1b2c3d-0000-4000-8000-00000000c0de";
const OTHER_JOB: &str = "7a1b2c3d-0000-4000-8000-00000000c0df";
const PRODUCT: &str = "0d5c0a4e-1111-4222-8333-944455566677";

fn marked(text: &str, arguments: &[&str]) -> (Workspace, Run) {
    let workspace = Workspace::with("offers.yaml", text);
    let run = workspace.run(["mark"].iter().chain(arguments));
    (workspace, run)
}

/// The file after the command, which must be valid, and stay as it is when the command is run again.
fn after(text: &str, arguments: &[&str]) -> String {
    let (workspace, run) = marked(text, arguments);
    let run = run.expect(0);
    let written = workspace.read("offers.yaml");
    workspace.run(["validate"]).expect(0);
    let again = workspace.run(["mark"].iter().chain(arguments)).expect(0);
    assert!(again.stdout.ends_with("is already marked like this\n"), "{}\n{}", run.stdout, again.stdout);
    assert_eq!(workspace.read("offers.yaml"), written);
    written
}

#[test]
fn an_entry_gets_the_mark_and_all_else_stays() {
    for (before, arguments, expected) in [
        // Each key at its place in the format, below the comments of the line before it.
        (
            "publisher: contoso # ours\noffers:\n  - id: vm # the large one\n\n  # the next\n  - id: saas\n",
            &["--offer", "vm", "--operation-id", "5a63deb5", "--reason", "Blocked: no image"] as &[&str],
            "publisher: contoso # ours\noffers:\n  - id: vm # the large one\n    cancelPending: true\n    operationId: 5a63deb5\n    \
             reason: 'Blocked: no image'\n\n  # the next\n  - id: saas\n",
        ),
        // In braces, where a comma would end a value.
        (
            "publisher: contoso\noffers: [{id: vm}, {id: saas}]",
            &["--offer", "contoso/saas", "--reason", "a, b"],
            "publisher: contoso\noffers: [{id: vm}, {id: saas, cancelPending: true, reason: 'a, b'}]",
        ),
        // What was said of another operation goes.
        (
            "portal: product-ingestion\npublisher: contoso\noffers:\n- reason: >\n    The old\n    one\n  id: VM\n  cancelPending: true\n  \
             expires: 2026-12-01T00:00:00Z\n  operationId: \"3\"\n  jobId: 7a1b2c3d-0000-4000-8000-00000000c0df # old\n  productId: 0d5c0a4e-1111-4222-8333-944455566677\n",
            &["--offer", "vm", "--job-id", JOB],
            "portal: product-ingestion\npublisher: contoso\noffers:\n- id: VM\n  cancelPending: true\n  \
             jobId: 7a1b2c3d-0000-4000-8000-00000000c0de # old\n  productId: 0d5c0a4e-1111-4222-8333-944455566677\n",
        ),
        // A pin that was missing is added, and what is there stays.
        (
            "portal: product-ingestion\npublisher: contoso\noffers:\n- id: vm\n  cancelPending: true\n  operationId: \"3\"\n  notificationEmails: [a@contoso.com]\n  reason: Why\n",
            &["--offer", "vm", "--job-id", JOB, "--product-id", PRODUCT, "--expires", "2026-12-01T00:00:00+01:00"],
            "portal: product-ingestion\npublisher: contoso\noffers:\n- id: vm\n  productId: 0d5c0a4e-1111-4222-8333-944455566677\n  cancelPending: true\n  operationId: \"3\"\n  \
             jobId: 7a1b2c3d-0000-4000-8000-00000000c0de\n  expires: 2026-12-01T00:00:00+01:00\n  notificationEmails: [a@contoso.com]\n  reason: Why\n",
        ),
        (
            "portal: product-ingestion\npublisher: contoso\noffers: [{id: vm, notificationEmails: [a@contoso.com], expires: 2026-12-01T00:00:00Z}]\n",
            &["--offer", "vm", "--job-id", JOB],
            "portal: product-ingestion\npublisher: contoso\noffers: [{id: vm, cancelPending: true, jobId: 7a1b2c3d-0000-4000-8000-00000000c0de, notificationEmails: [a@contoso.com]}]\n",
        ),
        // A block of text becomes a line.
        (
            "publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true\n    reason: |\n      one\n      two\n  - id: saas\n",
            &["--offer", "vm", "--reason", "three"],
            "publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true\n    reason: three\n  - id: saas\n",
        ),
        // `false` becomes `true`, numbers are text, and line ends and the byte order mark stay.
        (
            "\u{FEFF}portal: partner-center\r\npublisher: contoso\r\noffers:\r\n  - cancelPending: false   # for now\r\n    id: app",
            &["--offer", "app", "--operation-id", "1152921505700000004"],
            "\u{FEFF}portal: partner-center\r\npublisher: contoso\r\noffers:\r\n  - cancelPending: true   # for now\r\n    operationId: '1152921505700000004'\r\n    id: app",
        ),
    ] {
        assert_eq!(after(before, arguments), expected, "{arguments:?}");
    }
}

#[test]
fn a_missing_entry_is_added_where_it_fits() {
    for (before, arguments, expected) in [
        (
            "publisher: contoso\noffers:\n  - id: vm\n    reason: x\n    # about vm\n  # - id: old\n",
            &["--offer", "saas", "--operation-id", "5a63deb5"] as &[&str],
            "publisher: contoso\noffers:\n  - id: vm\n    reason: x\n    # about vm\n  - id: saas\n    cancelPending: true\n    operationId: 5a63deb5\n  # - id: old\n",
        ),
        // Indented as the last one is; another portal and publisher are named.
        (
            "publisher: contoso\noffers:\n-   id: vm\n    notificationEmails:\n    - a@contoso.com\nlimits: {maxCancels: 3}",
            &["--offer", "fabrikam/vm", "--portal", "product-ingestion", "--job-id", JOB],
            "publisher: contoso\noffers:\n-   id: vm\n    notificationEmails:\n    - a@contoso.com\n-   id: vm\n    portal: product-ingestion\n    publisher: fabrikam\n    cancelPending: true\n    \
             jobId: 7a1b2c3d-0000-4000-8000-00000000c0de\nlimits: {maxCancels: 3}",
        ),
        // The document of that portal and publisher.
        (
            "publisher: contoso\noffers: [{id: vm}]\n---\nportal: partner-center\npublisher: contoso\noffers:\n  - {id: app}\n",
            &["--offer", "erp", "--portal", "partner-center", "--publisher", "CONTOSO"],
            "publisher: contoso\noffers: [{id: vm}]\n---\nportal: partner-center\npublisher: contoso\noffers:\n  - {id: app}\n  - id: erp\n    cancelPending: true\n",
        ),
        (
            "publisher: contoso\noffers: [\n  {id: vm, notificationEmails: [a@contoso.com,]}, # last\n]\n",
            &["--offer", "saas"],
            "publisher: contoso\noffers: [\n  {id: vm, notificationEmails: [a@contoso.com,]},\n  {id: saas, cancelPending: true}, # last\n]\n",
        ),
        (
            "offers:\n  -\n    id: vm\n    publisher: contoso\n",
            &["--offer", "saas", "--publisher", "contoso"],
            "offers:\n  -\n    id: vm\n    publisher: contoso\n  - id: saas\n    publisher: contoso\n    cancelPending: true\n",
        ),
    ] {
        assert_eq!(after(before, arguments), expected, "{arguments:?}");
    }
}

#[test]
fn what_can_not_be_written_leaves_the_file_as_it_was() {
    let valid = "publisher: contoso\noffers:\n  - id: vm\n";
    let twice = "offers:\n  - {id: vm, publisher: contoso}\n  - {id: vm, publisher: fabrikam}\n";
    let documents = "publisher: contoso\noffers: [{id: vm}]\n---\npublisher: fabrikam\noffers: [{id: vm}]\n";
    for (text, arguments, why) in [
        ("publisher: contoso\noffers: [{id: vm, canclPending: true}]\n", &["--offer", "vm"] as &[&str], "did you mean"),
        ("publisher: contoso\n", &["--offer", "vm"], "the key `offers` is missing"),
        (
            valid,
            &["--offer", "vm", "--job-id", JOB],
            "the mark would not be valid: `jobId` means nothing on `cloud-partner`",
        ),
        (valid, &["--offer", "vm", "--operation-id", "1152921505700000004"], "is a number"),
        (valid, &["--offer", "vm", "--expires", "tomorrow"], "is not an RFC 3339 time"),
        (valid, &["--offer", "vm", "--reason", ""], "`reason` is empty"),
        (valid, &["--offer", "vm", "--reason", "a\n- id: b"], "a reason is one line"),
        (valid, &["--offer", "vm", "--portal", "partner-center"], "has the offer `vm` on `cloud-partner`"),
        (valid, &["--offer", "vm", "--portal", "partner"], "unknown portal `partner`"),
        (valid, &["--offer", "a b"], "the offer's id holds the character"),
        (valid, &["--offer", "vm", "--job-id", "1"], "is not a GUID"),
        (valid, &["--offer", "fabrikam/vm", "--publisher", "contoso"], "--publisher names contoso"),
        (valid, &[], "--offer <OFFER>"),
        (twice, &["--offer", "vm"], "of several publishers (contoso, fabrikam)"),
        (twice, &["--offer", "saas"], "has no publisher for the offer `saas`"),
        (documents, &["--offer", "saas"], "of several publishers (contoso, fabrikam)"),
        ("publisher: contoso\noffers:\n  - ? id\n    : vm\n", &["--offer", "vm"], "edit it by hand"),
    ] {
        let (workspace, run) = marked(text, arguments);
        assert_eq!(run.status, Some(1), "{arguments:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(why), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert_eq!(workspace.read("offers.yaml"), text, "{arguments:?}");
        let names = std::fs::read_dir(workspace.directory.path()).expect("a directory").count();
        assert_eq!(names, 1, "nothing is left beside it");
    }
    let run = Workspace::new().run(["mark", "--offer", "vm"]).expect(1);
    assert!(run.stderr.contains("the file can't be read"), "{}", run.stderr);
}

#[test]
fn the_change_is_shown_and_a_dry_run_shows_it_alone() {
    let text = "publisher: contoso\noffers:\n  - id: vm\n    reason: \"::error::a\"\n";
    let arguments = ["--offer", "vm", "--operation-id", "5a63deb5", "--reason", "##[error]b"];
    let (workspace, run) = marked(text, &[arguments.as_slice(), &["--dry-run"]].concat());
    let diff = "--- offers.yaml\n+++ offers.yaml\n@@ -1,4 +1,6 @@\n publisher: contoso\n offers:\n   - id: vm\n\
                -    reason: \":\\:error:\\:a\"\n+    cancelPending: true\n+    operationId: 5a63deb5\n+    reason: '##\\[error]b'\n";
    let last = "offers.yaml: would mark contoso/vm; nothing was written\n";
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (Some(0), format!("{diff}{last}").as_str(), ""));
    assert_eq!(workspace.read("offers.yaml"), text);
    let run = workspace.run(["mark"].iter().chain(&arguments).chain(&["-q"])).expect(0);
    assert_eq!(run.stdout, "offers.yaml: marked contoso/vm\n");
    let run = workspace.run(["mark", "--offer", "saas"]).expect(0);
    assert!(run.stdout.ends_with("offers.yaml: added and marked contoso/saas\n"), "{}", run.stdout);
    assert_eq!(
        run.stderr,
        "warning: not pinned: while this mark stays in the file, every future operation is cancelled too\n"
    );
    let run = workspace.run(["mark", "--offer", "job", "--portal", "product-ingestion"]).expect(0);
    assert_eq!(run.stderr, "warning: a mark without --job-id cancels nothing on product-ingestion\n");
    let run = workspace.run(["mark", "--offer", "job", "--job-id", JOB, "--expires", "2026-01-01T00:00:00Z"]).expect(0);
    let expired = "warning: the mark expired at 2026-01-01T00:00:00Z and does nothing; give it another --expires\n";
    assert_eq!(run.stderr, expired);
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_place_and_its_permissions() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let workspace = Workspace::with("real.yaml", "publisher: contoso\noffers: [{id: vm}]\n");
    std::fs::set_permissions(workspace.path("real.yaml"), std::fs::Permissions::from_mode(0o640)).expect("a mode");
    symlink("real.yaml", workspace.path("offers.yaml")).expect("a link");
    workspace.run(["mark", "--offer", "vm"]).expect(0);
    assert!(std::fs::symlink_metadata(workspace.path("offers.yaml")).expect("a link").is_symlink());
    let metadata = std::fs::metadata(workspace.path("real.yaml")).expect("a file");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    assert_eq!(workspace.read("real.yaml"), "publisher: contoso\noffers: [{id: vm, cancelPending: true}]\n");

    // No link leads to what is not called YAML.
    workspace.write(".env", "publisher: contoso\noffers: [{id: vm}]\n");
    symlink(".env", workspace.path("linked.yaml")).expect("a link");
    let run = workspace.run(["mark", "linked.yaml", "--offer", "vm"]).expect(1);
    assert!(run.stderr.contains("is not called `*.yaml`"), "{}", run.stderr);
    assert!(!workspace.read(".env").contains("cancelPending"));
}

/// A job that is handed over is what the plan then cancels.
#[test]
fn what_is_marked_is_planned() {
    let workspace = Workspace::with("offers.yaml", "publisher: contoso\noffers: [{id: saas}]\n");
    workspace.write(
        "state.yaml",
        format!(
            "clock: {{now: 2026-11-22T12:00:00Z, speed: 0}}\noffers:\n  - {{portal: product-ingestion, publisher: contoso, id: vm, product: {PRODUCT}, \
             submissions: [{{id: '4', startedAgo: 1h}}], jobs: [{{id: {JOB}, startedAgo: 1h 5s}}, {{id: {OTHER_JOB}, startedAgo: 3d}}]}}\n"
        ),
    );
    for (job, decision) in [(OTHER_JOB, "blocked"), (JOB, "cancel")] {
        workspace.run(["mark", "--offer", "vm", "--portal", "product-ingestion", "--job-id", job]).expect(0);
        let run = workspace.run(["plan", "--emulate", "state.yaml", "--format", "json"]);
        assert_eq!(
            crate::support::decisions(&run.json()),
            ["contoso/saas ignored -".to_owned(), format!("contoso/vm {decision} -")]
        );
    }
}

fn entry() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let key = |name: &'static str, values: &'static [&'static str]| {
        proptest::option::of(proptest::sample::select(values))
            .prop_map(move |value| value.map(|value| (name, value.to_owned())))
    };
    let keys = (
        Just(Some(("id", "vm".to_owned()))),
        key("publisher", &["contoso", "'contoso'"]),
        key("cancelPending", &["true", "false"]),
        key("operationId", &["5a63deb5", "'abc'", "\"x-1\""]),
        key("expires", &["2026-12-01T00:00:00Z"]),
        key("notificationEmails", &["[a@contoso.com, b@contoso.com]", "[]"]),
        key("reason", &["why", "'it''s'", "\"a # c\"", "two words"]),
    );
    keys.prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g].into_iter().flatten().collect::<Vec<_>>())
        .prop_shuffle()
}

fn written(entry: &[(&str, String)], is_braced: bool, indent: usize, comment: &str) -> String {
    let pairs: Vec<String> = entry.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    if is_braced {
        return format!("{:indent$}- {{{}}}{comment}\n", "", pairs.join(", "));
    }
    let lines = pairs.iter().enumerate().map(|(index, pair)| {
        let dash = if index == 0 { "-" } else { " " };
        format!("{:indent$}{dash} {pair}{comment}\n", "")
    });
    lines.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// However an entry is written, it is marked as asked; the lines around it stay, and twice is as good as once.
    #[test]
    fn any_entry_is_marked(
        entry in entry(),
        is_braced: bool,
        indent in 0..5_usize,
        comment in proptest::sample::select(&["", " # why"][..]),
        line_break in proptest::sample::select(&["\n", "\r\n"][..]),
        is_new: bool,
        operation in proptest::option::of(proptest::sample::select(&["5a63deb5", "other"][..])),
        reason in proptest::option::of(proptest::sample::select(&["why", "a, b: {c} # 'd' \"e\"", "true", "- x", "1e3", " padded "][..])),
    ) {
        use cancel_pending::desired::{SourceFile, WantedMark, read, set_mark};
        let around = ["# above\npublisher: contoso\noffers:\n", "\n# between\n", "\n# below\nlimits: {maxCancels: 3}\n"];
        let other = written(&[("id", "saas".to_owned())], is_braced, indent, comment);
        let text = format!("{}{}{}{other}{}", around[0], written(&entry, is_braced, indent, comment), around[1], around[2]);
        let file = |bytes: Vec<u8>| SourceFile { path: "offers.yaml".into(), bytes };
        let before = file(text.replace('\n', line_break).into_bytes());
        prop_assume!(read(std::slice::from_ref(&before)).is_ok());
        let wanted = WantedMark {
            offer: if is_new { "new" } else { "vm" }.parse().expect("an id"),
            publisher: None,
            portal: None,
            product_id: None,
            operation_id: operation.map(|id| id.parse().expect("an id")),
            job_id: None,
            expires: None,
            reason: reason.map(str::to_owned),
        };
        let marked = set_mark(&before, &wanted).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        let after = file(marked.bytes);
        let set = read(std::slice::from_ref(&after)).expect("a valid file");
        let offer = set.offers().find(|one| one.key.offer == wanted.offer).expect("the offer");
        prop_assert!(offer.mark.is_some());
        prop_assert!(reason.is_none_or(|reason| offer.reason.as_deref() == Some(reason)));
        let again = set_mark(&after, &wanted).expect("marked again").bytes;
        prop_assert_eq!(&again, &after.bytes);
        let after = String::from_utf8(after.bytes).expect("text");
        prop_assert!(after.matches('\n').count() == after.matches(line_break).count(), "{:?}", after);
        let kept = if is_new { text.as_str() } else { around[0] };
        for part in [&kept[..around[0].len()], around[1], other.as_str(), around[2]] {
            prop_assert!(after.replace("\r\n", "\n").contains(part), "{part:?} is not in {after}");
        }
    }
}
