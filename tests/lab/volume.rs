//! Volumes outlive the machines that they are attached to, as they do on EC2.

use std::time::Duration;

use crate::lab;
use crate::lab::{Inventory, Lab, text};

const DATA: &str = "set -e; device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume/-/};";

#[test]
fn a_volume_outlives_its_machine() {
    let lab = Lab::take();
    let before = Inventory::take();
    lab.ok(&["lab", "up"]);
    let zone = lab.aws(&[
        "ec2",
        "describe-subnets",
        "--filters",
        "Name=cidr-block,Values=172.31.0.0/20",
        "--query",
        "Subnets[0].AvailabilityZone",
    ]);
    let create = ["ec2", "create-volume", "--size", "1", "--volume-type", "gp3", "--availability-zone", &zone];
    let volume = lab.aws(&[&create[..], &["--query", "VolumeId"]].concat());
    let attach = |machine: &str| {
        lab.aws(&["ec2", "attach-volume", "--volume-id", &volume, "--instance-id", machine, "--device", "/dev/sdf"]);
    };
    let inside = |machine: &str, script: &str| lab.in_machine(machine, &format!("volume={volume}; {DATA} {script}"));
    let does = |machine: &str, script: &str| {
        let output = inside(machine, script);
        assert!(output.status.success(), "{script}: {}\n{}", text(&output), lab::console(machine));
        text(&output)
    };
    let becomes = |machine: &str, script: &str| {
        let so = || inside(machine, script).status.success();
        assert!(lab::within(Duration::from_secs(10), so), "{script}: {}", lab::console(machine));
    };

    // It is as large as it says, and blank.
    let machine = lab.machine("172.31.0.10");
    attach(&machine);
    becomes(&machine, "[ -b $device ]");
    assert_eq!(does(&machine, "blockdev --getsize64 $device"), "1073741824\n");
    assert_eq!(inside(&machine, "blkid -p $device").status.code(), Some(2), "a new volume has nothing on it");
    let tools = "command -v mkfs.ext4 || { apt-get -qq update && apt-get -qq install e2fsprogs; } >/dev/null 2>&1";
    does(&machine, tools);
    does(&machine, "mkfs.ext4 -q -L data $device; mkdir /data; mount $device /data");

    // It grows while it is in use.
    lab.aws(&["ec2", "modify-volume", "--volume-id", &volume, "--size", "2"]);
    becomes(&machine, "[ $(blockdev --getsize64 $device) = 2147483648 ]");

    // A power cut loses what was not synchronised, and no more.
    does(&machine, "echo kept >/data/kept; sync /data/kept; sync /data; echo lost >/data/lost");
    lab.ok(&["lab", "kill", &machine]);
    lab.ok(&["lab", "start", &machine]);
    lab.await_running(&machine);
    becomes(&machine, "[ -b $device ]");
    // The journal may have written the name of the other file by then, but not its content.
    assert_eq!(does(&machine, "mount $device /data; cat /data/kept; cat /data/lost 2>/dev/null || true"), "kept\n");

    // EC2's own rules.
    let refused = |words: &[&str]| text(&lab.run(&[&["lab", "shell", "--", "aws", "ec2"], words].concat()));
    let other = lab.machine("172.31.0.11");
    let again = ["attach-volume", "--volume-id", &volume, "--instance-id", &other, "--device", "/dev/sdf"];
    assert!(refused(&again).contains("VolumeInUse"), "{}", refused(&again));
    let smaller = ["modify-volume", "--volume-id", &volume, "--size", "1"];
    assert!(refused(&smaller).contains("cannot be smaller"), "{}", refused(&smaller));

    // Another machine finds what the first one left there. While that one uses it, no other gets it.
    lab.aws(&["ec2", "detach-volume", "--volume-id", &volume]);
    attach(&other);
    becomes(&machine, "[ ! -e $device ]");
    std::thread::sleep(Duration::from_secs(2));
    assert!(!inside(&other, "[ -e $device ]").status.success(), "two machines would destroy the filesystem");
    does(&machine, "cat /data/kept; umount /data");
    becomes(&other, "[ -b $device ]");
    does(&other, "mkdir /data; mount $device /data; echo more >/data/more; umount /data");
    lab.aws(&["ec2", "terminate-instances", "--instance-ids", &other]);
    assert!(
        lab::within(Duration::from_secs(30), || !lab.ok(&["lab", "ps"]).contains(&other)),
        "{}",
        lab::console(&other)
    );
    attach(&machine);
    becomes(&machine, "[ -b $device ]");
    assert_eq!(does(&machine, "mount $device /data; cat /data/more"), "more\n");

    // Nothing stays of one that was deleted, or of the lab.
    does(&machine, "umount /data");
    lab.aws(&["ec2", "detach-volume", "--volume-id", &volume]);
    lab.aws(&["ec2", "delete-volume", "--volume-id", &volume]);
    let blocks =
        || std::process::Command::new("find").args([lab::STATE, "-name", &format!("{volume}*")]).output().unwrap();
    assert!(lab::within(Duration::from_secs(5), || text(&blocks()).is_empty()), "{}", text(&blocks()));
    lab.ok(&["lab", "down"]);
    assert_eq!(before.left_behind(), [""; 0]);
}
