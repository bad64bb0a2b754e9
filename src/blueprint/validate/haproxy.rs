//! Reads the `haproxy { … }` block.

use serde::Serialize;

use super::machine::{self, MachineBlock};
use super::{BlockReader, Presence, Reading, Refusal, doc, is, names, refuse};
use crate::blueprint::form::{Choice, Doc, Form, Holds};
use crate::blueprint::value::text;

/// The `haproxy { … }` block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HaproxyBlock {
    /// Number of machines, each with its own HAProxy.
    pub count: u8,
    /// What each machine is made of.
    #[serde(flatten)]
    pub machine: MachineBlock,
    /// The port for the primary.
    pub write_port: u16,
    /// The port for the standbys.
    pub read_port: u16,
    /// Whether the read port also balances over the primary.
    pub primary_serves_reads: bool,
    /// How old, in seconds, reads of the read port may become while a standby is cut off from its primary.
    pub read_staleness: u32,
    /// The network load balancer in front of it.
    pub nlb: Nlb,
    /// The stats page.
    pub stats: Stats,
}

/// Whether a network load balancer (NLB) gives clients one name for every HAProxy, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Nlb {
    /// There is none.
    Off,
    /// It has private addresses.
    Internal,
    /// It has public addresses.
    Public,
}

impl Nlb {
    /// Returns the name that a blueprint uses.
    pub fn name(self) -> &'static str {
        match self {
            Nlb::Off => "off",
            Nlb::Internal => "internal",
            Nlb::Public => "public",
        }
    }
}

impl Choice for Nlb {
    const ALL: &'static [Nlb] = &[Nlb::Off, Nlb::Internal, Nlb::Public];

    fn word(self) -> &'static str {
        self.name()
    }
}

/// The `haproxy { stats { … } }` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Port of the stats page, metrics and health.
    pub port: u16,
    /// Path of the stats page.
    pub path: String,
    /// The user name. Terraform generates the password.
    pub user: String,
}

/// More HAProxies would survive no more: with two, each in a zone of its own, the cluster has lost a zone before it has lost both.
const MOST: u32 = 2;

/// Ports that other services of the cluster use. etcd may run on HAProxy's machine.
const TAKEN: [(u16, &str); 4] =
    [(2379, "etcd"), (2380, "etcd"), (5432, "PostgreSQL itself"), (8008, "Patroni's REST API")];
/// Paths that HAProxy serves beside the stats page.
const TAKEN_PATHS: [&str; 3] = ["/metrics", "/health", "/cluster"];

