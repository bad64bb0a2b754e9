//! Finds the machines that a fault harms, from what each does at present. Pure.

use crate::cluster::Role;
use crate::cluster::fault::Victim;
use crate::pipeline::{Expected, ExpectedMachine};
use crate::run::observe::{Member, Standing};

/// What the machines do at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats<'a> {
    expected: &'a Expected,
    members: &'a [Member],
}

impl<'a> Seats<'a> {
    /// Matches the members that Patroni knows with the machines of the blueprint.
    pub fn of(expected: &'a Expected, members: &'a [Member]) -> Self {
        Seats { expected, members }
    }

    /// Returns the primary's machine.
    pub fn primary(&self) -> Option<&'a ExpectedMachine> {
        self.databases(|standing| standing == Standing::Primary).next()
    }

    /// Returns the machine of a standby, preferably one that commits do not wait for.
    pub fn standby(&self) -> Option<&'a ExpectedMachine> {
        let any = || self.databases(|standing| standing != Standing::Primary).next();
        self.databases(|standing| standing == Standing::Standby).next().or_else(any)
    }

    /// Returns the machines that a fault harms. `etcd_leader` is the machine of etcd's leader.
    ///
    /// # Errors
    /// If the cluster has no such machine at present.
    pub fn victims(&self, victim: Victim, etcd_leader: &str) -> Result<Vec<&'a ExpectedMachine>, &'static str> {
        let primary = self.primary().ok_or("there is no primary")?;
        let found: Vec<&ExpectedMachine> = match victim {
            Victim::Primary | Victim::PrimaryAsEtcdLeader => vec![primary],
            Victim::ZoneOfPrimary => self.expected.machines.iter().filter(|m| m.zone == primary.zone).collect(),
            Victim::EtcdLeader => self.expected.machines.iter().filter(|m| m.name == etcd_leader).collect(),
            Victim::SyncStandby => self.databases(|standing| standing == Standing::SyncStandby).take(1).collect(),
            Victim::AsyncStandby => self.databases(|standing| standing == Standing::Standby).take(1).collect(),
            Victim::All => self.expected.machines.iter().collect(),
            Victim::Haproxy => self.expected.machines.iter().filter(|m| m.role == Role::Haproxy).take(1).collect(),
            Victim::EveryHaproxy => self.expected.machines.iter().filter(|m| m.role == Role::Haproxy).collect(),
        };
        if found.is_empty() { Err(lacking(victim)) } else { Ok(found) }
    }

    fn databases(&self, is: impl Fn(Standing) -> bool) -> impl Iterator<Item = &'a ExpectedMachine> {
        self.expected.databases().filter(move |machine| {
            let address = machine.address.to_string();
            self.members.iter().any(|member| member.host == address && is(member.standing()))
        })
    }
}

fn lacking(victim: Victim) -> &'static str {
    match victim {
        Victim::SyncStandby => "no standby is synchronous",
        Victim::AsyncStandby => "every standby is synchronous, or there is none",
        Victim::EtcdLeader => "etcd's leader is no machine of the blueprint",
        Victim::Primary | Victim::PrimaryAsEtcdLeader | Victim::ZoneOfPrimary | Victim::All => "there is no primary",
        Victim::Haproxy | Victim::EveryHaproxy => "there is no HAProxy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn expected() -> Expected {
        let machine = |name: &str, role, zone: &str, last| ExpectedMachine {
            name: name.into(),
            role,
            zone: zone.into(),
            address: Ipv4Addr::new(10, 0, 0, last),
            etcd: role != Role::Haproxy,
        };
        Expected {
            cluster: "herd".into(),
            machines: vec![
                machine("master", Role::Master, "a", 1),
                machine("slave1", Role::Slave, "b", 2),
                machine("slave2", Role::Slave, "c", 3),
                machine("haproxy", Role::Haproxy, "c", 4),
            ],
            is_synchronous: true,
            images: vec![],
            password_secrets: vec![],
            settings: Default::default(),
            etcd_quota: 0,
        }
    }

    fn members(roles: &[(u8, &str)]) -> Vec<Member> {
        let member = |(last, role): &(u8, &str)| {
            serde_json::from_value(serde_json::json!({"host": format!("10.0.0.{last}"), "role": role})).unwrap()
        };
        roles.iter().map(member).collect()
    }

    #[test]
    fn victims_are_found_by_what_they_do_now() {
        let (expected, members) = (expected(), members(&[(1, "replica"), (2, "sync_standby"), (3, "leader")]));
        let seats = Seats::of(&expected, &members);
        let names = |victim| -> Result<Vec<&str>, &str> {
            Ok(seats.victims(victim, "slave1")?.iter().map(|machine| machine.name.as_str()).collect())
        };
        assert_eq!(names(Victim::Primary), Ok(vec!["slave2"]));
        assert_eq!(names(Victim::ZoneOfPrimary), Ok(vec!["slave2", "haproxy"]));
        assert_eq!(names(Victim::SyncStandby), Ok(vec!["slave1"]));
        assert_eq!(names(Victim::AsyncStandby), Ok(vec!["master"]));
        assert_eq!(names(Victim::EtcdLeader), Ok(vec!["slave1"]));
        assert_eq!(names(Victim::Haproxy), Ok(vec!["haproxy"]));
        assert_eq!(names(Victim::All), Ok(vec!["master", "slave1", "slave2", "haproxy"]));
        assert_eq!(seats.standby().map(|machine| machine.name.as_str()), Some("master"));
    }

    #[test]
    fn a_victim_that_the_cluster_lacks_is_refused() {
        let (expected, members) = (expected(), members(&[(1, "leader"), (2, "sync_standby")]));
        let seats = Seats::of(&expected, &members);
        assert!(seats.victims(Victim::AsyncStandby, "slave1").is_err());
        assert!(seats.victims(Victim::EtcdLeader, "stranger").is_err());
        assert_eq!(Seats::of(&expected, &[]).victims(Victim::Primary, "slave1"), Err("there is no primary"));
    }
}
