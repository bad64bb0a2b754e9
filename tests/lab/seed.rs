//! The seed's README, followed by hand with its own variable names on `generated/herd`; then `deploy.sh`, which finds nothing left to do.

use std::process::Command;

use crate::lab;
use crate::lab::Lab;

/// The seed's own lines (its `plan … -auto-approve` aside, which Terraform refuses). `PACKER_FLAGS` is the lab's: how to reach a builder.
/// An image that an earlier lab left in the cache is not built again, because its name exists. HAProxy's image always is.
const BY_HAND: &str = r#"
set -euo pipefail
export AWS_ACCESS_KEY=lab AWS_SECRET_KEY=lab AWS_REGION=eu-west-1
eip() { aws ec2 allocate-address --query PublicIp --output text; }
image() { aws ec2 describe-images --owners self --filters "Name=name,Values=$(jq -r '.builders[0].ami_name' "packer_templates/$1_temp.json")" --query 'Images[0].ImageId' --output text; }
build() { packer build ${PACKER_FLAGS} "packer_templates/$1_temp.json"; }

terraform -chdir=network/terraform_network init
terraform -chdir=network/terraform_network apply -auto-approve

found=$(image haproxy)
[ "$found" = None ] || aws ec2 deregister-image --image-id "$found"
for role in master slave haproxy; do [ "$(image $role)" != None ] || build $role; done

MASTER_IP=$(eip) SLAVE1_IP=$(eip) SLAVE2_IP=$(eip) HAPROXY_IP=$(eip)

( PACKER_IMG=$(image master)
  cd db_config/terraform_master
  terraform init
  terraform plan -var="access_key=${AWS_ACCESS_KEY}" -var="secret_key=${AWS_SECRET_KEY}" -var="region=${AWS_REGION}" -var="ami_image_id=${PACKER_IMG}" -var="master_eip=${MASTER_IP}"
  terraform apply -var="access_key=${AWS_ACCESS_KEY}" -var="secret_key=${AWS_SECRET_KEY}" -var="region=${AWS_REGION}" -var="ami_image_id=${PACKER_IMG}" -var="master_eip=${MASTER_IP}" -auto-approve )

( PACKER_IMG=$(image slave)
  cd db_config/terraform_slave
  terraform init
  terraform apply -var="access_key=${AWS_ACCESS_KEY}" -var="secret_key=${AWS_SECRET_KEY}" -var="region=${AWS_REGION}"  -var="ami_image_id=${PACKER_IMG}"  -var="slave1_eip=${SLAVE1_IP}" -var="slave2_eip=${SLAVE2_IP}" -auto-approve )

( PACKER_IMG=$(image haproxy)
  cd load_balancer/terraform_haproxy
  terraform init
  terraform plan -var="access_key=${AWS_ACCESS_KEY}" -var="secret_key=${AWS_SECRET_KEY}" -var="region=${AWS_REGION}"  -var="ami_image_id=${PACKER_IMG}" -var="haproxy_eip=${HAPROXY_IP}"
  terraform apply -var="access_key=${AWS_ACCESS_KEY}" -var="secret_key=${AWS_SECRET_KEY}" -var="region=${AWS_REGION}" -var="ami_image_id=${PACKER_IMG}" -var="haproxy_eip=${HAPROXY_IP}" -auto-approve )

# What was given is what is there: deploy.sh goes over the same states and changes nothing.
export MASTER_IP SLAVE1_IP SLAVE2_IP HAPROXY_IP
HAPROXY_ADDRESS=10.20.128.32 HAPROXY2_ADDRESS=10.20.64.32 ./deploy.sh --yes
"#;

#[test]
fn the_seeds_own_commands_make_the_cluster() {
    let lab = Lab::take();
    lab.ok(&["lab", "up"]);
    let folder = tempfile::tempdir().unwrap();
    let mut copy = Command::new("cp");
    copy.args(["-a", "generated/herd/."]).arg(folder.path()).current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(copy.status().unwrap().success());
    let script = format!("cd '{}'\n{BY_HAND}", folder.path().display());

    let mut shell = lab::pgherd();
    let output =
        shell.args(["lab", "shell", "--", "bash", "-c", &script]).env("AWS_REGION", "eu-west-1").output().unwrap();
    let said = lab::text(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("cluster herd is up"), "{said}");
    assert_eq!(said.matches("No changes.").count(), 4, "deploy.sh finds nothing to do in four modules:\n{said}");
    assert_eq!(said.matches("==> image herd-").count(), 3, "and no image to build:\n{said}");
}
