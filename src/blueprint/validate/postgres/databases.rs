//! `databases = { … }`, and `database "<name>" { … }` for those with a locale of their own.

use super::super::{BlockReader, Reading, Refusal, names, nearest, refuse};
use super::{locale, users};
use crate::blueprint::form::{Form, Holds};
use crate::blueprint::model::{Database, Locale};
use crate::blueprint::rules::language as is;
use crate::blueprint::value::{Data, mismatch, text};

/// Owner where none is named.
const SUPERUSER: &str = "postgres";

/// Every database, those of the map first. What is refused is reported.
pub fn read(r: &BlockReader, users: &[users::Written], cluster: Option<&Locale>, major: Option<u16>) -> Vec<Database> {
    let mut found: Vec<(Reading<String>, String, Option<Locale>)> = vec![];
    for (name, owner) in in_short(r, users) {
        let verdict =
            super::once(&name.value, found.iter().map(|(name, ..)| name)).and_then(|()| names::database(&name.value));
        if let Err(refusal) = verdict {
            r.report("databases", &name.at, refusal);
        }
        found.push((name, owner, None));
    }
    let mut attributes = vec![("owner", Form::of(Holds::Text).or(&SUPERUSER.to_string()))];
    attributes.extend(locale::forms());
    r.labelled("database", "legacy", &attributes, |r, label, at| {
        let verdict = super::once(label, found.iter().map(|(name, ..)| name)).and_then(|()| names::database(label));
        if let Err(refusal) = verdict {
            r.source.refused(&at, refusal);
        }
        let owner = r.parsed("owner", SUPERUSER.to_string(), |owner| known_owner(owner, users)).value;
        let locale = locale::read(r, cluster, major);
        found.push((Reading::set_at(label.to_string(), at), owner, locale));
    });
    found.into_iter().map(|(name, owner, locale)| Database { name: name.value, owner, locale }).collect()
}

/// `{ name = owner }`, or `[name]` for databases of the superuser.
fn in_short(r: &BlockReader, users: &[users::Written]) -> Vec<(Reading<String>, String)> {
    r.value("databases", Form::of(Holds::TextMapOrTexts), vec![], |value| match &value.data {
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

fn known_owner(owner: &str, users: &[users::Written]) -> Result<String, Refusal> {
    if owner == SUPERUSER || users.iter().any(|user| user.name.value == owner) {
        return Ok(owner.to_string());
    }
    let help = match nearest(owner, users.iter().map(|user| user.name.value.as_str())) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("add \"{owner}\" to postgres.users, or write \"{SUPERUSER}\""),
    };
    refuse(&is::OWNER, format!("no user `{owner}` is made to own it"), help)
}
