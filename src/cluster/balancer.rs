//! HAProxy, as every load balancer of a cluster runs it.

use super::limits::Limits;
use super::timing::HealthCheck;
use crate::blueprint::model::Stats;

/// What HAProxy serves, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Haproxy {
    /// The port that leads to the primary.
    pub write_port: u16,
    /// The port that leads to the standbys.
    pub read_port: u16,
    /// Whether the primary serves reads like any standby.
    pub primary_serves_reads: bool,
    /// How it finds the primary and the healthy standbys.
    pub check: HealthCheck,
    /// The limits of its connections.
    pub limits: Limits,
    /// The stats page.
    pub stats: Stats,
}
