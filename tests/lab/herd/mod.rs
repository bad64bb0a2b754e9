//! The main task, end to end: `blueprints/herd.hcl` in the lab, from nothing to a cluster that loses its primary but no row.

mod founders;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempPath;

use crate::drill::brings_faults_about_measures_and_undoes_them;
use crate::drill_by_ec2;
use crate::lab;
use crate::lab::client::{self, Client, Key, resolves};
use crate::lab::{Inventory, Lab, text, within};

const BLUEPRINT: &str = "blueprints/herd.hcl";
/// The longest outage that pgherd promises when the primary's machine is lost.
const MOST_OUTAGE: Duration = Duration::from_secs(30);
/// The longest outage when the HAProxy is lost that clients name first: 4 s by `pgherd check`, and psql's and Terraform's own starts on
/// a machine with two processors. A HAProxy that boots takes longer.
const MOST_WITHOUT_A_HAPROXY: Duration = Duration::from_secs(8);
/// How long a founder of etcd that has lost its disk runs alone after a power cut. Other machines rarely boot this much later.
const ALONE: Duration = Duration::from_secs(15);

#[test]
fn a_herd_from_nothing_to_failover() {
    let lab = Lab::take();
    let before = Inventory::take();
    let herd = Herd { lab: &lab, passfile: OnceLock::new() };

    let run = lab.ok(&["run", BLUEPRINT, "--target", "lab"]);
    println!("{run}");
    herd.is_whole();
    herd.writes_and_reads_go_where_they_should();
    herd.lets_in_only_whom_it_should();
    herd.has_valid_configuration();
    herd.checks_leave_no_trace_in_patronis_journal();
    herd.keeps_every_secret();
    herd.serves_passwords_to_its_clients_and_is_not_noticed_by_others();
    herd.is_not_built_again();
    herd.gets_a_new_image_one_haproxy_after_the_other();
    herd.survives_a_power_cut_of_a_haproxy();
    brings_faults_about_measures_and_undoes_them(&lab);
    herd.survives_a_power_cut_of_the_primary();
    herd.comes_back_from_a_power_cut_that_took_a_founders_disk();
    herd.founds_nothing_when_both_founders_are_replaced();
    herd.is_taken_down();
    herd.has_used_its_rights_and_no_others();

    lab.ok(&["lab", "down"]);
    assert_eq!(before.left_behind(), Vec::<String>::new(), "the lab is down and these are still there");
}

struct Herd<'a> {
    lab: &'a Lab,
    passfile: OnceLock<TempPath>,
}

/// A machine, as the generated table lists it.
#[derive(Debug, Clone)]
struct Machine {
    name: String,
    role: String,
    address: String,
}

