//! The lab as a target of a pipeline.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::network::{self, METADATA_ADDRESS, NAMESPACE};
use super::tool::HostTools;
use super::{base, ec2, iam, mirrors, paths, store, terraform};
use crate::cluster::{Cluster, Module, State};
use crate::pipeline::{Advice, Platform, Target};
use crate::system::files::{self, FileKind};

/// Prepares the lab for a cluster: its base image, its files and the routes to its addresses. Returns the target for the pipeline.
///
/// `generated` is the cluster's folder as `gen` wrote it. The tools run in a copy, so that their files stay in the lab.
///
/// `policies` are the IAM policies of the user that runs the pipeline.
pub fn prepare(
    tools: HostTools<'_>,
    cluster: &Cluster,
    generated: &Path,
    policies: &[String],
    say: &mut dyn FnMut(&str),
) -> Result<Target> {
    ensure!(super::is_up(), super::NOT_UP);
    let Some(mirrors) = mirrors::debian(&mirrors::read()?) else {
        bail!("this host no longer has a Debian mirror in /etc/apt")
    };
    let base = cluster.base.base;
    if !base::BASES.contains(&base) {
        let names: Vec<_> = base::BASES.iter().map(|base| base.name()).collect();
        bail!("the lab has no image of {}. Set image.base to {}", base.name(), names.join(" or "));
    }
    if cluster.nlb_name().is_some() && tools.context.find_program("haproxy").is_none() {
        bail!("the lab plays the network load balancer with HAProxy, which is missing: apt-get install haproxy");
    }
    base::ensure(tools, base, &mirrors, say)?;
    let root = paths::cluster(&cluster.name);
    sync(generated, &root)?;
    files::make_dirs(&root.join(".pgherd"))?;
    files::set_mode(&root.join(".pgherd"), 0o700)?;
    terraform::configure(tools, &root.join(Module::Network.folder()), say)?;
    files::make_dirs(&paths::cached_packer())?;
    files::write(&paths::regions().join(&cluster.region), b"")?;
    if let State::S3 { bucket, region, .. } = &cluster.blueprint.state {
        make_bucket(tools, bucket, region)?;
    }
    iam::make_runner(&cluster.region, &cluster.name, policies)?;
    for machine in &cluster.machines {
        network::route_from_host(tools, machine.address)?;
    }
    describe(cluster)
}

/// Returns the target without preparing anything. If moto is down, ids that only moto knows are placeholders.
pub fn describe(cluster: &Cluster) -> Result<Target> {
    let subnet = if super::is_up() { Some(ec2::default_subnet(&cluster.region)?) } else { None };
    let (vpc, subnet) = subnet.unwrap_or_else(|| ("VPC".to_string(), "SUBNET".to_string()));
    let var = |name: &str, value: &str| (name.to_string(), value.to_string());
    Ok(Target {
        platform: Platform::Lab,
        root: paths::cluster(&cluster.name),
        command_prefix: ["ip", "netns", "exec", NAMESPACE].map(str::to_string).to_vec(),
        environment: of_runner(cluster),
        packer_vars: BTreeMap::from([
            var("endpoint", &endpoint()),
            var("region", &cluster.region),
            var("ssh_interface", "private_ip"),
            var("vpc_id", &vpc),
            var("subnet_id", &subnet),
        ]),
        private_addresses: true,
        advice: advice(),
    })
}

/// Makes the bucket for Terraform's state. On AWS it must exist before the cluster.
fn make_bucket(tools: HostTools<'_>, bucket: &str, region: &str) -> Result<()> {
    let aws = |words: &[&str]| {
        let argv = super::outer(region).chain(["aws", "s3api"].map(str::to_string));
        tools.run(&argv.chain(words.iter().map(|word| word.to_string())).collect::<Vec<_>>())
    };
    if aws(&["head-bucket", "--bucket", bucket]).is_err() {
        let place = format!("LocationConstraint={region}");
        let elsewhere = ["--create-bucket-configuration", place.as_str()];
        // S3 does not accept a location constraint for us-east-1.
        let place = if region == "us-east-1" { &[][..] } else { &elsewhere[..] };
        aws(&[&["create-bucket", "--bucket", bucket], place].concat())?;
    }
    Ok(())
}

