//! Turns a blueprint into a cluster.

use std::sync::Arc;

use super::decision::Ledger;
use super::fixed::Fixed;
use super::limits::{self, Limits};
use super::secret::secrets;
use super::{BaseImage, CLUSTER_TAG, Cluster, Failover, Haproxy, Machine, Network, Partition, Role};
use super::{addresses, failover, kernel, postgres, written};
use crate::blueprint::model::Blueprint;

/// Resolves a validated blueprint. It cannot fail, because validation refuses whatever could.
pub fn resolve(blueprint: &Blueprint) -> Cluster {
    let mut ledger = Ledger::default();
    written::record(blueprint, &mut ledger);
    let network = network(blueprint);
    let machines = addresses::machines(blueprint, &network.subnets);
    addresses::record(&network, &machines, &mut ledger);
    let postgres = postgres::resolve(blueprint, &mut ledger);
    let kernel = kernel::resolve(&machines, &postgres, &mut ledger);
    let members = machines.iter().filter(|m| m.etcd).count();
    let timers = failover::resolve(blueprint, &postgres, members, in_fullest_zone(&machines), &mut ledger);
    let haproxy = Haproxy {
        write_port: blueprint.haproxy.write_port,
        read_port: blueprint.haproxy.read_port,
        primary_serves_reads: blueprint.haproxy.primary_serves_reads,
        check: timers.check,
        limits: Limits::new(
            postgres.max_connections,
            postgres.reserved_connections,
            blueprint.slave_count.into(),
            blueprint.haproxy.primary_serves_reads,
        ),
        stats: blueprint.haproxy.stats.clone(),
    };
    limits::record(haproxy.limits, &postgres, &mut ledger);
    let fixed = Fixed::DEFAULT;
    fixed.record(&mut ledger);
    let mut tags = blueprint.tags.clone();
    tags.insert(CLUSTER_TAG.into(), format!("{}/{}", blueprint.name, blueprint.region));
    Cluster {
        name: blueprint.name.clone(),
        region: blueprint.region.clone(),
        partition: partition(blueprint),
        network,
        base: BaseImage::of(blueprint.image.base),
        blueprint: Arc::new(blueprint.clone()),
        postgres,
        kernel,
        machines,
        haproxy,
        failover: Failover {
            synchronous: timers.synchronous,
            ttl: timers.ttl,
            loop_wait: timers.loop_wait,
            retry_timeout: timers.retry_timeout,
        },
        primary_start_timeout: timers.primary_start_timeout,
        synchronous_nodes: timers.synchronous_nodes,
        etcd: timers.etcd,
        fixed,
        decisions: Arc::new(ledger.into_decisions()),
        secrets: secrets(blueprint),
        tags,
    }
}

/// Returns how many databases one zone takes with it at most.
fn in_fullest_zone(machines: &[Machine]) -> u32 {
    let databases = || machines.iter().filter(|m| m.role != Role::Haproxy);
    let beside = |zone: &str| databases().filter(|m| m.zone == zone).count() as u32;
    databases().map(|m| beside(&m.zone)).max().unwrap_or_default()
}

fn network(blueprint: &Blueprint) -> Network {
    let network = &blueprint.network;
    Network {
        cidr: network.cidr,
        vpc_id: network.existing.as_ref().map(|vpc| vpc.vpc_id.clone()),
        makes_endpoint: network.existing.as_ref().is_none_or(|vpc| vpc.secrets_endpoint),
        subnets: addresses::subnets(network),
        clients: network.clients.clone().unwrap_or_else(|| vec![network.cidr.into()]),
        admins: network.admins.clone(),
    }
}

fn partition(blueprint: &Blueprint) -> Partition {
    let partition = Partition::of(&blueprint.region);
    partition.unwrap_or_else(|| panic!("pgherd does not know the partition of {}", blueprint.region))
}
