//! A mark written into a file's own text: an offer's entry gets it, or the file gets the entry.
//!
//! Owns what is written where, so that every other byte stays as it is. What the text then means is read again and held
//! against what it was to mean; a file that does not mean exactly that is never handed out.

use super::check::OFFER_KEYS;
use super::diagnostic::{Code, Diagnostic};
use super::node::{Node, Value};
use super::suggest::{end_of, field, is_flow, is_key, line, meaning, remove, text_of, with_offer};
use super::syntax::{SourceText, parse};
use super::{SourceFile, read};
use crate::domain::{
    DesiredOffer, DesiredSet, JobId, Mark, OfferId, OfferKey, OperationId, PortalKind, ProductId, PublisherId,
};

/// A mark that is to be in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedMark {
    /// The offer.
    pub offer: OfferId,
    /// Its publisher; none: the one that the file has for it.
    pub publisher: Option<PublisherId>,
    /// Its portal; none: the one that the file has for it.
    pub portal: Option<PortalKind>,
    /// The product that it must be.
    pub product_id: Option<ProductId>,
    /// The one operation that is to be cancelled.
    pub operation_id: Option<OperationId>,
    /// The job that a cancel call names.
    pub job_id: Option<JobId>,
    /// From when on the mark does nothing, as it is to be written.
    pub expires: Option<String>,
    /// Why, in one line.
    pub reason: Option<String>,
}

/// A file with the mark in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Which offer is marked.
    pub key: OfferKey,
    /// Whether its entry was not there before.
    pub is_new: bool,
    /// The mark that it has now.
    pub mark: Mark,
}

/// Why a mark can't be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetMarkError {
    /// The file is wrong as it is.
    #[error("the file has mistakes")]
    Invalid(Vec<Diagnostic>),
    /// With the mark in it the file would be wrong.
    #[error("the mark would not be valid: {}{}", .0.message, .0.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default())]
    Refused(Box<Diagnostic>),
    /// Something that is not to be in a reason.
    #[error("a reason is one line of text, without control characters")]
    Reason,
    /// Several offers could be meant.
    #[error("the file has the offer `{offer}` of several publishers ({}); name one of them with --publisher", publishers.join(", "))]
    Ambiguous {
        /// The offer.
        offer: OfferId,
        /// The publishers.
        publishers: Vec<String>,
    },
    /// A new entry needs a publisher.
    #[error("the file has no publisher for the offer `{0}`; name it with --publisher")]
    NoPublisher(OfferId),
    /// It is on another portal.
    #[error("the file has the offer `{}` on `{}`, and not on `{wanted}`; an offer is on one portal", key.offer, key.portal)]
    OtherPortal {
        /// The offer, with the portal that it is on.
        key: OfferKey,
        /// The other one.
        wanted: PortalKind,
    },
    /// It is written in a way in which it can't be changed in its place.
    #[error("the file is written in a way in which the entry of `{0}` can't be changed in its place; edit it by hand")]
    Unwritable(OfferId),
}

/// What a mark consists of beside `cancelPending`, and what belongs to one operation.
const OPERATION_KEYS: &[&str] = &["operationId", "jobId", "expires", "reason"];

