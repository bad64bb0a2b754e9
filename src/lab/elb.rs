//! Asks moto about network load balancers.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::{Context as _, Result, ensure};
use roxmltree::{Document, Node};

use super::api::{self, child, items, text_of};

/// A network load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkLoadBalancer {
    /// The end of its ARN: `net/NAME/ID`.
    pub id: String,
    /// The name that clients connect to.
    pub dns_name: String,
    /// Its listeners.
    pub listeners: Vec<BalancedPort>,
}

/// A port of a load balancer, with the target group that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancedPort {
    /// The port.
    pub port: u16,
    /// How the targets are checked.
    pub check: TargetCheck,
    /// The targets.
    pub targets: Vec<SocketAddrV4>,
}

/// A check by HTTP. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetCheck {
    /// The port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// Time between two checks.
    pub interval: u32,
    /// Time to wait for a response.
    pub timeout: u32,
    /// Number of good checks after which a target is healthy.
    pub healthy: u32,
    /// Number of failed checks after which a target is unhealthy.
    pub unhealthy: u32,
}

/// Returns the network load balancers of a region.
///
/// # Errors
/// If the API is unreachable, or one is made in a way that the lab does not play: it knows TCP listeners, and target groups of addresses
/// that are checked by HTTP.
pub fn balancers(region: &str) -> Result<Vec<NetworkLoadBalancer>> {
    let text = ask(region, "DescribeLoadBalancers", "")?;
    let document = Document::parse(&text)?;
    let all = items(document.descendants().find(|node| node.tag_name().name() == "LoadBalancers"));
    let network = all.into_iter().filter(|node| text_of(*node, "Type").as_deref() == Some("network"));
    network
        .map(|node| {
            let arn = field(node, "LoadBalancerArn")?;
            let id = arn.split_once(":loadbalancer/").context("an ARN of a load balancer")?.1.to_string();
            let listeners = listeners(region, &arn).with_context(|| id.clone())?;
            Ok(NetworkLoadBalancer { id, dns_name: field(node, "DNSName")?, listeners })
        })
        .collect()
}

fn listeners(region: &str, balancer: &str) -> Result<Vec<BalancedPort>> {
    let text = ask(region, "DescribeListeners", &format!("&LoadBalancerArn={balancer}"))?;
    let document = Document::parse(&text)?;
    let all = items(document.descendants().find(|node| node.tag_name().name() == "Listeners"));
    all.into_iter()
        .map(|node| {
            ensure!(field(node, "Protocol")? == "TCP", "the lab knows only TCP listeners");
            let actions = items(child(node, "DefaultActions"));
            let group = field(*actions.first().context("a listener without an action")?, "TargetGroupArn")?;
            let text = ask(region, "DescribeTargetGroups", &format!("&TargetGroupArns.member.1={group}"))?;
            let check = read_check(&text)?;
            let text = ask(region, "DescribeTargetHealth", &format!("&TargetGroupArn={group}"))?;
            Ok(BalancedPort { port: field(node, "Port")?.parse()?, check, targets: read_targets(&text)? })
        })
        .collect()
}

fn read_check(text: &str) -> Result<TargetCheck> {
    let document = Document::parse(text)?;
    let groups = items(document.descendants().find(|node| node.tag_name().name() == "TargetGroups"));
    let node = *groups.first().context("a listener without a target group")?;
    ensure!(field(node, "HealthCheckProtocol")? == "HTTP", "the lab knows only checks by HTTP");
    ensure!(field(node, "TargetType")? == "ip", "the lab knows only target groups of addresses");
    Ok(TargetCheck {
        port: field(node, "HealthCheckPort")?.parse().context("a check needs a port of its own")?,
        path: field(node, "HealthCheckPath")?,
        interval: field(node, "HealthCheckIntervalSeconds")?.parse()?,
        timeout: field(node, "HealthCheckTimeoutSeconds")?.parse()?,
        healthy: field(node, "HealthyThresholdCount")?.parse()?,
        unhealthy: field(node, "UnhealthyThresholdCount")?.parse()?,
    })
}

fn read_targets(text: &str) -> Result<Vec<SocketAddrV4>> {
    let document = Document::parse(text)?;
    let targets = document.descendants().filter(|node| node.tag_name().name() == "Target");
    let mut targets = targets
        .map(|node| Ok(SocketAddrV4::new(field(node, "Id")?.parse::<Ipv4Addr>()?, field(node, "Port")?.parse()?)))
        .collect::<Result<Vec<_>>>()?;
    targets.sort_unstable();
    Ok(targets)
}

fn field(node: Node<'_, '_>, name: &str) -> Result<String> {
    text_of(node, name).with_context(|| format!("{} without {name}", node.tag_name().name()))
}

fn ask(region: &str, action: &str, parameters: &str) -> Result<String> {
    api::ask(("elasticloadbalancing", "2015-12-01"), region, action, parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_their_check_are_read() {
        let target = |id: &str| format!("<member><Target><Id>{id}</Id><Port>5000</Port></Target></member>");
        let text = format!(
            "<R><TargetHealthDescriptions>{}{}</TargetHealthDescriptions></R>",
            target("10.20.64.32"),
            target("10.20.0.32")
        );
        let targets = read_targets(&text).unwrap();
        assert_eq!(targets, ["10.20.0.32:5000", "10.20.64.32:5000"].map(|text| text.parse().unwrap()));
        let group = |protocol: &str| {
            format!(
                "<R><TargetGroups><member><HealthCheckProtocol>{protocol}</HealthCheckProtocol><HealthCheckPort>7000</HealthCheckPort>\
                 <HealthCheckPath>/health</HealthCheckPath><HealthCheckIntervalSeconds>5</HealthCheckIntervalSeconds>\
                 <HealthCheckTimeoutSeconds>2</HealthCheckTimeoutSeconds><HealthyThresholdCount>3</HealthyThresholdCount>\
                 <UnhealthyThresholdCount>2</UnhealthyThresholdCount><TargetType>ip</TargetType></member></TargetGroups></R>"
            )
        };
        let path = "/health".to_string();
        let check = TargetCheck { port: 7000, path, interval: 5, timeout: 2, healthy: 3, unhealthy: 2 };
        assert_eq!(read_check(&group("HTTP")).unwrap(), check);
        assert!(read_check(&group("TCP")).is_err());
    }
}
