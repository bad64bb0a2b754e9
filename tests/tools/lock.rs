//! State in moto's S3, and a real Terraform that is killed. Its lock is broken only if it certainly was ours, and what it had created
//! is adopted.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::real::moto::Moto;
use crate::real::terraform;
use crate::real::world::World;
use crate::support::Test;
use pgherd::fileset::FileSet;

const REGION: &str = "eu-west-1";
const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes", "--only", "network"];
const BLUEPRINT: &str = r#"cluster "herd" {
  region = "eu-west-1"
  state {
    s3 {
      bucket = "states"
    }
  }
}
"#;
const LOCK: &str = "states/pgherd/herd/eu-west-1/terraform_network.tfstate.tflock";

#[test]
fn a_lock_in_s3_is_broken_only_if_it_is_our_own_dead_ones() {
    let (moto, test, _config) = killed();

    let done = test.run(RUN).exits(0);
    let done =
        done.err("the state is still locked by").err("a run from this folder that was killed. Removing its lock");
    done.err("adopting what a killed run created:").err("1 aws_vpc");
    assert_eq!(vpcs(&moto), 2, "the default one and ours");

    // A lock of another user, and one of ours from a time when none of our runs was killed.
    let me = String::from_utf8(Command::new("/usr/bin/id").arg("-un").output().unwrap().stdout).unwrap();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let me = format!("{}@{}", me.trim(), host.trim());
    for who in ["someone@elsewhere", &me] {
        moto.put(REGION, LOCK, &format!(
            r#"{{"ID":"11111111-2222-3333-4444-555555555555","Operation":"OperationTypeApply","Info":"","Who":"{who}",
                "Version":"1.11.4","Created":"2026-01-02T03:04:05.678Z","Path":"states/pgherd/herd/eu-west-1/terraform_network.tfstate"}}"#
        ));
        let done = test.run(RUN).exits(1).err(&format!("is locked by {who} (apply) since 2026-01-02T03:04:05"));
        done.err("force-unlock -force 11111111-2222-3333-4444-555555555555");
        assert!(moto.object(REGION, LOCK).contains(who), "it is still there");
    }
}

/// A run from another folder cannot know whose lock it is. After the user has broken it as told, the run finds the resources by their tags.
#[test]
fn a_fresh_checkout_takes_up_what_was_made_elsewhere() {
    let (moto, test, config) = killed();
    fs::remove_dir_all(test.path("generated/herd/.pgherd")).unwrap();
    let done = test.run(RUN).exits(1).err("(apply) since").err("If it is certainly dead: ");
    let unlock = done.stderr.split("If it is certainly dead: ").nth(1).unwrap().lines().next().unwrap();
    let mut by_hand = Command::new("/bin/sh");
    by_hand.args(["-c", unlock]).current_dir(test.path("")).env("TF_CLI_CONFIG_FILE", config.config());
    by_hand
        .env("AWS_ENDPOINT_URL", moto.endpoint())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    let unlocked = by_hand.output().unwrap();
    assert!(unlocked.status.success(), "{unlock}: {}", String::from_utf8_lossy(&unlocked.stderr));
    test.run(RUN).exits(0).err("adopting what a killed run created:").err("1 aws_vpc");
    assert_eq!(vpcs(&moto), 2, "the default one and ours");
    test.run(RUN).exits(0).err("network unchanged");
}

/// Kills Terraform while it waits for the VPC, which then exists but is in no state.
fn killed() -> (Moto, Test, terraform::Terraform) {
    let moto = Moto::with_images("herd/eu-west-1", &FileSet::default());
    moto.make_bucket(REGION, "states");
    let World { test, moto, terraform: config } = World::over(moto, BLUEPRINT);
    test.run(&["gen"]).exits(0);

    let mut run = test.spawn(RUN);
    let journal = test.path("generated/herd/.pgherd/journal");
    let applying = || fs::read_to_string(&journal).unwrap_or_default().contains("terraform apply");
    await_so(|| applying() && vpcs(&moto) == 2);
    kill_terraform_under(run.id());
    assert!(!run.wait().unwrap().success());
    assert!(moto.object(REGION, LOCK).contains("OperationTypeApply"));
    (moto, test, config)
}

fn vpcs(moto: &Moto) -> usize {
    moto.ec2(REGION, "DescribeVpcs").matches("<vpcId>").count()
}

fn await_so(so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < Duration::from_secs(300), "it never comes so far");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Terraform is a child of its keeper, which is a child of the run.
fn kill_terraform_under(run: u32) {
    let of = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        Some((name.to_string(), rest.split(' ').nth(1)?.to_string()))
    };
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let pid = entry.file_name().into_string().unwrap();
        let Some((name, parent)) = of(&pid) else { continue };
        if name == "terraform" && of(&parent).is_some_and(|(_, above)| above == run.to_string()) {
            assert!(Command::new("/bin/kill").args(["-KILL", &pid]).status().unwrap().success());
            return;
        }
    }
    panic!("no terraform is at work");
}
