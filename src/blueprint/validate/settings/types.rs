//! Checks a value against its parameter's type, and explains what is wrong with it.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::nearest::nearest;
use crate::blueprint::rules::language as is;
use crate::parameters::value::{Unreadable, units};
use crate::parameters::{self, Kind, Parameter};

/// Returns the value in a spelling that PostgreSQL and Patroni both know. Refuses a value with which PostgreSQL would not start.
/// Accepts any value of a parameter that the table does not know.
pub fn check(name: &str, value: &str, major: Option<u16>) -> Result<String, Refusal> {
    let parameter = match major {
        Some(major) => parameters::of(name, major),
        None => parameters::newest(name),
    };
    let Some(parameter) = parameter else { return Ok(value.to_string()) };
    match parameter.read(value) {
        Ok(read) => Ok(parameter.spell(&read, value)),
        Err(unreadable) => {
            let (problem, help) = explain(&parameter, value, unreadable);
            refuse(&is::SETTING_VALUE, problem, help)
        }
    }
}

fn explain(parameter: &Parameter, value: &str, unreadable: Unreadable) -> (String, String) {
    let Parameter { least, most, .. } = parameter;
    if matches!(parameter.kind, Kind::Integer | Kind::Real)
        && unreadable != Unreadable::OutOfBounds
        && let Some(told) = misspelt(parameter, value.trim())
    {
        return told;
    }
    match unreadable {
        Unreadable::NotBool => (format!("`{value}` is neither on nor off"), "write true or false".into()),
        Unreadable::NotWord => {
            let words = || parameter.words().filter(|word| !word.is_empty());
            let all = words().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
            let help = match nearest(value, words()) {
                Some(meant) => format!("did you mean \"{meant}\"? Valid values are {all}"),
                None => format!("write one of {all}"),
            };
            (format!("`{value}` is not a valid value"), help)
        }
        Unreadable::NotList => (
            format!("`{value}` is not a list that PostgreSQL can read"),
            "separate names with commas, and put a name with spaces in double quotes: \"a, \\\"b c\\\"\"".into(),
        ),
        Unreadable::NotNumber => (format!("`{value}` is not a number"), format!("write {}", form(parameter))),
        Unreadable::HasUnit => {
            (format!("`{value}` has a unit, but this setting has none"), format!("write {}", form(parameter)))
        }
        Unreadable::UnknownUnit => unknown_unit(parameter, value),
        Unreadable::OutOfBounds if parameter.is_mode() => {
            let base = if value.trim().starts_with('0') { "an octal" } else { "a decimal" };
            (
                format!("`{value}` is read as {base} number, which is out of PostgreSQL's bounds"),
                permissions(value.trim()),
            )
        }
        Unreadable::OutOfBounds => {
            let shown = |bound: &str| parameter.read(bound).map(|bound| parameter.show(&bound));
            let help = match (shown(least), shown(most)) {
                (Ok(least), Ok(most)) => format!("write a value from {least} to {most}"),
                (Ok(least), Err(_)) => format!("write {least} or more"),
                (Err(_), _) => format!("write {}", form(parameter)),
            };
            (format!("`{value}` is out of PostgreSQL's bounds"), help)
        }
    }
}

