//! The root module `network/terraform_network`: VPC, subnets, security groups, instance roles, passwords.

use hcl_edit::expr::Expression;
use hcl_edit::structure::Attribute;

use super::hcl::{attr, commented, list, object};
use super::iam::Roles;
use super::module::ModuleFiles;
use super::traffic;
use crate::cluster::{Cluster, Creator, Module, Secret, Subnet};
use crate::fileset::FileSet;

/// Adds the module's files.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let mut module = ModuleFiles::new(cluster, Module::Network, files);
    module.variables("");
    module.cluster(locals(cluster));
    module.file("traffic.tf", traffic::text(cluster));
    let is_made = cluster.network.vpc_id.is_none();
    module.add_from("network.tf", if is_made { "network.tf" } else { "existing_network.tf" });
    module.add("partition.tf");
    module.add("reservations.tf");
    let has_endpoint = !cluster.network.makes_endpoint;
    module.add_from("endpoint.tf", if has_endpoint { "existing_endpoint.tf" } else { "endpoint.tf" });
    module.add("security_groups.tf");
    module.rendered("iam.tf", Roles::of(cluster));
    module.add("secrets.tf");
    module.add("user_secrets.tf");
    module.add("founded.tf");
    if cluster.blueprint.kms_key_id.is_some() {
        module.rendered("kms.tf", Roles::of(cluster));
    }
    module.add("outputs.tf");
}

fn locals(cluster: &Cluster) -> Vec<Attribute> {
    let network = &cluster.network;
    let cidr = attr("cidr", network.cidr.to_string());
    let mut all = match &network.vpc_id {
        None => vec![commented("The VPC. It has one subnet in each zone.", cidr)],
        Some(id) => vec![commented("The VPC and its subnets existed before.", attr("vpc_id", id.as_str())), cidr],
    };
    all.push(attr("subnets", object(network.subnets.iter().map(|s| (&s.zone, subnet(s))))));
    all.push(commented(
        "The cluster's own addresses, by zone and kind of machine.",
        attr("blocks", object(network.subnets.iter().flat_map(blocks))),
    ));
    if network.makes_endpoint {
        let endpoints = network.subnets.iter().map(|subnet| (&subnet.zone, subnet.endpoint.to_string().into()));
        all.push(commented("The addresses of the Secrets Manager endpoint.", attr("endpoints", object(endpoints))));
    }
    let machines = cluster.secrets.iter().filter_map(|secret| Some((&secret.name, machines_secret(secret)?)));
    all.push(commented(
        "The passwords that machines read, what each is for, and which machines may read it.",
        attr("secrets", object(machines)),
    ));
    let users = cluster.secrets.iter().filter(|secret| secret.creator == Creator::Founder);
    let users = users.map(|secret| (&secret.name, secret.description.as_str().into()));
    all.push(commented("The passwords of users.", attr("user_secrets", object(users))));
    all
}

/// Returns a zone's blocks of addresses by name.
fn blocks(subnet: &Subnet) -> [(String, Expression); 2] {
    [("databases", subnet.databases), ("haproxy", subnet.haproxy)].map(|(kind, block)| {
        let block = object([("zone", subnet.zone.as_str().into()), ("cidr", block.to_string().into())]);
        (format!("{} {kind}", subnet.zone), block)
    })
}

/// Returns a subnet's range, with its id if it existed before.
fn subnet(subnet: &Subnet) -> Expression {
    let cidr = subnet.cidr.to_string().into();
    match &subnet.id {
        None => cidr,
        Some(id) => object([("id", id.as_str().into()), ("cidr", cidr)]),
    }
}

/// Returns a secret that Terraform creates and machines read.
fn machines_secret(secret: &Secret) -> Option<Expression> {
    let readers = list(secret.readers.iter().filter_map(|party| party.machines()));
    let value = object([("description", secret.description.as_str().into()), ("readers", readers)]);
    (secret.creator == Creator::Terraform).then_some(value)
}
