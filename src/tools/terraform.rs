//! Terraform, or OpenTofu: they take the same arguments.

use super::Version;

/// The program, and the one that stands in for it.
pub const PROGRAMS: [&str; 2] = ["terraform", "tofu"];
/// Ephemeral values, write-only arguments and S3's own lock file need it.
pub const OLDEST: Version = Version::of(1, 11, 0);

/// What `init` writes into a module: the providers' versions and checksums.
pub const LOCK_FILE: &str = ".terraform.lock.hcl";
/// Where providers are kept for all modules.
pub const PLUGIN_CACHE: &str = "TF_PLUGIN_CACHE_DIR";
/// The file of the user's own settings.
pub const CLI_CONFIG: &str = "TF_CLI_CONFIG_FILE";
/// Where that file is in the home folder, of the one program and of the other.
pub const CLI_CONFIGS: [&str; 2] = [".terraformrc", ".tofurc"];

/// What the long commands print is read by [`super::terraform_ui`]. `-no-color` is for what Terraform prints before it heeds `-json`.
fn args(module: &str, verb: &str, more: &[&str]) -> Vec<String> {
    bare(module, &[&[verb, "-input=false", "-no-color", "-json"], more].concat())
}

/// How long one command waits for another's lock on the same state.
const PATIENCE: &str = "-lock-timeout=10s";

/// Gets the module's providers and opens its backend.
pub fn init(module: &str) -> Vec<String> {
    args(module, "init", &[])
}

/// Plans into a file, whose path is relative to the module. It exits with 0 for no change, 2 for changes.
pub fn plan(module: &str, file: &str) -> Vec<String> {
    args(module, "plan", &[PATIENCE, "-detailed-exitcode", &format!("-out={file}")])
}

/// Plans the end of everything in the module.
pub fn plan_destroy(module: &str, file: &str) -> Vec<String> {
    args(module, "plan", &[PATIENCE, "-destroy", "-detailed-exitcode", &format!("-out={file}")])
}

/// Does exactly what a plan file says.
pub fn apply(module: &str, file: &str) -> Vec<String> {
    args(module, "apply", &[PATIENCE, file])
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
    fn an_output_is_a_string_or_nothing() {
        let json =
            r#"{"public_address":{"sensitive":false,"type":"string","value":"203.0.113.7"},"none":{"value":null}}"#;
        assert_eq!(string_output(json, "public_address").as_deref(), Some("203.0.113.7"));
        assert_eq!(string_output(json, "none"), None);
        assert_eq!(string_output("{}", "public_address"), None);
    }
}
