//! Checks what a run needs: whether each tool and credential is found and suitable, and how to get it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::pointers;
use crate::system::files;
use crate::system::parallel;
use crate::system::process::{self, Captured, Exit, Program};
use crate::system::{Context, Interrupt};
use crate::tools::{Invocation, Version, aws, packer, terraform};

/// One thing that a run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prerequisite {
    /// Its name.
    pub name: String,
    /// Where it was found.
    pub at: Option<PathBuf>,
    /// Its version, or the identity of the credentials.
    pub version: String,
    /// What is wrong with it. `None` if it is suitable.
    pub problem: Option<String>,
    /// How to get it.
    pub advice: String,
}

impl Prerequisite {
    /// Returns what is wrong and how to fix it. A tool's own message may end with a full stop.
    pub fn complaint(&self, problem: &str) -> String {
        format!("{}: {}", problem.trim_end_matches(['.', ':', ' ']), self.advice)
    }
}

/// The tools of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// One finding per tool, to show.
    pub findings: Vec<Prerequisite>,
    /// `terraform` or `tofu`, whichever is suitable first.
    pub terraform: String,
    /// Packer's edition.
    pub packer: packer::Edition,
}

const GET_PACKER: &str =
    "get 1.8.1 or newer from https://developer.hashicorp.com/packer/install, or on Debian 12 apt-get install packer";
const GET_TERRAFORM: &str = "get 1.11 or newer from https://developer.hashicorp.com/terraform/install, or https://opentofu.org/docs/intro/install/";
const GET_AWS: &str =
    "apt-get install awscli, or https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html";
const GET_CREDENTIALS: &str =
    "run aws configure or aws sso login, or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
const REACH_AWS: &str =
    "check that this machine's network (and HTTPS_PROXY) lets it reach AWS, and that the region exists";

/// The time limit for a tool to print its version. It takes a fraction of a second (the AWS CLI half a second); the rest is for a very
/// busy machine.
const OF_VERSION: Duration = Duration::from_secs(20);
/// The time limit for an AWS call. Eight tries of the AWS CLI with growing pauses take about a minute. Behind a firewall that drops
/// packets, each try may take that long.
pub(super) const OF_AWS: Duration = Duration::from_secs(120);

/// Messages of the AWS CLI if AWS did not respond (botocore/exceptions.py), whatever the credentials are.
const UNREACHED: [&str; 6] = [
    "Could not connect to the endpoint",
    "Connect timeout",
    "Read timeout",
    "Failed to connect to proxy",
    "Connection was closed",
    "SSL validation failed",
];

