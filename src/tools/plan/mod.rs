//! What a saved plan does. It is decided from `terraform show -json` alone, never from what a plan prints for people.

mod differences;
pub mod disruption;
pub(super) mod format;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use read::{BALANCER, Scope, read};

/// What a plan does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanAction {
    /// Takes something that exists into the state and leaves it unchanged.
    Import,
    /// Creates it.
    Create,
    /// Changes it in place.
    Update,
    /// Destroys it and creates another.
    Replace,
    /// Destroys it.
    Destroy,
    /// Drops it from the state. The thing itself stays, and Terraform no longer manages it.
    Forget,
}

impl PlanAction {
    /// Returns Terraform's own sign; `<=` for an import, which has none.
    pub fn sign(self) -> &'static str {
        match self {
            PlanAction::Import => "<=",
            PlanAction::Create => "+",
            PlanAction::Update => "~",
            PlanAction::Replace => "-/+",
            PlanAction::Destroy => "-",
            PlanAction::Forget => ".",
        }
    }

    /// Returns whether the state loses what it has now.
    fn ends(self) -> bool {
        matches!(self, PlanAction::Replace | PlanAction::Destroy | PlanAction::Forget)
    }
}

/// What a plan does to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Its address in the module.
    pub address: String,
    /// The action.
    #[serde(rename = "action")]
    pub doing: PlanAction,
    /// Whether it is imported as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
    /// The attributes that force the replacement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forced_by: Vec<String>,
    /// Why Terraform does it, if not because of a changed configuration: `tainted`, `by request` …
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The name of the machine whose data is lost with it: set if a database machine or its disk is replaced, destroyed or forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_of: Option<String>,
    /// The name of the database machine that an update in place stops and starts, or may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops: Option<String>,
    /// The attributes whose change stops the machine, or may: not every effect is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped_by: Vec<String>,
    /// Whether clients are disconnected until HAProxy's machine is back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cuts_off: bool,
    /// Whether the network load balancer's DNS name is lost, which AWS never gives out again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renames: bool,
}

impl Change {
    /// Returns the reason and the consequences, for people.
    pub fn why(&self) -> String {
        let mut parts = vec![];
        if self.imported && self.doing != PlanAction::Import {
            parts.push("it exists already and is imported".into());
        }
        if !self.forced_by.is_empty() {
            parts.push(format!("forced by {}", self.forced_by.join(", ")));
        }
        if !self.reason.is_empty() {
            parts.push(self.reason.clone());
        }
        if let Some(name) = &self.data_of {
            parts.push(match self.doing {
                PlanAction::Forget => format!("REMOVES {name} AND ITS DATA FROM THE STATE"),
                _ => format!("DESTROYS THE DATA OF {name}"),
            });
        }
        if !self.stopped_by.is_empty() {
            let attributes = self.stopped_by.join(", ");
            let certain = self.stopped_by.iter().any(|attribute| disruption::stops(attribute));
            parts.push(match (&self.stops, certain) {
                (Some(name), true) => format!("STOPS AND STARTS {name} to change {attributes}"),
                (Some(name), false) => format!("MAY STOP {name}: the effect of changing {attributes} is not known"),
                (None, true) => format!("stops and starts its machine to change {attributes}"),
                (None, false) => format!("may stop its machine: the effect of changing {attributes} is not known"),
            });
        }
        if self.cuts_off {
            parts.push("clients are disconnected until its machine is back".into());
        }
        if self.renames {
            parts.push("ITS DNS NAME IS LOST: clients that connect to it need another one".into());
        }
        parts.join("; ")
    }

    /// Returns whether the data of a machine would be lost only because its creation was interrupted.
    pub fn is_needless(&self) -> bool {
        self.reason == TAINTED && self.data_of.is_some()
    }
}

/// The reason for a replacement of something that was not created completely.
const TAINTED: &str = "tainted: its creation was interrupted";

/// The changes of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanSummary {
    /// The changes, in the plan's order.
    pub changes: Vec<Change>,
    /// The number of outputs that change.
    pub outputs: usize,
    /// The attributes that change in place or are replaced, for the log: secrets are left out.
    pub differences: Vec<String>,
    /// Messages of checks that fail. They stop nothing: the modules' own checks say which machines run an older image.
    pub warnings: Vec<String>,
}

impl PlanSummary {
    fn count(&self, doings: &[PlanAction]) -> usize {
        self.changes.iter().filter(|change| doings.contains(&change.doing)).count()
    }

    /// Returns the number of resources that are imported, whatever else is done to them.
    pub fn imports(&self) -> usize {
        self.changes.iter().filter(|change| change.imported).count()
    }

    /// Returns the number of resources to create, as Terraform counts: a replacement creates one.
    pub fn adds(&self) -> usize {
        self.count(&[PlanAction::Create, PlanAction::Replace])
    }

    /// Returns the number of resources to change in place.
    pub fn updates(&self) -> usize {
        self.count(&[PlanAction::Update])
    }

    /// Returns the number of resources to destroy: a replacement destroys one.
    pub fn removes(&self) -> usize {
        self.count(&[PlanAction::Destroy, PlanAction::Replace])
    }

    /// Returns the machines whose data is lost.
    pub fn data_of(&self) -> Vec<&str> {
        names(self.changes.iter().filter_map(|change| change.data_of.as_deref()))
    }

    /// Returns the database machines that are stopped, or may be, and keep their data.
    pub fn stops(&self) -> Vec<&str> {
        let gone = self.data_of();
        names(self.changes.iter().filter_map(|change| change.stops.as_deref()).filter(|name| !gone.contains(name)))
    }

    /// Returns the HAProxies whose machines are replaced, destroyed or stopped, or may be.
    pub fn cut_off(&self) -> Vec<&str> {
        let machines =
            self.changes.iter().filter(|change| change.cuts_off && change.address.starts_with("aws_instance."));
        // A machine that was not created completely has served nobody.
        names(machines.filter(|change| change.reason != TAINTED).filter_map(|change| read::key(&change.address)))
    }

    /// Returns the machines that are created, and replace none.
    pub fn new_machines(&self) -> Vec<&str> {
        let new = self.changes.iter().filter(|change| change.doing == PlanAction::Create);
        names(new.filter(|change| change.address.starts_with("aws_instance.")).filter_map(|c| read::key(&c.address)))
    }

    /// Returns the addresses of the changes of what has this key.
    pub fn addresses_of(&self, name: &str) -> Vec<String> {
        let own = self.changes.iter().filter(|change| read::key(&change.address) == Some(name));
        own.map(|change| change.address.clone()).collect()
    }

    /// Returns whether something that exists is changed or destroyed.
    pub fn disturbs(&self) -> bool {
        self.updates() > 0 || self.destroys()
    }

    /// Returns whether something that exists is destroyed or forgotten.
    pub fn destroys(&self) -> bool {
        self.changes.iter().any(|change| change.doing.ends())
    }

    /// Returns whether the plan needs a confirmation: something is destroyed or forgotten, or a machine stops.
    pub fn is_grave(&self) -> bool {
        self.destroys() || self.changes.iter().any(|change| change.stops.is_some() || change.cuts_off)
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl fmt::Display for PlanSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return f.write_str(if self.outputs > 0 { "only outputs change" } else { "only the state is rewritten" });
        }
        if self.imports() > 0 {
            write!(f, "{} to import, ", self.imports())?;
        }
        write!(f, "{} to add, {} to change, {} to destroy", self.adds(), self.updates(), self.removes())?;
        match self.count(&[PlanAction::Forget]) {
            0 => Ok(()),
            forgotten => write!(f, ", {forgotten} to forget"),
        }
    }
}
