//! A stage that fails reports its tool's own error, where it comes from, and what to do, not the whole log.

use std::process::Command;

use crate::support::herd::Herd;
use crate::support::{Done, Test, await_file};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];

/// A blueprint whose master has an instance type of its own, on line 3.
fn ready() -> Test {
    let blueprint = Herd::healthy().blueprint();
    let master = "region = \"eu-west-1\"\n  master { instance_type = \"m5.large\" }\n";
    let test = Test::with_tools(&blueprint.replace("region = \"eu-west-1\"\n", master));
    test.run(&["gen"]).exits(0);
    test
}

/// Returns the number of a generated file's line that contains a text.
fn line_of(test: &Test, file: &str, text: &str) -> usize {
    let file = test.read(&format!("generated/herd/{file}"));
    file.lines().position(|line| line.contains(text)).unwrap() + 1
}

/// A run in which the tool prints a text and fails at the calls that match.
fn failing(test: &Test, tool: &str, call: &str, says: &str) -> Done {
    test.hook(tool, &format!("case \"$*\" in {call}) i=0; while [ $i -lt 60 ]; do echo \"noise $i\"; i=$((i+1)); done; cat <<'EOT'\n{says}\nEOT\nexit 1 ;; esac"));
    let done = test.run(RUN).exits(1).err("full log: ").err("what to do: ");
    assert!(!done.stderr.contains("noise"), "a wall of log:\n{}", done.stderr);
    done
}

#[test]
fn an_error_of_terraform_leads_to_the_blueprints_line() {
    let test = ready();
    let line = line_of(&test, "db_config/terraform_master/main.tf", "local.instance_type");
    let says = format!(
        "aws_instance.master: Creating...\n\nError: creating EC2 Instance: api error Unsupported: no such type here\n\n  \
         with aws_instance.master,\n  on main.tf line {line}, in resource \"aws_instance\" \"master\":\n   {line}: instance_type\n"
    );
    let done = failing(&test, "terraform", "*master*apply*", &says);
    let done = done.err("| Error: creating EC2 Instance: api error Unsupported: no such type here");
    let done = done.err(&format!("in generated file: db_config/terraform_master/main.tf:{line}"));
    let done = done.err("set by: blueprints/herd.hcl:3: master { instance_type = \"m5.large\" }");
    assert!(!done.stderr.contains("Creating..."), "{}", done.stderr);
}

#[test]
fn an_error_that_terraform_reports_as_json_leads_there_too() {
    let test = ready();
    let line = line_of(&test, "db_config/terraform_master/main.tf", "local.instance_type");
    let error = Test::terraform_error("no such type", "It is out.\nFor good.", Some(("main.tf", line)));
    test.hook("terraform", &format!("case \"$*\" in *master*apply*) {error}; exit 1 ;; esac"));
    let done = test.run(RUN).exits(1).err("| Error: no such type").err("| It is out.").err("| For good.");
    let done = done.err("set by: blueprints/herd.hcl:3: master { instance_type = \"m5.large\" }");
    assert!(!done.stderr.contains("@message"), "for people: {}", done.stderr);
    let log = done.stderr.lines().find_map(|line| line.split_once("full log: ")).expect("a log").1;
    let log = std::fs::read_to_string(test.path("").join(log)).unwrap();
    assert!(log.contains("\nError: no such type\n\n  on main.tf line ") && !log.contains("@message"), "{log}");
}

#[test]
fn a_value_that_terraform_names_leads_there_too() {
    let test = ready();
    let says = "\nError: creating EC2 Instance: Invalid value 'm5.large' for InstanceType.\n\n  with aws_instance.master,\n  \
                on main.tf line 1, in resource \"aws_instance\" \"master\" in eu-west-1:\n   1: resource \"aws_instance\" \"master\" {\n";
    let done = failing(&test, "terraform", "*master*apply*", says);
    done.err("in generated file: db_config/terraform_master/main.tf:1\n").err("set by: blueprints/herd.hcl:3: ");
}

#[test]
fn what_the_blueprint_does_not_write_is_called_so() {
    let test = ready();
    let line = line_of(&test, "db_config/terraform_slave/main.tf", "local.instance_type");
    let says = format!("Error: no\n\n  on main.tf line {line}, in resource \"aws_instance\" \"slave\":\n");
    let done = failing(&test, "terraform", "*terraform_slave*plan*", &says);
    done.err("set by: blueprints/herd.hcl: slaves.instance_type is not set; using the default");
}

