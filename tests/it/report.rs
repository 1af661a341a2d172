//! Reports: bounded, and inert whatever they hold.

use cancel_pending::domain::{
    Cancellability, DesiredOffer, FailureScope, Limits, Live, Mark, Observed, Operation, Phase, RunningOperation,
    SourceLocation,
};
use cancel_pending::plan::{Decision, Observation, ObservedState, Plan, PlanFacts, plan};
use cancel_pending::report::{
    AnnotationLevel, COMMENT_LIMIT, TextStyle, annotations, check, json, pending_operation_diff, plan_markdown,
    plan_text, review,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::support::assert_inert_text;
use crate::support::plans::{CANARY, any_plan, facts, key, links, observations, operation, seen};

const PLAIN: TextStyle = TextStyle { color: false, links: false, width: 80, differences: true };

/// Whether GitHub makes nothing of a text but text: no markup, no mention, no reference, no link.
fn is_prose(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    !text.contains(['<', '>', '[', ']', '{', '}', '*', '_', '~', '@', '#', '&', '\\', '|', '$', '^', '`', '+', '='])
        && !["www.", "://", "gh-"].iter().any(|part| text.contains(part))
}

/// Asserts that what came from outside stands in code, or is prose, and that the only HTML is ours.
fn assert_inert_markdown(markdown: &str) {
    assert_inert_text(markdown);
    let mut code = 0;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM)
    {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code += 1,
            Event::End(TagEnd::CodeBlock) => code -= 1,
            Event::Text(text) if code == 0 => {
                assert!(!text.contains(CANARY) || is_prose(&text), "outside of code: {text}");
                assert!(!text.contains('@') && !text.contains("http"), "a mention or a link: {text}");
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.trim().replace(|c: char| c.is_ascii_digit(), "#").replace("##", "#");
                let ours = [
                    "</details>",
                    "<sub>",
                    "</sub>",
                    "<details><summary>Details: portal messages, notifications, differences</summary>",
                    "<details><summary># marked offer needs no action</summary>",
                    "<details><summary># marked offers need no action</summary>",
                ];
                assert!(ours.contains(&html.as_str()), "HTML that is not ours: {html}");
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                let (portal, page) =
                    ("https://cloudpartner.azure.com/api/", "https://partner.microsoft.com/dashboard/");
                assert!(dest_url.starts_with(portal) || dest_url.starts_with(page), "a link to {dest_url}");
            }
            Event::Start(Tag::Image { dest_url, .. }) => panic!("an image: {dest_url}"),
            _ => {}
        }
    }
}

/// Every row of every table has as many cells as its header.
fn assert_whole_tables(markdown: &str) {
    let (mut cells, mut columns) = (0, 0);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Table(alignments)) => columns = alignments.len(),
            Event::Start(Tag::TableRow | Tag::TableHead) => cells = 0,
            Event::Start(Tag::TableCell) => cells += 1,
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => assert_eq!(cells, columns),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn text_is_inert(plan in any_plan(8), width in 1..200_usize) {
        assert_inert_text(&plan_text(&plan, TextStyle { width, ..PLAIN }, None));
    }

    #[test]
    fn json_is_inert_and_the_same_document(plan in any_plan(8)) {
        let text = json(&plan);
        assert_inert_text(&text);
        prop_assert_eq!(serde_json::from_str::<Plan>(&text).expect("JSON"), plan);
    }

    #[test]
    fn markdown_is_inert(plan in any_plan(8)) {
        let markdown = plan_markdown(&plan, links(&plan), COMMENT_LIMIT);
        assert_inert_markdown(&markdown);
        assert_whole_tables(&markdown);
    }

    #[test]
    fn markdown_is_bounded(plan in any_plan(150)) {
        let markdown = plan_markdown(&plan, links(&plan), COMMENT_LIMIT);
        prop_assert!(markdown.len() < COMMENT_LIMIT, "{} bytes", markdown.len());
        assert_whole_tables(&markdown);
    }

    #[test]
    fn the_difference_removes_what_is_cancelled_and_nothing_else(plan in any_plan(8)) {
        for entry in &plan.entries {
            let diff = pending_operation_diff(entry);
            let ends = matches!(entry.decision, Decision::Cancel | Decision::Wait);
            prop_assert_eq!(!diff.is_empty(), ends, "{:?}: {}", entry.decision, diff);
            let removed = format!("-  id: {}", entry.operation.as_ref().map_or("", |operation| operation.id.as_str()));
            prop_assert_eq!(diff.lines().any(|line| line == removed), ends, "{}", diff);
            prop_assert_eq!(diff.lines().any(|line| line == "+pendingOperation: none"), ends, "{}", diff);
        }
    }
}

