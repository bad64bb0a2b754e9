//! `users = [ … ]`, and `user "<name>" { … }` for those that are let into databases of others.

use super::super::{BlockReader, Reading, Refusal, names, nearest, refuse};
use crate::blueprint::form::{Form, Holds};
use crate::blueprint::model::{Access, Database, Grant, User};
use crate::blueprint::rules::language as is;

/// A user as it is written.
pub struct Written {
    pub name: Reading<String>,
    grant: Option<WrittenGrant>,
}

struct WrittenGrant {
    databases: Vec<Reading<String>>,
    access: Access,
}

/// Every user with a name that fits, those of the list first. A name that is refused is reported.
pub fn read(r: &BlockReader) -> Vec<Written> {
    let mut users: Vec<Written> = vec![];
    for name in r.list("users", |name| Ok(name.to_string())).value.unwrap_or_default() {
        let verdict =
            super::once(&name.value, users.iter().map(|user| &user.name)).and_then(|()| names::user(&name.value));
        if let Err(refusal) = verdict {
            r.report("users", &name.at, refusal);
        }
        // Kept even so: who owns a database is known, whatever is wrong with the name.
        users.push(Written { name, grant: None });
    }
    let attributes = [
        ("databases", Form::of(Holds::Texts).required()),
        ("access", Form::of(Holds::OneOf(Access::ALL.map(Access::name).to_vec())).or(&Access::Read)),
    ];
    r.labelled("user", "report", &attributes, |r, label, at| {
        let verdict = super::once(label, users.iter().map(|user| &user.name)).and_then(|()| names::user(label));
        if let Err(refusal) = verdict {
            r.source.refused(&at, refusal);
        }
        let databases = r.list("databases", |name| Ok(name.to_string()));
        let access = r.choice("access", Access::Read, &Access::ALL.map(Access::name), access).value;
        if !databases.is_refused() && databases.value.as_ref().is_none_or(Vec::is_empty) {
            let problem = format!("`{label}` is let into no database");
            let help = format!("write databases = [\"app\"], or add \"{label}\" to `users` and take the block out");
            r.source.report(&is::GRANT, &databases.at, problem, help);
        }
        let grant = WrittenGrant { databases: databases.value.unwrap_or_default(), access };
        users.push(Written { name: Reading::set_at(label.to_string(), at), grant: Some(grant) });
    });
    users
}

fn access(text: &str) -> Result<Access, Refusal> {
    match Access::ALL.into_iter().find(|access| access.name() == text) {
        Some(access) => Ok(access),
        None => refuse(
            &is::GRANT,
            format!("`{text}` is no access"),
            "write \"read\", \"write\" for reading and writing rows, or \"replicate\" for logical replication; tables are made and changed by \
             the owner alone",
        ),
    }
}

/// The users, once their databases have been held against those that are made.
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

/// A user is a guest in databases that are made, and in none of its own.
fn guest(user: &str, database: &str, databases: &[Database]) -> Result<(), Refusal> {
    match databases.iter().find(|known| known.name == database) {
        Some(own) if own.owner == user => refuse(
            &is::GRANT,
            format!("`{user}` owns `{database}`, and may do everything there"),
            "leave it out: an owner always may connect",
        ),
        Some(_) => Ok(()),
        None => {
            let help = match nearest(database, databases.iter().map(|known| known.name.as_str())) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("add it to postgres.databases: databases = {{ {database} = \"app\" }}"),
            };
            refuse(&is::GRANT, format!("no database `{database}` is made"), help)
        }
    }
}
