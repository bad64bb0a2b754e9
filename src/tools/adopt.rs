//! Finds what a killed Terraform created and did not record in its state, by its tags, so that it can be imported. Import blocks in
//! the next plan do that: `terraform import` fails while the rest of a module does not exist yet.
//!
//! Only what a plan would create and what has the cluster's own tag counts. Nothing that belongs to others is touched.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::aws::args;
use super::plan::format::{PlanJson, ResourceChange};

/// A resource that a plan would create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedResource {
    /// Its address in the module.
    pub address: String,
    /// Its type.
    pub kind: String,
    /// The attributes that the plan knows.
    pub attributes: Map<String, Value>,
}

/// Something that exists in AWS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LiveResource {
    /// Its id for `terraform import`.
    pub id: String,
    /// When it was created, in UTC; empty if AWS does not say.
    #[serde(default)]
    pub made: String,
    /// The attributes that tell which resource it is.
    is: Map<String, Value>,
}

/// A question to AWS, and the type of resource that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The type.
    pub kind: String,
    /// The AWS CLI's arguments.
    pub args: Vec<String>,
    /// Whether the command fails if there is no such thing.
    pub may_fail: bool,
}

/// Returns what a plan would create, from what `terraform show -json` printed.
pub fn wanted(plan: &str) -> Result<Vec<PlannedResource>, String> {
    let plan = PlanJson::parse(plan)?;
    let created = plan.resource_changes.into_iter().filter(|resource| resource.change.actions == ["create"]);
    let wanted = created.filter_map(|ResourceChange { address, kind, change, .. }| match change.after {
        Value::Object(attributes) => Some(PlannedResource { address, kind, attributes }),
        _ => None,
    });
    Ok(wanted.collect())
}

/// Types that are created again instead of imported, each with the reason why that does no harm. `tests/fast/adoption.rs` demands that
/// every type of the templates and of the generated modules is either here or in [`questions`].
pub const MADE_AGAIN: [(&str, &str); 4] = [
    ("aws_default_security_group", "Terraform never creates it: it manages the one that the VPC has"),
    ("aws_iam_role_policy", "PutRolePolicy replaces the one of the same name in the same role"),
    ("aws_lb_target_group_attachment", "RegisterTargets changes nothing for a target that is registered already"),
    (
        "aws_secretsmanager_secret_version",
        "an import would put the password into the state; one that is created again does not become the current one, see secrets.tf",
    ),
];

