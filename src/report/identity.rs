//! Who is signed in to the portal, for a person and for a program.
//!
//! Owns the layout. It is handed facts about a token and has never seen one.

use jiff::Timestamp;
use serde::Serialize;

use super::escape::terminal;
use super::json::json;
use super::words::counted;
use crate::domain::PublisherId;

/// Who is signed in, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The portal.
    pub portal: String,
    /// The credential.
    pub credential: String,
    /// Whether it is the emulator inside the process, which nobody signs in to.
    #[serde(skip)]
    pub is_emulated: bool,
    /// The tenant.
    pub tenant: Option<String>,
    /// The application, by its client id.
    pub client: Option<String>,
    /// The object that signed in. For an application it is this id that Partner Center wants.
    pub object: Option<String>,
    /// What the token is for.
    pub audience: Option<String>,
    /// When the token expires.
    pub expires: Option<Timestamp>,
    /// What it may read.
    pub publishers: Vec<Access>,
}

/// Whether a publisher may be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// The publisher.
    pub publisher: PublisherId,
    /// How many offers it has, where that is known.
    pub offers: Option<usize>,
    /// Why it may not be read; none: it may.
    pub why_not: Option<String>,
}

/// As JSON.
#[must_use]
pub fn identity_json(identity: &Identity) -> String {
    json(identity)
}

/// As text for a terminal.
#[must_use]
pub fn identity_text(identity: &Identity, now: Timestamp) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: &str| text.push_str(&format!("{name:<11}{}\n", terminal(value)));
    field("portal", &identity.portal);
    field("credential", &identity.credential);
    let unknown = "not told by the token";
    if !identity.is_emulated {
        field("tenant", identity.tenant.as_deref().unwrap_or(unknown));
        field("client", identity.client.as_deref().unwrap_or(unknown));
        field("object", identity.object.as_deref().unwrap_or(unknown));
        field("audience", identity.audience.as_deref().unwrap_or(unknown));
        let expires = identity.expires.map_or_else(|| unknown.to_owned(), |at| expiry(at, now));
        field("expires", &expires);
    }
    for access in &identity.publishers {
        let can = match (&access.why_not, access.offers) {
            (Some(why), _) => format!("not readable: {why}"),
            (None, Some(count)) => format!("readable, {}", counted(count, "offer")),
            (None, None) => "readable".to_owned(),
        };
        field("publisher", &format!("{}: {can}", access.publisher));
    }
    if identity.publishers.is_empty() {
        text.push_str("no publisher was asked for: name the files of the desired state, cancel-pending whoami PATHS\n");
    }
    text
}

fn expiry(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    if seconds <= 0 { format!("{at}, and so it has expired") } else { format!("{at}, in {} min", seconds / 60) }
}
