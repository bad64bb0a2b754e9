//! A secret that a tool prints is kept nowhere: not on the terminal, not in events, logs, history or page.

use crate::support::herd::Herd;
use crate::support::{Test, tree};

const SECRET: &str = "wJalrXUtn/K7MDENG+bPx<RfiCY>EXAMPLE\\KEY";
/// The same in JSON, in HTML, in an address.
const FORMS: [&str; 4] = [
    SECRET,
    "wJalrXUtn/K7MDENG+bPx<RfiCY>EXAMPLE\\\\KEY",
    "wJalrXUtn/K7MDENG+bPx&lt;RfiCY&gt;EXAMPLE\\KEY",
    "wJalrXUtn%2FK7MDENG%2BbPx%3CRfiCY%3EEXAMPLE%5CKEY",
];

/// Each tool prints the secret wherever it can.
fn talkative() -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    let test = test.env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_ACCESS_KEY_ID", "AKIA");
    let print = r#"printf '%s\n' "key $AWS_SECRET_ACCESS_KEY" 'url wJalrXUtn%2FK7MDENG%2BbPx%3CRfiCY%3EEXAMPLE%5CKEY'"#;
    let named = format!("aws_thing.this[{SECRET:?}]");
    test.shown(
        "terraform_network",
        serde_json::json!([{"address": named, "mode": "managed", "type": "aws_thing",
        "change": {"actions": ["create"]}}]),
    );
    // As Go's JSON encoder writes it.
    let escaped = SECRET.replace('\\', r"\\").replace('<', r"\u003c").replace('>', r"\u003e");
    let error = Test::terraform_error("no SECRET", "", Some(("main.tf", 1))).replace("SECRET", &escaped);
    let fails = format!("{error}; exit 1");
    test.hook("packer", &format!("case \"$*\" in build*) {print} ;; esac"));
    test.hook(
        "terraform",
        &format!(
            "case \"$*\" in *version*) ;; *master*apply*) {fails} ;; *' plan '*) {print} ;; *apply*) {print} ;; esac"
        ),
    );
    test.hook("aws", &format!("case \"$*\" in *describe-instances*) {{ {print}; }} >&2; exit 1 ;; esac"));
    test
}

#[test]
fn a_secret_is_found_nowhere() {
    for more in [&["--format", "json", "--verbose"][..], &["--verbose"], &[]] {
        let test = talkative();
        let done = test.run(&[&["run", "blueprints/herd.hcl", "--yes"], more].concat()).exits(1);
        let all = done.stdout + &done.stderr;
        assert!(all.contains("Error: no [secret]"), "it was not even printed: {all}");
        assert_eq!(more.is_empty(), !all.contains("key [secret]"), "{all}");
        let mut places = vec![("what is printed".to_string(), all)];
        places.extend(tree(&test.path("generated")));
        assert!(
            ["events.jsonl", "report.html", "-network.log", "journal"]
                .iter()
                .all(|end| places.iter().any(|(path, _)| path.ends_with(end)))
        );
        for (path, text) in places {
            for form in FORMS {
                assert!(!text.contains(form), "{form} is in {path}");
            }
        }
    }
}
