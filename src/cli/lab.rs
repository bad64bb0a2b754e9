//! `pgherd lab`: an AWS of one's own on this machine.

use std::sync::Arc;

use super::args::LabVerb;
use super::failure::{Failure, Kind};
use super::report::{Report, Style};
use super::session;
use crate::lab::{self, State, Tools, Up};
use crate::system::process::{self, Program};
use crate::system::{Context, Interrupt};

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, verb: LabVerb) -> Result<(), Failure> {
    let interrupt = Interrupt::default();
    let tools = Tools { context, interrupt: &interrupt };
    match verb {
        LabVerb::Up => {
            session::listen(report, &interrupt)?;
            match up(tools, report)? {
                Up::Started => report.line("the lab is up"),
                Up::WasUp => report.line("the lab is up already"),
            }
        }
        LabVerb::Down => {
            lab::down(context)?;
            report.line("the lab is down");
        }
        LabVerb::Ps => print(report, &lab::ps()?),
        LabVerb::Kill { node } => {
            lab::kill(tools, &node)?;
            report.line(&format!("{node} has no power; `pgherd lab start {node}` switches it on again"));
        }
        LabVerb::Start { node } => {
            lab::start(tools, &node)?;
            report.line(&format!("{node} boots"));
        }
        LabVerb::Shell { node, command } => {
            let argv = match &node {
                Some(node) => lab::shell(context, node, &command)?,
                None => lab::outer_shell(&command)?,
            };
            return Err(process::replace(Program { argv: &argv, dir: &context.cwd, env: &context.env }).into());
        }
        LabVerb::Controller => {
            interrupt.listen(|_| {})?;
            lab::controller(tools, &mut |text| report.note(text))?;
        }
    }
    Ok(())
}

/// Brings the lab up, if it is not; says what takes long.
pub fn up(tools: Tools<'_>, report: &Report) -> Result<Up, Failure> {
    lab::up(tools, &mut |text| report.note(&format!("lab: {text}"))).map_err(|e| {
        match e.downcast_ref::<lab::Missing>() {
            Some(missing) => Failure::Text(Kind::Missing, missing.to_string()),
            None if tools.interrupt.is_raised() => session::interrupted(),
            None => e.into(),
        }
    })
}

fn print(report: &Report, nodes: &[lab::Node]) {
    let mut rows = vec![["machine", "cluster", "state", "address", "instance", "image"].map(String::from).to_vec()];
    for node in nodes {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_string());
        let (state, style) = match node.state {
            State::Running => ("running", Style::Good),
            State::Stopped => ("stopped", Style::Dim),
            State::Off => ("off", Style::Bad),
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
