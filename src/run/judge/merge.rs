//! Merges what the HAProxies show of the cluster behind them.

use super::{PrimarySeen, Problem};
use crate::pipeline::Expected;
use crate::run::observe::disk::DiskAnswer;
use crate::run::observe::etcd::EtcdAnswer;
use crate::run::observe::{ClusterView, HaproxyAddress, Observation, Silent, Standing, passage};

/// Returns what each member of etcd reports, through the first HAProxy that gets a report. Returns `None` if etcd was not asked.
pub fn etcd(seen: &[&Observation]) -> Option<Vec<EtcdAnswer>> {
    let asked = seen.iter().filter_map(|one| one.etcd.as_ref()).map(|etcd| &etcd.value);
    best(asked, |answer| &answer.machine, |answer| passage::weight(&answer.report))
}

/// Returns what each machine reports of its disk, likewise.
pub fn disks(seen: &[&Observation]) -> Option<Vec<DiskAnswer>> {
    let asked = seen.iter().filter_map(|one| one.disks.as_ref()).map(|disks| &disks.value);
    best(asked, |answer| &answer.machine, |answer| passage::weight(&answer.report))
}

/// Returns each machine's answer that says the most, of those that came through several HAProxies.
fn best<'a, T: Clone + 'a>(
    mut asked: impl Iterator<Item = &'a Vec<T>>,
    machine: impl Fn(&T) -> &String,
    says: impl Fn(&T) -> u8,
) -> Option<Vec<T>> {
    let mut merged = asked.next()?.clone();
    for answers in asked {
        for best in &mut merged {
            let other = answers.iter().find(|answer| machine(answer) == machine(best));
            if let Some(other) = other.filter(|other| says(other) > says(best)) {
                best.clone_from(other);
            }
        }
    }
    Some(merged)
}

/// Returns the machines that no HAProxy reaches, and a problem for each that only some reach.
pub fn silent(expected: &Expected, seen: &[&Observation]) -> (Vec<Silent>, Vec<Problem>) {
    let asked: Vec<(&Observation, &Vec<Silent>)> =
        seen.iter().filter_map(|one| Some((*one, &one.silent.as_ref()?.value))).collect();
    let (mut silent, mut unreached) = (vec![], vec![]);
    for machine in &expected.machines {
        let found = asked.iter().filter_map(|(one, all)| {
            let here = all.iter().find(|silent| silent.machine == machine.name)?;
            Some((one.haproxy.machine.clone(), here.clone()))
        });
        let found: Vec<(String, Silent)> = found.collect();
        if found.len() < asked.len() {
            unreached.extend(found.into_iter().map(|(haproxy, silent)| Problem::Unreached { haproxy, silent }));
        } else {
            silent.extend(found.into_iter().map(|(_, silent)| silent).next());
        }
    }
    (silent, unreached)
}

/// Returns a problem if the views do not have the same primary.
pub fn disagreement(expected: &Expected, views: &[(&HaproxyAddress, &ClusterView)]) -> Option<Problem> {
    let name = |host: &str| {
        let machine = expected.databases().find(|machine| machine.address.to_string() == host);
        machine.map_or(host, |machine| &machine.name).to_string()
    };
    let seen = views.iter().map(|(haproxy, view)| {
        let primary = view.members.iter().find(|member| member.standing() == Standing::Primary);
        PrimarySeen { haproxy: haproxy.machine.clone(), primary: primary.map(|member| name(&member.host)) }
    });
    let seen: Vec<PrimarySeen> = seen.collect();
    let differs = seen.windows(2).any(|pair| pair[0].primary != pair[1].primary);
    differs.then_some(Problem::PrimariesDiffer(seen))
}
