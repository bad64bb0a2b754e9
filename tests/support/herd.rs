//! A cluster that responds as HAProxy would, on its admin, write and read ports.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// What `/cluster` and `/health` return. It may change during the test.
#[derive(Debug, Clone)]
pub struct View {
    pub cluster: String,
    pub health: u16,
}

/// One HAProxy, and what it shows. It listens on three ports until the process ends.
pub struct Herd {
    pub view: Arc<Mutex<View>>,
    /// What `/config` returns. `None`: it does not exist, as on a HAProxy of an older image.
    pub config: Arc<Mutex<Option<String>>>,
    /// What `/metrics` returns, likewise.
    pub metrics: Arc<Mutex<Option<String>>>,
    /// What each machine's etcd returns, by path. A path that is not in the map is not found.
    pub etcd: Arc<Mutex<BTreeMap<String, (u16, Value)>>>,
    /// What each database machine reports of its disk, likewise.
    pub disks: Arc<Mutex<BTreeMap<String, (u16, Value)>>>,
    pub ports: [u16; 3],
    is_dead: Arc<AtomicBool>,
}

impl Herd {
    /// One primary and two standbys, the first of them synchronous.
    pub fn healthy() -> Self {
        Herd::start(View {
            cluster: members(&[
                ("leader", "running", 1),
                ("sync_standby", "streaming", 1),
                ("replica", "streaming", 1),
            ]),
            health: 200,
        })
    }

    /// Starts the first HAProxy, at 127.0.0.1.
    pub fn start(view: View) -> Self {
        Herd::listening(Ipv4Addr::LOCALHOST, [0; 3], view)
    }

    /// Starts the second HAProxy of the same cluster, at 127.0.0.2. It shows the same at first.
    pub fn second(&self) -> Herd {
        let view = self.view.lock().unwrap().clone();
        Herd::listening(Ipv4Addr::new(127, 0, 0, 2), self.ports, view)
    }

    fn listening(at: Ipv4Addr, ports: [u16; 3], view: View) -> Self {
        let view = Arc::new(Mutex::new(view));
        let seen = Arc::clone(&view);
        let config = Arc::<Mutex<Option<String>>>::default();
        let kept = Arc::clone(&config);
        let metrics = Arc::<Mutex<Option<String>>>::default();
        let told = Arc::clone(&metrics);
        let etcd = Arc::new(Mutex::new(etcd()));
        let reported = Arc::clone(&etcd);
        let disks = Arc::new(Mutex::new(disks()));
        let full = Arc::clone(&disks);
        let is_dead = Arc::<AtomicBool>::default();
        let admin = listen((at, ports[0]), &is_dead, move |stream| {
            let mut request = [0; 2048];
            let n = stream.read(&mut request).unwrap_or(0);
            let view = seen.lock().unwrap().clone();
            let request = String::from_utf8_lossy(&request[..n]).into_owned();
            let (status, body) = match request.split(' ').nth(1) {
                Some("/cluster") => (200, view.cluster),
                Some("/config") => match kept.lock().unwrap().clone() {
                    Some(config) => (200, config),
                    None => (404, String::new()),
                },
                Some("/metrics?scope=server") => match told.lock().unwrap().clone() {
                    Some(metrics) => (200, metrics),
                    None => (404, String::new()),
                },
                Some("/health") => (view.health, String::new()),
                Some(path) => {
                    let (etcd, disks) = (reported.lock().unwrap(), full.lock().unwrap());
                    match etcd.get(path).or(disks.get(path)) {
                        Some((status, answer)) => (*status, answer.to_string()),
                        None => (404, String::new()),
                    }
                }
                None => (404, String::new()),
            };
            let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        });
        let postgres = |port| {
            listen((at, port), &is_dead, |stream| {
                let mut request = [0; 8];
                if stream.read_exact(&mut request).is_ok() && request == [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f] {
                    let _ = stream.write_all(b"S");
                }
            })
        };
        let ports = [admin, postgres(ports[1]), postgres(ports[2])];
        Herd { view, config, metrics, etcd, disks, ports, is_dead }
    }

    /// Closes every connection from now on without a word.
    pub fn dies(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }

    /// Returns a machine that HAProxy has not been able to connect to for a number of seconds.
    pub fn silence(&self, machine: &str, seconds: u32) {
        let of = |name: &str, label: &str, value: u32| {
            format!("haproxy_server_{name}{{proxy=\"patroni\",server=\"{machine}\"{label}}} {value}\n")
        };
        let metrics = of("status", ",state=\"DOWN\"", 1)
            + &of("check_last_change_seconds", "", seconds)
            + &of("check_status", ",state=\"L4TOUT\"", 1);
        *self.metrics.lock().unwrap() = Some(metrics);
    }

