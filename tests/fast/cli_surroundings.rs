//! pgherd's surroundings: tools that hang, output that cannot be written, variables with wrong paths, and a checkout that git has
//! changed.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::herd::Herd;
use crate::support::{Done, Test};

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];
const MINIMAL: &str = "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n";

fn ready() -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test
}

#[test]
fn a_tool_that_hangs_is_named_and_not_waited_for() {
    let test = Test::with_tools(MINIMAL);
    test.hook("packer", "[ \"$1\" = version ] && sleep 300");
    let begin = Instant::now();
    test.run(&["doctor"])
        .exits(4)
        .out("did not print its version: no response within 20 s: run `")
        .err("missing: packer");
    assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", begin.elapsed());
}

#[test]
fn what_does_not_say_its_version_is_not_asked_for_more() {
    let test = Test::with_tools(MINIMAL);
    test.hook("aws", &format!("[ \"$1\" = sts ] && touch {}; sleep 300", test.state("asked").display()));
    let begin = Instant::now();
    let done = test.run(&["doctor"]).exits(4).out("UNFIT aws").out("no response within 20 s: run `");
    done.out("MISSING AWS credentials - - unknown until the AWS CLI works").err("missing: aws, AWS credentials");
    assert!(begin.elapsed() < Duration::from_secs(100), "{:?}", begin.elapsed());
    assert!(!test.state("asked").exists(), "AWS was asked");
}

