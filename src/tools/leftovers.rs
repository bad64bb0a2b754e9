//! What a killed Packer leaves in AWS: its builder machine, security group, key pair, volume, incomplete image.

use serde::Deserialize;

use super::aws::{BlockDevice, Tag, args};

/// The begin of the names that Packer gives to what it creates for a build
/// (<https://developer.hashicorp.com/packer/integrations/hashicorp/amazon/latest/components/builder/ebs>: "temporary").
const TEMPORARY: &str = "packer_";

/// A builder, by the tags that the templates give to everything of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    /// AWS region.
    pub region: String,
    /// The value of the cluster's tag `pgherd:cluster`.
    pub cluster: String,
    /// The `Name` tag of all that belongs to a build of this image.
    pub name: String,
}

impl Builder {
    /// Returns the builder of a master's image.
    #[cfg(test)]
    pub(super) fn of_test() -> Self {
        Builder {
            region: "eu-west-1".into(),
            cluster: "herd/eu-west-1".into(),
            name: "packer builder herd-master".into(),
        }
    }

    fn ask(&self, verb: &str, more: &[&str]) -> Vec<String> {
        let cluster = format!("Name=tag:pgherd:cluster,Values={}", self.cluster);
        let name = format!("Name=tag:Name,Values={}", self.name);
        let words: Vec<&str> =
            ["ec2", verb, "--filters", &cluster, &name].into_iter().chain(more.iter().copied()).collect();
        args(&self.region, &words)
    }

    /// Finds its machines that are not terminated.
    pub fn machines(&self) -> Vec<String> {
        self.ask("describe-instances", &["Name=instance-state-name,Values=pending,running,stopping,stopped"])
    }

    /// Finds its security groups.
    pub fn groups(&self) -> Vec<String> {
        self.ask("describe-security-groups", &[])
    }

    /// Finds its key pairs.
    pub fn keys(&self) -> Vec<String> {
        self.ask("describe-key-pairs", &[])
    }

    /// Finds key pairs of these names, tagged or not.
    pub fn keys_named(&self, names: &[String]) -> Vec<String> {
        let names = format!("Name=key-name,Values={}", names.join(","));
        args(&self.region, &["ec2", "describe-key-pairs", "--filters", &names])
    }

    /// Finds security groups of these names, tagged or not.
    pub fn groups_named(&self, names: &[String]) -> Vec<String> {
        let names = format!("Name=group-name,Values={}", names.join(","));
        args(&self.region, &["ec2", "describe-security-groups", "--filters", &names])
    }

    /// Finds its volumes that are not attached.
    pub fn volumes(&self) -> Vec<String> {
        self.ask("describe-volumes", &["Name=status,Values=available"])
    }

    /// Finds images of a name, complete or not.
    pub fn images(&self, image: &str) -> Vec<String> {
        let name = format!("Name=name,Values={image}");
        args(&self.region, &["ec2", "describe-images", "--owners", "self", "--filters", &name])
    }

    /// Returns the commands that remove a leftover, in their order.
    pub fn removal(&self, thing: &Leftover) -> Vec<Vec<String>> {
        let id = thing.id.as_str();
        let words: Vec<Vec<&str>> = match thing.kind {
            LeftoverKind::Machine => {
                let wait = vec!["ec2", "wait", "instance-terminated", "--instance-ids", id];
                vec![vec!["ec2", "terminate-instances", "--instance-ids", id], wait]
            }
            LeftoverKind::Group => vec![vec!["ec2", "delete-security-group", "--group-id", id]],
            LeftoverKind::Key => vec![vec!["ec2", "delete-key-pair", "--key-name", id]],
            LeftoverKind::Volume => vec![vec!["ec2", "delete-volume", "--volume-id", id]],
            LeftoverKind::Image => vec![vec!["ec2", "deregister-image", "--image-id", id]],
            LeftoverKind::Snapshot => vec![vec!["ec2", "delete-snapshot", "--snapshot-id", id]],
        };
        words.iter().map(|words| args(&self.region, words)).collect()
    }
}

/// Returns the `Name` tag of all that belongs to a build of a role's image, as `run_tags` in the templates has it.
pub fn builder_name(cluster: &str, role: &str) -> String {
    format!("packer builder {cluster}-{role}")
}

/// Kinds of leftovers, in the order in which they can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftoverKind {
    /// An instance.
    Machine,
    /// A security group.
    Group,
    /// A key pair.
    Key,
    /// A volume.
    Volume,
    /// An AMI that is not complete.
    Image,
    /// A snapshot of such an AMI.
    Snapshot,
}

