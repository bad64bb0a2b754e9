//! `pgherd drill --target aws` against the lab's API, which plays EC2: what is stopped there without its system's shutdown loses power.
//! The caller has the rights that `pgherd policy --for drill` prints, and no others.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use pgherd::drill::TrialReport;
use pgherd::drill::events::{DrillEvent, DrillSaid};
use serde_json::Value;
use tempfile::TempDir;

use crate::lab::{Lab, pgherd, text, within};

/// moto, from this host.
const API: &str = "http://198.18.77.2";
/// Has the rights of a drill.
pub const USER: &str = "driller";

/// A cluster of the lab, as one that runs on AWS.
pub struct OnAws<'a> {
    lab: &'a Lab,
    dir: TempDir,
    key: (String, String),
}

impl<'a> OnAws<'a> {
    /// Makes a user with the rights of a drill. The blueprint's HAProxy is reached at its private address: the lab routes no Elastic IP.
    pub fn of(lab: &'a Lab, blueprint: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let shown = std::fs::read_to_string(blueprint).unwrap().replace("elastic_ip = true", "elastic_ip = false");
        let path = dir.path().join("herd.hcl");
        std::fs::write(&path, shown).unwrap();
        lab.aws(&["iam", "create-user", "--user-name", USER]);
        let policies = lab.ok(&["policy", path.to_str().unwrap(), "--for", "drill"]);
        let policies: Value = serde_json::from_str(&policies).unwrap();
        for (name, document) in policies.as_object().unwrap() {
            let put = ["iam", "put-user-policy", "--user-name", USER, "--policy-name", name, "--policy-document"];
            lab.aws(&[&put[..], &[&document.to_string()]].concat());
        }
        let query = ["--query", "AccessKey.[AccessKeyId,SecretAccessKey]"];
        let key = lab.aws(&[&["iam", "create-access-key", "--user-name", USER][..], &query].concat());
        let (id, secret) = key.split_once(char::is_whitespace).expect("a key");
        OnAws { lab, dir, key: (id.into(), secret.trim().into()) }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = pgherd();
        command.arg(words[0]).arg(self.dir.path().join("herd.hcl")).args(&words[1..]);
        command.arg("--out").arg(self.dir.path()).env("AWS_ENDPOINT_URL", API);
        command.env("AWS_ACCESS_KEY_ID", &self.key.0).env("AWS_SECRET_ACCESS_KEY", &self.key.1);
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Kills a drill as soon as it has cut a machine's power. Then the machine stays down until somebody undoes it.
    pub fn is_undone_after_a_kill(&self) {
        let mut drill = self.command(&["drill", "sync-standby", "--hold", "600", "--yes", "--format", "json"]);
        let mut drill = drill.stdout(Stdio::piped()).spawn().unwrap();
        let victims = await_fault(&mut drill);
        let off = |name: &str| {
            let listed = self.lab.ok(&["lab", "ps"]);
            listed.lines().any(|line| line.contains(name) && !line.contains("running"))
        };
        assert!(within(Duration::from_secs(120), || off(&victims[0])), "{}", self.lab.ok(&["lab", "ps"]));
        drill.kill().unwrap();
        drill.wait().unwrap();
        let status = self.run(&["status"]);
        assert!(text(&status).contains(&format!("A drill was killed while {}", victims[0])), "{}", text(&status));
        let undone = self.run(&["drill", "--undo"]);
        assert!(undone.status.success() && text(&undone).contains("What it stopped runs again."), "{}", text(&undone));
        assert!(!text(&self.run(&["status"])).contains("A drill was killed"));
    }

    /// Makes one trial of a fault.
    pub fn tries(&self, fault: &str, hold: &[&str]) -> TrialReport {
        let done = self.run(&[&["drill", fault, "--yes", "--format", "json"], hold].concat());
        let events = String::from_utf8(done.stdout.clone()).unwrap();
        let last: DrillSaid = serde_json::from_str(events.lines().last().expect("events")).unwrap();
        match last.event {
            DrillEvent::DrillEnded { report: Some(mut report), .. } => report.faults.remove(0).trials.remove(0),
            other => panic!("{other:?}: {}", text(&done)),
        }
    }

    /// Everything that the drills asked for was allowed.
    pub fn had_the_rights(&self) {
        let calls: Vec<_> = self.lab.calls().into_iter().filter(|(caller, ..)| caller.ends_with(USER)).collect();
        assert!(calls.iter().any(|(_, action, _)| action == "ec2:StopInstances"), "{calls:?}");
        assert!(calls.iter().all(|(.., refused)| !refused), "{calls:?}");
    }
}

fn await_fault(drill: &mut Child) -> Vec<String> {
    for line in BufReader::new(drill.stdout.take().unwrap()).lines() {
        let said: DrillSaid = serde_json::from_str(&line.unwrap()).unwrap();
        if let DrillEvent::FaultInjected { machines, .. } = said.event {
            return machines;
        }
    }
    panic!("the fault does not begin: {}", drill.wait().unwrap());
}
