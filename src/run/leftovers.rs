//! Removes what a killed Packer left in AWS, before its image is built again.

use std::sync::PoisonError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::journal::{self, Entry};
use super::log::Log;
use super::room::MAKE_ROOM;
use super::runner::Runner;
use super::under::{RunningStage, Stop};
use crate::pipeline::ImageWork;
use crate::system::{clock, files};
use crate::tools::leftovers::{self, Leftover, LeftoverKind};
use crate::tools::packer;
use crate::tools::tagged::Tagged;

/// No build takes this long, so anything older is abandoned.
const ABANDONED: Duration = Duration::from_secs(2 * 3600);
/// The largest assumed difference between AWS's clock and ours.
const SKEW: Duration = Duration::from_secs(300);

impl RunningStage<'_> {
    /// Removes what earlier builds of an image left. A younger builder that no run of ours left may belong to somebody else, so it is
    /// reported and kept.
    pub fn sweep(&mut self, image: &ImageWork) -> Result<(), Stop> {
        let runner = self.runner;
        let left: Vec<_> = runner.unfinished().iter().filter(|entry| entry.stage == self.stage).collect();
        let builds: Vec<_> = left.iter().filter(|entry| entry.what == packer::BUILD).collect();
        let since = builds.iter().filter_map(|entry| clock::unstamp(&entry.at)).min();
        let names: Vec<String> = builds.iter().flat_map(|entry| self.names_of(entry)).collect();
        let builder = &image.builder;
        let tagged = self.tagged()?;
        let mut questions = vec![
            (LeftoverKind::Machine, builder.machines()),
            (LeftoverKind::Group, builder.groups()),
            (LeftoverKind::Key, builder.keys()),
            (LeftoverKind::Volume, builder.volumes()),
            (LeftoverKind::Image, builder.images(&image.name)),
        ];
        if !names.is_empty() {
            questions.extend([
                (LeftoverKind::Group, builder.groups_named(&names)),
                (LeftoverKind::Key, builder.keys_named(&names)),
            ]);
        }
        let mut things: Vec<Leftover> = vec![];
        let mut theirs: Vec<Leftover> = vec![];
        let mut complete = true;
        for (kind, args) in questions {
            let may_be = match kind {
                // Packer tags it last.
                LeftoverKind::Image => half_made(runner, image),
                _ => tagged.as_ref().is_none_or(|tagged| tagged.may_have(builder, kind)),
            };
            // Each question takes about a second. The tags may not yet show what a build of ours left.
            if since.is_none() && !may_be {
                continue;
            }
            let captured = self.capture(&runner.setup.pipeline.aws(args))?;
            let found = leftovers::read(builder, &names, kind, &captured.stdout);
            let (true, Ok(found)) = (captured.exit.ok(), found) else {
                self.notice(&format!("cannot search for a {} that a killed build left. See the log", kind.word()));
                complete = false;
                continue;
            };
            let (ours, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|thing| is_left(thing, since));
            things.extend(ours);
            theirs.extend(others);
        }
        let used: Vec<String> = theirs.iter().flat_map(|thing| &thing.with).map(|part| part.id.clone()).collect();
        for thing in theirs.iter().filter(|thing| thing.kind == LeftoverKind::Machine) {
            self.notice(&format!("{} is running, perhaps for another pgherd. It was kept", thing.id));
        }
        let parts: Vec<Leftover> = things.iter().flat_map(|thing| thing.with.clone()).collect();
        things.extend(parts);
        things.retain(|thing| !used.contains(&thing.id));
        things.sort();
        things.dedup_by(|a, b| (a.kind, &a.id) == (b.kind, &b.id));
        for thing in &things {
            complete &= self.remove(image, thing)?;
        }
        let alone = !theirs.is_empty();
        if alone {
            self.remember(&left)?;
        }
        if complete {
            let over = left.iter().filter(|entry| !(alone && entry.what == journal::SEEN));
            over.for_each(|entry| runner.setup.journal.settle(entry, journal::SETTLED));
        }
        Ok(())
    }

    /// Returns the names of what a build of ours created, as its log lists them.
    fn names_of(&self, build: &Entry) -> Vec<String> {
        let log = Log::path_in(self.log.path().parent().unwrap_or(self.log.path()), &build.run, &build.stage);
        files::read_text(&log).ok().flatten().map_or(vec![], |text| leftovers::names_in(&text))
    }

    /// Makes the next run search again for what was kept, even if it has no image to build.
    fn remember(&mut self, left: &[&Entry]) -> Result<(), Stop> {
        let journal = &self.runner.setup.journal;
        if left.iter().any(|entry| entry.what == journal::SEEN) {
            return Ok(());
        }
        let seen = journal.begun(self.stage, journal::SEEN);
        seen.map_err(|e| self.failure(format!("cannot write the journal: {e}"), MAKE_ROOM))?;
        journal.ended(self.stage, journal::SEEN, "left alone");
        Ok(())
    }

    /// Returns what has the cluster's tag, or `None` if AWS does not return it. Asks once per run.
    pub fn tagged(&mut self) -> Result<Option<Tagged>, Stop> {
        let runner = self.runner;
        let mut known = runner.setup.answers.tagged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref() {
            return Ok(known.clone());
        }
        let pipeline = runner.setup.pipeline;
        let ask = Tagged::ask(&pipeline.region, &pipeline.tag, &pipeline.cluster);
        let captured = self.capture(&pipeline.aws(ask))?;
        let tagged =
            Tagged::read(&pipeline.tag, &pipeline.cluster, &captured.stdout).ok().filter(|_| captured.exit.ok());
        if tagged.is_none() {
            self.notice("cannot ask AWS for resources with the cluster's tag (ec2:DescribeTags). See the log");
        }
        Ok(known.insert(tagged).clone())
    }

    fn remove(&mut self, image: &ImageWork, thing: &Leftover) -> Result<bool, Stop> {
        for args in image.builder.removal(thing) {
            let exit = self.run(&self.runner.setup.pipeline.aws(args), |_| {})?;
            if !exit.ok() {
                self.notice(&format!(
                    "cannot remove the {} {} of a killed build. See the log",
                    thing.kind.word(),
                    thing.id
                ));
                return Ok(false);
            }
        }
        self.notice(&format!("removed the {} {} of a killed build", thing.kind.word(), thing.id));
        Ok(true)
    }
}

/// Returns whether an image may be incomplete, judging by the images that were already listed.
fn half_made(runner: &Runner<'_>, image: &ImageWork) -> bool {
    let found = runner.setup.answers.images.lock().unwrap_or_else(PoisonError::into_inner);
    found.as_ref().is_none_or(|found| found.iter().any(|ami| ami.name == image.name && !ami.is_whole()))
}

fn is_left(thing: &Leftover, since: Option<SystemTime>) -> bool {
    let named = || leftovers::time_in_name(&thing.name).map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
    let Some(made) = clock::unstamp(&thing.made).or_else(named) else {
        // Something of unknown age is removed with its machine, or if a build of ours was killed.
        return since.is_some();
    };
    made < clock::now() - ABANDONED || since.is_some_and(|since| made + SKEW >= since)
}
