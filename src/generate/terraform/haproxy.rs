//! The root module `load_balancer/terraform_haproxy`, which makes the load balancer's machine.

use super::hcl::{attr, commented, object};
use super::machine;
use crate::cluster::{Cluster, Role, Service};
use crate::fileset::FileSet;

/// Adds the module's files.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let mut locals = machine::locals(cluster, Role::Haproxy, &files.images);
    let haproxy = cluster.first_balancer();
    let serves = &cluster.haproxy;
    let ports = object([
        ("write", serves.write_port.into()),
        ("read", serves.read_port.into()),
        ("stats", serves.stats.port.into()),
    ]);
    locals.push(commented(machine::ADDRESS_COMMENT, attr("zone", haproxy.zone.as_str())));
    locals.push(attr("address", haproxy.address.to_string()));
    locals.push(commented("The ports and paths of haproxy.cfg, for the outputs.", attr("ports", ports)));
    locals.push(attr("admin_scheme", Service::Admin.scheme().name()));
    locals.push(attr("stats_path", serves.stats.path.as_str()));
    let mut module = machine::module(cluster, Role::Haproxy, files);
    module.cluster(locals);
    module.add("main.tf");
    module.add("outputs.tf");
}
