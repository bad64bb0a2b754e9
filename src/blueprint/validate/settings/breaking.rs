//! Settings with which a server starts, and sessions, replication or Patroni do not work.
//!
//! What Patroni sends itself is in its postgresql/__init__.py, connection.py and slots.py: it sets `search_path` and
//! `statement_timeout` for its own connections and nothing else, so every other default of a session reaches its queries.

use super::Context;
use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::parameters::value::{self, boolean};

/// The shortest time that a setting may be, where 0 means none.
struct Floor {
    name: &'static str,
    ms: u32,
    shown: &'static str,
    breaks: &'static str,
}

const SESSION: &str = "ends sessions in the middle of ordinary work, those of operators and of monitoring among them";
const FLOORS: [Floor; 9] = [
    Floor { name: "statement_timeout", ms: 100, shown: "100ms", breaks: SESSION },
    Floor { name: "lock_timeout", ms: 100, shown: "100ms", breaks: SESSION },
    Floor { name: "idle_in_transaction_session_timeout", ms: 1000, shown: "1s", breaks: SESSION },
    // Patroni gives its own queries 2 s (postgresql/config.py), and each is a transaction.
    Floor {
        name: "transaction_timeout",
        ms: 2000,
        shown: "2s",
        breaks: "ends Patroni's connection in the middle of a query, for which it allows 2 s",
    },
    Floor {
        name: "idle_session_timeout",
        ms: 30_000,
        shown: "30s",
        breaks: "ends the connection that Patroni keeps between two looks",
    },
    Floor {
        name: "tcp_user_timeout",
        ms: 1000,
        shown: "1s",
        breaks: "gives a connection up for one packet that comes late, a standby's as well",
    },
    Floor {
        name: "wal_sender_timeout",
        ms: 1000,
        shown: "1s",
        breaks: "gives a standby up between two of its answers: it never keeps up",
    },
    Floor {
        name: "wal_receiver_timeout",
        ms: 1000,
        shown: "1s",
        breaks: "makes a standby give its primary up between two messages: it never keeps up",
    },
    Floor {
        name: "authentication_timeout",
        ms: 5000,
        shown: "5s",
        breaks: "turns away whoever has not shaken hands by TLS and SCRAM by then, which a busy machine needs seconds for",
    },
];

/// `pg_authid` takes more, and every login of Patroni's, of a standby's and of an application's computes them: 600,000 take half a
/// second (OWASP's number for PBKDF2 with SHA-256), and Patroni allows 2 s for the statement that makes a user.
const MOST_SCRAM_ITERATIONS: f64 = 600_000.0;
/// Descriptors without which a postmaster does not start: `NUM_RESERVED_FDS` and `FD_MINFREE` in PostgreSQL's fd.c, and as many again.
const LEAST_FILES: f64 = 128.0;

/// Refuses a value (in its canonical spelling) of a setting (in lower case).
pub fn check(name: &str, value: &str, context: &Context) -> Result<(), Refusal> {
    let on = boolean(value) == Some(true);
    let number = value::number(name, value);
    let breaks = |problem: String, help: &str| refuse(&is::SETTING_BREAKS, problem, help);
    if let Some(floor) = FLOORS.iter().find(|floor| floor.name == name)
        && value::milliseconds(name, value).is_some_and(|ms| ms > 0 && ms < floor.ms)
    {
        let problem = format!("{name} = {value} {}", floor.breaks);
        return breaks(problem, &format!("write \"{}\" or more, or leave it out", floor.shown));
    }
    match name {
        "default_transaction_isolation" if value == "serializable" && context.slaves > 0 => breaks(
            "a standby refuses every query of a serializable transaction, Patroni's own too: it would never be healthy, and nobody \
             could be promoted"
                .into(),
            "leave it out, and set it where it is meant: ALTER ROLE … or ALTER DATABASE … SET default_transaction_isolation, for those who \
             write",
        ),
        // ProcessStartupPacket (postmaster.c): a name without an @ at its end gets the database's behind it, replicauser's as well.
        "db_user_namespace" if on => breaks(
            "with it every user is sought as user@database, and none is made under such a name: nobody logs in, and no standby streams"
                .into(),
            "leave it out: the default is off, and PostgreSQL 17 has it no more",
        ),
        "default_transaction_read_only" if on => breaks(
            "with this Patroni could not even make its own users, and the cluster would never be founded".into(),
            "set it where it is meant, once the cluster runs: ALTER ROLE … or ALTER DATABASE … SET default_transaction_read_only",
        ),
        "pre_auth_delay" | "post_auth_delay" if number.is_some_and(|seconds| seconds > 0.0) => breaks(
            format!("{name} makes every connection wait, and Patroni gives its own up after 3 s"),
            "leave it out; a developer sets it for a debugger on a server of their own",
        ),
        "wal_receiver_status_interval" if number == Some(0.0) && context.synchronous && context.slaves > 0 => breaks(
            "a standby that reports nothing makes every commit wait until wal_sender_timeout asks it".into(),
            "leave it out for 10 s: a synchronous standby reports each flush at once",
        ),
        "scram_iterations" if number.is_some_and(|iterations| iterations > MOST_SCRAM_ITERATIONS) => breaks(
            format!("every login computes {value} rounds, and Patroni gives up on its own before they are done"),
            "write 600000 or fewer",
        ),
        "unix_socket_permissions" if number.is_some_and(|mode| mode as u32 & 0o200 == 0) => breaks(
            format!("`{value}` forbids postgres its own socket, by which Patroni connects"),
            "write \"0700\" or \"0770\", or leave it out for \"0777\"; pg_hba.conf lets in the system user postgres alone",
        ),
        "max_files_per_process" if number.is_some_and(|files| files < LEAST_FILES) => breaks(
            format!("a server with {value} files runs out of them as it starts"),
            "leave it out for 1000, or write 128 or more",
        ),
        _ => Ok(()),
    }
}
