//! Reports: plans, outcomes and mistakes as text, JSON and Markdown.
//!
//! Owns how things are said, and that nothing untrusted acts: one file a format, the words
//! they share in `words`, the escaping in `escape`. Pure: a report is a function of a
//! document; no clock (ages are counted from the document's own time), no terminal, no files.

mod annotations;
mod approval;
mod approval_text;
mod cancel_table;
mod cells;
mod check;
mod comment;
mod conclusion;
mod diagnostics;
mod diff;
mod escape;
mod failure_markdown;
mod file_diff;
mod identity;
mod initial_state;
mod json;
mod key;
mod links;
mod markdown;
mod outcome_markdown;
mod outcome_text;
mod outputs;
mod review;
mod sarif;
mod status_markdown;
mod status_text;
mod status_words;
mod text;
mod validation;
mod words;

pub use annotations::{Annotation, AnnotationLevel, annotations, workflow_commands};
pub use approval::{Refusal, continuity, refusal_markdown, refusal_text};
pub use approval_text::{approval_text, decision_in};
pub use check::{Check, Conclusion, check};
pub use comment::{CommentMark, CommentOrigin, PastDecision, UNVERIFIED, comment};
pub use conclusion::{apply_failure, open_ends, outcome_last_line, plan_failure, plan_last_line};
pub use diagnostics::diagnostics;
pub use diff::pending_operation_diff;
pub use escape::{json_inert, markdown_code, markdown_text, terminal};
pub use file_diff::file_diff;
pub use identity::{Access, Identity, identity_json, identity_text};
pub use initial_state::{InitialFile, InitialState, TooManyOffers, initial_state};
pub use json::json;
pub use key::{check_name, is_key, selection_key};
pub use links::{DocumentedAddress, Links};
pub use markdown::{COMMENT_LIMIT, plan_markdown};
pub use outcome_markdown::outcome_markdown;
pub use outcome_text::outcome_text;
pub use outputs::{output_file, outputs};
pub use review::{ReviewComment, ReviewMark, review, review_elsewhere, review_settled, review_text};
pub use sarif::sarif;
pub use status_markdown::status_markdown;
pub use status_text::status_text;
pub use status_words::{status_failure, status_last_line};
pub use text::{TextStyle, plan_text};
pub use validation::{ValidatedFile, validation_commands, validation_json};
pub use words::counted;
