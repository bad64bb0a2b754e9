//! `pgherd init`: a first blueprint, from a few questions or from flags. It never overwrites a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args;
use super::error::{CommandError, ErrorKind};
use super::listen::listen;
use super::report::{Report, Style};
use crate::blueprint::first::First;
use crate::blueprint::rules::Severity;
use crate::blueprint::{self, regions};
use crate::cluster;
use crate::cluster::check::check;
use crate::system::{Context, Interrupt, files, terminal};

/// The flags for attributes, as problems name them.
const FLAGS: [(&str, &str); 8] = [
    ("region", "--region"),
    ("network.zones", "--zones"),
    ("network.admins", "--admins"),
    ("postgres.users", "--database"),
    ("postgres.databases", "--database"),
    ("master.instance_type", "--instance-type"),
    ("master.key_name", "--key-name"),
    ("slaves.count", "--slaves"),
];

/// Runs the verb.
pub fn run(context: &Context, report: &Arc<Report>, options: args::InitArgs) -> Result<(), CommandError> {
    let interrupt = Interrupt::default();
    let out = options.out.clone();
    if let Some(out) = &out {
        refuse_existing(context, out)?;
    }
    let asks = terminal::can_ask();
    let questions = Questions { report, interrupt: &interrupt };
    if asks {
        listen(report, &interrupt)?;
        report.note("Press Enter to take the default in brackets. Ctrl-C stops without writing anything.\n");
    }
    let mut first = if asks { questions.first(&options)? } else { given(&options)? };
    accept(&mut first)?;
    let out = out.unwrap_or_else(|| PathBuf::from(format!("blueprints/{}.hcl", first.name)));
    write(context, &out, &first.text())?;
    let shown = out.display();
    report.line(&format!(
        "Wrote {}. Read it and change what you like, then:",
        report.on_out(Style::Bold, &shown.to_string())
    ));
    report.line(&format!("  pgherd check {shown}   predicts how this cluster will behave"));
    report
        .line(&format!("  pgherd gen {shown}     generates its Packer templates, Terraform modules and configuration"));
    report
        .line(&format!("  pgherd run {shown}     builds and starts it on AWS or, with --target lab, on this machine"));
    if !first.admins.is_empty() {
        report.line(
            "\n`run` and `status` also connect to the write and read ports, which only network.clients may reach. From an address that \
             is not in it, `run` ends with exit code 5 (created, but not verified): add your address to network.clients as well.",
        );
    }
    Ok(())
}

/// Returns zones for a region that has no default ones: the first two that some accounts have, for the user to correct.
fn zones_to_name(region: &str) -> Option<Vec<String>> {
    if regions::default_zones(region).is_some() {
        return None;
    }
    let letters = regions::zones(region)?;
    Some(letters.chars().take(2).map(String::from).collect())
}

/// Returns the blueprint that the flags alone describe.
fn given(options: &args::InitArgs) -> Result<First, CommandError> {
    let Some(region) = &options.region else {
        return Err(CommandError::usage(
            "there is no terminal to ask for the region; add it, for instance --region eu-west-1",
        ));
    };
    let first = of(options, region);
    refuse_flawed(&first)?;
    Ok(first)
}

fn of(options: &args::InitArgs, region: &str) -> First {
    let defaults = First::new(region);
    let zones = match (options.zones.as_slice(), zones_to_name(region)) {
        ([], Some(usual)) => usual,
        (zones, _) => zones.to_vec(),
    };
    First {
        name: options.name.clone().unwrap_or(defaults.name.clone()),
        zones,
        slaves: options.slaves.unwrap_or(defaults.slaves),
        instance_type: options.instance_type.clone(),
        database: options.database.clone(),
        admins: options.admins.clone(),
        key_name: options.key_name.clone(),
        ..defaults
    }
}

/// Returns the first problem of a blueprint, and the flag that causes it.
fn flaw(first: &First) -> Option<(&'static str, String)> {
    let found = blueprint::parse("", &first.text()).err()?.into_iter().next()?;
    let flag = |(attribute, flag): &(&str, &'static str)| Some((*flag, found.problem.strip_prefix(attribute)?));
    // Every problem begins with an attribute, except one of the cluster's name.
    let (flag, problem) = FLAGS.iter().find_map(flag).unwrap_or(("--name", &found.problem));
    Some((flag, format!("{}\n  {}", problem.trim_start_matches(": "), found.help)))
}

fn refuse_flawed(first: &First) -> Result<(), CommandError> {
    match flaw(first) {
        Some((flag, flaw)) => Err(CommandError::usage(format!("{flag}: {flaw}"))),
        None => Ok(()),
    }
}

/// Accepts the rules that the wanted zones violate: too few of them may cost the quorum. No other question can violate a rule.
fn accept(first: &mut First) -> Result<(), CommandError> {
    let Ok(blueprint) = blueprint::parse("", &first.text()) else { return Ok(()) };
    for finding in check(&cluster::resolve(&blueprint)).findings {
        match finding.rule.severity {
            Severity::Error if finding.rule.acceptable => first
                .accept
                .push((finding.rule.code, format!("chosen with pgherd init --zones {}", first.zones.join(",")))),
            Severity::Error => return Err(CommandError::usage(format!("{}\n  {}", finding.problem, finding.help))),
            Severity::Warning => {}
        }
    }
    Ok(())
}

struct Questions<'a> {
    report: &'a Report,
    interrupt: &'a Interrupt,
}

