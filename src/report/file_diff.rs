//! The difference between two texts of a file, as people know it from git.
//!
//! Owns its form. The texts are a stranger's: every line of them is made inert.

use similar::{ChangeTag, TextDiff};

use super::escape::terminal;

/// How many lines are shown before and after what changes.
const CONTEXT: usize = 3;

/// What changes in a file. Empty where nothing does.
///
/// ```
/// use cancel_pending::report::file_diff;
/// assert_eq!(file_diff("a.yaml", "a\n", "a\nb\n"), "--- a.yaml\n+++ a.yaml\n@@ -1 +1,2 @@\n a\n+b\n");
/// assert_eq!(file_diff("a.yaml", "a\n", "a\n"), "");
/// ```
#[must_use]
pub fn file_diff(path: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut unified = diff.unified_diff();
    let mut text = String::new();
    for hunk in unified.context_radius(CONTEXT).iter_hunks() {
        text.push_str(&format!("{}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            // A colon at the start of a line could begin a command of the runner; behind the sign it is not at the start.
            text.push_str(&format!("{sign}{}\n", terminal(change.value().trim_end_matches(['\r', '\n']))));
        }
    }
    let path = terminal(path);
    if text.is_empty() { text } else { format!("--- {path}\n+++ {path}\n{text}") }
}
