//! Finds differences between the blueprint and the running databases: a running machine keeps its image, and Patroni reads its
//! settings only once. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fileset::contents;
use crate::parameters::same;
use crate::pipeline::Expected;
use crate::tools::aws::Ami;

/// A live setting that differs from the generated one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingDifference {
    /// The setting's name, Patroni's or PostgreSQL's.
    pub name: String,
    /// The live value. `None` if it is not set, so that the setting's default is live.
    pub live: Option<String>,
    /// The generated value.
    pub generated: String,
}

/// A database that runs from another image than the blueprint's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDifference {
    /// The machine.
    pub machine: String,
    /// The files in which the images differ, according to the running image's tags.
    pub files: Vec<String>,
}

/// Compares the live settings, as Patroni keeps them, with the generated ones.
pub fn settings(expected: &Expected, live: &Value) -> Vec<SettingDifference> {
    let parameters = &live["postgresql"]["parameters"];
    let value = |name: &str| match live.get(name).or(parameters.get(name)) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let difference = |(name, generated): (&String, &String)| {
        let live = value(name);
        let is_same = live.as_ref().is_some_and(|live| same(name, live, generated));
        (!is_same).then(|| SettingDifference { name: name.clone(), live, generated: generated.clone() })
    };
    expected.settings.iter().filter_map(difference).collect()
}

/// Compares the images of the running machines (by machine name) with the blueprint's. `images` are those that exist in AWS.
pub fn images(expected: &Expected, running: &BTreeMap<String, String>, images: &[Ami]) -> Vec<ImageDifference> {
    let difference = |machine: &crate::pipeline::ExpectedMachine| {
        let ami = running.get(&machine.name)?;
        let wanted = expected.images.iter().find(|image| image.role == machine.role.name())?;
        let runs = images.iter().find(|image| image.id == *ami);
        if runs.is_some_and(|runs| runs.name == wanted.name) {
            return None;
        }
        let others = runs.and_then(|runs| contents::of_tags(&runs.tags));
        let files = others.map(|others| contents::difference(&wanted.contents, &others)).unwrap_or_default();
        Some(ImageDifference { machine: machine.name.clone(), files })
    };
    expected.databases().filter_map(difference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fileset::{ImageId, RelPath};

    #[test]
    fn each_difference_is_named_and_equal_values_in_other_spellings_are_not() {
        let of = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let live = serde_json::json!({"ttl": 30, "synchronous_mode": true, "postgresql": {"parameters":
            {"max_connections": 200, "shared_buffers": 262144, "log_checkpoints": true, "checkpoint_timeout": "900s",
             "log_lock_waits": "1", "huge_pages": "TRY", "autovacuum": "1", "max_wal_size": "010GB", "random_page_cost": 1.1,
             "wal_sender_timeout": 10000, "log_line_prefix": "1",
             "wal_compression": "on", "unix_socket_permissions": 448, "archive_timeout": "60s", "log_min_messages": "debug",
             "search_path": "a,b", "my.own": "1"}}});
        let mut expected = Expected::of_test(0);
        expected.settings = of(&[
            ("ttl", "20"),
            ("synchronous_mode", "true"),
            ("max_connections", "300"),
            ("shared_buffers", "2048MB"),
            ("log_checkpoints", "on"),
            ("checkpoint_timeout", "15min"),
            ("log_lock_waits", "on"),
            ("huge_pages", "try"),
            ("autovacuum", "off"),
            ("max_wal_size", "8192MB"),
            ("random_page_cost", "1.10"),
            ("wal_sender_timeout", "10s"),
            ("log_line_prefix", "on"),
            ("work_mem", "10MB"),
            ("wal_compression", "pglz"),
            ("unix_socket_permissions", "0700"),
            ("archive_timeout", "1min"),
            ("log_min_messages", "debug2"),
            ("search_path", "a, b"),
            ("my.own", "on"),
        ]);
        assert_eq!(
            settings(&expected, &live).iter().map(|d| (&*d.name, d.live.as_deref(), &*d.generated)).collect::<Vec<_>>(),
            [
                ("autovacuum", Some("1"), "off"),
                ("log_line_prefix", Some("1"), "on"),
                ("max_connections", Some("200"), "300"),
                ("my.own", Some("1"), "on"),
                ("ttl", Some("30"), "20"),
                ("work_mem", None, "10MB")
            ]
        );
    }

    #[test]
    fn a_database_of_another_image_is_named_with_the_files_that_differ() {
        let mut expected = Expected::of_test(1);
        let contents = |sum: &str| BTreeMap::from([("db_config/master_script.sh".to_string(), sum.to_string())]);
        expected.images = vec![ImageId {
            role: "master".into(),
            name: "herd-master-1".into(),
            hash: "1".into(),
            template: RelPath::new("packer_templates/master_temp.json"),
            contents: contents("1"),
        }];
        let ami = |id: &str, name: &str| Ami { id: id.into(), name: name.into(), ..Ami::default() };
        let running = |ami: &str| BTreeMap::from([("master".to_string(), ami.to_string())]);
        let own = [ami("ami-1", "herd-master-1"), ami("ami-0", "herd-master-0")];
        assert_eq!(images(&expected, &running("ami-1"), &own), []);
        let behind = |files| [ImageDifference { machine: "master".into(), files }];
        assert_eq!(images(&expected, &running("ami-0"), &own), behind(vec![]));
        assert_eq!(
            images(&expected, &running("ami-gone"), &own),
            behind(vec![]),
            "an image that nobody knows is another"
        );
        assert_eq!(images(&expected, &BTreeMap::new(), &own), [], "a machine that is not there runs from nothing");
        let mut tagged = own.clone();
        tagged[1].tags = contents::to_tags(&contents("0")).into_iter().collect();
        assert_eq!(images(&expected, &running("ami-0"), &tagged), behind(vec!["db_config/master_script.sh".into()]));
    }
}
