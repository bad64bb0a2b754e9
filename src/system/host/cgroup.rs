//! Control groups: a booted machine's systemd must have a tree of its own, or two machines would manage each other's services.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::daemon::Process;

/// Makes a control group in every hierarchy that systemd keeps processes in; answers the files that take a process in.
pub fn create(name: &str) -> io::Result<Vec<PathBuf>> {
    let roots = roots();
    if roots.is_empty() {
        return Err(io::Error::other("no control groups are mounted: a machine's systemd cannot start without them"));
    }
    roots
        .iter()
        .map(|root| fs::create_dir_all(root.join(name)).map(|()| root.join(name).join("cgroup.procs")))
        .collect()
}

/// Ends every process in a control group and those below it (SIGKILL).
pub fn kill_all(name: &str) {
    for root in roots() {
        kill_below(&root.join(name));
    }
}

/// Removes a control group and those below it, from every hierarchy. Its processes are gone or about to go.
pub fn remove(name: &str) {
    for root in roots() {
        let group = root.join(name);
        // A dead process leaves its group a moment after its end.
        for _ in 0..100 {
            remove_below(&group);
            if !group.try_exists().unwrap_or(false) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The version 2 hierarchy and version 1's `name=systemd`: one, the other, or (mixed set-ups) both.
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
