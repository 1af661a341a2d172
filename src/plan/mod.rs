//! The plan: what is desired held against what is live, as data.
//!
//! Owns the decision table, the refusal of a plan that does too much, and the digest of what
//! a reviewer decides on. Pure: no calls, no clock, no files. Carrying a plan out is the
//! `apply` module's, showing it the `report` module's.

mod approved_entries;
mod decide;
mod digest;
mod document;
mod freeze;

pub use approved_entries::{ApprovedDecision, EntryApproval, EntryVerdict, entry_verdicts};
pub use decide::{Observation, ObservedState, PlanFacts, PortalFacts, failed_plan, plan};
pub use digest::{DecisionDocument, DecisionEntry};
pub use document::{
    Coverage, CoveredOperation, Decision, Entry, FORMAT_VERSION, FormatVersion, Note, Plan, PlanFailure, PlanSelection,
    PlannedFreeze, PlannedPortal, PortalFailure, Summary, UncoveredOffer,
};
pub use freeze::{FrozenSet, Listings, UnmatchedPattern, freeze};
