//! Finds the HAProxies' addresses: in Terraform's state if they have Elastic IPs, otherwise in the blueprint.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::observe::HaproxyAddress;
use super::outcome::{Failure, Outcome};
use super::runner::Runner;
use super::under::{RunningStage, Stop};
use crate::pipeline::{Expected, ExpectedMachine, Module, ModuleWork};
use crate::system::files;
use crate::tools::backend::Backend;
use crate::tools::{Invocation, terraform};

/// The HAProxies, and where they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Every HAProxy of the blueprint.
    pub haproxies: Vec<HaproxyAddress>,
    /// Why some of the addresses are only the planned private ones, although these HAProxies have Elastic IPs.
    pub doubt: Option<Box<Failure>>,
}

/// Returns the HAProxies at their planned private addresses.
pub fn planned(expected: &Expected) -> Vec<HaproxyAddress> {
    expected.haproxies().map(at_planned).collect()
}

fn at_planned(machine: &ExpectedMachine) -> HaproxyAddress {
    HaproxyAddress { machine: machine.name.clone(), address: IpAddr::V4(machine.address) }
}

impl Runner<'_> {
    /// Returns the HAProxies that have an address, and where they are reached. Fails if their Elastic IPs are not known.
    pub fn haproxies(&self) -> Result<Vec<HaproxyAddress>, Outcome> {
        if self.setup.pipeline.access.public_addresses.is_none() {
            return Ok(planned(&self.setup.pipeline.expected));
        }
        let mut under = self.begin("status").map_err(Outcome::from)?;
        under.ask_addresses().map_err(Outcome::from)
    }

    /// Returns the DNS name of the network load balancer, which is an output of HAProxy's module, or `None` if it cannot be read.
    pub fn nlb_dns_name(&self) -> Option<String> {
        let (_, module) = self.setup.pipeline.modules().find(|(_, work)| work.module == Module::Haproxy)?;
        let mut under = self.begin("status").ok()?;
        let captured = under.capture(&module.call(terraform::output(&module.dir))).ok()?;
        terraform::string_output(&captured.stdout, "nlb_dns_name")
    }

    /// Returns where every HAProxy is reached, even in a folder without a state, such as a fresh clone. If an Elastic IP cannot be
    /// determined, returns the planned private address and the reason. `may_init` says whether this process holds the folder and may
    /// initialise the module's backend.
    ///
    /// # Errors
    /// If the user interrupts it, or no log can be written.
    pub fn locate(&self, may_init: bool) -> Result<Located, Outcome> {
        let (expected, access) = (&self.setup.pipeline.expected, &self.setup.pipeline.access);
        let Some(ask) = &access.public_addresses else {
            return Ok(Located { haproxies: planned(expected), doubt: None });
        };
        let mut under = self.begin("status").map_err(Outcome::from)?;
        let (known, doubt) = match under.find_addresses(ask, may_init) {
            Ok(known) => {
                let doubt = under.require_all(&known).err();
                (known, doubt)
            }
            Err(stop) => (vec![], Some(stop)),
        };
        let doubt = match doubt {
            None => None,
            Some(Stop::Failed(doubt)) => Some(doubt),
            Some(stop) => return Err(stop.into()),
        };
        let found = |machine: &ExpectedMachine| known.iter().find(|one| one.machine == machine.name).cloned();
        let haproxies = expected.haproxies().map(|machine| found(machine).unwrap_or_else(|| at_planned(machine)));
        Ok(Located { haproxies: haproxies.collect(), doubt })
    }
}

