//! `pgherd check` and `pgherd explain`, end to end.

use crate::support::Test;
use serde_json::{Value, json};

const TWO_ZONES: &str = "cluster \"herd\" {
  region = \"eu-west-1\"
  network {
    zones = [\"a\", \"b\"]
  }
}
";
const ACCEPTED: &str = "cluster \"herd\" {
  region = \"eu-west-1\"
  network {
    zones = [\"a\"]
  }
  accept \"PGH001\" {
    reason = \"a test cluster\"
  }
}
";

fn test(blueprint: &str) -> Test {
    let test = Test::new();
    test.write("blueprints/herd.hcl", blueprint);
    test
}

#[test]
fn the_shipped_blueprints_break_no_rule() {
    let test = Test::new();
    for name in ["herd", "minimal"] {
        let text = std::fs::read_to_string(format!("{}/blueprints/{name}.hcl", env!("CARGO_MANIFEST_DIR"))).unwrap();
        test.write(&format!("blueprints/{name}.hcl"), &text);
    }
    let done = test.run(&["check"]).exits(0).out("herd (blueprints/herd.hcl)").out("minimal (blueprints/minimal.hcl)");
    let done = done
        .out("postgres dies on the primary 5.2 s 4.7 s nothing loop_wait 1 + members 2 + promotion 2 + haproxy_up 0.2");
    assert_eq!(done.stdout.matches("No rule is violated.").count(), 2, "{}", done.stdout);
}

#[test]
fn an_error_has_its_code_and_place_and_refuses_gen() {
    let test = test(TWO_ZONES);
    let place = "blueprints/herd.hcl:4:13: error[PGH001]: eu-west-1a holds 2 of etcd's 3 members";
    test.run(&["check"])
        .exits(2)
        .out(place)
        .out("help: set three zones, or accept the rule: accept \"PGH001\"")
        .err("1 rule is violated");
    test.run(&["gen"]).exits(2).err(place).err("warning[PGH002]").err("1 rule is violated; nothing was written");
    test.run(&["gen", "--check"]).exits(2).err(place);
    assert!(!test.path("generated").exists());
}

#[test]
fn what_is_accepted_is_named_with_its_reason_and_generated() {
    let test = test(ACCEPTED);
    test.run(&["check"])
        .exits(0)
        .out("PGH001 accepted, because \"a test cluster\": eu-west-1a holds 3 of etcd's 3 members");
    let done = test.run(&["gen"]).exits(0);
    assert_eq!(done.stderr, "");
}

#[test]
fn json_holds_everything_with_places() {
    let test = test(TWO_ZONES);
    let done = test.run(&["check", "--format", "json"]).exits(2);
    let all: Value = serde_json::from_str(&done.stdout).unwrap();
    let herd = &all["clusters"][0];
    assert_eq!(herd["cluster"], "herd");
    let finding = &herd["findings"][0];
    assert_eq!((&finding["code"], &finding["severity"]), (&"PGH001".into(), &"error".into()));
    assert_eq!((&finding["line"], &finding["column"]), (&4.into(), &13.into()));
    let fault = &herd["faults"][0];
    assert_eq!(
        (&fault["fault"], &fault["outage_ms"], &fault["loss_ms"]),
        (&"postgres".into(), &5_200.into(), &0.into())
    );
    assert_eq!(fault["outage"][0]["name"], "loop_wait");
    assert_eq!(herd["quorum"]["zones"][0]["writes"], "stop_without_quorum");
    assert!(herd["capacity"][0]["limit"].is_u64());
    assert!(herd["decisions"].as_array().unwrap().iter().any(|d| d["name"] == "failover.ttl" && d["value"] == "20 s"));
    assert_eq!(
        herd["access"][3]["closed"].as_str().unwrap().split(';').next(),
        Some("network.admins and key_name are not set")
    );
}

/// Down to the file and line where the blueprint sets it.
#[test]
fn json_and_text_tell_where_each_decision_comes_from() {
    let test = test(&TWO_ZONES.replace(
        "  network",
        "  postgres {\n    settings = merge({ work_mem = \"8MB\" }, { jit = false })\n  }\n  tags = { team = \"dba\" }\n  network",
    ));
    let done = test.run(&["check", "--format", "json"]).exits(2);
    let all: Value = serde_json::from_str(&done.stdout).unwrap();
    let decisions = all["clusters"][0]["decisions"].as_array().unwrap();
    let from = |name: &str| &decisions.iter().find(|d| d["name"] == name).unwrap_or_else(|| panic!("{name}"))["from"];
    let attribute =
        |attribute: &str, line: Value| json!({ "attribute": attribute, "file": "blueprints/herd.hcl", "line": line });
    assert_eq!(from("region"), &json!([attribute("region", json!(2))]));
    assert_eq!(from("tags.team"), &json!([attribute("tags.team", json!(6))]));
    assert_eq!(from("postgres.jit"), &json!([attribute("postgres.settings.jit", json!(4))]));
    assert_eq!(from("failover.ttl"), &json!([attribute("failover.ttl", Value::Null)]));
    assert_eq!(from("postgres.min_wal_size"), &json!([{ "decision": "postgres.max_wal_size" }]));
    for decision in decisions {
        for from in decision["from"].as_array().unwrap() {
            let known = |name: &Value| decisions.iter().any(|d| d["name"] == *name);
            assert!(from["attribute"].is_string() || known(&from["decision"]), "{decision}");
        }
    }
    let done = test.run(&["check", "--decisions"]).exits(2);
    done.out("from postgres.settings.jit (blueprints/herd.hcl:4)").out("from failover.ttl (default)");
}

