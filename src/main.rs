//! Captures the process's context, runs the command line, and exits with its code.
#![allow(clippy::disallowed_methods)]

use std::process::ExitCode;
use std::time::SystemTime;

use pgherd::cli;
use pgherd::system::Context;

fn main() -> ExitCode {
    let cwd = match std::env::current_dir() {
        Ok(cwd) => cwd,
        Err(e) => {
            eprintln!("error: cannot determine the working directory: {e}");
            return ExitCode::FAILURE;
        }
    };
    let env = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
    let program = std::env::current_exe().unwrap_or_else(|_| "pgherd".into());
    let context = Context { cwd, env, now: SystemTime::now(), program };
    ExitCode::from(cli::run(context, std::env::args_os()))
}
