//! Checks AWS names and ids: regions, zones, instance types, keys and buckets.

use super::{Refusal, names, nearest, refuse};
use crate::blueprint::instance::{self, Processor};
use crate::blueprint::partition::Partition;
use crate::blueprint::regions;
use crate::blueprint::rules::language as is;

const DIRECTIONS: [&str; 9] =
    ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];
const SIZES: [&str; 8] = ["nano", "micro", "small", "medium", "large", "xlarge", "metal", "2xlarge"];

/// Checks a region, such as `eu-west-1` or `us-gov-east-1`.
pub fn region(text: &str) -> Result<String, Refusal> {
    if regions::find(text).is_some() {
        return Ok(text.to_string());
    }
    let parts: Vec<&str> = text.split('-').collect();
    if let [area, middle @ .., direction, number] = parts.as_slice() {
        let area_fits = area.len() == 2 && area.chars().all(|c| c.is_ascii_lowercase());
        let middle_fits = middle.iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()));
        let is_number = |n: &str| !n.is_empty() && n.len() <= 2 && n.chars().all(|c| c.is_ascii_digit());
        if area_fits && middle_fits {
            if DIRECTIONS.contains(direction) && is_number(number) {
                return Ok(text.to_string());
            }
            if DIRECTIONS.contains(direction) && is_number(number.trim_end_matches(|c: char| c.is_ascii_lowercase())) {
                let region = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
                return refuse(
                    &is::REGION,
                    format!("`{text}` is an availability zone, not a region"),
                    format!("write \"{region}\""),
                );
            }
            if let (Some(meant), true) = (nearest(direction, DIRECTIONS.into_iter()), is_number(number)) {
                let meant = [&[*area], middle, &[meant, *number]].concat().join("-");
                return refuse(&is::REGION, format!("`{text}` is not a region"), format!("did you mean \"{meant}\"?"));
            }
        }
    }
    refuse(&is::REGION, format!("`{text}` is not a region"), "write an AWS region, such as \"eu-west-1\"")
}

/// The last zone that is accepted. No region has more than six zones (a to f in us-east-1), so this leaves room for one more.
const LAST_ZONE: &str = "g";

/// Checks an availability zone of the region, and returns its full name. The letter alone is enough.
pub fn zone(text: &str, region: &str) -> Result<String, Refusal> {
    let letter = |t: &str| t.len() == 1 && t.chars().all(|c| c.is_ascii_lowercase());
    let zone = text.strip_prefix(region).unwrap_or(text);
    if letter(zone) && zone <= LAST_ZONE {
        return Ok(format!("{region}{zone}"));
    }
    let zones = regions::zones(region).map(|letters| letters.chars().map(String::from).collect::<Vec<_>>().join(", "));
    let help = match zones {
        Some(zones) => format!("write a zone of {region}, such as \"{region}a\" or just \"a\"; its zones are {zones}"),
        None => format!("write a zone of {region}, such as \"{region}a\" or just \"a\""),
    };
    refuse(&is::ZONES, format!("`{text}` is not a zone of {region}"), help)
}

/// Checks an EC2 instance type, such as `m7g.large`.
pub fn instance_type(text: &str) -> Result<String, Refusal> {
    const HELP: &str = "write family and size, such as \"m6i.large\"";
    if let Some(rest) = text.strip_prefix("db.") {
        return refuse(
            &is::INSTANCE_TYPE,
            format!("`{text}` is an instance type of RDS, not of EC2"),
            format!("write \"{rest}\""),
        );
    }
    let Some((family, size)) = text.split_once('.') else {
        return refuse(&is::INSTANCE_TYPE, format!("`{text}` is not an instance type"), HELP);
    };
    let family_fits = family.starts_with(|c: char| c.is_ascii_lowercase())
        && family.contains(|c: char| c.is_ascii_digit())
        && family.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !family_fits {
        return refuse(&is::INSTANCE_TYPE, format!("`{family}` is not an instance family"), HELP);
    }
    // The largest size is 224xlarge.
    let number =
        |n: &str| !n.is_empty() && n.len() <= 3 && !n.starts_with('0') && n.chars().all(|c| c.is_ascii_digit());
    let multiple = size.strip_suffix("xlarge").is_some_and(number);
    let metal =
        size.strip_prefix("metal-").and_then(|n| n.strip_suffix("xl")).is_some_and(|n| n.parse::<u16>().is_ok());
    if Processor::of(text) == Some(Processor::Mac) {
        return refuse(&is::INSTANCE_TYPE, format!("`{text}` is a Mac, which boots only macOS"), HELP);
    }
    if SIZES.contains(&size) || multiple || metal {
        return Ok(text.to_string());
    }
    let help = match nearest(size, SIZES.into_iter()) {
        Some(meant) => format!("did you mean \"{family}.{meant}\"?"),
        None => HELP.into(),
    };
    refuse(&is::INSTANCE_TYPE, format!("`{size}` is not an instance size"), help)
}

/// Returns a refusal if the type's family is known and does not have this size.
pub fn no_such_size(instance_type: &str) -> Option<Refusal> {
    let (family, size) = instance_type.split_once('.')?;
    let sizes = instance::sizes(family);
    if sizes.is_empty() || sizes.contains(&size) {
        return None;
    }
    let problem = format!("`{family}` has no size `{size}`");
    let help = format!("its sizes are {} (as of {})", sizes.join(", "), instance::AS_OF);
    Some(Refusal { rule: &is::INSTANCE_TYPE, problem, help })
}

