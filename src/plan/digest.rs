//! The decision document and its digest: what a reviewer decides on and nothing else.
//!
//! Owns the canonical form: JSON with keys in alphabetical order, no white space, ids in lower
//! case, entries sorted, addresses sorted and each once. For strings, integers and null,
//! which is all it holds, this is the form of RFC 8785.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::document::{Decision, Entry, FormatVersion, Plan, PlannedPortal};
use crate::domain::{
    EmailAddress, JobId, OfferId, OfferKey, OperationId, PortalKind, PortalOrigin, ProductId, PublisherId, sha256_hex,
};

// In both structs the fields stand in alphabetical order, because they are written in the
// order in which they are declared. A test holds them to it.

/// One cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionEntry {
    /// The job that the call names, where it names one.
    pub job_id: Option<JobId>,
    /// Who is told, sorted, where the portal takes addresses.
    pub notification_emails: Vec<EmailAddress>,
    /// The offer.
    pub offer: OfferId,
    /// The operation.
    pub operation_id: OperationId,
    /// Where the portal is.
    pub origin: PortalOrigin,
    /// The portal.
    pub portal: PortalKind,
    /// The product, where the call names it.
    pub product_id: Option<ProductId>,
    /// Whose offer it is.
    pub publisher: PublisherId,
}

/// All that will be cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionDocument {
    /// One entry a `cancel` entry of the plan, sorted.
    pub entries: Vec<DecisionEntry>,
    /// The version of the format.
    pub format_version: FormatVersion,
}

impl DecisionDocument {
    /// The decision document of a plan's entries.
    #[must_use]
    pub fn of(portals: &[PlannedPortal], entries: &[Entry]) -> Self {
        let mut decided: Vec<DecisionEntry> =
            entries.iter().filter_map(|entry| DecisionEntry::of(portals, entry)).collect();
        decided.sort_by(|a, b| (a.key(), &a.operation_id).cmp(&(b.key(), &b.operation_id)));
        Self { entries: decided, format_version: FormatVersion }
    }

    /// Reads a decision document that came with a digest. None: it is not the canonical form of one, it
    /// is not the one of this digest, or it says two things of one offer.
    #[must_use]
    pub fn verified(text: &str, digest: &str) -> Option<Self> {
        let document: Self = serde_json::from_str(text).ok()?;
        let offers: BTreeSet<OfferKey> = document.entries.iter().map(DecisionEntry::key).collect();
        let is_sound =
            document.canonical_json() == text && document.digest() == digest && offers.len() == document.entries.len();
        is_sound.then_some(document)
    }

    /// The canonical form.
    ///
    /// # Panics
    /// Never: text and numbers can always be written as JSON.
    #[must_use]
    pub fn canonical_json(&self) -> String {
        serde_json::to_string(self).expect("text and numbers can always be written as JSON")
    }

    /// SHA-256 of the canonical form, in lower-case hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256_hex(self.canonical_json().as_bytes())
    }
}

impl DecisionEntry {
    /// The decision of an entry of a plan; none where nothing is to be cancelled.
    #[must_use]
    pub fn of(portals: &[PlannedPortal], entry: &Entry) -> Option<Self> {
        let operation = entry.operation.as_ref().filter(|_| entry.decision == Decision::Cancel)?;
        let planned = portals.iter().find(|planned| planned.portal == entry.portal)?;
        Some(Self {
            job_id: operation.job_id.as_ref().map(JobId::lower),
            notification_emails: sorted(&entry.notification_emails),
            offer: entry.offer.lower(),
            operation_id: operation.id.lower(),
            origin: planned.origin.clone(),
            portal: entry.portal,
            product_id: entry.product_id.as_ref().map(ProductId::lower),
            publisher: entry.publisher.lower(),
        })
    }

    /// The offer that it is about.
    #[must_use]
    pub fn key(&self) -> OfferKey {
        OfferKey { portal: self.portal, publisher: self.publisher.clone(), offer: self.offer.clone() }
    }
}

fn sorted(emails: &[EmailAddress]) -> Vec<EmailAddress> {
    let mut emails = emails.to_vec();
    emails.sort();
    emails.dedup();
    emails
}

impl Plan {
    /// The decision document of the plan, made anew from its entries.
    #[must_use]
    pub fn decision_document(&self) -> DecisionDocument {
        DecisionDocument::of(&self.portals, &self.entries)
    }

    /// Whether the digest that the plan states is the one that follows from its entries.
    #[must_use]
    pub fn digest_holds(&self) -> bool {
        self.decision_document().digest() == self.decision_digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_to_the_letter() {
        let document = DecisionDocument {
            entries: vec![DecisionEntry {
                job_id: None,
                notification_emails: vec![EmailAddress::try_from("a@contoso.com".to_owned()).expect("an address")],
                offer: "vm".parse().expect("an id"),
                operation_id: "5a63deb5".parse().expect("an id"),
                origin: PortalOrigin::microsoft(),
                portal: PortalKind::CloudPartner,
                product_id: None,
                publisher: "contoso".parse().expect("an id"),
            }],
            format_version: FormatVersion,
        };
        let canonical = concat!(
            r#"{"entries":[{"jobId":null,"notificationEmails":["a@contoso.com"],"offer":"vm","#,
            r#""operationId":"5a63deb5","origin":"https://cloudpartner.azure.com","#,
            r#""portal":"cloud-partner","productId":null,"publisher":"contoso"}],"formatVersion":2}"#
        );
        assert_eq!(document.canonical_json(), canonical);
        assert_eq!(document.digest(), sha256_hex(canonical.as_bytes()));
        let read: DecisionDocument = serde_json::from_str(canonical).expect("reads what it writes");
        assert_eq!(read, document);
    }
}
