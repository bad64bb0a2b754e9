//! Refuses settings with which a server starts but sessions, replication or Patroni do not work.
//!
//! For its own connections Patroni sets only `search_path` and `statement_timeout` (postgresql/__init__.py, connection.py and slots.py
//! have its queries), so every other session default applies to them too.

use super::ServerContext;
use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::parameters::value::{self, boolean};

/// The shortest time that a timeout may be set to; 0 switches it off.
struct Floor {
    name: &'static str,
    ms: u32,
    shown: &'static str,
    breaks: &'static str,
}

const SESSION: &str = "ends sessions during ordinary work, including those of operators and of monitoring";
const FLOORS: [Floor; 9] = [
    Floor { name: "statement_timeout", ms: 100, shown: "100ms", breaks: SESSION },
    Floor { name: "lock_timeout", ms: 100, shown: "100ms", breaks: SESSION },
    Floor { name: "idle_in_transaction_session_timeout", ms: 1000, shown: "1s", breaks: SESSION },
    // Patroni allows its own queries 2 s (postgresql/config.py), and each is a transaction.
    Floor {
        name: "transaction_timeout",
        ms: 2000,
        shown: "2s",
        breaks: "ends Patroni's connection during a query; Patroni itself allows 2 s",
    },
    Floor {
        name: "idle_session_timeout",
        ms: 30_000,
        shown: "30s",
        breaks: "ends the connection that Patroni keeps open between its checks",
    },
    Floor {
        name: "tcp_user_timeout",
        ms: 1000,
        shown: "1s",
        breaks: "drops a connection, including a standby's, when one packet is late",
    },
    Floor {
        name: "wal_sender_timeout",
        ms: 1000,
        shown: "1s",
        breaks: "disconnects a standby between two of its replies, so it never keeps up",
    },
    Floor {
        name: "wal_receiver_timeout",
        ms: 1000,
        shown: "1s",
        breaks: "makes a standby disconnect between two messages from the primary, so it never keeps up",
    },
    Floor {
        name: "authentication_timeout",
        ms: 5000,
        shown: "5s",
        breaks: "refuses clients before TLS and SCRAM are done, which can take seconds on a busy machine",
    },
];

/// The most SCRAM iterations. Every login of Patroni, a standby or an application computes them: 600,000 (OWASP's number for PBKDF2
/// with SHA-256) take half a second, and Patroni allows 2 s for the statement that creates a user.
const MOST_SCRAM_ITERATIONS: f64 = 600_000.0;
/// The fewest file descriptors with which a postmaster starts: twice the sum of `NUM_RESERVED_FDS` and `FD_MINFREE` (fd.c).
const LEAST_FILES: f64 = 128.0;

/// Refuses a value, in its canonical spelling, of a setting, in lower case.
pub fn check(name: &str, value: &str, context: &ServerContext) -> Result<(), Refusal> {
    let on = boolean(value) == Some(true);
    let number = value::number(name, value);
    let breaks = |problem: String, help: &str| refuse(&is::SETTING_BREAKS, problem, help);
    if let Some(floor) = FLOORS.iter().find(|floor| floor.name == name)
        && value::milliseconds(name, value).is_some_and(|ms| ms > 0 && ms < floor.ms)
    {
        let problem = format!("{name} = {value} {}", floor.breaks);
        return breaks(problem, &format!("write \"{}\" or more, or remove it", floor.shown));
    }
    match name {
        "default_transaction_isolation" if value == "serializable" && context.slaves > 0 => breaks(
            "a standby refuses every query of a serializable transaction, including Patroni's, so no standby would be healthy or \
             could be promoted"
                .into(),
            "remove it, and set it for the roles or databases that need it: ALTER ROLE … or ALTER DATABASE … SET \
             default_transaction_isolation",
        ),
        // ProcessStartupPacket (postmaster.c) appends the database's name to every user name that does not end in @, even replicauser's.
        "db_user_namespace" if on => breaks(
            "it makes PostgreSQL look up every user as user@database, but no such users exist: nobody could log in, and no standby could stream"
                .into(),
            "remove it; the default is off, and PostgreSQL 17 no longer has it",
        ),
        "default_transaction_read_only" if on => breaks(
            "Patroni could not create its own users, and the cluster could never be initialised".into(),
            "set it once the cluster runs, for the roles or databases that need it: ALTER ROLE … or ALTER DATABASE … SET \
             default_transaction_read_only",
        ),
        "pre_auth_delay" | "post_auth_delay" if number.is_some_and(|seconds| seconds > 0.0) => breaks(
            format!("{name} delays every connection, and Patroni gives up after 3 s"),
            "remove it; it is for developers who attach a debugger",
        ),
        "wal_receiver_status_interval" if number == Some(0.0) && context.synchronous && context.slaves > 0 => breaks(
            "a standby that sends no status makes every commit wait until the primary asks for one".into(),
            "remove it; the default is 10 s, and a synchronous standby reports each flush at once",
        ),
        "scram_iterations" if number.is_some_and(|iterations| iterations > MOST_SCRAM_ITERATIONS) => breaks(
            format!("every login computes {value} iterations, and Patroni times out before they are done"),
            "write 600000 or fewer",
        ),
        "unix_socket_permissions" if number.is_some_and(|mode| mode as u32 & 0o200 == 0) => breaks(
            format!("`{value}` denies the postgres user its own socket, which Patroni connects through"),
            "write \"0700\" or \"0770\", or remove it; the default is \"0777\", and pg_hba.conf admits only the system user postgres",
        ),
        "max_files_per_process" if number.is_some_and(|files| files < LEAST_FILES) => breaks(
            format!("with {value} files the server runs out of them while it starts"),
            "remove it for the default of 1000, or write 128 or more",
        ),
        _ => Ok(()),
    }
}
