//! Decisions that the blueprint takes itself, by an attribute or by that attribute's default.

use super::decision::{ELSEWHERE, Ledger, elsewhere};
use super::{Arch, Base, BaseImage, CLUSTER_TAG, Cluster, Machine, Module, Nlb, Party, Role};
use crate::blueprint::Peer;
use crate::blueprint::model::{self, Blueprint, MachineBlock, State};

const TYPES: &str = "https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html";
const DESIGN: &str = "this cluster's design";

/// Records every value that the generated files take from the blueprint unchanged.
pub fn record(blueprint: &Blueprint, ledger: &mut Ledger) {
    const REGIONS: &str = "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html";
    const WHERE: &str = "Everything lives in this region. It is the only attribute without a default.";
    ledger.attribute("region", &*blueprint.region, WHERE, REGIONS, |c| {
        c.region = "elsewhere".into();
        c.tags.insert(CLUSTER_TAG.into(), format!("{}/{}", c.name, c.region));
    });
    let why = match blueprint.failover.synchronous.is_on() {
        true => "With two slaves, a failover leaves one standby for commits to wait for.",
        false => "With two slaves, a failover leaves one standby.",
    };
    ledger.attribute("slaves.count", blueprint.slave_count.to_string(), why, DESIGN, |c| {
        // Of several, one stays: what a single slave needs does not follow from how many there are.
        let first = c.slaves().next().map(|m| m.name.clone()).filter(|_| c.slaves().count() > 1);
        c.machines.retain(|m| m.role != Role::Slave || Some(&m.name) == first.as_ref());
    });
    record_image(&blueprint.image, ledger);
    for (key, value) in &blueprint.tags {
        const TAGS: &str = "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html";
        let tag = key.clone();
        ledger.attribute(
            &format!("tags.{key}"),
            value,
            "Everything that pgherd creates carries this tag.",
            TAGS,
            move |c| {
                c.tags.entry(tag.clone()).and_modify(|value| value.push('0'));
            },
        );
    }
    record_state(&blueprint.state, ledger);
    if let Some(key) = &blueprint.kms_key_id {
        const KMS: &str = "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html";
        const WHY: &str = "This key encrypts disks, images and passwords, instead of AWS's own keys.";
        // Several lines exist only because there is a key.
        ledger.attribute("kms_key_id", key, WHY, KMS, |c| c.blueprint_mut().kms_key_id = None);
    }
    record_network(&blueprint.network, ledger);
    record_postgres(&blueprint.postgres, ledger);
    record_haproxy(&blueprint.haproxy, ledger);
    record_machine(Role::Master, &blueprint.master, ledger);
    record_machine(Role::Haproxy, &blueprint.haproxy.machine, ledger);
    if blueprint.slave_count > 0 {
        record_machine(Role::Slave, &blueprint.slaves, ledger);
    }
}

fn record_image(image: &model::Image, ledger: &mut Ledger) {
    const BASES: &str = "https://wiki.debian.org/Cloud/AmazonEC2Image";
    const BASE: &str =
        "Every machine runs this base. Debian 13's own packages are new enough for all that a cluster needs.";
    ledger.attribute("image.base", image.base.name(), BASE, BASES, |c| {
        let other = Base::ALL.into_iter().rfind(|base| *base != c.base.base);
        let other = other.unwrap_or(c.base.base);
        c.base = BaseImage::of(other);
        c.blueprint_mut().image.base = other;
    });
    if let Some(builder) = &image.builder_instance_type {
        const WHY: &str = "Packer builds images on a machine of this type.";
        ledger.attribute("image.builder_instance_type", builder, WHY, TYPES, |c| {
            c.blueprint_mut().image.builder_instance_type.as_mut().into_iter().for_each(|kind| kind.push('0'));
        });
    }
    if let Some(subnet) = &image.builder_subnet_id {
        const PACKER: &str =
            "https://developer.hashicorp.com/packer/integrations/hashicorp/amazon/latest/components/builder/ebs";
        ledger.attribute("image.builder_subnet_id", subnet, "Packer builds images in this subnet.", PACKER, |c| {
            c.blueprint_mut().image.builder_subnet_id.as_mut().into_iter().for_each(|subnet| subnet.push('0'));
        });
    }
    const AGE: &str = "Machines cannot reach the internet, so fixes reach them only with a new image. Distributions publish new base \
                       images about once a month, which is also a common deadline for patches that are not urgent.";
    let age = format!("{} days", image.max_age_days);
    ledger.attribute("image.max_age_days", age, AGE, DESIGN, |c| c.blueprint_mut().image.max_age_days += 1);
}

