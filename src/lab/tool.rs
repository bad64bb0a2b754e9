//! Programs of the host that the lab runs to their end.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::system::process::{self, Program};
use crate::system::{Context, Interrupt};

/// Runs programs with pgherd's own environment; Ctrl-C ends them.
#[derive(Debug, Clone, Copy)]
pub struct Tools<'a> {
    /// The environment they get.
    pub context: &'a Context,
    /// Hears Ctrl-C.
    pub interrupt: &'a Interrupt,
}

impl Tools<'_> {
    /// Runs one; answers its standard output. An error has what it said.
    pub fn run<S: AsRef<str>>(&self, argv: &[S]) -> Result<String> {
        let argv: Vec<String> = argv.iter().map(|word| word.as_ref().to_string()).collect();
        let program = Program { argv: &argv, dir: Path::new("/"), env: &self.context.env };
        let ran = process::capture(program, None, self.interrupt).with_context(|| format!("cannot run {}", argv[0]))?;
        if !ran.exit.ok() {
            bail!("`{}` failed: {}", argv.join(" "), tail(&format!("{}{}", ran.stdout, ran.stderr)));
        }
        Ok(ran.stdout)
    }

    /// Runs one, its words separated by spaces.
    pub fn words(&self, line: &str) -> Result<String> {
        self.run(&line.split(' ').collect::<Vec<_>>())
    }
}

/// The last lines of an output.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
