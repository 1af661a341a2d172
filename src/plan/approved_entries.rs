//! Which entries of a decision were approved, one by one.
//!
//! Owns that an entry is approved as a whole or not at all: the same offer at the same portal, the
//! same operation, the same recipients. Each may have been approved by another pull request, and
//! one that was not takes nothing from the others. Pure: documents in, verdicts out.

use super::digest::{DecisionDocument, DecisionEntry};
use crate::domain::{EmailAddress, OperationId};

/// A decision document that was approved, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedDecision {
    /// The pull request.
    pub pull_request: u64,
    /// Its head.
    pub head: String,
    /// What was approved.
    pub document: DecisionDocument,
}

/// A cancellation, and whether it was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryVerdict {
    /// What would be cancelled.
    pub entry: DecisionEntry,
    /// Whether it was approved, and where.
    pub approval: EntryApproval,
}

/// Whether an entry was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryApproval {
    /// By this pull request.
    Approved(u64),
    /// This pull request approved the cancellation of another operation of the offer.
    OtherOperation(u64, OperationId),
    /// This pull request approved the same cancellation with other recipients.
    OtherRecipients(u64, Vec<EmailAddress>),
    /// None approved a cancellation of the offer.
    Missing,
    /// None approved a cancellation of the offer, which a freeze reaches: the operation is new.
    NewUnderFreeze,
}

impl EntryVerdict {
    /// Whether the entry was approved.
    #[must_use]
    pub const fn is_approved(&self) -> bool {
        matches!(self.approval, EntryApproval::Approved(_))
    }
}

/// Holds each cancellation of a decision against what was approved. Where several documents speak of one offer, the
/// first that approves decides, else the first that names it.
#[must_use]
pub fn entry_verdicts(now: &DecisionDocument, approved: &[ApprovedDecision]) -> Vec<EntryVerdict> {
    let verdict = |entry: &DecisionEntry| {
        let said = approved.iter().filter_map(|one| said(one, entry));
        let approval = said.fold(EntryApproval::Missing, |best, next| match (&best, &next) {
            (EntryApproval::Approved(_), _) => best,
            (EntryApproval::Missing, _) | (_, EntryApproval::Approved(_)) => next,
            _ => best,
        });
        EntryVerdict { entry: entry.clone(), approval }
    };
    now.entries.iter().map(verdict).collect()
}

/// What a document says of an entry's offer; none: nothing, or that nothing of it is to be cancelled.
fn said(approved: &ApprovedDecision, entry: &DecisionEntry) -> Option<EntryApproval> {
    let number = approved.pull_request;
    // Another portal's answer to the same name is about another offer.
    let is_of_offer = |one: &&DecisionEntry| one.key() == entry.key() && one.origin == entry.origin;
    let of_offer = approved.document.entries.iter().find(is_of_offer)?;
    Some(if of_offer == entry {
        EntryApproval::Approved(number)
    } else if (&of_offer.operation_id, &of_offer.job_id, &of_offer.product_id)
        != (&entry.operation_id, &entry.job_id, &entry.product_id)
    {
        EntryApproval::OtherOperation(number, of_offer.operation_id.clone())
    } else {
        EntryApproval::OtherRecipients(number, of_offer.notification_emails.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(entries: &[(&str, &str, &str)], origin: &str) -> DecisionDocument {
        let entries: Vec<String> = entries
            .iter()
            .map(|(offer, operation, email)| {
                format!(
                    r#"{{"jobId":null,"notificationEmails":["{email}"],"offer":"{offer}","operationId":"{operation}","origin":"{origin}","portal":"cloud-partner","productId":null,"publisher":"contoso"}}"#
                )
            })
            .collect();
        let text = format!(r#"{{"entries":[{}],"formatVersion":2}}"#, entries.join(","));
        serde_json::from_str(&text).expect("a document")
    }

    fn approved(pull_request: u64, document: DecisionDocument) -> ApprovedDecision {
        ApprovedDecision { pull_request, head: "abc".to_owned(), document }
    }

    #[test]
    fn each_entry_by_itself() {
        const PORTAL: &str = "https://cloudpartner.azure.com";
        let vm = ("vm", "one", "a@contoso.com");
        let saas = ("saas", "two", "a@contoso.com");
        let verdicts = |now: &[(&str, &str, &str)], approved: &[ApprovedDecision]| {
            let verdicts = entry_verdicts(&document(now, PORTAL), approved);
            verdicts.into_iter().map(|verdict| verdict.approval).collect::<Vec<_>>()
        };
        let two = [approved(8, document(&[saas], PORTAL)), approved(7, document(&[vm], PORTAL))];
        assert_eq!(verdicts(&[vm, saas], &two), [EntryApproval::Approved(7), EntryApproval::Approved(8)]);
        assert_eq!(verdicts(&[vm, saas], &two[..1]), [EntryApproval::Missing, EntryApproval::Approved(8)]);
        let other = ("vm", "nine", "a@contoso.com");
        let operation = EntryApproval::OtherOperation(7, "one".parse().expect("an id"));
        assert_eq!(verdicts(&[other], &two), std::slice::from_ref(&operation));
        // A later one that approves it decides, wherever it stands.
        let replaced = [two[1].clone(), approved(9, document(&[other], PORTAL))];
        assert_eq!(verdicts(&[other], &replaced), [EntryApproval::Approved(9)]);
        let told = ("vm", "one", "b@contoso.com");
        assert!(matches!(verdicts(&[told], &two)[..], [EntryApproval::OtherRecipients(7, _)]));
        let elsewhere = [approved(7, document(&[vm], "https://example.com"))];
        assert_eq!(verdicts(&[vm], &elsewhere), [EntryApproval::Missing]);
    }
}
