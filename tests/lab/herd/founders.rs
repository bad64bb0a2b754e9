//! Both founders get empty disks while the third database machine is off: they found nothing. The third comes back, and the runbook's
//! commands, as it prints them, make the cluster whole again.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::{BLUEPRINT, Herd, machines};
use crate::lab::{self, text, within};

/// What a founder with another disk than the founding one says.
const REFUSED: &str = "others founded the cluster at ";
/// How long founders with empty disks are left alone. They found a cluster within seconds of their boot.
const TEMPTED: Duration = Duration::from_secs(10);

impl Herd<'_> {
    pub(super) fn founds_nothing_when_both_founders_are_replaced(&self) {
        self.sql(5000, "INSERT INTO kept VALUES (-2)").unwrap();
        let names: Vec<String> = machines().into_iter().filter(|m| m.role != "haproxy").map(|m| m.name).collect();
        let [master, slave1, third] = &names[..] else { panic!("{names:?}") };
        let recorded = self.secret("herd/founded");
        for name in &names {
            self.lab.ok(&["lab", "kill", name]);
        }
        let begin = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| self.replace("terraform_master", "aws_instance.master"));
            scope.spawn(|| self.replace("terraform_slave", &format!("aws_instance.slave[\"{slave1}\"]")));
        });
        println!("both founders were replaced in {:.0} s", begin.elapsed().as_secs_f64());

        let journal = |name: &str| text(&self.lab.in_machine(name, "journalctl --unit etcd --no-pager"));
        for name in [master, slave1] {
            let refused = within(Duration::from_secs(60), || journal(name).contains(REFUSED));
            assert!(refused, "{name} does not say why it waits:\n{}", journal(name));
        }
        thread::sleep(TEMPTED);
        for name in [master, slave1] {
            assert!(!journal(name).contains("starting etcd"), "{name} founds a cluster:\n{}", journal(name));
        }
        assert_eq!(self.secret("herd/founded"), recorded);
        assert!(self.sql(5000, "SELECT 1").is_err(), "somebody takes writes");
        let status = self.lab.run(&["status", BLUEPRINT, "--target", "lab"]);
        assert_eq!(status.status.code(), Some(1), "{}", text(&status));

        self.lab.ok(&["lab", "start", third]);
        self.loses_etcds_majority_for_good(third, [master, slave1]);
        assert_eq!(self.sql(5000, "SELECT n FROM kept WHERE n = -2").unwrap(), "-2");
    }

    /// Follows the runbook, with its own commands, where one machine alone has etcd's data.
    fn loses_etcds_majority_for_good(&self, chosen: &str, others: [&str; 2]) {
        let runbook = fs::read_to_string("generated/herd/RUNBOOK.md").unwrap();
        let recipe = commands(&runbook, "etcd's majority is gone for good");
        let [force, empty, compare, failover] = &recipe[..] else { panic!("{recipe:#?}") };
        let run = |machine: &str, script: &str| {
            let output = self.lab.in_machine(machine, script);
            println!("{machine}: {script}{}", text(&output));
            String::from_utf8(output.stdout).unwrap()
        };
        let started = || {
            let list = text(&self.lab.in_machine(chosen, "etcdctl member list"));
            list.lines().filter(|line| line.contains(", started, ")).count()
        };
        let up = within(Duration::from_secs(60), || {
            self.lab.in_machine(chosen, "etcdctl member list --command-timeout=2s").status.success()
                || text(&self.lab.in_machine(chosen, "journalctl --boot --unit etcd --no-pager")).contains("existing")
        });
        assert!(up, "etcd does not start on {chosen}");

        let begin = Instant::now();
        for other in others {
            run(other, "sudo systemctl stop etcd");
        }
        run(chosen, force);
        for (joined, other) in others.iter().enumerate() {
            run(other, empty);
            assert!(within(Duration::from_secs(60), || started() == joined + 2), "{other} does not join");
        }
        println!("all members had joined {:.1} s after the recipe began", begin.elapsed().as_secs_f64());
        let table = || run(chosen, compare);
        assert!(within(Duration::from_secs(30), || has_one_content(&table())), "{}", table());

        // The chosen one may have been neither primary nor synchronous.
        if !within(Duration::from_secs(15), || self.sql(5000, "SELECT 1").is_ok()) {
            println!("nobody becomes primary: {chosen} is named");
            run(chosen, &format!("echo y | {}", failover.replace("NAME", chosen)));
        }
        let healthy = || self.lab.run(&["status", BLUEPRINT, "--target", "lab"]).status.success();
        if !within(Duration::from_secs(120), healthy) {
            let status = text(&self.lab.run(&["status", BLUEPRINT, "--target", "lab"]));
            let journals = [chosen, others[0], others[1]].map(|name| {
                let script = "journalctl --boot --no-pager -o short-iso-precise -u etcd -u patroni | tail -n 60";
                format!("== {name}\n{}", text(&self.lab.in_machine(name, script)))
            });
            panic!("the cluster is not healthy after the recipe:\n{status}\n{}", journals.concat());
        }
        println!("the cluster was healthy {:.1} s after the recipe began", begin.elapsed().as_secs_f64());
    }

    /// Replaces a machine by hand, as the runbook does.
    fn replace(&self, module: &str, address: &str) {
        let chdir = format!("-chdir={}/clusters/herd/db_config/{module}", lab::STATE);
        let replace = format!("-replace={address}");
        self.lab.ok(&["lab", "shell", "--", "terraform", &chdir, "apply", "-input=false", "-auto-approve", &replace]);
    }
}

/// Returns whether `endpoint hashkv -w table` printed the same hash for three members. One that has just started may not have answered.
fn has_one_content(table: &str) -> bool {
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_string()).collect::<Vec<_>>();
    let hashes: Vec<String> =
        table.lines().filter(|line| line.contains("://")).map(|line| cells(line)[2].clone()).collect();
    hashes.len() == 3 && hashes.iter().all(|hash| *hash == hashes[0])
}

/// Returns the blocks of commands of a section, without their indentation.
fn commands(runbook: &str, heading: &str) -> Vec<String> {
    let (_, section) = runbook.split_once(&format!("## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let fenced = section.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    fenced.map(|block| block.lines().map(|line| format!("{}\n", line.trim_start())).collect()).collect()
}
