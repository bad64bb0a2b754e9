//! Shares one provider between all modules of a cluster. It takes 700 MB on disk (5.100.0), and by default Terraform downloads and
//! keeps a copy for each module.

use std::path::PathBuf;
use std::sync::PoisonError;

use super::under::{RunningStage, Stop};
use crate::pipeline::ModuleWork;
use crate::system::files;
use crate::system::process::Exit;
use crate::tools::terraform::{CLI_CONFIG, CLI_CONFIGS, LOCK_FILE, PLUGIN_CACHE};
use crate::workspace::PRIVATE;

impl RunningStage<'_> {
    /// Initialises a module. The first module downloads the provider and records its checksum; the others reuse both.
    pub(super) fn init_sharing(&mut self, module: &ModuleWork) -> Result<Exit, Stop> {
        // The cache does not support parallel inits: https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
        let _alone = self.runner.locks.provider.lock().unwrap_or_else(PoisonError::into_inner);
        let mut init = module.init.clone();
        if let Some(cache) = self.plugin_cache(module) {
            files::make_dirs(&cache)
                .and_then(|()| self.share_lock_file(module))
                .map_err(|e| self.failure(format!("cannot prepare {}: {e}", module.dir), ""))?;
            init.env.insert(PLUGIN_CACHE.into(), cache.display().to_string());
        }
        self.run(&init, |_| {})
    }

    /// Returns the shared plugin cache, or `None` if the user has configured one.
    fn plugin_cache(&self, module: &ModuleWork) -> Option<PathBuf> {
        let env = self.env(&module.init);
        let configs: Vec<PathBuf> = match (env.get(CLI_CONFIG), env.get("HOME")) {
            (Some(path), _) => vec![path.into()],
            (None, Some(home)) => CLI_CONFIGS.iter().map(|name| PathBuf::from(home).join(name)).collect(),
            (None, None) => vec![],
        };
        let names_one = |path: &PathBuf| {
            files::read_text(path).ok().flatten().is_some_and(|text| text.contains("plugin_cache_dir"))
        };
        let said = env.contains_key(PLUGIN_CACHE) || configs.iter().any(names_one);
        (!said).then(|| self.runner.setup.root.join(PRIVATE).join("plugins"))
    }

    /// Copies another module's lock file. Without its checksum, Terraform does not use the cached provider.
    fn share_lock_file(&self, module: &ModuleWork) -> std::io::Result<()> {
        let runner = self.runner;
        let own = runner.setup.root.join(&module.dir).join(LOCK_FILE);
        let other =
            runner.setup.pipeline.modules().find(|(_, other)| other.dir != module.dir && runner.is_initialised(other));
        let Some((_, other)) = other.filter(|_| !files::exists(&own)) else { return Ok(()) };
        match files::read(&runner.setup.root.join(&other.dir).join(LOCK_FILE))? {
            Some(lock) => files::write(&own, &lock),
            None => Ok(()),
        }
    }
}
