//! Reads from the text of the generated files who listens, who connects to whom, what is open, and who may log in.

use std::collections::{BTreeMap, BTreeSet};

use hcl::eval::{Context, Evaluate};
use hcl::{Block, Body, Value};

/// Files: their texts by path.
pub type Files = BTreeMap<String, String>;
/// A security group's key: `database`, `haproxy`, `nlb`, `endpoint`.
pub type Group = String;

/// A line of `machines.tsv`.
pub struct Machine {
    pub group: Group,
    pub address: String,
    pub etcd: bool,
}

/// A port that a group opens to a peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Open {
    /// A group, or a CIDR.
    pub from: String,
    /// A group, or the CIDR of an existing network.
    pub to: String,
    pub port: u16,
}

/// A line of `pg_hba.conf`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub kind: String,
    pub database: String,
    pub user: String,
    /// Empty on a `local` line.
    pub from: String,
    pub method: String,
}

pub fn text<'a>(files: &'a Files, path: &str) -> &'a str {
    files.get(path).unwrap_or_else(|| panic!("{path} is not generated"))
}

/// Lines that are not comments, trimmed.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

pub fn machines(files: &Files) -> Vec<Machine> {
    let machine = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let group = if fields[2] == "haproxy" { "haproxy" } else { "database" };
        Machine { group: group.into(), address: fields[3].into(), etcd: fields[5] == "yes" }
    };
    lines(text(files, "machine/machines.tsv")).map(machine).collect()
}

/// `host:port`, whatever stands before it (`http://`) and behind.
fn end(text: &str) -> Option<(String, u16)> {
    let text = text.trim_start_matches("http://");
    let (host, port) = text.rsplit_once(':')?;
    let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
    Some((host.into(), digits.parse().ok()?))
}

fn reachable(host: &str) -> bool {
    !host.starts_with("127.") && host != "localhost"
}

/// Returns every port that a machine of a group opens to others.
pub fn listeners(files: &Files) -> BTreeSet<(Group, u16)> {
    let mut found = BTreeSet::new();
    let mut add = |group: &str, address: &str| {
        let (host, port) = end(address).unwrap_or_else(|| panic!("no address: {address}"));
        if reachable(&host) {
            found.insert((group.to_string(), port));
        }
    };
    lines(text(files, "db_config/patroni.yml"))
        .filter_map(|line| line.strip_prefix("listen:"))
        .flat_map(|list| list.split(','))
        .for_each(|address| add("database", address.trim()));
    for line in lines(text(files, "load_balancer/haproxy.cfg")) {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["bind", addresses, ..] => addresses.split(',').for_each(|address| add("haproxy", address)),
            ["stats", "socket", path, ..] if !path.starts_with('/') => add("haproxy", path),
            _ => {}
        }
    }
    let members: BTreeSet<Group> = machines(files).into_iter().filter(|m| m.etcd).map(|m| m.group).collect();
    for path in ["machine/etcd.env", "machine/identity.sh"] {
        for line in lines(text(files, path)).filter(|line| line.starts_with("ETCD_LISTEN_")) {
            let (_, urls) = line.split_once('=').expect("a variable");
            members.iter().for_each(|group| urls.split(',').for_each(|url| add(group, url)));
        }
    }
    for line in lines(text(files, "db_config/pgherd-disk.socket")) {
        if let Some(address) = line.strip_prefix("ListenStream=") {
            let (_, port) = end(address).expect("an address");
            found.insert(("database".to_string(), port));
        }
    }
    if let Some(nlb) = NetworkBalancer::of(files) {
        found.extend(nlb.ports.into_iter().map(|port| ("nlb".to_string(), port)));
    }
    found
}

/// The network load balancer of `nlb.tf`, by its values in `cluster.tf`.
struct NetworkBalancer {
    ports: Vec<u16>,
    /// Address and port of each target.
    targets: Vec<(String, u16)>,
    check_port: u16,
}

impl NetworkBalancer {
    fn of(files: &Files) -> Option<Self> {
        files.get("load_balancer/terraform_haproxy/nlb.tf")?;
        let body: Body = hcl::parse(text(files, "load_balancer/terraform_haproxy/cluster.tf")).expect("HCL");
        let locals = body.blocks().next().expect("locals").body();
        let value = |name: &str| {
            let local = locals.attributes().find(|local| local.key() == name).unwrap_or_else(|| panic!("no {name}"));
            let value = local.expr().evaluate(&Context::new()).expect("a plain value");
            value.as_object().expect("an object").clone()
        };
        let port = |value: &Value| u16::try_from(value.as_u64().expect("a number")).expect("a port");
        Some(NetworkBalancer {
            ports: value("nlb_ports").keys().map(|port| port.parse().expect("a port")).collect(),
            targets: (value("nlb_targets").values())
                .map(|target| {
                    let of = |name: &str| target.as_object().and_then(|target| target.get(name)).expect("an attribute");
                    (of("address").as_str().expect("an address").to_string(), port(of("port")))
                })
                .collect(),
            check_port: port(&value("ports")["stats"]),
        })
    }
}

