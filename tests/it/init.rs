//! `init`: a desired state with every offer, none of them marked.

use std::collections::BTreeSet;

use cancel_pending::desired::{SourceFile, read};
use cancel_pending::domain::{ListedOffer, OfferList, PortalKind, ProductId};
use cancel_pending::report::{InitialState, initial_state};
use proptest::prelude::*;

use crate::support::raw::{RawPortal, answer};
use crate::support::{Workspace, assert_inert_text};

const STATE: &str = "\
offers:
  - {publisher: contoso, id: zeta, displayText: The last one}
  - {publisher: contoso, id: Alpha, type: microsoft-azure-saas, operations: [{id: one}]}
  - {publisher: contoso, id: '1_000', displayText: '1_000'}
  - {publisher: contoso, id: 'on'}
  - {publisher: contoso, id: hidden, guid: 11111111-2222-4333-8444-00000000000a, listedBy: guid}
  - {publisher: fabrikam, id: other}
";

#[test]
fn every_offer_is_listed_and_none_is_marked() {
    let workspace = Workspace::with("portal.yaml", STATE);
    let run = workspace.run(["init", "--publisher", "contoso", "--emulate", "portal.yaml"]).expect(0);
    assert_eq!(
        run.stdout,
        "# yaml-language-server: $schema=https://raw.githubusercontent.com/cancel-pending/cancel-pending/v0/schemas/desired-state.schema.json
publisher: contoso
limits:
  maxCancels: 10
offers:
  - id: 11111111-2222-4333-8444-00000000000a  # microsoft-azure-virtualmachines, hidden, listed by a GUID alone: replace it by the id in the offer's address
  - id: '1_000'  # microsoft-azure-virtualmachines
  - id: Alpha  # microsoft-azure-saas
  - id: 'on'  # microsoft-azure-virtualmachines
  - id: zeta  # microsoft-azure-virtualmachines, The last one
"
    );
    assert_eq!(run.stderr, "");
    workspace.write("offers.yaml", &run.stdout);
    workspace.run(["validate"]).expect(0);
    let plan = workspace.run(["plan", "--emulate", "portal.yaml", "--format", "json", "--detailed-exitcode"]).expect(0);
    assert_eq!((&plan.json()["summary"]["ignored"], plan.json()["refused"].is_null()), (&5.into(), true));
}

#[test]
fn a_file_is_written_once_and_says_what_comes_next() {
    let workspace = Workspace::with("portal.yaml", STATE);
    let init = ["init", "--publisher", "contoso", "--emulate", "portal.yaml", "--out", "offers.yaml"];
    let run = workspace.run(init).expect(0);
    assert_eq!(run.stdout, "");
    assert_eq!(
        run.stderr,
        "Next: cancel-pending status offers.yaml --emulate portal.yaml\n\
         Wrote `offers.yaml`: 5 offers of contoso, none marked\n"
    );
    let printed = workspace.run(&init[..5]).expect(0).stdout;
    assert_eq!(workspace.read("offers.yaml"), printed);
    workspace.run(["status", "offers.yaml", "--emulate", "portal.yaml"]).expect(0);

    workspace.write("offers.yaml", "mine");
    let run = workspace.run(init).expect(1);
    assert!(run.stderr.contains("`offers.yaml` exists and is not overwritten (--out)"), "{}", run.stderr);
    assert_eq!(workspace.read("offers.yaml"), "mine");
    let entries = std::fs::read_dir(workspace.directory.path()).expect("a directory").count();
    assert_eq!(entries, 2, "nothing is left behind");
}

