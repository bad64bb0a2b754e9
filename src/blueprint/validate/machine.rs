//! Reads the attributes that `master`, `slaves` and `haproxy` share.

use std::ops::RangeInclusive;

use serde::Serialize;

use super::{BlockReader, Presence, Reading, Refusal, aws, doc, is};
use crate::blueprint::form::{Doc, Form, Holds};
use crate::blueprint::instance::InstanceType;
use crate::blueprint::value::whole_number;

/// A machine: its instance type and disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineBlock {
    /// EC2 instance type.
    pub instance_type: String,
    /// The instance type's size, if pgherd knows it or `memory_gb` and `vcpus` are set.
    #[serde(skip)]
    pub instance: Option<InstanceType>,
    /// Its root volume.
    pub disk: Disk,
    /// Whether it gets an Elastic IP. Replication never uses it.
    pub elastic_ip: bool,
    /// Name of an EC2 key pair for SSH.
    pub key_name: Option<String>,
}

/// A gp3 volume. Bounds: <https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// GiB.
    pub size: u32,
    /// I/O operations per second.
    pub iops: u32,
    /// MiB per second.
    pub throughput: u32,
}

impl MachineBlock {
    /// Returns the default database machine: 2 vCPU, 8 GiB, 100 GiB of gp3.
    pub(super) fn database() -> Self {
        MachineBlock::of("m6i.large", Disk { size: 100, ..Disk::GP3_BASELINE })
    }

    /// Returns the default machine of HAProxy. It sends 3.125 Gbit/s all day, three m6i.large send 2.343. It is the cheapest x86 type
    /// with that much in every commercial region (2026-11; c5n.large is absent from eight, m5n.large from 23). Two vCPUs pass on far
    /// more, and HAProxy needs little memory.
    pub(super) fn balancer() -> Self {
        MachineBlock::of("c6in.large", Disk { size: 10, ..Disk::GP3_BASELINE })
    }

    fn of(instance_type: &str, disk: Disk) -> Self {
        let instance = InstanceType::of(instance_type);
        MachineBlock { instance_type: instance_type.into(), instance, disk, elastic_ip: false, key_name: None }
    }
}

impl Disk {
    /// The performance that every gp3 volume has at no extra cost.
    pub const GP3_BASELINE: Disk = Disk { size: 8, iops: 3000, throughput: 125 };
}

/// The size of every base's image in GiB.
const SMALLEST_ROOT: u32 = 8;
/// The limits of gp3 since 2025-09: GiB, operations per second, MiB/s
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html>,
/// <https://aws.amazon.com/about-aws/whats-new/2025/09/amazon-ebs-size-provisioned-performance-gp3-volumes/>).
///
/// Every base's image has a GUID partition table and GRUB 2, so that a root volume may exceed 2 TiB
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/volume_constraints.html>). The AWS provider 5.100 takes these values for
/// an instance's root volume; for an `aws_ebs_volume` it still ends at 1,000 MiB/s.
const GP3_MOST: Disk = Disk { size: 65_536, iops: 80_000, throughput: 2000 };
/// The most operations per second for each GiB, above the baseline of every volume (same page).
const GP3_IOPS_PER_GIB: u32 = 500;
/// The fewest operations per second for each MiB/s (same page).
const GP3_IOPS_PER_MIB: u32 = 4;

/// Reads a machine. Returns with it the instance type and its place.
pub(super) fn read(r: &BlockReader, default: MachineBlock) -> (MachineBlock, Reading<String>) {
    let instance_type = doc(
        "instance_type",
        "The EC2 instance type. A `g` after the generation, as in `m7g`, is Graviton (Arm); `master` and `slaves` must have the same kind of processor.",
    );
    let mut instance_type = r.parsed(instance_type, default.instance_type, aws::instance_type);
    let instance = instance(r, &mut instance_type);
    let disk_doc = doc("disk", "The machine's root volume: gp3, encrypted.");
    let elastic_ip =
        doc("elastic_ip", "Whether the machine has a public address that stays. Replication never uses it.");
    let key_name = doc(
        "key_name",
        "An EC2 key pair for SSH from `network.admins`. Setting or changing it later replaces the machine.",
    );
    let machine = MachineBlock {
        instance,
        instance_type: instance_type.value.clone(),
        disk: r.block(disk_doc, |r| disk(r, default.disk)),
        elastic_ip: r.boolean(elastic_ip, default.elastic_ip).value,
        key_name: r.optional(key_name.by_default("none"), aws::key_name).value,
    };
    (machine, instance_type)
}

