//! `pgherd run`, end to end with fake tools.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::support;
use crate::support::herd::{Herd, View, members};
use crate::support::{Done, Test, await_file};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];

/// Generated files, fake tools, and a cluster that responds.
fn ready(herd: &Herd) -> Test {
    let test = Test::with_tools(&herd.blueprint());
    test.run(&["gen"]).exits(0);
    test
}

#[test]
fn builds_makes_and_verifies_in_order() {
    let test = ready(&Herd::healthy());
    test.run(RUN).exits(0).err("1 primary, 2 streaming").out("write  127.0.0.1:").err("account 123456789012");
    let before =
        |first: &str, second: &str| assert!(test.position(first) < test.position(second), "{:#?}", test.calls());
    for module in [
        "network/terraform_network",
        "db_config/terraform_master",
        "db_config/terraform_slave",
        "load_balancer/terraform_haproxy",
    ] {
        before(&format!("-chdir={module} init"), &format!("-chdir={module} plan"));
        before(&format!("-chdir={module} plan"), &format!("-chdir={module} apply"));
    }
    for module in ["master", "slave", "haproxy"] {
        before("terraform_network apply", &format!("terraform_{module} plan"));
    }
    for (template, module) in [("master", "master"), ("slave", "slave"), ("haproxy", "haproxy")] {
        before(&format!("packer_templates/{template}_temp.json"), &format!("terraform_{module} plan"));
    }
    for call in test.calls_of("packer build -") {
        assert!(call.ends_with("[generated/herd]"), "{call}");
    }
    assert!(test.calls().iter().all(|call| !call.contains("auto-approve")));
}

#[test]
fn the_second_run_changes_nothing() {
    let test = ready(&Herd::healthy());
    test.run(RUN).exits(0);
    fs::remove_file(test.state("calls")).unwrap();
    test.run(RUN).exits(0).err("image-master  unchanged").err("network        unchanged");
    assert_eq!(test.calls_of("packer build -"), Vec::<String>::new());
    assert_eq!(test.calls_of(" apply "), Vec::<String>::new());
    assert_eq!(test.calls_of(" init "), Vec::<String>::new(), "init is needless while nothing it depends on changed");
}

#[test]
fn one_image_that_is_missing_is_built_alone() {
    let test = ready(&Herd::healthy());
    fs::write(test.state("image-master"), "").unwrap();
    fs::write(test.state("image-haproxy"), "").unwrap();
    test.run(RUN).exits(0).err("is ami-0master");
    let built = test.calls_of("packer build -");
    assert_eq!(built.len(), 1, "{built:?}");
    assert!(built[0].contains("slave_temp.json"));
}

#[test]
fn a_newer_packer_gets_its_plugin_once_for_all_images() {
    let test = ready(&Herd::healthy());
    test.hook(
        "packer",
        r#"case "$*" in version) echo "Packer v1.11.2"; exit ;;
        "plugins installed") ls "$STATE" | grep plugin-amazon_v; exit 0 ;;
        "plugins install "*) sleep 0.2; touch "$STATE/packer-plugin-amazon_v1.3.9_x5.0_linux_amd64"; exit ;; esac"#,
    );
    test.run(RUN).exits(0);
    assert_eq!(test.calls_of("packer plugins install github.com/hashicorp/amazon").len(), 1);
    fs::remove_file(test.state("image-slave")).unwrap();
    test.run(RUN).exits(0);
    assert_eq!(test.calls_of("packer plugins install github.com/hashicorp/amazon").len(), 1);
}

