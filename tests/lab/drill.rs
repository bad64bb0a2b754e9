//! `pgherd drill` on `blueprints/herd.hcl`: faults once each, and drills that end early. A part of the herd's test, whose cluster it uses.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pgherd::cluster::fault::{Disruption, Fault, Victim};
use pgherd::drill::events::{DrillEvent, DrillSaid};
use pgherd::drill::{DrillReport, TrialReport};

use crate::drill_by_ec2::OnAws;
use crate::lab::{Lab, pgherd, text, within};
use crate::readers::frees_the_readers_of_a_standby_that_dies;

const BLUEPRINT: &str = "blueprints/herd.hcl";
const DRILL: [&str; 6] = ["drill", BLUEPRINT, "--target", "lab", "--format", "json"];

/// How long a fault lasts at most in a short drill, in seconds. PGHERD_DRILL=all lets it last until its bound must be over, so that the
/// primary moves, which costs a minute or two for each fault.
const SHORT: u64 = 5;

fn drills_all() -> bool {
    std::env::var("PGHERD_DRILL").is_ok_and(|wanted| wanted == "all")
}

/// Drills a new herd, whose primary is `master`.
pub fn brings_faults_about_measures_and_undoes_them(lab: &Lab) {
    shows_the_disks(lab);
    frees_the_readers_of_a_standby_that_dies(lab, "slave2");
    refuses_a_cluster_that_is_not_healthy(lab);
    lab.ok(&["lab", "start", "slave2"]);
    heals(lab);
    loses_what_is_not_on_the_disk(lab, "slave2");
    hands_etcd_over_before_it_stops(lab, "slave2");
    is_undone_after_an_interrupt(lab);
    is_undone_by_the_next_command_after_a_kill(lab);

    let short = SHORT.to_string();
    let hold: &[&str] = if drills_all() { &[] } else { &["--hold", &short] };
    let drilled = lab.run(&[&DRILL[..], hold].concat());
    let report = report(&String::from_utf8(drilled.stdout.clone()).unwrap());
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    assert_eq!(drilled.status.code(), Some(if report.held { 0 } else { 1 }), "{}", text(&drilled));
    let names: BTreeSet<&str> = report.faults.iter().map(|fault| fault.fault.as_str()).collect();
    // With quorum commit, commits wait for any standby, so none is asynchronous.
    let skipped: Vec<&str> = report.skipped.keys().map(String::as_str).collect();
    assert!(skipped.is_empty() || skipped == ["async-standby"], "{:?}", report.skipped);
    let possible = Fault::ALL.iter().map(|fault| fault.name()).filter(|name| !skipped.contains(name));
    assert_eq!(names, possible.collect());
    assert!(report.left.is_empty(), "{:?}", report.left);
    for trial in report.faults.iter().flat_map(|fault| &fault.trials) {
        is_measured(trial);
    }
    let secret = ["lab", "shell", "--", "aws", "--region", "eu-west-1", "secretsmanager", "get-secret-value"];
    let query = ["--secret-id", "herd/user/app", "--query", "SecretString", "--output", "text"];
    let password = lab.ok(&[&secret[..], &query].concat());
    assert!(!text(&drilled).contains(&password), "the report has a password");
    is_tidy(lab);
    is_drilled_by_ec2(lab);
}

fn is_drilled_by_ec2(lab: &Lab) {
    heals(lab);
    let on_aws = OnAws::of(lab, BLUEPRINT);
    on_aws.is_undone_after_a_kill();
    heals(lab);
    is_measured(&on_aws.tries("haproxy-machine", &["--hold", "10"]));
    on_aws.had_the_rights();
    is_tidy(lab);
    heals(lab);
}

