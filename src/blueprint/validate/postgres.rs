//! `postgres { … }`

mod databases;
mod locale;
mod slots;
mod users;

use super::{BlockReader, Reading, Refusal, refuse, settings};
use crate::blueprint::model::{Locale, Postgres};
use crate::blueprint::rules::language as is;

/// What the settings are held against.
pub struct Context {
    /// Whether a commit waits for a standby.
    pub synchronous: bool,
    /// PostgreSQL's major in the base's own packages.
    pub own_major: u16,
    /// How many standbys stream.
    pub slaves: u32,
    /// How many slots clients have.
    pub logical_slots: u32,
}

pub fn read(r: &BlockReader, default: Postgres, context: &Context) -> Postgres {
    let version = r.integer("version", 0, 13..=18, "(a major version)");
    let written = version.is_set().then_some(version.value as u16).or(default.version);
    let major = (!version.is_refused()).then(|| written.unwrap_or(context.own_major));
    let locale = locale::read(r, None, major);
    let users = users::read(r);
    let databases = databases::read(r, &users, locale.as_ref(), major);
    let users = users::resolve(r, users, &databases);
    let logical_slots = slots::read(r, &databases);
    let locales = locale.iter().chain(databases.iter().filter_map(|database| database.locale.as_ref()));
    let locales: Vec<&str> = locales.map(Locale::of_the_c_library).collect();
    let context = Context { logical_slots: logical_slots.len() as u32, ..*context };
    let settings = settings::read(r, &context, major, &locales);
    slots::check(r, &logical_slots, &settings);
    Postgres { version: written, settings, databases, users, locale, logical_slots }
}

/// A name stands once.
fn once<'a>(name: &str, mut earlier: impl Iterator<Item = &'a Reading<String>>) -> Result<(), Refusal> {
    match earlier.any(|earlier| earlier.value == name) {
        true => refuse(&is::REPEATED, format!("`{name}` is listed twice"), "leave the second one out"),
        false => Ok(()),
    }
}
