//! Names: the cluster's, those of PostgreSQL.

use super::{Refusal, refuse};
use crate::blueprint::rules::language as is;

/// Longest cluster name: a host name `<cluster>-slave15` has at most 63 characters (RFC 1035).
const LONGEST_CLUSTER: usize = 63 - "-slave15".len();
/// Longest name of an IAM role (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const LONGEST_ROLE: usize = 64;
/// Longest name in PostgreSQL: NAMEDATALEN - 1.
const LONGEST_IDENTIFIER: usize = 63;
/// Words that PostgreSQL or `pg_hba.conf` reads as something else than a role.
const RESERVED_ROLES: [&str; 7] = ["all", "public", "none", "user", "current_role", "current_user", "session_user"];
/// Words that `pg_hba.conf` reads as something else than a database.
const RESERVED_DATABASES: [&str; 5] = ["all", "replication", "sameuser", "samerole", "samegroup"];

/// The cluster's name: prefix of host names, image names and everything else in AWS.
pub fn cluster(name: &str) -> Result<String, Refusal> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > LONGEST_CLUSTER {
        let problem = format!("the name `{name}` has {} characters", name.len());
        return refuse(
            &is::CLUSTER_NAME,
            problem,
            format!("use at most {LONGEST_CLUSTER}: the host name `<cluster>-slave15` may have 63"),
        );
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) || name.ends_with('-') {
        let lower: String = name.to_lowercase().chars().map(|c| if plain(c) { c } else { '-' }).collect();
        let fit = lower.trim_matches(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
        let fit = if fit.starts_with(|c: char| c.is_ascii_lowercase()) { fit } else { "herd" };
        let help = format!("use lower-case letters, digits and hyphens, a letter first, such as \"{fit}\"");
        return refuse(&is::CLUSTER_NAME, format!("`{name}` cannot be part of a host name"), help);
    }
    if name == "sg" || name.starts_with("sg-") {
        let help = "choose a name that does not start with `sg-`, such as \"herd\"";
        return refuse(
            &is::CLUSTER_NAME,
            format!("AWS refuses security groups named `{name}-…`: `sg-` starts their ids"),
            help,
        );
    }
    Ok(name.to_string())
}

/// The longest IAM role is `<cluster>-<region>-database`: an account has one role of a name in all regions together.
pub fn fits_region(name: &str, region: &str) -> Result<(), Refusal> {
    let longest = LONGEST_ROLE.saturating_sub(format!("-{region}-database").len());
    if name.len() > longest {
        return refuse(
            &is::CLUSTER_NAME,
            format!("the name `{name}` has {} characters, too many for {region}", name.len()),
            format!(
                "use at most {longest} there: the IAM role `<cluster>-{region}-database` may have {LONGEST_ROLE} characters"
            ),
        );
    }
    Ok(())
}

/// A role that the blueprint makes.
pub fn user(name: &str) -> Result<String, Refusal> {
    match name {
        "postgres" => {
            refuse(&is::DATABASE_NAME, "`postgres` is the superuser, which every cluster has", "leave it out")
        }
        "replicauser" | "rewind_user" | "pgherd_clients" => refuse(
            &is::DATABASE_NAME,
            format!("`{name}` is a role of pgherd's own"),
            "choose another name, such as \"app\"",
        ),
        _ if RESERVED_ROLES.contains(&name) => refuse(
            &is::DATABASE_NAME,
            format!("`{name}` means something else to PostgreSQL"),
            "choose another name, such as \"app\"",
        ),
        _ => identifier(name),
    }
}

/// A database that the blueprint makes.
pub fn database(name: &str) -> Result<String, Refusal> {
    match name {
        "postgres" | "template0" | "template1" => {
            refuse(&is::DATABASE_NAME, format!("`{name}` exists in every server"), "leave it out")
        }
        _ if RESERVED_DATABASES.contains(&name) => refuse(
            &is::DATABASE_NAME,
            format!("`{name}` means something else in pg_hba.conf"),
            "choose another name, such as \"app\"",
        ),
        _ => identifier(name),
    }
}

/// A name that PostgreSQL takes without quotes.
fn identifier(name: &str) -> Result<String, Refusal> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.starts_with("pg_") {
        return refuse(
            &is::DATABASE_NAME,
            format!("PostgreSQL keeps names that start with `pg_` to itself, such as `{name}`"),
            "drop the `pg_`",
        );
    }
    if name.len() > LONGEST_IDENTIFIER {
        return refuse(
            &is::DATABASE_NAME,
            format!("`{name}` has {} characters", name.len()),
            format!("use at most {LONGEST_IDENTIFIER}"),
        );
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') || !name.chars().all(plain) {
        let help = "use lower-case letters, digits and underscores, a letter first, such as \"app\"";
        return refuse(&is::DATABASE_NAME, format!("`{name}` would need quotes in every statement"), help);
    }
    Ok(name.to_string())
}

/// Text made of letters, digits and these characters, and no longer than this.
pub fn plain(what: &str, text: &str, more: &str, longest: usize) -> Result<String, Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    if text.is_empty() || text.len() > longest || !text.chars().all(fits) {
        let listed: Vec<String> = more.chars().map(|c| format!("`{c}`")).collect();
        let help = format!("use 1 to {longest} letters, digits and {}", listed.join(" "));
        return refuse(&is::PLAIN_NAME, format!("`{text}` is not a valid {what}"), help);
    }
    Ok(text.to_string())
}
