//! A state that is not where the blueprint says is copied there before anything is planned: against an empty state everything would be
//! made a second time.
//!
//! It is copied byte for byte. `terraform state push` gives a state another lineage where there was none before (seen with 1.11.4), and
//! then nobody could tell the copy of a move that was cut off from another cluster's state. What was copied stays where it was; a move that
//! is cut off at any point is found, and done to its end, by the next run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::outcome::Outcome;
use super::runner::Runner;
use super::scheduler;
use super::under::{Stop, Under};
use crate::pipeline::ModuleWork;
use crate::system::{clock, files};
use crate::tools::backend::{self, Backend, Head, Relocation};
use crate::workspace;

const NOT_BUILT: &str = "nothing was planned or built";
const TRY_AGAIN: &str =
    "nothing was planned or built: mend what the error names and run again, the move goes on from there";

/// A state that has to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The stage whose module's it is.
    pub stage: String,
    /// Where it is, and where it goes, for people.
    pub from: String,
    /// Where it goes.
    pub to: Backend,
    /// What it holds; none if only Terraform's note of the place is out of date.
    pub head: Option<Head>,
    /// The state.
    text: String,
}

impl Move {
    /// Whether a state is copied, which has to be agreed to.
    pub fn copies(&self) -> bool {
        self.head.is_some()
    }
}

impl Runner<'_> {
    /// Finds the states that are not where the blueprint says. It changes nothing; where a module's cannot be known, its failure is told.
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

    /// A failure is told like a stage's.
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

impl Under<'_> {
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
                // What is no state is refused by Terraform itself, or mended where a killed apply tore it apart.
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
                    "{} and {wanted} both hold a state for {}, and neither is a version of the other; nothing was changed",
                    found.from, module.dir
                );
                let advice = "find out which one describes the machines that run (`terraform show` in either place), put the other one \
                              aside, and run again";
                Err(self.failure(what, advice))
            }
        }
    }

    /// A state at a key that earlier versions of pgherd used, of this region: two regions shared those keys.
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

    /// A state's text, or none where there is no such object. One that is locked is somebody's who is at work.
    fn fetch(&mut self, place: &Backend) -> Result<Option<String>, Stop> {
        let Some(fetch) = place.fetch() else { return Ok(None) };
        let (exists, locked) = self.look(place)?;
        if locked {
            let what = format!("the state at {place} is locked: somebody is at work with it; nothing was changed");
            return Err(self.failure(what, "wait until that is done, and run again"));
        }
        if !exists {
            return Ok(None);
        }
        let fetched = self.capture_secretly(&self.runner.setup.pipeline.aws(fetch))?;
        if fetched.exit.ok() { Ok(Some(fetched.stdout)) } else { Err(self.unreadable(place)) }
    }

    /// Whether there is a state, and whether it is locked.
    pub(super) fn look(&mut self, place: &Backend) -> Result<(bool, bool), Stop> {
        let Some(look) = place.look() else { return Ok((false, false)) };
        let looked = self.capture(&self.runner.setup.pipeline.aws(look))?;
        if !looked.exit.ok() {
            return Err(self.unreadable(place));
        }
        place.read_look(&looked.stdout).map_err(|why| self.failure(why, NOT_BUILT))
    }

    fn unreadable(&self, place: &Backend) -> Stop {
        let what = format!("cannot read the state at {place}; {NOT_BUILT}");
        self.failure(what, "see that the bucket exists and the credentials may list and read it")
    }

    /// A state of another region is another cluster's, or this one's from before its blueprint was changed.
    fn require_region(&self, module: &ModuleWork, head: Option<&Head>, from: String) -> Result<(), Stop> {
        let region = &self.runner.setup.pipeline.region;
        let Some(head) = head.filter(|head| !head.regions.is_empty() && !head.regions.contains(region)) else {
            return Ok(());
        };
        let elsewhere = head.regions.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let what = format!(
            "the state of {} ({from}) describes a cluster in {elsewhere}, and the blueprint's region is {region}",
            module.dir
        );
        let advice = format!(
            "a cluster cannot move to another region: put {elsewhere} back, or give the one in {region} a blueprint and an output folder of \
             its own; nothing was changed"
        );
        Err(self.failure(what, advice))
    }

    /// What was agreed to is looked at once more: somebody may have changed the state while the question stood.
    fn move_state(&mut self, module: &ModuleWork, wanted: &Move) -> Result<(), Stop> {
        let Some(found) = self.find_move(module)? else { return Ok(()) };
        if found != *wanted {
            let what = format!("the state of {} changed since it was looked at; nothing was changed", module.dir);
            return Err(self.failure(what, "run again, which shows it as it is now"));
        }
        let local = self.local(module);
        if wanted.to == Backend::Local {
            if wanted.copies() {
                self.put_aside(module, &local)?;
            }
            self.store(wanted, &local)?;
        } else {
            self.store(wanted, &local)?;
            // `init` would ask what to do with a state beside a module that has a backend.
            self.put_aside(module, &local)?;
        }
        self.remove_file(&self.record(module))?;
        self.forget_init(module)?;
        self.init(module)?;
        if wanted.copies() {
            self.notice(&format!(
                "the state is at {} now; what is at {} stays as it is, and nobody needs it",
                wanted.to, wanted.from
            ));
        }
        Ok(())
    }

    /// Writes a state where it goes, if it has to be written.
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

    /// Keeps a state that is beside a module among pgherd's own files; it is stored elsewhere by then, or older than what takes its place.
    fn put_aside(&mut self, module: &ModuleWork, local: &Path) -> Result<(), Stop> {
        let Some(text) = self.read(local)?.filter(|text| !text.trim().is_empty()) else { return Ok(()) };
        let aside = self.states().join(format!("{}.{}.tfstate", self.stage, clock::stamp(clock::now())));
        self.write(&aside, text.as_bytes())?;
        self.remove_file(local)?;
        self.notice(&format!("the state that was beside {} is kept as {}", module.dir, aside.display()));
        Ok(())
    }

    fn head(&self, module: &ModuleWork, text: Option<&str>) -> Result<Option<Head>, Stop> {
        text.map_or(Ok(None), backend::head).map_err(|why| self.unclear(module, why))
    }

    fn unclear(&self, module: &ModuleWork, why: String) -> Stop {
        let what = format!("cannot tell where the state of {} is: {why}", module.dir);
        self.failure(what, "nothing was planned or built: without knowing that, everything could be made a second time")
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

    /// As private as a state is.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Stop> {
        let written = files::make_dirs(&self.states())
            .and_then(|()| files::replace(path, &path.with_extension("new"), bytes, 0o600));
        written.map_err(|e| self.failure(format!("cannot write {}: {e}", path.display()), TRY_AGAIN))
    }

    fn remove_file(&self, path: &Path) -> Result<(), Stop> {
        files::remove(path).map_err(|e| self.failure(format!("cannot remove {}: {e}", path.display()), TRY_AGAIN))
    }
}
