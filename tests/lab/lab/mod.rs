//! A lab for tests: pgherd's own, one test at a time.

pub mod client;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

pub const STATE: &str = "/var/lib/pgherd/lab";

/// The machine's only lab, taken by one test. It is stopped when the test begins, and when it ends, even if the test fails.
pub struct Lab {
    _lock: File,
}

impl Lab {
    /// Waits until no other test uses the lab, in this process or another.
    pub fn take() -> Self {
        assert!(rustix::process::geteuid().is_root(), "the lab's tests make namespaces and mounts: run them as root");
        let lock = File::create("/run/lock/pgherd-lab-tests").unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        let lab = Lab { _lock: lock };
        lab.ok(&["lab", "down"]);
        lab
    }

    /// Runs pgherd.
    pub fn run(&self, words: &[&str]) -> Output {
        pgherd().args(words).output().unwrap()
    }

    /// Runs pgherd, which must succeed, and returns what it printed.
    pub fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "pgherd {} failed:\n{}", words.join(" "), text(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }

    /// Runs the AWS CLI against moto, and returns what it printed as text.
    pub fn aws(&self, words: &[&str]) -> String {
        self.ok(&[&["lab", "shell", "--", "aws", "--output", "text"], words].concat())
    }

    /// Boots a machine from the base image at an address of moto's default network, and returns its instance id.
    pub fn machine(&self, address: &str) -> String {
        let base = ["Name=name,Values=debian-13-*", "Name=architecture,Values=x86_64"];
        let image =
            self.aws(&["ec2", "describe-images", "--filters", base[0], base[1], "--query", "Images[0].ImageId"]);
        self.machine_of(&image, address)
    }

    /// Boots a machine from an image.
    pub fn machine_of(&self, image: &str, address: &str) -> String {
        let net = "Name=cidr-block,Values=172.31.0.0/20";
        let subnet = self.aws(&["ec2", "describe-subnets", "--filters", net, "--query", "Subnets[0].SubnetId"]);
        let place = ["--subnet-id", &subnet, "--private-ip-address", address];
        let run = ["ec2", "run-instances", "--image-id", image, "--query", "Instances[0].InstanceId"];
        let id = self.aws(&[&run[..], &place].concat());
        self.await_running(&id);
        id
    }

    /// Returns every request to the API so far: the caller, the action, and whether it was refused.
    pub fn calls(&self) -> Vec<(String, String, bool)> {
        let text = fs::read_to_string(format!("{STATE}/logs/calls.jsonl")).unwrap();
        let mut calls = vec![];
        for line in text.lines() {
            let call: serde_json::Value = serde_json::from_str(line).unwrap();
            let caller = call["caller"].as_str().unwrap().to_string();
            let of = |list: &str| {
                call[list].as_array().unwrap().iter().map(|q| q[0].as_str().unwrap().to_string()).collect::<Vec<_>>()
            };
            let refused = of("refused");
            calls.extend(
                of("asked").into_iter().map(|action| (caller.clone(), action.clone(), refused.contains(&action))),
            );
        }
        calls
    }

    /// Waits until systemd has started all of a machine's services.
    pub fn await_running(&self, id: &str) {
        let up = || self.run(&["lab", "shell", id, "--", "systemctl", "is-system-running", "--wait"]).status.success();
        assert!(within(Duration::from_secs(30), up), "{id} does not come up:\n{}", console(id));
    }

    /// Runs a shell script in a machine.
    pub fn in_machine(&self, id: &str, script: &str) -> Output {
        self.run(&["lab", "shell", id, "--", "bash", "-c", script])
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", failed_requests());
        }
        let _ = pgherd().args(["lab", "down"]).output();
    }
}

pub fn pgherd() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pgherd"))
}

pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Returns what moto failed to answer. The log goes with the lab.
fn failed_requests() -> String {
    let log = fs::read_to_string(format!("{STATE}/logs/moto.log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let failed = lines.iter().filter(|line| line.contains("\" 50")).take(10);
    let traced = lines.iter().position(|line| line.starts_with("Traceback")).map_or(&[][..], |at| &lines[at..]);
    let text: Vec<&str> = failed.chain(traced.iter().take(60)).copied().collect();
    format!("moto's failures: {text:#?}")
}