/// Returns every connection that a program opens to another machine, according to its configuration.
pub fn connections(files: &Files) -> BTreeSet<Open> {
    let machines = machines(files);
    let group = |address: &str| {
        let found = machines.iter().find(|m| m.address == address);
        found.map_or_else(|| format!("nobody ({address})"), |m| m.group.clone())
    };
    let mut found = BTreeSet::new();
    let mut add = |from: &str, to: String, port| {
        found.insert(Open { from: from.into(), to, port });
    };
    haproxys(text(files, "load_balancer/haproxy.cfg"), |host, port| add("haproxy", group(host), port));
    // Patroni's list of etcd members: the only one in the file.
    for (host, port) in lines(text(files, "db_config/patroni.yml")).filter_map(|l| end(l.strip_prefix("- ")?)) {
        if machines.iter().any(|m| m.address == host) {
            add("database", group(&host), port);
        }
    }
    // Members connect to each other's peer port. One that joins connects to every member's client port.
    let identity = text(files, "machine/identity.sh");
    let advertised = |name: &str| {
        let line = lines(identity).find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
        end(line).unwrap_or_else(|| panic!("no port: {line}")).1
    };
    let own = ["ETCD_INITIAL_ADVERTISE_PEER_URLS=", "ETCD_ADVERTISE_CLIENT_URLS="].map(advertised);
    let env = lines(text(files, "machine/etcd.env")).filter_map(|line| line.split_once('='));
    let named: Vec<_> = env.flat_map(|(_, urls)| urls.split(',')).filter_map(|m| end(m.split_once('=')?.1)).collect();
    for member in machines.iter().filter(|m| m.etcd) {
        for other in machines.iter().filter(|m| m.etcd) {
            own.iter().for_each(|port| add(&member.group, other.group.clone(), *port));
        }
        named.iter().for_each(|(host, port)| add(&member.group, group(host), *port));
    }
    // The address that a database machine announces to the others.
    for name in ["PATRONI_RESTAPI_CONNECT_ADDRESS=", "PATRONI_POSTGRESQL_CONNECT_ADDRESS="] {
        add("database", "database".into(), advertised(name));
    }
    let endpoint = endpoint(files);
    for (group, path) in [("database", "db_config/secrets.json"), ("haproxy", "load_balancer/secrets.json")] {
        if text(files, path).contains("\"secrets\"") {
            add(group, endpoint.clone(), 443);
        }
    }
    if let Some(nlb) = NetworkBalancer::of(files) {
        for (address, port) in &nlb.targets {
            add("nlb", group(address), *port);
            add("nlb", group(address), nlb.check_port);
        }
    }
    // A single HAProxy connects to itself without a rule.
    let is_single = machines.iter().filter(|machine| machine.group == "haproxy").count() == 1;
    let alone = |group: &str| group == "haproxy" && is_single;
    found.into_iter().filter(|open| !(open.from == open.to && alone(&open.from))).collect()
}

/// Returns where Secrets Manager is: a group, or the range of a VPC that already has an endpoint.
fn endpoint(files: &Files) -> String {
    if text(files, "network/terraform_network/endpoint.tf").contains("resource \"aws_vpc_endpoint\"") {
        return "endpoint".into();
    }
    let cidr = lines(text(files, "network/terraform_network/cluster.tf")).find_map(|line| line.strip_prefix("cidr "));
    cidr.expect("a range").trim_matches([' ', '=', '"']).into()
}

/// Returns the servers of haproxy.cfg, and the ports on which they are checked.
fn haproxys(text: &str, mut add: impl FnMut(&str, u16)) {
    let mut check_port = None;
    for line in lines(text) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let port = words.iter().position(|w| *w == "port").map(|at| words[at + 1].parse().expect("a port"));
        match words[..] {
            ["listen" | "backend" | "frontend" | "defaults", ..] => check_port = None,
            ["default-server", ..] => check_port = port,
            // A socket's path: a server that nobody is sent to.
            ["server", _, address, ..] if address.starts_with("unix@") => {}
            ["server", _, address, ..] => {
                let (host, serves) = end(address).expect("a server's address");
                add(&host, serves);
                if let Some(checked) = port.or(check_port).filter(|_| words.contains(&"check")) {
                    add(&host, checked);
                }
            }
            _ => {}
        }
    }
}

