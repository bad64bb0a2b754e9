//! The files that an image is made from, recorded as tags: they tell in which files two images differ.

use std::collections::BTreeMap;

/// The hashes of files by path.
pub type Contents = BTreeMap<String, String>;

/// The number of hex digits of a file's hash: enough to detect a change, and short enough for many to fit in a tag.
pub const DIGITS: usize = 8;
/// `pgherd:files-1`, `pgherd:files-2` …
const PREFIX: &str = "pgherd:files-";
/// The maximum length of a tag's value, in characters (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>).
const LONGEST: usize = 256;

/// Returns the tags, as keys and values: `PATH=HASH PATH=HASH …` in as few tags as possible.
pub fn to_tags(contents: &Contents) -> Vec<(String, String)> {
    let mut values: Vec<String> = vec![];
    for entry in contents.iter().map(|(path, hash)| format!("{path}={hash}")) {
        match values.last_mut().filter(|value| value.len() + 1 + entry.len() <= LONGEST) {
            Some(value) => *value += &format!(" {entry}"),
            None => values.push(entry),
        }
    }
    (1..).zip(values).map(|(i, value)| (format!("{PREFIX}{i}"), value)).collect()
}

/// Returns the contents recorded in an image's tags; `None` if there are none.
pub fn of_tags(tags: &BTreeMap<String, String>) -> Option<Contents> {
    let values = tags.iter().filter(|(key, _)| key.starts_with(PREFIX));
    let entries = values.flat_map(|(_, value)| value.split(' ')).filter_map(|entry| entry.split_once('='));
    let contents: Contents = entries.map(|(path, hash)| (path.into(), hash.into())).collect();
    (!contents.is_empty()).then_some(contents)
}

/// Returns the files in which `contents` differs from `others`, in the order of their paths.
pub fn difference(contents: &Contents, others: &Contents) -> Vec<String> {
    let new = contents.iter().filter(|(path, hash)| others.get(*path) != Some(hash)).map(|(path, _)| {
        let sign = if others.contains_key(path) { "" } else { " (new)" };
        format!("{path}{sign}")
    });
    let gone = others.keys().filter(|path| !contents.contains_key(*path)).map(|path| format!("{path} (removed)"));
    let mut all: Vec<String> = new.chain(gone).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(files: &[(&str, &str)]) -> Contents {
        files.iter().map(|(path, hash)| (path.to_string(), hash.to_string())).collect()
    }

    #[test]
    fn tags_tell_the_contents_within_their_limit() {
        let many: Contents =
            (0..40).map(|i| (format!("machine/a-longer-name-{i:02}.conf"), format!("{i:08x}"))).collect();
        let tags = to_tags(&many);
        assert!(tags.len() > 1 && tags.iter().all(|(_, value)| value.len() <= LONGEST), "{tags:#?}");
        assert_eq!(of_tags(&tags.into_iter().collect()), Some(many));
        assert_eq!(of_tags(&BTreeMap::from([("pgherd:role".into(), "a=b".into())])), None);
    }

    #[test]
    fn what_differs_is_named() {
        let (now, before) =
            (contents(&[("a", "1"), ("b", "2"), ("d", "4")]), contents(&[("a", "1"), ("b", "3"), ("c", "3")]));
        assert_eq!(difference(&now, &before), ["b", "c (removed)", "d (new)"]);
        assert_eq!(difference(&now, &now), [""; 0]);
    }
}
