//! Decisions that are the blueprint's own: it says so, or its default is what an expert would write.

use super::decision::Ledger;
use crate::blueprint::Peer;
use crate::blueprint::model::{Blueprint, Machine, State};

const TYPES: &str = "https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html";
const DESIGN: &str = "this cluster's design";

/// Notes what the files have from the blueprint as it is.
pub fn record(blueprint: &Blueprint, ledger: &mut Ledger) {
    let mut note = |name: &str, value: String, why: &'static str, source: &'static str| {
        ledger.add(name, value, vec![name.to_string()], why, source);
    };
    const VPC: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html";
    const HAPROXY: &str = "https://docs.haproxy.org/3.0/configuration.html#4-bind";
    const REGIONS: &str = "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html";
    note("region", blueprint.region.clone(), "where everything lives; the only attribute without a default", REGIONS);
    note(
        "slaves.count",
        blueprint.slave_count.to_string(),
        if blueprint.failover.synchronous {
            "with two, a failover leaves one for commits to wait for"
        } else {
            "with two, a failover leaves one"
        },
        DESIGN,
    );
    note(
        "image.base",
        blueprint.image.base.name().to_string(),
        "what every machine runs; Debian 13's own packages are new enough for all that is needed",
        "https://wiki.debian.org/Cloud/AmazonEC2Image",
    );
    if let Some(builder) = &blueprint.image.builder_instance_type {
        note("image.builder_instance_type", builder.clone(), "what Packer builds on", TYPES);
    }
    if let Some(subnet) = &blueprint.image.builder_subnet_id {
        const PACKER: &str =
            "https://developer.hashicorp.com/packer/integrations/hashicorp/amazon/latest/components/builder/ebs";
        note("image.builder_subnet_id", subnet.clone(), "where Packer builds", PACKER);
    }
    note(
        "image.max_age_days",
        format!("{} days", blueprint.image.max_age_days),
        "machines have no way out, so fixes reach them with a new image alone; a month is the pace at which distributions publish new base images, and common for a patch that is not urgent",
        DESIGN,
    );
    for (key, value) in &blueprint.tags {
        const TAGS: &str = "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html";
        note(&format!("tags.{key}"), value.clone(), "on everything that is made", TAGS);
    }
    if let State::S3 { bucket, key_prefix, region } = &blueprint.state {
        const S3: &str = "https://developer.hashicorp.com/terraform/language/backend/s3";
        for (name, value) in [("bucket", bucket), ("key_prefix", key_prefix), ("region", region)] {
            let why = "where Terraform's state is kept, with a lock, for more than one person";
            note(&format!("state.s3.{name}"), value.clone(), why, S3);
        }
    }
    if let Some(key) = &blueprint.kms_key_id {
        const KMS: &str = "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html";
        note("kms_key_id", key.clone(), "a key of the blueprint's own for disks, images and passwords", KMS);
    }
    if let Some(vpc) = &blueprint.network.existing {
        note("network.vpc_id", vpc.vpc_id.clone(), "the VPC exists already: nothing of it is changed or tagged", VPC);
    }
    note("network.cidr", blueprint.network.cidr.to_string(), "a private range that nothing else of yours uses", VPC);
    let listed = |peers: &[Peer]| peers.iter().map(Peer::to_string).collect::<Vec<_>>().join(", ");
    let own = [Peer::from(blueprint.network.cidr)];
    let clients = blueprint.network.clients.as_deref().unwrap_or(&own);
    const GROUPS: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html";
    note(
        "network.clients",
        listed(clients),
        "who may reach the write and read ports; by default the network's own",
        GROUPS,
    );
    if !blueprint.network.admins.is_empty() {
        note("network.admins", listed(&blueprint.network.admins), "who may reach SSH and the stats page", GROUPS);
    }
    let postgres = &blueprint.postgres;
    let databases: Vec<_> = postgres.databases.iter().map(|database| database.name.clone()).collect();
    const ROLES: &str = "https://www.postgresql.org/docs/current/sql-createrole.html";
    const DATABASES: &str = "https://www.postgresql.org/docs/current/sql-createdatabase.html";
    note(
        "postgres.users",
        listed_or_dash(&postgres.users.iter().map(|user| user.name.clone()).collect::<Vec<_>>()),
        "who may log in, each to the databases that it owns and to those that its block names; each has a password of its own in \
         Secrets Manager. What a guest may do holds for tables that the owner makes later, too (ALTER DEFAULT PRIVILEGES): \
         pg_read_all_data would read the tables of everybody else as well, and PostgreSQL 13 has no such role",
        ROLES,
    );
    note(
        "postgres.databases",
        listed_or_dash(&databases),
        "made when the cluster is founded, each with its owner",
        DATABASES,
    );
    let haproxy = &blueprint.haproxy;
    note("haproxy.write_port", haproxy.write_port.to_string(), "always leads to the primary", HAPROXY);
    note("haproxy.read_port", haproxy.read_port.to_string(), "leads to the standbys", HAPROXY);
    note("haproxy.stats.port", haproxy.stats.port.to_string(), "stats page, metrics, health", HAPROXY);
    const STATS: &str = "https://docs.haproxy.org/3.0/configuration.html#4-stats%20uri";
    note("haproxy.stats.path", haproxy.stats.path.clone(), "where the seed had it", STATS);
    note(
        "haproxy.stats.user",
        haproxy.stats.user.clone(),
        "as the seed had it; the password is made by Terraform",
        STATS,
    );
    let mut kinds = vec![("master", &blueprint.master), ("haproxy", &haproxy.machine)];
    if blueprint.slave_count > 0 {
        kinds.push(("slaves", &blueprint.slaves));
    }
    for (block, machine) in kinds {
        record_machine(block, machine, &mut note);
    }
}

fn listed_or_dash(names: &[String]) -> String {
    if names.is_empty() { "-".into() } else { names.join(", ") }
}

fn record_machine(block: &str, machine: &Machine, note: &mut impl FnMut(&str, String, &'static str, &'static str)) {
    const GP3: &str = "https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html";
    let kind = match block {
        "haproxy" => "it only passes bytes on: two processors are enough for thousands of connections",
        _ => "memory pays first: a working set that fits into it reads nothing from disk",
    };
    note(&format!("{block}.instance_type"), machine.instance_type.clone(), kind, TYPES);
    if machine.elastic_ip {
        const EIP: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-eips.html";
        let why = "a public address that stays, to reach the machine from outside; replication never uses it";
        note(&format!("{block}.elastic_ip"), "yes".into(), why, EIP);
    }
    const KEYS: &str = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-key-pairs.html";
    let (key, why) = match &machine.key_name {
        Some(key) => (key.clone(), "whose SSH key is let in"),
        None => ("-".into(), "nobody is let in by SSH; a key that is named later replaces the machine"),
    };
    note(&format!("{block}.key_name"), key, why, KEYS);
    let disk = machine.disk;
    let baseline = "3000 operations and 125 MiB a second cost nothing with gp3";
    note(&format!("{block}.disk.size"), format!("{} GiB", disk.size), "room for data and for WAL that is kept", GP3);
    note(&format!("{block}.disk.iops"), format!("{} a second", disk.iops), baseline, GP3);
    note(&format!("{block}.disk.throughput"), format!("{} MiB/s", disk.throughput), baseline, GP3);
}
