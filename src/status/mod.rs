//! The status document: what runs on the offers of publishers, and which file wants it stopped.
//!
//! Owns names and order of its fields, which offers are shown, and which of them have to be read for it. Pure: what the
//! portals say is found out in `commands`.

mod document;
mod subject;

pub use document::{
    OfferStatus, STATUS_FORMAT_VERSION, StatusDocument, StatusFailure, StatusMark, StatusSelection, StatusState,
    StatusSummary, UnnamedProduct,
};
pub use subject::{StatusFacts, StatusQuestion, StatusSubjects};
