//! Desired-state files: what is accepted, what is refused, and how that is said.

use cancel_pending::desired::{Code, SourceFile, read};
use cancel_pending::domain::{Limits, OperationId, PortalKind};
use proptest::prelude::*;

use crate::support::{Workspace, assert_inert_text};

fn codes(text: impl AsRef<[u8]>) -> Vec<(Code, u64, u64)> {
    let file = SourceFile { path: "offers.yaml".to_owned(), bytes: text.as_ref().to_vec() };
    let place =
        |place: Option<cancel_pending::desired::Place>| place.map_or((0, 0), |place| (place.line, place.column));
    match read(&[file]) {
        Ok(_) => Vec::new(),
        Err(found) => found
            .into_iter()
            .map(|diagnostic| {
                let (line, column) = place(diagnostic.place);
                (diagnostic.code, line, column)
            })
            .collect(),
    }
}

/// One offer of contoso with these lines besides its id.
fn offer(lines: &str) -> String {
    format!("publisher: contoso\noffers:\n  - id: vm\n    {lines}\n")
}

#[test]
fn the_whole_format_is_read() {
    let text = "\
publisher: contoso
notificationEmails: [release@contoso.com]
limits:
  maxCancels: 3
offers:
  - id: contoso-virtualmachineoffer
    cancelPending: true
    operationId: 5a63deb5-925b-4ee0-938b-7c86fbf287c5
    expires: 2026-12-01T00:00:00+01:00
    notificationEmails: [jondoe@contoso.com]
    reason: Certification is blocked, the plan has no image
  - id: contoso-saas
  - id: fabrikam-vm
    publisher: fabrikam
    cancelPending: true
---
publisher: northwind
offers: [{id: '007', cancelPending: false, operationId: a}]
";
    let set = read(&[SourceFile { path: "offers.yaml".to_owned(), bytes: text.into() }]).expect("valid");
    assert_eq!(set.states.len(), 2);
    let [first, saas, fabrikam] = set.states[0].offers.as_slice() else { panic!("three offers") };
    let mark = first.mark.as_ref().expect("a mark");
    assert_eq!(mark.operation_id.as_ref().map(OperationId::as_str), Some("5a63deb5-925b-4ee0-938b-7c86fbf287c5"));
    assert_eq!(mark.expires.map(|at| at.to_string()).as_deref(), Some("2026-11-30T23:00:00Z"));
    assert_eq!(first.notification_emails[0].as_str(), "jondoe@contoso.com");
    assert_eq!((first.source.line, first.source.column), (7, 5));
    assert_eq!(saas.mark, None);
    assert_eq!((saas.source.line, saas.source.column), (12, 5));
    assert_eq!(saas.notification_emails[0].as_str(), "release@contoso.com");
    assert_eq!(fabrikam.key.publisher.as_str(), "fabrikam");
    assert_eq!(set.states[0].limits, Limits::at_most(3));
    assert_eq!(set.states[1].offers[0].key.offer.as_str(), "007");
    assert_eq!(set.states[1].offers[0].mark, None);
    assert_eq!(set.states[1].limits, Limits { max_cancels: 10, is_written: false });
}

