//! A cluster with one decision taken otherwise: what changes in the files then is what the decision made.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::decision::Decision;
use super::{Arch, Base, BaseImage, CLUSTER_TAG, Cluster, Disk, Locale, Machine, Provider, Reader, Role, State, User};

/// Addresses that are nobody's (RFC 5737).
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// The same cluster with only this decision's value another one; `None` for a decision that is not at work by itself.
pub fn perturbed(cluster: &Cluster, decision: &Decision) -> Option<Cluster> {
    let mut c = cluster.clone();
    if let Some(fixed) = c.fixed.other(&decision.name) {
        c.fixed = fixed;
        return Some(c);
    }
    let (area, rest) = decision.name.split_once('.').unwrap_or((&decision.name, ""));
    match area {
        "failover" => match rest {
            "ttl" => c.failover.ttl += 1,
            "loop_wait" => c.failover.loop_wait += 1,
            "retry_timeout" => c.failover.retry_timeout += 1,
            _ => c.failover.synchronous ^= true,
        },
        "patroni" => c.primary_start_timeout += 1,
        "etcd" => match rest {
            "heartbeat_interval" => c.etcd.heartbeat += 1,
            "election_timeout" => c.etcd.election += 1,
            _ => c.machines.iter_mut().rfind(|m| m.etcd)?.etcd = false,
        },
        "haproxy" => haproxy(&mut c, rest)?,
        "kernel" => match rest {
            "overcommit_ratio" => c.kernel.overcommit_ratio = None,
            "dirty_background_bytes" => c.kernel.dirty_background_bytes += 1,
            _ => c.kernel.dirty_bytes += 1,
        },
        "huge_pages" => c.postgres.reserves_huge_pages ^= true,
        "region" => {
            c.region = "elsewhere".into();
            c.tags.insert(CLUSTER_TAG.into(), format!("{}/{}", c.name, c.region));
        }
        "tags" => c.tags.get_mut(rest)?.push('0'),
        "state" => state(&mut c.state, rest)?,
        // Much is there only because there is one.
        "kms_key_id" => c.kms_key_id = None,
        "image" => match rest {
            "base" => {
                let other = Base::ALL.into_iter().rfind(|base| *base != c.base.base)?;
                c.base = BaseImage::of(other);
            }
            "max_age_days" => c.image_max_age_days += 1,
            "builder_subnet_id" => c.builder_subnet_id.as_mut()?.push('0'),
            _ => c.builder_instance_type.as_mut()?.push('0'),
        },
        "slaves" if rest == "count" => {
            // One is left of several: what it alone makes does not follow from how many there are.
            let first = c.machine_of(Role::Slave)?.name.clone();
            let several = c.machines.iter().filter(|m| m.role == Role::Slave).count() > 1;
            c.machines.retain(|m| m.role != Role::Slave || (several && m.name == first));
        }
        "address" => c.machines.iter_mut().filter(|m| m.name == rest).for_each(|m| m.address = ELSEWHERE),
        "network" => network(&mut c, rest)?,
        "master" => c.machines.iter_mut().filter(|m| m.role == Role::Master).try_for_each(|m| machine(m, rest))?,
        "slaves" => c.machines.iter_mut().filter(|m| m.role == Role::Slave).try_for_each(|m| machine(m, rest))?,
        "postgres" => match rest {
            "version" => c.postgres.major += 1,
            "repository" => c.postgres.pgdg ^= true,
            "users" => {
                let known = std::mem::take(&mut c.postgres.users);
                let of = |user: &User, secret: &str| secret.ends_with(&format!("/user/{}", user.name));
                c.secrets.retain(|secret| !known.iter().any(|user| of(user, &secret.name)));
            }
            "databases" => c.postgres.databases.clear(),
            "locale" => c.postgres.locale = another(&c.postgres.locale),
            "logical_slots" => c.postgres.logical_slots.clear(),
            setting => c.postgres.settings.get_mut(setting)?.push('0'),
        },
        _ => return None,
    }
    Some(c)
}

