//! Rules about which machines there are, and in which zones.

use super::Finding;
use crate::blueprint::rules;
use crate::cluster::{Cluster, Machine, Role};

pub fn findings(cluster: &Cluster) -> Vec<Finding> {
    let mut found = vec![];
    let standbys = cluster.slaves().count();
    if standbys == 0 {
        found.push(Finding::new(
            &rules::NO_STANDBY,
            "slaves.count",
            "there is only a master: if its disk is lost, so are the data, and while its machine is down no client is served",
            "set slaves { count = 2 }, so that one machine may fail while commits still wait for a standby",
        ));
        if cluster.failover.synchronous.is_strict() {
            found.push(Finding::new(
                &rules::STRICT_WITHOUT_STANDBY,
                "failover.synchronous",
                "with \"strict\" every commit waits for a standby, but slaves.count is 0: no write would ever be acknowledged",
                "set slaves { count = 2 }, or remove `synchronous = \"strict\"`",
            ));
        }
    } else {
        found.extend(zone_takes_quorum(cluster));
        found.extend(zone_holds_pair(cluster));
    }
    found.extend(unlike_machines(cluster));
    for DatabaseKind { block, machine, .. } in kinds(cluster) {
        if machine.block.instance.is_some_and(|instance| instance.burstable) {
            found.push(Finding::new(
                &rules::BURSTABLE_DATABASE,
                &format!("{block}.instance_type"),
                format!(
                    "{} runs on CPU credits; when they are used up, it {}",
                    machine.block.instance_type,
                    match machine.block.instance_type.starts_with("t2.") {
                        true => "drops to a fraction of its processors, and every query becomes slow",
                        false =>
                            "costs extra by the hour (unlimited mode, AWS's default) or becomes slow (standard mode)",
                    }
                ),
                "use a type without CPU credits, such as \"m6i.large\" or \"m7g.large\"",
            ));
        }
    }
    found
}

/// The database machines that are made alike.
pub struct DatabaseKind<'a> {
    /// The blueprint's block that describes them.
    pub block: &'static str,
    /// Their name in a report.
    pub shown: &'static str,
    /// The first of them.
    pub machine: &'a Machine,
}

/// Returns the kinds of database machines: a single one where slaves are made like the master.
pub fn kinds(cluster: &Cluster) -> Vec<DatabaseKind<'_>> {
    let master = cluster.master();
    let kind = |block, shown, machine| DatabaseKind { block, shown, machine };
    match cluster.machine_of(Role::Slave) {
        None => vec![kind("master", "master", master)],
        Some(slave)
            if (&slave.block.instance_type, slave.block.disk) == (&master.block.instance_type, master.block.disk) =>
        {
            vec![kind("master", "each database", master)]
        }
        Some(slave) => vec![kind("master", "master", master), kind("slaves", "each slave", slave)],
    }
}

fn zone_takes_quorum(cluster: &Cluster) -> Option<Finding> {
    let members = cluster.etcd_members().count();
    let held = |zone: &str| cluster.etcd_members().filter(|m| m.zone == zone).count();
    let zones = cluster.network.subnets.len();
    cluster.network.subnets.iter().map(|s| &s.zone).find(|zone| held(zone) * 2 > members).map(|zone| {
        let problem = format!(
            "{zone} holds {} of etcd's {members} members; if it is lost, the others have no majority, and writes stop",
            held(zone)
        );
        let why = if zones < 3 { "set three zones" } else { "choose the zones so that none holds most members" };
        let code = rules::ZONE_TAKES_QUORUM.code;
        let help = format!("{why}, or accept the rule: accept \"{code}\" {{ reason = \"…\" }}");
        Finding::new(&rules::ZONE_TAKES_QUORUM, "network.zones", problem, help)
    })
}

fn zone_holds_pair(cluster: &Cluster) -> Option<Finding> {
    let databases = cluster.databases().count();
    let held = |zone: &str| cluster.databases().filter(|m| m.zone == zone).count();
    let zones: Vec<&str> = (cluster.network.subnets.iter().map(|s| s.zone.as_str()))
        .filter(|zone| (cluster.synchronous_nodes as usize + 1..databases).contains(&held(zone)))
        .collect();
    if zones.is_empty() || !cluster.failover.synchronous.is_on() {
        return None;
    }
    let holds = if zones.len() == 1 { "holds" } else { "hold" };
    let problem = format!(
        "{} {holds} more databases than the number of standbys that a commit waits for; if the primary and those standbys are all there and are lost together, no other machine may take over",
        zones.join(", ")
    );
    let help = "set as many zones as there are databases, or accept the rule. If they are lost, a person must then decide whether to promote a standby that may lack commits";
    Some(Finding::new(&rules::ZONE_HOLDS_PAIR, "network.zones", problem, help))
}

/// Reports slaves that are smaller than the master, because any standby may become primary.
fn unlike_machines(cluster: &Cluster) -> Vec<Finding> {
    let mut found = vec![];
    let Some(slave) = cluster.machine_of(Role::Slave) else { return found };
    let master = cluster.master();
    let memory = |machine: &Machine| machine.block.instance.map(|i| (i.memory_mib, i.vcpus));
    if let Some((slaves, masters)) = memory(slave).zip(memory(master))
        && (slaves.0 < masters.0 || slaves.1 < masters.1)
    {
        let problem = format!(
            "{} is smaller than the master's {}; after a failover it carries the master's load, and settings always fit the smaller machine",
            slave.block.instance_type, master.block.instance_type
        );
        let help = format!("set slaves {{ instance_type = \"{}\" }}", master.block.instance_type);
        found.push(Finding::new(&rules::STANDBY_SMALLER, "slaves.instance_type", problem, help));
    }
    if slave.block.disk.size < master.block.disk.size {
        let problem = format!(
            "{} GiB are less than the master's {}; a standby holds all of the data, and stops when its disk is full",
            slave.block.disk.size, master.block.disk.size
        );
        let help = format!("set slaves {{ disk {{ size = {} }} }}", master.block.disk.size);
        found.push(Finding::new(&rules::STANDBY_DISK_SMALLER, "slaves.disk.size", problem, help));
    }
    found
}
