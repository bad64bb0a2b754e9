//! Keeps the machines and endpoints in the state that moto reports, until it is told to end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

use super::machine::{self, LabMachine};
use super::tool::HostTools;
use super::volume::Assigned;
use super::{balancer, ec2, elb, firewall, hold, images, network, paths, volume};
use crate::system::clock::Stopwatch;
use crate::system::files;
use crate::system::host::daemon;

/// Time between two polls of the API.
const PAUSE: Duration = Duration::from_millis(300);
/// Time between two polls when nothing has happened for [`A_WHILE`].
const LONG_PAUSE: Duration = Duration::from_secs(1);
const A_WHILE: Duration = Duration::from_secs(60);
/// Time that a machine gets to shut down. EC2 cuts the power after some minutes.
const SHUTDOWN: Duration = Duration::from_secs(60);

/// Runs the controller. It logs what happens and what fails. What fails is tried again at the next poll.
pub fn run(tools: HostTools<'_>, log: &mut dyn FnMut(&str)) -> Result<()> {
    let mut controller = Controller {
        tools,
        log,
        quiet: Stopwatch::start(),
        endpoints: None,
        rules: String::new(),
        stopping: BTreeMap::new(),
        last: BTreeMap::new(),
    };
    while !tools.interrupt.is_raised() {
        let looked = hold().and_then(|_lock| controller.look());
        controller.note("look", looked);
        daemon::reap();
        tools.interrupt.wait(if controller.quiet.elapsed() > A_WHILE { LONG_PAUSE } else { PAUSE });
    }
    Ok(())
}

struct Controller<'a> {
    tools: HostTools<'a>,
    log: &'a mut dyn FnMut(&str),
    /// Time since something happened.
    quiet: Stopwatch,
    /// Addresses of the endpoints at the last poll; `None` before the first.
    endpoints: Option<BTreeSet<Ipv4Addr>>,
    /// The rules of the firewall that were applied last.
    rules: String,
    /// Machines that were told to shut down, and the time since.
    stopping: BTreeMap<String, Stopwatch>,
    /// The last failure of each thing, so that the log has it once, not three times a second.
    last: BTreeMap<String, String>,
}

