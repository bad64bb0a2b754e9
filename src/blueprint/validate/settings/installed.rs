//! Checks values that name something that the images must have: a locale, an encoding, a set of abbreviations, a group.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::nearest::nearest;
use crate::blueprint::rules::language as is;

/// PostgreSQL's names of client encodings, in lower case and without punctuation: `pg_encname_tbl` (src/common/encnames.c).
const ENCODINGS: [&str; 81] = [
    "abc",
    "alt",
    "big5",
    "euccn",
    "eucjis2004",
    "eucjp",
    "euckr",
    "euctw",
    "gb18030",
    "gbk",
    "iso88591",
    "iso885910",
    "iso885913",
    "iso885914",
    "iso885915",
    "iso885916",
    "iso88592",
    "iso88593",
    "iso88594",
    "iso88595",
    "iso88596",
    "iso88597",
    "iso88598",
    "iso88599",
    "johab",
    "koi8",
    "koi8r",
    "koi8u",
    "latin1",
    "latin10",
    "latin2",
    "latin3",
    "latin4",
    "latin5",
    "latin6",
    "latin7",
    "latin8",
    "latin9",
    "mskanji",
    "muleinternal",
    "shiftjis",
    "shiftjis2004",
    "sjis",
    "sqlascii",
    "tcvn",
    "tcvn5712",
    "uhc",
    "unicode",
    "utf8",
    "vscii",
    "win",
    "win1250",
    "win1251",
    "win1252",
    "win1253",
    "win1254",
    "win1255",
    "win1256",
    "win1257",
    "win1258",
    "win866",
    "win874",
    "win932",
    "win936",
    "win949",
    "win950",
    "windows1250",
    "windows1251",
    "windows1252",
    "windows1253",
    "windows1254",
    "windows1255",
    "windows1256",
    "windows1257",
    "windows1258",
    "windows866",
    "windows874",
    "windows932",
    "windows936",
    "windows949",
    "windows950",
];

/// The text search configurations of every major (pg_ts_config).
const TEXT_SEARCH: [&str; 23] = [
    "arabic",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hungarian",
    "indonesian",
    "irish",
    "italian",
    "lithuanian",
    "nepali",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "simple",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
];
/// The text search configurations that a major added.
const TEXT_SEARCH_SINCE: [(u16, &[&str]); 2] =
    [(14, &["armenian", "basque", "catalan", "hindi", "serbian", "yiddish"]), (18, &["estonian"])];

/// The sets of abbreviations in PostgreSQL's share/timezonesets that the setting takes.
const ABBREVIATIONS: [&str; 3] = ["Default", "Australia", "India"];

/// The groups of the system user postgres, to which it may give its socket.
const GROUPS: [&str; 3] = ["", "postgres", "ssl-cert"];

/// Refuses a value, of a setting in lower case, that names something that no image has.
pub fn check(name: &str, value: &str, major: Option<u16>, locales: &[&str]) -> Result<(), Refusal> {
    match name {
        "lc_messages" | "lc_monetary" | "lc_numeric" | "lc_time" => {
            match locales.iter().any(|locale| alike(locale, value)) {
                true => Ok(()),
                false => locale(name, value),
            }
        }
        "client_encoding" => encoding(value),
        "timezone_abbreviations" => one_of(value, &ABBREVIATIONS, "set of time zone abbreviations"),
        "unix_socket_group" => match GROUPS.contains(&value) {
            true => Ok(()),
            false => refuse(
                &is::SETTING_VALUE,
                format!("the system user postgres is not in a group `{value}`; the server would not start"),
                "remove it, and set unix_socket_permissions to give access; applications connect through HAProxy",
            ),
        },
        "default_table_access_method" if value != "heap" => refuse(
            &is::SETTING_BREAKS,
            format!("no image has the table access method `{value}`; no table could be created"),
            "remove it; the default is \"heap\"",
        ),
        "default_tablespace" | "temp_tablespaces" if value.trim_matches('"') == "pg_global" => refuse(
            &is::SETTING_BREAKS,
            "only PostgreSQL's own shared tables may be in pg_global; no table could be created",
            "remove it",
        ),
        "default_text_search_config" => text_search(value, major),
        _ => Ok(()),
    }
}

