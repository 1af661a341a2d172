//! A YAML tree that keeps, for each node, where it stands.
//!
//! Owns the shape between YAML and meaning: mappings keep their order and their duplicates,
//! scalars keep what the YAML core schema makes of them. Knows no key.

use std::borrow::Cow;
use std::ops::Range;

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    /// A number that is not an integer of 64 bits.
    Number,
    /// Borrowed from the file where it stands there as it is.
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Mapping(Vec<(Node<'a>, Node<'a>)>),
    /// An alias. It is reported where it is found, and nothing else is said of it.
    Alias,
}

/// A value and its bytes in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node<'a> {
    pub value: Value<'a>,
    pub range: Range<usize>,
}

impl Node<'_> {
    /// Whether nothing stands there, not even a word for nothing.
    pub const fn is_absent(&self) -> bool {
        matches!(self.value, Value::Null) && self.range.start >= self.range.end
    }
}

impl Node<'_> {
    /// Where it ends in its file's text: behind the last thing in it, and behind its bracket where it has one. None:
    /// that can't be told.
    pub fn end(&self, text: &str) -> Option<usize> {
        let children: Vec<&Node<'_>> = match &self.value {
            Value::List(items) => items.iter().collect(),
            Value::Mapping(fields) => fields.iter().flat_map(|(key, value)| [key, value]).collect(),
            _ => return Some(self.range.start + text.get(self.range.clone())?.trim_end().len()),
        };
        let mut end = self.range.start;
        for child in children.into_iter().filter(|child| !child.is_absent()) {
            end = end.max(child.end(text)?);
        }
        let close = match text[self.range.start..].chars().next()? {
            '[' => ']',
            '{' => '}',
            _ => return Some(end),
        };
        end = end.max(self.range.start + 1);
        // Between the last thing in it and its bracket there are white space, commas and comments.
        loop {
            let rest = text[end..].trim_start_matches([' ', '\t', '\r', '\n', ',']);
            end = text.len() - rest.len();
            match rest.chars().next()? {
                '#' => end += rest.find('\n')?,
                sign if sign == close => return Some(end + 1),
                _ => return None,
            }
        }
    }
}

impl<'a> Value<'a> {
    /// What a person would call it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Number => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
            Self::Alias => "an alias",
        }
    }

    /// What a plain scalar stands for: by the core schema of YAML 1.2, and by the forms of
    /// YAML 1.1 and of other readers that would take it for a number too. An id that somebody's
    /// tool could read as a number has to be put in quotes.
    pub fn of_plain(text: Cow<'a, str>) -> Self {
        match &*text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Boolean(true),
            "false" | "False" | "FALSE" => return Self::Boolean(false),
            _ => {}
        }
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
        if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            return Self::Text(text);
        }
        if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(&*text, ".nan" | ".NaN" | ".NAN") {
            return Self::Number;
        }
        // Between two digits an underscore means nothing to the readers that know it at all.
        let is_between = |at: usize| {
            let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
            at > 0 && digit(unsigned.as_bytes().get(at - 1)) && digit(unsigned.as_bytes().get(at + 1))
        };
        if !unsigned.match_indices('_').all(|(at, _)| is_between(at)) {
            return Self::Text(text);
        }
        let digits = unsigned.replace('_', "");
        let is_negative = text.starts_with('-');
        let (radix, rest) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => (16, &digits[2..]),
            Some("0o") => (8, &digits[2..]),
            Some("0b") => (2, &digits[2..]),
            _ => (10, digits.as_str()),
        };
        if radix == 10 && rest.len() > 1 && rest.starts_with('0') && rest.bytes().all(|digit| digit.is_ascii_digit()) {
            // Octal to some readers, decimal to others.
            return if unsigned.contains('_') { Self::Text(text) } else { Self::Number };
        }
        if !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix)) {
            let number = i64::from_str_radix(rest, radix).ok();
            return number.map_or(Self::Number, |number| Self::Integer(if is_negative { -number } else { number }));
        }
        // Rust reads what the core schema takes for a floating-point number, once it begins as one.
        if unsigned.parse::<f64>().is_ok() { Self::Number } else { Self::Text(text) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// What serde-saphyr makes of a scalar, which is what the emulator's state file is read by.
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum Other {
        Boolean(bool),
        Integer(i64),
        Large(#[expect(dead_code, reason = "its kind is what is compared")] u64),
        Number(#[expect(dead_code, reason = "its kind is what is compared")] f64),
        Text(String),
        Null(()),
    }

    fn agree(text: &str) -> Result<(), TestCaseError> {
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        let other =
            serde_saphyr::from_str_with_options::<[Other; 1]>(&format!("- {text}\n"), options).map(|[only]| only);
        let own = Value::of_plain(text.into());
        let is_same = match (&own, &other) {
            // Not finite: serde-saphyr refuses it.
            (Value::Null, Ok(Other::Null(()))) | (Value::Number, Ok(Other::Number(_) | Other::Large(_)) | Err(_)) => {
                true
            }
            (Value::Boolean(own), Ok(Other::Boolean(other))) => own == other,
            (Value::Integer(own), Ok(Other::Integer(other))) => own == other,
            (Value::Text(own), Ok(Other::Text(other))) => own == other,
            _ => false,
        };
        prop_assert!(is_same, "{text:?}: {own:?}, {other:?}");
        Ok(())
    }

    #[test]
    fn scalars_of_every_kind() {
        for text in [
            "null",
            "~",
            "true",
            "False",
            "TRUE",
            "tRUE",
            "yes",
            "on",
            "0",
            "12",
            "-7",
            "+7",
            "007",
            "1_000",
            "0x1F",
            "0o17",
            "0b101",
            "1.5",
            ".5",
            "1.",
            "1e5",
            "1E-5",
            "-1.5e+3",
            ".inf",
            "-.INF",
            ".nan",
            "1e",
            "e1",
            "1.2.3",
            "5a63deb5",
            "1e5f",
            "0x",
            "0xg",
            "1-2",
            "2026-12-01",
            "12345678901234567890",
            "a",
            "+",
            ".",
            "1 2",
        ] {
            agree(text).expect(text);
        }
    }

    proptest! {
        #[test]
        fn any_scalar_of_digits_and_letters(text in "[-+]?[0-9a-fA-FxXoObB._]{1,8}") {
            agree(&text)?;
        }
    }
}
