//! A cluster that cannot be reached from here: pgherd runs in its own network namespace, which needs root.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Done, Test};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];
const MINIMAL: &str = "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n";

/// Runs pgherd without any network.
fn alone(test: &Test, args: &[&str]) -> Done {
    let command = test.command(args);
    let mut alone = Command::new("/usr/bin/unshare");
    alone.arg("-n").arg(command.get_program()).args(command.get_args()).current_dir(test.path("")).env_clear();
    alone.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    alone.output().unwrap().into()
}

#[test]
fn a_cluster_that_cannot_be_seen_from_here_is_made_and_not_verified() {
    let test = Test::with_tools(MINIMAL);
    test.run(&["gen"]).exits(0);
    let begin = Instant::now();
    let done = alone(&test, &[RUN, &["--format", "json"]].concat()).exits(5);
    assert!(begin.elapsed() < Duration::from_secs(120), "waited for what cannot come: {:?}", begin.elapsed());
    let events: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let at = |so: &dyn Fn(&Value) -> bool| events.iter().position(so).unwrap_or_else(|| panic!("{}", done.stdout));
    let said = at(&|event| {
        event["text"].as_str().is_some_and(|text| text.contains("cannot check whether the cluster is healthy"))
    });
    let made = at(&|event| event["phase"] == "work");
    assert!(said < made, "it is said before anything is made: {}", done.stdout);
    let verify = events.iter().rfind(|event| event["event"] == "stage-ended" && event["stage"] == "verify").unwrap();
    assert_eq!(verify["outcome"]["kind"], "unseen", "{verify}");
    assert!(
        verify["outcome"]["detail"]["what"]
            .as_str()
            .unwrap()
            .contains("created, but not verified: this machine has no route"),
        "{verify}"
    );
    assert_eq!(events.last().unwrap()["exit_code"], 5);
    assert_eq!(test.calls_of(" apply ").len(), 4, "everything is made");
    alone(&test, &["status", "blueprints/herd.hcl"]).exits(5).err("the cluster cannot be reached from here");
}

/// HAProxy has an Elastic IP, which only Terraform's state knows.
const ELASTIC: &str =
    "cluster \"herd\" {\n  region = \"eu-west-1\"\n  haproxy {\n    count = 1\n    elastic_ip = true\n  }\n}\n";
const NO_OUTPUT: &str = r#"case "$*" in *" output "*) echo "{}"; exit ;; esac"#;

#[test]
fn status_without_the_state_says_so_and_tries_the_planned_address() {
    let test = Test::with_tools(ELASTIC);
    test.run(&["gen"]).exits(0);
    test.hook("terraform", NO_OUTPUT);
    let done = alone(&test, &["status", "blueprints/herd.hcl"]).exits(5);
    let done = done
        .err("this folder has no Terraform state of the cluster")
        .err("load_balancer/terraform_haproxy/terraform.tfstate does not exist")
        .err("trying HAProxy's planned private address 10.20.128.32")
        .err("the cluster cannot be reached from here");
    done.out("haproxy haproxy eu-west-1c 10.20.128.32 - unreachable");
    assert_eq!(test.calls_of(" init "), [""; 0], "a state in a file needs none");
}

#[test]
fn status_initialises_a_shared_state_and_asks_it() {
    let s3 = "region = \"eu-west-1\"\n  state {\n    s3 {\n      bucket = \"states\"\n    }\n  }\n";
    let test = Test::with_tools(&ELASTIC.replacen("region = \"eu-west-1\"\n", s3, 1));
    test.run(&["gen"]).exits(0);
    // Nobody listens on this machine's own ports.
    let done = alone(&test, &["status", "blueprints/herd.hcl"]);
    done.err("haproxy does not respond at 127.0.0.1:");
    let init = test.calls_of("terraform_haproxy init");
    assert_eq!(init.len(), 1, "{:#?}", test.calls());
    assert!(test.position("terraform_haproxy init") < test.position("terraform_haproxy output"));
    assert_eq!(test.calls_of(" init ").len(), 1, "no other module's: {:#?}", test.calls());

    let test = Test::with_tools(&ELASTIC.replacen("region = \"eu-west-1\"\n", s3, 1));
    test.run(&["gen"]).exits(0);
    test.hook(
        "terraform",
        r#"case "$*" in *" init "*) echo "Error: No valid credential sources found"; exit 1 ;; esac"#,
    );
    let done = alone(&test, &["status", "blueprints/herd.hcl"]).exits(5);
    done.err("init of load_balancer/terraform_haproxy failed")
        .err("Error: No valid credential sources found")
        .err("trying HAProxy's planned private address 10.20.128.32")
        .err("the cluster cannot be reached from here");
}
