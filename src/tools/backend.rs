//! Where Terraform keeps a module's state, and what is in it. Both are read from structured files, never from what `init` prints.
//!
//! Terraform records the backend that a module was initialised with in `.terraform/terraform.tfstate`. If the blueprint names another one
//! by now, the state has to move there first: a plan against an empty state would create everything a second time.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::aws::args;
use super::lock;

/// Terraform's own record of the backend, in a module's folder.
pub const RECORD: &str = ".terraform/terraform.tfstate";
/// The state of a module that keeps it in its folder.
pub const LOCAL: &str = "terraform.tfstate";

/// Where a state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// In [`LOCAL`] beside the module.
    Local,
    /// An object in a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// The bucket's region.
        region: String,
    },
}

impl Backend {
    /// Returns whether both are the same object: a bucket's name is unique in all regions.
    pub fn is_same_place(&self, other: &Backend) -> bool {
        match (self, other) {
            (Backend::Local, Backend::Local) => true,
            (Backend::S3 { bucket, key, .. }, Backend::S3 { bucket: other_bucket, key: other_key, .. }) => {
                (bucket, key) == (other_bucket, other_key)
            }
            _ => false,
        }
    }

    /// Returns the command that lists the object and its lock; `None` if the state is a file.
    pub fn look(&self) -> Option<Vec<String>> {
        let Backend::S3 { bucket, key, region } = self else { return None };
        let words = ["s3api", "list-objects-v2", "--bucket", bucket, "--prefix", key, "--query", "Contents[].Key"];
        Some(args(region, &words))
    }

    /// Returns the command that prints the object; `None` if the state is a file.
    pub fn fetch(&self) -> Option<Vec<String>> {
        let Backend::S3 { bucket, key, region } = self else { return None };
        Some(args(region, &["s3", "cp", "--only-show-errors", &format!("s3://{bucket}/{key}"), "-"]))
    }

    /// Returns the command that prints the lock of the object; `None` if the state is a file.
    pub fn fetch_lock(&self) -> Option<Vec<String>> {
        let Backend::S3 { bucket, key, region } = self else { return None };
        Some(args(region, &["s3", "cp", "--only-show-errors", &format!("s3://{bucket}/{key}{}", lock::SUFFIX), "-"]))
    }

    /// Returns the command that stores a file as the object, as Terraform would; `None` if the state is a file.
    pub fn store(&self, file: &str) -> Option<Vec<String>> {
        let Backend::S3 { bucket, key, region } = self else { return None };
        let words = ["s3", "cp", "--only-show-errors", "--sse", "AES256", "--content-type", "application/json"];
        Some(args(region, &[&words[..], &[file, &format!("s3://{bucket}/{key}")]].concat()))
    }

    /// Reads what [`Backend::look`] printed: whether there is a state, and whether it is locked.
    ///
    /// # Errors
    /// If it has an unexpected format.
    pub fn read_look(&self, json: &str) -> Result<(bool, bool), String> {
        let Backend::S3 { key, .. } = self else { return Ok((false, false)) };
        // An empty list is printed as `null`, or not at all.
        let keys: Option<Vec<String>> = match json.trim() {
            "" => None,
            json => serde_json::from_str(json).map_err(|e| format!("unexpected response of list-objects-v2: {e}"))?,
        };
        let has = |wanted: &str| keys.iter().flatten().any(|key| key == wanted);
        Ok((has(key), has(&format!("{key}{}", lock::SUFFIX))))
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Backend::Local => f.write_str(LOCAL),
            Backend::S3 { bucket, key, region } => write!(f, "s3://{bucket}/{key} ({region})"),
        }
    }
}

/// Reads Terraform's record of the backend; `None` if it names none, which means a state in the module's folder.
///
/// # Errors
/// If the record cannot be read, or names a backend that pgherd never generates.
pub fn recorded(json: &str) -> Result<Option<Backend>, String> {
    #[derive(Deserialize)]
    struct RecordJson {
        backend: Option<BackendJson>,
    }
    #[derive(Deserialize)]
    struct BackendJson {
        #[serde(rename = "type")]
        kind: String,
        #[serde(default)]
        config: Value,
    }
    let record: RecordJson = serde_json::from_str(json).map_err(|e| format!("{RECORD} cannot be read: {e}"))?;
    let Some(BackendJson { kind, config }) = record.backend else { return Ok(None) };
    let text = |name: &str| config[name].as_str().map(String::from);
    match (kind.as_str(), text("bucket"), text("key")) {
        ("local", ..) if config["path"].is_null() && config["workspace_dir"].is_null() => Ok(None),
        ("s3", Some(bucket), Some(key)) => {
            Ok(Some(Backend::S3 { bucket, key, region: text("region").unwrap_or_default() }))
        }
        _ => Err(format!("{RECORD} names a backend that pgherd does not support: {kind}")),
    }
}

/// The facts that identify a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its identity; all its versions share it.
    pub lineage: String,
    /// The number of its version.
    pub serial: u64,
    /// The number of resources, without data sources.
    pub resources: usize,
    /// The regions of its resources, as far as their ARNs tell.
    pub regions: BTreeSet<String>,
}

