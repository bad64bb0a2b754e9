//! Checks time zones. A server does not start with one that its machine does not have.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::nearest::nearest;
use crate::blueprint::rules::language as is;

mod posix;

const ZONES: &str = include_str!("zones.txt");

fn known() -> impl Iterator<Item = &'static str> {
    ZONES.lines().filter(|line| !line.starts_with('#'))
}

/// Returns whether the setting, in lower case, is a time zone.
pub fn is_zone(name: &str) -> bool {
    matches!(name, "timezone" | "log_timezone")
}

/// Refuses a zone that no image has. The list has a date: a newer zone can be set once a newer pgherd knows it.
pub fn check(name: &str, value: &str) -> Result<(), Refusal> {
    if known().any(|known| known.eq_ignore_ascii_case(value)) || posix::is_zone(value) {
        return Ok(());
    }
    if name == "timezone" && posix::is_offset(value) {
        return Ok(());
    }
    if value.contains(|c: char| c.is_ascii_digit()) && !value.contains('/') {
        let problem = format!("PostgreSQL cannot read `{value}` as an offset or as a zone with its rules");
        let help = "write a zone such as \"Europe/Berlin\", or an offset of at most 167 hours in POSIX notation: \"CET-1\" is one \
                    hour east of Greenwich";
        return refuse(&is::SETTING_VALUE, problem, help);
    }
    let problem = format!("no image has the time zone `{value}`; the server would not start");
    let help = match meant(value) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => "write area and city, such as \"Europe/Berlin\", or \"UTC\"".into(),
    };
    refuse(&is::SETTING_VALUE, problem, help)
}

/// Returns the zone of this city in another area, or the one with the most similar name.
fn meant(value: &str) -> Option<&'static str> {
    let city = |name: &str| name.rsplit_once('/').map(|(_, city)| city.to_lowercase());
    let elsewhere = city(value).and_then(|wanted| known().find(|name| city(name).as_ref() == Some(&wanted)));
    elsewhere.or_else(|| {
        let names: Vec<String> = known().map(str::to_lowercase).collect();
        let meant = nearest(value, names.iter().map(String::as_str))?;
        known().find(|name| name.eq_ignore_ascii_case(meant))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_taken_where_an_image_has_it() {
        for value in ["Europe/Berlin", "europe/berlin", "UTC", "Etc/UTC", "US/Eastern", "Japan", "-8.5", "CET-1CEST"] {
            assert!(check("timezone", value).is_ok(), "{value}");
        }
        for (value, help) in [
            ("europe/berlim", "did you mean \"Europe/Berlin\"?"),
            ("Eurpe/Berlin", "did you mean \"Europe/Berlin\"?"),
            ("Germany/Berlin", "did you mean \"Europe/Berlin\"?"),
            ("America/Berlin", "did you mean \"Europe/Berlin\"?"),
            ("Europe/Newtown", "write area and city"),
            ("Europe/Nowhere", "write area and city"),
            ("Europe/Munich", "did you mean"),
            ("ABC", "write area and city"),
            ("GMT+99:99", "write a zone such as"),
            ("default", "write area and city"),
            ("", "write area and city"),
        ] {
            let refusal = check("timezone", value).expect_err(value);
            assert!(refusal.help.starts_with(help), "{value}: {}", refusal.help);
        }
    }
}
