//! Mistakes in desired-state files as SARIF 2.1.0, the form that GitHub code scanning and many editors read.
//!
//! Owns the part of the format that is used: what GitHub requires of a rule and of a result ("SARIF support for
//! code scanning"), and nothing else. A message may quote the file; in SARIF, text can hold links.

use serde::Serialize;
use serde_json::{Value, json};

use super::escape::terminal;
use super::json::json as write;
use super::validation::with_help;
use crate::desired::{Code, Diagnostic, Place};

/// The most results that GitHub reads of a run.
const MAX_RESULTS: usize = 5_000;

#[derive(Serialize)]
struct SarifLog {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Value; 1],
}

/// The mistakes as a SARIF log with one run. Paths are those of the repository.
#[must_use]
pub fn sarif(found: &[Diagnostic]) -> String {
    let rules: Vec<Value> = Code::ALL.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = found.iter().take(MAX_RESULTS).map(result).collect();
    let run = json!({
        "tool": {
            "driver": {
                "name": "cancel-pending",
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            },
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    write(&SarifLog { schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [run] })
}

fn rule(code: Code) -> Value {
    let text = format!("{}.", code.meaning());
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": text },
        "fullDescription": { "text": text },
        "help": { "text": format!("{text} Run `cancel-pending validate` to see what to write instead.") },
        "defaultConfiguration": { "level": "error" },
    })
}

fn result(diagnostic: &Diagnostic) -> Value {
    let index = Code::ALL.iter().position(|code| *code == diagnostic.code);
    // What is about a file as a whole is shown at its beginning.
    let whole = Place { line: 1, column: 1, excerpt: None };
    let place = diagnostic.place.as_ref().unwrap_or(&whole);
    json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": index,
        "level": "error",
        // `[text](address)` would be a link.
        "message": { "text": terminal(&with_help(diagnostic)).replace("](", "] (") },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&diagnostic.path) },
                "region": {
                    "startLine": place.line,
                    "startColumn": place.column,
                    "endLine": place.line,
                    "endColumn": place.end_column(),
                },
            },
        }],
    })
}

/// A path as a URI: relative, unless the path is absolute.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("team-a/offers.yaml"), "team-a/offers.yaml");
        assert_eq!(uri("a b:c/ü.yaml"), "a%20b%3Ac/%C3%BC.yaml");
        assert_eq!(uri("../offers.yaml"), "../offers.yaml");
        assert_eq!(uri("/srv/offers.yaml"), "file:///srv/offers.yaml");
    }
}
