//! How problems are reported: all at once, in the order of the file, each with its excerpt. No input makes the parser panic.

use crate::support::random::Random;
use pgherd::blueprint::{self, Diagnostic};

fn problems(text: &str) -> Vec<Diagnostic> {
    blueprint::parse("blueprints/bad.hcl", text).expect_err("a bad blueprint")
}

#[test]
fn ten_mistakes_make_ten_diagnostics() {
    let text = r#"cluster "Herd" {
  region = "eu-west"
  network {
    cidr   = "10.20.0.1/16"
    admins = ["10.0.0.0/8", "0.0.0.0/0"]
    cidr   = "10.30.0.0/16"
  }
  postgres {
    version  = "17"
    settings = { port = 5433, shared_buffers = "2gb" }
  }
  slaves { cuont = 3 }
  failover { ttl = 10 }
}
"#;
    let found: Vec<_> = problems(text).into_iter().map(|d| (d.line, d.column, d.problem)).collect();
    let places: Vec<_> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
    let expected = [(1, 9), (2, 12), (4, 14), (5, 29), (6, 5), (9, 16), (10, 18), (10, 48), (12, 12), (13, 20)];
    assert_eq!(places, expected, "{found:#?}");
}

#[test]
fn a_diagnostic_shows_the_place_and_the_way_out() {
    let text = "cluster \"herd\" {\n\tregion = \"eu-west-1\"\n\tslaves { count = 16 }\n}\n";
    let shown = problems(text).remove(0).to_string();
    let expected = "\
blueprints/bad.hcl:3:19: error[PGH113]: slaves.count: 16 is not within 0 to 15
   |
 3 | \tslaves { count = 16 }
   | \t                 ^^
help: write a whole number from 0 to 15";
    assert_eq!(shown, expected);
}

#[test]
fn carets_stand_under_wide_letters_and_after_marks_that_have_no_width() {
    for (key, columns) in [("日本", 18), ("e\u{301}", 15), ("a", 15)] {
        let text = format!("cluster \"herd\" {{\nregion = \"eu-west-1\"\ntags = {{ \"{key}\" = \"日€\" }}\n}}\n");
        let shown = problems(&text).pop().expect("the euro sign is none of IAM's").to_string();
        assert_eq!(shown.lines().nth(3), Some(format!("   | {}^^^^^", " ".repeat(columns)).as_str()), "{shown}");
    }
}

#[test]
fn columns_count_characters_and_controls_are_masked() {
    let text = "cluster \"herd\" {\n  region = \"eu-west-1\"\n  tags = { \"größe\" = \"\u{1b}[31m\" }\n}\n";
    let found = problems(text).remove(0);
    assert_eq!((found.line, found.column), (3, 22));
    assert!(!found.to_string().contains('\u{1b}'), "{found}");
    let found = problems("cluster \"herd\" {\n  region = \"\\u001b[31m\"\n}\n").remove(0).to_string();
    assert!(!found.contains('\u{1b}') && found.contains("[31m` is not a region"), "{found}");
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let text = format!(
        "cluster \"herd\" {{\n  region = \"eu-west-1\"\n  tags = {{ a = \"{}\", b = 1 }}\n}}\n",
        "x".repeat(200)
    );
    let found = problems(&text).remove(0);
    assert_eq!((found.line, found.column), (3, 224));
    assert!(found.to_string().lines().all(|line| line.chars().count() < 140), "{found}");
}

#[test]
fn windows_line_endings_and_a_byte_order_mark_are_no_mistakes() {
    for text in [
        "cluster \"a\" {\r\n  region = \"eu-west-1\"\r\n}\r\n",
        "\u{feff}cluster \"a\" {\n  region = \"eu-west-1\"\n}\n",
    ] {
        assert!(blueprint::parse("a.hcl", text).is_ok(), "{:?}", blueprint::parse("a.hcl", text));
    }
}

