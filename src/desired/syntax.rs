//! From bytes to a tree of nodes: encoding, size, depth, and the YAML features that are refused.
//!
//! Owns everything that can be said of a file without knowing its keys. One pass over the events
//! of serde-saphyr's parser finds what the format excludes (all of it, not just the first) and
//! builds the tree. It stops at the depth limit, and no alias is ever followed, so that no file
//! can overflow a stack or expand.

use std::cell::Cell;

use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::diagnostic::{Code, Diagnostic, Excerpt, Place};
use super::node::{Node, Value};
use super::{MAX_DEPTH, MAX_FILE_BYTES, SourceFile};

/// How much of a long line a diagnostic shows, in characters on either side of the mistake.
const EXCERPT_RADIUS: usize = 60;

/// How many lines off a tab may be from where the parser stumbles over it.
const INDENTATION_REACH: usize = 3;

/// A file as text with the documents that it holds.
pub(super) struct SourceText<'a> {
    pub path: &'a str,
    pub text: &'a str,
    line_starts: Vec<usize>,
    /// An offset that was looked up, and its column. A line may hold all there is, and its columns
    /// are asked for from left to right.
    last: Cell<(usize, usize)>,
    pub documents: Vec<Node<'a>>,
}

impl<'a> SourceText<'a> {
    fn new(path: &'a str, text: &'a str) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        Self { path, text, line_starts, last: Cell::new((0, 1)), documents: Vec::new() }
    }

    /// Line and column, both counted from 1, of a byte offset.
    pub fn line_and_column(&self, offset: usize) -> (u64, u64) {
        let offset = self.floor(offset);
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let line_start = self.line_starts[line - 1];
        let (from, from_column) = match self.last.get() {
            last @ (at, _) if (line_start..=offset).contains(&at) => last,
            _ => (line_start, 1),
        };
        let column = from_column + self.text[from..offset].chars().count();
        self.last.set((offset, column));
        (line as u64, column as u64)
    }

    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    /// The place of a range of bytes.
    pub fn place(&self, range: std::ops::Range<usize>) -> Place {
        let start = self.floor(range.start);
        let (line, column) = self.line_and_column(start);
        let line_start = self.line_starts[usize::try_from(line).unwrap_or(1) - 1];
        let is_in_line = |character: &char| !matches!(character, '\n' | '\r');
        // Between the two halves of a line break is the end of the line.
        let start = if self.text[line_start..start].ends_with('\r') && self.text[start..].starts_with('\n') {
            start - 1
        } else {
            start
        };
        let after = self.text[start..].chars().take_while(is_in_line).take(EXCERPT_RADIUS);
        let to = start + after.map(char::len_utf8).sum::<usize>();
        let before = self.text[line_start..start].chars().rev().take_while(is_in_line).take(EXCERPT_RADIUS);
        let from = start - before.map(char::len_utf8).sum::<usize>();
        let end = self.floor(range.end).clamp(start, to);
        let marked = start - from..end - from;
        let text = self.text[from..to].to_owned();
        let excerpt = Some(Excerpt { text, marked, is_whole: from == line_start });
        Place { line, column, excerpt }
    }

    /// A diagnostic on a range of bytes.
    pub fn diagnostic(
        &self,
        code: Code,
        range: std::ops::Range<usize>,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Diagnostic {
        Diagnostic {
            code,
            path: self.path.to_owned(),
            place: Some(self.place(range)),
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Parses a file. `None`: there is no tree to look further into.
pub(super) fn parse<'a>(file: &'a SourceFile, found: &mut Vec<Diagnostic>) -> Option<SourceText<'a>> {
    let text = match decode(file) {
        Ok(text) => text,
        Err(diagnostic) => {
            found.push(*diagnostic);
            return None;
        }
    };
    let mut source = SourceText::new(&file.path, text);
    source.documents = scan(&source, found)?;
    Some(source)
}

/// That a file holds nothing, for when no other file holds anything either.
pub(super) fn empty(path: &str, text: &str) -> Diagnostic {
    SourceText::new(path, text).diagnostic(
        Code::EmptyFile,
        0..0,
        "the file holds no desired state",
        "write `publisher:` and `offers:`, or leave the file out".to_owned(),
    )
}

/// What to do about a text that begins with a space that is none to YAML: copied from a web page, it looks
/// like indentation and is part of the key.
pub(super) fn odd_space(text: &str) -> Option<String> {
    let odd = text.chars().take_while(|character| character.is_whitespace()).find(|character| !character.is_ascii())?;
    let what = if odd == '\u{A0}' { "no-break spaces" } else { "spaces of another kind" };
    Some(format!("the line begins with {what} (U+{:04X}); indent with plain spaces", u32::from(odd)))
}

/// Where a mistake of syntax really is, and what to do about it: the parser notices a tab or a wrong space in
/// the indentation only when what follows does not fit.
fn indentation(source: &SourceText<'_>, at: usize) -> Option<(std::ops::Range<usize>, String)> {
    let (line, _) = source.line_and_column(at);
    let line = usize::try_from(line).ok()? - 1;
    let mut near = (0..=INDENTATION_REACH).flat_map(|off| [line.checked_sub(off), line.checked_add(off)]).flatten();
    near.find_map(|line| {
        let start = *source.line_starts.get(line)?;
        let text = source.text[start..].split('\n').next()?;
        let blank = text.len() - text.trim_start().len();
        let indent = &text[..blank];
        // A comment may stand behind anything.
        if blank == text.len() || text[blank..].starts_with('#') {
            return None;
        }
        let tab =
            indent.find('\t').map(|tab| (start + tab..start + tab + 1, "indent with spaces, not with tabs".to_owned()));
        tab.or_else(|| odd_space(indent).map(|help| (start..start + blank, help)))
    })
}

fn decode(file: &SourceFile) -> Result<&str, Box<Diagnostic>> {
    let whole = |code, message: &str, help: &str| {
        Box::new(Diagnostic {
            code,
            path: file.path.clone(),
            place: Some(Place { line: 1, column: 1, excerpt: None }),
            message: message.to_owned(),
            help: Some(help.to_owned()),
        })
    };
    if file.bytes.len() > MAX_FILE_BYTES {
        return Err(whole(
            Code::TooLarge,
            "the file is larger than 1 MiB",
            "split it: several files can be given, and directories of them",
        ));
    }
    if file.bytes.starts_with(&[0xFF, 0xFE]) || file.bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(whole(Code::NotUtf8, "the file is UTF-16", "save it as UTF-8"));
    }
    match std::str::from_utf8(&file.bytes) {
        // A text without any NUL in UTF-16 and without a byte order mark is told by its NULs.
        Ok(text) if text.contains('\0') => {
            let before = &text[..text.find('\0').unwrap_or(0)];
            let mut diagnostic = whole(
                Code::NotUtf8,
                "the file holds a NUL character; it is binary, or text in UTF-16 or UTF-32",
                "save it as UTF-8",
            );
            diagnostic.place = Some(end_of(before));
            Err(diagnostic)
        }
        Ok(text) => Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
        Err(error) => {
            let before = std::str::from_utf8(&file.bytes[..error.valid_up_to()]).unwrap_or_default();
            let mut diagnostic =
                whole(Code::NotUtf8, "the file is not valid UTF-8 from this byte on", "save it as UTF-8");
            diagnostic.place = Some(end_of(before));
            Err(diagnostic)
        }
    }
}

