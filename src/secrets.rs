//! Secrets that this process knows, cut out of every text that is shown or stored.
//!
//! Owns the list of them. Whoever learns a secret adds it at once; whoever reads what somebody else
//! says, or writes anything down, asks for the text without them. A server that echoes a token in an
//! error, a `Location` or a status word then shows `***`. Cutting comes before shortening: the first
//! half of a token that a limit cut in two would not be recognized any more.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

/// What stands in place of a secret.
pub const REDACTED: &str = "***";

/// The shortest secret that is cut out: shorter ones would take harmless words along.
const MIN_LENGTH: usize = 8;

/// The shortest base64 of a secret that is looked for. It leaves out up to four bytes of the secret.
const MIN_BASE64: usize = 12;

/// All that is cut out, the longest first, so that a secret inside another one leaves nothing of the longer.
static KNOWN: RwLock<Vec<SecretString>> = RwLock::new(Vec::new());

/// Adds a secret, with the forms that it takes on in URLs, in JSON and in a header of basic
/// authentication. Returns whether it was new; one that is too short to be cut out is not.
///
/// ```
/// use cancel_pending::secrets::{learn, redact};
/// assert!(learn("doc-canary-4711/+"));
/// assert!(!learn("doc-canary-4711/+"));
/// assert_eq!(redact("Bearer doc-canary-4711/+ is no good"), "Bearer *** is no good");
/// assert_eq!(redact("?token=doc-canary-4711%2F%2B&x"), "?token=***&x");
/// ```
pub fn learn(secret: &str) -> bool {
    // A secret of several lines, a key for instance, is cut out line by line.
    let mut is_new = false;
    for line in secret.lines().map(str::trim).filter(|line| line.len() >= MIN_LENGTH) {
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|own| own.expose_secret() == line) {
            continue;
        }
        is_new = true;
        known.extend(forms(line).into_iter().map(SecretString::from));
        known.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
        known.dedup_by(|a, b| a.expose_secret() == b.expose_secret());
    }
    is_new
}

/// A text without the secrets that are known.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut text = Cow::Borrowed(text);
    for form in known.iter().map(SecretString::expose_secret) {
        if text.contains(form) {
            text = Cow::Owned(text.replace(form, REDACTED));
        }
    }
    text
}

/// Bytes without the secrets that are known: for the body of an answer, before anything is read from it.
#[must_use]
pub fn redact_bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    match redact(&String::from_utf8_lossy(bytes)) {
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        Cow::Borrowed(_) => Cow::Borrowed(bytes),
    }
}

/// The forms that a secret takes on in what others write.
fn forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([secret.to_owned()]);
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let lower = lower_case_escapes(&percent);
    // The characters that form encoding leaves alone are escaped by some, and the other way round.
    let strict = percent.replace('*', "%2A").replace('+', "%20");
    forms.extend([strict.replace('~', "%7E"), percent.replace("%7E", "~"), lower, strict, percent]);
    if let Ok(quoted) = serde_json::to_string(secret) {
        let inner = quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
        forms.extend([inner.replace('/', "\\/"), inner]);
    }
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        // What stands before it shifts the alphabet by one byte or two: `user:secret`, for instance.
        for shift in 0..3_usize {
            let shifted = [&[0; 2][..shift.min(2)], secret.as_bytes()].concat();
            let encoded = engine.encode(shifted);
            // The characters at both ends depend on what the neighbours are.
            let (start, end) = ((shift * 8).div_ceil(6), (shift + secret.len()) * 8 / 6);
            if end.saturating_sub(start) >= MIN_BASE64
                && let Some(inner) = encoded.get(start..end)
            {
                forms.insert(inner.to_owned());
            }
        }
    }
    forms.retain(|form| form.len() >= MIN_LENGTH);
    forms
}

/// `%2F` as `%2f`: both are used.
fn lower_case_escapes(text: &str) -> String {
    let mut left = 0;
    let lower = |character: char| {
        left = if character == '%' { 2 } else { left };
        if character != '%' && left > 0 {
            left -= 1;
            return character.to_ascii_lowercase();
        }
        character
    };
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    const SECRET: &str = "unit/canary+4711~\"=*Q";

    #[test]
    fn whatever_form_it_takes_on() {
        assert!(learn(&format!(" {SECRET}\n")));
        assert!(!learn(SECRET));
        for (text, redacted) in [
            (format!("a {SECRET} b"), "a *** b"),
            (format!("{SECRET}{SECRET}"), "******"),
            ("q=unit%2Fcanary%2B4711~%22%3D*Q.".to_owned(), "q=***."),
            ("q=unit%2fcanary%2b4711%7e%22%3d*Q.".to_owned(), "q=***."),
            ("q=unit%2Fcanary%2B4711%7E%22%3D%2AQ.".to_owned(), "q=***."),
            (serde_json::to_string(SECRET).expect("JSON"), "\"***\""),
            (r#""unit\/canary+4711~\"=*Q""#.to_owned(), "\"***\""),
        ] {
            assert_eq!(redact(&text), redacted, "{text}");
        }
        for before in ["", "a", "ab", "abc", "user:"] {
            for engine in [&STANDARD, &URL_SAFE] {
                let encoded = engine.encode(format!("{before}{SECRET}after"));
                assert!(redact(&encoded).contains(REDACTED), "{before}");
            }
        }
        assert_eq!(redact_bytes(format!("\u{e9}{SECRET}").as_bytes()), "\u{e9}***".as_bytes());
        assert_eq!(redact_bytes(&[0xff, b'a']), &[0xff, b'a'][..]);
    }

    #[test]
    fn what_is_short_is_a_word() {
        assert!(!learn("a-token"));
        assert!(!learn(""));
        assert_eq!(redact("this is a-token"), "this is a-token");
    }

    #[test]
    fn a_secret_inside_another_leaves_nothing_of_the_longer_one() {
        assert!(learn("inner-canary-1"));
        assert!(learn("outer.inner-canary-1.outer"));
        assert_eq!(redact("x outer.inner-canary-1.outer y"), "x *** y");
    }

    #[test]
    fn each_line_of_a_key() {
        assert!(learn("-- key --\nfirst-line-of-it\nab\n"));
        assert_eq!(redact("first-line-of-it"), REDACTED);
        assert_eq!(redact("ab"), "ab");
    }
}
