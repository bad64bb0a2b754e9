//! `pgherd schema`, and `pgherd explain` for the codes of diagnostics.

use crate::support::Test;

#[test]
fn the_schema_is_json_or_a_table() {
    let test = Test::new();
    let done = test.run(&["schema"]).exits(0);
    let schema: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(schema["title"], "pgherd blueprint");
    test.run(&["schema", "--format", "markdown"])
        .exits(0)
        .out("| `failover` | `synchronous` | `true`, `false` or `\"strict\"` |");
}

#[test]
fn every_code_of_a_diagnostic_has_its_story() {
    let test = Test::new();
    test.write("bad.hcl", "cluster \"herd\" {\n  region = env(\"REGION\")\n  slaves { count = 16 }\n}\n");
    let done = test.run(&["gen", "bad.hcl"]).exits(2);
    assert!(done.stderr.contains("REGION\")\n   |            ^^^\nhelp: declare a variable"), "{}", done.stderr);
    assert!(done.stderr.contains("\n\nbad.hcl:3:20: error[PGH113]: "), "{}", done.stderr);
    test.run(&["explain", "PGH121"]).exits(0).out("a blueprint cannot read the environment").out("passed with --var");
    test.run(&["explain", "pgh113"]).exits(0).out("`pgherd schema` lists them");
    test.run(&["explain", "PGH"]).exits(0).out("PGH101  error    this is not HCL");
}
