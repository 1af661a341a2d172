//! `status`: what is running on the offers of publishers, and which file wants it stopped.
//!
//! Owns the order of asking, what is shown when, and the exit status. It only reads: no writer is in its reach.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use tokio::time::Instant;

use super::plan::{DEFAULT_PATH, whole_seconds};
use super::portal::{OpenPortals, PortalRequest, PortalsInUse};
use super::progress::ReadProgress;
use super::signals::Signals;
use super::survey::{Lister, NamedOffers};
use super::{Console, Exit, Format, TOOL, files, live, portal};
use crate::domain::{DesiredSet, PortalKind, PublisherId};
use crate::plan::PlannedPortal;
use crate::portal::documented_address;
use crate::report::{self, COMMENT_LIMIT, Links, TextStyle};
use crate::status::{StatusDocument, StatusFacts, StatusSelection, StatusSubjects};

/// The longest time between two looks at a portal that fails, where no longer one is asked for.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// How often in a row nothing may be seen to run while something can't be read, before a watch gives up.
const MOST_BLIND_LOOKS: u32 = 3;

/// How large a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenSize {
    /// Lines.
    pub rows: usize,
    /// Characters in a line.
    pub columns: usize,
}

/// What `status` is asked to do.
#[derive(Debug, Clone)]
pub struct StatusRequest {
    /// Files and directories of the desired state; none: `offers.yaml`.
    pub paths: Vec<PathBuf>,
    /// The portal; none: those of the files.
    pub kind: Option<PortalKind>,
    /// Whose offers; none: those of the files' publishers.
    pub publishers: Vec<PublisherId>,
    /// The format on standard output.
    pub format: Format,
    /// The time between two looks, to go on until nothing is running; none: one look.
    pub interval: Option<Duration>,
    /// How large the terminal is that can be drawn on; none: there is none.
    pub screen: Option<fn() -> ScreenSize>,
    /// The portals.
    pub portal: PortalRequest,
}

/// Looks at the offers, once or until nothing runs, and shows them.
///
/// # Errors
/// Anything that keeps a status from being made or shown.
pub async fn status(request: &StatusRequest, console: Console) -> anyhow::Result<Exit> {
    if request.interval.is_some() && request.format != Format::Text {
        bail!("--watch shows text; leave --format out, or look once");
    }
    let paths = paths(request)?;
    let desired = if paths.is_empty() {
        DesiredSet::default()
    } else {
        let Some(desired) = files::desired_state(&paths, console) else { return Ok(Exit::Failed) };
        desired
    };
    let wanted = wanted(request, &desired)?;
    let kinds = wanted.iter().map(|(kind, _)| *kind).collect();
    let used = PortalsInUse { kinds, ..PortalsInUse::of(&desired)? };
    let mut signals = Signals::listen().context("signals can't be handled")?;
    let mut view = View { console, screen: request.screen, last: None, is_drawn: false };
    let work = async {
        let open = portal::open(&request.portal, &used, console).await?;
        let selection = StatusSelection {
            paths: files::names(&paths),
            publishers: names(&request.publishers),
            portal: request.kind,
        };
        let observer = Observer {
            named: NamedOffers::of(&desired),
            desired,
            wanted,
            selection,
            open,
            concurrency: request.portal.concurrency,
        };
        match request.interval {
            None => show_once(&observer, request.format, console).await,
            Some(interval) => watch(&observer, interval, &mut view).await,
        }
    };
    let ended = tokio::select! {
        ended = work => Ok(ended?),
        interruption = signals.next() => Err(interruption),
    };
    match ended {
        Ok(exit) => Ok(exit),
        Err(interruption) => {
            view.close()?;
            console.error("error: interrupted\n");
            Ok(Exit::Interrupted(interruption))
        }
    }
}

/// The files to read. The usual one need not be there where publishers are named.
fn paths(request: &StatusRequest) -> anyhow::Result<Vec<PathBuf>> {
    let usual = Path::new(DEFAULT_PATH);
    match request.paths.as_slice() {
        [] if usual.symlink_metadata().is_ok() => Ok(vec![usual.to_owned()]),
        [] if request.publishers.is_empty() => {
            bail!("there is no {DEFAULT_PATH} here: name desired-state files, or publishers with --publisher")
        }
        paths => Ok(paths.to_vec()),
    }
}

