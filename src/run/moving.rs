//! Copies a state that is not where the blueprint says to its place, before anything is planned. A plan against an empty state would
//! create everything a second time.
//!
//! The copy is made byte for byte. `terraform state push` gives a state a new lineage if the target is empty (seen with 1.11.4). The
//! copy of an interrupted move would then look like another cluster's state. The original stays where it was. If a move is
//! interrupted at any point, the next run finds and completes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::outcome::Outcome;
use super::runner::Runner;
use super::scheduler;
use super::under::{RunningStage, Stop};
use crate::pipeline::ModuleWork;
use crate::system::{clock, files};
use crate::tools::backend::{self, Backend, Head, Relocation};
use crate::workspace;

const NOT_BUILT: &str = "Nothing was planned or built";
const TRY_AGAIN: &str = "nothing was planned or built. Fix the error and run again: the move continues from there";

/// A state that has to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The stage of the module that the state belongs to.
    pub stage: String,
    /// Where it is now, as text for people.
    pub from: String,
    /// Where it goes.
    pub to: Backend,
    /// What it contains. `None` if only Terraform's record of the backend is out of date.
    pub head: Option<Head>,
    /// The state.
    text: String,
}

impl Move {
    /// Returns whether a state is copied, which needs confirmation.
    pub fn copies(&self) -> bool {
        self.head.is_some()
    }
}

impl Runner<'_> {
    /// Finds the states that are not where the blueprint says, and changes nothing.
    ///
    /// # Errors
    /// If the location of a module's state cannot be determined. The watcher is told of the failure.
    pub fn find_moves(&self) -> Result<Vec<Move>, Outcome> {
        let mut moves = vec![];
        let done = self.begin("state").and_then(|mut under| {
            for (stage, module) in self.setup.pipeline.modules() {
                under.stage = &stage.id;
                moves.extend(under.find_move(module)?);
            }
            Ok(moves)
        });
        self.told(done)
    }

    /// Reports a failure to the watcher as a stage's.
    fn told<T>(&self, done: Result<T, Stop>) -> Result<T, Outcome> {
        done.map_err(Outcome::from).inspect_err(|outcome| {
            self.watcher.event(scheduler::ended("state", outcome, Duration::ZERO));
        })
    }

    /// Moves a state.
    pub fn move_state(&self, wanted: &Move) -> Result<(), Outcome> {
        let found = self.setup.pipeline.modules().find(|(stage, _)| stage.id == wanted.stage);
        let Some((_, module)) = found else { return Ok(()) };
        self.told(self.begin(&wanted.stage).and_then(|mut under| under.move_state(module, wanted)))
    }
}

