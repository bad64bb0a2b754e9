//! Whether AWS lets the cluster have as much as it takes of what grows with the blueprint.

use std::collections::BTreeSet;

use super::Finding;
use crate::blueprint::rules;
use crate::cluster::Cluster;
use crate::cluster::quotas::{RULES, inbound};

/// One finding for all groups that need too many rules.
pub(super) fn findings(cluster: &Cluster) -> Option<Finding> {
    let over: Vec<(&str, u32)> = inbound(cluster).into_iter().filter(|(_, count)| *count > RULES.default).collect();
    let most = over.iter().map(|(_, count)| *count).max()?;
    let each: Vec<String> = over.iter().map(|(group, count)| format!("{} {count}", kind(group))).collect();
    let problem = format!("inbound rules of security groups: {}", each.join(", "));
    let network = &cluster.network;
    let attribute = if network.admins.len() > network.clients.len() { "network.admins" } else { "network.clients" };
    if most > RULES.most {
        let help = format!("AWS gives no more than {}: write wider ranges, or a security group's id", RULES.most);
        return Some(Finding::new(&rules::RULES_OVER_LIMIT, attribute, problem, help));
    }
    let help = format!(
        "the default quota is {}: before the run, ask AWS for {most} (aws service-quotas request-service-quota-increase \
         --service-code vpc --quota-code L-0EA8095F --desired-value {most}), or write fewer ranges or a security group's id",
        RULES.default
    );
    let help = format!("{help}{}", of_lists(cluster));
    Some(Finding::new(&rules::RULES_OVER_QUOTA, attribute, problem, help))
}

/// What prefix lists add: AWS counts each as the entries that it may have, which the blueprint does not tell
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html#aws-managed-prefix-list-weights>).
fn of_lists(cluster: &Cluster) -> String {
    let sources = cluster.network.clients.iter().chain(&cluster.network.admins).map(ToString::to_string);
    let lists: BTreeSet<String> = sources.filter(|source| source.starts_with("pl-")).collect();
    if lists.is_empty() {
        return String::new();
    }
    let ids: Vec<String> = lists.into_iter().collect();
    format!(
        "; a prefix list counts as one here, and AWS counts the entries that it may have: aws ec2 describe-managed-prefix-lists \
         --region {} --prefix-list-ids {} --query 'PrefixLists[].[PrefixListId,MaxEntries]'",
        cluster.region,
        ids.join(" ")
    )
}

fn kind(group: &str) -> &'static str {
    match group {
        "haproxy" => "HAProxy",
        "database" => "databases",
        _ => "Secrets Manager's endpoint",
    }
}