/// Explains a number in another language's notation. PostgreSQL reads only its beginning, and takes the rest for a unit.
fn misspelt(parameter: &Parameter, value: &str) -> Option<(String, String)> {
    let digits = &value[..value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len())];
    let rest = &value[digits.len()..];
    let whole = parameter.kind == Kind::Integer;
    let mode = parameter.is_mode();
    if whole
        && digits == "0"
        && rest.starts_with(['o', 'O', 'b', 'B'])
        && rest[1..].starts_with(|c: char| c.is_ascii_digit())
    {
        let problem =
            format!("`{value}` is not a number to PostgreSQL, which marks octal with a leading 0 and no letter");
        let help = if mode { permissions(&rest[1..]) } else { format!("write {}", form(parameter)) };
        return Some((problem, help));
    }
    if whole && digits.len() > 1 && digits.starts_with('0') && digits.contains(['8', '9']) {
        let problem =
            format!("PostgreSQL reads `{value}` as octal because of the leading 0, but octal has no digits 8 and 9");
        let help =
            if mode { permissions(digits) } else { format!("write \"{}{rest}\"", digits.trim_start_matches('0')) };
        return Some((problem, help));
    }
    if whole && digits == "0" && rest.starts_with(['x', 'X']) && rest.contains(['p', 'P']) {
        let problem = format!("`{value}` has a binary exponent, which this setting does not take");
        return Some((problem, format!("write {}", form(parameter))));
    }
    let fraction = rest.strip_prefix(',')?;
    let length = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
    // Three digits may be thousands, and a whole number without a unit has no fraction.
    let help = match length {
        0 => return None,
        3 => format!("write {}", form(parameter)),
        _ if whole && parameter.unit.is_empty() => format!("write {}", form(parameter)),
        _ => format!("write \"{digits}.{fraction}\""),
    };
    Some((format!("`{value}` has a comma, which PostgreSQL does not take in numbers"), help))
}

/// Suggests how to write permissions: those that were meant, if they are valid.
fn permissions(written: &str) -> String {
    let digits = written.trim_start_matches('0');
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o777).unwrap_or(0o700);
    format!("write permissions in octal, with a leading 0 and in quotes: \"0{mode:03o}\"")
}

/// Explains a unit that the parameter does not take. PostgreSQL distinguishes `MB` from `mb`.
fn unknown_unit(parameter: &Parameter, value: &str) -> (String, String) {
    let start = value.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.').len();
    let (number, written) = (&value[..start], value[start..].trim());
    let known = units(parameter.unit).iter().find(|(unit, _)| unit.eq_ignore_ascii_case(written));
    match known {
        Some((unit, _)) => (format!("PostgreSQL has no unit `{written}`"), format!("write \"{number}{unit}\"")),
        None => (format!("`{written}` is not a unit of this setting"), format!("write {}", form(parameter))),
    }
}

