//! Mistakes in desired-state files, the way a compiler shows them.
//!
//! Owns layout, which `annotate-snippets` draws. All texts of a diagnostic may quote the file.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::escape::terminal;
use super::text::TextStyle;
use crate::desired::{Diagnostic, Excerpt, Place};

/// Diagnostics as text, a blank line between any two.
#[must_use]
pub fn diagnostics(found: &[Diagnostic], style: TextStyle) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(style.width.clamp(40, 140));
    let mut text = String::new();
    for diagnostic in found {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&render(&renderer, diagnostic));
        text.push('\n');
    }
    text
}

fn render(renderer: &Renderer, diagnostic: &Diagnostic) -> String {
    let message = terminal(&diagnostic.message);
    let path = terminal(&diagnostic.path);
    let mut group = Group::with_title(Level::ERROR.primary_title(message.as_ref()).id(diagnostic.code.as_str()));
    let line = |place: &Place| usize::try_from(place.line).unwrap_or(usize::MAX);
    match &diagnostic.place {
        None => group = group.element(Origin::path(path.as_ref())),
        Some(place) => match place.excerpt.as_ref().map(|excerpt| (InertLines::of(excerpt), excerpt.is_whole)) {
            Some((inert, true)) if inert.columns_hold => {
                let snippet = Snippet::source(inert.text).path(path.as_ref()).line_start(line(place));
                group = group.element(snippet.annotation(AnnotationKind::Primary.span(inert.marked)));
            }
            excerpt => {
                let column = usize::try_from(place.column).unwrap_or(usize::MAX);
                group = group.element(Origin::path(path.as_ref()).line(line(place)).char_column(column));
                if let Some((inert, _)) = excerpt {
                    group = group.element(Level::NOTE.message(format!("it reads … {} …", inert.text)));
                }
            }
        },
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(terminal(help).into_owned()));
    }
    renderer.render(&[group])
}

/// An excerpt whose parts were made inert one by one, so that the mark stays where it was.
struct InertLines {
    text: String,
    marked: Range<usize>,
    /// Whether a column in the text is the same column in the file.
    columns_hold: bool,
}

impl InertLines {
    fn of(excerpt: &Excerpt) -> Self {
        let Range { start, end } = excerpt.marked;
        let [before, marked, after] =
            [&excerpt.text[..start], &excerpt.text[start..end], &excerpt.text[end..]].map(terminal);
        let joined = format!("{before}{marked}{after}");
        let range = before.len()..before.len() + marked.len();
        // Two halves of `::` or `##[` could meet where the parts join.
        if terminal(&joined) == joined {
            let columns_hold = before.chars().count() == excerpt.text[..start].chars().count();
            Self { text: joined, marked: range, columns_hold }
        } else {
            Self { text: terminal(&joined).into_owned(), marked: 0..0, columns_hold: false }
        }
    }
}
