//! The key of a plan: what keeps its comment, its review comments and its check apart from those of other plans.
//!
//! Owns how it is made of what was selected, and that it is short, readable and safe in an HTML comment.

use crate::domain::{OfferId, sha256_hex};
use crate::plan::PlanSelection;

/// The key of the selection that is made when nothing is named.
const DEFAULT: &str = "offers.yaml";

/// The most characters of a key.
const MAX_LENGTH: usize = 64;

/// How many digits keep two selections apart whose names read alike.
const DIGITS: usize = 10;

/// Whether a text can be a key that somebody gives.
#[must_use]
pub fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/~".contains(&byte);
    (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(plain) && !text.contains("--")
}

/// The key of a selection: the path where it is one path, in plain characters and all of it; else the names that were
/// given, as far as there is room, and a digest of them.
///
/// ```
/// use cancel_pending::plan::PlanSelection;
/// use cancel_pending::report::selection_key;
/// let of = |paths: &[&str], publishers: &[&str]| {
///     let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
///     selection_key(&PlanSelection { paths: texts(paths), publishers: texts(publishers), offers: vec![] })
/// };
/// assert_eq!(of(&["offers.yaml"], &[]), "offers.yaml");
/// assert_eq!(of(&["team-a/offers.yaml"], &[]), "team-a/offers.yaml");
/// assert_eq!(of(&["offers.yaml"], &["contoso"]), "offers.yaml_contoso~43b60ded45");
/// ```
#[must_use]
pub fn selection_key(selection: &PlanSelection) -> String {
    if let ([path], [], []) = (selection.paths.as_slice(), selection.publishers.as_slice(), selection.offers.as_slice())
        // What is made of a digest is told by its `~`.
        && is_key(path)
        && !path.contains('~')
    {
        return path.clone();
    }
    // Letter case carries no meaning in ids.
    let folded = |name: &String| -> String {
        let part = |part: &str| part.parse::<OfferId>().map_or_else(|_| part.to_owned(), |id| id.lower().to_string());
        name.split('/').map(part).collect::<Vec<_>>().join("/")
    };
    let sorted = |names: Vec<String>| {
        let mut names = names;
        names.sort();
        names.dedup();
        names
    };
    let parts = [
        sorted(selection.paths.clone()),
        sorted(selection.publishers.iter().map(folded).collect()),
        sorted(selection.offers.iter().map(folded).collect()),
    ];
    let digest = sha256_hex(serde_json::to_string(&parts).unwrap_or_default().as_bytes());
    let plain =
        |character: char| if character.is_ascii_alphanumeric() || "./".contains(character) { character } else { '-' };
    let mut name: String = parts.concat().join("_").chars().map(|c| if c == '_' { c } else { plain(c) }).collect();
    while name.contains("--") {
        name = name.replace("--", "-");
    }
    name.truncate(MAX_LENGTH - DIGITS - 1);
    format!("{name}~{}", &digest[..DIGITS])
}

/// The name of the check run: plain for the default selection, which most repositories have alone.
#[must_use]
pub fn check_name(key: &str) -> String {
    if key == DEFAULT { "cancel-pending".to_owned() } else { format!("cancel-pending ({key})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(paths: &[&str], publishers: &[&str], offers: &[&str]) -> String {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        selection_key(&PlanSelection { paths: texts(paths), publishers: texts(publishers), offers: texts(offers) })
    }

    #[test]
    fn what_is_selected_apart_has_a_key_apart() {
        let long = "x/".repeat(200);
        let keys = [
            key(&["offers.yaml"], &[], &[]),
            key(&["team-a/offers.yaml"], &[], &[]),
            key(&["team-b/offers.yaml"], &[], &[]),
            key(&["team-a/offers.yaml", "team-b/offers.yaml"], &[], &[]),
            key(&["team-a-offers.yaml"], &[], &[]),
            key(&["team a/offers.yaml"], &[], &[]),
            key(&["team--a/offers.yaml"], &[], &[]),
            key(&["."], &[], &[]),
            key(&[".", "offers.yaml"], &[], &[]),
            key(&["offers.yaml"], &["contoso"], &[]),
            key(&["offers.yaml"], &["fabrikam"], &[]),
            key(&["offers.yaml"], &[], &["contoso"]),
            key(&["offers.yaml", "contoso"], &[], &[]),
            key(&["offers.yaml_contoso"], &[], &[]),
            key(&["offers.yaml"], &["contoso"], &["vm"]),
            key(&["オファー.yaml"], &[], &[]),
            key(&["prêt.yaml"], &[], &[]),
            key(&[&long], &[], &[]),
            key(&[&format!("{long}y")], &[], &[]),
            key(&[&key(&["offers.yaml"], &["contoso"], &[])], &[], &[]),
        ];
        for (index, one) in keys.iter().enumerate() {
            assert!(is_key(one), "{one}");
            assert!(!keys[..index].contains(one), "{one}");
            assert_eq!(check_name(one) == "cancel-pending", index == 0, "{one}");
        }
    }

    #[test]
    fn what_selects_the_same_has_one_key() {
        assert_eq!(key(&["b", "a"], &[], &[]), key(&["a", "b", "b"], &[], &[]));
        assert_eq!(key(&["a"], &["Contoso"], &["Contoso/VM"]), key(&["a"], &["contoso"], &["contoso/vm"]));
        assert_ne!(key(&["A"], &[], &[]), key(&["a"], &[], &[]));
    }

    #[test]
    fn keys_that_are_given() {
        for good in ["contoso", "team-a/offers.yaml", "a", "a_b.c", &"x".repeat(64)] {
            assert!(is_key(good), "{good}");
        }
        for bad in ["", "a--b", "a b", "<b>", "a>b", "é", &"x".repeat(65)] {
            assert!(!is_key(bad), "{bad}");
        }
    }
}
