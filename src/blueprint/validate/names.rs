//! Checks names: the cluster's, and those of PostgreSQL's users and databases.

use super::{Refusal, refuse};
use crate::blueprint::rules::language as is;

/// The longest cluster name. A host name `<cluster>-slave15` has at most 63 characters (RFC 1035).
const LONGEST_CLUSTER: usize = 63 - "-slave15".len();
/// The longest name of an IAM role (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const LONGEST_ROLE: usize = 64;
/// The longest name in PostgreSQL: NAMEDATALEN - 1 bytes.
const LONGEST_IDENTIFIER: usize = 63;
/// Words that do not name a role in PostgreSQL or `pg_hba.conf`.
const RESERVED_ROLES: [&str; 7] = ["all", "public", "none", "user", "current_role", "current_user", "session_user"];
/// Words that do not name a database in `pg_hba.conf`.
const RESERVED_DATABASES: [&str; 5] = ["all", "replication", "sameuser", "samerole", "samegroup"];

/// Checks the cluster's name. It is the prefix of host names, image names and every other name in AWS.
pub fn cluster(name: &str) -> Result<String, Refusal> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > LONGEST_CLUSTER {
        let problem = format!("the name `{name}` is {} characters long", name.len());
        return refuse(
            &is::CLUSTER_NAME,
            problem,
            format!("use at most {LONGEST_CLUSTER} characters; the host name `<cluster>-slave15` is limited to 63"),
        );
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) || name.ends_with('-') {
        let lower: String = name.to_lowercase().chars().map(|c| if plain(c) { c } else { '-' }).collect();
        let fit = lower.trim_matches(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
        let fit = if fit.starts_with(|c: char| c.is_ascii_lowercase()) { fit } else { "herd" };
        let help = format!(
            "use lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen, such as \"{fit}\""
        );
        return refuse(&is::CLUSTER_NAME, format!("`{name}` cannot be part of a host name"), help);
    }
    if name == "sg" || name.starts_with("sg-") {
        let help = "choose a name that does not start with `sg-`, such as \"herd\"";
        return refuse(
            &is::CLUSTER_NAME,
            format!(
                "AWS does not allow a security group to be named `{name}-…`, because `sg-` is the prefix of their ids"
            ),
            help,
        );
    }
    Ok(name.to_string())
}

/// Checks that the name of the longest IAM role, `<cluster>-<region>-database`, fits. It contains the region because the
/// names of IAM roles are unique in an account, across regions.
pub fn fits_region(name: &str, region: &str) -> Result<(), Refusal> {
    let longest = LONGEST_ROLE.saturating_sub(format!("-{region}-database").len());
    if name.len() > longest {
        return refuse(
            &is::CLUSTER_NAME,
            format!("the name `{name}` is {} characters long, which is too long for {region}", name.len()),
            format!(
                "use at most {longest} characters; the IAM role `<cluster>-{region}-database` is limited to {LONGEST_ROLE}"
            ),
        );
    }
    Ok(())
}

/// Checks the name of a user that the blueprint creates.
pub fn user(name: &str) -> Result<String, Refusal> {
    match name {
        "postgres" => refuse(
            &is::DATABASE_NAME,
            "`postgres` is the superuser, which every cluster has",
            "remove it from the list",
        ),
        "replicauser" | "rewind_user" | "pgherd_clients" => refuse(
            &is::DATABASE_NAME,
            format!("`{name}` is a role that pgherd uses itself"),
            "choose another name, such as \"app\"",
        ),
        _ if RESERVED_ROLES.contains(&name) => refuse(
            &is::DATABASE_NAME,
            format!("`{name}` has a special meaning in PostgreSQL"),
            "choose another name, such as \"app\"",
        ),
        _ => identifier(name),
    }
}

/// Checks the name of a database that the blueprint creates.
pub fn database(name: &str) -> Result<String, Refusal> {
    match name {
        "postgres" | "template0" | "template1" => {
            refuse(&is::DATABASE_NAME, format!("`{name}` exists on every server"), "remove it")
        }
        _ if RESERVED_DATABASES.contains(&name) => refuse(
            &is::DATABASE_NAME,
            format!("`{name}` has a special meaning in pg_hba.conf"),
            "choose another name, such as \"app\"",
        ),
        _ => identifier(name),
    }
}

/// Checks a name that must not need quotes in PostgreSQL.
fn identifier(name: &str) -> Result<String, Refusal> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.starts_with("pg_") {
        return refuse(
            &is::DATABASE_NAME,
            format!("`{name}` starts with `pg_`, which PostgreSQL reserves for itself"),
            "choose a name without the prefix `pg_`",
        );
    }
    if name.len() > LONGEST_IDENTIFIER {
        return refuse(
            &is::DATABASE_NAME,
            format!("`{name}` is {} characters long", name.len()),
            format!("use at most {LONGEST_IDENTIFIER} characters"),
        );
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') || !name.chars().all(plain) {
        let help = "use lower-case letters, digits and underscores, starting with a letter, such as \"app\"";
        return refuse(&is::DATABASE_NAME, format!("`{name}` would need quotes in every statement"), help);
    }
    Ok(name.to_string())
}

/// Checks that a text consists of letters, digits and the characters in `more`, and has 1 to `longest` bytes.
pub fn plain(what: &str, text: &str, more: &str, longest: usize) -> Result<String, Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    if text.is_empty() || text.len() > longest || !text.chars().all(fits) {
        let listed: Vec<String> = more.chars().map(|c| format!("`{c}`")).collect();
        let help = format!("use 1 to {longest} letters, digits and {}", listed.join(" "));
        return refuse(&is::PLAIN_NAME, format!("`{text}` is not a valid {what}"), help);
    }
    Ok(text.to_string())
}
