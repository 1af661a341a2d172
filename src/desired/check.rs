//! From a tree of nodes to desired states: keys, types, ids, and what must not stand twice.
//!
//! Owns the meaning of every key. A mistake never hides another one: a value that is wrong is
//! reported and left out, and the checks go on.

mod freezes;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::diagnostic::{Code, Diagnostic};
use super::node::{Node, Value};
use super::syntax::{SourceText, odd_space};
use crate::domain::{
    DesiredOffer, DesiredState, EmailAddress, IdError, JobId, Limits, Mark, OfferId, OfferKey, OperationId, PortalKind,
    PortalSettings, ProductId, ProductType, PublisherId, SchemaVersion, SellerId, SourceLocation,
};

/// The keys of a document, of its parts, of a freeze and of an offer.
pub(super) const DOCUMENT_KEYS: &[&str] =
    &["portal", "publisher", "partnerCenter", "productIngestion", "notificationEmails", "limits", "offers", "freezes"];
pub(super) const PARTNER_CENTER_KEYS: &[&str] = &["publisherId", "productTypes"];
pub(super) const PRODUCT_INGESTION_KEYS: &[&str] = &["version"];
pub(super) const LIMITS_KEYS: &[&str] = &["maxCancels"];
pub(super) const FREEZE_KEYS: &[&str] = &["offers", "except", "expires", "reason", "publisher", "portal"];
pub(super) const OFFER_KEYS: &[&str] = &[
    "id",
    "portal",
    "publisher",
    "productId",
    "cancelPending",
    "operationId",
    "jobId",
    "expires",
    "notificationEmails",
    "reason",
];

/// The longest reason that is accepted, in characters.
const MAX_REASON_LENGTH: usize = 500;

/// Checks documents one after the other and remembers which offers it has seen.
#[derive(Default)]
pub(super) struct Checker {
    pub diagnostics: Vec<Diagnostic>,
    seen: Seen,
}

/// Which offers there are, and where each stands.
#[derive(Default)]
struct Seen {
    files: Vec<String>,
    /// File, line and column. An offer is one offer whatever portal it is looked at through.
    offers: HashMap<(PublisherId, OfferId), (usize, u64, u64)>,
}

impl Checker {
    /// The desired states of one file. Mistakes go to `found`.
    pub fn check(&mut self, source: &SourceText<'_>, found: &mut Vec<Diagnostic>) -> Vec<DesiredState> {
        self.seen.files.push(source.path.to_owned());
        let mut walk = Walk { source, found, seen: &mut self.seen };
        source.documents.iter().filter_map(|document| walk.document(document)).collect()
    }
}

struct Walk<'a, 'b> {
    source: &'a SourceText<'b>,
    found: &'a mut Vec<Diagnostic>,
    seen: &'a mut Seen,
}

/// A mapping whose keys have been checked: the first of each known key.
struct Fields<'n, 's> {
    known: Vec<(&'static str, &'n Node<'s>, &'n Node<'s>)>,
}

impl<'n, 's> Fields<'n, 's> {
    fn get(&self, name: &str) -> Option<&'n Node<'s>> {
        self.known.iter().find(|(known, ..)| *known == name).map(|(.., value)| *value)
    }

    fn key(&self, name: &str) -> Option<&'n Node<'s>> {
        self.known.iter().find(|(known, ..)| *known == name).map(|(_, key, _)| *key)
    }
}

/// What a document says for every offer that says nothing itself.
struct Inherited {
    portal: Option<PortalKind>,
    publisher: Option<PublisherId>,
    publisher_is_given: bool,
    emails: Vec<EmailAddress>,
}

impl Walk<'_, '_> {
    fn report(&mut self, code: Code, node: &Node<'_>, message: impl Into<String>, help: impl Into<Option<String>>) {
        self.found.push(self.source.diagnostic(code, node.range.clone(), message, help));
    }

    fn location(&self, node: &Node<'_>) -> SourceLocation {
        let (line, column) = self.source.line_and_column(node.range.start);
        SourceLocation { path: self.source.path.to_owned(), line, column }
    }