impl LeftoverKind {
    /// Returns AWS's resource type of what has tags from its creation.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            LeftoverKind::Machine => Some("instance"),
            LeftoverKind::Group => Some("security-group"),
            LeftoverKind::Key => Some("key-pair"),
            LeftoverKind::Volume => Some("volume"),
            LeftoverKind::Image | LeftoverKind::Snapshot => None,
        }
    }

    /// Returns the name for people.
    pub fn word(self) -> &'static str {
        match self {
            LeftoverKind::Machine => "builder machine",
            LeftoverKind::Group => "security group",
            LeftoverKind::Key => "key pair",
            LeftoverKind::Volume => "volume",
            LeftoverKind::Image => "incomplete image",
            LeftoverKind::Snapshot => "snapshot",
        }
    }
}

/// One leftover.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// `i-…`, `sg-…`, a key pair's name …
    pub id: String,
    /// When it was created, as AWS prints it; empty if it does not.
    pub made: String,
    /// Its name, if that is not its id.
    pub name: String,
    /// What is removed with it.
    pub with: Vec<Leftover>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Raw {
    instance_id: String,
    group_id: String,
    group_name: String,
    key_name: String,
    volume_id: String,
    image_id: String,
    state: serde_json::Value,
    launch_time: String,
    create_time: String,
    creation_date: String,
    security_groups: Vec<Raw>,
    tags: Vec<Tag>,
    block_device_mappings: Vec<BlockDevice>,
}

impl Raw {
    fn tagged(&self, key: &str, value: &str) -> bool {
        self.tags.iter().any(|tag| tag.key == key && tag.value == value)
    }
}

/// Returns the names of the key pair and the security group of a build, from its log. Packer creates both before it tags them: one that
/// is killed in between leaves them without tags (seen with 1.6.6).
pub fn names_in(log: &str) -> Vec<String> {
    let made = log.lines().filter(|line| line.contains(": Creating temporary "));
    made.filter_map(|line| line.rsplit(' ').next()).filter(|name| named(name)).map(String::from).collect()
}

/// Reads the response to one of the questions. Whatever the filters returned, only what has the builder's tag or one of the names
/// counts.
///
/// # Errors
/// If it has an unexpected format.
pub fn read(builder: &Builder, names: &[String], kind: LeftoverKind, json: &str) -> Result<Vec<Leftover>, String> {
    let answer: serde_json::Value =
        serde_json::from_str(json).map_err(|e| format!("unexpected response from AWS: {e}"))?;
    let list = |value: &serde_json::Value, name: &str| -> Vec<Raw> {
        value.get(name).and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default()
    };
    let raw = match kind {
        LeftoverKind::Machine => {
            let reservations = answer.get("Reservations").and_then(serde_json::Value::as_array).cloned();
            reservations.unwrap_or_default().iter().flat_map(|r| list(r, "Instances")).collect()
        }
        LeftoverKind::Group => list(&answer, "SecurityGroups"),
        LeftoverKind::Key => list(&answer, "KeyPairs"),
        LeftoverKind::Volume => list(&answer, "Volumes"),
        LeftoverKind::Image => list(&answer, "Images"),
        LeftoverKind::Snapshot => vec![],
    };
    let ours = |raw: &Raw| match kind {
        // Packer tags an image last: one that has its name but not the tag of its content is not complete.
        LeftoverKind::Image => raw.state != "available" || !raw.tags.iter().any(|tag| tag.key == "pgherd:content"),
        LeftoverKind::Group => {
            named(&raw.group_name) && (raw.tagged("Name", &builder.name) || names.contains(&raw.group_name))
        }
        LeftoverKind::Key => {
            named(&raw.key_name) && (raw.tagged("Name", &builder.name) || names.contains(&raw.key_name))
        }
        _ => raw.tagged("Name", &builder.name),
    };
    Ok(raw.iter().filter(|raw| ours(raw)).map(|raw| thing(kind, raw)).collect())
}

