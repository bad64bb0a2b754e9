//! `pgherd drill` on AWS: what it refuses, announces and asks, and that whatever it stops runs again, also if it is killed. EC2 is a fake
//! with a memory; the lab's test makes a whole drill.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::thread;

use pgherd::cluster::resolve;
use pgherd::drill::ec2::{Ec2, StoppedMachine};
use pgherd::pipeline::policy::{Task, policies};
use pgherd::system::Interrupt;
use pgherd::tools::Invocation;
use serde_json::Value;

use crate::support::herd::Herd;
use crate::support::{Done, Test, await_file};

const DRILL: [&str; 3] = ["drill", "blueprints/herd.hcl", "--yes"];
const UNDO: [&str; 3] = ["drill", "blueprints/herd.hcl", "--undo"];
const RECORD: &str = "generated/herd/.pgherd/drill.json";

/// EC2 with a memory: a machine that is told to stop is `stopping` at the first look and `stopped` at the next; one that is told to start
/// is `pending`, then `running`. With a file `slow`, it goes on stopping. With a number in the file `kill`, the call of that number kills
/// who calls after it did its work; with one in `fail`, that call does nothing.
const EC2: &str = r#"
count=$(($(cat "$STATE/count" 2>/dev/null || echo 0) + 1)) && echo "$count" >"$STATE/count"
[ "$(cat "$STATE/fail" 2>/dev/null)" = "$count" ] && { echo "An error occurred (InternalError) when calling: oops" >&2; exit 254; }
[ "$(cat "$STATE/kill" 2>/dev/null)" = "$count" ] && [ "$1" = sts ] && kill -KILL "$PPID"
ends() { [ "$(cat "$STATE/kill" 2>/dev/null)" = "$count" ] && kill -KILL "$PPID"; exit 0; }
refuses() { echo "An error occurred ($1) when calling the operation: $2" >&2; exit 254; }
case "$1 $2" in
"ec2 describe-instances")
    between=
    printf '{"Reservations": [{"Instances": ['
    while read -r name id address zone tag; do
        state=$(cat "$STATE/power-$id" 2>/dev/null || echo running)
        [ "$state" = terminated ] && continue
        printf '%s{"InstanceId": "%s", "ImageId": "ami-1", "State": {"Name": "%s"}, "PrivateIpAddress": "%s", "Placement":
            {"AvailabilityZone": "%s"}, "Tags": [{"Key": "pgherd:machine", "Value": "%s"}, {"Key": "pgherd:cluster", "Value": "%s"}]}' \
            "$between" "$id" "$state" "$address" "$zone" "$name" "$tag"
        between=,
        case $state in stopping) [ -f "$STATE/slow" ] || echo stopped >"$STATE/power-$id" ;; pending) echo running >"$STATE/power-$id" ;; esac
    done <"$STATE/machines"
    echo ']}]}'
    ends ;;
"ec2 stop-instances" | "ec2 start-instances")
    [ -f "$STATE/forbids-$2" ] && refuses UnauthorizedOperation "You are not authorized to perform this operation."
    case "$*" in *--dry-run*) refuses DryRunOperation "Request would have succeeded, but DryRun flag is set." ;; esac
    verb=$2
    for id; do case $id in i-*)
        state=$(cat "$STATE/power-$id" 2>/dev/null || echo running)
        case "$verb $state" in
        *" terminated") refuses InvalidInstanceID.NotFound "The instance ID '$id' does not exist" ;;
        "start-instances stopping" | "stop-instances pending") refuses IncorrectInstanceState "'$id' is $state" ;;
        "start-instances stopped") echo pending >"$STATE/power-$id" ;;
        "stop-instances running") echo stopping >"$STATE/power-$id"; touch "$STATE/cut" ;;
        esac ;;
    esac; done
    echo '{}'
    ends ;;
"secretsmanager get-secret-value") echo '{"SecretString": "hidden-password"}'; ends ;;
esac
"#;

fn blueprint(herd: &Herd) -> String {
    let postgres = "postgres {\n    users     = [\"app\"]\n    databases = { app = \"app\" }\n  }\n";
    herd.blueprint().replacen("region = \"eu-west-1\"\n", &format!("region = \"eu-west-1\"\n  {postgres}"), 1)
}

