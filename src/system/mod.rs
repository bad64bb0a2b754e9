//! Files, processes, signals, clock, network, terminal: the only code that touches the operating system.
//!
//! `clippy.toml` forbids the standard library's own functions everywhere else, so that the code that decides can be tested without them.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod clock;
pub mod context;
pub mod files;
pub mod host;
pub mod interrupt;
pub mod machine;
pub mod network;
pub mod parallel;
pub mod postgres;
pub mod process;
pub mod terminal;

pub use context::Context;
pub use interrupt::Interrupt;
