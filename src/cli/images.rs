//! `pgherd images`: lists images, and removes those that are no longer needed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::args::{self, ImagesVerb};
use super::error::{CommandError, ErrorKind};
use super::need::Need;
use super::report::{Report, Style};
use super::session::Session;
use crate::run::image;
use crate::run::{Consent, IgnoreEvents, Options, Outcome, Runner};
use crate::system::{Context, clock, files, terminal};
use crate::tools::aws::{self, Ami, BaseQuery};

/// From this similarity on, 0 to 1, a word that is no file counts as a misspelt verb. clap proposes verbs from 0.7 on.
const LIKE_A_VERB: f64 = 0.7;

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: &args::ImagesArgs) -> Result<(), CommandError> {
    match (&options.verb, &options.place) {
        (Some(ImagesVerb::Prune(prune)), _) => remove(context, report, prune),
        (None, Some(place)) => {
            refuse_misspelt_verb(context, &place.blueprint)?;
            let session = Session::open(context, report, place, Need::Location)?;
            session.require_credentials()?;
            session.work.make_private_dir()?;
            let found = find(&session)?;
            if found.is_empty() {
                report.line("There are no images.");
                return Ok(());
            }
            report.table(&table(context.now, &found));
            for line in newest(context.now, &found, session.loaded.cluster.blueprint.image.max_age_days) {
                report.line(&line);
            }
            Ok(())
        }
        (None, None) => Err(CommandError::usage("write the cluster's blueprint: `pgherd images BLUEPRINT`")),
    }
}

/// Fails if the word that should name a blueprint is most likely meant as the verb `prune`.
fn refuse_misspelt_verb(context: &Context, word: &Path) -> Result<(), CommandError> {
    let likeness = strsim::jaro(&word.to_string_lossy(), "prune");
    if likeness < LIKE_A_VERB || files::exists(&context.path(word)) {
        return Ok(());
    }
    Err(CommandError::usage(format!(
        "`{}` is neither a blueprint nor a verb of `images`\n  did you mean `pgherd images prune BLUEPRINT --keep N`?",
        word.display()
    )))
}

/// An image, who uses it, and what it is based on.
struct ListedImage {
    ami: Ami,
    /// The machines that were started from it.
    users: Vec<String>,
    /// Whether it is the image of the current blueprint.
    current: bool,
    /// Its base image, and a newer one if there is one.
    base: String,
}

impl ListedImage {
    fn used(&self) -> String {
        let current = self.current.then(|| "current".to_string());
        let words: Vec<String> = current.into_iter().chain(self.users.iter().cloned()).collect();
        if words.is_empty() { "-".into() } else { words.join(", ") }
    }
}

/// Returns all images of the cluster, sorted by role, newest first.
fn find(session: &Session<'_>) -> Result<Vec<ListedImage>, CommandError> {
    let cluster = &session.loaded.cluster;
    let runner = session.runner(&IgnoreEvents, &|_, _| Consent::No, Options::default());
    let images = asked_for(session, runner.find_images(&session.aws(aws::images_of(&cluster.region, cluster.tag()))))?;
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if !images.is_empty() {
        let ids: Vec<&str> = images.iter().map(|ami| ami.id.as_str()).collect();
        for (ami, machine) in asked_for(session, runner.find_users(&session.aws(aws::users_of(&cluster.region, &ids))))?
        {
            users.entry(ami).or_default().push(machine);
        }
    }
    let bases = newest_bases(session, &runner)?;
    let current = |ami: &Ami| session.pipeline.images().any(|(_, image)| image.name == ami.name);
    let found = |ami: Ami| ListedImage {
        users: users.remove(&ami.id).unwrap_or_default(),
        current: current(&ami),
        base: base(&ami, bases.get(&ami.role)),
        ami,
    };
    let mut found: Vec<ListedImage> = images.into_iter().map(found).collect();
    found.sort_by(|a, b| (&a.ami.role, &b.ami.created).cmp(&(&b.ami.role, &a.ami.created)));
    Ok(found)
}

/// Returns the newest base image of each role.
fn newest_bases(session: &Session<'_>, runner: &Runner<'_>) -> Result<BTreeMap<String, Ami>, CommandError> {
    let mut newest = BTreeMap::new();
    let mut asked: Vec<(BaseQuery, Option<Ami>)> = vec![];
    for (_, image) in session.pipeline.images() {
        let known = asked.iter().find(|(base, _)| *base == image.base).map(|(_, ami)| ami.clone());
        let ami = match known {
            Some(ami) => ami,
            None => {
                let find = session.aws(aws::find_base(&session.loaded.cluster.region, &image.base));
                let found = asked_for(session, runner.find_images(&find))?;
                let ami = aws::newest(found.iter()).cloned();
                asked.push((image.base.clone(), ami.clone()));
                ami
            }
        };
        newest.extend(ami.map(|ami| (image.role.clone(), ami)));
    }
    Ok(newest)
}

