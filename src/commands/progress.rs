//! What is shown on standard error while the portal is read, and while an apply runs.
//!
//! Owns two voices: to a person at a terminal lines that move, to a log a line when something
//! changes and a sign of life now and then.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use tokio::time::Instant;

use super::Console;
use crate::apply::{ApplyEvent, Target, Watch};
use crate::domain::PublisherId;
use crate::portal::{Failure, ListedSoFar, RetryListener};
use crate::report::{counted, terminal};

/// How long reading may take before it is shown.
const MOMENT: Duration = Duration::from_millis(500);

/// How often the line of the terminal is drawn.
const TICK: Duration = Duration::from_millis(200);

/// How long a log is spared another line about retries.
const BETWEEN_RETRIES: Duration = Duration::from_secs(10);

/// How often a log shows that the run is alive.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// The read that waits longest to be retried.
#[derive(Clone, Default)]
pub(super) struct Retries(Arc<Mutex<Option<Retry>>>);

struct Retry {
    why: String,
    at: Instant,
}

impl Retries {
    /// Hears of retries.
    pub fn listener(&self) -> RetryListener {
        let retries = Arc::clone(&self.0);
        RetryListener::new(move |failure, pause| {
            let at = Instant::now() + pause;
            let mut retry = retries.lock().unwrap_or_else(PoisonError::into_inner);
            if retry.as_ref().is_none_or(|retry| retry.at < at) {
                *retry = Some(Retry { why: reason(failure), at });
            }
        })
    }

    /// Why and when the next retry is made; none while nothing waits for one.
    fn waiting(&self) -> Option<String> {
        let retry = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Retry { why, at } = retry.as_ref()?;
        let rest = at.saturating_duration_since(Instant::now());
        (!rest.is_zero()).then(|| format!("{why}; retrying in {} s", rest.as_secs_f64().ceil()))
    }
}

/// What went wrong, without the advice for the case that it stays so.
fn reason(failure: &Failure) -> String {
    if failure.is_throttle() {
        return "rate limited by the portal".to_owned();
    }
    let text = failure.to_string();
    terminal(text.split(';').next().unwrap_or_default()).into_owned()
}

/// Shows how far reading has come, and when a read is retried.
pub(super) struct ReadProgress<'a> {
    console: Console,
    retries: &'a Retries,
    bar: ProgressBar,
    /// How far a list is; none while none is read.
    list: Mutex<Option<String>>,
}

impl<'a> ReadProgress<'a> {
    pub fn new(console: Console, retries: &'a Retries) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} Reading offers {pos}/{len} {elapsed}  {wide_msg}") {
            bar.set_style(style);
        }
        Self { console, retries, bar, list: Mutex::new(None) }
    }

    /// A list of offers begins.
    pub fn start_list(&self, publisher: &PublisherId) {
        *self.list.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("Listing the offers of {publisher}"));
    }

    /// So much of it was read.
    pub fn listed(&self, so_far: ListedSoFar) {
        let text = format!("Listing offers: {}, {}", counted(so_far.pages, "page"), counted(so_far.offers, "offer"));
        *self.list.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// Lists are read, and so many offers are going to be.
    pub fn start_reads(&self, offers: usize) {
        *self.list.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.bar.set_length(offers as u64);
    }

    /// What is said behind the count: why it waits, or how far a list is.
    fn told(&self) -> String {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner).clone();
        [list, self.retries.waiting()].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// One more offer was read.
    pub fn read_one(&self) {
        self.bar.inc(1);
    }

    /// Shows it after a moment: to a person all the time, to a log only that something is retried.
    pub async fn show(&self) -> Infallible {
        tokio::time::sleep(MOMENT).await;
        if self.console.watched {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let mut told: Option<Instant> = None;
        loop {
            if self.console.watched {
                self.bar.set_message(self.told());
                self.bar.tick();
            } else if let Some(waiting) = self.retries.waiting()
                && told.is_none_or(|told| told.elapsed() >= BETWEEN_RETRIES)
            {
                self.console.note(&format!("{waiting}\n"));
                told = Some(Instant::now());
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

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
    pub async fn heartbeat(&self) -> Infallible {
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
        ApplyEvent::Again { why } => format!("retrying: {}", terminal(why)),
        ApplyEvent::Ended(entry) => {
            let message = entry.message.as_deref().map(|text| format!(": {}", terminal(text))).unwrap_or_default();
            format!("{}{message}", entry.outcome.as_str())
        }
    }
}