pub fn console(id: &str) -> String {
    let read = |name: &str| fs::read_to_string(format!("{STATE}/logs/{name}.log")).unwrap_or_default();
    format!("{}\n{}", read("controller"), read(id))
}

/// Waits until a condition holds.
pub fn within(limit: Duration, mut so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while !so() {
        if begin.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(100));
    }
    true
}

/// Everything on this machine that a lab could leave behind, one line per item. What can only belong to another container is
/// left out, because that may appear and disappear in the meantime.
pub struct Inventory(BTreeSet<String>);

impl Inventory {
    /// Lists what is there now.
    pub fn take() -> Self {
        let mut lines = BTreeSet::new();
        let mut add =
            |kind: &str, text: &str| lines.extend(text.lines().map(|line| format!("{kind}: {}", line.trim())));
        let of = |text: String, ours: &[&str]| -> String {
            text.lines()
                .filter(|line| ours.iter().any(|word| line.contains(word)))
                .map(|line| format!("{line}\n"))
                .collect()
        };
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        add("mount", &of(mounts, &["pgherd", " /run/netns ", "nspawn/unix-export/i-"]));
        add("namespace", &of(said(&["ip", "netns", "list"]), &["pgherd"]));
        add("loop device", &of(said(&["losetup", "--all"]), &["pgherd"]));
        add("link", &said(&["ip", "-oneline", "link", "show"]));
        add("address", &said(&["ip", "-oneline", "address", "show"]));
        add("route", &said(&["ip", "route", "show", "table", "all"]));
        add("firewall", &said(&["nft", "list", "ruleset"]));
        for family in ["ipv4", "ipv6"] {
            for part in ["", "/conf/all", "/conf/default"] {
                let dir = format!("/proc/sys/net/{family}{part}");
                for file in fs::read_dir(&dir).into_iter().flatten().flatten() {
                    add(
                        "sysctl",
                        &format!(
                            "{} = {}",
                            file.path().display(),
                            fs::read_to_string(file.path()).unwrap_or_default().trim()
                        ),
                    );
                }
            }
        }
        for (pid, command) in processes() {
            add("process", &format!("{pid} {command}"));
        }
        for (dir, ours) in [
            ("/var/lib/pgherd", ""),
            ("/run/systemd/nspawn/propagate", "i-"),
            ("/run/netns", "pgherd"),
            ("/etc/netns", "pgherd"),
        ] {
            let files = fs::read_dir(dir).into_iter().flatten().flatten();
            for file in files.filter(|file| file.file_name().to_string_lossy().starts_with(ours)) {
                add("file", &file.path().display().to_string());
            }
        }
        for line in fs::read_to_string("/proc/self/mounts").unwrap().lines().filter(|line| line.contains(" cgroup")) {
            let at = line.split(' ').nth(1).unwrap();
            let group = Path::new(at).join("pgherd-lab");
            if group.exists() {
                add("control group", &group.display().to_string());
            }
        }
        Inventory(lines)
    }

    /// Returns what is there now and was not there then, after a time in which it could have gone.
    pub fn left_behind(&self) -> Vec<String> {
        let mut left = vec![];
        within(Duration::from_secs(5), || {
            left = Inventory::take().0.difference(&self.0).cloned().collect();
            left.is_empty()
        });
        left
    }
}

/// Processes of the lab, recognised by their program or by the control group, which no process of a machine can leave.
pub fn processes() -> Vec<(String, String)> {
    let mut found = vec![];
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().into_string() else { continue };
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if !pid.bytes().all(|b| b.is_ascii_digit()) || command.contains("/deps/lab-") {
            continue;
        }
        let group = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        let programs = ["lab controller", "moto_server -H 0.0.0.0 -p 80", "debootstrap", STATE];
        if group.contains("/pgherd-lab/") || programs.iter().any(|program| command.contains(program)) {
            found.push((pid, command));
        }
    }
    found
}

fn said(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output();
    let output = output.unwrap_or_else(|e| panic!("this test needs {}: {e}", words[0]));
    assert!(output.status.success(), "{} failed: {}", words.join(" "), text(&output));
    String::from_utf8(output.stdout).unwrap()
}
