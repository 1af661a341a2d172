//! Logs on standard error: what the program does, for who asks with `-v`.
//!
//! Owns which of them are written: this program's own alone. What libraries log of requests
//! may hold headers, and a header holds the token. What others say is logged without known secrets.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::args::LogFormat;
use crate::report::{json_inert, terminal};
use crate::secrets::redact;

/// Starts logging: 0 is silent, 1 says what happens, 2 every request, more everything.
pub(super) fn start(verbosity: u8, format: LogFormat) {
    let level = match verbosity {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = Targets::new().with_target("cancel_pending", level);
    let layer = || tracing_subscriber::fmt::layer().with_ansi(false).with_writer(InertStderr(format));
    let registry = tracing_subscriber::registry().with(filter);
    // A second call, which only a test could make, changes nothing.
    let _ = match format {
        // The target is the path of a module. Its `::` would be escaped, and it says nothing to a person.
        LogFormat::Text => registry.with(layer().with_target(false)).try_init(),
        LogFormat::Json => registry.with(layer().json().flatten_event(true)).try_init(),
    };
}

/// Standard error, behind the escaping that its format needs.
struct InertStderr(LogFormat);

struct Line {
    format: LogFormat,
    bytes: Vec<u8>,
}

impl<'a> MakeWriter<'a> for InertStderr {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { format: self.0, bytes: Vec::new() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = redact(&text);
        let line = text.trim_end_matches('\n');
        let safe = match self.format {
            LogFormat::Text => terminal(line),
            LogFormat::Json => json_inert(line),
        };
        // A log line that can't be written is lost.
        let _ = writeln!(io::stderr().lock(), "{safe}");
    }
}
