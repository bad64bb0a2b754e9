//! Named network namespaces, as `ip netns` keeps them, and the processes in them.

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::daemon::{Process, comes_true};
use super::mount;

/// The directory where `ip netns` keeps the names.
pub const NAMES: &str = "/run/netns";

/// Returns the file of a namespace.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(NAMES).join(name)
}

/// Returns whether a namespace exists.
pub fn exists(name: &str) -> bool {
    path(name).try_exists().unwrap_or(false)
}

/// Moves the calling thread into a namespace's network. Connections that the thread makes from then on come from there.
pub fn enter(name: &str) -> io::Result<()> {
    let namespace = fs::File::open(path(name))?;
    Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Returns the names of namespaces with a prefix, sorted.
pub fn with_prefix(prefix: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(NAMES) else { return vec![] };
    let mut names: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.retain(|name| name.starts_with(prefix));
    names.sort();
    names
}

/// Returns the namespace with this prefix that this process is in, if it is in one.
pub fn own(prefix: &str) -> Option<String> {
    let here = fs::metadata("/proc/self/ns/net").ok()?.ino();
    with_prefix(prefix).into_iter().find(|name| fs::metadata(path(name)).is_ok_and(|m| m.ino() == here))
}

/// Returns the processes in a namespace.
pub fn processes(name: &str) -> Vec<Process> {
    let Ok(wanted) = fs::metadata(path(name)).map(|m| m.ino()) else { return vec![] };
    let inside = |pid: i32| fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|m| m.ino() == wanted);
    pids().filter(|pid| inside(*pid)).filter_map(Process::of).collect()
}

/// Returns the first process of the machine in a namespace, which has id 1 in its own process namespace.
pub fn leader(name: &str) -> Option<Process> {
    processes(name).into_iter().find(|process| {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap_or_default();
        let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
        ids.split_whitespace().count() > 1 && ids.split_whitespace().last() == Some("1")
    })
}

/// Kills every process in a namespace (SIGKILL), including those that start meanwhile; returns whether none is left.
pub fn kill_all(name: &str) -> bool {
    comes_true(Duration::from_secs(10), || {
        let left = processes(name);
        left.iter().for_each(Process::cut);
        left.is_empty()
    })
}

/// Removes the directory of names, and the mount on it that the first `ip netns add` makes, if no name is left.
pub fn remove_empty_names() {
    if with_prefix("").is_empty() && mount::detach(NAMES.as_ref()).is_ok() {
        let _ = fs::remove_dir(NAMES);
    }
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
