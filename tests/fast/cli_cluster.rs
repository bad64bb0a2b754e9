//! `pgherd status`, `destroy` and `doctor`, end to end with fake tools.

use std::fs;

use crate::support::Test;
use crate::support::herd::{Herd, View, members};

const STATUS: &[&str] = &["status", "blueprints/herd.hcl"];
const DESTROY: &[&str] = &["destroy", "blueprints/herd.hcl", "--yes"];

/// A cluster that was run.
fn running(herd: &Herd) -> Test {
    running_as(&herd.blueprint())
}

fn running_as(blueprint: &str) -> Test {
    let test = Test::with_tools(blueprint);
    test.run(&["gen"]).exits(0);
    for module in ["network", "master", "slave", "haproxy"] {
        fs::write(test.state(&format!("made-terraform_{module}")), "").unwrap();
    }
    for role in ["master", "slave", "haproxy"] {
        fs::write(test.state(&format!("image-{role}")), "").unwrap();
    }
    test
}

#[test]
fn status_shows_each_machine() {
    let done = running(&Herd::healthy()).run(STATUS).exits(0);
    let done = done.out("machine role zone address postgres state timeline lag");
    let done = done.out("master master eu-west-1a 10.20.0.16 primary running 1 -");
    let done = done.out("slave1 slave eu-west-1b 10.20.64.16 sync standby streaming 1 0 B");
    done.out("slave2 slave eu-west-1c 10.20.128.16 standby streaming 1 0 B")
        .out("haproxy haproxy eu-west-1c")
        .out("healthy");
}

#[test]
fn the_primary_may_be_any_machine() {
    let cluster = members(&[("replica", "streaming", 3), ("leader", "running", 3), ("sync_standby", "streaming", 3)]);
    let test = running(&Herd::start(View { cluster, health: 200 }));
    test.run(STATUS).exits(0).out("slave1 slave eu-west-1b 10.20.64.16 primary running 3");
}

#[test]
fn an_unhealthy_cluster_is_1_with_the_reason() {
    let cluster = members(&[("leader", "running", 2), ("sync_standby", "streaming", 2), ("replica", "starting", 1)]);
    let test = running(&Herd::start(View { cluster, health: 200 }));
    test.run(STATUS)
        .exits(1)
        .out("slave2 slave eu-west-1c 10.20.128.16 standby starting")
        .err("slave2 does not stream: it is starting");
    let test = running(&Herd::start(View { cluster: members(&[("replica", "running", 1)]), health: 503 }));
    test.run(STATUS).exits(1).err("there is no primary").err("/health returned 503").err("slave1 is not a member");
}

