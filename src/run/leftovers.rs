//! Removes what a killed Packer left in AWS, before its image is built again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::journal;
use super::runner::{Stop, Under};
use crate::pipeline::Image;
use crate::system::clock;
use crate::tools::leftovers::{self, Kind, Thing};

/// No build takes this long: what is older is nobody's.
const ABANDONED: Duration = Duration::from_secs(2 * 3600);
/// How far AWS's clock may be from ours.
const SKEW: Duration = Duration::from_secs(300);

impl Under<'_> {
    /// Removes what is left of earlier builds of an image. A younger builder that no run of ours left may be at work for someone else:
    /// it is named, and left alone.
    pub fn sweep(&mut self, image: &Image) -> Result<(), Stop> {
        let runner = self.runner;
        let left: Vec<_> = runner.unfinished.iter().filter(|entry| entry.stage == self.stage).collect();
        let since = left.iter().filter_map(|entry| clock::unstamp(&entry.at)).min();
        let builder = &image.builder;
        let questions = [
            (Kind::Machine, builder.machines()),
            (Kind::Group, builder.groups()),
            (Kind::Key, builder.keys()),
            (Kind::Volume, builder.volumes()),
            (Kind::Image, builder.images(&image.name)),
        ];
        let mut things: Vec<Thing> = vec![];
        let mut theirs: Vec<Thing> = vec![];
        let mut complete = true;
        for (kind, args) in questions {
            // Each question takes a second. Where no build of ours was killed, a machine is what tells of others.
            if kind != Kind::Machine && since.is_none() && things.is_empty() {
                break;
            }
            let captured = self.capture(&runner.pipeline.aws(args))?;
            let found = leftovers::read(builder, kind, &captured.stdout);
            let (true, Ok(found)) = (captured.exit.ok(), found) else {
                self.notice(&format!("cannot look for a {} that a killed build left; see the log", kind.word()));
                complete = false;
                continue;
            };
            let (ours, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|thing| is_left(thing, since));
            things.extend(ours);
            theirs.extend(others);
        }
        let used: Vec<String> = theirs.iter().flat_map(|thing| &thing.with).map(|part| part.id.clone()).collect();
        for thing in theirs.iter().filter(|thing| thing.kind == Kind::Machine) {
            self.notice(&format!("{} is at work, maybe for another pgherd: left alone", thing.id));
        }
        let parts: Vec<Thing> = things.iter().flat_map(|thing| thing.with.clone()).collect();
        things.extend(parts);
        things.retain(|thing| !used.contains(&thing.id));
        things.sort();
        things.dedup_by(|a, b| (a.kind, &a.id) == (b.kind, &b.id));
        for thing in &things {
            complete &= self.remove(image, thing)?;
        }
        if complete {
            left.iter().for_each(|entry| runner.journal.settle(entry, journal::SETTLED));
        }
        Ok(())
    }

    fn remove(&mut self, image: &Image, thing: &Thing) -> Result<bool, Stop> {
        for args in image.builder.removal(thing) {
            let exit = self.run(&self.runner.pipeline.aws(args), |_| {})?;
            if !exit.ok() {
                self.notice(&format!(
                    "cannot remove the {} {} of a killed build; see the log",
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

fn is_left(thing: &Thing, since: Option<SystemTime>) -> bool {
    let named = || leftovers::time_in_name(&thing.name).map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
    let Some(made) = clock::unstamp(&thing.made).or_else(named) else {
        // What does not tell its age goes with its machine, or if a build of ours was killed.
        return since.is_some();
    };
    made < clock::now() - ABANDONED || since.is_some_and(|since| made + SKEW >= since)
}
