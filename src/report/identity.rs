//! Who is signed in to the portals, for a person and for a program.
//!
//! Owns the layout and the words. It is handed facts about tokens and has never seen one.

use jiff::Timestamp;
use serde::Serialize;

use super::escape::terminal;
use super::json::json;
use super::words::counted;
use crate::domain::{AudienceMatch, PortalKind, PublisherId};

/// Who is signed in to one portal, and what they can read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Which portal.
    pub kind: PortalKind,
    /// Its endpoint.
    pub portal: String,
    /// The credential.
    pub credential: String,
    /// The variable that holds the token, where one is given.
    pub variable: Option<String>,
    /// Whether it is the emulator inside the process, which nobody signs in to.
    #[serde(skip)]
    pub is_emulated: bool,
    /// Whether the token can't be read, and so nothing is known of it.
    #[serde(skip)]
    pub is_opaque: bool,
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
    /// The HTTP status of a refusal.
    #[serde(skip)]
    pub status: Option<u16>,
}

/// As JSON: one entry for each portal, and at the top, as in version 0.1, the fields of the first.
#[must_use]
pub fn identity_json(identities: &[Identity]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        first: Option<&'a Identity>,
        portals: &'a [Identity],
    }
    json(&Document { first: identities.first(), portals: identities })
}

/// As text for a terminal: a paragraph for each portal.
#[must_use]
pub fn identity_text(identities: &[Identity], now: Timestamp) -> String {
    identities.iter().map(|identity| paragraph(identity, now)).collect::<Vec<_>>().join("\n")
}

fn paragraph(identity: &Identity, now: Timestamp) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: &str| text.push_str(&format!("{name:<12}{}\n", terminal(value)));
    field("portal", identity.kind.as_str());
    field("endpoint", &identity.portal);
    let of_variable = identity.variable.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    field("credential", &format!("{}{of_variable}", identity.credential));
    if !identity.is_emulated {
        let unknown = if identity.is_opaque { "unknown (opaque token)" } else { "unknown (not in the token)" };
        field("tenant", identity.tenant.as_deref().unwrap_or(unknown));
        field("client ID", identity.client.as_deref().unwrap_or(unknown));
        field("object ID", identity.object.as_deref().unwrap_or(unknown));
        field(
            "audience",
            &identity.audience.as_deref().map_or_else(|| unknown.to_owned(), |it| audience(identity.kind, it)),
        );
        field("expiry", &identity.expires.map_or_else(|| unknown.to_owned(), |at| expiry(at, now)));
    }
    for access in &identity.publishers {
        let can = match (&access.why_not, access.offers) {
            (Some(why), _) => format!("could not be read: {why}"),
            (None, Some(count)) => format!("readable, {}", counted(count, "offer")),
            (None, None) => "readable".to_owned(),
        };
        field("publisher", &format!("{}: {can}", access.publisher));
    }
    if identity.publishers.is_empty() {
        text.push_str("No publisher was checked. Name desired-state files: cancel-pending whoami PATHS\n");
    }
    for status in [401, 403] {
        if identity.publishers.iter().any(|access| access.status == Some(status)) {
            text.push_str(&meaning(status, identity));
        }
    }
    text
}

/// What a refusal means here, and what to do about it.
fn meaning(status: u16, identity: &Identity) -> String {
    let object = identity.object.as_ref().map(|id| format!(" (object ID {id})")).unwrap_or_default();
    let add = format!(
        "add the application{object} under Account settings > User management > Microsoft Entra applications, with the role Manager"
    );
    let text = match status {
        401 => format!(
            "401 means that {} rejected the token: it has expired, is for another audience than {}, or the application is not \
             added in Partner Center. In Partner Center, {add}.",
            identity.kind,
            identity.kind.audience()
        ),
        _ => format!(
            "403 means that {} accepted the token, and the account has no permission for this publisher. In the publisher's \
             Partner Center account, {add}.",
            identity.kind
        ),
    };
    format!("{}\n", terminal(&text))
}

fn audience(kind: PortalKind, audience: &str) -> String {
    match kind.matches_audience(audience) {
        AudienceMatch::Other => format!("{audience} (Microsoft's {kind} needs {})", kind.audience()),
        AudienceMatch::Same | AudienceMatch::Undecided => audience.to_owned(),
    }
}

fn expiry(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    if seconds <= 0 { format!("{at} (expired)") } else { format!("{at} (in {} min)", seconds / 60) }
}
