//! The root module `db_config/terraform_slave`, which makes the other database machines.

use super::hcl::{attr, code, commented, object};
use super::machine;
use crate::cluster::{Cluster, Role};
use crate::fileset::FileSet;

/// Adds the module's files. The cluster must have slaves.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let mut locals = machine::locals(cluster, Role::Slave, &files.images);
    let slaves = cluster.slaves().map(|slave| (&slave.name, machine::place(slave)));
    let eips = cluster.slaves().map(|slave| (&slave.name, code(&format!("var.{}_eip", slave.name))));
    locals.push(commented(machine::ADDRESS_COMMENT, attr("slaves", object(slaves))));
    locals.push(attr("eip_variables", object(eips)));
    let mut module = machine::module(cluster, Role::Slave, files);
    module.cluster(locals);
    module.add("main.tf");
    module.add("outputs.tf");
}
