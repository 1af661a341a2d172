//! What is measured, and the tables that come of it.

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::contenders::{self, Contender, Work};
use crate::measure::{Cost, median, run};
use crate::server::{Counts, Server, Settings};

/// The most offers of one file: more would not fit into the megabyte that it may have.
const OFFERS_A_FILE: usize = 10_000;

/// The unit of Linux' `/proc` for processor time, in seconds.
const TICK: f64 = 0.01;

/// How much of it is done.
struct Scale {
    runs: usize,
    latency: Duration,
    latency_bound: usize,
    throughput: usize,
    shell: usize,
    startups: usize,
    growth: (usize, usize),
    throttled: (usize, u32),
    cancellations: usize,
    ceiling: &'static str,
}

const FULL: Scale = Scale {
    runs: 5,
    latency: Duration::from_millis(50),
    latency_bound: 2_000,
    throughput: 10_000,
    shell: 160,
    startups: 41,
    growth: (10_000, 40_000),
    throttled: (400, 20),
    cancellations: 400,
    ceiling: "2s",
};

const SHORT: Scale = Scale {
    runs: 1,
    latency: Duration::from_millis(1),
    latency_bound: 40,
    throughput: 40,
    shell: 4,
    startups: 1,
    growth: (20, 80),
    throttled: (300, 200),
    cancellations: 40,
    ceiling: "1s",
};

const CONCURRENCY: usize = 32;

/// How many products are on a page of Partner Center's: as many as would be usual, and the most that were seen.
const PRODUCTS_A_PAGE: [usize; 2] = [100, 5];

/// The most calls that a cancellation may take.
const MOST_CALLS: usize = 8;

/// A command that is run again and again, and what it is called.
type Named<'a> = (&'static str, Box<dyn Fn() -> Command + 'a>);

struct Comparison {
    directory: PathBuf,
    /// Set up when they are needed: that takes its time.
    contenders: OnceCell<Vec<Contender>>,
    scale: Scale,
}

type Table = fn(&Comparison) -> anyhow::Result<String>;

/// By the names by which they can be asked for.
const TABLES: [(&str, Table); 9] = [
    ("calls", Comparison::calls),
    ("latency", Comparison::latency_bound),
    ("throughput", Comparison::throughput),
    ("products", Comparison::products),
    ("apply", Comparison::apply),
    ("startup", Comparison::startup),
    ("growth", Comparison::growth),
    ("throttled", Comparison::throttled),
    ("size", Comparison::size),
];

/// Measures what is wanted, or everything, and prints it.
pub fn all(is_short: bool, wanted: &[&str]) -> anyhow::Result<()> {
    if let Some(unknown) = wanted.iter().find(|name| TABLES.iter().all(|(own, _)| own != *name)) {
        let names: Vec<&str> = TABLES.iter().map(|(name, _)| *name).collect();
        bail!("there is no table `{unknown}`; there are {}", names.join(", "));
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare");
    fs::create_dir_all(&directory)?;
    let scale = if is_short { SHORT } else { FULL };
    let comparison = Comparison { contenders: OnceCell::new(), scale, directory };
    for (_, table) in TABLES.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name)) {
        println!("{}", table(&comparison)?);
    }
    Ok(())
}

/// Waits until the server has answered what the one before left behind when it ended: `wrk` ends in the middle.
fn settle(server: &Server) -> anyhow::Result<()> {
    loop {
        let before = server.counts()?.answered();
        std::thread::sleep(Duration::from_millis(20));
        if server.counts()?.answered() == before {
            return Ok(());
        }
    }
}

impl Comparison {
    fn contenders(&self) -> &[Contender] {
        self.contenders.get_or_init(|| contenders::all(&self.directory))
    }

    /// Offers that are marked, named by a prefix and their number.
    fn work(&self, name: &str, parts: &[(&str, usize, bool)]) -> anyhow::Result<Work> {
        self.work_on("cloud-partner", name, parts)
    }