    fn document(&mut self, node: &Node<'_>) -> Option<DesiredState> {
        if node.is_absent() {
            return None;
        }
        if node.value == Value::Null {
            self.report(Code::EmptyFile, node, "the document holds no desired state", "remove it".to_owned());
            return None;
        }
        let fields = self.fields(node, "a desired state", DOCUMENT_KEYS)?;
        let portal = self.portal(&fields, Some(PortalKind::default()));
        let publisher = self.id::<PublisherId>(&fields, "publisher");
        let emails = self.emails(&fields);
        let limits = self.limits(&fields);
        let settings = self.settings(&fields);
        let publisher_is_given = fields.key("publisher").is_some();
        let above = Inherited { portal, publisher, publisher_is_given, emails: emails.unwrap_or_default() };
        let freezes = self.freezes(&fields, &above, limits);
        if fields.key("offers").is_none() && fields.key("freezes").is_none() {
            let help = "list the offers under `offers:`".to_owned();
            self.report(Code::MissingKey, node, "the key `offers` is missing", help);
            return None;
        }
        let list = fields.get("offers");
        let items = list.and_then(|list| self.list(list, "offers")).unwrap_or_default();
        if let Some(list) = list.filter(|list| items.is_empty() && matches!(list.value, Value::List(_))) {
            let help = "list at least one offer, or leave the file out".to_owned();
            self.report(Code::NoOffers, list, "the list of offers is empty", help);
        }
        // Nearly all of them are offers: room is made once, and not again and again as they come.
        self.seen.offers.reserve(items.len());
        let mut offers = Vec::with_capacity(items.len());
        offers.extend(items.iter().filter_map(|item| self.offer(item, &above)));
        Some(DesiredState { limits, settings, offers, freezes, source: self.location(node) })
    }

    fn limits(&mut self, fields: &Fields<'_, '_>) -> Limits {
        let Some(node) = fields.get("limits") else { return Limits::default() };
        let Some(fields) = self.fields(node, "`limits`", LIMITS_KEYS) else { return Limits::default() };
        let Some(node) = fields.get("maxCancels") else { return Limits::default() };
        let max_cancels = match &node.value {
            Value::Integer(number) if self.is_plain_number(node) => u32::try_from(*number).ok(),
            Value::Integer(_) | Value::Number => None,
            _ => {
                self.wrong_type(node, "maxCancels", "a whole number");
                return Limits::default();
            }
        };
        let Some(max_cancels) = max_cancels else {
            let message = "`maxCancels` is not a whole number from 0 to 4294967295";
            self.report(Code::InvalidNumber, node, message, "write it in digits, like `10`".to_owned());
            return Limits::default();
        };
        Limits::at_most(max_cancels)
    }

    /// How portals are asked.
    fn settings(&mut self, fields: &Fields<'_, '_>) -> PortalSettings {
        let mut settings = PortalSettings::default();
        self.partner_center(fields, &mut settings);
        self.product_ingestion(fields, &mut settings);
        settings
    }

    fn product_ingestion(&mut self, fields: &Fields<'_, '_>, settings: &mut PortalSettings) {
        let Some(node) = fields.get("productIngestion") else { return };
        let Some(fields) = self.fields(node, "`productIngestion`", PRODUCT_INGESTION_KEYS) else { return };
        let Some(node) = fields.get("version") else { return };
        let Some(text) = self.text(node, "version") else { return };
        match SchemaVersion::try_from(text.to_owned()) {
            // The usual one said or not said is one thing.
            Ok(version) => settings.schema_version = Some(version).filter(|own| *own != SchemaVersion::default()),
            Err(error) => {
                let help = "write the version in one word, like `2022-03-01-preview2`".to_owned();
                self.report(Code::InvalidId, node, format!("`version` {error}"), help);
            }
        }
    }

