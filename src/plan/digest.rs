//! The decision document and its digest: what a reviewer decides on and nothing else.
//!
//! Owns the canonical form: JSON with keys in alphabetical order, no white space, entries
//! sorted by publisher and offer, addresses sorted and each once. For strings and integers,
//! which is all it holds, this is the form of RFC 8785.

use serde::{Deserialize, Serialize};

use super::document::{Decision, Entry, FormatVersion, Plan};
use crate::domain::{EmailAddress, OfferId, OperationId, PortalOrigin, PublisherId, sha256_hex};

// In both structs the fields stand in alphabetical order, because they are written in the
// order in which they are declared. A test holds them to it.

/// One thing that will be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionEntry {
    /// `cancel` or `wait`.
    pub decision: Decision,
    /// Who is told, sorted.
    pub notification_emails: Vec<EmailAddress>,
    /// The offer.
    pub offer: OfferId,
    /// The operation.
    pub operation_id: OperationId,
    /// Whose offer it is.
    pub publisher: PublisherId,
}

/// All that will be done, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionDocument {
    /// One entry a `cancel` or `wait` entry of the plan, sorted.
    pub entries: Vec<DecisionEntry>,
    /// The version of the format.
    pub format_version: FormatVersion,
    /// The portal.
    pub portal: PortalOrigin,
}

impl DecisionDocument {
    /// The decision document of a plan's entries.
    #[must_use]
    pub fn of(portal: &PortalOrigin, entries: &[Entry]) -> Self {
        let mut decided: Vec<DecisionEntry> = entries.iter().filter_map(DecisionEntry::of).collect();
        decided
            .sort_by(|a, b| (&a.publisher, &a.offer, &a.operation_id).cmp(&(&b.publisher, &b.offer, &b.operation_id)));
        Self { entries: decided, format_version: FormatVersion, portal: portal.clone() }
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
    fn of(entry: &Entry) -> Option<Self> {
        let operation = entry.operation.as_ref()?;
        matches!(entry.decision, Decision::Cancel | Decision::Wait).then(|| Self {
            decision: entry.decision,
            notification_emails: sorted(&entry.notification_emails),
            offer: entry.offer.clone(),
            operation_id: operation.id.clone(),
            publisher: entry.publisher.clone(),
        })
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
        DecisionDocument::of(&self.portal, &self.entries)
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
                decision: Decision::Cancel,
                notification_emails: vec![EmailAddress::try_from("a@contoso.com".to_owned()).expect("an address")],
                offer: "vm".parse().expect("an id"),
                operation_id: "5a63deb5".parse().expect("an id"),
                publisher: "contoso".parse().expect("an id"),
            }],
            format_version: FormatVersion,
            portal: PortalOrigin::microsoft(),
        };
        let canonical = concat!(
            r#"{"entries":[{"decision":"cancel","notificationEmails":["a@contoso.com"],"offer":"vm","#,
            r#""operationId":"5a63deb5","publisher":"contoso"}],"formatVersion":1,"#,
            r#""portal":"https://cloudpartner.azure.com"}"#
        );
        assert_eq!(document.canonical_json(), canonical);
        assert_eq!(document.digest(), sha256_hex(canonical.as_bytes()));
        let read: DecisionDocument = serde_json::from_str(canonical).expect("reads what it writes");
        assert_eq!(read, document);
    }
}