#[test]
fn two_errors_are_both_shown_and_a_warning_is_not() {
    let test = ready();
    let says =
        "╷\n│ Warning: Deprecated\n│\n│ It is old.\n╵\n╷\n│ Error: first\n│\n│ Because.\n╵\n╷\n│ Error: second\n╵";
    let done = failing(&test, "terraform", "*network*plan*", says).err("| Error: first").err("| Error: second");
    assert!(!done.stderr.contains("It is old"), "{}", done.stderr);
}

#[test]
fn an_error_of_a_script_that_packer_runs_is_shown_with_the_script() {
    let test = ready();
    let says = "==> amazon-ebs: Provisioning with shell script: /tmp/packer-shell1\n    amazon-ebs: slave_script.sh: installing\n\
                ==> amazon-ebs: slave_script.sh: error: etcd is 3.3; it must be 3.4 or newer\n\
                ==> amazon-ebs: Provisioning step had errors: Running the cleanup provisioner, if present...\n\
                ==> amazon-ebs: Terminating the source AWS instance...\n\
                Build 'amazon-ebs' errored after 3 minutes: Script exited with non-zero exit status: 1.Allowed exit codes are: [0]\n\n\
                ==> Some builds didn't complete successfully and had errors:\n\
                --> amazon-ebs: Script exited with non-zero exit status: 1.Allowed exit codes are: [0]\n\n\
                ==> Builds finished but no artifacts were created.";
    let done = failing(&test, "packer", "*slave_temp*", says);
    let done = done.err("| slave_script.sh: error: etcd is 3.3; it must be 3.4 or newer");
    let done = done.err("in generated file: db_config/slave_script.sh");
    assert!(!done.stderr.contains("Terminating"), "{}", done.stderr);
}

#[test]
fn an_answer_of_aws_is_shown_by_its_last_word() {
    let test = ready();
    let says = "An error occurred (UnauthorizedOperation) when calling the DescribeImages operation: not authorized";
    failing(&test, "aws", "*describe-images*", says).err("| An error occurred (UnauthorizedOperation)");
}

/// A folder that another user made, or a disk that is read-only.
#[test]
fn what_cannot_be_written_is_named() {
    for name in ["journal", "tools.lock", "logs"] {
        let test = ready();
        // Nothing else prevents root from writing.
        let path = format!("generated/herd/.pgherd/{name}");
        test.write(if name == "logs" { path } else { format!("{path}/in_the_way") }.as_str(), "");
        let done = test.run(RUN).exits(1).err("generated/herd/.pgherd/").err(name);
        assert!(done.stderr.contains("cannot write"), "{}", done.stderr);
    }
}

/// Presses Ctrl-C while a tool ignores it, continues and succeeds.
fn interrupted(test: &Test) -> Done {
    let child = test.spawn(RUN);
    await_file(&test.state("asked"));
    assert!(Command::new("/bin/kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let done: Done = child.wait_with_output().unwrap().into();
    done.exits(130)
}

#[test]
fn an_answer_that_came_after_ctrl_c_counts() {
    let test = ready();
    test.hook("aws", r#"case "$*" in *describe-images*) trap '' INT; touch "$STATE/asked"; sleep 1 ;; esac"#);
    // Nothing new is started, but the result of the running request is used.
    let done = interrupted(&test).err("image-master interrupted");
    let known = done.stderr.lines().any(|line| line.contains("image-master   done") && line.ends_with("will be built"));
    assert!(known, "{}", done.stderr);
}

#[test]
fn a_plan_that_is_shown_after_ctrl_c_is_not_gone_by() {
    let test = ready();
    test.hook(
        "terraform",
        r#"case "$*" in
        *network*" plan "*) exit 2 ;;
        *network*" show "*) trap '' INT; touch "$STATE/asked"; sleep 1 ;; esac"#,
    );
    let done = interrupted(&test).err("network interrupted");
    assert!(!done.stderr.contains("planned: 1 to add"), "{}", done.stderr);
}

/// Packer starts itself as a child process, and exits with 0 even if that process is killed, for example when memory is short.
#[test]
fn packer_that_ends_well_without_an_image_has_failed() {
    let test = ready();
    test.hook(
        "packer",
        "case \"$*\" in *build*master*) echo '    amazon-ebs: Found Image ID: ami-0base'; exit 0 ;; esac",
    );
    let done = test.run(RUN).exits(1).err("packer build of herd-master-").err("failed");
    done.err("| Error: packer built no image, because one of its processes was killed").err("The next run removes it");
    test.hook("packer", "");
    assert!(test.calls_of("describe-key-pairs").is_empty());
    test.run(RUN).exits(0);
    assert!(!test.calls_of("describe-key-pairs").is_empty(), "nobody looks for what it left");
}
