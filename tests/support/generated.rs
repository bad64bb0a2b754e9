//! Shared by the tests that check generated files with their tools: files on disk, and tools that must be installed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pgherd::cluster::Cluster;
use pgherd::fileset::FileSet;
use tempfile::TempDir;

/// Blueprints of different kinds: the smallest, the seed's system, fifteen slaves with state in S3, one slave, no slave, and one with a
/// VPC and a key that exist already.
pub const KINDS: [&str; 6] = [
    "blueprints/minimal.hcl",
    "blueprints/herd.hcl",
    "tests/blueprints/largest.hcl",
    "tests/blueprints/pair.hcl",
    "tests/blueprints/alone.hcl",
    "tests/blueprints/vpc.hcl",
];

/// A cluster's files on disk.
pub struct Generated {
    pub cluster: Cluster,
    pub files: FileSet,
    dir: TempDir,
}

impl Generated {
    /// Generates the files of a blueprint in this repository.
    pub fn of(blueprint: &str) -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(blueprint)).unwrap();
        Self::from_text(blueprint, &text)
    }

    /// Generates the files of a blueprint's text.
    pub fn from_text(name: &str, text: &str) -> Self {
        let blueprint = pgherd::blueprint::parse(name, text).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        let cluster = pgherd::cluster::resolve(&blueprint);
        let files = pgherd::generate::generate(&cluster);
        let dir = TempDir::new().unwrap();
        for (path, file) in files.iter() {
            let path = dir.path().join(path.as_str());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, file.text.as_bytes()).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode.bits())).unwrap();
        }
        Generated { cluster, files, dir }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Returns the folders of the root modules, in the order in which they are applied.
    pub fn modules(&self) -> Vec<&'static str> {
        let all = [
            "network/terraform_network",
            "db_config/terraform_master",
            "db_config/terraform_slave",
            "load_balancer/terraform_haproxy",
        ];
        all.into_iter().filter(|module| self.path(module).exists()).collect()
    }
}

/// Runs a tool; a tool that is missing is a failure, never a reason to skip.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|e| panic!("{:?}: {e}: `make test` installs what is missing", command.get_program()))
}

/// Runs a tool that must succeed, and returns what it printed.
#[track_caller]
pub fn succeeds(command: &mut Command) -> String {
    let output = run(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}:\n{stdout}\n{stderr}", output.status);
    stdout
}
