//! The watchdog, which no container has: a machine with its own kernel, made from the image's files, in QEMU without KVM. Its
//! Patroni hangs, and the kernel reboots it before another machine could take the lead.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use crate::lab::{Lab, STATE, text, within};

/// A cluster of one machine needs no network. With 4 GiB its kernel enforces strict memory accounting.
const BLUEPRINT: &str = "cluster \"alone\" {\n region = \"eu-central-1\"\n network { zones = [\"a\"] }\n \
    master { instance_type = \"t3.medium\" }\n slaves { count = 0 }\n}\n";
/// Emulated processors are about ten times slower, and the host may be busy. Measured: 190 s for the boot and a new database
/// beside seven other builds.
const PATIENCE: Duration = Duration::from_secs(900);
/// Prints on the console what the test waits for, and stops Patroni once it holds the watchdog.
const HANG: &str = "#!/bin/bash
exec >/dev/console 2>&1
until pid=$(systemctl show -P MainPID patroni) && [ \"$pid\" != 0 ] && ls -l /proc/\"$pid\"/fd 2>/dev/null | grep -q watchdog; do
  sleep 1
done
sysctl vm.overcommit_memory vm.swappiness kernel.panic
echo \"huge pages: $(cat /sys/kernel/mm/transparent_hugepage/enabled)\"
echo \"etcd's share: $(cat /sys/fs/cgroup/system.slice/etcd.service/cpu.weight)\"
echo \"hangs at $(cut -d' ' -f1 /proc/uptime) s\"
kill -STOP \"$pid\"
";
/// Passwords that nobody needs to know.
const SECRETS: &str = "#!/bin/bash
umask 077
for name in SUPERUSER REPLICATION REWIND RESTAPI; do
  printf 'PATRONI_%s_PASSWORD=%s\\n' \"$name\" \"$(head -c 18 /dev/urandom | base64)\"
done >/run/pgherd/patroni.env
chown postgres /run/pgherd/patroni.env
";

/// Nobody else could have founded a cluster of one machine.
const FOUNDING: &str = "def own_disk():
    return \"the only disk\"


def refusal(disks):
    return None
";

#[test]
fn a_primary_whose_patroni_hangs_is_rebooted_by_its_kernel_within_ttl() {
    let lab = Lab::take();
    let folder = tempfile::tempdir().unwrap();
    let generated = generate(&lab, folder.path());
    lab.ok(&["lab", "up"]);
    let id = lab.machine("172.31.0.77");
    let root = PathBuf::from(STATE).join("mounts").join(&id).join("root");
    provision(&lab, &id, &root, &generated);
    prepare(&root, &generated);
    let disk = folder.path().join("disk");
    File::create(&disk).unwrap().set_len(4 << 30).unwrap();
    succeeds(Command::new("mke2fs").args(["-q", "-t", "ext4", "-d"]).args([&root, &disk]));
    let boot = |name: &str| {
        let found = fs::read_dir(root.join("boot")).unwrap().flatten().map(|entry| entry.path());
        let file = found.into_iter().find(|path| path.to_string_lossy().contains(name)).expect("a kernel");
        let copy = folder.path().join(name);
        fs::copy(file, &copy).unwrap();
        copy
    };
    let (kernel, initrd) = (boot("vmlinuz"), boot("initrd.img"));
    lab.ok(&["lab", "down"]);

    let serial = folder.path().join("serial");
    let machine = Machine(qemu(&kernel, &initrd, &disk, &serial));
    let console = || fs::read_to_string(&serial).map(|text| text.replace('\r', "")).unwrap_or_default();
    let shows = |words: &str| assert!(within(PATIENCE, || console().contains(words)), "no {words}:\n{}", console());
    shows("hangs at ");
    shows("softdog: Initiating system reboot");
    let said = console();
    for setting in ["vm.overcommit_memory = 2", "vm.swappiness = 1", "kernel.panic = 10", "[madvise]", "share: 1000"] {
        assert!(said.contains(setting), "no {setting}:\n{said}");
    }
    let number = |before: &str, after: &str| -> f64 {
        let rest = &said[..said.find(after).unwrap()];
        rest[rest.rfind(before).unwrap() + before.len()..].trim().parse().unwrap()
    };
    let (hung, rebooted) = (number("hangs at ", " s\n"), number("[", "] softdog: Initiating"));
    assert!(rebooted - hung < 20.0, "another machine could have had the lock: {said}");
    // The machine comes back by itself.
    let again = || console().matches("SeaBIOS").count() > 1;
    assert!(within(PATIENCE, again), "no second boot:\n{}", console());
    drop(machine);
}

/// A running QEMU, which ends with the test.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn generate(lab: &Lab, folder: &Path) -> PathBuf {
    let blueprint = folder.join("alone.hcl");
    fs::write(&blueprint, BLUEPRINT).unwrap();
    lab.ok(&["gen", blueprint.to_str().unwrap(), "--out", folder.join("out").to_str().unwrap()]);
    folder.join("out/alone")
}

