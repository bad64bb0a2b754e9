//! What a drill needs of the place where the cluster runs.

use anyhow::Result;

use crate::cluster::fault::{Disruption, Fault};

/// The schema of the drill's table. A drill makes it and drops it.
pub const SCHEMA: &str = "pgherd_drill";

/// The place where a cluster runs, with the right to break its machines. Machines are named as in the cluster.
pub trait Ground: Sync {
    /// Returns why a fault cannot be brought about here, whatever the state of the cluster. `None` if it can be.
    fn refuses(&self, fault: Fault) -> Option<&'static str>;
    /// Harms machines, all of them at once if possible. A cut is between each of them and the machines `from`, or all others if there are
    /// none in it. Whatever happened is undone by [`Ground::undo`], even if this fails.
    fn inject(&self, machines: &[String], harm: Disruption, from: &[String]) -> Result<()>;
    /// Undoes everything that was injected. It does nothing where nothing is broken.
    fn undo(&self) -> Result<()>;
    /// Returns the machine of etcd's leader.
    fn etcd_leader(&self) -> Result<String>;
    /// Returns whether [`Ground::move_etcd_leader`] is possible here.
    fn moves_etcd_leader(&self) -> bool;
    /// Moves etcd's leadership to a machine.
    fn move_etcd_leader(&self, to: &str) -> Result<()>;
    /// Runs a statement on a database machine, as PostgreSQL's superuser or as the user whom the clients log in as. Returns its rows, one a line, with spaces between the values.
    fn sql(&self, machine: &str, database: &str, statement: &str) -> Result<String>;
    /// Moves the calling thread to where the cluster's clients are.
    fn enter_client_network(&self) -> Result<()>;
}
