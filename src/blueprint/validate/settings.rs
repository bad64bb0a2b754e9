//! `postgres { settings = { … } }`: any setting of PostgreSQL, but those that pgherd or Patroni owns.

use std::collections::BTreeMap;

use super::postgres::Context;
use super::{Reader, Refusal, nearest, refuse};
use crate::blueprint::form::Holds;
use crate::blueprint::rules::language as is;
use crate::blueprint::value::{Kind, Value, mismatch, text};

mod date_style;
mod libraries;
mod owned;
mod types;
mod versions;
mod zones;

pub use types::{boolean, number_and_unit};

const NAMES: &str = include_str!("settings/names.txt");

/// PostgreSQL has about 400, and no cluster changes half of them.
const MOST_SETTINGS: usize = 200;

/// Settings by name in lower case (PostgreSQL does not tell cases apart), values as in `postgresql.conf`, unquoted.
pub fn read(r: &Reader, context: &Context, major: Option<u16>) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for (i, entry) in r.map("settings", Holds::ScalarMap).into_iter().enumerate() {
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
            false => syntax(&entry.key)
                .and_then(|()| owned::check(&name))
                .and_then(|()| spelling(&name))
                .and_then(|()| major.map_or(Ok(()), |major| versions::check(&name, major))),
        };
        if let Err(refusal) = verdict {
            r.report("settings", &entry.key_at, refusal);
            continue;
        }
        match scalar(&entry.value).and_then(|value| fits(&name, value, context, major)) {
            Ok(value) => drop(settings.insert(name, value)),
            Err(refusal) => r.report(&format!("settings.{name}"), &entry.value.at, refusal),
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

/// A name that is nearly one of PostgreSQL's: it would not start with it. What is further off may be of a version not known here.
fn spelling(name: &str) -> Result<(), Refusal> {
    let known = || NAMES.lines().filter(|line| !line.starts_with('#'));
    match nearest(name, known()).filter(|_| !name.contains('.') && !known().any(|known| known == name)) {
        Some(meant) => {
            refuse(&is::SETTING_NAME, format!("PostgreSQL has no setting `{name}`"), format!("did you mean `{meant}`?"))
        }
        None => Ok(()),
    }
}

/// A setting's value as it stands in `postgresql.conf`.
fn scalar(value: &Value) -> Result<String, Refusal> {
    match &value.kind {
        Kind::Bool(flag) => Ok(if *flag { "on" } else { "off" }.into()),
        Kind::Number(number) => Ok(number.to_string()),
        Kind::Text(_) => {
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
        Kind::List(_) => mismatch(value, "text, a number or true/false", "write a list as PostgreSQL does: \"a, b\""),
        _ => mismatch(value, "text, a number or true/false", "write text in double quotes"),
    }
}

/// Values that start, but do not work out, or silently take away what the blueprint promises.
fn fits(name: &str, value: String, context: &Context, major: Option<u16>) -> Result<String, Refusal> {
    check_unit(&value)?;
    types::check(name, &value)?;
    if let Some(major) = major {
        types::check_in(name, &value, major)?;
    }
    if libraries::is_list(name) {
        libraries::check(&value)?;
    }
    if zones::is_zone(name) {
        zones::check(&value)?;
    }
    if name == "datestyle" {
        date_style::check(&value)?;
    }
    let off = types::boolean(&value) == Some(false);
    match name {
        "fsync" | "full_page_writes" if off => refuse(
            &is::SETTING_VALUE,
            format!("without {name} a power cut destroys the data"),
            "leave it out: the default is on",
        ),
        "synchronous_commit" if context.synchronous && (off || value.eq_ignore_ascii_case("local")) => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` acknowledges a commit that no standby has, and failover.synchronous promises otherwise"),
            "write \"on\", \"remote_apply\" or \"remote_write\", or failover { synchronous = false }",
        ),
        "bonjour" if types::boolean(&value) == Some(true) => refuse(
            &is::SETTING_VALUE,
            "Debian's PostgreSQL is built without Bonjour, and would not start",
            "leave it out: the default is off",
        ),
        "default_transaction_read_only" if types::boolean(&value) == Some(true) => refuse(
            &is::SETTING_VALUE,
            "with this Patroni could not even make its own users, and the cluster would never be founded",
            "set it where it is meant, once the cluster runs: ALTER ROLE … or ALTER DATABASE … SET default_transaction_read_only",
        ),
        "ssl_min_protocol_version" | "ssl_max_protocol_version"
            if ["tlsv1", "tlsv1.1"].contains(&value.to_lowercase().as_str()) =>
        {
            refuse(
                &is::SETTING_VALUE,
                format!("`{value}` is broken and deprecated (RFC 8996), and the images' OpenSSL speaks it no more"),
                "leave it out: the default is TLSv1.2 and newer",
            )
        }
        "wal_level" if !["replica", "logical"].contains(&value.as_str()) => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` cannot feed a standby"),
            "leave it out for \"replica\", or write \"logical\"",
        ),
        "max_wal_senders" => {
            at_least(value, context.slaves + 3, "each standby streams, and a base backup needs two more")
        }
        "max_replication_slots" => {
            at_least(value, (context.slaves + 1).max(4), "each standby has a slot; Patroni wants 4")
        }
        // Patroni ignores what is lower: postgresql/config.py, CMDLINE_OPTIONS.
        "max_connections" => at_least(value, 25, "Patroni ignores what is lower"),
        "max_locks_per_transaction" => at_least(value, 32, "Patroni ignores what is lower"),
        "max_worker_processes" => at_least(value, 2, "Patroni ignores what is lower"),
        _ => Ok(value),
    }
}

fn at_least(value: String, low: u32, reason: &str) -> Result<String, Refusal> {
    match value.parse::<u32>() {
        Ok(n) if n >= low => Ok(value),
        _ => refuse(
            &is::SETTING_VALUE,
            format!("`{value}` is not a whole number from {low} on: {reason}"),
            format!("write {low} or more"),
        ),
    }
}

/// PostgreSQL tells `MB` from `mb`, and refuses to start on the latter.
fn check_unit(value: &str) -> Result<(), Refusal> {
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit());
    if unit.len() < value.len()
        && let Some(right) = ["kB", "MB", "GB", "TB"].iter().find(|known| known.eq_ignore_ascii_case(unit.trim_start()))
        && *right != unit.trim_start()
    {
        let number = value.strip_suffix(unit).unwrap_or_default();
        return refuse(
            &is::SETTING_VALUE,
            format!("PostgreSQL knows no unit `{}`", unit.trim_start()),
            format!("write \"{number}{right}\""),
        );
    }
    Ok(())
}
