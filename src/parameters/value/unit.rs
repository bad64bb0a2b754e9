//! Units, as PostgreSQL's `convert_to_base_unit` and `convert_int_from_base_unit` (guc.c) know them.

use super::number;

/// A unit's name and its size in the smallest unit of its table.
pub type Unit = (&'static str, f64);

/// The units of `memory_unit_conversion_table` (guc.c), the largest first, in bytes
/// (<https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES>).
const MEMORY: [Unit; 5] =
    [("TB", 1_099_511_627_776.0), ("GB", 1_073_741_824.0), ("MB", 1_048_576.0), ("kB", 1024.0), ("B", 1.0)];
/// The units of `time_unit_conversion_table` (guc.c), the largest first, in microseconds.
const TIME: [Unit; 6] = [("d", 8.64e10), ("h", 3.6e9), ("min", 6e7), ("s", 1e6), ("ms", 1e3), ("us", 1.0)];

/// Returns the units that a parameter takes whose base unit is `base`, such as `ms` or `8kB`.
pub fn units(base: &str) -> &'static [Unit] {
    match split(base).1 {
        "" => &[],
        name if TIME.iter().any(|(unit, _)| *unit == name) => &TIME,
        _ => &MEMORY,
    }
}

/// Returns whether PostgreSQL knows the unit for any setting.
pub fn is_known(unit: &str) -> bool {
    MEMORY.iter().chain(&TIME).any(|(known, _)| *known == unit)
}

/// Splits `8kB` into 8 and `kB`.
fn split(base: &str) -> (f64, &str) {
    let (count, name) = base.split_at(number::digits(base, 10));
    (count.parse().unwrap_or(1.0), name)
}

/// Returns the size of `base` in the smallest unit of its table.
fn size_of(base: &str) -> f64 {
    let (count, name) = split(base);
    count * units(base).iter().find(|(known, _)| *known == name).map_or(1.0, |(_, size)| *size)
}

/// Returns the unit behind a number, without the white space that PostgreSQL allows around it.
pub fn trim(rest: &str) -> &str {
    rest.trim_matches(number::is_space)
}

/// Converts a number with a unit into a number of `base`. Rounds a fraction to the next smaller unit, as PostgreSQL does. Returns
/// `None` for a unit that `base` does not know.
pub fn convert(number: f64, unit: &str, base: &str) -> Option<f64> {
    let (units, one) = (units(base), size_of(base));
    let at = units.iter().position(|(known, _)| *known == unit)?;
    let converted = number * (units[at].1 / one);
    match units.get(at + 1) {
        Some((_, smaller)) => {
            let step = smaller / one;
            Some((converted / step).round_ties_even() * step)
        }
        None => Some(converted),
    }
}

/// Prints a number of `base` as `SHOW` does: in the largest unit that divides it evenly. Zero and special values such as -1 have no
/// unit.
pub fn show(number: f64, base: &str) -> String {
    let smallest = number * size_of(base);
    let fits = |(_, size): &&Unit| number > 0.0 && smallest % size == 0.0;
    match units(base).iter().find(fits) {
        Some((name, size)) => format!("{}{name}", smallest / size),
        None => number.to_string(),
    }
}