fn names(publishers: &[PublisherId]) -> Vec<String> {
    let mut names: Vec<String> = publishers.iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    names
}

/// Whose offers are looked at, and on which portals.
fn wanted(request: &StatusRequest, desired: &DesiredSet) -> anyhow::Result<BTreeSet<(PortalKind, PublisherId)>> {
    let offers = desired.offers().map(|offer| (offer.key.portal, offer.key.publisher.clone()));
    let freezes = desired.freezes().map(|freeze| (freeze.portal, freeze.publisher.clone()));
    let in_files: BTreeSet<(PortalKind, PublisherId)> = offers.chain(freezes).collect();
    if request.publishers.is_empty() {
        let wanted: BTreeSet<_> =
            in_files.into_iter().filter(|(kind, _)| request.kind.is_none_or(|only| only == *kind)).collect();
        if let Some(kind) = request.kind.filter(|_| wanted.is_empty()) {
            bail!("no offer in the files is on {kind}; name the publishers to look at with --publisher");
        }
        return Ok(wanted);
    }
    let kinds_of = |publisher: &PublisherId| -> Vec<PortalKind> {
        let of_files = in_files.iter().filter(|(_, own)| own == publisher).map(|(kind, _)| *kind);
        match (request.kind, of_files.collect::<Vec<_>>()) {
            (Some(kind), _) => vec![kind],
            (None, kinds) if kinds.is_empty() => vec![PortalKind::default()],
            (None, kinds) => kinds,
        }
    };
    let of = |publisher: &PublisherId| {
        kinds_of(publisher).into_iter().map(|kind| (kind, publisher.clone())).collect::<Vec<_>>()
    };
    Ok(request.publishers.iter().flat_map(of).collect())
}

/// Looks at offers.
struct Observer {
    desired: DesiredSet,
    named: NamedOffers,
    wanted: BTreeSet<(PortalKind, PublisherId)>,
    selection: StatusSelection,
    open: OpenPortals,
    concurrency: usize,
}

impl Observer {
    async fn look(&self, console: Console) -> StatusDocument {
        let backends = &self.open.backends;
        let portals = backends.iter().map(|backend| PlannedPortal {
            portal: backend.kind(),
            origin: backend.origin().clone(),
            seller: backend.seller(),
            schema_version: backend.schema_version(),
        });
        let facts = StatusFacts {
            tool: TOOL.to_owned(),
            now: whole_seconds(Timestamp::now()),
            selection: self.selection.clone(),
            portals: portals.collect(),
            capabilities: backends.iter().map(|backend| (backend.kind(), backend.capabilities())).collect(),
        };
        let progress = ReadProgress::new(console, &self.open.retries);
        let work = async {
            let lister = Lister { backends, named: &self.named, names_idle: true, progress: &progress };
            let lists = lister.lists(&self.wanted, &self.desired).await;
            let subjects = StatusSubjects::of(self.desired.clone(), &self.wanted, &lists, &facts);
            drop(lists);
            let questions = subjects.questions();
            progress.start_reads(questions.len());
            let query = |index: usize| subjects.query(questions[index]);
            let read_one = || progress.read_one();
            let answers = live::read_each(questions.len(), query, backends, self.concurrency, read_one).await;
            let answers = answers.into_iter().map(|answer| answer.map_err(|failure| failure.to_string()));
            let answered: Vec<_> = questions.into_iter().zip(answers).collect();
            subjects.answered(&facts, answered)
        };
        let document = tokio::select! {
            document = work => document,
            never = progress.show() => match never {},
        };
        progress.clear();
        document
    }
}

async fn show_once(observer: &Observer, format: Format, console: Console) -> anyhow::Result<Exit> {
    let document = observer.look(console).await;
    console.result(&match format {
        Format::Text => text(&document, console, console.out),
        Format::Json => report::json(&document),
        Format::Markdown => {
            let links = Links::to(&document.portals, true, documented_address);
            report::status_markdown(&document, links, COMMENT_LIMIT)
        }
    })?;
    Ok(exit(&document, console))
}

fn text(document: &StatusDocument, console: Console, style: TextStyle) -> String {
    if console.quiet {
        format!("{}\n", report::status_last_line(document))
    } else {
        report::status_text(document, style)
    }
}

/// How the command ends, and why.
fn exit(document: &StatusDocument, console: Console) -> Exit {
    match report::status_failure(document) {
        Some(why) => {
            console.error(&format!("error: {why}\n"));
            Exit::Failed
        }
        None => Exit::Done,
    }
}

