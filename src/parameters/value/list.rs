//! Values that are lists, such as `search_path`.

/// The parameters (in lower case) that PostgreSQL marks as lists (`GUC_LIST_INPUT` in guc_tables.c), except those that pgherd owns.
const LISTS: [&str; 15] = [
    "createrole_self_grant",
    "datestyle",
    "debug_io_direct",
    "local_preload_libraries",
    "log_connections",
    "oauth_validator_libraries",
    "restrict_nonsystem_relation_kind",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "synchronized_standby_slots",
    "temp_tablespaces",
    "wal_consistency_checking",
    "plpgsql.extra_errors",
    "plpgsql.extra_warnings",
];

/// Returns whether a parameter is a list.
pub fn is_list(name: &str) -> bool {
    LISTS.iter().any(|list| list.eq_ignore_ascii_case(name))
}

/// Reads a parameter's value as the server keeps it. Names of libraries are files (`SplitDirectoriesString`) and keep their case;
/// others are identifiers, and are in lower case unless quoted. Returns `None` for a syntax error.
pub fn read(name: &str, text: &str) -> Option<Vec<String>> {
    split(text, if name.ends_with("_libraries") { str::to_string } else { str::to_ascii_lowercase })
}

/// Splits a list at its commas and keeps the case of the names. Returns `None` for a syntax error.
pub fn list(text: &str) -> Option<Vec<String>> {
    split(text, str::to_string)
}

/// Returns the bare names of a list of libraries: without the folder and the suffix that PostgreSQL adds by itself.
pub fn libraries(text: &str) -> Vec<String> {
    list(text).unwrap_or_default().iter().map(|name| library(name).to_string()).collect()
}

/// Returns a library's name without the folder and the suffix that PostgreSQL adds by itself.
pub fn library(written: &str) -> &str {
    let name = written.strip_prefix("$libdir/").unwrap_or(written);
    name.strip_suffix(".so").unwrap_or(name)
}

/// Splits a list as `SplitIdentifierString` (varlena.c) does: a name with spaces is in double quotes, and two double quotes within
/// mean one. `fold` is applied to names without quotes.
fn split(list: &str, fold: fn(&str) -> String) -> Option<Vec<String>> {
    let mut names = vec![];
    let mut rest = list.trim();
    if rest.is_empty() {
        return Some(names);
    }
    loop {
        let name = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = closing(quoted)?;
                rest = &quoted[end + 1..];
                quoted[..end].replace("\"\"", "\"")
            }
            None => {
                let end = rest.find(|c: char| c == ',' || c.is_ascii_whitespace()).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                rest = after;
                fold(name)
            }
        };
        if name.is_empty() {
            return None;
        }
        names.push(name);
        rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if rest.is_empty() => return Some(names),
            None => return None,
        }
    }
}

/// Returns the position of the quote that ends a name.
fn closing(quoted: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + quoted[from..].find('"')?;
        match quoted[end + 1..].starts_with('"') {
            true => from = end + 2,
            false => return Some(end),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_list_is_split_as_postgres_splits_it() {
        for (list, names) in [
            ("", Some(vec![])),
            ("  ", Some(vec![])),
            ("a", Some(vec!["a"])),
            ("a, b ,c", Some(vec!["a", "b", "c"])),
            ("\"$user\", public", Some(vec!["$user", "public"])),
            ("\"a \"\"b\"\"\"", Some(vec!["a \"b\""])),
            ("a b", None),
            ("a,", None),
            (",a", None),
            ("\"a", None),
            ("\"\"", None),
        ] {
            let names = names.map(|names| names.into_iter().map(String::from).collect::<Vec<_>>());
            assert_eq!(super::list(list), names, "{list}");
        }
    }
}
