//! The addresses of a cluster's services, and who may use them.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::flows::{Party, flows};
use super::{Cluster, Machine, Scheme, Service};

/// A service on one host. [`Display`] writes its URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// What listens there.
    pub service: Service,
    /// How to speak to it.
    pub scheme: Scheme,
    /// An address, a host name, or a shell's variable such as `$address` in a script that learns its address at boot.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Who may use it from other machines. Every machine also reaches what listens on itself.
    pub users: Vec<Party>,
}

impl Endpoint {
    /// Returns `host:port`, as configuration files without URLs take it.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Returns the URL with a path that begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme.name(), self.authority())
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str(&self.url(""))
    }
}

impl Cluster {
    /// Returns a service on a host that is given as text: an address, a name, or a shell's variable.
    pub fn endpoint(&self, service: Service, host: impl Into<String>) -> Endpoint {
        let mut users: Vec<Party> = vec![];
        for flow in flows(self).iter().filter(|flow| flow.service == service) {
            if !users.contains(&flow.from) {
                users.push(flow.from);
            }
        }
        Endpoint { service, scheme: service.scheme(), host: host.into(), port: service.port(self), users }
    }

    /// Returns a service on a machine, by the machine's private address.
    pub fn endpoint_on(&self, service: Service, machine: &Machine) -> Endpoint {
        self.endpoint(service, machine.address.to_string())
    }

    /// Returns the one endpoint that leads clients to the primary: the write port of the first load balancer.
    pub fn write_endpoint(&self) -> Endpoint {
        self.endpoint_on(Service::Write, self.first_balancer())
    }

    /// Returns the one endpoint that is asked about the cluster's state: the admin port of the first load balancer.
    pub fn admin_endpoint(&self) -> Endpoint {
        self.endpoint_on(Service::Admin, self.first_balancer())
    }

    /// Returns what libpq's connection string has beside hosts, port, user and database.
    pub fn libpq_settings(&self) -> String {
        let client = &self.fixed.client;
        format!(
            "sslmode=require channel_binding=require connect_timeout={} tcp_user_timeout={} keepalives_idle={} keepalives_interval={}",
            client.connect_timeout, client.user_timeout, client.keepalive_idle, client.keepalive_interval
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::model::Blueprint;
    use crate::cluster::resolve;

    #[test]
    fn an_endpoint_knows_its_url_and_its_users() {
        let cluster = resolve(&Blueprint::smallest("herd", "eu-west-1"));
        let master = cluster.master();
        let patroni = cluster.endpoint_on(Service::Patroni, master);
        assert_eq!(patroni.to_string(), "http://10.20.0.16:8008");
        assert_eq!(patroni.url("/primary"), "http://10.20.0.16:8008/primary");
        assert_eq!(patroni.users, [Party::Haproxy, Party::Databases]);
        assert_eq!(cluster.endpoint(Service::EtcdPeer, "$address").to_string(), "http://$address:2380");
        assert_eq!(cluster.write_endpoint().authority(), "10.20.128.32:5000");
        assert_eq!(cluster.write_endpoint().users, [Party::Clients]);
    }

    /// Whoever adds a flow names its service, and the port follows.
    #[test]
    fn every_flow_has_the_port_of_its_service() {
        let mut blueprint = Blueprint::smallest("herd", "eu-west-1");
        blueprint.network.admins = vec!["10.0.0.0/8".parse::<ipnet::Ipv4Net>().expect("a range").into()];
        let cluster = resolve(&blueprint);
        for flow in flows(&cluster) {
            assert_eq!(flow.port, flow.service.port(&cluster), "{flow:?}");
            assert!(cluster.endpoint(flow.service, "").users.contains(&flow.from), "{flow:?}");
        }
    }
}
