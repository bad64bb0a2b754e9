//! The words of the verbs that work on blueprints alone, and write files or say what they mean.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::common::{EXIT_CODES, Format, Out, Variables};

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

/// `explain`
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub struct Explain {
    /// A rule's code, part of a derived value's name, or a generated file (FILE or FILE:LINE)
    pub what: String,
    /// Blueprint whose values are explained [default: the only one in blueprints/, or that of the file's cluster]
    pub blueprint: Option<PathBuf>,
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
