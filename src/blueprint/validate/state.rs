//! Reads the `state { … }` block.

use serde::Serialize;

use super::{BlockReader, Refusal, aws, doc, is, names, refuse};
use crate::blueprint::Partition;

/// The `state { … }` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A `terraform.tfstate` beside each module.
    Local,
    /// An S3 backend with its own lock file.
    S3 {
        /// The name of an existing bucket.
        bucket: String,
        /// The prefix of the keys.
        key_prefix: String,
        /// The bucket's region.
        region: String,
    },
}

/// Reads the block.
pub(super) fn read(r: &BlockReader, region: &str) -> State {
    let s3 = doc("s3", "Keeps the state in S3, with a lock. Needed as soon as more than one person runs Terraform.");
    r.block(s3, |r| {
        if !r.is_present() {
            return State::Local;
        }
        let bucket = doc("bucket", "A bucket that exists already, in the cluster's partition.");
        let key_prefix = doc(
            "key_prefix",
            "What the keys begin with. A module's key is `<key_prefix>/<cluster>/<region>/<module>.tfstate`.",
        );
        let bucket_region = doc("region", "The bucket's region.").by_default("the cluster's");
        State::S3 {
            bucket: r.required(bucket, "my-terraform-state", aws::bucket).value,
            key_prefix: r.parsed(key_prefix, "pgherd".to_string(), key_prefix_text).value,
            region: r.parsed(bucket_region, region.to_string(), |text| of_partition(text, region)).value,
        }
    })
}

/// Checks that the bucket's region is in the cluster's partition. The cluster's credentials are not valid in another partition.
fn of_partition(text: &str, cluster: &str) -> Result<String, Refusal> {
    let region = aws::region(text)?;
    let partition = |region: &str| Partition::of(region).map_or("one of its own", Partition::name);
    let (theirs, own) = (partition(&region), partition(cluster));
    if theirs != own {
        let problem = format!(
            "the bucket is in partition {theirs}, but the cluster is in {own}; partitions do not share accounts"
        );
        return refuse(&is::BUCKET, problem, format!("use a bucket in partition {own}, such as one in {cluster}"));
    }
    Ok(region)
}

fn key_prefix_text(text: &str) -> Result<String, Refusal> {
    let is_name = |segment: &&str| !["", ".", ".."].contains(segment);
    if !text.is_empty() && !text.split('/').all(|segment| is_name(&segment)) {
        let names: Vec<&str> = text.split('/').filter(is_name).collect();
        let meant = if names.is_empty() { "pgherd".to_string() } else { names.join("/") };
        let problem =
            format!("`{text}` contains an empty, `.` or `..` segment, which not every program reads as a name");
        return refuse(&is::BUCKET, problem, format!("write \"{meant}\""));
    }
    names::plain("prefix of an S3 key", text, "/._-=", 512)
}