    /// Changes what a machine's etcd returns for one call.
    pub fn etcd_says(&self, machine: &str, call: &str, change: impl Fn(&mut Value)) {
        let mut etcd = self.etcd.lock().unwrap();
        change(&mut etcd.get_mut(&format!("/etcd/{machine}/{call}")).unwrap().1);
    }

    /// Makes HAProxy return this status for a machine whose etcd does not respond.
    pub fn etcd_is_silent(&self, machine: &str, status: u16) {
        let mut etcd = self.etcd.lock().unwrap();
        for call in ["status", "members", "hash"] {
            etcd.insert(format!("/etcd/{machine}/{call}"), (status, Value::Null));
        }
    }

    /// Changes what a machine reports of its disk.
    pub fn disk_says(&self, machine: &str, change: impl Fn(&mut Value)) {
        change(&mut self.disks.lock().unwrap().get_mut(&format!("/disk/{machine}")).unwrap().1);
    }

    /// Returns a blueprint with two HAProxies, this one and [`Herd::second`].
    pub fn blueprint_of_two(&self) -> String {
        self.blueprint().replacen("count      = 1", "count      = 2", 1)
    }

    /// Returns a blueprint whose only HAProxy is this one. It has an Elastic IP, which is 127.0.0.1 according to the fake Terraform.
    pub fn blueprint(&self) -> String {
        let [admin, write, read] = self.ports;
        format!(
            r#"cluster "herd" {{
  region = "eu-west-1"
  haproxy {{
    count      = 1
    elastic_ip = true
    write_port = {write}
    read_port  = {read}
    stats {{
      port = {admin}
    }}
  }}
}}
"#
        )
    }
}

/// The machines of a default blueprint with their addresses.
const MACHINES: [(&str, &str); 3] = [("master", "10.20.0.16"), ("slave1", "10.20.64.16"), ("slave2", "10.20.128.16")];

/// What etcd 3.5 answers: slave1 leads, and all hold the same keys.
fn etcd() -> BTreeMap<String, (u16, Value)> {
    let member = |(id, (name, address)): (u32, &(&str, &str))| {
        json!({"ID": id.to_string(), "name": name, "peerURLs": [format!("http://{address}:2380")],
               "clientURLs": [format!("http://{address}:2379")]})
    };
    let members: Vec<Value> = (1..).zip(&MACHINES).map(member).collect();
    let mut answers = BTreeMap::new();
    for (id, (name, _)) in (1..).zip(&MACHINES) {
        let header = json!({"cluster_id": "7", "member_id": id.to_string(), "revision": "90", "raft_term": "2"});
        let status = json!({"header": header, "version": "3.5.16", "dbSize": "49152", "leader": "2", "raftIndex": "120",
                            "raftTerm": "2", "raftAppliedIndex": "120", "dbSizeInUse": "40960"});
        let mut put = |call: &str, answer: Value| answers.insert(format!("/etcd/{name}/{call}"), (200, answer));
        put("status", status);
        put("members", json!({"header": header, "members": members}));
        put("hash", json!({"header": header, "hash": 3648880109_u32, "compact_revision": "12"}));
    }
    answers
}

/// What a database machine reports of its disk: 100 GiB, of which 60 are free.
fn disks() -> BTreeMap<String, (u16, Value)> {
    const GIB: u64 = 1024 * 1024 * 1024;
    let slot = |name: &str| json!({"name": name, "active": true, "wal_status": "reserved", "retained": 0});
    let report = |name: &str| {
        let slots: Vec<Value> =
            MACHINES.iter().filter(|(other, _)| *other != name).map(|(name, _)| slot(name)).collect();
        json!({"free": 60 * GIB, "size": 100 * GIB, "wal": GIB / 2, "reserve": GIB / 4, "slots": slots, "slot_limit": 25 * GIB})
    };
    MACHINES.iter().map(|(name, _)| (format!("/disk/{name}"), (200, report(name)))).collect()
}

/// Patroni's view of machines in the order master, slave1, slave2, at the addresses that a default blueprint gives them.
pub fn members(members: &[(&str, &str, u32)]) -> String {
    let all: Vec<String> = (members.iter().zip(MACHINES))
        .map(|((role, state, timeline), (_, host))| {
            let lag = if *role == "leader" { "" } else { r#", "lag": 0"# };
            format!(r#"{{"name": "x", "host": "{host}", "role": "{role}", "state": "{state}", "timeline": {timeline}{lag}}}"#)
        })
        .collect();
    format!(r#"{{"members": [{}], "scope": "herd"}}"#, all.join(", "))
}

fn listen(
    at: (Ipv4Addr, u16),
    is_dead: &Arc<AtomicBool>,
    answer: impl Fn(&mut TcpStream) + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind(at).unwrap();
    let port = listener.local_addr().unwrap().port();
    let is_dead = Arc::clone(is_dead);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            if !is_dead.load(Ordering::Relaxed) {
                answer(&mut stream);
            }
        }
    });
    port
}
