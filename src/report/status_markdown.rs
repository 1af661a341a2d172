//! A status as Markdown, for issues, comments and the summary of a step.
//!
//! Owns the order of the parts and the limit on its size: what runs comes first, rows are cut whole, the counts stay.

use std::collections::BTreeSet;

use super::cells::{Names, linked, minute, operation, short_id, step};
use super::escape::{markdown_code, markdown_text};
use super::links::Links;
use super::markdown::{fitting, total, write_table};
use super::status_words::{self, status_last_line};
use super::words::{self, counted};
use crate::domain::PublisherId;
use crate::status::{OfferStatus, StatusDocument, StatusState};

/// The least limit that is kept.
const LEAST_LIMIT: usize = 10_000;

/// What stays free for the sentences around the tables.
const RESERVE: usize = 2_000;

/// The status as Markdown of fewer bytes than the limit, which is at least 10,000.
#[must_use]
pub fn status_markdown(document: &StatusDocument, links: Links<'_>, limit: usize) -> String {
    let publishers: BTreeSet<&PublisherId> =
        document.offers.iter().filter_map(|offer| offer.publisher.as_ref()).collect();
    let names = Names::of(publishers.into_iter(), &document.portals);
    let in_states = |is_wanted: fn(StatusState) -> bool| -> Vec<String> {
        let states = StatusState::ALL.into_iter().filter(|state| is_wanted(*state));
        states.flat_map(|state| document.offers_in(state)).map(|offer| row(offer, names, links)).collect()
    };
    let rows = in_states(|state| state != StatusState::Idle);
    let idle: Vec<String> = document.offers_in(StatusState::Idle).map(|offer| idle_row(offer, names)).collect();
    let failures: Vec<String> = document
        .failures
        .iter()
        .map(|failure| {
            let place =
                failure.source.as_ref().map(|source| markdown_code(&format!("{}:{}", source.path, source.line)));
            let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
            let subject = markdown_code(&status_words::subject(failure, document));
            format!("- {subject}: {}{place}\n", markdown_text(&failure.message))
        })
        .collect();
    let unnamed: Vec<String> =
        document.unnamed_products.iter().map(|one| format!("- {}\n", markdown_code(one.product_id.as_str()))).collect();

    let tail = tail(document);
    let mut page = format!("### {}\n", status_last_line(document));
    let budget = limit.max(LEAST_LIMIT).saturating_sub(page.len() + tail.len() + RESERVE);
    let told = fitting(&failures, budget / 4);
    let left = budget - total(&failures[..told]);
    let shown = fitting(&rows, left);
    let left = left - total(&rows[..shown]);
    let folded = fitting(&idle, left / 2);
    let products = fitting(&unnamed, left / 4);

    if !rows.is_empty() {
        page.push('\n');
        write_table(&mut page, "| State | Offer | Operation | Files |\n|:--|:--|:--|:--|\n", &rows[..shown]);
        more(&mut page, rows.len() - shown, "offer");
    }
    if !failures.is_empty() {
        page.push_str("\n**Not known:**\n\n");
        page.extend(failures[..told].iter().map(String::as_str));
        more(&mut page, failures.len() - told, "failure");
    }
    if !idle.is_empty() {
        page.push_str(&format!("\n<details><summary>{}</summary>\n\n", counted(idle.len(), "idle offer")));
        write_table(&mut page, "| Offer | Files |\n|:--|:--|\n", &idle[..folded]);
        more(&mut page, idle.len() - folded, "idle offer");
        page.push_str("\n</details>\n");
    }
    if !unnamed.is_empty() {
        let count = counted(unnamed.len(), "product");
        page.push_str(&format!("\n<details><summary>{count} without the id of an offer, not read</summary>\n\n"));
        page.extend(unnamed[..products].iter().map(String::as_str));
        more(&mut page, unnamed.len() - products, "product");
        page.push_str("\n</details>\n");
    }
    page.push_str(&tail);
    page
}

/// Says what was cut.
fn more(page: &mut String, count: usize, noun: &str) {
    if count > 0 {
        let verb = if count == 1 { "is" } else { "are" };
        let what = format!("{count} more {noun}{}", if count == 1 { "" } else { "s" });
        page.push_str(&format!(
            "\n**{what} {verb} not shown here**, to keep within GitHub's limit. The counts above hold all of them; \
             `--format json` lists all of them.\n"
        ));
    }
}

fn tail(document: &StatusDocument) -> String {
    let parts = [
        format!("read {}", minute(document.created_at)),
        words::portals(&document.portals, markdown_code),
        markdown_text(&document.tool),
    ];
    format!("\n<sub>{}</sub>\n", parts.join(" · "))
}

const fn icon(state: StatusState) -> &'static str {
    match state {
        StatusState::Running | StatusState::Queued | StatusState::SeveralOperations => "▶️",
        StatusState::Cancelling => "⏳",
        StatusState::TooLate => "⛔",
        StatusState::Unknown | StatusState::SeveralProducts | StatusState::Unreadable => "❓",
        StatusState::AwaitsGoLive | StatusState::Draft | StatusState::Failed | StatusState::Idle => "💤",
    }
}

fn name(offer: &OfferStatus, names: Names) -> String {
    let page = Links::page(offer.operation.as_deref(), offer.product_id.as_ref());
    match &offer.publisher {
        Some(publisher) => names.show(offer.portal, publisher, &offer.offer, page.as_deref()),
        None => linked(&markdown_code(offer.offer.as_str()), page.as_deref()),
    }
}

fn row(offer: &OfferStatus, names: Names, links: Links<'_>) -> String {
    let what = offer.operation.as_deref().map(|own| {
        let address = links.told(offer.portal, &own.location);
        operation(own, &short_id(&own.id), address.as_deref())
    });
    let at = offer.operation.as_deref().and_then(step);
    let message = offer.message.as_deref().map(markdown_text);
    let operation = [what, at, message].into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!(
        "| {} {} | {} | {operation} | {} |\n",
        icon(offer.state),
        status_words::state(offer.state),
        name(offer, names),
        file(offer)
    )
}

fn idle_row(offer: &OfferStatus, names: Names) -> String {
    format!("| {} | {} |\n", name(offer, names), file(offer))
}

fn file(offer: &OfferStatus) -> String {
    let mark = status_words::mark(offer.mark);
    let mark = if offer.mark.is_wanted() { format!("**{mark}**") } else { mark.to_owned() };
    let place = status_words::place(offer).map(|place| format!(" ({})", markdown_code(&place))).unwrap_or_default();
    let reason = offer.reason.as_deref().filter(|_| offer.mark.is_wanted() && offer.state != StatusState::Idle);
    let reason = reason.map(|reason| format!(": {}", markdown_text(reason))).unwrap_or_default();
    format!("{mark}{place}{reason}")
}
