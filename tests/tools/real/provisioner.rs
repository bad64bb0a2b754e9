//! The provisioners' shell functions, run one by one, with the real apt in its own folder and a systemctl that only records
//! its arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::generated::{Generated, run, succeeds};

/// A folder that apt uses as the whole machine, and programs that take precedence over the real ones.
struct Root(TempDir);

impl Root {
    fn new() -> Self {
        let root = Root(TempDir::new().expect("a folder"));
        for dir in [
            "bin",
            "etc/apt/sources.list.d",
            "var/lib/apt/lists/partial",
            "var/lib/dpkg",
            "var/cache/apt/archives/partial",
        ] {
            fs::create_dir_all(root.path().join(dir)).expect("made");
        }
        fs::write(root.path().join("etc/apt/sources.list"), "").expect("written");
        fs::write(root.path().join("var/lib/dpkg/status"), "").expect("written");
        let at = root.path().display().to_string();
        root.program(
            "apt-get",
            &format!("exec /usr/bin/apt-get -o Dir={at} -o Dir::State::status={at}/var/lib/dpkg/status \"$@\""),
        );
        root.program("systemctl", &format!("echo \"$*\" >>{at}/told"));
        root
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/bash\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    /// Returns shell code that defines the provisioners' functions, with short pauses.
    fn shell(&self, line: &str) -> Command {
        let generated = Generated::of("blueprints/minimal.hcl");
        let common = fs::read_to_string(generated.path("machine/common.sh")).expect("it");
        let common = common.replace("ETC=/etc/pgherd", &format!("ETC={}", self.path().display()));
        let path = self.path().join("common.sh");
        fs::write(&path, common).expect("written");
        let mut command = Command::new("bash");
        let script = format!("set -euo pipefail; . {}; sleep() {{ command sleep 0.2; }}; {line}", path.display());
        let found = std::env::var("PATH").expect("a path");
        command.args(["-c", &script]).env("PATH", format!("{}:{found}", self.path().join("bin").display()));
        command
    }

    /// Holds a lock as apt does, until it is killed.
    fn hold(&self, lock: &str) -> Child {
        let script = "import fcntl, sys, time\nlock = open(sys.argv[1], 'w')\nfcntl.lockf(lock, fcntl.LOCK_EX)\nopen(sys.argv[2], 'w')\ntime.sleep(600)";
        let held = self.path().join("held");
        let mut command = Command::new("python3");
        command.args(["-c", script]).args([self.path().join(lock), held.clone()]);
        let holder = command.spawn().expect("python3 starts");
        until("the lock is held", || held.exists());
        holder
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it never came that {what}");
}

#[test]
fn refreshing_the_lists_waits_for_another_apt() {
    let root = Root::new();
    let mut holder = root.hold("var/lib/apt/lists/lock");
    let log = root.path().join("log");
    let log_file = || Stdio::from(fs::File::options().create(true).append(true).open(&log).expect("a log"));
    let mut refreshing =
        root.shell("refresh_lists").stdout(log_file()).stderr(log_file()).spawn().expect("bash starts");
    let printed = || fs::read_to_string(&log).expect("the log");
    until("it has tried twice", || printed().matches("Could not get lock").count() >= 2);
    assert_eq!(refreshing.try_wait().expect("asked"), None, "it gave up: {}", printed());
    holder.kill().and_then(|()| holder.wait()).expect("the holder ends");
    assert!(refreshing.wait().expect("it ends").success(), "{}", printed());
}

#[test]
fn refreshing_the_lists_has_an_end_and_its_failure_one_too() {
    let root = Root::new();
    let mut holder = root.hold("var/lib/apt/lists/lock");
    let output = run(&mut root.shell("SECONDS=0; sleep() { SECONDS=$((SECONDS + 200)); }; refresh_lists"));
    holder.kill().and_then(|()| holder.wait()).expect("the holder ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("cannot refresh the package lists: tried for 300 s\n"));
}

/// A mirror that does not exist is a failure: by itself, `apt-get update` only warns and continues with old lists, or with none.
#[test]
fn lists_that_are_not_there_are_not_taken_for_refreshed() {
    let root = Root::new();
    let source = format!("deb [trusted=yes] file:{}/nowhere stable main\n", root.path().display());
    fs::write(root.path().join("etc/apt/sources.list"), source).expect("written");
    let output = run(&mut root.shell("SECONDS=0; sleep() { SECONDS=$((SECONDS + 200)); }; refresh_lists"));
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_mirror_that_changed_is_read_anew_and_a_package_that_is_nowhere_is_no_endless_loop() {
    let root = Root::new();
    let calls = root.path().join("calls");
    // The first installation fails, and the one after new lists succeeds.
    root.program(
        "apt-get",
        &format!(
            "echo \"${{@: -2}}\" >>{calls}; case \"$*\" in *install*) [ \"$(grep -c update {calls})\" -gt 0 ];; esac",
            calls = calls.display()
        ),
    );
    succeeds(&mut root.shell("install_packages patroni"));
    let told = fs::read_to_string(&calls).expect("calls");
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(told.lines().nth(1).is_some_and(|line| line.contains("update")), "{told}");

    root.program("apt-get", "case \"$*\" in *install*) exit 100;; esac");
    let output = run(&mut root.shell("install_packages no-such-package"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_base_is_upgraded_and_a_mirror_that_changed_meanwhile_is_read_anew() {
    let root = Root::new();
    let calls = root.path().join("calls").display().to_string();
    let fails =
        format!("echo \"$*\" >>{calls}; case \"$*\" in *full-upgrade*) [ \"$(grep -c update {calls})\" -gt 0 ];; esac");
    root.program("apt-get", &fails);
    succeeds(&mut root.shell("upgrade_base"));
    let told = fs::read_to_string(&calls).expect("calls");
    let verbs: Vec<&str> = told.lines().flat_map(|line| line.split(' ')).filter(|word| word.contains("up")).collect();
    assert_eq!(verbs, ["full-upgrade", "update", "full-upgrade"], "{told}");

    root.program("apt-get", "case \"$*\" in *full-upgrade*) exit 100;; esac");
    let output = run(&mut root.shell("upgrade_base"));
    assert_eq!(output.status.code(), Some(1), "an image without its fixes is no image");
}

#[test]
fn what_an_image_is_made_of_is_written_down_and_told() {
    let root = Root::new();
    let told = succeeds(&mut root.shell("record_image bash dpkg"));
    let written = fs::read_to_string(root.path().join("image")).expect("the record");
    let version =
        |name: &str| written.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).map(String::from);
    let (bash, dpkg) = (version("bash").expect("bash"), version("dpkg").expect("dpkg"));
    let kernel = version("kernel").expect("the kernel, or none");
    assert!(told.ends_with(&format!(": versions: bash={bash} dpkg={dpkg} kernel={kernel}\n")), "{told}");
    let built = version("built").expect("the day");
    assert!(built.len() == 20 && built.ends_with('Z') && built.contains('T'), "{built}");
    assert!(written.lines().count() > 50, "every package: {written}");
    // A package that does not exist is a mistake in the provisioner.
    assert!(!run(&mut root.shell("record_image no-such-package")).status.success());
}

#[test]
fn the_daily_timers_are_stopped_and_stay_off_and_an_upgrade_is_waited_for() {
    let root = Root::new();
    let at = root.path().display().to_string();
    // An upgrade that has ended at the third check.
    root.program(
        "systemctl",
        &format!("echo \"$*\" >>{at}/told; case \"$1\" in show) [ \"$(grep -c ^show {at}/told)\" -gt 2 ] && echo inactive || echo activating;; esac"),
    );
    succeeds(&mut root.shell("stop_daily_apt"));
    let told = fs::read_to_string(root.path().join("told")).expect("what it was told");
    let all = |verb: &str| told.lines().filter(|line| line.contains(verb)).collect::<Vec<_>>().join(" ");
    for timer in ["apt-daily.timer", "apt-daily-upgrade.timer"] {
        assert!(all("stop").contains(timer) && all("mask").contains(timer), "{timer}: {told}");
    }
    assert!(all("stop").contains("apt-daily.service"), "{told}");
    // dpkg must not be interrupted.
    assert!(!all("stop").contains("apt-daily-upgrade.service"), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("show")).count(), 3, "{told}");
}

/// The provisioners use apt only after its timers are stopped, and only through functions that wait.
#[test]
fn every_provisioner_stops_the_timers_before_it_asks_apt() {
    let generated = Generated::of("blueprints/herd.hcl");
    for script in ["db_config/provision_database.sh", "load_balancer/haproxy_script.sh"] {
        let text = fs::read_to_string(generated.path(script)).expect("it");
        let at = |words: &str| text.lines().position(|line| line.trim() == words);
        let (waited, stopped, asked) = (at("wait_for_first_boot"), at("stop_daily_apt"), at("refresh_lists"));
        assert!(waited.is_some() && waited < stopped && stopped < asked, "{script}: {waited:?} {stopped:?} {asked:?}");
        let installs = text.lines().position(|line| line.starts_with("install_packages ")).expect("it installs");
        let upgraded = at("upgrade_base");
        assert!(asked < upgraded && upgraded < Some(installs), "{script}: {asked:?} {upgraded:?} {installs}");
        let (recorded, cleaned) = (at("record_image \"${packages[@]}\""), at("clean_image"));
        assert!(Some(installs) < recorded && recorded < cleaned, "{script}: {installs} {recorded:?} {cleaned:?}");
        let direct =
            text.lines().filter(|line| line.trim_start().starts_with("apt ") || line.contains("apt-get")).count();
        assert_eq!(direct, 0, "{script} asks apt past the functions that wait");
    }
}
