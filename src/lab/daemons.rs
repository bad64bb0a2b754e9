//! The three daemons of a lab that is up: the package proxy, moto, the controller.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::tool::tail;
use super::{paths, store};
use crate::system::files;
use crate::system::host::daemon::{self, Process};

/// Keeps machines what moto says they are.
pub const CONTROLLER: &str = "controller";
/// The AWS API.
pub const MOTO: &str = "moto";
/// The way to the package mirrors.
pub const PROXY: &str = "proxy";

/// Starts one and remembers it.
pub fn start(name: &str, argv: &[String], env: &BTreeMap<String, String>) -> Result<()> {
    let process = daemon::spawn(argv, env, &paths::log(name)).with_context(|| format!("cannot start {}", argv[0]))?;
    store::save(&paths::daemon(name), &process)
}

/// Whether one runs.
pub fn is_alive(name: &str) -> bool {
    store::load::<Process>(&paths::daemon(name)).ok().flatten().is_some_and(|process| process.is_alive())
}

/// Ends one, now.
pub fn kill(name: &str) -> Result<()> {
    if let Some(process) = store::load::<Process>(&paths::daemon(name))? {
        process.kill();
    }
    Ok(())
}

/// Waits until one is ready, or says why it will not be.
pub fn await_ready(name: &str, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
    let done = daemon::comes_true(limit, || !is_alive(name) || ready());
    if done && is_alive(name) {
        return Ok(());
    }
    let log = paths::log(name);
    let text = files::read_text(&log)?.unwrap_or_default();
    let what = if done { "ended at once" } else { "does not answer" };
    bail!("the lab's {name} {what}; {} ends with:\n{}", log.display(), tail(&text))
}
