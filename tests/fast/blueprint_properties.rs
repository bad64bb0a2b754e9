//! What holds for every blueprint: nothing panics or takes long, and the same text makes the same bytes.

use std::time::{Duration, Instant};

use crate::support::random::Random;
use pgherd::cluster::check::check;
use pgherd::{blueprint, cluster, generate};

/// Lines of blocks, each of them valid or invalid, alone or together with others.
const LINES: &[(&str, &[&str])] = &[
    (
        "network",
        &["cidr = \"10.8.0.0/20\"", "zones = [ZONES]", "clients = [\"10.0.0.0/8\"]", "admins = [\"203.0.113.0/24\"]"],
    ),
    (
        "image",
        &[
            "base = \"BASE\"",
            "builder_instance_type = \"TYPE\"",
            "builder_subnet_id = \"subnet-0NUMBER\"",
            "max_age_days = NUMBER",
        ],
    ),
    (
        "postgres",
        &[
            "version = 1NUMBER",
            "users = [\"app\", \"report\"]",
            "databases = [\"one\"]",
            "settings = { work_mem = \"NUMBERMB\", max_connections = EXPRESSION, autovacuum = FLAG, archive_mode = FLAG }",
        ],
    ),
    (
        "master",
        &[
            "instance_type = \"TYPE\"",
            "memory_gb = 1NUMBER",
            "vcpus = EXPRESSION",
            "elastic_ip = FLAG",
            "disk {\n size = 2NUMBER\n}",
        ],
    ),
    (
        "slaves",
        &[
            "count = EXPRESSION",
            "instance_type = \"TYPE\"",
            "elastic_ip = FLAG",
            "disk {\n iops = 3000 + EXPRESSION\n}",
        ],
    ),
    (
        "haproxy",
        &[
            "write_port = 600NUMBER",
            "read_port = 700NUMBER",
            "primary_serves_reads = FLAG",
            "stats {\n port = 800NUMBER\n path = \"/stats\"\n}",
        ],
    ),
    (
        "failover",
        &[
            "synchronous = FLAG",
            "synchronous = \"strict\"",
            "ttl = 3NUMBER",
            "loop_wait = NUMBER",
            "rto = \"NUMBER0s\"",
            "rpo = \"0\"",
        ],
    ),
    ("state", &["s3 {\n bucket = \"states\"\n}"]),
    ("accept \"PGH003\"", &["reason = \"because\""]),
];
const EXPRESSIONS: &[&str] = &[
    "NUMBER",
    "(EXPRESSION)",
    "EXPRESSION + EXPRESSION",
    "EXPRESSION * NUMBER",
    "EXPRESSION - NUMBER",
    "EXPRESSION / NUMBER",
    "EXPRESSION % NUMBER",
    "-EXPRESSION",
    "FLAG ? EXPRESSION : NUMBER",
    "length([for x in [ZONES] : x if FLAG])",
    "min(EXPRESSION, NUMBER)",
    "[EXPRESSION, NUMBER][NUMBER]",
    "{ a = EXPRESSION }.a",
    "var.n",
    "var.list[NUMBER]",
    "\"${EXPRESSION}\"",
    "max([EXPRESSION][0], length(\"a${EXPRESSION}b\"))",
    "length(merge({ a = NUMBER }, { for z in [ZONES] : z => EXPRESSION }))",
];
const FLAGS: &[&str] =
    &["true", "false", "NUMBER > NUMBER", "!(FLAG)", "FLAG && FLAG", "EXPRESSION == NUMBER", "\"a\" != \"b\""];
const BASES: &[&str] = &["debian-13", "debian-12", "ubuntu-24.04"];
const TYPES: &[&str] = &[
    "m6i.large",
    "m7g.xlarge",
    "t3.small",
    "r7g.2xlarge",
    "x2iedn.32xlarge",
    "c7gn.medium",
    "z1d.metal",
    "nn9z.large",
];
const ZONES: &[&str] = &["\"a\"", "\"a\", \"b\"", "\"a\", \"b\", \"c\"", "\"a\", \"b\", \"c\", \"d\", \"e\"", ""];

/// Replaces each word in capitals, and stops nesting after a while.
fn filled(random: &mut Random, template: &str) -> String {
    let mut text = template.to_string();
    for round in 0..200 {
        let found =
            ["EXPRESSION", "FLAG", "NUMBER", "BASE", "TYPE", "ZONES"].iter().filter_map(|w| Some((text.find(w)?, *w)));
        let Some((at, word)) = found.min() else { break };
        let with = match word {
            "EXPRESSION" if round < 12 => random.one(EXPRESSIONS).to_string(),
            "FLAG" if round < 12 => random.one(FLAGS).to_string(),
            "FLAG" => "true".into(),
            "BASE" => random.one(BASES).into(),
            "TYPE" => random.one(TYPES).into(),
            "ZONES" => random.one(ZONES).into(),
            _ => random.below(10).to_string(),
        };
        text.replace_range(at..at + word.len(), &with);
    }
    text
}

fn some_blueprint(random: &mut Random, lines_of: usize) -> String {
    let mut text = String::from(
        "variable \"n\" { default = 2 }\nvariable \"list\" { default = [1, 2, 3] }\ncluster \"herd\" {\nregion = \"eu-west-1\"\n",
    );
    for (block, lines) in LINES {
        if random.below(lines_of) > 0 {
            continue;
        }
        text += &format!("{block} {{\n");
        for line in lines.iter() {
            if random.below(2) == 0 {
                text += &filled(random, line);
                text.push('\n');
            }
        }
        text += "}\n";
    }
    text + "}\n"
}

#[test]
fn whatever_parses_generates_the_same_bytes_twice() {
    let mut random = Random::new(0xb10e);
    let mut good = 0;
    for round in 0..250 {
        let text = some_blueprint(&mut random, 2 + round % 5);
        let start = Instant::now();
        if let Ok(parsed) = blueprint::parse("random.hcl", &text) {
            good += 1;
            let resolved = cluster::resolve(&parsed);
            let judged = check(&resolved);
            let set = generate::generate(&resolved);
            let again = cluster::resolve(&blueprint::parse("random.hcl", &text).expect("the same"));
            assert_eq!(judged, check(&again), "{text}");
            assert!(set == generate::generate(&again), "{text}");
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{:?} for\n{text}", start.elapsed());
    }
    assert!(good > 30, "only {good} of 250 were good");
}

#[test]
fn no_expression_panics() {
    let mut random = Random::new(0xe59);
    let mut good = 0;
    for round in 0..3000 {
        let mut expression: Vec<char> = filled(&mut random, "EXPRESSION").chars().collect();
        if round % 2 == 1 {
            random.mutate(&mut expression);
        }
        let expression: String = expression.into_iter().collect();
        let text = format!(
            "variable \"n\" {{ default = 2 }}\nvariable \"list\" {{ default = [1, 2, 3] }}\ncluster \"herd\" {{\nregion = \"eu-west-1\"\nslaves {{ count = {expression} }}\n}}\n"
        );
        match blueprint::parse("random.hcl", &text) {
            Ok(_) => good += 1,
            Err(problems) => {
                assert!(problems.iter().all(|p| !p.help.is_empty() && p.code.starts_with("PGH")), "{text}")
            }
        }
    }
    assert!(good > 250, "only {good} of 3000 were good");
}