impl Herd<'_> {
    fn is_whole(&self) {
        let status = self.lab.ok(&["status", BLUEPRINT, "--target", "lab"]);
        let count = |what: &str| status.lines().filter(|line| line.contains(what)).count();
        assert_eq!(count("primary"), 1, "{status}");
        assert_eq!(count("streaming"), 2, "{status}");
        // A standby that has just come back is not one of them yet: Patroni looks again every two seconds.
        assert!((1..=2).contains(&count("sync standby")), "{status}");
    }

    /// The runner's policies allow everything that it requested, and nothing without a reason. Machines use their roles for one thing only.
    fn has_used_its_rights_and_no_others(&self) {
        let printed: serde_json::Value = serde_json::from_str(&self.lab.ok(&["policy", BLUEPRINT])).unwrap();
        let statements =
            printed.as_object().unwrap().values().flat_map(|document| document["Statement"].as_array().unwrap());
        let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
        let allowed: BTreeSet<String> = actions.map(|action| action.as_str().unwrap().to_string()).collect();
        let calls = self.lab.calls();
        let of = |who: &str| calls.iter().filter(|(caller, ..)| caller.contains(who)).collect::<Vec<_>>();
        let user = |name: &str| of(&format!(":user/{name}"));
        let (runner, machines) = (user("pgherd-herd"), of(":assumed-role/"));
        let known = [user(client::USER), user(drill_by_ec2::USER)].concat().len() + runner.len() + machines.len();
        assert_eq!(known, calls.len(), "there is no one else: {calls:#?}");

        let refused: BTreeSet<_> = runner.iter().chain(&machines).filter(|(.., refused)| *refused).collect();
        assert!(refused.is_empty(), "{refused:#?}");
        let used: BTreeSet<String> = runner.iter().map(|(_, action, _)| action.clone()).collect();
        let needed_elsewhere = pgherd::pipeline::policy::tasks::NEEDED_ELSEWHERE;
        let idle = allowed.difference(&used).filter(|action| needed_elsewhere.iter().all(|(known, _)| known != action));
        assert_eq!(idle.collect::<Vec<_>>(), Vec::<&String>::new(), "allowed, not used, and without a reason");

        let done: BTreeSet<&str> = machines.iter().map(|(_, action, _)| action.as_str()).collect();
        assert!(done.contains("secretsmanager:GetSecretValue"), "{done:?}");
        let keys = fs::read_to_string(format!("{}/credentials/herd", lab::STATE)).unwrap();
        for line in keys.lines().filter(|line| line.contains(" = ")) {
            let secret = line.split(" = ").nth(1).unwrap();
            let found =
                Command::new("grep").args(["-rlF", secret, "--exclude-dir=credentials", lab::STATE]).output().unwrap();
            let told = String::from_utf8(found.stdout).unwrap();
            assert!(line.starts_with("aws_access_key_id") || told.is_empty(), "the runner's secret key is in {told}");
        }
    }

    /// HAProxy checks each Patroni several times a second, for ever. Patroni logs forty lines for a check that it could not answer in full.
    fn checks_leave_no_trace_in_patronis_journal(&self) {
        std::thread::sleep(Duration::from_secs(10));
        for machine in machines().into_iter().filter(|machine| machine.role != "haproxy") {
            let output = self.lab.in_machine(&machine.name, "journalctl -u patroni --since -10s -o cat");
            let journal = text(&output);
            assert!(journal.contains("no action"), "{}: {journal}", machine.name);
            assert!(!journal.contains("Traceback"), "{}: {journal}", machine.name);
        }
    }

    fn writes_and_reads_go_where_they_should(&self) {
        self.sql(5000, "CREATE TABLE kept (n bigint PRIMARY KEY)").unwrap();
        self.sql(5000, "INSERT INTO kept VALUES (0)").unwrap();
        assert_eq!(self.sql(5000, "SELECT pg_is_in_recovery()").unwrap(), "f");
        assert_eq!(self.sql(5000, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").unwrap(), "t");

        let standbys: BTreeSet<String> =
            machines().into_iter().filter(|m| m.role == "slave").map(|m| m.address).collect();
        let mut seen = BTreeSet::new();
        for _ in 0..20 {
            let row =
                self.sql(5001, "SELECT host(inet_server_addr()), pg_is_in_recovery(), count(*) FROM kept").unwrap();
            let (address, rest) = row.split_once('|').unwrap();
            assert_eq!(rest, "t|1", "port 5001 leads to a standby that has the row");
            seen.insert(address.to_string());
        }
        assert_eq!(seen, standbys, "reads are spread over every standby");
    }

    fn lets_in_only_whom_it_should(&self) {
        let haproxy = address("haproxy");
        let get = |path: &str, login: Option<&str>| {
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--max-time", "5", "--write-out", "\n%{http_code}", "--config", "-"]);
            let config = login.map(|login| format!("user = \"{login}\"\n")).unwrap_or_default();
            let answer = piped(curl.arg(format!("http://{haproxy}:7000{path}")), &config);
            let (body, code) = answer.rsplit_once('\n').unwrap();
            (code.to_string(), body.to_string())
        };
        let password = self.secret("herd/stats");
        assert_eq!(get("/admin?stats", None).0, "401");
        assert_eq!(get("/admin?stats", Some("admin1:AdMiN123")).0, "401", "the seed's password is gone");
        let (code, page) = get("/admin?stats", Some(&format!("admin1:{password}")));
        assert_eq!(code, "200");
        assert!(page.contains("Statistics Report") && page.contains("slave2"), "{page}");
        assert_eq!(get("/health", None).0, "200");
        assert!(get("/metrics", None).1.contains("haproxy_server_status"));

        let refused = self.sql_as("postgres", "postgres", 5000, "SELECT 1").unwrap_err();
        assert!(refused.contains("no pg_hba.conf entry") || refused.contains("rejects connection"), "{refused}");
        let plain = self.connect("sslmode=disable", "app", "app", 5000, "SELECT 1").unwrap_err();
        assert!(plain.contains("no encryption"), "{plain}");
    }

    fn has_valid_configuration(&self) {
        let validate = "set -a; . /run/pgherd/patroni-identity.env; . /run/pgherd/patroni.env; set +a; \
                        patroni --validate-config --ignore-listen-port /etc/patroni/config.yml";
        let output = self.lab.in_machine("master", validate);
        // Patroni's check (up to 4.1.4) does not know `quorum`, which Patroni has had since 4.0.
        let known = "bootstrap.dcs.synchronous_mode quorum is not a boolean";
        assert_eq!(text(&output).trim(), known);
        for machine in machines().iter().filter(|m| m.role != "haproxy") {
            let checked =
                "runuser -u postgres -- /usr/lib/postgresql/17/bin/postgres -D /var/lib/postgresql/17/main -C";
            let value = |name: &str| {
                let output = self.lab.in_machine(&machine.name, &format!("{checked} {name}"));
                assert!(output.status.success(), "{}: {}", machine.name, text(&output));
                String::from_utf8_lossy(&output.stdout).trim().to_string()
            };
            assert_eq!(value("password_encryption"), "scram-sha-256");
            assert_eq!(value("ssl"), "on");
        }
        // It is computed from the data directory, which `postgres -C` does not open while a server is running on it.
        assert_eq!(self.sql(5000, "SHOW data_checksums").unwrap(), "on");
        let output = self
            .lab
            .in_machine("haproxy", "set -a; . /run/pgherd/haproxy.env; haproxy -c -q -f /etc/haproxy/haproxy.cfg");
        assert!(output.status.success(), "{}", text(&output));
    }

    /// Checks that no password is in the generated files, a state, a log, a disk, an image or an argument list.
    fn keeps_every_secret(&self) {
        let names = self.aws(&["secretsmanager", "list-secrets", "--query", "SecretList[].Name"]);
        // The record of the founding is no password, and lies on the founders' disks.
        let passwords = names.split_whitespace().filter(|name| *name != "herd/founded");
        let secrets: Vec<String> = passwords.map(|name| self.secret(name)).collect();
        assert_eq!(secrets.len(), 6, "{names}");
        assert!(secrets.iter().all(|secret| secret.len() >= 32));
        assert_eq!(files_with(&secrets.join("\n"), &places()), "", "passwords lie in files");
        let mark = format!("mark of {}", std::process::id());
        let marked = self.lab.in_machine("master", &format!("echo '{mark}' >/root/mark && sync /root/mark"));
        assert!(marked.status.success(), "{}", text(&marked));
        let disks = Path::new(lab::STATE).join("disks");
        assert_ne!(files_with(&mark, &[disks]), "", "the search does not see what is on a machine's disk");
        for (pid, command) in lab::processes() {
            assert!(!secrets.iter().any(|secret| command.contains(secret)), "process {pid} shows a password");
        }
    }

    /// A client reads a user's password as the README describes, but no other cluster's. A host that is not in `network.clients` gets no
    /// connection, and Secrets Manager's name in the VPC is what it was.
    fn serves_passwords_to_its_clients_and_is_not_noticed_by_others(&self) {
        let module = format!("{}/clusters/herd/network/terraform_network", lab::STATE);
        let chdir = format!("-chdir={module}");
        let output = ["lab", "shell", "--", "terraform", &chdir, "output", "-raw", "secrets_endpoint"];
        let endpoint = self.lab.ok(&output);
        let name = "secretsmanager.eu-west-1.amazonaws.com";
        let known = resolves(self.lab, "master", name);
        assert_eq!(known.len(), 3, "an endpoint in each zone: {known:?}");
        assert_eq!(
            resolves(self.lab, "master", "ec2.eu-west-1.amazonaws.com"),
            [""; 0],
            "no other name is the cluster's"
        );

        let foreign = ["secretsmanager", "create-secret", "--name", "other/user/app", "--secret-string", "foreign"];
        self.aws(&foreign);
        let key = Key::make(self.lab);
        let inside = Client::boot(self.lab, "10.20.0.0/18", "10.20.0.200");
        assert_eq!(inside.resolves(name), [""; 0], "the VPC's own name for Secrets Manager is taken");
        let reached =
            |client: &Client<'_>| [5000, 5001, 7000, 22].map(|port| client.reaches(&address("haproxy"), port));
        assert_eq!(reached(&inside), [true, true, true, false], "SSH is closed unless the blueprint has admins");
        assert!(!inside.reaches(&address("master"), 5432), "PostgreSQL is reached through HAProxy");
        for address in &known {
            let read = inside.reads("herd/user/app", &key, &endpoint, std::slice::from_ref(address));
            assert!(text(&read).trim() == self.secret("herd/user/app"), "{address}: {}", read.status);
        }
        let refused = inside.reads("other/user/app", &key, &endpoint, &known);
        assert!(text(&refused).contains("AccessDeniedException"), "{}", text(&refused));

        let outside = Client::boot(self.lab, "172.31.0.0/20", "172.31.0.10");
        assert_eq!(reached(&outside), [false; 4], "whoever is none of the clients reaches HAProxy");
        let asked = self.lab.calls().len();
        let unheard = outside.reads("herd/user/app", &key, &endpoint, &known);
        assert!(!unheard.status.success(), "whoever is none of the clients reads a password");
        assert_eq!(self.lab.calls().len(), asked, "the door is closed before anything is asked: {}", text(&unheard));
        self.aws(&[
            "secretsmanager",
            "delete-secret",
            "--secret-id",
            "other/user/app",
            "--force-delete-without-recovery",
        ]);
    }

    fn is_not_built_again(&self) {
        let again = self.lab.run(&["run", BLUEPRINT, "--target", "lab"]);
        assert!(again.status.success(), "{}", text(&again));
        let again = text(&again);
        assert_eq!(again.matches("unchanged  herd-").count(), 3, "three images are there already:\n{again}");
        assert_eq!(
            again.matches("planned: nothing changes").count(),
            4,
            "four modules are as they should be:\n{again}"
        );
        let drift = self.lab.run(&["gen", "--check"]);
        assert!(drift.status.success(), "a run leaves the generated files alone:\n{}", text(&drift));
    }

    /// Clients that know both HAProxies write on while each is replaced. The image is always built, so that Packer shows which rights it
    /// needs.
    fn gets_a_new_image_one_haproxy_after_the_other(&self) {
        let former = ["haproxy", "haproxy2"].map(|name| self.instance(name));
        let outage = self.outage(Duration::ZERO, || {
            let run = self.lab.run(&["run", BLUEPRINT, "--target", "lab", "--yes", "--rebuild", "haproxy"]);
            assert!(run.status.success(), "{}", text(&run));
            assert!(text(&run).contains("goes first, so that clients always have a HAProxy"), "{}", text(&run));
        });
        assert!(outage <= MOST_WITHOUT_A_HAPROXY, "writes stood still for {outage:?}");
        for (name, former) in ["haproxy", "haproxy2"].into_iter().zip(former) {
            assert_ne!(self.instance(name), former, "{name} is the same machine");
        }
        self.heals();
    }

    /// Clients that know both go on through the second. `status` names the one that is down.
    fn survives_a_power_cut_of_a_haproxy(&self) {
        let outage = self.outage(Duration::from_secs(10), || {
            self.lab.ok(&["lab", "kill", "haproxy"]);
        });
        assert!(outage <= MOST_WITHOUT_A_HAPROXY, "writes stood still for {outage:?}");
        let status = self.lab.run(&["status", BLUEPRINT, "--target", "lab"]);
        let said = text(&status);
        assert_eq!(status.status.code(), Some(1), "a cluster that lacks a HAProxy is not healthy:\n{said}");
        assert!(said.contains(&format!("haproxy does not respond at {}", address("haproxy"))), "{said}");
        assert!(said.contains(&format!("clients go on through haproxy2 ({})", address("haproxy2"))), "{said}");
        self.lab.ok(&["lab", "start", "haproxy"]);
        self.heals();
    }

    /// Returns the id of the machine that runs under a name.
    fn instance(&self, name: &str) -> String {
        let named = format!("Name=tag:pgherd:machine,Values={name}");
        let running = "Name=instance-state-name,Values=pending,running";
        let query = ["--query", "Reservations[].Instances[].InstanceId"];
        self.aws(&[&["ec2", "describe-instances", "--filters", &named, running][..], &query].concat())
    }

    fn survives_a_power_cut_of_the_primary(&self) {
        let primary = self.primary();
        let outage = self.outage(MOST_OUTAGE + Duration::from_secs(10), || {
            self.lab.ok(&["lab", "kill", &primary.name]);
        });
        assert!(outage <= MOST_OUTAGE, "writes stood still for {outage:?}");
        assert!(outage <= self.predicted("machine"), "check predicts less than {outage:?}");
        assert_ne!(self.primary().name, primary.name);
        let status = self.lab.run(&["status", BLUEPRINT, "--target", "lab"]);
        assert_eq!(status.status.code(), Some(1), "a cluster that lacks a machine is not healthy:\n{}", text(&status));

        self.lab.ok(&["lab", "start", &primary.name]);
        self.heals();
    }

    /// All machines lose power, and the first founder loses its disk. It boots well before the others, and must not start a new cluster.
    fn comes_back_from_a_power_cut_that_took_a_founders_disk(&self) {
        self.sql(5000, "INSERT INTO kept VALUES (-1)").unwrap();
        let names: Vec<String> = machines().into_iter().filter(|m| m.role != "haproxy").map(|m| m.name).collect();
        let founder = &names[0];
        let lose = "systemctl stop patroni etcd && rm -r /var/lib/etcd/herd/member /var/lib/postgresql/17/main && sync";
        let output = self.lab.in_machine(founder, lose);
        assert!(output.status.success(), "{}", text(&output));
        // A user that was removed from the blueprint: no machine may wait for its password at boot.
        let secret = ["secretsmanager", "delete-secret", "--secret-id", "herd/user/app"];
        self.aws(&[&secret[..], &["--force-delete-without-recovery"]].concat());
        for name in &names {
            self.lab.ok(&["lab", "kill", name]);
        }
        self.lab.ok(&["lab", "start", founder]);
        std::thread::sleep(ALONE);
        let journal = text(&self.lab.in_machine(founder, "journalctl --boot --unit etcd --no-pager"));
        assert!(journal.contains("waiting until one of these is reachable"), "{journal}");
        assert!(!journal.contains("starting etcd"), "{founder} begins anew:\n{journal}");

        for name in &names[1..] {
            self.lab.ok(&["lab", "start", name]);
        }
        self.heals();
        assert_eq!(self.sql(5000, "SELECT n FROM kept WHERE n = -1").unwrap(), "-1");
    }

    /// Returns the machine that accepts writes.
    fn primary(&self) -> Machine {
        machine_at(&self.sql(5000, "SELECT host(inet_server_addr())").unwrap())
    }

    /// Returns the longest interruption of writes that `pgherd check` predicts for such a fault.
    fn predicted(&self, fault: &str) -> Duration {
        let check = self.lab.ok(&["check", BLUEPRINT, "--format", "json"]);
        let check: serde_json::Value = serde_json::from_str(&check).unwrap();
        let faults = check["clusters"][0]["faults"].as_array().unwrap();
        let predicted = faults.iter().find(|f| f["fault"] == fault).unwrap();
        Duration::from_millis(predicted["outage_ms"].as_u64().unwrap())
    }

    /// Writes before, during and for some time after an event, and returns how long writes were interrupted. No acknowledged row
    /// may be missing afterwards.
    fn outage(&self, time: Duration, happens: impl FnOnce()) -> Duration {
        self.sql(5000, "TRUNCATE kept").unwrap();
        let done = AtomicBool::new(false);
        let (acknowledged, outage) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| self.write_until(&done));
            std::thread::sleep(Duration::from_secs(5));
            happens();
            std::thread::sleep(time);
            done.store(true, Ordering::Relaxed);
            writer.join().unwrap()
        });
        println!("outage {:.1} s, {} rows acknowledged", outage.as_secs_f64(), acknowledged.len());
        let kept: BTreeSet<u64> =
            self.sql(5000, "SELECT n FROM kept").unwrap().lines().map(|n| n.parse().unwrap()).collect();
        let lost: Vec<_> = acknowledged.difference(&kept).collect();
        assert!(lost.is_empty(), "acknowledged and gone: {lost:?}");
        outage
    }

    fn heals(&self) {
        let healthy = || self.lab.run(&["status", BLUEPRINT, "--target", "lab"]).status.success();
        assert!(within(Duration::from_secs(120), healthy), "a machine does not come back as a standby");
        self.is_whole();
    }

    /// Writes rows one after the other, and returns those that were acknowledged and the longest pause between two of them.
    fn write_until(&self, done: &AtomicBool) -> (BTreeSet<u64>, Duration) {
        let (mut acknowledged, mut outage, mut last) = (BTreeSet::new(), Duration::ZERO, Instant::now());
        for n in 1.. {
            if done.load(Ordering::Relaxed) {
                break;
            }
            if self.sql(5000, &format!("INSERT INTO kept VALUES ({n})")).is_ok() {
                acknowledged.insert(n);
                outage = outage.max(last.elapsed());
                last = Instant::now();
            }
        }
        (acknowledged, outage.max(last.elapsed()))
    }

    fn is_taken_down(&self) {
        let destroyed = self.lab.ok(&["destroy", BLUEPRINT, "--target", "lab", "--yes"]);
        let instances = ["ec2", "describe-instances", "--filters", "Name=instance-state-name,Values=pending,running"];
        let left = self.aws(&[&instances[..], &["--query", "Reservations[].Instances[].InstanceId"]].concat());
        assert_eq!(left, "", "{destroyed}");
        let vpcs = [
            "ec2",
            "describe-vpcs",
            "--filters",
            "Name=tag:pgherd:cluster,Values=herd/eu-west-1",
            "--query",
            "Vpcs[].VpcId",
        ];
        assert_eq!(self.aws(&vpcs), "", "{destroyed}");
        assert_eq!(self.aws(&["secretsmanager", "list-secrets", "--query", "SecretList[].Name"]), "");
    }

    fn aws(&self, words: &[&str]) -> String {
        self.lab.ok(&[&["lab", "shell", "--", "aws", "--region", "eu-west-1", "--output", "text"], words].concat())
    }

    fn secret(&self, name: &str) -> String {
        self.aws(&["secretsmanager", "get-secret-value", "--secret-id", name, "--query", "SecretString"])
    }

    fn sql(&self, port: u16, sql: &str) -> Result<String, String> {
        self.sql_as("app", "app", port, sql)
    }

    fn sql_as(&self, user: &str, database: &str, port: u16, sql: &str) -> Result<String, String> {
        self.connect("sslmode=require", user, database, port, sql)
    }

    /// Runs one statement on its own connection to the first HAProxy that responds, and returns the rows or the error.
    fn connect(&self, how: &str, user: &str, database: &str, port: u16, sql: &str) -> Result<String, String> {
        let (hosts, times) = readme_connection();
        let connection = format!("{hosts} port={port} user={user} dbname={database} {how} {times}");
        let mut psql = Command::new("timeout");
        psql.args(["8", "psql", &connection, "-XAqt", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let output = psql.env("PGPASSFILE", self.passfile()).output().expect("psql is installed");
        let print = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
        if output.status.success() { Ok(print(&output.stdout)) } else { Err(print(&output.stderr)) }
    }

    /// Returns the users' passwords, which stay in memory.
    fn passfile(&self) -> &Path {
        self.passfile.get_or_init(|| {
            let file = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
            fs::write(&file, format!("*:*:*:app:{}\n*:*:*:postgres:wrong\n", self.secret("herd/user/app"))).unwrap();
            file.into_temp_path()
        })
    }
}

fn machines() -> Vec<Machine> {
    let table = fs::read_to_string("generated/herd/machine/machines.tsv").unwrap();
    let line = |line: &str| {
        let fields: Vec<String> = line.split('\t').map(String::from).collect();
        Machine { name: fields[0].clone(), role: fields[2].clone(), address: fields[3].clone() }
    };
    table.lines().filter(|l| !l.starts_with('#')).map(line).collect()
}

fn address(name: &str) -> String {
    machines().into_iter().find(|m| m.name == name).unwrap().address
}

/// Returns what the cluster's README has clients of libpq connect with: the hosts, and how long they wait for each.
fn readme_connection() -> (String, String) {
    let readme = fs::read_to_string("generated/herd/README.md").unwrap();
    let line = readme.lines().find(|line| line.starts_with("| libpq")).unwrap();
    let shown = line.split('`').nth(1).unwrap();
    let (hosts, rest) = shown.split_once(" port=5000 ").unwrap();
    (hosts.to_string(), rest.split_once(" channel_binding=require ").unwrap().1.to_string())
}

fn machine_at(address: &str) -> Machine {
    machines().into_iter().find(|m| m.address == address).unwrap()
}

/// Runs a command with a text on standard input, and returns its standard output.
/// Returns where a password could lie: the generated files, the images, and everything of the lab. A machine's root file system is left
/// out, because it consists of its image and of what is on its disk.
fn places() -> Vec<PathBuf> {
    let state = Path::new(lab::STATE);
    let of_the_lab = entries(state).into_iter().filter(|path| !path.ends_with("mounts"));
    let disks = entries(&state.join("mounts")).into_iter().map(|machine| machine.join("disk"));
    ["generated".into(), "/var/cache/pgherd".into()].into_iter().chain(of_the_lab).chain(disks).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Returns the files that contain one of these lines. They are passed on standard input, so that they are in no argument list. Without a
/// locale and `--text`, grep skips the holes of disk images, and needs little memory for what has no lines.
fn files_with(patterns: &str, places: &[PathBuf]) -> String {
    let mut grep = Command::new("grep");
    grep.args(["--recursive", "--files-with-matches", "--fixed-strings", "--file=-", "--devices=skip"])
        .env("LC_ALL", "C");
    piped(grep.args(places), patterns)
}

/// Returns what a program prints that reads this. It may fail, but not die.
fn piped(command: &mut Command, input: &str) -> String {
    let file = tempfile::tempfile_in("/dev/shm").unwrap();
    std::io::Write::write_all(&mut &file, input.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut &file).unwrap();
    let output = command.stdin(file).output().unwrap();
    assert!(output.status.code().is_some(), "{command:?} was killed: {}", output.status);
    String::from_utf8(output.stdout).unwrap().trim_end().to_string()
}
