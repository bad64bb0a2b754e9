//! The lab's network load balancer behaves like AWS's: it follows the API, and sends connections to healthy targets only.

use std::time::{Duration, Instant};

use crate::lab::{Lab, text, within};

/// Two checks, each 5 s after the one before, and each 2 s without a response.
const NOTICED: Duration = Duration::from_secs(14);
/// The lab's own commands, and the connections of the test.
const SLACK: Duration = Duration::from_secs(3);

/// Answers connections to a port: with its name, or on port 7000 with its health.
const SERVER: &str = r#"
import os, socket, sys
server = socket.create_server(("", int(sys.argv[1])))
while True:
    client, _ = server.accept()
    try:
        client.settimeout(1)
        if sys.argv[1] == "7000":
            client.recv(1000)
            client.sendall(b"HTTP/1.0 503 -\r\n\r\n" if os.path.exists("/run/drained") else b"HTTP/1.0 200 -\r\n\r\n")
        else:
            client.sendall(sys.argv[2].encode())
    except OSError:
        pass
    client.close()
"#;

#[test]
fn a_network_load_balancer_uses_healthy_targets() {
    let lab = Lab::take();
    lab.ok(&["lab", "up"]);
    let (vpc, subnet) = (first(&lab, "vpcs", "Vpcs[0].VpcId"), first(&lab, "subnets", SUBNET));
    let group = ["--group-name", "nlb", "--description", "nlb", "--vpc-id", &vpc, "--query", "GroupId"];
    let group = lab.aws(&[&["ec2", "create-security-group"], &group[..]].concat());
    let inside = ["--group-id", &group, "--protocol", "all", "--cidr", "172.31.0.0/16"];
    lab.aws(&[&["ec2", "authorize-security-group-ingress"], &inside[..]].concat());
    let machines = [("a", "172.31.0.10"), ("b", "172.31.0.11")].map(|(name, address)| {
        let id = lab.machine(address);
        lab.aws(&["ec2", "modify-instance-attribute", "--instance-id", &id, "--groups", &group]);
        for port in ["5000", "7000"] {
            let unit = format!("systemd-run -q --unit serve-{port} python3 -c '{SERVER}' {port} {name}");
            let started = lab.in_machine(&id, &unit);
            assert!(started.status.success(), "{}", text(&started));
        }
        id
    });
    let elb = |words: &str| lab.aws(&[&["elbv2"], &words.split(' ').collect::<Vec<_>>()[..]].concat());
    let balancer = elb(&format!(
        "create-load-balancer --name test --type network --scheme internal --subnets {subnet} --security-groups {group} \
         --query LoadBalancers[0].LoadBalancerArn"
    ));
    let targets = elb(&format!(
        "create-target-group --name test --protocol TCP --port 5000 --vpc-id {vpc} --target-type ip --health-check-protocol HTTP \
         --health-check-port 7000 --health-check-path / --health-check-interval-seconds 5 --health-check-timeout-seconds 2 \
         --healthy-threshold-count 2 --unhealthy-threshold-count 2 --query TargetGroups[0].TargetGroupArn"
    ));
    elb(&format!("register-targets --target-group-arn {targets} --targets Id=172.31.0.10 Id=172.31.0.11"));
    elb(&format!(
        "create-listener --load-balancer-arn {balancer} --protocol TCP --port 5000 \
         --default-actions Type=forward,TargetGroupArn={targets}"
    ));
    let name = elb("describe-load-balancers --query LoadBalancers[0].DNSName");

    // Each of six connections to the name, in the order in which they are made.
    let connect = format!("timeout 1 bash -c 'cat </dev/tcp/{name}/5000' || printf -; ");
    let seen = || String::from_utf8(lab.run(&["lab", "shell", "--", "sh", "-c", &connect.repeat(6)]).stdout).unwrap();
    let both = || seen().contains("a") && seen().contains("b") && !seen().contains("-");
    let only_b = || seen() == "bbbbbb";
    assert!(within(Duration::from_secs(15), both), "{}", seen());

    let begin = Instant::now();
    assert!(lab.in_machine(&machines[0], "touch /run/drained").status.success());
    assert!(within(NOTICED + SLACK, only_b), "{}", seen());
    println!("drained: {:.1} s", begin.elapsed().as_secs_f64());
    assert!(lab.in_machine(&machines[0], "rm /run/drained").status.success());
    assert!(within(NOTICED + SLACK, both), "{}", seen());

    let begin = Instant::now();
    lab.ok(&["lab", "kill", &machines[0]]);
    assert!(within(NOTICED + SLACK, only_b), "{}", seen());
    println!("without power: {:.1} s", begin.elapsed().as_secs_f64());

    // What the API no longer has is gone.
    elb(&format!("deregister-targets --target-group-arn {targets} --targets Id=172.31.0.11"));
    assert!(within(Duration::from_secs(5), || seen().contains("-")), "{}", seen());
    elb(&format!("delete-load-balancer --load-balancer-arn {balancer}"));
    let resolves = || lab.run(&["lab", "shell", "--", "getent", "hosts", &name]).status.success();
    assert!(within(Duration::from_secs(5), || !resolves()), "its name outlives it");
}

const SUBNET: &str = "Subnets[?CidrBlock=='172.31.0.0/20'].SubnetId";

/// Returns what a query finds in what EC2 describes.
fn first(lab: &Lab, what: &str, query: &str) -> String {
    lab.aws(&["ec2", &format!("describe-{what}"), "--query", query])
}
