//! Desired state: from the bytes of YAML files to [`DesiredSet`], or to everything that is
//! wrong with them.
//!
//! Owns the file format: its strictness, its diagnostics, its JSON Schema. Pure: bytes come
//! in, data goes out; the files themselves are opened elsewhere, because a file may come from
//! a stranger's pull request and reading it must have no effect whatever it holds.

mod check;
mod diagnostic;
mod document;
mod node;
mod set_mark;
mod suggest;
mod syntax;

pub use diagnostic::{Code, Diagnostic, Excerpt, Place};
pub use document::{DesiredDocument, FreezeDocument, LimitsDocument, OfferDocument};
pub use set_mark::{MarkedFile, SetMarkError, WantedMark, set_mark};
pub use suggest::{MarkEdit, Suggestion, suggest, suggest_without_freeze};

use crate::domain::{DesiredSet, FileDigest};
use check::Checker;

/// The most bytes that a desired-state file may have.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The deepest that lists and mappings may be nested in a desired-state file.
pub const MAX_DEPTH: usize = 8;

/// A file's name and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The file as people know it, with `/` between its parts.
    pub path: String,
    /// Its bytes. More than [`MAX_FILE_BYTES`] are refused unread.
    pub bytes: Vec<u8>,
}

/// Reads desired states, or says all that is wrong with all files.
///
/// ```
/// use cancel_pending::desired::{SourceFile, read};
///
/// let file = |text: &str| SourceFile { path: "offers.yaml".into(), bytes: text.into() };
/// let set = read(&[file("publisher: contoso\noffers: [{id: vm, cancelPending: true}]\n")]).unwrap();
/// assert!(set.states[0].offers[0].mark.is_some());
///
/// let wrong = read(&[file("publisher: contoso\noffers: [{id: vm, cancelpending: true}]\n")]).unwrap_err();
/// assert_eq!(wrong[0].code.as_str(), "unknown-key");
/// assert_eq!(wrong[0].help.as_deref(), Some("did you mean `cancelPending`?"));
/// ```
///
/// # Errors
/// Every mistake of every file, in the order of files and lines.
pub fn read(files: &[SourceFile]) -> Result<DesiredSet, Vec<Diagnostic>> {
    let mut checker = Checker::default();
    let mut set = DesiredSet::default();
    let mut empty = Vec::new();
    for file in files {
        let mut found = Vec::new();
        let states = syntax::parse(file, &mut found).map(|source| {
            let states = checker.check(&source, &mut found);
            if found.is_empty() && states.is_empty() {
                empty.push(syntax::empty(&file.path, source.text));
            }
            states
        });
        found.sort_by_key(|diagnostic| diagnostic.place.as_ref().map(|place| (place.line, place.column)));
        checker.diagnostics.append(&mut found);
        set.states.extend(states.unwrap_or_default());
        set.files.push(FileDigest { path: file.path.clone(), sha256: crate::domain::sha256_hex(&file.bytes) });
    }
    // A file of comments alone is skipped, but nothing at all is no desired state.
    if set.states.is_empty() && checker.diagnostics.is_empty() {
        checker.diagnostics = empty;
    }
    if checker.diagnostics.is_empty() { Ok(set) } else { Err(checker.diagnostics) }
}