#[test]
fn status_shows_each_member_of_etcd_and_where_each_fact_comes_from() {
    let done = running(&Herd::healthy()).run(STATUS).exits(0);
    let done = done.out("etcd on state term index revision keys' hash size alarms");
    let done = done.out("master follower 2 120 90 d97d7ded 49152 B none").out("slave1 leader 2 120 90 d97d7ded");
    done.out("source through answers age at most")
        .out("Patroni haproxy yes 20 s")
        .out("HAProxy's checks haproxy yes ")
        .out("etcd haproxy yes ");
    let done = running(&Herd::healthy()).run(&[STATUS, &["--format", "json"]].concat()).exits(0);
    let status: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&status["healthy"], &status["problems"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(status["machines"][0]["postgres"], "primary");
    assert_eq!(status["etcd"][1]["state"], "leader");
    assert_eq!(status["etcd"][1]["report"]["keys_hash"], 3648880109_u32);
    let sources = status["sources"].as_array().unwrap();
    assert!(sources.iter().all(|source| source["answers"] == true && source["age"].is_number()), "{sources:?}");
}

/// A disk is seen filling while the cluster is healthy, and a full one is not healthy, although Patroni calls its primary running.
#[test]
fn status_shows_each_disk_and_sees_it_coming_full() {
    const GIB: u64 = 1024 * 1024 * 1024;
    let herd = Herd::healthy();
    let test = running(&herd);
    let done = test.run(STATUS).exits(0).out("disk of free of pg_wal reserve WAL kept by slots");
    done.out("master 60 GiB 100 GiB 512 MiB 256 MiB slave1 0 B, slave2 0 B").out("disks haproxy yes ");

    herd.disk_says("master", |disk| {
        disk["free"] = (8 * GIB).into();
        disk["wal"] = (24 * GIB).into();
        disk["slots"][1]["active"] = false.into();
        disk["slots"][1]["retained"] = (23 * GIB).into();
    });
    test.run(STATUS)
        .exits(0)
        .out("master 8192 MiB 100 GiB 24 GiB 256 MiB slave1 0 B, slave2 (inactive) 23 GiB")
        .out("warning: master's disk has 8192 MiB of 100 GiB left: pg_wal has 24 GiB")
        .out("the slot slave2, which nobody reads, keeps 23 GiB of WAL")
        .out("RUNBOOK.md, section \"A disk fills up\"")
        .out("healthy");

    herd.disk_says("master", |disk| disk["reserve"] = 0.into());
    test.run(STATUS)
        .exits(1)
        .err("the cluster is not healthy: master's disk has 8192 MiB of 100 GiB left, and its reserve is used")
        .err("RUNBOOK.md, section \"A disk is full\"");
    let done = test.run(&[STATUS, &["--format", "json"]].concat()).exits(1);
    let status: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&status["healthy"], &status["problems"][0]["machine"]), (&false.into(), &"master".into()));
    assert_eq!(status["disks"][0]["report"]["slots"][1]["retained"], 23 * GIB);

    // Where PostgreSQL does not list its slots, the disk is judged all the same.
    herd.disk_says("master", |disk| (disk["free"], disk["slots"]) = (GIB.into(), serde_json::Value::Null));
    test.run(STATUS).exits(1).out("master 1024 MiB 100 GiB 24 GiB none unknown").err("master's disk has 1024 MiB");
}

/// HAProxy's image, or a database's, may be older than the blueprint.
#[test]
fn a_disk_that_is_not_reported_leaves_the_cluster_healthy() {
    let herd = Herd::healthy();
    herd.disks.lock().unwrap().get_mut("/disk/slave1").unwrap().0 = 503;
    let test = running(&herd);
    let done = test.run(STATUS).exits(0).out("slave1 unknown - - - -");
    done.out("warning: pgherd cannot tell how full slave1's disk is: its report does not accept connections");
    herd.disks.lock().unwrap().clear();
    test.run(STATUS).exits(0).out("disks haproxy no -").out("master's disk is: its report is not known to HAProxy");
}

/// Each of these was healthy as long as only Patroni was asked.
#[test]
fn what_is_wrong_with_etcd_is_not_healthy() {
    let seen = |fault: &dyn Fn(&Herd)| {
        let herd = Herd::healthy();
        fault(&herd);
        running(&herd).run(STATUS).exits(1)
    };
    let lonely = seen(&|herd| {
        herd.etcd_says("slave2", "status", |status| {
            status.as_object_mut().unwrap().remove("leader");
            status["errors"] = serde_json::json!(["etcdserver: no leader"]);
        });
    });
    lonely.err("etcd on slave2 has no leader, although other members have one").out("slave2 no leader 2 120");
    seen(&|herd| herd.etcd_is_silent("slave2", 503))
        .err("etcd on slave2 does not accept connections")
        .out("slave2 no response - -");
    seen(&|herd| herd.etcd_is_silent("slave2", 504)).err("etcd on slave2 accepts connections and does not respond");
    let stale = seen(&|herd| {
        for machine in ["master", "slave1", "slave2"] {
            herd.etcd_says(machine, "members", |list| {
                list["members"].as_array_mut().unwrap().push(serde_json::json!({"ID": "171", "name": "slave3",
                    "peerURLs": ["http://10.20.0.17:2380"], "clientURLs": ["http://10.20.0.17:2379"]}));
            });
        }
    });
    stale.err("etcd still lists slave3 (ab) as a member").err("`etcdctl member remove ab`");
    let differ = seen(&|herd| herd.etcd_says("slave2", "hash", |hash| hash["hash"] = 2331556543_u32.into()));
    differ
        .err("etcd's members hold different keys: master and slave1 differ from slave2")
        .err("RUNBOOK.md, section \"etcd's members differ\"")
        .out("slave2 follower 2 120 90 8af8babf");
    let alarm = serde_json::json!(["memberID:1 alarm:NOSPACE "]);
    seen(&|herd| herd.etcd_says("slave1", "status", |status| status["errors"] = alarm.clone()))
        .err("etcd on master reports NOSPACE: its database is full")
        .out("slave1 leader 2 120 90 d97d7ded 49152 B NOSPACE");
    // HAProxy's image is of an older version.
    let old = seen(&|herd| herd.etcd.lock().unwrap().clear());
    // The sections that are pointed to are there.
    let test = Test::with_tools("cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n");
    test.run(&["gen"]).exits(0);
    let runbook = test.read("generated/herd/RUNBOOK.md");
    for section in ["etcd has no majority", "etcd's members differ", "etcd's database is full"] {
        assert!(runbook.contains(&format!("\n## {section}\n")), "{section}");
    }
    old.err("HAProxy's configuration gives no access to etcd")
        .err("`pgherd run` gives HAProxy its new")
        .out("etcd haproxy no -");
}

