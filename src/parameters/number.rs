//! Numbers and units as PostgreSQL reads them: `parse_int`, `parse_real` and `convert_to_base_unit` of its guc.c.

/// Units by name, the largest first, in the smallest of their kind: bytes and microseconds
/// (<https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES>).
const MEMORY: [(&str, f64); 5] =
    [("TB", 1_099_511_627_776.0), ("GB", 1_073_741_824.0), ("MB", 1_048_576.0), ("kB", 1024.0), ("B", 1.0)];
const TIME: [(&str, f64); 6] = [("d", 8.64e10), ("h", 3.6e9), ("min", 6e7), ("s", 1e6), ("ms", 1e3), ("us", 1.0)];

/// Splits a text into the number that it begins with and what follows, as `strtol(…, 0)` reads it: decimal, octal after a 0,
/// hexadecimal after 0x. What goes on with a point or an exponent is read as a floating-point number instead.
pub fn integer(text: &str) -> Option<(f64, &str)> {
    let start = text.trim_start_matches(is_space);
    let (negative, digits) = sign(start);
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', next, ..] if next.is_ascii_hexdigit() => (16, &digits[2..]),
        [b'0', ..] => (8, digits),
        _ => (10, digits),
    };
    let (digits, rest) = digits.split_at(digits.find(|c: char| !c.is_digit(base)).unwrap_or(digits.len()));
    let read = i64::from_str_radix(digits, base).ok();
    // Too long for 64 bits, or the start of a floating-point number.
    if rest.starts_with(['.', 'e', 'E']) || (read.is_none() && !digits.is_empty()) {
        return real(text);
    }
    let number = read? as f64;
    Some((if negative { -number } else { number }, rest))
}

/// Splits a text into the number that it begins with and what follows, as `strtod` reads it. Infinity and NaN fit no parameter.
pub fn real(text: &str) -> Option<(f64, &str)> {
    let start = text.trim_start_matches(is_space);
    let (negative, unsigned) = sign(start);
    let (number, rest) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', next, ..] if next.is_ascii_hexdigit() => hexadecimal(&unsigned[2..]),
        _ => decimal(unsigned)?,
    };
    number.is_finite().then_some((if negative { -number } else { number }, rest))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The length of the digits that a text begins with.
fn digits(text: &str, base: u32) -> usize {
    text.find(|c: char| !c.is_digit(base)).unwrap_or(text.len())
}

/// The length of an exponent at the start of a text; 0 where no digit follows its letter.
fn exponent(text: &str, letter: char) -> usize {
    let Some(after) = text.strip_prefix([letter, letter.to_ascii_uppercase()]) else { return 0 };
    let unsigned = sign(after).1;
    match digits(unsigned, 10) {
        0 => 0,
        length => text.len() - unsigned.len() + length,
    }
}

fn decimal(text: &str) -> Option<(f64, &str)> {
    let whole = digits(text, 10);
    let fraction = text[whole..].strip_prefix('.').map_or(0, |after| 1 + digits(after, 10));
    if whole == 0 && fraction < 2 {
        return None;
    }
    let end = whole + fraction;
    let (number, rest) = text.split_at(end + exponent(&text[end..], 'e'));
    let read: f64 = number.parse().ok()?;
    // What is too small for a double is an error to strtod, as what is too large.
    let zero = text[..end].chars().all(|c| matches!(c, '0' | '.'));
    (read != 0.0 || zero).then_some((read, rest))
}

/// What follows `0x`: digits, perhaps a point and more, perhaps a power of two.
fn hexadecimal(text: &str) -> (f64, &str) {
    let whole = digits(text, 16);
    let fraction = text[whole..].strip_prefix('.').map_or(0, |after| 1 + digits(after, 16));
    let end = whole + fraction;
    let (mut number, mut scale) = (0.0, 0);
    for (at, digit) in text[..end].char_indices().filter_map(|(at, c)| Some((at, c.to_digit(16)?))) {
        number = number * 16.0 + f64::from(digit);
        scale -= if at > whole { 4 } else { 0 };
    }
    let (power, rest) = text[end..].split_at(exponent(&text[end..], 'p'));
    // An exponent too long for 32 bits is beyond any double.
    let power = if power.is_empty() { 0 } else { power[1..].parse().unwrap_or(i32::MAX / 2) };
    (number * f64::from(scale + power).exp2(), rest)
}

/// The units that a parameter takes whose own unit is `base`, such as `ms` or `8kB`.
pub fn units(base: &str) -> &'static [(&'static str, f64)] {
    let name = split(base).1;
    match name {
        "" => &[],
        name if TIME.iter().any(|(unit, _)| *unit == name) => &TIME,
        _ => &MEMORY,
    }
}

/// `8kB` is 8 of `kB`.
fn split(base: &str) -> (f64, &str) {
    let (count, name) = base.split_at(digits(base, 10));
    (count.parse().unwrap_or(1.0), name)
}

/// Converts a number with a unit into a number of `base`. A fraction is rounded to the next smaller unit, as PostgreSQL does.
pub fn convert(number: f64, unit: &str, base: &str) -> Option<f64> {
    let units = units(base);
    let of_base = |factor: f64| {
        let (count, name) = split(base);
        let one = units.iter().find(|(known, _)| *known == name).map_or(1.0, |(_, one)| *one);
        factor / (one * count)
    };
    let at = units.iter().position(|(known, _)| *known == unit)?;
    let converted = number * of_base(units[at].1);
    match units.get(at + 1) {
        Some((_, smaller)) => {
            let step = of_base(*smaller);
            Some((converted / step).round_ties_even() * step)
        }
        None => Some(converted),
    }
}

/// The unit behind a number, without the white space that PostgreSQL allows around it.
pub fn unit(rest: &str) -> &str {
    rest.trim_matches(is_space)
}
