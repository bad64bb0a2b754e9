//! `state { … }`

use super::{Reader, Refusal, aws, names, refuse};
use crate::blueprint::model::State;
use crate::blueprint::rules::language as is;

pub fn read(r: &Reader, region: &str) -> State {
    r.block("s3", |r| {
        if !r.is_present() {
            return State::Local;
        }
        State::S3 {
            bucket: r.required("bucket", "my-terraform-state", aws::bucket).value,
            key_prefix: r.parsed("key_prefix", "pgherd".to_string(), key_prefix).value,
            region: r.parsed("region", region.to_string(), aws::region).value,
        }
    })
}

fn key_prefix(text: &str) -> Result<String, Refusal> {
    if text.starts_with('/') || text.ends_with('/') || text.contains("//") {
        return refuse(
            &is::BUCKET,
            format!("`{text}` would make empty folders"),
            format!("write \"{}\"", text.trim_matches('/').replace("//", "/")),
        );
    }
    names::plain("prefix of an S3 key", text, "/._-=", 512)
}
