//! A machine of the lab: an instance that moto reports, booted by systemd-nspawn.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::tool::HostTools;
use super::volume::{self, Assigned, Attached};
use super::{disk, network, paths, proxy, store};
use crate::system::files;
use crate::system::host::daemon::{self, Process};
use crate::system::host::{cgroup, mount, tree};

/// The parent of the machines' control groups.
pub const CGROUP: &str = "pgherd-lab";

/// Files that the lab writes into a machine at each boot, and removes from an image.
const LAB_FILES: [&str; 3] = ["etc/apt/apt.conf.d/00pgherd-lab", "etc/systemd/system.conf.d/pgherd-lab.conf", TRUSTED];

/// The kernel's settings of the network that a machine would load at boot.
const SYSCTL: &str = "etc/sysctl.d/pgherd.conf";

/// The certificate of the lab's endpoints.
const TRUSTED: &str = "etc/ssl/certs/pgherd-lab.pem";

/// A machine, as the lab records it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabMachine {
    /// Instance id.
    pub id: String,
    /// The instance's tags.
    pub tags: BTreeMap<String, String>,
    /// Its private address.
    pub address: Ipv4Addr,
    /// AWS region.
    pub region: String,
    /// AMI id that it was made from.
    pub image: String,
    /// The size of its disk in GiB; `None` for the builder of an image, whose changes are a folder of the host.
    pub disk: Option<u32>,
    /// The volumes that it has while it runs, apart from its disk.
    pub volumes: Vec<Attached>,
    /// Layers of the root filesystem below its own changes, the topmost first.
    pub layers: Vec<PathBuf>,
    /// Public key that can log in.
    pub key: Option<String>,
    /// The process of systemd-nspawn while the machine runs.
    pub process: Option<Process>,
    /// Whether it was set up as cloud-init does at an instance's first boot.
    pub is_seeded: bool,
    /// Whether it was switched off without the API. It stays off until somebody switches it on.
    pub is_off: bool,
}

impl LabMachine {
    /// Returns its folder.
    fn dir(&self) -> PathBuf {
        paths::machines().join(&self.id)
    }

    /// Returns the folder of its mount points.
    fn mounts(&self) -> PathBuf {
        paths::mounts().join(&self.id)
    }

    /// Returns where its changes to the image are kept.
    fn changes(&self) -> PathBuf {
        if self.disk.is_some() { disk::place(&self.id) } else { self.dir() }
    }

    /// Returns the layer with its changes to the image.
    pub fn upper(&self) -> PathBuf {
        self.changes().join("upper")
    }

    /// Returns where its root filesystem is mounted while it runs.
    fn root(&self) -> PathBuf {
        self.mounts().join("root")
    }

    /// Returns its control group.
    fn cgroup(&self) -> String {
        format!("{CGROUP}/{}", self.id)
    }

    /// Writes its record.
    pub fn save(&self) -> Result<()> {
        store::save(&self.dir().join("machine.json"), self)
    }