/// A healthy cluster whose machines run in the fake EC2 as `i-1`, `i-2` …, in the blueprint's order.
fn cloud(herd: &Herd) -> Test {
    let text = blueprint(herd);
    let test = Test::with_tools(&text);
    test.run(&["gen"]).exits(0);
    let cluster = resolve(&pgherd::blueprint::parse("herd.hcl", &text).unwrap());
    let line = |(n, machine): (usize, &pgherd::cluster::Machine)| {
        format!("{} i-{} {} {} herd/eu-west-1\n", machine.name, n + 1, machine.address, machine.zone)
    };
    fs::write(test.state("machines"), cluster.machines.iter().enumerate().map(line).collect::<String>()).unwrap();
    test.hook("aws", EC2);
    test
}

/// Returns the states of machines that have ever been told to stop.
fn states(test: &Test) -> BTreeMap<String, String> {
    let entries = fs::read_dir(test.state("")).unwrap().map(|entry| entry.unwrap());
    let named = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.strip_prefix("power-")?.to_string(), entry.path())));
    named.map(|(id, path)| (id, fs::read_to_string(path).unwrap().trim().to_string())).collect()
}

fn power(test: &Test, id: &str, state: &str) {
    fs::write(test.state(&format!("power-{id}")), state).unwrap();
}

/// Puts a machine on record, as a drill does before it stops it.
fn record(test: &Test, name: &str, id: &str) {
    fs::create_dir_all(test.path("generated/herd/.pgherd")).unwrap();
    test.write(RECORD, &format!("[{{\"name\": \"{name}\", \"id\": \"{id}\"}}]"));
}

/// Returns the calls that stop or start something, which a rehearsal does not.
fn changes(test: &Test) -> Vec<String> {
    let mut calls = [test.calls_of("stop-instances"), test.calls_of("start-instances")].concat();
    calls.retain(|call| !call.contains("--dry-run"));
    calls
}

#[test]
fn what_ec2_cannot_do_is_refused_with_its_reason() {
    let test = cloud(&Herd::healthy());
    let refused = |fault: &str| test.run(&[&DRILL[..], &["machine", fault]].concat()).exits(2);
    refused("postgres").err("postgres is not possible on AWS: stopping a process needs a login").err("haproxy-machine");
    refused("switchover").err("HAProxy's admin port only reads");
    refused("partition").err("a security group cannot cut open connections");
    refused("slow").err("cannot lose packets");
    test.run(&DRILL[..2]).exits(2).err("no terminal to ask for confirmation; add --yes");
    assert_eq!(test.calls(), Vec::<String>::new(), "it is refused before any tool is called");
    // A program gets the refusal as an event.
    let done = test.run(&[&DRILL[..], &["postgres", "--format", "json"]].concat()).exits(2);
    let event: Value = serde_json::from_str(done.stdout.trim()).unwrap();
    assert_eq!((&event["event"], &event["exit_code"]), (&"drill-ended".into(), &2.into()));
    assert!(event["error"].as_str().unwrap().contains("not possible on AWS"), "{event}");
}

#[test]
fn a_drill_says_what_it_stops_and_is_confirmed_by_name() {
    let herd = Herd::healthy();
    let test = cloud(&herd);
    let done = test.at_terminal(&DRILL[..2], "yes\n").exits(1);
    // `script` merges both outputs.
    let done = done.out("sync-standby: stops slave1 for").out("everything: stops master, slave1, slave2, haproxy for");
    let done = done.out("`check` predicts at most").out("predicts no writes until");
    let done = done.out("machine-etcd-leader: cannot happen now: the primary does not lead etcd");
    done.out("Left out, because EC2's API cannot do it")
        .out("partition: a security group")
        .out("aborted; nothing was stopped");
    assert!(changes(&test).is_empty() && !test.path(RECORD).exists(), "{:?}", test.calls());

    // The right name, but the database cannot be reached: nothing is stopped.
    let done = test.at_terminal(&[&DRILL[..2], &["sync-standby"]].concat(), "herd\n").exits(1);
    done.out("Type the cluster's name (herd)").out("the database app cannot be prepared");
    assert!(changes(&test).is_empty(), "{:?}", test.calls());

    // A primary that leads etcd.
    for machine in ["master", "slave1", "slave2"] {
        herd.etcd_says(machine, "status", |status| status["leader"] = "1".into());
    }
    let done = test.at_terminal(&[&DRILL[..2], &["machine", "machine-etcd-leader"]].concat(), "no\n").exits(1);
    done.out("machine: cannot happen now: the primary leads etcd").out("machine-etcd-leader: stops master for");
}