/// Returns the questions that find each of these resources, if it exists. There are none for the types in [`MADE_AGAIN`].
pub fn questions(region: &str, cluster: &str, wanted: &[PlannedResource]) -> Vec<Lookup> {
    let mut questions: Vec<Lookup> = vec![];
    for resource in wanted {
        let name = resource.attributes.get("name").and_then(Value::as_str).unwrap_or_default();
        let tagged = format!("Name=tag:pgherd:cluster,Values={cluster}");
        let ec2 = |verb: &'static str| vec!["ec2", verb, "--filters", &tagged];
        let with_tags = |list: &str, id: &str| format!("{list}.{{id:{id},is:{{tags_all:Tags}}}}");
        let (words, shape) = match resource.kind.as_str() {
            "aws_instance" => {
                let mut words = ec2("describe-instances");
                words.push("Name=instance-state-name,Values=pending,running,stopping,stopped");
                (words, "Reservations[].Instances[].{id:InstanceId,made:LaunchTime,is:{tags_all:Tags}}".into())
            }
            "aws_eip" => (ec2("describe-addresses"), with_tags("Addresses[]", "AllocationId")),
            "aws_eip_association" => (
                ec2("describe-addresses"),
                "Addresses[?AssociationId].{id:AssociationId,is:{allocation_id:AllocationId,instance_id:InstanceId}}"
                    .into(),
            ),
            "aws_vpc" => (ec2("describe-vpcs"), with_tags("Vpcs[]", "VpcId")),
            "aws_subnet" => (ec2("describe-subnets"), with_tags("Subnets[]", "SubnetId")),
            "aws_internet_gateway" => {
                (ec2("describe-internet-gateways"), with_tags("InternetGateways[]", "InternetGatewayId"))
            }
            "aws_route_table" => (ec2("describe-route-tables"), with_tags("RouteTables[]", "RouteTableId")),
            "aws_route" => (
                ec2("describe-route-tables"),
                "RouteTables[?Routes[?DestinationCidrBlock=='0.0.0.0/0']].{id:join('_',[RouteTableId,'0.0.0.0/0']),\
                 is:{route_table_id:RouteTableId,destination_cidr_block:'0.0.0.0/0'}}"
                    .into(),
            ),
            "aws_route_table_association" => (
                ec2("describe-route-tables"),
                "RouteTables[].Associations[?SubnetId].{id:join('/',[SubnetId,RouteTableId]),\
                 is:{subnet_id:SubnetId,route_table_id:RouteTableId}}[]"
                    .into(),
            ),
            "aws_security_group" => (ec2("describe-security-groups"), with_tags("SecurityGroups[]", "GroupId")),
            "aws_vpc_security_group_egress_rule" => (
                ec2("describe-security-group-rules"),
                with_tags("SecurityGroupRules[?IsEgress]", "SecurityGroupRuleId"),
            ),
            "aws_vpc_security_group_ingress_rule" => (
                ec2("describe-security-group-rules"),
                with_tags("SecurityGroupRules[?!IsEgress]", "SecurityGroupRuleId"),
            ),
            "aws_vpc_endpoint" => (
                ec2("describe-vpc-endpoints"),
                with_tags("VpcEndpoints[?!contains(['deleting','deleted'],State)]", "VpcEndpointId"),
            ),
            "aws_ec2_subnet_cidr_reservation" => {
                // It has no tags, but its description names the cluster. A subnet that does not exist yet has none.
                let subnet = resource.attributes.get("subnet_id").and_then(Value::as_str);
                let Some(subnet) = subnet else { continue };
                let shape = "SubnetIpv4CidrReservations[].{id:join(':',[SubnetId,SubnetCidrReservationId]),\
                             is:{subnet_id:SubnetId,cidr_block:Cidr,description:Description}}";
                (vec!["ec2", "get-subnet-cidr-reservations", "--subnet-id", subnet], shape.into())
            }
            "aws_iam_role" => (
                vec!["iam", "get-role", "--role-name", name],
                "[Role.{id:RoleName,made:CreateDate,is:{name:RoleName,tags_all:Tags}}]".into(),
            ),
            "aws_iam_instance_profile" => (
                vec!["iam", "get-instance-profile", "--instance-profile-name", name],
                "[InstanceProfile.{id:InstanceProfileName,made:CreateDate,is:{name:InstanceProfileName,tags_all:Tags}}]".into(),
            ),
            "aws_lb" => (
                vec!["elbv2", "describe-load-balancers", "--names", name],
                "LoadBalancers[].{id:LoadBalancerArn,made:CreatedTime,is:{name:LoadBalancerName,load_balancer_type:Type}}".into(),
            ),
            "aws_lb_target_group" => (
                vec!["elbv2", "describe-target-groups", "--names", name],
                "TargetGroups[].{id:TargetGroupArn,is:{name:TargetGroupName,vpc_id:VpcId}}".into(),
            ),
            "aws_lb_listener" => {
                // It has no name. A load balancer that does not exist yet has none.
                let balancer = resource.attributes.get("load_balancer_arn").and_then(Value::as_str);
                let Some(balancer) = balancer else { continue };
                let shape = "Listeners[].{id:ListenerArn,is:{load_balancer_arn:LoadBalancerArn,port:Port}}";
                (vec!["elbv2", "describe-listeners", "--load-balancer-arn", balancer], shape.into())
            }
            "aws_secretsmanager_secret" => {
                let cluster = format!("Key=tag-value,Values={cluster}");
                let words =
                    ["secretsmanager", "list-secrets", "--filters", "Key=tag-key,Values=pgherd:cluster", &cluster];
                let shape = "SecretList[].{id:ARN,is:{name:Name,tags_all:Tags}}";
                questions.push(question(region, resource, &words, shape));
                continue;
            }
            _ => continue,
        };
        questions.push(question(region, resource, &words, &shape));
    }
    questions.sort_by(|a, b| (&a.kind, &a.args).cmp(&(&b.kind, &b.args)));
    questions.dedup();
    questions
}

fn question(region: &str, resource: &PlannedResource, words: &[&str], shape: &str) -> Lookup {
    let args = args(region, &[words, &["--query", shape]].concat());
    Lookup { kind: resource.kind.clone(), args, may_fail: ["iam", "elbv2"].contains(&words[0]) }
}

/// Reads the response to a question.
///
/// # Errors
/// If it has an unexpected format.
pub fn read(json: &str) -> Result<Vec<LiveResource>, String> {
    let mut found: Vec<LiveResource> =
        serde_json::from_str(json).map_err(|e| format!("unexpected response from AWS: {e}"))?;
    for thing in &mut found {
        if let Some(tags) = thing.is.get_mut("tags_all") {
            let list = tags.as_array().into_iter().flatten();
            let pairs = list.filter_map(|tag| Some((tag["Key"].as_str()?.to_string(), tag["Value"].clone())));
            *tags = Value::Object(pairs.collect());
        }
    }
    Ok(found)
}

