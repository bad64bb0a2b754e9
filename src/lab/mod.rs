//! The lab runs the pipeline on one Linux machine. moto provides the AWS API, systemd-nspawn the machines.
//!
//! `up` starts three daemons: a proxy to the package mirrors, moto, and the controller. The controller boots, stops and removes
//! machines as moto's instances come and go, and keeps the images that are made of them. `down` removes everything. What must
//! outlast `down` (base root filesystems, images by content) is in the cache.

mod api;
mod balancer;
mod base;
mod client;
mod controller;
mod daemons;
mod disk;
mod ec2;
mod elb;
mod firewall;
mod ground;
mod harm;
mod iam;
mod images;
mod machine;
mod mirrors;
mod moto;
mod network;
mod nodes;
mod paths;
mod prerequisites;
mod proxy;
mod store;
mod target;
mod terraform;
mod tool;
mod traces;
mod volume;

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::system::host::{cgroup, mount, namespace, tree};
use crate::system::{Context, Interrupt, files};

pub use ground::LabGround;
pub use harm::{abandoned, recover};
pub use nodes::{Node, Power};
pub use prerequisites::Missing;
pub use target::{describe, prepare};
pub use tool::HostTools;

/// What `up` found on the host.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    /// Whether the directory of `ip netns` existed before.
    had_namespaces: bool,
    /// Whether `up` finished.
    is_complete: bool,
}

/// What `up` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Up {
    /// It started the lab.
    Started,
    /// The lab was up already.
    WasUp,
}

/// Checks everything that the lab needs from this machine. The error names all that is missing.
pub fn check(context: &Context) -> Result<(), Missing> {
    prerequisites::check(context)
}

/// Returns whether the lab is up and all its daemons run.
pub fn is_up() -> bool {
    let record = store::load::<Record>(&record()).ok().flatten();
    record.is_some_and(|record| record.is_complete)
        && [daemons::PROXY, daemons::MOTO, daemons::CONTROLLER].iter().all(|name| daemons::is_alive(name))
}

/// Starts the lab. If that fails, nothing of it stays.
///
/// The controller is a process of this program with the arguments `lab controller`, which must call [`controller`].
pub fn up(tools: HostTools<'_>, say: &mut dyn FnMut(&str)) -> Result<Up> {
    require_root()?;
    if is_up() {
        return Ok(Up::WasUp);
    }
    prerequisites::check(tools.context)?;
    if store::load::<Record>(&record()).ok().flatten().is_some_and(|r| r.is_complete)
        && daemons::is_alive(daemons::MOTO)
    {
        // The machines are untouched, so only the missing daemons start.
        start_missing(tools)?;
        return Ok(Up::Started);
    }
    down(tools.context)?;
    let came_up = bring_up(tools, say);
    if came_up.is_err() {
        down(tools.context).context("cannot clean up after a failed start")?;
    }
    came_up.map(|()| Up::Started)
}

fn bring_up(tools: HostTools<'_>, say: &mut dyn FnMut(&str)) -> Result<()> {
    let had_namespaces = files::exists(namespace::NAMES.as_ref());
    for dir in ["", "logs", "tmp", "machines", "images", "regions", "clusters"] {
        files::make_dirs(&paths::state().join(dir))?;
    }
    files::set_mode(&paths::state(), 0o700)?;
    store::save(&record(), &Record { had_namespaces, is_complete: false })?;
    let mirrors = mirrors::debian(&mirrors::read()?).context("this host has no Debian mirror")?;
    base::ensure(tools, base::BASES[0], &mirrors, say)?;
    disk::prepare()?;
    say("making the network");
    network::create(tools)?;
    proxy::start(tools, &mirrors)?;
    say("starting moto");
    moto::start(tools, &images::register()?)?;
    start_controller(tools)?;
    terraform::configure_found(tools)?;
    ensure!(!tools.interrupt.is_raised(), "interrupted");
    store::save(&record(), &Record { had_namespaces, is_complete: true })
}

fn start_missing(tools: HostTools<'_>) -> Result<()> {
    if !daemons::is_alive(daemons::PROXY) {
        proxy::start(tools, &mirrors::debian(&mirrors::read()?).context("this host has no Debian mirror")?)?;
    }
    if !daemons::is_alive(daemons::CONTROLLER) {
        start_controller(tools)?;
    }
    Ok(())
}

fn start_controller(tools: HostTools<'_>) -> Result<()> {
    let argv = [&tools.context.program.display().to_string(), "lab", "controller"].map(str::to_string);
    daemons::start(daemons::CONTROLLER, &argv, &tools.context.env)?;
    let mut looks = 0;
    daemons::await_ready(daemons::CONTROLLER, Duration::from_secs(5), || {
        looks += 1;
        looks > 10
    })
}

