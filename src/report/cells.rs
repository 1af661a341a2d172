//! The parts that all Markdown is made of: names, operations, steps, places.
//!
//! Owns how each of them looks. Whatever comes from outside is code, or text that GitHub makes nothing of.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::escape::{markdown_code, markdown_text};
use super::links::Links;
use super::words;
use crate::domain::{OfferId, Operation, OperationId, PortalKind, PublisherId, is_guid};
use crate::plan::{Entry, PlannedPortal};

/// How offers are called: as briefly as they can be told apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    with_publisher: bool,
    with_portal: bool,
}

impl Names {
    /// For offers of these publishers on these portals.
    pub fn of<'a>(publishers: impl Iterator<Item = &'a PublisherId>, portals: &[PlannedPortal]) -> Self {
        let publishers: BTreeSet<&PublisherId> = publishers.collect();
        Self { with_publisher: publishers.len() > 1, with_portal: portals.len() > 1 }
    }

    /// With the publisher and without the portal.
    pub const fn full() -> Self {
        Self { with_publisher: true, with_portal: false }
    }

    /// An offer, as a link where there is a page.
    pub fn show(self, portal: PortalKind, publisher: &PublisherId, offer: &OfferId, page: Option<&str>) -> String {
        let name = if self.with_publisher { format!("{publisher}/{offer}") } else { offer.to_string() };
        let name = linked(&markdown_code(&name), page);
        if self.with_portal { format!("{name} on {portal}") } else { name }
    }

    /// The offer of an entry.
    pub fn entry(self, entry: &Entry, page: Option<&str>) -> String {
        self.show(entry.portal, &entry.publisher, &entry.offer, page)
    }
}

/// Where the mark is.
pub(super) fn place(entry: &Entry) -> String {
    let place = markdown_code(&format!("{}:{}", entry.source.path, entry.source.line));
    if entry.is_frozen() { format!("freeze, {place}") } else { place }
}

/// Why the file wants it cancelled, and where it says so.
pub(super) fn reason(entry: &Entry) -> String {
    let reason = entry.reason.as_deref().map_or_else(|| "No reason given".to_owned(), markdown_text);
    format!("{reason} ({})", place(entry))
}

/// The kind of an operation: as it is where it is one of the API's own words.
pub(super) fn kind(operation: &Operation) -> String {
    match words::kind(operation) {
        known @ ("publish" | "golive" | "operation" | "submission") => known.to_owned(),
        other => markdown_code(other),
    }
}

/// An operation, with its id as a link where there is an address.
pub(super) fn operation(operation: &Operation, id: &str, address: Option<&str>) -> String {
    format!("{} {}", kind(operation), linked(&markdown_code(id), address))
}

/// Enough of an id to know it again: the start of a GUID, the end of a number.
pub(super) fn short_id(id: &OperationId) -> String {
    let text = id.as_str();
    match text.len() {
        ..=20 if !text.bytes().all(|byte| byte.is_ascii_digit()) => text.to_owned(),
        ..=12 => text.to_owned(),
        length if text.bytes().all(|byte| byte.is_ascii_digit()) => format!("…{}", &text[length - 6..]),
        _ if is_guid(text) => format!("{}…", &text[..8]),
        _ => format!("{}…", &text[..16]),
    }
}

/// The operation of an entry, in full or in short, with a link.
pub(super) fn entry_operation(entry: &Entry, links: Links<'_>, is_short: bool) -> Option<String> {
    let own = entry.operation.as_deref()?;
    let id = if is_short { short_id(&own.id) } else { own.id.to_string() };
    Some(operation(own, &id, links.told(entry.portal, &own.location).as_deref()))
}

/// Markdown as a link, where there is an address that can stand in a link.
pub(super) fn linked(text: &str, address: Option<&str>) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&*+,;=%[]".contains(&byte);
    let is_link = |address: &&str| {
        (address.starts_with("https://") || address.starts_with("http://")) && address.bytes().all(plain)
    };
    address.filter(is_link).map_or_else(|| text.to_owned(), |address| format!("[{text}]({address})"))
}

/// Where an operation stands: `Certification, step 2 of 6, blocked, 40 %`.
pub(super) fn step(operation: &Operation) -> Option<String> {
    let parts = [
        operation.step.as_deref().map(markdown_text),
        words::step_of(operation).map(|of| format!("step {of}")),
        operation.step_status.as_ref().map(|status| markdown_code(status.as_str())),
        operation.progress.filter(|progress| *progress > 0).map(|progress| format!("{progress} %")),
    ];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

/// A time to the minute: it stays as it is while the hours go by.
pub(super) fn minute(time: Timestamp) -> String {
    format!("{} UTC", time.strftime("%Y-%m-%d %H:%M"))
}
