//! Refuses a run that would change which machines belong to a living cluster: its databases, or the members of etcd.
//!
//! Each machine records both in its tags when it is created. A founding that is resumed and a machine that is created again find the
//! members that the others record; a changed number of slaves does not. What exists and what is planned could not tell the two
//! apart: in both, machines exist and one is missing.

use std::fmt;
use std::sync::PoisonError;

use super::events::Event;
use super::outcome::Outcome;
use super::runner::Runner;
use super::scheduler;
use super::under::{RunningStage, Stop};
use crate::pipeline::Expected;
use crate::system::clock::Stopwatch;
use crate::tools::aws;
use crate::tools::invocation::quote;
use crate::tools::living::{self, LivingMachine, Members};

/// The name of the question in logs and events.
const STAGE: &str = "members";

/// A change of a living cluster's members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembersRefusal {
    /// The members that the machines record, or, if they record none, the databases that exist.
    pub present: Members,
    /// The members that the blueprint makes.
    pub planned: Members,
    /// The command that records the planned members on a machine, if the machines record none.
    pub record: Option<String>,
}

impl Expected {
    /// Returns the machines that belong to the cluster.
    fn members(&self) -> Members {
        Members {
            databases: self.databases().map(|machine| machine.name.clone()).collect(),
            etcd: self.etcd_members().map(|machine| machine.name.clone()).collect(),
        }
    }
}

impl Runner<'_> {
    /// Returns why the pipeline's modules must not be applied, if a machine of the cluster exists and its members would change.
    ///
    /// # Errors
    /// If AWS does not say which machines exist. The failure has been reported.
    pub fn refuse_members(&self) -> Result<Option<MembersRefusal>, Outcome> {
        if self.setup.pipeline.modules().next().is_none() {
            return Ok(None);
        }
        let watch = Stopwatch::start();
        let judged = self.begin(STAGE).and_then(|mut under| under.judge_members()).map_err(Outcome::from);
        if let Err(outcome) = &judged {
            self.tell(Event::StageBegun { stage: STAGE.into(), early: false });
            self.tell(scheduler::ended(STAGE, outcome, watch.elapsed()));
        }
        judged
    }
}

impl RunningStage<'_> {
    fn judge_members(&mut self) -> Result<Option<MembersRefusal>, Stop> {
        // Such a run asks for the tags anyway.
        if self.runner.is_bare() && self.tagged()?.is_some_and(|tagged| !tagged.has("instance")) {
            return Ok(None);
        }
        let living = self.living()?;
        Ok(judge(&self.runner.setup.pipeline.expected, &living, &self.runner.setup.pipeline.region))
    }

    /// Returns the cluster's machines that exist. Asks once per run.
    pub(super) fn living(&mut self) -> Result<Vec<LivingMachine>, Stop> {
        let runner = self.runner;
        let mut asked = runner.setup.answers.living.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(living) = &*asked {
            return Ok(living.clone());
        }
        let pipeline = runner.setup.pipeline;
        let captured = self.capture(&pipeline.aws(aws::machines_of(&pipeline.region, &pipeline.tag)))?;
        let advice = "check that the credentials may call ec2:DescribeInstances (`pgherd policy` prints all permissions), and run again";
        if !captured.exit.ok() {
            let what = format!("AWS did not return the list of the cluster's machines ({})", captured.exit);
            return Err(self.failure(what, advice));
        }
        let living = living::read(&captured.stdout).map_err(|why| self.failure(why, advice))?;
        Ok(asked.insert(living).clone())
    }
}

/// Returns the change of members, if there is one or might be.
fn judge(expected: &Expected, living: &[LivingMachine], region: &str) -> Option<MembersRefusal> {
    let planned = expected.members();
    let mut recorded = living.iter().filter_map(|machine| machine.members.as_ref());
    if let Some(present) = recorded.clone().find(|members| **members != planned) {
        return Some(MembersRefusal { present: present.clone(), planned, record: None });
    }
    let is_expected = |name: &String| expected.machines.iter().any(|machine| machine.name == *name);
    let is_balancer = |name: &String| is_expected(name) && !planned.databases.contains(name);
    let mut silent = living.iter().filter(|machine| machine.members.is_none()).peekable();
    let first = *silent.peek()?;
    let databases: Vec<String> = silent.map(|machine| machine.name.clone()).filter(|name| !is_balancer(name)).collect();
    // Others record the planned members, so these were only created by an earlier version.
    if recorded.next().is_some() && databases.iter().all(is_expected) {
        return None;
    }
    if databases.is_empty() {
        return None;
    }
    // etcd's members follow from the databases.
    let present = Members { databases, etcd: planned.etcd.clone() };
    if present == planned {
        return None;
    }
    let tag = |key: &str, names: &[String]| quote(&format!("Key={key},Value={}", names.join(" ")));
    let record = format!(
        "aws ec2 create-tags --region {region} --resources {} --tags {} {}",
        first.id,
        tag(living::DATABASES, &planned.databases),
        tag(living::ETCD, &planned.etcd)
    );
    Some(MembersRefusal { present, planned, record: Some(record) })
}

