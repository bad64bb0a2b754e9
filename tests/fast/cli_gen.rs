//! `pgherd gen`, end to end.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use crate::support::{Test, tree};
use pgherd::fileset::seal::{Listing, Seal};
use pgherd::fileset::{Mode, RelPath, sha256_hex};

const HERD: &str = "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n";
const OUTPUTS: &str = "generated/herd/network/terraform_network/outputs.tf";
const MANIFEST: &str = "generated/herd/pgherd.json";

fn herd() -> Test {
    let test = Test::new();
    test.write("blueprints/herd.hcl", HERD);
    test
}

fn generated() -> Test {
    let test = herd();
    test.run(&["gen"]).exits(0);
    test
}

#[test]
fn writes_every_blueprint_and_nothing_the_second_time() {
    let test = herd();
    test.write("blueprints/other.hcl", &HERD.replace("herd", "other"));
    test.run(&["gen"]).exits(0).out("generated/herd: ").out("generated/other: ").out(" written");
    let before = fs::metadata(test.path(OUTPUTS)).unwrap();
    test.run(&["gen", "blueprints/herd.hcl"]).exits(0).out("unchanged");
    let after = fs::metadata(test.path(OUTPUTS)).unwrap();
    assert_eq!(
        (before.ino(), before.mtime_nsec()),
        (after.ino(), after.mtime_nsec()),
        "an unchanged file is not touched"
    );
    test.run(&["gen", "--check"]).exits(0);
    assert!(test.read(MANIFEST).contains("\"network/terraform_network/outputs.tf\": \""));
}

#[test]
fn the_same_blueprint_gives_the_same_bytes_wherever_it_lies() {
    let (one, two) = (herd(), herd());
    one.run(&["gen"]).exits(0);
    two.run(&["gen", two.path("blueprints/herd.hcl").to_str().unwrap(), "--out", "elsewhere"]).exits(0);
    assert_eq!(tree(&one.path("generated/herd")), tree(&two.path("elsewhere/herd")));
}

#[test]
fn check_writes_nothing_and_shows_the_difference() {
    let test = herd();
    test.run(&["gen", "--check"])
        .exits(3)
        .out("--- /dev/null")
        .out("+++ generated/herd/network/terraform_network/outputs.tf");
    assert!(!test.path("generated").exists());
    test.run(&["gen"]).exits(0);
    fs::write(test.path(OUTPUTS), "mine\n").unwrap();
    test.run(&["gen", "--check"]).exits(3).out("-mine").err("was edited since pgherd wrote it");
    assert_eq!(test.read(OUTPUTS), "mine\n");
}

#[test]
fn names_every_file_in_the_way_before_it_writes_any() {
    let test = generated();
    test.write("blueprints/herd.hcl", &HERD.replace("eu-west-1", "eu-central-1"));
    let before = test.read(MANIFEST);
    fs::write(test.path(OUTPUTS), "mine\n").unwrap();
    let provider = "generated/herd/network/terraform_network/provider.tf";
    fs::write(test.path(provider), "# mine\n").unwrap();
    test.run(&["gen"]).exits(3).err(OUTPUTS).err(provider).err("--force").err("nothing was written");
    assert_eq!((test.read(OUTPUTS).as_str(), test.read(MANIFEST)), ("mine\n", before));
    test.run(&["gen", "--force"]).exits(0).err(OUTPUTS).err("overwriting it");
    assert_ne!(test.read(OUTPUTS), "mine\n");
    test.run(&["gen", "--check"]).exits(0);
}

#[test]
fn a_file_of_somebody_else_is_not_overwritten() {
    let test = herd();
    test.write(OUTPUTS, "theirs\n");
    test.run(&["gen"]).exits(3).err("was not written by pgherd");
    assert_eq!(test.read(OUTPUTS), "theirs\n");
    test.run(&["gen", "--force"]).exits(0);
}

#[test]
fn a_file_that_is_no_longer_generated_goes_only_if_it_is_untouched() {
    let test = generated();
    let slaves = test.path("generated/herd/db_config/terraform_slave");
    assert!(slaves.exists());
    let kept = "generated/herd/db_config/terraform_slave/main.tf";
    fs::write(test.path(kept), "# mine\n").unwrap();
    test.write("generated/herd/notes.txt", "mine\n");
    test.write("blueprints/herd.hcl", &HERD.replace("}\n", "  slaves {\n    count = 0\n  }\n}\n"));
    test.run(&["gen"]).exits(0).out("removed").err("no longer generated");
    assert_eq!(test.read(kept), "# mine\n");
    assert_eq!(fs::read_dir(&slaves).unwrap().count(), 1);
    assert_eq!(test.read("generated/herd/notes.txt"), "mine\n");
    test.run(&["gen", "--check"]).exits(0);
}

