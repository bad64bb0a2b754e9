//! What the lab needs of Linux: daemons, mounts, namespaces, control groups, root filesystems. Root only.

pub mod cgroup;
pub mod daemon;
pub mod mount;
pub mod namespace;
pub mod tree;
