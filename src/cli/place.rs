//! What a target adds to the pipeline, and what a person does there.

use std::collections::BTreeMap;

use super::blueprints::Loaded;
use super::failure::{Failure, Kind};
use super::need::Need;
use super::report::Report;
use crate::lab;
use crate::pipeline::policy::{self, Aim};
use crate::pipeline::{Advice, Platform, Target};
use crate::system::{Context, Interrupt};
use crate::tools::terraform;
use crate::workspace::Workspace;

/// AWS adds nothing to what the files say.
pub fn aws(workspace: &Workspace, loaded: &Loaded) -> Target {
    let (dir, cluster) = (workspace.dir().display(), &loaded.cluster);
    Target {
        platform: Platform::Aws,
        root: workspace.dir().to_path_buf(),
        command_prefix: vec![],
        environment: BTreeMap::new(),
        packer_vars: BTreeMap::new(),
        private_addresses: false,
        advice: Advice {
            unreachable: "reach the network by VPN or peering, or give HAProxy an elastic_ip and put your own address into network.admins \
                          (admin port) and network.clients (write and read ports)"
                .into(),
            stranger: "clusters whose blueprints leave network.cidr out plan the same private addresses, and this machine is in the other's \
                       network: run this from the network of this one, give its HAProxy an elastic_ip, or give each cluster a \
                       network.cidr of its own"
                .into(),
            look: "on a database machine `journalctl -u patroni -u etcd` says why".into(),
            revive: format!(
                "`aws ec2 describe-instances --region {region} --filters Name=tag:pgherd:cluster,Values={tag} \
                 Name=tag:pgherd:machine,Values={{machine}} --query 'Reservations[].Instances[].[InstanceId,State.Name]' --output text` \
                 shows whether it runs; `aws ec2 start-instances` or `reboot-instances` with that id brings it back as it was; if it is \
                 lost, {dir}/RUNBOOK.md says how to replace it",
                region = cluster.region,
                tag = cluster.tag(),
            ),
        },
    }
}

/// The lab, brought up where something is to be run in it.
pub fn lab(
    context: &Context,
    report: &Report,
    interrupt: &Interrupt,
    need: Need,
    loaded: &Loaded,
    workspace: &Workspace,
) -> Result<Target, Failure> {
    let tools = lab::HostTools { context, interrupt };
    match need {
        Need::Commands => return Ok(lab::describe(&loaded.cluster)?),
        Need::Tools => drop(super::lab::up(tools, report)?),
        // Without it there is no way to the machines' addresses but out of this host.
        Need::Location | Need::Teardown if !lab::is_up() => {
            let text = "the lab is not up: `pgherd lab up`, or `pgherd run --target lab`";
            return Err(Failure::Text(Kind::Failed, text.into()));
        }
        Need::Location => return Ok(lab::describe(&loaded.cluster)?),
        Need::Teardown => {}
    }
    let policies = policy::policies(&loaded.cluster, &loaded.files(), Aim::Run);
    let policies = policies.map_err(|why| Failure::Text(Kind::Failed, why))?;
    let policies: Vec<String> = policies.into_iter().map(|policy| policy.text).collect();
    let say = &mut |line: &str| report.note(&format!("lab: {line}"));
    match lab::prepare(tools, &loaded.cluster, workspace.dir(), &policies, say) {
        Err(_) if interrupt.is_raised() => Err(Failure::interrupted()),
        prepared => Ok(prepared?),
    }
}

/// The Terraform that is there; its version is not looked at.
pub fn terraform_at_hand(context: &Context) -> String {
    let found = terraform::PROGRAMS.iter().find(|program| context.find_program(program).is_some());
    (*found.unwrap_or(&terraform::PROGRAMS[0])).to_string()
}