/// What appears while the portal is asked is not overwritten either.
#[test]
fn a_file_that_appears_in_between_stays() {
    let workspace = Workspace::new();
    let file = workspace.path("offers.yaml");
    let portal = RawPortal::start(move |_, stream| {
        std::fs::write(&file, "of somebody else").expect("a file");
        answer(stream, "200 OK", &[], br#"[{"id": "vm", "status": "running"}]"#);
    });
    let run =
        workspace.run(["init", "--publisher", "contoso", "--endpoint", &portal.url, "--out", "offers.yaml"]).expect(1);
    assert!(run.stderr.contains("exists and is not overwritten"), "{}", run.stderr);
    assert_eq!((workspace.read("offers.yaml").as_str(), portal.requests()), ("of somebody else", 1));
}

#[test]
fn nothing_to_list_is_an_error_that_says_what_to_check() {
    let portal = RawPortal::start(|_, stream| answer(stream, "200 OK", &[], b"[]"));
    let workspace = Workspace::new();
    let run =
        workspace.run(["init", "--publisher", "contoso", "--endpoint", &portal.url, "--out", "new.yaml"]).expect(1);
    assert!(run.stderr.contains("lists no offers of `contoso`"), "{}", run.stderr);
    assert!(run.stderr.contains("--portal") && run.stderr.contains("whoami"), "{}", run.stderr);
    assert!(!workspace.path("new.yaml").exists());
}

#[test]
fn half_a_list_is_no_file() {
    let portal = RawPortal::start(|path, stream| {
        if path.contains("page=2") {
            answer(stream, "400 Bad Request", &[], b"{}");
        } else {
            let body = r#"{"value": [{"id": "0d5c0a4e-1111-4222-8333-944455566677", "resourceType": "AzureApplication",
                "externalIDs": [{"type": "AzureOfferId", "value": "app"}]}], "nextLink": "v1.0/ingestion/products?page=2"}"#;
            answer(stream, "200 OK", &[], body.as_bytes());
        }
    });
    let init = ["init", "--publisher", "contoso", "--portal", "partner-center", "--endpoint", &portal.url];
    let run = Workspace::new().run(init).expect(1);
    assert_eq!(run.stdout, "");
    let expected = "the offers of `contoso` could not be listed: the list is incomplete: 1 page was read";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}

#[test]
fn the_portal_is_chosen_by_name() {
    let workspace = Workspace::new();
    let run =
        workspace.run(["init", "--publisher", "contoso", "--portal", "https://me:canary@portal.example"]).expect(1);
    assert!(run.stderr.contains("--endpoint") && !run.stderr.contains("canary"), "{}", run.stderr);
    let run = workspace.run(["init", "--publisher", "contoso", "--portal", "partner-centre"]).expect(1);
    assert!(run.stderr.contains("partner-center"), "{}", run.stderr);
    workspace.run(["init"]).expect(1);
}

fn publisher() -> cancel_pending::domain::PublisherId {
    "contoso".parse().expect("an id")
}

fn written(list: &OfferList, portal: PortalKind) -> String {
    let state = InitialState { schema: "https://example.com", portal, publisher: &publisher(), list };
    initial_state(&state).expect("small enough").text
}

fn listed(id: &str, kind: Option<&str>, name: Option<&str>) -> ListedOffer {
    ListedOffer {
        id: id.parse().expect("an id"),
        kind: kind.map(str::to_owned),
        name: name.map(str::to_owned),
        status: None,
        is_idle: false,
        is_nameless: false,
    }
}

