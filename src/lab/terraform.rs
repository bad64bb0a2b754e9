//! Terraform's provider without the internet.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::paths;
use super::tool::Tools;
use crate::system::files;

/// Programs that serve as Terraform, the preferred first, and the registry that each takes providers from; a mirror has a folder
/// of that name at its top.
const PROGRAMS: [(&str, &str); 2] = [("terraform", "registry.terraform.io"), ("tofu", "registry.opentofu.org")];

/// Where the lab's CLI configuration is.
pub fn config() -> PathBuf {
    paths::state().join("terraform.rc")
}

/// Writes a CLI configuration that takes providers from a mirror on this machine, if it has one.
pub fn configure_found(tools: Tools<'_>) -> Result<()> {
    match find(tools, program(tools).1) {
        Some(mirror) => write(&mirror),
        None => Ok(()),
    }
}

/// Writes a CLI configuration that takes providers from a mirror on this machine: its own, or one that is made here once, through
/// the host's network, for what the module in `module` requires.
pub fn configure(tools: Tools<'_>, module: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    let (program, registry) = program(tools);
    if find(tools, registry).is_none() {
        let mirror = paths::cached_providers();
        say("taking the AWS provider into the cache (once)");
        files::make_dirs(&mirror)?;
        let (module, mirror) = (format!("-chdir={}", module.display()), mirror.display().to_string());
        tools.run(&["env", "CHECKPOINT_DISABLE=1", program, &module, "providers", "mirror", &mirror])?;
    }
    configure_found(tools)
}

/// The program that serves as Terraform here, and its registry.
fn program(tools: Tools<'_>) -> (&'static str, &'static str) {
    *PROGRAMS.iter().find(|(program, _)| tools.context.find_program(program).is_some()).unwrap_or(&PROGRAMS[0])
}

fn write(mirror: &Path) -> Result<()> {
    let text = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n\ndisable_checkpoint = true\n",
        mirror.display()
    );
    Ok(files::write(&config(), text.as_bytes())?)
}

/// A mirror that holds the AWS provider: our own, one where Terraform looks by itself, or one just below the usual places.
fn find(tools: Tools<'_>, registry: &str) -> Option<PathBuf> {
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
