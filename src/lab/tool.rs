//! Runs the host's programs for the lab.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::system::process::{self, Program};
use crate::system::{Context, Interrupt};

/// Runs programs with pgherd's own environment. An interrupt ends them.
#[derive(Debug, Clone, Copy)]
pub struct HostTools<'a> {
    /// The environment that they get.
    pub context: &'a Context,
    /// Raised by an interrupt.
    pub interrupt: &'a Interrupt,
}

impl HostTools<'_> {
    /// Runs a program and returns its standard output. An error contains the end of its output.
    pub fn run<S: AsRef<str>>(&self, argv: &[S]) -> Result<String> {
        let argv: Vec<String> = argv.iter().map(|word| word.as_ref().to_string()).collect();
        let program = Program { argv: &argv, dir: Path::new("/"), env: &self.context.env };
        let ran = process::capture(program, None, self.interrupt).with_context(|| format!("cannot run {}", argv[0]))?;
        if !ran.exit.ok() {
            bail!("`{}` failed: {}", argv.join(" "), tail(&format!("{}{}", ran.stdout, ran.stderr)));
        }
        Ok(ran.stdout)
    }

    /// Runs a command line whose words are separated by single spaces.
    pub fn words(&self, line: &str) -> Result<String> {
        self.run(&line.split(' ').collect::<Vec<_>>())
    }
}

/// Returns the last 15 lines of a text.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