fn one_of(value: &str, known: &[&'static str], what: &str) -> Result<(), Refusal> {
    if known.contains(&value) {
        return Ok(());
    }
    let lower: Vec<String> = known.iter().map(|name| name.to_lowercase()).collect();
    let meant = nearest(&value.to_lowercase(), lower.iter().map(String::as_str));
    let help = match meant.and_then(|meant| known.iter().find(|name| name.eq_ignore_ascii_case(meant))) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => {
            format!("write one of {}", known.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "))
        }
    };
    refuse(&is::SETTING_VALUE, format!("no image has the {what} `{value}`; the server would not start"), help)
}

/// Accepts the C library's own locales, in each of their spellings. The images have no others by themselves.
fn locale(name: &str, value: &str) -> Result<(), Refusal> {
    let utf8 = value.strip_prefix("C.").is_some_and(|codeset| plain(codeset) == "utf8");
    // An empty value means the environment's locale, except for lc_messages.
    if utf8 || ["C", "POSIX"].contains(&value) || (value.is_empty() && name != "lc_messages") {
        return Ok(());
    }
    refuse(
        &is::SETTING_VALUE,
        format!("no image has the locale `{value}`; the server would not start"),
        "write \"C.UTF-8\" or \"C\", or the cluster's own locale (postgres { locale = … }), or remove the line",
    )
}

/// Returns whether two names mean one locale to the C library, which ignores case and punctuation in codesets.
fn alike(one: &str, other: &str) -> bool {
    let parts = |name: &str| {
        let (name, modifier) = name.split_once('@').unwrap_or((name, ""));
        let (language, codeset) = name.split_once('.').unwrap_or((name, ""));
        (language.to_string(), plain(codeset), modifier.to_string())
    };
    parts(one) == parts(other)
}

/// Returns a name in lower case and without punctuation, as `clean_encoding_name` (encnames.c) does.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn encoding(value: &str) -> Result<(), Refusal> {
    let name = plain(value);
    match name.as_str() {
        // The first has no conversion from UTF8; for the second psycopg2, with which Patroni connects, has no codec.
        "muleinternal" | "euctw" => refuse(
            &is::SETTING_BREAKS,
            format!("Patroni cannot connect with `{value}`"),
            "remove it; the default is \"UTF8\", and a client may choose its own encoding when it connects",
        ),
        name if ENCODINGS.contains(&name) => Ok(()),
        name => refuse(
            &is::SETTING_VALUE,
            format!("PostgreSQL has no encoding `{value}`; the server would not start"),
            match nearest(name, ENCODINGS.into_iter()) {
                Some(meant) => format!("did you mean \"{}\"?", meant.to_uppercase()),
                None => "write \"UTF8\", or remove it".into(),
            },
        ),
    }
}

/// Refuses a name that is nearly one of PostgreSQL's. Accepts others: a user may create a configuration later.
fn text_search(value: &str, major: Option<u16>) -> Result<(), Refusal> {
    let name = value.strip_prefix("pg_catalog.").unwrap_or(value);
    let since = (TEXT_SEARCH_SINCE.iter()).find(|(_, names)| names.contains(&name)).map(|(major, _)| *major);
    if let (Some(first), Some(major)) = (since, major)
        && major < first
    {
        let problem =
            format!("PostgreSQL {major} has no text search configuration `{name}`; {first} is the first that has it");
        return refuse(&is::SETTING_VALUE, problem, "remove it, or set another postgres.version");
    }
    let known = || TEXT_SEARCH.into_iter().chain(TEXT_SEARCH_SINCE.iter().flat_map(|(_, names)| names.iter().copied()));
    if name.is_empty() || known().any(|known| known == name) {
        return Ok(());
    }
    match nearest(name, known()) {
        Some(meant) => refuse(
            &is::SETTING_VALUE,
            format!("PostgreSQL has no text search configuration `{name}`"),
            format!("did you mean \"pg_catalog.{meant}\"?"),
        ),
        None if value.starts_with("pg_catalog.") => refuse(
            &is::SETTING_VALUE,
            format!("PostgreSQL has no text search configuration `{name}`"),
            "write one such as \"pg_catalog.english\", or remove it",
        ),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_images_have_is_taken() {
        for (name, value, taken) in [
            ("lc_messages", "C.UTF-8", true),
            ("lc_messages", "C.utf8", true),
            ("lc_time", "POSIX", true),
            ("lc_numeric", "", true),
            ("lc_monetary", "de_DE.UTF-8", false),
            ("lc_monetary", "fr_FR.UTF-8", true),
            ("lc_messages", "fr_FR.utf8", true),
            ("lc_messages", "fr_fr.utf8", false),
            ("lc_messages", "fr_FR", false),
            ("lc_messages", "en_US.UTF-8", false),
            ("lc_messages", "c.utf8", false),
            ("client_encoding", "UTF8", true),
            ("client_encoding", "utf-8", true),
            ("client_encoding", "LATIN1", true),
            ("client_encoding", "ISO-8859-15", true),
            ("client_encoding", "UTF-9", false),
            ("client_encoding", "UTF-16", false),
            ("client_encoding", "", false),
            ("client_encoding", "MULE_INTERNAL", false),
            ("timezone_abbreviations", "Australia", true),
            ("timezone_abbreviations", "australia", false),
            ("timezone_abbreviations", "Klingon", false),
            ("unix_socket_group", "www-data", false),
            ("default_table_access_method", "columnar", false),
            ("default_text_search_config", "pg_catalog.german", true),
            ("default_text_search_config", "public.mine", true),
            ("default_text_search_config", "pg_catalog.estonian", false),
            ("default_text_search_config", "pg_catalog.klingon", false),
            ("default_text_search_config", "englisch", false),
        ] {
            assert_eq!(check(name, value, Some(17), &["fr_FR.UTF-8"]).is_ok(), taken, "{name} = {value}");
        }
    }
}