    fn partner_center(&mut self, fields: &Fields<'_, '_>, settings: &mut PortalSettings) {
        let Some(node) = fields.get("partnerCenter") else { return };
        let Some(fields) = self.fields(node, "`partnerCenter`", PARTNER_CENTER_KEYS) else { return };
        if let Some(node) = fields.get("publisherId") {
            let number = match &node.value {
                Value::Integer(number) if self.is_plain_number(node) => u64::try_from(*number).ok(),
                Value::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
                _ => None,
            };
            settings.seller = number.filter(|number| *number > 0).map(SellerId);
            if settings.seller.is_none() && !node.is_absent() && node.value != Value::Null {
                let help = "write the number of the publisher's account in Partner Center, like `1234567`".to_owned();
                self.report(Code::InvalidNumber, node, "`publisherId` is not a number above 0", help);
            }
        }
        let items = fields.get("productTypes").and_then(|node| self.list(node, "productTypes"));
        for item in items.into_iter().flatten() {
            let Some(text) = self.text(item, "an item of productTypes") else { continue };
            if let Some(word) = ProductType::new(text) {
                settings.product_types.push(word);
            } else {
                let help = "write the type in Partner Center's word, like `AzureApplication`".to_owned();
                self.report(Code::InvalidId, item, "a product type is one word of letters and digits", help);
            }
        }
    }