/// Returns address and id of each resource that exists, and the addresses that more than one thing matches, which a person has to
/// sort out.
pub fn pair(
    cluster: &str,
    kind: &str,
    wanted: &[PlannedResource],
    found: &[LiveResource],
) -> (Vec<(String, String)>, Vec<String>) {
    let (mut pairs, mut doubtful) = (vec![], vec![]);
    for resource in wanted.iter().filter(|resource| resource.kind == kind) {
        let same: Vec<&LiveResource> = found.iter().filter(|thing| thing.is_it(cluster, resource)).collect();
        match same[..] {
            [] => {}
            [thing] => pairs.push((resource.address.clone(), thing.id.clone())),
            _ => doubtful.push(resource.address.clone()),
        }
    }
    (pairs, doubtful)
}

impl LiveResource {
    /// Returns whether it is this resource: it has every tag that the plan sets, the cluster's included, and all else is equal.
    fn is_it(&self, cluster: &str, resource: &PlannedResource) -> bool {
        self.is.iter().all(|(name, value)| match (name.as_str(), resource.attributes.get(name)) {
            ("tags_all", Some(Value::Object(planned))) => {
                planned.get("pgherd:cluster").and_then(Value::as_str) == Some(cluster)
                    && planned.iter().all(|(key, text)| value.get(key) == Some(text))
            }
            (_, planned) => planned == Some(value),
        })
    }
}

/// Asks for the rule that lets everything out. Every new security group has it, and Terraform removes it from those that it creates.
pub fn born_open(region: &str, group: &str) -> Vec<String> {
    let group = format!("Name=group-id,Values={group}");
    let shape = "SecurityGroupRules[?IsEgress && IpProtocol=='-1' && !(Tags)].SecurityGroupRuleId";
    args(region, &["ec2", "describe-security-group-rules", "--filters", &group, "--query", shape])
}

/// Removes such rules.
pub fn close(region: &str, group: &str, rules: &[String]) -> Vec<String> {
    let mut words = vec!["ec2", "revoke-security-group-egress", "--group-id", group, "--security-group-rule-ids"];
    words.extend(rules.iter().map(String::as_str));
    args(region, &words)
}

/// Returns import blocks (<https://developer.hashicorp.com/terraform/language/import>) for address and id of each.
pub fn import_blocks(pairs: &[(String, String)]) -> String {
    let block = |(address, id): &(String, String)| format!("import {{\n  to = {address}\n  id = \"{id}\"\n}}\n");
    pairs.iter().map(block).collect()
}