/// Terraform can destroy only what its files still describe.
#[test]
fn a_module_that_may_have_machines_stays() {
    let module = "generated/herd/db_config/terraform_slave";
    let none = HERD.replace("eu-west-1\"\n", "eu-west-1\"\n  slaves { count = 0 }\n");
    for (state, text, stays) in [
        ("terraform.tfstate", r#"{"version": 4, "resources": [{"type": "aws_instance"}]}"#, true),
        ("terraform.tfstate", r#"{"version": 4, "resour"#, true),
        ("terraform.tfstate", "", true),
        (".terraform/terraform.tfstate", r#"{"backend": {"type": "s3"}}"#, true),
        ("terraform.tfstate.d/prod/terraform.tfstate", "", true),
        ("errored.tfstate", r#"{"version": 4, "resources": [{"type": "aws_instance"}]}"#, true),
        (".terraform.tfstate.lock.info", "{}", true),
        ("terraform.tfstate", r#"{"version": 4, "resources": []}"#, false),
        (".terraform/providers/any", "", false),
    ] {
        let test = generated();
        test.write(&format!("{module}/{state}"), text);
        test.write("blueprints/herd.hcl", &none);
        let before = tree(&test.path("generated"));
        if stays {
            for force in [&[][..], &["--force"]] {
                test.run(&[&["gen"], force].concat())
                    .exits(3)
                    .err(&format!(
                        "{module}/main.tf would be removed, but the state next to it may still contain machines"
                    ))
                    .err("restore `slaves { count = … }`");
                assert_eq!(tree(&test.path("generated")), before, "{state} {text}");
            }
        } else {
            test.run(&["gen"]).exits(0);
            assert!(!test.path(module).join("main.tf").exists(), "{state} {text}");
        }
    }
}

#[test]
fn a_state_that_cannot_be_reached_is_no_empty_one() {
    let test = generated();
    symlink("/nowhere/terraform.tfstate", test.path("generated/herd/db_config/terraform_slave/terraform.tfstate"))
        .unwrap();
    test.write("blueprints/herd.hcl", &HERD.replace("eu-west-1\"\n", "eu-west-1\"\n  slaves { count = 0 }\n"));
    test.run(&["gen"]).exits(3).err("the state next to it may still contain machines");
}

#[test]
fn a_folder_of_another_cluster_is_not_taken_over_unasked() {
    let test = generated();
    fs::rename(test.path("generated/herd"), test.path("generated/copy")).unwrap();
    test.write("blueprints/herd.hcl", &HERD.replace("herd", "copy"));
    test.run(&["gen"])
        .exits(3)
        .err("generated/copy/pgherd.json belongs to another cluster, \"herd\"")
        .err("the directory was copied from another cluster, and its Terraform states lead to that cluster's machines");
    test.run(&["gen", "--force"]).exits(0);
    test.run(&["gen"]).exits(0).out("generated/copy: ").out(" unchanged");
}

#[test]
fn modes_are_set_and_repaired() {
    let test = generated();
    fs::set_permissions(test.path(OUTPUTS), fs::Permissions::from_mode(0o755)).unwrap();
    test.run(&["gen", "--check"]).exits(3).out("old mode 100755").out("new mode 100644");
    test.run(&["gen"]).exits(0);
    assert_eq!(fs::metadata(test.path(OUTPUTS)).unwrap().mode() & 0o777, 0o644);
}

const SEAL: &str = "generated/herd/.pgherd/gen-seal";

/// A folder whose seal is valid but whose files are not what `gen` writes. Only a command that trusts the seal accepts it.
fn forged() -> Test {
    let test = generated();
    let set = "# forged\n";
    let mut manifest: serde_json::Value = serde_json::from_str(&test.read(MANIFEST)).unwrap();
    manifest["files"]["network/terraform_network/outputs.tf"] = sha256_hex(set.as_bytes()).into();
    test.write(OUTPUTS, set);
    test.write(MANIFEST, &manifest.to_string());
    let mut listing = Listing::default();
    for (path, text) in tree(&test.path("generated/herd")).iter().filter(|(path, _)| !path.starts_with(".pgherd")) {
        let executable = fs::metadata(test.path("generated/herd").join(path)).unwrap().mode() & 0o100 != 0;
        let mode = if executable { Mode::Executable } else { Mode::Plain };
        listing.add(&RelPath::new(path.as_str()), mode, &sha256_hex(text.as_bytes()));
    }
    let seal = Seal::parse(&test.read(SEAL)).unwrap();
    test.write(SEAL, &Seal { listing: listing.hash(), ..seal }.to_text());
    test
}

#[test]
fn what_is_sealed_is_not_made_again() {
    let test = forged();
    test.run(&["gen"]).exits(0).out(" unchanged");
    assert!(test.read(OUTPUTS).contains("forged"));
}

#[test]
fn a_seal_counts_for_one_program_one_blueprint_and_these_files_only() {
    let restored = |test: &Test| assert!(!test.read(OUTPUTS).contains("forged"));
    forged().run(&["gen", "--check"]).exits(3).out("-# forged");

    let test = forged();
    let other = test.path("pgherd");
    fs::copy(env!("CARGO_BIN_EXE_pgherd"), &other).unwrap();
    assert!(Command::new(&other).arg("gen").current_dir(test.path("")).status().unwrap().success());
    restored(&test);

    let test = forged();
    test.write("blueprints/herd.hcl", &format!("# Another text.\n{HERD}"));
    test.run(&["gen"]).exits(0);
    restored(&test);

    let test = forged();
    fs::set_permissions(test.path(OUTPUTS), fs::Permissions::from_mode(0o755)).unwrap();
    test.run(&["gen"]).exits(0);
    restored(&test);

    let test = forged();
    test.write("generated/herd/.pgherd/gen-journal.json", "{}");
    test.run(&["gen"]).exits(0);
    restored(&test);
}

/// Whatever a killed `gen` left: some files written, some not, a half-written one beside its target, the old manifest.
#[test]
fn goes_on_after_a_crash_at_any_instant() {
    let old = generated();
    let next = HERD.replace("eu-west-1", "eu-central-1");
    let whole = herd();
    whole.write("blueprints/herd.hcl", &next);
    whole.run(&["gen"]).exits(0);
    let wanted: Vec<_> =
        tree(&whole.path("generated/herd")).into_iter().filter(|(p, _)| !p.starts_with(".pgherd")).collect();
    let journal: serde_json::Value = serde_json::from_str(&whole.read(MANIFEST)).unwrap();
    let journal: serde_json::Map<String, serde_json::Value> =
        journal["files"].as_object().unwrap().iter().map(|(k, v)| (k.clone(), serde_json::json!([v]))).collect();
    for written in (0..wanted.len()).step_by(7) {
        let test = herd();
        test.write("blueprints/herd.hcl", &next);
        for (path, text) in tree(&old.path("generated/herd")) {
            test.write(&format!("generated/herd/{path}"), &text);
        }
        for (path, text) in wanted.iter().filter(|(path, _)| path != "pgherd.json").take(written) {
            test.write(&format!("generated/herd/{path}"), text);
        }
        test.write("generated/herd/.pgherd/gen-journal.json", &serde_json::to_string(&journal).unwrap());
        test.write("generated/herd/network/terraform_network/.outputs.tf.pgherd-new", "hal");
        test.run(&["gen"]).exits(0);
        let found: Vec<_> =
            tree(&test.path("generated/herd")).into_iter().filter(|(p, _)| !p.starts_with(".pgherd")).collect();
        assert_eq!(found, wanted, "after {written} files");
        assert!(!test.path("generated/herd/.pgherd/gen-journal.json").exists());
    }
}

/// Kills a real process at many instants.
#[test]
fn goes_on_after_kill() {
    for delay in 0..12u64 {
        let test = generated();
        test.write("blueprints/herd.hcl", &HERD.replace("eu-west-1", "eu-central-1"));
        let mut child = test.spawn(&["gen"]);
        std::thread::sleep(std::time::Duration::from_micros(delay * 900));
        child.kill().unwrap();
        child.wait().unwrap();
        test.run(&["gen"]).exits(0);
        test.run(&["gen", "--check"]).exits(0);
        assert!(tree(&test.path("generated/herd")).iter().all(|(path, _)| !path.ends_with("pgherd-new")));
    }
}

/// A file in the place of the folder, because little else prevents root from writing.
#[test]
fn a_folder_that_cannot_be_written_is_named_with_what_to_do() {
    let test = herd();
    test.write("taken", "");
    let done = test.run(&["gen", "blueprints/herd.hcl", "--out", "taken/here"]).exits(1).err("cannot make ");
    done.err("taken/here/herd: Not a directory").err("or choose another one with --out");
}

#[test]
fn a_link_never_leads_a_write_outside() {
    let test = herd();
    let outside = test.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::create_dir_all(test.path("generated/herd")).unwrap();
    symlink(&outside, test.path("generated/herd/network")).unwrap();
    test.run(&["gen"]).exits(3).err("a symbolic link");
    test.run(&["gen", "--force"]).exits(3);
    fs::remove_file(test.path("generated/herd/network")).unwrap();
    symlink(outside.join("file"), test.path(MANIFEST)).unwrap();
    test.run(&["gen", "--force"]).exits(3).err("a symbolic link");
    fs::remove_dir_all(test.path("generated/herd")).unwrap();
    symlink(&outside, test.path("generated/herd")).unwrap();
    test.run(&["gen", "--force"]).exits(3).err("a symbolic link");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn a_manifest_that_leads_outside_is_none() {
    let test = generated();
    let precious = test.write("precious", "x");
    let manifest = test.read(MANIFEST).replace("\"network/terraform_network/outputs.tf\"", "\"../../precious\"");
    fs::write(test.path(MANIFEST), manifest).unwrap();
    test.run(&["gen"]).exits(3).err("is not a manifest");
    assert!(precious.exists());
}

#[test]
fn two_clusters_of_one_name_are_refused() {
    let test = herd();
    test.write("blueprints/copy.hcl", HERD);
    test.run(&["gen"]).exits(2).err("both describe cluster \"herd\"; rename one of the clusters");
    let twice = ["gen", "blueprints/herd.hcl", "blueprints/herd.hcl"];
    test.run(&twice).exits(2).err("blueprints/herd.hcl is listed twice; remove one of the two");
    let done = test.run(&["gen", "x.hcl", "x.hcl"]).exits(2).err("x.hcl is listed twice");
    assert_eq!(done.stderr.matches("x.hcl: no such file").count(), 1, "{}", done.stderr);
    assert!(!test.path("generated").exists());
}

#[test]
fn every_problem_of_every_blueprint_is_said() {
    let test = herd();
    test.write("blueprints/a.hcl", "cluster \"a\" {\n  region = 5\n  nonsense = 1\n}\n");
    test.run(&["gen"]).exits(2).err("blueprints/a.hcl:2:").err("blueprints/a.hcl:3:");
    assert!(!test.path("generated").exists(), "one bad blueprint, and nothing was written");
}

#[test]
fn bad_usage_is_2() {
    let test = Test::new();
    test.run(&["gen"]).exits(2).err("no blueprint");
    test.run(&["gen", "none.hcl"]).exits(2).err("none.hcl");
    test.run(&["gen", "--no-such-flag"]).exits(2);
    test.run(&[]).exits(2);
    test.run(&["--help"]).exits(0).out("130  interrupted");
}

#[test]
fn a_folder_without_a_blueprint_is_named_and_left() {
    let test = generated();
    test.write("blueprints/other.hcl", &HERD.replace("herd", "other"));
    fs::remove_file(test.path("blueprints/herd.hcl")).unwrap();
    test.run(&["gen"]).exits(0).err("generated/herd has no blueprint, and its machines may still run");
    // The cluster was renamed, and nothing runs under its new name.
    fs::remove_dir_all(test.path("generated/other")).unwrap();
    test.program("packer", "echo Packer v1.6.6 # server-sig-algs");
    test.program("terraform", r#"echo '{"terraform_version": "1.11.4"}'"#);
    test.program("aws", r#"[ "$1" = --version ] && echo aws-cli/2.15.1 || echo '{"Account": "1", "Arn": "arn"}'"#);
    let done = test.run(&["destroy", "blueprints/other.hcl", "--yes"]).exits(2);
    done.err("the same folder has the clusters herd; if this cluster was renamed, destroy it under its old name");
    assert!(test.path(OUTPUTS).exists());
}

/// Each `\connect` of psql starts a new session, to which the blueprint's limit applies again.
#[test]
fn the_founding_takes_as_long_as_it_takes_under_a_limit_on_transactions() {
    let test = Test::new();
    let postgres = "postgres {\n users = [\"app\"]\n databases = { app = \"app\" }\n settings = { transaction_timeout = \"5s\" }\n}";
    test.write("blueprints/herd.hcl", &HERD.replace("region", &format!("{postgres}\nregion")));
    test.run(&["gen"]).exits(0);
    let sql = test.read("generated/herd/db_config/bootstrap.sql");
    let lines: Vec<&str> = sql.lines().filter(|line| !line.is_empty() && !line.starts_with("--")).collect();
    const NONE: &str = "SET transaction_timeout = 0;";
    assert_eq!(lines[0], NONE, "{sql}");
    for (i, _) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("\\connect")) {
        assert_eq!(lines[i + 1], NONE, "{sql}");
    }
    assert_eq!(lines.iter().filter(|line| **line == NONE).count(), 2, "{sql}");
}
