//! Looks, during a trial, at what moves where: Patroni's view, HAProxy's, and who leads etcd. All are asked through HAProxy's admin
//! port, as anyone can, and each by itself, so that a silent one does not hold up the others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use super::timeline::{ClientPort, Movement, Sight, Witness};
use crate::pipeline::{ClusterAccess, Expected};
use crate::run::observe::etcd::{self, Status};
use crate::run::observe::{ClusterView, HaproxyAddress, Standing, haproxy, patroni};
use crate::system::clock::Stopwatch;
use crate::system::{Interrupt, network};

/// The pause between two questions to a source. Four answers a second show the steps of a failover, and cost two processors little.
const INTERVAL: Duration = Duration::from_millis(250);
/// The time limit for one answer. A source that takes longer counts as silent.
const LIMIT: Duration = Duration::from_secs(1);

/// Who looks.
pub struct Lookout<'a> {
    /// How the cluster is asked.
    pub access: &'a ClusterAccess,
    /// The machines.
    pub expected: &'a Expected,
    /// The HAProxies.
    pub haproxies: &'a [HaproxyAddress],
    /// Runs since the beginning of the trial.
    pub watch: Stopwatch,
    /// What was seen.
    pub seen: Mutex<Vec<Sight>>,
}

impl Lookout<'_> {
    /// Starts to look, until `done`.
    pub fn start<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>, done: &'env AtomicBool) {
        scope.spawn(move || self.keep_asking(done, Witness::Patroni, || self.patroni()));
        let mut names = BTreeMap::new();
        scope.spawn(move || self.keep_asking(done, Witness::Etcd, || self.etcd(&mut names)));
        for haproxy in self.haproxies {
            let witness = Witness::Haproxy(haproxy.machine.clone());
            scope.spawn(move || self.keep_asking(done, witness, || self.haproxy(haproxy)));
        }
    }

    /// Asks one source again and again, and notes what has changed. `None` means that it does not answer.
    fn keep_asking(&self, done: &AtomicBool, source: Witness, mut ask: impl FnMut() -> Option<Vec<Movement>>) {
        let pause = Interrupt::default();
        let mut last: Vec<Movement> = vec![];
        while !done.load(Ordering::Relaxed) {
            let asked = self.watch.elapsed();
            let now = ask().unwrap_or_else(|| vec![Movement::Silent { source: source.clone() }]);
            let moved = now.iter().filter(|one| !last.contains(one)).map(|one| (asked, one.clone()));
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).extend(moved);
            last = now;
            pause.wait(INTERVAL.saturating_sub(self.watch.elapsed() - asked));
        }
    }

    /// Asks for a path of the admin port, at the first HAProxy that answers.
    fn any(&self, path: &str) -> Option<String> {
        self.haproxies.iter().find_map(|haproxy| self.get(haproxy.address, path))
    }

    fn get(&self, haproxy: IpAddr, path: &str) -> Option<String> {
        let answer = network::http_get(&self.access.admin.url(haproxy, path), LIMIT).ok()?;
        (answer.status == 200).then_some(answer.body)
    }

    fn patroni(&self) -> Option<Vec<Movement>> {
        let machines: Vec<(&str, String)> =
            self.expected.databases().map(|machine| (machine.name.as_str(), machine.address.to_string())).collect();
        Some(members(&patroni::read(&self.any("/cluster")?).ok()?, &machines))
    }

    fn haproxy(&self, asked: &HaproxyAddress) -> Option<Vec<Movement>> {
        let metrics = self.get(asked.address, "/metrics?scope=server")?;
        let machines: Vec<&str> = self.expected.databases().map(|machine| machine.name.as_str()).collect();
        let serves = |port, proxy| {
            let (machines, fallback) = serving(&haproxy::up(&metrics, proxy), &machines);
            Movement::Serves { haproxy: asked.machine.clone(), port, machines, fallback }
        };
        Some(vec![serves(ClientPort::Write, "write"), serves(ClientPort::Read, "read")])
    }

    fn etcd(&self, names: &mut BTreeMap<u64, String>) -> Option<Vec<Movement>> {
        let members: Vec<String> = self.expected.etcd_members().map(|machine| machine.name.clone()).collect();
        let ask = |haproxy: &HaproxyAddress| {
            let statuses = etcd::statuses(&self.access.admin, haproxy.address, &members, LIMIT);
            let known: Vec<(String, Status)> =
                members.iter().cloned().zip(statuses).filter_map(|(name, status)| Some((name, status.ok()?))).collect();
            (!known.is_empty()).then_some(known)
        };
        let statuses = self.haproxies.iter().find_map(ask)?;
        names.extend(statuses.iter().map(|(name, status)| (status.id(), name.clone())));
        let (leader, term) = leader(statuses.iter().map(|(_, status)| (status.leader(), status.term)));
        let machine = leader.map(|id| names.get(&id).cloned().unwrap_or_else(|| format!("member {id:x}")));
        Some(vec![Movement::EtcdLeader { machine, term }])
    }
}