/// The same observation under as many names as wanted.
fn many(count: usize, seed: &Observation) -> Plan {
    let offers = (0..count)
        .map(|number| {
            let mut one = seed.clone();
            one.desired.key.offer = format!("offer-{number:05}").parse().expect("an id");
            one
        })
        .collect();
    plan(&facts(), vec![ObservedState { limits: Limits::at_most(u32::MAX), offers }])
}

fn any_observation() -> impl Strategy<Value = Observation> {
    observations(1).prop_map(|mut all| all.remove(0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Thousands of offers: under the limit, the counts are there, and it says what was cut.
    #[test]
    fn thousands_of_offers_are_cut_in_whole_rows(seed in any_observation(), limit in 10_000..COMMENT_LIMIT) {
        let plan = many(3_000, &seed);
        let markdown = plan_markdown(&plan, links(&plan), limit);
        prop_assert!(markdown.len() < limit, "{} of {limit} bytes", markdown.len());
        assert_whole_tables(&markdown);
        prop_assert!(markdown.contains(&plan.decision_digest[..12]));
        if plan.summary.cancel > 0 {
            prop_assert!(markdown.contains("3000 operations to cancel"));
        }
        if plan.summary.ignored == 0 {
            // What can't be read for one reason is one row, with as many names as fit.
            let is_cut = markdown.contains("not shown here") || markdown.contains("more offers |");
            prop_assert!(is_cut, "{}", markdown);
        }
    }
}

#[test]
fn what_is_cut_and_what_is_shown_are_all() {
    let seed = observations(1);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..20 {
        let observation = seed.new_tree(&mut runner).expect("a value").current().remove(0);
        let plan = many(900, &observation);
        let markdown = plan_markdown(&plan, links(&plan), COMMENT_LIMIT);
        if plan.summary.cancel == 900 {
            let shown =
                markdown.lines().filter(|line| line.starts_with("| `offer-") || line.starts_with("| [`offer-")).count();
            let cut: usize = markdown
                .lines()
                .filter(|line| line.contains(" more operations to cancel are not shown here"))
                .find_map(|line| line.strip_prefix("**").and_then(|rest| rest.split(' ').next()))
                .and_then(|number| number.parse().ok())
                .unwrap_or(0);
            assert_eq!(shown + cut, 900);
        }
    }
}

#[test]
fn colours_are_there_when_they_are_wanted_and_text_fits_its_width() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let plan = any_plan(8).new_tree(&mut runner).expect("a value").current();
    let uncolored = plan_text(&plan, PLAIN, None);
    let colored = plan_text(&plan, TextStyle { color: true, ..PLAIN }, None);
    assert!(!uncolored.contains('\u{1b}') && colored.contains("\u{1b}["));
    let stripped: String = console::strip_ansi_codes(&colored).into_owned();
    assert_eq!(stripped, uncolored);
}

/// A publish that says all that can be said, on a product with a page.
fn talkative(number: usize, name: &str) -> Observation {
    let id = format!("{number:08x}-925b-4ee0-938b-7c86fbf287c5");
    let product = format!("0d5c0a4e-1111-4222-8333-{number:012}");
    let operation = Operation {
        location: format!("https://cloudpartner.azure.com/api/publishers/contoso/offers/{name}/operations/{id}"),
        link: Some(format!("https://partner.microsoft.com/dashboard/commercial-marketplace/offers/{product}/overview")),
        changed_at: "2026-11-20T08:00:00Z".parse().ok(),
        step: Some("Certification".to_owned()),
        step_number: Some(2),
        step_count: Some(6),
        ..operation(&id)
    };
    let running = RunningOperation {
        caveat: None,
        operation,
        phase: Phase::Running,
        cancellability: Cancellability::Allowed,
        message: Some("No virtual machine image was found for the plan contoso.".to_owned()),
        guard: None,
    };
    Observation {
        desired: DesiredOffer {
            product_id: None,
            key: key("contoso", name),
            mark: Some(Mark::default()),
            is_spared: false,
            rule: None,
            notification_emails: vec![],
            reason: Some("Published from the wrong branch, with the wrong image, at the wrong time.".to_owned()),
            source: SourceLocation { path: "publishers/contoso/offers.yaml".to_owned(), line: 6, column: 5 },
        },
        observed: Some(seen(Live::Running(Box::new(running)))),
    }
}

fn plan_of(offers: Vec<Observation>) -> Plan {
    plan(&facts(), vec![ObservedState { limits: Limits::at_most(u32::MAX), offers }])
}

/// The rows of the first table, each with its links.
fn cancel_rows(markdown: &str) -> Vec<(String, Vec<String>)> {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::TableRow) => rows.push(Default::default()),
            Event::End(TagEnd::Table) => break,
            Event::Text(text) | Event::Code(text) => {
                if let Some((row, _)) = rows.last_mut() {
                    row.push_str(&text);
                }
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                if let Some((_, links)) = rows.last_mut() {
                    links.push(dest_url.into_string());
                }
            }
            _ => {}
        }
    }
    rows
}

