//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "Exit codes:
  0    done
  1    a tool or the cluster failed
  2    bad usage or blueprint
  3    drift: --check found some, --plan-only found changes, settings run otherwise than they are generated, or files that were edited or are stale are not overwritten or run
  4    a prerequisite is missing (`pgherd doctor` says which, and how to get it)
  130  interrupted";

/// One blueprint in, a replicated, self-healing, load-balanced PostgreSQL cluster out.
#[derive(Debug, Parser)]
#[command(name = "pgherd", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a first blueprint, from a few questions or from flags
    Init(Init),
    /// Write a cluster's files: Packer templates, Terraform modules, scripts, configuration
    Gen(Gen),
    /// Say what a cluster will do: outages, losses, quorum, capacity, and every rule that it breaks
    Check(Check),
    /// Tell the whole story of a rule (PGH001), or why a value (maxconn) or a generated line (haproxy.cfg:44) is what it is
    Explain(Explain),
    /// Print the blueprint language: every name, its type, bounds and default; or the events of a run
    Schema(Schema),
    /// Build the images, make the machines, and wait until the cluster is whole
    Run(Run),
    /// Take a cluster down
    Destroy(Destroy),
    /// List the images of a cluster with age, hash and use; prune those that nobody needs
    Images(Images),
    /// Show each machine, who is primary and who streams; 1 if the cluster is not healthy
    Status(Status),
    /// Look for each tool and credential, and say how to get what is missing
    Doctor(Doctor),
    /// For pgherd's own use: keep a tool alive and its output clean, whatever becomes of who started it
    #[command(hide = true)]
    Keep(Keep),
    /// The lab: an AWS of one's own on this machine, with machines that boot
    Lab(Lab),
}

/// `init`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Init {
    /// The cluster's name [default: herd]
    #[arg(long)]
    pub name: Option<String>,
    /// AWS region, such as eu-west-1
    #[arg(long)]
    pub region: Option<String>,
    /// Zones that machines are dealt out over: a,b,c [default: three of the region]
    #[arg(long, value_name = "ZONE", value_delimiter = ',')]
    pub zones: Vec<String>,
    /// How many slaves [default: 2]
    #[arg(long, value_name = "N")]
    pub slaves: Option<u8>,
    /// EC2 instance type of master and slaves [default: m6i.large]
    #[arg(long, value_name = "TYPE")]
    pub instance_type: Option<String>,
    /// A database, and the role that owns it, to begin with
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// Address ranges that may reach SSH and the stats page; HAProxy then gets an Elastic IP
    #[arg(long, value_name = "RANGE", value_delimiter = ',')]
    pub admins: Vec<String>,
    /// EC2 key pair for SSH to every machine
    #[arg(long, value_name = "NAME")]
    pub key_name: Option<String>,
    /// The file to write [default: blueprints/NAME.hcl]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `gen`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Gen {
    /// Blueprints to generate [default: blueprints/*.hcl]
    pub blueprints: Vec<PathBuf>,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub out: Out,
    /// Write nothing; show what would change as a diff, and exit with 3 if anything would
    #[arg(long)]
    pub check: bool,
    /// Overwrite files that pgherd did not write or that were edited since, after naming them
    #[arg(long, conflicts_with = "check")]
    pub force: bool,
}

/// `check`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Check {
    /// Blueprints to judge [default: blueprints/*.hcl]
    pub blueprints: Vec<PathBuf>,
    #[command(flatten)]
    pub variables: Variables,
    /// Tables for people, or JSON with everything
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Show every derived value, too: what it follows from, why, and the source
    #[arg(long)]
    pub decisions: bool,
}

/// What a blueprint's variables are set to.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Variables {
    /// Set a variable that the blueprint declares; text as it is, everything else as in a blueprint
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
}

fn assignment(word: &str) -> Result<(String, String), String> {
    match word.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_string(), value.to_string())),
        _ => Err("write NAME=VALUE".into()),
    }
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// `explain`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Explain {
    /// A rule's code, part of a derived value's name, or a generated file (FILE or FILE:LINE)
    pub what: String,
    /// Blueprint whose values are explained
    #[arg(default_value = "blueprints/herd.hcl")]
    pub blueprint: PathBuf,
    #[command(flatten)]
    pub variables: Variables,
}

/// `schema`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Schema {
    /// JSON Schema for editors, or the table of the README
    #[arg(long, value_enum, default_value_t = SchemaFormat::Json)]
    pub format: SchemaFormat,
    /// The lines of `run --format json` instead, as JSON Schema
    #[arg(long, conflicts_with = "format")]
    pub events: bool,
}

/// How the language is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    /// JSON Schema
    Json,
    /// A table
    Markdown,
}

/// Where generated files are.
#[derive(Debug, ClapArgs)]
pub struct Out {
    /// Folder of the generated files, one folder a cluster in it
    #[arg(long = "out", value_name = "DIR", default_value = "generated")]
    pub dir: PathBuf,
}

/// Which cluster, and where it runs.
#[derive(Debug, ClapArgs)]
pub struct Where {
    /// The cluster's blueprint
    pub blueprint: PathBuf,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub out: Out,
    /// Where the cluster runs: on AWS, or in the lab on this machine
    #[arg(long, value_enum, default_value_t = TargetName::Aws)]
    pub target: TargetName,
}