/// Returns moto's URL, seen from its own namespace and from every machine.
fn endpoint() -> String {
    format!("http://{METADATA_ADDRESS}")
}

/// Returns the variables that point a cluster's tools to moto, as the user with the cluster's policy.
fn of_runner(cluster: &Cluster) -> BTreeMap<String, String> {
    let mut environment = environment(&cluster.region);
    environment.retain(|name, _| !["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].contains(&name.as_str()));
    let credentials = paths::credentials(&cluster.name).display().to_string();
    environment.insert("AWS_SHARED_CREDENTIALS_FILE".into(), credentials);
    environment
}

/// Returns the variables that point the tools to moto, as the account's root user, which no policy restricts.
pub fn environment(region: &str) -> BTreeMap<String, String> {
    let path = |path: &Path| path.display().to_string();
    BTreeMap::from(
        [
            ("AWS_ENDPOINT_URL", endpoint()),
            // They open nothing but moto.
            ("AWS_ACCESS_KEY_ID", iam::ROOT.into()),
            ("AWS_SECRET_ACCESS_KEY", iam::ROOT.into()),
            ("AWS_REGION", region.into()),
            ("AWS_DEFAULT_REGION", region.into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("AWS_CONFIG_FILE", "/dev/null".into()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
            // moto is never behind the user's proxy.
            ("NO_PROXY", "*".into()),
            ("no_proxy", "*".into()),
            // Packer and Terraform would look for new versions on the internet.
            ("CHECKPOINT_DISABLE", "1".into()),
            ("TF_CLI_CONFIG_FILE", path(&terraform::config())),
            ("PACKER_CACHE_DIR", path(&paths::cached_packer())),
            ("TMPDIR", path(&paths::temporary())),
        ]
        .map(|(name, value)| (name.to_string(), value)),
    )
}

/// Updates the copy of a cluster's files. What the tools left beside them stays.
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
            Some(FileKind::Directory) => copy(from, to, &path, copied)?,
            Some(FileKind::File { executable }) => {
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

/// Returns whether the tools left a file for the cluster on AWS: it is not part of the generated files.
fn is_left_by_tools(name: &str) -> bool {
    let whole = [".terraform", ".terraform.lock.hcl", ".pgherd", "packer_cache"];
    whole.contains(&name) || name.contains(".tfstate") || name.ends_with(".tfplan") || name.starts_with("manifest-")
}

/// Returns what a person can do in the lab.
fn advice() -> Advice {
    Advice {
        unreachable: "in the lab, only this machine can reach HAProxy, and only while HAProxy's machine is running. `pgherd lab ps` lists the \
                      machines, `pgherd lab start haproxy` boots it, and `pgherd run --target lab` creates what is missing"
            .into(),
        stranger: "the lab has one network, and both clusters use the same addresses. Destroy the other one (`pgherd destroy`, or \
                   `pgherd lab down` for all), or give each cluster its own network.cidr"
            .into(),
        look: "`pgherd lab shell MACHINE -- journalctl -u patroni -u etcd` shows why".into(),
        revive: "`pgherd lab ps` shows whether it is switched on, `pgherd lab start {machine}` switches it on, and \
                 `pgherd lab shell {machine} -- journalctl {units}` shows its log"
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_about_the_lab() {
        let Advice { unreachable, stranger, look, revive } = advice();
        for text in [unreachable, stranger, look, revive] {
            assert!(text.contains("pgherd lab"), "{text}");
            for elsewhere in ["VPN", "elastic_ip", "ec2"] {
                assert!(!text.contains(elsewhere), "there is no {elsewhere} in the lab: {text}");
            }
        }
    }
}
