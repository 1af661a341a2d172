//! The freezes of a document.
//!
//! Owns what a freeze has to say: for which offers, until when, why, and how many cancellations may follow.

use super::{Code, FREEZE_KEYS, Fields, Inherited, Node, Value, Walk};
use crate::domain::{Freeze, Limits, LocatedPattern, OfferPattern, PublisherId};

impl Walk<'_, '_> {
    /// The freezes of a document. A freeze may reach a whole catalogue, so that its limit is a decision of its own.
    pub(super) fn freezes(&mut self, fields: &Fields<'_, '_>, above: &Inherited, limits: Limits) -> Vec<Freeze> {
        let (Some(key), Some(list)) = (fields.key("freezes"), fields.get("freezes")) else { return Vec::new() };
        let Some(items) = self.list(list, "freezes") else { return Vec::new() };
        if items.is_empty() {
            let help = "list at least one freeze, or remove `freezes:`".to_owned();
            self.report(Code::NoOffers, list, "the list of freezes is empty", help);
        } else if !limits.is_written {
            let help = "say how many operations the freezes may cancel: `limits: {maxCancels: 20}`".to_owned();
            self.report(Code::MissingKey, key, "a document with `freezes` must set `limits.maxCancels`", help);
        }
        items.iter().filter_map(|item| self.freeze(item, above)).collect()
    }

    fn freeze(&mut self, node: &Node<'_>, above: &Inherited) -> Option<Freeze> {
        let fields = self.fields(node, "a freeze", FREEZE_KEYS)?;
        for (name, help) in [
            ("offers", "say which offers it is for: `offers: [\"contoso-*\"]`"),
            ("expires", "a freeze ends: `expires: 2026-12-01T00:00:00Z`"),
            ("reason", "say why, for the reviewer: `reason: Incident 4711`"),
        ] {
            if fields.key(name).is_none() {
                let message = format!("the key `{name}` of a freeze is missing");
                self.report(Code::MissingKey, node, message, help.to_owned());
            }
        }
        let own_publisher = self.id::<PublisherId>(&fields, "publisher");
        if own_publisher.is_none() && fields.key("publisher").is_none() && !above.publisher_is_given {
            let help = "give the freeze a `publisher:`, or the document one".to_owned();
            self.report(Code::MissingKey, node, "the key `publisher` is missing", help);
        }
        let portal = self.portal(&fields, above.portal);
        if let Some(portal) = portal.filter(|portal| !portal.takes_freezes()) {
            let at = fields.get("portal").unwrap_or(node);
            let message = format!(
                "a freeze is not possible on `{portal}`: its cancel call names a job, and only a mark's `jobId` tells which"
            );
            let help = "freeze the same offers on `partner-center`, or mark each of them with its `jobId`".to_owned();
            self.report(Code::UnusedKey, at, message, help);
        }
        let offers = self.patterns(&fields, "offers");
        let except = self.patterns(&fields, "except");
        let expires = fields.get("expires").and_then(|node| self.timestamp(node));
        let reason = fields.get("reason").and_then(|node| self.reason(node));
        if let Some(list) =
            fields.get("offers").filter(|list| matches!(&list.value, Value::List(items) if items.is_empty()))
        {
            let help = "name at least one pattern: `offers: [\"contoso-*\"]`".to_owned();
            self.report(Code::NoOffers, list, "the freeze is for no offers", help);
        }
        let publisher =
            own_publisher.or_else(|| above.publisher.clone().filter(|_| fields.key("publisher").is_none()))?;
        Some(Freeze {
            portal: portal?,
            publisher,
            offers,
            except,
            expires: expires?,
            reason: reason?,
            notification_emails: above.emails.clone(),
            source: self.location(node),
        })
    }

    fn patterns(&mut self, fields: &Fields<'_, '_>, name: &str) -> Vec<LocatedPattern> {
        let items = fields.get(name).and_then(|node| self.list(node, name)).unwrap_or_default();
        let mut patterns = Vec::new();
        for item in items {
            if item.value == Value::Null {
                let help = "give a pattern, or remove the item".to_owned();
                self.report(Code::NullValue, item, format!("an item of `{name}` has no value"), help);
                continue;
            }
            let Some(text) = self.text(item, name) else { continue };
            match OfferPattern::try_from(text.to_owned()) {
                Ok(pattern) => patterns.push(LocatedPattern { pattern, source: self.location(item) }),
                Err(error) => {
                    let help = "write an offer's id, with `*` for any characters and `?` for one: `contoso-*`";
                    self.report(Code::InvalidPattern, item, format!("the pattern {error}"), help.to_owned());
                }
            }
        }
        patterns
    }
}
