//! Tests against the programs that the generated files are for: Terraform, Packer, moto, PostgreSQL, HAProxy, systemd, Chromium.
//! `.ci/setup` installs them.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods, clippy::disallowed_types)]

#[allow(dead_code)] // each program uses a part of it
#[path = "../support/mod.rs"]
mod support;

mod crashed_primary;
mod deploy;
mod drill_page;
mod etcd;
mod founding;
mod full;
mod haproxies;
mod input;
mod instance_types;
mod lock;
mod machines;
mod members;
mod network;
mod packer;
mod plan;
mod real;
mod regions;
mod report_page;
mod rights;
mod secrets;
mod settings;
mod silent_peers;
mod states;
mod terraform;
mod throttled;
mod trial;
mod unreachable;
