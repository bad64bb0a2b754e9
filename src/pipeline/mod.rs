//! The ordered work of a cluster as data: stages, what each needs, and where they run.
//!
//! `build` makes it, `run` interprets it, and `--dry-run` prints it.

mod build;
mod graph;
pub mod policy;
pub mod preflight;
mod select;
pub mod target;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::cluster::Module;
use crate::fileset::ImageId;
use crate::fileset::contents::Contents;
use crate::tools::aws::Base;
use crate::tools::backend::Backend;
use crate::tools::leftovers::Builder;
use crate::tools::{Invocation, terraform};

pub use build::{Toolbox, pipeline};
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
    /// What tells a healthy cluster, and where to ask.
    pub seats: Seats,
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
    pub base: Base,
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

/// The machines of a cluster, and where HAProxy tells of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats {
    /// The cluster's name: whoever answers under another is another.
    pub cluster: String,
    /// All machines, HAProxy's last.
    pub machines: Vec<Seat>,
    /// HAProxy's private address.
    pub haproxy: Ipv4Addr,
    /// The ports that HAProxy is asked at, and whom each lets in; none where nothing is between this machine and HAProxy.
    pub doors: Vec<Door>,
    /// Asks for HAProxy's public address, where it is reached at one.
    pub public_address: Option<Invocation>,
    /// Port of its health and of Patroni's view.
    pub admin_port: u16,
    /// Port that leads to the primary.
    pub write_port: u16,
    /// Port that leads to the standbys.
    pub read_port: u16,
    /// Whether a standby has to be synchronous.
    pub synchronous: bool,
    /// The images that machines are to run from, one a role.
    pub images: Vec<ImageId>,
    /// What to do where they are not.
    pub advice: Advice,
    /// Secrets whose values databases take at their founding and at every boot, by their names.
    pub passwords: Vec<String>,
    /// Settings that Patroni keeps for the whole cluster: its own and PostgreSQL's, as they are generated.
    pub settings: BTreeMap<String, String>,
}

/// A port of HAProxy's, and whom the firewall lets in to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The port.
    pub port: u16,
    /// The ranges that may come in.
    pub ranges: Vec<Range>,
    /// Whether security groups or prefix lists may come in as well, whose addresses AWS alone knows.
    pub has_ids: bool,
}

impl Door {
    /// Whether it is, or may be, open to an address.
    pub fn admits(&self, address: Ipv4Addr) -> bool {
        self.has_ids || self.ranges.iter().any(|range| range.net.contains(&address))
    }

    /// Whether it is closed to every public address.
    pub fn is_private(&self) -> bool {
        !self.has_ids && self.ranges.iter().all(|range| range.is_private)
    }
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The range.
    pub net: Ipv4Net,
    /// Whether no public address is in it (RFC 1918, and RFC 6598, which carriers use).
    pub is_private: bool,
}

impl Range {
    /// What a range is.
    pub fn of(net: Ipv4Net) -> Self {
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
        let holds = |text: &&str| text.parse::<Ipv4Net>().is_ok_and(|private| private.contains(&net));
        Range { net, is_private: private.iter().any(holds) }
    }
}

/// A machine as `status` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// `master`, `slave1` …, `haproxy`.
    pub name: String,
    /// `master`, `slave` or `haproxy`.
    pub role: &'static str,
    /// Availability zone.
    pub zone: String,
    /// Private address.
    pub address: Ipv4Addr,
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

impl Seats {
    /// Of a cluster with a way in by an Elastic IP, for tests of what depends on little of it.
    #[cfg(test)]
    pub fn of_test() -> Self {
        let ask = Invocation {
            prefix: vec![],
            program: "terraform".into(),
            args: vec![],
            dir: "/".into(),
            env: BTreeMap::new(),
        };
        Seats {
            cluster: "herd".into(),
            machines: vec![],
            haproxy: Ipv4Addr::LOCALHOST,
            doors: vec![],
            public_address: Some(ask),
            admin_port: 7000,
            write_port: 5000,
            read_port: 5001,
            synchronous: true,
            images: vec![],
            passwords: vec![],
            advice: Advice::default(),
            settings: BTreeMap::new(),
        }
    }
}

impl Seat {
    /// Whether PostgreSQL runs on it.
    pub fn is_database(&self) -> bool {
        self.role != "haproxy"
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
            Work::Verify => self.seats.public_address.iter().collect(),
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
