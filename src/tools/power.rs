//! Cutting the power of machines in EC2, and giving it back: argument lists of the AWS CLI, and what EC2 answers.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::aws::{Tag, args, tag};

/// Cuts the power of machines. EC2 then neither asks the operating system to shut down nor waits for it; with `--force` alone it does,
/// for some minutes (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-stop-methods.html>).
pub fn cut(region: &str, ids: &[String]) -> Vec<String> {
    on(region, "stop-instances", ids, &["--skip-os-shutdown", "--force"])
}

/// Starts machines. For one that is running, it does nothing.
pub fn start(region: &str, ids: &[String]) -> Vec<String> {
    on(region, "start-instances", ids, &[])
}

/// Asks EC2 whether it would do a command, without doing it. EC2 refuses with [`WOULD_WORK`] if it would.
pub fn rehearse(command: Vec<String>) -> Vec<String> {
    command.into_iter().chain(["--dry-run".to_string()]).collect()
}

/// The error code for a command that would have worked (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>).
pub const WOULD_WORK: &str = "(DryRunOperation)";

/// The state of a machine that has power.
pub const RUNNING: &str = "running";
/// The state of a machine without power.
pub const STOPPED: &str = "stopped";

fn on(region: &str, verb: &str, ids: &[String], options: &[&str]) -> Vec<String> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    args(region, &[&["ec2", verb, "--instance-ids"], &ids[..], options].concat())
}

/// A machine in EC2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoweredMachine {
    /// Its name: the tag `pgherd:machine`. Empty if it has none, like Packer's builders.
    pub name: String,
    /// The tag of its cluster.
    pub cluster: String,
    /// The instance's id.
    pub id: String,
    /// `pending`, `running`, `stopping`, `stopped`, `shutting-down` or `terminated`.
    pub state: String,
    /// Its private address.
    pub address: Option<Ipv4Addr>,
    /// Its availability zone.
    pub zone: String,
}

/// Returns the machines that `describe-instances` printed.
///
/// # Errors
/// If it has an unexpected format.
pub fn read(json: &str) -> Result<Vec<PoweredMachine>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Described {
        reservations: Vec<Reservation>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Reservation {
        instances: Vec<Instance>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Instance {
        instance_id: String,
        state: State,
        #[serde(default)]
        private_ip_address: Option<Ipv4Addr>,
        placement: Placement,
        #[serde(default)]
        tags: Vec<Tag>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct State {
        name: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Placement {
        availability_zone: String,
    }
    let answer: Described =
        serde_json::from_str(json).map_err(|e| format!("unexpected response of describe-instances: {e}"))?;
    let machine = |i: Instance| PoweredMachine {
        name: tag(&i.tags, "pgherd:machine"),
        cluster: tag(&i.tags, "pgherd:cluster"),
        id: i.instance_id,
        state: i.state.name,
        address: i.private_ip_address,
        zone: i.placement.availability_zone,
    };
    Ok(answer.reservations.into_iter().flat_map(|reservation| reservation.instances).map(machine).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_cut_does_not_ask_the_operating_system() {
        let ids = ["i-1".to_string(), "i-2".to_string()];
        assert_eq!(
            cut("eu-west-1", &ids).join(" "),
            "ec2 stop-instances --instance-ids i-1 i-2 --skip-os-shutdown --force --region eu-west-1 --output json"
        );
        assert_eq!(
            rehearse(start("eu-west-1", &ids)).join(" "),
            "ec2 start-instances --instance-ids i-1 i-2 --region eu-west-1 --output json --dry-run"
        );
    }

    #[test]
    fn machines_are_read_with_what_identifies_them() {
        let json = r#"{"Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Code": 16, "Name": "running"},
            "PrivateIpAddress": "10.20.0.16", "Placement": {"AvailabilityZone": "eu-west-1a"}, "Tags": [
            {"Key": "pgherd:machine", "Value": "master"}, {"Key": "pgherd:cluster", "Value": "herd/eu-west-1"}]}]},
            {"Instances": [{"InstanceId": "i-2", "State": {"Name": "stopped"}, "Placement": {"AvailabilityZone": "eu-west-1b"}}]}]}"#;
        let machines = read(json).unwrap();
        let master = PoweredMachine {
            name: "master".into(),
            cluster: "herd/eu-west-1".into(),
            id: "i-1".into(),
            state: RUNNING.into(),
            address: Some(Ipv4Addr::new(10, 20, 0, 16)),
            zone: "eu-west-1a".into(),
        };
        assert_eq!(machines[0], master);
        assert_eq!((machines[1].name.as_str(), machines[1].state.as_str()), ("", STOPPED));
        assert!(read("{}").is_err() && read("").is_err(), "an answer that is not understood is no empty cluster");
        assert!(read(r#"{"Reservations": [{"Instances": [{"InstanceId": "i-1"}]}]}"#).is_err(), "its state is unknown");
    }
}
