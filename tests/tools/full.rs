//! `pgherd run` on a full disk: it reports that, loses nothing, and continues once there is room.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::Test;
use crate::support::herd::Herd;

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];
const STATE: &str = "generated/herd/network/terraform_network/terraform.tfstate";

/// A small filesystem, mounted on a folder until it is dropped.
struct Small(PathBuf);

impl Small {
    fn at(dir: PathBuf) -> Self {
        fs::create_dir_all(&dir).unwrap();
        let done =
            Command::new("/usr/bin/mount").args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"]).arg(&dir).status().unwrap();
        assert!(done.success(), "the tests mount a small filesystem: run them as root");
        Small(dir)
    }

    /// Fills the disk, apart from a number of KiB.
    fn fill(&self, left: u64) {
        let seen = rustix::fs::statvfs(&self.0).unwrap();
        let size = seen.f_bavail * seen.f_frsize - left * 1024;
        fs::write(self.0.join("filler"), vec![0; size as usize]).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("/usr/bin/umount").arg(&self.0).status();
    }
}

fn ready() -> (Test, Small) {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    let small = Small::at(test.path("generated"));
    test.run(&["gen"]).exits(0);
    (test, small)
}

#[test]
fn nothing_is_begun_on_a_full_disk() {
    let (test, small) = ready();
    for left in [0, 64, 15_000] {
        small.fill(left);
        let done = test.run(RUN).exits(1).err("are free in").err("Nothing was started");
        assert!(done.stderr.contains("generated/herd"), "{}", done.stderr);
        let changes = [test.calls_of(" apply "), test.calls_of("packer build")].concat();
        assert_eq!(changes, Vec::<String>::new(), "{}", done.stderr);
        small.free();
    }
    test.run(RUN).exits(0).err("1 primary, 2 streaming");
}

#[test]
fn a_disk_that_fills_up_meanwhile_costs_no_state() {
    let (test, small) = ready();
    let whole = r#"{"version": 4, "serial": 1, "resources": ["what was there before"]}"#;
    test.write(STATE, whole);
    // As Terraform does: the state is truncated and rewritten in place, and what does not fit is lost.
    test.hook(
        "terraform",
        r#"case "$*" in *network*apply*)
            [ -f "$STATE/once" ] || {
                touch "$STATE/once"
                dd if=/dev/zero of="${1#-chdir=}/filler" bs=4k 2>/dev/null
                echo '{"version": 4, "ser' >"${1#-chdir=}/terraform.tfstate"
                echo "Error: no space left on device"
                exit 1
            } ;; esac"#,
    );
    let done = test.run(RUN).exits(1).err("no space left on device").err("network");
    assert_ne!(test.read(STATE), whole, "{}", done.stderr);
    let done = test.run(RUN).exits(1).err("are free in");
    assert_eq!(test.calls_of("network apply").len(), 1, "{}", done.stderr);
    fs::remove_file(test.path("generated/herd/network/terraform_network/filler")).unwrap();
    test.run(RUN).exits(0).err("was truncated, and was restored from its copy").err("network done");
    assert_eq!(test.read(STATE), whole);
    drop(small);
}
