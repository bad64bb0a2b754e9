//! Terraform as the tests run it: without the internet, and without the caller's AWS environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The test's own CLI configuration.
pub struct Terraform {
    config: TempDir,
    endpoint: Option<String>,
}

/// See [`Terraform::initialised`].
pub struct Initialised {
    dir: TempDir,
}

impl Terraform {
    pub fn new() -> Self {
        let config = TempDir::new().unwrap();
        // If this machine has no mirror, `init` uses the registry.
        let text = mirror().map_or(String::new(), |path| {
            format!("provider_installation {{\n  filesystem_mirror {{\n    path = {path:?}\n  }}\n}}\n")
        });
        fs::write(config.path().join("terraform.rc"), text).unwrap();
        Terraform { config, endpoint: None }
    }

    /// Returns its CLI configuration.
    pub fn config(&self) -> PathBuf {
        self.config.path().join("terraform.rc")
    }

    /// Returns one for an API that accepts every key. The keys have the names that the seed's README exports.
    pub fn against(endpoint: &str) -> Self {
        Terraform { endpoint: Some(endpoint.into()), ..Self::new() }
    }

    /// Creates a data folder with the provider that every module needs. `init` is Terraform's slowest command, and this is
    /// done once for all modules without a backend.
    pub fn initialised(&self, versions: &str) -> Initialised {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("versions.tf"), versions).unwrap();
        let output = self.command(dir.path(), &["init", "-input=false"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Initialised { dir }
    }

    /// Returns Terraform in a module that shares that folder.
    pub fn sharing(&self, data: &Initialised, folder: &Path, args: &[&str]) -> Command {
        const LOCK: &str = ".terraform.lock.hcl";
        fs::copy(data.dir.path().join(LOCK), folder.join(LOCK)).unwrap();
        let mut command = self.command(folder, args);
        command.env("TF_DATA_DIR", data.dir.path().join(".terraform"));
        command
    }

    pub fn command(&self, folder: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        for (name, _) in std::env::vars() {
            if name.starts_with("AWS_") || name.starts_with("TF_") {
                command.env_remove(name);
            }
        }
        command
            .arg(format!("-chdir={}", folder.display()))
            .args(args)
            .env("TF_CLI_CONFIG_FILE", self.config.path().join("terraform.rc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            // Most of the provider's time is its start, and a third of that is garbage collection.
            .env("GOGC", "400");
        if let Some(endpoint) = &self.endpoint {
            command.env("AWS_ENDPOINT_URL", endpoint).env("AWS_ACCESS_KEY", "lab").env("AWS_SECRET_KEY", "test");
        }
        command
    }
}

/// Returns a folder of providers on this machine: where Terraform looks by default, or near the usual places.
fn mirror() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let homes = [".terraform.d/plugins", ".local/share/terraform/plugins"].map(|below| home.join(below));
    let shared = ["/usr/local/share/terraform", "/usr/share/terraform", "/opt", "/var/cache/pgherd"].map(PathBuf::from);
    homes.into_iter().chain(shared).find_map(|place| search(&place, 2))
}

fn search(place: &Path, depth: usize) -> Option<PathBuf> {
    if place.join("registry.terraform.io/hashicorp/aws").is_dir() {
        return Some(place.into());
    }
    let below = fs::read_dir(place).ok().filter(|_| depth > 0)?;
    below.flatten().find_map(|entry| search(&entry.path(), depth - 1))
}
