//! Tests that boot machines in the lab: root, Linux, and what `.ci/setup` installs. There is one lab, so they run one after another.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods, clippy::disallowed_types)]

#[allow(dead_code)] // each program uses a part of it
#[path = "../support/mod.rs"]
mod support;

mod drill;
mod drill_by_ec2;
mod founding;
mod herd;
mod killed;
mod lab;
mod network;
mod network_balancer;
mod readers;
mod seed;
mod volume;
mod watchdog;
