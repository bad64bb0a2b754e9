//! Decides whether a plan that destroys or stops something may be applied.

/// An answer to a plan that destroys or stops something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Apply it.
    Yes,
    /// Do not apply it.
    No,
    /// Nobody was asked, and these machines were not confirmed by name.
    Unconfirmed(Confirmations),
}

/// The database machines that a plan affects and that have to be confirmed by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirmations {
    /// The machines whose data is destroyed.
    pub data_of: Vec<String>,
    /// The machines that are, or may be, stopped and started again.
    pub stops: Vec<String>,
}

impl Confirmations {
    /// Returns whether there is nothing to confirm.
    pub fn is_nothing(&self) -> bool {
        self.data_of.is_empty() && self.stops.is_empty()
    }

    /// Returns what the plan would do, as the reason for a failure.
    pub fn complaint(&self) -> String {
        let mut parts = vec![];
        if !self.data_of.is_empty() {
            parts.push(format!("destroy the data of {}", self.data_of.join(" and ")));
        }
        match &self.stops[..] {
            [] => {}
            [one] => parts.push(format!("stop {one} and start it again")),
            all => parts.push(format!("stop {} at the same time and start them again", all.join(" and "))),
        }
        format!("this would {}", parts.join(", and "))
    }

    /// Returns how to confirm it.
    pub fn confirm(&self) -> String {
        let data = self.data_of.iter().map(|name| format!("--confirm {name}"));
        let stops = self.stops.iter().map(|name| format!("--confirm-stop {name}"));
        let flags = data.chain(stops).collect::<Vec<_>>().join(" ");
        let several = match self.stops.len() {
            0 | 1 => "",
            _ => {
                "\n  To stop one machine at a time, each while it is a standby, first apply each machine with `terraform apply -target=…` \
                in its module's folder"
            }
        };
        format!("review the plan with --plan-only. If this is intended, add {flags}{several}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_is_named_with_what_happens_to_it() {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let confirmations = Confirmations { data_of: names(&["master"]), stops: names(&["slave1", "slave2"]) };
        assert_eq!(
            confirmations.complaint(),
            "this would destroy the data of master, and stop slave1 and slave2 at the same time and start them again"
        );
        assert!(confirmations.confirm().contains("add --confirm master --confirm-stop slave1 --confirm-stop slave2\n"));
        assert!(!confirmations.is_nothing() && Confirmations::default().is_nothing());
    }
}
