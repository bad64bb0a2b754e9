//! What PostgreSQL itself says that a setting takes: its type, unit, bounds and words.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::blueprint::vocabulary::nearest;

const TYPES: &str = include_str!("types.tsv");

/// Units by name, in the smallest of their kind: bytes and microseconds
/// (<https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES>).
const MEMORY: [(&str, f64); 5] =
    [("B", 1.0), ("kB", 1024.0), ("MB", 1_048_576.0), ("GB", 1_073_741_824.0), ("TB", 1_099_511_627_776.0)];
const TIME: [(&str, f64); 6] = [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("min", 6e7), ("h", 3.6e9), ("d", 8.64e10)];

/// One line of the table.
struct Type {
    kind: &'static str,
    unit: &'static str,
    least: &'static str,
    most: &'static str,
    words: &'static str,
}

fn of(name: &str) -> Option<Type> {
    let line =
        TYPES.lines().find(|line| line.split('\t').next().is_some_and(|known| known.eq_ignore_ascii_case(name)))?;
    let mut columns = line.split('\t').skip(1);
    let mut next = || columns.next().unwrap_or_default();
    Some(Type { kind: next(), unit: next(), least: next(), most: next(), words: next() })
}

/// Refuses a value that PostgreSQL would not start with. What is not in the table passes.
pub fn check(name: &str, value: &str) -> Result<(), Refusal> {
    let Some(of_name) = of(name) else { return Ok(()) };
    match of_name.kind {
        "bool" if boolean(value).is_none() => {
            refuse(&is::SETTING_VALUE, format!("`{value}` is neither on nor off"), "write true or false")
        }
        "enum" => word(value, of_name.words),
        "integer" | "real" => number(value, &of_name),
        _ => Ok(()),
    }
}

/// Refuses what this major in particular would not start with; the table has no line for what changed its type.
pub fn check_in(name: &str, value: &str, major: u16) -> Result<(), Refusal> {
    let yes_or_no = boolean(value).is_some();
    match name {
        "wal_compression" if major < 15 && !yes_or_no => {
            refuse(&is::SETTING_VALUE, format!("PostgreSQL {major} compresses in one way alone"), "write true or false")
        }
        "wal_compression" if !yes_or_no => word(value, "on,off,pglz,lz4,zstd"),
        "log_connections" if major < 18 && !yes_or_no => {
            refuse(&is::SETTING_VALUE, format!("`{value}` is neither on nor off"), "write true or false")
        }
        // The kernel gives a process 8 MiB, and PostgreSQL wants 512 kB of them free.
        "max_stack_depth" => {
            number(value, &Type { kind: "integer", unit: "kB", least: "100", most: "7680", words: "" })
        }
        _ => Ok(()),
    }
}

/// PostgreSQL's truth: on, off, 1, 0, and any beginning of true, false, yes, no that tells them apart.
pub fn boolean(value: &str) -> Option<bool> {
    let value = value.trim().to_lowercase();
    let begins = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    match () {
        () if begins("true", 1) || begins("yes", 1) || value == "on" || value == "1" => Some(true),
        () if begins("false", 1) || begins("no", 1) || begins("off", 2) || value == "0" => Some(false),
        () => None,
    }
}

fn word(value: &str, words: &'static str) -> Result<(), Refusal> {
    let words = || words.split(',');
    // Where there is `on`, PostgreSQL takes its other spellings too; `debug` is `debug2`. pg_settings hides both.
    let hidden = |hidden: &[&str]| hidden.iter().any(|word| word.eq_ignore_ascii_case(value));
    if words().any(|word| word.eq_ignore_ascii_case(value))
        || (words().any(|word| word == "on") && hidden(&["true", "false", "yes", "no", "1", "0"]))
        || (words().any(|word| word == "debug2") && hidden(&["debug"]))
    {
        return Ok(());
    }
    let all = words().filter(|word| !word.is_empty()).map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let help = match nearest(value, words()) {
        Some(meant) => format!("did you mean \"{meant}\"? There are {all}"),
        None => format!("write one of {all}"),
    };
    refuse(&is::SETTING_VALUE, format!("`{value}` is no value of this setting"), help)
}

