//! Reads `databases = { … }`, and `database "<name>" { … }` for databases with a locale of their own.

use serde::Serialize;

use super::super::{BlockReader, Reading, Refusal, doc, is, names, nearest, refuse};
use super::locale;
use crate::blueprint::form::{Form, Holds};
use crate::blueprint::locale::Locale;
use crate::blueprint::value::{Data, mismatch, text};

/// A database that exists from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The role that owns it: one of [`super::Postgres::users`], or `postgres`.
    pub owner: String,
    /// How its text is stored and sorted; `None` means as the cluster's.
    pub locale: Option<Locale>,
}

/// The owner of a database that names none.
const SUPERUSER: &str = "postgres";

/// Returns every database, those of the map first. Whatever is refused is reported.
pub fn read(r: &BlockReader, users: &[&str], cluster: Option<&Locale>, major: Option<u16>) -> Vec<Database> {
    let mut found: Vec<(Reading<String>, String, Option<Locale>)> = vec![];
    for (name, owner) in in_short(r, users) {
        let verdict =
            super::once(&name.value, found.iter().map(|(name, ..)| name)).and_then(|()| names::database(&name.value));
        if let Err(refusal) = verdict {
            r.report("databases", &name.at, refusal);
        }
        found.push((name, owner, None));
    }
    let listed = found.len();
    let block = doc("database", "A database with a locale of its own; the label is its name.");
    r.labelled(block, "name", "legacy", |r, label, at| {
        let earlier = found.iter().enumerate().map(|(i, (name, ..))| (name, i >= listed));
        let verdict = super::one_block("database", label, "databases", earlier).and_then(|()| names::database(label));
        if let Err(refusal) = verdict {
            r.source.refused(&at, refusal);
        }
        let owner = r
            .parsed(doc("owner", "The owner: one of the users, or `postgres`."), SUPERUSER.to_string(), |owner| {
                known_owner(owner, users)
            })
            .value;
        let locale = locale::read(r, locale::OF_A_DATABASE, cluster, major);
        found.push((Reading::set_at(label.to_string(), at), owner, locale));
    });
    found.into_iter().map(|(name, owner, locale)| Database { name: name.value, owner, locale }).collect()
}

/// Reads `{ name = owner }`, or `[name]` for databases of the superuser.
fn in_short(r: &BlockReader, users: &[&str]) -> Vec<(Reading<String>, String)> {
    let databases = doc(
        "databases",
        "Databases that exist from the start, each with its owner. In a list of names, `postgres` owns them.",
    )
    .by_default("none");
    r.value(databases, Form::of(Holds::TextMapOrTexts), vec![], |value| match &value.data {
        Data::List(_) => {
            let names = r.items("databases", value, &|name: &str| Ok(name.to_string()))?;
            Ok(names.into_iter().map(|name| (name, SUPERUSER.to_string())).collect())
        }
        Data::Map(entries) => Ok((BlockReader::entries(entries).into_iter())
            .map(|entry| {
                let owner = text(&entry.value).and_then(|owner| known_owner(owner, users));
                let owner = owner.unwrap_or_else(|refusal| {
                    r.report("databases", &entry.value.at, refusal);
                    SUPERUSER.into()
                });
                (Reading::set_at(entry.key.clone(), entry.key_at.clone()), owner)
            })
            .collect()),
        _ => mismatch(value, "a map or a list", "write databases = { app = \"app\" } (name = owner), or [\"app\"]"),
    })
    .value
}

/// Refuses an owner that is neither one of the users nor the superuser.
fn known_owner(owner: &str, users: &[&str]) -> Result<String, Refusal> {
    if owner == SUPERUSER || users.contains(&owner) {
        return Ok(owner.to_string());
    }
    let help = match nearest(owner, users.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("add \"{owner}\" to postgres.users, or write \"{SUPERUSER}\""),
    };
    refuse(&is::OWNER, format!("the owner `{owner}` is not one of the users"), help)
}
