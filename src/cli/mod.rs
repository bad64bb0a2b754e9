//! The command line: one file per verb.

mod args;
mod blueprints;
mod check;
mod destroy;
mod doctor;
mod drill;
mod error;
mod explain;
mod foresee;
mod generate;
mod images;
mod init;
mod keep;
mod lab;
mod listen;
mod need;
mod place;
mod policy;
mod prompter;
mod ready;
mod report;
mod resume;
mod run;
mod schema;
mod session;
mod states;
mod status;
mod telling;
mod trace;

use std::ffi::OsString;
use std::sync::Arc;

use clap::Parser;

pub use drill::{Progress, drill_page};

use crate::system::Context;
use args::{Args, Verb};
use error::CommandError;
use report::Report;

/// Runs one command line and returns the process's exit code.
pub fn run(context: Context, words: impl IntoIterator<Item = OsString>) -> u8 {
    let report = Arc::new(Report::new(&context));
    let result = match Args::try_parse_from(words) {
        Ok(Args { verb: Verb::Keep(options) }) => return keep::run(&context, &report, options),
        Ok(args) => dispatch(&context, &report, args),
        Err(e) => {
            // clap prints help and version to standard output; they are not errors.
            report.unwritten().note("the help", e.print());
            if e.use_stderr() { Err(CommandError::Reported(error::ErrorKind::Usage)) } else { Ok(()) }
        }
    };
    // A command that failed keeps its exit code, even if its result was lost as well.
    let is_told = result.as_ref().is_err_and(|failure| failure.kind() == error::ErrorKind::Unwritten);
    let lost = if is_told { Ok(()) } else { report.finish() };
    for failure in [&result, &lost].into_iter().filter_map(|ended| ended.as_ref().err()) {
        report.failure(failure);
    }
    // Even the last message may fail to be written.
    error::exit_code(&result.and_then(|()| report.finish()))
}

fn dispatch(context: &Context, report: &Arc<Report>, args: Args) -> Result<(), CommandError> {
    match args.verb {
        Verb::Init(options) => init::run(context, report, options),
        Verb::Gen(options) => generate::run(context, report, &options),
        Verb::Check(options) => check::run(context, report, &options),
        Verb::Explain(options) => explain::run(context, report, &options),
        Verb::Schema(options) => schema::run(report, &options),
        Verb::Run(options) => run::run(context, report, &options),
        Verb::Destroy(options) => destroy::run(context, report, &options),
        Verb::Images(options) => images::run(context, report, &options),
        Verb::Status(options) => status::run(context, report, &options),
        Verb::Drill(options) => drill::run(context, report, &options),
        Verb::Policy(options) => policy::run(context, report, &options),
        Verb::Doctor(options) => doctor::run(context, report, options.target),
        // Handled in `run`: its exit code is that of its tool.
        Verb::Keep(_) => Ok(()),
        Verb::Lab(options) => lab::run(context, report, options.verb),
    }
}
