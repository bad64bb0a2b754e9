//! `deploy.sh`, the whole pipeline for a machine without pgherd.

use std::collections::BTreeMap;

use serde::Serialize;

use super::templates::add_rendered_as;
use super::terraform::machine::names;
use crate::cluster::{Cluster, Module, State};
use crate::fileset::{FileSet, Mode};

/// Adds the script. It needs the images of [`FileSet::images`] and the files of modules in `files`.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let admin = cluster.admin_endpoint();
    let ports = &cluster.haproxy;
    let images: Vec<String> = files.images.iter().map(|image| format!("{}={}", image.role, image.name)).collect();
    let images: Vec<String> = images.iter().map(|image| quote(image)).collect();
    let haproxies: Vec<String> = cluster.balancers().map(|m| quote(&format!("{}={}", m.name, m.address))).collect();
    let values = [
        "# The blueprint's values.".to_string(),
        format!("cluster={}", quote(&cluster.name)),
        format!("region={}", quote(&cluster.region)),
        format!("slaves={}", cluster.slaves().count()),
        format!("databases={}", quote(&names(cluster.databases()))),
        format!("etcd={}", quote(&names(cluster.etcd_members()))),
        format!("images=({})", images.join(" ")),
        "# Each HAProxy's name and private address.".to_string(),
        format!("haproxies=({})", haproxies.join(" ")),
        format!("modules=(\n{})", modules(files)),
        format!("states={}", quote(&states(cluster))),
        format!("write_port={} read_port={}", ports.write_port, ports.read_port),
        format!("admin_scheme={} admin_port={}", admin.scheme.name(), admin.port),
    ];
    #[derive(Serialize)]
    struct DeployContext {
        values: String,
        /// The folder of each module, by its stage.
        folder: BTreeMap<&'static str, &'static str>,
    }
    let folder = Module::ALL.into_iter().map(|module| (module.stage(), module.folder())).collect();
    add_rendered_as(cluster, files, "deploy.sh", Mode::Executable, DeployContext { values: values.join("\n"), folder });
}

/// Returns the files of Terraform's modules, one line per module.
fn modules(files: &FileSet) -> String {
    let mut modules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, _) in files.iter() {
        let parts = path.as_str().rsplit_once('/').and_then(|(dir, name)| Some((dir, name.strip_suffix(".tf")?)));
        if let Some((dir, name)) = parts {
            modules.entry(dir).or_default().push(name);
        }
    }
    modules.iter().map(|(dir, names)| format!("  {dir}/{{{}}}.tf\n", names.join(","))).collect()
}

/// Returns the place in S3 of the states, each named `<module>.tfstate`; an empty text if they are beside the modules.
fn states(cluster: &Cluster) -> String {
    let State::S3 { bucket, key_prefix, .. } = &cluster.blueprint.state else { return String::new() };
    format!("s3://{bucket}/{}", cluster.state_folder(key_prefix))
}

/// Quotes a word for the shell if it needs that.
pub(super) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn words_stay_words() {
        assert_eq!(quote("herd-master=a/b.c"), "herd-master=a/b.c");
        assert_eq!(quote("a b'$(c)"), r"'a b'\''$(c)'");
        assert_eq!(quote(""), "''");
    }
}
