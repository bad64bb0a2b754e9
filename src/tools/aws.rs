//! The AWS CLI, version 1 or 2: for what Terraform and Packer have no command.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The program.
pub const PROGRAM: &str = "aws";

/// An AMI of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ami {
    /// `ami-…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its snapshots, which still cost money after it is deregistered.
    pub snapshots: Vec<String>,
    /// The role it is built for.
    pub role: String,
    /// The hash of its content.
    pub hash: String,
    /// When it was created, as AWS prints it.
    pub created: String,
    /// `available`, `pending`, `failed` …
    pub state: String,
    /// All of its tags.
    pub tags: BTreeMap<String, String>,
}

impl Ami {
    /// Returns whether it is complete. Packer names an image first and tags it last: one without the tag of its content is not.
    pub fn is_whole(&self) -> bool {
        self.is_available() && !self.hash.is_empty()
    }

    /// Returns whether machines can boot from it.
    pub fn is_available(&self) -> bool {
        self.state.is_empty() || self.state == "available"
    }

    /// Returns id and name of the image that it was built from; `None` if its tags do not say.
    pub fn base(&self) -> Option<(&str, &str)> {
        self.tags.get("pgherd:base")?.split_once(' ')
    }
}

/// The base images to build from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseQuery {
    /// The account that publishes them.
    pub owner: String,
    /// The pattern of their names; `*` stands for anything.
    pub name: String,
}

impl BaseQuery {
    /// Returns whether an image is one of these.
    pub fn fits(&self, ami: &Ami) -> bool {
        let Some((first, rest)) = self.name.split_once('*') else { return self.name == ami.name };
        let Some(mut left) = ami.name.strip_prefix(first) else { return false };
        let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in between.split('*') {
            let Some(at) = left.find(part) else { return false };
            left = &left[at + part.len()..];
        }
        left.ends_with(last)
    }
}

/// Returns the words of a command with region and output format.
pub fn args(region: &str, words: &[&str]) -> Vec<String> {
    words.iter().copied().chain(["--region", region, "--output", "json"]).map(String::from).collect()
}

/// Asks whose the credentials are.
pub fn caller_identity(region: &str) -> Vec<String> {
    args(region, &["sts", "get-caller-identity"])
}

/// Finds the images of a cluster's roles by the begin of their names, incomplete ones included, and all base images with the same
/// question.
pub fn find_images(region: &str, cluster: &str, roles: &[&str], bases: &[BaseQuery]) -> Vec<String> {
    let ours = roles.iter().map(|role| format!("{cluster}-{role}-*"));
    let names: Vec<String> = ours.chain(bases.iter().map(|base| base.name.clone())).collect();
    let names = format!("Name=name,Values={}", names.join(","));
    let mut owners: Vec<&str> = bases.iter().map(|base| base.owner.as_str()).collect();
    owners.dedup();
    args(region, &[&["ec2", "describe-images", "--owners", "self"], &owners[..], &["--filters", &names]].concat())
}

/// Finds the available base images.
pub fn find_base(region: &str, base: &BaseQuery) -> Vec<String> {
    let names = format!("Name=name,Values={}", base.name);
    args(region, &["ec2", "describe-images", "--owners", &base.owner, "--filters", &names, READY])
}

const READY: &str = "Name=state,Values=available";

/// Returns the newest image.
pub fn newest<'a>(images: impl Iterator<Item = &'a Ami>) -> Option<&'a Ami> {
    images.max_by_key(|ami| &ami.created)
}

/// Finds all images of a cluster, whatever their state. `tag` is the value of the tag `pgherd:cluster`.
pub fn images_of(region: &str, tag: &str) -> Vec<String> {
    let cluster = format!("Name=tag:pgherd:cluster,Values={tag}");
    args(region, &["ec2", "describe-images", "--owners", "self", "--filters", &cluster])
}

/// The tag with the versions of the packages in an image.
pub const VERSIONS: &str = "pgherd:versions";
/// Characters of a tag's value (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>).
const LONGEST_VALUE: usize = 256;