/// What holds for each trial, whatever the machine that this test runs on. Whether a bound holds is the drill's to say: a busy machine
/// may exceed one.
fn is_measured(trial: &TrialReport) {
    let fault = Fault::named(&trial.fault).unwrap();
    assert!(trial.acknowledged > 100 && trial.reads > 20, "{trial:#?}");
    assert!(trial.lost.is_empty() && trial.unchecked.is_empty(), "{trial:#?}");
    assert_eq!(trial.two_primaries, 0, "{trial:#?}");
    assert!(trial.healthy_after_ms.is_some(), "{trial:#?}");
    assert_eq!(trial.lasted_ms > 0, fault.injection().harm.lasts(), "{trial:#?}");
    // The fault was there: clients noticed it, or the primary moved.
    let moves = [Fault::Switchover];
    // It moves once the lock of the former primary has expired.
    let moves_later = [
        Fault::Machine,
        Fault::Partition,
        Fault::PartitionInbound,
        Fault::PartitionOutbound,
        Fault::PatroniFrozen,
        Fault::PostgresFrozen,
    ];
    if moves.contains(&fault) || drills_all() && moves_later.contains(&fault) {
        assert_ne!(trial.primary_before, trial.primary_after, "{trial:#?}");
    }
    if let Some(ms) = match fault {
        Fault::Postgres | Fault::Switchover => Some(100),
        // A block that another program frees may become PostgreSQL's before the filler has it, and one writer's small rows fit into it
        // for 1.6 s. Then it counts that each writer was refused for lack of space. After the 1.4 s in which rows still fit, that leaves
        // 2 s of 5 s without a write, before and after the block, so the longer part has at least 1 s.
        Fault::DiskFull if every_writer_met(trial, "53100") => Some(1000),
        // A moment passes between the fault and the last row that was on its way, or that fits into what the disk has left.
        Fault::Machine | Fault::Partition | Fault::PartitionInbound | Fault::PartitionOutbound | Fault::DiskFull => {
            Some(trial.lasted_ms.min(5000).saturating_sub(2000))
        }
        // On AWS, the call that stops a machine and the boot that follows its start are part of the time that the fault lasts.
        Fault::PartitionHaproxy | Fault::Everything => Some(trial.lasted_ms.min(10_500) - 500),
        // Clients find out that the first of two HAProxies is silent, and go on through the other long before it is back.
        Fault::HaproxyMachine => {
            assert!(trial.writes_stopped_ms < trial.lasted_ms.max(10_000) - 500, "{trial:#?}");
            Some(500)
        }
        _ => None,
    } {
        assert!(trial.writes_stopped_ms >= ms, "{trial:#?}");
    }
    // A standby that is away for a moment may disturb nobody.
    let is_standbys = matches!(fault.injection().victim, Victim::SyncStandby | Victim::AsyncStandby);
    if fault.injection().harm == Disruption::PowerCut && (drills_all() || !is_standbys) {
        assert!(!trial.errors.is_empty(), "{trial:#?}");
    }
}

/// Returns whether each of the clients that write got an error with this SQLSTATE.
fn every_writer_met(trial: &TrialReport, state: &str) -> bool {
    let mut writers = trial.errors.iter().filter(|(client, _)| client.starts_with("writer")).peekable();
    let end = format!("({state})");
    writers.peek().is_some() && writers.all(|(_, errors)| errors.keys().any(|error| error.ends_with(&end)))
}

