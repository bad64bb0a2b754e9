//! The firewall that refuses connections to the Patroni of a machine that does not answer, between two network namespaces.

use std::process::Command;

use crate::support::generated::{Generated, KINDS, succeeds};

#[test]
fn only_patroni_on_a_silent_machine_is_refused() {
    let generated = Generated::of(KINDS[0]);
    let harness = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/silent_peers.py");
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "python3", harness]).arg(generated.path("db_config/silent_peers.nft"));
    assert_eq!(
        succeeds(&mut unshare),
        "healthy: connected\n\
         cut off from etcd only: no answer by etcd, then connected\n\
         cut off from Patroni only: no answer and no answer\n\
         first silent: no answer\n\
         silent: refused by Patroni, no answer by PostgreSQL, no answer by etcd\n\
         back: connected by PostgreSQL, then connected\n"
    );
}
