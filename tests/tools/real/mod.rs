//! The real tools that check generated files, each prepared for one test.

pub mod browser;
pub mod moto;
pub mod postgres;
pub mod provisioner;
pub mod terraform;
pub mod units;
pub mod world;