#[test]
fn a_cluster_that_is_not_healthy_or_not_exactly_the_blueprints_is_left_alone() {
    let herd = Herd::healthy();
    let test = cloud(&herd);
    let good = fs::read_to_string(test.state("machines")).unwrap();
    let with = |machines: String| {
        fs::write(test.state("machines"), machines).unwrap();
        test.run(&[&DRILL[..], &["machine"]].concat()).exits(1)
    };
    with(good.replace("10.20.64.16", "10.20.64.17")).err("nothing was stopped: slave1 (i-2) has 10.20.64.17");
    with(good.replace("slave2 i-3", "slave1 i-3")).err("both i-2 and i-3 are named slave1");
    with(good.replacen("herd/eu-west-1", "other/eu-west-1", 1)).err("belongs to another cluster");
    with(good.lines().skip(1).map(|line| format!("{line}\n")).collect()).err("EC2 has no machine master");
    with(good.clone() + "slave3 i-9 10.20.0.17 eu-west-1a herd/eu-west-1\n").err("the blueprint has no machine slave3");

    fs::write(test.state("forbids-start-instances"), "").unwrap();
    let done = with(good.clone()).err("EC2 would refuse `aws ec2 start-instances`").err("UnauthorizedOperation");
    done.err("pgherd policy BLUEPRINT --for drill");
    fs::remove_file(test.state("forbids-start-instances")).unwrap();

    herd.silence("slave2", 30);
    with(good).err("not healthy, so nothing was broken");
    assert!(changes(&test).is_empty() && !test.path(RECORD).exists(), "{:?}", test.calls());
}

#[test]
fn what_a_killed_drill_stopped_is_told_and_started_by_the_next_command() {
    let test = cloud(&Herd::healthy());
    let status = ["status", "blueprints/herd.hcl"];
    record(&test, "slave1", "i-2");
    power(&test, "i-2", "stopping");
    test.run(&status).err("A drill was killed while slave1 (i-2) had no power").err("--undo");
    test.run(&["run", "blueprints/herd.hcl", "--plan-only"]).err("A drill was killed while slave1 (i-2) had no power");
    assert!(changes(&test).is_empty() && test.path(RECORD).exists(), "looking changes nothing: {:?}", test.calls());

    test.run(&UNDO).exits(0).err("starting slave1 (i-2) again").err("What it stopped runs again.");
    assert_eq!(states(&test)["i-2"], "running");
    assert!(!test.path(RECORD).exists());
    test.run(&UNDO).exits(0).err("No drill of herd has left anything to undo.");
    let quiet = test.run(&status);
    assert!(!quiet.stderr.contains("drill"), "{}", quiet.stderr);

    // A run does it before it looks at anything else, and one that is gone needs nothing.
    record(&test, "slave2", "i-3");
    power(&test, "i-3", "stopped");
    test.run(&["run", "blueprints/herd.hcl", "--yes"])
        .err("starting slave2 (i-3) again")
        .err("What it stopped runs again.");
    assert_eq!((states(&test)["i-3"].as_str(), test.path(RECORD).exists()), ("running", false));
    record(&test, "slave2", "i-3");
    power(&test, "i-3", "terminated");
    test.run(&UNDO).exits(0).err("slave2 (i-3) no longer exists");
    assert!(!test.path(RECORD).exists());

    // What is not understood is not taken for nothing.
    test.write(RECORD, "[{\"name\": ");
    test.run(&UNDO).exits(1).err("drill.json is damaged");
    test.run(&[&DRILL[..], &["machine"]].concat()).exits(1).err("drill.json is damaged");
}

