//! The clients that measure: writers at the write port, readers at the read port.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::ground::{Ground, SCHEMA};
use super::samples::{Acknowledged, Mishap, Read, Row, Samples};
use crate::cluster::fault::CLIENT_PATIENCE;
use crate::cluster::fixed::Fixed;
use crate::system::Interrupt;
use crate::system::clock::Stopwatch;
use crate::system::postgres::{SqlError, SqlLogin, SqlPatience, SqlSession};

/// The number of writers.
pub const WRITERS: usize = 4;
/// The number of readers. The first keeps its session, as a pool does; the second connects for each read.
pub const READERS: usize = 2;
/// The time limit of a client for a connection, and for a statement. A client that waits longer would measure its own patience: a
/// session with a machine that lost power never ends by itself.
const LIMIT: Duration = Duration::from_millis(CLIENT_PATIENCE as u64);
/// The pause after a row: four writers write about 300 rows a second, which two processors bear, and see a pause to the hundredth.
const BETWEEN_ROWS: Duration = Duration::from_millis(10);
/// The pause after a read. A read costs more than a row.
const BETWEEN_READS: Duration = Duration::from_millis(50);
/// The pause after a failure. In the lab the clients share the processors with the machines that fail over: with 20 ms, 400 refused
/// connections a second made PostgreSQL's promotion take 0.15 to 0.26 s instead of 0.05 to 0.1.
const AFTER_MISHAP: Duration = Duration::from_millis(50);
/// How much longer that pause is for each further client of a port. They lose their sessions at the same moment, and would otherwise all
/// knock at the same moments.
const APART: Duration = Duration::from_millis(7);
/// The number of the newest rows of each writer that a reader looks at: more than a writer writes between two reads.
const NEWEST: usize = 50;

/// The clients of one trial.
pub struct Probe<'a> {
    /// Where the clients are.
    pub ground: &'a dyn Ground,
    /// Whom they log in as.
    pub login: &'a SqlLogin,
    /// The write port of each HAProxy, in the order in which clients try them.
    pub write: Vec<SocketAddr>,
    /// The read port of each HAProxy, likewise.
    pub read: Vec<SocketAddr>,
    /// Runs since the beginning of the trial.
    pub watch: Stopwatch,
    /// Ends the clients.
    pub done: AtomicBool,
}

/// A running client.
pub type Running<'scope> = ScopedJoinHandle<'scope, Result<Samples>>;

impl Probe<'_> {
    /// Makes the drill's table anew.
    pub fn create(&self) -> Result<()> {
        self.once(&[
            &format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"),
            &format!("CREATE SCHEMA {SCHEMA}"),
            &format!("CREATE TABLE {SCHEMA}.rows (writer int, number bigint, PRIMARY KEY (writer, number))"),
        ])
    }

    /// Drops the drill's table and its schema.
    pub fn remove(&self) -> Result<()> {
        self.once(&[&format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")])
    }

    fn once(&self, statements: &[&str]) -> Result<()> {
        // On a thread of its own, because a thread that has entered a network stays there.
        std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                self.ground.enter_client_network()?;
                let failed = |e: SqlError| anyhow!("the database {} cannot be prepared: {e}", self.login.database);
                let session = first(&self.write, |at| SqlSession::connect(at, self.login, patience(5 * LIMIT)))
                    .map_err(failed)?;
                statements.iter().try_for_each(|sql| session.rows(sql, 5 * LIMIT).map(drop).map_err(failed))
            });
            work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Starts the clients.
    pub fn start<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>) -> Vec<Running<'scope>> {
        let writers = (0..WRITERS).map(|writer| scope.spawn(move || self.write(writer)));
        let writers: Vec<Running<'scope>> = writers.collect();
        let readers = (0..READERS).map(|reader| scope.spawn(move || self.read(reader)));
        writers.into_iter().chain(readers).collect()
    }

    fn write(&self, writer: usize) -> Result<Samples> {
        let mut client = Client::new(self, "writer", writer, &self.write)?;
        for number in 1.. {
            if self.done.load(Ordering::Relaxed) {
                break;
            }
            let row = Row { writer, number };
            let sql = format!(
                "INSERT INTO {SCHEMA}.rows VALUES ({writer}, {number}) \
                 RETURNING host(inet_server_addr()), left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
            );
            if let Some((sent, at, values)) = client.rows(&sql) {
                let address = values[0].clone();
                // The first eight digits of a WAL file's name are its timeline.
                let timeline = u32::from_str_radix(&values[1], 16)?;
                client.noted.acknowledged.push(Acknowledged { row, sent, at, address, timeline });
                client.pause(BETWEEN_ROWS);
            }
        }
        Ok(client.end())
    }

    fn read(&self, reader: usize) -> Result<Samples> {
        let mut client = Client::new(self, "reader", reader, &self.read)?;
        let sql = format!(
            "SELECT host(inet_server_addr()), (SELECT string_agg(writer || ':' || number, ' ') FROM generate_series(0, {}) one, \
             LATERAL (SELECT * FROM {SCHEMA}.rows WHERE writer = one ORDER BY number DESC LIMIT {NEWEST}) newest)",
            WRITERS - 1
        );
        while !self.done.load(Ordering::Relaxed) {
            if let Some((sent, at, values)) = client.rows(&sql) {
                let mut newest = vec![0; WRITERS];
                for row in values[1].split(' ').filter_map(row) {
                    if let Some(known) = newest.get_mut(row.writer) {
                        *known = row.number.max(*known);
                    }
                    client.noted.seen.insert(row);
                }
                client.noted.reads.push(Read { reader, sent, at, address: values[0].clone(), newest });
                if reader > 0 {
                    client.session = None;
                }
                client.pause(BETWEEN_READS);
            }
        }
        Ok(client.end())
    }
}