/// Tags a resource. A value that is too long is cut.
pub fn create_tag(region: &str, id: &str, key: &str, value: &str) -> Vec<String> {
    let value: String = value.chars().take(LONGEST_VALUE).collect();
    let tags = serde_json::json!([{ "Key": key, "Value": value }]).to_string();
    args(region, &["ec2", "create-tags", "--resources", id, "--tags", &tags])
}

/// Deregisters an image. Machines that were started from it keep running.
pub fn deregister(region: &str, ami: &str) -> Vec<String> {
    args(region, &["ec2", "deregister-image", "--image-id", ami])
}

/// Deletes the data of an image.
pub fn delete_snapshot(region: &str, snapshot: &str) -> Vec<String> {
    args(region, &["ec2", "delete-snapshot", "--snapshot-id", snapshot])
}

/// Finds the machines that run, or could run again, from images.
pub fn users_of(region: &str, amis: &[&str]) -> Vec<String> {
    let images = format!("Name=image-id,Values={}", amis.join(","));
    let states = "Name=instance-state-name,Values=pending,running,stopping,stopped,shutting-down";
    args(region, &["ec2", "describe-instances", "--filters", &images, states])
}

/// Finds a cluster's machines that run, or could run again. `tag` is the value of the tag `pgherd:cluster`.
pub fn machines_of(region: &str, tag: &str) -> Vec<String> {
    let cluster = format!("Name=tag:pgherd:cluster,Values={tag}");
    let states = "Name=instance-state-name,Values=pending,running,stopping,stopped";
    args(region, &["ec2", "describe-instances", "--filters", &cluster, states])
}

/// Reads a secret. What it prints must not be logged.
pub fn secret(region: &str, name: &str) -> Vec<String> {
    args(region, &["secretsmanager", "get-secret-value", "--secret-id", name])
}

/// Returns the secret that `get-secret-value` printed.
pub fn read_secret(json: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(json).ok()?;
    Some(answer.get("SecretString")?.as_str()?.to_string())
}

/// A tag, as AWS prints it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

/// A disk of an image or a machine, as AWS prints it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BlockDevice {
    pub ebs: Option<EbsVolume>,
}

/// The part of a disk that says what it is made from.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EbsVolume {
    pub snapshot_id: Option<String>,
}

/// Returns the value of a tag, or an empty text.
pub(super) fn tag(tags: &[Tag], key: &str) -> String {
    tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone()).unwrap_or_default()
}

/// A machine, as `describe-instances` prints it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribedInstance {
    pub instance_id: String,
    pub image_id: String,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Returns the machines that `describe-instances` printed.
///
/// # Errors
/// If it has an unexpected format.
pub(super) fn read_instances(json: &str) -> Result<Vec<DescribedInstance>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct DescribedInstances {
        reservations: Vec<Reservation>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Reservation {
        instances: Vec<DescribedInstance>,
    }
    let answer: DescribedInstances =
        serde_json::from_str(json).map_err(|e| format!("unexpected response of describe-instances: {e}"))?;
    Ok(answer.reservations.into_iter().flat_map(|reservation| reservation.instances).collect())
}

/// Returns image and name of each machine, from what `describe-instances` printed.
///
/// # Errors
/// If it has an unexpected format.
pub fn read_users(json: &str) -> Result<Vec<(String, String)>, String> {
    let machine = |i: DescribedInstance| {
        let name = ["pgherd:machine", "Name"].iter().map(|key| tag(&i.tags, key)).find(|name| !name.is_empty());
        (i.image_id, name.unwrap_or(i.instance_id))
    };
    Ok(read_instances(json)?.into_iter().map(machine).collect())
}