/// Each call of the AWS CLI in turn kills pgherd. The next command finishes what it began.
#[test]
fn an_undo_that_is_killed_at_any_call_is_finished_by_the_next() {
    let test = cloud(&Herd::healthy());
    let mut kills = 0;
    for call in 1.. {
        record(&test, "slave1", "i-2");
        power(&test, "i-2", "stopping");
        fs::write(test.state("count"), "0").unwrap();
        fs::write(test.state("kill"), call.to_string()).unwrap();
        let done: Done = test.run(&UNDO);
        fs::remove_file(test.state("kill")).unwrap();
        if done.code == Some(0) {
            break;
        }
        assert_eq!(done.code, None, "{done:?}");
        kills += 1;
        assert!(test.path(RECORD).exists(), "call {call}: what was stopped is forgotten");
        test.run(&UNDO).exits(0);
        assert_eq!((states(&test)["i-2"].as_str(), test.path(RECORD).exists()), ("running", false), "call {call}");
    }
    assert!(kills >= 4, "{kills}: looks at a machine that is stopping, that has stopped, starts it, looks at it");
}

/// What the drill itself asks EC2 with.
struct Asked {
    test: Test,
    env: BTreeMap<String, String>,
    private: PathBuf,
}

impl Asked {
    fn new() -> Self {
        let test = cloud(&Herd::healthy());
        let private = test.path("generated/herd/.pgherd");
        fs::create_dir_all(&private).unwrap();
        let env = BTreeMap::from([("PATH".to_string(), "/usr/bin:/bin".to_string())]);
        Asked { test, env, private }
    }

    /// Calls the fake AWS CLI by its path.
    fn with<T>(&self, work: impl FnOnce(Ec2<'_>) -> T) -> T {
        let (program, dir) = (self.test.path("../bin/aws").display().to_string(), self.test.path(""));
        let command = |args: Vec<String>| Invocation {
            prefix: vec![],
            program: program.clone(),
            args,
            dir: dir.clone(),
            env: BTreeMap::new(),
        };
        work(Ec2 {
            region: "eu-west-1",
            tag: "herd/eu-west-1",
            command: &command,
            env: &self.env,
            private: &self.private,
            say: &|_: &str| {},
        })
    }

    fn machines() -> [StoppedMachine; 2] {
        [("master", "i-1"), ("slave1", "i-2")].map(|(name, id)| StoppedMachine { name: name.into(), id: id.into() })
    }

    #[track_caller]
    fn all_run(&self, said: &str) {
        assert!(states(&self.test).values().all(|state| state == "running"), "{said}: {:?}", states(&self.test));
        assert!(!self.test.path(RECORD).exists(), "{said}");
    }
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// A drill stops two machines. Each of its calls in turn fails, and whatever had happened by then is undone by another process.
#[test]
fn a_drill_that_ends_at_any_call_is_undone() {
    let asked = Asked::new();
    let mut whole = false;
    for call in 1.. {
        fs::write(asked.test.state("count"), "0").unwrap();
        fs::write(asked.test.state("fail"), call.to_string()).unwrap();
        let cut = asked.with(|ec2| ec2.cut(&Asked::machines(), &Interrupt::default()));
        fs::remove_file(asked.test.state("fail")).unwrap();
        whole = cut.is_ok();
        assert!(asked.test.path(RECORD).exists(), "it is on record before the first call");
        if whole {
            assert_eq!(states(&asked.test).values().filter(|state| *state == "stopped").count(), 2);
        }
        asked.with(|ec2| ec2.revive(PATIENCE, &Interrupt::default())).unwrap();
        asked.all_run(&format!("call {call}"));
        if whole {
            break;
        }
        assert!(call < 20, "it never succeeds");
    }
    assert!(whole);
    // Both got their power back with one call, as they had lost it.
    assert!(changes(&asked.test).last().unwrap().contains("start-instances --instance-ids i-1 i-2"));
}

#[test]
fn an_interrupt_ends_the_wait_and_does_not_end_the_undoing() {
    let asked = Asked::new();
    fs::write(asked.test.state("slow"), "").unwrap();
    let interrupt = Interrupt::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            await_file(&asked.test.state("cut"));
            interrupt.raise();
        });
        let cut = asked.with(|ec2| ec2.cut(&Asked::machines(), &interrupt));
        assert!(cut.is_err(), "the machines had not stopped yet");
    });
    fs::remove_file(asked.test.state("slow")).unwrap();
    asked.with(|ec2| ec2.revive(PATIENCE, &interrupt)).unwrap();
    asked.all_run("after an interrupt");
}

