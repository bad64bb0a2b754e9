//! The blueprint as validated data: one struct for each block. Each struct is defined in the file that reads its block.

pub use super::base::Base;
pub use super::locale::{Locale, Provider};
pub use super::validate::cluster::Blueprint;
pub use super::validate::failover::*;
pub use super::validate::haproxy::*;
pub use super::validate::image::*;
pub use super::validate::machine::*;
pub use super::validate::network::*;
pub use super::validate::postgres::PostgresBlock;
pub use super::validate::postgres::databases::Database;
pub use super::validate::postgres::slots::{least_replication_slots, least_wal_senders};
pub use super::validate::postgres::users::{Access, Grant, User};
pub use super::validate::state::*;
pub use super::validate::vpc::{ExistingSubnet, ExistingVpc};
