//! A cluster is founded once in its life: the generated scripts of the founders against moto's Secrets Manager.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::real::moto::Moto;
use crate::support::generated::Generated;

const REGION: &str = "eu-west-1";
const RECORD: &str = "herd/founded";

/// Runs a generated script as on a machine, apart from the paths of its files, the user etcd, and its patience.
const MACHINE: &str = r#"import os, shutil, sys
folder, program = sys.argv[1:]
sys.path[:0] = [folder + "/machine", folder + "/db_config"]
import read_secrets, etcd_join, founding
read_secrets.PLAN = folder + "/db_config/secrets.json"
etcd_join.DECISION, etcd_join.LOG_EVERY, etcd_join.ASK_EVERY = os.environ["ETCD_DATA_DIR"] + ".env", 0, 0.1
os.open, opened = lambda path, *rest: opened(os.devnull if path == "/dev/console" else path, *rest), os.open
shutil.chown = lambda *_: None
founding.has_leader = lambda: True
sys.exit({"etcd_join": etcd_join, "founding": founding}[program].main())
"#;

/// A member of etcd that runs: alone since it was started, or with a majority, so that others can join it.
const ETCD: &str = r#"import http.server, json, sys
own, others = sys.argv[1], sys.argv[2:]
members = [{"ID": "1", "name": "member", "peerURLs": [own]}] + [{"ID": "2", "name": "other", "peerURLs": [url], "clientURLs": [url]} for url in others]
class Member(http.server.BaseHTTPRequestHandler):
    def answer(self):
        known = {"/members": members, "/v3/cluster/member/list": {"members": members}, "/v3/cluster/member/add": {}, "/v3/cluster/member/remove": {}}
        if self.path not in known:
            return self.send_error(404)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(known[self.path]).encode())
    do_GET = do_POST = answer
    def log_message(self, *_):
        pass
host, port = own.removeprefix("http://").split(":")
http.server.ThreadingHTTPServer((host, int(port)), Member).serve_forever()
"#;

struct Herd {
    moto: Moto,
    generated: Generated,
    disks: TempDir,
    /// The peer URLs of the master, of the first slave and of the second.
    urls: [String; 3],
}

/// A program that is ended with its owner.
struct Program(Child, Option<BufReader<ChildStdout>>);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("python3");
        let out = child.stdout.take().map(BufReader::new);
        Program(child, out)
    }

    /// Returns the next line that it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.1.as_mut().expect("its output").read_line(&mut line).expect("a line");
        line.trim().to_string()
    }

    /// Waits until a line contains a text, and returns that line.
    fn says(&mut self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
            assert!(!line.is_empty() && Instant::now() < until, "{text} is not said; last: {line}");
        }
    }
}

/// Returns a loopback address that nobody else uses. On 127.0.0.1, a port that is free when a test begins may be another test's, or the
/// near end of a connection, when a machine comes up a minute later.
fn own_address() -> String {
    static NEXT: AtomicU8 = AtomicU8::new(100);
    let id = std::process::id();
    format!("127.{}.{}.{}", NEXT.fetch_add(1, Ordering::Relaxed), (id >> 8) % 256, id % 256)
}

impl Herd {
    fn new() -> Self {
        let generated = Generated::from_text("herd.hcl", "cluster \"herd\" {\n region = \"eu-west-1\"\n}\n");
        let moto = Moto::with_images("herd/eu-west-1", &generated.files);
        let urls = [(); 3].map(|()| format!("http://{}:20001", own_address()));
        Herd { moto, generated, disks: TempDir::new().expect("a folder"), urls }
    }

    fn create_record(&self) {
        self.moto.aws(REGION, &["secretsmanager", "create-secret", "--name", RECORD]);
    }

    fn recorded(&self) -> Value {
        serde_json::from_str(&self.moto.secret(REGION, RECORD)).expect("JSON")
    }

    fn disk(&self, name: &str) -> PathBuf {
        self.disks.path().join(name)
    }

    fn machine(&self, program: &str, name: &str, disk: &Path) -> Program {
        let [master, slave1, slave2] = &self.urls;
        let founders = format!("master={master},slave1={slave1}");
        let mut python = Command::new("python3");
        python.args(["-c", MACHINE]).arg(self.generated.path(".")).arg(program);
        python.env("AWS_ENDPOINT_URL", self.moto.endpoint()).env("PYTHONDONTWRITEBYTECODE", "1");
        python.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        python.env("ETCD_NAME", name).env("ETCD_DATA_DIR", disk).env("ETCD_INITIAL_CLUSTER", &founders);
        Program::start(python.env("PGHERD_ETCD_MEMBERS", format!("{founders},slave2={slave2}")))
    }

