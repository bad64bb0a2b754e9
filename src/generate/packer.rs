//! Packer's templates in `packer_templates/`, one per role. Paths are relative to the cluster's folder, where Packer runs.
//!
//! They are legacy JSON with nothing that Packer 1.6 does not know, so they run on 1.6 and every later version. What only later
//! versions know is added when they run: by `tools::packer::require_tokens` and by deploy.sh.

use serde_json::{Map, Value, json};

use super::{ForMachines, ImageContent};
use crate::cluster::{Cluster, Machine, Role};
use crate::fileset::contents::{self, Contents};
use crate::fileset::{File, FileSet, ImageId, Mode, RelPath, sha256_hex};

/// Where uploads land: Packer's user can write there, and a reboot empties it.
const UPLOADS: &str = "/tmp/pgherd";
/// Hex digits of an image's hash: enough to tell a cluster's images apart for a lifetime, and short enough to read aloud.
const HASH_DIGITS: usize = 12;

/// Adds a template for each image. Returns the images' identities.
pub fn add(cluster: &Cluster, machines: &ForMachines, files: &mut FileSet) -> Vec<ImageId> {
    let mut images = Vec::with_capacity(machines.contents.len());
    for role in cluster.roles() {
        let content = machines.contents.iter().find(|content| content.role == role.name());
        if let (Some(content), Some(machine)) = (content, cluster.machine_of(role)) {
            images.push(add_image(cluster, role, machine, content, &machines.files, files));
        }
    }
    images
}

fn add_image(
    cluster: &Cluster,
    role: Role,
    machine: &Machine,
    content: &ImageContent,
    uploads: &FileSet,
    files: &mut FileSet,
) -> ImageId {
    let path = format!("packer_templates/{}_temp.json", role.name());
    let mut template = template(cluster, role, machine, content);
    let unnamed = sha256_hex(template.to_string().as_bytes());
    let hash = hash(&unnamed, content, uploads);
    let name = format!("{}-{}-{hash}", cluster.name, role.name());
    let contents = contents(&path, &unnamed, content, uploads);
    identify(&mut template, &name, &hash, &contents);
    files.add(&path, Mode::Plain, format!("{template:#}\n"));
    ImageId { role: role.name().into(), name, hash, template: RelPath::new(path), contents }
}

/// Returns the hashes of the template without the image's identity, and of every file that is uploaded.
fn contents(path: &str, unnamed: &str, content: &ImageContent, files: &FileSet) -> Contents {
    let short = |hash: &str| hash[..contents::DIGITS].to_string();
    let uploads = uploads(content).into_iter();
    let mut contents: Contents =
        uploads.filter_map(|path| Some((path.to_string(), short(&files.get(path)?.sha256)))).collect();
    contents.insert(path.into(), short(unnamed));
    contents
}

/// Returns the hash over everything that the image is made from: the template without its own name and hash, and every
/// file that is uploaded.
///
/// # Panics
/// If a file is not in the set, because it was not generated before the templates: a programming error.
fn hash(unnamed: &str, content: &ImageContent, files: &FileSet) -> String {
    // One line per part. No path contains a line break.
    let mut input = format!("{}\n{unnamed}\n", content.role);
    for path in uploads(content) {
        let Some(File { mode, sha256, .. }) = files.get(path) else {
            panic!("{path} goes into an image but is not generated")
        };
        input += &format!("{path} {:o} {sha256}\n", mode.bits());
    }
    sha256_hex(input.as_bytes())[..HASH_DIGITS].to_string()
}

/// Fills in what follows from an image's content, and so is not part of the hash.
fn identify(template: &mut Value, name: &str, hash: &str, contents: &Contents) {
    template["post-processors"][0]["custom_data"]["content"] = hash.into();
    let builder = &mut template["builders"][0];
    builder["ami_name"] = literal(name).into();
    for tags in ["tags", "snapshot_tags"] {
        builder[tags]["Name"] = literal(name).into();
    }
    for tags in ["tags", "snapshot_tags", "run_tags", "run_volume_tags"] {
        builder[tags]["pgherd:content"] = hash.into();
    }
    for (key, value) in contents::to_tags(contents) {
        builder["tags"][key] = value.into();
    }
}