/// Reads the block. Returns with it the machine's instance type and its place.
pub(super) fn read(r: &BlockReader) -> (HaproxyBlock, Reading<String>) {
    let count = doc(
        "count",
        "Number of HAProxies. Two are in different zones: clients that know both go on through the other one when one is lost. With 1, clients wait until its machine or its zone is back.",
    );
    let count = r.integer(count, 2, 1..=MOST, "").value;
    let write = port(r, doc("write_port", "The port that always leads to the primary."), 5000);
    let read_port = doc(
        "read_port",
        "The port that leads to the standby with the fewest connections, and to the primary while there is no standby.",
    );
    let read = port(r, read_port, 5001);
    let (stats_port, stats) = r.block(doc("stats", "HAProxy's stats page, metrics and health."), |r| {
        let port_doc =
            doc("port", "The port of the stats page, of `/metrics` for Prometheus, of `/health` and of `/cluster`.");
        let port = port(r, port_doc, 7000);
        let path = r.parsed(doc("path", "The path of the stats page."), "/admin?stats".to_string(), path).value;
        let user = doc("user", "The user that logs in to the stats page. Its password is in Secrets Manager.");
        let user = r.parsed(user, "admin1".to_string(), user_name).value;
        (port.clone(), Stats { port: port.value, path, user })
    });
    check_distinct(r, &[("write_port", &write), ("read_port", &read), ("stats.port", &stats_port)]);
    let (machine, instance_type) = machine::read(r, MachineBlock::balancer());
    let primary_serves_reads =
        doc("primary_serves_reads", "Whether the primary is among the servers of the read port.");
    let read_staleness = doc(
        "read_staleness",
        "Seconds after which a standby that is cut off from its primary serves no more reads, and its readers are disconnected. A failover that takes longer disconnects the readers of all standbys.",
    );
    let nlb = doc(
        "nlb",
        "A network load balancer in front of HAProxy, with one DNS name for clients: `internal` with private addresses, `public` with public ones, for which a VPC that exists already needs an internet gateway. AWS bills it by the hour and by traffic.",
    );
    let kinds = Form::of(Holds::OneOf(Nlb::words())).or(&Nlb::Off);
    let nlb = r.value(nlb, kinds, Nlb::Off, |value| {
        const HELP: &str = "write \"internal\" for clients in the VPC and in networks connected to it, \"public\" for clients on the internet, or \"off\"";
        let word = text(value).map_err(|refusal| Refusal { help: HELP.into(), ..refusal })?;
        let problem = || format!("`{word}` is not a kind of network load balancer");
        Nlb::named(word).ok_or_else(|| Refusal { rule: &is::NLB, problem: problem(), help: HELP.into() })
    });
    let haproxy = HaproxyBlock {
        count: count as u8,
        machine,
        write_port: write.value,
        read_port: read.value,
        primary_serves_reads: r.boolean(primary_serves_reads, false).value,
        // wal_receiver_timeout takes 3 s of them, and two failed checks the rest.
        read_staleness: r.integer(read_staleness, 5, 4..=3600, "seconds").value,
        nlb: nlb.value,
        stats,
    };
    (haproxy, instance_type)
}

fn port(r: &BlockReader, doc: Doc, default: u16) -> Reading<u16> {
    let Reading { value, at, mut presence } = r.integer(doc, default.into(), 1024..=65535, "(lower ports need root)");
    let value = u16::try_from(value).unwrap_or(default);
    if let Some((_, owner)) = TAKEN.iter().find(|(taken, _)| *taken == value) {
        let help = format!("choose another port, such as {default}");
        r.report(doc.name, &at, Refusal { rule: &is::PORT, problem: format!("{owner} uses port {value}"), help });
        presence = Presence::Refused;
    }
    Reading { value, at, presence }
}

/// Checks that no two ports are equal. Reports the later one that the blueprint sets.
fn check_distinct(r: &BlockReader, ports: &[(&str, &Reading<u16>)]) {
    for (i, (name, port)) in ports.iter().enumerate() {
        for (other_name, other) in &ports[..i] {
            if port.value == other.value && !port.is_refused() && !other.is_refused() {
                let (name, other_name, at) =
                    if port.is_set() { (name, other_name, &port.at) } else { (other_name, name, &other.at) };
                let problem = format!("port {} is already used by haproxy.{other_name}", port.value);
                r.report(
                    name,
                    at,
                    Refusal {
                        rule: &is::PORT,
                        problem,
                        help: "write_port, read_port and the port of the stats page must differ".into(),
                    },
                );
            }
        }
    }
}

/// Checks the path of the stats page. HAProxy's `stats uri` matches every path that starts with it, so it must not be the prefix
/// of another path.
fn path(text: &str) -> Result<String, Refusal> {
    const HELP: &str = "write a path such as \"/admin?stats\"";
    if !text.starts_with('/') {
        return refuse(&is::STATS, format!("`{text}` does not start with `/`"), HELP);
    }
    let page = text.split('?').next().unwrap_or_default();
    if let Some(taken) = TAKEN_PATHS.iter().find(|taken| taken.starts_with(text) || page == **taken) {
        return refuse(
            &is::STATS,
            format!("`{text}` would hide `{taken}`, which HAProxy serves on the same port"),
            HELP,
        );
    }
    names::plain("path of a stats page", text, "/_.~?=&-", 100)
}

fn user_name(text: &str) -> Result<String, Refusal> {
    names::plain("user name", text, "._-", 64)
}
