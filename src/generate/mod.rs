//! Cluster -> file set: every file that people review, commit and can run by hand.
//!
//! Files for machines come first; an image's hash covers them; Packer's templates and Terraform's modules carry that hash.

pub mod bootstrap;
pub mod database;
pub mod deploy;
pub mod load_balancer;
pub mod machine;
pub mod packer;
pub mod provenance;
pub mod readme;
pub mod rotate;
mod runbook;
mod templates;
pub mod terraform;

use crate::cluster::Cluster;
use crate::fileset::{FileSet, Mode};

pub use templates::prepare;

/// All files of a cluster except its manifest.
pub fn generate(cluster: &Cluster) -> FileSet {
    let machines = for_machines(cluster);
    let mut files = for_tools(cluster, &machines);
    files.extend(machines.files);
    files
}

/// The files that machines are made of.
#[derive(Debug)]
pub struct ForMachines {
    /// The files.
    pub files: FileSet,
    /// Which of them go into which image.
    contents: Vec<ImageContent>,
}

/// The first half of the files: those that machines are made of.
pub fn for_machines(cluster: &Cluster) -> ForMachines {
    let mut files = FileSet::new();
    let common = machine::add_common(cluster, &mut files);
    let etcd = machine::add_etcd(cluster, &mut files);
    let mut contents = database::add(cluster, &common, &etcd, &mut files);
    contents.push(load_balancer::add(cluster, &common, &etcd, &mut files));
    ForMachines { files, contents }
}

/// The other half: those that Packer, Terraform and people read. They carry the hashes of the images.
pub fn for_tools(cluster: &Cluster, machines: &ForMachines) -> FileSet {
    let mut files = FileSet::new();
    files.images = packer::add(cluster, machines, &mut files);
    terraform::add(cluster, &mut files);
    deploy::add(cluster, &mut files);
    rotate::add(cluster, &mut files);
    readme::add(cluster, &mut files);
    runbook::add(cluster, &mut files);
    templates::add_plain(&mut files, ".gitattributes", Mode::Plain);
    templates::add_plain(&mut files, ".gitignore", Mode::Plain);
    files
}

/// What goes into an image: a role's provisioner and the files that it installs, by their paths in the file set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageContent {
    /// The role's name.
    pub role: &'static str,
    /// The script that Packer runs as root from the folder that holds the uploaded files.
    pub script: String,
    /// Everything that is uploaded beside the script, flat: base names are unique within an image.
    pub files: Vec<String>,
}
