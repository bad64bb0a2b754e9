//! The lab as a place to run a pipeline.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::network::{self, METADATA_ADDRESS, NAMESPACE};
use super::tool::Tools;
use super::{base, ec2, mirrors, paths, store, terraform};
use crate::cluster::Cluster;
use crate::pipeline::target::Target;
use crate::system::files::{self, Kind};

/// Prepares the lab for a cluster (its base image, its files, the way to its addresses) and describes it to the pipeline.
///
/// `generated` is the cluster's folder as `gen` wrote it. The tools run in a copy, so that what they leave there is the lab's.
pub fn prepare(tools: Tools<'_>, cluster: &Cluster, generated: &Path, say: &mut dyn FnMut(&str)) -> Result<Target> {
    ensure!(super::is_up(), "the lab is not up: pgherd lab up");
    let Some(mirrors) = mirrors::debian(&mirrors::read()?) else { bail!("this host has no Debian mirror any more") };
    let base = cluster.base.base;
    if !base::BASES.contains(&base) {
        let names: Vec<_> = base::BASES.iter().map(|base| base.name()).collect();
        bail!("the lab has no image of {}: image.base may be {} there", base.name(), names.join(" or "));
    }
    base::ensure(tools, base, &mirrors, say)?;
    let root = paths::cluster(&cluster.name);
    sync(generated, &root)?;
    terraform::configure(tools, &root.join("network/terraform_network"), say)?;
    for dir in [paths::temporary(), paths::cached_packer(), paths::regions()] {
        files::make_dirs(&dir)?;
    }
    files::write(&paths::regions().join(&cluster.region), b"")?;
    for machine in &cluster.machines {
        network::route_from_host(tools, machine.address)?;
    }
    let (vpc, subnet) = ec2::default_subnet(&cluster.region)?;
    let text =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<BTreeMap<_, _>>();
    let endpoint = format!("http://{METADATA_ADDRESS}");
    let mut environment = text(&[
        ("AWS_ENDPOINT_URL", &endpoint),
        // moto takes any; they open nothing.
        ("AWS_ACCESS_KEY_ID", "lab"),
        ("AWS_SECRET_ACCESS_KEY", "lab"),
        ("AWS_REGION", &cluster.region),
        ("AWS_DEFAULT_REGION", &cluster.region),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("CHECKPOINT_DISABLE", "1"),
        // Two thirds of the provider's time goes into collecting garbage at its start.
        ("GOGC", "400"),
    ]);
    let path = |name: &str, path: &Path| (name.to_string(), path.display().to_string());
    environment.extend([
        path("TF_CLI_CONFIG_FILE", &terraform::config()),
        path("PACKER_CACHE_DIR", &paths::cached_packer()),
        path("TMPDIR", &paths::temporary()),
    ]);
    Ok(Target {
        name: "lab".to_string(),
        root,
        command_prefix: ["ip", "netns", "exec", NAMESPACE].map(str::to_string).to_vec(),
        environment,
        packer_vars: text(&[
            ("endpoint", &endpoint),
            ("region", &cluster.region),
            ("ssh_interface", "private_ip"),
            ("vpc_id", &vpc),
            ("subnet_id", &subnet),
        ]),
        private_addresses: true,
    })
}

/// Makes the copy of a cluster's files what the files are; what the tools left beside them stays.
fn sync(from: &Path, to: &Path) -> Result<()> {
    let list = to.join(".synced");
    let before: Vec<String> = store::load(&list)?.unwrap_or_default();
    let mut now = vec![];
    copy(from, to, "", &mut now)?;
    for gone in before.iter().filter(|path| !now.contains(path)) {
        files::remove(&to.join(gone))?;
    }
    store::save(&list, &now)
}

fn copy(from: &Path, to: &Path, below: &str, copied: &mut Vec<String>) -> Result<()> {
    files::make_dirs(&to.join(below))?;
    for name in files::list(&from.join(below))? {
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        match files::kind(&from.join(&path))? {
            _ if is_left_by_tools(&name) => {}
            Some(Kind::Directory) => copy(from, to, &path, copied)?,
            Some(Kind::File { executable }) => {
                let bytes = files::read(&from.join(&path))?.unwrap_or_default();
                if files::read(&to.join(&path))?.as_deref() != Some(&bytes) {
                    let temporary = to.join(format!("{path}.new"));
                    files::replace(&to.join(&path), &temporary, &bytes, if executable { 0o755 } else { 0o644 })?;
                }
                copied.push(path);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a file belongs to the AWS cluster of these files, not to the files.
fn is_left_by_tools(name: &str) -> bool {
    let whole = [".terraform", ".terraform.lock.hcl", ".pgherd", "packer_cache"];
    whole.contains(&name) || name.contains(".tfstate") || name.ends_with(".tfplan") || name.starts_with("manifest-")
}
