//! `master { … }`, and what `slaves` and `haproxy` share with it.

use std::ops::RangeInclusive;

use super::{Found, Reader, Refusal, aws};
use crate::blueprint::form::{Form, Holds};
use crate::blueprint::instance::Instance;
use crate::blueprint::model::{Disk, Machine};
use crate::blueprint::rules::language as is;
use crate::blueprint::value::whole_number;

/// Every base's image is this large.
const SMALLEST_ROOT: u32 = 8;

/// The machine, and its instance type with its place.
pub fn read(r: &Reader, default: Machine) -> (Machine, Found<String>) {
    let instance_type = r.parsed("instance_type", default.instance_type, aws::instance_type);
    let machine = Machine {
        instance: instance(r, &instance_type),
        instance_type: instance_type.value.clone(),
        disk: r.block("disk", |r| disk(r, default.disk)),
        elastic_ip: r.boolean("elastic_ip", default.elastic_ip).value,
        key_name: r.optional("key_name", aws::key_name).value,
    };
    (machine, instance_type)
}

/// What the machine has: by its type's name, or as the blueprint says where that is not known.
fn instance(r: &Reader, instance_type: &Found<String>) -> Option<Instance> {
    // The largest that AWS has: 32 TiB, 1920 vCPU.
    let memory_gb = size(r, "memory_gb", 1..=32_768, "GiB");
    let vcpus = size(r, "vcpus", 1..=1920, "");
    let Some(known) = Instance::of(&instance_type.value) else {
        let (memory_gb, vcpus) = memory_gb.value.zip(vcpus.value)?;
        return Some(Instance { memory_mib: u64::from(memory_gb) * 1024, vcpus, burstable: false, link: None });
    };
    let memory = known.memory_mib as f64 / 1024.0;
    for (name, written, has) in [("memory_gb", memory_gb, memory), ("vcpus", vcpus, known.vcpus.into())] {
        if let Some(value) = written.value.filter(|value| f64::from(*value) != has && !instance_type.refused()) {
            let problem = format!("{} has {has}, not {value}", instance_type.value);
            let help = "leave it out: what this type has is known".into();
            r.report(name, &written.at, Refusal { rule: &is::INSTANCE_SIZE, problem, help });
        }
    }
    Some(known)
}

fn size(r: &Reader, name: &'static str, bounds: RangeInclusive<u32>, unit: &str) -> Found<Option<u32>> {
    let form = Form::of(Holds::Whole { bounds: bounds.clone(), unit: unit.into() });
    r.value(name, form, None, |value| whole_number(value, &bounds, unit).map(Some))
}

/// `disk { … }`: a gp3 volume. Bounds: <https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html>.
fn disk(r: &Reader, default: Disk) -> Disk {
    let size = r.integer("size", default.size, SMALLEST_ROOT..=16384, "GiB");
    let iops = r.integer("iops", default.iops, 3000..=16000, "operations a second");
    let throughput = r.integer("throughput", default.throughput, 125..=1000, "MiB a second");
    // The baseline of 3000 comes with any size; only what is more is bound to it.
    let most_iops = (size.value * 500).max(Disk::GP3_BASELINE.iops);
    if !size.refused() && !iops.refused() && iops.value > most_iops {
        let problem = format!("{} operations a second are more than the 500 per GiB that gp3 allows", iops.value);
        let help = format!("write size = {} or more, or iops = {most_iops} at most", iops.value.div_ceil(500));
        r.report("iops", &iops.at, Refusal { rule: &is::DISK, problem, help });
    }
    if !iops.refused() && !throughput.refused() && throughput.value > iops.value / 4 {
        let problem =
            format!("{} MiB a second are more than gp3 gives at {} operations a second", throughput.value, iops.value);
        let help = format!("write iops = {} or more, or throughput = {} at most", throughput.value * 4, iops.value / 4);
        r.report("throughput", &throughput.at, Refusal { rule: &is::DISK, problem, help });
    }
    Disk { size: size.value, iops: iops.value, throughput: throughput.value }
}
