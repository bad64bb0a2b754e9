//! What a saved plan does: decided from `terraform show -json` alone, never from what a plan prints for people.

mod differences;
pub mod disruption;
pub(super) mod format;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use read::{Scope, read};

/// What a plan does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// Takes something that exists into the state, and leaves it as it is.
    Import,
    /// Makes it.
    Create,
    /// Changes it in place.
    Update,
    /// Destroys it and makes another.
    Replace,
    /// Destroys it.
    Destroy,
    /// Drops it from the state; the thing itself stays, and nothing looks after it any more.
    Forget,
}

impl Doing {
    /// Terraform's own sign; `<=` for an import, which has none of its own.
    pub fn sign(self) -> &'static str {
        match self {
            Doing::Import => "<=",
            Doing::Create => "+",
            Doing::Update => "~",
            Doing::Replace => "-/+",
            Doing::Destroy => "-",
            Doing::Forget => ".",
        }
    }

    /// Whether the state loses what it has now.
    fn ends(self) -> bool {
        matches!(self, Doing::Replace | Doing::Destroy | Doing::Forget)
    }
}

/// What is done to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Its address in the module.
    pub address: String,
    /// What is done.
    #[serde(rename = "action")]
    pub doing: Doing,
    /// Whether it is taken into the state as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
    /// The attributes that cannot be changed in place, where it is replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forced_by: Vec<String>,
    /// Why Terraform does it, where it is not for a change of configuration: `tainted`, `by request` …
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The machine whose data goes with it: its name, for a database's machine or disk that is replaced, destroyed or forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_of: Option<String>,
    /// The database machine that is stopped and started, or may be: its name, for an update in place that does that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops: Option<String>,
    /// The attributes whose change stops the machine, or may: what it does is not known of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped_by: Vec<String>,
    /// Whether clients are cut off until HAProxy's machine is back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cuts_off: bool,
}

impl Change {
    /// What forces a replacement, and what goes with it.
    pub fn why(&self) -> String {
        let mut parts = vec![];
        if self.imported && self.doing != Doing::Import {
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
                Doing::Forget => format!("{name} AND ITS DATA DROP OUT OF THE STATE"),
                _ => format!("THE DATA OF {name} GOES WITH IT"),
            });
        }
        if !self.stopped_by.is_empty() {
            let attributes = self.stopped_by.join(", ");
            let certain = self.stopped_by.iter().any(|attribute| disruption::stops(attribute));
            parts.push(match (&self.stops, certain) {
                (Some(name), true) => format!("STOPS {name} AND STARTS IT AGAIN, for {attributes}"),
                (Some(name), false) => format!("MAY STOP {name}: what changing {attributes} does is not known"),
                (None, true) => format!("stops its machine and starts it again, for {attributes}"),
                (None, false) => format!("may stop its machine: what changing {attributes} does is not known"),
            });
        }
        if self.cuts_off {
            parts.push("clients are cut off until its machine is back".into());
        }
        parts.join("; ")
    }

    /// Whether the data of a machine would go only because its making was cut off.
    pub fn is_needless(&self) -> bool {
        self.reason == TAINTED && self.data_of.is_some()
    }
}

/// Why something is replaced whose making did not come to its end.
const TAINTED: &str = "tainted: it was not made to its end";

/// What a plan comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanSummary {
    /// Each resource that is touched, in the plan's order.
    pub changes: Vec<Change>,
    /// How many outputs change.
    pub outputs: usize,
    /// The attributes that change in place or are replaced, for the log: secrets are left out.
    pub differences: Vec<String>,
    /// Messages of checks that do not hold. They stop nothing: the modules' own tell which machines lag behind.
    pub warnings: Vec<String>,
}

impl PlanSummary {
    fn count(&self, doings: &[Doing]) -> usize {
        self.changes.iter().filter(|change| doings.contains(&change.doing)).count()
    }

    /// Resources that are taken into the state, whatever else is done to them.
    pub fn imports(&self) -> usize {
        self.changes.iter().filter(|change| change.imported).count()
    }

    /// Resources to be made, as Terraform counts: a replacement makes one.
    pub fn adds(&self) -> usize {
        self.count(&[Doing::Create, Doing::Replace])
    }

    /// Resources to be changed in place.
    pub fn updates(&self) -> usize {
        self.count(&[Doing::Update])
    }

    /// Resources to be destroyed: a replacement destroys one.
    pub fn removes(&self) -> usize {
        self.count(&[Doing::Destroy, Doing::Replace])
    }

    /// The machines whose data goes.
    pub fn data_of(&self) -> Vec<&str> {
        names(self.changes.iter().filter_map(|change| change.data_of.as_deref()))
    }

    /// The database machines that are stopped, or may be, and keep their data.
    pub fn stops(&self) -> Vec<&str> {
        let gone = self.data_of();
        names(self.changes.iter().filter_map(|change| change.stops.as_deref()).filter(|name| !gone.contains(name)))
    }

    /// Whether something that exists is changed or goes away.
    pub fn disturbs(&self) -> bool {
        self.updates() > 0 || self.destroys()
    }

    /// Whether something that exists goes away.
    pub fn destroys(&self) -> bool {
        self.changes.iter().any(|change| change.doing.ends())
    }

    /// Whether somebody has to agree even if nobody saw it: something goes away, or a machine stops.
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
            return f.write_str(if self.outputs > 0 {
                "only outputs change"
            } else {
                "only the state is written anew"
            });
        }
        if self.imports() > 0 {
            write!(f, "{} to import, ", self.imports())?;
        }
        write!(f, "{} to add, {} to change, {} to destroy", self.adds(), self.updates(), self.removes())?;
        match self.count(&[Doing::Forget]) {
            0 => Ok(()),
            forgotten => write!(f, ", {forgotten} to forget"),
        }
    }
}
