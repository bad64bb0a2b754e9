//! Asks moto about EC2.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use roxmltree::{Document, Node};

use super::api::{self, child, items, text_of};

mod groups;

pub use groups::{Counterpart, Group, Permission, Protocol, groups};

/// An instance, as the API reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Instance id, such as `i-0123…`.
    pub id: String,
    /// `pending`, `running`, `stopping`, `stopped`, `shutting-down` or `terminated`.
    pub state: String,
    /// AMI id that it boots from.
    pub image: String,
    /// The name of its first volume's device.
    pub root_device: String,
    /// Private address, which it keeps while it is stopped.
    pub address: Option<Ipv4Addr>,
    /// Name of its key pair.
    pub key_name: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether its power was cut: it was stopped without its operating system's shutdown.
    pub is_cut: bool,
}

/// An image, as the API reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiImage {
    /// AMI id, such as `ami-0123…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Description. A copy has that of its original.
    pub description: String,
    /// The instance that it was made from, if there is one.
    pub source: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The end of the reason for a stop that skipped the operating system's shutdown. EC2 does not tell; `sitecustomize.py` makes moto do so.
const CUT: &str = ", without shutdown";

/// Returns all instances of a region.
pub fn instances(region: &str) -> Result<Vec<Instance>> {
    read_instances(&ask(region, "DescribeInstances", "")?)
}

fn read_instances(text: &str) -> Result<Vec<Instance>> {
    let document = Document::parse(text)?;
    let reservations = items(child(document.root_element(), "reservationSet"));
    let instances = reservations.into_iter().flat_map(|r| items(child(r, "instancesSet")));
    instances
        .map(|node| {
            Ok(Instance {
                id: text_of(node, "instanceId").context("an instance without an id")?,
                state: child(node, "instanceState").and_then(|s| text_of(s, "name")).unwrap_or_default(),
                image: text_of(node, "imageId").unwrap_or_default(),
                root_device: text_of(node, "rootDeviceName").unwrap_or_default(),
                address: text_of(node, "privateIpAddress").and_then(|a| a.parse().ok()),
                key_name: text_of(node, "keyName"),
                tags: tags(node),
                is_cut: text_of(node, "reason").is_some_and(|reason| reason.ends_with(CUT)),
            })
        })
        .collect()
}

/// Returns all images of a region: the account's own and the bases.
pub fn images(region: &str) -> Result<Vec<ApiImage>> {
    let text = ask(region, "DescribeImages", "")?;
    let document = Document::parse(&text)?;
    (items(child(document.root_element(), "imagesSet")).into_iter())
        .map(|node| {
            Ok(ApiImage {
                id: text_of(node, "imageId").context("an image without an id")?,
                name: text_of(node, "name").unwrap_or_default(),
                description: text_of(node, "description").unwrap_or_default(),
                source: text_of(node, "sourceInstanceId"),
                tags: tags(node),
            })
        })
        .collect()
}

/// A network interface, as the API reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its private address.
    pub address: Ipv4Addr,
    /// The ids of its security groups.
    pub groups: Vec<String>,
    /// Whether it belongs to an interface endpoint.
    pub is_endpoint: bool,
    /// The network load balancer that it belongs to, as the end of its ARN: `net/NAME/ID`.
    pub balancer: Option<String>,
}

/// Returns all network interfaces of a region.
pub fn interfaces(region: &str) -> Result<Vec<Interface>> {
    read_interfaces(&ask(region, "DescribeNetworkInterfaces", "")?)
}

fn read_interfaces(text: &str) -> Result<Vec<Interface>> {
    let document = Document::parse(text)?;
    let interfaces = items(child(document.root_element(), "networkInterfaceSet"));
    (interfaces.into_iter())
        .map(|node| {
            let groups = items(child(node, "groupSet")).into_iter().filter_map(|group| text_of(group, "groupId"));
            // EC2 describes an endpoint's interfaces so, followed by the endpoint's id, and those of load balancers likewise.
            let what = text_of(node, "description").unwrap_or_default();
            Ok(Interface {
                address: text_of(node, "privateIpAddress").context("an interface without an address")?.parse()?,
                groups: groups.collect(),
                is_endpoint: what.starts_with("VPC Endpoint Interface "),
                balancer: what.strip_prefix("ELB ").map(str::to_string),
            })
        })
        .collect()
}

/// A volume, as the API reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiVolume {
    /// Volume id, such as `vol-0123…`.
    pub id: String,
    /// Size in GiB.
    pub gib: u32,
    /// The instance that has it, and the name of its device there, if it is attached.
    pub attached: Option<(String, String)>,
}

impl ApiVolume {
    /// Returns whether it is an instance's volume with this name of a device.
    pub fn is_at(&self, instance: &str, device: &str) -> bool {
        self.attached.as_ref().is_some_and(|(its, name)| its == instance && name == device)
    }

    /// Returns whether it is an instance's volume with another name of a device than this.
    pub fn is_beside(&self, instance: &str, device: &str) -> bool {
        self.attached.as_ref().is_some_and(|(its, name)| its == instance && name != device)
    }
}

/// Returns all volumes of a region.
pub fn volumes(region: &str) -> Result<Vec<ApiVolume>> {
    read_volumes(&ask(region, "DescribeVolumes", "")?)
}

