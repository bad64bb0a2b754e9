//! The root module `db_config/terraform_master`, which makes the first database machine.

use super::hcl::{attr, commented};
use super::machine;
use crate::cluster::{Cluster, Role};
use crate::fileset::FileSet;

/// Adds the module's files.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let mut locals = machine::locals(cluster, Role::Master, &files.images);
    let master = cluster.master();
    locals.push(commented(machine::ADDRESS_COMMENT, attr("zone", master.zone.as_str())));
    locals.push(attr("address", master.address.to_string()));
    let mut module = machine::module(cluster, Role::Master, files);
    module.cluster(locals);
    module.add("main.tf");
    module.add("outputs.tf");
}