/// Each machine reports its disk and its reserve, and the primary the slots of the two others.
fn shows_the_disks(lab: &Lab) {
    const MIB: u64 = 1024 * 1024;
    let status = lab.ok(&["status", BLUEPRINT, "--target", "lab", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["warnings"], serde_json::json!([]), "{status:#}");
    let disks = status["disks"].as_array().unwrap();
    assert_eq!(disks.len(), 3, "{disks:#?}");
    let mut primaries = 0;
    for disk in disks {
        let report = &disk["report"];
        let bytes = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("no {name}: {disk:#}"));
        // blueprints/herd.hcl has disks of 100 GiB, of which the file system's own tables take a little.
        assert!((90 * 1024 * MIB..=100 * 1024 * MIB).contains(&bytes("size")), "{disk:#}");
        assert!(bytes("free") < bytes("size") && bytes("wal") >= 16 * MIB, "{disk:#}");
        assert_eq!((bytes("reserve"), bytes("slot_limit")), (256 * MIB, 25 * 1024 * MIB), "{disk:#}");
        let slots = report["slots"].as_array().unwrap();
        let names: BTreeSet<&str> = slots.iter().map(|slot| slot["name"].as_str().unwrap()).collect();
        let others: BTreeSet<&str> =
            ["master", "slave1", "slave2"].into_iter().filter(|name| disk["machine"] != *name).collect();
        assert!(names.is_subset(&others), "{disk:#}");
        if slots.iter().any(|slot| slot["active"] == true) {
            assert_eq!(names, others, "{disk:#}");
            primaries += 1;
        }
    }
    assert_eq!(primaries, 1, "one machine feeds the others: {disks:#?}");
    // The path is the whole request: HAProxy passes on no other, and takes nothing but GET.
    let get = |method: &str, path: &str| {
        let haproxy = "http://10.20.128.32:7000";
        let asked = Command::new("curl")
            .args(["--silent", "--max-time", "5", "--output", "/dev/null", "--write-out", "%{http_code}"])
            .args(["--request", method, &format!("{haproxy}{path}")])
            .output()
            .unwrap();
        String::from_utf8(asked.stdout).unwrap()
    };
    assert_eq!(get("GET", "/disk/master"), "200");
    assert_eq!(get("POST", "/disk/master"), "405");
    assert_eq!(["/disk", "/disk/", "/disk/haproxy", "/disk/master/x"].map(|path| get("GET", path)), ["404"; 4]);
}

