//! Reads numbers as C's `strtol` and `strtod` do, on which PostgreSQL's `parse_int` and `parse_real` (guc.c) are built.

/// Splits a text into its leading number and the rest, as `strtol(…, 0)` does: decimal, octal after `0`, hexadecimal after `0x`.
/// Like `parse_int`, it reads the text as a floating-point number if a point or an exponent follows the digits.
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
    // The number is too long for 64 bits, or these digits begin a floating-point number.
    if rest.starts_with(['.', 'e', 'E']) || (read.is_none() && !digits.is_empty()) {
        return real(text);
    }
    let number = read? as f64;
    Some((if negative { -number } else { number }, rest))
}

/// Splits a text into its leading number and the rest, as `strtod` does. Returns `None` for infinity and NaN, which no parameter takes.
pub fn real(text: &str) -> Option<(f64, &str)> {
    let start = text.trim_start_matches(is_space);
    let (negative, unsigned) = sign(start);
    let (number, rest) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', next, ..] if next.is_ascii_hexdigit() => hexadecimal(&unsigned[2..]),
        _ => decimal(unsigned)?,
    };
    number.is_finite().then_some((if negative { -number } else { number }, rest))
}

/// Returns whether C's `isspace` is true of a character.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Returns the length of the digits at the start of a text.
pub fn digits(text: &str, base: u32) -> usize {
    text.find(|c: char| !c.is_digit(base)).unwrap_or(text.len())
}

/// Returns the length of the exponent at the start of a text, or 0 if no digit follows its letter.
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
    // strtod reports an error for a number too close to zero for a double, as it does for one too large.
    let zero = text[..end].chars().all(|c| matches!(c, '0' | '.'));
    (read != 0.0 || zero).then_some((read, rest))
}

/// Reads what follows `0x`: digits with an optional fraction and an optional power of two.
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
    // An exponent that needs more than 32 bits is out of range for any double.
    let power = if power.is_empty() { 0 } else { power[1..].parse().unwrap_or(i32::MAX / 2) };
    (number * f64::from(scale + power).exp2(), rest)
}
