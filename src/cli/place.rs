//! What each target adds to the pipeline, and the advice that fits it.

use std::collections::BTreeMap;

use super::blueprints::Loaded;
use super::error::{CommandError, ErrorKind};
use super::need::Need;
use super::report::Report;
use crate::lab;
use crate::pipeline::policy::{self, Task};
use crate::pipeline::{Advice, Platform, Target};
use crate::system::{Context, Interrupt};
use crate::tools::terraform;
use crate::workspace::Workspace;

/// Returns AWS as a target. It adds nothing to the generated files.
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
            unreachable: "connect to the network by VPN or peering, or give HAProxy an elastic_ip and add your own address to network.admins \
                          (stats port) and network.clients (write and read ports)"
                .into(),
            stranger: "clusters without network.cidr all use the same private addresses, and from here they lead to another cluster. Run the \
                       command from this cluster's network, give its HAProxy an elastic_ip, or give each cluster its own network.cidr"
                .into(),
            look: "run `journalctl -u patroni -u etcd` on a database machine to see why".into(),
            revive: format!(
                "`aws ec2 describe-instances --region {region} --filters Name=tag:pgherd:cluster,Values={tag} \
                 Name=tag:pgherd:machine,Values={{machine}} --query 'Reservations[].Instances[].[InstanceId,State.Name]' --output text` \
                 shows whether it is running; `aws ec2 start-instances` or `reboot-instances` with that id brings it back; if it is \
                 lost, {dir}/RUNBOOK.md describes how to replace it",
                region = cluster.region,
                tag = cluster.tag(),
            ),
        },
    }
}

/// Returns the lab as a target, and starts it if tools will be run in it.
pub fn lab(
    context: &Context,
    report: &Report,
    interrupt: &Interrupt,
    need: Need,
    loaded: &Loaded,
    workspace: &Workspace,
) -> Result<Target, CommandError> {
    let tools = lab::HostTools { context, interrupt };
    match need {
        Need::Commands => return Ok(lab::describe(&loaded.cluster)?),
        Need::Tools => drop(super::lab::up(tools, report)?),
        // Without the lab, the machines' addresses would lead out of this host.
        Need::Location | Need::Teardown if !lab::is_up() => {
            let text = "the lab is not running; start it with `pgherd lab up` or `pgherd run --target lab`";
            return Err(CommandError::Text(ErrorKind::Failed, text.into()));
        }
        Need::Location => return Ok(lab::describe(&loaded.cluster)?),
        Need::Teardown => {}
    }
    let policies = policy::policies(&loaded.cluster, &loaded.files(), Task::Run);
    let policies = policies.map_err(|why| CommandError::Text(ErrorKind::Failed, why))?;
    let policies: Vec<String> = policies.into_iter().map(|policy| policy.text).collect();
    let say = &mut |line: &str| report.note(&format!("lab: {line}"));
    match lab::prepare(tools, &loaded.cluster, workspace.dir(), &policies, say) {
        Err(_) if interrupt.is_raised() => Err(CommandError::interrupted()),
        prepared => Ok(prepared?),
    }
}

/// Returns the name of the installed Terraform or OpenTofu, without checking its version.
pub fn terraform_at_hand(context: &Context) -> String {
    let found = terraform::PROGRAMS.iter().find(|program| context.find_program(program).is_some());
    (*found.unwrap_or(&terraform::PROGRAMS[0])).to_string()
}
