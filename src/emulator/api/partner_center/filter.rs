//! `$filter`, as far as clients of the submission API use it.
//!
//! Owns reading it and holding a document to it: `path eq 'value'`, `and`, `or`, parentheses, and `list/any(i: …)`.
//! Letter case carries no meaning in its words and in names of fields.

use serde_json::Value;

/// A condition on a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    Equal(Vec<String>, String),
    Any(String, String, Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum FilterToken {
    /// A path, a word.
    Name(String),
    Text(String),
    Sign(char),
}

impl Filter {
    /// None: it is no filter that is known here.
    pub fn read(text: &str) -> Option<Self> {
        let tokens = tokens(text)?;
        let mut rest = tokens.as_slice();
        let filter = or(&mut rest, 0)?;
        rest.is_empty().then_some(filter)
    }

    /// Whether it asks for this field somewhere.
    pub fn names(&self, field: &str) -> bool {
        match self {
            Self::Equal(path, _) => path.iter().any(|part| part.eq_ignore_ascii_case(field)),
            Self::Any(list, _, inner) => list.eq_ignore_ascii_case(field) || inner.names(field),
            Self::And(one, other) | Self::Or(one, other) => one.names(field) || other.names(field),
        }
    }

    pub fn matches(&self, document: &Value) -> bool {
        match self {
            Self::Equal(path, value) => {
                let found = path.iter().try_fold(document, |value, part| field(value, part));
                found.and_then(Value::as_str) == Some(value)
            }
            Self::Any(list, variable, inner) => {
                let items = field(document, list).and_then(Value::as_array).into_iter().flatten();
                items.into_iter().any(|item| inner.matches(&serde_json::json!({ variable: item })))
            }
            Self::And(one, other) => one.matches(document) && other.matches(document),
            Self::Or(one, other) => one.matches(document) || other.matches(document),
        }
    }
}

fn field<'a>(document: &'a Value, name: &str) -> Option<&'a Value> {
    document.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn tokens(text: &str) -> Option<Vec<FilterToken>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' | ')' | ':' => (FilterToken::Sign(first), 1),
            '\'' => {
                let end = rest[1..].find('\'')?;
                (FilterToken::Text(rest[1..=end].to_owned()), end + 2)
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "():'".contains(c)).unwrap_or(rest.len());
                (FilterToken::Name(rest[..end].to_owned()), end)
            }
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Some(found)
}

/// How deep conditions may stand in each other.
const DEPTH: u32 = 16;

type Rest<'t, 'a> = &'t mut &'a [FilterToken];

fn word(rest: Rest<'_, '_>, word: &str) -> bool {
    let found = matches!(rest.first(), Some(FilterToken::Name(name)) if name.eq_ignore_ascii_case(word));
    if found {
        *rest = &rest[1..];
    }
    found
}

fn sign(rest: Rest<'_, '_>, sign: char) -> Option<()> {
    let (first, more) = rest.split_first()?;
    (*first == FilterToken::Sign(sign)).then(|| *rest = more)
}

fn name(rest: Rest<'_, '_>) -> Option<String> {
    let (FilterToken::Name(name), more) = rest.split_first()? else { return None };
    *rest = more;
    Some(name.clone())
}

fn or(rest: Rest<'_, '_>, depth: u32) -> Option<Filter> {
    let mut filter = and(rest, depth)?;
    while word(rest, "or") {
        filter = Filter::Or(Box::new(filter), Box::new(and(rest, depth)?));
    }
    Some(filter)
}

fn and(rest: Rest<'_, '_>, depth: u32) -> Option<Filter> {
    let mut filter = one(rest, depth)?;
    while word(rest, "and") {
        filter = Filter::And(Box::new(filter), Box::new(one(rest, depth)?));
    }
    Some(filter)
}

fn one(rest: Rest<'_, '_>, depth: u32) -> Option<Filter> {
    if depth > DEPTH {
        return None;
    }
    if sign(rest, '(').is_some() {
        let filter = or(rest, depth + 1)?;
        sign(rest, ')')?;
        return Some(filter);
    }
    let path = name(rest)?;
    if let Some((list, any)) = path.rsplit_once('/')
        && any.eq_ignore_ascii_case("any")
    {
        sign(rest, '(')?;
        let variable = name(rest)?;
        sign(rest, ':')?;
        let inner = or(rest, depth + 1)?;
        sign(rest, ')')?;
        return Some(Filter::Any(list.to_owned(), variable, Box::new(inner)));
    }
    if !word(rest, "eq") {
        return None;
    }
    let (FilterToken::Text(value), more) = rest.split_first()? else { return None };
    *rest = more;
    Some(Filter::Equal(path.split('/').map(str::to_owned).collect(), value.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_of_clients() {
        let document = serde_json::json!({
            "resourceType": "AzureApplication",
            "externalIDs": [{"type": "Other", "value": "a"}, {"type": "AzureOfferId", "value": "app"}],
        });
        for (text, expected) in [
            ("externalIDs/Any(i:i/type eq 'AzureOfferId' and i/value eq 'app')", Some(true)),
            ("ExternalIDs/Any(i:i/Type eq 'AzureOfferId' and i/Value eq 'app')", Some(true)),
            ("externalIDs/any(i: i/type EQ 'AzureOfferId' AND i/value eq 'a')", Some(false)),
            ("ResourceType eq 'AzureApplication'", Some(true)),
            ("resourceType eq 'A' or (resourceType eq 'AzureApplication')", Some(true)),
            ("resourceType eq 'A'", Some(false)),
            ("nothing eq 'A'", Some(false)),
            ("resourceType eq A", None),
            ("resourceType", None),
            ("(resourceType eq 'A'", None),
            ("resourceType eq 'A", None),
            ("", None),
        ] {
            assert_eq!(Filter::read(text).map(|filter| filter.matches(&document)), expected, "{text}");
        }
        assert_eq!(Filter::read(&"(".repeat(10_000)), None);
    }
}