/// Returns when a client gives up, with the settings of the connection strings in the cluster's README.
pub fn patience(login: Duration) -> SqlPatience {
    let client = &Fixed::DEFAULT.client;
    SqlPatience {
        login,
        user_timeout: Duration::from_millis(client.user_timeout.into()),
        keepalive_idle: Duration::from_secs(client.keepalive_idle.into()),
        keepalive_interval: Duration::from_secs(client.keepalive_interval.into()),
    }
}

/// Connects to the first address that lets the client in, as libpq does with several hosts: each connection begins with the first.
/// Returns what the last one said if none does.
fn first<T>(all: &[SocketAddr], connect: impl Fn(SocketAddr) -> Result<T, SqlError>) -> Result<T, SqlError> {
    let mut failed = SqlError::Lost("there is no HAProxy".into());
    for at in all {
        match connect(*at) {
            Ok(connected) => return Ok(connected),
            Err(e) => failed = e,
        }
    }
    Err(failed)
}

fn row(text: &str) -> Option<Row> {
    let (writer, number) = text.split_once(':')?;
    Some(Row { writer: writer.parse().ok()?, number: number.parse().ok()? })
}

/// Reads rows as [`Ground::sql`] returns them: writer and number.
pub fn rows(text: &str) -> impl Iterator<Item = Row> {
    text.lines().filter_map(|line| {
        let (writer, number) = line.trim().split_once(' ')?;
        Some(Row { writer: writer.parse().ok()?, number: number.parse().ok()? })
    })
}

/// A client with one session at a time.
struct Client<'a> {
    probe: &'a Probe<'a>,
    name: String,
    at: &'a [SocketAddr],
    session: Option<SqlSession>,
    noted: Samples,
    after_mishap: Duration,
    sleep: Interrupt,
}

impl<'a> Client<'a> {
    fn new(probe: &'a Probe<'a>, kind: &str, index: usize, at: &'a [SocketAddr]) -> Result<Self> {
        probe.ground.enter_client_network()?;
        let name = format!("{kind} {}", index + 1);
        let after_mishap = AFTER_MISHAP + APART * index as u32;
        Ok(Client {
            probe,
            name,
            at,
            session: None,
            noted: Samples::default(),
            after_mishap,
            sleep: Interrupt::default(),
        })
    }

    /// Runs a statement that returns one row, on a new session if there is none. Returns when it was sent, when its row came, and the
    /// row's values.
    fn rows(&mut self, sql: &str) -> Option<(Duration, Duration, Vec<String>)> {
        let ran = self.run(sql);
        if let Err(e) = &ran {
            self.session = None;
            let (client, at) = (self.name.clone(), self.probe.watch.elapsed());
            self.noted.mishaps.push(Mishap { client, at, what: e.to_string() });
            self.pause(self.after_mishap);
        }
        ran.ok()
    }

    fn run(&mut self, sql: &str) -> Result<(Duration, Duration, Vec<String>), SqlError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                // Of several, one that does not respond is given up for the next.
                let limit = if self.at.len() > 1 { patience(LIMIT).user_timeout } else { LIMIT };
                first(self.at, |at| SqlSession::connect(at, self.probe.login, patience(limit)))?
            }
        };
        let sent = self.probe.watch.elapsed();
        let rows = session.rows(sql, LIMIT)?;
        let at = self.probe.watch.elapsed();
        self.session = Some(session);
        let one = rows.into_iter().next().ok_or_else(|| SqlError::Lost("no row came back".into()))?;
        Ok((sent, at, one))
    }

    fn pause(&self, time: Duration) {
        self.sleep.wait(time);
    }

    fn end(mut self) -> Samples {
        self.noted.until = self.probe.watch.elapsed();
        self.noted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_tries_the_addresses_in_their_order() {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let open = |open: &[u16]| {
            first(&[at(1), at(2)], |one| {
                if open.contains(&one.port()) { Ok(one.port()) } else { Err(SqlError::Lost(one.port().to_string())) }
            })
        };
        assert_eq!((open(&[1, 2]), open(&[2])), (Ok(1), Ok(2)));
        assert_eq!(open(&[]), Err(SqlError::Lost("2".into())));
    }

    #[test]
    fn rows_are_read_as_clients_and_machines_print_them() {
        assert_eq!(row("3:17"), Some(Row { writer: 3, number: 17 }));
        assert_eq!(row(""), None, "an empty table");
        let two = [Row { writer: 0, number: 1 }, Row { writer: 2, number: 40 }];
        assert_eq!(rows("0 1\n2 40\n").collect::<Vec<_>>(), two);
    }
}
