//! The blueprint as validated data: one struct for each block. Each struct is defined in the file that reads its block.

pub use super::base::Base;
pub use super::locale::{Locale, Provider};
pub use super::validate::cluster::Blueprint;
pub use super::validate::failover::{Budget, Failover};
pub use super::validate::haproxy::{HaproxyBlock, Stats};
pub use super::validate::image::Image;
pub use super::validate::machine::{Disk, MachineBlock};
pub use super::validate::network::NetworkBlock;
pub use super::validate::postgres::PostgresBlock;
pub use super::validate::postgres::databases::Database;
pub use super::validate::postgres::slots::{least_replication_slots, least_wal_senders};
pub use super::validate::postgres::users::{Access, Grant, User};
pub use super::validate::state::State;
pub use super::validate::vpc::{ExistingSubnet, ExistingVpc};