/// EC2 does not answer, so waiting brings nothing back. The next command starts what is on record.
#[test]
fn an_interrupted_drill_does_not_wait_for_an_ec2_that_is_silent() {
    let asked = Asked::new();
    asked.with(|ec2| ec2.cut(&Asked::machines(), &Interrupt::default())).unwrap();
    asked.test.hook("aws", "echo 'Could not connect to the endpoint URL' >&2; exit 255\n");
    let interrupt = Interrupt::default();
    interrupt.raise();
    let watch = std::time::Instant::now();
    let failed = asked.with(|ec2| ec2.revive(PATIENCE, &interrupt)).unwrap_err().to_string();
    assert!(watch.elapsed() < PATIENCE / 2, "{:?}", watch.elapsed());
    assert!(failed.contains("Could not connect") && failed.contains("pgherd drill BLUEPRINT --undo"), "{failed}");
    assert!(asked.test.path(RECORD).exists(), "what was stopped is forgotten");
    asked.test.hook("aws", EC2);
    asked.with(|ec2| ec2.revive(PATIENCE, &interrupt)).unwrap();
    asked.all_run("EC2 is back");
}

/// A machine that EC2 does not start stays on record, with the command that starts it, and does not keep the other one down.
#[test]
fn a_machine_that_does_not_start_is_named() {
    let asked = Asked::new();
    asked.with(|ec2| ec2.cut(&Asked::machines(), &Interrupt::default())).unwrap();
    let full = "case \"$*\" in *start-instances*i-1*) echo 'An error occurred (InsufficientInstanceCapacity): none left' >&2; exit 254 ;; esac\n";
    asked.test.hook("aws", &format!("{full}{EC2}"));
    let failed =
        asked.with(|ec2| ec2.revive(std::time::Duration::from_secs(3), &Interrupt::default())).unwrap_err().to_string();
    assert!(failed.contains("InsufficientInstanceCapacity") && failed.contains("master (i-1)"), "{failed}");
    assert!(failed.contains("aws ec2 start-instances --region eu-west-1"), "{failed}");
    assert_eq!((states(&asked.test)["i-1"].as_str(), states(&asked.test)["i-2"].as_str()), ("stopped", "running"));
    asked.test.hook("aws", EC2);
    asked.with(|ec2| ec2.revive(PATIENCE, &Interrupt::default())).unwrap();
    asked.all_run("there is room again");
}

/// What the drill asks of AWS is what its policy allows, and nothing else; and it allows it on the cluster's own machines alone.
#[test]
fn the_policy_allows_the_calls_of_a_drill_and_no_others() {
    let herd = Herd::healthy();
    let test = cloud(&herd);
    test.run(&[&DRILL[..], &["machine"]].concat()).exits(1).err("the database app cannot be prepared");
    let camel = |verb: &str| -> String { verb.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect() };
    let called: BTreeSet<String> = (test.calls().iter())
        .filter_map(|call| {
            let words: Vec<&str> = call.split(' ').collect();
            // AWS lets everybody ask who they are.
            (words[0] == "aws" && words[1] != "sts").then(|| format!("{}:{}", words[1], camel(words[2])))
        })
        .collect();
    let cluster = resolve(&pgherd::blueprint::parse("herd.hcl", &blueprint(&herd)).unwrap());
    let policies = policies(&cluster, &pgherd::generate::generate(&cluster), Task::Drill).unwrap();
    let documents: Vec<Value> = policies.iter().map(|policy| serde_json::from_str(&policy.text).unwrap()).collect();
    let statements: Vec<&Value> = documents.iter().flat_map(|one| one["Statement"].as_array().unwrap()).collect();
    let words = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_string()).collect()
    };
    let allowed: BTreeSet<String> = statements.iter().flat_map(|statement| words(&statement["Action"])).collect();
    assert_eq!(called, allowed);
    for statement in statements {
        if words(&statement["Action"])
            .iter()
            .any(|action| action.ends_with("Instances") && !action.contains("Describe"))
        {
            assert_eq!(statement["Condition"]["StringEquals"]["aws:ResourceTag/pgherd:cluster"], "herd/eu-west-1");
        }
    }
    assert!(!fs::read_to_string(test.state("calls")).unwrap().contains("hidden-password"));
}
