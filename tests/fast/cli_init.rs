//! `pgherd init`: it writes a blueprint that passes `check`, and never overwrites a file.

use crate::support::Test;

#[test]
fn flags_alone_make_a_blueprint_that_passes() {
    let test = Test::new();
    test.run(&["init", "--region", "eu-west-1"]).exits(0).out("Wrote blueprints/herd.hcl.");
    test.run(&["check"]).exits(0);
    test.run(&["gen"]).exits(0);
    let all = [
        "init",
        "--name",
        "flock",
        "--region",
        "us-east-1",
        "--zones",
        "a,b,c,d",
        "--slaves",
        "3",
        "--instance-type",
        "r7g.large",
        "--database",
        "shop",
        "--admins",
        "203.0.113.7/32,198.51.100.0/24",
        "--key-name",
        "dba",
        "--out",
        "a/flock.hcl",
    ];
    test.run(&all)
        .exits(0)
        .out("`run` ends with exit code 5 (created, but not verified): add your address to network.clients as well");
    test.run(&["check", "a/flock.hcl"])
        .exits(0)
        .out("SSH, master, slaves and haproxy port 22 203.0.113.7/32, 198.51.100.0/24, with the key");
    let text = test.read("a/flock.hcl");
    for line in [
        "cluster \"flock\" {",
        "zones = [\"a\", \"b\", \"c\", \"d\"]",
        "admins = [\"203.0.113.7/32\", \"198.51.100.0/24\"]",
        "databases = { \"shop\" = \"shop\" }",
        "count = 3",
        "key_name = \"dba\"",
        "    elastic_ip = true",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn regions_and_sizes_that_need_more_get_it() {
    for (name, flags) in [
        ("tokyo", ["--region", "ap-northeast-1", "--slaves", "2"]),
        ("california", ["--region", "us-west-1", "--slaves", "2"]),
        ("alone", ["--region", "eu-west-1", "--slaves", "0"]),
        ("one", ["--region", "eu-west-1", "--zones", "a"]),
        ("many", ["--region", "eu-west-1", "--slaves", "15"]),
    ] {
        let test = Test::new();
        test.run(&[&["init", "--name", name], flags.as_slice()].concat()).exits(0);
        test.run(&["check"]).exits(0);
    }
}

#[test]
fn nothing_is_overwritten_and_nothing_bad_is_written() {
    let test = Test::new();
    test.write("blueprints/herd.hcl", "mine\n");
    test.run(&["init", "--region", "eu-west-1"]).exits(2).err("blueprints/herd.hcl already exists");
    test.run(&["init", "--region", "eu-west-1", "--out", "blueprints/herd.hcl"]).exits(2);
    assert_eq!(test.read("blueprints/herd.hcl"), "mine\n");
    test.run(&["init", "--name", "other"]).exits(2).err("there is no terminal to ask for the region");
    for (flag, value, says) in [
        ("--name", "Other", "such as \"other\""),
        ("--name", "a\"b${c}", "cannot be part of a host name"),
        ("--region", "eu-wset-1", "did you mean \"eu-west-1\"?"),
        ("--zones", "a;b", "`a;b` is not a zone of eu-west-1"),
        ("--zones", "a,a", "is listed twice"),
        ("--instance-type", "large", "write family and size"),
        ("--database", "postgres", "the superuser, which every cluster has"),
        ("--database", "1;drop", "`1;drop` would need quotes in every statement"),
        ("--database", "x\" = \"y", "such as \"app\""),
        ("--database", "replication", "has a special meaning in pg_hba.conf"),
        ("--admins", "0.0.0.0/0", "this would open a port to the whole internet"),
        ("--key-name", "mine;", "is not a valid key pair name"),
    ] {
        let mut words = vec!["init", flag, value];
        for (other, fits) in [("--name", "other"), ("--region", "eu-west-1")] {
            if flag != other {
                words.extend([other, fits]);
            }
        }
        test.run(&words).exits(2).err(&format!("error: {flag}: ")).err(says);
    }
    let many = test.run(&["init", "--name", "other", "--region", "eu-west-1", "--slaves", "16"]).exits(2);
    many.err("'--slaves <N>': write a whole number from 0 to 15");
    assert!(!test.path("blueprints/other.hcl").exists());
    test.run(&["init", "--name", "other", "--region", "eu-west-1", "--database", "for"]).exits(0);
    test.run(&["check", "blueprints/other.hcl"]).exits(0);
}

#[test]
fn a_person_is_asked_until_the_answers_fit() {
    let test = Test::new();
    let typed = "Shop\nshop\neu-west\n\n3\nshop\n203.0.113.7/32\n\n";
    let done = test.at_terminal(&["init"], typed).exits(0);
    done.out("Name of the cluster").out("cannot be part of a host name").out("Wrote blueprints/shop.hcl.");
    test.run(&["check", "blueprints/shop.hcl"]).exits(0);
    let text = test.read("blueprints/shop.hcl");
    assert!(text.contains("region = \"eu-west-1\"") && text.contains("count = 3"), "{text}");
    assert!(text.contains("    #key_name = \"dba\""), "asked for, as there are admins, and none: {text}");
    test.at_terminal(&["init"], "another\n").exits(2).out("nothing was written");
    assert!(!test.path("blueprints/another.hcl").exists());
}
