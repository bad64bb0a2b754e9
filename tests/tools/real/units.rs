//! systemd's own verdict on all units of a machine: ours together with those of each base, as far as they order each other.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::generated::{Generated, run};

/// A folder that systemd uses as a machine's units, beside the host's own units of systemd.
struct Units(TempDir);

impl Units {
    /// Creates one with the units of a base: `tests/tools/real/units/<base>.txt`.
    fn of_base(base: &str) -> Self {
        let units = Units(TempDir::new().expect("a folder"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/real/units").join(format!("{base}.txt"));
        let text = fs::read_to_string(path).expect("the base's units");
        let (head, all) = text.split_once("\n=== ").expect("units");
        for unit in all.split("\n=== ") {
            let (name, unit) = unit.split_once('\n').expect("a name");
            units.add(name, unit);
        }
        let enabled = head.lines().find_map(|line| line.strip_prefix("enabled ")).expect("what is enabled");
        enabled.split(' ').for_each(|name| units.enable(name));
        // What cloud-init's generator does on a machine of EC2's.
        units.link("cloud-init.target", "multi-user.target.wants/cloud-init.target");
        units
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn add(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn link(&self, to: &str, at: &str) {
        let at = self.path().join(at);
        fs::create_dir_all(at.parent().expect("a folder")).expect("made");
        if !at.exists() {
            symlink(self.path().join(to), at).expect("linked");
        }
    }

    /// Enables a unit as `systemctl enable` does. A unit of the host's systemd is enabled by what requires it.
    fn enable(&self, name: &str) {
        let text = fs::read_to_string(self.path().join(name)).unwrap_or_default();
        for line in text.lines() {
            let (key, names) = line.split_once('=').unwrap_or_default();
            for other in names.split(' ') {
                match key {
                    "WantedBy" => self.link(name, &format!("{other}.wants/{name}")),
                    "RequiredBy" => self.link(name, &format!("{other}.requires/{name}")),
                    "Alias" => self.link(name, other),
                    _ => {}
                }
            }
        }
    }

    /// Adds a cluster's units, those of database machines and of HAProxy's: more than any single machine has.
    /// Returns the names of the units that are not the distribution's.
    fn add_ours(&self, generated: &Generated) -> Vec<String> {
        let of = |path: &str| generated.files.get(path).map(|file| file.text.to_string());
        let mut names = vec![];
        for (path, _) in generated.files.iter() {
            let name = path.as_str().rsplit('/').next().expect("a name");
            if [".service", ".timer", ".socket", ".target", ".path", ".mount"].iter().any(|kind| name.ends_with(kind)) {
                self.add(name, &of(path.as_str()).expect("its text"));
                names.push(name.to_string());
            } else if let Some(of_service) = name.strip_suffix("_unit.conf") {
                let service = format!("{of_service}.service");
                self.add(&format!("{service}.d/pgherd.conf"), &of(path.as_str()).expect("its text"));
                self.enable(&service);
            }
        }
        assert!(names.len() >= 5, "{names:?}");
        names.iter().for_each(|name| self.enable(name));
        names
    }

    /// Returns systemd's verdict on starting all of it, and these units in particular.
    fn verdict(&self, ours: &[String]) -> String {
        let path = format!("{}:/lib/systemd/system", self.path().display());
        let mut command = Command::new("systemd-analyze");
        command.args(["verify", "--man=no", "multi-user.target"]).args(ours).env("SYSTEMD_UNIT_PATH", path);
        String::from_utf8_lossy(&run(&mut command).stderr).into_owned()
    }
}

/// Returns what is wrong: a cycle, or a line that systemd rejects. That programs are missing on this machine is expected.
fn faults(verdict: &str) -> Vec<&str> {
    let wrong =
        ["ordering cycle", "dependency on", "to break", "Unknown", "Failed to parse", "Invalid", "lacks", "bad unit"];
    verdict.lines().filter(|line| wrong.iter().any(|words| line.contains(words))).collect()
}

const BASES: [&str; 3] = ["debian-12", "debian-13", "ubuntu-24.04"];

#[test]
fn no_base_has_an_ordering_cycle_with_our_units() {
    for base in BASES {
        for kind in ["blueprints/herd.hcl", "tests/blueprints/largest.hcl", "tests/blueprints/pair.hcl"] {
            let units = Units::of_base(base);
            assert_eq!(faults(&units.verdict(&[])), [""; 0], "{base} by itself");
            let ours = units.add_ours(&Generated::of(kind));
            let verdict = units.verdict(&ours);
            assert_eq!(faults(&verdict), [""; 0], "{base}, {kind}");
            // All units were checked: the programs that they run are not on this machine.
            for service in ["pgherd-identity", "pgherd-secrets"] {
                assert!(verdict.contains(&format!("{service}.service: Command /usr/local/lib/pgherd/")), "{verdict}");
            }
        }
    }
}

/// The check finds a mistake that was made once: keys ordered before a socket, which starts before all ordinary services.
#[test]
fn a_service_before_ubuntus_socket_is_a_cycle() {
    let units = Units::of_base("ubuntu-24.04");
    units.add_ours(&Generated::of("blueprints/herd.hcl"));
    let keys = fs::read_to_string(units.path().join("pgherd-host-keys.service")).expect("it");
    units.add("pgherd-host-keys.service", &keys.replace("Before=ssh.service", "Before=ssh.service ssh.socket"));
    let verdict = units.verdict(&[]);
    assert!(faults(&verdict).iter().any(|line| line.contains("ordering cycle")), "{verdict}");
}

/// The server must not accept connections before its keys exist, whether the boot or a socket starts it.
#[test]
fn host_keys_come_before_the_server_however_it_is_started() {
    let generated = Generated::of("blueprints/herd.hcl");
    let text = fs::read_to_string(generated.path("machine/pgherd-host-keys.service")).expect("it");
    let has = |key: &str, value: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('=')).filter(|(name, _)| *name == key);
        lines.flat_map(|(_, values)| values.split(' ')).any(|one| one == value)
    };
    assert!(has("Before", "ssh.service") && has("WantedBy", "ssh.service") && has("WantedBy", "multi-user.target"));
}
