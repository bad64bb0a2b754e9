//! The files that every root module has: versions and backend, provider, the seed's variables, the blueprint's decisions.

use std::borrow::Cow;

use hcl_edit::structure::{Attribute, Block, Body};
use serde::Serialize;

use super::hcl::{attr, block, commented, object, print};
use crate::cluster::{Cluster, Module, State};
use crate::fileset::{FileSet, Mode};
use crate::generate::templates;

const PROVIDER: &str = include_str!("../templates/terraform/provider.tf");
const VARIABLES: &str = include_str!("../templates/terraform/variables.tf");
const CLUSTER_COMMENT: &str =
    "# The blueprint's values. The other files of this folder are the same in every cluster of this kind.\n";

/// What a module's templates know.
#[derive(Serialize)]
struct ModuleContext {
    own_key: bool,
}

/// The files of a root module under construction.
pub struct ModuleFiles<'a> {
    cluster: &'a Cluster,
    module: Module,
    files: &'a mut FileSet,
}

impl<'a> ModuleFiles<'a> {
    /// Starts a module with the files that all modules have.
    pub fn new(cluster: &'a Cluster, module: Module, files: &'a mut FileSet) -> Self {
        let mut made = ModuleFiles { cluster, module, files };
        made.file("versions.tf", made.versions());
        made.file("provider.tf", PROVIDER);
        made
    }

    /// Adds a file.
    pub fn file(&mut self, name: &str, text: impl Into<Cow<'static, str>>) {
        self.files.add(format!("{}/{name}", self.module.folder()), Mode::Plain, text);
    }

    /// Adds the file of this name below `templates/`, which may be a template.
    pub fn add(&mut self, name: &str) {
        self.add_from(name, name);
    }

    /// Adds a file whose source has another name. A template knows whether the cluster has a KMS key of its own.
    pub fn add_from(&mut self, name: &str, source: &str) {
        let context = ModuleContext { own_key: self.cluster.blueprint.kms_key_id.is_some() };
        let path = |name: &str| format!("{}/{name}", self.module.folder());
        templates::add_either(self.cluster, self.files, path(name), &path(source), context);
    }

    /// Renders the template of this name in a context of its own, and adds the file.
    pub fn rendered(&mut self, name: &str, context: impl Serialize) {
        templates::add_rendered(self.cluster, self.files, &format!("{}/{name}", self.module.folder()), context);
    }

    /// Adds `variables.tf` with the seed's credentials and region, then the module's own variables.
    pub fn variables(&mut self, more: &str) {
        self.file("variables.tf", format!("{VARIABLES}{more}"));
    }

    /// Adds `cluster.tf` with the name, region and tags, then the module's own values.
    pub fn cluster(&mut self, more: impl IntoIterator<Item = Attribute>) {
        let tags = self.cluster.tags.iter().map(|(key, value)| (key, value.as_str().into()));
        let key = self.cluster.blueprint.kms_key_id.as_deref();
        let key =
            key.map(|key| commented("The KMS key that encrypts disks, images and passwords.", attr("kms_key_id", key)));
        let locals = block("locals")
            .attribute(attr("cluster", self.cluster.name.as_str()))
            .attribute(attr("region", self.cluster.region.as_str()))
            .attribute(commented("The tags of everything that these modules create.", attr("tags", object(tags))))
            .attributes(key)
            .attributes(more);
        let body = Body::builder().block(locals).build();
        self.file("cluster.tf", format!("{CLUSTER_COMMENT}{}", print(&body)));
    }

    fn versions(&self) -> String {
        let fixed = &self.cluster.fixed.terraform;
        let aws = object([
            ("source", "hashicorp/aws".into()),
            ("version", format!(">= {}, < {}", fixed.provider, fixed.provider_below).into()),
        ]);
        let mut terraform = block("terraform")
            .attribute(commented(
                self.cluster.why("terraform.at_least"),
                attr("required_version", format!(">= {}", fixed.at_least)),
            ))
            .block(block("required_providers").attribute(attr("aws", aws)));
        if let State::S3 { bucket, key_prefix, region } = &self.cluster.blueprint.state {
            terraform = terraform.block(self.s3(bucket, key_prefix, region));
        }
        print(&Body::builder().block(terraform).build())
    }

    fn s3(&self, bucket: &str, key_prefix: &str, region: &str) -> Block {
        block("backend")
            .label("s3")
            .attribute(attr("bucket", bucket))
            .attribute(attr("key", self.cluster.state_key(key_prefix, self.module)))
            .attribute(attr("region", region))
            .attribute(attr("encrypt", true))
            .attribute(attr("use_lockfile", true))
            .build()
    }
}
