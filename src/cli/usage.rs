//! Values on the command line, and mistakes in them, in plain words.
//!
//! Owns the bounds of numbers and times, and hints for flags that are gone.

use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The most requests that may be in progress at once.
const MAX_CONCURRENCY: u16 = 256;

/// The longest time for one attempt.
const MAX_ATTEMPT: Duration = Duration::from_hours(1);

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

/// Adds to an error what has become of a flag that is gone.
pub(super) fn explain(mut error: clap::Error) -> clap::Error {
    let is_portal =
        matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(name)) if name == "--portal");
    if error.kind() == ErrorKind::UnknownArgument && is_portal {
        let hint = "--portal was replaced by --endpoint [KIND=]URL".to_owned();
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
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
        assert_eq!(command_time("8days"), Err("use at most 7days".to_owned()));
    }
}
