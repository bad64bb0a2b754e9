//! Compares AWS's quotas with what grows with the blueprint.

use std::collections::BTreeSet;

use super::Finding;
use crate::blueprint::rules;
use crate::cluster::Cluster;
use crate::cluster::quotas::{RULES, inbound};

/// Returns one finding for all security groups that need too many rules.
pub(super) fn findings(cluster: &Cluster) -> Option<Finding> {
    let over: Vec<(&str, u32)> = inbound(cluster).into_iter().filter(|(_, count)| *count > RULES.default).collect();
    let most = over.iter().map(|(_, count)| *count).max()?;
    let each: Vec<String> = over.iter().map(|(group, count)| format!("{} {count}", kind(group))).collect();
    let problem = format!("inbound rules of security groups: {}", each.join(", "));
    let network = &cluster.network;
    let attribute = if network.admins.len() > network.clients.len() { "network.admins" } else { "network.clients" };
    if most > RULES.most {
        let help = format!("AWS allows at most {}: set wider ranges, or the id of a security group", RULES.most);
        return Some(Finding::new(&rules::RULES_OVER_LIMIT, attribute, problem, help));
    }
    let help = format!(
        "the default quota is {}; before the run, ask AWS for {most} (aws service-quotas request-service-quota-increase \
         --service-code vpc --quota-code L-0EA8095F --desired-value {most}), or set fewer ranges or the id of a security group",
        RULES.default
    );
    let help = format!("{help}{}", of_lists(cluster));
    Some(Finding::new(&rules::RULES_OVER_QUOTA, attribute, problem, help))
}

/// Returns a note about prefix lists: AWS counts each as the maximum number of its entries, which the blueprint does not state
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html#aws-managed-prefix-list-weights>).
fn of_lists(cluster: &Cluster) -> String {
    let sources = cluster.network.clients.iter().chain(&cluster.network.admins).map(ToString::to_string);
    let lists: BTreeSet<String> = sources.filter(|source| source.starts_with("pl-")).collect();
    if lists.is_empty() {
        return String::new();
    }
    let ids: Vec<String> = lists.into_iter().collect();
    format!(
        "; a prefix list counts as one here, but AWS counts the maximum number of its entries: aws ec2 describe-managed-prefix-lists \
         --region {} --prefix-list-ids {} --query 'PrefixLists[].[PrefixListId,MaxEntries]'",
        cluster.region,
        ids.join(" ")
    )
}

fn kind(group: &str) -> &'static str {
    match group {
        "haproxy" => "HAProxy",
        "database" => "databases",
        "nlb" => "network load balancer",
        _ => "Secrets Manager's endpoint",
    }
}
