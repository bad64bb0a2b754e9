//! What a run looks like on a terminal: its output is fed to a terminal emulator, and the screen is compared.

use crate::support::Test;
use crate::support::herd::Herd;

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes"];

/// The network takes a second, and reports its progress in a line that is too long for the screen.
fn ready() -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    let long = "still ".repeat(30);
    test.hook(
        "terraform",
        &format!(r#"case "$*" in *network*apply*) echo "aws_vpc.this: creating, {long}"; sleep 1.2; echo "aws_vpc.this: made" ;; esac"#),
    );
    test
}

/// Returns every screen in order: 24 rows of 80 columns, the size that is assumed if it is unknown.
fn screens(output: &str) -> Vec<String> {
    let size = |size| std::num::NonZero::new(size).unwrap();
    let mut terminal = vt100::Parser::new(size(24), size(80), 0);
    let mut all = vec![];
    for part in output.split_inclusive("\x1b[J") {
        // A drawing ends where the next one moves up and erases it.
        let drawn = part.strip_suffix("\r\x1b[J").and_then(|part| part.rfind("\x1b[")).unwrap_or(part.len());
        terminal.process(&part.as_bytes()[..drawn]);
        all.push(terminal.screen().contents());
        terminal.process(&part.as_bytes()[drawn..]);
    }
    all
}

/// Returns the last line of a screen that begins with a word: live lines are below those that stay.
fn line<'a>(screen: &'a str, word: &str) -> Option<&'a str> {
    screen.lines().rfind(|line| line.trim_start().strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')))
}

#[test]
fn what_runs_and_what_waits_is_on_the_screen_until_it_is_over() {
    let done = ready().at_terminal(RUN, "").exits(0);
    let screens = screens(&done.stdout);
    let at_work =
        screens.iter().rfind(|screen| screen.contains("aws_vpc.this: creating")).expect("the network at work");
    let network = line(at_work, "network").expect("its line");
    let words: Vec<&str> = network.split_whitespace().collect();
    let seconds: f64 = words[1].strip_suffix('s').expect("its time").parse().unwrap();
    assert!((0.5..10.0).contains(&seconds), "{network}");
    assert!(words[2] == "aws_vpc.this:" && network.chars().count() < 80, "{network}");
    let waiting =
        |stage: &str| line(at_work, stage).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(waiting("master"), "master waiting for network", "{at_work}");
    assert_eq!(waiting("verify"), "verify waiting for network, master, slaves, haproxy", "{at_work}");
    // Nothing existed, so the images were built during the network's review.
    assert!(screens.iter().any(|screen| screen.contains("image-slave    done")), "{at_work}");

    let last = screens.last().unwrap();
    assert!(!last.contains("waiting for") && !last.contains("creating"), "{last}");
    assert!(line(last, "network").is_some_and(|line| line.contains("done")), "{last}");
    assert!(last.contains("write  127.0.0.1:"), "{last}");
    assert!(!done.stdout.contains("started"), "the live line says it");
}

#[test]
fn colours_are_for_those_who_want_them() {
    assert!(ready().at_terminal(RUN, "").exits(0).stdout.contains("\x1b[32mdone\x1b[0m"));
    let plain = ready().env("NO_COLOR", "1").at_terminal(RUN, "").exits(0).stdout;
    let sgr = plain
        .split("\x1b[")
        .skip(1)
        .filter(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
    assert_eq!(sgr.collect::<Vec<_>>(), [""; 0]);
    assert!(screens(&plain).iter().any(|screen| screen.contains("waiting for")), "still live");
}

#[test]
fn a_terminal_that_cannot_gets_plain_lines() {
    let done = ready().env("TERM", "dumb").at_terminal(RUN, "").exits(0).out("network started");
    assert!(!done.stdout.contains('\x1b'), "{:?}", done.stdout);
}

#[test]
fn quiet_is_quiet_there_too() {
    let done = ready().at_terminal(&[RUN, &["--quiet"]].concat(), "").exits(0).out("write  127.0.0.1:");
    assert!(!done.stdout.contains("network") && !done.stdout.contains("\x1b[J"), "{:?}", done.stdout);
}

#[test]
fn verbose_lines_stay_above_those_that_move() {
    let done = ready().at_terminal(&[RUN, &["--verbose"]].concat(), "").exits(0);
    let screens = screens(&done.stdout);
    let both =
        |screen: &&String| screen.contains("network        | aws_vpc.this: creating") && screen.contains("waiting for");
    assert!(screens.iter().any(|screen| both(&screen)), "{}", screens.join("\n====\n"));
}
