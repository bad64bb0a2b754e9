//! EC2 as the ground of a drill: machines lose power and get it back, by API.
//!
//! [`plan`] says which faults are possible, and identifies the machines. [`api`] stops and starts them, with what is stopped in the
//! [`record`]. Databases are asked through HAProxy ([`sql`]).

mod api;
mod plan;
mod record;
mod sql;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::ground::Ground;
use crate::cluster::fault::{Disruption, Fault};
use crate::pipeline::{ClusterAccess, Expected, Port};
use crate::run::observe::{HaproxyAddress, TIMEOUT, etcd};
use crate::system::Interrupt;
use crate::system::postgres::SqlLogin;

pub use api::{Ec2, PATIENCE};
pub use plan::refusal;
pub use record::{StopRecord, StoppedMachine, names};

/// A cluster in EC2, with the right to cut its machines' power. When it is dropped, whatever was stopped is started again.
pub struct Ec2Ground<'a> {
    ec2: Ec2<'a>,
    expected: &'a Expected,
    access: &'a ClusterAccess,
    haproxies: Vec<HaproxyAddress>,
    login: SqlLogin,
    /// Raised when the user wants to stop.
    interrupt: &'a Interrupt,
    /// The instance id of each machine.
    ids: BTreeMap<String, String>,
    /// Whether machines could not be started in time. Once is enough to wait for that.
    gave_up: AtomicBool,
}

impl<'a> Ec2Ground<'a> {
    /// Identifies the machines of a cluster, and asks EC2 whether it would stop and start them. `haproxies` lead to the cluster.
    ///
    /// # Errors
    /// If EC2 has other machines than the blueprint, or would refuse. Nothing is stopped then.
    pub fn take(
        ec2: Ec2<'a>,
        expected: &'a Expected,
        access: &'a ClusterAccess,
        haproxies: Vec<HaproxyAddress>,
        login: SqlLogin,
        interrupt: &'a Interrupt,
    ) -> Result<Self> {
        let found = ec2.machines(interrupt)?;
        let ids = plan::instances(expected, ec2.tag, &found).map_err(|why| {
            anyhow::anyhow!("nothing was stopped: {why}\n  `pgherd run BLUEPRINT --plan-only` shows what differs")
        })?;
        ec2.rehearse(&ids.values().cloned().collect::<Vec<_>>(), interrupt)?;
        Ok(Ec2Ground { ec2, expected, access, haproxies, login, interrupt, ids, gave_up: AtomicBool::new(false) })
    }
}

impl Ground for Ec2Ground<'_> {
    fn refuses(&self, fault: Fault) -> Option<&'static str> {
        refusal(fault)
    }

    fn inject(&self, machines: &[String], harm: Disruption, _: &[String]) -> Result<()> {
        let Disruption::PowerCut = harm else { bail!("{harm:?} is not possible by EC2's API") };
        let machine = |name: &String| {
            let id = self.ids.get(name).with_context(|| format!("{name} is no machine of the cluster"))?;
            Ok(StoppedMachine { name: name.clone(), id: id.clone() })
        };
        let machines: Vec<StoppedMachine> = machines.iter().map(machine).collect::<Result<_>>()?;
        self.ec2.cut(&machines, self.interrupt)
    }

    fn undo(&self) -> Result<()> {
        let patience = if self.gave_up.load(Ordering::Relaxed) { Duration::ZERO } else { api::PATIENCE };
        let undone = self.ec2.revive(patience, self.interrupt);
        self.gave_up.store(undone.is_err(), Ordering::Relaxed);
        undone
    }

    fn etcd_leader(&self) -> Result<String> {
        let members: Vec<String> = self.expected.etcd_members().map(|machine| machine.name.clone()).collect();
        let answers = |haproxy: &HaproxyAddress| etcd::ask(&self.access.admin, haproxy.address, &members, TIMEOUT);
        let answers: Vec<etcd::EtcdAnswer> = self.haproxies.iter().flat_map(answers).collect();
        let reports = answers.iter().filter_map(|answer| Some((&answer.machine, &answer.report.as_ref().ok()?.status)));
        let leaders = reports.filter(|(_, status)| status.leader() == Some(status.id()));
        // A former leader that is cut off has an older term.
        let leader = leaders.max_by_key(|(_, status)| status.term).context("etcd has no leader")?;
        Ok(leader.0.clone())
    }

    fn moves_etcd_leader(&self) -> bool {
        false
    }

    fn move_etcd_leader(&self, to: &str) -> Result<()> {
        bail!("moving etcd's leadership to {to} needs a login on the machines")
    }

    fn sql(&self, machine: &str, database: &str, statement: &str) -> Result<String> {
        let found = self.expected.databases().find(|one| one.name == machine);
        let address = found.with_context(|| format!("{machine} is no database machine"))?.address;
        let on = |port: &Port| self.haproxies.iter().map(|haproxy| port.on(haproxy.address)).collect();
        let ports = sql::Ports {
            write: on(&self.access.write),
            read: on(&self.access.read),
            machines: self.expected.databases().count(),
        };
        ports.rows_on(address, &SqlLogin { database: database.into(), ..self.login.clone() }, statement)
    }

    /// What is stopped is on record, and nothing else is made here.
    fn traces(&self) -> Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }

    fn enter_client_network(&self) -> Result<()> {
        Ok(())
    }
}

impl Drop for Ec2Ground<'_> {
    fn drop(&mut self) {
        // If this fails, the record stays, and the next command starts what is left. A user who has interrupted does not wait for the same
        // failure twice.
        if !(self.gave_up.load(Ordering::Relaxed) && self.interrupt.is_raised()) {
            let _ = self.undo();
        }
    }
}