impl RunningStage<'_> {
    /// Returns the HAProxies that have an address: their Elastic IPs if they have such, otherwise their private addresses.
    pub(super) fn ask_addresses(&mut self) -> Result<Vec<HaproxyAddress>, Stop> {
        let pipeline = self.runner.setup.pipeline;
        let Some(ask) = &pipeline.access.public_addresses else { return Ok(planned(&pipeline.expected)) };
        if let Some(known) = self.runner.discovered.haproxies.get() {
            return Ok(known.clone());
        }
        let known = self.read_addresses(ask)?;
        Ok(self.runner.discovered.haproxies.get_or_init(|| known).clone())
    }

    /// Fails if a HAProxy of the blueprint has no address.
    pub(super) fn require_all(&self, known: &[HaproxyAddress]) -> Result<(), Stop> {
        let mut all = self.runner.setup.pipeline.expected.haproxies();
        match all.find(|machine| !known.iter().any(|one| one.machine == machine.name)) {
            None => Ok(()),
            Some(machine) => Err(self.failure(format!("{} has no public address", machine.name), CREATE)),
        }
    }

    /// Reads the Elastic IPs from the outputs of HAProxy's module.
    pub(super) fn read_addresses(&mut self, ask: &Invocation) -> Result<Vec<HaproxyAddress>, Stop> {
        let captured = self.capture(ask)?;
        let expected = &self.runner.setup.pipeline.expected;
        let known = if captured.exit.ok() { addresses(expected, &captured.stdout) } else { vec![] };
        if known.is_empty() {
            let what = format!("HAProxy's module has no public address ({})", captured.exit);
            return Err(self.failure(what, CREATE));
        }
        Ok(known)
    }

    /// Reads the Elastic IPs if the module may be uninitialised or may have no state.
    fn find_addresses(&mut self, ask: &Invocation, may_init: bool) -> Result<Vec<HaproxyAddress>, Stop> {
        let pipeline = self.runner.setup.pipeline;
        let module = pipeline.modules().map(|(_, work)| work).find(|work| work.module == Module::Haproxy);
        if let Some(module) = module
            && module.backend != Backend::Local
            && may_init
        {
            self.init(module)?;
        }
        self.read_addresses(ask).map_err(|stop| match (stop, module) {
            (Stop::Failed(failure), Some(module)) => Stop::Failed(self.without_state(module).unwrap_or(failure)),
            (stop, _) => stop,
        })
    }

    /// Makes a failure that names the expected state file, if the state is local and missing.
    fn without_state(&self, module: &ModuleWork) -> Option<Box<Failure>> {
        let state = self.runner.setup.root.join(module.state.as_ref()?);
        if files::exists(&state) {
            return None;
        }
        Some(Box::new(Failure {
            what: format!("this folder has no Terraform state of the cluster: {} does not exist", state.display()),
            advice: "run this in the folder where the cluster was created, or copy the terraform.tfstate files from there. With \
                     `state { s3 { … } }` in the blueprint, every clone finds the state"
                .into(),
            ..Failure::default()
        }))
    }
}

const CREATE: &str = "run `pgherd run` first: it creates the address and records it as an output of HAProxy's module";

/// Returns the HAProxies whose public address is among the outputs of their module. A state of an earlier version has one address, of
/// the only HAProxy.
fn addresses(expected: &Expected, outputs: &str) -> Vec<HaproxyAddress> {
    let one = || {
        let address = terraform::string_output(outputs, "public_address")?;
        Some(BTreeMap::from([(expected.haproxies().next()?.name.clone(), address)]))
    };
    let known = terraform::map_output(outputs, "public_addresses").or_else(one).unwrap_or_default();
    let found = expected.haproxies().filter_map(|machine| {
        Some(HaproxyAddress { machine: machine.name.clone(), address: known.get(&machine.name)?.parse().ok()? })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_matched_with_machines() {
        let expected = Expected::of_test(2).with_two_haproxies();
        let of = |outputs: &str| -> Vec<String> {
            addresses(&expected, outputs).into_iter().map(|one| format!("{} {}", one.machine, one.address)).collect()
        };
        let two = r#"{"public_addresses": {"value": {"haproxy2": "192.0.2.2", "haproxy": "192.0.2.1", "other": "192.0.2.3"}}}"#;
        assert_eq!(of(two), ["haproxy 192.0.2.1", "haproxy2 192.0.2.2"]);
        assert_eq!(of(r#"{"public_address": {"value": "192.0.2.1"}}"#), ["haproxy 192.0.2.1"], "an older state");
        assert_eq!(of(r#"{"public_addresses": {"value": {"haproxy2": "192.0.2.2"}}}"#), ["haproxy2 192.0.2.2"]);
        assert_eq!(of(r#"{"public_addresses": {"value": {"haproxy": "no address"}}}"#), Vec::<String>::new());
        assert_eq!(of("{}"), Vec::<String>::new());
    }
}
