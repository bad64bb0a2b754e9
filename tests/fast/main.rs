//! Tests that need nothing but this repository and a shell: no root, no tools, no network. `make test-fast` runs them.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods, clippy::disallowed_types)]

#[allow(dead_code)] // each program uses a part of it
#[path = "../support/mod.rs"]
mod support;

mod adoption;
mod blueprint_diagnostics;
mod blueprint_expressions;
mod blueprint_properties;
mod blueprint_refused;
mod blueprint_schema;
mod blueprint_shipped;
mod cli_check;
mod cli_cluster;
mod cli_drift;
mod cli_drill;
mod cli_drill_aws;
mod cli_elsewhere;
mod cli_events;
mod cli_failure;
mod cli_gen;
mod cli_images;
mod cli_init;
mod cli_killed;
mod cli_members;
mod cli_nasty;
mod cli_passwords;
mod cli_review;
mod cli_rolling;
mod cli_run;
mod cli_schema;
mod cli_secrets;
mod cli_surroundings;
mod cli_terminal;
mod cli_variables;
mod drilled;
mod flows;
mod foresight;
mod layers;
mod pipeline;
mod policy;
mod programs;
mod provenance;
mod readme;
mod snapshots;
