//! The real tools that generated files are held against, each ready for one test.

pub mod moto;
pub mod postgres;
pub mod provisioner;
pub mod terraform;
pub mod units;
pub mod world;
