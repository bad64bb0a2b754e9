//! The lab: the pipeline on one Linux machine. The AWS API comes from moto, the machines from systemd-nspawn.
//!
//! `up` starts three daemons: a proxy to the package mirrors, moto, and the controller, which boots, stops and removes machines
//! as moto's instances come and go, and keeps what is made of them as images. `down` takes everything away again. What must
//! outlast `down` (base root filesystems, images by their content) is in the cache.

mod base;
mod controller;
mod daemons;
mod ec2;
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

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::system::host::{cgroup, mount, namespace, tree};
use crate::system::{Context, Interrupt, files};

pub use nodes::{Node, State};
pub use prerequisites::Missing;
pub use target::{describe, prepare};
pub use tool::Tools;

/// What `up` found and must leave as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    /// Whether `ip netns` had made its directory of names before.
    had_namespaces: bool,
    /// Whether `up` came to its end.
    is_complete: bool,
}

/// What `up` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Up {
    /// It came up.
    Started,
    /// It was up.
    WasUp,
}

/// Looks for everything that the lab needs of this machine; an error names all that is missing.
pub fn check(context: &Context) -> Result<(), Missing> {
    prerequisites::check(context)
}

/// Whether the lab is up and well.
pub fn is_up() -> bool {
    let record = store::load::<Record>(&record()).ok().flatten();
    record.is_some_and(|record| record.is_complete)
        && [daemons::PROXY, daemons::MOTO, daemons::CONTROLLER].iter().all(|name| daemons::is_alive(name))
}

/// Brings the lab up. If it fails, nothing of it stays.
///
/// The controller's own process is this program with the words `lab controller`, which must come to [`controller`].
pub fn up(tools: Tools<'_>, say: &mut dyn FnMut(&str)) -> Result<Up> {
    require_root()?;
    if is_up() {
        return Ok(Up::WasUp);
    }
    prerequisites::check(tools.context)?;
    if store::load::<Record>(&record()).ok().flatten().is_some_and(|r| r.is_complete)
        && daemons::is_alive(daemons::MOTO)
    {
        // The machines are as they were: whoever lost a daemon gets it back.
        start_missing(tools)?;
        return Ok(Up::Started);
    }
    down(tools.context)?;
    let came_up = bring_up(tools, say);
    if came_up.is_err() {
        down(tools.context).context("after a failed start")?;
    }
    came_up.map(|()| Up::Started)
}