/// Returns the instance type's size. For a type that pgherd does not know, the blueprint must set it.
fn instance(r: &BlockReader, instance_type: &mut Reading<String>) -> Option<InstanceType> {
    let memory_gb = doc(
        "memory_gb",
        "The machine's memory, for an instance type that pgherd does not know. Settings and limits follow from it.",
    );
    let vcpus = doc("vcpus", "The machine's virtual processors, for an instance type that pgherd does not know.");
    // The largest type that AWS has, u7inh-32tb.480xlarge: 32 TiB, 1920 vCPU.
    let memory_gb = size(r, memory_gb.by_default("the instance type's"), 1..=32_768, "GiB");
    let vcpus = size(r, vcpus.by_default("the instance type's"), 1..=1920, "");
    let Some(known) = InstanceType::of(&instance_type.value) else {
        let Some((memory_gb, vcpus)) = memory_gb.value.zip(vcpus.value) else {
            if let Some(mut refusal) = aws::no_such_size(&instance_type.value) {
                refusal.help += "; if AWS has added this type since, set memory_gb and vcpus as well";
                r.report("instance_type", &instance_type.at, refusal);
                instance_type.presence = Presence::Refused;
            }
            return None;
        };
        let memory_mib = u64::from(memory_gb) * 1024;
        return Some(InstanceType { memory_mib, vcpus, burstable: false, link: None, network: None });
    };
    let memory = known.memory_mib as f64 / 1024.0;
    for (name, written, has) in [("memory_gb", memory_gb, memory), ("vcpus", vcpus, known.vcpus.into())] {
        if let Some(value) = written.value.filter(|value| f64::from(*value) != has && !instance_type.is_refused()) {
            let problem = format!("{} has {has}, but the blueprint says {value}", instance_type.value);
            let help = "remove the line; pgherd knows the size of this type".into();
            r.report(name, &written.at, Refusal { rule: &is::INSTANCE_SIZE, problem, help });
        }
    }
    Some(known)
}

fn size(r: &BlockReader, doc: Doc, bounds: RangeInclusive<u32>, unit: &'static str) -> Reading<Option<u32>> {
    let form = Form::of(Holds::Whole { bounds: bounds.clone(), unit });
    r.value(doc, form, None, |value| whole_number(value, &bounds, unit).map(Some))
}

/// Reads a `disk { … }` block, which describes a gp3 volume.
fn disk(r: &BlockReader, default: Disk) -> Disk {
    const LEAST: Disk = Disk::GP3_BASELINE;
    let size = doc("size", "The volume's size in GiB.");
    let size = r.integer(size, default.size, SMALLEST_ROOT..=GP3_MOST.size, "GiB");
    let iops = doc("iops", "I/O operations per second. 3000 are free; more are limited to 500 per GiB of size.");
    let iops = r.integer(iops, default.iops, LEAST.iops..=GP3_MOST.iops, "operations per second");
    let throughput =
        doc("throughput", "Throughput in MiB per second. 125 are free; more is limited to a quarter of `iops`.");
    let throughput =
        r.integer(throughput, default.throughput, LEAST.throughput..=GP3_MOST.throughput, "MiB per second");
    // The baseline comes with every size. Only more than that depends on the size.
    let most_iops = (size.value * GP3_IOPS_PER_GIB).max(LEAST.iops);
    if !size.is_refused() && !iops.is_refused() && iops.value > most_iops {
        let problem =
            format!("{} operations per second exceed the {GP3_IOPS_PER_GIB} per GiB that gp3 allows", iops.value);
        let enough = iops.value.div_ceil(GP3_IOPS_PER_GIB);
        let help = format!("write size = {enough} or more, or at most iops = {most_iops}");
        r.report("iops", &iops.at, Refusal { rule: &is::DISK, problem, help });
    }
    let most_throughput = iops.value / GP3_IOPS_PER_MIB;
    if !iops.is_refused() && !throughput.is_refused() && throughput.value > most_throughput {
        let problem =
            format!("{} MiB/s exceed what gp3 allows at {} operations per second", throughput.value, iops.value);
        let enough = throughput.value * GP3_IOPS_PER_MIB;
        let help = format!("write iops = {enough} or more, or at most throughput = {most_throughput}");
        r.report("throughput", &throughput.at, Refusal { rule: &is::DISK, problem, help });
    }
    Disk { size: size.value, iops: iops.value, throughput: throughput.value }
}
