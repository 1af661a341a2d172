//! What a portal, or whatever answers in its place, says of a request that it refuses.
//!
//! Owns the forms that error bodies come in, and which headers name an answer to support. What it
//! reads is untrusted text: secrets are cut out of it and its length is bounded, nothing is escaped.

use std::fmt;

use http::HeaderMap;
use serde_json::{Map, Value};

use super::text::{plain_text, title_and_heading};
use crate::secrets::redact;

/// The longest code that is kept, in characters.
const MAX_CODE: usize = 100;
/// The longest message.
const MAX_MESSAGE: usize = 500;
/// The longest detail.
const MAX_DETAIL: usize = 200;
/// The most details.
const MAX_DETAILS: usize = 8;
/// The longest line that is shown of all of it.
const MAX_LINE: usize = 800;
/// How deep an error may lie in others, as an object, a list or a text.
const MAX_DEPTH: u8 = 4;
/// The longest identifier of an answer.
const MAX_CORRELATION: usize = 200;

/// Headers by which support finds an answer again.
const CORRELATION_HEADERS: [&str; 4] = ["x-ms-correlation-request-id", "x-azure-ref", "Request-ID", "ms-correlation-x"];

/// The body of an error answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortalError {
    /// The portal's own code.
    pub code: Option<String>,
    /// What it says of it.
    pub message: Option<String>,
    /// What it says besides: fields and what is wrong with each, inner errors.
    pub details: Vec<String>,
    /// Whether it is a page for people, which no API of a portal answers with: it is the word of a
    /// front end or a proxy.
    pub is_html: bool,
}

impl PortalError {
    /// Reads an error in any of the forms that portals use: `{"error": {"code", "message", "details"}}`
    /// with or without the outer object, problem documents, the errors of Entra, a text by itself or
    /// around one of these, and the page of a front end.
    ///
    /// ```
    /// use cancel_pending::portal::PortalError;
    /// let error = PortalError::read(br#"{"error": "invalid_client", "error_description": "AADSTS7000222: expired"}"#);
    /// assert_eq!(error.unwrap().to_string(), "invalid_client: AADSTS7000222: expired");
    /// ```
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.starts_with('<') {
            return Some(Self::of_page(text));
        }
        let mut error = Self::default();
        match serde_json::from_str(text) {
            Ok(document) => error.add(&document, 0),
            Err(_) => error.add_text(text, 0),
        }
        (error != Self::default()).then_some(error)
    }

    fn of_page(html: &str) -> Self {
        let (title, heading) = title_and_heading(html);
        let mut page = Self { is_html: true, ..Self::default() };
        for text in [title, heading].into_iter().flatten() {
            page.say(&text);
        }
        page
    }

    fn add(&mut self, value: &Value, depth: u8) {
        match value {
            _ if depth > MAX_DEPTH => {}
            Value::Object(object) => self.add_object(object, depth),
            Value::Array(items) => items.iter().take(MAX_DETAILS).for_each(|item| self.add(item, depth + 1)),
            Value::String(text) => self.add_text(text, depth),
            _ => {}
        }
    }

    fn add_object(&mut self, object: &Map<String, Value>, depth: u8) {
        match get(object, "error") {
            Some(error @ Value::Object(_)) => return self.add(error, depth + 1),
            // Entra's code is a word there.
            Some(Value::String(code)) => self.set_code(code),
            _ => {}
        }
        for key in ["code", "errorCode", "statusCode"] {
            match get(object, key) {
                Some(Value::String(code)) => self.set_code(code),
                Some(Value::Number(code)) => self.set_code(&code.to_string()),
                _ => {}
            }
        }
        for key in ["message", "error_description", "title", "detail"] {
            if let Some(Value::String(text)) = get(object, key) {
                self.add_text(text, depth + 1);
            }
        }
        for key in ["details", "errors", "innerError"] {
            match get(object, key) {
                Some(Value::Array(items)) => {
                    items.iter().take(MAX_DETAILS).for_each(|item| self.add_detail(None, item, depth + 1));
                }
                // An inner error, or a map of fields to what is wrong with them.
                Some(inner @ Value::Object(fields)) => {
                    if get(fields, "message").or_else(|| get(fields, "code")).is_some() {
                        self.add_detail(None, inner, depth + 1);
                    } else {
                        let fields = fields.iter().take(MAX_DETAILS);
                        fields.for_each(|(field, said)| self.add_detail(Some(field), said, depth + 1));
                    }
                }
                Some(text @ Value::String(_)) => self.add_detail(None, text, depth + 1),
                _ => {}
            }
        }
    }

    /// What stands below an error is one line of its own.
    fn add_detail(&mut self, field: Option<&str>, value: &Value, depth: u8) {
        let mut inner = Self::default();
        inner.add(value, depth);
        let said = inner.to_string();
        match field.map(|field| cut(field, MAX_CODE)).filter(|field| !field.is_empty()) {
            Some(field) if !said.is_empty() => self.detail(&format!("{field}: {said}")),
            _ => self.detail(&said),
        }
    }

    fn add_text(&mut self, text: &str, depth: u8) {
        let text = text.trim_start_matches('\u{feff}').trim();
        // An error of one service is often handed on as a text by another one.
        if depth < MAX_DEPTH
            && let Some(at) = text.find('{')
            && let Some(Ok(document @ Value::Object(_))) =
                serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next()
        {
            let mut inner = Self::default();
            inner.add(&document, depth + 1);
            if inner != Self::default() {
                self.say(text[..at].trim_end_matches([':', ' ', '-', '\n']));
                if let Some(code) = &inner.code {
                    self.set_code(code);
                }
                inner.message.iter().chain(&inner.details).for_each(|text| self.say(text));
                return;
            }
        }
        // Bytes that are no text are nobody's word.
        if text.contains(|c: char| c == '\u{fffd}' || (c.is_control() && !c.is_whitespace())) {
            return;
        }
        match text.split_once(" - ") {
            Some((code, message)) if self.code.is_none() && is_code(code) => {
                self.set_code(code);
                self.say(message);
            }
            _ => self.say(text),
        }
    }

    fn set_code(&mut self, code: &str) {
        if self.code.is_none() {
            self.code = Some(cut(code, MAX_CODE)).filter(|code| !code.is_empty());
        }
    }

    /// The first thing that is said is the message, what comes after it a detail.
    fn say(&mut self, text: &str) {
        if self.message.is_none() {
            self.message = Some(cut(text, MAX_MESSAGE)).filter(|text| !text.is_empty());
        } else {
            self.detail(text);
        }
    }

    fn detail(&mut self, text: &str) {
        let text = cut(text, MAX_DETAIL);
        let is_new = self.message.as_ref() != Some(&text) && !self.details.contains(&text);
        if !text.is_empty() && is_new && self.details.len() < MAX_DETAILS {
            self.details.push(text);
        }
    }
}

