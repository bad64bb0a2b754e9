//! What a drill may do in EC2: which faults, and to which instances. Pure.

use std::collections::BTreeMap;

use crate::cluster::fault::{Disruption, Fault};
use crate::pipeline::Expected;
use crate::tools::power::{PoweredMachine, RUNNING};

/// Returns why EC2's API cannot bring a fault about. `None` if it can.
///
/// A partition is not possible by security groups: EC2 goes on to let through what belongs to a tracked connection after its rule is
/// gone (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html>), and the rules between the
/// machines are tracked.
pub fn refusal(fault: Fault) -> Option<&'static str> {
    match fault.injection().harm {
        Disruption::PowerCut => None,
        Disruption::Kill(_) | Disruption::Freeze(_) => {
            Some("stopping a process needs a login on the machine, and a drill has none")
        }
        Disruption::Switchover => Some(
            "a switchover needs a login on a database machine: HAProxy's admin port only reads. `herdctl switchover` there makes one",
        ),
        Disruption::Cut(_) => Some(
            "a security group cannot cut open connections, and a network ACL would cut off a whole subnet and whatever else is in it",
        ),
        Disruption::Loss => Some("EC2 cannot lose packets on purpose"),
    }
}

/// Returns the instance id of each machine of a cluster.
///
/// # Errors
/// If what EC2 has is not exactly what the blueprint says: each machine once, running, at its address and in its zone, and no other. A
/// drill stops nothing that it cannot identify.
pub fn instances(expected: &Expected, tag: &str, found: &[PoweredMachine]) -> Result<BTreeMap<String, String>, String> {
    let mut ids = BTreeMap::new();
    // Without a machine's name it is Packer's builder, which is no machine of the cluster.
    let named: Vec<&PoweredMachine> = found.iter().filter(|machine| !machine.name.is_empty()).collect();
    for machine in &named {
        let PoweredMachine { name, id, .. } = machine;
        if machine.cluster != tag {
            return Err(format!("EC2 returned {id}, which belongs to another cluster ({})", machine.cluster));
        }
        let Some(meant) = expected.machines.iter().find(|meant| meant.name == *name) else {
            return Err(format!("the blueprint has no machine {name}, but {id} has that name"));
        };
        if let Some(other) = ids.insert(name.clone(), id.clone()) {
            return Err(format!("both {other} and {id} are named {name}"));
        }
        if machine.state != RUNNING {
            return Err(format!("{name} ({id}) is {}, not running", machine.state));
        }
        if machine.address != Some(meant.address) {
            let address = machine.address.map_or("no address".to_string(), |address| address.to_string());
            return Err(format!("{name} ({id}) has {address}, and the blueprint says {}", meant.address));
        }
        if machine.zone != meant.zone {
            return Err(format!("{name} ({id}) is in {}, and the blueprint says {}", machine.zone, meant.zone));
        }
    }
    match expected.machines.iter().find(|machine| !ids.contains_key(&machine.name)) {
        Some(missing) => Err(format!("EC2 has no machine {} of this cluster", missing.name)),
        None => Ok(ids),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "herd/eu-west-1";

    fn found(expected: &Expected) -> Vec<PoweredMachine> {
        let machine = |(n, machine): (usize, &crate::pipeline::ExpectedMachine)| PoweredMachine {
            name: machine.name.clone(),
            cluster: TAG.into(),
            id: format!("i-{n}"),
            state: RUNNING.into(),
            address: Some(machine.address),
            zone: machine.zone.clone(),
        };
        expected.machines.iter().enumerate().map(machine).collect()
    }

    #[test]
    fn only_power_cuts_are_possible_and_each_refusal_says_why() {
        let possible: Vec<&str> =
            Fault::ALL.iter().filter(|fault| refusal(**fault).is_none()).map(|fault| fault.name()).collect();
        for name in
            ["machine", "sync-standby", "async-standby", "machine-etcd-leader", "zone", "haproxy-machine", "everything"]
        {
            assert!(possible.contains(&name), "{name}");
        }
        for fault in Fault::ALL {
            let is_power = fault.injection().harm == Disruption::PowerCut;
            assert_eq!(refusal(*fault).is_none(), is_power, "{}", fault.name());
        }
    }

    #[test]
    fn machines_are_known_by_tag_name_address_and_zone() {
        let expected = Expected::of_test(2);
        let mut all = found(&expected);
        // Packer's builder has no machine's name.
        all.push(PoweredMachine { name: String::new(), id: "i-9".into(), ..all[0].clone() });
        let ids = instances(&expected, TAG, &all).unwrap();
        let as_words: Vec<(&str, &str)> = ids.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
        assert_eq!(as_words, [("master", "i-0"), ("slave1", "i-1"), ("slave2", "i-2")]);
    }

    #[test]
    fn what_is_not_exactly_the_blueprints_cluster_is_refused() {
        let expected = Expected::of_test(1);
        let refused = |change: &dyn Fn(&mut Vec<PoweredMachine>)| {
            let mut all = found(&expected);
            change(&mut all);
            instances(&expected, TAG, &all).unwrap_err()
        };
        for (change, why) in [
            (
                &(|all: &mut Vec<PoweredMachine>| drop(all.pop())) as &dyn Fn(&mut Vec<PoweredMachine>),
                "no machine slave1",
            ),
            (&|all| all.clear(), "no machine master"),
            (&|all| all[1].cluster = "herd/eu-west-2".into(), "another cluster"),
            (&|all| all[1].name = "slave7".into(), "no machine slave7"),
            (&|all| all[1].name = "master".into(), "both i-0 and i-1 are named master"),
            (&|all| all[1].state = "stopping".into(), "stopping, not running"),
            (&|all| all[1].address = None, "has no address"),
            (&|all| all[1].address = all[0].address, "has 10.20.0.1, and the blueprint says 10.20.0.2"),
            (&|all| all[1].zone = "eu-west-1c".into(), "is in eu-west-1c"),
        ] {
            let said = refused(change);
            assert!(said.contains(why), "{said}");
        }
    }
}
