//! Time zones: a server does not start with one that its machine has not got.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::model::Base;
use crate::blueprint::rules::language as is;
use crate::blueprint::vocabulary::nearest;

const ZONES: &str = include_str!("zones.txt");

/// Each name, and the new one of an old one.
fn known() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let lines = ZONES.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').map_or((line, None), |(old, new)| (old, Some(new))))
}

/// Whether the setting (in lower case) is one.
pub fn is_zone(name: &str) -> bool {
    matches!(name, "timezone" | "log_timezone")
}

/// Refuses what no image of this base has. A zone that is newer than the list passes where its area is known.
pub fn check(value: &str, base: Base) -> Result<(), Refusal> {
    // An offset, or a zone with its rules in it (`CET-1CEST`), which PostgreSQL reads without a file.
    if value.contains(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    let problem = format!("no image has the time zone `{value}`, and the server would not start");
    let is = |name: &str| name.eq_ignore_ascii_case(value);
    if let Some((name, new)) = known().find(|(name, _)| is(name)) {
        let there = match base {
            Base::Debian12 => true,
            // What was no other zone's old name when it came out.
            Base::Ubuntu2404 => !name.contains('/'),
            Base::Debian13 => false,
        };
        return match new {
            Some(new) if !there => refuse(&is::SETTING_VALUE, problem, format!("write its new name: \"{new}\"")),
            _ => Ok(()),
        };
    }
    let names: Vec<String> = known().filter(|(_, new)| new.is_none()).map(|(name, _)| name.to_lowercase()).collect();
    let meant = nearest(value, names.iter().map(String::as_str));
    if let Some(meant) = meant.and_then(|meant| known().find(|(name, _)| name.eq_ignore_ascii_case(meant))) {
        return refuse(&is::SETTING_VALUE, problem, format!("did you mean \"{}\"?", meant.0));
    }
    let area = |name: &str| name.split_once('/').map(|(area, _)| area.to_lowercase());
    match area(value) {
        Some(wanted) if known().any(|(name, _)| area(name).as_ref() == Some(&wanted)) => Ok(()),
        _ => refuse(&is::SETTING_VALUE, problem, "write area and city, such as \"Europe/Berlin\", or \"UTC\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_taken_where_an_image_has_it() {
        for (value, on_13, on_12) in [
            ("Europe/Berlin", true, true),
            ("europe/berlin", true, true),
            ("UTC", true, true),
            ("Etc/UTC", true, true),
            ("-8.5", true, true),
            ("CET-1CEST", true, true),
            ("Europe/Newtown", true, true),
            ("US/Eastern", false, true),
            ("Asia/Calcutta", false, true),
            ("Europe/Berlim", false, false),
            ("Eurpe/Berlin", false, false),
            ("Germany/Berlin", false, false),
            ("ABC", false, false),
            ("default", false, false),
            ("", false, false),
        ] {
            let taken = [Base::Debian13, Base::Debian12].map(|base| check(value, base).is_ok());
            assert_eq!(taken, [on_13, on_12], "{value}");
        }
        let help = |value: &str| check(value, Base::Debian13).err().map(|refusal| refusal.help).unwrap_or_default();
        assert_eq!(help("Asia/Calcutta"), "write its new name: \"Asia/Kolkata\"");
        assert_eq!(help("europe/berlim"), "did you mean \"Europe/Berlin\"?");
        assert!(check("US/Eastern", Base::Ubuntu2404).is_err() && check("CET", Base::Ubuntu2404).is_ok());
    }

    #[test]
    fn each_new_name_is_there() {
        for (old, new) in known().filter_map(|(old, new)| Some((old, new?))) {
            assert!(known().any(|(name, newer)| name == new && newer.is_none()), "{old}: {new}");
        }
    }
}