    /// Likewise, on a portal.
    fn work_on(&self, portal: &str, name: &str, parts: &[(&str, usize, bool)]) -> anyhow::Result<Work> {
        let desired = self.directory.join(name);
        let list = self.directory.join(format!("{name}.list"));
        let _ = fs::remove_dir_all(&desired);
        fs::create_dir_all(&desired)?;
        let mut offers: Vec<(String, bool)> = Vec::new();
        for (prefix, count, marked) in parts {
            offers.extend((0..*count).map(|number| (format!("{prefix}-{number:05}"), *marked)));
        }
        for (number, chunk) in offers.chunks(OFFERS_A_FILE).enumerate() {
            let mut text =
                format!("portal: {portal}\npublisher: contoso\nlimits: {{maxCancels: {OFFERS_A_FILE}}}\noffers:\n");
            for (offer, marked) in chunk {
                writeln!(text, "  - id: {offer}\n    cancelPending: {marked}")?;
            }
            fs::write(desired.join(format!("offers-{number}.yaml")), text)?;
        }
        let mut lines = String::new();
        for (offer, _) in offers.iter().filter(|(_, marked)| *marked) {
            writeln!(lines, "contoso {offer}")?;
        }
        fs::write(&list, lines)?;
        Ok(Work { offers: offers.len(), desired, list })
    }

    fn idle(&self, offers: usize) -> anyhow::Result<Work> {
        self.work(&format!("idle-{offers}"), &[("offer", offers, true)])
    }

    /// One run, and what the server saw of it. Each offer was asked for, and none twice.
    fn once(&self, who: &Contender, work: &Work, server: &Server) -> anyhow::Result<(Cost, Counts, f64)> {
        settle(server)?;
        server.forget()?;
        let before = server.counts()?.ticks;
        let cost = run(&mut who.command(work, server, CONCURRENCY), &self.directory.join("output"))?;
        let counts = server.counts()?;
        ensure!(
            counts.answered() == work.offers as u64,
            "{} made {} calls for {} offers",
            who.name,
            counts.answered(),
            work.offers
        );
        #[expect(clippy::cast_precision_loss, reason = "hundreds of ticks")]
        let busy = (counts.ticks - before) as f64 * TICK / cost.seconds;
        Ok((cost, counts, busy))
    }