fn another(locale: &Locale) -> Locale {
    let provider = if locale.provider == Provider::Libc { Provider::Icu } else { Provider::Libc };
    Locale { provider, name: format!("{}0", locale.name), encoding: format!("{}0", locale.encoding) }
}

fn state(state: &mut State, name: &str) -> Option<()> {
    let State::S3 { key_prefix, region, .. } = state else { return None };
    match name {
        "s3.bucket" => *state = State::Local,
        "s3.key_prefix" => key_prefix.push('0'),
        _ => region.push('0'),
    }
    Some(())
}

fn haproxy(c: &mut Cluster, name: &str) -> Option<()> {
    let limits = &mut c.haproxy.limits;
    let number = match name {
        "inter" => &mut c.haproxy.check.inter,
        "fastinter" => &mut c.haproxy.check.fastinter,
        "fall" => &mut c.haproxy.check.fall,
        "rise" => &mut c.haproxy.check.rise,
        "kept" => &mut limits.kept,
        "write.server.maxconn" => &mut limits.write,
        "read.server.maxconn" => &mut limits.read,
        "read_fallback.server.maxconn" => &mut limits.read_fallback,
        "write.maxconn" => &mut limits.write_frontend,
        "read.maxconn" => &mut limits.read_frontend,
        "admin.maxconn" => &mut limits.admin,
        "global.maxconn" => &mut limits.global,
        _ => {
            match name {
                "write_port" => c.haproxy.write_port ^= 1024,
                "read_port" => c.haproxy.read_port ^= 1024,
                "stats.port" => c.haproxy.stats.port ^= 1024,
                "stats.path" => c.haproxy.stats.path.push('0'),
                "stats.user" => {
                    c.haproxy.stats.user.push('0');
                    c.secrets.iter_mut().filter(|s| s.reader == Reader::Haproxy).for_each(|s| s.description.push('0'));
                }
                _ => {
                    return c
                        .machines
                        .iter_mut()
                        .filter(|m| m.role == Role::Haproxy)
                        .try_for_each(|m| machine(m, name));
                }
            }
            return Some(());
        }
    };
    *number += 1;
    Some(())
}

fn network(c: &mut Cluster, name: &str) -> Option<()> {
    let elsewhere = Ipv4Net::new_assert(ELSEWHERE, 24).trunc();
    match name {
        "vpc_id" => {
            c.network.vpc_id = None;
            c.network.makes_endpoint = true;
            c.network.subnets.iter_mut().for_each(|subnet| subnet.id = None);
        }
        "cidr" => c.network.cidr = elsewhere,
        "clients" => c.network.clients = vec![elsewhere.into()],
        "admins" => c.network.admins = vec![elsewhere.into()],
        _ => return zone(c, name, elsewhere),
    }
    Some(())
}

fn zone(c: &mut Cluster, name: &str, elsewhere: Ipv4Net) -> Option<()> {
    let (zone, block) = name.split_once('.').unwrap_or((name, ""));
    let subnet = c.network.subnets.iter_mut().find(|subnet| subnet.zone == zone)?;
    match block {
        "databases" => subnet.databases = elsewhere,
        "haproxy" => subnet.haproxy = elsewhere,
        "endpoint" => subnet.endpoint = ELSEWHERE,
        "id" => subnet.id.as_mut()?.push('0'),
        _ => {
            subnet.cidr = elsewhere;
            subnet.zone.push('0');
            c.machines.iter_mut().filter(|machine| machine.zone == zone).for_each(|machine| machine.zone.push('0'));
        }
    }
    Some(())
}

fn machine(machine: &mut Machine, name: &str) -> Option<()> {
    let Disk { size, iops, throughput } = &mut machine.disk;
    match name {
        "instance_type" => {
            machine.instance_type.push('0');
            machine.arch = if machine.arch == Arch::Arm { Arch::X86 } else { Arch::Arm };
        }
        "elastic_ip" => machine.elastic_ip ^= true,
        "key_name" => machine.key_name = machine.key_name.is_none().then(|| "0".into()),
        "disk.size" => *size += 1,
        "disk.iops" => *iops += 1,
        "disk.throughput" => *throughput += 1,
        _ => return None,
    }
    Some(())
}
