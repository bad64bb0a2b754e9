//! Makes the pipeline of a cluster.

use std::collections::BTreeMap;

use super::{ClusterAccess, Expected, ImageWork, ModuleWork, Pipeline, Stage, Target, Work};
use crate::cluster::{Arch, Cluster, Module, State};
use crate::fileset::{FileSet, ImageId};
use crate::tools::backend::Backend;
use crate::tools::leftovers::{self, Builder};
use crate::tools::{Invocation, aws, packer, terraform};

/// The programs that are installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolbox {
    /// `terraform` or `tofu`.
    pub terraform: String,
}

/// Where saved plans are kept, relative to the cluster's folder.
const PLANS: &str = ".pgherd/plans";
/// The path from a module's folder back to the cluster's: all modules lie two levels deep.
const UP: &str = "../..";

/// Returns all stages of a cluster on a target.
pub fn pipeline(cluster: &Cluster, set: &FileSet, target: &Target, toolbox: &Toolbox) -> Pipeline {
    let maker = PipelineBuilder { cluster, target, toolbox };
    let mut stages = vec![maker.module(Module::Network)];
    stages.extend(set.images.iter().map(|image| maker.image(image)));
    // All machines are created at the same time: at boot a slave waits for the master, and HAProxy for any of them. Each knows the
    // others' addresses from the blueprint.
    stages.extend(cluster.modules().filter(|module| module.role().is_some()).map(|module| maker.module(module)));
    let modules = cluster.modules().map(|module| module.stage().to_string()).collect();
    stages.push(Stage { id: "verify".into(), needs: modules, work: Work::Verify });
    Pipeline {
        cluster: cluster.name.clone(),
        region: cluster.region.clone(),
        tag: cluster.tag().into(),
        stages,
        expected: Expected::of(cluster, set),
        access: maker.access(),
        find: maker.find(set),
        aws: maker.aws(vec![]),
    }
}

struct PipelineBuilder<'a> {
    cluster: &'a Cluster,
    target: &'a Target,
    toolbox: &'a Toolbox,
}