    /// Starts both founders with these disks.
    fn founders(&self, disks: [&str; 2]) -> [Program; 2] {
        [("master", disks[0]), ("slave1", disks[1])]
            .map(|(name, disk)| self.machine("etcd_join", name, &self.disk(disk)))
    }

    /// Waits until each of the two founders founds the cluster. Where one has decided, its etcd runs, alone at first: the other may not have
    /// seen the empty disk in time.
    fn found(&self, founders: [Program; 2]) {
        let etcds = std::thread::scope(|scope| {
            let decided = founders.into_iter().enumerate().map(|(own, mut founder)| {
                scope.spawn(move || {
                    founder.says(FOUNDS);
                    assert!(founder.0.wait().expect("its end").success());
                    self.etcd(own, &[])
                })
            });
            decided.collect::<Vec<_>>().into_iter().map(|one| one.join().expect("a founder")).collect::<Vec<_>>()
        });
        drop(etcds);
    }

    fn etcd(&self, own: usize, others: &[usize]) -> Program {
        let mut python = Command::new("python3");
        python.args(["-c", ETCD, &self.urls[own]]).args(others.iter().map(|other| &self.urls[*other]));
        Program::start(&mut python)
    }
}

const FOUNDS: &str = "starting etcd with initial-cluster-state=new";
const JOINS: &str = "starting etcd with initial-cluster-state=existing";
const REFUSED: &str = "others founded the cluster at ";

#[test]
fn only_the_disks_that_founded_it_found_a_cluster() {
    let herd = Herd::new();
    // The network module is not applied yet, or the secret was lost: nobody knows whether the cluster was founded.
    for founder in &mut herd.founders(["a", "b"]) {
        founder.says("cannot find out whether the cluster was founded before");
    }
    herd.create_record();
    herd.found(herd.founders(["a", "b"]));
    let id = |disk: &str| fs::read_to_string(herd.disk(disk).join("founding-disk")).expect("its id");
    let founding = json!({ "master": id("a"), "slave1": id("b") });
    assert_eq!(herd.recorded(), founding);

    // Both were killed before etcd had started.
    herd.found(herd.founders(["a", "b"]));
    // One of them was: the other's etcd runs alone, and does not say which disk it has.
    let alone = herd.etcd(0, &[]);
    herd.machine("etcd_join", "slave1", &herd.disk("b")).says(FOUNDS);
    herd.machine("etcd_join", "slave1", &herd.disk("other")).says(REFUSED);
    drop(alone);

    // One other disk, and two.
    for disks in [["a", "d"], ["c", "b"], ["c", "d"]] {
        for founder in &mut herd.founders(disks) {
            let line = founder.says(REFUSED);
            assert!(line.contains("herd/founded") && line.contains("RUNBOOK.md"), "{line}");
        }
    }
    assert_eq!(herd.recorded(), founding);

    // They wait for the third machine, and join it.
    let mut waiting = herd.founders(["c", "d"]);
    waiting.iter_mut().for_each(|founder| {
        founder.says(REFUSED);
    });
    let third = herd.etcd(2, &[2]);
    waiting.iter_mut().for_each(|founder| {
        founder.says(JOINS);
    });
    drop((waiting, third));

    // With the deliberate step of the runbook, the machines that wait found the cluster by themselves.
    let mut waiting = herd.founders(["c", "d"]);
    waiting.iter_mut().for_each(|founder| {
        founder.says(REFUSED);
    });
    let delete = json!({ "SecretId": RECORD, "ForceDeleteWithoutRecovery": true });
    herd.moto.json(REGION, "secretsmanager", "secretsmanager.DeleteSecret", &delete);
    herd.create_record();
    herd.found(waiting);
    assert_eq!(herd.recorded(), json!({ "master": id("c"), "slave1": id("d") }));
}

/// A cluster that an earlier version founded, and one whose secret was created again.
#[test]
fn a_living_cluster_records_that_it_lives() {
    let herd = Herd::new();
    herd.create_record();
    let disk = herd.disk("living");
    fs::create_dir_all(&disk).expect("a folder");
    fs::write(disk.join("founding-disk"), "an id").expect("written");
    herd.machine("founding", "slave2", &disk).says("that the cluster lives");
    assert_eq!(herd.recorded(), json!({}));
    for founder in &mut herd.founders(["a", "b"]) {
        founder.says(REFUSED);
    }
    // At the next boot it has nothing to say, and the disk is no founding disk any more.
    let mut again = herd.machine("founding", "slave2", &disk);
    assert_eq!(again.line(), "");
    assert!(again.0.wait().expect("its end").success() && !disk.join("founding-disk").exists());
    assert_eq!(herd.recorded(), json!({}));
}
