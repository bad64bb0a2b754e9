//! `--var` on the command line.

use crate::support::Test;

const HERD: &str = "variable \"slaves\" { type = number }\ncluster \"herd\" {\n  region = \"eu-west-1\"\n  slaves { count = var.slaves }\n}\n";

#[test]
fn a_variable_is_set_for_every_verb_that_reads_a_blueprint() {
    let test = Test::with_tools(HERD);
    test.run(&["gen"]).exits(2).err("blueprints/herd.hcl:1:10: error").err("pass one with --var slaves=…");
    test.run(&["gen", "--var", "slaves=1"]).exits(0);
    assert!(test.read("generated/herd/machine/machines.tsv").contains("slave1"));
    assert!(!test.read("generated/herd/machine/machines.tsv").contains("slave2"));
    test.run(&["gen", "--check", "--var", "slaves=1"]).exits(0);
    test.run(&["gen", "--check", "--var", "slaves=2"]).exits(3);
    test.run(&["check", "--var", "slaves=1"]).exits(0);
    test.run(&["run", "blueprints/herd.hcl", "--dry-run", "--var", "slaves=1"]).exits(0);
    let other = test.run(&["run", "blueprints/herd.hcl", "--dry-run", "--var", "slaves=2"]).exits(3);
    other.err("run `pgherd gen blueprints/herd.hcl --var slaves=2`");
    for verb in ["status", "destroy"] {
        test.run(&[verb, "blueprints/herd.hcl"]).exits(2).err("the variable `slaves` has no value");
    }
}

#[test]
fn a_variable_that_no_blueprint_declares_is_refused() {
    let test = Test::with_tools(HERD);
    let unknown = ["gen", "--var", "slaves=1", "--var", "slave=2"];
    test.run(&unknown)
        .exits(2)
        .err("--var slave: the blueprint declares no such variable")
        .err("the variables are slaves");
    test.run(&["gen", "--var", "slaves"])
        .exits(2)
        .err("write the variable's name, `=` and its value, such as slaves=3");
    test.run(&["gen", "--var", "slaves=one"]).exits(2).err("--var slaves: `one` is not a number");
    assert!(!test.path("generated").exists());
    // It is enough that one of several blueprints declares it.
    test.write("blueprints/flock.hcl", "cluster \"flock\" {\n  region = \"eu-west-1\"\n}\n");
    test.run(&["gen", "--var", "slaves=1"]).exits(0);
}
