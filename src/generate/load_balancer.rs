//! The load balancer's script and configuration: `load_balancer/`.

use super::ImageContent;
use crate::cluster::Cluster;
use crate::fileset::FileSet;

/// Adds the files of HAProxy's machine; answers what goes into its image.
pub fn add(_cluster: &Cluster, _files: &mut FileSet) -> ImageContent {
    ImageContent { role: "haproxy", script: String::new(), files: vec![] }
}