fn end_of(text: &str) -> Place {
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { line: line as u64, column: column as u64, excerpt: None }
}

/// A list or a mapping that is not complete.
enum Open<'a> {
    List(Vec<Node<'a>>),
    Mapping(Vec<(Node<'a>, Node<'a>)>, Option<Node<'a>>),
}

/// The tree as far as it is built.
#[derive(Default)]
struct Builder<'a> {
    documents: Vec<Node<'a>>,
    open: Vec<(Open<'a>, std::ops::Range<usize>)>,
}

impl<'a> Builder<'a> {
    fn add(&mut self, node: Node<'a>) {
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some((Open::List(items), _)) => items.push(node),
            Some((Open::Mapping(pairs, key), _)) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => *key = Some(node),
            },
        }
    }

    fn close(&mut self) {
        let Some((open, range)) = self.open.pop() else { return };
        // Thousands of offers have two or three keys each: room for more is most of what they take.
        let value = match open {
            Open::List(mut items) => {
                items.shrink_to_fit();
                Value::List(items)
            }
            Open::Mapping(mut pairs, _) => {
                pairs.shrink_to_fit();
                Value::Mapping(pairs)
            }
        };
        self.add(Node { value, range });
    }
}

/// The documents of a file; none when no tree can be built.
fn scan<'a>(source: &SourceText<'a>, found: &mut Vec<Diagnostic>) -> Option<Vec<Node<'a>>> {
    let mut tree = Builder::default();
    for next in Parser::new_from_str(source.text) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                let at = byte(*error.marker());
                // The parser reads ahead, and may meet its own limit before the one below.
                if error.info().contains("recursion limit") {
                    found.push(too_deep(source, at..at + 1));
                } else {
                    let message = format!("invalid YAML: {}", error.info());
                    let (range, help) =
                        indentation(source, at).map_or((at..at + 1, None), |(at, help)| (at, Some(help)));
                    found.push(source.diagnostic(Code::Syntax, range, message, help));
                }
                return None;
            }
        };
        refuse(source, &event, &span, found);
        match event {
            Event::SequenceStart(..) => tree.open.push((Open::List(Vec::new()), range(&span))),
            Event::MappingStart(..) => tree.open.push((Open::Mapping(Vec::new(), None), range(&span))),
            Event::SequenceEnd | Event::MappingEnd => tree.close(),
            Event::Alias(..) => tree.add(Node { value: Value::Alias, range: range(&span) }),
            Event::Scalar(text, style, ..) => {
                let value = match style {
                    ScalarStyle::Plain => Value::of_plain(text),
                    _ => Value::Text(text),
                };
                tree.add(Node { value, range: byte(span.start)..byte(span.end) });
            }
            _ => {}
        }
        if tree.open.len() > MAX_DEPTH {
            found.push(too_deep(source, range(&span)));
            return None;
        }
    }
    Some(tree.documents)
}

