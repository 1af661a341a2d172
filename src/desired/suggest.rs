//! Changes to a mark, made in the file's own text: pinned, or taken out.
//!
//! Owns where the characters go, so that indentation and comments survive. Whatever the edit
//! comes to is read again and held against what it was to mean; an edit that does not mean
//! exactly that is not made.

use super::node::{Node, Value};
use super::syntax::{SourceText, parse};
use super::{SourceFile, read};
use crate::domain::{
    DesiredOffer, DesiredSet, Freeze, Limits, LocatedPattern, OfferId, OperationId, PublisherId, SourceLocation,
};

/// What belongs to a mark, and goes with it.
const MARK_KEYS: &[&str] = &["cancelPending", "operationId", "jobId", "expires", "reason"];

/// What is to become of a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkEdit {
    /// It gets an `operationId`.
    Pin(OperationId),
    /// It goes, with its pin, its expiry and its reason.
    Remove,
}

/// Lines of a file, and what is to stand in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The first line that is replaced, counted from 1.
    pub first: u64,
    /// The last line that is replaced.
    pub last: u64,
    /// The lines that take their place, without line ends. None: the lines go.
    pub lines: Vec<String>,
}

impl Suggestion {
    /// The file's text with the suggestion followed, as GitHub does it when it is committed.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let (first, last) = (usize::try_from(self.first).unwrap_or(0), usize::try_from(self.last).unwrap_or(0));
        let mut result = String::with_capacity(text.len() + 80);
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if index + 1 == first {
                for new in &self.lines {
                    result.push_str(new);
                    result.push_str(end);
                }
            }
            if index + 1 < first || index + 1 > last {
                result.push_str(line);
            }
        }
        result
    }
}

/// How to change the mark of an offer in a file; none where that can't be done line by line.
///
/// ```
/// use cancel_pending::desired::{MarkEdit, SourceFile, suggest};
/// let text = "publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true # blocked\n";
/// let file = SourceFile { path: "offers.yaml".into(), bytes: text.into() };
/// let edit = MarkEdit::Pin("5a63deb5".parse().unwrap());
/// let pin = suggest(&file, &"contoso".parse().unwrap(), &"vm".parse().unwrap(), &edit).unwrap();
/// assert_eq!((pin.first, pin.last), (4, 4));
/// assert_eq!(pin.lines, ["    cancelPending: true # blocked", "    operationId: 5a63deb5"]);
/// ```
#[must_use]
pub fn suggest(file: &SourceFile, publisher: &PublisherId, offer: &OfferId, edit: &MarkEdit) -> Option<Suggestion> {
    let before = read(std::slice::from_ref(file)).ok()?;
    let whole = std::str::from_utf8(&file.bytes).ok()?;
    let whole = whole.strip_prefix('\u{FEFF}').unwrap_or(whole);
    let mut text = whole.to_owned();
    let mark = with_offer(&text, publisher, offer, |source, fields| {
        let (key, _) = fields.iter().find(|(key, _)| is_key(key, "cancelPending"))?;
        Some(source.line_and_column(key.range.start).0)
    })?;
    match edit {
        MarkEdit::Pin(id) => text = with_offer(&text, publisher, offer, |source, fields| pin(source, fields, id))?,
        MarkEdit::Remove => {
            for name in MARK_KEYS {
                // One at a time: what stands next to what changes with each.
                let shorter = with_offer(&text, publisher, offer, |source, fields| {
                    match fields.iter().position(|(key, _)| is_key(key, name)) {
                        Some(index) => remove(source, fields, index),
                        None => Some(source.text.to_owned()),
                    }
                });
                text = shorter?;
            }
        }
    }
    let suggestion = difference(whole, &text, mark);
    let after = SourceFile { path: file.path.clone(), bytes: suggestion.apply(whole).into_bytes() };
    let after = meaning(read(&[after]).ok()?);
    (after == meaning(wanted(before, publisher, offer, edit))).then_some(suggestion)
}

/// How to take a freeze out of a file; none where that can't be done line by line.
///
/// ```
/// use cancel_pending::desired::{SourceFile, read, suggest_without_freeze};
/// let text = "publisher: contoso\nlimits: {maxCancels: 5}\noffers: [{id: vm}]\nfreezes:\n  - offers: [\"*\"]\n    \
///     expires: 2026-12-01T00:00:00Z\n    reason: Incident 4711\n";
/// let file = SourceFile { path: "offers.yaml".into(), bytes: text.into() };
/// let freeze = read(std::slice::from_ref(&file)).unwrap().states[0].freezes[0].source.clone();
/// let without = suggest_without_freeze(&file, &freeze).unwrap();
/// assert_eq!(without.apply(text), "publisher: contoso\nlimits: {maxCancels: 5}\noffers: [{id: vm}]\n");
/// ```
#[must_use]
pub fn suggest_without_freeze(file: &SourceFile, freeze: &SourceLocation) -> Option<Suggestion> {
    let mut before = read(std::slice::from_ref(file)).ok()?;
    let whole = std::str::from_utf8(&file.bytes).ok()?;
    let whole = whole.strip_prefix('\u{FEFF}').unwrap_or(whole);
    let text = without_freeze(whole, freeze)?;
    let suggestion = difference(whole, &text, freeze.line);
    let after = SourceFile { path: file.path.clone(), bytes: suggestion.apply(whole).into_bytes() };
    for state in &mut before.states {
        state.freezes.retain(|one| one.source.line != freeze.line || one.source.column != freeze.column);
    }
    (meaning(read(&[after]).ok()?) == meaning(before)).then_some(suggestion)
}

