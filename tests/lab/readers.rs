//! Readers of a standby that dies silently.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Lab, within};

/// The longest time that a session may outlive its standby.
const MOST: Duration = Duration::from_secs(10);
/// What a session is doing when its standby dies. psql sends nothing while it waits, so only HAProxy can end these sessions.
const DOING: [(&str, &str); 3] = [
    ("a query in flight", "SELECT pg_sleep(600);\n"),
    ("nothing", ""),
    ("a result being sent", "SELECT repeat('x', 10000), pg_sleep(0.02) FROM generate_series(1, 30000);\n"),
];

/// A psql on the read port.
struct Session {
    doing: &'static str,
    machine: String,
    psql: Child,
    stdin: Option<ChildStdin>,
}

impl Session {
    /// Connects, and begins with what it does.
    fn begin(password: &str, (doing, sql): (&'static str, &str)) -> Self {
        let connection = format!("host={} port=5001 user=app dbname=app sslmode=require", address_of("haproxy"));
        let mut psql = Command::new("psql");
        psql.args([&connection, "-XAqt", "-v", "ON_ERROR_STOP=1"]).env("PGPASSWORD", password);
        let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut stdin, mut first) = (psql.stdin.take().unwrap(), String::new());
        stdin.write_all(b"SELECT host(inet_server_addr());\n").unwrap();
        let mut stdout = BufReader::new(psql.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        stdin.write_all(sql.as_bytes()).unwrap();
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Session { doing, machine: machine_at(first.trim()), psql, stdin: Some(stdin) }
    }

    fn has_ended(&mut self) -> bool {
        self.psql.try_wait().unwrap().is_some()
    }

    /// Sends a query that psql runs at once if it is idle. Then psql ends, with success if the server returned a row.
    fn asks(&mut self) {
        let mut stdin = self.stdin.take().expect("it asks once");
        let _ = stdin.write_all(b"SELECT 1;\n");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.psql.kill();
        let _ = self.psql.wait();
    }
}

/// Cuts the power of a standby whose readers are busy, idle and in the middle of a result. All of them are free soon, and nobody
/// else's session ends. The standby stays off.
pub fn frees_the_readers_of_a_standby_that_dies(lab: &Lab, standby: &str) {
    let secret = ["lab", "shell", "--", "aws", "--region", "eu-west-1", "secretsmanager", "get-secret-value"];
    let query = ["--secret-id", "herd/user/app", "--query", "SecretString", "--output", "text"];
    let password = lab.ok(&[&secret[..], &query].concat());
    let mut sessions: Vec<Session> = vec![];
    for doing in DOING {
        // HAProxy chooses the standby with the fewest sessions, so two are enough, but for a session that has just ended.
        let spread = within(MOST, || {
            let session = Session::begin(&password, doing);
            if sessions.iter().all(|other| (other.doing, &other.machine) != (session.doing, &session.machine)) {
                sessions.push(session);
            }
            sessions.iter().filter(|session| session.doing == doing.0).count() == 2
        });
        assert!(spread, "only one standby serves reads");
    }

    lab.ok(&["lab", "kill", standby]);
    let died = Instant::now();
    let (mut theirs, mut others): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|session| session.machine == standby);
    assert_eq!(theirs.len(), DOING.len());
    for session in theirs.iter_mut().filter(|session| session.doing != "nothing") {
        let free = within(MOST.saturating_sub(died.elapsed()), || session.has_ended());
        println!("{}: free after {:.1} s", session.doing, died.elapsed().as_secs_f64());
        assert!(free, "{}: hangs for {MOST:?}", session.doing);
    }
    // An idle psql does not look at its connection. It has ended if the next query fails at once, instead of waiting for a reply.
    std::thread::sleep(MOST.saturating_sub(died.elapsed()));
    for session in theirs.iter_mut().chain(&mut others).filter(|session| session.doing == "nothing") {
        session.asks();
        assert!(within(Duration::from_secs(2), || session.has_ended()), "{}: an idle session hangs", session.machine);
        let succeeded = session.psql.wait().unwrap().success();
        assert_eq!(succeeded, session.machine != standby, "{}", session.machine);
    }
    for session in others.iter_mut().filter(|session| session.doing != "nothing") {
        assert!(!session.has_ended(), "{}, {}: ended with another standby", session.machine, session.doing);
    }
}

/// Returns the names and addresses of the machines.
fn machines() -> Vec<(String, String)> {
    let table = fs::read_to_string("generated/herd/machine/machines.tsv").unwrap();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        (fields[0].to_string(), fields[3].to_string())
    };
    table.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

fn address_of(name: &str) -> String {
    machines().into_iter().find(|(known, _)| known == name).unwrap().1
}

fn machine_at(address: &str) -> String {
    machines().into_iter().find(|(_, known)| known == address).unwrap().0
}
