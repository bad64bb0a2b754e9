//! An application's machine in the network of a cluster, and its access to Secrets Manager.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::{Lab, STATE, text};

/// Its identity: an IAM user whose own policy allows it to read every secret.
pub const USER: &str = "application";
const REGION: &str = "eu-west-1";

/// A machine without any of pgherd's files. The AWS CLI runs in its network.
pub struct Client<'a> {
    lab: &'a Lab,
    id: String,
    group: String,
}

/// The access key and secret of [`USER`].
pub struct Key(String, String);

impl Key {
    /// Creates the user.
    pub fn make(lab: &Lab) -> Self {
        lab.aws(&["iam", "create-user", "--user-name", USER]);
        let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}}"#;
        let put = ["iam", "put-user-policy", "--user-name", USER, "--policy-name", "read", "--policy-document", policy];
        lab.aws(&put);
        let query = "AccessKey.[AccessKeyId,SecretAccessKey]";
        let made = lab.aws(&["iam", "create-access-key", "--user-name", USER, "--query", query]);
        let (key, secret) = made.split_once('\t').unwrap();
        Key(key.into(), secret.into())
    }
}

impl<'a> Client<'a> {
    /// Boots it in the subnet of this CIDR.
    pub fn boot(lab: &'a Lab, cidr: &str, address: &str) -> Self {
        let aws = |words: &[&str]| lab.aws(&[&["--region", REGION], words].concat());
        let base = ["Name=name,Values=debian-13-*", "Name=architecture,Values=x86_64"];
        let image = aws(&["ec2", "describe-images", "--filters", base[0], base[1], "--query", "Images[0].ImageId"]);
        let net = format!("Name=cidr-block,Values={cidr}");
        let query = "Subnets[0].[SubnetId,VpcId]";
        let subnet = aws(&["ec2", "describe-subnets", "--filters", &net, "--query", query]);
        let (subnet, vpc) = subnet.split_once('\t').unwrap();
        // A new group lets its members reach everything, and nobody reach them.
        let group = ["--group-name", "application", "--description", "An application", "--vpc-id", vpc];
        let group = aws(&[&["ec2", "create-security-group", "--query", "GroupId"], &group[..]].concat());
        let place = ["--subnet-id", subnet, "--private-ip-address", address, "--image-id", &image];
        let run = ["ec2", "run-instances", "--query", "Instances[0].InstanceId", "--security-group-ids", &group];
        let id = aws(&[&run[..], &place[..]].concat());
        let client = Client { lab, id, group };
        lab.await_running(&client.id);
        client
    }

    /// Returns whether the machine gets a connection to a TCP port.
    pub fn reaches(&self, address: &str, port: u16) -> bool {
        let connect = format!("timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}'");
        self.lab.in_machine(&self.id, &connect).status.success()
    }

    /// Returns how the machine resolves a name.
    pub fn resolves(&self, name: &str) -> Vec<String> {
        resolves(self.lab, &self.id, name)
    }

    /// Reads a secret at an endpoint's own name, as the README tells applications to. `addresses` is what AWS's DNS returns for the
    /// name everywhere, because the lab has no DNS.
    pub fn reads(&self, secret: &str, key: &Key, endpoint: &str, addresses: &[String]) -> Output {
        let namespace = format!("pgherd-{}", self.id);
        let name = endpoint.trim_start_matches("https://");
        let hosts = Hosts::of(&namespace, &addresses.iter().map(|one| format!("{one} {name}\n")).collect::<String>());
        let mut aws = Command::new("ip");
        aws.args(["netns", "exec", &namespace, "aws", "secretsmanager", "get-secret-value", "--secret-id", secret]);
        aws.args(["--endpoint-url", endpoint, "--region", REGION, "--query", "SecretString", "--output", "text"]);
        aws.args(["--cli-connect-timeout", "5"]).env("AWS_MAX_ATTEMPTS", "1").env("AWS_EC2_METADATA_DISABLED", "true");
        aws.env("AWS_ACCESS_KEY_ID", &key.0).env("AWS_SECRET_ACCESS_KEY", &key.1).env("NO_PROXY", "*");
        let output = aws.env("AWS_CA_BUNDLE", format!("{STATE}/certificate.pem")).output().unwrap();
        drop(hosts);
        output
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        let terminate = ["terminate-instances", "--instance-ids", self.id.as_str()];
        for words in [&terminate[..], &["delete-security-group", "--group-id", &self.group]] {
            let _ = self.lab.run(&[&["lab", "shell", "--", "aws", "--region", REGION, "ec2"], words].concat());
        }
    }
}

/// Returns the addresses that a machine resolves a name to.
pub fn resolves(lab: &Lab, machine: &str, name: &str) -> Vec<String> {
    let output = lab.in_machine(machine, &format!("getent ahostsv4 {name} | awk '/STREAM/ {{ print $1 }}'"));
    text(&output).lines().map(String::from).collect()
}

/// `/etc/hosts` of what `ip netns exec` runs in a namespace.
struct Hosts(PathBuf);

impl Hosts {
    fn of(namespace: &str, text: &str) -> Self {
        let dir = PathBuf::from("/etc/netns").join(namespace);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("hosts"), text).unwrap();
        Hosts(dir)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        // Only if no other test uses it.
        let _ = fs::remove_dir("/etc/netns");
    }
}
