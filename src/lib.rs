//! pgherd: one blueprint in, a running PostgreSQL cluster out.
//!
//! The layers, top to bottom. Imports go downward only; `tests/fast/layers.rs` holds the code to it.
//!
//! ```text
//! cli       -> everything
//! lab       -> run, workspace, system, pipeline, tools, fileset, cluster
//! run       -> pipeline, tools, workspace, system, fileset, parameters
//! workspace -> fileset, system
//! pipeline  -> cluster, tools, fileset
//! generate  -> cluster, fileset
//! cluster   -> blueprint, parameters
//! blueprint -> parameters
//! fileset, parameters, tools, system -> nothing in the crate
//! ```
//!
//! Data flows one way:
//! `parse -> Document -> validate -> Blueprint -> resolve -> Cluster -> generate -> FileSet`,
//! and `Cluster -> pipeline -> run -> Report`. Only `system` touches the operating system.

pub mod blueprint;
pub mod cli;
pub mod cluster;
pub mod fileset;
pub mod generate;
pub mod lab;
pub mod parameters;
pub mod pipeline;
pub mod run;
pub mod system;
pub mod tools;
pub mod workspace;