/// Reports what the format excludes.
fn refuse(source: &SourceText<'_>, event: &Event<'_>, span: &Span, found: &mut Vec<Diagnostic>) {
    if let Event::Alias(..) = event {
        found.push(source.diagnostic(
            Code::Alias,
            range(span),
            "YAML aliases are not supported",
            "write the value out, so that reviewers see it".to_owned(),
        ));
    }
    let (anchor, tag) = properties(event);
    if anchor {
        found.push(source.diagnostic(
            Code::Anchor,
            range(span),
            "YAML anchors are not supported",
            "remove `&name`".to_owned(),
        ));
    }
    if tag {
        let place = span.tag_span().map_or_else(|| range(span), |span| range(&span));
        found.push(source.diagnostic(
            Code::Tag,
            place,
            "YAML tags are not supported",
            "remove `!name`; the type follows from the key".to_owned(),
        ));
    }
}

fn too_deep(source: &SourceText<'_>, range: std::ops::Range<usize>) -> Diagnostic {
    let help = "a desired state needs 4 levels".to_owned();
    source.diagnostic(Code::TooDeep, range, "nested deeper than 8 levels", help)
}

fn properties(event: &Event<'_>) -> (bool, bool) {
    match event {
        Event::Scalar(_, _, anchor, tag)
        | Event::SequenceStart(_, anchor, tag)
        | Event::MappingStart(_, anchor, tag) => (*anchor > 0, tag.is_some()),
        _ => (false, false),
    }
}

fn range(span: &Span) -> std::ops::Range<usize> {
    let start = byte(span.start);
    start..byte(span.end).max(start + 1)
}

fn byte(marker: Marker) -> usize {
    marker.byte_offset().unwrap_or(0)
}