fn refuses_a_cluster_that_is_not_healthy(lab: &Lab) {
    assert!(within(Duration::from_secs(60), || !is_healthy(lab)));
    let refused = lab.run(&["drill", BLUEPRINT, "--target", "lab", "postgres"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("not healthy, so nothing was broken"), "{}", text(&refused));
}

/// A machine that stops in order hands etcd's leadership over first, and not to the primary's machine.
fn hands_etcd_over_before_it_stops(lab: &Lab, machine: &str) {
    let rows = |command: &str| -> Vec<Vec<String>> {
        let listed = text(&lab.in_machine("master", command));
        listed.lines().map(|line| line.split(", ").map(String::from).collect()).collect()
    };
    // Columns: the id, its state, the name, the URLs of its peers' port and its clients' port.
    let members = rows("etcdctl member list");
    let id = members.iter().find(|member| member[2] == machine).unwrap()[0].clone();
    let urls: Vec<&str> = members.iter().map(|member| member[4].as_str()).collect();
    let leads = || {
        // Columns: the URL, the id, the version, the size of the database, and whether it leads.
        let status = rows("etcdctl endpoint status --cluster 2>/dev/null");
        status.iter().any(|member| member[1] == id && member[4] == "true")
    };
    let moved = lab.in_machine("master", &format!("etcdctl --endpoints={} move-leader {id}", urls.join(",")));
    assert!(moved.status.success() && leads(), "{}", text(&moved));
    let stop = lab.in_machine(machine, "systemctl --no-block stop etcd");
    assert!(stop.status.success(), "{}", text(&stop));
    assert!(within(Duration::from_secs(10), || !leads()), "{machine} still leads etcd");
    let journal = || text(&lab.in_machine(machine, "journalctl --boot --unit etcd --no-pager"));
    // The leadership has moved before the command that moves it has ended.
    let says_so = || journal().contains("moved etcd's leadership to slave1");
    assert!(within(Duration::from_secs(10), says_so), "{}", journal());
    let start = lab.in_machine(machine, "systemctl start etcd");
    assert!(start.status.success(), "{}", text(&start));
    heals(lab);
}

/// What the disk has is kept, and what only memory has is gone.
fn loses_what_is_not_on_the_disk(lab: &Lab, machine: &str) {
    let written = lab.in_machine(machine, "echo kept >/root/kept && sync /root/kept && echo gone >/root/gone");
    assert!(written.status.success(), "{}", text(&written));
    lab.ok(&["lab", "kill", machine]);
    lab.ok(&["lab", "start", machine]);
    heals(lab);
    assert_eq!(text(&lab.in_machine(machine, "cd /root; cat kept; test ! -e gone || cat gone")).trim(), "kept");
}

fn is_undone_after_an_interrupt(lab: &Lab) {
    let mut drill = begin("machine");
    signal(&drill, "-INT");
    assert_eq!(drill.wait().unwrap().code(), Some(130));
    assert!(!lab.ok(&["lab", "ps"]).contains(" off "), "{}", lab.ok(&["lab", "ps"]));
    heals(lab);
}

fn is_undone_by_the_next_command_after_a_kill(lab: &Lab) {
    let mut drill = begin("etcd-leader-cut");
    signal(&drill, "-KILL");
    drill.wait().unwrap();
    let status = text(&lab.run(&["status", BLUEPRINT, "--target", "lab"]));
    assert!(status.contains("A drill was killed and left "), "{status}");
    let listed = lab.run(&["lab", "ps"]);
    assert!(text(&listed).contains("A drill was killed. What it broke is repaired."), "{}", text(&listed));
    assert!(!text(&lab.run(&["lab", "ps"])).contains("repaired"), "once is enough");
    heals(lab);
}

/// Starts a drill of one long fault, and returns once it is there.
fn begin(fault: &str) -> Child {
    let mut drill = pgherd();
    let mut drill = drill.args(DRILL).args([fault, "--hold", "600"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(drill.stdout.take().unwrap()).lines();
    let mut told = vec![];
    for line in lines {
        let said: DrillSaid = serde_json::from_str(&line.unwrap()).unwrap();
        if matches!(said.event, DrillEvent::FaultInjected { .. }) {
            // It is told just before.
            std::thread::sleep(Duration::from_secs(5));
            return drill;
        }
        told.push(said);
    }
    let ended = drill.wait().unwrap();
    panic!("the fault does not begin, {ended}: {told:#?}");
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Returns the report in the last event.
fn report(events: &str) -> DrillReport {
    let last: DrillSaid = serde_json::from_str(events.lines().last().expect("events")).unwrap();
    match last.event {
        DrillEvent::DrillEnded { report: Some(report), .. } => report,
        other => panic!("the drill ended without a report: {other:?}"),
    }
}

fn is_healthy(lab: &Lab) -> bool {
    lab.run(&["status", BLUEPRINT, "--target", "lab"]).status.success()
}

/// A machine that boots may respond, and be silent again for a moment: healthy is what stays so.
fn heals(lab: &Lab) {
    let stays = || {
        (0..4).all(|_| {
            let healthy = is_healthy(lab);
            std::thread::sleep(Duration::from_secs(2));
            healthy
        })
    };
    assert!(within(Duration::from_secs(180), stays), "{}", text(&lab.run(&["status", BLUEPRINT, "--target", "lab"])));
}

/// Neither the clients' table nor their network nor a rule of the firewall is left.
fn is_tidy(lab: &Lab) {
    let schemas = "runuser -u postgres -- psql -XAqtd app -c \"SELECT count(*) FROM pg_namespace WHERE nspname = 'pgherd_drill'\"";
    assert_eq!(text(&lab.in_machine("master", schemas)).trim(), "0");
    let namespaces = Command::new("ip").args(["netns", "list"]).output().unwrap();
    assert!(!text(&namespaces).contains("pgherd-client"), "{}", text(&namespaces));
    let rules = Command::new("ip").args(["netns", "exec", "pgherd-lab", "nft", "list", "ruleset"]).output().unwrap();
    assert!(!text(&rules).contains("cut_"), "{}", text(&rules));
}
