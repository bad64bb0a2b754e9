//! Lists in one text, such as `search_path`.

/// The settings (in lower case) that are lists (`GUC_LIST_INPUT`), other than those that pgherd owns.
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

/// Whether a setting (in lower case) is one.
pub fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// Splits a list at its commas, as `SplitIdentifierString` does: a name with spaces stands in double quotes, and two of these in a
/// quoted one mean one. `None` where PostgreSQL calls it a syntax error. Case is kept.
pub fn split(list: &str) -> Option<Vec<String>> {
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
                name.to_string()
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

/// Where a quoted name ends.
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
    use super::*;

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
            assert_eq!(split(list), names, "{list}");
        }
    }
}