/// Returns whether an instance type has a Graviton processor (64-bit Arm). Its family then has a `g` after the generation, such as
/// `m7g` or `r6gd` (<https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html>).
pub fn is_graviton(instance_type: &str) -> bool {
    let family = instance_type.split('.').next().unwrap_or_default();
    let generation = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    generation.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('g') || family == "a1"
}

/// Checks the id of an existing resource, such as `vpc-0123456789abcdef0`. It has 17 hex digits; an old one has 8.
pub fn id(text: &str, kind: &str) -> Result<String, Refusal> {
    let digits = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('-'));
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if digits.is_some_and(|digits| [8, 17].contains(&digits.len()) && digits.chars().all(hex)) {
        return Ok(text.to_string());
    }
    let help = format!("write its id, such as \"{kind}-0123456789abcdef0\"");
    refuse(&is::AWS_ID, format!("`{text}` is not the id of a {kind}"), help)
}

/// Checks a KMS key in the cluster's region, given by its ARN, id or alias
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>).
pub fn kms_key(text: &str, region: Option<&str>) -> Result<String, Refusal> {
    const HELP: &str = "write the key's ARN, its id, or \"alias/<name>\"";
    let name = if text.starts_with("arn:") {
        let [_, partition, "kms", key_region, account, name] = text.splitn(6, ':').collect::<Vec<_>>()[..] else {
            return refuse(&is::KMS_KEY, format!("`{text}` is not the ARN of a KMS key"), HELP);
        };
        let account_fits = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
        let key = name.strip_prefix("key/").unwrap_or("alias");
        if !account_fits || !(is_key_id(key) || is_alias(name)) {
            return refuse(&is::KMS_KEY, format!("`{text}` is not the ARN of a KMS key"), HELP);
        }
        let own = Partition::of(region.unwrap_or(key_region)).map_or(partition, |own| own.name());
        if partition != own {
            let problem = format!("the key is in partition {partition}, but the cluster is in {own}");
            return refuse(&is::KMS_KEY, problem, format!("use a key whose ARN starts with \"arn:{own}:kms:\""));
        }
        if region.is_some_and(|region| region != key_region) {
            let problem =
                format!("the key is in {key_region}, but a disk can only be encrypted with a key of its own region");
            return refuse(&is::KMS_KEY, problem, format!("use a key in {}", region.unwrap_or_default()));
        }
        name
    } else {
        if !is_key_id(text) && !is_alias(text) {
            return refuse(&is::KMS_KEY, format!("`{text}` is not a KMS key"), HELP);
        }
        text
    };
    if name.starts_with("alias/aws/") {
        let help = "remove the line; the default is AWS's own key for each service";
        return refuse(&is::KMS_KEY, format!("`{name}` can only be used by a single AWS service"), help);
    }
    Ok(text.to_string())
}

/// Returns whether the text is a key id: a UUID, or `mrk-` and 32 hex digits for a multi-Region key.
fn is_key_id(text: &str) -> bool {
    let hex = |text: &str, length: usize| text.len() == length && text.chars().all(|c| c.is_ascii_hexdigit());
    let uuid = || {
        let parts: Vec<&str> = text.split('-').collect();
        parts.len() == 5 && parts.iter().zip([8, 4, 4, 4, 12]).all(|(part, length)| hex(part, length))
    };
    text.strip_prefix("mrk-").map_or_else(uuid, |rest| hex(rest, 32))
}

fn is_alias(text: &str) -> bool {
    text.strip_prefix("alias/").is_some_and(|name| {
        (1..=250).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "/_-".contains(c))
    })
}

/// Checks the name of a key pair. Spaces are allowed, except at its ends.
pub fn key_name(text: &str) -> Result<String, Refusal> {
    let name = names::plain("key pair name", text, " ._-@+:()", 255)?;
    match name.trim() == name {
        true => Ok(name),
        false => refuse(
            &is::PLAIN_NAME,
            format!("`{name}` begins or ends with a space"),
            format!("write \"{}\"", name.trim()),
        ),
    }
}

/// Checks the name of an S3 bucket (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
pub fn bucket(text: &str) -> Result<String, Refusal> {
    for prefix in ["s3://", "arn:aws:s3:::"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let name = rest.split('/').next().unwrap_or_default();
            return refuse(&is::BUCKET, format!("`{text}` is not a bucket's bare name"), format!("write \"{name}\""));
        }
    }
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = (3..=63).contains(&text.len())
        && text.chars().all(|c| edge(c) || c == '-' || c == '.')
        && text.starts_with(edge)
        && text.ends_with(edge)
        && !text.contains("..")
        && text.parse::<std::net::Ipv4Addr>().is_err();
    let kept_by_aws = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| text.starts_with(prefix))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| text.ends_with(suffix));
    if !fits || kept_by_aws {
        let help = "use 3 to 63 lower-case letters, digits, hyphens and dots, with a letter or digit at both ends";
        return refuse(&is::BUCKET, format!("`{text}` is not a valid bucket name"), help);
    }
    Ok(text.to_string())
}
