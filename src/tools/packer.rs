//! Packer.

use std::collections::BTreeMap;

use super::Version;

/// The program.
pub const PROGRAM: &str = "packer";
/// Legacy JSON templates with what ours use run from here on.
pub const OLDEST: Version = Version(1, 6, 0);
/// From here on `packer plugins` exists. Before 1.11 the amazon plugin is bundled, from then on it has to be installed
/// (<https://github.com/hashicorp/packer/blob/main/CHANGELOG.md>).
pub const PLUGINS_SINCE: Version = Version(1, 8, 0);
/// The plugin our templates need.
const AMAZON: &str = "github.com/hashicorp/amazon";

/// What the journal calls a build.
pub const BUILD: &str = "packer build";

/// `packer build`; on an error Packer takes its builder down and leaves nothing that costs money.
pub fn build(template: &str, vars: &BTreeMap<String, String>) -> Vec<String> {
    build_with(&[], template, vars)
}

/// The same, in place of an image of that name, which goes when the new one is nearly there
/// (<https://developer.hashicorp.com/packer/docs/commands/build#force>).
pub fn rebuild(template: &str, vars: &BTreeMap<String, String>) -> Vec<String> {
    build_with(&["-force"], template, vars)
}

/// What stands in the line of a build in which its provisioner tells what it has installed (`record_image` in common.sh).
pub const VERSIONS: &str = ": versions: ";

/// How the line begins in which Packer says at its end which image it has made. Its exit code does not tell: where the process that it
/// starts of itself is killed, the other one ends with 0 (seen with 1.6.6).
pub fn made(region: &str) -> String {
    format!("{region}: ami-")
}

fn build_with(flags: &[&str], template: &str, vars: &BTreeMap<String, String>) -> Vec<String> {
    let mut args = vec!["build".to_string(), "-color=false".into(), "-on-error=cleanup".into()];
    args.extend(flags.iter().map(|flag| flag.to_string()));
    for (name, value) in vars {
        args.extend(["-var".into(), format!("{name}={value}")]);
    }
    args.push(template.into());
    args
}

/// Lists the plugins that are there.
pub fn plugins_installed() -> Vec<String> {
    vec!["plugins".into(), "installed".into()]
}

/// Gets the amazon plugin.
pub fn plugins_install() -> Vec<String> {
    vec!["plugins".into(), "install".into(), AMAZON.into()]
}

/// Whether [`plugins_installed`] named the amazon plugin.
pub fn has_amazon(listed: &str) -> bool {
    listed.contains("packer-plugin-amazon")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_come_before_the_template() {
        let vars = BTreeMap::from([("subnet_id".to_string(), "subnet-1".to_string())]);
        let args = build("packer_templates/master_temp.json", &vars);
        assert_eq!(
            args.join(" "),
            "build -color=false -on-error=cleanup -var subnet_id=subnet-1 packer_templates/master_temp.json"
        );
    }
}