impl Questions<'_> {
    /// Returns the blueprint from the flags, and from answers to questions about the rest.
    fn first(&self, options: &args::InitArgs) -> Result<First, CommandError> {
        let mut first = of(options, options.region.as_deref().unwrap_or("eu-west-1"));
        let flags = First::clone(&first);
        refuse_flawed(&flags)?;
        if options.name.is_none() {
            self.ask(
                "Name of the cluster (lower-case letters, digits, hyphens)",
                "herd",
                &mut first,
                |first, answer| {
                    first.name = answer.into();
                    Ok(())
                },
            )?;
        }
        if options.region.is_none() {
            self.ask("AWS region", "eu-west-1", &mut first, |first, answer| {
                let named = options.zones.is_empty().then(|| zones_to_name(answer)).flatten();
                first.region = answer.into();
                first.zones = named.unwrap_or_else(|| options.zones.clone());
                Ok(())
            })?;
        }
        if options.slaves.is_none() {
            self.ask("Number of slaves (0 to 15)", "2", &mut first, |first, answer| {
                first.slaves = answer.parse().map_err(|_| "enter a number from 0 to 15".to_string())?;
                Ok(())
            })?;
        }
        if options.database.is_none() {
            self.ask("A first database, owned by a role of the same name", "none", &mut first, |first, answer| {
                first.database = (answer != "none").then(|| answer.into());
                Ok(())
            })?;
        }
        if options.admins.is_empty() {
            let question = "Address ranges that may reach SSH and the stats page from outside (such as 203.0.113.7/32)";
            self.ask(question, "none", &mut first, |first, answer| {
                first.admins = if answer == "none" { vec![] } else { words(answer) };
                Ok(())
            })?;
        }
        if options.key_name.is_none() && !first.admins.is_empty() {
            let question = "Name of your EC2 key pair for SSH (adding one later replaces the machines)";
            self.ask(question, "none", &mut first, |first, answer| {
                first.key_name = (answer != "none").then(|| answer.into());
                Ok(())
            })?;
        }
        Ok(first)
    }

    /// Asks until the answer makes a valid blueprint.
    fn ask(
        &self,
        question: &str,
        default: &str,
        first: &mut First,
        set: impl Fn(&mut First, &str) -> Result<(), String>,
    ) -> Result<(), CommandError> {
        loop {
            let answer = match self.report.ask(&format!("{question} [{default}]:"), self.interrupt) {
                Some(answer) if answer.is_empty() => default.to_string(),
                Some(answer) => answer,
                None if self.interrupt.is_raised() => return Err(CommandError::interrupted()),
                None => return Err(CommandError::usage("the input ended; nothing was written")),
            };
            let mut tried = first.clone();
            match set(&mut tried, &answer).err().or_else(|| flaw(&tried).map(|(_, flaw)| flaw)) {
                None => {
                    *first = tried;
                    return Ok(());
                }
                Some(flaw) => self.report.note(&format!("  {flaw}")),
            }
        }
    }
}

fn words(list: &str) -> Vec<String> {
    list.split([',', ' ']).filter(|word| !word.is_empty()).map(String::from).collect()
}

fn refuse_existing(context: &Context, out: &Path) -> Result<(), CommandError> {
    match files::kind(&context.path(out)).map_err(CommandError::unwritable(out))? {
        None => Ok(()),
        Some(_) => Err(stands(out)),
    }
}

fn stands(out: &Path) -> CommandError {
    CommandError::Text(ErrorKind::Usage, format!("{} already exists; choose another file with --out", out.display()))
}

fn write(context: &Context, out: &Path, text: &str) -> Result<(), CommandError> {
    let path = context.path(out);
    if let Some(dir) = path.parent() {
        files::make_dirs(dir).map_err(CommandError::unwritable(dir))?;
    }
    match files::create(&path, text.as_bytes()).map_err(CommandError::unwritable(out))? {
        true => Ok(()),
        false => Err(stands(out)),
    }
}