fn number(value: &str, of: &Type) -> Result<(), Refusal> {
    let (unit_of_one, base) = split_unit(of.unit);
    let units: &[(&str, f64)] = match base {
        "" => &[],
        base if MEMORY.iter().any(|(unit, _)| *unit == base) => &MEMORY,
        _ => &TIME,
    };
    let factor = |unit: &str| units.iter().find(|(known, _)| *known == unit).map(|(_, factor)| factor);
    let whole = if of.kind == "integer" { "whole number" } else { "number" };
    let form = match units.first() {
        None => format!("a {whole} without a unit"),
        Some(_) => {
            let names = units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            format!("a {whole}, or a number with one of the units {names}")
        }
    };
    let Some((number, unit)) = number_and_unit(value) else {
        return refuse(&is::SETTING_VALUE, format!("`{value}` is no number"), format!("write {form}"));
    };
    let scale = match (unit, factor(unit)) {
        ("", _) => 1.0,
        (_, Some(factor)) => factor / (unit_of_one * factor_of(units, base)),
        _ => {
            let problem = match units.is_empty() {
                true => format!("`{value}` has a unit, and this setting has none"),
                false => format!("PostgreSQL knows no unit `{unit}` here"),
            };
            return refuse(&is::SETTING_VALUE, problem, format!("write {form}"));
        }
    };
    // PostgreSQL rounds what it keeps as a whole number.
    let number = if of.kind == "integer" { (number * scale).round() } else { number * scale };
    let bound = |text: &str, otherwise: f64| text.parse().unwrap_or(otherwise);
    if !(bound(of.least, f64::MIN)..=bound(of.most, f64::MAX)).contains(&number) {
        let of_unit = if of.unit.is_empty() { String::new() } else { format!(", in units of {}", of.unit) };
        let bounds = format!("{} to {}{of_unit}", of.least, of.most);
        return refuse(
            &is::SETTING_VALUE,
            format!("`{value}` is out of PostgreSQL's bounds"),
            format!("write what is within {bounds}"),
        );
    }
    Ok(())
}

/// `8kB` is 8 of `kB`.
fn split_unit(unit: &'static str) -> (f64, &'static str) {
    let base = unit.trim_start_matches(|c: char| c.is_ascii_digit());
    (unit[..unit.len() - base.len()].parse().unwrap_or(1.0), base)
}

fn factor_of(units: &[(&str, f64)], base: &str) -> f64 {
    units.iter().find(|(unit, _)| *unit == base).map_or(1.0, |(_, factor)| *factor)
}

/// The number that a setting's text begins with, as PostgreSQL reads it, and the unit behind it.
pub fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let (number, unit) = text.trim().split_at(end_of_number(text.trim()));
    Some((read(number)?, unit.trim_start()))
}

/// Where the number ends: after the digits, and after an exponent only if digits follow it.
fn end_of_number(text: &str) -> usize {
    if text.starts_with("0x") || text.starts_with("0X") {
        return 2 + text[2..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len() - 2);
    }
    let digits =
        |from: usize| text[from..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(text.len(), |end| from + end);
    let signed = |from: usize| from + usize::from(text[from..].starts_with(['-', '+']));
    let end = digits(signed(0));
    let exponent = text[end..].starts_with(['e', 'E']).then(|| signed(end + 1));
    exponent.filter(|from| digits(*from) > *from).map_or(end, digits)
}

/// As C's `strtol` and `strtod` read it.
fn read(text: &str) -> Option<f64> {
    match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok().map(f64::from),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_where_postgres_takes_it() {
        for (name, value, taken) in [
            ("work_mem", "64MB", true),
            ("work_mem", "65536", true),
            ("work_mem", "1.5GB", true),
            ("work_mem", "64 MB", true),
            ("work_mem", "lots", false),
            ("work_mem", "64M", false),
            ("work_mem", "64ms", false),
            ("work_mem", "32kB", false),
            ("work_mem", "999999999999TB", false),
            ("shared_buffers", "262144", true),
            ("shared_buffers", "127kB", true),
            ("shared_buffers", "64kB", false),
            ("max_slot_wal_keep_size", "-1", true),
            ("checkpoint_timeout", "15min", true),
            ("checkpoint_timeout", "15 m", false),
            ("checkpoint_timeout", "2d", false),
            ("autovacuum_vacuum_scale_factor", "0.02", true),
            ("autovacuum_vacuum_scale_factor", "200", false),
            ("random_page_cost", "1.1e0", true),
            ("max_connections", "100s", false),
            ("max_connections", "0x64", true),
            ("max_connections", "", false),
            ("jit", "of", true),
            ("jit", "o", false),
            ("track_commit_timestamp", "maybe", false),
            ("huge_pages", "TRY", true),
            ("huge_pages", "true", true),
            ("wal_level", "logical", true),
            ("default_transaction_isolation", "repeatable read", true),
            ("log_min_messages", "debug", true),
            ("log_statement", "dll", false),
            ("datestyle", "anything", true),
            ("intervalstyle", "iso_8601", true),
            ("my.own", "anything", true),
        ] {
            assert_eq!(check(name, value).is_ok(), taken, "{name} = {value}");
        }
    }

    #[test]
    fn the_table_is_whole() {
        let lines: Vec<&str> = TYPES.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() > 280, "{}", lines.len());
        for line in lines {
            assert_eq!(line.split('\t').count(), 6, "{line}");
            assert!(
                super::super::NAMES
                    .lines()
                    .any(|name| name.eq_ignore_ascii_case(line.split('\t').next().unwrap_or_default())),
                "{line}"
            );
        }
    }
}
