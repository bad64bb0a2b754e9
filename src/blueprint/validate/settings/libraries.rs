//! Checks the libraries that a server or a session loads. One that the image does not have keeps it from starting.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::nearest::nearest;
use crate::blueprint::rules::language as is;
use crate::parameters::value::{self, library};

/// The loadable libraries that Debian's and PGDG's postgresql-NN package has in all majors from 13 to 18: contrib's and the server's own
/// (<https://www.postgresql.org/docs/current/contrib.html>).
const ALWAYS: [&str; 48] = [
    "_int",
    "amcheck",
    "auth_delay",
    "auto_explain",
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dblink",
    "dict_int",
    "dict_snowball",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "fuzzystrmatch",
    "hstore",
    "insert_username",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "pageinspect",
    "passwordcheck",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_trgm",
    "pg_visibility",
    "pgcrypto",
    "pgoutput",
    "pgrowlocks",
    "pgstattuple",
    "pgxml",
    "plpgsql",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tablefunc",
    "tcn",
    "test_decoding",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
];
/// The libraries that only some majors have, with the first and the last.
const OF_SOME: [(&str, u16, u16); 8] = [
    ("adminpack", 13, 16),
    ("basebackup_to_shell", 15, 18),
    ("basic_archive", 15, 18),
    ("old_snapshot", 14, 16),
    ("pg_logicalinspect", 18, 18),
    ("pg_overexplain", 18, 18),
    ("pg_surgery", 14, 18),
    ("pg_walinspect", 15, 18),
];

/// The libraries that do something when they are loaded; a message suggests them.
const USEFUL: [&str; 5] = ["auth_delay", "auto_explain", "passwordcheck", "pg_prewarm", "pg_stat_statements"];

/// The libraries that only a starting server can load, because they take shared memory or start a worker.
const WITH_THE_SERVER: [&str; 2] = ["pg_prewarm", "pg_stat_statements"];

/// Refuses a library that a server with this setting, in lower case, could not load. Accepts every other setting.
pub fn check(name: &str, value: &str, major: Option<u16>) -> Result<(), Refusal> {
    match name {
        "shared_preload_libraries" | "session_preload_libraries" => each(name, value, major),
        "archive_library" if !value.is_empty() => each(name, value, major),
        // guc.c restricts it to $libdir/plugins, because any user may set it.
        "local_preload_libraries" if !value::list(value).unwrap_or_default().is_empty() => refuse(
            &is::SETTING_BREAKS,
            "local_preload_libraries loads only from $libdir/plugins, which no image has: every session would end with FATAL",
            format!("write session_preload_libraries = \"{}\"", value.trim()),
        ),
        "oauth_validator_libraries" if !value.is_empty() => refuse(
            &is::SETTING_VALUE,
            "no image has a library that validates OAuth tokens, and pg_hba.conf accepts only SCRAM-SHA-256",
            "remove it",
        ),
        "dynamic_library_path" if !value.split(':').any(|folder| folder == "$libdir") => refuse(
            &is::SETTING_BREAKS,
            format!("`{value}` lacks $libdir, which has all libraries of the images"),
            "remove it, or add \"$libdir\" to the folders",
        ),
        // $system is the package's own folder of extensions: get_extension_control_directories (extension.c).
        "extension_control_path" if !value.split(':').any(|folder| folder == "$system") => refuse(
            &is::SETTING_BREAKS,
            format!(
                "`{value}` lacks $system, which has all extensions of the images; one of them is created when the cluster is initialised"
            ),
            "remove it, or add \"$system\" to the folders",
        ),
        "jit_provider" if value != "llvmjit" => refuse(
            &is::SETTING_VALUE,
            format!("no image has the JIT provider `{value}`"),
            "remove it; the default is \"llvmjit\"",
        ),
        _ => Ok(()),
    }
}

fn each(name: &str, list: &str, major: Option<u16>) -> Result<(), Refusal> {
    let within = |first: u16, last: u16| major.is_none_or(|major| (first..=last).contains(&major));
    let has = |library: &str| {
        ALWAYS.contains(&library)
            || OF_SOME.iter().any(|(known, first, last)| *known == library && within(*first, *last))
    };
    for written in value::list(list).unwrap_or_default() {
        let library = library(&written);
        if name == "session_preload_libraries" && WITH_THE_SERVER.contains(&library) {
            let problem = format!("`{library}` does nothing in a session; only a starting server can load it");
            return refuse(&is::SETTING_VALUE, problem, format!("add it to shared_preload_libraries: \"{library}\""));
        }
        if name == "archive_library" && library != "basic_archive" {
            let problem =
                format!("`{written}` is not an archive library of the images, which have only \"basic_archive\"");
            return refuse(&is::SETTING_VALUE, problem, "set archive_command instead, or remove it");
        }
        if has(library) {
            continue;
        }
        let problem = match library {
            "sepgsql" => "`sepgsql` needs SELinux, which the images do not have: the server would not start".into(),
            _ => format!(
                "no image has the library `{written}`; only PostgreSQL's own package is installed, and {}",
                if name == "session_preload_libraries" {
                    "every session would end with FATAL"
                } else {
                    "the server would not start"
                },
            ),
        };
        let help = match nearest(library, ALWAYS.into_iter()) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("remove it; useful libraries here are {}", USEFUL.join(", ")),
        };
        return refuse(&is::SETTING_VALUE, problem, help);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_of_the_package_is_taken() {
        for library in ["test_decoding", "pgoutput", "tsm_system_rows", "$libdir/auto_explain", "dict_snowball.so"] {
            assert!(check("shared_preload_libraries", library, Some(17)).is_ok(), "{library}");
        }
        assert!(check("shared_preload_libraries", "test_encoding", Some(17)).is_err());
    }
}
