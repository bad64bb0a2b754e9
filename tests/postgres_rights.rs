//! What `bootstrap.sql` makes, in a real PostgreSQL of this machine: who may connect where, and who may do what there.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods, clippy::disallowed_types)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use pgherd::cluster::resolve;
use pgherd::generate::generate;

/// The superuser's name, and the system user's: a server does not run as root.
const POSTGRES: &str = "postgres";

/// Two applications and their guests. `version` is the major that the text is written for.
fn bootstrap(version: u16) -> String {
    let text = format!(
        r#"cluster "herd" {{
  region = "eu-west-1"
  postgres {{
    version   = {version}
    users     = ["a", "b"]
    databases = {{ a = "a", b = "b", super = "postgres" }}
    user "report" {{
      databases = ["a", "super"]
    }}
    user "clerk" {{
      databases = ["a"]
      access    = "write"
    }}
    logical_slots = {{ s = "a" }}
    user "follower" {{
      databases = ["a"]
      access    = "replicate"
    }}
    database "latin" {{
      owner    = "b"
      encoding = "latin1"
      locale   = "C"
    }}
  }}
}}
"#
    );
    let cluster = resolve(&pgherd::blueprint::parse("herd.hcl", &text).unwrap_or_else(|found| panic!("{found:?}")));
    generate(&cluster).get("db_config/bootstrap.sql").unwrap().text.to_string()
}

/// A server of this machine's own, without a port.
struct Server {
    dir: TempDir,
    bin: PathBuf,
}

impl Server {
    /// Founded as Patroni does it, with a file of SQL.
    fn founded(bootstrap: &str) -> Self {
        let bin = newest();
        let server = Server { dir: TempDir::new().unwrap(), bin };
        if rustix::process::geteuid().is_root() {
            assert!(Command::new("chown").arg(POSTGRES).arg(server.dir.path()).status().unwrap().success());
        }
        let data = server.data();
        ok(server.program("initdb").args([
            "--no-sync",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "-U",
            POSTGRES,
            "-D",
            &data,
        ]));
        let settings = "listen_addresses = ''\nshared_preload_libraries = 'pg_stat_statements'\nfsync = off\nwal_level = logical\n";
        let file = server.dir.path().join("data/postgresql.auto.conf");
        fs::write(&file, format!("{settings}unix_socket_directories = '{}'\n", server.dir.path().display())).unwrap();
        ok(server.program("pg_ctl").args(["-w", "-s", "-D", &data, "-l", &format!("{data}/log"), "start"]));
        let sql = server.dir.path().join("bootstrap.sql");
        fs::write(&sql, bootstrap).unwrap();
        let mut psql = server.psql(POSTGRES, POSTGRES);
        ok(psql.arg("-f").arg(&sql));
        server
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    /// One of PostgreSQL's own programs, as the system user that may run it.
    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        if !rustix::process::geteuid().is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", POSTGRES, "--"]).arg(program).current_dir(self.dir.path());
        command
    }

    fn psql(&self, user: &str, database: &str) -> Command {
        let mut psql = self.program("psql");
        psql.args(["--no-psqlrc", "--quiet", "-At", "--set=ON_ERROR_STOP=1"]);
        psql.arg(format!("host={} user={user} dbname={database}", self.dir.path().display()));
        psql
    }

    /// What a statement prints, or why it was refused.
    fn sql(&self, user: &str, database: &str, sql: &str) -> Result<String, String> {
        let output = self.psql(user, database).arg("-c").arg(sql).output().unwrap();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
    }

    #[track_caller]
    fn may(&self, user: &str, database: &str, sql: &str) -> String {
        self.sql(user, database, sql).unwrap_or_else(|why| panic!("{user} in {database}: {sql}: {why}"))
    }

