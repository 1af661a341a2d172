//! A status for a terminal: a table that fits its width, what runs first.
//!
//! Owns the layout: which columns there is room for, and what is folded. Every string that is not this program's own
//! goes through `escape` before it is measured.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::cells::short_id;
use super::escape::terminal;
use super::links::Links;
use super::status_words::{self, status_last_line};
use super::text::{BOLD, DIM, Page, TextStyle};
use super::words;
use crate::status::{OfferStatus, StatusDocument, StatusMark, StatusState};

/// The most idle offers that have a row each.
const MOST_IDLE: usize = 10;

/// The most products without the id of an offer that are named.
const MOST_PRODUCTS: usize = 5;

/// What stands between two columns.
const GAP: usize = 2;

/// The columns, from left to right.
const HEADS: [&str; 6] = ["STATE", "OFFER", "OPERATION", "STEP", "CHANGED", "FILE"];
const STEP: usize = 3;
const CHANGED: usize = 4;

/// A row of the table.
struct StatusRow<'a> {
    offer: &'a OfferStatus,
    cells: [String; 6],
    /// The operation's cell with its id cut short.
    short: String,
    /// What stands below it, over the whole width.
    below: Vec<String>,
}

/// The status as text, with a newline at its end.
#[must_use]
pub fn status_text(document: &StatusDocument, style: TextStyle) -> String {
    let mut page = Page::new(style);
    let is_folded = document.summary.idle > MOST_IDLE;
    let shown = |state: &StatusState| !(is_folded && *state == StatusState::Idle);
    let states = StatusState::ALL.into_iter().filter(shown);
    let rows: Vec<StatusRow<'_>> =
        states.flat_map(|state| document.offers_in(state)).map(|offer| row(offer, document)).collect();
    table(&mut page, &rows);
    if is_folded {
        page.gap();
        page.paragraph(DIM, &idle(document));
    }
    for failure in &document.failures {
        page.gap();
        let place = failure.source.as_ref().map(|source| format!("{}:{}: ", terminal(&source.path), source.line));
        let subject = status_words::subject(failure, document);
        let text = format!("{}{subject}: {}", place.unwrap_or_default(), terminal(&failure.message));
        page.paragraph(AnsiColor::Red.on_default(), &text);
    }
    if !document.unnamed_products.is_empty() {
        page.gap();
        page.paragraph(DIM, &unnamed(document));
    }
    page.gap();
    let portals = words::portals(&document.portals, str::to_owned);
    page.paragraph(DIM, &format!("Read from {portals} at {}", document.created_at));
    page.paragraph(BOLD, &status_last_line(document));
    page.text
}

/// The offers that have no row.
fn idle(document: &StatusDocument) -> String {
    let count = document.summary.idle;
    let marked = document.offers_in(StatusState::Idle).filter(|offer| offer.mark.is_wanted()).count();
    let verb = if marked == 1 { "is" } else { "are" };
    let of_them =
        if marked > 0 { format!("; {marked} of them {verb} marked, pinned or frozen") } else { String::new() };
    format!("{count} idle offers are not shown{of_them}.")
}

fn unnamed(document: &StatusDocument) -> String {
    let ids = document.unnamed_products.iter().map(|product| product.product_id.as_str());
    let mut names: Vec<String> = ids.take(MOST_PRODUCTS).map(str::to_owned).collect();
    let rest = document.unnamed_products.len() - names.len();
    if rest > 0 {
        names.push(format!("{rest} more"));
    }
    let count = words::counted(document.unnamed_products.len(), "product");
    format!("Not read: {count} without the id of an offer ({})", names.join(", "))
}

const fn style_of(state: StatusState) -> Style {
    match state {
        StatusState::Running | StatusState::Queued | StatusState::SeveralOperations => {
            AnsiColor::Yellow.on_default().bold()
        }
        StatusState::Cancelling => AnsiColor::Cyan.on_default().bold(),
        StatusState::TooLate | StatusState::Unknown | StatusState::SeveralProducts | StatusState::Unreadable => {
            AnsiColor::Red.on_default().bold()
        }
        StatusState::AwaitsGoLive => AnsiColor::Cyan.on_default(),
        StatusState::Draft | StatusState::Failed => Style::new(),
        StatusState::Idle => DIM,
    }
}

