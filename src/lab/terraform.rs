//! Gives Terraform its provider without the internet.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::paths;
use super::tool::HostTools;
use crate::system::files;

/// Programs that can be Terraform, the preferred one first, each with its registry. A mirror has a folder with the registry's name.
const PROGRAMS: [(&str, &str); 2] = [("terraform", "registry.terraform.io"), ("tofu", "registry.opentofu.org")];

/// Returns the path of the lab's CLI configuration.
pub fn config() -> PathBuf {
    paths::state().join("terraform.rc")
}

/// Writes a CLI configuration that uses a mirror of providers on this machine, if there is one.
pub fn configure_found(tools: HostTools<'_>) -> Result<()> {
    match find(tools, program(tools).1) {
        Some(mirror) => write(&mirror),
        None => Ok(()),
    }
}

/// Writes a CLI configuration that uses a mirror of providers on this machine. If there is none, it makes one first, through the
/// host's network, with what the module in `module` requires.
pub fn configure(tools: HostTools<'_>, module: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    let (program, registry) = program(tools);
    if find(tools, registry).is_none() {
        let mirror = paths::cached_providers();
        say("caching the AWS provider (once)");
        files::make_dirs(&mirror)?;
        let (module, mirror) = (format!("-chdir={}", module.display()), mirror.display().to_string());
        tools.run(&["env", "CHECKPOINT_DISABLE=1", program, &module, "providers", "mirror", &mirror])?;
    }
    configure_found(tools)
}

/// Returns this machine's Terraform program and its registry.
fn program(tools: HostTools<'_>) -> (&'static str, &'static str) {
    *PROGRAMS.iter().find(|(program, _)| tools.context.find_program(program).is_some()).unwrap_or(&PROGRAMS[0])
}

fn write(mirror: &Path) -> Result<()> {
    let text = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n\ndisable_checkpoint = true\n",
        mirror.display()
    );
    Ok(files::write(&config(), text.as_bytes())?)
}

/// Returns a mirror with the AWS provider: the cache, one where Terraform looks by itself, or one just below the usual places.
fn find(tools: HostTools<'_>, registry: &str) -> Option<PathBuf> {
    let mut places = vec![paths::cached_providers()];
    if let Some(home) = tools.context.var("HOME") {
        places.push(Path::new(home).join(".terraform.d/plugins"));
        places.push(Path::new(home).join(".local/share/terraform/plugins"));
    }
    for place in
        ["/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "/opt", "/usr/local/share", "/usr/share"]
    {
        let place = PathBuf::from(place);
        let below =
            files::list(&place).unwrap_or_default().into_iter().map(|name| place.join(name)).collect::<Vec<_>>();
        places.push(place);
        places.extend(below);
    }
    places.into_iter().find(|place| files::exists(&place.join(registry).join("hashicorp/aws")))
}
