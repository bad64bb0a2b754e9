//! The database machines' scripts and configuration: `db_config/`.

use super::ImageContent;
use crate::cluster::Cluster;
use crate::fileset::FileSet;

/// Adds the files of the database machines; answers what goes into the master's image and, if there are slaves, theirs.
pub fn add(_cluster: &Cluster, _files: &mut FileSet) -> Vec<ImageContent> {
    vec![]
}