#[test]
fn products_without_an_offer_are_named_at_the_end() {
    let product: ProductId = "0d5c0a4e-1111-4222-8333-944455566677".parse().expect("a GUID");
    let list = OfferList { offers: vec![listed("vm", None, None)], unnamed: vec![product] };
    let text = written(&list, PortalKind::PartnerCenter);
    assert!(text.contains("\nportal: partner-center\n"), "{text}");
    let end = "which no file can name:\n#   0d5c0a4e-1111-4222-8333-944455566677\n";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn a_file_that_would_be_too_large_is_written_without_comments_or_not_at_all() {
    let list = |count: usize| OfferList {
        offers: (0..count).map(|at| listed(&format!("offer-{at:0>80}"), Some("kind"), Some(&"n".repeat(80)))).collect(),
        unnamed: Vec::new(),
    };
    let write = |list: &OfferList| {
        initial_state(&InitialState {
            schema: "https://example.com",
            portal: PortalKind::default(),
            publisher: &publisher(),
            list,
        })
    };
    let some = write(&list(8_000)).expect("it fits without comments");
    assert!(some.is_bare && !some.text.contains("kind"));
    let file = SourceFile { path: "offers.yaml".to_owned(), bytes: some.text.into_bytes() };
    assert_eq!(read(&[file]).expect("valid").offers().count(), 8_000);
    let error = write(&list(20_000)).expect_err("too many").to_string();
    assert!(
        error.contains("20000 offers") && error.contains("write a file with the offers that are to be marked"),
        "{error}"
    );
}

/// Any text a portal may send as a kind or a name, those that mean something in YAML, on a terminal or to a runner
/// more often than chance has it.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\n",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "\u{1b}[31m",
        "\u{feff}",
        "\u{fffe}",
        "\u{ffff}",
        "#",
        ": ",
        "- ",
        "::error::",
        "##[error]",
        "\u{0}",
        "\u{e000}",
        "\u{10ffff}",
        "'",
        "\"",
        "\t",
    ]);
    let part = prop_oneof![odd.prop_map(str::to_owned), any::<String>()];
    prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "true",
            "Null",
            "yes",
            "on",
            "N",
            "007",
            "0x1F",
            "0o17",
            "1e5",
            "1.5",
            "1_000",
            "2026-12-01",
            "10",
            "1-2",
            "5a63deb5-925b-4ee0-938b-7c86fbf287c5",
            "0b1",
            "1E5f",
            "12345678901234567890",
        ])
        .prop_map(str::to_owned),
        "[A-Za-z0-9][A-Za-z0-9_-]{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// For any list, the file is valid, names each offer once by its id, marks none, and does nothing to a terminal.
    #[test]
    fn any_list_makes_a_valid_file(
        offers in prop::collection::vec((id(), prop::option::of(text()), prop::option::of(text())), 1..12),
        owner in id(),
    ) {
        let mut seen = BTreeSet::new();
        let offers: Vec<ListedOffer> = offers
            .iter()
            .map(|(id, kind, name)| listed(id, kind.as_deref(), name.as_deref()))
            .filter(|offer| seen.insert(offer.id.clone()))
            .collect();
        let list = OfferList { offers, unnamed: Vec::new() };
        let owner = owner.parse().expect("an id");
        let state = InitialState { schema: "https://example.com", portal: PortalKind::default(), publisher: &owner, list: &list };
        let text = initial_state(&state).expect("small enough").text;
        assert_inert_text(&text);
        prop_assert_eq!(text.lines().count(), 5 + seen.len());
        let file = SourceFile { path: "offers.yaml".to_owned(), bytes: text.clone().into_bytes() };
        let desired = read(&[file]).map_err(|found| TestCaseError::fail(format!("{found:?}\n{text}")))?;
        prop_assert!(desired.offers().all(|offer| offer.mark.is_none() && offer.key.publisher == owner));
        let read_back: Vec<String> = desired.offers().map(|offer| offer.key.offer.to_string()).collect();
        let sorted: Vec<String> = seen.iter().map(ToString::to_string).collect();
        prop_assert_eq!(read_back, sorted);
        // Others read the same text.
        let other: serde_json::Value = serde_yaml::from_str(&text).expect("YAML");
        prop_assert!(other["offers"].as_array().expect("offers").iter().all(|offer| offer["id"].is_string()));
    }
}

/// For any set of offers on any portal, `init` then `plan` is empty.
#[test]
fn a_plan_of_any_initial_state_is_empty() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 12,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let sets = prop::collection::btree_set("[a-z0-9][a-z0-9_-]{0,12}", 1..8);
    let any_set = (sets, prop::sample::select(PortalKind::ALL.to_vec()), any::<u32>());
    let checked = runner.run(&any_set, |(ids, portal, busy)| {
        let offers = ids.iter().enumerate().map(|(at, id)| {
            let runs = busy >> at & 1 == 1;
            let (product, number) =
                (format!("0d5c0a4e-1111-4222-8333-{at:012}"), 1_152_921_505_700_000_000_u64 + at as u64);
            let what = match (portal == PortalKind::default(), runs) {
                (true, true) => format!("operations: [{{id: op-{at}}}]"),
                (true, false) => "operations: []".to_owned(),
                (false, true) => format!("product: {product}, submissions: [{{id: '{number}'}}]"),
                (false, false) => format!("product: {product}"),
            };
            format!("  - {{portal: {portal}, publisher: contoso, id: '{id}', {what}}}\n")
        });
        let workspace = Workspace::with("portal.yaml", format!("offers:\n{}", offers.collect::<String>()));
        let init = ["init", "--publisher", "contoso", "--portal", portal.as_str(), "--emulate", "portal.yaml"];
        workspace.run(init.into_iter().chain(["--out", "offers.yaml"])).expect(0);
        workspace.run(["validate"]).expect(0);
        let plan =
            workspace.run(["plan", "--emulate", "portal.yaml", "--format", "json", "--detailed-exitcode"]).expect(0);
        prop_assert_eq!(&plan.json()["summary"]["ignored"], &serde_json::json!(ids.len()));
        Ok(())
    });
    checked.expect("every set");
}
