//! The roles of machines and their policies, in `iam.tf` and `kms.tf`.

use serde::Serialize;

use crate::cluster::Cluster;
use crate::cluster::rights::{SecretSet, Through};

/// What the templates of roles and policies know. Lists are HCL.
#[derive(Serialize)]
pub struct Roles {
    /// The kinds of machines that have a right, and so a role.
    kinds: String,
    rights: Vec<RoleRight>,
}

/// A right as its policy has it.
#[derive(Serialize)]
struct RoleRight {
    name: &'static str,
    /// The policy's name in a role.
    policy: String,
    why: &'static str,
    actions: String,
    on: SecretSet,
    through: Through,
    kinds: String,
    /// The kind of machine whose policy it is, as an expression.
    kind: String,
    /// Whether several kinds of machines have it, each in a policy of its own.
    is_shared: bool,
}

impl Roles {
    /// Returns the roles of a cluster's machines.
    pub fn of(cluster: &Cluster) -> Self {
        let quoted = |text: &str| format!("\"{text}\"");
        let rights = cluster.rights().into_iter().map(|right| {
            let kinds: Vec<String> = right.kinds().map(quoted).collect();
            let actions: Vec<String> = right.actions.iter().map(|action| quoted(action)).collect();
            RoleRight {
                name: right.name,
                policy: right.name.replace('_', "-"),
                why: right.why,
                actions: actions.join(", "),
                on: right.on,
                through: right.through,
                kind: match &kinds[..] {
                    [one] => one.clone(),
                    _ => "each.key".into(),
                },
                is_shared: kinds.len() > 1,
                kinds: kinds.join(", "),
            }
        });
        let kinds: Vec<String> = cluster.kinds_with_rights().into_iter().map(quoted).collect();
        Roles { rights: rights.collect(), kinds: kinds.join(", ") }
    }
}
