//! The blueprints that come with pgherd.
#![allow(clippy::disallowed_methods)]

use pgherd::blueprint::{self, Blueprint};

fn shipped(name: &str) -> Blueprint {
    let path = format!("{}/blueprints/{name}.hcl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a shipped blueprint");
    blueprint::parse(&format!("blueprints/{name}.hcl"), &text)
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()))
}

#[test]
fn minimal_is_the_smallest() {
    assert_eq!(shipped("minimal"), Blueprint::smallest("minimal", "eu-west-1"));
}
