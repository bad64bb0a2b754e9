//! What machines may do in AWS by the role of their kind. The roles and policies of `iam.tf` and `kms.tf` are made from this list.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Cluster;
use super::flows::Party;

/// A right in AWS that kinds of machines have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// A stable name that is a valid Terraform label. With hyphens, it is the name of the policy in a role.
    pub name: &'static str,
    /// The kinds of machines that have it.
    pub holders: &'static [Party],
    /// What it is for.
    pub why: &'static str,
    /// The actions that it allows.
    pub actions: &'static [&'static str],
    /// The secrets that it is about.
    pub on: SecretSet,
    /// How the actions reach them.
    pub through: Through,
}

/// A set of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSet {
    /// The passwords that the kind of machine is a reader of.
    Own,
    /// The passwords of users.
    OfUsers,
    /// The record of the founding, [`Cluster::founding_record`].
    Founding,
}

/// How the actions of a right reach secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// The machine itself calls Secrets Manager.
    SecretsManager,
    /// Secrets Manager uses the blueprint's KMS key on behalf of the machine.
    Key,
}

impl Right {
    /// Returns the kinds of machines that have it, by the names of their roles and security groups.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.holders.iter().filter_map(|party| party.machines())
    }
}

const EVERY_MACHINE: &[Party] = &[Party::Databases, Party::Haproxy];

/// The rights of every cluster's machines.
const RIGHTS: [Right; 3] = [
    Right {
        name: "read_secrets",
        holders: EVERY_MACHINE,
        why: "A machine reads the passwords of its own kind.",
        actions: &["secretsmanager:GetSecretValue"],
        on: SecretSet::Own,
        through: Through::SecretsManager,
    },
    Right {
        name: "put_user_secrets",
        holders: &[Party::Databases],
        why: "The machine that initialises the cluster makes the passwords of users. No machine can read them.",
        actions: &["secretsmanager:PutSecretValue"],
        on: SecretSet::OfUsers,
        through: Through::SecretsManager,
    },
    Right {
        name: "record_founding",
        holders: &[Party::Databases],
        why: "A machine founds the cluster only if its own disk is recorded as a founding one. It records the disks if nobody has.",
        actions: &["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
        on: SecretSet::Founding,
        through: Through::SecretsManager,
    },
];

/// The rights that come with a KMS key (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html>).
const RIGHTS_WITH_A_KEY: [Right; 3] = [
    Right {
        name: "decrypt_secrets",
        holders: EVERY_MACHINE,
        why: "Secrets Manager decrypts a password with the key when the machine reads it. EC2 decrypts disks by itself.",
        actions: &["kms:Decrypt"],
        on: SecretSet::Own,
        through: Through::Key,
    },
    Right {
        name: "encrypt_user_secrets",
        holders: &[Party::Databases],
        why: "Secrets Manager needs both actions to put a password. The machine still cannot read it.",
        actions: &["kms:Decrypt", "kms:GenerateDataKey"],
        on: SecretSet::OfUsers,
        through: Through::Key,
    },
    Right {
        name: "encrypt_founding",
        holders: &[Party::Databases],
        why: "Secrets Manager encrypts the record of the founding with the key, and decrypts it.",
        actions: &["kms:Decrypt", "kms:GenerateDataKey"],
        on: SecretSet::Founding,
        through: Through::Key,
    },
];

impl Cluster {
    /// Returns what machines may do in AWS.
    pub fn rights(&self) -> Vec<Right> {
        let mut rights = RIGHTS.to_vec();
        if self.blueprint.kms_key_id.is_some() {
            rights.extend(RIGHTS_WITH_A_KEY);
        }
        rights
    }

    /// Returns the name of the secret that records which disks founded the cluster. It is no password: the ids of disks open nothing.
    pub fn founding_record(&self) -> String {
        format!("{}/founded", self.name)
    }

    /// Returns the kinds of machines that have a right. Each has a role and an instance profile of its own.
    pub fn kinds_with_rights(&self) -> BTreeSet<&'static str> {
        self.rights().iter().flat_map(Right::kinds).collect()
    }

    /// Returns the name of the role of a kind of machine, and of its instance profile. Role names are global in an account: with the
    /// region in the name, a cluster of the same name in another region has its own.
    pub fn machine_role(&self, kind: &str) -> String {
        format!("{}-{}-{kind}", self.name, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A right of anything else would be in no policy. Whoever reads a password through a key must be able to decrypt it.
    #[test]
    fn only_machines_have_rights_and_a_key_takes_none_away() {
        for right in RIGHTS.into_iter().chain(RIGHTS_WITH_A_KEY) {
            assert!(right.holders.iter().all(|party| party.machines().is_some()), "{right:?}");
        }
        for (direct, with_a_key) in RIGHTS.iter().zip(&RIGHTS_WITH_A_KEY) {
            assert_eq!((direct.holders, direct.on), (with_a_key.holders, with_a_key.on), "{}", direct.name);
        }
    }
}
