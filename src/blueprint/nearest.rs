//! Suggests the name that was probably meant.

/// Returns the known name that was probably meant: the nearest by edit distance, if the difference can be a slip of the hand.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase().replace('-', "_");
    (known.map(|name| (strsim::osa_distance(&written, &name.replace('-', "_")), name)))
        .filter(|(distance, name)| *distance < name.len().max(written.len()))
        .filter(|(distance, name)| *distance <= (name.len().max(written.len()) / 3).clamp(1, 3))
        .min()
        .map(|(_, name)| name)
}