/// Returns what Patroni tells of each machine, and who is primary.
fn members(view: &ClusterView, machines: &[(&str, String)]) -> Vec<Movement> {
    let of = |address: &str| view.members.iter().find(|member| member.host == address);
    let is_primary = |(_, address): &&(&str, String)| of(address).is_some_and(|m| m.standing() == Standing::Primary);
    let primary = machines.iter().find(is_primary).map(|(name, _)| name.to_string());
    let databases = machines.iter().map(|(name, address)| Movement::Database {
        machine: name.to_string(),
        state: of(address).map(|member| format!("{}, {}", member.standing(), member.state)).unwrap_or_default(),
    });
    std::iter::once(Movement::Primary { machine: primary }).chain(databases).collect()
}

/// Returns the machines that HAProxy leads to, from the servers that are up, and how they are named if they are backups. A backup
/// has the name of its machine, and its purpose: HAProxy uses the first that is up, and only if no other server is
/// (<https://docs.haproxy.org/3.0/configuration.html#5.2-backup>).
fn serving(up: &[&str], machines: &[&str]) -> (Vec<String>, String) {
    let active: Vec<String> = up.iter().filter(|server| machines.contains(server)).map(|s| s.to_string()).collect();
    if !active.is_empty() {
        return (active, String::new());
    }
    let backup = up.iter().find_map(|server| {
        machines.iter().find_map(|machine| Some((*machine, server.strip_prefix(machine)?.strip_prefix('-')?)))
    });
    backup.map_or_else(Default::default, |(machine, purpose)| (vec![machine.to_string()], purpose.replace('-', " ")))
}

/// Returns the leader that most members of the newest term name, and that term. A member that is cut off still names the former one.
fn leader(statuses: impl Iterator<Item = (Option<u64>, u64)> + Clone) -> (Option<u64>, u64) {
    let term = statuses.clone().map(|(_, term)| term).max().unwrap_or_default();
    let mut named: BTreeMap<u64, usize> = BTreeMap::new();
    for id in statuses.filter(|(_, of)| *of == term).filter_map(|(leader, _)| leader) {
        *named.entry(id).or_default() += 1;
    }
    (named.into_iter().max_by_key(|(_, count)| *count).map(|(id, _)| id), term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patronis_view_becomes_a_primary_and_states() {
        let view = r#"{"scope": "herd", "members": [
            {"host": "10.0.0.1", "role": "replica", "state": "starting"}, {"host": "10.0.0.2", "role": "leader", "state": "running"}]}"#;
        let machines =
            [("master", "10.0.0.1".to_string()), ("slave1", "10.0.0.2".into()), ("slave2", "10.0.0.3".into())];
        let state = |machine: &str, state: &str| Movement::Database { machine: machine.into(), state: state.into() };
        assert_eq!(
            members(&patroni::read(view).unwrap(), &machines),
            [
                Movement::Primary { machine: Some("slave1".into()) },
                state("master", "standby, starting"),
                state("slave1", "primary, running"),
                state("slave2", ""),
            ]
        );
    }

    #[test]
    fn a_backup_serves_only_if_nobody_else_does() {
        let of = |up: &[&str]| serving(up, &["master", "slave1", "slave10"]);
        assert_eq!(
            of(&["slave1", "slave10", "master-as-primary"]),
            (vec!["slave1".into(), "slave10".into()], String::new())
        );
        assert_eq!(
            of(&["slave10-without-primary", "master-as-primary"]),
            (vec!["slave10".into()], "without primary".into())
        );
        assert_eq!(of(&[]), (vec![], String::new()));
    }

    #[test]
    fn etcds_leader_is_who_the_newest_term_names() {
        let of = |statuses: &[(Option<u64>, u64)]| leader(statuses.iter().copied());
        assert_eq!(of(&[(Some(1), 5), (Some(1), 5), (Some(1), 5)]), (Some(1), 5));
        assert_eq!(of(&[(Some(1), 5), (Some(2), 6), (Some(2), 6)]), (Some(2), 6), "the first is cut off");
        assert_eq!(of(&[(None, 6), (Some(2), 6)]), (Some(2), 6));
        assert_eq!(of(&[(None, 6), (Some(1), 5)]), (None, 6), "an election");
    }
}