/// Writes a mark into a file. What the mark does not mention stays, unless it is a mark of another operation: what was
/// said of that one goes.
///
/// ```
/// use cancel_pending::desired::{SourceFile, WantedMark, set_mark};
/// let text = "publisher: contoso\noffers:\n  - id: vm # the large one\n";
/// let file = SourceFile { path: "offers.yaml".into(), bytes: text.into() };
/// let wanted = WantedMark {
///     offer: "vm".parse().unwrap(),
///     operation_id: Some("5a63deb5".parse().unwrap()),
///     publisher: None, portal: None, product_id: None, job_id: None, expires: None, reason: None,
/// };
/// let marked = set_mark(&file, &wanted).unwrap();
/// let after = "publisher: contoso\noffers:\n  - id: vm # the large one\n    cancelPending: true\n    operationId: 5a63deb5\n";
/// assert_eq!(String::from_utf8(marked.bytes).unwrap(), after);
/// ```
///
/// # Errors
/// When the file is no desired state, when it can't be told which entry is meant, and when the mark can't be one.
pub fn set_mark(file: &SourceFile, wanted: &WantedMark) -> Result<MarkedFile, SetMarkError> {
    if wanted.reason.as_ref().is_some_and(|reason| reason.chars().any(char::is_control)) {
        return Err(SetMarkError::Reason);
    }
    let before = read(std::slice::from_ref(file)).map_err(SetMarkError::Invalid)?;
    let unwritable = || SetMarkError::Unwritable(wanted.offer.clone());
    let whole = std::str::from_utf8(&file.bytes).map_err(|_| unwritable())?;
    let text = whole.strip_prefix('\u{FEFF}').unwrap_or(whole);
    let is_meant = |one: &&DesiredOffer| {
        one.key.offer == wanted.offer
            && wanted.publisher.as_ref().is_none_or(|publisher| one.key.publisher == *publisher)
    };
    let found: Vec<&DesiredOffer> = before.offers().filter(is_meant).collect();
    let (text, key, is_new) = match found.as_slice() {
        [] => {
            let (text, key) = with_entry(text, wanted)?;
            (text, key, true)
        }
        [one] => match wanted.portal.filter(|portal| *portal != one.key.portal) {
            Some(portal) => return Err(SetMarkError::OtherPortal { key: one.key.clone(), wanted: portal }),
            None => (with_mark(text, one, wanted).ok_or_else(unwritable)?, one.key.clone(), false),
        },
        several => {
            let publishers = several.iter().map(|one| one.key.publisher.to_string()).collect();
            return Err(SetMarkError::Ambiguous { offer: wanted.offer.clone(), publishers });
        }
    };
    let byte_order_mark = if whole.starts_with('\u{FEFF}') { "\u{FEFF}" } else { "" };
    let bytes = format!("{byte_order_mark}{text}").into_bytes();
    let after = SourceFile { path: file.path.clone(), bytes };
    let set = read(std::slice::from_ref(&after)).map_err(|found| refused(found, unwritable()))?;
    let mark = checked(before, set, &key, wanted).ok_or_else(unwritable)?;
    Ok(MarkedFile { bytes: after.bytes, key, is_new, mark })
}

/// What is wrong with the file once the mark is in it. Where that is not even YAML, it is the way in which it was put there.
fn refused(found: Vec<Diagnostic>, otherwise: SetMarkError) -> SetMarkError {
    let first = found.into_iter().next().filter(|first| first.code != Code::Syntax);
    first.map_or(otherwise, |first| SetMarkError::Refused(Box::new(first)))
}

/// What an offer's mark is to be: what is not mentioned stays, unless it was said of another operation.
fn expected(old: Option<&DesiredOffer>, wanted: &WantedMark) -> (Mark, Option<String>) {
    let kept = old.filter(|old| !is_of_another(old, wanted));
    let mark = kept.and_then(|old| old.mark.clone()).unwrap_or_default();
    let expires = wanted.expires.as_ref().map(|text| text.parse().ok());
    let mark = Mark {
        operation_id: wanted.operation_id.clone().or(mark.operation_id),
        job_id: wanted.job_id.clone().or(mark.job_id),
        expires: expires.unwrap_or(mark.expires),
    };
    (mark, wanted.reason.clone().or_else(|| kept.and_then(|old| old.reason.clone())))
}

/// Whether what stands in the file is not about the wanted operation: nothing is marked, or another one is pinned.
fn is_of_another(old: &DesiredOffer, wanted: &WantedMark) -> bool {
    fn differ<T: PartialEq>(old: Option<&T>, wanted: Option<&T>) -> bool {
        matches!((old, wanted), (Some(old), Some(wanted)) if old != wanted)
    }
    old.mark.as_ref().is_none_or(|mark| {
        differ(mark.operation_id.as_ref(), wanted.operation_id.as_ref())
            || differ(mark.job_id.as_ref(), wanted.job_id.as_ref())
    })
}