fn record_state(state: &State, ledger: &mut Ledger) {
    const S3: &str = "https://developer.hashicorp.com/terraform/language/backend/s3";
    const WHY: &str =
        "Terraform keeps its state in this bucket, with a lock, so that several people can work on the cluster.";
    let State::S3 { bucket, key_prefix, region } = state else { return };
    ledger.attribute("state.s3.bucket", bucket, WHY, S3, |c| c.blueprint_mut().state = State::Local);
    ledger.attribute("state.s3.key_prefix", key_prefix, WHY, S3, |c| {
        if let State::S3 { key_prefix, .. } = &mut c.blueprint_mut().state {
            key_prefix.push('0');
        }
    });
    ledger.attribute("state.s3.region", region, WHY, S3, |c| {
        if let State::S3 { region, .. } = &mut c.blueprint_mut().state {
            region.push('0');
        }
    });
}

fn record_network(network: &model::NetworkBlock, ledger: &mut Ledger) {
    const VPC: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html";
    const GROUPS: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html";
    if let Some(vpc) = &network.existing {
        const WHY: &str = "The VPC exists already. It is neither changed nor tagged.";
        ledger.attribute("network.vpc_id", &*vpc.vpc_id, WHY, VPC, |c| {
            c.network.vpc_id = None;
            c.network.makes_endpoint = true;
            c.network.subnets.iter_mut().for_each(|subnet| subnet.id = None);
        });
    }
    const CIDR: &str = "Choose a private range that none of your other networks uses.";
    ledger.attribute("network.cidr", network.cidr.to_string(), CIDR, VPC, |c| c.network.cidr = elsewhere());
    let listed = |peers: &[Peer]| peers.iter().map(Peer::to_string).collect::<Vec<_>>().join(", ");
    let own = [Peer::from(network.cidr)];
    let clients = network.clients.as_deref().unwrap_or(&own);
    const CLIENTS: &str =
        "These addresses may reach the write and read ports. By default, those of the network itself may.";
    ledger.attribute("network.clients", listed(clients), CLIENTS, GROUPS, |c| {
        c.network.clients = vec![elsewhere().into()];
    });
    if !network.admins.is_empty() {
        const ADMINS: &str = "These addresses may reach SSH and the stats page.";
        ledger.attribute("network.admins", listed(&network.admins), ADMINS, GROUPS, |c| {
            c.network.admins = vec![elsewhere().into()];
        });
    }
}

fn record_postgres(postgres: &model::PostgresBlock, ledger: &mut Ledger) {
    const ROLES: &str = "https://www.postgresql.org/docs/current/sql-createrole.html";
    const DATABASES: &str = "https://www.postgresql.org/docs/current/sql-createdatabase.html";
    let users: Vec<String> = postgres.users.iter().map(|user| user.name.clone()).collect();
    let databases: Vec<String> = postgres.databases.iter().map(|database| database.name.clone()).collect();
    ledger.attribute(
        "postgres.users",
        listed_or_dash(&users),
        "These users may log in to the databases that they own and to those that their blocks list. Each has its own password in \
         Secrets Manager. Privileges in a database also apply to tables that its owner creates later (ALTER DEFAULT PRIVILEGES). \
         pg_read_all_data would let a user read everybody else's tables as well, and PostgreSQL 13 does not have it.",
        ROLES,
        |c| {
            let users = std::mem::take(&mut c.postgres.users);
            c.secrets.retain(|secret| !users.iter().any(|user| secret.name.ends_with(&format!("/user/{}", user.name))));
        },
    );
    ledger.attribute(
        "postgres.databases",
        listed_or_dash(&databases),
        "Each database is created with its owner when the cluster is initialised.",
        DATABASES,
        |c| c.postgres.databases.clear(),
    );
}