fn bring_up(tools: Tools<'_>, say: &mut dyn FnMut(&str)) -> Result<()> {
    let had_namespaces = files::exists(namespace::NAMES.as_ref());
    for dir in ["", "logs", "tmp", "machines", "images", "regions", "clusters"] {
        files::make_dirs(&paths::state().join(dir))?;
    }
    files::set_mode(&paths::state(), 0o700)?;
    store::save(&record(), &Record { had_namespaces, is_complete: false })?;
    let mirrors = mirrors::debian(&mirrors::read()?).context("this host has no Debian mirror")?;
    base::ensure(tools, base::BASES[0], &mirrors, say)?;
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

fn start_missing(tools: Tools<'_>) -> Result<()> {
    if !daemons::is_alive(daemons::PROXY) {
        proxy::start(tools, &mirrors::debian(&mirrors::read()?).context("this host has no Debian mirror")?)?;
    }
    if !daemons::is_alive(daemons::CONTROLLER) {
        start_controller(tools)?;
    }
    Ok(())
}

fn start_controller(tools: Tools<'_>) -> Result<()> {
    let argv = [&tools.context.program.display().to_string(), "lab", "controller"].map(str::to_string);
    daemons::start(daemons::CONTROLLER, &argv, &tools.context.env)?;
    let mut looks = 0;
    daemons::await_ready(daemons::CONTROLLER, Duration::from_secs(5), || {
        looks += 1;
        looks > 10
    })
}

/// Takes the lab down: its processes, machines, mounts, namespaces, links, routes, control groups and files; not the cache.
///
/// It goes by what is there, not by what should be: it works after a crash of anything, and when there is nothing to do.
pub fn down(context: &Context) -> Result<()> {
    require_root()?;
    // It would end itself half way through.
    ensure!(namespace::own(network::PREFIX).is_none(), "this is a shell in the lab: leave it first");
    // An interrupt that came before must not keep us from tidying up.
    let interrupt = Interrupt::default();
    let tools = Tools { context, interrupt: &interrupt };
    for name in [daemons::CONTROLLER, daemons::MOTO, daemons::PROXY] {
        daemons::kill(name)?;
    }
    cgroup::kill_all(machine::CGROUP);
    for mut machine in machine::all().unwrap_or_default() {
        machine.cut_power(tools)?;
    }
    network::destroy(tools)?;
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

/// The controller's own process: keeps machines what moto says they are, until SIGTERM.
pub fn controller(tools: Tools<'_>, log: &mut dyn FnMut(&str)) -> Result<()> {
    controller::run(tools, log)
}

/// The machines.
pub fn ps() -> Result<Vec<Node>> {
    require_root()?;
    ensure!(is_up(), NOT_UP);
    nodes::all()
}

/// Cuts a machine's power. It stays off until [`start`].
pub fn kill(tools: Tools<'_>, node: &str) -> Result<()> {
    let _lock = hold()?;
    let mut machine = nodes::find(node)?;
    machine.is_off = true;
    // The controller must not boot it again, however far we come.
    machine.save()?;
    machine.cut_power(tools)
}

/// Switches a machine on that [`kill`] or itself switched off; it boots from its own disk as it was left.
pub fn start(tools: Tools<'_>, node: &str) -> Result<()> {
    let _lock = hold()?;
    let mut machine = nodes::find(node)?;
    ensure!(!machine.is_alive(), "{node} runs already");
    machine.boot(tools)
}

/// The command line that enters a machine: a shell, or `command` if there is one. The machine's environment, not ours.
pub fn shell(context: &Context, node: &str, command: &[String]) -> Result<Vec<String>> {
    require_root()?;
    let machine = nodes::find(node)?;
    let leader = namespace::leader(&network::machine_namespace(&machine.id));
    let Some(leader) = leader else { bail!("{node} is off: pgherd lab start {node}") };
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

/// The command line that enters the network of moto, packer and terraform, where the AWS CLI finds moto.
///
/// The region is the caller's `AWS_REGION`, else that of the first cluster in the lab; the controller looks there from now on.
pub fn outer_shell(context: &Context, command: &[String]) -> Result<Vec<String>> {
    require_root()?;
    ensure!(is_up(), NOT_UP);
    let regions = files::list(&paths::regions())?;
    let first = regions.first().map_or("us-east-1", String::as_str);
    let region = context.var("AWS_REGION").unwrap_or(first);
    files::write(&paths::regions().join(region), b"")?;
    let mut argv: Vec<String> = outer(region).collect();
    // What a person who runs packer or deploy.sh by hand must add here: builders have no public address.
    argv.push("PACKER_FLAGS=-var ssh_interface=private_ip".to_string());
    argv.extend(words(command));
    Ok(argv)
}

/// The words before a command that is to run in the network of moto, with moto for AWS.
fn outer(region: &str) -> impl Iterator<Item = String> {
    let environment = target::environment(region).into_iter().map(|(name, value)| format!("{name}={value}"));
    ["ip", "netns", "exec", network::NAMESPACE, "env"].map(str::to_string).into_iter().chain(environment)
}

fn words(command: &[String]) -> Vec<String> {
    if command.is_empty() { ["/bin/bash", "--login"].map(str::to_string).to_vec() } else { command.to_vec() }
}

const NOT_UP: &str = "the lab is not up: pgherd lab up";

/// Holds the machines: one process at a time changes them.
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
