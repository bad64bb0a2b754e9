//! The page that a run writes, checked in a real browser: Chromium, without a network.

use std::fs;
use std::path::{Path, PathBuf};

use crate::real::browser::{END, Seen, console, look, picture};
use crate::support::herd::Herd;
use crate::support::{Test, await_file};
use serde_json::Value;

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Returns the newest page of the test's cluster.
fn page(test: &Test) -> PathBuf {
    let logs = test.path("generated/herd/.pgherd/logs");
    let pages = fs::read_dir(logs).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.to_str().unwrap().ends_with("-report.html"));
    pages.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap()).expect("a page")
}

#[test]
fn a_run_leaves_a_page_that_shows_it() {
    let test = Test::with_tools(&Herd::healthy().blueprint())
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_ACCESS_KEY_ID", "AKIA");
    test.run(&["gen"]).exits(0);
    test.hook("terraform", r#"case "$*" in *apply*) sleep 0.4 ;; esac"#);
    test.run(RUN).exits(0).err("report: ");
    // The slaves are created again, and one is replaced. A tool prints a secret, and markup. One fails.
    fs::remove_file(test.state("image-slave")).unwrap();
    fs::remove_file(test.state("made-terraform_haproxy")).unwrap();
    test.hook(
        "terraform",
        r#"case "$*" in
        *terraform_slave*" plan "*) for out; do case "$out" in -out=*) echo create >"db_config/terraform_slave/${out#-out=}" ;; esac; done
            exit 2 ;;
        *haproxy*apply*) sleep 0.5; printf '\nError: creating EC2 Instance: <b>no</b> & key %s\n\n  on main.tf line 1, in resource "aws_instance" "haproxy":\n' "$AWS_SECRET_ACCESS_KEY"; exit 1 ;;
        *apply*) sleep 0.6 ;; esac"#,
    );
    test.shown(
        "terraform_slave",
        serde_json::json!([{"address": "aws_instance.slave[\"slave1\"]", "mode": "managed", "type": "aws_instance",
        "change": {"actions": ["delete", "create"], "replace_paths": [["subnet_id"]],
        "before": {"tags": {"pgherd:machine": "slave1", "pgherd:role": "slave"}}}}]),
    );
    test.hook("packer", "sleep 0.8");
    let done = test.run(&[RUN, &["--confirm", "slave1"]].concat()).exits(1);
    assert!(!done.stderr.contains(SECRET) && done.stderr.contains("[secret]"), "{}", done.stderr);
    let page = page(&test);
    let html = fs::read_to_string(&page).unwrap();
    assert!(!html.contains(SECRET) && !html.contains("://"), "a secret, or something from elsewhere");

    let seen = look(&page);
    assert_eq!(seen.console, [""; 0]);
    for width in ["wide", "narrow"] {
        let text = seen.text(width);
        for part in [
            "herd\u{20}failed",
            "pgherd run on aws, eu-west-1",
            "What went wrong",
            "<b>no</b> & key [secret]",
            "load_balancer/terraform_haproxy/main.tf:1",
            "What to do:",
            "network",
            "image-master",
            "image-slave",
            "slaves",
            "verify",
            "skipped",
            "haproxy did not succeed",
            "aws_instance.slave[\"slave1\"]",
            "forced by subnet_id; DESTROYS THE DATA OF slave1",
            "the slave has no image yet",
            "ami-0master",
            "terraform 1.11.4",
            "packer 1.6.6, a rebuild that signs with SHA-2",
            "in 1 earlier run",
            "haproxy.log",
        ] {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words(text).contains(&words(part)), "{part:?} is not to be seen at the {width} page:\n{text}");
        }
    }
    for view in [&seen.wide, &seen.narrow] {
        assert!(view["ticks"].as_u64().unwrap() >= 3, "the axis has collapsed");
        assert_eq!(view["loaded"], Value::Array(vec![]), "it loads something");
        assert!(view["over"].as_i64().unwrap() <= 0, "it is wider than its window: {}", view["over"]);
        assert!(view["bars"].as_u64().unwrap() >= 8, "bars that can be seen: {}", view["bars"]);
    }
    picture(&page, "failed");
}