fn row<'a>(offer: &'a OfferStatus, document: &StatusDocument) -> StatusRow<'a> {
    let operation = offer.operation.as_deref();
    let kind = operation.map(|operation| terminal(words::kind(operation)).into_owned()).unwrap_or_default();
    let step = operation.map(|operation| {
        let parts = [
            operation.step.as_deref().map(|step| terminal(step).into_owned()),
            words::step_of(operation),
            operation.step_status.as_ref().map(|status| terminal(status.as_str()).into_owned()),
            operation.progress.filter(|progress| *progress > 0).map(|progress| format!("{progress} %")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    let change = operation.and_then(|operation| operation.changed_at);
    let mark = status_words::mark(offer.mark);
    let file = match status_words::place(offer) {
        Some(place) => format!("{mark} ({})", terminal(&place)),
        None => mark.to_owned(),
    };
    let reason =
        offer.reason.as_deref().filter(|_| offer.mark != StatusMark::Expired && offer.state != StatusState::Idle);
    let below = [
        offer.message.as_deref().map(|message| terminal(message).into_owned()),
        reason.map(|reason| format!("reason: {}", terminal(reason))),
    ];
    StatusRow {
        offer,
        cells: [
            status_words::state(offer.state).to_owned(),
            status_words::name(offer, document),
            operation.map(|operation| format!("{kind} {}", operation.id)).unwrap_or_default(),
            step.unwrap_or_default(),
            change.map(|at| words::age(at, document.created_at)).unwrap_or_default(),
            file,
        ],
        short: operation.map(|operation| format!("{kind} {}", short_id(&operation.id))).unwrap_or_default(),
        below: below.into_iter().flatten().collect(),
    }
}

/// How much of each row there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TableLayout {
    short: bool,
    has_change: bool,
    has_step: bool,
}

const LAYOUTS: [TableLayout; 5] = [
    TableLayout { short: false, has_change: true, has_step: true },
    TableLayout { short: true, has_change: true, has_step: true },
    TableLayout { short: true, has_change: false, has_step: true },
    TableLayout { short: true, has_change: true, has_step: false },
    TableLayout { short: true, has_change: false, has_step: false },
];

impl TableLayout {
    fn has(self, column: usize) -> bool {
        match column {
            STEP => self.has_step,
            CHANGED => self.has_change,
            _ => true,
        }
    }

    fn cell<'r>(self, row: &'r StatusRow<'_>, column: usize) -> &'r str {
        if self.short && HEADS[column] == "OPERATION" { &row.short } else { &row.cells[column] }
    }

    /// The widths of its columns; 0: there is no such column.
    fn widths(self, rows: &[StatusRow<'_>]) -> [usize; 6] {
        let mut widths = [0; 6];
        for (column, width) in widths.iter_mut().enumerate().filter(|(column, _)| self.has(*column)) {
            let widest = rows.iter().map(|row| self.cell(row, column).width()).max().unwrap_or(0);
            // A column of nothing takes no room.
            *width = if widest == 0 { 0 } else { widest.max(HEADS[column].len()) };
        }
        widths
    }
}

fn total(widths: &[usize; 6]) -> usize {
    widths.iter().filter(|width| **width > 0).map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
}

fn table(page: &mut Page, rows: &[StatusRow<'_>]) {
    if rows.is_empty() {
        return;
    }
    let fitting = LAYOUTS.into_iter().map(|layout| (layout, layout.widths(rows)));
    match fitting.into_iter().find(|(_, widths)| total(widths) <= page.width()) {
        Some((layout, widths)) => columns(page, rows, layout, &widths),
        None => stacked(page, rows),
    }
}

fn columns(page: &mut Page, rows: &[StatusRow<'_>], layout: TableLayout, widths: &[usize; 6]) {
    let shown: Vec<usize> = (0..widths.len()).filter(|column| widths[*column] > 0).collect();
    let last = shown.last().copied().unwrap_or(0);
    let pad = |text: &str, column: usize| {
        let fill = if column == last { 0 } else { widths[column] + GAP - text.width() };
        " ".repeat(fill)
    };
    for column in &shown {
        page.part(DIM, HEADS[*column]);
        page.part(Style::new(), &pad(HEADS[*column], *column));
    }
    page.blank();
    for row in rows {
        // Nothing is left hanging at the end of a line.
        let end = shown.iter().rev().find(|column| !layout.cell(row, **column).is_empty()).copied().unwrap_or(0);
        for column in shown.iter().copied().filter(|column| *column <= end) {
            let text = layout.cell(row, column);
            match HEADS[column] {
                "STATE" => page.part(style_of(row.offer.state), text),
                "OFFER" => {
                    let address = Links::page(row.offer.operation.as_deref(), row.offer.product_id.as_ref());
                    page.link(text, address.as_deref());
                }
                "FILE" if row.offer.mark.is_wanted() => page.part(BOLD, text),
                _ => page.part(if row.offer.state == StatusState::Idle { DIM } else { Style::new() }, text),
            }
            if column < end {
                page.part(Style::new(), &pad(text, column));
            }
        }
        page.blank();
        let indent = widths[0] + GAP;
        if !layout.has_step && !row.cells[STEP].is_empty() {
            page.indented(indent, Style::new(), &row.cells[STEP]);
        }
        for text in &row.below {
            page.indented(indent, DIM, text);
        }
    }
}

/// On a terminal that is too narrow for a table.
fn stacked(page: &mut Page, rows: &[StatusRow<'_>]) {
    for row in rows {
        page.part(style_of(row.offer.state), &row.cells[0]);
        page.part(Style::new(), "  ");
        page.part(BOLD, &row.cells[1]);
        page.blank();
        let texts = [&row.cells[2], &row.cells[3], &row.cells[5]];
        for text in texts.into_iter().chain(&row.below).filter(|text| !text.is_empty()) {
            page.indented(2, Style::new(), text);
        }
    }
}
