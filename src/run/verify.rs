//! Waits until the cluster is healthy, and reports what it waits for.

use std::time::Duration;

use super::events::Event;
use super::judge::{Problem, Reach, Verdict, judge};
use super::observe::{HaproxyAddress, Observer};
use super::outcome::{Failure, Outcome};
use super::prospect::{Prospect, foresee};
use super::say;
use super::status::ClusterStatus;
use super::under::{RunningStage, Stop};
use crate::system::clock::Stopwatch;
use crate::system::network;

/// The pause between two observations. Each makes two requests to HAProxy and connects to its two ports.
const PAUSE: Duration = Duration::from_millis(500);
/// How long to try if the addresses rule out a connection: an observation or two, in case the prediction is wrong.
const HOPELESS: Duration = Duration::from_secs(10);
/// How long to try if the addresses make a connection unlikely. HAProxy's machine has booted by then.
const UNLIKELY: Duration = Duration::from_secs(120);

impl RunningStage<'_> {
    /// Waits until the cluster is healthy, but no longer than the user allows.
    pub fn verify(&mut self) -> Result<Outcome, Stop> {
        let runner = self.runner;
        let (expected, access) = (&runner.setup.pipeline.expected, &runner.setup.pipeline.access);
        let haproxies = self.ask_addresses()?;
        self.require_all(&haproxies)?;
        let (prospect, watch) = (foresee(access, expected, network::route_to), Stopwatch::start());
        let observer = runner.observer(&haproxies);
        let mut said: Vec<Problem> = vec![];
        loop {
            let mut seen = observer.glance();
            let mut verdict = judge(expected, access, &seen);
            if verdict.is_healthy() {
                seen = observer.with_disks(seen);
                verdict = judge(expected, access, &seen);
            }
            if verdict.is_healthy() {
                runner.tell(Event::Observed(Box::new(ClusterStatus::of(expected, &seen, &verdict, ""))));
                let differences = self.say_settings(&observer.with_settings(seen));
                verdict.warnings.iter().for_each(|warning| self.notice(&warning.to_string()));
                runner.discovered.differences.get_or_init(|| differences);
                let standbys = verdict.members.len().saturating_sub(1);
                let members = expected.etcd_members().count();
                let at = addresses(&haproxies);
                return Ok(Outcome::Done(format!(
                    "1 primary, {standbys} streaming; {members} of etcd's {members} members agree; both ports respond at {at}"
                )));
            }
            let is_other = verdict.shows_other();
            if verdict.problems != said && !is_other {
                self.wait_for(&say::problems(&verdict.problems));
                said.clone_from(&verdict.problems);
            }
            let patience = runner.options.patience.min(match &prospect {
                Some(prospect) if verdict.is_blind() && prospect.is_certain() => HOPELESS,
                Some(_) if verdict.is_blind() => UNLIKELY,
                _ => Duration::MAX,
            });
            let is_over = watch.elapsed() >= patience;
            if verdict.is_blind() && is_over {
                let advice = say::advice(&access.advice, &verdict);
                return Err(self.unseen(&haproxies, prospect, watch.elapsed().as_secs(), &advice));
            }
            // Waiting does not turn another cluster into this one.
            if is_other {
                return Err(self.unhealthy(say::problems(&verdict.problems), say::advice(&access.advice, &verdict)));
            }
            if is_over {
                return Err(self.not_healthy_in_time(&observer, verdict));
            }
            if runner.setup.interrupt.wait(PAUSE.min(runner.options.patience)) {
                return Err(Stop::Interrupted);
            }
        }
    }

    /// Observes each machine once more and makes a failure with what is wrong.
    fn not_healthy_in_time(&self, observer: &Observer<'_>, last: Verdict) -> Stop {
        let (expected, access) = (&self.runner.setup.pipeline.expected, &self.runner.setup.pipeline.access);
        let seen = observer.with_disks(observer.look());
        let now = judge(expected, access, &seen);
        // It may have become healthy a moment too late. Then the last problems within the time limit are reported.
        let problems = if now.is_healthy() { last.problems } else { now.problems.clone() };
        let what = format!(
            "the cluster is not healthy after {} s: {}",
            self.runner.options.patience.as_secs(),
            say::problems(&problems)
        );
        let advice = say::advice(&access.advice, &now);
        self.runner.tell(Event::Observed(Box::new(ClusterStatus::of(expected, &seen, &now, &advice))));
        self.unhealthy(
            what,
            match now.reach {
                Reach::Haproxy => format!("`pgherd status` shows each machine; {advice}"),
                _ => advice,
            },
        )
    }

    /// Makes a failure without a tool's message. The log ends with the problems that were waited for.
    fn unhealthy(&self, what: String, advice: String) -> Stop {
        let log = Some(self.log.path().to_path_buf());
        Stop::Failed(Box::new(Failure { what, log, advice, ..Failure::default() }))
    }

    fn unseen(&self, haproxies: &[HaproxyAddress], prospect: Option<Prospect>, seconds: u64, advice: &str) -> Stop {
        let why = match prospect {
            Some(prospect) => prospect.to_string(),
            None => format!("nothing came back from HAProxy at {} for {seconds} s", addresses(haproxies)),
        };
        Stop::Unseen(Box::new(Failure {
            what: format!("created, but not verified: {why}"),
            log: Some(self.log.path().to_path_buf()),
            advice: advice.into(),
            ..Failure::default()
        }))
    }
}

/// Returns `192.0.2.1 and 192.0.2.2`.
fn addresses(haproxies: &[HaproxyAddress]) -> String {
    haproxies.iter().map(|one| one.address.to_string()).collect::<Vec<_>>().join(" and ")
}