    /// `0x0a`, `1_0` and `010` are numbers to YAML, and not what a reviewer should have to read.
    fn is_plain_number(&self, node: &Node<'_>) -> bool {
        let text = self.source.text.get(node.range.clone()).unwrap_or_default();
        text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The portal that a mapping names, or the one that holds without; none when the name is none.
    fn portal(&mut self, fields: &Fields<'_, '_>, otherwise: Option<PortalKind>) -> Option<PortalKind> {
        let Some(node) = fields.get("portal") else { return otherwise };
        let name = self.text(node, "portal")?;
        let portal = PortalKind::named(name);
        if portal.is_none() {
            let message = format!("unknown portal `{name}`");
            self.report(Code::UnknownPortal, node, message, PortalKind::hint(name));
        }
        portal
    }

    fn offer(&mut self, node: &Node<'_>, above: &Inherited) -> Option<DesiredOffer> {
        let fields = self.fields(node, "an offer", OFFER_KEYS)?;
        let offer = self.id(&fields, "id");
        if offer.is_none() && fields.key("id").is_none() {
            let help = "give the offer's id: `id: contoso-vm`".to_owned();
            self.report(Code::MissingKey, node, "the key `id` is missing", help);
        }
        let own_publisher = self.id::<PublisherId>(&fields, "publisher");
        if own_publisher.is_none() && fields.key("publisher").is_none() && !above.publisher_is_given {
            let help = "give the offer a `publisher:`, or the document one for all its offers".to_owned();
            self.report(Code::MissingKey, node, "the key `publisher` is missing", help);
        }
        let marked = fields.get("cancelPending").and_then(|node| self.boolean(node, "cancelPending"));
        let portal = self.portal(&fields, above.portal);
        let product_id = self.product_id(&fields, portal);
        let operation_id = self.operation_id(&fields, portal);
        let job_id = self.job_id(&fields, portal);
        let expires = fields.get("expires").and_then(|node| self.timestamp(node));
        let emails = self.emails(&fields);
        let reason = fields.get("reason").and_then(|node| self.reason(node));

        let publisher =
            own_publisher.or_else(|| above.publisher.clone().filter(|_| fields.key("publisher").is_none()))?;
        let offer: OfferId = offer?;
        let at = fields.key("cancelPending").filter(|_| marked == Some(true)).or(fields.key("id")).unwrap_or(node);
        let source = self.location(at);
        let id_node = fields.get("id").unwrap_or(node);
        self.refuse_second(&publisher, &offer, id_node);
        let key = OfferKey { portal: portal?, publisher, offer };
        Some(DesiredOffer {
            key,
            product_id,
            mark: (marked == Some(true)).then_some(Mark { operation_id, job_id, expires }),
            is_spared: marked == Some(false),
            rule: None,
            notification_emails: emails.unwrap_or_else(|| above.emails.clone()),
            reason,
            source,
        })
    }

    /// Letter case carries no meaning in ids: two spellings of one offer would be two calls.
    fn refuse_second(&mut self, publisher: &PublisherId, offer: &OfferId, node: &Node<'_>) {
        let key = (publisher.clone(), offer.clone());
        if let Some((file, line, column)) = self.seen.offers.get(&key) {
            let first = format!("{}:{line}:{column}", self.seen.files[*file]);
            let message = format!("the offer `{publisher}/{offer}` is listed twice (first at {first})");
            self.report(Code::DuplicateOffer, node, message, "keep one of the two".to_owned());
        } else {
            let (line, column) = self.source.line_and_column(node.range.start);
            self.seen.offers.insert(key, (self.seen.files.len() - 1, line, column));
        }
    }

    /// Checks the keys of a mapping: that they are text, known, not twice, and have a value.
    fn fields<'n, 's>(
        &mut self,
        node: &'n Node<'s>,
        what: &str,
        keys: &'static [&'static str],
    ) -> Option<Fields<'n, 's>> {
        if node.value == Value::Alias {
            return None;
        }
        let Value::Mapping(pairs) = &node.value else {
            let message = format!("{what} must be a mapping of keys to values, not {}", node.value.kind());
            self.report(Code::WrongType, node, message, listing(keys));
            return None;
        };
        let mut known: Vec<(&'static str, &Node<'_>, &Node<'_>)> = Vec::with_capacity(pairs.len().min(keys.len()));
        // A file may hold a hundred thousand of them.
        let mut unknown: HashSet<&str> = HashSet::new();
        for (key, value) in pairs.iter().filter(|(key, _)| key.value != Value::Alias) {
            let Value::Text(name) = &key.value else {
                let message = format!("a key of {what} must be a name, not {}", key.value.kind());
                self.report(Code::UnknownKey, key, message, listing(keys));
                continue;
            };
            if name == "<<" {
                let help = "write the keys out, so that reviewers see them".to_owned();
                self.report(Code::MergeKey, key, "YAML merge keys are not supported", help);
                continue;
            }
            let own = keys.iter().find(|known| *known == name);
            let is_second = match own {
                Some(own) => known.iter().any(|(other, ..)| other == own),
                None => !unknown.insert(name),
            };
            if is_second {
                let message = format!("duplicate key `{name}`");
                self.report(Code::DuplicateKey, key, message, "keep one of the two".to_owned());
                continue;
            }
            let Some(own) = own else {
                let message = format!("`{name}` is not a key of {what}");
                self.report(Code::UnknownKey, key, message, odd_space(name).unwrap_or_else(|| nearest(name, keys)));
                continue;
            };
            if value.value == Value::Null {
                let help = format!("give it one, or remove `{name}:`");
                self.report(Code::NullValue, key, format!("`{name}` has no value"), help);
            }
            known.push((own, key, value));
        }
        Some(Fields { known })
    }

    fn list<'n, 's>(&mut self, node: &'n Node<'s>, name: &str) -> Option<&'n [Node<'s>]> {
        match &node.value {
            Value::List(items) => Some(items),
            Value::Null => None,
            _ => {
                self.wrong_type(node, name, "a list");
                None
            }
        }
    }

    fn wrong_type(&mut self, node: &Node<'_>, name: &str, wanted: &str) {
        if node.value == Value::Alias {
            return;
        }
        let message = format!("`{name}` must be {wanted}, not {}", node.value.kind());
        let help = match &node.value {
            Value::Boolean(_) | Value::Integer(_) | Value::Number if wanted == "text" => {
                Some("put it in quotes to make it text".to_owned())
            }
            _ => None,
        };
        self.report(Code::WrongType, node, message, help);
    }

