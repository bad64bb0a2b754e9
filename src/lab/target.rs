//! The lab as a place to run a pipeline.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::network::{self, METADATA_ADDRESS, NAMESPACE};
use super::tool::Tools;
use super::{base, ec2, iam, mirrors, paths, store, terraform};
use crate::cluster::{Cluster, Module, State};
use crate::pipeline::{Advice, Platform, Target};
use crate::system::files::{self, Kind};

/// Prepares the lab for a cluster (its base image, its files, the way to its addresses) and describes it to the pipeline.
///
/// `generated` is the cluster's folder as `gen` wrote it. The tools run in a copy, so that what they leave there is the lab's.
///
/// `policies` are what whoever runs the pipeline may do.
pub fn prepare(
    tools: Tools<'_>,
    cluster: &Cluster,
    generated: &Path,
    policies: &[String],
    say: &mut dyn FnMut(&str),
) -> Result<Target> {
    ensure!(super::is_up(), super::NOT_UP);
    let Some(mirrors) = mirrors::debian(&mirrors::read()?) else { bail!("this host has no Debian mirror any more") };
    let base = cluster.base.base;
    if !base::BASES.contains(&base) {
        let names: Vec<_> = base::BASES.iter().map(|base| base.name()).collect();
        bail!("the lab has no image of {}: image.base may be {} there", base.name(), names.join(" or "));
    }
    base::ensure(tools, base, &mirrors, say)?;
    let root = paths::cluster(&cluster.name);
    sync(generated, &root)?;
    files::make_dirs(&root.join(".pgherd"))?;
    files::set_mode(&root.join(".pgherd"), 0o700)?;
    terraform::configure(tools, &root.join(Module::Network.folder()), say)?;
    files::make_dirs(&paths::cached_packer())?;
    files::write(&paths::regions().join(&cluster.region), b"")?;
    if let State::S3 { bucket, region, .. } = &cluster.state {
        make_bucket(tools, bucket, region)?;
    }
    iam::make_runner(&cluster.region, &cluster.name, policies)?;
    for machine in &cluster.machines {
        network::route_from_host(tools, machine.address)?;
    }
    describe(cluster)
}

/// The lab as [`prepare`] describes it, with nothing done; without moto, what only it knows stays open.
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

/// Makes the bucket of Terraform's state, which on AWS is there before the cluster.
fn make_bucket(tools: Tools<'_>, bucket: &str, region: &str) -> Result<()> {
    let aws = |words: &[&str]| {
        let argv = super::outer(region).chain(["aws", "s3api"].map(str::to_string));
        tools.run(&argv.chain(words.iter().map(|word| word.to_string())).collect::<Vec<_>>())
    };
    if aws(&["head-bucket", "--bucket", bucket]).is_err() {
        let place = format!("LocationConstraint={region}");
        let elsewhere = ["--create-bucket-configuration", place.as_str()];
        // S3 takes no such word for the region that it began in.
        let place = if region == "us-east-1" { &[][..] } else { &elsewhere[..] };
        aws(&[&["create-bucket", "--bucket", bucket], place].concat())?;
    }
    Ok(())
}

/// Where moto is, seen from its own namespace and from every machine.
fn endpoint() -> String {
    format!("http://{METADATA_ADDRESS}")
}

/// What makes a cluster's tools take moto for AWS, and be whom its policy is for.
fn of_runner(cluster: &Cluster) -> BTreeMap<String, String> {
    let mut environment = environment(&cluster.region);
    environment.retain(|name, _| !["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].contains(&name.as_str()));
    let credentials = paths::credentials(&cluster.name).display().to_string();
    environment.insert("AWS_SHARED_CREDENTIALS_FILE".into(), credentials);
    environment
}

/// What makes the tools take moto for AWS, and be the lab itself: the account's root user, whom no policy binds.
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
            // What is asked here is never behind the user's proxy.
            ("NO_PROXY", "*".into()),
            ("no_proxy", "*".into()),
            // Both look for new versions of themselves on the internet.
            ("CHECKPOINT_DISABLE", "1".into()),
            ("TF_CLI_CONFIG_FILE", path(&terraform::config())),
            ("PACKER_CACHE_DIR", path(&paths::cached_packer())),
            ("TMPDIR", path(&paths::temporary())),
        ]
        .map(|(name, value)| (name.to_string(), value)),
    )
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

/// What a person does here.
fn advice() -> Advice {
    Advice {
        unreachable: "in the lab its address is reached from this machine alone, while it runs there: `pgherd lab ps` shows the machines, \
                      `pgherd lab start haproxy` switches it on, `pgherd run --target lab` makes what is missing"
            .into(),
        stranger: "the lab has one network, where both plan the same addresses: take the other one down (`pgherd destroy`, \
                   `pgherd lab down` for all), or give each a network.cidr of its own"
            .into(),
        look: "`pgherd lab shell MACHINE -- journalctl -u patroni -u etcd` says why".into(),
        revive: "`pgherd lab ps` shows whether it has power, `pgherd lab start {machine}` switches it on, \
                 `pgherd lab shell {machine} -- journalctl -u patroni -u etcd` says what it did"
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
