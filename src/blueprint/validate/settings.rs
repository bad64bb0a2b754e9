//! `postgres { settings = { … } }`: any setting of PostgreSQL, but those that pgherd or Patroni owns.

use std::collections::BTreeMap;

use super::postgres::Context;
use super::{BlockReader, Refusal, doc, refuse};
use crate::blueprint::form::Holds;
use crate::blueprint::rules::language as is;
use crate::blueprint::validate::postgres::slots::{least_replication_slots, least_wal_senders};
use crate::blueprint::value::{Data, Evaluated, mismatch, text};
use crate::parameters;

mod breaking;
mod date_style;
mod installed;
mod libraries;
mod names;
mod owned;
mod relations;
mod tls;
mod types;
mod words;
mod zones;

/// PostgreSQL has about 400, and no cluster changes half of them.
const MOST_SETTINGS: usize = 200;

/// Settings by name in lower case (PostgreSQL does not tell cases apart), values as in `postgresql.conf`, unquoted.
/// `locales` are those that the images make for databases, beside the C library's own.
pub fn read(r: &BlockReader, context: &Context, major: Option<u16>, locales: &[&str]) -> BTreeMap<String, String> {
    let doc_settings = doc("settings", "Any setting of `postgresql.conf`, except those that pgherd or Patroni owns.")
        .by_default("sizes that follow from the instance types and disks; see `db_config/patroni.yml`");
    let mut settings = BTreeMap::new();
    let mut values = vec![];
    for (i, entry) in r.map(doc_settings, Holds::ScalarMap).into_iter().enumerate() {
        if i == MOST_SETTINGS {
            let problem = format!("more than {MOST_SETTINGS} settings");
            r.report(
                "settings",
                &entry.key_at,
                Refusal {
                    rule: &is::TOO_LARGE,
                    problem,
                    help: "write those alone that differ from the default".into(),
                },
            );
            break;
        }
        let name = entry.key.to_lowercase();
        let verdict = match settings.contains_key(&name) {
            true => refuse(
                &is::SET_TWICE,
                format!("`{}` is set twice: PostgreSQL does not tell cases apart", entry.key),
                "keep one of the two",
            ),
            false => syntax(&entry.key).and_then(|()| owned::check(&name)).and_then(|()| names::check(&name, major)),
        };
        if let Err(refusal) = verdict {
            r.report("settings", &entry.key_at, refusal);
            continue;
        }
        match scalar(&name, &entry.value).and_then(|value| fits(&name, &value, context, major, locales)) {
            Ok(value) => {
                values.push((name.clone(), &entry.value.at));
                settings.insert(name, value);
            }
            Err(refusal) => r.report(&format!("settings.{name}"), &entry.value.at, refusal),
        }
    }
    for (name, at) in values {
        if let Err(refusal) = relations::check(&name, &settings) {
            r.report(&format!("settings.{name}"), at, refusal);
            break;
        }
    }
    settings
}

/// `name`, or `extension.name`.
fn syntax(name: &str) -> Result<(), Refusal> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
    };
    if name.len() > 63 || !name.split('.').all(part) || name.split('.').count() > 2 {
        let nearly = name.to_lowercase().replace(['-', ' '], "_");
        let shown = if nearly.is_ascii() && nearly != name { &nearly } else { "work_mem" };
        let help = format!("write it as PostgreSQL does, in letters, digits and underscores, such as `{shown}`");
        return refuse(&is::SETTING_NAME, format!("`{name}` is no setting's name"), help);
    }
    Ok(())
}

/// A setting's value as it stands in `postgresql.conf`.
fn scalar(name: &str, value: &Evaluated) -> Result<String, Refusal> {
    let is_text = parameters::newest(name).is_some_and(|parameter| parameter.kind == parameters::Kind::String);
    match &value.data {
        Data::Bool(_) if is_text && !matches!(name, "log_connections") => {
            mismatch(value, "text", "this setting is neither on nor off: write text in double quotes, or \"\" for none")
        }
        Data::Bool(flag) => Ok(if *flag { "on" } else { "off" }.into()),
        Data::Number(number) => Ok(number.to_string()),
        Data::Text(_) => {
            let text = text(value)?;
            match text.chars().any(char::is_control) {
                true => refuse(
                    &is::SETTING_VALUE,
                    "a setting is one line of text",
                    "leave out line breaks and control characters",
                ),
                false => Ok(text.to_string()),
            }
        }
        Data::List(_) => mismatch(value, "text, a number or true/false", "write a list as PostgreSQL does: \"a, b\""),
        _ => mismatch(value, "text, a number or true/false", "write text in double quotes"),
    }
}

