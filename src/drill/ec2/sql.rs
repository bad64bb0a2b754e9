//! SQL on one machine of a cluster that can only be reached through HAProxy.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::drill::probe::patience;
use crate::system::Interrupt;
use crate::system::clock::Stopwatch;
use crate::system::postgres::{SqlError, SqlLogin, SqlSession};

/// The time limit for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// The time limit for a statement: a table of all rows of a trial is read within seconds.
const STATEMENT: Duration = Duration::from_secs(60);
/// How long HAProxy may lead elsewhere. Its checks take a machine that is back within seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before all ports are tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The ports of the HAProxies that lead to databases.
#[derive(Debug, Clone)]
pub struct Ports {
    /// Lead to the primary, one of each HAProxy.
    pub write: Vec<SocketAddr>,
    /// Lead to the standbys, likewise.
    pub read: Vec<SocketAddr>,
    /// The number of database machines.
    pub machines: usize,
}

impl Ports {
    /// Runs a statement on the machine with an address. Returns its rows, one a line, with spaces between the values.
    ///
    /// A write port leads to one machine. A read port chooses the least busy, so sessions stay open until the machine is found.
    ///
    /// # Errors
    /// If no port leads there, at once if no port lets anybody in.
    pub fn rows_on(&self, address: Ipv4Addr, login: &SqlLogin, statement: &str) -> Result<String> {
        let watch = Stopwatch::start();
        loop {
            let mut kept = vec![];
            let mut last = "no port leads there".to_string();
            let reads = self.read.iter().flat_map(|port| std::iter::repeat_n(port, self.machines));
            for port in self.write.iter().chain(reads) {
                match at(*port, login) {
                    Ok((session, found)) if found == address => return rows(&session, statement),
                    Ok((session, _)) => kept.push(session),
                    Err(e) => last = e.to_string(),
                }
            }
            // Where nobody is let in, it is not HAProxy's choice that has to change.
            if kept.is_empty() || watch.elapsed() > PATIENCE {
                bail!("{address} cannot be asked through HAProxy: {last}");
            }
            drop(kept);
            Interrupt::default().wait(PAUSE);
        }
    }
}

/// Connects, and asks where the session has led.
fn at(port: SocketAddr, login: &SqlLogin) -> Result<(SqlSession, Ipv4Addr), SqlError> {
    let session = SqlSession::connect(port, login, patience(CONNECT))?;
    let rows = session.rows("SELECT host(inet_server_addr())", CONNECT)?;
    let address = rows.first().and_then(|row| row.first()).and_then(|text| text.parse().ok());
    let address = address.ok_or_else(|| SqlError::Lost("the server has no IPv4 address".into()))?;
    Ok((session, address))
}

fn rows(session: &SqlSession, statement: &str) -> Result<String> {
    match session.rows(statement, STATEMENT) {
        Ok(rows) => Ok(rows.iter().map(|row| row.join(" ") + "\n").collect()),
        Err(e) => bail!("{e}"),
    }
}