#[test]
fn a_question_that_hangs_is_over_at_the_first_interrupt() {
    let test = Test::with_tools(MINIMAL);
    // Ctrl-C is not passed to it.
    let deaf = |word: &str| {
        format!("[ \"$1\" = {word} ] && {{ trap '' INT; touch {}; sleep 300; }}", test.state("deaf").display())
    };
    for word in ["--version", "sts"] {
        test.hook("aws", &deaf(word));
        let _ = fs::remove_file(test.state("deaf"));
        let mut command = test.command(&["doctor"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let begin = Instant::now();
        while !test.state("deaf").exists() {
            assert!(begin.elapsed() < Duration::from_secs(60), "aws {word} is not asked");
            std::thread::sleep(Duration::from_millis(20));
        }
        let begin = Instant::now();
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
        Done::from(child.wait_with_output().unwrap()).exits(130);
        assert!(begin.elapsed() < Duration::from_secs(10), "aws {word}: {:?}", begin.elapsed());
    }
}

#[test]
fn output_that_cannot_be_written_is_no_success() {
    let test = ready();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for args in [
        &["schema"][..],
        &["schema", "--events"],
        &["--help"],
        &["--version"],
        &["check", "blueprints/herd.hcl"],
        &["explain", "PGH001"],
        &["gen", "--check"],
        &["run", "blueprints/herd.hcl", "--dry-run"],
    ] {
        let whole = test.run(args);
        let done: Done = test.command(args).stdout(full()).output().unwrap().into();
        // A command without output loses nothing.
        let code = if whole.stdout.is_empty() { whole.code } else { Some(6) };
        assert_eq!(done.code, code, "{args:?}: {}", done.stderr);
        assert_eq!(
            done.stderr.contains("No space left on device"),
            !whole.stdout.is_empty(),
            "{args:?}: {}",
            done.stderr
        );
    }
    // Everything is done, but its output is lost.
    let done: Done = test.command(&[RUN, &["--format", "json"]].concat()).stdout(full()).output().unwrap().into();
    done.exits(6).err("cannot write events to standard output");
    test.command(RUN).stderr(full()).output().map(Done::from).unwrap().exits(6);
    test.run(RUN).exits(0);
    // A usage error keeps its exit code.
    test.command(&["check", "nowhere.hcl"]).stderr(full()).output().map(Done::from).unwrap().exits(2);
    // A failure keeps its exit code, and also reports that its table is lost.
    test.remove_program("packer");
    let lost = test.command(&["doctor"]).stdout(full()).output().map(Done::from).unwrap().exits(4);
    lost.err("missing: packer").err("cannot write the result to standard output: No space left on device");
    // A reader that closes the pipe is not a failure.
    let mut child = test.command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    Done::from(child.wait_with_output().unwrap()).exits(0);
}

#[test]
fn an_environment_that_points_nowhere_is_named_as_that() {
    let with = |name: &str, value: &str, args: &[&str]| -> Done {
        ready().command(args).env(name, value).output().unwrap().into()
    };
    for name in ["TMPDIR", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "TF_PLUGIN_CACHE_DIR"] {
        let done = with(name, "/nowhere", RUN).exits(4).err(&format!("{name} is /nowhere, but there is no such"));
        assert!(!done.stderr.contains("packer"), "no tool is missing: {}", done.stderr);
        with(name, "/nowhere", &["doctor"])
            .exits(4)
            .out(&format!("{name} is /nowhere"))
            .err(&format!("missing: {name}"));
    }
    for name in ["HOME", "XDG_CONFIG_HOME", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "TF_CLI_CONFIG_FILE"] {
        with(name, "/nowhere", &["doctor"]).exits(0).out(&format!("{name} is /nowhere, but there is no such"));
    }
    with("SSL_CERT_FILE", "/tmp", &["doctor"])
        .exits(4)
        .out("SSL_CERT_FILE is /tmp, which is a folder; a file is needed");
    with("PATH", "/nowhere", &["doctor"]).exits(4).out("not found in PATH. Its folder /nowhere does not exist");
}

#[test]
fn a_tool_that_fails_of_its_environment_is_not_to_be_got_anew() {
    let test = ready();
    test.hook(
        "packer",
        "[ \"$1\" = version ] && { echo >&2; echo \"cannot make a log: no such folder\" >&2; exit 1; }",
    );
    let doctor =
        |name: &str, value: &str| -> Done { test.command(&["doctor"]).env(name, value).output().unwrap().into() };
    for (name, value) in [("TMPDIR", "/nowhere"), ("TMPDIR", "/proc"), ("HOME", "/dev/null")] {
        let done = doctor(name, value).exits(4).out(&format!("{name} is {value}"));
        let done = done.out("UNFIT packer").out(&format!(
            "did not print its version: cannot make a log: no such folder: fix the environment first: {name}"
        ));
        assert!(!done.stdout.contains("get 1.8.1"), "{}", done.stdout);
    }
    // Nothing is wrong with the environment, so the tool is at fault.
    test.run(&["doctor"])
        .exits(4)
        .out("did not print its version: cannot make a log: no such folder: get 1.8.1 or newer");
    // A folder for temporary files must be writable.
    test.hook("packer", "");
    doctor("TMPDIR", "/proc")
        .exits(4)
        .out("TMPDIR is /proc, but that folder cannot be written to")
        .err("missing: TMPDIR");
    doctor("TMPDIR", "/tmp").exits(0);
    let empty = test.path("temporary");
    fs::create_dir(&empty).unwrap();
    doctor("TMPDIR", empty.to_str().unwrap()).exits(0);
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0, "what was written to try it is still there");
}

#[test]
fn an_error_with_a_known_cause_comes_with_the_command_that_mends_it() {
    let test = ready();
    test.hook(
        "terraform",
        r#"case "$*" in *network*" init "*)
        echo "Error: Failed to install provider"; echo
        echo "Error while installing hashicorp/aws v5.100.0: the local package for"
        echo "registry.terraform.io/hashicorp/aws 5.100.0 doesn't match any of the"
        echo "checksums previously recorded in the dependency lock file (this might be"
        echo "because the available checksums are for packages targeting different"
        echo "platforms)"; exit 1 ;; esac"#,
    );
    let done = test.run(RUN).exits(1).err("network/terraform_network providers lock -platform=linux_");
    assert!(!done.stderr.contains("(or mirror)"), "{}", done.stderr);
}

fn git(dir: &std::path::Path, args: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(dir);
    let output = git.output().unwrap_or_else(|e| panic!("git: {e}: `make test` installs it"));
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_git_makes_of_the_files_is_prevented_or_named() {
    let test = ready();
    let work = test.path("");
    git(&work, &["init", "-q"]);
    git(&work, &["add", "."]);
    git(&work, &["commit", "-qm", "herd"]);
    // A clone that converts line endings has the same files.
    let clone = test.path("clone");
    git(&work, &["clone", "-q", "-c", "core.autocrlf=true", ".", "clone"]);
    assert!(fs::read_to_string(clone.join("blueprints/herd.hcl")).unwrap().contains("\r\n"), "it converts nothing");
    let mut check = test.command(&["gen", "--check"]);
    check.current_dir(&clone).output().map(Done::from).unwrap().exits(0);

    // Files of an older clone are reported as converted, and written again.
    let generated = test.path("generated/herd");
    let script = generated.join("deploy.sh");
    let text = fs::read_to_string(&script).unwrap();
    let seal = generated.join(".pgherd/seal");
    for path in ["deploy.sh", "pgherd.json", "db_config/patroni.yml"].map(|path| generated.join(path)) {
        let crlf = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
        fs::write(path, crlf).unwrap();
    }
    let _ = fs::remove_file(seal);
    test.run(RUN).exits(3).err("have CRLF line endings").err("core.autocrlf").err("pgherd gen blueprints/herd.hcl");
    test.run(&["gen", "--check"]).exits(3).err("had CRLF line endings: git converts them");
    test.run(&["gen"]).exits(0).err("2 files in generated/herd had CRLF line endings: git converts them");
    assert_eq!(fs::read_to_string(&script).unwrap(), text);
    // An edit among them is still detected.
    fs::write(&script, (text.clone() + "# mine\n").replace('\n', "\r\n")).unwrap();
    test.run(&["gen"]).exits(3).err("deploy.sh was edited since pgherd wrote it");
    test.run(&["gen", "--force"]).exits(0);

    // A clone without modes loses the executable bit.
    let mut modes = fs::metadata(&script).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut modes, 0o644);
    fs::set_permissions(&script, modes).unwrap();
    test.run(RUN).exits(3).err(": deploy.sh\n").err("the executable bit is wrong in").err("core.fileMode");
    test.run(&["gen"]).exits(0);
    test.run(RUN).exits(0);
}

#[test]
fn a_blueprint_with_crlf_is_the_same_blueprint() {
    let test = Test::with_tools(MINIMAL);
    test.run(&["gen"]).exits(0);
    let script = test.read("generated/herd/deploy.sh");
    test.write("blueprints/herd.hcl", &MINIMAL.replace('\n', "\r\n"));
    test.run(&["gen", "--check"]).exits(0);
    test.run(&["gen"]).exits(0);
    assert_eq!(test.read("generated/herd/deploy.sh"), script);
    let wrong = "cluster \"herd\" {\n  region = \"eu-west-1\"\n  slaves { count = 99 }\n  netwrok { }\n}\n";
    let place = |text: &str| {
        test.write("wrong.hcl", text);
        test.run(&["check", "wrong.hcl"]).exits(2).stderr
    };
    assert_eq!(place(wrong), place(&wrong.replace('\n', "\r\n")));
}
