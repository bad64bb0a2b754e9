//! `pgherd run` killed at any instant: the tools go on to their end, and the next run converges with no help.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods, clippy::disallowed_types)]

mod support;

use std::fs;
use std::process::Command;
use std::time::Duration;

use support::herd::Herd;
use support::{Test, await_file};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];
const JOURNAL: &str = "generated/herd/.pgherd/journal";

fn ready(herd: &Herd) -> Test {
    let test = Test::with_tools(&herd.blueprint());
    test.run(&["gen"]).exits(0);
    test
}

/// Tools that take their time, write much, and whose state is broken until they have ended.
fn slow(test: &Test) {
    let work = |name: &str, file: &str| {
        format!(
            r#"echo "begun {name}" >>"$STATE/work"
            echo broken >"{file}"
            for i in 1 2 3 4 5 6; do echo "still at it $i"; sleep 0.02; done
            echo "whole" >"{file}"
            echo "ended {name}" >>"$STATE/work""#
        )
    };
    let apply = work("apply", "${1#-chdir=}/terraform.tfstate");
    test.hook("terraform", &format!("case \"$*\" in *\" apply \"*) {apply} ;; esac"));
    let build = work("build", "$STATE/builder");
    test.hook("packer", &format!("case \"$*\" in build*) {build} ;; esac"));
}

/// A number that nobody foresees, below `below`.
fn random(below: u64) -> u64 {
    let bytes = fs::read("/proc/sys/kernel/random/uuid").unwrap();
    let hex = std::str::from_utf8(&bytes[..8]).unwrap();
    u64::from_str_radix(hex, 16).unwrap() % below
}