/// Returns the images that `describe-images` printed.
///
/// # Errors
/// If it has an unexpected format.
pub fn read_images(json: &str) -> Result<Vec<Ami>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct DescribedImages {
        images: Vec<ImageJson>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct ImageJson {
        image_id: String,
        #[serde(default)]
        name: String,
        #[serde(default)]
        block_device_mappings: Vec<BlockDevice>,
        #[serde(default)]
        tags: Vec<Tag>,
        #[serde(default)]
        creation_date: String,
        #[serde(default)]
        state: String,
    }
    let answer: DescribedImages =
        serde_json::from_str(json).map_err(|e| format!("unexpected response of describe-images: {e}"))?;
    let snapshots = |devices: Vec<BlockDevice>| devices.into_iter().filter_map(|d| d.ebs?.snapshot_id).collect();
    let ami = |i: ImageJson| Ami {
        role: tag(&i.tags, "pgherd:role"),
        hash: tag(&i.tags, "pgherd:content"),
        id: i.image_id,
        name: i.name,
        snapshots: snapshots(i.block_device_mappings),
        created: i.creation_date,
        state: i.state,
        tags: i.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
    };
    Ok(answer.images.into_iter().map(ami).collect())
}

/// Returns account and user, from what `get-caller-identity` printed.
pub fn read_identity(json: &str) -> Option<(String, String)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct CallerIdentity {
        account: String,
        arn: String,
    }
    let answer: CallerIdentity = serde_json::from_str(json).ok()?;
    Some((answer.account, answer.arn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_asked_for_by_name_and_with_their_bases() {
        let base = |name: &str| BaseQuery { owner: "136693071363".into(), name: name.into() };
        let asked = find_images("eu-west-1", "herd", &["master", "slave"], &[base("debian-13-*"), base("debian-12-*")]);
        assert_eq!(
            asked.join(" "),
            "ec2 describe-images --owners self 136693071363 --filters Name=name,Values=herd-master-*,herd-slave-*,debian-13-*,debian-12-* \
             --region eu-west-1 --output json"
        );
        let fits = |pattern: &str, name: &str| base(pattern).fits(&Ami { name: name.into(), ..Ami::default() });
        assert!(fits("debian-13-amd64-*", "debian-13-amd64-20260101-1"));
        assert!(
            !fits("debian-13-amd64-*", "herd-slave-0b") && !fits("debian-13-amd64-*", "debian-13-arm64-20260101-1")
        );
        let ubuntu = "ubuntu/images/hvm-ssd*/ubuntu-noble-24.04-amd64-server-*";
        assert!(fits(ubuntu, "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260101"));
        assert!(!fits(ubuntu, "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20260101"));
    }

    #[test]
    fn images_are_read_with_their_snapshots() {
        let json = r#"{"Images":[{"ImageId":"ami-1","Name":"n","BlockDeviceMappings":[
            {"DeviceName":"/dev/xvda","Ebs":{"SnapshotId":"snap-1"}},{"DeviceName":"/dev/sdb","VirtualName":"ephemeral0"}]}]}"#;
        let ami = Ami { id: "ami-1".into(), name: "n".into(), snapshots: vec!["snap-1".into()], ..Ami::default() };
        assert_eq!(read_images(json), Ok(vec![ami]));
        assert_eq!(read_images(r#"{"Images":[]}"#), Ok(vec![]));
        assert!(read_images("oops").is_err());
    }

    #[test]
    fn a_secret_is_read_and_nothing_else_is_taken_for_one() {
        assert_eq!(read_secret(r#"{"Name": "x", "SecretString": "s3"}"#), Some("s3".into()));
        assert_eq!(read_secret(r#"{"SecretBinary": "eA=="}"#).or(read_secret("")), None);
        assert_eq!(
            secret("eu-west-1", "herd/user/app").join(" "),
            "secretsmanager get-secret-value --secret-id herd/user/app --region eu-west-1 --output json"
        );
    }

    #[test]
    fn a_machine_is_called_by_its_name() {
        let json = r#"{"Reservations":[{"Instances":[{"InstanceId":"i-1","ImageId":"ami-1","Tags":[
            {"Key":"Name","Value":"herd-slave1"},{"Key":"pgherd:machine","Value":"slave1"}]},{"InstanceId":"i-2","ImageId":"ami-2"}]}]}"#;
        let users = read_users(json).unwrap();
        assert_eq!(users, [("ami-1".into(), "slave1".into()), ("ami-2".into(), "i-2".to_string())]);
    }
}
