//! What HAProxy's admin port passes through from one machine, and why nothing comes.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::system::network;

/// Why a service of a machine reports nothing through HAProxy's admin port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "detail", rename_all = "kebab-case")]
pub enum NoReport {
    /// HAProxy does not know the path: its configuration is older than this one.
    NoPath,
    /// HAProxy cannot connect to it.
    NoConnection,
    /// It accepts connections and does not respond.
    Hangs,
    /// Something else; holds the reason.
    Other(String),
}

/// Gets what a URL of HAProxy's admin port passes through.
pub(super) fn get(url: &str, timeout: Duration) -> Result<String, NoReport> {
    match network::http_get(url, timeout) {
        Err(why) => Err(NoReport::Other(why)),
        Ok(answer) => match answer.status {
            200 => Ok(answer.body),
            404 => Err(NoReport::NoPath),
            503 => Err(NoReport::NoConnection),
            504 => Err(NoReport::Hangs),
            status => Err(NoReport::Other(format!("HTTP status {status}"))),
        },
    }
}

/// Reads what was passed through.
pub(super) fn read<T: for<'de> Deserialize<'de>>(json: &str) -> Result<T, NoReport> {
    serde_json::from_str(json).map_err(|e| NoReport::Other(format!("unexpected response: {e}")))
}

/// Returns how much an answer says about its machine. That a HAProxy does not know the way says nothing.
pub fn weight<T>(report: &Result<T, NoReport>) -> u8 {
    match report {
        Ok(_) => 2,
        Err(NoReport::NoConnection | NoReport::Hangs | NoReport::Other(_)) => 1,
        Err(NoReport::NoPath) => 0,
    }
}
