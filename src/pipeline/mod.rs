//! The ordered work of a cluster as data: stages, what each needs, and where they run.
//!
//! `build` makes it, `run` interprets it, and `--dry-run` prints it.

mod access;
mod build;
mod expected;
mod extend;
mod graph;
pub mod policy;
pub mod preflight;
mod select;
pub mod target;

use crate::fileset::contents::Contents;
use crate::tools::aws::BaseQuery;
use crate::tools::backend::Backend;
use crate::tools::leftovers::Builder;
use crate::tools::{Invocation, terraform};

pub use crate::cluster::{Module, Service};
pub use access::{Admits, ClusterAccess, Delays, Port, Range};
pub use build::{Toolbox, pipeline};
pub use expected::{Expected, ExpectedMachine};
pub use extend::AddedStage;
pub use select::Selection;
pub use target::{Advice, Platform, Target};

/// All stages of a cluster. Each comes after those that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The cluster's name.
    pub cluster: String,
    /// Its AWS region.
    pub region: String,
    /// The value of the tag `pgherd:cluster` on everything that belongs to it: name and region.
    pub tag: String,
    /// The stages.
    pub stages: Vec<Stage>,
    /// The cluster as it is meant to be.
    pub expected: Expected,
    /// How it is asked.
    pub access: ClusterAccess,
    /// Asks AWS for the images of the cluster's roles and for their base images.
    pub find: Invocation,
    /// The AWS CLI as it is called for this cluster, without arguments.
    pub aws: Invocation,
}

/// A piece of work. It runs as soon as the stages that it needs are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// `network`, `image-master`, …: others need it by this id, and its log has it in its name.
    pub id: String,
    /// Ids of the stages before it.
    pub needs: Vec<String>,
    /// What it does.
    pub work: Work,
}

/// What a stage does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Builds an image, unless one of the same content exists.
    Image(ImageWork),
    /// Plans and applies a Terraform module.
    Module(ModuleWork),
    /// Waits until the cluster is healthy, as HAProxy sees it.
    Verify,
}

/// An image to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageWork {
    /// The role that boots it.
    pub role: String,
    /// AMI name.
    pub name: String,
    /// The hash of each file in it.
    pub contents: Contents,
    /// The base images that it can be built from.
    pub base: BaseQuery,
    /// The number of days after which it counts as old.
    pub max_age_days: u32,
    /// Asks Packer for its plugins; only for a Packer that has plugins.
    pub plugins: Invocation,
    /// Installs the plugin that the template needs.
    pub get_plugin: Invocation,
    /// Builds it.
    pub build: Invocation,
    /// Builds it and replaces the image with the same content.
    pub rebuild: Invocation,
    /// The builder, to find what a killed build leaves in AWS.
    pub builder: Builder,
}

/// A Terraform root module to plan and apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleWork {
    /// Which one.
    pub module: Module,
    /// Its folder, relative to the cluster's.
    pub dir: String,
    /// Its saved plan, relative to its folder.
    pub plan_file: String,
    /// Installs providers and opens the backend.
    pub init: Invocation,
    /// Plans into the plan file.
    pub plan: Invocation,
    /// Plans to destroy everything, into the plan file.
    pub plan_destroy: Invocation,
    /// Applies the plan file.
    pub apply: Invocation,
    /// The program without arguments, for other commands.
    pub program: Invocation,
    /// The state relative to the cluster's folder; `None` if it is not a file.
    pub state: Option<String>,
    /// Where the state is kept.
    pub backend: Backend,
    /// Where earlier versions of pgherd kept it in the same bucket.
    pub former: Vec<Backend>,
}

impl ModuleWork {
    /// Returns the command that prints the plan file as JSON.
    pub fn show(&self) -> Invocation {
        self.call(terraform::show(&self.dir, &self.plan_file))
    }

    /// Returns a call of Terraform with these arguments.
    pub fn call(&self, args: Vec<String>) -> Invocation {
        Invocation { args, ..self.program.clone() }
    }
}

impl Pipeline {
    /// Returns a call of the AWS CLI with these arguments.
    pub fn aws(&self, args: Vec<String>) -> Invocation {
        Invocation { args, ..self.aws.clone() }
    }

    /// Returns the stages that run Terraform.
    pub fn modules(&self) -> impl Iterator<Item = (&Stage, &ModuleWork)> {
        self.stages.iter().filter_map(|stage| match &stage.work {
            Work::Module(module) => Some((stage, module)),
            _ => None,
        })
    }

    /// Returns the stages that build images.
    pub fn images(&self) -> impl Iterator<Item = (&Stage, &ImageWork)> {
        self.stages.iter().filter_map(|stage| match &stage.work {
            Work::Image(image) => Some((stage, image)),
            _ => None,
        })
    }

    /// Returns every command of every stage in order, as far as it is known before any has run.
    pub fn invocations<'a>(&'a self) -> Vec<(&'a Stage, Vec<&'a Invocation>)> {
        let of = |work: &'a Work| match work {
            Work::Image(image) => vec![&self.find, &image.build],
            Work::Module(module) => vec![&module.init, &module.plan, &module.apply],
            Work::Verify => self.access.public_addresses.iter().collect(),
        };
        self.stages.iter().map(|stage| (stage, of(&stage.work))).collect()
    }

    /// Returns the Terraform modules in the order of destruction: what needs others comes first, and the master after all other
    /// machines, so that its data remains while a slave cannot be destroyed.
    pub fn teardown(&self) -> Vec<Stage> {
        let modules: Vec<&Stage> = self.modules().map(|(stage, _)| stage).collect();
        let master = Module::Master.stage();
        let goes_first = |other: &Stage, id: &str| {
            other.needs.iter().any(|need| need == id) || id == master && other.id != master && !other.needs.is_empty()
        };
        let needed_by =
            |id: &str| modules.iter().filter(|other| goes_first(other, id)).map(|other| other.id.clone()).collect();
        modules.iter().rev().map(|stage| Stage { needs: needed_by(&stage.id), ..(*stage).clone() }).collect()
    }
}