impl RunningStage<'_> {
    fn find_move(&mut self, module: &ModuleWork) -> Result<Option<Move>, Stop> {
        let noted = self.read(&self.record(module))?;
        let noted = noted.map(|json| backend::recorded(&json)).transpose().map_err(|why| self.unclear(module, why))?;
        let noted = noted.flatten();
        let wanted = &module.backend;
        let local = self.read(&self.local(module))?;
        let (from, text) = match &noted {
            Some(noted) if noted == wanted => return Ok(None),
            Some(noted) if noted.is_same_place(wanted) => (noted.to_string(), None),
            Some(noted) => (noted.to_string(), self.fetch(noted)?),
            None if *wanted == Backend::Local => {
                // Terraform itself refuses a file that is not a state; one that a killed apply truncated is repaired later.
                let head = local.as_deref().and_then(|text| backend::head(text).ok()?);
                return self.require_region(module, head.as_ref(), Backend::Local.to_string()).map(|()| None);
            }
            None if local.as_deref().is_some_and(|text| !text.trim().is_empty()) => {
                (format!("{}/{}", module.dir, backend::LOCAL), local.clone())
            }
            None => match self.find_former(module)? {
                Some((from, text)) => (from, Some(text)),
                None => return Ok(None),
            },
        };
        let head = self.head(module, text.as_deref())?;
        self.require_region(module, head.as_ref(), from.clone())?;
        let there = if *wanted == Backend::Local { local } else { self.fetch(wanted)? };
        let there = self.head(module, there.as_deref())?;
        let found = Move {
            stage: self.stage.into(),
            from,
            to: wanted.clone(),
            head: head.clone(),
            text: text.unwrap_or_default(),
        };
        match backend::relocation(head.as_ref(), there.as_ref()) {
            Relocation::Copy => Ok(Some(found)),
            Relocation::Switch => Ok(Some(Move { head: None, ..found })),
            Relocation::Conflict => {
                let what = format!(
                    "{} and {wanted} both hold a state of {}, but neither is an earlier version of the other. Nothing was changed",
                    found.from, module.dir
                );
                let advice = "find out which one describes the running machines (`terraform show` in either place), move the other one \
                away, and run again";
                Err(self.failure(what, advice))
            }
        }
    }

    /// Finds a state of this region at a key that earlier versions of pgherd used. Two regions shared those keys.
    fn find_former(&mut self, module: &ModuleWork) -> Result<Option<(String, String)>, Stop> {
        if module.former.is_empty() || self.look(&module.backend)?.0 {
            return Ok(None);
        }
        for former in &module.former {
            let Some(text) = self.fetch(former)? else { continue };
            let head = self.head(module, Some(&text))?;
            if head.is_some_and(|head| head.regions.contains(&self.runner.setup.pipeline.region)) {
                return Ok(Some((former.to_string(), text)));
            }
        }
        Ok(None)
    }

    /// Returns a state's text, or `None` if there is no such object. Refuses a locked state, because somebody is using it.
    fn fetch(&mut self, place: &Backend) -> Result<Option<String>, Stop> {
        let Some(fetch) = place.fetch() else { return Ok(None) };
        let (exists, locked) = self.look(place)?;
        if locked {
            let what = format!("the state at {place} is locked, so somebody is using it. Nothing was changed");
            return Err(self.failure(what, "wait until they have finished, and run again"));
        }
        if !exists {
            return Ok(None);
        }
        let fetched = self.capture_secretly(&self.runner.setup.pipeline.aws(fetch))?;
        if fetched.exit.ok() { Ok(Some(fetched.stdout)) } else { Err(self.unreadable(place)) }
    }

    /// Returns whether there is a state, and whether it is locked.
    pub(super) fn look(&mut self, place: &Backend) -> Result<(bool, bool), Stop> {
        let Some(look) = place.look() else { return Ok((false, false)) };
        let looked = self.capture(&self.runner.setup.pipeline.aws(look))?;
        if !looked.exit.ok() {
            return Err(self.unreadable(place));
        }
        place.read_look(&looked.stdout).map_err(|why| self.failure(why, NOT_BUILT))
    }

    fn unreadable(&self, place: &Backend) -> Stop {
        let what = format!("cannot read the state at {place}. {NOT_BUILT}");
        self.failure(what, "check that the bucket exists and that the credentials may list and read it")
    }

    /// Refuses a state of another region. It belongs to another cluster, or to this one before its blueprint was changed.
    fn require_region(&self, module: &ModuleWork, head: Option<&Head>, from: String) -> Result<(), Stop> {
        let region = &self.runner.setup.pipeline.region;
        let Some(head) = head.filter(|head| !head.regions.is_empty() && !head.regions.contains(region)) else {
            return Ok(());
        };
        let elsewhere = head.regions.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let what = format!(
            "the state of {} ({from}) describes a cluster in {elsewhere}, but the blueprint's region is {region}. Nothing was changed",
            module.dir
        );
        let advice = format!(
            "a cluster cannot move to another region. Set the region back to {elsewhere}, or give the cluster in {region} its own blueprint \
            and output folder"
        );
        Err(self.failure(what, advice))
    }

    /// Moves a state that was confirmed. It is read again first, because somebody may have changed it in the meantime.
    fn move_state(&mut self, module: &ModuleWork, wanted: &Move) -> Result<(), Stop> {
        let Some(found) = self.find_move(module)? else { return Ok(()) };
        if found != *wanted {
            let what = format!("the state of {} has changed since it was confirmed. Nothing was changed", module.dir);
            return Err(self.failure(what, "run again to see what it describes now"));
        }
        let local = self.local(module);
        if wanted.to == Backend::Local {
            if wanted.copies() {
                self.put_aside(module, &local)?;
            }
            self.store(wanted, &local)?;
        } else {
            self.store(wanted, &local)?;
            // If a module has a backend and a local state, `init` asks what to do with the state.
            self.put_aside(module, &local)?;
        }
        self.remove_file(&self.record(module))?;
        self.forget_init(module)?;
        self.init(module)?;
        if wanted.copies() {
            self.notice(&format!(
                "the state is now at {}. The old copy at {} was kept and is no longer used",
                wanted.to, wanted.from
            ));
        }
        Ok(())
    }

    /// Writes a state to its new place, if it has to be copied.
    fn store(&mut self, wanted: &Move, local: &Path) -> Result<(), Stop> {
        if !wanted.copies() {
            return Ok(());
        }
        let file = self.states().join(format!("{}.moving.tfstate", self.stage));
        let Some(store) = wanted.to.store(&file.display().to_string()) else {
            return self.write(local, wanted.text.as_bytes());
        };
        self.write(&file, wanted.text.as_bytes())?;
        let exit = self.run(&self.runner.setup.pipeline.aws(store), |_| {})?;
        if !exit.ok() {
            return Err(self.failure(format!("cannot store the state at {}", wanted.to), TRY_AGAIN));
        }
        self.remove_file(&file)
    }

    /// Moves a module's local state to pgherd's private files. By then it is stored elsewhere, or is older than its replacement.
    fn put_aside(&mut self, module: &ModuleWork, local: &Path) -> Result<(), Stop> {
        let Some(text) = self.read(local)?.filter(|text| !text.trim().is_empty()) else { return Ok(()) };
        let aside = self.states().join(format!("{}.{}.tfstate", self.stage, clock::stamp(clock::now())));
        self.write(&aside, text.as_bytes())?;
        self.remove_file(local)?;
        self.notice(&format!("the local state of {} was moved to {}", module.dir, aside.display()));
        Ok(())
    }

    fn head(&self, module: &ModuleWork, text: Option<&str>) -> Result<Option<Head>, Stop> {
        text.map_or(Ok(None), backend::head).map_err(|why| self.unclear(module, why))
    }

    fn unclear(&self, module: &ModuleWork, why: String) -> Stop {
        let what = format!("cannot determine where the state of {} is: {why}", module.dir);
        self.failure(
            what,
            "nothing was planned or built, because without its state, everything would be created a second time",
        )
    }

    fn states(&self) -> PathBuf {
        self.runner.setup.root.join(workspace::PRIVATE).join("states")
    }

    fn record(&self, module: &ModuleWork) -> PathBuf {
        self.runner.setup.root.join(&module.dir).join(backend::RECORD)
    }

    fn local(&self, module: &ModuleWork) -> PathBuf {
        self.runner.setup.root.join(&module.dir).join(backend::LOCAL)
    }

    fn read(&self, path: &Path) -> Result<Option<String>, Stop> {
        files::read_text(path).map_err(|e| self.failure(format!("cannot read {}: {e}", path.display()), TRY_AGAIN))
    }

    /// Writes a file that only this user can read, because a state may hold secrets.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Stop> {
        let written = files::make_dirs(&self.states())
            .and_then(|()| files::replace(path, &path.with_extension("new"), bytes, 0o600));
        written.map_err(|e| self.failure(format!("cannot write {}: {e}", path.display()), TRY_AGAIN))
    }

    fn remove_file(&self, path: &Path) -> Result<(), Stop> {
        files::remove(path).map_err(|e| self.failure(format!("cannot remove {}: {e}", path.display()), TRY_AGAIN))
    }
}
