//! Brings faults about on the lab's machines, and undoes them.
//!
//! What is broken is on record before it breaks, together with the process that broke it. So a drill that was killed is undone by the
//! next command that looks.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::machine::{self, LabMachine};
use super::tool::HostTools;
use super::{network, nodes, paths, store};
use crate::cluster::fault::{Disruption, LOSS, Software};
use crate::system::Interrupt;
use crate::system::files;
use crate::system::host::daemon::Process;
use crate::system::host::tree;

/// What is broken at present.
#[derive(Debug, Serialize, Deserialize)]
struct Disrupted {
    /// The process that broke it, and that will undo it while it lives.
    by: Process,
    /// Each harm with the instance id of its machine, the oldest first.
    harms: Vec<(String, Disruption)>,
}

/// The right of one process to break machines. When it is dropped, whatever it broke is undone.
#[derive(Debug)]
pub struct Harms<'a> {
    tools: HostTools<'a>,
}

impl<'a> Harms<'a> {
    /// Takes the right, after undoing what a process that is gone left broken.
    ///
    /// # Errors
    /// If another process that is running has it, or something cannot be undone.
    pub fn take(tools: HostTools<'a>) -> Result<Self> {
        super::require_root()?;
        recover(tools)?;
        if let Some(broken) = store::load::<Disrupted>(&record())? {
            bail!("another drill is running (process {}); wait until it has ended", broken.by.pid);
        }
        store::save(&record(), &Disrupted { by: Process::own()?, harms: vec![] })?;
        Ok(Harms { tools })
    }

    /// Harms a machine, by its name in the cluster with this tag. A cut is between it and the machines `from`, or all others if there
    /// are none in it.
    ///
    /// # Errors
    /// If it cannot be harmed. What has happened to it by then is undone by [`Harms::undo`].
    pub fn inject(&self, tag: &str, name: &str, harm: Disruption, from: &[String]) -> Result<()> {
        let machine = nodes::of_cluster(tag, name)?;
        let peers: Vec<Ipv4Addr> =
            from.iter().map(|peer| nodes::of_cluster(tag, peer).map(|peer| peer.address)).collect::<Result<_>>()?;
        let mut broken: Disrupted = store::load(&record())?.context("the record of what is broken is gone")?;
        broken.harms.push((machine.id.clone(), harm));
        store::save(&record(), &broken)?;
        self::inject(self.tools, &machine, harm, &peers).with_context(|| format!("cannot harm {name}"))
    }

    /// Undoes everything that was injected, the latest first.
    ///
    /// # Errors
    /// If something could not be undone. It is tried again at the next call.
    pub fn undo(&self) -> Result<()> {
        undo(self.tools)
    }
}

impl Drop for Harms<'_> {
    fn drop(&mut self) {
        // If this fails, the record stays, and the next command undoes the rest.
        if self.undo().is_ok() {
            let _ = files::remove(&record());
        }
    }
}

/// Undoes what a process that is gone left broken. Returns whether there was such a process.
///
/// # Errors
/// If something cannot be undone.
pub fn recover(tools: HostTools<'_>) -> Result<bool> {
    if left_broken()?.is_none() {
        return Ok(false);
    }
    undo(tools).context("a drill was killed, and what it broke cannot be undone")?;
    files::remove(&record())?;
    Ok(true)
}

