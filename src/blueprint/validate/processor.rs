//! Checks which machines must have the same kind of processor, across blocks.

use super::{BlockReader, Reading, Refusal, aws};
use crate::blueprint::rules::language as is;

/// The instance types of a blueprint, with their places.
pub struct InstanceTypes {
    pub builder: Reading<Option<String>>,
    pub master: Reading<String>,
    /// The slaves' instance type; `None` if there are no slaves.
    pub slaves: Option<Reading<String>>,
    pub haproxy: Reading<String>,
}

pub fn check(r: &BlockReader, types: &InstanceTypes) {
    let InstanceTypes { builder, master, slaves, haproxy } = types;
    if [Some(master), slaves.as_ref(), Some(haproxy)].into_iter().flatten().any(Reading::is_refused) {
        return;
    }
    if let Some(slaves) = slaves
        && aws::is_graviton(&master.value) != aws::is_graviton(&slaves.value)
    {
        let problem = format!(
            "master is {}, but slaves are {}; a standby is a byte-for-byte copy of its primary and needs the same kind of processor",
            named(&master.value),
            named(&slaves.value)
        );
        let at = if slaves.is_set() { &slaves.at } else { &master.at };
        r.source.report(&is::PROCESSOR, at, problem, "use the same kind of processor for both, such as \"m7g.large\"");
    }
    let roles = [("master", Some(master)), ("slaves", slaves.as_ref()), ("haproxy", Some(haproxy))];
    let other = |built: &str| {
        roles.iter().find_map(|(role, machine)| {
            machine.filter(|m| aws::is_graviton(&m.value) != aws::is_graviton(built)).map(|m| (role, m))
        })
    };
    if let Some(built) = &builder.value
        && let Some((role, machine)) = other(built)
    {
        let problem = format!("{} cannot build the image for {role}, which is {}", named(built), named(&machine.value));
        let help = "remove the line; pgherd then uses a builder that fits each role".to_string();
        r.report("image.builder_instance_type", &builder.at, Refusal { rule: &is::PROCESSOR, problem, help });
    }
}

fn named(instance_type: &str) -> String {
    format!("{instance_type} ({})", if aws::is_graviton(instance_type) { "Arm" } else { "x86" })
}