/// The text without a freeze that is written in block style, and without `freezes:` where it was the only one.
fn without_freeze(text: &str, freeze: &SourceLocation) -> Option<String> {
    let file = SourceFile { path: String::new(), bytes: text.as_bytes().to_vec() };
    let source = parse(&file, &mut Vec::new())?;
    for document in &source.documents {
        let Value::Mapping(fields) = &document.value else { continue };
        let Some((key, list)) = fields.iter().find(|(key, _)| is_key(key, "freezes")) else { continue };
        let Value::List(items) = &list.value else { continue };
        let is_it = |item: &Node<'_>| source.line_and_column(item.range.start) == (freeze.line, freeze.column);
        let Some(index) = items.iter().position(is_it) else { continue };
        let first = if items.len() == 1 { key } else { &items[index] };
        let (start, _) = line(text, first.range.start);
        // Nothing else may stand on its first line: a dash, or nothing before `freezes:`.
        if !matches!(text[start..first.range.start].trim(), "" | "-") {
            return None;
        }
        let (_, end) = line(text, last_scalar_end(&source, &items[index]));
        return Some(format!("{}{}", &text[..start], &text[(end + 1).min(text.len())..]));
    }
    None
}

/// Where the last value in a node ends. The span of a block collection reaches into the lines after it.
fn last_scalar_end(source: &SourceText<'_>, node: &Node<'_>) -> usize {
    match &node.value {
        Value::Mapping(fields) if !is_flow(source, fields) => {
            fields.last().map_or(node.range.start, |(_, value)| last_scalar_end(source, value))
        }
        Value::List(items) if !source.text[node.range.clone()].trim_end().ends_with(']') => {
            items.last().map_or(node.range.start, |item| last_scalar_end(source, item))
        }
        _ => end_of(source, node),
    }
}

/// What is left of a desired state when it does not matter where anything stands.
pub(super) fn meaning(set: DesiredSet) -> Vec<(Limits, Vec<DesiredOffer>, Vec<Freeze>)> {
    let nowhere = || SourceLocation { path: String::new(), line: 0, column: 0 };
    let placeless = |patterns: Vec<LocatedPattern>| {
        patterns.into_iter().map(|one| LocatedPattern { source: nowhere(), ..one }).collect()
    };
    let offer = |offer: DesiredOffer| DesiredOffer { source: nowhere(), ..offer };
    let freeze = |freeze: Freeze| Freeze {
        source: nowhere(),
        offers: placeless(freeze.offers),
        except: placeless(freeze.except),
        ..freeze
    };
    set.states
        .into_iter()
        .map(|state| {
            let offers = state.offers.into_iter().map(offer).collect();
            (state.limits, offers, state.freezes.into_iter().map(freeze).collect())
        })
        .collect()
}

/// What the file means after the edit, and nothing else may have changed.
fn wanted(mut set: DesiredSet, publisher: &PublisherId, offer: &OfferId, edit: &MarkEdit) -> DesiredSet {
    for one in set.states.iter_mut().flat_map(|state| &mut state.offers) {
        if !(one.key.publisher == *publisher && one.key.offer == *offer) {
            continue;
        }
        match edit {
            MarkEdit::Pin(id) => {
                if let Some(mark) = &mut one.mark {
                    mark.operation_id = Some(id.clone());
                }
            }
            MarkEdit::Remove => (one.mark, one.reason) = (None, None),
        }
    }
    set
}

pub(super) fn is_key(node: &Node<'_>, name: &str) -> bool {
    matches!(&node.value, Value::Text(text) if text == name)
}

pub(super) fn field<'n, 's>(fields: &'n [(Node<'s>, Node<'s>)], name: &str) -> Option<&'n Node<'s>> {
    fields.iter().find(|(key, _)| is_key(key, name)).map(|(_, value)| value)
}

