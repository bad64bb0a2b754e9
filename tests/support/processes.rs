//! Which process is a child of which, as Linux reports it.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Pid;

/// Returns the parent and name of every process.
pub fn all() -> BTreeMap<i32, (i32, String)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let (Some(open), Some(close)) = (stat.find('('), stat.rfind(')')) else { continue };
        let parent = stat[close + 1..].split_whitespace().nth(1).unwrap().parse().unwrap();
        found.insert(pid, (parent, stat[open + 1..close].to_string()));
    }
    found
}

/// Returns the processes below `top` whose names begin with a text: a tool and its plugins.
pub fn children(top: Pid, name: &str) -> Vec<(Pid, String)> {
    let all = all();
    let is_below = |pid: i32| {
        let parents = std::iter::successors(Some(pid), |pid| all.get(pid).map(|(parent, _)| *parent));
        parents.skip(1).take(20).any(|pid| pid == top.as_raw_nonzero().get())
    };
    let tools = all.iter().filter(|(pid, (_, own))| own.starts_with(name) && is_below(**pid));
    tools.filter_map(|(pid, (_, own))| Some((Pid::from_raw(*pid)?, own.clone()))).collect()
}

/// Returns the id and name of each process whose working directory is a folder or below it.
pub fn in_folder(dir: &std::path::Path) -> Vec<String> {
    let works_there = |pid: i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
    let found = all().into_iter().filter(|(pid, _)| works_there(*pid));
    found.map(|(pid, (_, name))| format!("{pid} {name}")).collect()
}
