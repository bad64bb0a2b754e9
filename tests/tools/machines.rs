//! What runs on machines, checked with the tools it is for: scripts and HAProxy's configuration. (Patroni and PostgreSQL
//! check theirs while the image is built, in the version that will run: `provision_database.sh`.)

use std::path::PathBuf;
use std::process::Command;

use crate::support::generated::{Generated, KINDS, succeeds};

/// The generated files that begin with one of these lines.
fn scripts(generated: &Generated, first_lines: &[&str]) -> Vec<PathBuf> {
    let found: Vec<PathBuf> = (generated.files.iter())
        .filter(|(_, file)| file.text.lines().next().is_some_and(|line| first_lines.contains(&line)))
        .map(|(path, _)| generated.path(path.as_str()))
        .collect();
    assert!(found.len() > 3, "no scripts: {first_lines:?}");
    found
}

#[test]
fn shellcheck_finds_nothing() {
    for kind in KINDS {
        let generated = Generated::of(kind);
        let scripts = scripts(&generated, &["#!/bin/bash", "# shellcheck shell=bash"]);
        succeeds(Command::new("shellcheck").args(["--norc", "--external-sources"]).args(&scripts));
        for script in &scripts {
            succeeds(Command::new("bash").arg("-n").arg(script));
        }
    }
}

/// Either all requested huge pages or none, and never a failure, which would keep PostgreSQL from starting.
#[test]
fn huge_pages_are_set_aside_whole_or_not_at_all() {
    let generated = Generated::of("tests/blueprints/largest.hcl");
    let script = generated.path("db_config/huge_pages.sh");
    let dir = tempfile::TempDir::new().expect("a folder");
    let (number, kernel) = (dir.path().join("number"), dir.path().join("kernel"));
    std::fs::write(&number, "4208\n").expect("written");
    std::fs::write(&kernel, "0\n").expect("written");
    let printed = succeeds(Command::new("bash").arg(&script).args([&number, &kernel]));
    assert_eq!(printed, "4208 huge pages are reserved\n");
    assert_eq!(std::fs::read_to_string(&kernel).expect("its number"), "4208\n");
    // A kernel that reserves none, and one whose setting cannot be read.
    for kernel in ["/dev/null", "/nowhere/nr_hugepages"] {
        let printed = succeeds(Command::new("bash").arg(&script).arg(&number).arg(kernel));
        assert_eq!(printed, "the kernel has only 0 of 4208 huge pages, so PostgreSQL uses ordinary pages\n");
    }
}

#[test]
fn python_compiles_the_scripts() {
    let generated = Generated::of(KINDS[0]);
    let check = "import sys; [compile(open(path).read(), path, 'exec') for path in sys.argv[1:]]";
    let mut scripts = scripts(&generated, &["#!/usr/bin/python3"]);
    scripts.push(generated.path("machine/etcd_api.py"));
    succeeds(Command::new("python3").args(["-c", check]).args(&scripts));
}

#[test]
fn haproxy_takes_its_configuration() {
    for kind in KINDS {
        let generated = Generated::of(kind);
        let config = generated.path("load_balancer/haproxy.cfg");
        succeeds(Command::new("haproxy").args(["-c", "-q", "-f"]).arg(config).env("STATS_PASSWORD", "check"));
    }
}