#[test]
fn a_budget_changes_what_is_generated() {
    let failover = "failover {\n    rto = \"29s\"\n  }\n  haproxy {\n    count = 1\n  }\n}";
    let test = test(&TWO_ZONES.replace("zones = [\"a\", \"b\"]", "").replace("  }\n}", &format!("  }}\n  {failover}")));
    test.run(&["check"])
        .exits(0)
        .out("loop_wait 1")
        .out("warning[PGH006]")
        .out("budget: rto 29 s; the worst fault that it covers: nothing that is sent to the primary arrives, 28.7 s");
    test.run(&["explain", "loop_wait"])
        .exits(0)
        .out("failover.loop_wait = 1 s")
        .out("blueprints/herd.hcl:7: rto = \"29s\"");
}

#[test]
fn explain_tells_rules_and_values() {
    let test = test(TWO_ZONES);
    test.run(&["explain", "pgh001"])
        .exits(0)
        .out("PGH001 (error, unless the blueprint accepts it): losing one zone loses etcd's quorum");
    test.run(&["explain", "PGH999"])
        .exits(2)
        .err("no rule has the code PGH999; `pgherd explain PGH` lists all rules")
        .err("PGH159: the setting cannot be set here");
    test.run(&["explain", "pgh"]).exits(0).out("PGH001  error    losing one zone").out("PGH402");
    test.run(&["explain", "address.master"])
        .exits(0)
        .out("address.master = 10.20.0.16")
        .out("network.eu-west-1a.databases =");
    test.run(&["explain", "10.20.128.16"]).exits(0).out("address.slave1 = 10.20.128.16");
    test.run(&["explain", "7000"]).exits(0).out("haproxy.stats.port = 7000");
    let line = test.run(&["explain", "haproxy.cfg"]).exits(0).out("haproxy.write.server.maxconn");
    let number = line.stdout.lines().find(|line| line.contains("on-marked-down")).unwrap().split(':').next().unwrap();
    let place = format!("generated/herd/load_balancer/haproxy.cfg:{number}");
    test.run(&["explain", &place]).exits(0).out("haproxy.rise = 1 checks").out("haproxy.kept = 10 connections");
    test.run(&["explain", "haproxy.cfg:1"])
        .exits(0)
        .out("This line does not depend on the blueprint, apart from the cluster's name.");
    test.run(&["explain", "generated/herd/load_balancer/haproxy.cfg:1"]).exits(0);
    test.run(&["explain", "generated/other/load_balancer/haproxy.cfg:1"])
        .exits(2)
        .err("that file belongs to cluster \"other\", but blueprints/herd.hcl describes cluster \"herd\"");
    test.run(&["explain", "generated/herd/pgherd.json:1"]).exits(0).out("This is the manifest.");
    test.run(&["explain", "haproxy.cfg:0"]).exits(2).err("haproxy.cfg has");
    test.run(&["explain", "nonsense"])
        .exits(2)
        .err("\"nonsense\" is neither a value of this cluster nor one of its generated files");
    test.write("blueprints/other.hcl", TWO_ZONES);
    test.run(&["explain", "7000"]).exits(2).err(
        "there are several blueprints: blueprints/herd.hcl, blueprints/other.hcl\n  choose one, for instance `pgherd explain 7000 blueprints/herd.hcl`",
    );
    test.run(&["explain", "generated/herd/load_balancer/haproxy.cfg:1"]).exits(0);
    std::fs::remove_file(test.path("blueprints/herd.hcl")).unwrap();
    test.run(&["explain", "7000"]).exits(0).out("haproxy.stats.port = 7000");
    std::fs::remove_file(test.path("blueprints/other.hcl")).unwrap();
    test.run(&["explain", "7000"]).exits(2).err("there is no blueprint in");
    test.run(&["explain", "pgh001"]).exits(0);
}

/// A module's resources are the same for every cluster. Their values are in the locals that they refer to.
#[test]
fn explain_follows_the_locals_of_a_module_and_says_where_nothing_is_decided() {
    let test = test(TWO_ZONES);
    let file = "network/terraform_network/security_groups.tf";
    let whole = test.run(&["explain", file]).exits(0).out("for_each = local.doors").out("haproxy.write_port");
    let line = whole.stdout.lines().find(|line| line.contains("for_each = local.doors")).unwrap();
    let place = format!("{file}:{}", line.split(':').next().unwrap());
    test.run(&["explain", &place])
        .exits(0)
        .out("haproxy.write_port = 5000")
        .out("herd.hcl: haproxy.write_port is not set");
    test.run(&["explain", "terraform_network/versions.tf"]).exits(0).out(": ");
    test.run(&["explain", ".gitattributes"])
        .exits(0)
        .out("No line of this file depends on the blueprint, apart from the cluster's name.");
}

/// Only `check` reports the end of a major version, because what `gen` writes does not depend on the date.
#[test]
fn a_major_that_is_not_mended_any_more_is_an_error_of_check_until_it_is_accepted() {
    let test = Test::new();
    let blueprint = |more: &str| {
        format!("cluster \"herd\" {{\n  region = \"eu-west-1\"\n  postgres {{\n    version = 13\n  }}\n{more}}}\n")
    };
    test.write("blueprints/herd.hcl", &blueprint(""));
    test.run(&["check"]).exits(2).out("PGH385").out("had its last release on 2025-11-13");
    test.run(&["gen"]).exits(0);
    test.write("blueprints/herd.hcl", &blueprint("  accept \"PGH385\" {\n    reason = \"moves in March\"\n  }\n"));
    test.run(&["check"]).exits(0).out("moves in March");
    test.run(&["gen"]).exits(0);
}
