//! The ordered work of a cluster as data: stages, what each needs, and where they run.
//!
//! `build` makes it, `run` interprets it, `--dry-run` prints it: three views of one thing.

mod access;
mod build;
mod expected;
mod extend;
mod graph;
pub mod policy;
pub mod preflight;
mod select;
pub mod target;

use crate::cluster::Module;
use crate::fileset::contents::Contents;
use crate::tools::aws::Base;
use crate::tools::backend::Backend;
use crate::tools::leftovers::Builder;
use crate::tools::{Invocation, terraform};

pub use crate::cluster::Service;
pub use access::{Access, Admits, Delays, Port, Range};
pub use build::{Toolbox, pipeline};
pub use expected::{Expected, ExpectedMachine};
pub use extend::AddedStage;
pub use select::Selection;
pub use target::{Advice, Platform, Target};

/// All stages of a cluster, each after those it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The cluster's name.
    pub cluster: String,
    /// Its AWS region.
    pub region: String,
    /// The value of the tag `pgherd:cluster` on all that is its own: name and region.
    pub tag: String,
    /// The stages.
    pub stages: Vec<Stage>,
    /// The cluster as it is meant to be.
    pub expected: Expected,
    /// How it is asked.
    pub access: Access,
    /// Asks AWS which images of the cluster's roles there are, and what they could be based on.
    pub find: Invocation,
    /// The AWS CLI as it is called for this cluster, without arguments.
    pub aws: Invocation,
}

/// A piece of work that runs as soon as what it needs is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// `network`, `image-master`, …: names its log and is what others need.
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
    /// Makes what a Terraform module describes.
    Module(ModuleWork),
    /// Waits until the cluster is whole, as HAProxy sees it.
    Verify,
}

/// An image to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageWork {
    /// The role that boots it.
    pub role: String,
    /// AMI name.
    pub name: String,
    /// What it is made from.
    pub contents: Contents,
    /// What it is based on.
    pub base: Base,
    /// Days after which it is old.
    pub max_age_days: u32,
    /// Asks Packer for its plugins; only where Packer has such.
    pub plugins: Invocation,
    /// Gets the plugin that the template needs.
    pub get_plugin: Invocation,
    /// Builds it.
    pub build: Invocation,
    /// Builds it in place of one of the same content.
    pub rebuild: Invocation,
    /// What its builds leave in AWS when they are killed.
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
    /// Gets providers, opens the backend.
    pub init: Invocation,
    /// Plans into the plan file.
    pub plan: Invocation,
    /// Plans the end of it all into the plan file.
    pub plan_destroy: Invocation,
    /// Does what the plan file says.
    pub apply: Invocation,
    /// The program without arguments, for what is seldom needed.
    pub program: Invocation,
    /// The state, where it is a file: relative to the cluster's folder.
    pub state: Option<String>,
    /// Where the state is kept.
    pub backend: Backend,
    /// Where earlier versions of pgherd kept it, in the same bucket.
    pub former: Vec<Backend>,
}

impl ModuleWork {
    /// Prints the plan file as JSON.
    pub fn show(&self) -> Invocation {
        self.call(terraform::show(&self.dir, &self.plan_file))
    }

    /// A call with other arguments.
    pub fn call(&self, args: Vec<String>) -> Invocation {
        Invocation { args, ..self.program.clone() }
    }
}

impl Pipeline {
    /// A call of the AWS CLI.
    pub fn aws(&self, args: Vec<String>) -> Invocation {
        Invocation { args, ..self.aws.clone() }
    }

    /// The stages that run Terraform.
    pub fn modules(&self) -> impl Iterator<Item = (&Stage, &ModuleWork)> {
        self.stages.iter().filter_map(|stage| match &stage.work {
            Work::Module(module) => Some((stage, module)),
            _ => None,
        })
    }

    /// The stages that build images.
    pub fn images(&self) -> impl Iterator<Item = (&Stage, &ImageWork)> {
        self.stages.iter().filter_map(|stage| match &stage.work {
            Work::Image(image) => Some((stage, image)),
            _ => None,
        })
    }

    /// Every command of every stage in order, as far as it is known before any ran.
    pub fn invocations<'a>(&'a self) -> Vec<(&'a Stage, Vec<&'a Invocation>)> {
        let of = |work: &'a Work| match work {
            Work::Image(image) => vec![&self.find, &image.build],
            Work::Module(module) => vec![&module.init, &module.plan, &module.apply],
            Work::Verify => self.access.public_address.iter().collect(),
        };
        self.stages.iter().map(|stage| (stage, of(&stage.work))).collect()
    }

    /// The Terraform modules in the order in which they are taken down: what needs others first, and the master's data after all
    /// other machines, so that it stands while a slave resists.
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