/// Returns the value in the spelling that is generated. Refuses what does not start, does not work out, or silently takes away what the
/// blueprint promises.
fn fits(name: &str, value: &str, context: &Context, major: Option<u16>, locales: &[&str]) -> Result<String, Refusal> {
    let value = types::check(name, value, major)?;
    libraries::check(name, &value, major)?;
    installed::check(name, &value, major, locales)?;
    tls::check(name, &value, major)?;
    breaking::check(name, &value, context)?;
    if zones::is_zone(name) {
        zones::check(name, &value)?;
    }
    if name == "datestyle" {
        date_style::check(&value)?;
    }
    words::check(name, &value, major)?;
    promises(name, &value, context)?;
    Ok(value)
}

/// What the blueprint promises elsewhere.
fn promises(name: &str, value: &str, context: &Context) -> Result<(), Refusal> {
    let off = value == "off";
    match name {
        "fsync" | "full_page_writes" if off => refuse(
            &is::SETTING_VALUE,
            format!("without {name} a power cut destroys the data"),
            "leave it out: the default is on",
        ),
        "synchronous_commit" if context.synchronous && (off || value == "local") => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` acknowledges a commit that no standby has, and failover.synchronous promises otherwise"),
            "write \"on\", \"remote_apply\" or \"remote_write\", or failover { synchronous = false }",
        ),
        "client_min_messages" if value == "info" => refuse(
            &is::SETTING_VALUE,
            "PostgreSQL sends `info` in any case, and Patroni drops the setting",
            "write \"notice\"",
        ),
        "bonjour" if value == "on" => refuse(
            &is::SETTING_VALUE,
            "Debian's PostgreSQL is built without Bonjour, and would not start",
            "leave it out: the default is off",
        ),
        "wal_level" if !["replica", "logical"].contains(&value) => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` cannot feed a standby"),
            "leave it out for \"replica\", or write \"logical\"",
        ),
        // The kernel gives a process 8 MiB, and PostgreSQL wants 512 kB of them free.
        "max_stack_depth" if parameters::value::number(name, value).is_some_and(|kb| kb > 7680.0) => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` is more than the kernel gives a process"),
            "write what is within 100 to 7680, in units of kB",
        ),
        "max_wal_senders" => {
            let least = least_wal_senders(context.slaves, context.logical_slots);
            at_least(name, value, least, "each standby and logical slot streams, and a base backup needs two more")
        }
        "max_replication_slots" => {
            let least = least_replication_slots(context.slaves, context.logical_slots);
            at_least(name, value, least, "each standby has a slot beside logical_slots; Patroni wants 4")
        }
        // Patroni ignores what is lower: postgresql/config.py, CMDLINE_OPTIONS.
        "max_connections" => at_least(name, value, 25, "Patroni ignores what is lower"),
        "max_locks_per_transaction" => at_least(name, value, 32, "Patroni ignores what is lower"),
        "max_worker_processes" => at_least(name, value, 2, "Patroni ignores what is lower"),
        "wal_keep_size" if parameters::value::number(name, value).is_some_and(|mb| mb < 16.0) => refuse(
            &is::SETTING_VALUE,
            format!("Patroni ignores `{value}`, as it is less than 16MB, and keeps 128MB"),
            "leave it out, or write \"16MB\" or more; each standby's slot keeps what that standby lacks",
        ),
        _ => Ok(()),
    }
}

fn at_least(name: &str, value: &str, low: u32, reason: &str) -> Result<(), Refusal> {
    match parameters::value::number(name, value).is_some_and(|number| number >= f64::from(low)) {
        true => Ok(()),
        false => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` is not a whole number from {low} on: {reason}"),
            format!("write {low} or more"),
        ),
    }
}