/// Removes the lab: its processes, machines, mounts, namespaces, links, routes, control groups and files, but not the cache.
///
/// It looks at what exists, not at what should exist. So it works after any crash, and when there is nothing to do.
pub fn down(context: &Context) -> Result<()> {
    require_root()?;
    // Otherwise it would end itself half-way.
    ensure!(namespace::own(network::PREFIX).is_none(), "this shell runs inside the lab; exit it first");
    // An earlier interrupt must not prevent the clean-up.
    let interrupt = Interrupt::default();
    let tools = HostTools { context, interrupt: &interrupt };
    for name in [daemons::CONTROLLER, daemons::MOTO, daemons::PROXY] {
        daemons::kill(name)?;
    }
    cgroup::kill_all(machine::CGROUP);
    for mut machine in machine::all().unwrap_or_default() {
        machine.cut_power(tools)?;
    }
    network::destroy(tools)?;
    balancer::forget_names()?;
    let state = paths::state();
    for at in mount::below(&state) {
        mount::detach(&at)?;
    }
    cgroup::remove(machine::CGROUP);
    let had_namespaces = store::load::<Record>(&record()).ok().flatten().is_none_or(|record| record.had_namespaces);
    ensure!(mount::below(&state).is_empty(), "something is still mounted below {}", state.display());
    files::remove_tree(&state)?;
    if let Some(parent) = state.parent() {
        files::remove_empty_dir(parent);
    }
    if !had_namespaces {
        namespace::remove_empty_names();
    }
    Ok(())
}

/// Runs the controller's process until SIGTERM. It keeps machines in the state that moto reports.
pub fn controller(tools: HostTools<'_>, log: &mut dyn FnMut(&str)) -> Result<()> {
    controller::run(tools, log)
}

/// Returns the lab's machines.
pub fn ps() -> Result<Vec<Node>> {
    require_root()?;
    ensure!(is_up(), NOT_UP);
    nodes::all()
}

/// Cuts a machine's power. It stays off until [`start`].
pub fn kill(tools: HostTools<'_>, node: &str) -> Result<()> {
    let _lock = hold()?;
    let mut machine = nodes::find(node)?;
    machine.is_off = true;
    // Saved first, so that the controller does not boot it again even if this fails.
    machine.save()?;
    machine.cut_power(tools)
}

/// Boots a machine that [`kill`] or the machine itself switched off, from its own disk.
pub fn start(tools: HostTools<'_>, node: &str) -> Result<()> {
    let _lock = hold()?;
    let mut machine = nodes::find(node)?;
    ensure!(!machine.is_alive(), "{node} is already running");
    machine.boot(tools)
}

/// Returns the command line that runs a shell or `command` in a machine, with the machine's environment.
pub fn shell(context: &Context, node: &str, command: &[String]) -> Result<Vec<String>> {
    require_root()?;
    let machine = nodes::find(node)?;
    let leader = namespace::leader(&network::machine_namespace(&machine.id));
    let Some(leader) = leader else { bail!("{node} is off. Boot it with `pgherd lab start {node}`") };
    let mut argv = ["nsenter", "-t", &leader.pid.to_string(), "-a", "env", "-i"].map(str::to_string).to_vec();
    argv.push(format!("TERM={}", context.var("TERM").unwrap_or("dumb")));
    argv.push(machine::trust());
    argv.extend(
        ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]
            .map(str::to_string),
    );
    argv.extend(words(command));
    Ok(argv)
}

/// Returns the command line that runs a shell or `command` in the network of moto, packer and terraform. The AWS CLI finds moto there.
///
/// The region is the caller's `AWS_REGION`, or that of the first cluster in the lab. From then on the controller polls it.
pub fn outer_shell(context: &Context, command: &[String]) -> Result<Vec<String>> {
    require_root()?;
    ensure!(is_up(), NOT_UP);
    let regions = files::list(&paths::regions())?;
    let first = regions.first().map_or("us-east-1", String::as_str);
    let region = context.var("AWS_REGION").unwrap_or(first);
    files::write(&paths::regions().join(region), b"")?;
    let mut argv: Vec<String> = outer(region).collect();
    // Packer and deploy.sh by hand need this, because builders have no public address.
    argv.push("PACKER_FLAGS=-var ssh_interface=private_ip".to_string());
    argv.extend(words(command));
    Ok(argv)
}

/// Returns the arguments before a command that runs in moto's network, with moto as AWS.
fn outer(region: &str) -> impl Iterator<Item = String> {
    let environment = target::environment(region).into_iter().map(|(name, value)| format!("{name}={value}"));
    ["ip", "netns", "exec", network::NAMESPACE, "env"].map(str::to_string).into_iter().chain(environment)
}

fn words(command: &[String]) -> Vec<String> {
    if command.is_empty() { ["/bin/bash", "--login"].map(str::to_string).to_vec() } else { command.to_vec() }
}

const NOT_UP: &str = "the lab is not up. Start it with `pgherd lab up`";

/// Locks the machines, so that one process at a time changes them.
fn hold() -> Result<files::Lock> {
    require_root()?;
    let dir = paths::machines();
    ensure!(files::exists(&dir), NOT_UP);
    let interrupt = Interrupt::default();
    for _ in 0..600 {
        if let Some(lock) = files::lock(&dir)? {
            return Ok(lock);
        }
        interrupt.wait(Duration::from_millis(100));
    }
    bail!("the lab's controller has been busy for a minute")
}

fn require_root() -> Result<(), Missing> {
    if tree::is_root() { Ok(()) } else { Err(Missing(vec![prerequisites::ROOT.to_string()])) }
}

fn record() -> std::path::PathBuf {
    paths::state().join("lab.json")
}
