//! The effect of `bootstrap.sql` in a real PostgreSQL on this machine: who may connect where, and who may do what there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::real::moto;
use pgherd::cluster::resolve;
use pgherd::fileset::FileSet;
use pgherd::generate::generate;

/// The name of the superuser and of the system user, because a server does not run as root.
const POSTGRES: &str = "postgres";

/// Two applications and their guests. `version` is the major version that the text is generated for.
fn files(version: u16) -> FileSet {
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
    generate(&cluster)
}

/// A PostgreSQL server of this machine, without a port.
struct Server {
    dir: TempDir,
    bin: PathBuf,
}

impl Server {
    /// Starts one, and runs the `bootstrap.sql` that is generated for this major version.
    fn founded(version: u16) -> Self {
        let server = Server::started("local all all trust\n", "");
        let sql = server.dir.path().join("bootstrap.sql");
        fs::write(&sql, files(version).get("db_config/bootstrap.sql").unwrap().text.as_bytes()).unwrap();
        ok(server.psql(POSTGRES, POSTGRES).arg("-f").arg(&sql));
        server
    }

    /// Starts an empty one with these lines of pg_hba.conf and of postgresql.conf.
    fn started(pg_hba: &str, more: &str) -> Self {
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
        fs::write(server.dir.path().join("data/pg_hba.conf"), pg_hba).unwrap();
        fs::write(&file, format!("{settings}{more}unix_socket_directories = '{}'\n", server.dir.path().display()))
            .unwrap();
        ok(server.program("pg_ctl").args(["-w", "-s", "-D", &data, "-l", &format!("{data}/log"), "start"]));
        server
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    /// Returns the command for one of PostgreSQL's programs, run as the system user that may run it.
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

    /// Runs a script that must not fail, as a person would type it in psql.
    #[track_caller]
    fn script(&self, user: &str, sql: &str) {
        let file = self.dir.path().join("script.sql");
        fs::write(&file, sql).unwrap();
        ok(self.psql(user, POSTGRES).arg("-f").arg(&file));
    }

    /// Returns what a statement prints, or why it was refused.
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

/// The text for 13 revokes what 15 and newer revoke by default, so that both end with the same rights.
#[test]
fn each_user_has_its_own_databases_and_no_other() {
    for version in [13, 15] {
        let server = Server::founded(version);
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

        // What the owner creates later, also in its own schema.
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

        // Only the owner decides which tables the slot's publication contains.
        server.may("a", "a", "ALTER PUBLICATION s ADD TABLE kept");
        // Only the follower may use logical replication.
        let slot = "SELECT slot_name FROM pg_create_logical_replication_slot('s', 'pgoutput', true)";
        assert_eq!(server.may("follower", "a", slot), "s");
        let why = server.sql("a", "a", slot).unwrap_err();
        assert!(why.contains("permission denied") || why.contains("must be superuser or replication role"), "{why}");

        assert_eq!(server.may(POSTGRES, POSTGRES, "SELECT count(*) > 0 FROM pg_stat_statements"), "t");
        assert_eq!(server.may("a", "a", "SELECT count(*) > 0 FROM pg_stat_statements"), "t", "an owner sees its own");
        assert_eq!(server.may("b", "latin", "SHOW server_encoding"), "LATIN1");
    }
}

/// Returns the SQL blocks of a section of the runbook, without their indentation and without `\password`, which prompts.
fn blocks(runbook: &str, heading: &str) -> Vec<String> {
    let (_, section) = runbook.split_once(&format!("# {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
    let fenced = section.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sql\n"));
    let line = |line: &str| format!("{}\n", line.trim_start());
    fenced.map(|block| block.lines().filter(|line| !line.contains("\\password")).map(line).collect()).collect()
}

/// The runbook's commands give users that are added later the same rights as those of the blueprint.
#[test]
fn the_runbooks_sql_does_what_the_founding_does() {
    for version in [13, 15] {
        let server = Server::founded(version);
        let files = files(version);
        let runbook = &files.get("RUNBOOK.md").unwrap().text;
        let section = |heading: &str| blocks(runbook, heading);
        // What existed before.
        server.may("a", "a", "CREATE TABLE kept (n serial PRIMARY KEY); CREATE SCHEMA s; CREATE TABLE s.more (n int)");
        server.may("a", "a", "INSERT INTO kept DEFAULT VALUES; CREATE TABLE orders (n int PRIMARY KEY)");

        server.script(POSTGRES, &section("Add a user")[0]);
        server.may_not("newcomer", "a", "SELECT 1");
        let own = section("Give a user a database of its own");
        server.script(POSTGRES, &own[0]);
        server.may("newcomer", "newcomer", "CREATE TABLE own (n int)");
        server.may_not("b", "newcomer", "SELECT 1");

        let [let_in, read, write] = &section("Let a user into another user's database")[..] else {
            panic!("{version}")
        };
        server.script(POSTGRES, &format!("{let_in}{read}"));
        server.script(POSTGRES, &section("Add a user")[0].replace("newcomer", "writer"));
        let rest = let_in.lines().filter(|line| !line.contains("'SELECT'") && !line.contains("'CONNECT'"));
        let rest: String = rest.map(|line| format!("{line}\n")).collect();
        server.script(POSTGRES, &format!("{write}{rest}").replace("newcomer", "writer"));
        server.may("a", "a", "CREATE TABLE later (n serial PRIMARY KEY); INSERT INTO later DEFAULT VALUES");
        for guest in ["newcomer", "writer"] {
            for table in ["kept", "s.more", "later"] {
                server.may(guest, "a", &format!("SELECT * FROM {table}"));
            }
            server.may_not(guest, "a", "CREATE TABLE public.own (n int)");
        }
        server.may_not("newcomer", "a", "INSERT INTO kept DEFAULT VALUES");
        assert_eq!(server.may("newcomer", "a", "SHOW default_transaction_read_only"), "on");
        server.may(
            "writer",
            "a",
            "INSERT INTO kept DEFAULT VALUES; INSERT INTO later DEFAULT VALUES; DELETE FROM s.more",
        );
        server.may("writer", "a", "CREATE TEMPORARY TABLE t (n int)");

        let remove = section("Remove a user").concat();
        server.script(POSTGRES, &remove.replace("\\set database a", "\\set database newcomer"));
        server.script(POSTGRES, &format!("{remove}DROP ROLE :\"user\";"));
        assert_eq!(server.may("a", "newcomer", "SELECT count(*) FROM own"), "0", "what it owned is its heir's");

        server.script(POSTGRES, &section("Add a slot").concat());
        server.may("a", "a", "ALTER PUBLICATION newslot ADD TABLE kept");
        follows(&server, &section("Read a slot"), &section("Remove a slot")[0]);
    }
}

/// A subscriber follows the slot with the runbook's commands, and leaves the slot in place when it ends.
fn follows(server: &Server, read: &[String], leave: &str) {
    let [publish, subscribe] = read else { panic!("{read:?}") };
    // Patroni creates the slot.
    server.may(POSTGRES, "a", "SELECT pg_create_logical_replication_slot('s', 'pgoutput')");
    server.may("a", "a", publish);
    server.may("a", "a", "INSERT INTO orders VALUES (1)");
    let subscriber = Server::started("local all all trust\n", "");
    subscriber.may(POSTGRES, POSTGRES, "CREATE TABLE orders (n int PRIMARY KEY)");
    let socket = format!("host={} ", server.dir.path().display());
    let (before, connection) = subscribe.split_once("host=").expect("a connection string");
    let (way, login) = connection.split_once("dbname=").expect("a database");
    assert!(way.ends_with(" port=5000 ") && login.starts_with("a user=follower "), "{subscribe}");
    let local = format!("{before}{socket}dbname={login}").replace("sslmode=require", "sslmode=disable");
    subscriber.script(POSTGRES, &local);
    server.may("a", "a", "INSERT INTO orders VALUES (2)");
    let rows = || subscriber.may(POSTGRES, POSTGRES, "SELECT string_agg(n::text, ' ' ORDER BY n) FROM orders");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while rows() != "1 2" {
        assert!(std::time::Instant::now() < until, "the subscriber has {}", rows());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    subscriber.script(POSTGRES, leave);
    assert_eq!(server.may(POSTGRES, "a", "SELECT slot_name FROM pg_replication_slots"), "s", "Patroni drops it");
}

/// Runs `post_bootstrap.py` as Patroni does, apart from the paths of its files and from a Secrets Manager that refuses the second secret
/// twice. Prints the requests.
const FOUND: &str = r#"import json, os, subprocess, sys
folder, connection, sql = sys.argv[1:]
sys.path[:0] = [folder + "/machine", folder + "/db_config"]
import read_secrets, post_bootstrap
from botocore.exceptions import ClientError
read_secrets.PLAN, post_bootstrap.SQL, read_secrets.PAUSE = folder + "/db_config/secrets.json", sql, 0
puts, options, started = [], [], subprocess.run
class SecretsManager:
    def put_secret_value(self, **put):
        puts.append(put)
        if [each["SecretId"] for each in puts].count("herd/user/b") in (1, 2) and put["SecretId"] == "herd/user/b":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutSecretValue")
def psql(argv, **more):
    options.append(more["env"]["PGOPTIONS"])
    assert not any(put["SecretString"] in " ".join(argv) + more["input"] for put in puts)
    return started(argv, **more)
post_bootstrap.connect, subprocess.run = lambda region: SecretsManager(), psql
os.environ["PGOPTIONS"] = "-c synchronous_commit=local -c statement_timeout=0"
code = post_bootstrap.main(connection)
print("\n" + json.dumps({"code": code, "puts": puts, "options": options}))
"#;

/// The generated files, the server that they initialise, and the requests that were made meanwhile.
fn found(server: &Server, folder: &Path, sql: &str) -> Value {
    let connection = format!("host={} port=5000 user={POSTGRES} dbname={POSTGRES}", server.dir.path().display());
    let mut python = Command::new("python3");
    python.args(["-c", FOUND]).arg(folder).args([&connection, sql]).env("PYTHONDONTWRITEBYTECODE", "1");
    let printed = said(&ok(&mut python).stdout);
    serde_json::from_str(printed.lines().last().unwrap()).unwrap()
}

/// The bootstrap writes one version into each secret, whatever fails, and logs no verifier, whatever is logged. A guest that only reads
/// gets another password from the script, like every other user.
#[test]
fn passwords_are_made_once_and_rotated_for_each_user() {
    let logged =
        "port = 5000\nlog_statement = 'ddl'\nlog_min_duration_statement = 0\nlog_transaction_sample_rate = 1\n";
    let server = Server::started("local all postgres trust\nlocal all all scram-sha-256\n", logged);
    let generated = TempDir::new().unwrap();
    for (path, file) in files(15).iter() {
        let path = generated.path().join(path.as_str());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.text.as_bytes()).unwrap();
    }

    let broken = generated.path().join("broken.sql");
    fs::write(&broken, "CREATE ROLE pgherd_clients NOLOGIN; DROP ROLE pgherd_clients; SELECT 1/0;\n").unwrap();
    let failed = found(&server, generated.path(), broken.to_str().unwrap());
    assert!(failed["code"] != 0 && failed["puts"] == json!([]), "no version of what was not founded: {failed}");

    let bootstrap = generated.path().join("db_config/bootstrap.sql");
    let founded = found(&server, generated.path(), bootstrap.to_str().unwrap());
    assert_eq!(founded["code"], 0, "{founded}");
    let mut puts = founded["puts"].as_array().unwrap().clone();
    let names: Vec<&str> = puts.iter().map(|put| put["SecretId"].as_str().unwrap()).collect();
    let user = |name: &str| format!("herd/user/{name}");
    assert_eq!(names, ["a", "b", "b", "b", "report", "clerk", "follower"].map(user));
    puts.dedup();
    assert_eq!(puts.len(), 5, "all tries are one version: {founded}");
    assert!(puts.iter().all(|put| put["ClientRequestToken"].as_str().is_some_and(|token| token.len() >= 32)));
    let trial = fs::read_to_string(generated.path().join("db_config/try_settings.py")).unwrap();
    for options in founded["options"].as_array().unwrap() {
        assert!(
            trial.contains(&format!("BOOTSTRAP = {options}\n")),
            "the trial connects in another way than {options}"
        );
        assert!(options.as_str().unwrap().starts_with("-c synchronous_commit=local "), "Patroni's own: {options}");
    }
    let log = fs::read_to_string(server.dir.path().join("data/log")).unwrap();
    assert!(log.contains("CREATE ROLE pgherd_clients") && !log.contains("SCRAM-SHA-256$"), "{log}");

    let moto = moto::Moto::with_images("", &FileSet::default());
    for user in ["a", "report", "clerk"] {
        let name = format!("herd/user/{user}");
        let put = puts.iter().find(|put| put["SecretId"] == *name).unwrap();
        let made = json!({ "Name": name, "SecretString": put["SecretString"], "ClientRequestToken": put["ClientRequestToken"] });
        moto.json("eu-west-1", "secretsmanager", "secretsmanager.CreateSecret", &made);
        let mut rotate = Command::new("bash");
        rotate.arg(generated.path().join("rotate_password.sh")).arg(user).env("HAPROXY_ADDRESS", server.dir.path());
        // A machine in the VPC uses the endpoint, and has no other route.
        let inside = user == "clerk";
        let elsewhere = if inside { "http://127.0.0.1:9".to_string() } else { moto.endpoint() };
        rotate.env("AWS_ENDPOINT_URL", elsewhere).env_remove("PGDATABASE");
        if inside {
            rotate.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto.endpoint());
        }
        ok(rotate.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test"));
        let password = moto.secret("eu-west-1", &name);
        assert_ne!(put["SecretString"], *password, "{user}");
        let logs_in = |password: &str| {
            let mut psql = Command::new("psql");
            psql.arg(format!("host={} port=5000 user={user} dbname=a", server.dir.path().display()));
            psql.args(["--no-psqlrc", "--no-password", "-c", "SELECT 1"]).env("PGPASSWORD", password);
            psql.output().unwrap().status.success()
        };
        assert!(logs_in(&password) && !logs_in(put["SecretString"].as_str().unwrap()), "{user}");
    }
}