fn read_volumes(text: &str) -> Result<Vec<ApiVolume>> {
    let document = Document::parse(text)?;
    (items(child(document.root_element(), "volumeSet")).into_iter())
        .map(|node| {
            let attachment = items(child(node, "attachmentSet")).into_iter().next();
            let part = |name| attachment.and_then(|one| text_of(one, name));
            Ok(ApiVolume {
                id: text_of(node, "volumeId").context("a volume without an id")?,
                gib: text_of(node, "size").context("a volume without a size")?.parse()?,
                attached: part("instanceId").zip(part("device")),
            })
        })
        .collect()
}

/// Returns the public key of a key pair.
pub fn public_key(region: &str, name: &str) -> Result<Option<String>> {
    let text = ask(region, "DescribeKeyPairs", "&IncludePublicKey=true")?;
    let document = Document::parse(&text)?;
    let keys = items(child(document.root_element(), "keySet"));
    let key = keys.into_iter().find(|key| text_of(*key, "keyName").as_deref() == Some(name));
    Ok(key.and_then(|key| text_of(key, "publicKey")))
}

/// Returns a region's default VPC and one of its subnets, where Packer builds.
pub fn default_subnet(region: &str) -> Result<(String, String)> {
    let text = ask(region, "DescribeSubnets", "&Filter.1.Name=default-for-az&Filter.1.Value.1=true")?;
    let document = Document::parse(&text)?;
    let subnets = items(child(document.root_element(), "subnetSet"));
    let subnet = subnets.first().copied().context("moto has no default subnet")?;
    let field = |name| text_of(subnet, name).with_context(|| format!("a subnet without {name}"));
    Ok((field("vpcId")?, field("subnetId")?))
}

fn ask(region: &str, action: &str, parameters: &str) -> Result<String> {
    api::ask(("ec2", "2016-11-15"), region, action, parameters)
}

fn tags(node: Node<'_, '_>) -> BTreeMap<String, String> {
    let pair = |tag| Some((text_of(tag, "key")?, text_of(tag, "value").unwrap_or_default()));
    items(child(node, "tagSet")).into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_read_from_all_reservations() {
        let instance = |id: &str, rest: &str| {
            format!(
                "<item><instancesSet><item><instanceId>{id}</instanceId><imageId>ami-1</imageId><instanceState><code>16</code>\
                <name>running</name></instanceState>{rest}</item></instancesSet></item>"
            )
        };
        let tag =
            "<tagSet><item><key>pgherd:machine</key><value>master</value></item><item><key>empty</key></item></tagSet>";
        let reason = "<reason>User initiated (2026-11-29 10:00:00 UTC), without shutdown</reason>";
        let rest = format!("{tag}{reason}<privateIpAddress>10.20.0.16</privateIpAddress><keyName>k</keyName>");
        let text = format!(
            "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\"><reservationSet>{}{}</reservationSet></DescribeInstancesResponse>",
            instance("i-1", &rest),
            instance("i-2", "")
        );
        let read = read_instances(&text).unwrap();
        assert_eq!(read.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["i-1", "i-2"]);
        assert_eq!((read[0].state.as_str(), read[0].address), ("running", Some(Ipv4Addr::new(10, 20, 0, 16))));
        assert_eq!((read[0].tags["pgherd:machine"].as_str(), read[0].tags["empty"].as_str()), ("master", ""));
        assert_eq!((read[1].address, read[1].key_name.as_deref()), (None, None));
        assert!(read[0].is_cut && !read[1].is_cut);
    }

    #[test]
    fn volumes_say_where_they_are_attached() {
        let attachment =
            "<attachmentSet><item><instanceId>i-1</instanceId><device>/dev/sdf</device></item></attachmentSet>";
        let volume = |id: &str, rest: &str| format!("<item><volumeId>{id}</volumeId><size>100</size>{rest}</item>");
        let text = format!(
            "<R><volumeSet>{}{}</volumeSet></R>",
            volume("vol-1", attachment),
            volume("vol-2", "<attachmentSet/>")
        );
        let read = read_volumes(&text).unwrap();
        assert_eq!(read[0].attached, Some(("i-1".to_string(), "/dev/sdf".to_string())));
        assert_eq!((read[1].id.as_str(), read[1].gib, &read[1].attached), ("vol-2", 100, &None));
        assert!(read_volumes("<R><volumeSet><item/></volumeSet></R>").is_err());
    }

    #[test]
    fn endpoints_are_told_from_other_interfaces() {
        let one = |what: &str, at: &str| {
            let groups =
                "<groupSet><item><groupId>sg-1</groupId></item><item><groupId>sg-2</groupId></item></groupSet>";
            format!("<item><description>{what}</description><privateIpAddress>{at}</privateIpAddress>{groups}</item>")
        };
        let all =
            [one("VPC Endpoint Interface vpce-1", "10.20.0.47"), one("", "10.20.0.16"), one("mine", "10.20.0.17")];
        let text = format!("<R><networkInterfaceSet>{}</networkInterfaceSet></R>", all.concat());
        let read = read_interfaces(&text).unwrap();
        let endpoints: Vec<_> = read.iter().filter(|one| one.is_endpoint).map(|one| one.address).collect();
        assert_eq!(endpoints, [Ipv4Addr::new(10, 20, 0, 47)]);
        assert!(read.len() == 3 && read.iter().all(|one| one.groups == ["sg-1", "sg-2"]), "{read:?}");
    }
}
