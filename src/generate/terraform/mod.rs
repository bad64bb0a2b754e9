//! Terraform's root modules: each its own state, found by the others through tags.
//!
//! What is the same for every cluster is plain Terraform under `templates/`. What the blueprint decides goes, as data,
//! into the module's `cluster.tf` (and a backend, and a variable for each Elastic IP): no text is pasted into HCL.

mod haproxy;
mod hcl;
mod machine;
mod master;
mod module;
mod network;
mod slave;
mod traffic;

use crate::cluster::Cluster;
use crate::fileset::FileSet;

/// Adds the root modules. They carry the image hashes that [`FileSet::images`] holds by now.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    network::add(cluster, files);
    master::add(cluster, files);
    if cluster.slaves().next().is_some() {
        slave::add(cluster, files);
    }
    haproxy::add(cluster, files);
}
