//! The regions of AWS, with their partitions and availability zones.
//!
//! AWS adds regions, so the list is only complete as of [`AS_OF`]. For a region or zone that is not listed, `pgherd check`
//! warns, and `pgherd run` asks AWS before it creates anything.

use super::partition::Partition;

/// When the list was last compared with its sources.
///
/// - Regions and partitions: botocore 1.43.11, `endpoints.json` and `partitions.json`.
/// - Opt-in: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>.
/// - Zones: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html>, and the responses of
///   `describe-instance-type-offerings` that moto 5.2.1 ships for 30 regions (`ec2/resources/instance_type_offerings`).
/// - Regions that version 5.100.0 of Terraform's AWS provider accepts: `terraform plan` in each region. The provider rejects an
///   unknown region without asking AWS.
pub const AS_OF: &str = "2026-11-28";

/// A region of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Its name, such as `eu-west-1`.
    pub name: &'static str,
    /// Its partition.
    pub partition: Partition,
    /// The letters of all zones that at least some accounts have.
    pub zones: &'static str,
    /// The letters of the zones that every account has, which are the default. Empty if there are none.
    pub usual: &'static str,
    /// Whether an account must enable the region before it can use it.
    pub opt_in: bool,
    /// Whether version 5.100 of Terraform's AWS provider accepts the region. Later versions accept all of them.
    pub in_provider_5: bool,
}

const fn on(partition: Partition, name: &'static str, zones: &'static str, usual: &'static str) -> Region {
    Region { name, partition, zones, usual, opt_in: false, in_provider_5: true }
}

/// Returns a commercial region that every account can use.
const fn open(name: &'static str, zones: &'static str, usual: &'static str) -> Region {
    on(Partition::Commercial, name, zones, usual)
}

/// Returns a region that an account must enable first. All of them have the zones a, b and c.
const fn opt_in(name: &'static str) -> Region {
    Region { opt_in: true, ..on(Partition::Commercial, name, "abc", "abc") }
}

/// Every region of the partitions that pgherd supports.
pub const ALL: [Region; 38] = [
    opt_in("af-south-1"),
    opt_in("ap-east-1"),
    opt_in("ap-east-2"),
    // Only old accounts have zone b of Tokyo.
    open("ap-northeast-1", "abcd", "acd"),
    open("ap-northeast-2", "abcd", "abc"),
    open("ap-northeast-3", "abc", "abc"),
    open("ap-south-1", "abc", "abc"),
    opt_in("ap-south-2"),
    open("ap-southeast-1", "abc", "abc"),
    open("ap-southeast-2", "abc", "abc"),
    opt_in("ap-southeast-3"),
    opt_in("ap-southeast-4"),
    opt_in("ap-southeast-5"),
    Region { in_provider_5: false, ..opt_in("ap-southeast-6") },
    opt_in("ap-southeast-7"),
    open("ca-central-1", "abd", "abd"),
    opt_in("ca-west-1"),
    open("eu-central-1", "abc", "abc"),
    opt_in("eu-central-2"),
    open("eu-north-1", "abc", "abc"),
    opt_in("eu-south-1"),
    opt_in("eu-south-2"),
    open("eu-west-1", "abc", "abc"),
    open("eu-west-2", "abc", "abc"),
    open("eu-west-3", "abc", "abc"),
    opt_in("il-central-1"),
    opt_in("me-central-1"),
    opt_in("me-south-1"),
    opt_in("mx-central-1"),
    open("sa-east-1", "abc", "abc"),
    // One of the six zones has none of the newer instance types. Its letter differs by account, so `run` asks AWS.
    open("us-east-1", "abcdef", "abc"),
    open("us-east-2", "abc", "abc"),
    // Each account has two of the three zones; which two differs by account.
    open("us-west-1", "abc", ""),
    open("us-west-2", "abcd", "abc"),
    on(Partition::China, "cn-north-1", "abd", "abd"),
    on(Partition::China, "cn-northwest-1", "abc", "abc"),
    on(Partition::GovCloud, "us-gov-east-1", "abc", "abc"),
    on(Partition::GovCloud, "us-gov-west-1", "abc", "abc"),
];

/// Returns the region of this name; `None` if it is not known.
pub fn find(name: &str) -> Option<&'static Region> {
    ALL.iter().find(|region| region.name == name)
}

/// Returns the region whose API is asked about the other regions of the same partition. Every account can use it.
pub fn home(region: &str) -> &'static str {
    match Partition::of(region) {
        Some(Partition::China) => "cn-north-1",
        Some(Partition::GovCloud) => "us-gov-west-1",
        Some(Partition::Commercial) | None => "us-east-1",
    }
}

/// Returns the full names of the zones that machines are distributed over if a blueprint sets none. Returns `None` if the zones
/// of the region differ by account.
pub fn default_zones(region: &str) -> Option<Vec<String>> {
    // AWS has at least three zones in each new region; `run` checks an unknown one.
    let letters = find(region).map_or("abc", |known| known.usual);
    (!letters.is_empty()).then(|| letters.chars().map(|letter| format!("{region}{letter}")).collect())
}

/// Returns the letters of a region's zones; `None` if the region is not known.
pub fn zones(region: &str) -> Option<&'static str> {
    find(region).map(|known| known.zones)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_zone_is_one_of_the_regions() {
        for region in ALL {
            assert!(region.usual.chars().all(|zone| region.zones.contains(zone)), "{region:?}");
            assert_eq!(Partition::of(region.name), Some(region.partition), "{region:?}");
            assert_eq!(Partition::of(home(region.name)), Some(region.partition), "{region:?}");
            assert!(find(home(region.name)).is_some_and(|home| !home.opt_in), "{region:?}");
        }
    }

    #[test]
    fn what_is_not_known_has_three_zones() {
        assert_eq!(default_zones("eu-west-9").unwrap(), ["eu-west-9a", "eu-west-9b", "eu-west-9c"]);
        assert_eq!(default_zones("cn-north-1").unwrap(), ["cn-north-1a", "cn-north-1b", "cn-north-1d"]);
        assert_eq!((default_zones("us-west-1"), zones("eu-west-9")), (None, None));
    }
}
