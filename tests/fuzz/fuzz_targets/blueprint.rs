//! Whatever a blueprint contains, parsing, resolving, checking and generating never panic, and the same text generates the same bytes.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use pgherd::cluster::check::check;
use pgherd::{blueprint, cluster, generate};

fuzz_target!(|text: &str| {
    let variables = BTreeMap::from([("slaves".to_string(), "3".to_string()), ("zone".to_string(), "a".to_string())]);
    match blueprint::parse_with("fuzz.hcl", text, &variables) {
        Ok(blueprint) => {
            let cluster = cluster::resolve(&blueprint);
            check(&cluster);
            let set = generate::generate(&cluster);
            assert_eq!(set, generate::generate(&cluster::resolve(&blueprint)));
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(!problem.to_string().is_empty() && !problem.code.is_empty());
            }
        }
    }
});
