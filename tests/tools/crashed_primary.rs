//! Clients while Patroni has not noticed yet that its primary has crashed: with the real HAProxy, before Patronis that only pretend.

use std::process::Command;

use crate::support::generated::{Generated, succeeds};

#[test]
fn reads_go_on_and_writes_are_refused_before_patroni_notices_that_its_primary_has_crashed() {
    // Without and with `primary_serves_reads`.
    for kind in ["blueprints/minimal.hcl", "tests/blueprints/largest.hcl"] {
        assert_eq!(clients(&Generated::of(kind)), "reads went on\nwrites are refused at once\n", "{kind}");
    }
}

/// Returns what becomes of clients.
fn clients(generated: &Generated) -> String {
    let harness = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/crashed_primary.py");
    let machines = std::fs::read_to_string(generated.path("machine/machines.tsv")).expect("the table of machines");
    let mut addresses = vec![];
    for line in machines.lines().filter(|line| !line.starts_with('#')) {
        // Columns: name, host name, role, address.
        let fields: Vec<&str> = line.split('\t').collect();
        if fields[2] != "haproxy" {
            addresses.push(fields[3]);
        }
    }
    let alone = "ip link set lo up; for address in \"${@:3}\"; do ip address add $address/32 dev lo; done
exec python3 \"$0\" \"$@\"";
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "bash", "-ec", alone, harness]);
    unshare.arg(generated.path("load_balancer/haproxy.cfg")).arg(generated.path("load_balancer/servers.state"));
    succeeds(unshare.args(addresses))
}