#[test]
fn every_refusal_has_its_code_and_place() {
    let cases: &[(&str, String, Code, u64, u64)] = &[
        ("unknown key", offer("colour: red"), Code::UnknownKey, 4, 5),
        ("unknown key of the document", format!("{}publishers: x\n", offer("")), Code::UnknownKey, 5, 1),
        ("duplicate key", offer("id: vm"), Code::DuplicateKey, 4, 5),
        ("missing id", "publisher: contoso\noffers:\n  - reason: x\n".to_owned(), Code::MissingKey, 3, 5),
        ("missing publisher", "offers:\n  - id: vm\n".to_owned(), Code::MissingKey, 2, 5),
        ("missing offers", "publisher: contoso\n".to_owned(), Code::MissingKey, 1, 1),
        ("null mark", offer("cancelPending:"), Code::NullValue, 4, 5),
        ("null reason", offer("reason: ~"), Code::NullValue, 4, 5),
        ("null offers", "publisher: contoso\noffers:\n".to_owned(), Code::NullValue, 2, 1),
        ("null email", offer("notificationEmails: [null]"), Code::NullValue, 4, 26),
        ("yes", offer("cancelPending: yes"), Code::InvalidBoolean, 4, 20),
        ("on", offer("cancelPending: on"), Code::InvalidBoolean, 4, 20),
        ("True", offer("cancelPending: True"), Code::InvalidBoolean, 4, 20),
        ("TRUE", offer("cancelPending: TRUE"), Code::InvalidBoolean, 4, 20),
        ("1", offer("cancelPending: 1"), Code::InvalidBoolean, 4, 20),
        ("quoted", offer("cancelPending: 'true'"), Code::InvalidBoolean, 4, 20),
        ("double-quoted", offer("cancelPending: \"true\""), Code::InvalidBoolean, 4, 20),
        ("list", offer("cancelPending: [true]"), Code::InvalidBoolean, 4, 20),
        ("anchor", offer("reason: &a x"), Code::Anchor, 4, 16),
        ("tag", offer("reason: !!str x"), Code::Tag, 4, 13),
        ("merge key", offer("<<: {reason: x}"), Code::MergeKey, 4, 5),
        ("empty id", "publisher: contoso\noffers: [{id: ''}]\n".to_owned(), Code::InvalidId, 2, 15),
        ("dots", "publisher: contoso\noffers: [{id: ..}]\n".to_owned(), Code::InvalidId, 2, 15),
        ("slash", "publisher: a/b\noffers: [{id: vm}]\n".to_owned(), Code::InvalidId, 1, 12),
        ("percent", offer("operationId: a%2fb"), Code::InvalidId, 4, 18),
        ("line break", offer(r#"operationId: "a\r\nb""#), Code::InvalidId, 4, 18),
        ("Unicode", offer("operationId: аdmin"), Code::InvalidId, 4, 18),
        ("number as id", offer("operationId: 7"), Code::WrongType, 4, 18),
        ("comma", offer("notificationEmails: ['a@b.c,d@e.f']"), Code::InvalidEmail, 4, 26),
        ("control character in email", offer(r#"notificationEmails: ["a@b.c\u0007"]"#), Code::InvalidEmail, 4, 26),
        ("email without a list", offer("notificationEmails: a@b.c"), Code::WrongType, 4, 25),
        ("date alone", offer("expires: 2026-12-01"), Code::InvalidTimestamp, 4, 14),
        ("no offset", offer("expires: 2026-12-01T00:00:00"), Code::InvalidTimestamp, 4, 14),
        ("no such day", offer("expires: 2026-02-30T00:00:00Z"), Code::InvalidTimestamp, 4, 14),
        ("space for T", offer("expires: 2026-12-01 00:00:00Z"), Code::InvalidTimestamp, 4, 14),
        ("negative limit", format!("{}limits: {{maxCancels: -1}}\n", offer("")), Code::InvalidNumber, 5, 22),
        ("limit in hexadecimal", format!("{}limits: {{maxCancels: 0x10}}\n", offer("")), Code::InvalidNumber, 5, 22),
        ("limit as text", format!("{}limits: {{maxCancels: '1'}}\n", offer("")), Code::WrongType, 5, 22),
        ("unknown limit", format!("{}limits: {{maxCancel: 1}}\n", offer("")), Code::UnknownKey, 5, 10),
        ("offers as a mapping", "publisher: contoso\noffers: {id: vm}\n".to_owned(), Code::WrongType, 2, 9),
        ("offer as text", "publisher: contoso\noffers: [vm]\n".to_owned(), Code::WrongType, 2, 10),
        ("document as a list", "- publisher: contoso\n".to_owned(), Code::WrongType, 1, 1),
        ("no offers", "publisher: contoso\noffers: []\n".to_owned(), Code::NoOffers, 2, 9),
        ("empty reason", offer("reason: ''"), Code::InvalidReason, 4, 13),
        ("control character in reason", offer(r#"reason: "\e[31m""#), Code::InvalidReason, 4, 13),
        ("long reason", offer(&format!("reason: {}", "x".repeat(501))), Code::InvalidReason, 4, 13),
        ("comment alone", "# nothing\n".to_owned(), Code::EmptyFile, 1, 1),
        ("comments alone", "# nothing\n---\n# nothing\n---\n".to_owned(), Code::EmptyFile, 1, 1),
        ("null as a document", "null\n".to_owned(), Code::EmptyFile, 1, 1),
        ("unknown portal", offer("portal: partner-centre"), Code::UnknownPortal, 4, 13),
        ("unknown portal above", format!("portal: azure\n{}", offer("")), Code::UnknownPortal, 1, 9),
        ("number as portal", offer("portal: 7"), Code::WrongType, 4, 13),
        ("id of a submission", offer("operationId: '1152921505700000004'"), Code::InvalidId, 4, 18),
        (
            "no-break spaces",
            "publisher: contoso\noffers:\n  - id: vm\n\u{a0}\u{a0}x: 1\n".to_owned(),
            Code::UnknownKey,
            4,
            1,
        ),
        ("syntax", "publisher: [contoso\n".to_owned(), Code::Syntax, 1, 12),
        ("tab", "publisher: contoso\noffers:\n\t- id: vm\n".to_owned(), Code::Syntax, 3, 1),
        ("tab further down", offer("reason: x\n\tcancelPending: true"), Code::Syntax, 5, 1),
        ("tab after spaces", offer("reason: x\n  \tcancelPending: true\n    expires: x"), Code::Syntax, 5, 3),
        ("nine levels", "offers: [[[[[[[[x]]]]]]]]\n".to_owned(), Code::TooDeep, 1, 16),
        (
            "the same offer twice",
            "publisher: a\noffers: [{id: vm}, {id: VM, publisher: A}]\n".to_owned(),
            Code::DuplicateOffer,
            2,
            25,
        ),
    ];
    for (what, text, code, line, column) in cases {
        assert_eq!(codes(text), [(*code, *line, *column)], "{what}:\n{text}");
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let utf16: Vec<u8> = "publisher: contoso\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(codes(&utf16), [(Code::NotUtf8, 1, 2)]);
    assert_eq!(codes([&[0xFF, 0xFE], utf16.as_slice()].concat()), [(Code::NotUtf8, 1, 1)]);
    assert_eq!(codes(b"publisher: contoso\noffers: \xff\n"), [(Code::NotUtf8, 2, 9)]);
    assert_eq!(codes(b""), [(Code::EmptyFile, 1, 1)]);
    assert_eq!(codes("# x\n".repeat(1024 * 1024)), [(Code::TooLarge, 1, 1)]);
    assert_eq!(codes("[".repeat(40_000))[0].0, Code::TooDeep);
    assert_eq!(codes("- ".repeat(40_000))[0].0, Code::TooDeep);
    assert_eq!(codes("{a: ".repeat(40_000))[0].0, Code::TooDeep);
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    assert_eq!(codes(format!("\u{feff}{}", offer("cancelPending: true"))), []);
}

#[test]
fn an_alias_bomb_is_counted_and_not_expanded() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", ")));
    }
    let found = codes(&bomb);
    assert_eq!(found.iter().filter(|(code, ..)| *code == Code::Alias).count(), 39 * 9);
    assert_eq!(found.iter().filter(|(code, ..)| *code == Code::Anchor).count(), 40);
}

#[test]
fn all_mistakes_of_all_files_in_one_run() {
    let workspace =
        Workspace::with("b.yaml", "publisher: contoso\noffers:\n  - id: vm\n    cancelpending: true\n    reason:\n");
    workspace.write("a.yml", "publisher: contoso\noffers:\n  - id: VM\n  - id: 'a b'\n    cancelPending: on\n");
    workspace.write("broken.yaml", "offers: [\n");
    workspace.write("notes.txt", "not read\n");
    let run = workspace.run(["validate", "."]).expect(1);
    assert_eq!(run.stdout, "");
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn validate_needs_no_token_and_no_portal() {
    let workspace = Workspace::with("offers.yaml", offer("cancelPending: true"));
    let output = workspace.command().env_clear().arg("validate").output().expect("the program runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "offers.yaml: valid, 1 offer, 1 marked\n");
    assert!(output.status.success());
}

#[test]
fn a_directory_without_yaml_and_a_file_that_is_not_there() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("empty")).expect("a directory");
    let run = workspace.run(["validate", "empty"]).expect(1);
    assert!(run.stderr.contains("error[no-files]") && run.stderr.contains("--> empty"), "{}", run.stderr);
    let run = workspace.run(["validate"]).expect(1);
    assert!(run.stderr.contains("error[unreadable]") && run.stderr.contains("--> offers.yaml"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn a_link_does_not_show_a_file_of_the_machine() {
    use std::os::unix::fs::symlink;
    let secret = Workspace::with("secret.yaml", "password: hunter2\n");
    let workspace = Workspace::new();
    symlink(secret.path("secret.yaml"), workspace.path("offers.yaml")).expect("a link");
    symlink(secret.directory.path(), workspace.path("linked")).expect("a link");
    std::fs::create_dir(workspace.path("inside")).expect("a directory");
    symlink(secret.path("secret.yaml"), workspace.path("inside/offers.yaml")).expect("a link");
    for path in ["offers.yaml", "linked", "linked/secret.yaml", "inside"] {
        let run = workspace.run(["validate", path]).expect(1);
        assert!(run.stderr.contains("leads out of the directory"), "{path}: {}", run.stderr);
        assert!(!run.stderr.contains("hunter2"), "{path}: {}", run.stderr);
    }
    let absolute = workspace.path("inside");
    let run = workspace.run(["validate".as_ref(), absolute.as_os_str()]).expect(1);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    // A link that stays inside is followed.
    workspace.write("real/offers.yaml", offer(""));
    symlink(workspace.path("real/offers.yaml"), workspace.path("good.yaml")).expect("a link");
    workspace.run(["validate", "good.yaml"]).expect(0);
}

#[test]
fn a_file_named_twice_is_read_once() {
    let workspace = Workspace::with("offers.yaml", offer(""));
    workspace.run(["validate", ".", "offers.yaml", "./offers.yaml"]).expect(0);
}

#[test]
fn a_file_full_of_mistakes_is_bounded() {
    let workspace =
        Workspace::with("offers.yaml", format!("publisher: contoso\noffers:\n{}", "  - 1\n".repeat(100_000)));
    let run = workspace.run(["validate"]).expect(1);
    assert!(run.stderr.contains("… and 99000 more"), "{}", &run.stderr[run.stderr.len() - 200..]);
    assert!(run.stderr.contains("error: 100000 mistakes in 1 file"));
}

/// Whatever an alias stands for: it is refused, and not called a wrong value besides.
#[test]
fn an_alias_is_one_mistake() {
    let only = |text: &str| codes(text).into_iter().map(|(code, ..)| code).collect::<Vec<_>>();
    assert_eq!(only("publisher: contoso\noffers: [&a {id: vm}, *a]\n"), [Code::Anchor, Code::Alias]);
    assert_eq!(only("publisher: &a contoso\noffers: [{id: vm, reason: *a}]\n"), [Code::Anchor, Code::Alias]);
}

/// However the mistakes of a file lie, each is found, at its place.
#[test]
fn as_many_mistakes_as_fit_into_a_file_are_found() {
    let count = 60_000;
    let below: String = (0..count).map(|number| format!("x{number}:\n")).collect();
    let found = codes(format!("publisher: contoso\noffers: [{{id: vm}}]\n{below}"));
    assert_eq!(found.len(), count);
    assert_eq!((found[0], found[count - 1]), ((Code::UnknownKey, 3, 1), (Code::UnknownKey, 60_002, 1)));

    let beside: String = (0..count).map(|_| "{ü: 1}, ".to_owned()).collect();
    let found = codes(format!("publisher: contoso\noffers: [{beside}]\n"));
    assert_eq!(found.len(), 2 * count, "none has an id, and all have a key that is none");
    assert_eq!(found[2 * count - 1], (Code::UnknownKey, 2, 11 + 8 * (60_000 - 1)));
}

/// Each offer of a long line has its own column.
#[test]
fn offers_in_one_line_have_their_columns() {
    let text: String = (0..60_000).map(|number| format!("{{id: a{number:05}}}, ")).collect();
    let file =
        SourceFile { path: "offers.yaml".to_owned(), bytes: format!("publisher: contoso\noffers: [{text}]").into() };
    let set = read(&[file]).expect("offers");
    let columns: Vec<u64> = set.offers().map(|offer| offer.source.column).collect();
    assert!(columns.iter().enumerate().all(|(index, column)| *column == 11 + 14 * index as u64), "{:?}", &columns[..9]);
}

#[test]
fn hostile_text_in_a_file_stays_inert() {
    for text in crate::support::plans::HOSTILE {
        let quoted = serde_json::to_string(text).expect("JSON is YAML");
        for content in [
            format!("publisher: {quoted}\noffers: [{{id: {quoted}, {quoted}: {quoted}, cancelPending: {quoted}}}]\n"),
            (*text).to_owned(),
            format!("offers: {text}\n"),
        ] {
            let workspace = Workspace::with("offers.yaml", &content);
            let run = workspace.run(["validate"]).expect(1);
            assert_inert_text(&run.stderr);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_hostile_file_name_stays_inert() {
    for name in ["::error::x.yaml", "##[error].yaml", "\u{1b}[31m.yaml", "a\n::error::b.yaml"] {
        let workspace = Workspace::with(name, "x: 1\n");
        let run = workspace.run(["validate", "."]).expect(1);
        assert_inert_text(&run.stderr);
        workspace.write(name, offer(""));
        assert_inert_text(&workspace.run(["validate", "."]).expect(0).stdout);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the bytes: an answer, no panic, and a place in the file.
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = codes(bytes);
    }

    /// Likewise for text made of what YAML is made of.
    #[test]
    fn any_yaml_is_answered(parts in prop::collection::vec(prop::sample::select(vec![
        "publisher", "offers", "id", "cancelPending", ": ", "\n", "  ", "- ", "[", "]", "{", "}", ", ", "&a ", "*a", "!t ",
        "'", "\"", "|", ">", "#", "---", "...", "true", "null", "~", "<<", "?", "contoso", "é", "\t", "%",
    ]), 0..40)) {
        let text = parts.concat();
        for (_, line, column) in codes(&text) {
            prop_assert!(line >= 1 && column >= 1);
            prop_assert!(line <= text.matches('\n').count() as u64 + 1);
        }
    }
}

/// The help of the only mistake in a file.
fn help(text: &str) -> String {
    let found = read(&[SourceFile { path: "offers.yaml".to_owned(), bytes: text.into() }]).expect_err("a mistake");
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].help.clone().unwrap_or_default()
}

#[test]
fn a_mistake_in_the_indentation_is_told_as_one() {
    assert_eq!(help(&offer("reason: x\n\tcancelPending: true")), "indent with spaces, not with tabs");
    let spaces = "\u{a0}".repeat(4);
    for text in [
        format!("publisher: contoso\noffers:\n  - id: vm\n{spaces}cancelPending: true\n"),
        format!("publisher: contoso\noffers:\n  - id: vm\n    reason: x\n{spaces}expires: '2026-12-01T00:00:00Z'\n"),
        format!("publisher: contoso\n{spaces}x: 1\noffers: [{{id: vm}}]\n"),
    ] {
        let help = help(&text);
        assert!(help.contains("no-break spaces (U+00A0); indent with plain spaces"), "{text}: {help}");
    }
}

#[test]
fn an_offer_has_a_portal_of_its_own_or_the_document_s() {
    let text = "portal: cloud-partner\npublisher: contoso\noffers: [{id: a}, {id: b, portal: cloud-partner}]\n";
    let set = read(&[SourceFile { path: "offers.yaml".to_owned(), bytes: text.into() }]).expect("valid");
    assert!(set.offers().all(|offer| offer.key.portal == PortalKind::CloudPartner));
    let hint = help("portal: cloudpartner\npublisher: contoso\noffers: [{id: a}]\n");
    assert_eq!(
        hint,
        "did you mean `cloud-partner`? The portals are `cloud-partner`, `partner-center`, `product-ingestion`"
    );
}

#[test]
fn an_offer_is_listed_once_in_all_files() {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), bytes: text.into() };
    let found = read(&[
        file("a.yaml", "publisher: contoso\noffers:\n  - id: vm\n"),
        file("b.yaml", "portal: cloud-partner\npublisher: Contoso\noffers: [{id: VM}]\n"),
    ])
    .expect_err("twice");
    assert_eq!(found[0].message, "the offer `Contoso/VM` is listed twice (first at a.yaml:3:9)");
    let twice = read(&[file("a.yaml", "publisher: a\npublisher: a\noffers: [{id: vm}]\n")]).expect_err("twice");
    assert_eq!(twice[0].message, "duplicate key `publisher`");
}

#[test]
fn comments_alone_are_skipped() {
    let workspace = Workspace::with("offers.yaml", format!("# first\n---\n# second\n---\n{}---\n", offer("")));
    workspace.write("notes.yaml", "# Nothing is wanted today.\n");
    let run = workspace.run(["validate", "."]).expect(0);
    assert_eq!(
        run.stdout,
        "notes.yaml: skipped, it holds no desired state\noffers.yaml: valid, 1 offer, 0 marked\n2 files valid: 1 offer, 0 marked\n"
    );
    let run = workspace.run(["validate", "notes.yaml"]).expect(1);
    assert!(run.stderr.contains("error[empty-file]"), "{}", run.stderr);
}

#[test]
fn a_directory_stands_for_its_yaml_files_in_any_letter_case() {
    let workspace = Workspace::new();
    for (name, id) in [("b.YAML", "b"), ("a.Yml", "a"), ("c.yaml", "c")] {
        workspace.write(name, format!("publisher: contoso\noffers: [{{id: {id}}}]\n"));
    }
    for hidden in [".hidden.yaml", "notes.txt", "yaml"] {
        workspace.write(hidden, "password: hunter2\n");
    }
    let run = workspace.run(["validate", "."]).expect(0);
    let names: Vec<&str> = run.stdout.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names, ["a.Yml", "b.YAML", "c.yaml", "3 files valid"]);
}

#[test]
fn files_are_called_by_their_place_in_the_work_tree() {
    let workspace = Workspace::with("team/offers.yaml", offer("cancelPending: true"));
    std::fs::create_dir(workspace.path(".git")).expect("a directory");
    std::fs::create_dir(workspace.path("team/sub")).expect("a directory");
    let absolute = workspace.path("team/offers.yaml");
    let absolute = absolute.to_str().expect("text");
    for (directory, path) in [
        ("", "team/offers.yaml"),
        ("", "./team//offers.yaml"),
        ("", "team"),
        ("", "nowhere/../team/offers.yaml"),
        ("team", "offers.yaml"),
        ("team", ".//offers.yaml"),
        ("team", "."),
        ("team/sub", "../offers.yaml"),
        ("team/sub", ".."),
        ("team/sub", absolute),
    ] {
        let mut command = workspace.command();
        let output = command.current_dir(workspace.path(directory)).args(["validate", path]).output().expect("runs");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(shown, "team/offers.yaml: valid, 1 offer, 1 marked\n", "{path} in {directory}");
    }
    // A linked work tree has a file there, and a checkout below the working directory its own.
    std::fs::write(workspace.path("team/.git"), "gitdir: elsewhere\n").expect("a file");
    assert!(workspace.run(["validate", "team"]).expect(0).stdout.starts_with("offers.yaml: valid"));
}

#[cfg(unix)]
#[test]
fn a_link_to_what_is_no_yaml_shows_nothing_of_it() {
    use std::os::unix::fs::symlink;
    let workspace = Workspace::new();
    for secret in [".env", ".npmrc", "hidden/secret", "secret.yaml.bak"] {
        workspace.write(secret, "password: hunter2\n");
    }
    for (target, link) in [
        (".env", "env.yaml"),
        (".npmrc", "npmrc.yml"),
        ("env.yaml", "chain.yaml"),
        ("chain.yaml", "longer.yaml"),
        ("hidden", "folder"),
        ("secret.yaml.bak", "bak.yaml"),
    ] {
        symlink(target, workspace.path(link)).expect("a link");
    }
    for path in ["env.yaml", "npmrc.yml", "chain.yaml", "longer.yaml", "folder/secret", "bak.yaml", "."] {
        let run = workspace.run(["validate", path]).expect(1);
        assert!(run.stderr.contains("a symbolic link leads to a file that is not called"), "{path}: {}", run.stderr);
        assert!(!run.stderr.contains("hunter2") && !run.stderr.contains("password"), "{path}: {}", run.stderr);
    }
}

/// The list of codes is what scripts, rules and documentation go by.
#[test]
fn each_code_has_a_name_and_a_meaning_of_its_own() {
    let names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
    for code in Code::ALL {
        assert!(code.meaning().starts_with(char::is_uppercase) && !code.meaning().ends_with('.'), "{code:?}");
    }
}

const WRONG: &str = "publisher: contoso\noffers:\n  - id: vm\n    cancelpending: true\n  - {}\n";

#[test]
fn the_result_is_a_document_for_programs() {
    let workspace = Workspace::with("team/offers.yaml", offer("cancelPending: true"));
    let run = workspace.run(["validate", "team", "--format", "json"]).expect(0);
    let expected = serde_json::json!({
        "formatVersion": 1,
        "tool": concat!("cancel-pending ", env!("CARGO_PKG_VERSION")),
        "valid": true,
        "files": [{"path": "team/offers.yaml", "offers": 1, "marked": 1}],
        "diagnostics": [],
    });
    assert_eq!((run.json(), run.stderr.as_str()), (expected, ""));
    workspace.write("team/offers.yaml", WRONG);
    let run = workspace.run(["validate", "team", "missing", "--format", "json"]).expect(1);
    let document = run.json();
    assert_eq!((&document["valid"], &document["files"]), (&serde_json::json!(false), &serde_json::json!([])));
    assert_eq!(
        document["diagnostics"][1],
        serde_json::json!({
            "code": "unknown-key",
            "message": "`cancelpending` is not a key of an offer",
            "path": "team/offers.yaml",
            "line": 4,
            "column": 5,
            "endColumn": 18,
            "help": "did you mean `cancelPending`?",
        })
    );
    let whole = &document["diagnostics"][0];
    assert_eq!((&whole["code"], &whole["line"]), (&serde_json::json!("unreadable"), &serde_json::Value::Null));
    assert_eq!(run.stderr, "error: 3 mistakes in 2 files\n", "the mistakes themselves are in the document alone");
}

fn assert_sarif(document: &serde_json::Value) {
    let schema = serde_json::from_str(include_str!("../code-scanning.schema.json")).expect("JSON");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a valid schema");
    let mistakes: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(mistakes.is_empty(), "{}\n{document:#}", mistakes.join("\n"));
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), Code::ALL.len());
    for result in run["results"].as_array().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("small");
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
}

#[test]
fn code_scanning_is_given_sarif() {
    let workspace = Workspace::with("team/a b.yaml", WRONG);
    let run = workspace.run(["validate", "team", "missing", "--format", "sarif"]).expect(1);
    let document = run.json();
    assert_sarif(&document);
    let result = &document["runs"][0]["results"][1];
    assert_eq!(result["message"]["text"], "`cancelpending` is not a key of an offer; did you mean `cancelPending`?");
    assert_eq!(
        result["locations"][0]["physicalLocation"],
        serde_json::json!({
            "artifactLocation": {"uri": "team/a%20b.yaml"},
            "region": {"startLine": 4, "startColumn": 5, "endLine": 4, "endColumn": 18},
        })
    );
    assert_eq!(run.stderr, "error: 3 mistakes in 2 files\n");
    // Where there is nothing wrong, what was wrong before is closed by an empty list.
    workspace.write("team/a b.yaml", offer(""));
    let document = workspace.run(["validate", "team", "--format", "sarif"]).expect(0).json();
    assert_sarif(&document);
    assert_eq!(document["runs"][0]["results"], serde_json::json!([]));
    // Paths are those of the repository, although the step runs further down.
    workspace.write("team/sub/offers.yaml", WRONG);
    let mut command = workspace.command();
    command.env("GITHUB_WORKSPACE", workspace.directory.path()).current_dir(workspace.path("team"));
    let run =
        crate::support::Run::of(command.args(["validate", "sub", "--format", "sarif"]).output().expect("it runs"));
    let location = &run.expect(1).json()["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "team/sub/offers.yaml");
    // A file full of mistakes: GitHub reads so many.
    workspace.write("team/a b.yaml", format!("publisher: contoso\noffers:\n{}", "  - 1\n".repeat(6_000)));
    let run = workspace.run(["validate", "team/a b.yaml", "--format", "sarif"]).expect(1);
    assert_sarif(&run.json());
}

#[test]
fn annotations_are_workflow_commands_on_standard_output() {
    let workspace = Workspace::with("offers.yaml", WRONG);
    let run = workspace.run(["validate", "--format", "github"]).expect(1);
    assert_eq!(
        run.stdout.lines().next(),
        Some(
            "::error file=offers.yaml,line=4,title=unknown-key::`cancelpending` is not a key of an offer; \
             did you mean `cancelPending`?"
        )
    );
    assert_eq!(run.stdout.lines().count(), 2);
    assert_eq!(run.stderr, "error: 2 mistakes in 1 file\n");
    workspace.write("offers.yaml", offer(""));
    assert_eq!(workspace.run(["validate", "--format", "github"]).expect(0).stdout, "");
}

#[test]
fn hostile_text_stays_inert_in_every_format() {
    for text in crate::support::plans::HOSTILE.iter().copied().chain(["[click](https://evil.example)"]) {
        let quoted = serde_json::to_string(text).expect("JSON is YAML");
        let workspace = Workspace::with("offers.yaml", format!("publisher: c\noffers: [{{id: a, {quoted}: 1}}]\n"));
        let json = workspace.run(["validate", "--format", "json"]).expect(1);
        assert_inert_text(&json.stdout);
        let sarif = workspace.run(["validate", "--format", "sarif"]).expect(1);
        assert_inert_text(&sarif.stdout);
        assert_sarif(&sarif.json());
        let message = sarif.json()["runs"][0]["results"][0]["message"]["text"].as_str().expect("text").to_owned();
        assert!(!message.contains("]("), "a link: {message}");
        assert_inert_text(&message);
        let github = workspace.run(["validate", "--format", "github"]).expect(1).stdout;
        let commands = github.lines().filter(|line| line.contains("::error"));
        assert_eq!(commands.count(), github.lines().count(), "{github}");
        for line in github.lines() {
            let (_, message) = line.strip_prefix("::error ").and_then(|rest| rest.split_once("::")).expect("a command");
            assert_inert_text(message);
        }
    }
}

/// For editors and hooks: the text of a file that is not saved yet.
#[test]
fn standard_input_is_checked_under_a_name() {
    use std::io::Write as _;
    let workspace = Workspace::with("team/.keep", "");
    std::fs::create_dir(workspace.path(".git")).expect("a directory");
    let validate = |arguments: &[&str], text: &str| {
        let mut command = workspace.command();
        command.current_dir(workspace.path("team")).arg("validate").args(arguments);
        let piped = std::process::Stdio::piped;
        let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("it runs");
        // It may refuse its arguments before it reads.
        let _ = child.stdin.take().expect("a pipe").write_all(text.as_bytes());
        crate::support::Run::of(child.wait_with_output().expect("it ends"))
    };
    let valid = offer("cancelPending: true");
    assert_eq!(validate(&["-"], &valid).expect(0).stdout, "<stdin>: valid, 1 offer, 1 marked\n");
    let run = validate(&["-", "--stdin-filename", "offers.yaml"], WRONG).expect(1);
    assert!(run.stderr.contains("--> team/offers.yaml:4:5"), "{}", run.stderr);
    let json = validate(&["-", "--stdin-filename", "../offers.yaml", "--format", "json"], WRONG).expect(1).json();
    assert_eq!(json["diagnostics"][0]["path"], "offers.yaml");
    assert!(validate(&["-"], "").expect(1).stderr.contains("error[empty-file]"));
    assert!(validate(&["-"], &"#".repeat(1024 * 1024 + 1)).expect(1).stderr.contains("error[too-large]"));
    for (arguments, why) in [
        (&["-", "offers.yaml"][..], "error: `-` stands for standard input and can't be combined with other paths\n"),
        (
            &["--stdin-filename", "a.yaml"],
            "error: --stdin-filename names the text on standard input; give `-` as the path\n",
        ),
    ] {
        assert_eq!(validate(arguments, &valid).expect(1).stderr, why);
    }
}

/// The hook is run as pre-commit does: the entry, then the changed files that its pattern picks.
#[test]
fn the_hook_for_pre_commit_is_a_command_of_the_program() {
    let text = std::fs::read_to_string(crate::support::repository(".pre-commit-hooks.yaml")).expect("the hooks");
    let hooks: serde_json::Value = serde_yaml::from_str(&text).expect("YAML");
    let [hook] = hooks.as_array().expect("a list").as_slice() else { panic!("one hook") };
    assert_eq!((&hook["language"], &hook["require_serial"]), (&"rust".into(), &true.into()));
    let mut words = hook["entry"].as_str().expect("an entry").split(' ');
    assert_eq!(words.next(), Some("cancel-pending"), "the name of the program that is installed");
    let workspace = Workspace::with("a/offers.yaml", offer(""));
    workspace.write("b/offers.yml", offer("").replace("vm", "saas"));
    let run = workspace.run(words.clone().chain(["a/offers.yaml", "b/offers.yml"])).expect(0);
    assert!(run.stdout.ends_with("2 files valid: 2 offers, 0 marked\n"), "{}", run.stdout);
    workspace.write("b/offers.yml", offer(""));
    let run = workspace.run(words.chain(["a/offers.yaml", "b/offers.yml"])).expect(1);
    assert!(run.stderr.contains("error[duplicate-offer]"), "{}", run.stderr);
}

/// A tab is shown where it stands, whatever the parser stumbles over first; what is no fault of a tab is not blamed on one.
#[test]
fn a_tab_is_placed_on_its_own_line() {
    for (text, line) in [
        ("publisher: contoso\noffers:\n\t- id: vm\n\t  reason: x\n", 3),
        ("publisher: contoso\noffers:\n  - id: vm\n\t\tcancelPending: true\n    reason: x\n", 4),
        ("publisher: contoso\noffers:\n  - id: vm\n    reason: x\n\n\n\tcancelPending: true\n", 7),
        ("publisher: contoso\noffers:\n  - id: vm\n    notificationEmails:\n    \t- a@b.c\n    reason: x\n", 5),
    ] {
        assert_eq!(codes(text)[0], (Code::Syntax, line, codes(text)[0].2), "{text}");
        assert_eq!(help(text), "indent with spaces, not with tabs", "{text}");
    }
    let comment = "publisher: contoso\n\t# a tab before a comment is none of indentation\noffers: [{id: vm}\n";
    assert_eq!(help(comment), "");
}