/// Reads the head of a state; `None` for an empty file, as Terraform leaves it behind.
///
/// # Errors
/// If the text is not a state.
pub fn head(json: &str) -> Result<Option<Head>, String> {
    #[derive(Deserialize)]
    struct StateJson {
        #[serde(default)]
        lineage: String,
        serial: u64,
        #[serde(default)]
        resources: Vec<StateResource>,
    }
    #[derive(Deserialize)]
    struct StateResource {
        #[serde(default)]
        mode: String,
        #[serde(default)]
        instances: Vec<Value>,
    }
    if json.trim().is_empty() {
        return Ok(None);
    }
    let state: StateJson = serde_json::from_str(json).map_err(|e| format!("it is not a Terraform state: {e}"))?;
    let resources: Vec<&StateResource> = state.resources.iter().filter(|resource| resource.mode != "data").collect();
    let arns = resources.iter().flat_map(|one| &one.instances).filter_map(|one| one["attributes"]["arn"].as_str());
    // arn:partition:service:region:account:resource, without a region for what has none.
    let regions = arns.filter_map(|arn| arn.split(':').nth(3)).filter(|region| !region.is_empty());
    Ok(Some(Head {
        lineage: state.lineage,
        serial: state.serial,
        resources: resources.len(),
        regions: regions.map(String::from).collect(),
    }))
}

/// What has to be done to have the module's state where the blueprint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relocation {
    /// An `init` is enough: there is no state elsewhere, or the same one is there already.
    Switch,
    /// The state is copied.
    Copy,
    /// Both places have a state, and neither is a version of the other.
    Conflict,
}

/// Returns what has to be done, from what both places hold.
pub fn relocation(from: Option<&Head>, to: Option<&Head>) -> Relocation {
    match (from, to) {
        (None, _) => Relocation::Switch,
        (Some(_), None) => Relocation::Copy,
        (Some(from), Some(to)) if from.lineage == to.lineage && to.serial >= from.serial => Relocation::Switch,
        (Some(from), Some(to)) if from.lineage == to.lineage => Relocation::Copy,
        (Some(from), Some(_)) if from.resources == 0 => Relocation::Switch,
        _ => Relocation::Conflict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(bucket: &str, key: &str, region: &str) -> Backend {
        Backend::S3 { bucket: bucket.into(), key: key.into(), region: region.into() }
    }

    #[test]
    fn terraforms_note_is_read_and_what_is_unknown_is_refused() {
        let noted = r#"{"version": 3, "terraform_version": "1.11.4", "backend": {"type": "s3", "hash": 1, "config":
            {"bucket": "states", "key": "a/b.tfstate", "region": "eu-west-1", "profile": null}}}"#;
        assert_eq!(recorded(noted), Ok(Some(s3("states", "a/b.tfstate", "eu-west-1"))));
        assert_eq!(recorded(r#"{"version": 3}"#), Ok(None));
        assert_eq!(
            recorded(r#"{"backend": {"type": "local", "config": {"path": null, "workspace_dir": null}}}"#),
            Ok(None)
        );
        for unknown in
            [r#"{"backend": {"type": "gcs", "config": {"bucket": "x"}}}"#, r#"{"backend": {"type": "s3"}}"#, "torn"]
        {
            assert!(recorded(unknown).is_err(), "{unknown}");
        }
        assert!(recorded(r#"{"backend": {"type": "local", "config": {"path": "/elsewhere"}}}"#).is_err());
    }

    #[test]
    fn a_state_is_known_by_its_lineage_and_its_regions() {
        let state = r#"{"version": 4, "serial": 7, "lineage": "l", "resources": [
            {"mode": "data", "instances": [{"attributes": {"arn": "arn:aws:ec2:us-east-1:1:vpc/vpc-0"}}]},
            {"mode": "managed", "instances": [{"attributes": {"arn": "arn:aws:iam::1:role/herd"}}]},
            {"mode": "managed", "instances": [{"attributes": {"arn": "arn:aws:ec2:eu-west-1:1:vpc/vpc-1"}}]}]}"#;
        let head = head(state).unwrap().unwrap();
        assert_eq!((head.serial, head.resources), (7, 2));
        assert_eq!(head.regions.into_iter().collect::<Vec<_>>(), ["eu-west-1"]);
        assert_eq!(super::head(" \n"), Ok(None));
        assert!(super::head("{}").is_err() && super::head("torn").is_err());
    }

    #[test]
    fn nothing_is_copied_over_what_is_newer_or_another() {
        let head = |lineage: &str, serial, resources| Head {
            lineage: lineage.into(),
            serial,
            resources,
            regions: BTreeSet::new(),
        };
        let (old, new, other) = (head("l", 3, 5), head("l", 4, 5), head("m", 9, 5));
        assert_eq!(relocation(None, None), Relocation::Switch);
        assert_eq!(relocation(Some(&old), None), Relocation::Copy);
        assert_eq!(relocation(Some(&new), Some(&old)), Relocation::Copy);
        assert_eq!(relocation(Some(&old), Some(&new)), Relocation::Switch);
        assert_eq!(relocation(Some(&old), Some(&other)), Relocation::Conflict);
        assert_eq!(
            relocation(Some(&old), Some(&head("m", 9, 0))),
            Relocation::Conflict,
            "Terraform would not take it either"
        );
        assert_eq!(
            relocation(Some(&head("l", 3, 0)), Some(&other)),
            Relocation::Switch,
            "nothing is lost with an empty one"
        );
    }

    #[test]
    fn an_object_is_found_by_its_whole_key() {
        let place = s3("states", "a/b.tfstate", "eu-west-1");
        assert_eq!(place.read_look("null"), Ok((false, false)));
        assert_eq!(place.read_look(""), Ok((false, false)));
        assert_eq!(place.read_look(r#"["a/b.tfstate.backup"]"#), Ok((false, false)));
        assert_eq!(place.read_look(r#"["a/b.tfstate", "a/b.tfstate.tflock"]"#), Ok((true, true)));
        assert!(place.read_look("{").is_err());
        assert!(
            place.is_same_place(&s3("states", "a/b.tfstate", "us-east-1")) && !place.is_same_place(&Backend::Local)
        );
    }
}