/// Patroni goes on showing what it read before.
#[test]
fn a_lost_majority_of_etcd_is_named_and_patronis_view_is_not_believed() {
    let herd = Herd::healthy();
    herd.etcd_is_silent("slave1", 503);
    herd.etcd_is_silent("slave2", 503);
    herd.etcd_says("master", "status", |status| {
        status.as_object_mut().unwrap().remove("leader");
    });
    let done = running(&herd).run(STATUS).exits(1);
    let done = done.err("etcd has no majority: 1 of 3 members report, and the member that reports has no leader");
    let done = done.err("RUNBOOK.md, section \"etcd has no majority\"");
    let done = done.out("master master eu-west-1a 10.20.0.16 was primary unknown - -");
    done.out("Patroni's view is what it read before etcd lost its majority. HAProxy's own checks still find a primary");
    // A run does not take it for done either.
    let test = Test::with_tools(&herd.blueprint());
    test.run(&["gen"]).exits(0);
    test.run(&["run", "blueprints/herd.hcl", "--yes", "--wait", "0"]).exits(1).err("etcd has no majority");
}

/// Patroni still reports it as streaming, but HAProxy's own checks have failed.
#[test]
fn a_machine_that_is_dead_is_named_with_since_when_and_what_to_do() {
    let herd = Herd::healthy();
    herd.silence("slave2", 42);
    let done = running(&herd).run(STATUS).exits(1);
    let done = done
        .out("slave2 slave eu-west-1c 10.20.128.16 was standby no response - -")
        .out("slave1 slave eu-west-1b 10.20.64.16 sync standby streaming");
    let done = done
        .err("slave2 has not responded since ")
        .err(" UTC (42 s): nothing replies at its address. It is switched off, has hung, or is disconnected");
    let done = done
        .err("Name=tag:pgherd:machine,Values=slave2 --query")
        .err("generated/herd/RUNBOOK.md describes how to replace it");
    assert!(!done.stderr.contains("slave1"), "{}", done.stderr);
    // The names are those in HAProxy's configuration.
    let test = running(&herd);
    let config = test.read("generated/herd/load_balancer/haproxy.cfg");
    let checks = config.split("\nbackend patroni\n").nth(1).expect("the backend that is looked at");
    for machine in ["master", "slave1", "slave2"] {
        assert!(checks.contains(&format!("server {machine} 10.20.")), "{checks}");
    }

    // A run that waits in vain reports it, too.
    let cluster = members(&[("leader", "running", 1), ("sync_standby", "streaming", 1)]);
    let herd = Herd::start(View { cluster, health: 200 });
    herd.silence("slave2", 300);
    let test = Test::with_tools(&herd.blueprint());
    test.run(&["gen"]).exits(0);
    let done = test.run(&["run", "blueprints/herd.hcl", "--yes", "--wait", "0"]).exits(1);
    let done = done.err("the cluster is not healthy after 0 s: slave2 has not responded since ").err("UTC (5 min)");
    let failed = done.stderr.lines().find(|line| line.contains("is not healthy after 0 s")).unwrap();
    assert!(!failed.contains("slave2 is not a member"), "once is enough: {failed}");
}

