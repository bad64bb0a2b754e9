//! Turns a cluster into a file set: every file that people review, commit and can run by hand.
//!
//! Files for machines come first. An image's hash covers them, and Packer's templates and Terraform's modules contain that hash.

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
use crate::fileset::{FileSet, ImageId, Mode};

pub use templates::prepare;

/// Returns all files of a cluster except its manifest.
pub fn generate(cluster: &Cluster) -> FileSet {
    let machines = for_machines(cluster);
    let mut files = for_tools(cluster, &machines);
    files.extend(machines.files);
    files
}

/// The files that go into images.
#[derive(Debug)]
pub struct ForMachines {
    /// The files.
    pub files: FileSet,
    /// Which of them go into which image.
    contents: Vec<ImageContent>,
}

/// Returns the files that go into images.
pub fn for_machines(cluster: &Cluster) -> ForMachines {
    let mut files = FileSet::new();
    let common = machine::add_common(cluster, &mut files);
    let etcd = machine::add_etcd(cluster, &mut files);
    let mut contents = database::add(cluster, &common, &etcd, &mut files);
    contents.push(load_balancer::add(cluster, &common, &etcd, &mut files));
    ForMachines { files, contents }
}

/// Returns the files that Packer, Terraform and people read. They contain the hashes of the images.
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

/// Returns the files of Terraform's modules, which boot these images.
fn for_modules(cluster: &Cluster, images: Vec<ImageId>) -> FileSet {
    let mut files = FileSet::new();
    files.images = images;
    terraform::add(cluster, &mut files);
    files
}

/// The content of a role's image: its provisioner and the files that it installs, by their paths in the file set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageContent {
    /// The role's name.
    pub role: &'static str,
    /// The script that Packer runs as root from the folder that holds the uploaded files.
    pub script: String,
    /// The files that are uploaded to the script's folder. Base names are unique within an image.
    pub files: Vec<String>,
}
