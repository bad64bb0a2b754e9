//! The READMEs show what pgherd prints, and name every command and flag. `INSTA_UPDATE=always` writes the current output
//! into them.
//!
//! A block of `console` begins with its command. It runs in this repository, so it must only read. Pipes are allowed.
//! Under `<!-- with fake tools: NAME -->` it runs in the [`scenario`] of that name instead.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::drilled;
use crate::support::Test;
use crate::support::herd::{Herd, View, members};

/// Every README that is written by hand.
const READMES: [&str; 5] =
    ["README.md", "blueprints/README.md", "blueprints/OPERATIONS.md", "src/README.md", "tests/README.md"];
const FENCE: &str = "```";
const MARKER: &str = "<!-- with fake tools: ";

/// The commands that only read.
const READERS: [&str; 6] = ["check", "explain", "schema", "policy", "gen --check", "--help"];

/// A fenced block of a README.
struct Block<'a> {
    language: &'a str,
    scenario: Option<&'a str>,
    body: &'a str,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = vec![];
    let mut rest = text;
    while let Some(at) = rest.find(FENCE) {
        let before = rest[..at].trim_end().lines().last().unwrap_or_default();
        let scenario = before.strip_prefix(MARKER).and_then(|name| name.strip_suffix(" -->"));
        let (language, inside) = rest[at + FENCE.len()..].split_once('\n').expect("a fence opens a block");
        let (body, after) = inside.split_once(FENCE).expect("a block is closed");
        found.push(Block { language, scenario, body });
        rest = after;
    }
    found
}

/// Runs a command of a README in this repository; returns what it prints on both outputs.
fn printed(command: &str) -> String {
    let words = command.strip_prefix("pgherd ").unwrap_or_else(|| panic!("{command}: not a command of pgherd"));
    let reads = READERS.iter().any(|verb| words.starts_with(verb) || words.contains(" --help"));
    assert!(reads, "{command}: the test runs it in this repository, so it must be one of {READERS:?}");
    let bin = Path::new(env!("CARGO_BIN_EXE_pgherd")).parent().unwrap().display().to_string();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("exec 2>&1; {command}")]).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear();
    let output = shell.env("PATH", format!("{bin}:/usr/bin:/bin")).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command of a README with fake tools. Returns what it prints, without the parts that differ from run to run.
fn acted(name: &str, command: &str) -> String {
    let words: Vec<&str> = command.strip_prefix("pgherd ").unwrap().split(' ').collect();
    let (test, herd) = scenario(name);
    let done = test.run(&words);
    let mut text = done.stderr + &done.stdout;
    for (port, shown) in herd.ports.iter().zip(["7000", "5000", "5001"]) {
        text = text.replace(&port.to_string(), shown);
    }
    // As wide as the addresses that they replace.
    text = text
        .replace("127.0.0.1", "192.0.2.1")
        .replace("127.0.0.2", "192.0.2.2")
        .replace(&test.path("").display().to_string(), "");
    text.lines().map(steady).collect::<Vec<_>>().join("\n") + "\n"
}

/// Replaces durations, times and the names of logs by fixed values.
fn steady(line: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([':', ',', ';']);
        let seconds =
            bare.strip_suffix('s').is_some_and(|number| number.contains('.') && number.parse::<f64>().is_ok());
        let digits = bare.bytes().filter(u8::is_ascii_digit).count();
        match () {
            () if seconds => word.replace(bare, "1.0s"),
            () if digits == 6 && bare.len() == 8 && bare.matches(':').count() == 2 => word.replace(bare, "03:12:40"),
            () => log(word),
        }
    };
    line.trim_end().split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A log's path contains a time and a process id.
fn log(word: &str) -> String {
    let Some((folder, name)) = word.split_once(".pgherd/logs/") else { return word.into() };
    let name = name.splitn(3, '-').nth(2).unwrap_or(name);
    format!("{folder}.pgherd/logs/20261124T211426Z-0000705-{name}")
}

/// The scenarios in which commands run.
fn scenario(name: &str) -> (Test, Herd) {
    let herd = match name {
        "the primary is dead" => Herd::start(View {
            cluster: members(&[("replica", "stopped", 1), ("leader", "running", 2), ("sync_standby", "streaming", 2)]),
            health: 200,
        }),
        _ => Herd::healthy(),
    };
    let second = herd.second();
    let test = Test::with_tools(&herd.blueprint_of_two());
    test.run(&["gen"]).exits(0);
    match name {
        "a new cluster" => {}
        "a cluster that works" => drop(test.run(&["run", "blueprints/herd.hcl", "--yes"]).exits(0)),
        "the primary is dead" => {
            test.run(&["run", "blueprints/herd.hcl", "--yes", "--skip", "verify"]).exits(0);
            herd.silence("master", 84);
            second.silence("master", 84);
            herd.disks.lock().unwrap().get_mut("/disk/master").unwrap().0 = 503;
            second.disks.lock().unwrap().get_mut("/disk/master").unwrap().0 = 503;
        }
        "a stage fails" => {
            test.run(&["run", "blueprints/herd.hcl", "--yes"]).exits(0);
            test.hook(
                "terraform",
                r#"case "$*" in *haproxy*" plan "*)
                    echo "Error: Resource postcondition failed"; echo
                    echo "  on lookup.tf line 48, in data \"aws_ami_ids\" \"built\":"
                    echo "  48:       condition     = length(self.ids) > 0"; echo
                    echo "Image herd-haproxy-ebd5749bb775 does not exist in eu-west-1."
                    exit 1 ;; esac"#,
            );
        }
        name => panic!("no scenario {name:?}"),
    }
    (test, herd)
}

