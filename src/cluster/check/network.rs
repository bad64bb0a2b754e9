//! Compares what machines have to send with what their networks carry.
//!
//! AWS gives an instance its bandwidth in both directions at once, so HAProxy can send to clients as fast as it receives from
//! databases (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html>).

use super::Finding;
use super::sum::Sum;
use crate::blueprint::instance::{self, Bandwidth};
use crate::blueprint::rules;
use crate::cluster::{Arch, Cluster, Machine, Module, Role};

/// The Mbit/s in one MiB/s, in thousandths.
const MBIT_MILLIS_IN_MIB: u64 = 8389;

/// Returns the sums of those machines whose network is known.
pub fn sums(cluster: &Cluster) -> Vec<Sum> {
    haproxy(cluster).into_iter().chain(replication(cluster)).collect()
}

/// Compares the sum of the databases' network baselines with HAProxy's.
fn haproxy(cluster: &Cluster) -> Option<Sum> {
    let machine = cluster.machine_of(Role::Haproxy)?;
    let network = machine.block.instance?.network?;
    let primary = baseline(cluster.master())?;
    let standbys = cluster.slaves().map(baseline).sum::<Option<u64>>()?;
    Some(Sum {
        what: "network, HAProxy".into(),
        unit: "Mbit/s",
        limit: network.baseline_mbit.into(),
        limit_is: match network.baseline_mbit < network.maximum_mbit {
            true => format!("the baseline of {}; its maximum is {}", machine.block.instance_type, network.maximum_mbit),
            false => format!("the bandwidth of {}", machine.block.instance_type),
        },
        parts: vec![("the primary's baseline", primary), ("the standbys'", standbys)],
        rule: Some(&rules::HAPROXY_NETWORK),
        attribute: "haproxy.instance_type".into(),
    })
}

fn baseline(machine: &Machine) -> Option<u64> {
    Some(machine.block.instance?.network?.baseline_mbit.into())
}

/// Compares the WAL of a bulk load to all standbys with the primary's network. The load writes each row twice, to the WAL and to
/// its table, so half of the disk's throughput is WAL.
fn replication(cluster: &Cluster) -> Option<Sum> {
    let machine = cluster.master();
    let instance = machine.block.instance?;
    let (Bandwidth { baseline_mbit, maximum_mbit }, link) = (instance.network?, instance.link?);
    let standbys = u64::try_from(cluster.slaves().count()).ok().filter(|count| *count > 0)?;
    let disk = u64::from(machine.block.disk.throughput) * MBIT_MILLIS_IN_MIB / 1000;
    Some(Sum {
        what: "network, the primary".into(),
        unit: "Mbit/s",
        limit: maximum_mbit.into(),
        limit_is: match baseline_mbit < maximum_mbit {
            true => format!("the maximum of {}; its baseline is {baseline_mbit}", machine.block.instance_type),
            false => format!("the bandwidth of {}", machine.block.instance_type),
        },
        parts: vec![(
            "WAL of a bulk load at the disk's throughput x standbys",
            disk.min(link.maximum_mbit.into()) / 2 * standbys,
        )],
        rule: Some(&rules::REPLICATION_NETWORK),
        attribute: "master.block.disk.throughput".into(),
    })
}

/// Returns what to do about a sum of this module that exceeds its limit.
pub fn help(cluster: &Cluster, sum: &Sum) -> Option<String> {
    match sum.rule?.code {
        code if code == rules::HAPROXY_NETWORK.code => {
            let family = match cluster.first_balancer().arch {
                Arch::X86 => "c6in",
                Arch::Arm => "c7gn",
            };
            let fits = instance::with_network(family, sum.total().try_into().unwrap_or(u32::MAX));
            let fits =
                fits.map_or(format!("use the largest {family}"), |fits| format!("set instance_type = \"{fits}\""));
            Some(format!("{fits}, or accept the rule if clients read less than {} {}", sum.limit, sum.unit))
        }
        code if code == rules::REPLICATION_NETWORK.code => Some(
            "use a machine with more network, a slower disk or fewer slaves, or accept the rule if nothing writes that fast".into(),
        ),
        _ => None,
    }
}

/// Reports instance types whose limits nobody checks, because pgherd does not know them.
pub fn findings(cluster: &Cluster) -> Vec<Finding> {
    let unknown = |machine: &&Machine| machine.block.instance.is_none_or(|instance| instance.network.is_none());
    let finding = |role: Role| {
        let block = Module::of(role).block();
        let machine = cluster.machine_of(role).filter(unknown)?;
        let problem = format!(
            "pgherd does not know {} (its table is from {}), so it does not check the limits of its network and of its link to its disks",
            machine.block.instance_type,
            instance::AS_OF
        );
        let help = "compare them by hand (aws ec2 describe-instance-types), then accept the rule";
        Some(Finding::new(&rules::LIMITS_UNKNOWN, &format!("{block}.instance_type"), problem, help))
    };
    cluster.roles().filter_map(finding).collect()
}
