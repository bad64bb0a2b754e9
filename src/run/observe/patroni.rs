//! Patroni's view of its cluster (<https://patroni.readthedocs.io/en/latest/rest_api.html#cluster-status-endpoints>).

use std::fmt;

use serde::Deserialize;

/// Patroni's view.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClusterView {
    /// The members that it knows.
    pub members: Vec<Member>,
    /// The cluster's name.
    #[serde(default)]
    pub scope: String,
}

/// A member of Patroni's cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// Its address.
    #[serde(default)]
    pub host: String,
    /// `leader`, `sync_standby`, `replica` …, in Patroni's words.
    role: String,
    /// `running`, `streaming`, `starting` …
    #[serde(default)]
    pub state: String,
    /// PostgreSQL's timeline.
    pub timeline: Option<u64>,
    /// The bytes behind the primary, or a text if Patroni does not know.
    #[serde(default)]
    lag: Option<serde_json::Value>,
}

/// What a member does at present. This is not its machine's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is the primary.
    Primary,
    /// It streams synchronously: commits wait for it.
    SyncStandby,
    /// It streams.
    Standby,
    /// It leads a standby cluster.
    StandbyLeader,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Primary => "primary",
            Standing::SyncStandby => "sync standby",
            Standing::Standby => "standby",
            Standing::StandbyLeader => "standby leader",
        })
    }
}

impl Member {
    /// Returns what it does at present.
    pub fn standing(&self) -> Standing {
        match self.role.as_str() {
            "leader" | "master" | "primary" => Standing::Primary,
            "sync_standby" | "quorum_standby" => Standing::SyncStandby,
            "standby_leader" => Standing::StandbyLeader,
            _ => Standing::Standby,
        }
    }

    /// Returns the bytes that it is behind the primary, if Patroni knows.
    pub fn lag(&self) -> Option<u64> {
        self.lag.as_ref()?.as_u64()
    }
}

/// Reads Patroni's view.
///
/// # Errors
/// If the JSON is not Patroni's view.
pub fn read(json: &str) -> Result<ClusterView, String> {
    serde_json::from_str(json).map_err(|e| e.to_string())
}