/// The run that finds a killed run writes the page that the killed run could not write.
#[test]
fn a_run_that_was_killed_gets_its_page_from_the_next() {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.hook("terraform", r#"case "$*" in *network*apply*) touch "$STATE/applying"; sleep 1 ;; esac"#);
    let mut child = test.spawn(RUN);
    await_file(&test.state("applying"));
    child.kill().unwrap();
    child.wait().unwrap();
    let logs = test.path("generated/herd/.pgherd/logs");
    let of_killed = |end: &str| {
        let mut names = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
        names.sort();
        names.into_iter().find(|path| path.to_str().unwrap().ends_with(end))
    };
    assert_eq!(of_killed("-report.html"), None, "it was killed");
    let torn = of_killed("-events.jsonl").unwrap();
    // Cut in the middle of a letter.
    fs::write(&torn, [fs::read(&torn).unwrap(), b"{\"at\":\"2026-11-24T18:0\xc3".to_vec()].concat()).unwrap();
    let told = |events: &Path| String::from_utf8_lossy(&fs::read(events).unwrap()).into_owned();
    let done = test.run(RUN).exits(0);
    let page = PathBuf::from(torn.to_str().unwrap().replace("-events.jsonl", "-report.html"));
    let done = done.err(&format!("report: {}", page.display()));
    let newer = page.with_file_name("newer");
    assert!(done.stderr.matches("-report.html").count() == 2, "its own, and that of the killed one: {}", done.stderr);

    let seen = look(&page);
    assert_eq!(seen.console, [""; 0]);
    for width in ["wide", "narrow"] {
        let text = seen.text(width).split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "herd killed",
            "killed; run 20",
            "killed was running",
            "network: was running when the run was killed; terraform apply: exit code 0",
            "not started",
        ] {
            assert!(text.contains(part), "{part:?} is not to be seen at the {width} page:\n{text}");
        }
    }
    picture(&page, "killed");

    // A run that was killed between its last event and its page.
    let ended =
        page.with_file_name(page.file_name().unwrap().to_str().unwrap().replace("-report.html", "-events.jsonl"));
    assert!(told(&ended).contains("run-ended"));
    fs::remove_file(&page).unwrap();
    test.run(RUN).exits(0);
    assert!(fs::read_to_string(&page).unwrap().contains("killed"));
    assert_eq!(told(&ended).matches("run-ended").count(), 1);

    // It is reported once, and its history has an end.
    let events = told(&torn);
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&Value::from("run-ended"), &Value::from(137)), "{events}");
    fs::write(&newer, "").unwrap();
    let done = test.run(RUN).exits(0);
    assert_eq!(done.stderr.matches("-report.html").count(), 1, "{}", done.stderr);
    let changed = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    assert!(changed(&page) < changed(&newer), "written once");
}

#[test]
fn the_browser_would_tell() {
    let line = |text: &str, source: &str| format!("[1:1:INFO:CONSOLE:1] \"{text}\", source: {source} (1)\n");
    let (ours, own) = (line("x", "file:///page.html"), line("x", "chrome://new-tab-page/"));
    assert_eq!(console(&ours), None, "nothing is known of a log that was cut off");
    let said = console(&(ours.clone() + &own + &line(END, "file:///harness.html")));
    assert_eq!(said, Some(vec![ours.trim_end().to_string()]));
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.run(RUN).exits(0);
    let page = page(&test);
    let html = fs::read_to_string(&page).unwrap();
    let broken = page.with_file_name("broken.html");
    let bad = "<p style=\"width: 2000px\">x</p><script src=\"http://192.0.2.1/x.js\"></script></body>";
    fs::write(&broken, html.replace("</body>", bad)).unwrap();
    let seen = look(&broken);
    assert!(!seen.console.is_empty(), "nothing on the console");
    assert!(seen.narrow["over"].as_i64().unwrap() > 0);
}

#[test]
fn a_review_and_a_teardown_leave_pages_too() {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.run(&["run", "blueprints/herd.hcl", "--plan-only"]).exits(3);
    let html = fs::read_to_string(page(&test)).unwrap();
    assert!(html.contains("changes needed") && html.contains("will be planned once network exists"), "{html}");
    test.run(RUN).exits(0);
    test.run(&["destroy", "blueprints/herd.hcl", "--yes"]).exits(0);
    assert!(fs::read_to_string(page(&test)).unwrap().contains("pgherd destroy"));
}

/// What Patroni still shows is called old news, and etcd is named.
#[test]
fn the_page_shows_each_member_of_etcd() {
    let herd = Herd::healthy();
    let test = Test::with_tools(&herd.blueprint());
    test.run(&["gen"]).exits(0);
    test.run(RUN).exits(0);
    let healthy = look(&page(&test));
    herd.etcd_is_silent("slave1", 503);
    herd.etcd_is_silent("slave2", 504);
    herd.etcd_says("master", "status", |status| drop(status.as_object_mut().unwrap().remove("leader")));
    test.run(&[RUN, &["--wait", "0"]].concat()).exits(1).err("etcd has no majority");
    let lost = look(&page(&test));
    for width in ["wide", "narrow"] {
        let words = |seen: &Seen| seen.text(width).split_whitespace().collect::<Vec<_>>().join(" ");
        let (healthy, lost) = (words(&healthy), words(&lost));
        for part in
            ["slave1 leader 2 120 90 d97d7ded 49152 B none", "master master eu-west-1a 10.20.0.16 primary running"]
        {
            assert!(healthy.contains(part), "{part:?} is not to be seen at the {width} page: {healthy}");
        }
        for part in [
            "etcd has no majority: 1 of 3 members report",
            "master no leader 2 120",
            "slave2 no response",
            "was primary unknown",
        ] {
            assert!(lost.contains(part), "{part:?} is not to be seen at the {width} page: {lost}");
        }
    }
    for seen in [&healthy, &lost] {
        assert_eq!(seen.console, [""; 0]);
        assert_eq!((&seen.wide["over"], &seen.narrow["over"]), (&0.into(), &0.into()), "the page is too wide");
    }
}
