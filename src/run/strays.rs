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
    pub kind: StrayKind,
}

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrayKind {
    /// It changes resources of the generated files, without a trace in them
    /// (<https://developer.hashicorp.com/terraform/language/files/override>).
    Override,
    /// It sets variables (<https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files>).
    Values,
    /// It sets the image of the module's machines, or that cannot be told.
    Image,
    /// It adds to the module.
    Addition,
    /// It chooses another workspace than `default`, and with it another state.
    Workspace,
}

impl StrayKind {
    /// Whether nothing is run while it is there.
    pub fn is_refused(self) -> bool {
        matches!(self, StrayKind::Override | StrayKind::Workspace | StrayKind::Image)
    }
}

impl Stray {
    /// What it does and, where it is refused, what to do.
    pub fn story(&self) -> String {
        let path = &self.path;
        match self.kind {
            StrayKind::Override => {
                format!("{path} overrides what pgherd generated: change the blueprint instead, and move this file away")
            }
            StrayKind::Workspace => format!(
                "{path} chooses another workspace, and with it another state than the cluster's own: \
                 `terraform workspace select default` in its module's folder, or remove the file"
            ),
            StrayKind::Image => format!(
                "{path} sets ami_image_id, or cannot be read: machines would not boot from their role's image; take that line out, or \
                 pass -var=ami_image_id=… to one module by hand"
            ),
            StrayKind::Values => format!("{path} was not generated; Terraform takes values of variables from it"),
            StrayKind::Addition => format!("{path} was not generated; Terraform reads it as part of the module"),
        }
    }
}

/// The variable that gives machines another image than their role's.
const IMAGE: &str = "ami_image_id";
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
                let is_image =
                    kind == StrayKind::Values && sets_image(&name, files::read_text(&dir.join(&name)).ok().flatten());
                strays.push(Stray { path, kind: if is_image { StrayKind::Image } else { kind } });
            }
        }
        let chosen = files::read_text(&dir.join(WORKSPACE)).ok().flatten().unwrap_or_default();
        if !matches!(chosen.trim(), "" | "default") {
            strays.push(Stray { path: format!("{}/{WORKSPACE}", module.dir), kind: StrayKind::Workspace });
        }
    }
    strays
}

/// What a file of this name does in a module's folder; none where Terraform and OpenTofu do not read it.
fn kind(name: &str) -> Option<StrayKind> {
    // Editors' leavings, which neither reads.
    if name.starts_with('.') || name.ends_with('~') || name.starts_with('#') || name == terraform::IMPORTS {
        return None;
    }
    let name = name.strip_suffix(".json").unwrap_or(name);
    if name == "terraform.tfvars" || name.ends_with(".auto.tfvars") {
        return Some(StrayKind::Values);
    }
    let stem = name.strip_suffix(".tf").or(name.strip_suffix(".tofu"))?;
    Some(if stem == "override" || stem.ends_with("_override") { StrayKind::Override } else { StrayKind::Addition })
}

/// Whether a file of values sets `ami_image_id`; one that cannot be read might.
fn sets_image(name: &str, text: Option<String>) -> bool {
    let Some(text) = text else { return true };
    if name.ends_with(".json") {
        let values = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
        return values.map_or(true, |values| values.contains_key(IMAGE));
    }
    hcl::parse(&text).map_or(true, |body| body.attributes().any(|attribute| attribute.key() == IMAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_set_the_image_are_told_from_others() {
        for (name, text, expected) in [
            ("terraform.tfvars", "ami_image_id = \"ami-0\"\n", true),
            ("terraform.tfvars", "# not ami_image_id\nmaster_eip = \"\"\n", false),
            ("x.auto.tfvars.json", "{\"master_eip\": \"\", \"ami_image_id\": \"ami-0\"}", true),
            ("x.auto.tfvars.json", "{\"ami\\u005fimage_id\": \"ami-0\"}", true),
            ("x.auto.tfvars.json", "{\"master_eip\": \"\"}", false),
            ("terraform.tfvars", "torn = {", true),
        ] {
            assert_eq!(sets_image(name, Some(text.into())), expected, "{name}: {text}");
        }
        assert!(sets_image("terraform.tfvars", None));
    }

    #[test]
    fn what_a_file_does_is_told_by_its_name() {
        for (name, expected) in [
            ("override.tf", Some(StrayKind::Override)),
            ("dba_override.tf.json", Some(StrayKind::Override)),
            ("more_override.tofu", Some(StrayKind::Override)),
            ("terraform.tfvars", Some(StrayKind::Values)),
            ("x.auto.tfvars.json", Some(StrayKind::Values)),
            ("alarms.tf", Some(StrayKind::Addition)),
            ("alarms.tf.json", Some(StrayKind::Addition)),
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