#[test]
fn every_cancellation_is_a_row_of_the_first_table() {
    for (count, links_each, has_reasons, has_details) in
        [(1, 2, true, true), (60, 2, true, false), (120, 2, true, false), (300, 1, false, false)]
    {
        let plan = plan_of((0..count).map(|number| talkative(number, &format!("contoso-offer-{number:03}"))).collect());
        let markdown = plan_markdown(&plan, links(&plan), COMMENT_LIMIT);
        assert!(markdown.len() < COMMENT_LIMIT, "{count}: {}", markdown.len());
        assert_inert_markdown(&markdown);
        assert_whole_tables(&markdown);
        let rows = cancel_rows(&markdown);
        assert_eq!(rows.len(), count, "{count}");
        for (number, (row, links)) in rows.iter().enumerate() {
            assert!(row.starts_with(&format!("contoso-offer-{number:03} publish {number:08x}")), "{count}: {row}");
            assert_eq!(row.contains("wrong branch"), has_reasons, "{count}: {row}");
            assert_eq!(links.len(), links_each, "{count}: {row}");
            assert!(links[0].ends_with(&format!("/offers/0d5c0a4e-1111-4222-8333-{number:012}/overview")), "{links:?}");
        }
        assert_eq!(markdown.contains("the summary of the run has it"), count >= 120);
        assert_eq!(markdown.matches("```diff").count() == count, has_details, "{count}");
        // The summary of a step has room for all of it.
        let summary = plan_markdown(&plan, links(&plan), 1024 * 1024);
        assert!(cancel_rows(&summary).len() == count && summary.matches("```diff").count() == count);
    }
    // Names as long as they may be, whole.
    let names: Vec<String> = (0..300).map(|number| format!("contoso-{}-{number:03}", "x".repeat(60))).collect();
    let plan = plan_of(names.iter().enumerate().map(|(number, name)| talkative(number, name)).collect());
    let markdown = plan_markdown(&plan, links(&plan), COMMENT_LIMIT);
    assert!(markdown.len() < COMMENT_LIMIT && names.iter().all(|name| markdown.contains(name)));
    // One that is not cancelled is named too, however many are.
    let blocked = {
        let mut one = talkative(999, "contoso-blocked");
        if let Some(Observed { live: Live::Running(running), .. }) = &mut one.observed {
            running.cancellability = Cancellability::Refused;
        }
        one
    };
    let many = (0..300).map(|number| talkative(number, &format!("contoso-offer-{number:03}")));
    let plan = plan_of(many.chain([blocked]).collect());
    let markdown = plan_markdown(&plan, links(&plan), COMMENT_LIMIT);
    assert!(
        cancel_rows(&markdown).len() == 300 && markdown.contains("contoso-blocked") && markdown.len() < COMMENT_LIMIT
    );
}

