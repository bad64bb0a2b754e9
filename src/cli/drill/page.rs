//! The page of a drill: one HTML file that explains itself to who sees nothing else.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::chart::{COLOURS, Chart};
use super::moved;
use crate::cli::error::CommandError;
use crate::cli::report::render;
use crate::cluster::fault::{CLIENT_PATIENCE, Fault, Prediction, Term, predict, seconds as exact};
use crate::cluster::timing::Timers;
use crate::cluster::{Cluster, Role, Synchronous};
use crate::drill::{DrillReport, FaultReport, Spread, TrialReport, UNNOTICED_MS, seconds};
use crate::system::files::{self, FileKind};
use crate::system::process;

/// How each page begins. A file that does not is not pgherd's, and is never replaced.
const MARK: &str = "<!doctype html>\n<!-- pgherd drill -->\n";
/// Anyone may read it: it has no secret.
const MODE: u32 = 0o644;

/// The file of the page.
#[derive(Debug)]
pub struct PageFile(PathBuf);

impl PageFile {
    /// Chooses a file. Nothing is written yet.
    ///
    /// # Errors
    /// If something is there that is not a page of a drill, or there is no such directory.
    pub fn at(path: PathBuf) -> Result<Self, CommandError> {
        let shown = path.display();
        let is_named = path.file_name().is_some();
        match files::look(&path).map_err(CommandError::unwritable(&path))? {
            Some(found) if !is_page(&found) => Err(CommandError::usage(format!(
                "{shown} exists and is not a page of `pgherd drill`, so it is not overwritten: name another file with --page"
            ))),
            _ if !is_named || !path.parent().is_some_and(files::is_dir) => Err(CommandError::usage(format!(
                "{shown} is in no directory that exists: create it, or name another file with --page"
            ))),
            _ => Ok(PageFile(path)),
        }
    }

    /// Replaces the page. Readers see the old one or the new one.
    ///
    /// # Errors
    /// If something else is there by now.
    pub fn write(&self, html: &str) -> io::Result<()> {
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        let temporary = self.0.with_file_name(format!(".{name}.pgherd-{}", process::myself().pid));
        match files::look(&self.0)? {
            None => {
                files::write_new(&temporary, html.as_bytes(), MODE)?;
                files::rename_new(&temporary, &self.0).inspect_err(|_| drop(files::remove(&temporary)))
            }
            Some(found) if is_page(&found) => files::replace(&self.0, &temporary, html.as_bytes(), MODE),
            Some(_) => Err(io::Error::other("it is no longer a page of `pgherd drill`")),
        }
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

fn is_page((kind, bytes): &(FileKind, Vec<u8>)) -> bool {
    matches!(kind, FileKind::File { .. }) && bytes.starts_with(MARK.as_bytes())
}

/// How far a drill is.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// It goes on.
    Running {
        /// The number of trials that it is to make, if that is known.
        of: Option<usize>,
    },
    /// It has ended.
    Ended {
        /// What ended it early, or what it found; empty if the cluster kept its word.
        error: &'a str,
    },
}

/// Renders the page.
pub fn html(report: &DrillReport, cluster: &Cluster, progress: Progress<'_>) -> String {
    MARK.to_string() + &render("drill.html", include_str!("page.html.j2"), DrillPage::of(report, cluster, progress))
}

/// The variables of the template.
#[derive(Debug, Serialize)]
struct DrillPage<'a> {
    report: &'a DrillReport,
    began: String,
    verdict: &'static str,
    class: &'static str,
    said: String,
    trials: usize,
    facts: Vec<(&'static str, String)>,
    machines: Vec<(String, String)>,
    /// How long a client waits, in seconds.
    patience: u32,
    unnoticed: String,
    faults: Vec<FaultOnPage<'a>>,
}

#[derive(Debug, Serialize)]
struct FaultOnPage<'a> {
    name: &'a str,
    title: &'a str,
    verdict: String,
    class: &'static str,
    trials: usize,
    /// Least, median and greatest, and the bound.
    writes: (String, String),
    reads: (String, String),
    stalest: (String, String),
    lost: usize,
    phantoms: usize,
    former: usize,
    errors: usize,
    healthy: String,
    prediction: Option<Predicted>,
    each: Vec<TrialOnPage>,
}

/// What `check` predicts, in words.
#[derive(Debug, Serialize)]
struct Predicted {
    writes: String,
    reads: String,
    because: &'static str,
    terms: Vec<(Term, String)>,
}

