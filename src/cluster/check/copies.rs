//! When an acknowledged write is on one machine only.

use serde::Serialize;

use crate::cluster::timing::Timers;

/// When an acknowledged write may be on one machine only, so that a second fault can lose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SingleCopy {
    /// Always, because there is no standby.
    NoStandby,
    /// Until a standby has received it: commits wait for none.
    UntilReceived,
    /// While no standby streams. With one slave, that includes the time after each failover.
    AfterFailover,
    /// While no standby streams, which takes the loss of every standby.
    WithoutStandby,
    /// Never: commits wait.
    Never,
}

impl SingleCopy {
    /// Returns when it is so.
    pub fn of(timers: &Timers) -> Self {
        match timers.standbys {
            0 => SingleCopy::NoStandby,
            _ if !timers.synchronous.is_on() => SingleCopy::UntilReceived,
            _ if timers.synchronous.is_strict() => SingleCopy::Never,
            1 => SingleCopy::AfterFailover,
            _ => SingleCopy::WithoutStandby,
        }
    }

    /// Returns it in words.
    pub fn text(self) -> &'static str {
        match self {
            SingleCopy::NoStandby => "Every acknowledged write is on one machine only, because there is no standby.",
            SingleCopy::UntilReceived => {
                "An acknowledged write is on one machine only until a standby has received it, because commits wait for none."
            }
            SingleCopy::AfterFailover => {
                "An acknowledged write is on two machines, except while the only standby is lost or a failover has just taken its place: \
                 until a standby streams, commits do not wait, and a second fault can lose them. synchronous = \"strict\" lets them wait."
            }
            SingleCopy::WithoutStandby => {
                "An acknowledged write is on two machines, also right after a failover, except while all standbys are lost: until one \
                 streams, commits do not wait, and a second fault can lose them. synchronous = \"strict\" lets them wait."
            }
            SingleCopy::Never => {
                "An acknowledged write is always on two machines. While no standby streams, all commits wait; no timer ends that."
            }
        }
    }
}
