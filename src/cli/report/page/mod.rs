//! The report of a run: one self-contained HTML file next to its logs.

mod timeline;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::Unwritten;
use super::feed::Listener;
use super::history;
use super::names;
use super::story::{self, StageStory, Story};
use super::view::short;
use crate::run::events::{Event, ImageSeen, Phase, Plan, TimedEvent};
use crate::run::status::{ClusterStatus, ProblemStatus};
use crate::run::{Failure, Outcome};
use crate::system::files;
use timeline::{StageRow, Tick};

/// Number of earlier runs to compare durations with.
const EARLIER: usize = 12;

/// Writes the report when the run has ended.
pub struct PageOf {
    logs: PathBuf,
    unwritten: Arc<Unwritten>,
    story: Story,
}

impl PageOf {
    /// Makes a listener for a run whose logs are in this directory.
    pub fn new(logs: &Path, unwritten: &Arc<Unwritten>) -> Self {
        PageOf { logs: logs.to_path_buf(), unwritten: Arc::clone(unwritten), story: Story::default() }
    }
}

/// Writes the report of a run and returns its path.
pub(super) fn write(logs: &Path, story: &Story) -> io::Result<PathBuf> {
    let names = files::list(logs).unwrap_or_default();
    let page = Page::of(story, &history::earlier(logs, story, EARLIER), &names);
    let at = names::page(logs, &story.begun.run);
    files::replace(
        &at,
        &at.with_extension("new"),
        render("run.html", include_str!("run.html.j2"), &page).as_bytes(),
        0o600,
    )?;
    Ok(at)
}

impl Listener for PageOf {
    fn hear(&mut self, said: &TimedEvent) {
        self.story.hear(said);
        if matches!(said.event, Event::RunEnded { .. }) {
            // On a full disk only the report is lost.
            self.unwritten.note("the report of this run", write(&self.logs, &self.story).map(drop));
        }
    }
}

/// The variables of the template.
#[derive(Debug, Serialize)]
struct Page<'a> {
    run: &'a str,
    verb: &'a str,
    cluster: &'a str,
    target: &'a str,
    region: &'a str,
    began: String,
    took: String,
    verdict: &'static str,
    class: &'static str,
    error: &'a str,
    versions: &'a BTreeMap<String, String>,
    ticks: Vec<Tick>,
    rows: Vec<StageRow>,
    failures: Vec<Failed<'a>>,
    plans: Vec<Planned<'a>>,
    /// The images, each with whether it was built.
    images: Vec<(&'a ImageSeen, bool)>,
    notices: &'a [(String, String)],
    observed: Option<Observed<'a>>,
    earlier: usize,
    logs: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Failed<'a> {
    stage: &'a str,
    failure: &'a Failure,
    log: Option<String>,
}

#[derive(Debug, Serialize)]
struct Planned<'a> {
    stage: &'a str,
    plan: &'a Plan,
    /// Terraform's sign, the action's name, the resource and why it changes.
    changes: Vec<(&'static str, String, &'a str, String)>,
}

/// The cluster as it was observed last, as tables with their heads.
#[derive(Debug, Serialize)]
struct Observed<'a> {
    problems: &'a [ProblemStatus],
    tables: [Vec<Vec<String>>; 4],
}

impl<'a> Observed<'a> {
    fn of(status: &'a ClusterStatus) -> Self {
        let tables = [status.machines_table(), status.etcd_table(), status.disks_table(), status.sources_table()];
        Observed { problems: &status.problems, tables }
    }
}

impl<'a> Page<'a> {
    fn of(story: &'a Story, earlier: &[Story], files: &'a [String]) -> Self {
        let begun = &story.begun;
        let (code, error) = story.ended.as_ref().map_or((1, ""), |(code, error)| (*code, error));
        let (verdict, class) = match code {
            0 => ("done", "good"),
            3 => ("changes needed", "warn"),
            5 if story.phase == Phase::Review => ("not verified", "warn"),
            5 => ("created, but not verified", "warn"),
            6 => ("done, output incomplete", "warn"),
            130 => ("interrupted", "warn"),
            story::KILLED => ("killed", "bad"),
            _ => ("failed", "bad"),
        };
        let own = format!("{}-", begun.run);
        Page {
            run: &begun.run,
            verb: &begun.verb,
            cluster: &begun.cluster,
            target: &begun.target,
            region: &begun.region,
            began: began(&begun.run),
            took: short(story.to - story.from),
            verdict,
            class,
            error,
            versions: &begun.versions,
            ticks: timeline::ticks(story.to - story.from),
            rows: story.stages.iter().map(|stage| timeline::row(story, stage, earlier)).collect(),
            failures: story.stages.iter().filter_map(failed).collect(),
            plans: story.stages.iter().filter_map(planned).collect(),
            images: story
                .stages
                .iter()
                .filter_map(|stage| Some((stage.image.as_ref()?, built(story, stage))))
                .collect(),
            notices: &story.notices,
            observed: story.observed.as_ref().map(Observed::of),
            earlier: earlier.len(),
            logs: files
                .iter()
                .map(String::as_str)
                .filter(|name| name.starts_with(&own) && name.ends_with(".log"))
                .collect(),
        }
    }
}

/// Renders an HTML page from a template.
///
/// # Panics
/// If the template is wrong.
pub fn render(name: &str, template: &str, variables: impl Serialize) -> String {
    // The suffix .html makes minijinja escape everything.
    debug_assert!(name.ends_with(".html"));
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    let added = environment.add_template(name, template);
    let rendered = added.and_then(|()| environment.get_template(name)?.render(variables));
    rendered.unwrap_or_else(|e| panic!("{name}: {e:#}"))
}

/// Returns the time in the name of a run: `2026-11-24 13:30:00 UTC` for `20261124T133000Z-4711`.
fn began(run: &str) -> String {
    let part = |from: usize, to: usize| run.get(from..to).unwrap_or("");
    format!("{}-{}-{} {}:{}:{} UTC", part(0, 4), part(4, 6), part(6, 8), part(9, 11), part(11, 13), part(13, 15))
}

fn built(story: &Story, stage: &StageStory) -> bool {
    story.phase == Phase::Work && matches!(stage.outcome, Some(Outcome::Done(_)))
}

fn failed(stage: &StageStory) -> Option<Failed<'_>> {
    let Some(Outcome::Failed(failure) | Outcome::Unseen(failure)) = &stage.outcome else { return None };
    let log = failure.log.as_ref().and_then(|log| Some(log.file_name()?.to_string_lossy().into_owned()));
    Some(Failed { stage: &stage.id, failure, log })
}

fn planned(stage: &StageStory) -> Option<Planned<'_>> {
    let plan = stage.plan.as_ref()?;
    let change = |change: &'_ crate::tools::plan::Change| {
        (change.doing.sign(), format!("{:?}", change.doing).to_lowercase(), change.why())
    };
    let changes = plan.changes.iter().map(|one| {
        let (sign, action, why) = change(one);
        (sign, action, one.address.as_str(), why)
    });
    Some(Planned { stage: &stage.id, plan, changes: changes.collect() })
}