impl fmt::Display for PortalError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first =
            [&self.code, &self.message].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(": ");
        let all = std::iter::once(first.as_str())
            .filter(|text| !text.is_empty())
            .chain(self.details.iter().map(String::as_str));
        formatter.write_str(&shortened(&all.collect::<Vec<_>>().join("; "), MAX_LINE))
    }
}

/// The ids by which the other side finds an answer again, as `(header, value)`.
#[must_use]
pub fn correlation_ids(headers: &HeaderMap) -> Vec<(String, String)> {
    let id = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?.trim();
        // Longer than any id: it is something else.
        (!value.is_empty() && value.len() <= MAX_CORRELATION).then(|| (name.to_owned(), redact(value).into_owned()))
    };
    CORRELATION_HEADERS.into_iter().filter_map(id).collect()
}

/// A value of an object, whatever the letter case of its key.
fn get<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    object.get(key).or_else(|| object.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)).map(|(_, value)| value))
}

/// Whether a text is a code like `ICH50400`.
fn is_code(text: &str) -> bool {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    letters > 0 && letters < text.len() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A text in one line, without HTML and secrets, cut. Secrets go first: half of one is still one.
fn cut(text: &str, most: usize) -> String {
    let text = redact(text);
    shortened(&redact(&plain_text(&text)), most)
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        PortalError::read(body.as_bytes()).map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_error_is_read_in_every_form() {
        for (body, line) in [
            (r#"{"error": {"code": "A", "message": "b"}}"#, "A: b"),
            (r#"{"code": "A", "message": "b"}"#, "A: b"),
            (r#"{"Code": "A", "Message": "<b>b</b>"}"#, "A: b"),
            ("\u{feff}{\"Error\": {\"CODE\": \"A\"}}", "A"),
            (
                r#"{"error": {"code": "badRequest", "message": "No.", "details": [
                    {"code": "conflict", "message": "An In Progress submission already exists", "target": "x"},
                    {"message": "two"}, "three", 4, null]}}"#,
                "badRequest: No.; conflict: An In Progress submission already exists; two; three",
            ),
            (r#"{"code": "A", "message": "b", "details": "c"}"#, "A: b; c"),
            (
                r#"{"code": "A", "message": "b", "details": [], "innerError": {"code": "productLocked"}}"#,
                "A: b; productLocked",
            ),
            (
                r#"{"type": "https://tools.example/400", "title": "One or more errors.", "status": 400, "detail": "Look.",
                    "errors": {"$.offer": ["is missing", "is short"], "id": "is long"}}"#,
                "One or more errors.; Look.; $.offer: is missing; is short; id: is long",
            ),
            (
                r#"{"error": "invalid_client", "error_description": "AADSTS7000222: The secret\r\nhas expired."}"#,
                "invalid_client: AADSTS7000222: The secret has expired.",
            ),
            (r#"{"statusCode": 404, "message": "Resource not found"}"#, "404: Resource not found"),
            (r#""ICH50400 - The product is locked - try again""#, "ICH50400: The product is locked - try again"),
            ("ICH50400 - The product is locked", "ICH50400: The product is locked"),
            ("Bad request - no", "Bad request - no"),
            (r#"Request failed: {"error": {"code": "A", "message": "b"}} (at 10:00)"#, "A: Request failed; b"),
            (r#"{"message": "{\"code\": \"A\", \"message\": \"b\"}"}"#, "A: b"),
            (r#"[{"code": "A", "message": "b"}, {"message": "c"}]"#, "A: b; c"),
            ("upstream connect error", "upstream connect error"),
            ("{", "{"),
            ("{}", ""),
            ("", ""),
            ("[]", ""),
            ("3", ""),
            ("\u{0}\u{1}PNG", ""),
        ] {
            assert_eq!(shown(body), line, "{body}");
        }
        assert_eq!(PortalError::read(b"\xff\xfe\xfd"), None);
    }

    #[test]
    fn a_page_is_no_word_of_the_portal() {
        let page = "\u{feff}\r\n<!DOCTYPE html><html><title>Service unavailable</title><h2>The request is blocked.</h2></html>";
        let error = PortalError::read(page.as_bytes()).expect("an error");
        assert!(error.is_html);
        assert_eq!(error.to_string(), "Service unavailable; The request is blocked.");
        let bare = PortalError::read(b"<html>").expect("an error");
        assert_eq!((bare.is_html, bare.to_string()), (true, String::new()));
        assert!(!PortalError::read(br#"{"message": "<html><title>x"}"#).expect("an error").is_html);
    }

    #[test]
    fn whatever_is_said_is_one_line_of_bounded_length() {
        let details: Vec<String> =
            (0..100_000).map(|n| format!(r#"{{"code": "c{n}", "message": "{}"}}"#, "m".repeat(30))).collect();
        let body = format!(
            r#"{{"code": "{}", "message": "{}\n{}", "details": [{}]}}"#,
            "c".repeat(1000),
            "m".repeat(300_000),
            "<a".repeat(300_000),
            details.join(",")
        );
        let error = PortalError::read(body.as_bytes()).expect("an error");
        assert_eq!(error.details.len(), MAX_DETAILS);
        assert_eq!(error.message.as_ref().map(|text| text.chars().count()), Some(MAX_MESSAGE + 1));
        let line = error.to_string();
        assert!(line.chars().count() <= MAX_LINE + 1 && !line.contains('\n'), "{line}");
        // As deep as it likes.
        let deep = format!("{}{{}}{}", r#"{"error":"#.repeat(60), "}".repeat(60));
        assert_eq!(shown(&deep), "");
    }

    #[test]
    fn an_answer_is_named_by_its_ids() {
        let mut headers = HeaderMap::new();
        let mut insert = |name: &'static str, value: &str| headers.insert(name, value.parse().expect("a value"));
        insert("x-azure-ref", "0abc==");
        insert("request-id", " 4711 ");
        insert("ms-correlation-x", &"a".repeat(MAX_CORRELATION + 1));
        insert("x-other", "no");
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(correlation_ids(&headers), [own("x-azure-ref", "0abc=="), own("Request-ID", "4711")]);
    }
}
