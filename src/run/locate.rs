//! Finds HAProxy's address: in Terraform's state if it has an Elastic IP, otherwise in the blueprint.

use std::net::IpAddr;

use super::outcome::{Failure, Outcome};
use super::runner::Runner;
use super::under::{RunningStage, Stop};
use crate::pipeline::{Module, ModuleWork};
use crate::system::files;
use crate::tools::backend::Backend;
use crate::tools::{Invocation, terraform};

/// The address at which HAProxy is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaproxyAddress {
    /// The address.
    pub address: IpAddr,
    /// Why this is only the planned private address, although HAProxy has an Elastic IP.
    pub doubt: Option<Box<Failure>>,
}

impl Runner<'_> {
    /// Returns the address at which HAProxy is reached. Fails if its Elastic IP is not known.
    pub fn haproxy_address(&self) -> Result<IpAddr, Outcome> {
        let access = &self.setup.pipeline.access;
        if access.public_address.is_none() {
            return Ok(IpAddr::V4(access.private_address));
        }
        let mut under = self.begin("status").map_err(Outcome::from)?;
        under.ask_address().map_err(Outcome::from)
    }

    /// Returns the address at which HAProxy is reached, even in a folder without a state, such as a fresh clone. If the Elastic IP cannot
    /// be determined, returns the planned private address and the reason. `may_init` says whether this process holds the folder and may
    /// initialise the module's backend.
    ///
    /// # Errors
    /// If the user interrupts it, or no log can be written.
    pub fn locate(&self, may_init: bool) -> Result<HaproxyAddress, Outcome> {
        let access = &self.setup.pipeline.access;
        let planned = IpAddr::V4(access.private_address);
        let Some(ask) = &access.public_address else { return Ok(HaproxyAddress { address: planned, doubt: None }) };
        let mut under = self.begin("status").map_err(Outcome::from)?;
        match under.find_address(ask, may_init) {
            Ok(address) => Ok(HaproxyAddress { address, doubt: None }),
            Err(Stop::Failed(doubt)) => Ok(HaproxyAddress { address: planned, doubt: Some(doubt) }),
            Err(stop) => Err(stop.into()),
        }
    }
}

impl RunningStage<'_> {
    /// Returns HAProxy's Elastic IP if it has one, otherwise its private address.
    pub(super) fn ask_address(&mut self) -> Result<IpAddr, Stop> {
        let access = &self.runner.setup.pipeline.access;
        let Some(ask) = &access.public_address else { return Ok(IpAddr::V4(access.private_address)) };
        if let Some(address) = self.runner.discovered.address.get() {
            return Ok(*address);
        }
        let address = self.read_address(ask)?;
        Ok(*self.runner.discovered.address.get_or_init(|| address))
    }

    /// Returns the address at which this HAProxy is reached.
    pub(super) fn address_of(&mut self, name: &str) -> Result<IpAddr, Stop> {
        let pipeline = self.runner.setup.pipeline;
        if let Some(ask) = &pipeline.access.public_address {
            let captured = self.capture(ask)?;
            let address = terraform::output_of(&captured.stdout, "public_addresses", name);
            if let Some(address) = address.and_then(|address| address.parse().ok()) {
                return Ok(address);
            }
        }
        let found = pipeline.expected.machines.iter().find(|machine| machine.name == name);
        found.map(|machine| IpAddr::V4(machine.address)).ok_or_else(|| {
            self.failure(
                format!("{name} is no machine of the blueprint"),
                "run again: the review shows what is planned",
            )
        })
    }

    /// Reads HAProxy's Elastic IP from its module's outputs.
    fn read_address(&mut self, ask: &Invocation) -> Result<IpAddr, Stop> {
        let captured = self.capture(ask)?;
        let outputs = captured.stdout.as_str();
        // A state that was applied by an earlier version has the address of its only HAProxy.
        let address = terraform::output_of(outputs, "public_addresses", "haproxy")
            .or_else(|| terraform::string_output(outputs, "public_address"));
        match address.and_then(|address| address.parse().ok()) {
            Some(address) if captured.exit.ok() => Ok(address),
            _ => {
                let advice = "run `pgherd run` first: it creates the address, which is an output of HAProxy's module";
                Err(self.failure(format!("HAProxy's module has no public address ({})", captured.exit), advice))
            }
        }
    }

    /// Reads HAProxy's Elastic IP if the module may be uninitialised or may have no state.
    fn find_address(&mut self, ask: &Invocation, may_init: bool) -> Result<IpAddr, Stop> {
        let pipeline = self.runner.setup.pipeline;
        let module = pipeline.modules().map(|(_, work)| work).find(|work| work.module == Module::Haproxy);
        if let Some(module) = module
            && module.backend != Backend::Local
            && may_init
        {
            self.init(module)?;
        }
        self.read_address(ask).map_err(|stop| match (stop, module) {
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
