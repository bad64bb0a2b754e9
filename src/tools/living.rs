//! The machines of a cluster that exist in EC2, with the members that each was created for.

use std::collections::BTreeMap;

use super::aws::{DescribedInstance, read_instances};

/// The tag with a machine's name.
const MACHINE: &str = "pgherd:machine";
/// The tag with the names of the cluster's databases, separated by spaces.
pub const DATABASES: &str = "pgherd:databases";
/// The tag with the names of etcd's members, separated by spaces.
pub const ETCD: &str = "pgherd:etcd";

/// A machine that runs, or could run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivingMachine {
    /// `master`, `slave1` …, `haproxy`, `haproxy2`.
    pub name: String,
    /// The instance's id.
    pub id: String,
    /// The image that it booted from.
    pub ami: String,
    /// The databases and the etcd members that the cluster had when it was created. `None` if it was created before machines recorded
    /// both.
    pub members: Option<Members>,
}

/// The machines that belong to a cluster. Their order is of no importance.
#[derive(Debug, Clone, Default)]
pub struct Members {
    /// The machines that run PostgreSQL.
    pub databases: Vec<String>,
    /// The members of etcd.
    pub etcd: Vec<String>,
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names
        };
        sorted(&self.databases) == sorted(&other.databases) && sorted(&self.etcd) == sorted(&other.etcd)
    }
}

impl Eq for Members {}

/// Returns the machines, from what [`machines_of`](super::aws::machines_of) printed. Instances without the tag `pgherd:machine` are
/// Packer's builders, and are left out.
///
/// # Errors
/// If it has an unexpected format.
pub fn read(json: &str) -> Result<Vec<LivingMachine>, String> {
    let machine = |instance: DescribedInstance| {
        let tags: BTreeMap<String, String> = instance.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
        let names =
            |key: &str| -> Option<Vec<String>> { Some(tags.get(key)?.split_whitespace().map(String::from).collect()) };
        let members = names(DATABASES).zip(names(ETCD)).map(|(databases, etcd)| Members { databases, etcd });
        Some(LivingMachine {
            name: tags.get(MACHINE)?.clone(),
            id: instance.instance_id,
            ami: instance.image_id,
            members,
        })
    };
    Ok(read_instances(json)?.into_iter().filter_map(machine).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_says_what_it_was_created_for_and_a_builder_is_none() {
        let json = r#"{"Reservations": [{"Instances": [
            {"InstanceId": "i-1", "ImageId": "ami-1", "Tags": [{"Key": "pgherd:machine", "Value": "slave1"},
                {"Key": "pgherd:databases", "Value": "master slave1"}, {"Key": "pgherd:etcd", "Value": "haproxy master slave1"}]},
            {"InstanceId": "i-2", "ImageId": "ami-1", "Tags": [{"Key": "pgherd:machine", "Value": "slave2"},
                {"Key": "pgherd:databases", "Value": "master"}]},
            {"InstanceId": "i-3", "ImageId": "ami-2", "Tags": [{"Key": "Name", "Value": "packer builder herd-slave"}]}]}]}"#;
        let names = |text: &str| text.split(' ').map(String::from).collect();
        let members = Members { databases: names("slave1 master"), etcd: names("master slave1 haproxy") };
        let machine = |name: &str, id: &str, members| LivingMachine {
            name: name.into(),
            id: id.into(),
            ami: "ami-1".into(),
            members,
        };
        assert_eq!(read(json).unwrap(), [machine("slave1", "i-1", Some(members)), machine("slave2", "i-2", None)]);
        assert_eq!(read(r#"{"Reservations": []}"#), Ok(vec![]));
        assert!(read("{}").is_err() && read("").is_err(), "an answer that is not understood is no empty cluster");
    }
}
