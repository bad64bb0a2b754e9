//! `postgres { … }`

use super::{Found, Reader, Refusal, names, nearest, refuse, settings};
use crate::blueprint::form::{Form, Holds};
use crate::blueprint::model::{Database, Postgres};
use crate::blueprint::rules::language as is;
use crate::blueprint::value::{Kind, mismatch, text};

/// Owner where none is named.
const SUPERUSER: &str = "postgres";

/// What the settings are held against.
pub struct Context {
    /// Whether a commit waits for a standby.
    pub synchronous: bool,
    /// PostgreSQL's major in the base's own packages.
    pub own_major: u16,
    /// How many standbys stream.
    pub slaves: u32,
}

pub fn read(r: &Reader, default: Postgres, context: &Context) -> Postgres {
    let version = r.integer("version", 0, 13..=18, "(a major version)");
    let major = version.written().then_some(version.value as u16).or(default.version);
    let users = r.list("users", |name| Ok(name.to_string())).value.unwrap_or_default();
    let databases = databases(r, &users);
    check(r, "users", &users, names::user);
    check(r, "databases", &databases.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names::database);
    Postgres {
        version: major,
        settings: settings::read(r, context, (!version.refused()).then(|| major.unwrap_or(context.own_major))),
        databases: databases.into_iter().map(|(name, owner)| Database { name: name.value, owner }).collect(),
        users: users.into_iter().map(|user| user.value).collect(),
    }
}

/// Each name must be allowed, and stand once.
fn check(r: &Reader, list: &str, names: &[Found<String>], allowed: impl Fn(&str) -> Result<String, Refusal>) {
    for (i, name) in names.iter().enumerate() {
        let first = names[..i].iter().all(|earlier| earlier.value != name.value);
        let verdict = if first {
            allowed(&name.value)
        } else {
            refuse(&is::REPEATED, format!("`{}` stands there twice", name.value), "leave the second one out")
        };
        if let Err(refusal) = verdict {
            r.report(list, &name.at, refusal);
        }
    }
}

/// `{ name = owner }`, or `[name]` for databases of the superuser.
fn databases(r: &Reader, users: &[Found<String>]) -> Vec<(Found<String>, String)> {
    r.value("databases", Form::of(Holds::TextMapOrTexts), vec![], |value| match &value.kind {
        Kind::List(_) => {
            let names = r.items("databases", value, &|name: &str| Ok(name.to_string()))?;
            Ok(names.into_iter().map(|name| (name, SUPERUSER.to_string())).collect())
        }
        Kind::Map(entries) => Ok((Reader::entries(entries).into_iter())
            .map(|entry| {
                let owner = text(&entry.value).and_then(|owner| known_owner(owner, users));
                let owner = owner.unwrap_or_else(|refusal| {
                    r.report("databases", &entry.value.at, refusal);
                    SUPERUSER.into()
                });
                (Found::written_at(entry.key.clone(), entry.key_at.clone()), owner)
            })
            .collect()),
        _ => mismatch(value, "a map or a list", "write databases = { app = \"app\" } (name = owner), or [\"app\"]"),
    })
    .value
}

fn known_owner(owner: &str, users: &[Found<String>]) -> Result<String, Refusal> {
    if owner == SUPERUSER || users.iter().any(|user| user.value == owner) {
        return Ok(owner.to_string());
    }
    let help = match nearest(owner, users.iter().map(|user| user.value.as_str())) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("add \"{owner}\" to postgres.users, or write \"{SUPERUSER}\""),
    };
    refuse(&is::OWNER, format!("no user `{owner}` is made to own it"), help)
}
