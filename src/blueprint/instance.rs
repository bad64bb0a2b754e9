//! The sizes and limits of EC2 instance types.
//!
//! The figures are what `ec2:DescribeInstanceTypes` returns. `instance_types.tsv` states when they were taken, and
//! `tests/tools/instance_types.rs` how. `instance_types_more.tsv` holds the few types that are missing there, with their sources.

use std::sync::LazyLock;

/// The table of known types, one in each line.
const TABLE: &str = include_str!("instance_types.tsv");
/// Types that are missing from the source of [`TABLE`].
const MORE: &str = include_str!("instance_types_more.tsv");
/// The month in which [`TABLE`] was taken from AWS.
pub const AS_OF: &str = "2026-05";

/// Both tables' lines without their comments, sorted by type.
static LINES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut lines: Vec<&str> = TABLE.lines().chain(MORE.lines()).filter(|line| !line.starts_with('#')).collect();
    lines.sort_unstable_by_key(|line| name(line));
    lines
});

/// An instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceType {
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Virtual processors.
    pub vcpus: u32,
    /// Whether its processors run on credits.
    pub burstable: bool,
    /// Its dedicated link to EBS; `None` if the type is not known, or is an old one without a dedicated link.
    pub link: Option<EbsLink>,
    /// Its network bandwidth; `None` if the type is not known.
    pub network: Option<Bandwidth>,
}

/// An instance's link to all of its EBS volumes
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html>).
///
/// A small size can sustain its maximum for 30 minutes at least once in 24 hours, and falls back to its baseline. In large sizes
/// (from 8xlarge on in most families) the two are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EbsLink {
    /// Sustained bandwidth in Mbit/s.
    pub baseline_mbit: u32,
    /// Burst bandwidth in Mbit/s.
    pub maximum_mbit: u32,
    /// Sustained operations per second.
    pub baseline_iops: u32,
    /// Burst operations per second.
    pub maximum_iops: u32,
}

/// An instance's network bandwidth, in each direction at the same time
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html>).
///
/// A small size earns credits while it uses less than its baseline. They last for 5 to 60 minutes at the maximum, which is best
/// effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// Sustained bandwidth in Mbit/s.
    pub baseline_mbit: u32,
    /// Burst bandwidth in Mbit/s.
    pub maximum_mbit: u32,
}

/// A kind of processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// 64-bit x86.
    X86,
    /// 64-bit Arm (Graviton).
    Arm,
    /// A Mac, which boots only macOS.
    Mac,
}

impl InstanceType {
    /// Returns the type of this name; `None` for one that is not in the table.
    pub fn of(instance_type: &str) -> Option<Self> {
        Some(row(instance_type)?.instance)
    }
}

impl EbsLink {
    /// Returns the sustained bandwidth in whole MiB/s.
    pub fn baseline_mib(self) -> u32 {
        mib(self.baseline_mbit)
    }

    /// Returns the burst bandwidth in whole MiB/s.
    pub fn maximum_mib(self) -> u32 {
        mib(self.maximum_mbit)
    }
}

/// Converts Mbit/s, the unit of links, to whole MiB/s, the unit of volumes.
fn mib(mbit: u32) -> u32 {
    (u64::from(mbit) * 1_000_000 / (8 * 1024 * 1024)) as u32
}

impl Processor {
    /// Returns the processor of a type in the table.
    pub fn of(instance_type: &str) -> Option<Self> {
        Some(row(instance_type)?.processor)
    }
}

/// Returns the sizes of a family, smallest first; none for a family that is not in the table.
pub fn sizes(family: &str) -> Vec<&'static str> {
    let in_family = |line: &&&'static str| line.strip_prefix(family).is_some_and(|rest| rest.starts_with('.'));
    let mut rows: Vec<TableLine> = LINES.iter().filter(in_family).filter_map(|line| parse(line)).collect();
    rows.sort_by_key(|row| (row.size().starts_with("metal"), row.instance.vcpus, row.instance.memory_mib));
    rows.iter().map(TableLine::size).collect()
}

/// Returns the smallest type of a family that sustains this network bandwidth.
pub fn with_network(family: &str, mbit: u32) -> Option<String> {
    let fits = |instance_type: &String| {
        InstanceType::of(instance_type).and_then(|i| i.network).is_some_and(|network| network.baseline_mbit >= mbit)
    };
    sizes(family).into_iter().map(|size| format!("{family}.{size}")).find(fits)
}

/// A line of the table.
struct TableLine {
    name: &'static str,
    processor: Processor,
    instance: InstanceType,
}

impl TableLine {
    fn size(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(_, size)| size)
    }
}

