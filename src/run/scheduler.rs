//! Runs a graph of stages: each as soon as what it needs is done, no more than so many at once.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::events::{Event, Watcher};
use super::outcome::Outcome;
use crate::pipeline::Stage;
use crate::system::Interrupt;
use crate::system::clock::Stopwatch;

#[derive(Default)]
struct Board {
    begun: Vec<bool>,
    outcomes: Vec<Option<Outcome>>,
}

/// Runs all stages; answers what each came to, in their order. What needs a stage that failed is not begun; the rest goes on.
pub fn run(
    stages: &[Stage],
    jobs: usize,
    interrupt: &Interrupt,
    watcher: &dyn Watcher,
    work: impl Fn(&Stage) -> Outcome + Sync,
) -> Vec<Outcome> {
    let board = Mutex::new(Board { begun: vec![false; stages.len()], outcomes: vec![None; stages.len()] });
    let changed = Condvar::new();
    let lock = || board.lock().unwrap_or_else(PoisonError::into_inner);
    let worker = || {
        let mut guard = lock();
        loop {
            for (i, outcome) in hopeless(stages, &guard, interrupt) {
                watcher.event(ended(&stages[i].id, &outcome, Duration::ZERO));
                guard.begun[i] = true;
                guard.outcomes[i] = Some(outcome);
            }
            if let Some(i) = ready(stages, &guard) {
                guard.begun[i] = true;
                drop(guard);
                let stage = &stages[i];
                watcher.event(Event::StageBegun { stage: stage.id.clone() });
                let watch = Stopwatch::start();
                let outcome = work(stage);
                watcher.event(ended(&stage.id, &outcome, watch.elapsed()));
                guard = lock();
                guard.outcomes[i] = Some(outcome);
                changed.notify_all();
            } else if guard.begun.iter().all(|begun| *begun) {
                changed.notify_all();
                return;
            } else {
                guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, stages.len().max(1)) {
            scope.spawn(worker);
        }
    });
    lock().outcomes.drain(..).map(|outcome| outcome.unwrap_or(Outcome::Interrupted)).collect()
}

pub(super) fn ended(stage: &str, outcome: &Outcome, took: Duration) -> Event {
    let seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
    Event::StageEnded { stage: stage.into(), outcome: outcome.clone(), seconds }
}

/// What `stage` needs, as far as it is in this graph: what is not has been done before.
fn needs<'a>(stages: &'a [Stage], stage: &'a Stage) -> impl Iterator<Item = usize> + 'a {
    stage.needs.iter().filter_map(|need| stages.iter().position(|other| other.id == *need))
}

fn ready(stages: &[Stage], board: &Board) -> Option<usize> {
    let done = |i: usize| board.outcomes[i].as_ref().is_some_and(Outcome::ok);
    (0..stages.len()).find(|i| !board.begun[*i] && needs(stages, &stages[*i]).all(done))
}

/// Stages that will never begin.
fn hopeless(stages: &[Stage], board: &Board, interrupt: &Interrupt) -> Vec<(usize, Outcome)> {
    // Found in one pass: a stage stands after all that it needs.
    let mut found: Vec<(usize, Outcome)> = vec![];
    for (i, stage) in stages.iter().enumerate().filter(|(i, _)| !board.begun[*i]) {
        let failed = needs(stages, stage).find(|need| {
            let lost = |outcome: &Outcome| !outcome.ok();
            board.outcomes[*need].as_ref().is_some_and(lost) || found.iter().any(|(j, _)| j == need)
        });
        if interrupt.is_raised() {
            found.push((i, Outcome::Interrupted));
        } else if let Some(need) = failed {
            found.push((i, Outcome::Blocked(stages[need].id.clone())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Work;
    use crate::run::Deaf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn stage(id: &str, needs: &[&str]) -> Stage {
        Stage { id: id.into(), needs: needs.iter().map(|n| n.to_string()).collect(), work: Work::Verify }
    }

    fn diamond() -> Vec<Stage> {
        vec![stage("a", &[]), stage("b", &["a"]), stage("c", &["a"]), stage("d", &["b", "c"]), stage("e", &[])]
    }

    fn play(jobs: usize, interrupt: &Interrupt, work: impl Fn(&str) -> Outcome + Sync) -> Vec<Outcome> {
        run(&diamond(), jobs, interrupt, &Deaf, |stage| work(&stage.id))
    }

    fn done() -> Outcome {
        Outcome::Done(String::new())
    }

    #[test]
    fn each_begins_when_what_it_needs_is_done() {
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
    fn independent_stages_run_side_by_side_within_the_limit() {
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
    fn nothing_begins_after_an_interrupt() {
        let interrupt = Interrupt::default();
        let outcomes = play(1, &interrupt, |_| {
            interrupt.raise();
            done()
        });
        assert_eq!(outcomes[0], done());
        assert!(outcomes[1..].iter().all(|o| *o == Outcome::Interrupted));
    }
}
