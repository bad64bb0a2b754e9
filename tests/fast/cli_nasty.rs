//! Files that are no blueprints at all: each is refused at once with a message, and nothing is written.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use crate::support::Test;
use rustix::fs::{CWD, Mode, mkfifoat};

const HERD: &str = "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n";

/// The file's content, and part of the message.
fn files() -> Vec<(Vec<u8>, String)> {
    let file = |bytes: &[u8], says: &str| (bytes.to_vec(), says.to_string());
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(HERD.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let big_endian: Vec<u8> = HERD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf32: Vec<u8> = ['\u{feff}'].into_iter().chain(HERD.chars()).flat_map(|c| (c as u32).to_le_bytes()).collect();
    let long_utf16: Vec<u8> = HERD.repeat(2000).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = |times: usize| format!("cluster \"herd\" {{\n{}}}\n", "# x\n".repeat(times)).into_bytes();
    vec![
        file(b"", "the file has no cluster block"),
        file(&utf16, "the file is UTF-16\n  save it as UTF-8"),
        file(&utf16[2..], "the file is UTF-16 without a byte-order mark"),
        file(&big_endian, "the file is UTF-16 without a byte-order mark"),
        file(&long_utf16, "the file is UTF-16 without a byte-order mark"),
        file(&utf32, "the file is UTF-32"),
        file(format!("\u{feff}\u{feff}{HERD}").as_bytes(), "the file contains a byte-order mark (U+FEFF, invisible)"),
        file(b"cluster \"herd\" {\n  # Gr\xf6\xdfe\n}\n", "line 2 is not UTF-8"),
        file(b"\x7fELF\x02\x01\x01\0", "is not valid HCL here"),
        file(&long(2_600_000), "the file is longer than 65536 bytes"),
        // Cut in the middle of a letter.
        file("ü".repeat(40_000).as_bytes(), "the file is longer than 65536 bytes"),
        file(HERD.replace('\n', "\r").as_bytes(), "write each attribute and each inner block on a line of its own"),
        file(HERD.replace("eu-west-1", "\u{202e}eu-west-1\x1b[31m").as_bytes(), "`\u{fffd}eu-west-1\u{fffd}[31m` is not a region"),
        file(HERD.replace("herd", "../../herd").as_bytes(), "cannot be part of a host name"),
        file(HERD.replace("herd", "/etc").as_bytes(), "cannot be part of a host name"),
        file(HERD.replace("eu-west-1", &"a".repeat(60_000)).as_bytes(), "aaa … aaa"),
        file(HERD.replace("\"eu-west-1\"", &"[".repeat(30_000)).as_bytes(), "nested too deeply"),
        file(HERD.replace("eu-west-1", &"${\"".repeat(10_000)).as_bytes(), "nested too deeply"),
        file(HERD.replace("\"eu-west-1\"", &"true ? 1 : ".repeat(5_000)).as_bytes(), "nested too deeply"),
        file(
            b"variable \"a\" { default = var.b }\nvariable \"b\" { default = var.a }\ncluster \"herd\" {\n  region = var.a\n}\n",
            "cannot refer to `var.b`",
        ),
    ]
}

#[test]
fn a_file_that_is_no_blueprint_is_refused_in_words() {
    for (bytes, says) in files() {
        let test = Test::new();
        std::fs::create_dir(test.path("blueprints")).unwrap();
        std::fs::write(test.path("blueprints/herd.hcl"), &bytes).unwrap();
        refused(&test, &["check"], &says);
        refused(&test, &["gen"], &says);
    }
}

#[test]
fn what_is_no_file_is_refused_in_words() {
    let test = Test::new();
    std::fs::create_dir_all(test.path("folder.hcl")).unwrap();
    symlink("loop.hcl", test.path("loop.hcl")).unwrap();
    symlink("nowhere.hcl", test.path("dangling.hcl")).unwrap();
    mkfifoat(CWD, test.path("silent.hcl"), Mode::RUSR | Mode::WUSR).unwrap();
    for (path, says) in [
        ("folder.hcl", "is a directory; pass the blueprints in it"),
        ("loop.hcl", "symbolic links"),
        ("dangling.hcl", "no such file"),
        ("nothing.hcl", "no such file"),
        // Without an end, and without a beginning.
        ("/dev/zero", "this is neither a file nor standard input"),
        ("/dev/null", "this is neither a file nor standard input"),
        ("silent.hcl", "this is neither a file nor standard input"),
        ("/dev/stdin", "the file has no cluster block"),
        ("/proc/self/mem", "/proc/self/mem: "),
    ] {
        refused(&test, &["check", path], says);
        refused(&test, &["gen", path], says);
    }
}

/// The output of another program is as good as a file.
#[test]
fn a_blueprint_may_come_through_a_pipe() {
    let test = Test::new();
    let late = format!("(sleep 0.3; printf '%s' '{HERD}')");
    for script in [format!("{late} | \"$0\" check /dev/stdin"), format!("\"$0\" check <{late}")] {
        let mut bash = std::process::Command::new("/usr/bin/bash");
        let done =
            bash.args(["-c", &script, env!("CARGO_BIN_EXE_pgherd")]).current_dir(test.path("")).output().unwrap();
        assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// In the wrong folder, or one level too deep.
#[test]
fn a_blueprint_that_is_elsewhere_is_named() {
    let test = Test::new();
    let here = test.path("").canonicalize().unwrap();
    let nothing = format!("the working directory is {}; it has no blueprints in blueprints/", here.display());
    refused(&test, &["check", "herd.hcl"], &nothing);
    refused(&test, &["check"], &format!("there is no blueprint in {}/blueprints/", here.display()));
    test.write("blueprints/herd.hcl", HERD);
    refused(&test, &["check", "herd.hcl"], "did you mean blueprints/herd.hcl?");
    refused(
        &test,
        &["check", "hred.hcl"],
        &format!("the working directory is {}; its blueprints are blueprints/herd.hcl", here.display()),
    );
}

#[test]
fn a_folder_of_blueprints_that_is_none_is_named() {
    let test = Test::new();
    symlink("blueprints", test.path("blueprints")).unwrap();
    refused(&test, &["check"], "blueprints: Too many levels of symbolic links");
}

#[track_caller]
fn refused(test: &Test, words: &[&str], says: &str) {
    let before = names(test);
    let start = Instant::now();
    let done = test.run(words).exits(2).err(says);
    assert!(start.elapsed() < Duration::from_secs(10), "{says}: {:?}", start.elapsed());
    assert!(!done.stderr.contains("panicked") && done.stderr.len() < 8_000, "{}", done.stderr);
    assert_eq!(names(test), before, "{says}: something is written");
}

/// Returns what exists, down to two levels of folders.
fn names(test: &Test) -> Vec<std::path::PathBuf> {
    let list =
        |dir: std::path::PathBuf| std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = list(test.path("")).flat_map(|path| list(path.clone()).chain([path])).collect();
    names.sort();
    names
}