/// Looks for Packer and Terraform (or OpenTofu) in parallel.
pub fn tools(context: &Context, env: &BTreeMap<String, String>, interrupt: &Interrupt) -> Tools {
    let probe = |name: &'static str, args: &'static [&'static str], oldest: Version, advice: &'static str| {
        move || look(context, env, interrupt, name, args, oldest, advice)
    };
    thread::scope(|scope| {
        let packer = scope.spawn(probe(packer::PROGRAM, &["version"], packer::REBUILT, GET_PACKER));
        let terraforms = terraform::PROGRAMS
            .map(|program| scope.spawn(probe(program, &["version", "-json"], terraform::OLDEST, GET_TERRAFORM)));
        let (mut packer, version) = parallel::joined(packer);
        let edition = version.map(|version| edition(&mut packer, version));
        let found = terraforms.map(|handle| parallel::joined(handle).0);
        // Take the first that is suitable, else the first that is installed (to show what is wrong with it), else Terraform (to show how to
        // get it).
        let best = (found.iter().find(|f| f.problem.is_none()))
            .or_else(|| found.iter().find(|f| f.at.is_some()))
            .unwrap_or(&found[0])
            .clone();
        Tools {
            terraform: best.name.clone(),
            packer: edition.unwrap_or(packer::Edition::Released),
            findings: vec![packer, best],
        }
    })
}

/// Determines Packer's edition from its version, and records what is wrong with it.
fn edition(finding: &mut Prerequisite, version: Version) -> packer::Edition {
    let program = || files::read(finding.at.as_deref()?).ok().flatten();
    match packer::edition(version, program) {
        Ok(packer::Edition::Rebuilt) => {
            finding.version += ", a rebuild that signs with SHA-2";
            packer::Edition::Rebuilt
        }
        Ok(edition) => edition,
        Err(problem) => {
            finding.problem = Some(problem);
            packer::Edition::Released
        }
    }
}

/// Looks for the AWS CLI. Any version is suitable, and printing the version takes half a second, so a run does not ask.
pub fn aws_cli(context: &Context) -> Prerequisite {
    find(context, aws::PROGRAM, GET_AWS)
}

/// Looks for the AWS CLI and its version.
pub fn aws_cli_version(context: &Context, env: &BTreeMap<String, String>, interrupt: &Interrupt) -> Prerequisite {
    look(context, env, interrupt, aws::PROGRAM, &["--version"], Version::of(1, 0, 0), GET_AWS).0
}

fn of_credentials() -> Prerequisite {
    Prerequisite {
        name: "AWS credentials".into(),
        at: None,
        version: String::new(),
        problem: None,
        advice: GET_CREDENTIALS.into(),
    }
}

/// Returns the finding for credentials that cannot be checked.
pub fn unknown_credentials(why: &str) -> Prerequisite {
    Prerequisite {
        problem: Some(why.into()),
        advice: "fix that program or its configuration first".into(),
        ..of_credentials()
    }
}

/// Asks AWS for the identity of the credentials.
pub fn credentials(ask: &Invocation, env: &BTreeMap<String, String>, interrupt: &Interrupt) -> Prerequisite {
    let mut finding = of_credentials();
    let mut env = env.clone();
    env.extend(ask.env.clone());
    let argv = ask.argv();
    match process::ask(Program { argv: &argv, dir: &ask.dir, env: &env }, OF_AWS, interrupt) {
        Ok(Captured { exit: exit @ Exit::NoAnswer(_), .. }) => {
            finding.name = "AWS".into();
            finding.problem = Some(format!("does not respond ({exit})"));
            finding.advice = REACH_AWS.into();
        }
        Ok(captured) if captured.exit.ok() => match aws::read_identity(&captured.stdout) {
            Some((account, arn)) => finding.version = format!("account {account}, {arn}"),
            None => finding.problem = Some("unexpected response from AWS".into()),
        },
        Ok(captured) => {
            let last = captured.stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
            if UNREACHED.iter().any(|words| last.contains(words)) {
                finding.name = "AWS".into();
                finding.problem = Some(format!("does not respond: {last}"));
                finding.advice = REACH_AWS.into();
            } else {
                finding.problem = Some(format!("are not accepted: {last}"));
            }
        }
        Err(e) => finding.problem = Some(format!("cannot start the AWS CLI: {e}")),
    }
    finding
}

fn find(context: &Context, name: &str, advice: &str) -> Prerequisite {
    let at = context.find_program(name);
    let problem = at.is_none().then(|| match &pointers::missing_in_path(&context.cwd, &context.env)[..] {
        [] => "not found in PATH".to_string(),
        [one] => format!("not found in PATH. Its folder {one} does not exist"),
        all => format!("not found in PATH. Its folders {} do not exist", all.join(", ")),
    });
    Prerequisite { name: name.into(), at, version: String::new(), problem, advice: advice.into() }
}

fn look(
    context: &Context,
    env: &BTreeMap<String, String>,
    interrupt: &Interrupt,
    name: &str,
    args: &[&str],
    oldest: Version,
    advice: &str,
) -> (Prerequisite, Option<Version>) {
    let mut finding = find(context, name, advice);
    let Some(at) = &finding.at else { return (finding, None) };
    let mut env = env.clone();
    env.insert("CHECKPOINT_DISABLE".into(), "1".into());
    let argv: Vec<String> =
        std::iter::once(at.display().to_string()).chain(args.iter().map(|a| a.to_string())).collect();
    let (version, complaint) =
        match process::ask(Program { argv: &argv, dir: &context.cwd, env: &env }, OF_VERSION, interrupt) {
            Ok(Captured { exit: exit @ Exit::NoAnswer(_), .. }) => {
                finding.problem = Some(format!("did not print its version: {exit}"));
                finding.advice = format!("run `{} {}` by hand to see why it hangs", at.display(), args.join(" "));
                return (finding, None);
            }
            // AWS CLI 1 prints its version on standard error under old Pythons.
            Ok(captured) => {
                let version = Version::find(&captured.stdout).or_else(|| Version::find(&captured.stderr));
                let line = captured.stderr.lines().map(str::trim).find(|line| !line.is_empty());
                let complaint = line.map_or_else(|| captured.exit.to_string(), String::from);
                (version, complaint)
            }
            Err(e) => {
                finding.problem = Some(format!("does not start: {e}"));
                return (finding, None);
            }
        };
    match version {
        None => {
            finding.problem = Some(format!("did not print its version: {complaint}"));
            // The tool is installed. Another one would fail in the same environment.
            let broken: Vec<&str> = pointers::broken(&context.cwd, &env).iter().map(|one| one.name).collect();
            if !broken.is_empty() {
                finding.advice = format!("fix the environment first: {}", broken.join(", "));
            }
        }
        Some(version) => {
            finding.version = version.to_string();
            finding.problem = version.older_than(oldest);
        }
    }
    (finding, version)
}
