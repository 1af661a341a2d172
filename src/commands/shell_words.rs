//! Commands that a person is shown to type next.
//!
//! Owns how their words are quoted, and how they name the portals of the run before.

use super::portal::{PortalChoice, PortalRequest};
use crate::domain::{PortalKind, PortalOrigin};
use crate::report::terminal;

/// A word for a shell; none where it can't be shown as it is.
pub(super) fn quoted(word: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-:=+,@%".contains(&byte);
    if !word.is_empty() && !word.starts_with('-') && word.bytes().all(is_plain) {
        return Some(word.to_owned());
    }
    (terminal(word) == word && !word.contains('\'') && !word.starts_with('-')).then(|| format!("'{word}'"))
}

/// The flags that lead to the same portals; none where they can't be shown.
pub(super) fn portal_words<'a>(
    request: &PortalRequest,
    portals: impl Iterator<Item = (PortalKind, &'a PortalOrigin)>,
) -> Option<Vec<String>> {
    let mut words = Vec::new();
    match &request.choice {
        PortalChoice::Emulated { state } => words.extend(["--emulate".to_owned(), quoted(&state.to_string_lossy())?]),
        PortalChoice::At { .. } => {
            for (kind, origin) in portals.filter(|(kind, origin)| **origin != kind.microsoft()) {
                words.extend(["--endpoint".to_owned(), format!("{kind}={origin}")]);
            }
        }
    }
    Some(words)
}
