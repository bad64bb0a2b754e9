//! The quotas of processors that may run at once: one for each class of instance families.

use std::collections::BTreeSet;

use super::{builders, types};
use crate::cluster::{Cluster, InstanceType};

/// Instance families that share a quota, by what their names begin with
/// (<https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html>, "Running On-Demand … instances").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    name: &'static str,
    quota: &'static str,
    families: &'static [&'static str],
}

const CLASSES: [Class; 10] = [
    Class {
        name: "standard (A, C, D, H, I, M, R, T, Z)",
        quota: "L-1216C47A",
        families: &["a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"],
    },
    Class { name: "DL", quota: "L-6E869C2A", families: &["dl"] },
    Class { name: "F", quota: "L-74FC7D96", families: &["f"] },
    Class { name: "G and VT", quota: "L-DB2E81BA", families: &["g", "gr", "vt"] },
    Class { name: "high memory", quota: "L-43DA4232", families: &["u"] },
    Class { name: "HPC", quota: "L-F7808C92", families: &["hpc"] },
    Class { name: "Inf", quota: "L-1945791B", families: &["inf"] },
    Class { name: "P", quota: "L-417A185B", families: &["p"] },
    Class { name: "Trn", quota: "L-2C3B7624", families: &["trn"] },
    Class { name: "X", quota: "L-7295265B", families: &["x"] },
];

impl Class {
    /// Returns the class of an instance type; `None` for a type that no class holds.
    pub fn of(instance_type: &str) -> Option<Self> {
        let end = instance_type.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(instance_type.len());
        CLASSES.into_iter().find(|class| class.families.contains(&&instance_type[..end]))
    }

    /// Returns its name, as AWS's console shows it.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Returns the code of its quota.
    pub fn quota(self) -> &'static str {
        self.quota
    }
}

/// Returns the classes of all machines that a run starts.
pub fn classes(cluster: &Cluster) -> BTreeSet<Class> {
    types(cluster).into_iter().filter_map(Class::of).collect()
}

/// Returns the vCPUs of this class that the missing machines need, and those that all builders need at once.
pub fn needed(cluster: &Cluster, class: Class, there: &BTreeSet<String>) -> (u32, u32) {
    let of = |kind: &str| if Class::of(kind) == Some(class) { vcpus(kind) } else { 0 };
    let missing = cluster.machines.iter().filter(|machine| !there.contains(&machine.name));
    let machines = missing.map(|machine| of(&machine.block.instance_type)).sum();
    (machines, builders(cluster).into_iter().map(|(_, kind)| of(kind)).sum())
}

/// Returns the vCPUs of an instance type; 1 for a type that pgherd does not know.
fn vcpus(instance_type: &str) -> u32 {
    InstanceType::of(instance_type).map_or(1, |instance| instance.vcpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_types_letters_say_whose_quota_it_takes() {
        for (kind, quota) in [
            ("t3.medium", "L-1216C47A"),
            ("m6i.large", "L-1216C47A"),
            ("im4gn.large", "L-1216C47A"),
            ("inf2.xlarge", "L-1945791B"),
            ("x2gd.large", "L-7295265B"),
            ("u-6tb1.metal", "L-43DA4232"),
            ("hpc7g.4xlarge", "L-F7808C92"),
            ("gr6.4xlarge", "L-DB2E81BA"),
        ] {
            assert_eq!(Class::of(kind).map(Class::quota), Some(quota), "{kind}");
        }
        assert_eq!(Class::of("mac2.metal"), None);
    }
}