/// The text of a scalar.
pub(super) fn text_of<'n>(node: Option<&'n Node<'_>>) -> Option<&'n str> {
    match &node?.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Does something with the keys and values of an offer.
pub(super) fn with_offer<T>(
    text: &str,
    publisher: &PublisherId,
    offer: &OfferId,
    work: impl FnOnce(&SourceText<'_>, &[(Node<'_>, Node<'_>)]) -> Option<T>,
) -> Option<T> {
    let file = SourceFile { path: String::new(), bytes: text.as_bytes().to_vec() };
    let source = parse(&file, &mut Vec::new())?;
    for document in &source.documents {
        let Value::Mapping(fields) = &document.value else { continue };
        let default = text_of(field(fields, "publisher"));
        let Some(Value::List(items)) = field(fields, "offers").map(|node| &node.value) else { continue };
        for item in items {
            let Value::Mapping(fields) = &item.value else { continue };
            let own = text_of(field(fields, "publisher")).or(default);
            let is_it = own.is_some_and(|own| *publisher == *own)
                && text_of(field(fields, "id")).is_some_and(|id| *offer == *id);
            if is_it {
                return work(&source, fields);
            }
        }
    }
    None
}

/// Where the line of an offset starts, and where it ends, its line end not counted.
pub(super) fn line(text: &str, at: usize) -> (usize, usize) {
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let end = text[at..].find('\n').map_or(text.len(), |found| at + found);
    (start, end)
}

/// Where a value ends. The span of a block scalar reaches into the lines after it.
pub(super) fn end_of(source: &SourceText<'_>, value: &Node<'_>) -> usize {
    let written = source.text.get(value.range.clone()).unwrap_or_default();
    value.range.start + written.trim_end().len()
}

fn is_blank_or_comment(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.starts_with('#')
}

/// What stands between two items of a flow mapping, and nothing besides.
fn is_comma(text: &str) -> bool {
    text.trim() == ","
}

/// Whether a mapping of keys and values is written in braces.
pub(super) fn is_flow(source: &SourceText<'_>, fields: &[(Node<'_>, Node<'_>)]) -> bool {
    let Some((first, _)) = fields.first() else { return false };
    source.text[..first.range.start].trim_end().ends_with('{')
}

fn pin(source: &SourceText<'_>, fields: &[(Node<'_>, Node<'_>)], id: &OperationId) -> Option<String> {
    let (key, value) = fields.iter().find(|(key, _)| is_key(key, "cancelPending"))?;
    let written = serde_yaml::to_string(&std::collections::BTreeMap::from([("operationId", id.as_str())])).ok()?;
    let (text, end) = (source.text, end_of(source, value));
    let (at, insert) = if is_flow(source, fields) {
        (end, format!(", {}", written.trim_end()))
    } else {
        let (line_start, _) = line(text, key.range.start);
        let indent: String = text[line_start..key.range.start].chars().map(|_| ' ').collect();
        let (_, line_end) = line(text, end);
        let line_end = line_end - usize::from(text[..line_end].ends_with('\r'));
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        (line_end, format!("{line_break}{indent}{}", written.trim_end()))
    };
    Some(format!("{}{insert}{}", &text[..at], &text[at..]))
}

/// The text without one key and its value.
pub(super) fn remove(source: &SourceText<'_>, fields: &[(Node<'_>, Node<'_>)], index: usize) -> Option<String> {
    let text = source.text;
    let (key, value) = &fields[index];
    let end = end_of(source, value);
    let (line_start, _) = line(text, key.range.start);
    let (_, line_end) = line(text, end);
    let without = |from: usize, to: usize| Some(format!("{}{}", &text[..from], &text[to..]));
    if is_flow(source, fields) {
        if let Some((next, _)) = fields.get(index + 1) {
            return is_comma(&text[end..next.range.start]).then(|| without(key.range.start, next.range.start))?;
        }
        let before = fields.get(index.checked_sub(1)?)?.1.end(text)?;
        return is_comma(&text[before..key.range.start]).then(|| without(before, end))?;
    }
    if !is_blank_or_comment(&text[end..line_end]) {
        return None;
    }
    if text[line_start..key.range.start].trim().is_empty() {
        return without(line_start, (line_end + 1).min(text.len()));
    }
    // The first key of the list's item: the next one takes its place behind the dash.
    let (next, _) = fields.get(index + 1)?;
    text[line_end..next.range.start].trim().is_empty().then(|| without(key.range.start, next.range.start))?
}

/// What has to be replaced for one text to become the other. The line of the mark is among it.
fn difference(before: &str, after: &str, mark: u64) -> Suggestion {
    let lines = |text: &str| -> Vec<String> {
        text.split_inclusive('\n').map(|line| line.trim_end_matches(['\n', '\r']).to_owned()).collect()
    };
    let (old, new) = (lines(before), lines(after));
    let mark = usize::try_from(mark).unwrap_or(1).saturating_sub(1);
    let most = old.len().min(new.len());
    let same = |pairs: &mut dyn Iterator<Item = (&String, &String)>| pairs.take_while(|(a, b)| a == b).count();
    let start = same(&mut old.iter().zip(&new)).min(mark);
    let end =
        same(&mut old.iter().rev().zip(new.iter().rev())).min(most - start).min(old.len().saturating_sub(mark + 1));
    Suggestion { first: start as u64 + 1, last: (old.len() - end) as u64, lines: new[start..new.len() - end].to_vec() }
}