impl PipelineBuilder<'_> {
    fn invocation(&self, program: &str, args: Vec<String>, more: &[(&str, &str)]) -> Invocation {
        let region = self.cluster.region.as_str();
        // No tool may look for newer versions of itself on the internet, and the blueprint's region is the one that counts.
        let common = [("CHECKPOINT_DISABLE", "1"), ("AWS_REGION", region), ("AWS_DEFAULT_REGION", region)];
        let mut env: BTreeMap<String, String> =
            common.iter().chain(more).map(|(k, v)| (k.to_string(), v.to_string())).collect();
        env.extend(self.target.environment.clone());
        Invocation {
            prefix: self.target.command_prefix.clone(),
            program: program.into(),
            args,
            dir: self.target.root.clone(),
            env,
        }
    }

    fn aws(&self, args: Vec<String>) -> Invocation {
        // The CLI retries throttled and lost requests with growing pauses for about a minute, but not real errors. Terraform's and
        // Packer's own SDKs have settings of their own.
        let retries = [("AWS_RETRY_MODE", "standard"), ("AWS_MAX_ATTEMPTS", "8")];
        // It must not page or prompt, whatever ~/.aws/config says (cli_pager, cli_auto_prompt).
        let plain = [("AWS_PAGER", ""), ("AWS_CLI_AUTO_PROMPT", "off")];
        self.invocation(aws::PROGRAM, args, &[retries, plain].concat())
    }

    fn terraform(&self, args: Vec<String>) -> Invocation {
        // Nearly all of a command's time is the start of the provider, and a quarter of that is garbage collection. With these settings
        // Go collects nothing below 768 MiB, which a plan of the network does not reach (605 MB for Terraform, the larger of the two
        // processes). Processor time measured with 1.11 and provider 5.100: 8.2 s by default, 7.5 s with GOGC=400, 5.9 s with a limit
        // of 1 GiB, 6.6 s with 512 MiB. Both processes together took 800 MB of memory at most, and 500 MB with GOGC=400.
        let env = [("GOGC", "off"), ("GOMEMLIMIT", "768MiB"), ("TF_IN_AUTOMATION", "1")];
        self.invocation(&self.toolbox.terraform, args, &env)
    }

    fn base(&self, image: &ImageId) -> aws::BaseQuery {
        let cluster = self.cluster;
        let arch = cluster.machines.iter().find(|m| m.role.name() == image.role).map_or(Arch::X86, |m| m.arch);
        aws::BaseQuery { owner: cluster.image_owner().into(), name: cluster.base.name_filter(arch) }
    }

    /// Asks for all images with one question, since each takes a second.
    fn find(&self, set: &FileSet) -> Invocation {
        let roles: Vec<&str> = set.images.iter().map(|image| image.role.as_str()).collect();
        let mut bases: Vec<aws::BaseQuery> = set.images.iter().map(|image| self.base(image)).collect();
        bases.sort();
        bases.dedup();
        self.aws(aws::find_images(&self.cluster.region, &self.cluster.name, &roles, &bases))
    }

    fn image(&self, image: &ImageId) -> Stage {
        let packer = |args| self.invocation(packer::PROGRAM, args, &[]);
        let template = image.template.as_str();
        let work = Work::Image(ImageWork {
            role: image.role.clone(),
            name: image.name.clone(),
            contents: image.contents.clone(),
            base: self.base(image),
            max_age_days: self.cluster.blueprint.image.max_age_days,
            plugins: packer(packer::plugins_installed()),
            get_plugin: packer(packer::plugins_install()),
            build: packer(packer::build(template, &self.target.packer_vars)),
            rebuild: packer(packer::rebuild(template, &self.target.packer_vars)),
            builder: Builder {
                region: self.cluster.region.clone(),
                cluster: self.cluster.tag().into(),
                name: leftovers::builder_name(&self.cluster.name, &image.role),
            },
        });
        Stage { id: image_stage(&image.role), needs: vec![], work }
    }

    fn module(&self, module: Module) -> Stage {
        let (id, dir) = (module.stage(), module.folder());
        let plan_file = format!("{UP}/{PLANS}/{id}.tfplan");
        let needs = match module.role() {
            None => vec![],
            Some(role) => vec![Module::Network.stage().into(), image_stage(role.name())],
        };
        let work = Work::Module(ModuleWork {
            module,
            dir: dir.into(),
            init: self.terraform(terraform::init(dir)),
            plan: self.terraform(terraform::plan(dir, &plan_file)),
            plan_destroy: self.terraform(terraform::plan_destroy(dir, &plan_file)),
            apply: self.terraform(terraform::apply(dir, &plan_file)),
            program: self.terraform(vec![]),
            backend: self.backend(module),
            former: self.former(module),
            state: matches!(self.cluster.blueprint.state, State::Local).then(|| format!("{dir}/terraform.tfstate")),
            plan_file,
        });
        Stage { id: id.into(), needs, work }
    }

    fn backend(&self, module: Module) -> Backend {
        match &self.cluster.blueprint.state {
            State::Local => Backend::Local,
            State::S3 { bucket, key_prefix, region } => Backend::S3 {
                bucket: bucket.clone(),
                key: self.cluster.state_key(key_prefix, module),
                region: region.clone(),
            },
        }
    }

    fn former(&self, module: Module) -> Vec<Backend> {
        let State::S3 { bucket, region, .. } = &self.cluster.blueprint.state else { return vec![] };
        let keys = self.cluster.former_state_keys(module);
        keys.into_iter().map(|key| Backend::S3 { bucket: bucket.clone(), key, region: region.clone() }).collect()
    }

    fn access(&self) -> ClusterAccess {
        let public = self.cluster.balancers().any(|machine| machine.block.elastic_ip) && !self.target.private_addresses;
        let ask = || self.terraform(terraform::output(Module::Haproxy.folder()));
        ClusterAccess::of(self.cluster, self.target, public.then(ask))
    }
}

/// Returns the id of the stage that builds a role's image.
fn image_stage(role: &str) -> String {
    format!("image-{role}")
}
