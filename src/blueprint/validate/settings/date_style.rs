//! Checks `datestyle`: a style, an order, or both.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::parameters::value::list;

/// Refuses what PostgreSQL's `check_datestyle` refuses.
pub fn check(value: &str) -> Result<(), Refusal> {
    const HELP: &str = "write a style (\"iso\", \"sql\", \"postgres\" or \"german\"), an order (\"dmy\", \"mdy\" or \"ymd\"), or both: \"iso, dmy\"";
    let (mut style, mut order) = (None, None);
    let Some(words) = list(value) else {
        return refuse(&is::SETTING_VALUE, format!("`{value}` is not a valid list of a style and an order"), HELP);
    };
    for word in words.iter().map(|word| word.to_lowercase()) {
        let (slot, means) = match word.as_str() {
            "iso" | "sql" | "german" => (&mut style, word.clone()),
            _ if word.starts_with("postgres") => (&mut style, "postgres".into()),
            "ymd" | "dmy" | "mdy" => (&mut order, word.clone()),
            "us" => (&mut order, "mdy".into()),
            _ if word.starts_with("noneuro") => (&mut order, "mdy".into()),
            _ if word.starts_with("euro") => (&mut order, "dmy".into()),
            "default" => continue,
            _ => return refuse(&is::SETTING_VALUE, format!("`{word}` is neither a date style nor an order"), HELP),
        };
        if slot.get_or_insert(means.clone()) != &means {
            return refuse(&is::SETTING_VALUE, format!("`{value}` has two styles or two orders"), HELP);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PostgreSQL 15 was asked about each.
    #[test]
    fn a_style_is_taken_where_postgres_takes_it() {
        let taken = [
            "iso",
            "iso, dmy",
            "ISO,MDY",
            "",
            "postgres",
            "postgresql, euro",
            "european",
            "us",
            "noneuropean",
            "iso, iso",
            "default",
            "default, iso",
            "german, mdy",
            "\"iso\", dmy",
            "iso, us, mdy",
            "POSTGRESQL , DMY",
        ];
        taken.iter().for_each(|value| assert!(check(value).is_ok(), "{value}"));
        let refused = ["iso dmy", "iso,,", "isoo", "sql, german", "dmy, ymd", "iso;dmy", "eu", "anything"];
        refused.iter().for_each(|value| assert!(check(value).is_err(), "{value}"));
    }
}
