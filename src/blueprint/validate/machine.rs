//! `master { … }`, and what `slaves` and `haproxy` share with it.

use std::ops::RangeInclusive;

use super::{BlockReader, Presence, Reading, Refusal, aws};
use crate::blueprint::form::{Form, Holds};
use crate::blueprint::instance::InstanceType;
use crate::blueprint::model::{Disk, Machine};
use crate::blueprint::rules::language as is;
use crate::blueprint::value::whole_number;

/// GiB that every base's image has.
const SMALLEST_ROOT: u32 = 8;
/// gp3's limits since 2025-09: GiB, operations a second, MiB/s
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html>,
/// <https://aws.amazon.com/about-aws/whats-new/2025/09/amazon-ebs-size-provisioned-performance-gp3-volumes/>).
///
/// Every base's image has a GUID partition table and GRUB 2, so that a root volume may exceed 2 TiB
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/volume_constraints.html>). The AWS provider 5.100 takes these values for
/// an instance's root volume; for an `aws_ebs_volume` it still ends at 1,000 MiB/s.
const GP3_MOST: Disk = Disk { size: 65_536, iops: 80_000, throughput: 2000 };
/// Operations a second for each GiB, at most, beyond those that every volume has. The same page.
const GP3_IOPS_PER_GIB: u32 = 500;
/// Operations a second for each MiB/s, at least. The same page.
const GP3_IOPS_PER_MIB: u32 = 4;

/// The machine, and its instance type with its place.
pub fn read(r: &BlockReader, default: Machine) -> (Machine, Reading<String>) {
    let mut instance_type = r.parsed("instance_type", default.instance_type, aws::instance_type);
    let instance = instance(r, &mut instance_type);
    let machine = Machine {
        instance,
        instance_type: instance_type.value.clone(),
        disk: r.block("disk", |r| disk(r, default.disk)),
        elastic_ip: r.boolean("elastic_ip", default.elastic_ip).value,
        key_name: r.optional("key_name", aws::key_name).value,
    };
    (machine, instance_type)
}

/// What the machine has: by its type's name, or as the blueprint says where that is not known.
fn instance(r: &BlockReader, instance_type: &mut Reading<String>) -> Option<InstanceType> {
    // The largest that AWS has, u7inh-32tb.480xlarge: 32 TiB, 1920 vCPU.
    let memory_gb = size(r, "memory_gb", 1..=32_768, "GiB");
    let vcpus = size(r, "vcpus", 1..=1920, "");
    let Some(known) = InstanceType::of(&instance_type.value) else {
        let Some((memory_gb, vcpus)) = memory_gb.value.zip(vcpus.value) else {
            if let Some(mut refusal) = aws::no_such_size(&instance_type.value) {
                refusal.help += "; for one that AWS has added since, set memory_gb and vcpus as well";
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
            let problem = format!("{} has {has}, not {value}", instance_type.value);
            let help = "leave it out: what this type has is known".into();
            r.report(name, &written.at, Refusal { rule: &is::INSTANCE_SIZE, problem, help });
        }
    }
    Some(known)
}

fn size(r: &BlockReader, name: &'static str, bounds: RangeInclusive<u32>, unit: &str) -> Reading<Option<u32>> {
    let form = Form::of(Holds::Whole { bounds: bounds.clone(), unit: unit.into() });
    r.value(name, form, None, |value| whole_number(value, &bounds, unit).map(Some))
}

/// `disk { … }`: a gp3 volume.
fn disk(r: &BlockReader, default: Disk) -> Disk {
    const LEAST: Disk = Disk::GP3_BASELINE;
    let size = r.integer("size", default.size, SMALLEST_ROOT..=GP3_MOST.size, "GiB");
    let iops = r.integer("iops", default.iops, LEAST.iops..=GP3_MOST.iops, "operations a second");
    let throughput =
        r.integer("throughput", default.throughput, LEAST.throughput..=GP3_MOST.throughput, "MiB a second");
    // What every volume has comes with any size; only what is more is bound to it.
    let most_iops = (size.value * GP3_IOPS_PER_GIB).max(LEAST.iops);
    if !size.is_refused() && !iops.is_refused() && iops.value > most_iops {
        let problem =
            format!("{} operations a second are more than the {GP3_IOPS_PER_GIB} per GiB that gp3 allows", iops.value);
        let enough = iops.value.div_ceil(GP3_IOPS_PER_GIB);
        let help = format!("write size = {enough} or more, or iops = {most_iops} at most");
        r.report("iops", &iops.at, Refusal { rule: &is::DISK, problem, help });
    }
    let most_throughput = iops.value / GP3_IOPS_PER_MIB;
    if !iops.is_refused() && !throughput.is_refused() && throughput.value > most_throughput {
        let problem =
            format!("{} MiB a second are more than gp3 gives at {} operations a second", throughput.value, iops.value);
        let enough = throughput.value * GP3_IOPS_PER_MIB;
        let help = format!("write iops = {enough} or more, or throughput = {most_throughput} at most");
        r.report("throughput", &throughput.at, Refusal { rule: &is::DISK, problem, help });
    }
    Disk { size: size.value, iops: iops.value, throughput: throughput.value }
}
