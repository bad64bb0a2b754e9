//! Reads `tags = { … }`.

use std::collections::BTreeMap;

use super::{BlockReader, Refusal, doc, is, refuse};
use crate::blueprint::form::Holds;
use crate::blueprint::value::text;

/// The most tags of a blueprint. AWS allows 50 for each resource (2026-11: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>), and
/// a database's image has 11 of pgherd's own: its contents, its base and its versions. The rest is room for more of them.
const MOST_TAGS: usize = 35;
/// The longest key and value, in characters (same page).
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// Reads the tags. Every service must accept them, and IAM is the strictest (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>).
pub fn read(r: &BlockReader) -> BTreeMap<String, String> {
    let tags_doc = doc("tags", "Tags on everything that pgherd creates, in addition to its own.").by_default("none");
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for (i, entry) in r.map(tags_doc, Holds::TextMap).into_iter().enumerate() {
        if i == MOST_TAGS {
            let problem = format!("there are more than {MOST_TAGS} tags");
            let help = "remove some; AWS allows 50 for each resource, including those that pgherd sets".to_string();
            r.report("tags", &entry.key_at, Refusal { rule: &is::TOO_LARGE, problem, help });
            break;
        }
        let twin = tags.keys().find(|known| known.eq_ignore_ascii_case(&entry.key));
        let key = match twin {
            Some(twin) => refuse(
                &is::TAG,
                format!("`{}` and `{twin}` are the same key to IAM, which ignores case", entry.key),
                "remove one of the two",
            ),
            None => key(&entry.key),
        };
        let value = text(&entry.value).and_then(value);
        let key = key.map_err(|refusal| r.report("tags", &entry.key_at, refusal)).ok();
        let value = value.map_err(|refusal| r.report("tags", &entry.value.at, refusal)).ok();
        tags.extend(key.zip(value));
    }
    tags
}

fn key(text: &str) -> Result<String, Refusal> {
    let lower = text.to_lowercase();
    for prefix in ["aws:", "pgherd:"] {
        if lower.starts_with(prefix) {
            return refuse(
                &is::TAG,
                format!("`{text}` uses the reserved prefix `{prefix}`"),
                "choose a key without that prefix",
            );
        }
    }
    if lower == "name" {
        return refuse(&is::TAG, "pgherd sets the tag `Name` itself", "choose another key");
    }
    characters("key", text, 1..=LONGEST_KEY)
}

fn value(text: &str) -> Result<String, Refusal> {
    characters("value", text, 0..=LONGEST_VALUE)
}

fn characters(what: &str, text: &str, length: std::ops::RangeInclusive<usize>) -> Result<String, Refusal> {
    let count = text.chars().count();
    if !length.contains(&count) {
        let help = format!("use {} to {} characters", length.start(), length.end());
        return refuse(&is::TAG, format!("the {what} has {count} characters"), help);
    }
    match text.chars().find(|c| !c.is_alphanumeric() && !" _.:/=+-@".contains(*c)) {
        Some(c) => refuse(
            &is::TAG,
            format!("IAM does not allow `{}` in a {what}", c.escape_debug()),
            "use letters, digits, spaces and _ . : / = + - @",
        ),
        None => Ok(text.to_string()),
    }
}
