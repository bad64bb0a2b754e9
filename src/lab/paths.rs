//! Where the lab keeps things.

use std::path::{Path, PathBuf};

/// What lives while the lab is up: `lab down` removes it.
const STATE: &str = "/var/lib/pgherd/lab";
/// What outlives it: base root filesystems, images, the provider. Safe to delete while the lab is down.
const CACHE: &str = "/var/cache/pgherd";

/// Everything while the lab is up.
pub fn state() -> PathBuf {
    PathBuf::from(STATE)
}

/// The record of one of our daemons.
pub fn daemon(name: &str) -> PathBuf {
    state().join("daemons").join(format!("{name}.json"))
}

/// What a daemon, or a machine's console, printed.
pub fn log(name: &str) -> PathBuf {
    state().join("logs").join(format!("{name}.log"))
}

/// What each caller asked of the API, and what came of it: one line of JSON a request.
pub fn calls() -> PathBuf {
    state().join("logs").join("calls.jsonl")
}

/// The AWS credentials file of whoever runs a cluster's pipeline.
pub fn credentials(cluster: &str) -> PathBuf {
    state().join("credentials").join(cluster)
}

/// What machines must trust to believe that the lab's endpoints are AWS's.
pub fn certificate() -> PathBuf {
    state().join("certificate.pem")
}

/// Folder with a folder for each machine, by instance id.
pub fn machines() -> PathBuf {
    state().join("machines")
}

/// Folder with a folder for each image that can be booted now, by AMI id.
pub fn images() -> PathBuf {
    state().join("images")
}

/// One empty file for each AWS region that is in use.
pub fn regions() -> PathBuf {
    state().join("regions")
}

/// The copy of a cluster's generated files that the tools run in.
pub fn cluster(name: &str) -> PathBuf {
    state().join("clusters").join(name)
}

/// For temporary files of the tools.
pub fn temporary() -> PathBuf {
    state().join("tmp")
}

/// Base root filesystems.
pub fn cached_bases() -> PathBuf {
    Path::new(CACHE).join("bases")
}

/// Images that survive the lab: those that carry their content's hash.
pub fn cached_images() -> PathBuf {
    Path::new(CACHE).join("images")
}

/// Terraform providers, where the machine has no mirror of its own.
pub fn cached_providers() -> PathBuf {
    Path::new(CACHE).join("providers")
}

/// Packer's own cache.
pub fn cached_packer() -> PathBuf {
    Path::new(CACHE).join("packer")
}
