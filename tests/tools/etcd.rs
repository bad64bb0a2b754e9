//! The scripts that keep etcd's members together, against members that only pretend.

use std::process::Command;

use crate::support::generated::{Generated, KINDS, succeeds};

#[test]
fn a_member_leaves_to_one_beside_a_standby() {
    let generated = Generated::of(KINDS[0]);
    let harness = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/etcd.py");
    let alone = "ip link set lo up && exec python3 \"$0\" \"$1\"";
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "bash", "-c", alone, harness]).arg(generated.path("machine"));
    assert_eq!(
        succeeds(&mut unshare),
        "the primary is beside m2: leadership moves to m3\n\
         the primary is beside m3: leadership moves to m2\n\
         another member leads: 0 moves\n"
    );
}