#[derive(Debug, Serialize)]
struct TrialOnPage {
    number: usize,
    is_open: bool,
    class: &'static str,
    broken: Vec<String>,
    summary: String,
    facts: Vec<(&'static str, String)>,
    chart: Option<Chart>,
    moments: Vec<(String, String, String, bool)>,
    errors: Vec<(String, usize, String)>,
}

impl<'a> DrillPage<'a> {
    fn of(report: &'a DrillReport, cluster: &Cluster, progress: Progress<'_>) -> Self {
        let machines: Vec<String> = cluster.databases().map(|machine| machine.name.clone()).collect();
        let timers = Timers::of(cluster);
        let made: usize = report.faults.iter().map(|fault| fault.trials.len()).sum();
        let held = report.faults.iter().all(|fault| fault.held);
        let (verdict, class, said) = match progress {
            Progress::Running { of } => (
                "running",
                "warn",
                match of {
                    Some(of) => format!("This drill is running, or was killed: {made} of {of} trials are here so far."),
                    None => format!("This drill is running, or was killed: {made} trials are here so far."),
                },
            ),
            Progress::Ended { error } if report.held && error.is_empty() => (
                "kept its word",
                "good",
                "The cluster kept its word in every trial: no bound was exceeded, and no acknowledged row was lost."
                    .into(),
            ),
            Progress::Ended { error } if held => ("ended early", "warn", format!("This drill ended early: {error}")),
            Progress::Ended { error } => ("did not keep its word", "bad", error.to_string()),
        };
        let colours = (0..).map(|index| format!("m{}", index % COLOURS));
        DrillPage {
            began: report
                .began
                .replace('T', " ")
                .trim_end_matches('Z')
                .split('.')
                .next()
                .unwrap_or_default()
                .to_string()
                + " UTC",
            verdict,
            class,
            said,
            trials: made,
            facts: facts(report, cluster, &timers),
            patience: CLIENT_PATIENCE / 1000,
            unnoticed: seconds(UNNOTICED_MS),
            faults: report.faults.iter().map(|fault| FaultOnPage::of(fault, &timers, &machines)).collect(),
            machines: machines.iter().cloned().zip(colours).collect(),
            report,
        }
    }
}

/// Returns where and on what the drill was made.
fn facts(report: &DrillReport, cluster: &Cluster, timers: &Timers) -> Vec<(&'static str, String)> {
    let host = &report.host;
    let (load, memory) = (host.load_hundredths as f64 / 100.0, host.memory_mib as f64 / 1024.0);
    let here = if report.target == "lab" { "; the cluster's machines run on it, too" } else { "" };
    let machine = format!(
        "{} processors, {memory:.1} GiB of memory, Linux {}; load {load:.1} at the beginning{here}",
        host.processors, host.kernel
    );
    let versions: Vec<String> = report.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let count = |role: Role| cluster.machines_of(role).count();
    let commits = match timers.synchronous {
        Synchronous::Off => "a commit waits for no standby (asynchronous)",
        Synchronous::On => "a commit waits for a standby while there is one (synchronous)",
        Synchronous::Strict => "a commit waits for a standby even while there is none (strict)",
    };
    let haproxies = match count(Role::Haproxy) {
        1 => "1 HAProxy".to_string(),
        n => format!("{n} HAProxies"),
    };
    let shape = format!(
        "{} databases, {haproxies}; {commits}; Patroni's ttl {} s, loop_wait {} s, retry_timeout {} s",
        cluster.databases().count(),
        timers.ttl,
        timers.loop_wait,
        timers.retry_timeout
    );
    let order = report.seed.map(|seed| ("order", format!("random faults; --seed {seed} repeats their order")));
    let facts = [
        ("blueprint", format!("{} (cluster {})", report.blueprint, report.cluster)),
        ("cluster", shape),
        ("pgherd ran on", machine),
        ("versions", versions.join(", ")),
    ];
    facts.into_iter().chain(order).collect()
}

impl<'a> FaultOnPage<'a> {
    fn of(fault: &'a FaultReport, timers: &Timers, machines: &[String]) -> Self {
        let broken = fault.trials.iter().filter(|trial| !trial.broken().is_empty()).count();
        let unhealed = fault.trials.iter().filter(|trial| trial.healthy_after_ms.is_none()).count();
        let of_a_client = |trial: &TrialReport| trial.errors.values().map(|one| one.values().sum()).max().unwrap_or(0);
        let staleness = fault.trials.iter().map(|trial| trial.staleness_bound_ms).min().flatten();
        let worst = fault.trials.iter().max_by_key(|t| (!t.broken().is_empty(), t.writes_stopped_ms)).map(|t| t.trial);
        FaultOnPage {
            name: &fault.fault,
            title: &fault.title,
            verdict: if broken == 0 { "held".into() } else { format!("not held in {broken}") },
            class: if broken == 0 { "good" } else { "bad" },
            trials: fault.trials.len(),
            writes: (spread(fault.writes_stopped_ms), bound(fault.bound_ms)),
            reads: (spread(fault.reads_stopped_ms), bound(fault.reads_bound_ms)),
            stalest: (seconds(fault.stalest_ms), bound(staleness)),
            lost: fault.lost,
            phantoms: fault.phantoms,
            former: fault.two_primaries,
            errors: fault.trials.iter().map(of_a_client).max().unwrap_or_default(),
            healthy: if unhealed == 0 { seconds(fault.healthy_after_ms.max) } else { format!("not in {unhealed}") },
            prediction: Fault::named(&fault.fault).map(|fault| Predicted::of(predict(timers, fault))),
            each: fault.trials.iter().map(|trial| TrialOnPage::of(trial, worst, machines)).collect(),
        }
    }
}

impl Predicted {
    fn of(prediction: Prediction) -> Self {
        let words = |terms: &[Term], until: Option<&str>| {
            let sum: u32 = terms.iter().map(|term| term.ms).sum();
            let names: Vec<String> = terms.iter().map(|term| format!("{} {}", term.name, exact(term.ms))).collect();
            match (until, sum) {
                (None, 0) => "do not stop".to_string(),
                (None, sum) => format!("stop for {} at most: {}", exact(sum), names.join(" + ")),
                (Some(until), 0) => format!("stop until {until}"),
                (Some(until), sum) => {
                    format!("stop until {until}, and {} more at most: {}", exact(sum), names.join(" + "))
                }
            }
        };
        let mut terms: Vec<(Term, String)> = vec![];
        for term in prediction.outage.iter().chain(&prediction.reads.outage) {
            if terms.iter().all(|(known, _)| known.name != term.name) {
                terms.push((*term, exact(term.ms)));
            }
        }
        Predicted {
            writes: words(&prediction.outage, prediction.until),
            reads: words(&prediction.reads.outage, prediction.reads.until),
            because: prediction.because,
            terms,
        }
    }
}

impl TrialOnPage {
    fn of(trial: &TrialReport, worst: Option<usize>, machines: &[String]) -> Self {
        let broken = trial.broken();
        let primary = match trial.primary_before == trial.primary_after {
            true => format!("{} throughout", trial.primary_after),
            false if trial.primary_after.is_empty() => format!("{} before, none after", trial.primary_before),
            false => format!("{} before, {} after", trial.primary_before, trial.primary_after),
        };
        let against = |ms: u64, most: Option<u64>| format!("{}; bound: {}", seconds(ms), bound(most));
        let mut facts = vec![
            ("harmed", trial.machines.join(", ")),
            (
                "the fault lasted",
                if trial.lasted_ms == 0 { "no time: it was over at once".into() } else { seconds(trial.lasted_ms) },
            ),
            ("primary", primary),
            ("writes stopped", against(trial.writes_stopped_ms, trial.bound_ms)),
            ("reads stopped", against(trial.reads_stopped_ms, trial.reads_bound_ms)),
            ("oldest read", against(trial.stalest_ms, trial.staleness_bound_ms)),
            ("rows", format!("{} acknowledged, {} reads", trial.acknowledged, trial.reads)),
            (
                "healthy again",
                trial.healthy_after_ms.map_or("not within five minutes".into(), |ms| {
                    format!("{} after the end of the fault", seconds(ms))
                }),
            ),
        ];
        facts.extend(trial.stalest_machine.iter().map(|machine| ("the oldest read came from", machine.clone())));
        let moments = trial.timeline.iter().flat_map(|timeline| &timeline.moments).map(|moment| {
            let (what, now) = moved::words(&moment.movement);
            (moved::at(moment.at_ms), what, now, moved::is_event(&moment.movement))
        });
        let errors = trial
            .errors
            .iter()
            .flat_map(|(client, all)| all.iter().map(move |(what, count)| (client.clone(), *count, what.clone())));
        TrialOnPage {
            number: trial.trial,
            is_open: worst == Some(trial.trial),
            class: if broken.is_empty() { "good" } else { "bad" },
            broken,
            summary: format!(
                "writes stopped for {}, reads for {}",
                seconds(trial.writes_stopped_ms),
                seconds(trial.reads_stopped_ms)
            ),
            facts,
            chart: trial.timeline.as_ref().map(|timeline| Chart::of(trial, timeline, machines)),
            moments: moments.collect(),
            errors: errors.collect(),
        }
    }
}

fn bound(ms: Option<u64>) -> String {
    match ms {
        None => "until it is repaired".into(),
        Some(0) => "not at all".into(),
        Some(ms) => seconds(ms),
    }
}

fn spread(figures: Spread) -> String {
    match figures.min == figures.max {
        true => seconds(figures.max),
        false => format!("{} / {} / {}", seconds(figures.min), seconds(figures.median), seconds(figures.max)),
    }
}

#[cfg(test)]
mod tests;
