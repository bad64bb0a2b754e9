//! The least IAM policies with which a cluster can be run, observed, drilled and destroyed, and its passwords rotated.
//!
//! They follow from the generated modules: what these do not contain needs no right. Each action is limited to the resources that AWS
//! can limit it to: what has the cluster's tag, what the call creates with that tag, or what has the cluster's name.

mod document;
mod modules;
pub mod rights;
pub mod tasks;

use crate::cluster::Cluster;
use crate::fileset::FileSet;
use document::Statements;
use modules::Modules;
use rights::Resources;

pub use document::LONGEST;

/// A managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Its name.
    pub name: String,
    /// The document, as JSON.
    pub text: String,
}

/// What the rights are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// `pgherd run`: it creates, changes, replaces and removes.
    Run,
    /// `pgherd status`: it reads Terraform's outputs.
    Status,
    /// `pgherd destroy`.
    Destroy,
    /// `pgherd drill`: it stops machines and starts them again.
    Drill,
    /// `rotate_password.sh`: it gives a user of the blueprint another password.
    Rotate,
}

/// A part of the rights. Each is a policy of its own, since AWS limits the length of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    State,
    Look,
    Build,
    Make,
    Unmake,
    Drill,
    Rotate,
}

impl Task {
    /// Every aim.
    pub const ALL: [Task; 5] = [Task::Run, Task::Status, Task::Destroy, Task::Drill, Task::Rotate];

    /// Returns the name that the command line uses.
    pub const fn name(self) -> &'static str {
        match self {
            Task::Run => "run",
            Task::Status => "status",
            Task::Destroy => "destroy",
            Task::Drill => "drill",
            Task::Rotate => "rotate",
        }
    }

    fn parts(self) -> &'static [Part] {
        match self {
            Task::Run => &[Part::State, Part::Look, Part::Build, Part::Make, Part::Unmake],
            Task::Status => &[Part::State],
            Task::Destroy => &[Part::State, Part::Look, Part::Unmake],
            Task::Drill => &[Part::State, Part::Drill],
            Task::Rotate => &[Part::Rotate],
        }
    }
}

/// Returns the policies for an aim; none if it needs no rights.
///
/// # Errors
/// If a module holds a resource type whose rights are not in [`rights`].
pub fn policies(cluster: &Cluster, set: &FileSet, task: Task) -> Result<Vec<ManagedPolicy>, String> {
    let modules = modules::read(set)?;
    let mut policies = vec![];
    for part in task.parts() {
        let mut statements = Statements::new(cluster, &modules);
        fill(&mut statements, cluster, &modules, *part, task)?;
        let name = format!("pgherd-{}-{}", cluster.name, part.name());
        policies.extend(statements.documents().into_iter().enumerate().map(|(i, text)| ManagedPolicy {
            name: if i == 0 { name.clone() } else { format!("{name}-{}", i + 1) },
            text,
        }));
    }
    Ok(policies)
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::State => "state",
            Part::Look => "look",
            Part::Build => "build",
            Part::Make => "make",
            Part::Unmake => "unmake",
            Part::Drill => "drill",
            Part::Rotate => "rotate",
        }
    }
}

fn fill(
    statements: &mut Statements<'_>,
    cluster: &Cluster,
    modules: &Modules,
    part: Part,
    task: Task,
) -> Result<(), String> {
    match part {
        Part::State => statements.state(matches!(task, Task::Run | Task::Destroy)),
        Part::Build => {
            statements.add_all(tasks::BUILD);
            statements.encrypt(tasks::ENCRYPT);
        }
        Part::Drill => {
            statements.add_all(tasks::DRILL);
            // EC2 attaches a machine's encrypted disks in the caller's name. A machine whose caller lacks that stays stopped.
            statements.encrypt(tasks::ENCRYPT);
        }
        // Without users there is no password to rotate, and no script.
        Part::Rotate if cluster.postgres.users.is_empty() => {}
        Part::Rotate => {
            statements.add_all(tasks::ROTATE);
            statements.encrypt(tasks::ENCRYPT_SECRETS);
        }
        Part::Look | Part::Make | Part::Unmake => {
            for (block, kind) in &modules.kinds {
                let found = rights::MODULES.iter().find(|rights| rights.of == (block.as_str(), kind.as_str()));
                let rights = found.ok_or_else(|| format!("the rights for {block} \"{kind}\" are not known"))?;
                statements.add_all(match part {
                    Part::Look => rights.look,
                    Part::Make => rights.make,
                    _ => rights.unmake,
                });
            }
            match part {
                Part::Look => statements.add_all(tasks::QUESTIONS),
                Part::Unmake => statements.add_all(tasks::IMAGES),
                _ => {
                    statements.retag();
                    if cluster.machines.iter().any(|machine| machine.block.key_name.is_some()) {
                        statements.add("ec2:RunInstances", &[Resources::KeyPair]);
                    }
                    if modules.private_dns {
                        statements.add("route53:AssociateVPCWithHostedZone", &[Resources::Zone]);
                    }
                    statements.encrypt(tasks::ENCRYPT);
                }
            }
        }
    }
    Ok(())
}