#[test]
fn a_haproxy_that_cannot_be_reached_is_1_with_what_to_do() {
    let mut herd = Herd::healthy();
    // Nothing listens on these.
    herd.ports = [1025, 1026, 1027];
    let test = running(&herd);
    test.run(STATUS)
        .exits(1)
        .err("haproxy does not respond at 127.0.0.1:1025")
        .err("PostgreSQL does not respond at haproxy's write port 1026")
        .out("master unknown - -")
        .out("Patroni haproxy no -")
        .out("etcd haproxy not asked -")
        .err("network.admins")
        .out("10.20.0.16 - unknown")
        .out("10.20.128.32 - unreachable");
}

#[test]
fn another_cluster_at_the_planned_address_is_not_this_one() {
    let herd = Herd::healthy();
    let other = herd.view.lock().unwrap().cluster.replace(r#""scope": "herd""#, r#""scope": "other""#);
    let test = running(&Herd::start(View { cluster: other, health: 200 }));
    let done = test.run(STATUS).exits(1).err(" belongs to the cluster other, not to herd").err("network.cidr");
    done.out("10.20.0.16 - unknown").out("10.20.128.32 - unknown");
    // The run does not wait for it to change.
    let done = test.run(&["run", "blueprints/herd.hcl", "--yes", "--wait", "300"]).exits(1);
    done.err(" belongs to the cluster other, not to herd");
}

#[test]
fn destroy_names_what_dies_and_takes_it_down_in_reverse() {
    let test = running(&Herd::healthy());
    let done = test.run(DESTROY).exits(0).err("network: 0 to add, 0 to change, 1 to destroy");
    done.err("- aws_thing.terraform_master").out("herd was destroyed.");
    let applied: Vec<String> = test.calls_of(" apply ");
    assert_eq!(applied.len(), 4, "{applied:#?}");
    assert!(test.position("terraform_haproxy apply") < test.position("terraform_master apply"));
    assert!(test.position("terraform_slave apply") < test.position("terraform_master apply"));
    assert!(applied[3].contains("terraform_network"));
    let last_plan = test.calls().iter().rposition(|call| call.contains(" plan ")).unwrap();
    assert!(last_plan < test.position(" apply "), "all is known before anything is destroyed");
    assert!(test.state("image-master").exists(), "images stay unless asked for");
    test.run(DESTROY).exits(0).out("There is nothing to destroy.");
}

#[test]
fn destroy_removes_images_and_their_snapshots_if_asked() {
    let test = running(&Herd::healthy());
    test.run(&["destroy", "blueprints/herd.hcl", "--yes", "--images"]).exits(0).out("ami-0slave");
    for role in ["master", "slave", "haproxy"] {
        assert!(!test.state(&format!("image-{role}")).exists());
        assert_eq!(test.calls_of(&format!("delete-snapshot --snapshot-id snap-0{role}")).len(), 1);
    }
    assert!(test.position("terraform_network apply") < test.position("deregister-image"));
}

#[test]
fn destroy_stops_where_something_resists() {
    let test = running(&Herd::healthy());
    test.hook("terraform", r#"case "$*" in *terraform_slave*apply*) echo "Error: in use"; exit 1 ;; esac"#);
    test.run(DESTROY).exits(1).err("Error: in use").err("master skipped slaves did not succeed");
    assert!(test.state("made-terraform_network").exists());
}

#[test]
fn destroy_asks_and_nobody_there_is_2() {
    let test = running(&Herd::healthy());
    test.run(&["destroy", "blueprints/herd.hcl"]).exits(2).err("--yes");
    assert_eq!(test.calls_of(" plan "), Vec::<String>::new());
}

#[test]
fn destroy_works_on_files_that_are_stale() {
    let test = running(&Herd::healthy());
    let path = test.path("blueprints/herd.hcl");
    let fewer =
        fs::read_to_string(&path).unwrap().replace("  haproxy {", "  slaves {\n    count = 3\n  }\n  haproxy {");
    fs::write(&path, fewer).unwrap();
    test.run(DESTROY).exits(0).out("herd was destroyed.");
}

#[test]
fn doctor_says_what_is_there_and_how_to_get_the_rest() {
    let test = running(&Herd::healthy());
    let done = test.run(&["doctor"]).exits(0).out("ok packer 1.6.6").out("ok terraform 1.11.4").out("ok aws 2.15.1");
    done.out("account 123456789012");
    test.remove_program("packer");
    test.hook("aws", r#"[ "$1" = sts ] && { echo "The security token is expired." >&2; exit 254; }"#);
    let done = test.run(&["doctor"]).exits(4).out("MISSING packer - - not found in PATH: get 1.8.1 or newer");
    done.out("The security token is expired: run aws configure or").err("missing: packer, AWS credentials");
}

#[test]
fn colours_are_for_terminals_and_not_against_no_color() {
    let test = running(&Herd::healthy());
    assert!(!test.run(STATUS).exits(0).stdout.contains('\x1b'));
    assert!(test.at_terminal(STATUS, "").exits(0).stdout.contains("\x1b[32mhealthy"));
    let test = test.env("NO_COLOR", "1");
    assert!(!test.at_terminal(STATUS, "").exits(0).stdout.contains('\x1b'));
}

#[test]
fn a_dead_primary_that_patroni_still_shows_is_called_old_news() {
    let herd = Herd::healthy();
    herd.view.lock().unwrap().health = 503;
    let test = running(&herd);
    test.run(STATUS)
        .exits(1)
        .out("master eu-west-1a 10.20.0.16 primary running")
        .out("what Patroni last knew, up to 20 s ago");
}

/// A cluster with two HAProxies that was run.
fn of_two(herd: &Herd) -> Test {
    running_as(&herd.blueprint_of_two())
}

#[test]
fn each_of_two_haproxies_is_asked() {
    let herd = Herd::healthy();
    let _second = herd.second();
    let test = of_two(&herd);
    let done = test.run(STATUS).exits(0).out("healthy");
    done.out("haproxy2 haproxy eu-west-1b 10.20.64.32 - running").out("Patroni haproxy2 yes 20 s");
    let done = test.run(&[STATUS, &["--format", "json"]].concat()).exits(0);
    let status: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let haproxy = |name: &str, address: &str| serde_json::json!({"machine": name, "address": address, "state": "running", "serves": true});
    assert_eq!(
        status["haproxies"],
        serde_json::json!([haproxy("haproxy", "127.0.0.1"), haproxy("haproxy2", "127.0.0.2")])
    );
    assert_eq!(status["haproxy"], "127.0.0.1");
    let sources = status["sources"].as_array().unwrap();
    assert_eq!(sources.iter().filter(|source| source["haproxy"] == "haproxy2").count(), 6, "{sources:?}");
    // A run waits for both, and prints both.
    let [_, write, read] = herd.ports;
    let done = test
        .run(&["run", "blueprints/herd.hcl", "--yes"])
        .exits(0)
        .err("both ports respond at 127.0.0.1 and 127.0.0.2");
    let done = done.out(&format!("write  127.0.0.2:{write}")).out(&format!("read   127.0.0.1:{read}"));
    // One connection string has both, and waits for each as a cluster's README says.
    let hosts = format!("host=127.0.0.1,127.0.0.2 port={write} ");
    let printed = done.stdout.lines().find(|line| line.contains(&hosts)).unwrap_or_else(|| panic!("{}", done.stdout));
    let times = printed.split_once("channel_binding=require ").unwrap().1;
    let readme = fs::read_to_string("generated/herd/README.md").unwrap();
    assert!(times.contains("tcp_user_timeout=") && readme.contains(times), "{printed}");
}

#[test]
fn a_run_prints_the_name_of_the_network_load_balancer() {
    let herd = Herd::healthy();
    let _second = herd.second();
    let blueprint = herd.blueprint_of_two().replace("elastic_ip = true", "elastic_ip = true\n    nlb = \"internal\"");
    let test = running_as(&blueprint);
    const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];
    test.run(RUN).exits(0).out("load_balancer/terraform_haproxy output -raw nlb_dns_name");
    test.hook(
        "terraform",
        r#"case "$*" in *" output "*) echo '{"public_addresses": {"value": {"haproxy": "127.0.0.1", "haproxy2": "127.0.0.2"}},
            "nlb_dns_name": {"value": "herd-0a1b.elb.eu-west-1.amazonaws.com"}}'; exit ;; esac"#,
    );
    test.run(RUN).exits(0).out("at the network load balancer herd-0a1b.elb.eu-west-1.amazonaws.com");
}

/// Clients go on, and everything else is known; but it is not healthy.
#[test]
fn one_of_two_haproxies_that_is_down_is_named() {
    let herd = Herd::healthy();
    let test = of_two(&herd);
    let done = test.run(STATUS).exits(1);
    let done =
        done.err(&format!("the cluster is not healthy: haproxy2 does not respond at 127.0.0.2:{}", herd.ports[0]));
    let done =
        done.err("clients go on through haproxy (127.0.0.1), if they connect by ").err("Values=haproxy2 --query");
    assert!(!done.stderr.contains("Values=haproxy --query"), "{}", done.stderr);
    done.out("master master eu-west-1a 10.20.0.16 primary running 1 -")
        .out("haproxy haproxy eu-west-1c 10.20.128.32 - running")
        .out("haproxy2 haproxy eu-west-1b 10.20.64.32 - unreachable")
        .out("Patroni haproxy yes 20 s")
        .out("Patroni haproxy2 no -");
    // What the databases run with is known. That a HAProxy is down is said.
    let done = test.run(&["run", "blueprints/herd.hcl", "--yes", "--wait", "0"]).exits(1);
    done.err("the cluster is not healthy after 0 s: haproxy2 does not respond at 127.0.0.2");
}

#[test]
fn the_first_of_two_haproxies_that_is_down_hides_nothing() {
    let herd = Herd::healthy();
    let test = of_two(&herd);
    let second = herd.second();
    second.silence("slave2", 42);
    // Another server is at the first one's address.
    {
        let mut view = herd.view.lock().unwrap();
        view.cluster = view.cluster.replace("\"herd\"", "\"other\"");
    }
    let done =
        test.run(STATUS).exits(1).err("haproxy's address 127.0.0.1:").err("belongs to the cluster other, not to herd");
    let done = done.err("slave2 has not responded since ").err("network.cidr");
    done.out("slave1 slave eu-west-1b 10.20.64.16 sync standby streaming")
        .out("haproxy haproxy eu-west-1c 10.20.128.32 - unknown");
}

#[test]
fn what_two_haproxies_show_differently_is_a_problem() {
    let herd = Herd::healthy();
    let second = herd.second();
    let test = of_two(&herd);
    herd.silence("slave2", 9);
    *second.metrics.lock().unwrap() = Some(String::new());
    let done =
        test.run(STATUS).exits(1).err("haproxy does not reach slave2, but another HAProxy does: nothing replies to it");
    done.out("slave2 slave eu-west-1c 10.20.128.16 standby streaming");
    *herd.metrics.lock().unwrap() = None;
    second.view.lock().unwrap().cluster =
        members(&[("replica", "streaming", 2), ("leader", "running", 2), ("sync_standby", "streaming", 2)]);
    test.run(STATUS).exits(1).err(
        "the HAProxies lead to different views: through haproxy, Patroni reports master as the primary; through haproxy2, Patroni reports slave1",
    );
}
