//! Packer: its argument lists, and which builds of it work.

use std::collections::BTreeMap;

use memchr::memmem;
use serde_json::{Value, json};

use super::{Invocation, Version};

/// The program.
pub const PROGRAM: &str = "packer";
/// The oldest of HashiCorp's builds that works. Older ones sign with RSA keys and SHA-1, which the bases' SSH servers refuse
/// (<https://github.com/hashicorp/packer/blob/main/CHANGELOG.md#181-may-27-2022>). It has `packer plugins`, too.
pub const OLDEST: Version = Version::of(1, 8, 1);
/// The version of Debian's and Ubuntu's own package, the first with gp3. Debian 12 builds it with an SSH library of 2022, which signs
/// with SHA-2; older releases and HashiCorp's build of the same version do not.
pub const REBUILT: Version = Version::of(1, 6, 6);
/// The name of an SSH extension (RFC 8308). A program that contains it has an SSH library (golang.org/x/crypto) that signs with SHA-2:
/// both came with <https://github.com/golang/crypto/commit/5d542ad>.
const SIGNS_WITH_SHA2: &[u8] = b"server-sig-algs";
/// The oldest plugin whose SSH library signs with SHA-2: it is the plugin that connects
/// (<https://github.com/hashicorp/packer-plugin-amazon/releases/tag/v1.1.0>).
const OLDEST_PLUGIN: Version = Version::of(1, 1, 0);

/// The kinds of Packer that differ in what they support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// From [`OLDEST`] on. The amazon plugin may have to be installed (from 1.10 on it is not bundled), and builders can require tokens
    /// at the metadata service.
    Released,
    /// [`REBUILT`]. The amazon builder is part of it.
    Rebuilt,
}

/// Returns the edition of a Packer, from its version and, if that does not tell, from the bytes of its program.
///
/// # Errors
/// If the templates do not work with it, with the reason.
pub fn edition(version: Version, program: impl FnOnce() -> Option<Vec<u8>>) -> Result<Edition, String> {
    match version.older_than(OLDEST) {
        None => return Ok(Edition::Released),
        Some(older) if version != REBUILT => return Err(older),
        Some(_) => {}
    }
    let signs = |program: Vec<u8>| memmem::find(&program, SIGNS_WITH_SHA2).is_some();
    match program().map(signs) {
        Some(true) => Ok(Edition::Rebuilt),
        Some(false) => Err("signs with SHA-1, which the machines' SSH servers refuse".into()),
        None => Err("cannot be read, so it may sign with SHA-1, which the machines' SSH servers refuse".into()),
    }
}

/// The plugin that the templates need.
const AMAZON: &str = "github.com/hashicorp/amazon";

/// The name of a build in the journal.
pub const BUILD: &str = "packer build";

/// Builds an image. On an error Packer removes its builder and leaves nothing that costs money.
pub fn build(template: &str, vars: &BTreeMap<String, String>) -> Vec<String> {
    build_with(&[], template, vars)
}

/// Builds an image in place of one of the same name, which Packer deletes when the new one is nearly complete
/// (<https://developer.hashicorp.com/packer/docs/commands/build#force>).
pub fn rebuild(template: &str, vars: &BTreeMap<String, String>) -> Vec<String> {
    build_with(&["-force"], template, vars)
}

/// The text in the line of a build that lists the versions of what was installed (`record_image` in common.sh).
pub const VERSIONS: &str = ": versions: ";

/// Returns the begin of the line in which Packer names the image that it has built. Its exit code is no proof: if its child process is
/// killed, the parent exits with code 0 (seen with 1.6.6).
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

/// Lists the installed plugins.
pub fn plugins_installed() -> Vec<String> {
    vec!["plugins".into(), "installed".into()]
}

/// Installs the amazon plugin.
pub fn plugins_install() -> Vec<String> {
    vec!["plugins".into(), "install".into(), AMAZON.into()]
}

/// Returns whether [`plugins_installed`] listed an amazon plugin that works. Packer uses the newest.
pub fn has_amazon(listed: &str) -> bool {
    let versions = listed.lines().filter_map(|line| Version::find(line.rsplit_once("packer-plugin-amazon_v")?.1));
    versions.max().is_some_and(|newest| newest >= OLDEST_PLUGIN)
}

/// Returns the template for an [`Edition::Released`]: the builder's metadata service requires a token (IMDSv2), as some accounts demand
/// of every instance. Packer 1.6 rejects a template with that option.
///
/// # Errors
/// If the template is not JSON with builders.
pub fn require_tokens(template: &str) -> Result<String, String> {
    let mut template: Value = serde_json::from_str(template).map_err(|error| error.to_string())?;
    let builders = template["builders"].as_array_mut().ok_or("it has no builders")?;
    for builder in builders {
        builder["metadata_options"] =
            json!({ "http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1 });
    }
    Ok(format!("{template:#}\n"))
}

/// Returns the build with another template file.
pub fn with_template(build: &Invocation, template: &str) -> Invocation {
    let mut build = build.clone();
    build.args.pop();
    build.args.push(template.into());
    build
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

    #[test]
    fn what_signs_with_sha1_is_refused_and_what_is_not_known_too() {
        let knows = || Some(b"\x7fELF ext-info-c\0server-sig-algs\0".to_vec());
        let knows_not = || Some(b"\x7fELF rsa-sha2-256 ssh-rsa".to_vec());
        assert_eq!(edition(Version::of(1, 6, 6), knows), Ok(Edition::Rebuilt));
        assert!(edition(Version::of(1, 6, 6), knows_not).is_err_and(|why| why.starts_with("signs with SHA-1")));
        assert!(edition(Version::of(1, 6, 6), || None).is_err_and(|why| why.starts_with("cannot be read")));
        for version in [Version::of(1, 8, 1), Version::of(1, 10, 0), Version::of(1, 16, 0)] {
            assert_eq!(edition(version, || panic!("its version tells")), Ok(Edition::Released));
        }
        // No gp3; HashiCorp's between the two; there is no rebuild of those.
        for version in [Version::of(1, 6, 5), Version::of(1, 7, 10), Version::of(1, 8, 0)] {
            assert_eq!(edition(version, knows), Err("older than 1.8.1".into()));
        }
        let before = Version::find("Packer v1.8.1-dev").unwrap();
        assert_eq!(edition(before, knows), Err("older than 1.8.1 (it is a pre-release)".into()));
    }

    #[test]
    fn a_plugin_that_signs_with_sha1_is_no_plugin() {
        let path = |version: &str| {
            format!("/p/github.com/hashicorp/amazon/packer-plugin-amazon_v{version}_x5.0_linux_amd64\n")
        };
        assert!(!has_amazon("") && !has_amazon(&path("1.0.9")) && !has_amazon("packer-plugin-amazon"));
        assert!(has_amazon(&path("1.1.0")) && has_amazon(&(path("1.0.4") + &path("1.10.2"))));
    }

    #[test]
    fn only_the_builders_of_a_template_change() {
        let template = r#"{"variables": {"b": 1, "a": 2}, "builders": [{"type": "amazon-ebs", "region": "r"}]}"#;
        let strict = require_tokens(template).expect("a template");
        let mut value: Value = serde_json::from_str(&strict).expect("JSON");
        let options = value["builders"][0].as_object_mut().expect("a builder").remove("metadata_options");
        assert_eq!(options.expect("it has some")["http_tokens"], "required");
        assert_eq!(value, serde_json::from_str::<Value>(template).expect("JSON"));
        assert!(require_tokens("{}").is_err() && require_tokens("builders").is_err());
    }
}
