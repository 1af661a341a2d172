//! Reports: bounded, and inert whatever they hold.

use cancel_pending::domain::Limits;
use cancel_pending::plan::{Decision, Observation, Plan, plan};
use cancel_pending::report::{COMMENT_LIMIT, TextStyle, json, pending_operation_diff, plan_markdown, plan_text};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::support::assert_inert_text;
use crate::support::plans::{CANARY, any_plan, facts, observations};

const PLAIN: TextStyle = TextStyle { color: false, links: false, width: 80, differences: true };

/// Asserts that what came from outside stands in code alone, and that the only HTML is ours.
fn assert_inert_markdown(markdown: &str) {
    assert_inert_text(markdown);
    let mut code = 0;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM)
    {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code += 1,
            Event::End(TagEnd::CodeBlock) => code -= 1,
            Event::Text(text) if code == 0 => {
                assert!(!text.contains(CANARY), "outside of code: {text}");
                assert!(!text.contains('@') && !text.contains("http"), "a mention or a link: {text}");
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.trim().replace(|c: char| c.is_ascii_digit(), "#");
                let ours = [
                    "<details><summary># marked offer needs nothing</summary>",
                    "</details>",
                    "<sub>",
                    "</sub>",
                    "<details>",
                    "<summary>",
                    "</summary>",
                    "<details><summary># marked offers need nothing</summary>",
                ];
                let ours = ours.contains(&html.as_str())
                    || html == "<details><summary>## marked offers need nothing</summary>";
                assert!(ours, "HTML that is not ours: {html}");
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                assert!(dest_url.starts_with("https://cloudpartner.azure.com/"), "a link to {dest_url}");
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
    fn markdown_is_inert(mut plan in any_plan(8)) {
        // Links go where the portal client makes them go; here every location is hostile or ours.
        for entry in &mut plan.entries {
            if let Some(operation) = &mut entry.operation && operation.location.starts_with("http") {
                operation.location = "https://cloudpartner.azure.com/api".to_owned();
            }
        }
        let markdown = plan_markdown(&plan, COMMENT_LIMIT);
        assert_inert_markdown(&markdown);
        assert_whole_tables(&markdown);
    }

    #[test]
    fn markdown_is_bounded(plan in any_plan(150)) {
        let markdown = plan_markdown(&plan, COMMENT_LIMIT);
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
    let observations = (0..count)
        .map(|number| {
            let mut one = seed.clone();
            one.desired.key.offer = format!("offer-{number:05}").parse().expect("an id");
            one
        })
        .collect();
    plan(&facts(), vec![(Limits::at_most(u32::MAX), observations)])
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
        let markdown = plan_markdown(&plan, limit);
        prop_assert!(markdown.len() < limit, "{} of {limit} bytes", markdown.len());
        assert_whole_tables(&markdown);
        prop_assert!(markdown.contains(&plan.decision_digest));
        if plan.summary.cancel > 0 {
            prop_assert!(markdown.contains("3000 operations to cancel"));
        }
        if plan.summary.ignored == 0 {
            prop_assert!(markdown.contains("not shown here"));
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
        let markdown = plan_markdown(&plan, COMMENT_LIMIT);
        if plan.summary.cancel == 900 {
            let shown = markdown.matches("🛑").count();
            let cut: usize = markdown
                .lines()
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
