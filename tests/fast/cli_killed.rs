//! `pgherd run` killed at any instant: the tools finish, and the next run converges without help.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support;
use crate::support::herd::Herd;
use crate::support::processes;
use crate::support::random;
use crate::support::random::Random;
use crate::support::{Test, await_file, world};
use rustix::process::{Pid, Signal, kill_process};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];
const JOURNAL: &str = "generated/herd/.pgherd/journal";

fn ready(herd: &Herd) -> Test {
    let test = Test::with_tools(&herd.blueprint());
    test.run(&["gen"]).exits(0);
    test
}

/// Kills pgherd, one of its tools, or all of them as a power cut does, or presses Ctrl-C, `PGHERD_KILLS` times at random instants.
/// `PGHERD_SEED` repeats them.
#[test]
fn killed_at_any_instant_the_next_run_converges() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let kills = number("PGHERD_KILLS").unwrap_or(12);
    let seed = number("PGHERD_SEED").unwrap_or_else(random::seed);
    println!("PGHERD_SEED={seed} PGHERD_KILLS={kills}");
    let mut random = Random::new(seed);
    let test = ready(&Herd::healthy());
    world::put_into(&test);
    let begin = Instant::now();
    test.run(RUN).exits(0);
    let mut whole = begin.elapsed().as_millis() as usize;
    let (mut hits, mut in_the_middle, mut kill, mut late) = (BTreeMap::<&str, u32>::new(), 0, 0, 0);
    while kill < kills {
        world::clear(&test);
        for state in MODULES.map(|module| test.path(&format!("generated/herd/{module}/terraform.tfstate"))) {
            let _ = fs::remove_file(state);
        }
        let (what, after) = (
            random.one(&["pgherd", "power", "terraform", "terraform", "packer", "packer", "Ctrl-C"]),
            random.below(whole),
        );
        let Some(hit) = killed_by(&test, what, Duration::from_millis(after as u64)) else {
            // Nothing was killed, and the machine is faster now.
            whole = after.max(1);
            late += 1;
            assert!(late <= 100 + 2 * kill, "nearly every run is over before it is killed");
            continue;
        };
        kill += 1;
        let said = format!("PGHERD_SEED={seed}, kill {kill}: {hit} after {after} ms");
        *hits.entry(hit).or_default() += 1;

        // Nobody else holds the folder now, and the run waits for tools that are still running there.
        let left = world::things(&test);
        let done = test.run(RUN);
        assert_eq!(done.code, Some(0), "{said}, which left {left:#?}:\n{}", done.stderr);
        in_the_middle += usize::from(done.stderr.contains("was killed. This run continues"));
        let there = world::things(&test);
        let of = |kind: &str| there.iter().filter(|thing| thing.starts_with(kind)).count();
        assert_eq!((of("ami-"), of("vpc-"), there.len()), (3, 4, 7), "{said}, which left {left:#?}:\n{}", done.stderr);
        for image in there.iter().filter(|thing| thing.starts_with("ami-")) {
            let text = fs::read_to_string(test.state("ec2").join(image)).unwrap();
            assert!(text.ends_with(" whole\n"), "{said}: {image} is half made:\n{}", done.stderr);
        }
        on_the_disk_is_what_is_needed(&test, &said);
        let calls = test.calls().len();
        test.run(RUN).exits(0).err("network unchanged");
        let asked: Vec<String> = test.calls().split_off(calls);
        assert!(!asked.iter().any(|call| call.contains("describe-tags")), "{said}: it looks on and on: {asked:#?}");
    }
    println!(
        "{kills} kills in {:.0} s: {hits:?}, {in_the_middle} runs were killed, {late} came too late",
        begin.elapsed().as_secs_f64()
    );
    assert!(in_the_middle > 0, "none of {kills} kills hit a run");
}

const MODULES: [&str; 4] = [
    "network/terraform_network",
    "db_config/terraform_master",
    "db_config/terraform_slave",
    "load_balancer/terraform_haproxy",
];

