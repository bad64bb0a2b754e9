//! Checks the names of settings: whether this major of PostgreSQL has them, and what replaced those that it no longer has.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::nearest::nearest;
use crate::blueprint::rules::language as is;
use crate::parameters::{self, MAJORS};

/// Refuses a name, in lower case, with which this major would not start; without a major, one with which no major would.
pub fn check(name: &str, major: Option<u16>) -> Result<(), Refusal> {
    let here = || major.map_or_else(|| "PostgreSQL".into(), |major| format!("PostgreSQL {major}"));
    let majors = parameters::majors(name);
    match (majors, major) {
        (Some((first, last)), Some(major)) if (first..=last).contains(&major) => return Ok(()),
        (Some(_), None) => return Ok(()),
        (Some((first, _)), Some(major)) if major < first => {
            let problem = format!("PostgreSQL {major} has no `{name}`; {first} is the first that has it");
            return refuse(&is::SETTING_NAME, problem, older(name, major).unwrap_or_else(|| leave_out(name)));
        }
        _ => {}
    }
    if let Some(gone) = parameters::gone(name) {
        let problem = format!("{} no longer has `{name}`; {} was the last that had it", here(), gone.last);
        let help = match (gone.instead, gone.note) {
            ("", note) => format!("remove it: {note}"),
            (instead, "") => format!("write {instead}, which replaced it"),
            (instead, note) => format!("write {instead}, which replaced it: {note}"),
        };
        return refuse(&is::SETTING_NAME, problem, help);
    }
    if let Some((_, last)) = majors {
        let problem = format!("{} no longer has `{name}`; {last} was the last that had it", here());
        return refuse(&is::SETTING_NAME, problem, leave_out(name));
    }
    unknown(name, major, &here())
}

fn leave_out(name: &str) -> String {
    match name.split_once('.') {
        None => "remove it, or set another postgres.version".into(),
        Some((extension, _)) => format!("remove it, or set a postgres.version whose {extension} has it"),
    }
}

/// Suggests the parameter that an older major has instead of a newer one's.
fn older(name: &str, major: u16) -> Option<String> {
    let before = parameters::all().find(|parameter| {
        parameter.last >= major && parameters::gone(parameter.name).is_some_and(|gone| gone.instead == name)
    })?;
    Some(format!("write {}, or set another postgres.version", before.name))
}

/// Refuses a name that no major has. Accepts the settings of extensions that are not in the images: the server ignores them.
fn unknown(name: &str, major: Option<u16>, here: &str) -> Result<(), Refusal> {
    let major = major.unwrap_or(*MAJORS.end());
    let reserved = |extension: &str| parameters::all().any(|known| known.extension() == Some(extension));
    if name.split_once('.').is_some_and(|(extension, _)| !reserved(extension)) {
        return Ok(());
    }
    let names: Vec<String> = (parameters::all())
        .filter(|known| known.kind != parameters::Kind::Shown && (known.first..=known.last).contains(&major))
        .map(|known| known.name.to_lowercase())
        .collect();
    let help = match nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "remove it; an extension's setting begins with the extension's name and a dot".into(),
    };
    refuse(&is::SETTING_NAME, format!("{here} has no setting `{name}`"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_the_place_of_a_parameter_is_one() {
        for line in include_str!("../../../parameters/gone.tsv").lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [name, last, instead, note] = columns[..] else { panic!("{line}") };
            assert!(last.parse::<f32>().is_ok() && !(instead.is_empty() && note.is_empty()), "{line}");
            assert!(instead.is_empty() || parameters::newest(instead).is_some(), "{line}");
            let has = parameters::majors(name).map(|(_, last)| last.to_string());
            assert!(has.is_none_or(|has| has == last || has == "18"), "{line}: {:?}", parameters::majors(name));
        }
    }

    #[test]
    fn a_name_is_taken_by_the_majors_that_have_it() {
        for (name, major, help) in [
            ("work_mem", 13, None),
            ("intervalstyle", 18, None),
            ("wal_keep_segments", 13, Some("write wal_keep_size")),
            ("checkpoint_segments", 17, Some("write max_wal_size")),
            ("default_with_oids", 17, Some("identity column")),
            ("force_parallel_mode", 15, None),
            ("force_parallel_mode", 16, Some("write debug_parallel_query")),
            ("debug_parallel_query", 15, Some("write force_parallel_mode")),
            ("ssl_groups", 17, Some("write ssl_ecdh_curve")),
            ("ssl_ecdh_curve", 18, Some("write ssl_groups")),
            ("recursive_worktable_factor", 14, Some("another postgres.version")),
            ("stats_temp_directory", 15, Some("shared memory")),
            ("sort_mem", 17, Some("write work_mem")),
            ("pg_stat_statements.max", 17, None),
            ("pg_stat_statements.trak", 17, Some("did you mean `pg_stat_statements.track`?")),
            ("pgaudit.log", 17, None),
            ("no_such_thing_at_all", 17, Some("remove it")),
        ] {
            match (check(name, Some(major)), help) {
                (Ok(()), None) => {}
                (Err(refusal), Some(help)) => assert!(refusal.help.contains(help), "{name}: {}", refusal.help),
                (other, _) => panic!("{name} on {major}: {:?}", other.err().map(|refusal| refusal.problem)),
            }
        }
    }
}
