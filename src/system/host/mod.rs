//! What the lab uses of Linux: daemons, mounts, namespaces, control groups and root filesystems. It all needs root.

pub mod cgroup;
pub mod daemon;
pub mod loop_device;
pub mod mount;
pub mod namespace;
pub mod tree;
