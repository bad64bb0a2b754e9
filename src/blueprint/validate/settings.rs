//! Reads `postgres { settings = { … } }`: any setting of PostgreSQL, except those that pgherd or Patroni owns.

use std::collections::BTreeMap;

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

/// What the settings are checked against.
pub struct ServerContext {
    /// Whether a commit waits for a standby.
    pub synchronous: bool,
    /// PostgreSQL's major in the base's own packages.
    pub own_major: u16,
    /// The number of standbys that stream.
    pub slaves: u32,
    /// The number of the clients' logical slots.
    pub logical_slots: u32,
}

/// The most settings that a blueprint may have. PostgreSQL has about 400, and no cluster changes half of them.
const MOST_SETTINGS: usize = 200;

/// Returns the settings by name, in lower case because PostgreSQL ignores case, with their values as in `postgresql.conf`, unquoted.
/// `locales` are those that the images generate for databases, in addition to the C library's own.
pub fn read(
    r: &BlockReader,
    context: &ServerContext,
    major: Option<u16>,
    locales: &[&str],
) -> BTreeMap<String, String> {
    let doc_settings = doc("settings", "Any setting of `postgresql.conf`, except those that pgherd or Patroni owns.")
        .by_default("sizes that follow from the instance types and disks; see `db_config/patroni.yml`");
    let mut settings = BTreeMap::new();
    let mut values = vec![];
    for (i, entry) in r.map(doc_settings, Holds::ScalarMap).into_iter().enumerate() {
        if i == MOST_SETTINGS {
            let problem = format!("there are more than {MOST_SETTINGS} settings");
            r.report(
                "settings",
                &entry.key_at,
                Refusal { rule: &is::TOO_LARGE, problem, help: "set only those that differ from the default".into() },
            );
            break;
        }
        let name = entry.key.to_lowercase();
        let verdict = match settings.contains_key(&name) {
            true => refuse(
                &is::SET_TWICE,
                format!("`{}` is set twice; PostgreSQL ignores case in names", entry.key),
                "remove one of the two",
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

/// Refuses what is not a `name` or an `extension.name`.
fn syntax(name: &str) -> Result<(), Refusal> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
    };
    if name.len() > 63 || !name.split('.').all(part) || name.split('.').count() > 2 {
        let nearly = name.to_lowercase().replace(['-', ' '], "_");
        let shown = if nearly.is_ascii() && nearly != name { &nearly } else { "work_mem" };
        let help = format!("use letters, digits and underscores, such as `{shown}`");
        return refuse(&is::SETTING_NAME, format!("`{name}` is not a valid setting name"), help);
    }
    Ok(())
}

/// Returns a setting's value as it is written in `postgresql.conf`.
fn scalar(name: &str, value: &Evaluated) -> Result<String, Refusal> {
    let is_text = parameters::newest(name).is_some_and(|parameter| parameter.kind == parameters::Kind::String);
    match &value.data {
        Data::Bool(_) if is_text && !matches!(name, "log_connections") => {
            mismatch(value, "text", "this setting is not a switch; write text in double quotes, or \"\" to set none")
        }
        Data::Bool(flag) => Ok(if *flag { "on" } else { "off" }.into()),
        Data::Number(number) => Ok(number.to_string()),
        Data::Text(_) => {
            let text = text(value)?;
            match text.chars().any(char::is_control) {
                true => refuse(
                    &is::SETTING_VALUE,
                    "the value contains a line break or a control character",
                    "write the value on one line of text",
                ),
                false => Ok(text.to_string()),
            }
        }
        Data::List(_) => {
            mismatch(value, "text, a number or true/false", "write a list as text, as PostgreSQL does: \"a, b\"")
        }
        _ => mismatch(value, "text, a number or true/false", "write text in double quotes"),
    }
}

/// Returns the value in the spelling that is generated. Refuses a value with which the server does not start or the cluster does not
/// work, and one that silently breaks a promise of the blueprint.
fn fits(
    name: &str,
    value: &str,
    context: &ServerContext,
    major: Option<u16>,
    locales: &[&str],
) -> Result<String, Refusal> {
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

/// Refuses a value that breaks a promise that the blueprint makes elsewhere.
fn promises(name: &str, value: &str, context: &ServerContext) -> Result<(), Refusal> {
    let off = value == "off";
    match name {
        "fsync" | "full_page_writes" if off => refuse(
            &is::SETTING_VALUE,
            format!("without {name} a power cut can corrupt the data"),
            "remove it; the default is on",
        ),
        "synchronous_commit" if context.synchronous && (off || value == "local") => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` acknowledges commits that no standby has, but failover.synchronous is set"),
            "write \"on\", \"remote_apply\" or \"remote_write\", or set failover { synchronous = false }",
        ),
        "client_min_messages" if value == "info" => refuse(
            &is::SETTING_VALUE,
            "PostgreSQL always sends `info` messages, and Patroni ignores this value",
            "write \"notice\"",
        ),
        "bonjour" if value == "on" => refuse(
            &is::SETTING_VALUE,
            "Debian's PostgreSQL is built without Bonjour and would not start",
            "remove it; the default is off",
        ),
        "wal_level" if !["replica", "logical"].contains(&value) => refuse(
            &is::SETTING_VALUE,
            format!("with `{value}` no standby can follow the primary"),
            "remove it for \"replica\", or write \"logical\"",
        ),
        // The kernel limits a process's stack to 8 MiB, and PostgreSQL keeps 512 kB of it free.
        "max_stack_depth" if parameters::value::number(name, value).is_some_and(|kb| kb > 7680.0) => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` is more stack than the kernel gives a process"),
            "write a size from 100kB to 7680kB",
        ),
        "max_wal_senders" => {
            let least = least_wal_senders(context.slaves, context.logical_slots);
            at_least(
                name,
                value,
                least,
                "each standby and each logical slot needs one, a base backup two, and an operator one",
            )
        }
        "max_replication_slots" => {
            let least = least_replication_slots(context.slaves, context.logical_slots);
            at_least(
                name,
                value,
                least,
                "each standby and each logical slot needs one, and Patroni ignores fewer than 4",
            )
        }
        // The minimums are those of CMDLINE_OPTIONS in Patroni's postgresql/config.py.
        "max_connections" => at_least(name, value, 25, "Patroni ignores lower values"),
        "max_locks_per_transaction" => at_least(name, value, 32, "Patroni ignores lower values"),
        "max_worker_processes" => at_least(name, value, 2, "Patroni ignores lower values"),
        "wal_keep_size" if parameters::value::number(name, value).is_some_and(|mb| mb < 16.0) => refuse(
            &is::SETTING_VALUE,
            format!("Patroni ignores `{value}`, because it is less than 16MB, and uses 128MB"),
            "remove it, or write \"16MB\" or more; each standby's slot keeps the WAL that the standby still needs",
        ),
        _ => Ok(()),
    }
}

fn at_least(name: &str, value: &str, low: u32, reason: &str) -> Result<(), Refusal> {
    match parameters::value::number(name, value).is_some_and(|number| number >= f64::from(low)) {
        true => Ok(()),
        false => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` is below the minimum of {low}: {reason}"),
            format!("write {low} or more"),
        ),
    }
}