/// Whether the offer is marked as it is to be, and nothing else has changed. Returns its mark.
fn checked(mut before: DesiredSet, mut after: DesiredSet, key: &OfferKey, wanted: &WantedMark) -> Option<Mark> {
    let old = take(&mut before, key);
    let new = take(&mut after, key)?;
    let (mark, reason) = expected(old.as_ref(), wanted);
    let old = old.as_ref();
    let product = wanted.product_id.as_ref().or_else(|| old.and_then(|old| old.product_id.as_ref()));
    let is_marked = new.key == *key
        && new.mark.as_ref() == Some(&mark)
        && new.reason == reason
        && new.product_id.as_ref() == product
        && old.is_none_or(|old| old.notification_emails == new.notification_emails);
    (is_marked && meaning(before) == meaning(after)).then_some(mark)
}

/// Takes an offer out of a set.
fn take(set: &mut DesiredSet, key: &OfferKey) -> Option<DesiredOffer> {
    set.states.iter_mut().find_map(|state| {
        let is_it = |one: &DesiredOffer| one.key.publisher == key.publisher && one.key.offer == key.offer;
        let at = state.offers.iter().position(is_it)?;
        Some(state.offers.remove(at))
    })
}

/// The keys that a mark needs, in the order of the format, each with its value.
fn keys(wanted: &WantedMark) -> Vec<(&'static str, Scalar<'_>)> {
    fn text<'a>(name: &'static str, value: Option<&'a str>) -> Option<(&'static str, Scalar<'a>)> {
        value.map(|value| (name, Scalar::Text(value)))
    }
    [
        text("productId", wanted.product_id.as_ref().map(ProductId::as_str)),
        Some(("cancelPending", Scalar::True)),
        text("operationId", wanted.operation_id.as_ref().map(OperationId::as_str)),
        text("jobId", wanted.job_id.as_ref().map(JobId::as_str)),
        text("expires", wanted.expires.as_deref()),
        text("reason", wanted.reason.as_deref()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A value that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar<'a> {
    True,
    Text(&'a str),
}

impl Scalar<'_> {
    /// Whether a node says the same. Letter case means nothing in ids.
    fn is_said_by(self, node: &Node<'_>, name: &str) -> bool {
        match (self, &node.value) {
            (Self::True, Value::Boolean(value)) => *value,
            (Self::Text(text), Value::Text(found)) if name.ends_with("Id") => {
                found.parse::<OperationId>().is_ok_and(|found| found == *text)
            }
            (Self::Text(text), Value::Text(found)) => found.trim_end_matches('\n') == text,
            _ => false,
        }
    }

    /// Itself as YAML, in one line.
    fn written(self) -> Option<String> {
        let text = match self {
            Self::True => serde_yaml::to_string(&true),
            Self::Text(text) => serde_yaml::to_string(text),
        };
        text.ok().map(|text| text.trim_end().to_owned())
    }

    /// Likewise, between braces, where a comma would end it.
    fn written_in_braces(self) -> Option<String> {
        let written = self.written()?;
        let is_quoted = written.starts_with(['\'', '"']);
        let is_safe = |sign: char| !matches!(sign, ',' | '[' | ']' | '{' | '}');
        Some(if is_quoted || written.chars().all(is_safe) {
            written
        } else {
            format!("'{}'", written.replace('\'', "''"))
        })
    }
}

/// The text with the mark in an offer's entry.
fn with_mark(text: &str, offer: &DesiredOffer, wanted: &WantedMark) -> Option<String> {
    let (publisher, id) = (&offer.key.publisher, &offer.key.offer);
    let mut text = text.to_owned();
    let given = keys(wanted);
    if is_of_another(offer, wanted) {
        for name in OPERATION_KEYS.iter().filter(|name| given.iter().all(|(given, _)| given != *name)) {
            text = with_offer(&text, publisher, id, |source, fields| {
                match fields.iter().position(|(key, _)| is_key(key, name)) {
                    Some(index) => remove(source, fields, index),
                    None => Some(source.text.to_owned()),
                }
            })?;
        }
    }
    for (name, value) in given {
        // One at a time: what stands next to what changes with each.
        text = with_offer(&text, publisher, id, |source, fields| with_key(source, fields, name, value))?;
    }
    Some(text)
}

fn with_key(source: &SourceText<'_>, fields: &[(Node<'_>, Node<'_>)], name: &str, value: Scalar<'_>) -> Option<String> {
    let text = source.text;
    let replaced = |from: usize, to: usize, by: &str| Some(format!("{}{by}{}", &text[..from], &text[to..]));
    let is_braced = is_flow(source, fields);
    let written = if is_braced { value.written_in_braces()? } else { value.written()? };
    if let Some((key, node)) = fields.iter().find(|(key, _)| is_key(key, name)) {
        if value.is_said_by(node, name) {
            return Some(text.to_owned());
        }
        let end = end_of(source, node);
        // A block scalar begins behind a sign that goes with it.
        let between = text.get(key.range.end..node.range.start)?;
        return if between.contains(['|', '>']) {
            replaced(key.range.start, end, &format!("{name}: {written}"))
        } else {
            replaced(node.range.start, end, &written)
        };
    }
    // Behind the nearest key that stands before it in the format, and that has its value in its own line.
    let order = |key: &str| OFFER_KEYS.iter().position(|known| *known == key);
    let own = order(name)?;
    let before = fields.iter().filter_map(|(key, node)| {
        let at = order(text_of(Some(key))?).filter(|at| *at < own)?;
        matches!(node.value, Value::Text(_) | Value::Boolean(_)).then_some((at, key, node))
    });
    let (_, key, node) = before.max_by_key(|(at, ..)| *at)?;
    let end = end_of(source, node);
    if is_braced {
        return replaced(end, end, &format!(", {name}: {written}"));
    }
    let (line_start, _) = line(text, key.range.start);
    let indent = text[line_start..key.range.start].chars().count();
    let (at, line_break) = end_of_line(text, end);
    replaced(at, at, &format!("{line_break}{:indent$}{name}: {written}", ""))
}

/// Where a line ends, and by what lines end here.
fn end_of_line(text: &str, at: usize) -> (usize, &'static str) {
    let (_, end) = line(text, at);
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    (end - usize::from(text[..end].ends_with('\r')), line_break)
}

/// A document that an entry can be added to.
struct AppendableList<'n, 's> {
    list: &'n Node<'s>,
    portal: PortalKind,
    publisher: Option<&'n str>,
}

/// The text with a new entry for the offer, in the document that fits it best.
fn with_entry(text: &str, wanted: &WantedMark) -> Result<(String, OfferKey), SetMarkError> {
    let unwritable = || SetMarkError::Unwritable(wanted.offer.clone());
    let file = SourceFile { path: String::new(), bytes: text.as_bytes().to_vec() };
    let source = parse(&file, &mut Vec::new()).ok_or_else(unwritable)?;
    let lists: Vec<AppendableList<'_, '_>> = source.documents.iter().filter_map(appendable).collect();
    let fits = |one: &AppendableList<'_, '_>| {
        let is_publisher = match (&wanted.publisher, one.publisher) {
            (Some(wanted), Some(own)) => *wanted == *own,
            (None, own) => own.is_some(),
            (Some(_), None) => false,
        };
        (is_publisher, wanted.portal.is_none_or(|portal| portal == one.portal))
    };
    let best = lists.iter().map(fits).max().ok_or_else(unwritable)?;
    let fitting: Vec<&AppendableList<'_, '_>> = lists.iter().filter(|one| fits(one) == best).collect();
    let chosen = fitting.first().ok_or_else(unwritable)?;
    let publishers: Vec<String> = fitting.iter().filter_map(|one| one.publisher.map(str::to_owned)).collect();
    if wanted.publisher.is_none() && publishers.iter().any(|one| Some(one.as_str()) != chosen.publisher) {
        return Err(SetMarkError::Ambiguous { offer: wanted.offer.clone(), publishers });
    }
    let own = chosen.publisher.and_then(|own| own.parse().ok());
    let publisher: PublisherId =
        wanted.publisher.clone().or(own).ok_or_else(|| SetMarkError::NoPublisher(wanted.offer.clone()))?;
    let portal = wanted.portal.unwrap_or(chosen.portal);
    let mut entry = vec![("id", Scalar::Text(wanted.offer.as_str()))];
    if portal != chosen.portal {
        entry.push(("portal", Scalar::Text(portal.as_str())));
    }
    if chosen.publisher.is_none_or(|own| publisher != *own) {
        entry.push(("publisher", Scalar::Text(publisher.as_str())));
    }
    entry.extend(keys(wanted));
    let added = appended(&source, chosen.list, &entry).ok_or_else(unwritable)?;
    Ok((added, OfferKey { portal, publisher, offer: wanted.offer.clone() }))
}

fn appendable<'n, 's>(document: &'n Node<'s>) -> Option<AppendableList<'n, 's>> {
    let Value::Mapping(fields) = &document.value else { return None };
    let list = field(fields, "offers").filter(|list| matches!(list.value, Value::List(_)))?;
    let portal = text_of(field(fields, "portal")).map_or(Some(PortalKind::default()), PortalKind::named)?;
    Some(AppendableList { list, portal, publisher: text_of(field(fields, "publisher")) })
}

/// The text with one entry more at the end of a list, written as its last one is.
fn appended(source: &SourceText<'_>, list: &Node<'_>, entry: &[(&str, Scalar<'_>)]) -> Option<String> {
    let Value::List(items) = &list.value else { return None };
    let (text, item) = (source.text, items.last()?);
    let end = item.end(text)?;
    let (line_start, _) = line(text, item.range.start);
    if text[list.range.start..].starts_with('[') {
        let pairs = entry.iter().map(|(name, value)| Some(format!("{name}: {}", value.written_in_braces()?)));
        let pairs = pairs.collect::<Option<Vec<_>>>()?.join(", ");
        let before = &text[line_start..item.range.start];
        let separator =
            if before.trim().is_empty() { format!(",{}{before}", end_of_line(text, end).1) } else { ", ".to_owned() };
        return Some(format!("{}{separator}{{{pairs}}}{}", &text[..end], &text[end..]));
    }
    // The dash of the last item, which stands in its line or in one above it.
    let dash = text[..item.range.start].trim_end().strip_suffix('-')?.len();
    let (dash_line, _) = line(text, dash);
    let indent = dash - dash_line;
    let is_beside = dash_line == line_start && !text[item.range.start..].starts_with('{');
    let inner = if is_beside { item.range.start - dash } else { 2 };
    let (mut at, line_break) = end_of_line(text, end);
    // Comments that are indented as what is in the item are about it.
    while let Some(next) = text[at..].strip_prefix(line_break) {
        let (start, stop) = line(text, text.len() - next.len());
        let line = &text[start..stop];
        let is_inside = line.trim_start().starts_with('#') && line.len() - line.trim_start().len() > indent;
        if !is_inside {
            break;
        }
        (at, _) = end_of_line(text, start);
    }
    let mut lines = String::new();
    for (index, (name, value)) in entry.iter().enumerate() {
        let dash = if index == 0 { "-" } else { "" };
        lines.push_str(&format!("{line_break}{:indent$}{dash:inner$}{name}: {}", "", value.written()?));
    }
    Some(format!("{}{lines}{}", &text[..at], &text[at..]))
}