#[test]
fn nothing_moves_while_time_passes() {
    let made = |now: &str| {
        let facts = PlanFacts { now: now.parse().expect("a time"), ..facts() };
        let offers = vec![talkative(1, "contoso-vm"), talkative(2, "contoso-app")];
        plan(&facts, vec![ObservedState { limits: Limits::default(), offers }])
    };
    let page = |plan: &Plan| {
        let markdown = plan_markdown(plan, links(plan), COMMENT_LIMIT);
        let (page, read) = markdown.rsplit_once("<sub>").expect("a last line");
        assert!(read.contains("read 2026-"));
        page.to_owned()
    };
    assert_eq!(page(&made("2026-11-22T12:00:00Z")), page(&made("2026-11-24T18:30:00Z")));
}

#[test]
fn equal_errors_are_said_once() {
    let unreadable = |number: usize| {
        let mut one = talkative(number, &format!("contoso-offer-{number:03}"));
        let message = if number == 7 { "another" } else { "could not reach the portal (4 attempts in 7 s)" };
        one.observed = Some(Observed::unreadable(message.to_owned(), FailureScope::Offer));
        one
    };
    let plan = plan_of((0..20).map(unreadable).collect());
    let markdown = plan_markdown(&plan, links(&plan), COMMENT_LIMIT);
    assert_eq!(markdown.matches("could not reach the portal").count(), 1, "{markdown}");
    assert_eq!(markdown.lines().filter(|line| line.starts_with("| `contoso-offer-")).count(), 2);
    assert!((0..20).all(|number| markdown.contains(&format!("`contoso-offer-{number:03}`"))));
}

/// However many offers it is about, and although each has a message of its own.
#[test]
fn a_portal_that_can_not_be_read_is_one_error() {
    let of_portal = |number: usize| {
        let mut one = talkative(number, &format!("contoso-offer-{number:03}"));
        let message = format!("could not reach the portal ({number} attempts in 7 s)");
        one.observed = Some(Observed::unreadable(message, FailureScope::Portal));
        one
    };
    let plan = plan_of((0..20).map(of_portal).collect());
    let said = "could not reach the portal (0 attempts in 7 s)";
    let markdown = plan_markdown(&plan, links(&plan), COMMENT_LIMIT);
    assert_eq!(markdown.matches("could not reach").count(), 1, "{markdown}");
    assert!(markdown.contains(said) && markdown.contains("could not check 20 of 20 marked offers"), "{markdown}");
    assert!((0..20).all(|number| markdown.contains(&format!("`contoso-offer-{number:03}`"))));
    let check = check(&plan, None, links(&plan));
    assert_eq!(check.summary, markdown);
    let [one] = check.annotations.as_slice() else { panic!("{:#?}", check.annotations) };
    assert_eq!(
        (one.level, one.title.as_str()),
        (AnnotationLevel::Error, "20 offers on cloud-partner: could not be read")
    );
    assert_eq!(one.message, said);
    assert_eq!(one.place, Some((plan.entries[0].source.path.clone(), plan.entries[0].source.line)));
    assert!(review(&plan, links(&plan), &|_| None).is_empty(), "it says nothing about a line");
    let alone = plan_of(vec![of_portal(3)]);
    assert_eq!(annotations(&alone, None, links(&alone))[0].title, "contoso / contoso-offer-003: could not be read");
}

#[test]
fn the_name_of_a_field_never_touches_its_value() {
    let mut one = talkative(1, "contoso-vm");
    let pin = "5a63deb5-925b-4ee0-938b-7c86fbf287ff".parse().ok();
    one.desired.mark = Some(Mark { operation_id: pin, ..Mark::default() });
    let text = plan_text(&plan_of(vec![one]), PLAIN, None);
    assert!(text.contains("    unknown-pin\n               The pinned operation is not known"), "{text}");
}
