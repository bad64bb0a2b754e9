//! Terraform, or OpenTofu: they take the same arguments.

use std::collections::BTreeMap;

use super::Version;

/// The program, and the one that can take its place.
pub const PROGRAMS: [&str; 2] = ["terraform", "tofu"];
/// The oldest version with ephemeral values, write-only arguments and S3's own lock file.
pub const OLDEST: Version = Version::of(1, 11, 0);

/// The file that `init` writes into a module, with the versions and checksums of providers.
pub const LOCK_FILE: &str = ".terraform.lock.hcl";
/// The variable that names the folder of providers for all modules.
pub const PLUGIN_CACHE: &str = "TF_PLUGIN_CACHE_DIR";
/// The variable that names the file of the user's own settings.
pub const CLI_CONFIG: &str = "TF_CLI_CONFIG_FILE";
/// The default name of that file in the home folder, for each program.
pub const CLI_CONFIGS: [&str; 2] = [".terraformrc", ".tofurc"];

/// What the long commands print is read by [`super::terraform_ui`]. `-no-color` is for what Terraform prints before it heeds `-json`.
fn args(module: &str, verb: &str, more: &[&str]) -> Vec<String> {
    bare(module, &[&[verb, "-input=false", "-no-color", "-json"], more].concat())
}

/// How long a command waits for another's lock on the same state.
const PATIENCE: &str = "-lock-timeout=10s";

/// Installs the module's providers and opens its backend.
pub fn init(module: &str) -> Vec<String> {
    args(module, "init", &[])
}

/// Plans into a file, whose path is relative to the module. The command exits with 0 if nothing changes, and with 2 if anything does.
pub fn plan(module: &str, file: &str) -> Vec<String> {
    args(module, "plan", &[PATIENCE, "-detailed-exitcode", &format!("-out={file}")])
}

/// Plans to destroy everything in the module.
pub fn plan_destroy(module: &str, file: &str) -> Vec<String> {
    args(module, "plan", &[PATIENCE, "-destroy", "-detailed-exitcode", &format!("-out={file}")])
}

/// Applies a plan file.
pub fn apply(module: &str, file: &str) -> Vec<String> {
    args(module, "apply", &[PATIENCE, file])
}

/// Plans only these addresses and what they need.
pub fn plan_only(module: &str, file: &str, addresses: &[String]) -> Vec<String> {
    let targets = addresses.iter().map(|address| format!("-target={address}"));
    plan(module, file).into_iter().chain(targets).collect()
}

/// Clears the mark that a resource was not created completely.
pub fn untaint(module: &str, address: &str) -> Vec<String> {
    bare(module, &["untaint", "-no-color", PATIENCE, address])
}

/// Stores the state in a file in the backend, which refuses one that is older than its own.
pub fn push(module: &str, file: &str) -> Vec<String> {
    bare(module, &["state", "push", PATIENCE, file])
}

/// Breaks the lock with this id.
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

/// The name of an apply in the journal.
pub const APPLY: &str = "terraform apply";
/// The name of a plan in the journal.
pub const PLAN: &str = "terraform plan";
/// The file of import blocks in the module's folder; it is removed once they are applied.
pub const IMPORTS: &str = "pgherd_import.tf";
/// The file in the module's folder to which Terraform writes a state that it cannot store.
pub const ERRORED: &str = "errored.tfstate";

/// Prints the outputs as JSON.
pub fn output(module: &str) -> Vec<String> {
    bare(module, &["output", "-json", "-no-color"])
}

/// The exit code of a plan that changes something.
pub const PLAN_HAS_CHANGES: i32 = 2;

/// Returns an output that maps machines to texts, from what [`output`] printed. Returns `None` if there is no such output, or if it holds
/// something else.
pub fn map_output(json: &str, name: &str) -> Option<BTreeMap<String, String>> {
    let mut outputs: serde_json::Value = serde_json::from_str(json).ok()?;
    serde_json::from_value(outputs.get_mut(name)?.get_mut("value")?.take()).ok()
}

/// Returns a string output from what [`output`] printed.
pub fn string_output(json: &str, name: &str) -> Option<String> {
    let outputs: serde_json::Value = serde_json::from_str(json).ok()?;
    Some(outputs.get(name)?.get("value")?.as_str()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_saved_and_exactly_that_is_applied() {
        let module = "network/terraform_network";
        assert_eq!(
            plan(module, "../x.tfplan").join(" "),
            "-chdir=network/terraform_network plan -input=false -no-color -json -lock-timeout=10s -detailed-exitcode -out=../x.tfplan"
        );
        assert_eq!(
            apply(module, "../x.tfplan").join(" "),
            "-chdir=network/terraform_network apply -input=false -no-color -json -lock-timeout=10s ../x.tfplan"
        );
        assert_eq!(init(module).join(" "), "-chdir=network/terraform_network init -input=false -no-color -json");
    }

    #[test]
    fn an_output_is_a_map_of_strings_or_nothing() {
        let json = r#"{"some":{"value":{"haproxy":"203.0.113.7","haproxy2":"203.0.113.8"}},"none":{"value":{}},
                       "other":{"value":{"haproxy":7}},"text":{"value":"203.0.113.7"}}"#;
        let of = |name| map_output(json, name).map(|map| map.into_iter().collect::<Vec<_>>());
        let own = |(name, address): (&str, &str)| (name.to_string(), address.to_string());
        assert_eq!(of("some"), Some([("haproxy", "203.0.113.7"), ("haproxy2", "203.0.113.8")].map(own).to_vec()));
        assert_eq!(of("none"), Some(vec![]));
        assert_eq!((of("other"), of("text"), of("missing")), (None, None, None));
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