    #[track_caller]
    fn may_not(&self, user: &str, database: &str, sql: &str) {
        let why = self.sql(user, database, sql).expect_err(&format!("{user} may do in {database}: {sql}"));
        let refusals = ["permission denied", "read-only transaction", "must be owner"];
        assert!(refusals.iter().any(|refusal| why.contains(refusal)), "{user} in {database}: {sql}: {why}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.program("pg_ctl").args(["-w", "-s", "-m", "immediate", "-D", &self.data(), "stop"]).output();
    }
}

fn newest() -> PathBuf {
    let installed =
        fs::read_dir("/usr/lib/postgresql").expect("this test needs PostgreSQL's server: .ci/setup installs it");
    let bins = installed.map(|entry| entry.unwrap().path().join("bin")).filter(|bin| bin.join("initdb").exists());
    let major = |bin: &Path| bin.parent().and_then(Path::file_name)?.to_str()?.parse::<u16>().ok();
    bins.max_by_key(|bin| major(bin)).expect("this test needs PostgreSQL's server: .ci/setup installs it")
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_string()
}

#[track_caller]
fn ok(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}{}", said(&output.stdout), said(&output.stderr));
    output
}

/// The text for 13 closes what 15 and newer close by themselves: both end in the same rights.
#[test]
fn each_user_has_its_own_databases_and_no_other() {
    for version in [13, 15] {
        let server = Server::founded(&bootstrap(version));
        for (user, database, may) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a", "postgres", false),
            ("a", "template1", false),
            ("b", "b", true),
            ("b", "latin", true),
            ("b", "a", false),
            ("report", "a", true),
            ("report", "super", true),
            ("report", "b", false),
            ("report", "postgres", false),
            ("clerk", "a", true),
            ("clerk", "super", false),
            ("rewind_user", "postgres", true),
            ("rewind_user", "a", false),
        ] {
            let connected = server.sql(user, database, "SELECT 1");
            assert_eq!(connected.is_ok(), may, "{version}: {user} to {database}: {connected:?}");
            if let Err(why) = connected {
                assert!(why.contains("permission denied for database"), "{why}");
            }
        }

        // What the owner makes after the founding, in a schema of its own as well.
        server.may("a", "a", "CREATE TABLE kept (n serial PRIMARY KEY, t text); INSERT INTO kept (t) VALUES ('x')");
        server.may("a", "a", "CREATE SCHEMA s; CREATE TABLE s.more (n int); CREATE TEMPORARY TABLE t (n int)");
        server.may(POSTGRES, "super", "CREATE TABLE theirs (n int)");
        for guest in ["report", "clerk", "follower"] {
            assert_eq!(server.may(guest, "a", "SELECT t FROM kept"), "x", "{guest}");
            server.may(guest, "a", "SELECT * FROM s.more");
            server.may_not(guest, "a", "CREATE TABLE public.own (n int)");
            server.may_not(guest, "a", "CREATE TABLE s.own (n int)");
            server.may_not(guest, "a", "DROP TABLE kept");
        }
        server.may("report", "super", "SELECT * FROM theirs");
        for write in [
            "INSERT INTO kept (t) VALUES ('y')",
            "UPDATE kept SET t = 'y'",
            "DELETE FROM kept",
            "TRUNCATE kept",
            "CREATE TEMPORARY TABLE t (n int)",
        ] {
            server.may_not("report", "a", write);
        }
        server.may_not("report", "a", "BEGIN READ WRITE; INSERT INTO kept (t) VALUES ('y')");
        server.may_not("follower", "a", "INSERT INTO kept (t) VALUES ('y')");
        server.may("clerk", "a", "INSERT INTO kept (t) VALUES ('y'); UPDATE kept SET t = 'z'; DELETE FROM kept");
        server.may_not("clerk", "a", "TRUNCATE kept");

        // What the slot's publication is made of is the owner's to say.
        server.may("a", "a", "ALTER PUBLICATION s ADD TABLE kept");
        // Logical replication is the follower's alone.
        let slot = "SELECT slot_name FROM pg_create_logical_replication_slot('s', 'pgoutput', true)";
        assert_eq!(server.may("follower", "a", slot), "s");
        let why = server.sql("a", "a", slot).unwrap_err();
        assert!(why.contains("permission denied") || why.contains("must be superuser or replication role"), "{why}");

        assert_eq!(server.may(POSTGRES, POSTGRES, "SELECT count(*) > 0 FROM pg_stat_statements"), "t");
        assert_eq!(server.may("a", "a", "SELECT count(*) > 0 FROM pg_stat_statements"), "t", "an owner sees its own");
        assert_eq!(server.may("b", "latin", "SHOW server_encoding"), "LATIN1");
    }
}
