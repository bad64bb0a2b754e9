//! A cluster with one HAProxy of an earlier version gets a second: with the real Terraform, from a state of the old form.

use std::fs;

use serde_json::Value;

use crate::real::moto::Moto;
use crate::real::terraform::{Initialised, Terraform};
use crate::support::generated::{Generated, run, succeeds};

const MODULE: &str = "load_balancer/terraform_haproxy";
const STATE: &str = "terraform.tfstate";
/// The module's resources as they were before HAProxies had names: a machine without an index, and addresses by number.
const FORMER: &str = r#"
resource "aws_instance" "haproxy" {
  ami                         = local.ami
  instance_type               = local.instance_type
  key_name                    = local.key_name
  subnet_id                   = data.aws_subnet.zone[local.haproxies["haproxy"].zone].id
  private_ip                  = local.haproxies["haproxy"].address
  vpc_security_group_ids      = [data.aws_security_group.role.id]
  iam_instance_profile        = "${local.cluster}-${local.region}-${local.group}"
  associate_public_ip_address = false

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = local.disk.size
    iops        = local.disk.iops
    throughput  = local.disk.throughput
    encrypted   = true

    tags = {
      Name = "${local.cluster}-haproxy"
    }
  }

  tags = {
    Name               = "${local.cluster}-haproxy"
    "pgherd:machine"   = "haproxy"
    "pgherd:role"      = local.role
    "pgherd:databases" = local.databases
    "pgherd:etcd"      = local.etcd
  }

  lifecycle {
    ignore_changes = [associate_public_ip_address]
  }
}

resource "aws_eip" "haproxy" {
  count  = 1
  domain = "vpc"

  tags = {
    Name = "${local.cluster}-haproxy"
  }
}

resource "aws_eip_association" "haproxy" {
  count         = 1
  instance_id   = aws_instance.haproxy.id
  allocation_id = one(aws_eip.haproxy[*].id)
}

output "public_address" {
  value = one(aws_eip_association.haproxy[*].public_ip)
}
"#;

struct Modules<'a> {
    terraform: &'a Terraform,
    data: &'a Initialised,
    generated: Generated,
}

impl Modules<'_> {
    fn terraform(&self, module: &str, args: &[&str]) -> String {
        succeeds(&mut self.terraform.sharing(self.data, &self.generated.path(module), args))
    }

    fn apply(&self, module: &str, more: &[&str]) {
        self.terraform(module, &[&["apply", "-input=false", "-auto-approve"], more].concat());
    }

    /// Returns what a plan does to each resource that does not stay as it is, in the plan's order.
    fn plans(&self, more: &[&str]) -> Vec<String> {
        self.terraform(MODULE, &[&["plan", "-input=false", "-out=tfplan"], more].concat());
        let plan: Value = serde_json::from_str(&self.terraform(MODULE, &["show", "-json", "tfplan"])).expect("JSON");
        let changes = plan["resource_changes"].as_array().expect("a list").iter();
        let changes = changes.filter(|change| change["mode"] == "managed" && change["change"]["actions"][0] != "no-op");
        changes
            .map(|change| format!("{} {}", change["address"].as_str().unwrap(), change["change"]["actions"]))
            .collect()
    }
}

fn cluster(more: &str) -> Generated {
    let text = format!(
        "cluster \"herd\" {{\n region = \"eu-west-1\"\n slaves {{ count = 0 }}\n haproxy {{\n elastic_ip = true\n {more}\n }}\n}}\n"
    );
    Generated::from_text("herd.hcl", &text)
}

#[test]
fn an_existing_haproxy_stays_while_a_second_comes() {
    let generated = cluster("count = 1");
    // A blueprint that does not set the number gets a second one from a version whose default is two.
    let second = cluster("");
    let moto = Moto::with_images_of(generated.cluster.tag(), &[&generated.files, &second.files]);
    let terraform = Terraform::against(&moto.endpoint());
    let versions = fs::read_to_string(generated.path("network/terraform_network/versions.tf")).unwrap();
    let data = terraform.initialised(&versions);
    let first = Modules { terraform: &terraform, data: &data, generated };
    first.apply("network/terraform_network", &[]);

    // The module as an earlier version made it.
    let file = |name: &str| first.generated.path(MODULE).join(name);
    let (main, outputs, moved) =
        ["main.tf", "outputs.tf", "moved.tf"].map(|name| fs::read_to_string(file(name)).unwrap()).into();
    fs::write(file("main.tf"), FORMER).unwrap();
    ["outputs.tf", "moved.tf"].into_iter().for_each(|name| fs::remove_file(file(name)).unwrap());
    first.apply(MODULE, &[]);
    let address = first.terraform(MODULE, &["output", "-raw", "public_address"]);

    // Its machine and its address are the same ones today.
    for (name, text) in [("main.tf", main), ("outputs.tf", outputs), ("moved.tf", moved)] {
        fs::write(file(name), text).unwrap();
    }
    assert_eq!(first.plans(&[]), [""; 0], "nothing but names in the state changes");
    first.apply(MODULE, &[]);
    let now: Value = serde_json::from_str(&first.terraform(MODULE, &["output", "-json", "public_addresses"])).unwrap();
    assert_eq!(now, serde_json::json!({"haproxy": address}));

    // A second one comes, and both get the new image: each can be changed by itself.
    fs::copy(file(STATE), second.path(MODULE).join(STATE)).unwrap();
    let second = Modules { terraform: &terraform, data: &data, generated: second };
    let new = [
        "aws_eip.haproxy[\"haproxy2\"] [\"create\"]",
        "aws_eip_association.haproxy[\"haproxy2\"] [\"create\"]",
        "aws_instance.haproxy[\"haproxy2\"] [\"create\"]",
    ];
    let only = |name: &str| {
        ["aws_instance", "aws_eip_association", "aws_nothing"].map(|kind| format!("-target={kind}.haproxy[\"{name}\"]"))
    };
    let plans = |name: &str| second.plans(&only(name).each_ref().map(String::as_str));
    assert_eq!(plans("haproxy2"), new);
    second.apply(MODULE, &only("haproxy2").each_ref().map(String::as_str));
    let changed = [
        "aws_eip_association.haproxy[\"haproxy\"] [\"delete\",\"create\"]",
        "aws_instance.haproxy[\"haproxy\"] [\"delete\",\"create\"]",
    ];
    assert_eq!(second.plans(&[]), changed);
    second.apply(MODULE, &[]);
    assert_eq!(second.plans(&[]), [""; 0]);
    let machines: Value =
        serde_json::from_str(&second.terraform(MODULE, &["output", "-json", "private_addresses"])).unwrap();
    assert_eq!(machines, serde_json::json!({"haproxy": "10.20.128.32", "haproxy2": "10.20.64.32"}));
    let settled = run(&mut terraform.sharing(
        &data,
        &second.generated.path(MODULE),
        &["plan", "-input=false", "-detailed-exitcode"],
    ));
    assert_eq!(settled.status.code(), Some(0), "{}", String::from_utf8_lossy(&settled.stdout));
}
