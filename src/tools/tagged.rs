//! What in EC2 has a cluster's tag: one question tells what a killed Terraform or Packer can have left.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::aws::args;
use super::leftovers::{Builder, LeftoverKind, builder_name};

/// What in EC2 has a cluster's tag, by AWS's resource types: `instance`, `vpc` …
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tagged {
    /// The resource types of machines and networks.
    cluster: BTreeSet<String>,
    /// What builders use: the `Name` tag of the build, and the resource type.
    builders: BTreeSet<(String, String)>,
}

/// Resource types that belong to images, or to something of another type.
const BESIDE: [&str; 6] = ["image", "snapshot", "volume", "key-pair", "network-interface", "security-group-rule"];

impl Tagged {
    /// Asks for all of it with one question. `tag` is the value of the tag `pgherd:cluster`.
    pub fn ask(region: &str, tag: &str, cluster: &str) -> Vec<String> {
        let values = format!("Name=value,Values={tag},{}*", builder_name(cluster, ""));
        args(region, &["ec2", "describe-tags", "--filters", "Name=key,Values=pgherd:cluster,Name", &values])
    }

    /// Reads the response.
    ///
    /// # Errors
    /// If it has an unexpected format.
    pub fn read(tag: &str, cluster: &str, json: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct DescribedTags {
            #[serde(default)]
            tags: Vec<ResourceTag>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct ResourceTag {
            resource_id: String,
            resource_type: String,
            key: String,
            value: String,
        }
        let answer: DescribedTags =
            serde_json::from_str(json).map_err(|e| format!("unexpected response from AWS: {e}"))?;
        let of_builder = |tag: &&ResourceTag| tag.key == "Name" && tag.value.starts_with(&builder_name(cluster, ""));
        let builders: Vec<&ResourceTag> = answer.tags.iter().filter(of_builder).collect();
        let of_cluster = |one: &&ResourceTag| {
            one.key == "pgherd:cluster"
                && one.value == tag
                && !BESIDE.contains(&one.resource_type.as_str())
                && !builders.iter().any(|builder| builder.resource_id == one.resource_id)
        };
        Ok(Tagged {
            cluster: answer.tags.iter().filter(of_cluster).map(|tag| tag.resource_type.clone()).collect(),
            builders: builders.iter().map(|tag| (tag.value.clone(), tag.resource_type.clone())).collect(),
        })
    }

    /// Returns whether there is anything that a module could have created.
    pub fn has_things(&self) -> bool {
        !self.cluster.is_empty()
    }

    /// Returns whether there is a resource of this type that a module could have created.
    pub fn has(&self, kind: &str) -> bool {
        self.cluster.contains(kind)
    }

    /// Returns whether a builder may have left something of this kind.
    pub fn may_have(&self, builder: &Builder, kind: LeftoverKind) -> bool {
        kind.name().is_some_and(|name| self.builders.contains(&(builder.name.clone(), name.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_question_tells_what_there_can_be() {
        let tag = |id: &str, kind: &str, key: &str, value: &str| {
            format!(r#"{{"ResourceId": "{id}", "ResourceType": "{kind}", "Key": "{key}", "Value": "{value}"}}"#)
        };
        let read = |tags: &[String]| {
            Tagged::read("herd/eu-west-1", "herd", &format!(r#"{{"Tags": [{}]}}"#, tags.join(","))).expect("an answer")
        };
        let of_builder = [
            tag("i-1", "instance", "pgherd:cluster", "herd/eu-west-1"),
            tag("i-1", "instance", "Name", "packer builder herd-master"),
            tag("ami-1", "image", "pgherd:cluster", "herd/eu-west-1"),
        ];
        let seen = read(&of_builder);
        assert!(!seen.has_things(), "a builder is no machine of the cluster, and an image is none: {seen:?}");
        assert!(
            seen.may_have(&Builder::of_test(), LeftoverKind::Machine)
                && !seen.may_have(&Builder::of_test(), LeftoverKind::Key)
        );
        let other = Builder { name: builder_name("herd", "slave"), ..Builder::of_test() };
        assert!(!seen.may_have(&other, LeftoverKind::Machine));
        assert!(read(&[tag("vpc-1", "vpc", "pgherd:cluster", "herd/eu-west-1")]).has_things());
        assert!(!read(&[tag("vpc-1", "vpc", "pgherd:cluster", "herd/eu-west-2")]).has_things(), "another region's");
        assert!(!read(&[tag("vpc-1", "vpc", "Name", "herd")]).has_things(), "a name is anybody's");
        assert_eq!(Tagged::read("herd/eu-west-1", "herd", "{}"), Ok(Tagged::default()));
    }
}