/// Starts a run, kills a part of it, and waits until that has ended. Returns what was killed, or `None` if the run had ended before.
fn killed_by<'a>(test: &Test, what: &'a str, after: Duration) -> Option<&'a str> {
    let mut run = test.command(RUN).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    let own = Pid::from_child(&run);
    let below = |name: &str| processes::children(own, name).into_iter().map(|(pid, _)| pid).collect::<Vec<_>>();
    let tools = if ["terraform", "packer"].contains(&what) { below(what) } else { vec![] };
    let (hit, pids) = match what {
        "power" => (what, all_at_once(own)),
        // The tool to kill is not running, so pgherd is killed.
        "terraform" | "packer" if tools.is_empty() => ("pgherd", vec![own]),
        "terraform" | "packer" => (what, tools),
        _ => (what, vec![own]),
    };
    let signal = if what == "Ctrl-C" { Signal::INT } else { Signal::KILL };
    let over = run.try_wait().unwrap().is_some();
    if !over {
        // It may have just ended.
        pids.into_iter().for_each(|pid| kill_process(pid, signal).unwrap_or_default());
    }
    let until = Instant::now() + Duration::from_secs(60);
    while run.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it goes on and on after {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    (!over).then_some(hit)
}

/// Stops a process and all its descendants, so that none can start while the others are being found, as in a power cut.
fn all_at_once(own: Pid) -> Vec<Pid> {
    let mut stopped = vec![];
    loop {
        let below = processes::children(own, "").into_iter().map(|(pid, _)| pid);
        let found: Vec<Pid> = std::iter::once(own).chain(below).collect();
        if found == stopped {
            return found;
        }
        // One may have just ended.
        found.iter().for_each(|pid| kill_process(*pid, Signal::STOP).unwrap_or_default());
        stopped = found;
    }
}

