//! deploy.sh: shellcheck's verdict, and what it does with fakes of all programs that it calls.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::generated::{Generated, KINDS, run, succeeds};
use tempfile::TempDir;

#[test]
fn shellcheck_finds_nothing() {
    for kind in KINDS {
        let generated = Generated::of(kind);
        let script = generated.path("deploy.sh");
        succeeds(Command::new("shellcheck").arg("--norc").arg(&script));
        succeeds(Command::new("bash").arg("-n").arg(&script));
    }
}

/// A plan that creates something.
const PLAN: &str = r#"{"format_version": "1.2", "resource_changes": [{"address": "aws_vpc.this", "mode": "managed", "type": "aws_vpc",
  "change": {"actions": ["create"], "before": null, "after": {}, "after_unknown": {}}}]}"#;

/// Each fake records how it was called, and runs the file of its name.
const FAKE: &str = r#"#!/bin/bash
name=$(basename "$0")
echo "$name $*" >>"$LOG/calls"
case "$name $*" in
  # Debian's own, whose SSH library knows server-sig-algs, unless a test says otherwise.
  "packer version"*) echo "Packer v$(cat "$LOG/packer-version" 2>/dev/null || echo 1.6.6)" ;;
  "packer plugins installed"*) cat "$LOG/plugins" ;;
  "packer build"*) cp "${@: -1}" "$LOG/built-$(basename "${@: -1}")" ;;
  "aws ec2 describe-images"*"-slave-"*) echo ami-0123 ;;
  "aws ec2 describe-images"*) echo None ;;
  "aws ec2 describe-instances"*) cat "$LOG/machines" 2>/dev/null || true ;;
  "curl"*"/cluster") cat "$LOG/cluster" ;;
  "curl"*"/health") [[ -e $LOG/cluster && "$*" != *"//$(cat "$LOG/dead" 2>/dev/null):"* ]] && echo 200 ;;
  # `$LOG/left` says which plan of HAProxy's module is next. One with targets is for a single HAProxy.
  "terraform -chdir=load_balancer/terraform_haproxy plan "*"-target="*) echo part >"$LOG/planned" ;;
  "terraform -chdir=load_balancer/terraform_haproxy plan "*) cp "$LOG/left" "$LOG/planned" 2>/dev/null || true ;;
  "terraform -chdir=load_balancer/terraform_haproxy apply "*)
    if [[ -e $LOG/planned ]]; then case $(<"$LOG/planned") in part) echo rest >"$LOG/left" ;; *) echo none >"$LOG/left" ;; esac; fi ;;
  "terraform -chdir=load_balancer/terraform_haproxy show"*)
    if [[ -e $LOG/planned ]]; then cat "$LOG/plan-$(<"$LOG/planned")"; else echo "$PLAN"; fi ;;
  "terraform -chdir=db_config/terraform_slave show"*) cat "$LOG/plan" 2>/dev/null || echo "$PLAN" ;;
  "terraform"*" show "*) echo "$PLAN" ;;
  # It evaluates the script's own expressions.
  "terraform"*" console"*) exec "$TERRAFORM" "$@" ;;
  "terraform"*" init "*)
    module=${1#-chdir=}
    echo "$module cache=${TF_PLUGIN_CACHE_DIR##*/.pgherd/} $(cat "$module/.terraform.lock.hcl" 2>/dev/null)" >>"$LOG/inits"
    [[ $module != network/* ]] || echo checksums >"$module/.terraform.lock.hcl" ;;
  "terraform"*"output"*) cat "$LOG/address" 2>/dev/null ;;
  "terraform"*"apply"*) echo "eips=${TF_VAR_master_eip:-} ${TF_VAR_slave1_eip:-} ${TF_VAR_slave2_eip:-} ${TF_VAR_haproxy_eip:-}" >>"$LOG/env" ;;
  "aws sts"*) echo "key=${AWS_ACCESS_KEY_ID:-} region=${AWS_REGION:-}" >>"$LOG/env" ;;
esac
"#;

const WHOLE: &str = r#"{"members": [
  {"name": "herd-master", "role": "leader", "state": "running", "timeline": 1},
  {"name": "herd-slave1", "role": "sync_standby", "state": "streaming", "timeline": 1, "lag": 0},
  {"name": "herd-slave2", "role": "replica", "state": "streaming", "timeline": 1, "lag": 0}], "scope": "minimal"}"#;

struct Deploy {
    generated: Generated,
    dir: TempDir,
}

impl Deploy {
    fn new() -> Self {
        Self::of(Generated::of("blueprints/minimal.hcl"))
    }

    fn of(generated: Generated) -> Self {
        let dir = TempDir::new().expect("a folder");
        for tool in ["packer", "terraform", "aws", "curl"] {
            let path = dir.path().join(tool);
            fs::write(&path, FAKE).expect("room");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        fs::write(dir.path().join("cluster"), WHOLE).expect("room");
        Deploy { generated, dir }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(which::which("bash").expect("bash"));
        command
            .arg(self.generated.path("deploy.sh"))
            .args(args)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.dir.path().display()))
            .env("LOG", self.dir.path())
            .env("PLAN", PLAN)
            .env("TERRAFORM", which::which("terraform").expect("`make test` installs it"));
        command
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }
}

#[test]
fn it_goes_from_the_network_to_a_verified_cluster() {
    let deploy = Deploy::new();
    let out = succeeds(deploy.command(&["--yes"]).env("AWS_ACCESS_KEY", "old").env("AWS_SECRET_KEY", "name").envs([
        ("MASTER_IP", "192.0.2.1"),
        ("SLAVE2_IP", "192.0.2.3"),
        ("HAPROXY_IP", "192.0.2.4"),
        ("PACKER_FLAGS", "-var subnet_id=subnet-0"),
    ]));
    let calls = deploy.log("calls");
    let plans = calls.lines().find_map(|call| call.split_once(" plan -input=false -out=")).expect("a plan").1;
    assert!(!std::path::Path::new(plans).parent().expect("its folder").exists(), "the plans are gone");
    let folder =
        plans.rsplit('/').nth(2).map(|_| &plans[..plans.len() - "/terraform_network/tfplan".len()]).expect("a path");
    let calls = calls.replace(folder, "PLANS");
    let mut steps: Vec<&str> = (calls.lines())
        .filter(|call| call.contains(" apply ") || call.contains("packer build") || call.contains("/cluster"))
        .collect();
    let apply = |module: &str| {
        format!(
            "terraform -chdir={module} apply -input=false PLANS/{}/tfplan",
            module.rsplit('/').next().expect("a name")
        )
    };
    let build = |role| format!("packer build -var subnet_id=subnet-0 packer_templates/{role}_temp.json");
    // In parallel, in two waves.
    steps[..3].sort();
    steps[3..6].sort();
    assert_eq!(
        steps[..6],
        [
            build("haproxy"), // the slave's image exists
            build("master"),
            apply("network/terraform_network"),
            apply("db_config/terraform_master"),
            apply("db_config/terraform_slave"),
            apply("load_balancer/terraform_haproxy"),
        ]
    );
    assert!(out.contains("master: \n") || out.contains("master: ==> packer: "), "{out}");
    assert!(steps[6].ends_with("http://10.20.128.32:7000/cluster"), "{calls}");
    let env = deploy.log("env");
    assert!(env.contains("key=old region=eu-west-1"), "{env}");
    assert!(env.contains("eips=192.0.2.1  192.0.2.3 192.0.2.4"), "{env}");
    assert!(out.contains("is up: writes on 10.20.128.32:5000, reads on 10.20.128.32:5001"), "{out}");
}

#[test]
fn the_provider_is_got_once_for_all_modules() {
    let deploy = Deploy::new();
    succeeds(&mut deploy.command(&["--yes"]));
    let inits = deploy.log("inits");
    let (first, others) = inits.split_once('\n').expect("four of them");
    assert_eq!(first, "network/terraform_network cache=plugins ");
    assert_eq!(others.matches(" cache=plugins checksums\n").count(), 3, "{inits}");
    // A user's own setting is kept.
    let deploy = Deploy::new();
    succeeds(deploy.command(&["--yes"]).env("TF_PLUGIN_CACHE_DIR", "/mine"));
    assert_eq!(deploy.log("inits").matches(" cache=/mine ").count(), 4);
    let deploy = Deploy::new();
    let config = deploy.dir.path().join("rc");
    fs::write(&config, "plugin_cache_dir = \"/mine\"\n").expect("room");
    succeeds(deploy.command(&["--yes"]).env("TF_CLI_CONFIG_FILE", &config));
    assert_eq!(deploy.log("inits").matches(" cache= ").count(), 4);
}

#[test]
fn nothing_is_done_that_nobody_agreed_to() {
    let answered = |answer: &str| {
        let deploy = Deploy::new();
        let answers = deploy.dir.path().join("answers");
        fs::write(&answers, answer).expect("room");
        let output = run(deploy.command(&[]).stdin(fs::File::open(answers).expect("just written")));
        (output, deploy.log("calls").matches(" apply ").count())
    };
    let (output, applied) = answered(&"yes\n".repeat(4));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(applied, 4);
    let (output, applied) = answered("yes\nno\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("Nothing was changed in db_config/terraform_master"));
    assert_eq!(applied, 1);
    let (output, applied) = answered("");
    assert_eq!(applied, 0, "nobody is there");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("Run this in a terminal, or with --yes"), "{stderr}");
}

/// Returns a plan of the slaves that does something to one resource.
fn change(address: &str, actions: &[&str], before: serde_json::Value, after: serde_json::Value) -> String {
    serde_json::json!({"format_version": "1.2", "complete": true, "resource_changes": [{"address": address, "mode": "managed",
        "type": address.split('.').next(), "change": {"actions": actions, "before": before, "after": after, "after_unknown": {}}}]})
    .to_string()
}

#[test]
fn a_databases_data_never_goes_with_its_machine() {
    use serde_json::json;
    let slave = "aws_instance.slave[\"slave1\"]";
    let goes = "this would delete the data of these machines: aws_instance.slave[\"slave1\"]";
    let stops = "--yes does not stop database machines";
    let strange = "is not understood. Nothing was changed there";
    for (plan, complaint) in [
        (change(slave, &["delete", "create"], json!({}), json!({})), goes),
        (change(slave, &["delete"], json!({}), json!(null)), goes),
        (change(slave, &["forget"], json!({}), json!(null)), goes),
        (change(slave, &["update"], json!({"instance_type": "a"}), json!({"instance_type": "b"})), stops),
        (change(slave, &["update"], json!({"of_tomorrow": 1}), json!({"of_tomorrow": [2]})), stops),
        (change(slave, &["update"], json!({"tags": {"a": "b"}}), json!({"tags": {}})), ""),
        (change("aws_eip.slave[\"slave1\"]", &["delete"], json!({}), json!(null)), ""),
        (change("aws_instance.haproxy[\"haproxy\"]", &["delete", "create"], json!({}), json!({})), ""),
        (change(slave, &["melt"], json!({}), json!({})), strange),
        (PLAN.replace("1.2", "2.0"), strange),
        (PLAN.replacen('{', "{\"errored\": true, ", 1), strange),
        (PLAN.replacen('{', "{\"action_invocations\": [1], ", 1), strange),
        ("  # aws_instance.slave[\"slave1\"] must be replaced".into(), "cannot be read. Nothing was changed there"),
    ] {
        let deploy = Deploy::new();
        fs::write(deploy.dir.path().join("plan"), &plan).expect("room");
        let output = run(&mut deploy.command(&["--yes"]));
        assert_eq!(output.status.success(), complaint.is_empty(), "{plan}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(complaint), "{plan}: {output:?}");
        assert_eq!(deploy.log("calls").contains("terraform_slave apply"), complaint.is_empty(), "{plan}");
    }
    // On a terminal the user may confirm a stop.
    let deploy = Deploy::new();
    let plan = change(slave, &["update"], json!({"instance_type": "a"}), json!({"instance_type": "b"}));
    fs::write(deploy.dir.path().join("plan"), plan).expect("room");
    let answers = deploy.dir.path().join("answers");
    fs::write(&answers, "yes\n".repeat(4)).expect("room");
    let output = run(deploy.command(&[]).stdin(fs::File::open(answers).expect("just written")));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("this stops and starts these database machines, all at once"),
        "{said}"
    );
}

/// Clients always have a HAProxy: a new image reaches one, and the other only once that one is healthy.
#[test]
fn haproxies_are_replaced_one_after_the_other() {
    let plan = |changes: &[(&str, &[&str])]| {
        let changes = changes.iter().map(|(name, actions)| {
            serde_json::json!({"address": format!("aws_instance.haproxy[\"{name}\"]"), "mode": "managed", "type": "aws_instance",
                "change": {"actions": actions, "before": {}, "after": {}, "after_unknown": {}}})
        });
        serde_json::json!({"format_version": "1.2", "resource_changes": changes.collect::<Vec<_>>()}).to_string()
    };
    let deploy_of = |count: u32, whole: &str, part: &str, rest: &str| {
        let text = format!("cluster \"pair\" {{\n region = \"eu-west-1\"\n haproxy {{ count = {count} }}\n}}\n");
        let deploy = Deploy::of(Generated::from_text("pair.hcl", &text));
        let put = |name: &str, text: &str| fs::write(deploy.dir.path().join(name), text).expect("room");
        put("cluster", &WHOLE.replace("minimal", "pair"));
        put("left", "whole");
        for (name, plan) in [("whole", whole), ("part", part), ("rest", rest)] {
            put(&format!("plan-{name}"), plan);
        }
        deploy
    };
    let deploy = |whole: &str, part: &str, rest: &str| deploy_of(2, whole, part, rest);
    let replaced: &[&str] = &["delete", "create"];
    let one = |name| plan(&[(name, replaced)]);
    let both = plan(&[("haproxy", replaced), ("haproxy2", replaced)]);
    let rolling = deploy(&both, &one("haproxy"), &one("haproxy2"));
    succeeds(&mut rolling.command(&["--yes"]));
    let calls = rolling.log("calls");
    let of_module = calls
        .lines()
        .filter(|call| call.contains("terraform_haproxy plan") || call.contains("terraform_haproxy apply"));
    let steps: Vec<&str> = of_module
        .map(|call| {
            if call.contains(" apply ") {
                "apply"
            } else if call.contains("-target=aws_instance.haproxy[\"haproxy\"]") {
                "part"
            } else {
                "whole"
            }
        })
        .collect();
    assert_eq!(steps, ["whole", "part", "apply", "whole", "apply"], "{calls}");

    // The second one comes before the first is replaced.
    let new = plan(&[("haproxy", replaced), ("haproxy2", &["create"])]);
    let growing = deploy(&new, &plan(&[("haproxy2", &["create"])]), &one("haproxy"));
    succeeds(&mut growing.command(&["--yes"]));
    assert!(growing.log("calls").contains("-target=aws_instance.haproxy[\"haproxy2\"]"), "{}", growing.log("calls"));

    // While the other one is not healthy, nothing is done to the one that serves clients.
    let alone = deploy(&both, &one("haproxy"), &one("haproxy2"));
    fs::write(alone.dir.path().join("dead"), "10.20.64.32").expect("room");
    let output = run(alone.command(&["--yes"]).env("WAIT_SECONDS", "0"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("no other HAProxy responds as healthy"), "{output:?}");
    assert!(!alone.log("calls").contains("terraform_haproxy apply"));

    // One that leaves serves clients until the one that stays has been changed and is healthy.
    let gone = plan(&[("haproxy2", &["delete"])]);
    let whole = plan(&[("haproxy", replaced), ("haproxy2", &["delete"])]);
    let shrinking = deploy_of(1, &whole, &one("haproxy"), &gone);
    succeeds(&mut shrinking.command(&["--yes"]));
    assert!(shrinking.log("calls").contains("-target=aws_instance.haproxy[\"haproxy\"]"), "{}", shrinking.log("calls"));
    let unhealthy = deploy_of(1, &whole, &one("haproxy"), &gone);
    fs::write(unhealthy.dir.path().join("dead"), "10.20.128.32").expect("room");
    let output = run(unhealthy.command(&["--yes"]).env("WAIT_SECONDS", "0"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("healthy, so haproxy2 was not changed"), "{output:?}");
    assert_eq!(unhealthy.log("calls").matches("terraform_haproxy apply").count(), 1);
}

/// The script and pgherd treat the same variables the same way.
#[test]
fn what_changes_a_tool_does_not_reach_it() {
    use pgherd::tools::environment::{Treatment, VARIABLES, Variable};
    let names: Vec<String> = (VARIABLES.iter())
        .filter(|variable| variable.treatment != Treatment::Refused && !variable.name.ends_with("REGION"))
        .map(|variable| variable.name.replace('*', "_OF_TESTS"))
        .filter(|name| !["TF_PLUGIN_CACHE_DIR", "PACKER_FLAGS"].contains(&name.as_str()))
        .collect();
    let deploy = Deploy::new();
    fs::write(deploy.dir.path().join("terraform"), FAKE.replacen("case ", "env >>\"$LOG/environment\"\ncase ", 1))
        .expect("room");
    let output = succeeds(deploy.command(&["--yes"]).envs(names.iter().map(|name| (name, "of-the-test"))));
    let environment = deploy.log("environment");
    for name in names {
        let variable = Variable::of(&name).expect("it is one of them");
        let kept = matches!(variable.treatment, Treatment::Kept | Treatment::Told);
        assert_eq!(environment.contains(&format!("{name}=of-the-test\n")), kept, "{name}");
        let said = output.contains(&format!("{name} is ignored"));
        assert_eq!(said, variable.treatment == Treatment::Removed, "{name}");
    }
    let script = fs::read_to_string(deploy.generated.path("deploy.sh")).expect("a script");
    for name in pgherd::tools::plan::disruption::HARMLESS {
        assert!(script.contains(&format!("\"{name}\"")), "{name} is harmless to pgherd alone");
    }
    assert_eq!(
        script
            .split("harmless = [")
            .nth(1)
            .and_then(|rest| rest.split(']').next())
            .map(|list| list.matches('"').count()),
        Some(2 * pgherd::tools::plan::disruption::HARMLESS.len())
    );
}

#[test]
fn who_belongs_to_a_living_cluster_stays() {
    let two = "master slave1 slave2";
    let machine = |name: &str, databases: &str, etcd: &str| format!("{name}\t{databases}\t{etcd}\n");
    let old = |name: &str| machine(name, "None", "None");
    let other = "belongs to a living cluster of other machines";
    let unknown = "do not record whether others belong to the cluster";
    for (machines, complaint) in [
        (String::new(), ""),
        (machine("master", two, two), ""),
        (machine("haproxy", two, two) + &machine("slave2", two, two), ""),
        (machine("master", "master slave1", "master slave1 haproxy"), other),
        (machine("master", two, two) + &machine("slave1", two, "master slave1"), other),
        (machine("haproxy", "master slave1 slave2 slave3", two), other),
        (old("slave2") + &old("haproxy") + &old("slave1") + &old("master"), ""),
        (old("master") + &old("slave1"), unknown),
        (old("master") + &old("slave1") + &old("slave2") + &old("slave3"), unknown),
        (old("slave1") + &machine("master", two, two), ""),
    ] {
        let deploy = Deploy::new();
        fs::write(deploy.dir.path().join("machines"), &machines).expect("room");
        let output = run(&mut deploy.command(&["--yes"]));
        assert_eq!(output.status.success(), complaint.is_empty(), "{machines}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(complaint), "{machines}: {output:?}");
        assert_eq!(deploy.log("calls").contains(" plan "), complaint.is_empty(), "{machines}");
    }
    let deploy = Deploy::new();
    fs::write(deploy.dir.path().join("aws"), FAKE.replace("cat \"$LOG/machines\" 2>/dev/null || true", "exit 254"))
        .expect("room");
    let output = run(&mut deploy.command(&["--yes"]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("AWS does not say which machines"), "{output:?}");
    assert!(!output.status.success() && !deploy.log("calls").contains(" plan "));
}

#[test]
fn files_that_change_what_the_generated_ones_mean_are_refused() {
    let module = "db_config/terraform_master";
    for (name, text, complaint) in [
        ("dba_override.tf", "prod", "overrides the generated files"),
        (".terraform/environment", "prod", "another workspace"),
        ("terraform.tfvars", "ami_image_id = \"ami-0\"", "sets ami_image_id"),
        ("dba.auto.tfvars.json", "{\"ami\\u005fimage_id\": \"ami-0\"}", "sets ami_image_id"),
    ] {
        let deploy = Deploy::new();
        let path = deploy.generated.path(&format!("{module}/{name}"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        fs::write(path, text).expect("room");
        let output = run(&mut deploy.command(&["--yes"]));
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(complaint), "{output:?}");
        assert!(!deploy.log("calls").contains("plan"), "{}", deploy.log("calls"));
    }
    // Only these are reported.
    let deploy = Deploy::new();
    for (name, text) in [("terraform.tfvars", "master_eip = \"\""), ("alarms.tf", ""), ("pgherd_import.tf", "")] {
        fs::write(deploy.generated.path(&format!("{module}/{name}")), text).expect("room");
    }
    let output = succeeds(&mut deploy.command(&["--yes"]));
    for name in ["terraform.tfvars", "alarms.tf"] {
        assert!(output.contains(&format!("{module}/{name} was not generated")), "{output}");
    }
    assert_eq!(output.matches("was not generated").count(), 2, "{output}");
}

/// If the state is not where the blueprint now puts it, nothing is started, and nothing advises -reconfigure.
#[test]
fn a_state_that_has_to_move_is_not_left_behind() {
    let module = "db_config/terraform_master";
    let s3 = |key: &str| {
        format!(r#"{{"version": 3, "backend": {{"type": "s3", "config": {{"bucket": "states", "key": "{key}"}}}}}}"#)
    };
    let (elsewhere, here) =
        (s3("old/terraform_master.tfstate"), s3("pgherd/minimal/eu-west-1/terraform_master.tfstate"));
    let local = r#"{"version": 3, "backend": {"type": "local", "config": {"path": null, "workspace_dir": null}}}"#;
    let minimal = fs::read_to_string("blueprints/minimal.hcl").expect("a blueprint");
    let bucket =
        format!("{} state {{\n s3 {{\n bucket = \"states\"\n }}\n }}\n}}\n", minimal.trim_end().trim_end_matches('}'));
    const RECORD: &str = ".terraform/terraform.tfstate";
    for (blueprint, file, text, refused) in [
        (&minimal, RECORD, elsewhere.as_str(), Some("is in s3://states/old/terraform_master.tfstate")),
        (&minimal, RECORD, "torn", Some("cannot be read")),
        (&minimal, RECORD, r#"{"backend": {"type": "gcs", "config": {}}}"#, Some("is in gcs")),
        (&minimal, RECORD, r#"{"backend": {"type": "local", "config": {"path": "/x"}}}"#, Some("is in /x")),
        (&minimal, RECORD, local, None),
        (&minimal, RECORD, r#"{"version": 3}"#, None),
        (&minimal, "terraform.tfstate", "{}", None),
        (
            &bucket,
            RECORD,
            &elsewhere,
            Some("the blueprint keeps it in s3://states/pgherd/minimal/eu-west-1/terraform_master.tfstate"),
        ),
        (&bucket, "terraform.tfstate", "{}", Some("is in terraform.tfstate there")),
        (&bucket, RECORD, &here, None),
    ] {
        let deploy = Deploy { generated: Generated::from_text("minimal.hcl", blueprint), ..Deploy::new() };
        let path = deploy.generated.path(&format!("{module}/{file}"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        fs::write(path, text).expect("room");
        let output = run(&mut deploy.command(&["--yes"]));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), refused.is_none(), "{text}: {output:?}");
        assert!(refused.is_none_or(|refused| said.contains(refused)), "{text}: {said}");
        let begun = deploy.log("calls").lines().any(|call| call.contains(" init ") || call.starts_with("packer build"));
        assert_eq!(begun, refused.is_none(), "{text}: {}", deploy.log("calls"));
    }
}

#[test]
fn nothing_is_made_on_top_of_what_failed() {
    let deploy = Deploy::new();
    fs::write(
        deploy.dir.path().join("packer"),
        "#!/bin/sh\n# server-sig-algs\n[ \"$1\" = version ] || exit 7\necho Packer v1.6.6\n",
    )
    .expect("room");
    let output = run(&mut deploy.command(&["--yes"]));
    assert!(!output.status.success());
    let calls = deploy.log("calls");
    assert!(calls.contains("network/terraform_network apply") && !calls.contains("terraform_master apply"), "{calls}");
}

#[test]
fn an_elastic_ip_is_the_way_in() {
    let deploy = Deploy::new();
    fs::write(deploy.dir.path().join("address"), "{\"haproxy\":\"203.0.113.9\"}\n").expect("room");
    let out = succeeds(&mut deploy.command(&["--yes"]));
    assert!(out.contains("writes on 203.0.113.9:5000"), "{out}");
}

#[test]
fn a_standby_that_does_not_stream_is_no_success() {
    let deploy = Deploy::new();
    fs::write(deploy.dir.path().join("cluster"), WHOLE.replacen("streaming", "starting", 1)).expect("room");
    let output = run(deploy.command(&["--yes"]).env("WAIT_SECONDS", "1"));
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("the cluster is not healthy"), "{output:?}");
}

#[test]
fn a_cluster_that_does_not_answer_here_is_made_and_not_verified() {
    let deploy = Deploy::new();
    fs::remove_file(deploy.dir.path().join("cluster")).expect("it is there");
    let output = run(deploy.command(&["--yes"]).env("WAIT_SECONDS", "1"));
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("created, but not verified"), "{output:?}");
}

#[test]
fn another_cluster_at_the_planned_address_is_no_success() {
    let deploy = Deploy::new();
    fs::write(deploy.dir.path().join("cluster"), WHOLE.replace("minimal", "herd")).expect("room");
    let output = run(&mut deploy.command(&["--yes"]));
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("http://10.20.128.32:7000 is cluster herd, not minimal"), "{stderr}");
}

#[test]
fn it_stops_before_it_begins_where_it_cannot_end() {
    let deploy = Deploy::new();
    for (name, value, args, complaint) in [
        ("AWS_REGION", "us-east-1", &["--yes"][..], "but cluster minimal is in eu-west-1"),
        ("TF_WORKSPACE", "prod", &["--yes"][..], "Unset it"),
        ("TF_VAR_ami_image_id", "ami-1", &["--yes"][..], "from one image"),
        ("LANG", "C", &["--force"][..], "usage:"),
        ("PATH", "/nowhere", &["--yes"][..], "is not installed"),
    ] {
        let output = run(deploy.command(args).env(name, value));
        assert!(!output.status.success());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(complaint), "{stderr}");
    }
    assert!(!deploy.log("calls").contains("apply"), "{}", deploy.log("calls"));
}

/// Debian's Packer gets the template unchanged. HashiCorp's gets one that makes the builder's metadata service require tokens, and a
/// plugin that signs with SHA-2.
#[test]
fn each_packer_gets_a_template_that_it_knows() {
    let built = |deploy: &Deploy| -> serde_json::Value {
        serde_json::from_str(&deploy.log("built-master_temp.json")).expect("a template")
    };
    let deploy = Deploy::new();
    succeeds(&mut deploy.command(&["--yes"]));
    let plain = built(&deploy);
    assert!(plain["builders"][0].get("metadata_options").is_none() && !deploy.log("calls").contains("packer plugins"));

    let deploy = Deploy::new();
    fs::write(deploy.dir.path().join("packer-version"), "1.11.2").expect("room");
    fs::write(deploy.dir.path().join("plugins"), "/p/packer-plugin-amazon_v1.0.4_x5.0_linux_amd64\n").expect("room");
    succeeds(&mut deploy.command(&["--yes"]));
    let strict = built(&deploy);
    let expected = pgherd::tools::packer::require_tokens(&plain.to_string()).expect("a template");
    assert_eq!(strict, serde_json::from_str::<serde_json::Value>(&expected).expect("JSON"));
    assert!(deploy.log("calls").contains("packer plugins install github.com/hashicorp/amazon"));

    fs::remove_file(deploy.dir.path().join("calls")).expect("calls");
    fs::write(deploy.dir.path().join("plugins"), "/p/packer-plugin-amazon_v1.3.2_x5.0_linux_amd64\n").expect("room");
    succeeds(&mut deploy.command(&["--yes"]));
    assert!(!deploy.log("calls").contains("packer plugins install "), "{}", deploy.log("calls"));
}

#[test]
fn a_packer_that_signs_with_sha1_is_refused_before_anything_is_made() {
    let unaware = FAKE.replace("server-sig-algs", "nothing of it");
    for (version, program) in [("1.8.0", FAKE), ("1.7.10", FAKE), ("1.6.6", unaware.as_str())] {
        let deploy = Deploy::new();
        fs::write(deploy.dir.path().join("packer-version"), version).expect("room");
        fs::write(deploy.dir.path().join("packer"), program).expect("room");
        let output = run(&mut deploy.command(&["--yes"]));
        assert!(!output.status.success(), "{version}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("packer {version} is too old. Install 1.8.1 or newer")), "{said}");
        assert!(!deploy.log("calls").contains(" apply ") && !deploy.log("calls").contains("packer build"));
    }
}
