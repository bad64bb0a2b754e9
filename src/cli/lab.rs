//! `pgherd lab`: a simulated AWS on this machine.

use std::sync::Arc;

use super::args::LabVerb;
use super::error::{CommandError, ErrorKind};
use super::listen::listen;
use super::report::{Report, Style};
use crate::lab::{self, HostTools, Power, Up};
use crate::system::process::{self, Program};
use crate::system::{Context, Interrupt};

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, verb: LabVerb) -> Result<(), CommandError> {
    let interrupt = Interrupt::default();
    let tools = HostTools { context, interrupt: &interrupt };
    if matches!(verb, LabVerb::Ps | LabVerb::Kill { .. } | LabVerb::Start { .. } | LabVerb::Shell { .. }) {
        recover(tools, report);
    }
    match verb {
        LabVerb::Up => {
            listen(report, &interrupt)?;
            match up(tools, report)? {
                Up::Started => report.line("The lab is running."),
                Up::WasUp => report.line("The lab was already running."),
            }
            Ok(())
        }
        LabVerb::Down => done(lab::down(context), report, "The lab is stopped."),
        LabVerb::Ps => {
            print(report, &lab::ps().map_err(failure)?);
            Ok(())
        }
        LabVerb::Kill { node } => {
            let text = format!("{node} is switched off. `pgherd lab start {node}` switches it on again.");
            done(lab::kill(tools, &node), report, &text)
        }
        LabVerb::Start { node } => done(lab::start(tools, &node), report, &format!("{node} is booting.")),
        LabVerb::Shell { node, command } => {
            let argv = match &node {
                Some(node) => lab::shell(context, node, &command),
                None => lab::outer_shell(context, &command),
            };
            let argv = argv.map_err(failure)?;
            let why = process::replace(Program { argv: &argv, dir: &context.cwd, env: &context.env });
            Err(CommandError::Text(ErrorKind::Failed, format!("cannot start {}: {why}", argv.join(" "))))
        }
        LabVerb::Controller => {
            interrupt.listen(|_, _| {})?;
            lab::controller(tools, &mut |text| report.note(text)).map_err(failure)
        }
    }
}

/// Repairs what a drill that was killed left broken. If that fails, says so; the command itself may be what helps.
fn recover(tools: HostTools<'_>, report: &Report) {
    match lab::recover(tools) {
        Ok(false) => {}
        Ok(true) => report.note("A drill was killed. What it broke is repaired."),
        Err(why) => report.say(&format!("warning: {why:#}")),
    }
}

/// Starts the lab unless it is running, and prints the steps that take long.
pub fn up(tools: HostTools<'_>, report: &Report) -> Result<Up, CommandError> {
    lab::up(tools, &mut |text| report.note(&format!("lab: {text}"))).map_err(|e| match failure(e) {
        CommandError::Text(ErrorKind::Failed, _) if tools.interrupt.is_raised() => CommandError::interrupted(),
        failure => failure,
    })
}

fn done(result: anyhow::Result<()>, report: &Report, text: &str) -> Result<(), CommandError> {
    result.map_err(failure)?;
    report.line(text);
    Ok(())
}

fn failure(error: anyhow::Error) -> CommandError {
    match error.downcast_ref::<lab::Missing>() {
        Some(missing) => CommandError::Text(ErrorKind::Missing, missing.to_string()),
        None => error.into(),
    }
}

fn print(report: &Report, nodes: &[lab::Node]) {
    let mut rows = vec![["machine", "cluster", "state", "address", "instance", "image"].map(String::from).to_vec()];
    for node in nodes {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_string());
        let (state, style) = match node.state {
            Power::Running => ("running", Style::Good),
            Power::Stopped => ("stopped", Style::Dim),
            Power::Off => ("off", Style::Bad),
        };
        rows.push(vec![
            or_dash(&node.name),
            or_dash(&node.cluster),
            report.on_out(style, state),
            node.address.to_string(),
            node.id.clone(),
            node.image.clone(),
        ]);
    }
    report.table(&rows);
}