/// Returns each line with its count, because stages that run in parallel print in any order.
fn counted(text: &str) -> BTreeMap<&str, usize> {
    let mut lines = BTreeMap::new();
    text.lines().for_each(|line| *lines.entry(line.trim_end()).or_default() += 1);
    lines
}

#[test]
fn readmes_are_snapshots_of_what_is_printed() {
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always");
    let mut wrong = vec![];
    for readme in READMES {
        let text = fs::read_to_string(readme).unwrap();
        let mut now = text.clone();
        for block in blocks(&text).iter().filter(|block| block.language == "console") {
            let (command, shown) = block.body.split_once('\n').unwrap();
            let command = command.strip_prefix("$ ").unwrap_or_else(|| panic!("{readme}: {command:?} is no command"));
            let (printed, same) = match block.scenario {
                None => {
                    let printed = printed(command);
                    let same = printed == shown;
                    (printed, same)
                }
                Some(name) => {
                    let printed = acted(name, command);
                    let same = counted(&printed) == counted(shown);
                    (printed, same)
                }
            };
            let printed = printed.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>();
            if !same && counted(&printed) != counted(shown) {
                now = now.replace(block.body, &format!("$ {command}\n{printed}"));
                wrong.push(format!("{readme}: {command}\n{}", insta_diff(shown, &printed)));
            }
        }
        let quoted = drilled::quoted(&now);
        if quoted != now {
            wrong.push(format!("{readme}: the drills\n{}", insta_diff(&now, &quoted)));
        }
        let now = quoted;
        if update && now != text {
            fs::write(readme, now).unwrap();
        }
    }
    assert!(
        update || wrong.is_empty(),
        "INSTA_UPDATE=always cargo test --test fast readme writes what is printed now:\n{}",
        wrong.join("\n")
    );
}

fn insta_diff(shown: &str, printed: &str) -> String {
    similar::TextDiff::from_lines(shown, printed).unified_diff().context_radius(1).to_string()
}

#[test]
fn output_is_held_to_what_is_printed() {
    for readme in READMES {
        for block in blocks(&fs::read_to_string(readme).unwrap()) {
            let fine = ["console", "sh", "hcl", "jinja", "mermaid", "rust", "json"].contains(&block.language);
            assert!(fine, "{readme}: a block of {:?}: output goes into `console`, below its command", block.language);
        }
    }
}

#[test]
fn the_manual_names_every_command_and_flag() {
    let manual = fs::read_to_string("blueprints/OPERATIONS.md").unwrap();
    let verbs = words_at_the_margin(&printed("pgherd --help"));
    assert!(verbs.len() > 10, "{verbs:?}");
    let mut missing = vec![];
    for verb in verbs.iter().filter(|verb| *verb != "help") {
        if !manual.contains(&format!("`pgherd {verb}")) {
            missing.push(verb.clone());
        }
        for word in printed(&format!("pgherd {verb} --help")).split_whitespace() {
            let flag = word.trim_end_matches([',', '.', ';', '`', ')']).split(['=', '[']).next().unwrap();
            let is_one = flag.starts_with("--") && flag.len() > 2 && flag != "--help";
            if is_one
                && flag.trim_start_matches('-').starts_with(|c: char| c.is_ascii_lowercase())
                && !manual.contains(flag)
            {
                missing.push(format!("{verb} {flag}"));
            }
        }
    }
    assert!(missing.is_empty(), "blueprints/OPERATIONS.md does not name {missing:?}");
}

/// The names of the commands in a help text: the words that begin a line after two blanks.
fn words_at_the_margin(help: &str) -> Vec<String> {
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(String::from).collect()
}

#[test]
fn links_lead_somewhere() {
    for readme in READMES {
        let folder = Path::new(readme).parent().unwrap();
        let text = fs::read_to_string(readme).unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap().split('#').next().unwrap();
            let fine = target.is_empty() || target.starts_with("http") || folder.join(target).exists();
            assert!(fine, "{readme} links to {target}, which does not exist");
        }
    }
}