impl MembersRefusal {
    /// Returns what to do.
    pub fn advice(&self) -> String {
        let back = match self.present.databases.len().checked_sub(1) {
            Some(count) if differ(&self.present.databases, &self.planned.databases) => {
                format!("set `slaves {{ count = {count} }}` in the blueprint again, and run `pgherd gen`")
            }
            _ => "use the version of pgherd that created these machines".into(),
        };
        let record = self.record.as_ref().map_or(String::new(), |record| {
            format!(
                "\n  The machines do not record the members, because an earlier version of pgherd created them. If the cluster has always \
                 consisted of {}, record it, and run again: {record}",
                self.planned.databases.join(", ")
            )
        });
        format!(
            "{back}. \"Change the number of slaves\" in the cluster's RUNBOOK.md shows another way. A cluster that never became healthy \
             holds no data: `pgherd destroy` removes it{record}"
        )
    }
}

impl fmt::Display for MembersRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = [
            change("the databases", &self.present.databases, &self.planned.databases),
            change("etcd's members", &self.present.etcd, &self.planned.etcd),
        ];
        let changes: Vec<String> = changes.into_iter().flatten().collect();
        let verb = if self.record.is_some() { "may" } else { "would" };
        write!(
            f,
            "this {verb} change which machines belong to the living cluster: {}. etcd keeps the members that it was founded with, so it \
             can lose its majority, which stops all writes; and a slave that leaves may be the primary, with the newest data. Nothing \
             was changed",
            changes.join("; ")
        )
    }
}

/// Returns who joins and who leaves.
fn change(what: &str, present: &[String], planned: &[String]) -> Option<String> {
    let without = |all: &[String], others: &[String]| {
        let names: Vec<&str> = all.iter().filter(|name| !others.contains(name)).map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let joins = without(planned, present).map(|names| format!("{names} would join {what}"));
    let leaves = without(present, planned).map(|names| format!("{names} would leave {what}"));
    let parts: Vec<String> = [joins, leaves].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", and "))
}

fn differ(present: &[String], planned: &[String]) -> bool {
    change("", present, planned).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    /// Machines that record these databases and etcd members; none if the text is empty.
    fn living(machines: &str, databases: &str, etcd: &str) -> Vec<LivingMachine> {
        let members = (!databases.is_empty()).then(|| Members { databases: names(databases), etcd: names(etcd) });
        let machine = |name: &String| LivingMachine {
            name: name.clone(),
            id: format!("i-{name}"),
            ami: "ami-0".into(),
            members: members.clone(),
        };
        names(machines).iter().map(machine).collect()
    }

    fn judged(slaves: u8, living: &[LivingMachine]) -> Option<MembersRefusal> {
        judge(&Expected::of_test(slaves), living, "eu-west-1")
    }

    const TWO: (&str, &str) = ("master slave1 slave2", "master slave1 slave2");

    #[test]
    fn another_number_of_slaves_is_refused_whatever_exists() {
        for machines in ["master slave1 slave2", "master", "slave2", "slave1 slave2"] {
            let found = living(machines, TWO.0, TWO.1);
            for slaves in [0, 1, 3] {
                assert!(judged(slaves, &found).is_some(), "{machines}, {slaves} slaves");
            }
            assert_eq!(judged(2, &found), None, "{machines}: a founding resumed, or a machine created again");
        }
        assert_eq!(judged(1, &[]), None, "nothing exists");
    }

    #[test]
    fn etcd_alone_counts_as_well() {
        let found = living("master slave1", "slave1 master", "master slave1 haproxy");
        let refusal = judged(1, &found).unwrap();
        let text = refusal.to_string();
        assert!(text.contains("living cluster: haproxy would leave etcd's members. etcd keeps"), "{text}");
        assert!(refusal.advice().starts_with("use the version of pgherd that created these machines"));
    }

    #[test]
    fn one_machine_that_disagrees_is_enough() {
        let mut found = living("master slave1", "master slave1", "master slave1");
        assert_eq!(judged(1, &found), None);
        found.extend(living("slave2", TWO.0, TWO.1));
        let refusal = judged(1, &found).unwrap();
        let text = refusal.to_string();
        assert!(text.starts_with("this would change"), "{text}");
        assert!(text.contains("slave2 would leave the databases; slave2 would leave etcd's members"), "{text}");
        assert!(
            refusal.advice().starts_with("set `slaves { count = 2 }` in the blueprint again"),
            "{}",
            refusal.advice()
        );
    }

    #[test]
    fn machines_that_record_nothing_are_compared_with_the_blueprint() {
        let found = living("master slave1", "", "");
        assert_eq!(judged(1, &found), None);
        assert!(judged(0, &found).is_some());
        let refusal = judged(2, &found).unwrap();
        assert!(refusal.to_string().starts_with("this may change"), "{refusal}");
        let command = "aws ec2 create-tags --region eu-west-1 --resources i-master --tags \
            'Key=pgherd:databases,Value=master slave1 slave2' 'Key=pgherd:etcd,Value=master slave1 slave2'";
        assert!(refusal.advice().ends_with(command), "{}", refusal.advice());
        // After that command.
        let mut found = living("slave1", "", "");
        found.extend(living("master", TWO.0, TWO.1));
        assert_eq!(judged(2, &found), None);
        found.extend(living("slave3", "", ""));
        assert!(judged(2, &found).is_some(), "a machine that nobody expects");
    }
}
