//! Runs a graph of stages. Each starts as soon as the stages it needs are done, within a limit of parallel jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::events::{Event, Watcher};
use super::outcome::Outcome;
use crate::pipeline::Stage;
use crate::system::Interrupt;
use crate::system::clock::Stopwatch;

/// The progress of one graph, or of several that run in parallel. A stage may wait for a stage of another graph.
pub struct Board {
    jobs: usize,
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    /// Every announced stage, and its outcome once it has ended.
    outcomes: BTreeMap<String, Option<Outcome>>,
    begun: BTreeSet<String>,
    at_work: usize,
}

impl Board {
    /// Makes a board for at most this many parallel stages; at least one.
    pub fn new(jobs: usize) -> Self {
        Board { jobs: jobs.max(1), seen: Mutex::default(), changed: Condvar::new() }
    }

    /// Announces stages that will run, so that others wait for them from now on.
    pub fn announce(&self, stages: &[Stage]) {
        let mut seen = self.lock();
        for stage in stages {
            seen.outcomes.entry(stage.id.clone()).or_default();
        }
    }

    /// Makes an empty board for parallel work, with the jobs that this board's open stages leave free.
    pub fn beside(&self) -> Self {
        let open = self.lock().outcomes.values().filter(|outcome| outcome.is_none()).count();
        Board::new(self.jobs.saturating_sub(open))
    }

    /// Returns the outcomes of the stages that have ended.
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.lock().outcomes.values().flatten().cloned().collect()
    }

    /// Returns whether a stage was announced.
    pub fn has(&self, stage: &str) -> bool {
        self.lock().outcomes.contains_key(stage)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs all stages and returns their outcomes, in the same order. A stage that needs a failed one is not started; the others continue.
pub fn run(
    board: &Board,
    stages: &[Stage],
    interrupt: &Interrupt,
    watcher: &dyn Watcher,
    work: impl Fn(&Stage) -> Outcome + Sync,
) -> Vec<Outcome> {
    board.announce(stages);
    let worker = || {
        let mut seen = board.lock();
        loop {
            for (stage, outcome) in hopeless(stages, &seen, interrupt) {
                watcher.event(ended(&stage.id, &outcome, Duration::ZERO));
                seen.end(stage, outcome);
                board.changed.notify_all();
            }
            if let Some(stage) = ready(stages, &seen, board.jobs) {
                seen.begun.insert(stage.id.clone());
                seen.at_work += 1;
                drop(seen);
                let watch = Stopwatch::start();
                let outcome = work(stage);
                watcher.event(ended(&stage.id, &outcome, watch.elapsed()));
                seen = board.lock();
                seen.at_work -= 1;
                seen.end(stage, outcome);
                board.changed.notify_all();
            } else if stages.iter().all(|stage| seen.begun.contains(&stage.id)) {
                return;
            } else {
                seen = board.changed.wait(seen).unwrap_or_else(PoisonError::into_inner);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..board.jobs.clamp(1, stages.len().max(1)) {
            scope.spawn(worker);
        }
    });
    let seen = board.lock();
    let outcome = |stage: &Stage| seen.outcomes.get(&stage.id).cloned().flatten();
    stages.iter().map(|stage| outcome(stage).unwrap_or(Outcome::Interrupted)).collect()
}

pub(super) fn ended(stage: &str, outcome: &Outcome, took: Duration) -> Event {
    let seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
    Event::StageEnded { stage: stage.into(), outcome: outcome.clone(), seconds }
}

impl Seen {
    fn end(&mut self, stage: &Stage, outcome: Outcome) {
        self.begun.insert(stage.id.clone());
        self.outcomes.insert(stage.id.clone(), Some(outcome));
    }

    /// Returns the announced stages that a stage needs, with their outcomes. Needs that were not announced are already done.
    fn needs<'a>(&'a self, stage: &'a Stage) -> impl Iterator<Item = (&'a String, Option<&'a Outcome>)> {
        stage.needs.iter().filter_map(|need| Some((need, self.outcomes.get(need)?.as_ref())))
    }
}

fn ready<'s>(stages: &'s [Stage], seen: &Seen, jobs: usize) -> Option<&'s Stage> {
    let can_begin = |stage: &&Stage| {
        !seen.begun.contains(&stage.id) && seen.needs(stage).all(|(_, outcome)| outcome.is_some_and(Outcome::ok))
    };
    (seen.at_work < jobs).then(|| stages.iter().find(can_begin)).flatten()
}