/// Looks until nothing runs. A portal that can't be read is asked less and less often.
async fn watch(observer: &Observer, interval: Duration, view: &mut View) -> anyhow::Result<Exit> {
    let (mut failed, mut blind) = (0_u32, 0);
    // What is drawn over must not be drawn into.
    let mut console = view.console;
    loop {
        let begun = Instant::now();
        let document = observer.look(console).await;
        failed = if document.is_incomplete() { failed + 1 } else { 0 };
        blind = if document.summary.active == 0 { blind + 1 } else { 0 };
        // What could not be read may be running.
        let is_over = document.summary.active == 0 && (!document.is_incomplete() || blind >= MOST_BLIND_LOOKS);
        // Asking never takes up more than half of the time.
        let pause = pause(interval, failed).max(begun.elapsed());
        let is_read = view.show(&document, (!is_over).then_some(pause))?;
        if is_over || !is_read {
            view.close()?;
            return Ok(exit(&document, view.console));
        }
        console.watched &= view.screen.is_none();
        tokio::time::sleep(pause).await;
    }
}

/// The time to the next look, after so many in a row at which something could not be read.
fn pause(interval: Duration, failed: u32) -> Duration {
    let longer = interval.saturating_mul(1 << failed.saturating_sub(1).min(10));
    longer.min(LONGEST_PAUSE.max(interval))
}

/// What a watch shows: on a terminal in place, elsewhere each time that something has changed.
struct View {
    console: Console,
    screen: Option<fn() -> ScreenSize>,
    last: Option<StatusDocument>,
    /// Whether the terminal shows its other screen.
    is_drawn: bool,
}

impl View {
    /// Shows a status, and says whether anybody is there to read it. `pause`: the time to the next one; none: it is the
    /// last one.
    fn show(&mut self, document: &StatusDocument, pause: Option<Duration>) -> anyhow::Result<bool> {
        let has_changed = self.last.as_ref().is_none_or(|last| !last.shows_the_same(document));
        self.last = Some(document.clone());
        match (self.screen, pause) {
            (Some(size), Some(pause)) => self.draw(document, size(), pause),
            // It is left there when the other screen is closed.
            (Some(_), None) => Ok(true),
            (None, _) if !has_changed => Ok(true),
            (None, _) => self.console.result_while_read(&text(document, self.console, self.console.out)),
        }
    }

    /// Draws on the other screen of the terminal, so that nothing is pushed out of the one that people scroll back in.
    fn draw(&mut self, document: &StatusDocument, size: ScreenSize, pause: Duration) -> anyhow::Result<bool> {
        let style = TextStyle { width: size.columns, ..self.console.out };
        let text = text(document, self.console, style);
        let foot =
            format!("Looking again in {} s, until nothing is running. Ctrl-C ends this.", pause.as_secs_f64().ceil());
        let mut drawn = String::new();
        if !self.is_drawn {
            drawn.push_str("\u{1b}[?1049h");
        }
        drawn.push_str("\u{1b}[H");
        for line in fitting(&text, size.rows.saturating_sub(2)) {
            drawn.push_str(&format!("{line}\u{1b}[K\n"));
        }
        drawn.push_str(&format!("{foot}\u{1b}[J"));
        self.is_drawn = true;
        self.console.result_while_read(&drawn)
    }

    /// Goes back to the screen that was there before, and leaves on it what was seen last.
    fn close(&mut self) -> anyhow::Result<()> {
        if self.screen.is_none() {
            return Ok(());
        }
        let back = if std::mem::take(&mut self.is_drawn) { "\u{1b}[?1049l" } else { "" };
        let last = self.last.as_ref().map(|last| text(last, self.console, self.console.out)).unwrap_or_default();
        self.console.result(&format!("{back}{last}"))
    }
}

/// The lines of a text for which there is room: the first ones, and the last, which has the counts.
fn fitting(text: &str, rows: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= rows {
        return lines.into_iter().map(str::to_owned).collect();
    }
    let kept = rows.saturating_sub(2);
    let mut shown: Vec<String> = lines.iter().take(kept).map(|line| (*line).to_owned()).collect();
    shown.push(format!("… {} more lines", lines.len() - kept - 1));
    shown.extend(lines.last().map(|line| (*line).to_owned()));
    shown
}
