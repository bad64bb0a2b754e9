//! What is decided when a cluster is initialised, tested in the lab: who may connect where and do what, how text is sorted, and a slot of
//! logical replication that survives a switchover.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::lab;
use crate::lab::client::Client;
use crate::lab::{Lab, text, within};

const BLUEPRINT: &str = "blueprints/founding.hcl";

#[test]
fn a_founding_gives_each_its_own_and_a_switchover_keeps_a_followers_slot() {
    let lab = Lab::take();
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("blueprints")).unwrap();
    std::fs::copy("tests/blueprints/founding.hcl", folder.path().join(BLUEPRINT)).unwrap();
    let founding = Founding { lab: &lab, folder: folder.path() };
    founding.ok(&["gen"]);
    founding.ok(&["run", BLUEPRINT, "--target", "lab"]);

    founding.opens_databases_to_their_own_users();
    founding.shows_a_guest_what_the_owner_makes_later();
    founding.sorts_text_as_chosen();
    founding.counts_statements_beside_the_blueprints_library();
    founding.leads_to_the_right_machine_from_the_start_of_haproxy();
    founding.is_reached_by_one_name();
    founding.keeps_a_slot_over_a_switchover();
}

/// Connects to both ports as fast as possible, while HAProxy is started or reloaded so many times. It asks for TLS, which PostgreSQL
/// answers, and prints how many connections were answered. [`starts`] says how often.
const HAMMER: &str = r#"
import socket, struct, subprocess, sys, time

def answers(port):
    with socket.socket() as client:
        client.settimeout(1)
        try:
            client.connect(("127.0.0.1", port))
            client.sendall(struct.pack("!ii", 8, 80877103))
            return client.recv(1) == b"S"
        except OSError:
            return False

answered = 0
for how in ["restart", "reload"] * (int(sys.argv[1]) // 2):
    subprocess.run(["systemctl", how, "--no-block", "haproxy"], check=True)
    end = time.monotonic() + 1.6
    while time.monotonic() < end:
        answered += answers(5000) + answers(5001)
    time.sleep(1)
print(answered)
"#;

/// Returns how often HAProxy is started or reloaded: `PGHERD_STARTS`, or ten times.
fn starts() -> u32 {
    std::env::var("PGHERD_STARTS").map_or(10, |number| number.parse().expect("PGHERD_STARTS is an even number"))
}

struct Founding<'a> {
    lab: &'a Lab,
    folder: &'a Path,
}