fn base(ami: &Ami, newest: Option<&Ami>) -> String {
    match (ami.base(), newest) {
        (None, _) => "-".into(),
        (Some((id, _)), Some(newest)) if id != newest.id => format!("{id}, now {}", newest.id),
        (Some((id, _)), _) => id.into(),
    }
}

fn table(now: SystemTime, found: &[ListedImage]) -> Vec<Vec<String>> {
    let mut rows = vec![["role", "hash", "age", "image", "state", "base", "use"].map(String::from).to_vec()];
    for one in found {
        let ami = &one.ami;
        let age = clock::unstamp(&ami.created).map_or("-".to_string(), |made| age(now, made));
        let known = [&ami.role, &ami.hash, &age, &ami.id, &ami.state, &one.base, &one.used()];
        rows.push(known.map(String::clone).to_vec());
    }
    rows
}

/// Returns lines about the newest image of each role: its package versions, and its age if it is too old.
fn newest(now: SystemTime, found: &[ListedImage], max_age_days: u32) -> Vec<String> {
    let mut lines = vec![];
    let mut before = "";
    for ListedImage { ami, .. } in found.iter().filter(|one| one.ami.is_available()) {
        if ami.role == before {
            continue;
        }
        before = &ami.role;
        if let Some(versions) = ami.tags.get(aws::VERSIONS) {
            lines.push(format!("{}: {} contains {versions}", ami.role, ami.id));
        }
        if let Some(old) = image::aged(ami, now, max_age_days) {
            lines.push(format!("{}: {old}; rebuild it with `pgherd run --rebuild {}`", ami.role, ami.role));
        }
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

fn age(now: SystemTime, made: SystemTime) -> String {
    let minutes = now.duration_since(made).unwrap_or_default().as_secs() / 60;
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

/// Returns the images to remove: all but the newest `keep` of each role, those in use, and those of the current blueprint.
fn superfluous(found: Vec<ListedImage>, keep: usize) -> Vec<ListedImage> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut goes = |one: &ListedImage| {
        let nth = seen.entry(one.ami.role.clone()).or_default();
        *nth += 1;
        *nth > keep && one.users.is_empty() && !one.current
    };
    found.into_iter().filter(|one| goes(one)).collect()
}

fn remove(context: &Context, report: &Arc<Report>, options: &args::PruneArgs) -> Result<(), CommandError> {
    let mut session = Session::open(context, report, &options.place, Need::Location)?;
    session.require_credentials()?;
    let asks = session.is_aws() && !options.yes;
    if asks && !terminal::can_ask() {
        return Err(CommandError::usage(
            "this removes images from AWS, and there is no terminal to ask for confirmation; add --yes",
        ));
    }
    let _lock = session.begin()?;
    let done = remove_found(context, &session, options, asks);
    session.end(done.is_ok());
    done
}

fn remove_found(
    context: &Context,
    session: &Session<'_>,
    options: &args::PruneArgs,
    asks: bool,
) -> Result<(), CommandError> {
    let report = &session.report;
    let goes = superfluous(find(session)?, options.keep.into());
    if goes.is_empty() {
        report.line("There are no images to remove.");
        return Ok(());
    }
    report.table(&table(context.now, &goes));
    let question = format!("Remove these {} images and their snapshots? Type `yes` to continue:", goes.len());
    if asks && session.ask(&question)? != "yes" {
        return Err(CommandError::Text(ErrorKind::Failed, "aborted; nothing was removed".into()));
    }
    let images: Vec<Ami> = goes.into_iter().map(|one| one.ami).collect();
    let runner = session.runner(&IgnoreEvents, &|_, _| Consent::No, Options::default());
    match runner.remove_images(&images, &|args| session.aws(args), &session.loaded.cluster.region) {
        Outcome::Done(what) => {
            report.line(&what);
            Ok(())
        }
        outcome => asked_for(session, Err(outcome)),
    }
}

/// Returns what AWS answered, or prints why it did not and returns the error.
fn asked_for<T>(session: &Session<'_>, answer: Result<T, Outcome>) -> Result<T, CommandError> {
    answer.map_err(|outcome| match outcome {
        Outcome::Failed(failure) => {
            session.report.note(&format!("images  {}  {}", session.report.on_err(Style::Bad, "failed"), failure.what));
            session.report.stage_failure(&failure);
            CommandError::Text(ErrorKind::Failed, failure.what)
        }
        _ => CommandError::interrupted(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(role: &str, id: &str, users: &[&str], current: bool) -> ListedImage {
        let ami = Ami { id: id.into(), role: role.into(), ..Ami::default() };
        ListedImage { ami, users: users.iter().map(|user| user.to_string()).collect(), current, base: String::new() }
    }

    #[test]
    fn what_is_used_current_or_new_stays() {
        let found = vec![
            image("master", "new", &[], false),
            image("master", "newer", &[], false),
            image("master", "used", &["slave1"], false),
            image("master", "current", &[], true),
            image("master", "old", &[], false),
            image("slave", "only", &[], false),
        ];
        let goes: Vec<String> = superfluous(found, 2).into_iter().map(|one| one.ami.id).collect();
        assert_eq!(goes, ["old"]);
    }
}
