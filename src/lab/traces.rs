//! What of the lab exists, as far as a drill could leave it behind.

use std::collections::BTreeSet;

use anyhow::Result;

use super::tool::HostTools;
use super::{network, paths};
use crate::system::host::{mount, namespace};

/// Returns the lab's namespaces, its mounts and its tables of rules.
pub fn all(tools: HostTools<'_>) -> Result<BTreeSet<String>> {
    let namespaces = namespace::with_prefix(network::PREFIX).into_iter().map(|name| format!("namespace {name}"));
    let mounts = mount::below(&paths::state()).into_iter().map(|at| format!("mount {}", at.display()));
    let tables = tools.run(&["ip", "netns", "exec", network::NAMESPACE, "nft", "list", "tables"])?;
    let tables = tables.lines().map(String::from);
    Ok(namespaces.chain(mounts).chain(tables).collect())
}
