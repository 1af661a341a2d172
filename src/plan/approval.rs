//! What was approved against what would be done now, entry by entry.
//!
//! Owns what may differ: something that was to be cancelled may be over by itself, or being
//! cancelled already. Nothing may be added, and nothing may become another thing. Pure: two
//! documents in, a verdict out.

use std::collections::BTreeMap;

use super::digest::{DecisionDocument, DecisionEntry};
use crate::domain::{EmailAddress, JobId, OfferKey, ProductId};

/// How two decisions relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They do the same.
    Equal,
    /// What would be done now is less, and nothing else.
    Subset,
    /// Anything else: it was not approved.
    Different,
}

/// One field that is not as it was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The offer as `publisher/offer`, or `portal`.
    pub subject: String,
    /// Which field.
    pub field: &'static str,
    /// What was approved; none: nothing.
    pub approved: Option<String>,
    /// What it is now; none: nothing.
    pub now: Option<String>,
    /// Whether it may differ in this way.
    pub is_allowed: bool,
}

/// Two decisions, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// How they relate.
    pub relation: Relation,
    /// Where they differ, in the order of offers.
    pub differences: Vec<Difference>,
}

impl DecisionDocument {
    /// Reads a decision document that came with a digest. None: it is not the canonical form of one, it
    /// is not the one of this digest, or it says two things of one offer.
    #[must_use]
    pub fn verified(text: &str, digest: &str) -> Option<Self> {
        let document: Self = serde_json::from_str(text).ok()?;
        let sound = document.canonical_json() == text
            && document.digest() == digest
            && by_offer(&document).len() == document.entries.len();
        sound.then_some(document)
    }

    /// Compares what was approved (`self`) with what would be done now.
    ///
    /// ```
    /// use cancel_pending::plan::{DecisionDocument, Relation};
    /// let document = |entries: &str| {
    ///     let text = format!(r#"{{"entries":[{entries}],"formatVersion":2}}"#);
    ///     serde_json::from_str::<DecisionDocument>(&text).unwrap()
    /// };
    /// let cancel = r#"{"jobId":null,"notificationEmails":[],"offer":"vm","operationId":"a1",
    ///     "origin":"https://cloudpartner.azure.com","portal":"cloud-partner","productId":null,"publisher":"contoso"}"#;
    /// let other = cancel.replace("a1", "b2");
    /// let approved = document(cancel);
    /// assert_eq!(approved.compare(&document(cancel)).relation, Relation::Equal);
    /// assert_eq!(approved.compare(&document("")).relation, Relation::Subset);
    /// assert_eq!(approved.compare(&document(&other)).relation, Relation::Different);
    /// assert_eq!(document("").compare(&approved).relation, Relation::Different);
    /// ```
    #[must_use]
    pub fn compare(&self, now: &Self) -> Comparison {
        let mut differences = Vec::new();
        let (before, after) = (by_offer(self), by_offer(now));
        for (key, approved) in &before {
            match after.get(key) {
                Some(now) => fields(approved, now, &mut differences),
                None => differences.push(difference(approved, "decision", Some(cancel()), None, true)),
            }
        }
        for (_, now) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
            differences.push(difference(now, "decision", None, Some(cancel()), false));
            differences.push(difference(now, "operation", None, Some(now.operation_id.to_string()), false));
        }
        differences.sort_by(|a, b| a.subject.cmp(&b.subject));
        let relation = if differences.is_empty() {
            Relation::Equal
        } else if differences.iter().all(|difference| difference.is_allowed) {
            Relation::Subset
        } else {
            Relation::Different
        };
        Comparison { relation, differences }
    }
}

fn by_offer(document: &DecisionDocument) -> BTreeMap<OfferKey, &DecisionEntry> {
    document.entries.iter().map(|entry| (entry.key(), entry)).collect()
}

fn fields(approved: &DecisionEntry, now: &DecisionEntry, into: &mut Vec<Difference>) {
    let text = |id: Option<&str>| id.map(str::to_owned);
    for (field, before, after) in [
        ("operation", text(Some(approved.operation_id.as_str())), text(Some(now.operation_id.as_str()))),
        ("job", text(approved.job_id.as_ref().map(JobId::as_str)), text(now.job_id.as_ref().map(JobId::as_str))),
        (
            "product",
            text(approved.product_id.as_ref().map(ProductId::as_str)),
            text(now.product_id.as_ref().map(ProductId::as_str)),
        ),
        ("origin", text(Some(approved.origin.as_str())), text(Some(now.origin.as_str()))),
        ("notificationEmails", Some(joined(&approved.notification_emails)), Some(joined(&now.notification_emails))),
    ] {
        if before != after {
            into.push(difference(approved, field, before, after, false));
        }
    }
}

fn cancel() -> String {
    "cancel".to_owned()
}

fn joined(emails: &[EmailAddress]) -> String {
    emails.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn difference(
    entry: &DecisionEntry,
    field: &'static str,
    approved: Option<String>,
    now: Option<String>,
    is_allowed: bool,
) -> Difference {
    Difference { subject: format!("{}/{}", entry.publisher, entry.offer), field, approved, now, is_allowed }
}
