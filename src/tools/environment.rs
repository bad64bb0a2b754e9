//! The environment variables that change what a tool does, and what pgherd does with each before it starts a tool. A variable that
//! turns pgherd's call of a tool into another call must not reach the tool.
//!
//! Sources: <https://developer.hashicorp.com/terraform/cli/config/environment-variables>,
//! <https://opentofu.org/docs/cli/config/environment-variables/>, <https://developer.hashicorp.com/packer/docs/configure>,
//! <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html>.

use std::collections::BTreeMap;

/// What pgherd does with a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Passes it on.
    Kept,
    /// Passes it on and reports in each run that it is set.
    Told,
    /// Does not pass it on; pgherd sets its own value if a tool needs one.
    Own,
    /// Does not pass it on and reports that in each run: somebody may rely on it.
    Removed,
    /// Runs nothing while it is set: without it the tools would do something else than the user means.
    Refused,
}

/// A variable, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name; one `*` stands for anything.
    pub name: &'static str,
    /// What becomes of it.
    pub treatment: Treatment,
    /// Why, or what to do if it is refused.
    pub why: &'static str,
}

const fn variable(name: &'static str, treatment: Treatment, why: &'static str) -> Variable {
    Variable { name, treatment, why }
}

/// The first that matches counts. A variable that none matches is passed on.
pub const VARIABLES: &[Variable] = {
    use Treatment::{Kept, Own, Refused, Removed, Told};
    &[
        // Terraform and OpenTofu.
        variable("TF_CLI_ARGS*", Removed, "it adds arguments to Terraform's commands; pgherd sets its own"),
        variable(
            "TF_WORKSPACE",
            Refused,
            "it selects another state than the cluster's own, which is in the workspace `default`; unset it",
        ),
        variable(
            "TF_DATA_DIR",
            Removed,
            "all modules would share one folder of providers and backends; each has its own",
        ),
        variable("TF_LOG*", Removed, "it writes requests to AWS into the logs, including passwords"),
        variable("TF_REATTACH_PROVIDERS", Removed, "it replaces the provider by another process"),
        variable(
            "TF_VAR_ami_image_id",
            Refused,
            "it would boot the machines of every role from one image; unset it, or pass -var=ami_image_id=… to one module by hand",
        ),
        variable("TF_VAR_access_key", Kept, "a variable of the modules: credentials"),
        variable("TF_VAR_secret_key", Kept, "a variable of the modules: credentials"),
        variable("TF_VAR_region", Kept, "a variable of the modules, which only confirms the region"),
        variable("TF_VAR_*_eip", Kept, "a variable of the modules: an Elastic IP that exists already"),
        variable("TF_VAR_*", Own, "the modules have no such variable"),
        variable("TF_CLI_CONFIG_FILE", Kept, "where providers come from"),
        variable("TF_PLUGIN_CACHE_DIR", Kept, "where providers are kept"),
        variable("TF_TOKEN_*", Kept, "credentials for a registry"),
        variable("TF_REGISTRY_*", Kept, "retries and timeouts of a registry"),
        variable("TF_APPEND_USER_AGENT", Kept, "what Terraform adds to its user agent"),
        variable("TF_ENCRYPTION", Kept, "OpenTofu's key to an encrypted state"),
        variable("TF_INPUT", Own, "Terraform never prompts"),
        variable("TF_IN_AUTOMATION", Own, "Terraform prints fewer hints"),
        variable("TF_*", Removed, "it changes what Terraform does in a way that pgherd does not know"),
        // Packer.
        variable("PACKER_CONFIG*", Kept, "Packer's own settings"),
        variable("PACKER_PLUGIN_*", Kept, "where plugins are, and how Packer talks to them"),
        variable("PACKER_GITHUB_API_TOKEN", Kept, "credentials for downloading plugins"),
        variable("PACKER_CACHE_DIR", Kept, "where Packer caches downloads"),
        variable("PACKER_TMP_DIR", Own, "each run has a folder of its own for temporary files"),
        // deploy.sh reads it; Packer does not.
        variable("PACKER_FLAGS", Own, "only deploy.sh reads it"),
        variable("PACKER_*", Removed, "it changes what Packer does or writes in a way that pgherd does not know"),
        variable("PKR_VAR_*", Own, "only templates in HCL read it"),
        // Both look for newer versions of themselves.
        variable("CHECKPOINT_*", Own, "no tool looks for newer versions of itself"),
        // The AWS CLI, and the SDKs in Terraform's provider and in Packer.
        variable("AWS_REGION", Own, "pgherd sets the blueprint's region"),
        variable("AWS_DEFAULT_REGION", Own, "pgherd sets the blueprint's region"),
        variable("AWS_DEFAULT_OUTPUT", Own, "JSON"),
        variable("AWS_PAGER", Own, "none"),
        variable("AWS_CLI_AUTO_PROMPT", Own, "off"),
        variable("AWS_RETRY_MODE", Own, "pgherd sets the retries of each tool"),
        variable("AWS_MAX_ATTEMPTS", Own, "pgherd sets the retries of each tool"),
        variable("AWS_DATA_PATH", Removed, "it makes the AWS CLI load other definitions of AWS's commands"),
        variable("AWS_ENDPOINT_URL*", Told, "requests go there instead of to AWS"),
        variable("AWS_*_ENDPOINT", Told, "it changes where requests go"),
        variable("AWS_*", Kept, "credentials, and how AWS is reached"),
    ]
};