/// Returns the stages that will never start, with the reason.
fn hopeless<'s>(stages: &'s [Stage], seen: &Seen, interrupt: &Interrupt) -> Vec<(&'s Stage, Outcome)> {
    // One pass is enough, because a stage comes after all that it needs.
    let mut found: Vec<(&Stage, Outcome)> = vec![];
    for stage in stages.iter().filter(|stage| !seen.begun.contains(&stage.id)) {
        let failed = seen.needs(stage).find(|(need, outcome)| {
            outcome.is_some_and(|outcome| !outcome.ok()) || found.iter().any(|(lost, _)| lost.id == **need)
        });
        if interrupt.is_raised() {
            found.push((stage, Outcome::Interrupted));
        } else if let Some((need, _)) = failed {
            found.push((stage, Outcome::Blocked(need.clone())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Work;
    use crate::run::IgnoreEvents;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn stage(id: &str, needs: &[&str]) -> Stage {
        Stage { id: id.into(), needs: needs.iter().map(|n| n.to_string()).collect(), work: Work::Verify }
    }

    fn diamond() -> Vec<Stage> {
        vec![stage("a", &[]), stage("b", &["a"]), stage("c", &["a"]), stage("d", &["b", "c"]), stage("e", &[])]
    }

    fn play(jobs: usize, interrupt: &Interrupt, work: impl Fn(&str) -> Outcome + Sync) -> Vec<Outcome> {
        run(&Board::new(jobs), &diamond(), interrupt, &IgnoreEvents, |stage| work(&stage.id))
    }

    fn done() -> Outcome {
        Outcome::Done(String::new())
    }

    #[test]
    fn each_stage_starts_when_its_needs_are_done() {
        for jobs in [1, 2, 8] {
            let order = Mutex::new(vec![]);
            let outcomes = play(jobs, &Interrupt::default(), |id| {
                order.lock().unwrap().push(id.to_string());
                done()
            });
            assert!(outcomes.iter().all(Outcome::ok));
            let order = order.into_inner().unwrap();
            let at = |id: &str| order.iter().position(|o| o == id).unwrap();
            assert!(at("a") < at("b") && at("a") < at("c") && at("b") < at("d") && at("c") < at("d"), "{order:?}");
        }
    }

    #[test]
    fn independent_stages_run_in_parallel_within_the_limit() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        play(2, &Interrupt::default(), |_| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Interrupt::default().wait(Duration::from_millis(30));
            now.fetch_sub(1, Ordering::SeqCst);
            done()
        });
        assert_eq!(most.into_inner(), 2);
    }

    #[test]
    fn a_failure_stops_what_depends_on_it_and_nothing_else() {
        let failed = Outcome::Failed(Box::default());
        let outcomes = play(4, &Interrupt::default(), |id| if id == "b" { failed.clone() } else { done() });
        assert_eq!(outcomes, [done(), failed, done(), Outcome::Blocked("b".into()), done()]);
    }

    #[test]
    fn nothing_starts_after_an_interrupt() {
        let interrupt = Interrupt::default();
        let outcomes = play(1, &interrupt, |_| {
            interrupt.raise();
            done()
        });
        assert_eq!(outcomes[0], done());
        assert!(outcomes[1..].iter().all(|o| *o == Outcome::Interrupted));
    }

    #[test]
    fn a_graph_waits_for_another_graphs_stages_within_one_limit() {
        let (board, order) = (Board::new(2), Mutex::new(vec![]));
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |stage: &Stage| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Interrupt::default().wait(Duration::from_millis(30));
            now.fetch_sub(1, Ordering::SeqCst);
            order.lock().unwrap().push(stage.id.clone());
            if stage.id == "bad" { Outcome::Failed(Box::default()) } else { done() }
        };
        let one = [stage("good", &[]), stage("bad", &[])];
        let other = [stage("a", &[]), stage("b", &["good", "elsewhere"]), stage("c", &["bad"])];
        board.announce(&one);
        let outcomes = thread::scope(|scope| {
            scope.spawn(|| run(&board, &one, &Interrupt::default(), &IgnoreEvents, work));
            run(&board, &other, &Interrupt::default(), &IgnoreEvents, work)
        });
        assert_eq!(outcomes, [done(), done(), Outcome::Blocked("bad".into())]);
        let order = order.into_inner().unwrap();
        let at = |id: &str| order.iter().position(|o| o == id).unwrap();
        assert!(at("good") < at("b") && order.len() == 4, "{order:?}");
        assert_eq!(most.into_inner(), 2);
    }
}
