//! The arguments of the verbs that only need a blueprint: they write files, or explain.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::common::{EXIT_CODES, Format, Out, Variables, number};

/// `init`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct InitArgs {
    /// Name of the cluster [default: herd]
    #[arg(long)]
    pub name: Option<String>,
    /// AWS region, such as eu-west-1
    #[arg(long)]
    pub region: Option<String>,
    /// Availability zones to spread the machines over, such as a,b,c [default: three of the region]
    #[arg(long, value_name = "ZONE", value_delimiter = ',')]
    pub zones: Vec<String>,
    /// Number of slaves [default: 2]
    #[arg(long, value_name = "N", value_parser = number::<u8>(0, 15, ""), allow_negative_numbers = true)]
    pub slaves: Option<u8>,
    /// EC2 instance type of the master and the slaves [default: m6i.large]
    #[arg(long, value_name = "TYPE")]
    pub instance_type: Option<String>,
    /// A first database, owned by a role of the same name
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// Address ranges that may reach SSH and the stats page; gives HAProxy an Elastic IP. Not the write and read ports: see network.clients
    #[arg(long, value_name = "RANGE", value_delimiter = ',')]
    pub admins: Vec<String>,
    /// EC2 key pair for SSH to all machines
    #[arg(long, value_name = "NAME")]
    pub key_name: Option<String>,
    /// The file to write [default: blueprints/NAME.hcl]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `gen`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct GenArgs {
    /// Blueprints to generate [default: blueprints/*.hcl]
    pub blueprints: Vec<PathBuf>,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub out: Out,
    /// Show what would change as a diff, but write nothing; exit with 3 if anything would change
    #[arg(long)]
    pub check: bool,
    /// Overwrite edited files and files that pgherd did not write, and list them
    #[arg(long, conflicts_with = "check")]
    pub force: bool,
}

/// `check`
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("Warnings alone exit with 0.\n\n{EXIT_CODES}"))]
pub struct CheckArgs {
    /// Blueprints to check [default: blueprints/*.hcl]
    pub blueprints: Vec<PathBuf>,
    #[command(flatten)]
    pub variables: Variables,
    /// Print tables for people, or JSON with every detail
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Also show every derived value with its inputs, reason and source
    #[arg(long)]
    pub decisions: bool,
}

/// `explain`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct ExplainArgs {
    /// The code of a rule (PGH lists all rules), the name of a value or a part of that name, or a generated file (FILE or FILE:LINE)
    pub what: String,
    /// The cluster's blueprint [default: the only one in blueprints/, or the one of the file's cluster]
    pub blueprint: Option<PathBuf>,
    #[command(flatten)]
    pub variables: Variables,
}

/// `schema`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct SchemaArgs {
    /// Print JSON Schema for editors, or a Markdown table
    #[arg(long, value_enum, default_value_t = SchemaFormat::Json)]
    pub format: SchemaFormat,
    /// Print the events of `run --format json` instead, as JSON Schema
    #[arg(long, conflicts_with = "format")]
    pub events: bool,
    /// Print the events of `drill --format json` instead, as JSON Schema
    #[arg(long, conflicts_with_all = ["format", "events"])]
    pub drill: bool,
}

/// The format of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    /// JSON Schema
    Json,
    /// Markdown table
    Markdown,
}
