//! Values on the command line, and mistakes in them, in plain words.
//!
//! Owns the bounds of numbers and times, hints for flags that are gone, and what is still known of a plan whose
//! command line holds a value that can't be read.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};

use crate::commands::{Format, PlanScope, Selection, UnmadePlan};

use crate::domain::{OfferId, PublisherId};

/// The most requests that may be in progress at once.
const MAX_CONCURRENCY: u16 = 256;

/// The longest time for one attempt.
const MAX_ATTEMPT: Duration = Duration::from_hours(1);

/// The shortest time between two looks.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The longest time for a whole command.
const MAX_COMMAND: Duration = Duration::from_hours(7 * 24);

/// Reads `--concurrency`.
pub(super) fn concurrency(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_CONCURRENCY).contains(number));
    number.ok_or_else(|| format!("use a number from 1 to {MAX_CONCURRENCY}"))
}

/// Reads `--request-timeout`.
pub(super) fn attempt_time(text: &str) -> Result<Duration, String> {
    let time = time(text, MAX_ATTEMPT)?;
    if time.is_zero() {
        return Err("use a time longer than 0, such as 20s".to_owned());
    }
    Ok(time)
}

/// Reads `--interval`.
pub(super) fn watch_interval(text: &str) -> Result<Duration, String> {
    let time = time(text, MAX_ATTEMPT)?;
    if time < MIN_INTERVAL {
        return Err("use at least 1s".to_owned());
    }
    Ok(time)
}

/// Reads `--timeout`.
pub(super) fn command_time(text: &str) -> Result<Duration, String> {
    time(text, MAX_COMMAND)
}

fn time(text: &str, most: Duration) -> Result<Duration, String> {
    // What the library says of a mistake is about its grammar.
    let time = humantime::parse_duration(text)
        .map_err(|_| "use a time with units, such as 500ms, 20s, 5m or 1h 30m".to_owned())?;
    if time > most {
        return Err(format!("use at most {}", humantime::format_duration(most)));
    }
    Ok(time)
}

/// An offer on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedOffer {
    pub publisher: Option<PublisherId>,
    pub offer: OfferId,
}

/// Reads `OFFER` or `PUBLISHER/OFFER`.
pub(super) fn named_offer(text: &str) -> Result<NamedOffer, String> {
    let (publisher, offer) = match text.split_once('/') {
        Some((publisher, offer)) => {
            (Some(publisher.parse().map_err(|error| format!("the publisher's id {error}"))?), offer)
        }
        None => (None, text),
    };
    let offer = offer.parse().map_err(|error| format!("the offer's id {error}"))?;
    Ok(NamedOffer { publisher, offer })
}

/// Adds to an error what has become of a flag that is gone.
pub(super) fn explain(mut error: clap::Error) -> clap::Error {
    let is_portal =
        matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(name)) if name == "--portal");
    if error.kind() == ErrorKind::UnknownArgument && is_portal {
        let hint = "--portal was replaced by --endpoint [KIND=]URL".to_owned();
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    // An endpoint where the name of a portal belongs, which may hold a password.
    let is_endpoint =
        matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.contains("://"));
    if error.kind() == ErrorKind::InvalidValue && is_endpoint {
        error.insert(ContextKind::InvalidValue, ContextValue::String("an address".to_owned()));
        let hint = "an address goes to --endpoint [KIND=]URL".to_owned();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

/// What is wrong, in one line, for a document that others may read. What was given is left out: it may be a secret in
/// the wrong place, which a runner hides in the log and nobody hides in a comment.
pub(super) fn message(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let text = words.join(" ").trim_start_matches("error: ").to_owned();
    match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => {
            let value: Vec<&str> = value.split_whitespace().collect();
            text.replace(&format!(" '{}'", value.join(" ")), "")
        }
        _ => text,
    }
}

/// The same for what is wrong with endpoints. Messages quote a whole one, the name of its portal, or its URL without
/// the query.
pub(super) fn without_endpoints<'a>(text: &str, given: impl Iterator<Item = &'a str>) -> String {
    given.fold(text.to_owned(), |text, endpoint| {
        let (name, url) = endpoint.split_once('=').unwrap_or(("", endpoint));
        let without_query = |text: &'a str| text.split(['?', '#']).next().unwrap_or_default();
        let parts = [endpoint, without_query(endpoint), url, without_query(url), name];
        let quoted = parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(|part| format!("`{part}"));
        quoted.fold(text, |text, part| text.replace(&part, "`…"))
    })
}

/// The plan that a command line asks for, of which only values can't be read. None: it asks for something else, or
/// it is no command line of this program.
pub(super) fn unmade_plan(command: Command, given: &[OsString]) -> Option<UnmadePlan> {
    let unread = |argument: Arg| {
        let takes_values = argument.get_action().takes_values();
        if takes_values { argument.value_parser(ValueParser::os_string()) } else { argument }
    };
    let command = command.mut_args(unread).mut_subcommand("plan", |plan| plan.mut_args(unread));
    let matches = command.try_get_matches_from(given).ok()?;
    let plan = matches.subcommand_matches("plan")?;
    Some(UnmadePlan {
        scope: PlanScope {
            paths: all(plan, "paths").map(PathBuf::from).collect(),
            selection: Selection { publishers: texts(plan, "publisher"), offers: texts(plan, "offer") },
            max_cancels: None,
            coverage: false,
        },
        out: all(plan, "out").next().map(PathBuf::from),
        format: Format::Text,
    })
}

fn all<'a>(matches: &'a ArgMatches, id: &str) -> impl Iterator<Item = &'a OsString> {
    matches.get_many::<OsString>(id).into_iter().flatten()
}

fn texts(matches: &ArgMatches, id: &str) -> Vec<String> {
    all(matches, id).map(|text| text.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_have_bounds() {
        assert_eq!((concurrency("1"), concurrency("256")), (Ok(1), Ok(256)));
        for bad in ["0", "257", "-1", "x", "", "1.5", "99999999999999999999"] {
            assert_eq!(concurrency(bad), Err("use a number from 1 to 256".to_owned()), "{bad}");
        }
        assert_eq!(attempt_time("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(command_time("0s"), Ok(Duration::ZERO));
        for bad in ["0s", "61m", "100000000000000y", "18446744073709551615s", "20", "x", ""] {
            assert!(attempt_time(bad).is_err(), "{bad}");
        }
        assert_eq!(watch_interval("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(watch_interval("999ms"), Err("use at least 1s".to_owned()));
        assert_eq!(command_time("8days"), Err("use at most 7days".to_owned()));
    }
}