#[test]
fn killed_at_any_instant_the_next_run_converges() {
    let kills = std::env::var("PGHERD_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let test = ready(&Herd::healthy());
    slow(&test);
    let mut in_the_middle = 0;
    for kill in 0..kills {
        for entry in fs::read_dir(test.state("")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            if name.starts_with("made-") || name.starts_with("image-") || name == "work" {
                fs::remove_file(path).unwrap();
            }
        }
        let mut child = test.spawn(RUN);
        std::thread::sleep(Duration::from_millis(random(1500)));
        child.kill().unwrap();
        child.wait().unwrap();
        // Nobody else holds the folder now, and what goes on there is waited for.
        let done = test.run(RUN).exits(0).err("1 primary, 2 streaming");
        in_the_middle += usize::from(done.stderr.contains("was killed; this one goes on"));
        let work = fs::read_to_string(test.state("work")).unwrap();
        let count = |word: &str| work.matches(word).count();
        assert_eq!(count("begun"), count("ended"), "kill {kill} broke a tool:\n{work}\n{}", done.stderr);
        assert_eq!((count("ended apply"), count("ended build")), (4, 3), "kill {kill}: nothing is done twice:\n{work}");
        for module in [
            "network/terraform_network",
            "db_config/terraform_master",
            "db_config/terraform_slave",
            "load_balancer/terraform_haproxy",
        ] {
            assert_eq!(
                test.read(&format!("generated/herd/{module}/terraform.tfstate")),
                "whole\n",
                "kill {kill}: {module}"
            );
        }
        test.run(RUN).exits(0).err("network unchanged");
    }
    assert!(in_the_middle > 0, "none of {kills} kills hit a run");
}

#[test]
fn a_killed_run_is_told_and_its_tools_are_waited_for() {
    let test = ready(&Herd::healthy());
    test.hook(
        "terraform",
        r#"case "$*" in *network*apply*) touch "$STATE/applying"; for i in 1 2 3 4 5 6 7 8 9 10; do echo "line $i"; sleep 0.1; done; echo "the end" ;; esac"#,
    );
    let mut child = test.spawn(RUN);
    await_file(&test.state("applying"));
    child.kill().unwrap();
    child.wait().unwrap();
    let done = test.run(RUN).exits(0).err("terraform apply (network)").err("goes on by itself: waiting for its end");
    let done = done.err("was killed; this one goes on from there");
    done.err("unfinished: network (terraform apply: exit code 0)").err("network unchanged");
    let logs = support::tree(&test.path("generated/herd/.pgherd/logs"));
    let log = logs.iter().find(|(name, text)| name.ends_with("-network.log") && text.contains("line 1\n")).unwrap();
    assert!(log.1.contains("line 10\nthe end\n") && log.1.contains("[exit code 0]"), "{}", log.1);
    let done = test.run(RUN).exits(0);
    assert!(!done.stderr.contains("killed"), "told once: {}", done.stderr);
}

#[test]
fn no_secret_is_in_a_log_though_pgherd_is_gone() {
    let test =
        ready(&Herd::healthy()).env("AWS_ACCESS_KEY_ID", "AKIATEST").env("AWS_SECRET_ACCESS_KEY", "thesecretofthetest");
    test.hook(
        "terraform",
        r#"case "$*" in *network*apply*) touch "$STATE/applying"; sleep 0.5; printf "and thesecret"; sleep 0.2; echo "ofthetest"; touch "$STATE/told" ;; esac"#,
    );
    let mut child = test.spawn(RUN);
    await_file(&test.state("applying"));
    child.kill().unwrap();
    child.wait().unwrap();
    await_file(&test.state("told"));
    let done = test.run(RUN).exits(0);
    assert!(!done.stderr.contains("thesecretofthetest"));
    let tree = support::tree(&test.path("generated"));
    assert!(tree.iter().any(|(_, text)| text.contains("and [secret]")));
    for (path, text) in tree {
        assert!(!text.contains("thesecretofthetest"), "a secret is in {path}");
    }
}

/// Packer is killed with its keeper and all around it, as by a power cut, or alone: its builder stays.
#[test]
fn what_a_killed_packer_left_is_removed_and_named() {
    leaves_a_builder("0", false);
    leaves_a_builder("$$", true);
}

fn leaves_a_builder(killed: &str, end_is_seen: bool) {
    let test = ready(&Herd::healthy());
    let kill = format!(r#"touch "$STATE/once"; kill -9 {killed}"#);
    test.hook("packer", &format!(r#"case "$*" in *master_temp*) [ -f "$STATE/once" ] || {{ {kill}; }} ;; esac"#));
    test.run(RUN).exits(1).err("killed by signal 9");
    let journal = test.read(JOURNAL);
    assert!(journal.contains(r#""stage":"image-master","what":"packer build","ended":false"#), "{journal}");
    let end = r#""stage":"image-master","what":"packer build","ended":true"#;
    assert_eq!(journal.contains(end), end_is_seen, "{journal}");
    let tag = |name: &str| format!(r#""Tags": [{{"Key": "Name", "Value": "{name}"}}]"#);
    let (builder, database) = (tag("packer builder herd-master"), tag("herd-master"));
    let now = "2999-01-01T00:00:00+00:00";
    fs::write(
        test.state("describe-instances"),
        format!(
            r#"{{"Reservations": [{{"Instances": [
            {{"InstanceId": "i-0left", "LaunchTime": "{now}", "KeyName": "packer_ffffffff-1", {builder},
              "SecurityGroups": [{{"GroupId": "sg-0left", "GroupName": "packer_ffffffff-2"}}]}},
            {{"InstanceId": "i-0database", "LaunchTime": "{now}", {database}}}]}}]}}"#
        ),
    )
    .unwrap();
    fs::write(
        test.state("describe-volumes"),
        format!(r#"{{"Volumes": [{{"VolumeId": "vol-0left", "CreateTime": "{now}", {builder}}}, {{"VolumeId": "vol-0data", {database}}}]}}"#),
    )
    .unwrap();
    let done = test.run(RUN).exits(0);
    let done = done.err("image-master removed the builder machine i-0left of a killed build");
    done.err("removed the security group sg-0left")
        .err("removed the key pair packer_ffffffff-1")
        .err("removed the volume vol-0left");
    assert!(
        test.position("terminate-instances --instance-ids i-0left")
            < test.position("delete-security-group --group-id sg-0left")
    );
    let removed = test.calls_of("terminate-").len() + test.calls_of("aws ec2 delete-").len();
    assert_eq!(removed, 4, "nothing else: {:#?}", test.calls());
    assert!(test.read(JOURNAL).contains(r#""how":"settled""#));
    test.run(RUN).exits(0);
    assert_eq!(test.calls_of("terminate-instances").len(), 1, "looked for once");
}

#[test]
fn a_young_builder_of_someone_else_is_left_alone() {
    let test = ready(&Herd::healthy());
    let instances = |time: &str| {
        let tags = r#""Tags": [{"Key": "Name", "Value": "packer builder herd-slave"}]"#;
        format!(
            r#"{{"Reservations": [{{"Instances": [{{"InstanceId": "i-0other", "LaunchTime": "{time}", {tags}}}]}}]}}"#
        )
    };
    fs::write(test.state("describe-instances"), instances("2999-01-01T00:00:00+00:00")).unwrap();
    test.run(RUN).exits(0).err("i-0other is at work, maybe for another pgherd: left alone");
    assert_eq!(test.calls_of("terminate-instances"), Vec::<String>::new());
    fs::remove_file(test.state("image-slave")).unwrap();
    fs::write(test.state("describe-instances"), instances("2001-01-01T00:00:00+00:00")).unwrap();
    test.run(RUN).exits(0).err("removed the builder machine i-0other");
}

#[test]
fn the_lock_of_a_dead_run_is_not_in_the_way() {
    let test = ready(&Herd::healthy());
    test.run(RUN).exits(0);
    test.hook("aws", r#"case "$*" in *describe-images*) touch "$STATE/asked"; sleep 1 ;; esac"#);
    let mut child = test.spawn(RUN);
    await_file(&test.state("asked"));
    let told = Command::new("/bin/kill").args(["-KILL", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    child.wait().unwrap();
    test.run(RUN).exits(0);
}

#[test]
fn only_the_logs_of_the_last_runs_are_kept() {
    let test = ready(&Herd::healthy());
    for run in 10..60 {
        test.write(&format!("generated/herd/.pgherd/logs/202001{run}T000000Z-network.log"), "old");
    }
    test.run(RUN).exits(0);
    let logs = fs::read_dir(test.path("generated/herd/.pgherd/logs")).unwrap().count();
    assert_eq!(
        logs,
        20 + 4 + 1 + 8 + 3,
        "twenty old runs, and this one: its review (network, three images, databases), eight stages, its last question, events, page"
    );
}
