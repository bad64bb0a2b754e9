//! What AWS's instance types can do, of the families that people run databases on.

/// An instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    /// Whole MiB.
    pub memory_mib: u64,
    /// Virtual processors.
    pub vcpus: u32,
    /// Whether its processors run on credits.
    pub burstable: bool,
    /// Its link to its disks, where it is known here.
    pub link: Option<Link>,
}

/// An instance's link to EBS: what it may do for half an hour a day, and what it may do all day
/// (<https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-type-specifications.html>, "Amazon EBS specifications").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// MB a second, at most.
    pub most_mb: u32,
    /// Operations a second, at most.
    pub most_iops: u32,
    /// MB a second, all day.
    pub steady_mb: u32,
    /// Operations a second, all day.
    pub steady_iops: u32,
}

impl Instance {
    /// The type of this name; `None` for one that is not known here.
    pub fn of(instance_type: &str) -> Option<Self> {
        let (family, size) = instance_type.split_once('.')?;
        let series = family.trim_end_matches(|c: char| !c.is_ascii_digit());
        if series.starts_with('t') {
            return burstable(series, size);
        }
        // From the sixth generation on the name tells whose processor it is: there is no m6.
        if !series.ends_with(['4', '5', '2']) && !family[series.len()..].starts_with(['a', 'g', 'i']) {
            return None;
        }
        // A family has a fixed ratio of memory to vCPU, and each size doubles the last.
        let gib_per_vcpu: u64 = match series {
            "m5" | "m6" | "m7" | "m8" => 4,
            "r5" | "r6" | "r7" | "r8" => 8,
            "c6" | "c7" | "c8" => 2,
            "i4" if family.starts_with("i4i") || family.starts_with("i4g") => 8,
            "x2" if family.starts_with("x2gd") => 16,
            _ => return None,
        };
        let vcpus: u32 = match size {
            "medium" => 1,
            "large" => 2,
            "xlarge" => 4,
            _ => size.strip_suffix("xlarge")?.parse::<u32>().ok()?.checked_mul(4)?,
        };
        let memory_mib = gib_per_vcpu * u64::from(vcpus) * 1024;
        Some(Instance { memory_mib, vcpus, burstable: false, link: link(family, vcpus) })
    }
}

fn burstable(series: &str, size: &str) -> Option<Instance> {
    if !matches!(series, "t3" | "t4") {
        return None;
    }
    let big = |vcpus| (vcpus, 347, 15_700, 86, 4000);
    let (memory_mib, (vcpus, most_mb, most_iops, steady_mb, steady_iops)) = match size {
        "nano" => (512, (2, 260, 11_800, 5, 250)),
        "micro" => (1024, (2, 260, 11_800, 10, 500)),
        "small" => (2048, (2, 260, 11_800, 21, 1000)),
        "medium" => (4096, (2, 260, 11_800, 43, 2000)),
        "large" => (8192, big(2)),
        "xlarge" => (16_384, big(4)),
        "2xlarge" => (32_768, big(8)),
        _ => return None,
    };
    let link = Some(Link { most_mb, most_iops, steady_mb, steady_iops });
    Some(Instance { memory_mib, vcpus, burstable: true, link })
}

/// The link by family. Small sizes may borrow what their family's larger ones have all day.
fn link(family: &str, vcpus: u32) -> Option<Link> {
    // At most; all day with 1, 2, 4, 8 and 16 vCPU; all day and at most with more.
    let (most, steady, large) = match family {
        "m5" | "r5" => {
            ((593, 18_750), [(39, 2500), (81, 3600), (143, 6000), (287, 12_000), (593, 18_750)], (850, 30_000))
        }
        "m6g" | "r6g" | "c6g" => {
            ((593, 20_000), [(39, 2500), (78, 3600), (148, 6000), (296, 12_000), (593, 20_000)], (1187, 40_000))
        }
        "m6i" | "r6i" | "c6i" | "m6a" | "r6a" | "m7i" | "r7i" | "c7i" | "m7a" | "r7a" | "m7g" | "r7g" | "c7g"
        | "m8g" | "r8g" | "c8g" => {
            ((1250, 40_000), [(39, 2500), (78, 3600), (156, 6000), (312, 12_000), (625, 20_000)], (1250, 40_000))
        }
        _ => return None,
    };
    let steady = steady.get(vcpus.checked_ilog2().unwrap_or_default() as usize);
    let (most, steady) = steady.map_or((large, large), |steady| (most, *steady));
    Some(Link { most_mb: most.0, most_iops: most.1, steady_mb: steady.0, steady_iops: steady.1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_what_aws_says() {
        for (name, vcpus, gib, most) in [
            ("m6i.large", 2, 8, Some((1250, 40_000))),
            ("m7g.medium", 1, 4, Some((1250, 40_000))),
            ("r6g.xlarge", 4, 32, Some((593, 20_000))),
            ("m5.large", 2, 8, Some((593, 18_750))),
            ("r5.8xlarge", 32, 256, Some((850, 30_000))),
            ("c7g.large", 2, 4, Some((1250, 40_000))),
            ("i4i.large", 2, 16, None),
            ("t3.small", 2, 2, Some((260, 11_800))),
            ("t4g.2xlarge", 8, 32, Some((347, 15_700))),
        ] {
            let instance = Instance::of(name).expect(name);
            assert_eq!((instance.vcpus, instance.memory_mib), (vcpus, gib * 1024), "{name}");
            assert_eq!(instance.link.map(|l| (l.most_mb, l.most_iops)), most, "{name}");
        }
        for name in ["t2.small", "u7i-12tb.224xlarge", "m6i.metal", "m6.large", "c7x.large", "nonsense"] {
            assert_eq!(Instance::of(name), None, "{name}");
        }
    }

    #[test]
    fn no_link_does_less_at_most_than_all_day() {
        for family in ["m5", "m6i", "m6g", "m7g", "t3"] {
            for size in ["nano", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge"] {
                if let Some(link) = Instance::of(&format!("{family}.{size}")).and_then(|i| i.link) {
                    assert!(link.most_mb >= link.steady_mb && link.most_iops >= link.steady_iops, "{family}.{size}");
                }
            }
        }
    }
}