fn form(parameter: &Parameter) -> String {
    let whole = if parameter.kind == Kind::Integer { "whole number" } else { "number" };
    match units(parameter.unit) {
        [] => format!("a {whole} without a unit"),
        units => {
            let names = units.iter().rev().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            format!("a {whole}, or a number with one of the units {names}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_postgres_reads_it() {
        for (name, value, read) in [
            ("work_mem", "64MB", Some(65_536.0)),
            ("work_mem", "65536", Some(65_536.0)),
            ("work_mem", "1.5GB", Some(1_572_864.0)),
            ("work_mem", " 64 MB ", Some(65_536.0)),
            ("work_mem", "010MB", Some(8192.0)),
            ("work_mem", "0x10MB", Some(16_384.0)),
            ("work_mem", "010.5MB", Some(10_752.0)),
            ("work_mem", "1e3kB", Some(1000.0)),
            ("work_mem", "+64kB", Some(64.0)),
            ("work_mem", "08MB", None),
            ("work_mem", "lots", None),
            ("work_mem", "64M", None),
            ("work_mem", "64mb", None),
            ("work_mem", "64ms", None),
            ("work_mem", "32kB", None),
            ("work_mem", "999999999999TB", None),
            ("shared_buffers", "262144", Some(262_144.0)),
            ("shared_buffers", "127kB", Some(16.0)),
            ("shared_buffers", "64kB", None),
            ("max_slot_wal_keep_size", "-1", Some(-1.0)),
            ("checkpoint_timeout", "15min", Some(900.0)),
            ("checkpoint_timeout", "0.5h", Some(1800.0)),
            ("checkpoint_timeout", "15 m", None),
            ("checkpoint_timeout", "2d", None),
            ("autovacuum_vacuum_scale_factor", "0.02", Some(0.02)),
            ("autovacuum_vacuum_scale_factor", "010", Some(10.0)),
            ("autovacuum_vacuum_scale_factor", "200", None),
            ("random_page_cost", "1.1e0", Some(1.1)),
            ("random_page_cost", "0x1p1", Some(2.0)),
            ("random_page_cost", ".5", Some(0.5)),
            ("random_page_cost", "1e999", None),
            ("random_page_cost", "nan", None),
            ("max_connections", "100s", None),
            ("max_connections", "0x64", Some(100.0)),
            ("max_connections", "99.5", Some(100.0)),
            ("max_connections", "98.5", Some(98.0)),
            ("max_connections", "1 0", None),
            ("max_connections", "", None),
            ("max_connections", "99999999999999999999", None),
            ("unix_socket_permissions", "0700", Some(448.0)),
            ("unix_socket_permissions", "0770", Some(504.0)),
            ("unix_socket_permissions", "700", None),
        ] {
            let parameter = parameters::of(name, 17).expect(name);
            let number = match parameter.read(value) {
                Ok(parameters::value::Value::Number(number)) => Some(number),
                _ => None,
            };
            assert_eq!(number, read, "{name} = {value}");
        }
    }

    #[test]
    fn what_is_told_of_a_number_can_be_written() {
        for (name, value, help) in [
            ("work_mem", "089MB", "write \"89MB\""),
            ("work_mem", "08MB", "write \"8MB\""),
            ("work_mem", "0x1p10kB", "write a whole number, or"),
            ("work_mem", "0o700", "write a whole number, or"),
            ("work_mem", "1,5GB", "write \"1.5GB\""),
            ("work_mem", "1,000MB", "write a whole number, or"),
            ("work_mem", "64mb", "write \"64MB\""),
            ("max_connections", "1,5", "write a whole number without"),
            ("random_page_cost", "1,1", "write \"1.1\""),
            (
                "unix_socket_permissions",
                "01000",
                "write permissions in octal, with a leading 0 and in quotes: \"0700\"",
            ),
            ("unix_socket_permissions", "0800", "write permissions in octal, with a leading 0 and in quotes: \"0700\""),
            (
                "unix_socket_permissions",
                "0o700",
                "write permissions in octal, with a leading 0 and in quotes: \"0700\"",
            ),
            (
                "unix_socket_permissions",
                "0o770",
                "write permissions in octal, with a leading 0 and in quotes: \"0770\"",
            ),
            ("unix_socket_permissions", "770", "write permissions in octal, with a leading 0 and in quotes: \"0770\""),
            ("unix_socket_permissions", "999", "write permissions in octal, with a leading 0 and in quotes: \"0700\""),
        ] {
            let refusal = check(name, value, Some(17)).expect_err(value);
            assert!(refusal.help.starts_with(help), "{name} = {value}: {}", refusal.help);
            assert!(!refusal.problem.contains("unit `") || value == "64mb", "{name} = {value}: {}", refusal.problem);
        }
    }

    #[test]
    fn a_word_is_spelt_as_patroni_spells_it() {
        for (name, value, text) in [
            ("jit", "of", Some("off")),
            ("jit", "T", Some("on")),
            ("jit", "1", Some("on")),
            ("jit", "o", None),
            ("jit", " on", None),
            ("track_commit_timestamp", "maybe", None),
            ("huge_pages", "TRY", Some("try")),
            ("huge_pages", "true", Some("on")),
            ("huge_pages", "t", None),
            ("wal_level", "Logical", Some("logical")),
            ("wal_level", "hot_standby", Some("replica")),
            ("default_transaction_isolation", "repeatable read", Some("repeatable read")),
            ("log_min_messages", "debug", Some("debug2")),
            ("log_statement", "dll", None),
            ("datestyle", "anything", Some("anything")),
            ("intervalstyle", "ISO_8601", Some("iso_8601")),
            ("wal_compression", "yes", Some("pglz")),
            ("my.own", "anything", Some("anything")),
        ] {
            assert_eq!(check(name, value, Some(17)).ok().as_deref(), text, "{name} = {value}");
        }
        assert_eq!(check("wal_compression", "lz4", Some(14)).ok(), None);
        assert_eq!(check("maintenance_work_mem", "64kB", Some(16)).ok(), None);
        assert!(check("maintenance_work_mem", "64kB", Some(17)).is_ok());
    }
}
