//! What lies in a module's folder, is read by Terraform, and was not generated: it changes what the generated files mean.

use std::path::Path;

use crate::fileset::FileSet;
use crate::pipeline::Pipeline;
use crate::system::files;
use crate::tools::terraform;

/// Something of that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Its path in the cluster's folder.
    pub path: String,
    /// What it does.
    pub kind: Kind,
}

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It changes resources of the generated files, without a trace in them
    /// (<https://developer.hashicorp.com/terraform/language/files/override>).
    Override,
    /// It sets variables (<https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files>).
    Values,
    /// It adds to the module.
    Addition,
    /// It chooses another workspace than `default`, and with it another state.
    Workspace,
}

impl Kind {
    /// Whether nothing is run while it is there.
    pub fn is_refused(self) -> bool {
        matches!(self, Kind::Override | Kind::Workspace)
    }
}

impl Stray {
    /// What it does and, where it is refused, what to do.
    pub fn story(&self) -> String {
        let path = &self.path;
        match self.kind {
            Kind::Override => {
                format!("{path} overrides what pgherd generated: change the blueprint instead, and move this file away")
            }
            Kind::Workspace => format!(
                "{path} chooses another workspace, and with it another state than the cluster's own: \
                 `terraform workspace select default` in its module's folder, or remove the file"
            ),
            Kind::Values => format!("{path} was not generated; Terraform takes values of variables from it"),
            Kind::Addition => format!("{path} was not generated; Terraform reads it as part of the module"),
        }
    }
}

/// Where Terraform notes the workspace that was chosen.
const WORKSPACE: &str = ".terraform/environment";

/// Finds all of it, in the folders of the pipeline's modules below `root`.
pub fn find(root: &Path, pipeline: &Pipeline, generated: &FileSet) -> Vec<Stray> {
    let mut strays = vec![];
    for (_, module) in pipeline.modules() {
        let dir = root.join(&module.dir);
        for name in files::list(&dir).unwrap_or_default() {
            let path = format!("{}/{name}", module.dir);
            let Some(kind) = kind(&name) else { continue };
            if generated.get(&path).is_none() {
                strays.push(Stray { path, kind });
            }
        }
        let chosen = files::read_text(&dir.join(WORKSPACE)).ok().flatten().unwrap_or_default();
        if !matches!(chosen.trim(), "" | "default") {
            strays.push(Stray { path: format!("{}/{WORKSPACE}", module.dir), kind: Kind::Workspace });
        }
    }
    strays
}

/// What a file of this name does in a module's folder; none where Terraform and OpenTofu do not read it.
fn kind(name: &str) -> Option<Kind> {
    // Editors' leavings, which neither reads.
    if name.starts_with('.') || name.ends_with('~') || name.starts_with('#') || name == terraform::IMPORTS {
        return None;
    }
    let name = name.strip_suffix(".json").unwrap_or(name);
    if name == "terraform.tfvars" || name.ends_with(".auto.tfvars") {
        return Some(Kind::Values);
    }
    let stem = name.strip_suffix(".tf").or(name.strip_suffix(".tofu"))?;
    Some(if stem == "override" || stem.ends_with("_override") { Kind::Override } else { Kind::Addition })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_does_is_told_by_its_name() {
        for (name, expected) in [
            ("override.tf", Some(Kind::Override)),
            ("dba_override.tf.json", Some(Kind::Override)),
            ("more_override.tofu", Some(Kind::Override)),
            ("terraform.tfvars", Some(Kind::Values)),
            ("x.auto.tfvars.json", Some(Kind::Values)),
            ("alarms.tf", Some(Kind::Addition)),
            ("alarms.tf.json", Some(Kind::Addition)),
            ("x.tfvars", None),
            ("terraform.tfstate", None),
            ("pgherd_import.tf", None),
            (".#main.tf", None),
            ("main.tf~", None),
            ("package.json", None),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