/// Returns the names of the machines that a drill harmed before it was killed. They stay so until [`recover`].
///
/// # Errors
/// If the record cannot be read.
pub fn abandoned() -> Result<Vec<String>> {
    let mut names = vec![];
    for (id, _) in left_broken()?.map(|broken| broken.harms).unwrap_or_default() {
        let machine = machine::find(&id)?;
        let name = machine.as_ref().and_then(|machine| machine.tag("pgherd:machine")).unwrap_or(&id).to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Returns what a process that is gone left broken.
fn left_broken() -> Result<Option<Disrupted>> {
    // Only root may read the record, and without the lab nothing can be repaired: `lab up` begins anew.
    if !tree::is_root() || !super::is_up() {
        return Ok(None);
    }
    Ok(store::load::<Disrupted>(&record())?.filter(|broken| !broken.by.is_alive()))
}

fn undo(tools: HostTools<'_>) -> Result<()> {
    // The interrupt that ended the drill must not prevent the repair.
    let interrupt = Interrupt::default();
    let tools = HostTools { context: tools.context, interrupt: &interrupt };
    let Some(mut broken) = store::load::<Disrupted>(&record())? else { return Ok(()) };
    let mut failed = None;
    let mut left = vec![];
    while let Some((id, harm)) = broken.harms.pop() {
        // A machine that no longer exists needs no repair.
        let Some(machine) = machine::find(&id)? else { continue };
        if let Err(e) = repair(tools, &machine, harm) {
            failed = Some(e.context(format!("cannot undo {harm:?} on {id}")));
            left.push((id, harm));
        }
    }
    left.reverse();
    store::save(&record(), &Disrupted { harms: left, ..broken })?;
    failed.map_or(Ok(()), Err)
}

fn inject(tools: HostTools<'_>, machine: &LabMachine, harm: Disruption, peers: &[Ipv4Addr]) -> Result<()> {
    match harm {
        Disruption::PowerCut => super::kill(tools, &machine.id),
        Disruption::Cut(traffic) => network::cut(tools, &machine.id, traffic, peers),
        Disruption::Loss => network::lose(tools, &machine.id, LOSS),
        Disruption::Kill(Software::Postgres) => {
            inside(tools, machine, &format!("{POSTMASTER}; kill -KILL \"$postmaster\""))
        }
        Disruption::Kill(unit) => inside(tools, machine, &format!("systemctl kill --signal=KILL {}", service(unit))),
        Disruption::Freeze(Software::Postgres) => {
            let script = "kill -STOP \"$postmaster\"; pkill -STOP --parent \"$postmaster\"";
            inside(tools, machine, &format!("{POSTMASTER}; {script}"))
        }
        Disruption::Freeze(unit) => {
            inside(tools, machine, &format!("systemctl kill --kill-whom=main --signal=STOP {}", service(unit)))
        }
        Disruption::FillDisk => {
            // Without one, it would be the host's.
            ensure!(machine.disk.is_some(), "{} has no disk of its own", machine.id);
            inside(tools, machine, &format!("file={FILLED} filler={FILLER}\n{FILL}"))
        }
        Disruption::Switchover => inside(tools, machine, "herdctl switchover --force"),
    }
}

/// Undoes a harm. It does no harm where nothing is broken.
fn repair(tools: HostTools<'_>, machine: &LabMachine, harm: Disruption) -> Result<()> {
    match harm {
        Disruption::PowerCut if machine.is_off => super::start(tools, &machine.id),
        Disruption::Cut(_) | Disruption::Loss => network::mend(tools, &machine.id),
        // Patroni's unit has PostgreSQL's processes as well. A unit that has stopped meanwhile has none.
        Disruption::Freeze(unit) if machine.is_alive() => {
            let unit = service(unit);
            let script = format!("systemctl kill --signal=CONT {unit} || ! systemctl --quiet is-active {unit}");
            inside(tools, machine, &script)
        }
        Disruption::FillDisk => {
            let stop = format!("systemctl --quiet is-active {FILLER} && systemctl stop {FILLER}");
            inside(tools, machine, &format!("{stop}\nrm -f {FILLED}"))
        }
        // systemd and Patroni restart what was killed, and that they do is part of the drill.
        Disruption::PowerCut | Disruption::Freeze(_) | Disruption::Kill(_) | Disruption::Switchover => Ok(()),
    }
}

/// Finds the postmaster of the one PostgreSQL on a machine.
const POSTMASTER: &str = "postmaster=$(head -n 1 /var/lib/postgresql/*/main/postmaster.pid)";

/// The file that takes what a disk has left.
const FILLED: &str = "/var/lib/postgresql/pgherd_drill";

/// The unit that keeps the disk full. Other programs free blocks now and then, and one block is a page for hundreds of small rows.
const FILLER: &str = "pgherd_drill_fill";

/// Takes it as the user postgres, as a database does that has grown. What is left over is written full.
const FILL: &str = "free() { df --output=avail --block-size=1 /var/lib/postgresql | tail -n 1; }
runuser -u postgres -- fallocate --length $(free) \"$file\" || true
runuser -u postgres -- dd if=/dev/zero of=\"$file\" bs=4096 oflag=append conv=notrunc || true
[ $(free) -lt 65536 ] || { echo 'the disk is not full' >&2; exit 1; }
systemd-run --quiet --collect --unit=\"$filler\" --uid=postgres python3 -c '
import sys, time
with open(sys.argv[1], \"ab\", buffering=0) as file:
    while True:
        try:
            file.write(bytes(65536))
        except OSError:
            time.sleep(0.001)
' \"$file\"";

/// Returns the systemd unit that has a unit's processes.
fn service(unit: Software) -> &'static str {
    match unit {
        Software::Postgres | Software::Patroni => "patroni.service",
        Software::Etcd => "etcd.service",
        Software::Haproxy => "haproxy.service",
    }
}

/// Runs a shell script as root in a machine.
fn inside(tools: HostTools<'_>, machine: &LabMachine, script: &str) -> Result<()> {
    output(tools, machine, script, &[]).map(drop)
}

/// Runs a shell script as root in a machine and returns its standard output. `arguments` are the script's `$1`, `$2` …
pub fn output(tools: HostTools<'_>, machine: &LabMachine, script: &str, arguments: &[&str]) -> Result<String> {
    ensure!(machine.is_alive(), "{} is off", machine.id);
    let command: Vec<String> =
        ["bash", "-euc", script, "bash"].iter().chain(arguments).map(|word| word.to_string()).collect();
    tools.run(&super::shell(tools.context, &machine.id, &command)?)
}

fn record() -> PathBuf {
    paths::state().join("broken.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_is_read_back_by_the_next_command() {
        let by = Process::own().unwrap();
        let harms =
            vec![("i-1".to_string(), Disruption::Freeze(Software::Etcd)), ("i-2".to_string(), Disruption::PowerCut)];
        let text = serde_json::to_string(&Disrupted { by, harms: harms.clone() }).unwrap();
        assert_eq!(serde_json::from_str::<Disrupted>(&text).unwrap().harms, harms);
    }
}
