//! How long a failover may wait for reads.

use serde::Serialize;

use crate::cluster::Cluster;
use crate::cluster::fault::seconds;
use crate::cluster::timing::replay_delay;

/// How long a failover may wait, beyond the predictions, for reads on the standby that takes over: it replays first what it has
/// received, and replay waits for reads that conflict with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayWait {
    /// There is no standby.
    NoStandby,
    /// At most this long, in milliseconds.
    AtMost(u32),
    /// As long as the read runs.
    WithoutLimit,
}

impl ReplayWait {
    /// Returns how long that is in a cluster.
    pub fn of(cluster: &Cluster) -> Self {
        match (cluster.slaves().next(), replay_delay(&cluster.postgres)) {
            (None, _) => ReplayWait::NoStandby,
            (_, Some(delay)) => ReplayWait::AtMost(delay),
            (_, None) => ReplayWait::WithoutLimit,
        }
    }

    /// Returns it in words, if there is something to say.
    pub fn text(self) -> Option<String> {
        let longer = match self {
            ReplayWait::NoStandby | ReplayWait::AtMost(0) => return None,
            ReplayWait::AtMost(delay) => format!("by up to {}", seconds(delay)),
            ReplayWait::WithoutLimit => "for as long as it runs".into(),
        };
        Some(format!(
            "Not included: a long read on the standby that takes over can delay the failover {longer}, if it conflicts with what is still \
             to be replayed there (max_standby_streaming_delay, max_standby_archive_delay)."
        ))
    }
}