/// Returns the script and its files, sorted, because their order must not change the hash.
fn uploads(content: &ImageContent) -> Vec<&str> {
    let mut all: Vec<&str> = content.files.iter().chain([&content.script]).map(String::as_str).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Returns the template without what [`identify`] fills in.
fn template(cluster: &Cluster, role: Role, machine: &Machine, content: &ImageContent) -> Value {
    let role_name = role.name();
    json!({
        "_what": format!("Image of the {role_name} of cluster {}. In the cluster's folder: packer build packer_templates/{role_name}_temp.json", literal(&cluster.name)),
        "_credentials": "Credentials come from where every AWS program looks: the environment (also the old AWS_ACCESS_KEY and AWS_SECRET_KEY), a profile or a role.",
        "_content": "The tag pgherd:content is a hash over this template and every file that it uploads. Terraform boots the image with that tag.",
        "variables": variables(cluster, machine),
        "builders": [builder(cluster, role, machine)],
        "provisioners": provisioners(content),
        "post-processors": [{
            "type": "manifest",
            "output": format!("manifest-{}.json", role.name()),
            "strip_path": true,
            "custom_data": { "cluster": literal(&cluster.name), "role": role.name(), "content": "" },
        }],
    })
}

/// Returns the variables that can be set with `-var`.
fn variables(cluster: &Cluster, machine: &Machine) -> Value {
    let sources: Vec<String> = cluster.network.builders().iter().map(|net| net.trunc().to_string()).collect();
    let instance_type = cluster.blueprint.image.builder_instance_type.as_deref().unwrap_or(machine.arch.builder());
    json!({
        "region": literal(&cluster.region),
        "instance_type": literal(instance_type),
        "vpc_id": "",
        "subnet_id": cluster.blueprint.image.builder_subnet_id.as_deref().map_or(String::new(), literal),
        "ssh_interface": "",
        "ssh_source_cidrs": sources.join(","),
        "endpoint": "{{env `AWS_ENDPOINT_URL`}}",
        "http_proxy": "",
    })
}

fn builder(cluster: &Cluster, role: Role, machine: &Machine) -> Value {
    let base = &cluster.base;
    let common = tags(cluster, role);
    let mut tags = common.clone();
    // What the image is made of. With these tags, a later build says which files differ, and whether the base is newer.
    tags.insert("pgherd:base".into(), "{{ .SourceAMI }} {{ .SourceAMIName }}".into());
    let mut run_tags = common.clone();
    run_tags.insert("Name".into(), literal(&format!("packer builder {}-{}", cluster.name, role.name())).into());
    json!({
        "type": "amazon-ebs",
        "region": "{{user `region`}}",
        "custom_endpoint_ec2": "{{user `endpoint`}}",
        "max_retries": cluster.fixed.image.retries,
        "vpc_id": "{{user `vpc_id`}}",
        "subnet_id": "{{user `subnet_id`}}",
        "temporary_security_group_source_cidrs": "{{user `ssh_source_cidrs`}}",
        "instance_type": "{{user `instance_type`}}",
        "source_ami_filter": {
            "owners": [cluster.image_owner()],
            "most_recent": true,
            "filters": {
                "name": base.name_filter(machine.arch),
                "architecture": machine.arch.name(),
                "root-device-type": "ebs",
                "virtualization-type": "hvm",
            },
        },
        // Encrypts the builder's disk: encrypt_boot would copy the finished image once more.
        "launch_block_device_mappings": [disk(cluster)],
        // Packer 1.6 ignores this and has AWS make an RSA key. Later versions get a key type that every server accepts.
        "temporary_key_pair_type": "ed25519",
        "ssh_username": base.ssh_user,
        "ssh_interface": "{{user `ssh_interface`}}",
        "ssh_clear_authorized_keys": true,
        "ami_name": "",
        // Only `packer build -force` replaces an existing image. It then deletes its snapshots, too.
        "force_delete_snapshot": true,
        "ami_description": literal(&format!("{} of PostgreSQL cluster {}, made by pgherd", role.name(), cluster.name)),
        "tags": tags,
        "snapshot_tags": common,
        "run_tags": run_tags,
        "run_volume_tags": run_tags,
    })
}

/// Returns the builder's disk, which becomes the image.
fn disk(cluster: &Cluster) -> Value {
    let image = &cluster.fixed.image;
    let mut disk = json!({
        "device_name": cluster.base.root_device,
        "volume_type": "gp3",
        "volume_size": image.disk_size,
        "iops": image.disk_iops,
        "throughput": image.disk_throughput,
        "encrypted": true,
        "delete_on_termination": true,
    });
    if let Some(key) = &cluster.blueprint.kms_key_id {
        disk["kms_key_id"] = literal(key).into();
    }
    disk
}

fn tags(cluster: &Cluster, role: Role) -> Map<String, Value> {
    let own = [("Name", ""), ("pgherd:role", role.name()), ("pgherd:content", "")];
    let theirs = cluster.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    theirs.chain(own).map(|(key, value)| (literal(key), literal(value).into())).collect()
}

fn provisioners(content: &ImageContent) -> Value {
    let base_name = content.script.rsplit('/').next().unwrap_or(&content.script);
    json!([
        {
            "type": "shell",
            "inline": [
                "# The base image's first boot holds apt's lock until it is done.",
                "if command -v cloud-init >/dev/null; then sudo cloud-init status --wait >/dev/null || true; fi",
                format!("mkdir -p {UPLOADS}"),
            ],
        },
        { "type": "file", "sources": uploads(content), "destination": format!("{UPLOADS}/") },
        {
            "type": "shell",
            "environment_vars": ["http_proxy={{user `http_proxy`}}", "https_proxy={{user `http_proxy`}}"],
            "inline": [
                format!("cd {UPLOADS}"),
                format!("sudo --preserve-env=http_proxy,https_proxy bash ./{base_name}"),
                format!("sudo rm -rf {UPLOADS}"),
            ],
        },
    ])
}

/// Escapes text for Packer, which reads every string as a Go template.
fn literal(text: &str) -> String {
    text.replace("{{", "{{`{{`}}")
}
