//! Reads `users = [ … ]`, and `user "<name>" { … }` for users with access to databases of others.

use serde::Serialize;

use super::super::{BlockReader, Reading, Refusal, doc, is, names, nearest, refuse};
use super::databases::Database;
use crate::blueprint::form::Choice;

/// A login role that exists from the start. It connects to the databases that it owns, and to those of its grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Its name.
    pub name: String,
    /// What it may do in databases of others; `None` for a user of the `users` list.
    pub grant: Option<Grant>,
}

/// What a user may do in databases that it does not own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The databases that it may connect to.
    pub databases: Vec<String>,
    /// What it may do there.
    pub access: Access,
}

/// What a user may do with the tables of a database's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Read rows.
    Read,
    /// Read and write rows.
    Write,
    /// Read rows, and follow their changes by logical replication.
    Replicate,
}

impl Access {
    /// Every kind of access, the default first.
    pub const ALL: [Access; 3] = [Access::Read, Access::Write, Access::Replicate];

    /// Returns the name that a blueprint uses.
    pub fn name(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::Write => "write",
            Access::Replicate => "replicate",
        }
    }
}

impl Choice for Access {
    const ALL: &'static [Access] = &Access::ALL;

    fn word(self) -> &'static str {
        self.name()
    }
}

/// A user as the blueprint has it.
pub struct Written {
    pub name: Reading<String>,
    grant: Option<WrittenGrant>,
}

struct WrittenGrant {
    databases: Vec<Reading<String>>,
    access: Access,
}

/// Returns every user, those of the list first. Reports invalid names.
pub fn read(r: &BlockReader) -> Vec<Written> {
    let mut users: Vec<Written> = vec![];
    let list = doc(
        "users",
        "Login roles that exist from the start. Each connects to the databases that it owns. The machine that initialises the cluster generates their passwords and stores them in Secrets Manager.",
    )
    .by_default("none");
    for name in r.list(list, |name| Ok(name.to_string())).value.unwrap_or_default() {
        let verdict =
            super::once(&name.value, users.iter().map(|user| &user.name)).and_then(|()| names::user(&name.value));
        if let Err(refusal) = verdict {
            r.report("users", &name.at, refusal);
        }
        // An invalid name is kept, so that databases with this owner are not reported too.
        users.push(Written { name, grant: None });
    }
    let block = doc("user", "A login role that may also connect to databases of other owners; the label is its name.");
    r.labelled(block, "name", "report", |r, label, at| {
        let earlier = users.iter().map(|user| (&user.name, user.grant.is_some()));
        let verdict = super::one_block("user", label, "users", earlier).and_then(|()| names::user(label));
        if let Err(refusal) = verdict {
            r.source.refused(&at, refusal);
        }
        let databases = doc("databases", "The databases that it may connect to, in addition to its own.");
        let databases = r.required_list(databases, |name| Ok(name.to_string()));
        let access = doc(
            "access",
            "What it may do with the owner's tables there, including those that the owner creates later: read rows, read and write rows, or read rows and follow their changes by logical replication.",
        );
        let access = r.choice(access, Access::Read, unknown_access).value;
        if !databases.is_refused() && databases.value.as_ref().is_none_or(Vec::is_empty) {
            let problem = format!("`{label}` has access to no database");
            let help = format!("write databases = [\"app\"], or add \"{label}\" to `users` and remove the block");
            r.source.report(&is::GRANT, &databases.at, problem, help);
        }
        let grant = WrittenGrant { databases: databases.value.unwrap_or_default(), access };
        users.push(Written { name: Reading::set_at(label.to_string(), at), grant: Some(grant) });
    });
    users
}

/// Explains a word that is not an access.
fn unknown_access(text: &str) -> Refusal {
    let help = "write \"read\", \"write\" for reading and writing rows, or \"replicate\" for logical replication; only the owner \
                may create and change tables";
    Refusal { rule: &is::GRANT, problem: format!("`{text}` is not a kind of access"), help: help.into() }
}

/// Returns the users, and reports databases that they cannot be given access to.
pub fn resolve(r: &BlockReader, users: Vec<Written>, databases: &[Database]) -> Vec<User> {
    (users.into_iter())
        .map(|Written { name, grant }| {
            let grant = grant.map(|WrittenGrant { databases: wanted, access }| {
                for (i, database) in wanted.iter().enumerate() {
                    let verdict = super::once(&database.value, wanted[..i].iter())
                        .and_then(|()| guest(&name.value, &database.value, databases));
                    if let Err(refusal) = verdict {
                        r.report("user.databases", &database.at, refusal);
                    }
                }
                Grant { databases: wanted.into_iter().map(|database| database.value).collect(), access }
            });
            User { name: name.value, grant }
        })
        .collect()
}

/// Refuses a database that the blueprint does not have, or that the user owns.
fn guest(user: &str, database: &str, databases: &[Database]) -> Result<(), Refusal> {
    match databases.iter().find(|known| known.name == database) {
        Some(own) if own.owner == user => refuse(
            &is::GRANT,
            format!("`{user}` owns `{database}` and already has every right there"),
            "remove it; an owner may always connect",
        ),
        Some(_) => Ok(()),
        None => {
            let help = match nearest(database, databases.iter().map(|known| known.name.as_str())) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("add it to postgres.databases with its owner: databases = {{ {database} = \"USER\" }}"),
            };
            refuse(&is::GRANT, format!("the blueprint has no database `{database}`"), help)
        }
    }
}
