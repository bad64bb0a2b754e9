//! The three daemons of a running lab: the package proxy, moto and the controller.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::tool::tail;
use super::{paths, store};
use crate::system::files;
use crate::system::host::daemon::{self, Process};

/// Name of the daemon that keeps machines in the state that moto reports.
pub const CONTROLLER: &str = "controller";
/// Name of the daemon that serves the AWS API.
pub const MOTO: &str = "moto";
/// Name of the package proxy.
pub const PROXY: &str = "proxy";

/// Starts a daemon and records it.
pub fn start(name: &str, argv: &[String], env: &BTreeMap<String, String>) -> Result<()> {
    let process = daemon::spawn(argv, env, &paths::log(name)).with_context(|| format!("cannot start {}", argv[0]))?;
    store::save(&paths::daemon(name), &process)
}

/// Returns whether a daemon runs.
pub fn is_alive(name: &str) -> bool {
    store::load::<Process>(&paths::daemon(name)).ok().flatten().is_some_and(|process| process.is_alive())
}

/// Kills a daemon.
pub fn kill(name: &str) -> Result<()> {
    if let Some(process) = store::load::<Process>(&paths::daemon(name))? {
        process.kill();
    }
    Ok(())
}

/// Waits until a daemon is ready. Fails with the end of its log.
pub fn await_ready(name: &str, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
    let done = daemon::comes_true(limit, || !is_alive(name) || ready());
    if done && is_alive(name) {
        return Ok(());
    }
    let log = paths::log(name);
    let text = files::read_text(&log)?.unwrap_or_default();
    let what = if done { "exited at once" } else { "is not ready" };
    bail!("the lab's {name} {what}; {} ends with:\n{}", log.display(), tail(&text))
}
