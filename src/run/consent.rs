//! Whether a plan that destroys or stops something may be done.

/// An answer to a plan that destroys or stops something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Do it.
    Yes,
    /// Do not.
    No,
    /// Nobody was asked, and this was not agreed to by name.
    Unconfirmed(Price),
}

/// What a plan costs that has to be agreed to by name: database machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Price {
    /// Those whose data goes.
    pub data_of: Vec<String>,
    /// Those that are stopped and started again, or may be.
    pub stops: Vec<String>,
}

impl Price {
    /// Whether there is nothing to agree to.
    pub fn is_nothing(&self) -> bool {
        self.data_of.is_empty() && self.stops.is_empty()
    }

    /// What is wrong where nobody confirmed it.
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

    /// How it is confirmed.
    pub fn confirm(&self) -> String {
        let data = self.data_of.iter().map(|name| format!("--confirm {name}"));
        let stops = self.stops.iter().map(|name| format!("--confirm-stop {name}"));
        let flags = data.chain(stops).collect::<Vec<_>>().join(" ");
        let several = match self.stops.len() {
            0 | 1 => "",
            _ => {
                "\n  to stop one at a time, each while it is a standby, apply each machine by itself with `terraform apply -target=…` \
                  in its module's folder first"
            }
        };
        format!("look at the plan with --plan-only; if that is meant, add {flags}{several}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_is_named_with_what_becomes_of_it() {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let price = Price { data_of: names(&["master"]), stops: names(&["slave1", "slave2"]) };
        assert_eq!(
            price.complaint(),
            "this would destroy the data of master, and stop slave1 and slave2 at the same time and start them again"
        );
        assert!(price.confirm().contains("add --confirm master --confirm-stop slave1 --confirm-stop slave2\n"));
        assert!(!price.is_nothing() && Price::default().is_nothing());
    }
}