fn record_haproxy(haproxy: &model::HaproxyBlock, ledger: &mut Ledger) {
    let why = match haproxy.count {
        1 => "There is one way in. Clients wait until it is back when its machine is lost.",
        _ => "They are in different zones, and clients that know both go on with the other when one is lost.",
    };
    ledger.attribute("haproxy.count", haproxy.count.to_string(), why, DESIGN, |c| {
        let first = c.first_balancer().name.clone();
        if c.balancers().count() > 1 {
            c.machines.retain(|m| m.role != Role::Haproxy || m.name == first);
        } else {
            let second = Machine { name: format!("{first}2"), ..c.first_balancer().clone() };
            c.machines.push(Machine { address: ELSEWHERE, ..second });
        }
    });
    const BIND: &str = "https://docs.haproxy.org/3.0/configuration.html#4-bind";
    const STATS: &str = "https://docs.haproxy.org/3.0/configuration.html#4-stats%20uri";
    let mut port = |name: &str, port: u16, why, change: fn(&mut Cluster) -> &mut u16| {
        ledger.attribute(name, port.to_string(), why, BIND, move |c| *change(c) ^= 1024);
    };
    port("haproxy.write_port", haproxy.write_port, "This port always leads to the primary.", |c| {
        &mut c.haproxy.write_port
    });
    port("haproxy.read_port", haproxy.read_port, "This port leads to the standbys.", |c| &mut c.haproxy.read_port);
    const ADMIN: &str = "This port serves the stats page, metrics and health checks.";
    port("haproxy.stats.port", haproxy.stats.port, ADMIN, |c| &mut c.haproxy.stats.port);
    let (serves, why) = match haproxy.primary_serves_reads {
        true => (
            "true",
            "The primary is among the servers of the read port: more capacity for reads, at the cost of writes.",
        ),
        false => ("false", "The primary serves only writes, as long as there is a standby for reads."),
    };
    ledger.attribute("haproxy.primary_serves_reads", serves, why, BIND, |c| c.haproxy.primary_serves_reads ^= true);
    const BALANCER: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/introduction.html";
    let why = match haproxy.nlb {
        Nlb::Off => {
            "Clients connect to HAProxy itself. A network load balancer would give them one name, for an hourly price."
        }
        Nlb::Internal => "Clients in the VPC, and in networks connected to it, have one name for every HAProxy.",
        Nlb::Public => "Clients on the internet have one name for every HAProxy. Only network.clients are admitted.",
    };
    ledger.attribute("haproxy.nlb", haproxy.nlb.name(), why, BALANCER, |c| {
        let nlb = &mut c.blueprint_mut().haproxy.nlb;
        *nlb = if *nlb == Nlb::Off { Nlb::Internal } else { Nlb::Off };
    });
    const PATH: &str = "The project's first scripts served the stats page here.";
    ledger.attribute("haproxy.stats.path", &*haproxy.stats.path, PATH, STATS, |c| c.haproxy.stats.path.push('0'));
    const USER: &str = "The project's first scripts used this name. Terraform generates the password.";
    ledger.attribute("haproxy.stats.user", &*haproxy.stats.user, USER, STATS, |c| {
        c.haproxy.stats.user.push('0');
        let of_haproxy = c.secrets.iter_mut().filter(|secret| secret.readers.contains(&Party::Haproxy));
        of_haproxy.for_each(|secret| secret.description.push('0'));
    });
}

fn listed_or_dash(names: &[String]) -> String {
    if names.is_empty() { "-".into() } else { names.join(", ") }
}

/// Records what the machines of a role are made of.
fn record_machine(role: Role, machine: &MachineBlock, ledger: &mut Ledger) {
    const EIP: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-eips.html";
    const KEYS: &str = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-key-pairs.html";
    const GP3: &str = "https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html";
    let block = Module::of(role).block();
    // What follows from an instance type changes with it.
    let other = |arch| if arch == Arch::Arm { Arch::X86 } else { Arch::Arm };
    let mut note = |name: &str, value: String, why, source, change: fn(&mut MachineBlock)| {
        ledger.attribute(&format!("{block}.{name}"), value, why, source, move |c| {
            change(block_of(c.blueprint_mut(), role));
            for m in c.machines.iter_mut().filter(|m| m.role == role) {
                let before = m.block.instance_type.clone();
                change(&mut m.block);
                m.arch = if m.block.instance_type == before { m.arch } else { other(m.arch) };
            }
        });
    };
    let (kind, size) = match role {
        Role::Haproxy => (
            "HAProxy only forwards bytes. Two processors are enough for thousands of connections.",
            "The disk holds the system and its logs.",
        ),
        Role::Master | Role::Slave => (
            "Memory matters most. A working set that fits into memory needs no reads from disk.",
            "The disk holds the data, and the WAL that is kept for standbys.",
        ),
    };
    note("instance_type", machine.instance_type.clone(), kind, TYPES, |m| m.instance_type.push('0'));
    if machine.elastic_ip {
        const WHY: &str = "The machine has a fixed public address for access from outside. Replication never uses it.";
        note("elastic_ip", "yes".into(), WHY, EIP, |m| m.elastic_ip ^= true);
    }
    let (key, why) = match &machine.key_name {
        Some(key) => (key.clone(), "The holder of this key pair may log in by SSH."),
        None => ("-".into(), "Nobody can log in by SSH. A key pair that is added later replaces the machine."),
    };
    note("key_name", key, why, KEYS, |m| m.key_name = m.key_name.is_none().then(|| "0".into()));
    let disk = machine.disk;
    const INCLUDED: &str = "gp3 includes 3000 operations and 125 MiB per second at no extra cost.";
    note("disk.size", format!("{} GiB", disk.size), size, GP3, |m| m.disk.size += 1);
    note("disk.iops", format!("{} IOPS", disk.iops), INCLUDED, GP3, |m| m.disk.iops += 1);
    note("disk.throughput", format!("{} MiB/s", disk.throughput), INCLUDED, GP3, |m| m.disk.throughput += 1);
}

/// Returns the block that the machines of a role are made from.
fn block_of(blueprint: &mut Blueprint, role: Role) -> &mut MachineBlock {
    match role {
        Role::Master => &mut blueprint.master,
        Role::Slave => &mut blueprint.slaves,
        Role::Haproxy => &mut blueprint.haproxy.machine,
    }
}