/// Every problem has the same place and text as in the same file without the byte-order mark or with LF line endings.
#[test]
fn a_byte_order_mark_and_carriage_returns_move_nothing() {
    for text in [
        "clutser \"herd\" {\n  region = \"eu-west-1\"\n}\n",
        "cluster \"herd\" { regoin = \"eu-west-1\" }\n",
        "cluster \"herd\" {\r\n  region = \"eu-west-1\"\r\n  netwrok { }\r\n}\r\n",
        "cluster herd {\n}\n",
        "cluster \"hürd\" { region = 'x' }",
        "cluster \"a\" { tags = { \"日本\" = 1, b = [ }",
        "cluster \"herd\" { region = \"eu-west-1\"",
        "\tcluster \"herd\" { region = }",
        "cluster \"herd\" {\n\tregion = \"eu-west-1\"\n\timage { base = }\n}\n",
        "cluster \"herd\" {\n  region = \"eu-west-1\"\n  tags = { \"日本\" = 1 }\n  slaves { count = 16 }\n}\n",
        "cluster \"herd\" {\n  region = \"eu-west-1\n}\n",
        "cluster \"herd\" {\n  region =\n}\n",
        "cluster \"herd\" {\n  region = \"eu-west-1\",\n}\n",
        "cluster \"herd\" {\n  region = <<EOT\nx\nEOT\n}\n",
        "variable \"x\" { defalt = 1 }\ncluster \"herd\" { region = \"eu-west-1\" }\n",
        "cluster \"herd\" {\n  region = \"eu-west-1\"\n  region = \"eu-west-2\"\n}\n",
        "",
    ] {
        let shown = |text: &str| -> Vec<String> { problems(text).iter().map(ToString::to_string).collect() };
        assert_eq!(shown(&format!("\u{feff}{text}")), shown(text));
        let unix = text.replace("\r\n", "\n");
        assert_eq!(shown(&unix.replace('\n', "\r\n")), shown(&unix));
    }
    let inside = problems("cluster \"herd\" {\n  \u{feff}region = \"eu-west-1\"\n}\n").remove(0);
    assert_eq!((inside.code, inside.line, inside.column), ("PGH101", 2, 3));
    assert!(inside.problem.contains("byte-order mark"), "{inside}");
}

/// Rules that are checked long after the file was read are also reported with their places.
#[test]
fn a_byte_order_mark_hides_no_place() {
    let text = "\u{feff}cluster \"herd\" { region = \"eu-west-1\" }\n";
    let places = blueprint::Places::of("herd.hcl", text);
    assert_eq!(places.line("region"), Some((1, "cluster \"herd\" { region = \"eu-west-1\" }")));
    let found = places.diagnostic("region", &blueprint::rules::NO_STANDBY, "a problem", "a help");
    assert_eq!((found.line, found.column), (1, 27));
}

#[test]
fn what_is_no_blueprint_at_all_is_refused_at_once() {
    assert!(problems(&" ".repeat(100_000))[0].problem.contains("longer than 65536 bytes"));
    // A test's thread has 2 MiB of stack, a quarter of a main thread's.
    for (open, close) in
        [("[", "]"), ("{a=", "}"), ("(", ")"), ("\"${", "}\""), ("!", ""), ("-", ""), ("a[", "]"), ("f(", ")")]
    {
        for depth in [20, 60, 200, 10_000] {
            problems(&format!("cluster \"a\" {{\n  x = {}1{}\n}}\n", open.repeat(depth), close.repeat(depth)));
            problems(&format!("cluster \"a\" {{\n  x = {}", open.repeat(depth)));
        }
    }
    problems(&"cluster \"a\" {\n".repeat(4_000));
    problems(&format!("x = 1{}", " + 1".repeat(16_000)));
    problems(&format!("cluster \"a\" {{\n{}}}", "region = 1\n".repeat(5_000)));
    let settings: String = (0..5_000).map(|i| format!("shared{i} = 1\n")).collect();
    problems(&format!("cluster \"a\" {{\npostgres {{\nsettings = {{\n{settings}}}\n}}\n}}"));
    let unknown: String = (0..5_000).map(|i| format!("x{i} = 1\n")).collect();
    assert_eq!(problems(&format!("cluster \"a\" {{\n{unknown}}}")).len(), 5_001);
}

/// Changes a good blueprint at random places, thousands of times, always in the same way.
#[test]
fn no_input_makes_the_parser_fall_over() {
    let commented = include_str!("../../blueprints/herd.hcl");
    let good: Vec<char> = commented.replace('#', "").chars().filter(|c| c.is_ascii()).collect();
    let commented: Vec<char> = commented.chars().collect();
    let mut random = Random::new(0x5eed);
    for round in 0..3000 {
        let mut text = if round % 2 == 0 { good.clone() } else { commented.clone() };
        for _ in 0..=random.below(4) {
            random.mutate(&mut text);
        }
        let text: String = text.into_iter().collect();
        let Err(found) = blueprint::parse("fuzz.hcl", &text) else { continue };
        assert!(found.is_sorted_by_key(|d| (d.line, d.column)), "{text}");
        for diagnostic in found {
            let line = text.split('\n').nth(diagnostic.line - 1).expect("a line of the text");
            assert!(diagnostic.column <= line.chars().count() + 1, "{diagnostic}\n{text}");
            assert!(!diagnostic.help.is_empty() && !diagnostic.to_string().is_empty());
        }
    }
}