fn row(instance_type: &str) -> Option<TableLine> {
    let at = LINES.binary_search_by(|line| name(line).cmp(instance_type)).ok()?;
    parse(LINES[at])
}

fn name(line: &str) -> &str {
    line.split('\t').next().unwrap_or_default()
}

fn parse(line: &'static str) -> Option<TableLine> {
    let mut columns = line.split('\t');
    let name = columns.next()?;
    let processor = match columns.next()? {
        "x86" => Processor::X86,
        "arm" => Processor::Arm,
        _ => Processor::Mac,
    };
    let burstable = columns.next()? == "credits";
    let numbers: Vec<u32> = columns.filter_map(|number| number.parse().ok()).collect();
    let (&[vcpus, memory_mib, baseline_mbit, maximum_mbit], link) = numbers.split_first_chunk()?;
    let link = match *link {
        [baseline_mbit, maximum_mbit, baseline_iops, maximum_iops] => {
            Some(EbsLink { baseline_mbit, maximum_mbit, baseline_iops, maximum_iops })
        }
        _ => None,
    };
    let network = Some(Bandwidth { baseline_mbit, maximum_mbit });
    let instance = InstanceType { memory_mib: memory_mib.into(), vcpus, burstable, link, network };
    Some(TableLine { name, processor, instance })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_found() {
        assert!(LINES.is_sorted_by(|a, b| name(a) < name(b)));
        for line in LINES.iter() {
            let row = row(name(line)).expect(line);
            let words = line.split('\t').count();
            assert_eq!(words, if row.instance.link.is_some() { 11 } else { 7 }, "{line}");
            assert!(row.instance.vcpus > 0 && row.instance.memory_mib > 0, "{line}");
            let network = row.instance.network.expect(line);
            assert!(0 < network.baseline_mbit && network.baseline_mbit <= network.maximum_mbit, "{line}");
            if let Some(link) = row.instance.link {
                assert!(0 < link.baseline_mbit && link.baseline_mbit <= link.maximum_mbit, "{line}");
                assert!(0 < link.baseline_iops && link.baseline_iops <= link.maximum_iops, "{line}");
            }
        }
    }

    /// From AWS's manual, not from the table's own source.
    #[test]
    fn types_have_what_aws_says() {
        for (name, vcpus, gib, link, network) in [
            ("m6i.large", 2, 8, Some((650, 10_000)), (781, 12_500)),
            ("m5.12xlarge", 48, 192, Some((9500, 9500)), (12_000, 12_000)),
            ("m5.24xlarge", 96, 384, Some((19_000, 19_000)), (25_000, 25_000)),
            ("r5.8xlarge", 32, 256, Some((6800, 6800)), (10_000, 10_000)),
            ("m6i.32xlarge", 128, 512, Some((40_000, 40_000)), (50_000, 50_000)),
            ("c6in.large", 2, 4, Some((1562, 25_000)), (3125, 25_000)),
            ("t3.small", 2, 2, Some((174, 2085)), (128, 5000)),
            ("t2.small", 1, 2, None, (128, 1024)),
            ("i3.metal", 72, 512, Some((19_000, 19_000)), (25_000, 25_000)),
            ("i3en.metal", 96, 768, Some((19_000, 19_000)), (100_000, 100_000)),
            ("z1d.metal", 48, 384, Some((19_000, 19_000)), (25_000, 25_000)),
        ] {
            let instance = InstanceType::of(name).expect(name);
            assert_eq!((instance.vcpus, instance.memory_mib), (vcpus, gib * 1024), "{name}");
            assert_eq!(instance.link.map(|l| (l.baseline_mbit, l.maximum_mbit)), link, "{name}");
            assert_eq!(instance.network.map(|n| (n.baseline_mbit, n.maximum_mbit)), Some(network), "{name}");
        }
        for name in ["m6i.3xlarge", "m5.medium", "m6.large", "nonsense", "", "m6i", "m6i.", ".large"] {
            assert_eq!(InstanceType::of(name), None, "{name}");
        }
    }

    #[test]
    fn sizes_are_a_familys_own() {
        assert_eq!(sizes("t3"), ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"]);
        assert_eq!(sizes("m5")[..3], ["large", "xlarge", "2xlarge"]);
        assert!(sizes("m5").contains(&"12xlarge") && !sizes("m5").contains(&"medium"));
        assert!(sizes("m").is_empty() && sizes("").is_empty());
        assert_eq!(with_network("c6in", 2000).as_deref(), Some("c6in.large"));
        assert_eq!(with_network("c6in", 3126).as_deref(), Some("c6in.xlarge"));
        assert_eq!(with_network("c6in", 1_000_000), None);
    }
}
