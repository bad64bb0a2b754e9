//! pgherd: one blueprint in, a running PostgreSQL cluster out.
//!
//! The layers, from top to bottom. Imports only go downward, and no files import each other in a circle: `tests/fast/layers/` checks
//! both.
//!
//! ```text
//! cli       -> everything
//! lab       -> drill, run, workspace, system, pipeline, tools, fileset, cluster
//! drill     -> run, pipeline, tools, cluster, system
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
//! and `Cluster -> pipeline -> Pipeline -> run -> Event -> cli::report`. Only `system` touches the operating system.

pub mod blueprint;
pub mod cli;
pub mod cluster;
pub mod drill;
pub mod fileset;
pub mod generate;
pub mod lab;
pub mod parameters;
pub mod pipeline;
pub mod run;
pub mod system;
pub mod tools;
pub mod workspace;
