//! Libraries that a server or a session loads: one that the image has not got keeps it from starting.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::blueprint::vocabulary::nearest;
use crate::parameters::value::{self, library};

/// Those of PostgreSQL's own package that can be loaded, by the first and the last major that has them: what Debian's and PGDG's
/// postgresql-NN have of contrib and of the server's own (<https://www.postgresql.org/docs/current/contrib.html>). Those without bounds are in 13 to 18.
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

/// Those that do something when they are loaded, to be named in a help.
const USEFUL: [&str; 5] = ["auth_delay", "auto_explain", "passwordcheck", "pg_prewarm", "pg_stat_statements"];

/// Those that a server loads at its start or never: they take shared memory, or start a worker.
const WITH_THE_SERVER: [&str; 2] = ["pg_prewarm", "pg_stat_statements"];

/// Refuses what a server with this setting (in lower case) would not load; passes what is no list of libraries.
pub fn check(name: &str, value: &str, major: Option<u16>) -> Result<(), Refusal> {
    match name {
        "shared_preload_libraries" | "session_preload_libraries" => each(name, value, major),
        "archive_library" if !value.is_empty() => each(name, value, major),
        // guc.c restricts it to $libdir/plugins, so that whoever logs in may set it.
        "local_preload_libraries" if !value::list(value).unwrap_or_default().is_empty() => refuse(
            &is::SETTING_BREAKS,
            "local_preload_libraries loads from $libdir/plugins alone, which no image has: every session would end with FATAL",
            format!("write session_preload_libraries = \"{}\"", value.trim()),
        ),
        "oauth_validator_libraries" if !value.is_empty() => refuse(
            &is::SETTING_VALUE,
            "no image has a library that validates OAuth tokens, and pg_hba.conf lets in SCRAM-SHA-256 alone",
            "leave it out",
        ),
        "dynamic_library_path" if !value.split(':').any(|folder| folder == "$libdir") => refuse(
            &is::SETTING_BREAKS,
            format!("`{value}` leaves out $libdir, where all libraries of the images are"),
            "leave it out, or write \"$libdir\" among the folders",
        ),
        // get_extension_control_directories (extension.c): $system is where the package has them.
        "extension_control_path" if !value.split(':').any(|folder| folder == "$system") => refuse(
            &is::SETTING_BREAKS,
            format!(
                "`{value}` leaves out $system, where all extensions of the images are: the founding makes one of them"
            ),
            "leave it out, or write \"$system\" among the folders",
        ),
        "jit_provider" if value != "llvmjit" => refuse(
            &is::SETTING_VALUE,
            format!("no image has the JIT provider `{value}`"),
            "leave it out for \"llvmjit\"",
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
            let problem = format!("`{library}` does nothing in a session: a server loads it at its start");
            return refuse(
                &is::SETTING_VALUE,
                problem,
                format!("write it into shared_preload_libraries: \"{library}\""),
            );
        }
        if name == "archive_library" && library != "basic_archive" {
            let problem = format!("`{written}` is no library that archives: the images have \"basic_archive\" alone");
            return refuse(&is::SETTING_VALUE, problem, "write archive_command instead, or leave it out");
        }
        if has(library) {
            continue;
        }
        let problem = match library {
            "sepgsql" => "`sepgsql` needs SELinux, which the images have not got: the server would not start".into(),
            _ => format!(
                "no image has the library `{written}`: only PostgreSQL's own package is installed, and {}",
                if name == "session_preload_libraries" {
                    "every session would end with FATAL"
                } else {
                    "the server would not start"
                },
            ),
        };
        let help = match nearest(library, ALWAYS.into_iter()) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("leave it out; those that do something here are {}", USEFUL.join(", ")),
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