impl Controller<'_> {
    fn look(&mut self) -> Result<()> {
        let mut regions = vec![];
        for region in files::list(&paths::regions())? {
            // Instances first: then an image that was made before an instance's end is seen no later than the end, and no machine
            // boots without its firewall.
            let instances = ec2::instances(&region)?;
            let volumes = ec2::volumes(&region)?;
            regions.push((instances, volumes, ec2::images(&region)?, region));
        }
        let names: Vec<&str> = regions.iter().map(|(.., region)| region.as_str()).collect();
        // A machine without its firewall must not boot.
        let interfaces = match self.network(&names) {
            Ok(interfaces) => interfaces,
            Err(e) => {
                self.note("network", Err(e));
                return Ok(());
            }
        };
        self.note("network", Ok(()));
        let played = self.balancers(&names, &interfaces);
        self.note("balancers", played);
        let mut seen = BTreeSet::new();
        for (instances, volumes, amis, region) in regions {
            let pending = self.images(&amis);
            for instance in &instances {
                let done = self.instance(&region, instance, &volumes, &pending);
                self.note(&instance.id, done);
            }
            self.lost(&region, &instances)?;
            volume::forget(&region, &volumes)?;
            seen.extend(amis.into_iter().map(|ami| ami.id));
        }
        if seen.is_empty() { Ok(()) } else { self.deregistered(&seen) }
    }

    /// Keeps the endpoints' addresses and the firewall as the API has them. Returns all network interfaces.
    fn network(&mut self, regions: &[&str]) -> Result<Vec<ec2::Interface>> {
        let (mut interfaces, mut groups) = (vec![], vec![]);
        for region in regions {
            interfaces.extend(ec2::interfaces(region)?);
            groups.extend(ec2::groups(region)?);
        }
        let endpoints = interfaces.iter().filter(|interface| interface.is_endpoint).map(|interface| interface.address);
        let endpoints: BTreeSet<Ipv4Addr> = endpoints.collect();
        if self.endpoints.as_ref() != Some(&endpoints) {
            network::keep_endpoints(self.tools, &endpoints)?;
            self.endpoints = Some(endpoints);
        }
        let rules = firewall::rules(&interfaces, &groups);
        if self.rules != rules {
            firewall::apply(self.tools, &rules)?;
            self.rules = rules;
        }
        Ok(interfaces)
    }

    /// Plays the network load balancers that the API has.
    fn balancers(&self, regions: &[&str], interfaces: &[ec2::Interface]) -> Result<()> {
        let mut balancers = vec![];
        for region in regions {
            balancers.extend(elb::balancers(region)?);
        }
        balancer::keep(self.tools, &balancers, interfaces)
    }

    /// Registers new images. Returns the instances whose image is not captured yet.
    fn images(&mut self, amis: &[ec2::ApiImage]) -> BTreeSet<String> {
        let mut pending = BTreeSet::new();
        for ami in amis {
            match self.image(ami) {
                Ok(true) => self.note(&ami.id, Ok(())),
                Ok(false) => pending.extend(ami.source.clone()),
                Err(e) => self.note(&ami.id, Err(e)),
            }
        }
        pending
    }

    /// Registers an image. Returns false if its machine has not shut down yet.
    fn image(&mut self, ami: &ec2::ApiImage) -> Result<bool> {
        if let Some(mut image) = images::find(&ami.id)? {
            return images::update(&mut image, ami).map(|()| true);
        }
        let Some(source) = &ami.source else { return images::copy(ami).map(|()| true) };
        match machine::find(source)? {
            Some(machine) if machine.process.is_some() => return Ok(false),
            Some(mut machine) => {
                self.say(&format!("{source}: captured as image {} ({})", ami.id, ami.name));
                images::capture(ami, &mut machine)?;
            }
            None => {}
        }
        Ok(true)
    }

    /// Forgets cached images that no region has any more.
    fn deregistered(&mut self, seen: &BTreeSet<String>) -> Result<()> {
        for image in images::all()?.iter().filter(|image| image.cached.is_some() && !seen.contains(&image.id)) {
            self.say(&format!("{} ({}) was deregistered", image.id, image.name));
            images::forget(image)?;
        }
        Ok(())
    }

    fn instance(
        &mut self,
        region: &str,
        instance: &ec2::Instance,
        volumes: &[ec2::ApiVolume],
        pending: &BTreeSet<String>,
    ) -> Result<()> {
        let machine = machine::find(&instance.id)?;
        match (instance.state.as_str(), machine) {
            ("pending" | "running", None) => self.make(region, instance, volumes),
            ("pending" | "running", Some(machine)) => {
                self.keep_running(machine, instance)?;
                self.keep_volumes(region, instance, volumes)
            }
            ("stopping" | "stopped", Some(machine)) => self.stop(machine, instance.is_cut),
            ("shutting-down" | "terminated", Some(machine)) if pending.contains(&instance.id) => {
                self.stop(machine, false)
            }
            ("shutting-down" | "terminated", Some(mut machine)) => {
                self.say(&format!("{}: terminated", machine.id));
                machine.remove(self.tools)
            }
            _ => Ok(()),
        }
    }

    fn make(&mut self, region: &str, instance: &ec2::Instance, volumes: &[ec2::ApiVolume]) -> Result<()> {
        let Some(address) = instance.address else { return Ok(()) };
        // The lab is one network, so two VPCs with the same range would collide.
        if let Some(other) = machine::all()?.into_iter().find(|other| other.address == address) {
            bail!("{} cannot have the address {address}: {} has it", instance.id, other.id);
        }
        let image = images::find(&instance.image)?;
        let image = image.with_context(|| format!("the lab has no image {} for {}", instance.image, instance.id))?;
        let key = match &instance.key_name {
            Some(name) => ec2::public_key(region, name)?,
            None => None,
        };
        let first = volumes.iter().find(|volume| volume.is_at(&instance.id, &instance.root_device));
        let first = first.with_context(|| format!("{} has no first volume", instance.id))?;
        let disk = images::is_built(&image).then_some(first.gib);
        let mut machine = LabMachine {
            id: instance.id.clone(),
            tags: instance.tags.clone(),
            address,
            region: region.to_string(),
            image: image.id,
            disk,
            volumes: vec![],
            layers: image.layers,
            key,
            process: None,
            is_seeded: false,
            is_off: false,
        };
        self.boot(&mut machine)
    }

    fn boot(&mut self, machine: &mut LabMachine) -> Result<()> {
        machine.boot(self.tools)?;
        self.say(&format!("{}: booting {} at {}", machine.id, machine.image, machine.address));
        Ok(())
    }

    fn keep_running(&mut self, mut machine: LabMachine, instance: &ec2::Instance) -> Result<()> {
        self.stopping.remove(&machine.id);
        if machine.tags != instance.tags {
            machine.tags = instance.tags.clone();
            machine.save()?;
        }
        if machine.is_off || machine.is_alive() {
            return Ok(());
        }
        if machine.process.is_none() {
            return self.boot(&mut machine);
        }
        // Somebody ran `poweroff` inside. On EC2 the instance would stop.
        self.say(&format!("{}: switched itself off", machine.id));
        machine.is_off = true;
        machine.cut_power(self.tools)
    }

    /// Makes a running machine have the volumes that are attached to it, apart from its first.
    fn keep_volumes(&self, region: &str, instance: &ec2::Instance, volumes: &[ec2::ApiVolume]) -> Result<()> {
        let Some(mut machine) = machine::find(&instance.id)?.filter(LabMachine::is_alive) else { return Ok(()) };
        let (mut wanted, mut waits) = (vec![], Ok(()));
        for volume in volumes.iter().filter(|volume| volume.is_beside(&instance.id, &instance.root_device)) {
            let has = |one: &LabMachine| one.volumes.iter().any(|attached| attached.id == volume.id);
            let other = if has(&machine) { None } else { machine::all()?.into_iter().find(has) };
            match other {
                // The others are attached and detached meanwhile: two machines may wait for each other's volumes.
                Some(other) => {
                    waits = Err(anyhow!("{} cannot have {} yet: {} still uses it", machine.id, volume.id, other.id))
                }
                None => wanted.push(Assigned { id: volume.id.clone(), gib: volume.gib, region: region.to_string() }),
            }
        }
        machine.keep_volumes(self.tools, &wanted)?;
        waits
    }

    /// Shuts a machine down, or cuts its power.
    fn stop(&mut self, mut machine: LabMachine, is_cut: bool) -> Result<()> {
        machine.is_off = false;
        if machine.process.is_none() {
            return Ok(());
        }
        if is_cut {
            self.say(&format!("{}: its power is cut", machine.id));
            self.stopping.remove(&machine.id);
            return machine.cut_power(self.tools);
        }
        match self.stopping.get(&machine.id) {
            None => {
                self.say(&format!("{}: shutting down", machine.id));
                machine.shut_down();
                self.stopping.insert(machine.id.clone(), Stopwatch::start());
                Ok(())
            }
            Some(since) if machine.is_alive() && since.elapsed() < SHUTDOWN => Ok(()),
            Some(_) => {
                self.stopping.remove(&machine.id);
                machine.cut_power(self.tools)
            }
        }
    }

    /// Removes machines that the API no longer has.
    fn lost(&mut self, region: &str, instances: &[ec2::Instance]) -> Result<()> {
        for mut machine in machine::all()? {
            if machine.region == region && !instances.iter().any(|instance| instance.id == machine.id) {
                self.say(&format!("{}: no longer exists in the API", machine.id));
                machine.remove(self.tools)?;
            }
        }
        Ok(())
    }

    fn say(&mut self, text: &str) {
        self.quiet = Stopwatch::start();
        (self.log)(text);
    }

    fn note(&mut self, thing: &str, done: Result<()>) {
        match done {
            Ok(()) => {
                self.last.remove(thing);
            }
            Err(e) => {
                let text = format!("{thing}: {e:#}");
                if self.last.insert(thing.to_string(), text.clone()).as_ref() != Some(&text) {
                    self.say(&text);
                }
            }
        }
    }
}
