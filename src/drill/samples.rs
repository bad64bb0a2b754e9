//! What the clients of a drill noted. All times are since the beginning of the trial.

use std::collections::BTreeSet;
use std::time::Duration;

/// A row of the drill's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// The number of the client that wrote it, from 0.
    pub writer: usize,
    /// Its number. Each writer counts from 1, and never uses a number twice.
    pub number: u64,
}

/// A row whose commit was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The row.
    pub row: Row,
    /// When it was sent.
    pub sent: Duration,
    /// When its acknowledgement came.
    pub at: Duration,
    /// The address of the machine that acknowledged it.
    pub address: String,
    /// PostgreSQL's timeline, on which it was written.
    pub timeline: u32,
}

/// A read that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The number of the client that read, from 0.
    pub reader: usize,
    /// When it was sent.
    pub sent: Duration,
    /// When its rows came.
    pub at: Duration,
    /// The address of the machine that it came from.
    pub address: String,
    /// The newest row of each writer that it saw; 0 means none.
    pub newest: Vec<u64>,
}

/// A connection or a statement that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mishap {
    /// The client's name, such as `writer 1`.
    pub client: String,
    /// When it failed.
    pub at: Duration,
    /// What PostgreSQL or the network said.
    pub what: String,
}

/// Everything that the clients noted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Samples {
    /// The rows that were acknowledged.
    pub acknowledged: Vec<Acknowledged>,
    /// The reads that succeeded.
    pub reads: Vec<Read>,
    /// Every row that any reader saw.
    pub seen: BTreeSet<Row>,
    /// What failed.
    pub mishaps: Vec<Mishap>,
    /// When the clients stopped.
    pub until: Duration,
}

impl Samples {
    /// Adds what another client noted.
    pub fn add(&mut self, mut other: Samples) {
        self.acknowledged.append(&mut other.acknowledged);
        self.reads.append(&mut other.reads);
        self.seen.append(&mut other.seen);
        self.mishaps.append(&mut other.mishaps);
        self.until = self.until.max(other.until);
    }
}
