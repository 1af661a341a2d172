//! A desired state to begin with: every offer of a publisher, none of them marked.
//!
//! Owns the layout of the file and what its comments say. Names come from the portal, and a comment ends with its line:
//! nothing in a name may end it, or be more than what it looks like.

use super::escape::terminal;
use crate::desired::{DesiredDocument, LimitsDocument, MAX_FILE_BYTES, OfferDocument};
use crate::domain::{Limits, ListedOffer, OfferId, OfferList, PortalKind, PublisherId};

/// The longest that is shown of a kind or a name, in characters.
const MAX_COMMENT: usize = 80;

/// What the file is made of.
#[derive(Debug, Clone, Copy)]
pub struct InitialState<'a> {
    /// Where editors find the schema of the file.
    pub schema: &'a str,
    /// The portal that lists the offers.
    pub portal: PortalKind,
    /// Whose offers they are.
    pub publisher: &'a PublisherId,
    /// The offers.
    pub list: &'a OfferList,
}

/// A desired state as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialFile {
    /// Its text.
    pub text: String,
    /// Whether kinds and names were left out, because the file would have been too large with them.
    pub is_bare: bool,
}

/// Why there can be no such file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a file that lists all {offers} offers would have {bytes} bytes, and a desired state may have {MAX_FILE_BYTES}: write a \
     file with the offers that are to be marked; an offer that is in no file is left alone, and a freeze reaches it all the same"
)]
pub struct TooManyOffers {
    /// How many offers there are.
    pub offers: usize,
    /// How large the file would be.
    pub bytes: usize,
}

/// Writes the file.
///
/// # Errors
/// When it would be larger than a desired state may be.
///
/// # Panics
/// Never: all that it serializes is text and numbers.
pub fn initial_state(state: &InitialState<'_>) -> Result<InitialFile, TooManyOffers> {
    let text = written(state, true);
    if text.len() <= MAX_FILE_BYTES {
        return Ok(InitialFile { text, is_bare: false });
    }
    let text = written(state, false);
    if text.len() <= MAX_FILE_BYTES {
        return Ok(InitialFile { text, is_bare: true });
    }
    Err(TooManyOffers { offers: state.list.offers.len(), bytes: text.len() })
}

fn written(state: &InitialState<'_>, has_comments: bool) -> String {
    let head = DesiredDocument {
        portal: Some(state.portal).filter(|portal| *portal != PortalKind::default()),
        publisher: Some(state.publisher.clone()),
        partner_center: None,
        product_ingestion: None,
        notification_emails: None,
        limits: Some(LimitsDocument { max_cancels: Some(Limits::DEFAULT_MAX_CANCELS) }),
        offers: None,
        freezes: None,
    };
    let mut text = format!("# yaml-language-server: $schema={}\n", state.schema);
    text.push_str(&unmistakable(yaml(&head), "publisher", state.publisher.as_str()));
    text.push_str("offers:\n");
    let mut offers: Vec<&ListedOffer> = state.list.offers.iter().collect();
    offers.sort_by_key(|offer| &offer.id);
    for offer in offers {
        let item = unmistakable(yaml(&unmarked(offer.id.clone())), "id", offer.id.as_str());
        let said = if has_comments { comment(offer) } else { String::new() };
        text.push_str(&format!("  - {}{said}\n", item.trim_end()));
    }
    if has_comments && !state.list.unnamed.is_empty() {
        text.push_str("# Products without the id of an offer, which no file can name:\n");
        for product in &state.list.unnamed {
            text.push_str(&format!("#   {product}\n"));
        }
    }
    text
}

const fn unmarked(id: OfferId) -> OfferDocument {
    OfferDocument {
        id,
        portal: None,
        publisher: None,
        product_id: None,
        cancel_pending: None,
        operation_id: None,
        job_id: None,
        expires: None,
        notification_emails: None,
        reason: None,
    }
}

fn yaml<T: serde::Serialize>(document: &T) -> String {
    serde_yaml::to_string(document).expect("text and numbers")
}

/// YAML in which an id is in quotes where some reader could take it for a number, a date or a boolean. Readers do not
/// agree on these (`1_000`, `2026-12-01`, `on`), and the file may be read by others than this program.
fn unmistakable(yaml: String, key: &str, id: &str) -> String {
    if is_unmistakable(id) { yaml } else { yaml.replace(&format!("{key}: {id}\n"), &format!("{key}: '{id}'\n")) }
}

fn is_unmistakable(id: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    // Ids are compared without regard to letter case, as readers read these words.
    let is_word = id.parse::<OfferId>().is_ok_and(|id| WORDS.iter().any(|word| id == **word));
    let is_numeral = |sign: char| sign.is_ascii_digit() || matches!(sign, '_' | '.' | '-' | 'e' | 'E');
    let has_radix = ["0x", "0X", "0o", "0O", "0b", "0B"].iter().any(|radix| id.starts_with(radix));
    let is_number = id.starts_with(|first: char| first.is_ascii_digit()) && (has_radix || id.chars().all(is_numeral));
    !is_word && !is_number
}

/// What is known of an offer besides its id.
fn comment(offer: &ListedOffer) -> String {
    let name = offer.name.as_deref().filter(|name| offer.id != **name);
    let mut parts: Vec<String> = [offer.kind.as_deref(), name].into_iter().flatten().filter_map(shown).collect();
    if offer.is_nameless {
        parts.push("listed by a GUID alone: replace it by the id in the offer's address".to_owned());
    }
    if parts.is_empty() { String::new() } else { format!("  # {}", parts.join(", ")) }
}

/// A text of the portal's in one line, bounded, with nothing in it that is not seen or not YAML.
fn shown(text: &str) -> Option<String> {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut =
        folded.char_indices().nth(MAX_COMMENT).map_or_else(|| folded.clone(), |(at, _)| format!("{}…", &folded[..at]));
    let mut safe = String::new();
    for character in terminal(&cut).chars() {
        // Code points that stand for no character, and those that each reader shows as it likes.
        let is_odd =
            matches!(u32::from(character), 0xe000..=0xf8ff | 0xf0000..) || u32::from(character) & 0xfffe == 0xfffe;
        if is_odd {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    (!safe.is_empty()).then_some(safe)
}
