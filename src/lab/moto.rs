//! moto, the lab's AWS API.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::images::BootImage;
use super::network::{LAB_ADDRESS, NAMESPACE};
use super::tool::HostTools;
use super::{daemons, paths};
use crate::system::{files, network};

/// Corrections where moto differs from AWS: Python's `sitecustomize` and the modules that it imports. One of them judges requests
/// by IAM policies.
const FIXES: &[(&str, &str)] = &[
    ("sitecustomize.py", include_str!("moto/sitecustomize.py")),
    ("doors.py", include_str!("moto/doors.py")),
    ("balancers.py", include_str!("moto/balancers.py")),
    ("endpoints.py", include_str!("moto/endpoints.py")),
    ("judge.py", include_str!("moto/judge.py")),
    ("metadata.py", include_str!("moto/metadata.py")),
    ("groups.py", include_str!("moto/groups.py")),
    ("limits.py", include_str!("moto/limits.py")),
    ("turns.py", include_str!("moto/turns.py")),
    ("volumes.py", include_str!("moto/volumes.py")),
];

/// Starts moto with the images that exist.
pub fn start(tools: HostTools<'_>, images: &[BootImage]) -> Result<()> {
    let amis = paths::state().join("amis.json");
    files::write(&amis, serde_json::to_string_pretty(&images.iter().map(ami).collect::<Vec<_>>())?.as_bytes())?;
    // On all addresses of its namespace: machines find it where EC2 serves metadata, the host at the link's end.
    let argv = ["ip", "netns", "exec", NAMESPACE, "moto_server", "-H", "0.0.0.0", "-p", "80"].map(str::to_string);
    let mut env: BTreeMap<String, String> = tools.context.env.clone();
    env.retain(|name, _| !name.starts_with("AWS_") && !name.starts_with("MOTO_"));
    env.insert("MOTO_AMIS_PATH".to_string(), amis.display().to_string());
    let fixes = paths::state().join("moto");
    files::make_dirs(&fixes)?;
    for (name, text) in FIXES {
        files::write(&fixes.join(name), text.as_bytes())?;
    }
    env.insert("PYTHONPATH".to_string(), fixes.display().to_string());
    env.insert("PGHERD_LAB_CALLS".to_string(), paths::calls().display().to_string());
    env.insert("PGHERD_LAB_CERTIFICATE".to_string(), paths::certificate().display().to_string());
    env.insert("PGHERD_LAB_DOORS".to_string(), "0.0.0.0:443".to_string());
    daemons::start(daemons::MOTO, &argv, &env)?;
    daemons::await_ready(daemons::MOTO, Duration::from_secs(60), || {
        let page = format!("http://{LAB_ADDRESS}/latest/meta-data/");
        network::http_get(&page, Duration::from_secs(5)).is_ok_and(|answer| answer.status == 200)
    })
}

/// Returns an entry of the file in `MOTO_AMIS_PATH` (<https://docs.getmoto.org/en/latest/docs/services/ec2.html>).
fn ami(image: &BootImage) -> serde_json::Value {
    json!({
        "ami_id": image.id,
        "name": image.name,
        "description": image.description,
        // Without an owner moto takes its own account.
        "owner_id": image.owner,
        "public": image.owner.is_some(),
        "architecture": image.architecture,
        "virtualization_type": "hvm",
        "hypervisor": "xen",
        "root_device_type": "ebs",
        "root_device_name": "/dev/xvda",
        "image_location": format!("amazon/{}", image.name),
        "tags": image.tags,
    })
}
