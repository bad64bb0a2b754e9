//! The lab as the ground of a drill.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::client::ClientNetwork;
use super::harm::{self, Harms};
use super::nodes;
use super::tool::HostTools;
use crate::cluster::fault::{Disruption, Fault};
use crate::cluster::{Cluster, Machine};
use crate::drill::Ground;

/// A cluster in the lab, with the right to break its machines. When it is dropped, whatever was broken is repaired.
#[derive(Debug)]
pub struct LabGround<'a> {
    tools: HostTools<'a>,
    cluster: &'a Cluster,
    harms: Harms<'a>,
    client: ClientNetwork<'a>,
}

impl<'a> LabGround<'a> {
    /// Takes the right to break machines, and makes a network for the drill's clients.
    ///
    /// # Errors
    /// If another drill is running, or what a killed one broke cannot be repaired.
    pub fn take(tools: HostTools<'a>, cluster: &'a Cluster) -> Result<Self> {
        let harms = Harms::take(tools)?;
        Ok(LabGround { tools, cluster, harms, client: ClientNetwork::make(tools, cluster)? })
    }

    /// Reads a password from Secrets Manager.
    pub fn secret(&self, name: &str) -> Result<String> {
        let region = &self.cluster.region;
        let aws = ["aws", "secretsmanager", "get-secret-value", "--region", region, "--secret-id", name];
        let argv = super::outer(region).chain(aws.map(String::from));
        let argv: Vec<String> = argv.chain(["--query", "SecretString", "--output", "text"].map(String::from)).collect();
        let text = self.tools.run(&argv).with_context(|| format!("cannot read the password {name}"))?;
        Ok(text.trim_end().to_string())
    }

    fn output(&self, machine: &str, script: &str, arguments: &[&str]) -> Result<String> {
        harm::output(self.tools, &nodes::of_cluster(self.cluster.tag(), machine)?, script, arguments)
    }

    /// Asks all members of etcd for their status, from the first machine where that works.
    fn etcd(&self) -> Result<Vec<EtcdMember>> {
        let members: Vec<_> = self.cluster.etcd_members().collect();
        let urls: Vec<String> = members.iter().map(|m| format!("http://{}:2379", m.address)).collect();
        let ask = "ETCDCTL_API=3 etcdctl --endpoints=\"$1\" endpoint status --write-out=json";
        let mut answers = members.iter().map(|member| self.output(&member.name, ask, &[&urls.join(",")]));
        let text = answers.find_map(Result::ok).context("no member of etcd answers")?;
        let read: Vec<EtcdMember> = serde_json::from_str(&text).context("etcd's status cannot be read")?;
        Ok(read)
    }

    fn machine_of(&self, member: &EtcdMember) -> Option<&'a Machine> {
        let is_its = |machine: &&Machine| member.endpoint == format!("http://{}:2379", machine.address);
        self.cluster.etcd_members().find(is_its)
    }
}

/// A member of etcd, as `etcdctl endpoint status` prints it.
#[derive(Debug, Deserialize)]
struct EtcdMember {
    #[serde(rename = "Endpoint")]
    endpoint: String,
    #[serde(rename = "Status")]
    status: EtcdStatus,
}

#[derive(Debug, Deserialize)]
struct EtcdStatus {
    header: EtcdHeader,
    #[serde(default)]
    leader: u64,
}

#[derive(Debug, Deserialize)]
struct EtcdHeader {
    member_id: u64,
}

impl EtcdMember {
    fn leads(&self) -> bool {
        self.status.leader == self.status.header.member_id
    }
}

impl Ground for LabGround<'_> {
    fn refuses(&self, _: Fault) -> Option<&'static str> {
        None
    }

    fn inject(&self, machines: &[String], harm: Disruption, from: &[String]) -> Result<()> {
        machines.iter().try_for_each(|machine| self.harms.inject(self.cluster.tag(), machine, harm, from))
    }

    fn undo(&self) -> Result<()> {
        self.harms.undo()
    }

    fn etcd_leader(&self) -> Result<String> {
        let members = self.etcd()?;
        let leader = members.iter().find(|member| member.leads()).and_then(|member| self.machine_of(member));
        Ok(leader.context("etcd has no leader")?.name.clone())
    }

    fn moves_etcd_leader(&self) -> bool {
        true
    }

    fn move_etcd_leader(&self, to: &str) -> Result<()> {
        let members = self.etcd()?;
        let from = members.iter().find(|member| member.leads()).context("etcd has no leader")?;
        let is_there = |member: &&EtcdMember| self.machine_of(member).is_some_and(|machine| machine.name == to);
        let heir = members.iter().find(is_there).with_context(|| format!("{to} is no member of etcd"))?;
        // Only the leader itself can hand over.
        let script = "ETCDCTL_API=3 etcdctl --endpoints=\"$1\" move-leader \"$2\"";
        self.output(to, script, &[&from.endpoint, &format!("{:x}", heir.status.header.member_id)])?;
        ensure!(self.etcd_leader()? == to, "etcd's leadership did not move to {to}");
        Ok(())
    }

    fn sql(&self, machine: &str, database: &str, statement: &str) -> Result<String> {
        let psql = "cd /; runuser -u postgres -- psql --no-psqlrc --no-align --quiet --tuples-only --field-separator=' ' \
                    --set=ON_ERROR_STOP=1 --dbname=\"$1\" --command=\"$2\"";
        self.output(machine, psql, &[database, statement])
    }

    fn enter_client_network(&self) -> Result<()> {
        self.client.enter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcds_leader_is_read_from_its_status() {
        let text = r#"[{"Endpoint":"http://10.20.0.16:2379","Status":{"header":{"cluster_id":1,"member_id":7,"revision":1,"raft_term":2},
            "version":"3.5.16","dbSize":1,"leader":7,"raftIndex":1,"raftTerm":2}},
            {"Endpoint":"http://10.20.64.16:2379","Status":{"header":{"member_id":9},"leader":7}}]"#;
        let members: Vec<EtcdMember> = serde_json::from_str(text).unwrap();
        assert_eq!(members.iter().map(EtcdMember::leads).collect::<Vec<_>>(), [true, false]);
    }
}