#[test]
fn a_failing_tool_stops_what_needs_it_and_shows_its_end() {
    let test = ready(&Herd::healthy());
    test.hook("packer", r#"case "$*" in *slave_temp*) echo "apt: no space left"; exit 9 ;; esac"#);
    let done = test.run(RUN).exits(1);
    let done = done.err("packer build of herd-slave-").err("exit code 9").err("apt: no space left").err("full log: ");
    let done = done.err("slaves         skipped  image-slave did not succeed").err("verify         skipped");
    done.err("what to do: ");
    assert_eq!(test.calls_of("terraform_slave plan"), Vec::<String>::new());
    assert_eq!(test.calls_of("terraform_haproxy apply").len(), 1, "the rest goes on");
    let log = fs::read_dir(test.path("generated/herd/.pgherd/logs")).unwrap();
    let names: Vec<String> = log.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let log = names.iter().find(|name| name.ends_with("-image-slave.log") && !name.contains("-review-")).unwrap();
    assert!(test.read(&format!("generated/herd/.pgherd/logs/{log}")).contains("apt: no space left"));
    assert_eq!(test.read("generated/herd/.pgherd/.gitignore"), "*\n");
}

#[test]
fn a_failing_plan_applies_nothing() {
    let test = ready(&Herd::healthy());
    test.hook("terraform", r#"case "$*" in *terraform_network*plan*) echo "Error: no such region"; exit 1 ;; esac"#);
    test.run(RUN).exits(1).err("terraform plan of network/terraform_network failed").err("Error: no such region");
    assert_eq!(test.calls_of(" apply "), Vec::<String>::new());
}

#[test]
fn what_was_initialised_and_is_no_longer_whole_is_initialised_again() {
    let test = ready(&Herd::healthy());
    test.run(RUN).exits(0);
    fs::remove_file(test.state("made-terraform_network")).unwrap();
    let error = Test::terraform_error("Backend initialization required, please run \"terraform init\"", "", None);
    test.hook(
        "terraform",
        &format!(
            r#"case "$*" in *network*init*) touch "$STATE/again" ;;
            *network*plan*) [ -f "$STATE/again" ] || {{ {error}; exit 1; }} ;; esac"#
        ),
    );
    test.run(RUN).exits(0).err("network        done");
}

#[test]
fn what_is_missing_is_said_at_once_and_is_4() {
    let test = ready(&Herd::healthy());
    test.remove_program("packer");
    test.remove_program("aws");
    test.run(RUN).exits(4).err("packer not found in PATH").err("aws not found in PATH");
    assert_eq!(test.calls(), Vec::<String>::new());
}

#[test]
fn an_old_terraform_is_4_unless_opentofu_fits() {
    let test = ready(&Herd::healthy());
    test.hook("terraform", r#"[ "$1" = version ] && { echo '{"terraform_version": "1.9.0"}'; exit; }"#);
    test.run(RUN).exits(4).err("terraform older than 1.11.0");
    let terraform = fs::read_to_string(test.state("../bin/terraform")).unwrap();
    test.program(
        "tofu",
        &terraform.replace("echo \"terraform ", "echo \"tofu ").replace("hook-terraform", "hook-tofu"),
    );
    test.run(RUN).exits(0);
    assert_eq!(test.calls_of("tofu -chdir=network/terraform_network apply").len(), 1);
}

#[test]
fn credentials_that_are_not_accepted_are_4() {
    let test = ready(&Herd::healthy());
    test.hook("aws", r#"[ "$1" = sts ] && { echo "Unable to locate credentials" >&2; exit 253; }"#);
    test.run(RUN).exits(4).err("AWS credentials are not accepted: Unable to locate credentials: run aws configure or ");
    // They are not involved.
    let words = r#"Could not connect to the endpoint URL: "https://sts.eu-west-9.amazonaws.com/""#;
    test.hook("aws", &format!("[ \"$1\" = sts ] && {{ echo '{words}' >&2; exit 255; }}"));
    let done = test.run(RUN).exits(4).err(&format!("AWS does not respond: {words}: check that this machine's network"));
    assert!(!done.stderr.contains("credentials"), "{}", done.stderr);
}

#[test]
fn stale_files_are_3() {
    let test = ready(&Herd::healthy());
    let path = test.path("blueprints/herd.hcl");
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("eu-west-1", "eu-central-1")).unwrap();
    test.run(RUN).exits(3).err("differs from what blueprints/herd.hcl generates").err("pgherd gen");
    assert_eq!(test.calls(), Vec::<String>::new());
}

#[test]
fn nobody_to_ask_is_2() {
    let test = ready(&Herd::healthy());
    test.run(&["run", "blueprints/herd.hcl"]).exits(2).err("--yes");
    assert_eq!(test.calls_of(" apply "), Vec::<String>::new());
}

#[test]
fn what_will_be_is_shown_and_exactly_that_is_applied() {
    let test = ready(&Herd::healthy());
    let run = &["run", "blueprints/herd.hcl"];
    let done = test.at_terminal(run, "no\n").exits(1);
    let done = done.out("network: 1 to add, 0 to change, 0 to destroy").out("+ aws_thing.terraform_network");
    done.out("image-master: herd-master-")
        .out("master: will be planned once network exists")
        .out("aborted; nothing was changed");
    assert_eq!((test.calls_of(" apply ").len(), test.calls_of("packer build -").len()), (0, 0));
    test.at_terminal(run, "yes\n").exits(0).out("1 primary, 2 streaming");
    let plans = test.calls_of("terraform_network plan");
    assert_eq!(plans.len(), 2, "one a review, none after the answer: {plans:#?}");
    test.at_terminal(run, "").exits(0);
}

#[test]
fn a_plan_that_nobody_saw_asks_before_it_destroys() {
    let test = ready(&Herd::healthy());
    test.hook(
        "terraform",
        r#"case "$*" in *terraform_haproxy*" plan "*) for out; do case "$out" in -out=*) echo create >"load_balancer/terraform_haproxy/${out#-out=}" ;; esac; done; exit 2 ;; esac"#,
    );
    test.shown(
        "terraform_haproxy",
        serde_json::json!([{"address": "aws_instance.haproxy", "mode": "managed", "type": "aws_instance",
        "change": {"actions": ["delete", "create"]}}]),
    );
    let done = test.at_terminal(&["run", "blueprints/herd.hcl"], "yes\nno\n").exits(1);
    done.out("-/+ aws_instance.haproxy (clients are disconnected until its machine is back)").out("haproxy declined");
    assert_eq!(test.calls_of("terraform_haproxy apply"), Vec::<String>::new());
    test.run(RUN).exits(0);
}

#[test]
fn a_dry_run_refuses_what_the_run_would_refuse_and_prints_no_events() {
    let test = ready(&Herd::healthy());
    let dry = |more: &[&str]| test.run(&[&["run", "blueprints/herd.hcl", "--dry-run"], more].concat()).exits(2);
    dry(&["--confirm", "nobody"]).err("--confirm nobody: there is no such database machine");
    dry(&["--confirm-stop", "haproxy"]).err("--confirm-stop haproxy: there is no such database machine");
    dry(&["--format", "json"]).err("--dry-run prints commands");
}

#[test]
fn a_dry_run_prints_all_and_runs_nothing() {
    let test =
        ready(&Herd::healthy()).env("AWS_ACCESS_KEY", "AKIASEEDSEEDSEED").env("AWS_SECRET_KEY", "thesecretofthetest");
    let done = test.run(&["run", "blueprints/herd.hcl", "--dry-run"]).exits(0);
    let done = done.out("packer build -color=false -on-error=cleanup packer_templates/master_temp.json");
    let done = done.out("terraform -chdir=network/terraform_network apply").out("AWS_REGION=eu-west-1");
    let done = done.out("# slaves (after network, image-slave)").out("aws ec2 describe-images");
    assert!(!done.stdout.contains("thesecretofthetest"));
    assert_eq!(fs::read_to_string(test.state("calls")).ok(), None);
    // The printed commands can be pasted, and do the same.
    let script = format!("set -e\n{}", done.stdout.replace("tfplan)", "tfplan) || [ $? = 2 ]"));
    let mut shell = Command::new("/bin/sh");
    let path = format!("{}:/usr/bin:/bin", test.state("../bin").display());
    let ran = shell
        .args(["-c", &script])
        .env("PATH", path)
        .env("AWS_ACCESS_KEY", "a")
        .env("AWS_SECRET_KEY", "b")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert!(test.state("made-terraform_haproxy").exists());
}

#[test]
fn the_seeds_names_for_credentials_reach_the_tools() {
    let test =
        ready(&Herd::healthy()).env("AWS_ACCESS_KEY", "AKIASEEDSEEDSEED").env("AWS_SECRET_KEY", "thesecretofthetest");
    test.hook("terraform", r#"[ "$2" = plan ] && echo "key $AWS_ACCESS_KEY_ID, secret $AWS_SECRET_ACCESS_KEY""#);
    test.hook("aws", r#"[ "$AWS_SECRET_ACCESS_KEY" = thesecretofthetest ] || exit 1"#);
    test.run(RUN).exits(0);
    for (path, text) in support::tree(&test.path("generated")) {
        assert!(!text.contains("thesecretofthetest"), "a secret is in {path}");
    }
}

#[test]
fn a_cluster_that_does_not_become_whole_is_1_and_says_why() {
    let view = View { cluster: members(&[("leader", "running", 2), ("replica", "streaming", 1)]), health: 200 };
    let test = ready(&Herd::start(view));
    let done = test.run(&["run", "blueprints/herd.hcl", "--yes", "--wait", "1"]).exits(1);
    let waiting = done.stderr.matches("waiting: slave1 is on timeline 1").count();
    assert_eq!(waiting, 1, "{}", done.stderr);
    done.err("slave1 is on timeline 1, the primary is on timeline 2")
        .err("slave2 is not a member")
        .err("no standby is synchronous")
        .err("run `journalctl -u patroni -u etcd` on a database machine");
}

#[test]
fn it_waits_until_the_cluster_is_whole() {
    let herd = Herd::start(View { cluster: members(&[]), health: 503 });
    let test = ready(&herd);
    let view = std::sync::Arc::clone(&herd.view);
    let healthy = Herd::healthy().view.lock().unwrap().clone();
    let state = test.state("made-terraform_haproxy");
    let waker = std::thread::spawn(move || {
        await_file(&state);
        std::thread::sleep(Duration::from_millis(700));
        *view.lock().unwrap() = healthy;
    });
    test.run(RUN).exits(0).err("waiting: there is no primary").err("1 primary, 2 streaming");
    waker.join().unwrap();
}

#[test]
fn ctrl_c_is_told_once_and_waited_for() {
    let test = ready(&Herd::healthy());
    // It needs a second to shut down, and counts the interrupts.
    test.hook(
        "terraform",
        r#"case "$*" in *network*apply*)
        trap 'echo told >>"$STATE/told"' INT
        touch "$STATE/applying"
        while [ ! -f "$STATE/told" ]; do sleep 0.05; done
        sleep 1; touch "$STATE/ended"; exit 1 ;; esac"#,
    );
    let child = test.spawn(RUN);
    await_file(&test.state("applying"));
    let done = interrupt(child).exits(130);
    let told = done.stderr.lines().find(|line| line.starts_with("Interrupted. ")).expect("what it waits for");
    assert!(told.contains("terraform apply (network)"), "{told}");
    assert!(told.ends_with(" shutting down; waiting."), "{told}");
    done.err("network        interrupted").err("master         interrupted");
    assert_eq!(fs::read_to_string(test.state("told")).unwrap(), "told\n");
    assert!(test.state("ended").exists(), "it was given the time to end");
    assert_eq!(test.calls_of("terraform_master plan"), Vec::<String>::new());
}

#[test]
fn the_third_ctrl_c_kills() {
    let test = ready(&Herd::healthy());
    test.hook("terraform", r#"case "$*" in *network*apply*) trap '' INT; touch "$STATE/applying"; sleep 60 ;; esac"#);
    let child = test.spawn(RUN);
    await_file(&test.state("applying"));
    let start = Instant::now();
    for _ in 0..2 {
        let told = Command::new("/bin/kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(told.success());
        std::thread::sleep(Duration::from_millis(200));
    }
    interrupt(child)
        .exits(130)
        .err("Still waiting for terraform apply (network). A third interrupt kills")
        .err("Killed.");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn ctrl_c_ends_the_wait_for_the_cluster() {
    let test = ready(&Herd::start(View { cluster: members(&[]), health: 503 }));
    let child = test.spawn(RUN);
    await_file(&test.state("made-terraform_haproxy"));
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    interrupt(child).exits(130).err("Interrupted. No tool is running.");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn two_runs_of_one_cluster_at_once_are_refused() {
    let test = ready(&Herd::healthy());
    test.hook("terraform", r#"case "$*" in *network*apply*) touch "$STATE/applying"; sleep 2 ;; esac"#);
    let mut first = test.spawn(RUN);
    await_file(&test.state("applying"));
    let user = String::from_utf8(Command::new("/usr/bin/id").arg("-un").output().unwrap().stdout).unwrap();
    let holder = format!("process {} of user {}, since 20", first.id(), user.trim());
    let done = test.run(RUN).exits(1).err("another pgherd is using").err("`pgherd run blueprints/herd.hcl --yes`");
    done.err(&holder);
    test.run(&["destroy", "blueprints/herd.hcl", "--yes"]).exits(1).err(&holder);
    assert!(first.wait().unwrap().success());
}

fn interrupt(child: Child) -> Done {
    let told = Command::new("/bin/kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    child.wait_with_output().unwrap().into()
}

#[test]
fn stages_can_be_chosen() {
    let test = ready(&Herd::healthy());
    test.run(&["run", "blueprints/herd.hcl", "--yes", "--only", "network,image-slave"]).exits(0);
    assert_eq!((test.calls_of("packer build -").len(), test.calls_of(" apply ").len()), (1, 1));
    test.run(&["run", "blueprints/herd.hcl", "--yes", "--skip", "slaves"]).exits(0).err("2 streaming");
    assert_eq!(test.calls_of("terraform_slave"), Vec::<String>::new());
    let from = ["run", "blueprints/herd.hcl", "--yes", "--from", "image-slave"];
    test.run(&from).exits(0).err("slaves  done");
    test.run(&["run", "blueprints/herd.hcl", "--yes", "--only", "netwrok"])
        .exits(2)
        .err("there is no stage `netwrok`; did you mean `network`?");
}

#[test]
fn the_graph_is_printed_and_nothing_run() {
    let test = ready(&Herd::healthy());
    let done = test.run(&["run", "blueprints/herd.hcl", "--graph"]).exits(0).out("stage tool what after");
    done.out("slaves terraform db_config/terraform_slave network, image-slave");
    test.run(&["run", "blueprints/herd.hcl", "--graph=mermaid"]).exits(0).out("image-haproxy --> haproxy");
    assert_eq!(test.calls(), Vec::<String>::new());
}

/// The slaves' plan replaces slave1, until its apply; `shown` is what `show -json` says.
fn replacing_slave1(herd: &Herd) -> Test {
    let test = ready(herd);
    test.run(RUN).exits(0);
    test.hook(
        "terraform",
        r#"[ -f "$STATE/replaced" ] || case "$*" in
        *terraform_slave*" plan "*) for out; do case "$out" in -out=*) echo create >"db_config/terraform_slave/${out#-out=}" ;; esac; done
            exit 2 ;;
        *terraform_slave*" apply "*) touch "$STATE/replaced" ;; esac"#,
    );
    test.shown(
        "terraform_slave",
        serde_json::json!([{"address": "aws_instance.slave[\"slave1\"]", "mode": "managed", "type": "aws_instance",
        "change": {"actions": ["delete", "create"], "replace_paths": [["subnet_id"]],
        "before": {"user_data": "neverinanylog", "tags": {"pgherd:machine": "slave1", "pgherd:role": "slave"}}}}]),
    );
    test
}

#[test]
fn a_databases_data_is_not_destroyed_unless_it_is_named() {
    let test = replacing_slave1(&Herd::healthy());
    test.run(RUN).exits(1).err("this would destroy the data of slave1").err("--confirm slave1");
    test.run(&["run", "blueprints/herd.hcl", "--yes", "--confirm", "slave2"]).exits(1).err("--confirm slave1");
    let run = &["run", "blueprints/herd.hcl"];
    let done = test.at_terminal(run, "yes\n").exits(1);
    done.out("-/+ aws_instance.slave[\"slave1\"] (forced by subnet_id; DESTROYS THE DATA OF slave1)")
        .out("Type its name (slave1)")
        .out("nothing was changed");
    assert!(!test.state("replaced").exists());
    test.at_terminal(run, "slave1\nyes\n").exits(0).out("slaves done");
    assert!(test.state("replaced").exists());
    fs::remove_file(test.state("replaced")).unwrap();
    test.run(&["run", "blueprints/herd.hcl", "--yes", "--confirm", "slave1"]).exits(0);
    assert!(test.state("replaced").exists());
    for (path, text) in support::tree(&test.path("generated")) {
        assert!(!text.contains("neverinanylog"), "what a plan holds is in {path}");
    }
}

#[test]
fn a_plan_alone_is_0_or_3() {
    let test = ready(&Herd::healthy());
    let plan = &["run", "blueprints/herd.hcl", "--plan-only"];
    let done = test.run(plan).exits(3).out("network: 1 to add, 0 to change, 0 to destroy");
    done.out("image-slave: herd-slave-").out("slaves: will be planned once network exists");
    assert_eq!((test.calls_of(" apply ").len(), test.calls_of("packer build -").len()), (0, 0));
    test.run(RUN).exits(0);
    test.run(plan).exits(0).out("No changes.");
}

#[test]
fn a_plan_that_the_world_overtook_is_made_again() {
    let test = ready(&Herd::healthy());
    // Nothing is decided from what Terraform prints for people.
    let moved = |error: &str| {
        let once = format!("[ -f \"$STATE/moved\" ] || {{ touch \"$STATE/moved\"; {error}; exit 1; }}");
        format!("case \"$*\" in *network*' apply '*) {once} ;; esac")
    };
    test.hook("terraform", &moved("echo 'Error: Saved plan is stale'"));
    test.run(RUN).exits(1).err("terraform apply of network/terraform_network failed");
    fs::remove_file(test.state("moved")).unwrap();
    fs::remove_file(test.state("calls")).unwrap();
    test.hook("terraform", &moved(&Test::terraform_error("Saved plan is stale", "", None)));
    test.run(RUN)
        .exits(0)
        .err("network the state has changed since it was planned. Planning again")
        .err("network done");
    assert_eq!(test.calls_of("terraform_network plan").len(), 2);
}

#[test]
fn what_is_asked_for_wrongly_is_refused_before_the_credentials_are_looked_at() {
    let test = ready(&Herd::healthy());
    test.hook("aws", r#"[ "$1" = sts ] && { echo "no credentials" >&2; exit 254; }"#);
    for wrong in [["--only", "netwrk"], ["--from", "netwrk"], ["--skip", "netwrk"]] {
        test.run(&[RUN, &wrong[..]].concat()).exits(2).err("did you mean `network`?");
    }
    test.run(&[RUN, &["--confirm", "slave9"]].concat()).exits(2).err("the machines are master, slave1, slave2");
    for (flag, value, says) in [
        ("--jobs", "many", "write a whole number from 1 to 255"),
        ("--jobs", "0", "write a whole number from 1 to 255"),
        ("--wait", "5m", "write a whole number of seconds from 0 to 86400"),
    ] {
        test.run(&[RUN, &[flag, value]].concat()).exits(2).err(says);
    }
    test.run(&["policy", "blueprints/herd.hcl", "--for", "rotate"]).exits(0).err("the blueprint has no users");
    let policy = ["policy", "blueprints/herd.hcl", "--for", "run"];
    let named = "pgherd policy blueprints/herd.hcl --for run --name pgherd-herd-";
    test.run(&policy).exits(0).err(named);
    test.run(&[&policy[..], &["--name", "rotate"]].concat()).exits(2).err("there is no such policy").err(named);
    assert_eq!(test.calls_of("sts"), Vec::<String>::new());
    test.run(RUN).exits(4).err("no credentials");
    test.run(&["images", "blueprints/herd.hcl"]).exits(4).err("AWS credentials are not accepted: no credentials");
}

#[test]
fn nothing_generated_yet_is_said_and_a_folder_is_no_blueprint() {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(RUN).exits(3).err("nothing has been generated in").err("pgherd gen blueprints/herd.hcl");
    test.run(&["gen", "blueprints"]).exits(2).err("blueprints is a directory").err("blueprints/*.hcl");
    // A file whose name begins as a rule does.
    test.run(&["explain", "pgherd-yield.service", "blueprints/herd.hcl"]).exits(0);
    test.run(&["explain", "PGH999", "blueprints/herd.hcl"]).exits(2).err("no rule has the code PGH999");
    test.run(&["explain", "cluster.tf:2", "blueprints/herd.hcl"])
        .exits(2)
        .err("several files have this name")
        .err("network/terraform_network/cluster.tf");
}

#[test]
fn the_provider_is_got_once_for_all_modules() {
    let hook = r#"case "$*" in *" init "*)
        d=${1#-chdir=}; mkdir "$STATE/initialising" || exit 1
        echo "${d##*/} cache=${TF_PLUGIN_CACHE_DIR##*/herd/} lock=$(cat "$d/.terraform.lock.hcl" 2>/dev/null)" >>"$STATE/inits"
        [ -f "$d/.terraform.lock.hcl" ] || echo "of ${d##*/}" >"$d/.terraform.lock.hcl"
        sleep 0.2; rmdir "$STATE/initialising" ;; esac"#;
    let inits = |test: &Test| fs::read_to_string(test.state("inits")).unwrap();
    let test = ready(&Herd::healthy());
    test.hook("terraform", hook);
    test.run(RUN).exits(0);
    let said = inits(&test);
    let (first, others) = said.split_once(" cache=.pgherd/plugins lock=\n").unwrap();
    assert_eq!(others.matches(&format!(" cache=.pgherd/plugins lock=of {first}\n")).count(), 3, "{said}");

    // A user's own cache is kept.
    let test = ready(&Herd::healthy()).env("TF_PLUGIN_CACHE_DIR", "mine");
    fs::create_dir(test.path("mine")).unwrap();
    test.hook("terraform", hook);
    test.run(RUN).exits(0);
    assert_eq!(inits(&test).matches(" cache=mine lock=\n").count(), 4);
    let test = ready(&Herd::healthy());
    test.write("rc", "plugin_cache_dir = \"/mine\"\n");
    let test = test.env("TF_CLI_CONFIG_FILE", "rc");
    test.hook("terraform", hook);
    test.run(RUN).exits(0);
    assert_eq!(inits(&test).matches(" cache= lock=\n").count(), 4);
}