impl Variable {
    /// Returns the entry for a variable; `None` for one that pgherd does not care about.
    pub fn of(name: &str) -> Option<&'static Variable> {
        VARIABLES.iter().find(|variable| variable.fits(name))
    }

    fn fits(&self, name: &str) -> bool {
        match self.name.split_once('*') {
            None => self.name == name,
            Some((begin, end)) => {
                name.strip_prefix(begin).is_some_and(|rest| rest.len() >= end.len() && rest.ends_with(end))
            }
        }
    }
}

/// An environment, sorted by what pgherd does with each variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// The variables for tools, before each call adds its own.
    pub passed: BTreeMap<String, String>,
    /// Variables that are set and reported: passed on, removed, or refused.
    pub said: Vec<(String, &'static Variable)>,
}

impl Sorted {
    /// Sorts an environment. An empty variable counts as not set, and is not passed on where a set one would not be.
    pub fn of(env: &BTreeMap<String, String>) -> Self {
        let mut sorted = Sorted::default();
        for (name, value) in env {
            let Some(variable) = Variable::of(name) else {
                sorted.passed.insert(name.clone(), value.clone());
                continue;
            };
            let passed = matches!(variable.treatment, Treatment::Kept | Treatment::Told);
            if passed {
                sorted.passed.insert(name.clone(), value.clone());
            }
            // This is the workspace that is meant.
            let meant = name == "TF_WORKSPACE" && value == "default";
            if !value.is_empty() && !meant && !matches!(variable.treatment, Treatment::Kept | Treatment::Own) {
                sorted.said.push((name.clone(), variable));
            }
        }
        sorted
    }

    /// Returns the variables that are refused, with what to do.
    pub fn refused(&self) -> impl Iterator<Item = &(String, &'static Variable)> {
        self.said.iter().filter(|(_, variable)| variable.treatment == Treatment::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(pairs: &[(&str, &str)]) -> Sorted {
        Sorted::of(&pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    #[test]
    fn each_variable_has_the_treatment_of_the_first_entry_that_fits() {
        for (name, treatment) in [
            ("TF_CLI_ARGS", Treatment::Removed),
            ("TF_CLI_ARGS_plan", Treatment::Removed),
            ("TF_CLI_CONFIG_FILE", Treatment::Kept),
            ("TF_VAR_slave12_eip", Treatment::Kept),
            ("TF_VAR_eip", Treatment::Own),
            ("TF_VAR_ami_image_id", Treatment::Refused),
            ("TF_OF_TOMORROW", Treatment::Removed),
            ("PACKER_LOG", Treatment::Removed),
            ("AWS_REGION", Treatment::Own),
            ("AWS_PROFILE", Treatment::Kept),
            ("AWS_ENDPOINT_URL_EC2", Treatment::Told),
        ] {
            assert_eq!(Variable::of(name).map(|variable| variable.treatment), Some(treatment), "{name}");
        }
        assert_eq!(Variable::of("HOME"), None);
    }

    #[test]
    fn what_changes_a_tool_does_not_reach_it_and_is_said() {
        let env = sorted(&[
            ("HOME", "/root"),
            ("TF_CLI_ARGS_plan", "-json"),
            ("TF_LOG", ""),
            ("TF_WORKSPACE", "default"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_PROFILE", "dba"),
        ]);
        assert_eq!(env.passed.keys().collect::<Vec<_>>(), ["AWS_PROFILE", "HOME"]);
        assert_eq!(env.said.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["TF_CLI_ARGS_plan"]);
        assert_eq!(env.refused().count(), 0);
        assert_eq!(sorted(&[("TF_WORKSPACE", "prod")]).refused().count(), 1);
    }
}