/// Checks that states are complete, no file is half written or temporary, every run has a page, and nothing is still running.
fn on_the_disk_is_what_is_needed(test: &Test, said: &str) {
    let files = support::tree(&test.path("generated/herd"));
    for module in MODULES {
        let path = format!("{module}/terraform.tfstate");
        let state = files.iter().find(|(name, _)| *name == path).map(|(_, text)| text.as_str());
        assert_eq!(state, Some("{\"serial\": 1}\n"), "{said}: {module}");
    }
    let left = |name: &&String| {
        name.contains(".pgherd/tmp/")
            || [".new", ".pgherd-new", "pgherd_import.tf"].iter().any(|end| name.ends_with(end))
    };
    assert_eq!(files.iter().map(|(name, _)| name).filter(left).collect::<Vec<_>>(), [""; 0], "{said}");
    for (events, text) in files.iter().filter(|(name, _)| name.ends_with("-events.jsonl")) {
        let page = events.replace("-events.jsonl", "-report.html");
        // A run that was killed before its first event has no page.
        assert!(!text.contains("run-begun") || files.iter().any(|(name, _)| *name == page), "{said}: no {page}");
    }
    assert_eq!(processes::in_folder(&test.path("generated")), [""; 0], "{said}: it runs on");
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
    let done =
        test.run(RUN).exits(0).err("terraform apply (network)").err("was in progress. Waiting for it to finish.");
    let done = done.err("was killed. This run continues from there.");
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

/// Packer is killed alone, or with its keeper and everything else as in a power cut: its builder stays.
#[test]
fn what_a_killed_packer_left_is_removed_and_named() {
    leaves_a_builder("0", false);
    leaves_a_builder("$$", true);
}

/// Packer creates a key pair and tags it afterwards. One that it did not get to tag can only be recognised by the name in the build's log.
#[test]
fn a_key_pair_that_packer_could_not_tag_is_removed() {
    let test = ready(&Herd::healthy());
    let says = "==> amazon-ebs: Creating temporary keypair: packer_ffffffff-9";
    let kill = format!(r#"touch "$STATE/once"; echo '{says}'; echo 'unexpected EOF'; exit 1"#);
    test.hook("packer", &format!(r#"case "$*" in *master_temp*) [ -f "$STATE/once" ] || {{ {kill}; }} ;; esac"#));
    test.run(RUN).exits(1).err("unexpected EOF");
    let keys = r#"{"KeyPairs": [{"KeyName": "packer_ffffffff-9"}, {"KeyName": "packer_ffffffff-8"}]}"#;
    fs::write(test.state("describe-key-pairs"), keys).unwrap();
    test.run(RUN).exits(0).err("image-master removed the key pair packer_ffffffff-9 of a killed build");
    assert_eq!(test.calls_of("aws ec2 delete-").len(), 1, "nothing else: {:#?}", test.calls());
}

fn leaves_a_builder(killed: &str, end_is_seen: bool) {
    let test = ready(&Herd::healthy());
    let kill = format!(r#"touch "$STATE/once"; kill -9 {killed}"#);
    test.hook("packer", &format!(r#"case "$*" in *master_temp*) [ -f "$STATE/once" ] || {{ {kill}; }} ;; esac"#));
    test.run(RUN).exits(1).err("killed by signal 9").err("what the build created still exists in AWS and costs money");
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
            {{"InstanceId": "i-0left", "ImageId": "ami-0base", "LaunchTime": "{now}", "KeyName": "packer_ffffffff-1", {builder},
              "SecurityGroups": [{{"GroupId": "sg-0left", "GroupName": "packer_ffffffff-2"}}]}},
            {{"InstanceId": "i-0database", "ImageId": "ami-0master", "LaunchTime": "{now}", {database}}}]}}]}}"#
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

/// A user who gives up after a kill destroys the cluster, and no more images are built.
#[test]
fn destroy_removes_what_a_killed_packer_left() {
    let test = ready(&Herd::healthy());
    world::put_into(&test);
    let mut run = test.command(RUN).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let own = Pid::from_child(&run);
    let builders = |test: &Test| world::things(test).into_iter().filter(|thing| thing.starts_with("i-0")).count();
    let until = Instant::now() + Duration::from_secs(20);
    while builders(&test) == 0 {
        assert!(Instant::now() < until, "no builder comes");
    }
    for (pid, _) in [vec![(own, String::new())], processes::children(own, "")].concat() {
        kill_process(pid, Signal::KILL).unwrap_or_default();
    }
    run.wait().unwrap();
    assert!(builders(&test) > 0, "{:#?}", world::things(&test));
    let done = test.run(&["destroy", "blueprints/herd.hcl", "--yes"]).exits(0);
    let left: Vec<String> = world::things(&test).into_iter().filter(|thing| !thing.starts_with("vpc-")).collect();
    assert_eq!(left, [""; 0], "{}", done.stderr);
}

#[test]
fn a_young_builder_of_someone_else_is_left_alone() {
    let test = ready(&Herd::healthy());
    let instances = |time: &str| {
        let tags = r#""Tags": [{"Key": "Name", "Value": "packer builder herd-slave"}]"#;
        format!(
            r#"{{"Reservations": [{{"Instances": [{{"InstanceId": "i-0other", "ImageId": "ami-0base", "LaunchTime": "{time}", {tags}}}]}}]}}"#
        )
    };
    let tag =
        r#""ResourceId": "i-0other", "ResourceType": "instance", "Key": "Name", "Value": "packer builder herd-slave""#;
    fs::write(test.state("describe-tags"), format!(r#"{{"Tags": [{{{tag}}}]}}"#)).unwrap();
    fs::write(test.state("describe-instances"), instances("2999-01-01T00:00:00+00:00")).unwrap();
    let alone = "i-0other is running, perhaps for another pgherd. It was kept";
    test.run(RUN).exits(0).err(alone);
    // The image exists by now, and the machine is still known.
    test.run(RUN).exits(0).err(alone);
    assert_eq!(test.calls_of("terminate-instances"), Vec::<String>::new());
    fs::write(test.state("describe-instances"), instances("2001-01-01T00:00:00+00:00")).unwrap();
    test.run(RUN).exits(0).err("removed the builder machine i-0other");
    fs::remove_file(test.state("describe-tags")).unwrap();
    let calls = test.calls().len();
    test.run(RUN).exits(0);
    let asked = test.calls().split_off(calls);
    assert!(!asked.iter().any(|call| call.contains("describe-tags")), "it is over: {asked:#?}");
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
        20 + 1 + 7 + 2 + 8 + 3,
        "twenty old runs, and this one: where states are, its review (seven stages, members, databases), eight stages, its last question, events, page"
    );
}
