//! Checks what the lab needs from its host.

use std::fmt;

use super::mirrors;
use crate::system::Context;
use crate::system::files;
use crate::system::host::tree;

/// Programs, each with its package on Debian and Ubuntu.
const PROGRAMS: [(&str, &str); 13] = [
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("mount", "mount"),
    ("mkfs.ext4", "e2fsprogs"),
    ("setsid", "util-linux"),
    ("nsenter", "util-linux"),
    ("chroot", "coreutils"),
    ("sysctl", "procps"),
    ("useradd", "passwd"),
    ("debootstrap", "debootstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("tinyproxy", "tinyproxy-bin"),
    ("packer", "packer"),
];

const PYTHON: &str =
    "`make setup` installs it in .venv, then PATH=$PWD/.venv/bin:$PATH (or pip install -r src/lab/requirements.txt)";

/// Programs that are in no Debian package, and how to get them.
const OTHERS: [(&str, &str); 3] =
    [("terraform", "install terraform or tofu, 1.11 or newer"), ("moto_server", PYTHON), ("aws", PYTHON)];

/// Why the lab needs root.
pub const ROOT: &str = "the lab creates namespaces, mounts and machines: run it as root";

/// Everything that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(pub Vec<String>);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the lab cannot run here:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  - {line}"))
    }
}

impl std::error::Error for Missing {}

/// Checks everything. The error names all that is missing.
pub fn check(context: &Context) -> Result<(), Missing> {
    let mut missing = vec![];
    if !cfg!(target_os = "linux") {
        missing.push("it needs Linux".to_string());
    } else if !tree::is_root() {
        missing.push(ROOT.to_string());
    }
    let mut packages: Vec<&str> = vec![];
    for (program, package) in PROGRAMS {
        if context.find_program(program).is_none() && !packages.contains(&package) {
            packages.push(package);
        }
    }
    if !files::exists("/usr/share/keyrings/debian-archive-keyring.gpg".as_ref()) {
        packages.push("debian-archive-keyring");
    }
    if !packages.is_empty() {
        missing.push(format!("programs are missing: apt-get install {}", packages.join(" ")));
    }
    for (program, how) in OTHERS {
        let serves = |name| context.find_program(name).is_some();
        if !serves(program) && (program != "terraform" || !serves("tofu")) {
            missing.push(format!("{program} is missing: {how}"));
        }
    }
    if mirrors::read().ok().and_then(|sources| mirrors::debian(&sources)).is_none() {
        missing.push(
            "this host's package sources (/etc/apt) have no Debian mirror: add one, because the lab's machines run Debian"
                .into(),
        );
    }
    let filesystems = files::read_text("/proc/filesystems".as_ref()).ok().flatten().unwrap_or_default();
    let modules = files::exists("/sys/module/overlay".as_ref()) || context.find_program("modprobe").is_some();
    if !filesystems.contains("overlay") && !modules {
        missing.push("the kernel has no overlay filesystem".to_string());
    }
    if !files::exists("/dev/loop-control".as_ref()) && context.find_program("modprobe").is_none() {
        missing.push("the kernel has no loop devices, which the machines' disks need".to_string());
    }
    if missing.is_empty() { Ok(()) } else { Err(Missing(missing)) }
}