    /// All contenders on one server, in turns, so that what else the machine does meets all of them.
    /// `each_round` comes before each turn.
    fn race(
        &self,
        offers: usize,
        settings: Settings,
        mut each_round: impl FnMut(&Server) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<(&Contender, usize, Cost, f64)>> {
        let server = Server::start(settings)?;
        let usual = self.idle(offers)?;
        let fewer = self.idle(self.scale.shell.min(offers))?;
        let work = |who: &Contender| if who.is_shell { &fewer } else { &usual };
        let mut costs: Vec<(Vec<Cost>, f64)> = self.contenders().iter().map(|_| (Vec::new(), 0.0)).collect();
        for round in 0..self.scale.runs {
            each_round(&server)?;
            for (who, (costs, busiest)) in self.contenders().iter().zip(&mut costs) {
                if who.missing.is_none() {
                    eprintln!("{} of {}: {}", round + 1, self.scale.runs, who.name);
                    let (cost, _, busy) = self.once(who, work(who), &server)?;
                    costs.push(cost);
                    *busiest = busiest.max(busy);
                }
            }
        }
        let all = self.contenders().iter().zip(costs);
        Ok(all.map(|(who, (costs, busy))| (who, work(who).offers, median(&costs), busy)).collect())
    }

    fn calls(&self) -> anyhow::Result<String> {
        let server = Server::start(Settings::default())?;
        let work = self.work("mixed", &[("offer", 100, true), ("running", 100, true), ("unmarked", 100, false)])?;
        let own = &self.contenders()[0];
        run(&mut own.command(&work, &server, CONCURRENCY), &self.directory.join("output"))?;
        let Counts { submissions, operations, others, .. } = server.counts()?;
        ensure!((submissions, operations, others) == (200, 100, 0), "{submissions}, {operations}, {others}");
        Ok("### Calls\n\n100 idle marked offers, 100 with a running operation, 100 unmarked: 100, 200 and 0 calls.\n"
            .to_owned())
    }

    fn latency_bound(&self) -> anyhow::Result<String> {
        let latency = self.scale.latency;
        let server = Server::start(Settings { latency, ..Settings::default() })?;
        let answer = self.ceiling(&server, 1)?.map_or(latency.as_secs_f64(), |a_second| 1.0 / a_second);
        drop(server);
        let mut text = format!(
            "### {} offers, {} ms an answer, {CONCURRENCY} at once\n\nThe server took {:.2} ms an answer. \
             Ideal: as if nothing but these answers took any time.\n\n\
             | | offers | seconds | of the ideal | processor, s | memory, MiB |\n|:--|--:|--:|--:|--:|--:|\n",
            self.scale.latency_bound,
            latency.as_millis(),
            answer * 1_000.0
        );
        for (who, offers, cost, _) in
            self.race(self.scale.latency_bound, Settings { latency, ..Settings::default() }, |_| Ok(()))?
        {
            let at_once = if who.is_sequential { 1 } else { CONCURRENCY };
            let ideal = float(offers.div_ceil(at_once)) * latency.as_secs_f64();
            row(
                &mut text,
                who,
                offers,
                &cost,
                &[format!("{:.3}", cost.seconds), format!("{:.2}", cost.seconds / ideal)],
            )?;
        }
        Ok(text)
    }

    fn throughput(&self) -> anyhow::Result<String> {
        let mut ceilings: Vec<(f64, f64)> = Vec::new();
        let raced = self.race(self.scale.throughput, Settings::default(), |server| {
            let before = server.counts()?;
            if let Some(ceiling) = self.ceiling(server, CONCURRENCY)? {
                let after = server.counts()?;
                #[expect(clippy::cast_precision_loss, reason = "thousands of ticks")]
                let busy = (after.ticks - before.ticks) as f64 * TICK * ceiling
                    / (after.answered() - before.answered()).max(1) as f64;
                ceilings.push((ceiling, busy));
            }
            Ok(())
        })?;
        ceilings.sort_by(|one, other| one.0.total_cmp(&other.0));
        let ceiling = ceilings.get(ceilings.len() / 2).copied();
        let mut text = format!(
            "### {} offers, no latency, {CONCURRENCY} at once\n\n\
             | | offers | offers a second | of the ceiling | server busy, cores | processor, s | memory, MiB |\n\
             |:--|--:|--:|--:|--:|--:|--:|\n",
            self.scale.throughput
        );
        if let Some((ceiling, busy)) = ceiling {
            writeln!(text, "| wrk, one thread | | {ceiling:.0} | 1.00 | {busy:.2} | | |")?;
        } else {
            writeln!(text, "| wrk | not measured: wrk is not installed | | | | | |")?;
        }
        for (who, offers, cost, busy) in raced {
            let a_second = float(offers) / cost.seconds;
            let ratio = ceiling.map(|(ceiling, _)| format!("{:.2}", a_second / ceiling)).unwrap_or_default();
            row(&mut text, who, offers, &cost, &[format!("{a_second:.0}"), ratio, format!("{busy:.2}")])?;
        }
        Ok(text)
    }

    /// How many answers a second `wrk` gets out of a server.
    fn ceiling(&self, server: &Server, connections: usize) -> anyhow::Result<Option<f64>> {
        if !contenders::is_there("wrk") {
            return Ok(None);
        }
        let url = format!(
            "http://{}/api/publishers/contoso/offers/offer-00000/submissions/?status=running&api-version=2017-10-31",
            server.address
        );
        let mut command = Command::new("wrk");
        command.args(["-t1", &format!("-c{connections}"), &format!("-d{}", self.scale.ceiling)]);
        let output = command.args(["-H", "Authorization: Bearer a-token", &url]).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
        Ok(Some(line.context("what wrk says")?.trim().parse()?))
    }

    /// Partner Center: the pages of its products come one after the other, then a list for each offer.
    fn products(&self) -> anyhow::Result<String> {
        let (offers, latency) = (self.scale.latency_bound, self.scale.latency);
        let mut text = format!(
            "### Partner Center: {offers} offers, {} ms an answer, {CONCURRENCY} at once\n\nIdeal: as if nothing but the \
             pages of products, one after the other, and a list of submissions for each offer took any time.\n\n\
             | products a page | calls | seconds | of the ideal | processor, s | memory, MiB |\n|--:|--:|--:|--:|--:|--:|\n",
            latency.as_millis()
        );
        let work = self.work_on("partner-center", "products", &[("offer", offers, true)])?;
        for page in PRODUCTS_A_PAGE {
            let server = Server::start(Settings { latency, products: offers, page, ..Settings::default() })?;
            let pages = offers.div_ceil(page);
            let mut costs = Vec::new();
            for round in 0..self.scale.runs {
                eprintln!("{} of {}: pages of {page}", round + 1, self.scale.runs);
                server.forget()?;
                let mut command = contenders::own();
                command.arg("plan").arg(&work.desired).args(["--endpoint", &format!("http://{}", server.address)]);
                command.args(["--concurrency", &CONCURRENCY.to_string()]).env("CANCEL_PENDING_TOKEN", "a-token");
                costs.push(run(&mut command, &self.directory.join("output"))?);
                let Counts { submissions, others, .. } = server.counts()?;
                ensure!((others, submissions) == (pages as u64, offers as u64), "{others} pages, {submissions} lists");
            }
            let (cost, calls) = (median(&costs), pages + offers);
            let ideal = float(pages + offers.div_ceil(CONCURRENCY)) * latency.as_secs_f64();
            writeln!(
                text,
                "| {page} | {calls} | {:.3} | {:.2} | {:.2} | {:.1} |",
                cost.seconds,
                cost.seconds / ideal,
                cost.processor,
                mebibytes(cost.memory)
            )?;
        }
        Ok(text)
    }

    fn apply(&self) -> anyhow::Result<String> {
        let (cancellations, latency) = (self.scale.cancellations, self.scale.latency);
        let server = Server::start(Settings { latency, ..Settings::default() })?;
        let mut text = format!(
            "### {cancellations} cancellations, {} ms an answer, {CONCURRENCY} at once\n\nIdeal: as if nothing but the \
             answers to the calls that were made took any time. How old a read was is seen by the server: from its \
             answer to the arrival of the cancel call that rests on it.\n\n\
             | | calls each | seconds | of the ideal | oldest read at a call, ms | processor, s | memory, MiB |\n\
             |:--|--:|--:|--:|--:|--:|--:|\n",
            latency.as_millis()
        );
        for (name, answer, makes_plan) in [
            ("`apply PATHS`, answered 200", "done", true),
            ("`apply --plan FILE`, answered 200", "done", false),
            ("`apply --plan FILE`, answered 202 and followed", "accepted", false),
        ] {
            let work = self.work(answer, &[(answer, cancellations, true)])?;
            let (mut costs, mut oldest, mut calls) = (Vec::new(), 0, 0);
            for round in 0..self.scale.runs {
                eprintln!("{} of {}: {name}", round + 1, self.scale.runs);
                let (cost, counts) = self.one_apply(&work, &server, makes_plan)?;
                calls = usize::try_from(counts.answered())?;
                ensure!(counts.cancels == cancellations as u64, "{} cancel calls", counts.cancels);
                ensure!(calls <= MOST_CALLS * cancellations, "{calls} calls for {cancellations} cancellations");
                costs.push(cost);
                oldest = counts.oldest_read.max(oldest);
            }
            let (cost, each) = (median(&costs), float(calls) / float(cancellations));
            let ratio = cost.seconds / (float(calls) / float(CONCURRENCY) * latency.as_secs_f64());
            writeln!(
                text,
                "| {name} | {each:.2} | {:.3} | {ratio:.2} | {:.1} | {:.2} | {:.1} |",
                cost.seconds,
                float(usize::try_from(oldest)?) / 1_000.0,
                cost.processor,
                mebibytes(cost.memory)
            )?;
        }
        Ok(text)
    }

    /// One apply, of a plan that it makes itself or that was made before, with a journal of its own.
    fn one_apply(&self, work: &Work, server: &Server, makes_plan: bool) -> anyhow::Result<(Cost, Counts)> {
        let (journal, plan) = (self.directory.join("journal.jsonl"), self.directory.join("plan.json"));
        let _ = fs::remove_file(&journal);
        let output = self.directory.join("output");
        let portal = format!("http://{}", server.address);
        let own = |command: &str| {
            let mut own = contenders::own();
            own.arg(command).args(["--endpoint", &portal, "--concurrency", &CONCURRENCY.to_string()]);
            own.env("CANCEL_PENDING_TOKEN", "a-token");
            own
        };
        server.forget()?;
        if !makes_plan {
            run(own("plan").arg(&work.desired).arg("--out").arg(&plan), &output)?;
            server.forget()?;
        }
        let mut command = own("apply");
        command.arg("--auto-approve").arg("--journal").arg(&journal);
        if makes_plan {
            command.arg(&work.desired);
        } else {
            command.arg("--plan").arg(&plan);
        }
        let cost = run(&mut command, &output)?;
        Ok((cost, server.counts()?))
    }

    fn startup(&self) -> anyhow::Result<String> {
        let server = Server::start(Settings::default())?;
        let work = self.idle(1)?;
        let url = format!(
            "http://{}/api/publishers/contoso/offers/offer-00000/submissions/?status=running&api-version=2017-10-31",
            server.address
        );
        let version = || {
            let mut command = contenders::own();
            command.arg("--version");
            command
        };
        let curl = |arguments: &[&str]| {
            let mut command = Command::new("curl");
            command.args(arguments);
            command
        };
        let call = ["--silent", "--fail", "-H", "Authorization: Bearer a-token", url.as_str()];
        let mut commands: Vec<Named<'_>> = vec![
            ("`cancel-pending --version`", Box::new(version)),
            (
                "`cancel-pending plan` of one offer",
                Box::new(|| self.contenders()[0].command(&work, &server, CONCURRENCY)),
            ),
        ];
        if contenders::is_there("curl") {
            commands.push(("`curl --version`", Box::new(|| curl(&["--version"]))));
            commands.push(("`curl`, the same call", Box::new(|| curl(&call))));
        }
        let mut costs: Vec<Vec<Cost>> = commands.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.scale.startups {
            for ((_, command), costs) in commands.iter().zip(&mut costs) {
                costs.push(run(&mut command(), &self.directory.join("output"))?);
            }
        }
        let mut text = "### Start-up\n\n| | milliseconds | memory, MiB |\n|:--|--:|--:|\n".to_owned();
        for ((name, _), costs) in commands.iter().zip(&costs) {
            let cost = median(costs);
            writeln!(text, "| {name} | {:.1} | {:.1} |", cost.seconds * 1_000.0, mebibytes(cost.memory))?;
        }
        Ok(text)
    }

