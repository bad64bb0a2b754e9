//! Replaces or stops HAProxies one after the other, so that clients always have one. Terraform by itself would do it to all at once.

use std::net::IpAddr;
use std::time::Duration;

use super::locate::planned;
use super::module::Applied;
use super::observe::TIMEOUT;
use super::under::{RunningStage, Stop};
use crate::pipeline::{Module, ModuleWork};
use crate::system::clock::Stopwatch;
use crate::system::network;
use crate::tools::plan::{PlanSummary, Scope};
use crate::tools::terraform;

/// The pause between two looks at the HAProxies.
const PAUSE: Duration = Duration::from_millis(500);
/// What `/health` returns while HAProxy has a primary, and while it has none and serves nobody.
const SERVES: u16 = 200;
const SERVES_NOBODY: u16 = 503;

impl RunningStage<'_> {
    /// Applies what a plan does to each HAProxy but the last, by itself: new ones first, those that leave last. Returns the plan of the
    /// rest, which is in the plan file then. The whole plan has been confirmed. Before a HAProxy is cut off, another one has to be
    /// healthy, unless the blueprint has no other.
    ///
    /// # Errors
    /// If no other HAProxy is seen healthy in time, or a plan does something that the whole plan did not.
    pub(super) fn roll(&mut self, module: &ModuleWork, plan: &PlanSummary) -> Result<PlanSummary, Stop> {
        // One that leaves serves clients until those that stay have been changed.
        let (stay, leave): (Vec<&str>, Vec<&str>) = plan.cut_off().into_iter().partition(|name| self.stays(name));
        let cut = [stay, leave].concat();
        let Some((last, first)) = cut.split_last() else { return Ok(plan.clone()) };
        let is_single = first.is_empty() && self.others(last).is_empty();
        if module.module != Module::Haproxy || is_single {
            return Ok(plan.clone());
        }
        let new = plan.new_machines();
        for name in new.iter().chain(first) {
            if cut.contains(name) {
                self.require_another(name)?;
            }
            let addresses = plan.addresses_of(name);
            let only = module.call(terraform::plan_only(&module.dir, &module.plan_file, &addresses));
            let Some(part) = self.plan(module, &only, Scope::Targeted)? else { continue };
            self.require_confirmed(plan, &part)?;
            self.notice(&format!("{name} goes first, so that clients always have a HAProxy"));
            if self.apply(module)? == Applied::Stale {
                return Err(self.failure("the state changed while HAProxies were changed one after the other", AGAIN));
            }
        }
        self.require_another(last)?;
        if first.is_empty() && new.is_empty() {
            return Ok(plan.clone());
        }
        let rest = self.plan(module, &module.plan, Scope::Whole)?.unwrap_or_default();
        self.require_confirmed(plan, &rest)?;
        Ok(rest)
    }

    fn require_confirmed(&self, whole: &PlanSummary, part: &PlanSummary) -> Result<(), Stop> {
        let Some(other) = part.changes.iter().find(|change| !whole.changes.contains(change)) else { return Ok(()) };
        let what = format!("{} was not in the plan that was confirmed", other.address);
        Err(self.failure(what, AGAIN))
    }

    /// Returns whether the blueprint has this HAProxy.
    fn stays(&self, name: &str) -> bool {
        self.runner.setup.pipeline.expected.haproxies().any(|one| one.name == name)
    }

    /// Returns the names of the blueprint's other HAProxies.
    fn others(&self, name: &str) -> Vec<String> {
        let all = self.runner.setup.pipeline.expected.haproxies();
        all.filter(|other| other.name != name).map(|other| other.name.clone()).collect()
    }

    /// Waits until a HAProxy other than this one is healthy. One that serves nobody may be cut off at any time, and so may the
    /// blueprint's only one: if another one is there still, it leaves.
    fn require_another(&mut self, name: &str) -> Result<(), Stop> {
        let watch = Stopwatch::start();
        if self.stays(name) {
            let address = self.address_of(name)?;
            if self.health(address) == Some(SERVES_NOBODY) {
                return Ok(());
            }
        }
        let others = self.others(name);
        if others.is_empty() {
            return Ok(());
        }
        let others = others.iter().map(|other| self.address_of(other)).collect::<Result<Vec<IpAddr>, Stop>>()?;
        self.wait_for("another HAProxy to be healthy");
        while !others.iter().any(|other| self.health(*other) == Some(SERVES)) {
            if watch.elapsed() >= self.runner.options.patience {
                let what = format!(
                    "no other HAProxy responds as healthy, so {name} was not changed: clients would be left without one"
                );
                return Err(self.failure(what, UNSEEN));
            }
            if self.runner.setup.interrupt.wait(PAUSE) {
                return Err(Stop::Interrupted);
            }
        }
        Ok(())
    }

    fn health(&self, address: IpAddr) -> Option<u16> {
        let url = self.runner.setup.pipeline.access.admin.url(address, "/health");
        network::http_get(&url, TIMEOUT).ok().map(|answer| answer.status)
    }

    /// Returns where a HAProxy is reached. It is read again each time: one may just have been created.
    fn address_of(&mut self, name: &str) -> Result<IpAddr, Stop> {
        let pipeline = self.runner.setup.pipeline;
        let private = planned(&pipeline.expected);
        let public = match &pipeline.access.public_addresses {
            Some(ask) => self.read_addresses(ask)?,
            None => vec![],
        };
        let found = public.iter().chain(&private).find(|one| one.machine == name).map(|one| one.address);
        found.ok_or_else(|| self.failure(format!("the blueprint has no HAProxy {name}"), AGAIN))
    }
}

const AGAIN: &str = "run again: the review shows what is left to do";
const UNSEEN: &str = "run this where the admin ports of the HAProxies are reachable, or apply by hand, one HAProxy after the other: \
                      main.tf of the module shows how";