/// Returns the number of imports of each type, for people.
pub fn summary(pairs: &[(String, String)]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (address, _) in pairs {
        *counts.entry(address.split(['.', '[']).next().unwrap_or(address)).or_default() += 1;
    }
    counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn planned(kind: &str, attributes: Value) -> PlannedResource {
        let Value::Object(attributes) = attributes else { panic!("attributes are an object") };
        PlannedResource { address: format!("{kind}.it"), kind: kind.into(), attributes }
    }

    #[test]
    fn a_thing_is_found_by_all_of_its_tags_and_by_ours() {
        let tags = |name: &str| json!({"tags_all": {"Name": name, "pgherd:cluster": "herd"}});
        let wanted = [planned("aws_eip", tags("herd-master"))];
        let answer = r#"[
            {"id": "eipalloc-1", "is": {"tags_all": [{"Key": "Name", "Value": "herd-slave1"}, {"Key": "pgherd:cluster", "Value": "herd"}]}},
            {"id": "eipalloc-2", "is": {"tags_all": [{"Key": "Name", "Value": "herd-master"}, {"Key": "pgherd:cluster", "Value": "herd"},
                                                     {"Key": "owner", "Value": "someone's own tag"}]}},
            {"id": "eipalloc-3", "is": {"tags_all": [{"Key": "Name", "Value": "herd-master"}]}},
            {"id": "eipalloc-4", "is": {"tags_all": null}}]"#;
        let found = read(answer).unwrap();
        assert_eq!(pair("herd", "aws_eip", &wanted, &found).0, [("aws_eip.it".into(), "eipalloc-2".into())]);
        assert_eq!(pair("other", "aws_eip", &wanted, &found).0, []);
        let twice = [found.clone(), found].concat();
        assert_eq!(pair("herd", "aws_eip", &wanted, &twice), (vec![], vec!["aws_eip.it".into()]), "two are nobody's");
    }

    #[test]
    fn what_has_no_tags_is_found_by_what_it_joins() {
        let wanted =
            [planned("aws_route_table_association", json!({"subnet_id": "subnet-1", "route_table_id": "rtb-1"}))];
        let answer = r#"[{"id": "subnet-1/rtb-1", "is": {"subnet_id": "subnet-1", "route_table_id": "rtb-1"}},
                         {"id": "subnet-2/rtb-1", "is": {"subnet_id": "subnet-2", "route_table_id": "rtb-1"}}]"#;
        let (pairs, _) = pair("herd", "aws_route_table_association", &wanted, &read(answer).unwrap());
        assert_eq!(pairs, [("aws_route_table_association.it".into(), "subnet-1/rtb-1".into())]);
        // As long as the plan does not know the table, nothing is.
        let wanted = [planned("aws_route_table_association", json!({"subnet_id": "subnet-1"}))];
        assert_eq!(pair("herd", "aws_route_table_association", &wanted, &read(answer).unwrap()).0, []);
    }

    #[test]
    fn a_reservation_is_found_in_its_subnet_by_the_clusters_name() {
        let kind = "aws_ec2_subnet_cidr_reservation";
        let block =
            json!({"subnet_id": "subnet-1", "cidr_block": "10.1.4.16/28", "description": "pgherd herd: a databases"});
        let wanted = [planned(kind, block), planned(kind, json!({"cidr_block": "10.1.5.16/28"}))];
        let questions = questions("eu-west-1", "herd", &wanted);
        assert_eq!(questions.len(), 1, "the second one's subnet is not there: {questions:?}");
        assert_eq!(questions[0].args[..4].join(" "), "ec2 get-subnet-cidr-reservations --subnet-id subnet-1");
        let answer = |description: &str| {
            read(&format!(
                r#"[{{"id": "subnet-1:scr-1", "is": {{"subnet_id": "subnet-1", "cidr_block": "10.1.4.16/28", "description": "{description}"}}}}]"#
            ))
            .unwrap()
        };
        let pairs = |description| pair("herd", kind, &wanted, &answer(description)).0;
        assert_eq!(pairs("pgherd herd: a databases"), [(format!("{kind}.it"), "subnet-1:scr-1".into())]);
        assert_eq!(pairs("pgherd other: a databases"), [], "another cluster's stays another's");
    }

    #[test]
    fn a_listener_is_found_at_its_load_balancer_by_its_port() {
        let planned = |attributes| planned("aws_lb_listener", attributes);
        let wanted = [planned(json!({"load_balancer_arn": "arn:1", "port": 5000})), planned(json!({"port": 5001}))];
        let questions = questions("eu-west-1", "herd", &wanted);
        assert_eq!(questions.len(), 1, "the second one's load balancer is not there: {questions:?}");
        assert_eq!(questions[0].args[..4].join(" "), "elbv2 describe-listeners --load-balancer-arn arn:1");
        let found = read(
            r#"[{"id": "l-0", "is": {"load_balancer_arn": "arn:1", "port": 5001}},
                             {"id": "l-1", "is": {"load_balancer_arn": "arn:1", "port": 5000}}]"#,
        );
        let (pairs, _) = pair("herd", "aws_lb_listener", &wanted, &found.unwrap());
        assert_eq!(pairs, [("aws_lb_listener.it".into(), "l-1".into())]);
    }

    #[test]
    fn only_what_is_made_is_asked_about_and_once() {
        let json = r#"{"resource_changes": [
            {"address": "aws_vpc.a", "type": "aws_vpc", "change": {"actions": ["no-op"], "after": {}}},
            {"address": "aws_subnet.a", "type": "aws_subnet", "change": {"actions": ["create"], "after": {"tags_all": {}}}},
            {"address": "aws_subnet.b", "type": "aws_subnet", "change": {"actions": ["create"], "after": {"tags_all": {}}}},
            {"address": "aws_iam_role.a", "type": "aws_iam_role", "change": {"actions": ["create"], "after": {"name": "herd-a"}}},
            {"address": "aws_iam_role_policy.a", "type": "aws_iam_role_policy", "change": {"actions": ["create"], "after": {}}}]}"#;
        let questions = questions("eu-west-1", "herd", &wanted(json).unwrap());
        let asked: Vec<String> = questions.iter().map(|q| q.args[..4].join(" ")).collect();
        assert_eq!(
            asked,
            ["iam get-role --role-name herd-a", "ec2 describe-subnets --filters Name=tag:pgherd:cluster,Values=herd"]
        );
        assert!(questions[0].may_fail && !questions[1].may_fail);
    }
}