fn named(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

fn thing(kind: LeftoverKind, raw: &Raw) -> Leftover {
    let (id, made) = match kind {
        LeftoverKind::Machine => (&raw.instance_id, &raw.launch_time),
        LeftoverKind::Group => (&raw.group_id, &raw.create_time),
        LeftoverKind::Key => (&raw.key_name, &raw.create_time),
        LeftoverKind::Volume => (&raw.volume_id, &raw.create_time),
        LeftoverKind::Image | LeftoverKind::Snapshot => (&raw.image_id, &raw.creation_date),
    };
    let part =
        |kind, id: &str| Leftover { kind, id: id.into(), made: String::new(), name: String::new(), with: vec![] };
    let mut with = vec![];
    if kind == LeftoverKind::Machine {
        let groups = raw.security_groups.iter().filter(|group| named(&group.group_name));
        with.extend(groups.map(|group| part(LeftoverKind::Group, &group.group_id)));
        with.extend(named(&raw.key_name).then(|| part(LeftoverKind::Key, &raw.key_name)));
    }
    if kind == LeftoverKind::Image {
        let snapshots = raw.block_device_mappings.iter().filter_map(|device| device.ebs.as_ref()?.snapshot_id.as_ref());
        with.extend(snapshots.map(|id| part(LeftoverKind::Snapshot, id)));
    }
    let name = if kind == LeftoverKind::Key { &raw.key_name } else { &raw.group_name };
    Leftover { kind, id: id.clone(), made: made.clone(), name: name.clone(), with }
}

/// When Packer made a name, in seconds since 1970: its ids begin with the time
/// (<https://github.com/hashicorp/packer-plugin-sdk/blob/main/uuid/uuid.go>).
pub fn time_in_name(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_prefix(TEMPORARY)?.get(..8)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_goes_with_its_own_key_and_group_and_no_others() {
        let json = r#"{"Reservations":[{"Instances":[
            {"InstanceId":"i-1","LaunchTime":"2026-11-24T13:30:00+00:00","KeyName":"packer_6925","State":{"Name":"running"},
             "SecurityGroups":[{"GroupId":"sg-1","GroupName":"packer_69"},{"GroupId":"sg-2","GroupName":"herd-database"}],
             "Tags":[{"Key":"Name","Value":"packer builder herd-master"}]},
            {"InstanceId":"i-2","LaunchTime":"2026-11-24T13:30:00+00:00","Tags":[{"Key":"Name","Value":"herd-master"}]}]}]}"#;
        let found = read(&Builder::of_test(), &[], LeftoverKind::Machine, json).unwrap();
        assert_eq!(found.len(), 1, "a database is never taken for a builder: {found:?}");
        assert_eq!(found[0].made, "2026-11-24T13:30:00+00:00");
        let with: Vec<&str> = found[0].with.iter().map(|thing| thing.id.as_str()).collect();
        assert_eq!(with, ["sg-1", "packer_6925"]);
    }

    #[test]
    fn only_an_image_without_its_content_is_half_made() {
        let json = r#"{"Images":[
            {"ImageId":"ami-1","State":"available","Tags":[{"Key":"pgherd:content","Value":"x"}]},
            {"ImageId":"ami-2","State":"available","CreationDate":"2026-11-24T13:30:00.000Z",
             "BlockDeviceMappings":[{"Ebs":{"SnapshotId":"snap-2"}}]}]}"#;
        let found = read(&Builder::of_test(), &[], LeftoverKind::Image, json).unwrap();
        assert_eq!(found.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["ami-2"]);
        assert_eq!(found[0].with[0].id, "snap-2");
    }

    #[test]
    fn packers_names_tell_their_time() {
        assert_eq!(time_in_name("packer_6925a1f0-1234-5678"), Some(0x6925_a1f0));
        assert_eq!(time_in_name("mine_6925a1f0"), None);
    }

    #[test]
    fn what_packer_had_not_tagged_is_known_by_the_name_that_it_told() {
        let log = "==> amazon-ebs: Creating temporary keypair: packer_6b07fe9d-1\n\
                   ==> amazon-ebs: Creating temporary security group for this instance: packer_6b07fe9d-2\n\
                   ==> amazon-ebs: Creating temporary credentials: mine\n";
        let names = names_in(log);
        assert_eq!(names, ["packer_6b07fe9d-1", "packer_6b07fe9d-2"]);
        let json = r#"{"KeyPairs": [{"KeyName": "packer_6b07fe9d-1"}, {"KeyName": "packer_6b07fe9d-3"}]}"#;
        let ids = |names: &[String]| -> Vec<String> {
            read(&Builder::of_test(), names, LeftoverKind::Key, json)
                .unwrap()
                .into_iter()
                .map(|thing| thing.id)
                .collect()
        };
        assert_eq!((ids(&names), ids(&[])), (vec!["packer_6b07fe9d-1".to_string()], vec![]));
    }
}
