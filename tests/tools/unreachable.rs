//! A cluster that cannot be seen from here: pgherd runs in a network namespace of its own, which takes root.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Done, Test};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];
const MINIMAL: &str = "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n";

/// pgherd where there is no network at all.
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
        event["text"].as_str().is_some_and(|text| text.contains("will not see whether the cluster is healthy"))
    });
    let made = at(&|event| event["phase"] == "work");
    assert!(said < made, "it is said before anything is made: {}", done.stdout);
    let verify = events.iter().rfind(|event| event["event"] == "stage-ended" && event["stage"] == "verify").unwrap();
    assert_eq!(verify["outcome"]["kind"], "unseen", "{verify}");
    assert!(
        verify["outcome"]["detail"]["what"].as_str().unwrap().contains("made, not verified: this machine has no route"),
        "{verify}"
    );
    assert_eq!(events.last().unwrap()["exit_code"], 5);
    assert_eq!(test.calls_of(" apply ").len(), 4, "everything is made");
    alone(&test, &["status", "blueprints/herd.hcl"]).exits(5).err("the cluster cannot be seen from here");
}