    fn text<'n>(&mut self, node: &'n Node<'_>, name: &str) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            Value::Null => None,
            _ => {
                self.wrong_type(node, name, "text");
                None
            }
        }
    }

    fn boolean(&mut self, node: &Node<'_>, name: &str) -> Option<bool> {
        let help = "write `true` or `false`, in small letters and without quotes".to_owned();
        match &node.value {
            Value::Boolean(value) => {
                let written = self.source.text.get(node.range.clone()).unwrap_or_default();
                if written == value.to_string() {
                    return Some(*value);
                }
                self.report(Code::InvalidBoolean, node, format!("`{name}` is spelled `{written}`"), help);
            }
            Value::Text(text) => {
                let message = format!("`{name}` must be a boolean, not the text `{text}`");
                self.report(Code::InvalidBoolean, node, message, help);
            }
            Value::Null | Value::Alias => {}
            other => {
                let message = format!("`{name}` must be a boolean, not {}", other.kind());
                self.report(Code::InvalidBoolean, node, message, help);
            }
        }
        None
    }

    fn id<T: std::str::FromStr<Err = IdError>>(&mut self, fields: &Fields<'_, '_>, name: &str) -> Option<T> {
        let node = fields.get(name)?;
        let text = self.text(node, name)?;
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                let help = if text.contains(['*', '?']) {
                    "an id names one offer; a pattern stands in a freeze: `freezes: [{offers: [\"contoso-*\"], …}]`"
                } else {
                    "ids have 1 to 100 letters, digits, `.`, `_` and `-`, and start with a letter or a digit"
                };
                self.report(Code::InvalidId, node, format!("`{name}` {error}"), help.to_owned());
                None
            }
        }
    }

    fn operation_id(&mut self, fields: &Fields<'_, '_>, portal: Option<PortalKind>) -> Option<OperationId> {
        let id: OperationId = self.id(fields, "operationId")?;
        match portal.map(|portal| portal.check_operation_id(&id)) {
            Some(Err(error)) => {
                let node = fields.get("operationId")?;
                self.report(Code::InvalidId, node, format!("`operationId` {error}"), error.help().to_owned());
                None
            }
            _ => Some(id),
        }
    }

    fn product_id(&mut self, fields: &Fields<'_, '_>, portal: Option<PortalKind>) -> Option<ProductId> {
        let node = fields.get("productId")?;
        let id: Option<ProductId> = self.text(node, "productId")?.parse().ok();
        if id.is_none() {
            let help = "write the product's GUID, like `0d5c0a4e-1111-4222-8333-944455566677`".to_owned();
            self.report(Code::InvalidId, node, "`productId` is not a GUID", help);
        } else if let Some(portal) = portal.filter(|portal| !portal.has_products()) {
            let message = format!("`productId` means nothing on `{portal}`, whose offers have no products");
            self.report(Code::UnusedKey, node, message, "remove it, or name another `portal:`".to_owned());
        }
        id
    }

    fn job_id(&mut self, fields: &Fields<'_, '_>, portal: Option<PortalKind>) -> Option<JobId> {
        let node = fields.get("jobId")?;
        let id: Option<JobId> = self.text(node, "jobId")?.parse().ok();
        if id.is_none() {
            let help = "write the job's GUID, like `7a1b2c3d-0000-4000-8000-00000000c0de`; it is in the log of the \
                        tool that published";
            self.report(Code::InvalidId, node, "`jobId` is not a GUID", help.to_owned());
        } else if let Some(portal) = portal.filter(|portal| !portal.has_jobs()) {
            let message = format!("`jobId` means nothing on `{portal}`, whose cancel call names no job");
            self.report(Code::UnusedKey, node, message, "remove it, or name another `portal:`".to_owned());
        }
        id
    }

    fn emails(&mut self, fields: &Fields<'_, '_>) -> Option<Vec<EmailAddress>> {
        let name = "notificationEmails";
        let node = fields.get(name)?;
        let items = self.list(node, name)?;
        let mut emails = Vec::new();
        for item in items {
            if item.value == Value::Null {
                let help = "give an address, or remove the item".to_owned();
                self.report(Code::NullValue, item, format!("an item of `{name}` has no value"), help);
                continue;
            }
            let Some(text) = self.text(item, name) else { continue };
            match EmailAddress::try_from(text.to_owned()) {
                Ok(email) => emails.push(email),
                Err(error) => {
                    let help = "one address an item: `- release@contoso.com`".to_owned();
                    self.report(Code::InvalidEmail, item, format!("the address {error}"), help);
                }
            }
        }
        Some(emails)
    }

    fn timestamp(&mut self, node: &Node<'_>) -> Option<Timestamp> {
        let text = self.text(node, "expires")?;
        // jiff reads more than RFC 3339 (a space for the `T`, seconds left out); a date that
        // decides whether something is cancelled is written in one way.
        let bytes = text.as_bytes();
        let in_form =
            bytes.len() >= 20 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[10] == b'T' && bytes[16] == b':';
        let time = in_form.then(|| text.parse::<Timestamp>().ok()).flatten();
        if time.is_none() {
            let help = "write date, time and offset: `2026-12-01T00:00:00Z`".to_owned();
            self.report(Code::InvalidTimestamp, node, "`expires` is not an RFC 3339 time", help);
        }
        time
    }

    fn reason(&mut self, node: &Node<'_>) -> Option<String> {
        let text = self.text(node, "reason")?.trim_end_matches('\n');
        let wrong = if text.trim().is_empty() {
            "`reason` is empty".to_owned()
        } else if text.chars().count() > MAX_REASON_LENGTH {
            format!("`reason` is longer than {MAX_REASON_LENGTH} characters")
        } else if let Some(character) = text.chars().find(|c| c.is_control() && *c != '\n') {
            format!("`reason` holds a control character (U+{:04X})", u32::from(character))
        } else {
            return Some(text.to_owned());
        };
        self.report(Code::InvalidReason, node, wrong, "write a line of text, or remove it".to_owned());
        None
    }
}

