//! Paths of the lab.

use std::path::{Path, PathBuf};

/// State of a running lab. `lab down` removes it.
const STATE: &str = "/var/lib/pgherd/lab";
/// The cache that outlives the lab: base root filesystems, images, the provider. It can be deleted while the lab is down.
const CACHE: &str = "/var/cache/pgherd";

/// Returns the folder of the running lab.
pub fn state() -> PathBuf {
    PathBuf::from(STATE)
}

/// Returns the record of a daemon.
pub fn daemon(name: &str) -> PathBuf {
    state().join("daemons").join(format!("{name}.json"))
}

/// Returns the log of a daemon or of a machine's console.
pub fn log(name: &str) -> PathBuf {
    state().join("logs").join(format!("{name}.log"))
}

/// Returns the record of API requests and decisions: one line of JSON per request.
pub fn calls() -> PathBuf {
    state().join("logs").join("calls.jsonl")
}

/// Returns the AWS credentials file of the user that runs a cluster's pipeline.
pub fn credentials(cluster: &str) -> PathBuf {
    state().join("credentials").join(cluster)
}

/// Returns the certificate by which machines trust the lab's endpoints.
pub fn certificate() -> PathBuf {
    state().join("certificate.pem")
}

/// Returns the folder with a folder for each machine, by instance id.
pub fn machines() -> PathBuf {
    state().join("machines")
}

/// Returns the folder with a folder of mount points for each machine, by instance id.
pub fn mounts() -> PathBuf {
    state().join("mounts")
}

/// Returns the folder of the machines' disks.
pub fn disks() -> PathBuf {
    state().join("disks")
}

/// Returns the folder with a folder for each image that can be booted now, by AMI id.
pub fn images() -> PathBuf {
    state().join("images")
}

/// Returns the folder with an empty file for each AWS region in use.
pub fn regions() -> PathBuf {
    state().join("regions")
}

/// Returns the copy of a cluster's generated files in which the tools run.
pub fn cluster(name: &str) -> PathBuf {
    state().join("clusters").join(name)
}

/// Returns the folder for the tools' temporary files.
pub fn temporary() -> PathBuf {
    state().join("tmp")
}

/// Returns the folder of base root filesystems.
pub fn cached_bases() -> PathBuf {
    Path::new(CACHE).join("bases")
}

/// Returns the folder of images that outlive the lab: those tagged with the hash of their content.
pub fn cached_images() -> PathBuf {
    Path::new(CACHE).join("images")
}

/// Returns the folder of Terraform providers for a machine without a mirror.
pub fn cached_providers() -> PathBuf {
    Path::new(CACHE).join("providers")
}

/// Returns the folder of Packer's own cache.
pub fn cached_packer() -> PathBuf {
    Path::new(CACHE).join("packer")
}
