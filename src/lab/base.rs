//! Base root filesystems, in place of the distribution's AMIs. debootstrap makes them from the host's mirrors.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::mirrors::Mirrors;
use super::tool::HostTools;
use super::{paths, proxy};
use crate::cluster::{Arch, Base, BaseImage};
use crate::fileset::sha256_hex;
use crate::system::files;
use crate::system::host::{mount, tree};

/// The bases that the lab has.
pub const BASES: [Base; 2] = [Base::Debian13, Base::Debian12];

/// Packages of Debian's AMIs that provisioning needs and a minimal root filesystem lacks.
const PACKAGES: &str =
    "systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,ca-certificates,python3-minimal,procps,netbase,tzdata";

/// Version of the steps below. If it changes, cached bases are made again.
const RECIPE: u32 = 1;

/// Returns the name that the distribution's AMI would have.
pub fn ami_name(base: Base, arch: Arch) -> String {
    BaseImage::of(base).name_filter(arch).replace('*', "20251117-2299")
}

/// Returns where a base's root filesystem is, or will be.
pub fn root(base: Base) -> PathBuf {
    let codename = BaseImage::of(base).codename;
    let key = sha256_hex(format!("{RECIPE} {codename} {PACKAGES}").as_bytes());
    paths::cached_bases().join(format!("{codename}-{}", &key[..8])).join("root")
}

/// Makes a base, unless the cache has it.
pub fn ensure(tools: HostTools<'_>, base: Base, mirrors: &Mirrors, say: &mut dyn FnMut(&str)) -> Result<()> {
    let root = root(base);
    if files::exists(&root) {
        return Ok(());
    }
    let facts = BaseImage::of(base);
    say(&format!("building the base image of {} (once, under a minute)", facts.codename));
    let bases = paths::cached_bases();
    files::make_dirs(&bases)?;
    let dir = root.parent().context("a base has a folder")?;
    let new = bases.join(format!(".new-{}", facts.codename));
    discard(&new)?;
    let made = bootstrap(tools, facts, mirrors, &new.join("root"));
    if made.is_err() {
        discard(&new)?;
    }
    made.with_context(|| format!("cannot build the base image of {}", facts.codename))?;
    Ok(tree::rename(&new, dir)?)
}

/// Removes what an interrupted debootstrap left, with its mounts.
fn discard(new: &Path) -> Result<()> {
    for at in mount::below(new) {
        mount::detach(&at)?;
    }
    Ok(files::remove_tree(new)?)
}

fn bootstrap(tools: HostTools<'_>, base: BaseImage, mirrors: &Mirrors, root: &Path) -> Result<()> {
    files::make_dirs(root)?;
    let at = root.display().to_string();
    let mut argv = vec!["env".to_string()];
    argv.extend(proxy::of_host(tools).map(|proxy| format!("http_proxy=http://{proxy}")));
    argv.extend(["debootstrap", "--variant=minbase", "--force-check-gpg"].map(str::to_string));
    argv.extend([format!("--include={PACKAGES}"), base.codename.to_string(), at.clone(), mirrors.archive.clone()]);
    tools.run(&argv)?;
    // cloud-init makes this user on AWS.
    let user = base.ssh_user;
    tools.run(&["chroot", &at, "useradd", "--create-home", "--shell", "/bin/bash", "--groups", "adm,sudo", user])?;
    tree::put(root, "etc/sudoers.d/90-cloud-init-users", &format!("{user} ALL=(ALL) NOPASSWD:ALL\n"), 0o440)?;
    tree::put(root, "etc/ssh/sshd_config.d/60-cloudimg-settings.conf", "PasswordAuthentication no\n", 0o644)?;
    tree::put(root, "etc/default/locale", "LANG=C.UTF-8\n", 0o644)?;
    tree::put(root, "etc/resolv.conf", "# The lab has no name service.\n", 0o644)?;
    tree::put(root, "etc/apt/sources.list", "", 0o644)?;
    tree::put(root, "etc/apt/sources.list.d/debian.sources", &sources(base.codename, mirrors), 0o644)?;
    // Machines must not share these.
    tree::put(root, "etc/machine-id", "", 0o444)?;
    for dir in ["etc/ssh", "var/cache/apt/archives", "var/lib/apt/lists"] {
        let dir = root.join(dir);
        let throwaway =
            |name: &String| name.starts_with("ssh_host_") || name.ends_with(".deb") || name.contains("_dists_");
        for name in files::list(&dir)?.into_iter().filter(throwaway) {
            files::remove(&dir.join(name))?;
        }
    }
    Ok(())
}

fn sources(codename: &str, mirrors: &Mirrors) -> String {
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let paragraph = |uri: &str, suites: &str| {
        format!("Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {keyring}\n")
    };
    let mut text = paragraph(&mirrors.archive, &format!("{codename} {codename}-updates"));
    if let Some(uri) = &mirrors.security {
        text += &format!("\n{}", paragraph(uri, &format!("{codename}-security")));
    }
    text
}
