//! A plan that could not be made, as Markdown: what is wrong and where, and that what was shown before is out of date.
//!
//! Owns layout and the limit on its size.

use super::escape::{markdown_code, markdown_text};
use super::markdown::{PageOrigin, cut, fitting};
use super::words;
use crate::plan::{Plan, PlanFailure};

/// What stays free for the sentences around the list.
const RESERVE: usize = 2_000;

/// Why there is no plan.
pub(super) fn failure_page(plan: &Plan, failures: &[PlanFailure], origin: &PageOrigin, limit: usize) -> String {
    let commit = origin.commit.as_ref().map(|commit| format!(" for commit {commit}")).unwrap_or_default();
    let mut page = format!("### {}{commit}\n\n", words::headline(plan));
    if origin.replaces_plan {
        page.push_str("The plan that was shown here before is out of date. ");
    }
    page.push_str("No plan was made, so nothing can be applied.\n\n");
    let items: Vec<String> = failures.iter().map(item).collect();
    let count = fitting(&items, limit.saturating_sub(RESERVE));
    page.extend(items[..count].iter().map(String::as_str));
    cut(&mut page, items.len() - count, "mistake", "mistakes");
    let parts: Vec<String> = origin.parts().into_iter().chain([markdown_text(&plan.tool)]).collect();
    page.push_str(&format!("\n<sub>{}</sub>\n", parts.join(" · ")));
    page
}

fn item(failure: &PlanFailure) -> String {
    let place = failure.path.as_ref().map(|path| {
        let line = failure.line.map(|line| format!(":{line}")).unwrap_or_default();
        let column = failure.column.filter(|_| failure.line.is_some()).map(|column| format!(":{column}"));
        format!("{}: ", markdown_code(&format!("{path}{line}{}", column.unwrap_or_default())))
    });
    let help = failure.help.as_deref().map(|help| format!("; {}", markdown_text(help))).unwrap_or_default();
    // Text that could begin a list of its own must not stand first.
    let place = place.unwrap_or_else(|| "Error: ".to_owned());
    format!("- {place}{}{help}\n", markdown_text(&failure.message))
}