    fn growth(&self) -> anyhow::Result<String> {
        let server = Server::start(Settings::default())?;
        let own = &self.contenders()[0];
        let (few, many) = self.scale.growth;
        let works = [self.idle(few)?, self.idle(many)?];
        let mut costs = [Vec::new(), Vec::new()];
        for _ in 0..self.scale.runs {
            for (work, costs) in works.iter().zip(&mut costs) {
                costs.push(self.once(own, work, &server)?.0);
            }
        }
        let [small, large] = costs.map(|costs| median(&costs));
        let each = float(usize::try_from(large.memory.saturating_sub(small.memory))?) / float(many - few);
        let mut text = "### Growth\n\n| offers | seconds | memory, MiB |\n|--:|--:|--:|\n".to_owned();
        for (offers, cost) in [(few, small), (many, large)] {
            writeln!(text, "| {offers} | {:.3} | {:.1} |", cost.seconds, mebibytes(cost.memory))?;
        }
        let ratio = large.seconds / small.seconds;
        writeln!(text, "\n{:.2} KiB for each offer more, {ratio:.2} times the time.", each / 1024.0)?;
        Ok(text)
    }

    fn throttled(&self) -> anyhow::Result<String> {
        let (offers, rate) = self.scale.throttled;
        let server = Server::start(Settings { rate: Some(rate), ..Settings::default() })?;
        let work = self.idle(offers)?;
        let ideal = float(offers) / f64::from(rate);
        let mut text = format!(
            "### {offers} offers, a portal that allows {rate} requests a second\n\n{offers} / {rate} s are {ideal:.1} s. \
             The others keep {CONCURRENCY} at once; each of their requests waits for its own `Retry-After`.\n\n\
             | | seconds | answers 429 |\n|:--|--:|--:|\n"
        );
        for who in self.contenders().iter().filter(|who| !who.is_shell && who.missing.is_none()) {
            // The bucket of the one before must not be the start of the next.
            std::thread::sleep(Duration::from_millis(1_100));
            eprintln!("{}", who.name);
            let (cost, counts, _) = self.once(who, &work, &server)?;
            writeln!(text, "| {} | {:.1} | {} |", who.name, cost.seconds, counts.throttled)?;
        }
        Ok(text)
    }

    #[expect(clippy::unused_self, reason = "it is one of the tables")]
    fn size(&self) -> anyhow::Result<String> {
        let size = fs::metadata(env!("CARGO_BIN_EXE_cancel-pending"))?.len();
        Ok(format!("### Size\n\nThe program as built for this run: {:.2} MiB.\n", mebibytes(size)))
    }
}

fn row(text: &mut String, who: &Contender, offers: usize, cost: &Cost, figures: &[String]) -> anyhow::Result<()> {
    if let Some(missing) = &who.missing {
        writeln!(text, "| {} | not measured: {missing} |{}", who.name, " |".repeat(figures.len() + 2))?;
        return Ok(());
    }
    let (processor, memory) = (cost.processor, mebibytes(cost.memory));
    writeln!(text, "| {} | {offers} | {} | {processor:.2} | {memory:.1} |", who.name, figures.join(" | "))?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of offers, and bytes in the millions")]
fn float(count: usize) -> f64 {
    count as f64
}

fn mebibytes(bytes: u64) -> f64 {
    float(usize::try_from(bytes).unwrap_or(usize::MAX)) / (1024.0 * 1024.0)
}
