//! The Terraform root modules of a cluster: each has a folder, a state and a stage of its own.

use super::{Cluster, Role};

/// A Terraform root module.
///
/// Everything that depends on which module it is matches on this: a new module does not compile until each consumer knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Module {
    /// VPC, subnets, security groups, IAM, secrets.
    Network,
    /// The master's machine.
    Master,
    /// The slaves' machines.
    Slaves,
    /// HAProxy's machine.
    Haproxy,
}

impl Module {
    /// Every module, in the order of the pipeline.
    pub const ALL: [Module; 4] = [Module::Network, Module::Master, Module::Slaves, Module::Haproxy];

    /// Returns the module that makes the machines of a role.
    pub const fn of(role: Role) -> Self {
        match role {
            Role::Master => Module::Master,
            Role::Slave => Module::Slaves,
            Role::Haproxy => Module::Haproxy,
        }
    }

    /// Returns the role of the machines that the module makes, if it makes machines.
    pub const fn role(self) -> Option<Role> {
        match self {
            Module::Network => None,
            Module::Master => Some(Role::Master),
            Module::Slaves => Some(Role::Slave),
            Module::Haproxy => Some(Role::Haproxy),
        }
    }

    /// Returns the module's folder, relative to the cluster's.
    pub const fn folder(self) -> &'static str {
        match self {
            Module::Network => "network/terraform_network",
            Module::Master => "db_config/terraform_master",
            Module::Slaves => "db_config/terraform_slave",
            Module::Haproxy => "load_balancer/terraform_haproxy",
        }
    }

    /// Returns the last part of the module's folder, which also names its state in a bucket.
    pub fn name(self) -> &'static str {
        let folder = self.folder();
        folder.rsplit_once('/').map_or(folder, |(_, name)| name)
    }

    /// Returns the id of the stage that plans and applies the module.
    pub const fn stage(self) -> &'static str {
        match self {
            Module::Network => "network",
            Module::Master => "master",
            Module::Slaves => "slaves",
            Module::Haproxy => "haproxy",
        }
    }

    /// Returns the block of the blueprint that the module is made from.
    pub const fn block(self) -> &'static str {
        match self {
            Module::Network => "network",
            Module::Master => "master",
            Module::Slaves => "slaves",
            Module::Haproxy => "haproxy",
        }
    }

    /// Returns the module that a generated file belongs to. `path` is relative to the cluster's folder.
    pub fn at(path: &str) -> Option<Self> {
        let holds = |module: &Module| path.strip_prefix(module.folder()).is_some_and(|rest| rest.starts_with('/'));
        Module::ALL.into_iter().find(holds)
    }
}

impl Cluster {
    /// Returns the modules of this cluster, in the order of the pipeline. A cluster without slaves has no module for them.
    pub fn modules(&self) -> impl Iterator<Item = Module> {
        Module::ALL.into_iter().filter(|module| module.role().is_none_or(|role| self.machine_of(role).is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_the_module_whose_folder_it_is_in() {
        assert_eq!(Module::at("db_config/terraform_slave/main.tf"), Some(Module::Slaves));
        assert_eq!(Module::at("db_config/terraform_slave"), None, "a folder is no file");
        assert_eq!(Module::at("db_config/patroni.yml"), None);
        for module in Module::ALL {
            assert_eq!(Module::at(&format!("{}/cluster.tf", module.folder())), Some(module));
            assert_eq!(module.role().map_or(module, Module::of), module);
        }
        assert_eq!(Module::Network.name(), "terraform_network");
    }
}
