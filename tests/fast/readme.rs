//! What the README shows of the verbs that only look is what they print.

use std::process::Command;

/// Stands for lines that are left out.
const CUT: &str = "…";

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let blocks: Vec<&str> =
        readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 4, "check, explain of a value and of a line, a mistake");
    for block in blocks {
        let (command, shown) = block.split_once('\n').unwrap();
        let words: Vec<&str> = command.strip_prefix("$ pgherd ").unwrap().split(' ').collect();
        assert!(["check", "explain"].contains(&words[0]), "{command}: not a verb that only looks");
        let output = Command::new(env!("CARGO_BIN_EXE_pgherd")).args(&words).output().unwrap();
        let printed = String::from_utf8(if output.status.success() { output.stdout } else { output.stderr }).unwrap();
        let mut rest: Vec<&str> = printed.lines().map(str::trim_end).collect();
        for part in shown.trim_end().split(&format!("{CUT}\n")) {
            let part: Vec<&str> = part.trim_end_matches(CUT).trim_end().lines().map(str::trim_end).collect();
            let at = rest.windows(part.len().max(1)).position(|lines| part.is_empty() || lines == part);
            let at = at.unwrap_or_else(|| panic!("{command} does not print\n{}\nbut\n{printed}", part.join("\n")));
            rest.drain(..at + part.len());
        }
    }
}
