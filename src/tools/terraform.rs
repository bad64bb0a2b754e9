//! Terraform, or OpenTofu: they take the same arguments and print the same lines.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Version;
use super::plan::Change;

/// The program, and the one that stands in for it.
pub const PROGRAMS: [&str; 2] = ["terraform", "tofu"];
/// Ephemeral values, write-only arguments and S3's own lock file need it.
pub const OLDEST: Version = Version(1, 11, 0);

/// What `init` writes into a module: the providers' versions and checksums.
pub const LOCK_FILE: &str = ".terraform.lock.hcl";
/// Where providers are kept for all modules.
pub const PLUGIN_CACHE: &str = "TF_PLUGIN_CACHE_DIR";
/// The file of the user's own settings.
pub const CLI_CONFIG: &str = "TF_CLI_CONFIG_FILE";
/// Where that file is in the home folder, of the one program and of the other.
pub const CLI_CONFIGS: [&str; 2] = [".terraformrc", ".tofurc"];

fn args(module: &str, verb: &[&str], more: &[&str]) -> Vec<String> {
    let chdir = format!("-chdir={module}");
    let words = std::iter::once(chdir.as_str()).chain(verb.iter().copied()).chain(["-input=false", "-no-color"]);
    words.chain(more.iter().copied()).map(String::from).collect()
}

/// How long one command waits for another's lock on the same state.
const PATIENCE: &str = "-lock-timeout=10s";

/// Gets the module's providers and opens its backend.
pub fn init(module: &str) -> Vec<String> {
    args(module, &["init"], &[])
}

/// Plans into a file, whose path is relative to the module. It exits with 0 for no change, 2 for changes.
pub fn plan(module: &str, file: &str) -> Vec<String> {
    args(module, &["plan"], &[PATIENCE, "-detailed-exitcode", &format!("-out={file}")])
}

/// Plans the end of everything in the module.
pub fn plan_destroy(module: &str, file: &str) -> Vec<String> {
    args(module, &["plan"], &[PATIENCE, "-destroy", "-detailed-exitcode", &format!("-out={file}")])
}

/// Does exactly what a plan file says.
pub fn apply(module: &str, file: &str) -> Vec<String> {
    args(module, &["apply"], &[PATIENCE, file])
}

/// Plans only these, and what they need.
pub fn plan_only(module: &str, file: &str, addresses: &[String]) -> Vec<String> {
    let targets = addresses.iter().map(|address| format!("-target={address}"));
    plan(module, file).into_iter().chain(targets).collect()
}

/// Takes back that something is half made.
pub fn untaint(module: &str, address: &str) -> Vec<String> {
    bare(module, &["untaint", "-no-color", PATIENCE, address])
}

/// Gives a state in a file to the backend, which refuses one that is older than its own.
pub fn push(module: &str, file: &str) -> Vec<String> {
    bare(module, &["state", "push", PATIENCE, file])
}

/// Breaks a lock.
pub fn unlock(module: &str, id: &str) -> Vec<String> {
    bare(module, &["force-unlock", "-force", id])
}

fn bare(module: &str, words: &[&str]) -> Vec<String> {
    std::iter::once(format!("-chdir={module}")).chain(words.iter().map(|word| word.to_string())).collect()
}

/// Prints a plan file as JSON.
pub fn show(module: &str, file: &str) -> Vec<String> {
    bare(module, &["show", "-json", "-no-color", file])
}

/// What the journal calls an apply.
pub const APPLY: &str = "terraform apply";
/// What it calls a plan.
pub const PLAN: &str = "terraform plan";
/// Import blocks, in the module's folder until they are applied.
pub const IMPORTS: &str = "pgherd_import.tf";
/// Where Terraform puts a state that it could not store, in the module's folder.
pub const ERRORED: &str = "errored.tfstate";

/// Prints the outputs as JSON.
pub fn output(module: &str) -> Vec<String> {
    bare(module, &["output", "-json", "-no-color"])
}

/// The exit code of a plan with changes.
pub const PLAN_HAS_CHANGES: i32 = 2;

/// One string output out of what [`output`] printed.
pub fn string_output(json: &str, name: &str) -> Option<String> {
    let outputs: serde_json::Value = serde_json::from_str(json).ok()?;
    Some(outputs.get(name)?.get("value")?.as_str()?.to_string())
}

/// Whether a failure says that the module has to be initialised (again).
pub fn wants_init(line: &str) -> bool {
    // The second is what Terraform 1.11 says of packages that are gone from their cache.
    PROGRAMS.iter().any(|program| line.contains(&format!("{program} init")))
        || line.contains("Required plugins are not installed")
}

/// Whether a failure says that the plan is not of this state any more.
pub fn is_stale(line: &str) -> bool {
    line.contains("Saved plan is stale")
}

/// Whether a failure says that something exists which was to be made: a role, a secret, a security group, an address in use
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>).
pub fn is_collision(line: &str) -> bool {
    const CODES: [&str; 4] =
        ["EntityAlreadyExists", "ResourceExistsException", "InvalidGroup.Duplicate", "InvalidIPAddress.InUse"];
    CODES.iter().any(|code| line.contains(code))
}

/// What a plan does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// Makes it.
    Create,
    /// Changes it in place.
    Update,
    /// Destroys it and makes another.
    Replace,
    /// Destroys it.
    Destroy,
}

