//! Terraform's root modules. Each has its own state and finds the others' resources by tags.
//!
//! What is the same in every cluster is plain Terraform under `templates/`. What the blueprint decides goes as data into the
//! module's `cluster.tf` (and into a backend, and a variable for each Elastic IP). No text is pasted into HCL.

mod haproxy;
mod hcl;
mod iam;
pub(super) mod machine;
mod master;
mod module;
mod network;
mod slave;
mod traffic;

use crate::cluster::Cluster;
use crate::fileset::FileSet;

/// Adds the root modules. They need the image hashes of [`FileSet::images`].
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    network::add(cluster, files);
    master::add(cluster, files);
    if cluster.slaves().next().is_some() {
        slave::add(cluster, files);
    }
    haproxy::add(cluster, files);
}