impl Founding<'_> {
    fn opens_databases_to_their_own_users(&self) {
        for (user, database) in [("a", "a"), ("b", "b"), ("b", "german"), ("report", "a"), ("warehouse", "a")] {
            self.sql(user, database, "SELECT 1").unwrap();
        }
        for (user, database) in
            [("a", "b"), ("b", "a"), ("a", "postgres"), ("report", "b"), ("report", "german"), ("a", "template1")]
        {
            let refused = self.sql(user, database, "SELECT 1").unwrap_err();
            assert!(refused.contains("permission denied for database"), "{user} to {database}: {refused}");
        }
    }

    fn shows_a_guest_what_the_owner_makes_later(&self) {
        self.sql("a", "a", "CREATE TABLE kept (n bigint PRIMARY KEY)").unwrap();
        self.sql("a", "a", "INSERT INTO kept VALUES (1)").unwrap();
        assert_eq!(self.sql("report", "a", "SELECT n FROM kept").unwrap(), "1");
        for refused in ["INSERT INTO kept VALUES (2)", "CREATE TABLE own (n int)", "SELECT lo_create(0)"] {
            let why = self.sql("report", "a", refused).unwrap_err();
            assert!(why.contains("read-only transaction"), "{refused}: {why}");
        }
        for refused in ["INSERT INTO kept VALUES (2)", "CREATE TABLE own (n int)"] {
            let why = self.sql("report", "a", &format!("BEGIN READ WRITE; {refused}")).unwrap_err();
            assert!(why.contains("permission denied"), "{refused}: {why}");
        }
    }

    fn sorts_text_as_chosen(&self) {
        let sorted = "SELECT string_agg(t, '' ORDER BY t) FROM (VALUES ('Z'), ('a'), ('ä')) AS letters (t)";
        assert_eq!(self.sql("a", "a", sorted).unwrap(), "Zaä");
        assert_eq!(self.sql("b", "german", sorted).unwrap(), "aäZ");
    }

    fn counts_statements_beside_the_blueprints_library(&self) {
        let loaded = self.in_database("master", "SHOW shared_preload_libraries");
        assert_eq!(loaded, "pg_stat_statements, auto_explain");
        let counted = "SELECT count(*) > 0 FROM pg_stat_statements WHERE query LIKE 'INSERT INTO kept%'";
        assert_eq!(self.sql("a", "a", counted).unwrap(), "t");
    }

    /// Checks in HAProxy's log which server each connection reached.
    fn leads_to_the_right_machine_from_the_start_of_haproxy(&self) {
        let script = format!(
            "cat >/run/hammer.py <<'END'\n{HAMMER}\nEND\nsince=$(date +%s)\npython3 /run/hammer.py {}\n\
             journalctl -u haproxy --since @$since -o cat | grep -oE ' (write|read) (write|read)/[a-z0-9-]+ ' | sort | uniq -c",
            starts()
        );
        let output = self.lab.in_machine("haproxy", &script);
        assert!(output.status.success(), "{}", text(&output));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = said.lines();
        let answered: u32 = lines.next().unwrap().trim().parse().unwrap();
        println!("{answered} connections in {} starts and reloads: {said}", starts());
        assert!(answered > 50 * starts(), "HAProxy answered too few to tell: {said}");
        let mut seen = 0;
        for line in lines {
            let [count, _, server] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
            let right = match server.split_once('/').unwrap() {
                ("write", server) => server == "master",
                (_, server) => server.starts_with("slave") && !server.ends_with("-as-primary"),
            };
            assert!(right, "{server} got {count} connections: {said}");
            seen += count.parse::<u32>().unwrap();
        }
        // A HAProxy that is stopped does not log the sessions that end with it. Here each is over within a millisecond.
        assert!(seen + 5 * starts() >= answered, "{said}");
    }

    /// The network load balancer leads clients to the primary and to the standby, and nobody else in. It passes by a HAProxy that is
    /// drained. Where every HAProxy is drained, it uses them all the same.
    fn is_reached_by_one_name(&self) {
        let module = format!("-chdir={}/clusters/founding/load_balancer/terraform_haproxy", lab::STATE);
        let name = self.lab.ok(&["lab", "shell", "--", "terraform", &module, "output", "-raw", "nlb_dns_name"]);
        let known = self.lab.ok(&["lab", "shell", "--", "getent", "ahostsv4", &name]);
        let address = known.split_whitespace().next().unwrap();
        let recovers = |port| self.sql_at(address, port, "a", "a", "SELECT pg_is_in_recovery()");
        assert_eq!((recovers(5000).unwrap(), recovers(5001).unwrap()), ("f".to_string(), "t".to_string()));

        let outside = Client::boot(self.lab, "172.31.0.0/20", "172.31.0.10");
        assert!(!outside.reaches(address, 5000), "whoever is none of the clients reaches the load balancer");
        drop(outside);

        let health = |haproxy: &str, path: &str| {
            let url = format!("http://{}:7000{path}", self.address(haproxy));
            let curl = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", &url];
            String::from_utf8(Command::new(curl[0]).args(&curl[1..]).output().unwrap().stdout).unwrap()
        };
        let say = |haproxy: &str, order: &str| {
            let script = format!(
                "python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect(\"/run/haproxy/admin.sock\"); \
                 s.sendall(b\"{order} server in_use/clients\\n\"); s.recv(100)'"
            );
            let output = self.lab.in_machine(haproxy, &script);
            assert!(output.status.success(), "{}", text(&output));
        };
        let log = || std::fs::read_to_string(format!("{}/logs/nlb-{address}.log", lab::STATE)).unwrap();
        // A server that answers late at first may have been down before.
        let is = |haproxy: &str, state: &str| {
            let log = log();
            let of = |port: &str| {
                let server = format!("Server {port}/{}:{port} is ", self.address(haproxy));
                log.lines().rfind(|line| line.contains(&server))
            };
            ["5000", "5001"].iter().all(|port| of(port).is_some_and(|line| line.contains(state)))
        };
        for haproxy in ["haproxy", "haproxy2"] {
            assert_eq!([health(haproxy, "/health"), health(haproxy, "/health/read")], ["200", "200"]);
            say(haproxy, "disable");
            assert_eq!([health(haproxy, "/health"), health(haproxy, "/health/read")], ["503", "503"]);
            assert!(within(Duration::from_secs(15), || is(haproxy, " is DOWN")), "{}", log());
            assert_eq!(recovers(5000).unwrap(), "f", "there is another one, or no better one");
        }
        for haproxy in ["haproxy", "haproxy2"] {
            say(haproxy, "enable");
            assert!(within(Duration::from_secs(15), || is(haproxy, " is UP")), "{}", log());
        }
    }

    /// The follower reads the changes from before a switchover on one machine and those from after it on the other. None is missing.
    fn keeps_a_slot_over_a_switchover(&self) {
        self.sql("a", "a", "ALTER PUBLICATION warehouse ADD TABLE kept").unwrap();
        self.sql("a", "a", "INSERT INTO kept VALUES (2)").unwrap();
        assert_eq!(self.inserts(), 1);
        let seen = self.in_database(
            "master",
            "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'warehouse'",
        );
        let behind =
            format!("SELECT confirmed_flush_lsn >= '{seen}' FROM pg_replication_slots WHERE slot_name = 'warehouse'");
        // Patroni restarts the standby's PostgreSQL to create the slot's files. Meanwhile it accepts no connection.
        let follows = || self.asked("slave1", &behind).is_ok_and(|answer| answer == "t");
        assert!(within(Duration::from_secs(60), follows), "the standby's copy of the slot does not move");

        self.sql("a", "a", "INSERT INTO kept VALUES (3)").unwrap();
        // Patroni refuses a switchover until the standby that it restarted is in the quorum again, and `patronictl` exits with 0 then, too.
        let mut said = String::new();
        let moved = || {
            said = text(&self.lab.in_machine("master", "herdctl switchover --force"));
            said.contains("Successfully switched over")
        };
        assert!(within(Duration::from_secs(60), moved), "{said}");
        let writes = || self.sql("a", "a", "INSERT INTO kept VALUES (4)").is_ok();
        assert!(within(Duration::from_secs(60), writes), "nobody takes writes after the switchover");
        assert_eq!(self.sql("a", "a", "SELECT host(inet_server_addr())").unwrap(), self.address("slave1"));
        assert_eq!(self.inserts(), 2, "one of before the switchover, one of after it");
    }

    /// Returns the number of inserts that the follower's slot delivers, and consumes them.
    fn inserts(&self) -> usize {
        let read = "SELECT count(*) FROM pg_logical_slot_get_binary_changes('warehouse', NULL, NULL, 'proto_version', '1', \
                    'publication_names', 'warehouse') WHERE get_byte(data, 0) = ascii('I')";
        self.sql("warehouse", "a", read).unwrap().parse().unwrap()
    }

    /// Returns a machine's address from the generated table.
    fn address(&self, name: &str) -> String {
        let table = std::fs::read_to_string(self.folder.join("generated/founding/machine/machines.tsv")).unwrap();
        let line = table.lines().find(|line| line.split('\t').next() == Some(name)).unwrap();
        line.split('\t').nth(3).unwrap().to_string()
    }

    /// Runs a statement as the superuser on a machine itself.
    fn in_database(&self, machine: &str, sql: &str) -> String {
        self.asked(machine, sql).unwrap()
    }

    fn asked(&self, machine: &str, sql: &str) -> Result<String, String> {
        let output = self.lab.in_machine(machine, &format!("runuser -u postgres -- psql -XAqtc \"{sql}\""));
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(text(&output)) }
    }

    fn ok(&self, words: &[&str]) {
        let output = lab::pgherd().args(words).current_dir(self.folder).output().unwrap();
        assert!(output.status.success(), "pgherd {}:\n{}", words.join(" "), text(&output));
    }

    /// Runs one statement through HAProxy's write port on its own connection, and returns the rows or the error.
    fn sql(&self, user: &str, database: &str, sql: &str) -> Result<String, String> {
        self.sql_at(&self.address("haproxy"), 5000, user, database, sql)
    }

    fn sql_at(&self, host: &str, port: u16, user: &str, database: &str, sql: &str) -> Result<String, String> {
        let name = format!("founding/user/{user}");
        let query = ["secretsmanager", "get-secret-value", "--region", "eu-west-1", "--secret-id", &name];
        let password = self.lab.aws(&[&query[..], &["--query", "SecretString"]].concat());
        let connection =
            format!("host={host} port={port} user={user} dbname={database} connect_timeout=3 sslmode=require");
        let mut psql = Command::new("timeout");
        psql.args(["8", "psql", &connection, "-XAqt", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let output = psql.env("PGPASSWORD", password).output().expect("psql is installed");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
    }
}
