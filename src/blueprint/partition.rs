//! AWS partitions, and how a region's name determines its partition.

/// A partition that pgherd can generate for (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// The commercial regions.
    Commercial,
    /// China: Beijing and Ningxia, which have their own operators and accounts.
    China,
    /// GovCloud (US).
    GovCloud,
}

impl Partition {
    /// Returns a region's partition; `None` for one whose names and images pgherd does not know: the isolated regions and the
    /// European Sovereign Cloud.
    pub fn of(region: &str) -> Option<Self> {
        let mut parts = region.split('-');
        match (parts.next()?, parts.next()?) {
            ("cn", _) => Some(Partition::China),
            ("us", "gov") => Some(Partition::GovCloud),
            (_, area) if area.starts_with("iso") => None,
            (area, _) if area.len() != 2 => None,
            _ => Some(Partition::Commercial),
        }
    }

    /// Returns the partition's name in ARNs, such as `aws`.
    pub fn name(self) -> &'static str {
        match self {
            Partition::Commercial => "aws",
            Partition::China => "aws-cn",
            Partition::GovCloud => "aws-us-gov",
        }
    }

    /// Returns the domain of its service endpoints
    /// (<https://docs.aws.amazon.com/general/latest/gr/rande.html>, <https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-Beijing.html>).
    pub fn domain(self) -> &'static str {
        match self {
            Partition::China => "amazonaws.com.cn",
            Partition::Commercial | Partition::GovCloud => "amazonaws.com",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_tells_its_partition() {
        let of = |region| Partition::of(region).map(Partition::name);
        for (region, name) in [
            ("eu-west-1", Some("aws")),
            ("us-east-1", Some("aws")),
            ("cn-northwest-1", Some("aws-cn")),
            ("us-gov-west-1", Some("aws-us-gov")),
            ("us-iso-east-1", None),
            ("us-isob-east-1", None),
            ("eu-isoe-west-1", None),
            ("eusc-de-east-1", None),
        ] {
            assert_eq!(of(region), name, "{region}");
        }
    }
}