/// What Packer does with a base that has a kernel, which the lab's base does not.
fn provision(lab: &Lab, id: &str, root: &Path, generated: &Path) {
    let run = |script: &str| {
        let output = lab.in_machine(id, script);
        assert!(output.status.success(), "{}", text(&output));
    };
    run("apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
        linux-image-cloud-amd64 initramfs-tools zstd");
    let uploads = root.join("opt/image");
    fs::create_dir_all(&uploads).unwrap();
    for dir in ["machine", "db_config"] {
        for entry in fs::read_dir(generated.join(dir)).unwrap().flatten().filter(|entry| entry.path().is_file()) {
            fs::copy(entry.path(), uploads.join(entry.file_name())).unwrap();
        }
    }
    run("cd /opt/image && bash ./master_script.sh");
}

/// What AWS gives a machine, provided by other means: its address, its passwords and the record of the founding. It also makes Patroni hang.
fn prepare(root: &Path, generated: &Path) {
    let table = fs::read_to_string(generated.join("machine/machines.tsv")).unwrap();
    let address = table.lines().find(|line| line.starts_with("master\t")).unwrap().split('\t').nth(3).unwrap();
    for (name, script) in [("hang.sh", HANG), ("secrets.sh", SECRETS)] {
        fs::write(root.join("opt").join(name), script).unwrap();
        fs::set_permissions(root.join("opt").join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(root.join("usr/local/lib/pgherd/founding.py"), FOUNDING).unwrap();
    let units = root.join("etc/systemd/system");
    let own_address = format!(
        "[Unit]\nBefore=pgherd-identity.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
         ExecStart=/bin/sh -c 'ip link set lo up; ip address add {address}/32 dev lo'\n"
    );
    for (name, unit) in [("test-address", own_address.as_str()), ("test-hang", "[Service]\nExecStart=/opt/hang.sh\n")] {
        fs::write(units.join(format!("{name}.service")), unit).unwrap();
        let link = units.join(format!("multi-user.target.wants/{name}.service"));
        symlink(format!("../{name}.service"), link).unwrap();
    }
    let secrets = units.join("pgherd-secrets.service.d");
    fs::create_dir_all(&secrets).unwrap();
    fs::write(secrets.join("test.conf"), "[Service]\nExecStart=\nExecStart=/opt/secrets.sh\n").unwrap();
}

fn qemu(kernel: &Path, initrd: &Path, disk: &Path, serial: &Path) -> Child {
    let drive = format!("file={},format=raw,if=virtio,cache=unsafe", disk.display());
    let console = format!("file:{}", serial.display());
    let line = "root=/dev/vda rw console=ttyS0 systemd.show_status=0 loglevel=5 mitigations=off";
    let mut command = Command::new("qemu-system-x86_64");
    command.args(["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2", "-m", "4096"]);
    command.args(["-nographic", "-nodefaults", "-serial", &console, "-drive", &drive, "-append", line]);
    command.arg("-kernel").arg(kernel).arg("-initrd").arg(initrd);
    command.spawn().unwrap_or_else(|e| panic!("qemu-system-x86_64: {e}: `make test` installs what is missing"))
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{}", text(&output));
}
