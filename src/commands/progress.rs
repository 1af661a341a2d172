//! What is said on standard error while an apply is under way.
//!
//! Owns two voices: to a person at a terminal a line an offer that moves, to a log a line
//! when something changes and a sign of life now and then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Console;
use crate::apply::{ApplyEvent, Target, Watch};
use crate::report::terminal;

/// How often a log shows that the run is alive.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// Tells one person or one log.
pub(super) struct ApplyProgress {
    console: Console,
    lines: MultiProgress,
    /// By offer: the bar, and what was said last.
    states: Mutex<HashMap<String, (Option<ProgressBar>, String)>>,
}

impl ApplyProgress {
    pub fn new(console: Console) -> Self {
        let target = if console.watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { console, lines: MultiProgress::with_draw_target(target), states: Mutex::new(HashMap::new()) }
    }

    /// Takes the moving lines away, before the result is written.
    pub fn clear(&self) {
        let _ = self.lines.clear();
    }

    /// Shows now and then that the run is alive.
    pub async fn heartbeat(&self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            if self.console.watched {
                continue;
            }
            let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
            let mut open: Vec<String> = states.iter().map(|(name, (_, text))| format!("{name}: {text}")).collect();
            open.sort();
            for line in open {
                self.console.note(&format!("still waiting: {line}\n"));
            }
        }
    }
}

impl Watch for ApplyProgress {
    fn event(&self, target: &Target, event: &ApplyEvent<'_>) {
        let name = target.key.to_string();
        let text = words(event);
        let ended = matches!(event, ApplyEvent::Ended(_));
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let (bar, last) = states.entry(name.clone()).or_insert_with(|| {
            let bar = self.console.watched.then(|| {
                let bar = self.lines.add(ProgressBar::new_spinner());
                if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}  {wide_msg}") {
                    bar.set_style(style);
                }
                bar.set_prefix(name.clone());
                bar.enable_steady_tick(Duration::from_millis(120));
                bar
            });
            (bar, String::new())
        });
        match bar {
            Some(bar) if ended => bar.finish_with_message(text),
            Some(bar) => bar.set_message(text),
            None => {
                if *last != text && !matches!(event, ApplyEvent::Reading) {
                    self.console.note(&format!("{name}: {text}\n"));
                }
                *last = text;
            }
        }
        if ended && !self.console.watched {
            states.remove(&name);
        }
    }
}

fn words(event: &ApplyEvent<'_>) -> String {
    match event {
        ApplyEvent::Reading => "reading the live state".to_owned(),
        ApplyEvent::Sending(1) => "sending the cancel call".to_owned(),
        ApplyEvent::Sending(attempt) => format!("sending cancel call {attempt}"),
        ApplyEvent::Accepted { location: Some(location) } => {
            format!("accepted; its progress is at {}", terminal(location))
        }
        ApplyEvent::Accepted { location: None } => "accepted".to_owned(),
        ApplyEvent::Waiting { status, step, percent } => {
            let step = step.map(|step| format!(", {}", terminal(step))).unwrap_or_default();
            let status = status.map(|word| format!(" ({})", terminal(word.as_str()))).unwrap_or_default();
            let percent = percent.map(|percent| format!(", {percent} %")).unwrap_or_default();
            format!("being cancelled{status}{step}{percent}")
        }
        ApplyEvent::Again { why } => format!("trying again: {}", terminal(why)),
        ApplyEvent::Ended(entry) => {
            let message = entry.message.as_deref().map(|text| format!(": {}", terminal(text))).unwrap_or_default();
            format!("{}{message}", entry.outcome.as_str())
        }
    }
}