/// `the keys are …`
fn listing(keys: &[&str]) -> String {
    match keys {
        [only] => format!("the only key is `{only}`"),
        _ => format!("the keys are {}", keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn nearest(name: &str, keys: &[&str]) -> String {
    let folded = name.to_lowercase().replace(['_', '-', ' '], "");
    let best = keys
        .iter()
        .map(|key| (strsim::damerau_levenshtein(&folded, &key.to_lowercase()), key))
        .min_by_key(|(distance, _)| *distance);
    match best {
        Some((distance, key)) if distance <= 1 + key.len() / 4 => format!("did you mean `{key}`?"),
        _ => listing(keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON Schema and the reader are written apart; here they are held together.
    #[test]
    fn the_schema_names_the_keys_that_are_read() {
        let schema = serde_json::to_value(schemars::schema_for!(crate::desired::DesiredDocument)).expect("JSON");
        let keys = |pointer: &str| -> Vec<String> {
            schema.pointer(pointer).and_then(|p| p.as_object()).expect(pointer).keys().cloned().collect()
        };
        assert_eq!(keys("/properties"), DOCUMENT_KEYS);
        assert_eq!(keys("/$defs/LimitsDocument/properties"), LIMITS_KEYS);
        assert_eq!(keys("/$defs/PartnerCenterDocument/properties"), PARTNER_CENTER_KEYS);
        assert_eq!(keys("/$defs/ProductIngestionDocument/properties"), PRODUCT_INGESTION_KEYS);
        assert_eq!(keys("/$defs/OfferDocument/properties"), OFFER_KEYS);
        assert_eq!(keys("/$defs/FreezeDocument/properties"), FREEZE_KEYS);
    }

    #[test]
    fn a_misspelled_key_is_recognised() {
        assert_eq!(nearest("cancelpending", OFFER_KEYS), "did you mean `cancelPending`?");
        assert_eq!(nearest("cancel_pending", OFFER_KEYS), "did you mean `cancelPending`?");
        assert_eq!(nearest("canclPendng", OFFER_KEYS), "did you mean `cancelPending`?");
        assert_eq!(nearest("operationID", OFFER_KEYS), "did you mean `operationId`?");
        assert_eq!(nearest("max_cancels", LIMITS_KEYS), "did you mean `maxCancels`?");
        assert!(nearest("colour", OFFER_KEYS).starts_with("the keys are"));
    }
}
