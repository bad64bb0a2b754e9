//! Libraries that a server loads: one that the image has not got keeps it from starting.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::blueprint::vocabulary::nearest;

/// Those of PostgreSQL's own package that have a use when they are loaded with a server or a session
/// (<https://www.postgresql.org/docs/current/contrib.html>; Debian's and PGDG's postgresql-NN have all of contrib).
const IN_THE_IMAGE: [&str; 9] = [
    "auth_delay",
    "auto_explain",
    "passwordcheck",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_trgm",
    "pgcrypto",
    "plpgsql",
    "postgres_fdw",
];

/// Whether the setting (in lower case) names libraries.
pub fn is_list(name: &str) -> bool {
    matches!(name, "shared_preload_libraries" | "session_preload_libraries" | "local_preload_libraries")
}

/// Refuses a list with a library that is not there.
pub fn check(list: &str) -> Result<(), Refusal> {
    for written in list.split(',').map(|part| part.trim().trim_matches('"')).filter(|part| !part.is_empty()) {
        let library = written.strip_prefix("$libdir/").unwrap_or(written).trim_end_matches(".so");
        if IN_THE_IMAGE.contains(&library) {
            continue;
        }
        let problem = match library {
            "sepgsql" => "`sepgsql` needs SELinux, which the images have not got: the server would not start".into(),
            _ => format!(
                "no image has the library `{written}`: only PostgreSQL's own package is installed, and the server would not start"
            ),
        };
        let help = match nearest(library, IN_THE_IMAGE.into_iter()) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("leave it out; there are {}", IN_THE_IMAGE.join(", ")),
        };
        return refuse(&is::SETTING_VALUE, problem, help);
    }
    Ok(())
}
