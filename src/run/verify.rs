//! Waits until the cluster is whole, and says what for.

use std::net::IpAddr;
use std::time::Duration;

use super::health;
use super::outcome::{Failure, Outcome};
use super::prospect::{Prospect, foresee};
use super::runner::Runner;
use super::under::{Stop, Under};
use crate::pipeline::Seats;
use crate::system::clock::Stopwatch;
use crate::system::network;
use crate::tools::terraform;

/// Between two looks: each asks HAProxy twice and connects to its two ports.
const PAUSE: Duration = Duration::from_millis(500);
/// How long is tried what addresses rule out: a look or two, in case that they are other ones than they seem.
const HOPELESS: Duration = Duration::from_secs(10);
/// How long is tried what addresses speak against: HAProxy's machine has booted by then, if there is a way after all.
const UNLIKELY: Duration = Duration::from_secs(120);

impl Runner<'_> {
    /// Where HAProxy is reached.
    pub fn haproxy_address(&self) -> Result<IpAddr, Outcome> {
        if self.setup.pipeline.seats.public_address.is_none() {
            return Ok(IpAddr::V4(self.setup.pipeline.seats.haproxy));
        }
        let mut under = self.begin("status").map_err(Outcome::from)?;
        under.ask_address(&self.setup.pipeline.seats).map_err(Outcome::from)
    }
}

impl Under<'_> {
    pub fn verify(&mut self, seats: &Seats) -> Result<Outcome, Stop> {
        let address = self.ask_address(seats)?;
        let (prospect, watch) = (foresee(seats, network::way_to), Stopwatch::start());
        let mut said = String::new();
        loop {
            let seen = health::observe(seats, address);
            if seen.problems.is_empty() {
                let differ = self.say_settings(address);
                self.runner.discovered.differences.get_or_init(|| differ);
                let standbys = seen.members.len().saturating_sub(1);
                return Ok(Outcome::Done(format!("1 primary, {standbys} streaming; both ports answer at {address}")));
            }
            let waiting = seen.problems.join("; ");
            if waiting != said && !seen.stranger {
                self.wait_for(&waiting);
                said.clone_from(&waiting);
            }
            // Another cluster does not become this one by waiting.
            let patience = self.runner.options.patience.min(match &prospect {
                Some(prospect) if seen.is_blind() => {
                    if prospect.certain {
                        HOPELESS
                    } else {
                        UNLIKELY
                    }
                }
                _ => Duration::MAX,
            });
            if seen.is_blind() && watch.elapsed() >= patience {
                return Err(self.unseen(address, prospect, watch.elapsed().as_secs(), &seen.advice(seats)));
            }
            if seen.stranger || watch.elapsed() >= patience {
                let seen = if seen.stranger { seen } else { health::observe_each(seats, address) };
                let waiting = if seen.problems.is_empty() { waiting } else { seen.problems.join("; ") };
                let what = match seen.stranger {
                    true => waiting,
                    false => format!(
                        "the cluster is not whole after {} s: {waiting}",
                        self.runner.options.patience.as_secs()
                    ),
                };
                // What the log ends with was said while it was waited for.
                return Err(Stop::Failed(Box::new(Failure {
                    what,
                    log: Some(self.log.path().to_path_buf()),
                    advice: match seen.reachable && !seen.stranger {
                        true => format!("`pgherd status` shows each machine; {}", seen.advice(seats)),
                        false => seen.advice(seats),
                    },
                    ..Failure::default()
                })));
            }
            if self.runner.setup.interrupt.wait(PAUSE.min(self.runner.options.patience)) {
                return Err(Stop::Interrupted);
            }
        }
    }

    fn unseen(&self, address: IpAddr, prospect: Option<Prospect>, seconds: u64, advice: &str) -> Stop {
        let why = match prospect {
            Some(prospect) => prospect.why,
            None => format!("nothing came back from HAProxy's address {address} for {seconds} s"),
        };
        Stop::Unseen(Box::new(Failure {
            what: format!("made, not verified: {why}"),
            log: Some(self.log.path().to_path_buf()),
            advice: advice.into(),
            ..Failure::default()
        }))
    }

    /// Where HAProxy is reached: its Elastic IP where it has one and that is the way in, else its private address.
    fn ask_address(&mut self, seats: &Seats) -> Result<IpAddr, Stop> {
        let Some(ask) = &seats.public_address else { return Ok(IpAddr::V4(seats.haproxy)) };
        if let Some(address) = self.runner.discovered.address.get() {
            return Ok(*address);
        }
        let captured = self.capture(ask)?;
        let advice = "run `pgherd run` first: the address is an output of HAProxy's module";
        match terraform::string_output(&captured.stdout, "public_address").and_then(|address| address.parse().ok()) {
            Some(address) if captured.exit.ok() => Ok(*self.runner.discovered.address.get_or_init(|| address)),
            _ => Err(self.failure(format!("HAProxy's module has no public address ({})", captured.exit), advice)),
        }
    }
}
