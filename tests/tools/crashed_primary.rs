//! Readers while Patroni has not noticed yet that its primary has crashed: with the real HAProxy, before Patronis that only pretend.

use std::process::Command;

use crate::support::generated::{Generated, KINDS, succeeds};

#[test]
fn reads_go_on_before_patroni_notices_that_its_primary_has_crashed() {
    let generated = Generated::of(KINDS[0]);
    let harness = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/crashed_primary.py");
    let machines = std::fs::read_to_string(generated.path("machine/machines.tsv")).expect("the table of machines");
    let databases = machines.lines().filter(|line| !line.starts_with('#') && !line.starts_with("haproxy"));
    let addresses: Vec<&str> = databases.filter_map(|line| line.split('\t').nth(3)).collect();
    let alone = "ip link set lo up; for address in \"${@:3}\"; do ip address add $address/32 dev lo; done
exec python3 \"$0\" \"$@\"";
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "bash", "-ec", alone, harness]);
    unshare.arg(generated.path("load_balancer/haproxy.cfg")).arg(generated.path("load_balancer/servers.state"));
    assert_eq!(succeeds(unshare.args(addresses)), "reads went on\n");
}
