//! `state { … }`

use super::{BlockReader, Refusal, aws, names, refuse};
use crate::blueprint::Partition;
use crate::blueprint::model::State;
use crate::blueprint::rules::language as is;

pub fn read(r: &BlockReader, region: &str) -> State {
    r.block("s3", |r| {
        if !r.is_present() {
            return State::Local;
        }
        State::S3 {
            bucket: r.required("bucket", "my-terraform-state", aws::bucket).value,
            key_prefix: r.parsed("key_prefix", "pgherd".to_string(), key_prefix).value,
            region: r.parsed("region", region.to_string(), |text| of_partition(text, region)).value,
        }
    })
}

/// The bucket's region. The cluster's credentials are those of its partition and open no bucket of another one.
fn of_partition(text: &str, cluster: &str) -> Result<String, Refusal> {
    let region = aws::region(text)?;
    let partition = |region: &str| Partition::of(region).map_or("one of its own", Partition::name);
    let (theirs, own) = (partition(&region), partition(cluster));
    if theirs != own {
        let problem = format!("the bucket is in partition {theirs}, and the cluster in {own}, which share no accounts");
        return refuse(&is::BUCKET, problem, format!("name a bucket of partition {own}, such as one in {cluster}"));
    }
    Ok(region)
}

fn key_prefix(text: &str) -> Result<String, Refusal> {
    let is_name = |segment: &&str| !["", ".", ".."].contains(segment);
    if !text.is_empty() && !text.split('/').all(|segment| is_name(&segment)) {
        let names: Vec<&str> = text.split('/').filter(is_name).collect();
        let meant = if names.is_empty() { "pgherd".to_string() } else { names.join("/") };
        let problem =
            format!("a folder of `{text}` is empty or a dot: S3 takes it for a name, and other programs for a way");
        return refuse(&is::BUCKET, problem, format!("write \"{meant}\""));
    }
    names::plain("prefix of an S3 key", text, "/._-=", 512)
}