    /// Returns whether it runs.
    pub fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_alive)
    }

    /// Returns the value of a tag.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name).map(String::as_str)
    }

    /// Boots it.
    pub fn boot(&mut self, tools: HostTools<'_>) -> Result<()> {
        let (root, work) = (self.root(), self.changes().join("work"));
        mount::detach(&root)?;
        let sync = match self.disk {
            Some(gib) => {
                disk::attach(tools, &self.id, gib)?;
                mount::Sync::Waits
            }
            None => mount::Sync::Ignored,
        };
        for part in [&root, &self.upper(), &work] {
            files::make_dirs(part)?;
        }
        for layer in &self.layers {
            ensure!(files::exists(layer), "the image layer {} is gone", layer.display());
        }
        mount::overlay(&self.layers, &self.upper(), &work, &root, sync)
            .with_context(|| format!("cannot mount the root filesystem of {}", self.id))?;
        if !self.is_seeded {
            self.seed(tools)?;
            self.is_seeded = true;
        }
        put_lab_files(&root)?;
        // A volume of EC2 has what it was made from. No power cut takes that away.
        tree::sync_filesystem(&root)?;
        network::connect(tools, &self.id, self.address)?;
        network::tune(tools, &self.id, &root.join(SYSCTL))?;
        self.process = Some(self.spawn(tools)?);
        self.is_off = false;
        self.save()
    }

    /// Sets it up as cloud-init does at an instance's first boot.
    fn seed(&self, tools: HostTools<'_>) -> Result<()> {
        let root = self.root();
        let at = root.display().to_string();
        let host = format!("ip-{}", self.address.to_string().replace('.', "-"));
        tree::put(&root, "etc/hostname", &format!("{host}\n"), 0o644)?;
        tree::put(
            &root,
            "etc/hosts",
            &format!("127.0.1.1 {host}\n127.0.0.1 localhost\n::1 localhost ip6-localhost\n"),
            0o644,
        )?;
        tree::put(&root, "etc/machine-id", &format!("{}\n", tree::random_id()?), 0o444)?;
        for kind in ["ed25519", "ecdsa"] {
            let key = format!("etc/ssh/ssh_host_{kind}_key");
            tree::remove(&root.join(&key))?;
            tree::remove(&root.join(format!("{key}.pub")))?;
            tools.run(&["chroot", &at, "ssh-keygen", "-q", "-t", kind, "-N", "", "-f", &format!("/{key}")])?;
        }
        if let Some(key) = &self.key {
            let script = "for home in /home/admin /home/ubuntu; do [ -d $home ] || continue; user=${home##*/}; \
                install -d -m 700 -o $user -g $user $home/.ssh; printf '%s\\n' \"$1\" >$home/.ssh/authorized_keys; \
                chown $user: $home/.ssh/authorized_keys; chmod 600 $home/.ssh/authorized_keys; done";
            tools.run(&["chroot", &at, "sh", "-ec", script, "seed", key])?;
        }
        Ok(())
    }

    fn spawn(&self, tools: HostTools<'_>) -> Result<Process> {
        let name = self.cgroup();
        cgroup::remove(&name);
        // The shell enters the machine's control group and becomes systemd-nspawn, which uses the group that it is in.
        let enter = "while [ \"$1\" != -- ]; do echo $$ >\"$1\"; shift; done; shift; exec \"$@\"";
        let mut argv: Vec<String> = ["sh", "-ec", enter, "pgherd"].map(str::to_string).to_vec();
        argv.extend(cgroup::create(&name)?.iter().map(|file| file.display().to_string()));
        argv.extend(["--", "systemd-nspawn", "-q", "--register=no", "--keep-unit", "--boot"].map(str::to_string));
        // A machine of EC2 may have a firewall of its own.
        argv.push("--capability=CAP_NET_ADMIN".to_string());
        argv.extend(["--resolv-conf=off", "--timezone=off", "--link-journal=no"].map(str::to_string));
        let namespace = crate::system::host::namespace::path(&network::machine_namespace(&self.id));
        argv.push(format!("--network-namespace-path={}", namespace.display()));
        argv.push(format!("--machine={}", self.id));
        argv.push(format!("--directory={}", self.root().display()));
        let path = tools.context.var("PATH").unwrap_or_default();
        // Its lock files would survive a power cut, and no machine shares its tree.
        let env =
            [("PATH", path), ("SYSTEMD_NSPAWN_LOCK", "0")].map(|(name, value)| (name.to_string(), value.to_string()));
        let env = BTreeMap::from(env);
        daemon::spawn(&argv, &env, &paths::log(&self.id)).context("cannot start systemd-nspawn")
    }

    /// Makes it have these volumes, apart from its disk, while it runs.
    pub fn keep_volumes(&mut self, tools: HostTools<'_>, wanted: &[Assigned]) -> Result<()> {
        let kept = volume::keep(tools, &self.id, &mut self.volumes, wanted);
        // What it has is on record also if something failed.
        if !matches!(kept, Ok(false)) {
            self.save()?;
        }
        kept.map(drop)
    }

    /// Tells it to shut down, which takes a few seconds.
    pub fn shut_down(&self) {
        if let Some(process) = &self.process {
            process.terminate();
        }
    }

    /// Cuts its power, or cleans up after it has shut down. The layer of changes stays; after a power cut, as far as it was on the disk.
    pub fn cut_power(&mut self, tools: HostTools<'_>) -> Result<()> {
        // Before its processes die, because their kernel would close every connection for them.
        network::unplug(tools, &self.id, self.address)?;
        if self.is_alive() && self.disk.is_some() {
            disk::cut(&self.id)?;
        }
        if self.is_alive() {
            volume::cut(tools, &self.id, &self.volumes)?;
        }
        if let Some(process) = self.process.take() {
            process.cut();
        }
        cgroup::kill_all(&self.cgroup());
        network::disconnect(tools, &self.id, self.address)?;
        for at in mount::below(&self.root()) {
            mount::detach(&at)?;
        }
        // systemd-nspawn keeps these outside the machine.
        for place in ["propagate", "unix-export"] {
            let place = Path::new("/run/systemd/nspawn").join(place).join(&self.id);
            mount::detach(&place)?;
            files::remove_empty_dir(&place);
        }
        cgroup::remove(&self.cgroup());
        if self.disk.is_some() {
            disk::detach(&self.id)?;
        }
        volume::release(tools, &self.id, &mut self.volumes)?;
        self.save()
    }

    /// Removes it with its data.
    pub fn remove(&mut self, tools: HostTools<'_>) -> Result<()> {
        self.cut_power(tools)?;
        network::forget(tools, self.address)?;
        disk::remove(&self.id)?;
        files::remove_tree(&self.mounts())?;
        Ok(files::remove_tree(&self.dir())?)
    }
}

/// Returns all machines of the lab.
pub fn all() -> Result<Vec<LabMachine>> {
    let dir = paths::machines();
    let records = files::list(&dir)?.into_iter().map(|id| store::load(&dir.join(id).join("machine.json")));
    Ok(records.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Returns the machine with an instance id.
pub fn find(id: &str) -> Result<Option<LabMachine>> {
    store::load(&paths::machines().join(id).join("machine.json"))
}

/// Removes the lab's own files from a layer.
pub fn clean(upper: &Path) -> Result<()> {
    for file in LAB_FILES {
        tree::remove(&upper.join(file))?;
    }
    Ok(())
}

/// Returns the variable by which machines trust the lab's endpoints. No variable says where the API is: the machine's own files
/// resolve AWS's names.
pub fn trust() -> String {
    format!("AWS_CA_BUNDLE=/{TRUSTED}")
}

/// Writes what AWS provides by other means: trust in the endpoints' certificates, and a way to packages.
fn put_lab_files(root: &Path) -> Result<()> {
    let proxy = proxy::url();
    let [apt, systemd, trusted] = LAB_FILES;
    let certificate = files::read_text(&paths::certificate())?.context("moto has not created a certificate")?;
    tree::put(root, apt, &format!("Acquire::http::Proxy \"{proxy}\";\nAcquire::https::Proxy \"{proxy}\";\n"), 0o644)?;
    tree::put(root, systemd, &format!("[Manager]\nDefaultEnvironment={}\n", trust()), 0o644)?;
    tree::put(root, trusted, &certificate, 0o644)?;
    Ok(())
}
