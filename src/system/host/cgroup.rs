//! Control groups. Each booted machine's systemd needs its own tree, or two machines would manage each other's services.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::daemon::Process;

/// Creates a control group in every hierarchy that systemd uses; returns the files to which process ids are written.
pub fn create(name: &str) -> io::Result<Vec<PathBuf>> {
    let roots = roots();
    if roots.is_empty() {
        return Err(io::Error::other(
            "no control groups are mounted, and systemd cannot start in a machine without them",
        ));
    }
    roots
        .iter()
        .map(|root| fs::create_dir_all(root.join(name)).map(|()| root.join(name).join("cgroup.procs")))
        .collect()
}

/// Kills every process in a control group and those below it (SIGKILL).
pub fn kill_all(name: &str) {
    for root in roots() {
        kill_below(&root.join(name));
    }
}

/// Removes a control group and those below it from every hierarchy. Its processes must have ended or be ending.
pub fn remove(name: &str) {
    for root in roots() {
        let group = root.join(name);
        // A process leaves its group shortly after its end.
        for _ in 0..100 {
            remove_below(&group);
            if !group.try_exists().unwrap_or(false) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Returns the mounts of version 2 and of version 1's `name=systemd`: hybrid setups have both.
fn roots() -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounts = table.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    mounts
        .filter_map(|fields| match fields[..] {
            [_, at, "cgroup2", ..] => Some(at.into()),
            [_, at, "cgroup", options, ..] if options.split(',').any(|o| o == "name=systemd") => Some(at.into()),
            _ => None,
        })
        .collect()
}

fn kill_below(group: &Path) {
    let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for process in members.lines().filter_map(|pid| Process::of(pid.parse().ok()?)) {
        process.cut();
    }
    subgroups(group).for_each(|below| kill_below(&below));
}

fn remove_below(group: &Path) {
    subgroups(group).for_each(|below| remove_below(&below));
    let _ = fs::remove_dir(group);
}

fn subgroups(group: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}
