//! Reads the `cluster "<name>" { … }` block: its own attributes and all inner blocks.

use std::collections::BTreeMap;

use serde::Serialize;

use super::failover::{Budget, Failover};
use super::haproxy::HaproxyBlock;
use super::image::Image;
use super::machine::MachineBlock;
use super::network::NetworkBlock;
use super::postgres::{self, PostgresBlock};
use super::processor::{self, InstanceTypes};
use super::settings::ServerContext;
use super::state::State;
use super::{BlockReader, accept, aws, doc, failover, haproxy, image, machine, network, state, tags};

/// A whole blueprint, read from a `cluster "<name>"` block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Blueprint {
    /// The cluster's name: the prefix of every AWS name and host name.
    pub name: String,
    /// AWS region, such as `eu-west-1`.
    pub region: String,
    /// The network: addresses, zones and who may reach which port.
    pub network: NetworkBlock,
    /// What the images are built from.
    pub image: Image,
    /// PostgreSQL itself.
    pub postgres: PostgresBlock,
    /// The machine that starts as primary.
    pub master: MachineBlock,
    /// Number of slaves (0 to 15).
    pub slave_count: u8,
    /// The machine of each slave.
    pub slaves: MachineBlock,
    /// The load balancer.
    pub haproxy: HaproxyBlock,
    /// When and how the cluster fails over.
    pub failover: Failover,
    /// The failover budget. Timers that are not set are chosen to meet it.
    pub budget: Budget,
    /// Rules that the blueprint violates on purpose, by code, each with its reason.
    pub accepted: BTreeMap<&'static str, String>,
    /// Tags on everything that pgherd makes.
    pub tags: BTreeMap<String, String>,
    /// Where Terraform keeps its state.
    pub state: State,
    /// The user's own KMS key for disks, images and passwords: its ARN, id or alias. `None` means AWS's own key for each service.
    pub kms_key_id: Option<String>,
}

/// The most slaves. With the master, they fill a zone's block of 16 addresses if there is only one zone.
const MOST_SLAVES: u32 = 15;

/// Reads the cluster. `name` is its label.
pub fn read(r: &BlockReader, name: &str) -> Blueprint {
    let region = r.required(doc("region", "The AWS region, such as `eu-west-1`."), "eu-west-1", aws::region);
    let network = r.block(doc("network", "The cluster's addresses and zones, and who may reach which port."), |r| {
        network::read(r, &region)
    });
    let (image, builder) =
        r.block(doc("image", "What the machines' images are built from."), |r| image::read(r, &region));
    let (master, master_type) = r.block(
        doc("master", "The machine that starts as primary. After a failover another machine is primary: keep `master` and `slaves` alike."),
        |r| machine::read(r, MachineBlock::database()),
    );
    let (slave_count, (slaves, slaves_type)) = r.block(doc("slaves", "The machines that start as standbys."), |r| {
        let count = doc("count", "Number of slaves. With two, a failover leaves one standby for commits to wait for. A living cluster keeps its number: `run` refuses another.");
        (r.integer(count, 2, 0..=MOST_SLAVES, "").value, machine::read(r, MachineBlock::database()))
    });
    let (haproxy, haproxy_type) =
        r.block(doc("haproxy", "HAProxy, which applications connect to, and its machines."), haproxy::read);
    let slaves_type = (slave_count > 0).then_some(slaves_type);
    let types = InstanceTypes { builder, master: master_type, slaves: slaves_type, haproxy: haproxy_type };
    processor::check(r, &types);
    let (failover, budget) =
        r.block(doc("failover", "When and how the cluster fails over, and what that may cost."), failover::read);
    let postgres = r.block(doc("postgres", "PostgreSQL: its version, settings, databases and users."), |r| {
        let own_major = image.base.own_postgres();
        let context = ServerContext {
            synchronous: failover.synchronous.is_on(),
            own_major,
            slaves: slave_count,
            logical_slots: 0,
        };
        postgres::read(r, &context)
    });
    let tags = tags::read(r);
    let key_region = (!region.is_refused()).then_some(region.value.as_str());
    let kms_key_id = doc(
        "kms_key_id",
        "A KMS key of your own that encrypts disks, images and passwords: its ARN, its id or `alias/<name>`.",
    )
    .by_default("AWS's own key of each service");
    let kms_key_id = r.optional(kms_key_id, |text| aws::kms_key(text, key_region)).value;
    let state = r.block(
        doc("state", "Where Terraform keeps its state: beside each module, unless there is an `s3` block."),
        |r| state::read(r, &region.value),
    );
    Blueprint {
        name: name.into(),
        region: region.value,
        network,
        image,
        postgres,
        master,
        slave_count: slave_count as u8,
        slaves,
        haproxy,
        failover,
        budget,
        accepted: accept::read(r),
        tags,
        state,
        kms_key_id,
    }
}

#[cfg(test)]
impl Blueprint {
    /// Returns the blueprint that sets nothing but its name and region.
    pub fn smallest(name: &str, region: &str) -> Self {
        let text = format!("cluster \"{name}\" {{\n  region = \"{region}\"\n}}\n");
        crate::blueprint::parse("smallest.hcl", &text).unwrap()
    }
}