impl Doing {
    /// Terraform's own sign.
    pub fn sign(self) -> &'static str {
        match self {
            Doing::Create => "+",
            Doing::Update => "~",
            Doing::Replace => "-/+",
            Doing::Destroy => "-",
        }
    }
}

/// What a plan comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanSummary {
    /// Resources that exist already, to be taken into the state.
    pub import: u32,
    /// Resources to be made.
    pub add: u32,
    /// Resources to be changed in place.
    pub change: u32,
    /// Resources to be destroyed.
    pub destroy: u32,
    /// Each resource by its address.
    pub resources: Vec<(Doing, String)>,
    /// More about each, where something is destroyed.
    pub details: Vec<Change>,
}

impl PlanSummary {
    /// Takes in a line of a plan as it is printed.
    pub fn read_line(&mut self, line: &str) {
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("Plan: ") {
            for count in counts.trim_end_matches('.').split(", ") {
                let Some((number, what)) = count.split_once(" to ") else { continue };
                let number = number.parse().unwrap_or(0);
                match what {
                    "add" => self.add = number,
                    "change" => self.change = number,
                    "destroy" => self.destroy = number,
                    "import" => self.import = number,
                    _ => {}
                }
            }
        } else if let Some(resource) = line.strip_prefix("# ") {
            const SAYINGS: [(&str, Doing); 6] = [
                (" will be created", Doing::Create),
                (" will be updated in-place", Doing::Update),
                (" is tainted, so must be replaced", Doing::Replace),
                (" must be replaced", Doing::Replace),
                (" will be replaced", Doing::Replace),
                (" will be destroyed", Doing::Destroy),
            ];
            let said = SAYINGS.iter().find_map(|(saying, doing)| Some((*doing, resource.split_once(saying)?.0)));
            self.resources.extend(said.map(|(doing, address)| (doing, address.to_string())));
        }
    }

    /// The machines whose data goes.
    pub fn data_of(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.details.iter().filter_map(|change| change.data_of.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Each resource's change, with all that is known of it.
    pub fn changes(&self) -> Vec<Change> {
        let change = |(doing, address): &(Doing, String)| {
            let known = self.details.iter().find(|change| change.address == *address).cloned();
            known.unwrap_or_else(|| Change::of(address, *doing))
        };
        self.resources.iter().map(change).collect()
    }

    /// Whether something that exists is changed or goes away.
    pub fn disturbs(&self) -> bool {
        self.change > 0 || self.resources.iter().any(|(doing, _)| *doing == Doing::Update) || self.destroys()
    }

    /// Whether something that exists goes away.
    pub fn destroys(&self) -> bool {
        self.destroy > 0 || self.resources.iter().any(|(doing, _)| matches!(doing, Doing::Replace | Doing::Destroy))
    }
}

impl fmt::Display for PlanSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (self.import, self.add, self.change, self.destroy) == (0, 0, 0, 0) {
            return f.write_str("only outputs change");
        }
        if self.import > 0 {
            write!(f, "{} to import, ", self.import)?;
        }
        write!(f, "{} to add, {} to change, {} to destroy", self.add, self.change, self.destroy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_saved_and_exactly_that_is_applied() {
        let module = "network/terraform_network";
        assert_eq!(
            plan(module, "../x.tfplan").join(" "),
            "-chdir=network/terraform_network plan -input=false -no-color -lock-timeout=10s -detailed-exitcode -out=../x.tfplan"
        );
        assert_eq!(
            apply(module, "../x.tfplan").join(" "),
            "-chdir=network/terraform_network apply -input=false -no-color -lock-timeout=10s ../x.tfplan"
        );
        assert_eq!(init(module).join(" "), "-chdir=network/terraform_network init -input=false -no-color");
    }

    #[test]
    fn a_plan_is_read_as_it_is_printed() {
        let mut plan = PlanSummary::default();
        let printed = "
  # aws_instance.machine[\"slave1\"] must be replaced
-/+ resource \"aws_instance\" \"machine\" {
  # aws_eip.machine[\"a will be\"] will be created
  # aws_vpc.this will be updated in-place
  # aws_key.old will be destroyed
  # (because aws_key.old is not in configuration)
Plan: 1 to import, 2 to add, 1 to change, 2 to destroy.
";
        printed.lines().for_each(|line| plan.read_line(line));
        assert_eq!((plan.import, plan.add, plan.change, plan.destroy), (1, 2, 1, 2));
        assert_eq!(plan.to_string(), "1 to import, 2 to add, 1 to change, 2 to destroy");
        assert_eq!(
            plan.resources,
            [
                (Doing::Replace, "aws_instance.machine[\"slave1\"]".to_string()),
                (Doing::Create, "aws_eip.machine[\"a will be\"]".into()),
                (Doing::Update, "aws_vpc.this".into()),
                (Doing::Destroy, "aws_key.old".into()),
            ]
        );
        assert!(plan.destroys());
    }

    #[test]
    fn an_output_is_a_string_or_nothing() {
        let json =
            r#"{"public_address":{"sensitive":false,"type":"string","value":"203.0.113.7"},"none":{"value":null}}"#;
        assert_eq!(string_output(json, "public_address").as_deref(), Some("203.0.113.7"));
        assert_eq!(string_output(json, "none"), None);
        assert_eq!(string_output("{}", "public_address"), None);
    }
}
