//! `deploy.sh`: the whole pipeline for a machine that has no pgherd.

use serde::Serialize;

use super::templates::add_rendered_as;
use crate::cluster::Cluster;
use crate::fileset::{FileSet, Mode};

/// Adds the script. It names the images that [`FileSet::images`] holds by now.
pub fn add(cluster: &Cluster, files: &mut FileSet) {
    let haproxy = cluster.haproxy_machine().address;
    let ports = &cluster.haproxy;
    let images: Vec<String> = files.images.iter().map(|image| format!("{}={}", image.role, image.name)).collect();
    let images: Vec<String> = images.iter().map(|image| quote(image)).collect();
    let values = [
        "# What the blueprint decided.".to_string(),
        format!("cluster={}", quote(&cluster.name)),
        format!("region={}", quote(&cluster.region)),
        format!("slaves={}", cluster.slaves().count()),
        format!("images=({})", images.join(" ")),
        format!("haproxy_address={haproxy}"),
        format!("write_port={} read_port={} admin_port={}", ports.write_port, ports.read_port, ports.stats.port),
    ];
    #[derive(Serialize)]
    struct Context {
        values: String,
    }
    add_rendered_as(cluster, files, "deploy.sh", Mode::Executable, Context { values: values.join("\n") });
}

/// A word that the shell takes as it stands.
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
