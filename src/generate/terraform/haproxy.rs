//! The root module `load_balancer/terraform_haproxy`, which makes the load balancers' machines.

use hcl_edit::structure::Attribute;

use super::hcl::{attr, code, commented, object};
use super::machine;
use crate::cluster::{Cluster, Nlb, Role, Service};
use crate::fileset::FileSet;

/// Adds the module's files.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let mut locals = machine::locals(cluster, Role::Haproxy, &files.images);
    let haproxies = cluster.balancers().map(|haproxy| (&haproxy.name, machine::place(haproxy)));
    let eips = cluster.balancers().map(|haproxy| (&haproxy.name, code(&format!("var.{}_eip", haproxy.name))));
    let serves = &cluster.haproxy;
    let ports = object([
        ("write", serves.write_port.into()),
        ("read", serves.read_port.into()),
        ("stats", serves.stats.port.into()),
    ]);
    locals.push(commented(machine::ADDRESS_COMMENT, attr("haproxies", object(haproxies))));
    locals.push(attr("eip_variables", object(eips)));
    locals.push(commented("The ports and paths of haproxy.cfg, for the outputs.", attr("ports", ports)));
    locals.push(attr("admin_scheme", Service::Admin.scheme().name()));
    locals.push(attr("stats_path", serves.stats.path.as_str()));
    if let Some(name) = cluster.nlb_name() {
        locals.extend(nlb(cluster, &name));
    }
    let mut module = machine::module(cluster, Role::Haproxy, files);
    module.cluster(locals);
    module.add("main.tf");
    module.add("moved.tf");
    if cluster.nlb_name().is_some() {
        module.rendered("nlb.tf", ());
    }
    module.add("outputs.tf");
}

/// Returns what `cluster.tf` says about the network load balancer.
fn nlb(cluster: &Cluster, name: &str) -> [Attribute; 3] {
    let is_internal = cluster.blueprint.haproxy.nlb == Nlb::Internal;
    let services = cluster.nlb_services().map(|(service, path)| (service.port(cluster), path));
    let ports = services.map(|(port, path)| (port.to_string(), path.into()));
    let targets = cluster.balancers().flat_map(|machine| {
        services.map(|(port, _)| {
            let target = object([("address", machine.address.to_string().into()), ("port", port.into())]);
            (format!("{}:{port}", machine.name), target)
        })
    });
    let nlb = object([("name", name.into()), ("internal", is_internal.into())]);
    [
        commented("The network load balancer in front of HAProxy.", attr("nlb", nlb)),
        commented("The path at which HAProxy says whether it can serve each port.", attr("nlb_ports", object(ports))),
        attr("nlb_targets", object(targets)),
    ]
}
