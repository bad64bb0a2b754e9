//! `network/terraform_network`: VPC, subnets, security groups, instance roles, passwords.

use hcl_edit::expr::Expression;
use hcl_edit::structure::Attribute;

use super::hcl::{attr, commented, list, object};
use super::module::Module;
use super::traffic;
use crate::cluster::{Cluster, Secret};
use crate::fileset::FileSet;

const NETWORK: &str = include_str!("../templates/network/terraform_network/network.tf");
const SECURITY_GROUPS: &str = include_str!("../templates/network/terraform_network/security_groups.tf");
const IAM: &str = include_str!("../templates/network/terraform_network/iam.tf");
const SECRETS: &str = include_str!("../templates/network/terraform_network/secrets.tf");
const OUTPUTS: &str = include_str!("../templates/network/terraform_network/outputs.tf");

/// Adds the module.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let mut module = Module::new(cluster, "network/terraform_network", files);
    module.variables("");
    module.cluster(locals(cluster));
    module.file("traffic.tf", traffic::text(cluster));
    module.file("network.tf", NETWORK);
    module.file("security_groups.tf", SECURITY_GROUPS);
    module.file("iam.tf", IAM);
    module.file("secrets.tf", SECRETS);
    module.file("outputs.tf", OUTPUTS);
}

fn locals(cluster: &Cluster) -> Vec<Attribute> {
    let subnets = cluster.network.subnets.iter().map(|s| (&s.zone, s.cidr.to_string().into()));
    vec![
        commented("The VPC, cut into a subnet a zone.", attr("cidr", cluster.network.cidr.to_string())),
        attr("subnets", object(subnets)),
        commented(
            "Every password, what it opens, and which machines may read it.",
            attr("secrets", object(cluster.secrets.iter().map(|s| (&s.name, secret(s))))),
        ),
    ]
}

fn secret(secret: &Secret) -> Expression {
    let readers = [("database", secret.databases_read), ("haproxy", secret.haproxy_reads)];
    let readers = readers.into_iter().filter(|(_, reads)| *reads).map(|(kind, _)| kind);
    object([("description", secret.description.as_str().into()), ("readers", list(readers))])
}