/// Returns what the security groups permit in both directions, computed as Terraform does: each `for_each` is evaluated.
pub struct Rules {
    pub inward: BTreeSet<Open>,
    pub outward: BTreeSet<Open>,
    /// Anything that is not a rule of the kind that is read here. There must be none.
    pub strange: Vec<String>,
}

pub fn rules(files: &Files) -> Rules {
    let mut rules = Rules { inward: BTreeSet::new(), outward: BTreeSet::new(), strange: vec![] };
    let mut context = Context::new();
    let groups =
        ["database", "haproxy", "nlb", "endpoint"].map(|g| (g, object([("id", g.into()), ("name", g.into())])));
    context.declare_var("aws_security_group", object([("role", object(groups))]));
    let bodies: Vec<(&String, Body)> = (files.iter())
        .filter(|(path, _)| path.ends_with(".tf"))
        .map(|(path, text)| (path, hcl::parse(text).unwrap_or_else(|e| panic!("{path}: {e}"))))
        .collect();
    let mut locals = BTreeMap::new();
    for (path, body) in &bodies {
        for block in body.blocks().filter(|b| b.identifier() == "locals" && path.ends_with("/traffic.tf")) {
            for local in block.body().attributes() {
                locals.insert(local.key().to_string(), local.expr().evaluate(&context).expect("plain values"));
            }
        }
    }
    context.declare_var("local", Value::from_iter(locals));
    for (path, block) in bodies.iter().flat_map(|(path, body)| body.blocks().map(move |b| (path, b))) {
        let kind = block.labels().first().map_or("", |label| label.as_str());
        match (block.identifier(), kind) {
            ("resource", "aws_vpc_security_group_ingress_rule") => expand(block, &context, &mut rules.inward),
            ("resource", "aws_vpc_security_group_egress_rule") => expand(block, &context, &mut rules.outward),
            ("resource", "aws_security_group") if block.body().blocks().next().is_none() => {}
            ("resource", kind) if kind.contains("security_group") && kind != "aws_default_security_group" => {
                rules.strange.push(format!("{path}: {kind}"));
            }
            _ => {}
        }
    }
    rules
}

fn expand(block: &Block, context: &Context<'_>, into: &mut BTreeSet<Open>) {
    let attribute = |name: &str| block.body().attributes().find(|a| a.key() == name).map(|a| a.expr());
    let each = attribute("for_each").expect("a for_each").evaluate(context).expect("what is repeated");
    for (key, value) in each.as_object().expect("an object") {
        let mut context = context.clone();
        context.declare_var("each", object([("key", key.as_str().into()), ("value", value.clone())]));
        let value =
            |name: &str| attribute(name).map(|e| e.evaluate(&context).unwrap_or_else(|e| panic!("{name}: {e}")));
        let port = |name: &str| value(name).and_then(|v| v.as_u64()).expect("a port") as u16;
        let word = |name: &str| value(name).and_then(|v| v.as_str().map(str::to_string));
        assert_eq!(word("ip_protocol").as_deref(), Some("tcp"), "{key}");
        let own = word("security_group_id").expect("a group");
        let other = ["referenced_security_group_id", "cidr_ipv4", "prefix_list_id"]
            .into_iter()
            .find_map(word)
            .expect("the other end");
        let outward = block.labels()[0].as_str().contains("egress");
        let (from, to) = if outward { (own, other) } else { (other, own) };
        for port in port("from_port")..=port("to_port") {
            into.insert(Open { from: from.clone(), to: to.clone(), port });
        }
    }
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::from_iter(entries.map(|(key, value)| (key.to_string(), value)))
}

/// Returns the group of each module's machines.
pub fn memberships(files: &Files) -> BTreeMap<String, Group> {
    let mut found = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with("/cluster.tf")) {
        let body: Body = hcl::parse(text).expect("HCL");
        for local in body.blocks().filter(|b| b.identifier() == "locals").flat_map(|b| b.body().attributes()) {
            if let ("group", hcl::Expression::String(group)) = (local.key(), local.expr()) {
                found.insert(path.trim_end_matches("/cluster.tf").to_string(), group.clone());
            }
        }
    }
    found
}

pub fn hba(files: &Files) -> Vec<Line> {
    let line = |line: &str| {
        let mut words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        if words[0] == "local" {
            words.insert(3, String::new());
        }
        let [kind, database, user, from, method] = words.try_into().unwrap_or_else(|w| panic!("not a line: {w:?}"));
        Line { kind, database, user, from, method }
    };
    lines(text(files, "db_config/pg_hba.conf")).map(line).collect()
}
