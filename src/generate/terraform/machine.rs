//! What the modules that make machines share: how they find the network and their image, and what a machine is made of.

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Body};

use super::hcl::{attr, block, code, commented, list, object, optional, print};
use super::module::ModuleFiles;
use crate::cluster::{Cluster, Machine, Module, Role};
use crate::fileset::{FileSet, ImageId};

const NETWORK: &str = include_str!("../templates/terraform/lookup_network.tf");
const EXISTING_NETWORK: &str = include_str!("../templates/terraform/lookup_existing_network.tf");
const KEY: &str = include_str!("../templates/terraform/lookup_key.tf");
const IMAGE: &str = include_str!("../templates/terraform/lookup_image.tf");
const IMAGE_VARIABLE: &str = include_str!("../templates/terraform/image_variable.tf");

/// The comment above a machine's zone and address in `cluster.tf`.
pub const ADDRESS_COMMENT: &str =
    "Fixed, because haproxy.cfg, pg_hba.conf, etcd and Patroni refer to machines by these addresses.";

/// Starts a role's module: everything except `cluster.tf`, instances and outputs.
pub fn module<'a>(cluster: &'a Cluster, role: Role, files: &'a mut FileSet) -> ModuleFiles<'a> {
    let machines = cluster.machines.iter().filter(|m| m.role == role);
    let mut variables = format!("\n{IMAGE_VARIABLE}");
    for machine in machines {
        variables.push_str(&format!("\n{}", eip_variable(&machine.name)));
    }
    let mut module = ModuleFiles::new(cluster, Module::of(role), files);
    module.variables(&variables);
    let mut lookup = vec![if cluster.network.vpc_id.is_some() { EXISTING_NETWORK } else { NETWORK }];
    lookup.extend(cluster.blueprint.kms_key_id.as_ref().map(|_| KEY));
    lookup.push(IMAGE);
    module.file("lookup.tf", lookup.join("\n"));
    module
}

/// Returns what `cluster.tf` says about a role: its name, its image, and what its machines are made of.
pub fn locals(cluster: &Cluster, role: Role, images: &[ImageId]) -> Vec<Attribute> {
    let machines: Vec<&Machine> = cluster.machines.iter().filter(|m| m.role == role).collect();
    let first = machines[0];
    let mut zones: Vec<&str> = machines.iter().map(|m| m.zone.as_str()).collect();
    zones.sort_unstable();
    zones.dedup();
    let image = images.iter().find(|image| image.role == role.name());
    let (name, hash) = image.map_or(("", ""), |image| (image.name.as_str(), image.hash.as_str()));
    let group = if role == Role::Haproxy { "haproxy" } else { "database" };
    let disk = object([
        ("size", first.block.disk.size.into()),
        ("iops", first.block.disk.iops.into()),
        ("throughput", first.block.disk.throughput.into()),
    ]);
    let mut all = vec![
        commented(
            "The role, and the kind of machine, which decides the security group and the instance profile.",
            attr("role", role.name()),
        ),
        attr("group", group),
        commented(
            "Who belongs to the cluster. Each machine has this in its tags, and a run that would change it while one exists is refused.",
            attr("databases", names(cluster.databases())),
        ),
        attr("etcd", names(cluster.etcd_members())),
        commented(
            "The image that packer_templates builds, found by the hash of everything in it.",
            attr("image_name", name),
        ),
        attr("image", hash),
        commented("Size in GiB, I/O operations per second, throughput in MiB per second.", attr("disk", disk)),
        attr("instance_type", first.block.instance_type.as_str()),
        attr("key_name", optional(first.block.key_name.as_deref())),
        attr("elastic_ip", first.block.elastic_ip),
    ];
    match &cluster.network.vpc_id {
        None => all.push(attr("zones", list(zones))),
        Some(vpc_id) => {
            let subnets = cluster.network.subnets.iter().filter(|subnet| zones.contains(&subnet.zone.as_str()));
            let subnets = subnets.map(|subnet| (&subnet.zone, optional(subnet.id.as_deref())));
            all.push(commented(
                "They existed before the cluster. Nothing here changes or tags them.",
                attr("vpc_id", vpc_id.as_str()),
            ));
            all.push(attr("subnets", object(subnets)));
        }
    }
    all
}

/// Returns the machines' names, separated by spaces.
pub fn names<'a>(machines: impl Iterator<Item = &'a Machine>) -> String {
    machines.map(|machine| machine.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// Returns a machine's zone and address.
pub fn place(machine: &Machine) -> Expression {
    object([("zone", machine.zone.as_str().into()), ("address", machine.address.to_string().into())])
}

/// Returns the seed's variable `<name>_eip`.
fn eip_variable(name: &str) -> String {
    let variable = format!("{name}_eip");
    let validation = block("validation")
        .attribute(attr(
            "condition",
            code(&format!(r#"alltrue([for ip in compact([var.{variable}]) : can(cidrnetmask("${{ip}}/32"))])"#)),
        ))
        .attribute(attr("error_message", "An Elastic IP is an IPv4 address, such as 203.0.113.7."));
    let variable = block("variable")
        .label(variable.as_str())
        .attribute(attr("description", format!("Address of an existing Elastic IP to give to {name}.")))
        .attribute(attr("type", code("string")))
        .attribute(attr("default", code("null")))
        .block(validation);
    print(&Body::builder().block(variable).build())
}