/// A place to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TargetName {
    /// Amazon Web Services
    Aws,
    /// This machine
    Lab,
}

/// `run`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Run {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub stages: Stages,
    #[command(flatten)]
    pub telling: Telling,
    /// Print each command with its directory and environment, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the stages and what each waits for, and run nothing
    #[arg(long, value_name = "FORMAT", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub graph: Option<Graph>,
    /// Do not show what will be and ask before it is done on AWS
    #[arg(long)]
    pub yes: bool,
    /// Let the data of this database machine be destroyed by a plan that replaces or destroys it or its disk; --yes does not
    #[arg(long, value_name = "NAME")]
    pub confirm: Vec<String>,
    /// Build this role's image although it exists: its base image has moved on
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', value_parser = ["master", "slave", "haproxy"])]
    pub rebuild: Vec<String>,
    /// Show what would be changed, and change nothing: exits with 0 if nothing would be, with 3 if anything
    #[arg(long, conflicts_with_all = ["yes", "dry_run"])]
    pub plan_only: bool,
    /// How many stages run at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    pub jobs: u8,
    /// How long the cluster may take to become whole, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub wait: u64,
}

/// How much is said, and for whom.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub struct Telling {
    /// Lines for people, or a JSON object an event (`pgherd schema --events` says which there are)
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Say only the result and what went wrong
    #[arg(long, short)]
    pub quiet: bool,
    /// Show what the tools print
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// Which stages of a run; `run --graph` names them.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Stages {
    /// Run these stages alone, as if what they need were done
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Run these stages and all that wait for them
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',', conflicts_with = "only")]
    pub from: Vec<String>,
    /// Leave these stages out, as if they were done
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    pub skip: Vec<String>,
}

/// How a graph is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Graph {
    /// A table
    Text,
    /// For a page that draws Mermaid, such as GitHub's
    Mermaid,
}

/// `destroy`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Destroy {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub telling: Telling,
    /// Remove the cluster's images and their snapshots, too
    #[arg(long)]
    pub images: bool,
    /// Do not ask for the cluster's name first; in the lab, whose data is nobody's, nobody is asked
    #[arg(long)]
    pub yes: bool,
}

/// `images`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Images {
    /// The cluster's blueprint
    pub blueprint: Option<PathBuf>,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub out: Out,
    /// Where the cluster runs: on AWS, or in the lab on this machine
    #[arg(long, value_enum, default_value_t = TargetName::Aws)]
    pub target: TargetName,
    /// What to do instead of listing them
    #[command(subcommand)]
    pub verb: Option<ImagesVerb>,
}

impl Images {
    /// Which cluster; clap cannot say that it is needed only where no verb is.
    pub fn place(&self) -> Option<Where> {
        let (variables, out) = (self.variables.clone(), Out { dir: self.out.dir.clone() });
        Some(Where { blueprint: self.blueprint.clone()?, variables, out, target: self.target })
    }
}

/// The verbs of images.
#[derive(Debug, Subcommand)]
pub enum ImagesVerb {
    /// Remove old images that no machine runs from, and their snapshots
    Prune(Prune),
}

/// `images prune`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Prune {
    #[command(flatten)]
    pub place: Where,
    /// How many of each role stay, besides those in use and those that the blueprint means now
    #[arg(long, value_name = "N")]
    pub keep: u8,
    /// Do not ask first
    #[arg(long)]
    pub yes: bool,
}

/// `status`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Status {
    #[command(flatten)]
    pub place: Where,
}

/// `doctor`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Doctor {
    /// Where a cluster is to run
    #[arg(long, value_enum, default_value_t = TargetName::Aws)]
    pub target: TargetName,
}

/// `keep`
#[derive(Debug, ClapArgs)]
pub struct Keep {
    /// Where the tool's output goes
    #[arg(long)]
    pub log: PathBuf,
    /// The journal
    #[arg(long, requires = "entry")]
    pub journal: Option<PathBuf>,
    /// What is added to it at the end
    #[arg(long)]
    pub entry: Option<String>,
    /// The tool and its arguments
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}

/// `lab`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Lab {
    /// What to do.
    #[command(subcommand)]
    pub verb: LabVerb,
}

/// The verbs of the lab.
#[derive(Debug, Subcommand)]
pub enum LabVerb {
    /// Bring the lab up; `run --target lab` does it by itself
    Up,
    /// Take it down with all its machines; images stay in the cache
    Down,
    /// List its machines
    Ps,
    /// Enter a machine, or, without NODE, the network where `aws` speaks to the lab
    Shell {
        /// Its name in the cluster (`master`), its full name (`herd-master`), or its instance id
        node: Option<String>,
        /// Run this instead of a shell
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Cut a machine's power
    Kill {
        /// As in `shell`
        node: String,
    },
    /// Switch a machine on again, with the disk it had
    Start {
        /// As in `shell`
        node: String,
    },
    /// Keep machines what the API says they are
    #[command(hide = true)]
    Controller,
}
