//! `pgherd run` with the real Terraform and the real AWS CLI against the test's own moto.

use std::path::Path;
use std::process::Output;

use pgherd::fileset::FileSet;

use super::moto::Moto;
use super::terraform::Terraform;
use crate::support::{Done, Test};

pub struct World {
    pub test: Test,
    pub moto: Moto,
    pub terraform: Terraform,
}

impl World {
    /// Creates one with a blueprint in `blueprints/herd.hcl`.
    pub fn of(blueprint: &str) -> Self {
        Self::over(Moto::with_images("", &FileSet::default()), blueprint)
    }

    /// Creates one with a moto that contains something already.
    pub fn over(moto: Moto, blueprint: &str) -> Self {
        let terraform = Terraform::against(&moto.endpoint());
        let test = Test::with_tools(blueprint)
            .env("AWS_ENDPOINT_URL", &moto.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("TF_CLI_CONFIG_FILE", terraform.config().to_str().unwrap());
        for program in ["aws", "terraform"] {
            let real = which::which(program).unwrap_or_else(|e| panic!("{program}: {e}: `make test` installs it"));
            let called = format!("echo \"{program} $*\" >>\"$STATE/calls\"\nexec {} \"$@\"", real.display());
            test.program(program, &called);
        }
        World { test, moto, terraform }
    }

    /// Writes another blueprint and generates its files.
    pub fn generate(&self, blueprint: &str) {
        self.test.write("blueprints/herd.hcl", blueprint);
        self.test.run(&["gen"]).exits(0);
    }

    /// Runs only the network, without confirmation.
    pub fn run(&self) -> Done {
        self.test.run(&["run", "blueprints/herd.hcl", "--yes", "--only", "network"])
    }

    /// Runs Terraform by hand, which must succeed.
    pub fn by_hand(&self, module: &Path, args: &[&str]) {
        let mut command = self.terraform.command(module, args);
        let done = command
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        let done = done.output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", said(&done));
    }
}

pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
