//! The rights for each thing that the pipeline creates, reads or asks for. Policies are made from this table.
//!
//! Actions, their resource types and condition keys: the service authorization reference
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html> and its siblings). Which of them
//! Terraform's AWS provider 5.100 and Packer call was recorded in the lab.

use Resources::{Any, Balancer, Bare, Key, Loose, New, Ours, Profile, Role, Secret, ServiceRole, Untagged};

/// The resource of an action, and what AWS can check of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resources {
    /// AWS cannot limit the action to a resource.
    Any,
    /// A resource of EC2 that the call creates. It must have the cluster's tag from the start.
    New(&'static str),
    /// A resource of EC2 that has the cluster's tag.
    Ours(&'static str),
    /// A resource of EC2 without a cluster's tag; the call sets it.
    Untagged(&'static str),
    /// A resource of EC2 without a cluster's tag.
    Loose(&'static str),
    /// A resource of EC2 with any tags or none.
    Bare(&'static str),
    /// A role of the cluster's.
    Role,
    /// An instance profile of the cluster's.
    Profile,
    /// The network load balancer, its listeners and its target groups.
    Balancer,
    /// The role by which AWS itself runs load balancers. An account gets it with its first one.
    ServiceRole,
    /// A secret of the cluster's.
    Secret,
    /// A secret of a user of the cluster's.
    SecretOfUser,
    /// The base image, which belongs to its publisher.
    Base,
    /// The EC2 key pairs that the blueprint names.
    KeyPair,
    /// The KMS key that the blueprint names.
    Key,
    /// The hosted zone of an endpoint's private names, which AWS owns.
    Zone,
}

/// The rights that a type of block needs.
#[derive(Debug, Clone, Copy)]
pub struct Rights {
    /// Terraform's block and type, such as `resource` and `aws_vpc`.
    pub of: (&'static str, &'static str),
    /// To read it.
    pub look: &'static [(&'static str, &'static [Resources])],
    /// To create it, or to change it in place.
    pub make: &'static [(&'static str, &'static [Resources])],
    /// To destroy it.
    pub unmake: &'static [(&'static str, &'static [Resources])],
}

pub(super) type List = &'static [(&'static str, &'static [Resources])];

const fn resource(kind: &'static str, look: List, make: List, unmake: List) -> Rights {
    Rights { of: ("resource", kind), look, make, unmake }
}

const fn data(kind: &'static str, look: List) -> Rights {
    Rights { of: ("data", kind), look, make: &[], unmake: &[] }
}

pub(super) const ANY: &[Resources] = &[Any];
const GROUP: &[Resources] = &[Ours("security-group")];
const RULES: &[Resources] = &[Ours("security-group"), Ours("security-group-rule")];
/// A rule that AWS itself added to a group of the cluster's has no tag.
const REVOKED: &[Resources] = &[Ours("security-group"), Ours("security-group-rule"), Loose("security-group-rule")];
const NEW_RULE: &[Resources] = &[Ours("security-group"), New("security-group-rule")];
pub(super) const BUILDER_GROUP: &[Resources] = &[Ours("security-group"), Loose("security-group")];
pub(super) const INSTANCE: &[Resources] = &[Ours("instance")];
const BALANCER: &[Resources] = &[Balancer];
const TABLE: &[Resources] = &[Ours("route-table")];
const VPC: &[Resources] = &[Ours("vpc")];
/// Reading a rule.
const READ_RULE: List = &[("ec2:DescribeSecurityGroupRules", ANY)];
/// A network interface does not have the cluster's tag, but its machine does.
const ADDRESS: &[Resources] = &[Ours("elastic-ip"), Ours("instance"), Bare("network-interface")];

/// The rights for every type in the generated modules.
pub const MODULES: &[Rights] = &[
    resource(
        "aws_vpc",
        &[
            ("ec2:DescribeVpcs", ANY),
            ("ec2:DescribeVpcAttribute", ANY),
            ("ec2:DescribeNetworkAcls", ANY),
            ("ec2:DescribeRouteTables", ANY),
            ("ec2:DescribeSecurityGroups", ANY),
        ],
        &[("ec2:CreateVpc", &[New("vpc")]), ("ec2:ModifyVpcAttribute", VPC)],
        &[("ec2:DeleteVpc", VPC)],
    ),
    resource(
        "aws_default_security_group",
        &[("ec2:DescribeSecurityGroups", ANY)],
        // AWS creates it with the VPC, without a tag and with rules: the tag comes first.
        &[
            ("ec2:CreateTags", &[Untagged("security-group")]),
            ("ec2:RevokeSecurityGroupEgress", REVOKED),
            ("ec2:RevokeSecurityGroupIngress", REVOKED),
        ],
        &[],
    ),
    resource(
        "aws_subnet",
        &[("ec2:DescribeSubnets", ANY)],
        &[("ec2:CreateSubnet", &[New("subnet"), Ours("vpc")])],
        &[("ec2:DeleteSubnet", &[Ours("subnet")]), ("ec2:DescribeNetworkInterfaces", ANY)],
    ),
    resource(
        "aws_internet_gateway",
        &[("ec2:DescribeInternetGateways", ANY)],
        &[
            ("ec2:CreateInternetGateway", &[New("internet-gateway")]),
            ("ec2:AttachInternetGateway", &[Ours("internet-gateway"), Ours("vpc")]),
        ],
        &[
            ("ec2:DetachInternetGateway", &[Ours("internet-gateway"), Ours("vpc")]),
            ("ec2:DeleteInternetGateway", &[Ours("internet-gateway")]),
        ],
    ),
    resource(
        "aws_route_table",
        &[("ec2:DescribeRouteTables", ANY)],
        &[("ec2:CreateRouteTable", &[New("route-table"), Ours("vpc")])],
        &[("ec2:DeleteRouteTable", TABLE)],
    ),
    resource(
        "aws_route",
        &[("ec2:DescribeRouteTables", ANY)],
        &[("ec2:CreateRoute", &[Ours("route-table"), Ours("internet-gateway")])],
        &[("ec2:DeleteRoute", TABLE)],
    ),
    resource(
        "aws_route_table_association",
        &[("ec2:DescribeRouteTables", ANY)],
        &[("ec2:AssociateRouteTable", &[Ours("route-table"), Ours("subnet")])],
        &[("ec2:DisassociateRouteTable", &[Ours("route-table"), Ours("subnet")])],
    ),
    resource(
        "aws_security_group",
        &[("ec2:DescribeSecurityGroups", ANY)],
        // AWS adds a rule that lets everything out to a new group; Terraform removes it.
        &[
            ("ec2:CreateSecurityGroup", &[New("security-group"), Ours("vpc")]),
            ("ec2:RevokeSecurityGroupEgress", REVOKED),
        ],
        &[("ec2:DeleteSecurityGroup", GROUP), ("ec2:DescribeNetworkInterfaces", ANY)],
    ),
    resource(
        "aws_vpc_security_group_egress_rule",
        READ_RULE,
        &[("ec2:AuthorizeSecurityGroupEgress", NEW_RULE), ("ec2:ModifySecurityGroupRules", RULES)],
        &[("ec2:RevokeSecurityGroupEgress", REVOKED)],
    ),
    resource(
        "aws_vpc_security_group_ingress_rule",
        READ_RULE,
        &[("ec2:AuthorizeSecurityGroupIngress", NEW_RULE), ("ec2:ModifySecurityGroupRules", RULES)],
        &[("ec2:RevokeSecurityGroupIngress", REVOKED)],
    ),
    resource(
        "aws_vpc_endpoint",
        &[("ec2:DescribeVpcEndpoints", ANY), ("ec2:DescribePrefixLists", ANY)],
        &[
            ("ec2:CreateVpcEndpoint", &[New("vpc-endpoint"), Ours("vpc"), Ours("subnet"), Ours("security-group")]),
            ("ec2:ModifyVpcEndpoint", &[Ours("vpc-endpoint"), Ours("subnet"), Ours("security-group")]),
        ],
        &[("ec2:DeleteVpcEndpoints", &[Ours("vpc-endpoint")])],
    ),
    resource(
        "aws_ec2_subnet_cidr_reservation",
        &[("ec2:GetSubnetCidrReservations", ANY)],
        &[("ec2:CreateSubnetCidrReservation", &[Ours("subnet")])],
        // AWS cannot limit this action to a resource.
        &[("ec2:DeleteSubnetCidrReservation", ANY)],
    ),
    resource(
        "aws_ec2_managed_prefix_list",
        &[("ec2:DescribeManagedPrefixLists", ANY), ("ec2:GetManagedPrefixListEntries", ANY)],
        &[
            ("ec2:CreateManagedPrefixList", &[New("prefix-list")]),
            ("ec2:ModifyManagedPrefixList", &[Ours("prefix-list")]),
        ],
        &[("ec2:DeleteManagedPrefixList", &[Ours("prefix-list")])],
    ),
    resource(
        "aws_iam_role",
        &[("iam:GetRole", &[Role]), ("iam:ListRolePolicies", &[Role]), ("iam:ListAttachedRolePolicies", &[Role])],
        &[
            ("iam:CreateRole", &[Role]),
            ("iam:TagRole", &[Role]),
            ("iam:UpdateRole", &[Role]),
            ("iam:UpdateAssumeRolePolicy", &[Role]),
            ("iam:UntagRole", &[Role]),
        ],
        &[("iam:DeleteRole", &[Role]), ("iam:ListInstanceProfilesForRole", &[Role])],
    ),
    resource(
        "aws_iam_role_policy",
        &[("iam:GetRolePolicy", &[Role])],
        &[("iam:PutRolePolicy", &[Role])],
        &[("iam:DeleteRolePolicy", &[Role])],
    ),
    resource(
        "aws_iam_instance_profile",
        &[("iam:GetInstanceProfile", &[Profile])],
        &[
            ("iam:CreateInstanceProfile", &[Profile]),
            ("iam:TagInstanceProfile", &[Profile]),
            ("iam:AddRoleToInstanceProfile", &[Profile]),
            ("iam:UntagInstanceProfile", &[Profile]),
            ("iam:PassRole", &[Role]),
        ],
        &[("iam:RemoveRoleFromInstanceProfile", &[Profile]), ("iam:DeleteInstanceProfile", &[Profile])],
    ),
    resource(
        "aws_secretsmanager_secret",
        &[("secretsmanager:DescribeSecret", &[Secret]), ("secretsmanager:GetResourcePolicy", &[Secret])],
        &[
            ("secretsmanager:CreateSecret", &[Secret]),
            ("secretsmanager:TagResource", &[Secret]),
            ("secretsmanager:UntagResource", &[Secret]),
            ("secretsmanager:UpdateSecret", &[Secret]),
        ],
        &[("secretsmanager:DeleteSecret", &[Secret])],
    ),
    resource(
        "aws_secretsmanager_secret_version",
        // The provider reads a version with its value, though it does not keep the value.
        &[("secretsmanager:GetSecretValue", &[Secret])],
        &[("secretsmanager:PutSecretValue", &[Secret])],
        &[("secretsmanager:UpdateSecretVersionStage", &[Secret])],
    ),
    Rights {
        of: ("ephemeral", "aws_secretsmanager_random_password"),
        look: &[("secretsmanager:GetRandomPassword", ANY)],
        make: &[],
        unmake: &[],
    },
    resource(
        "aws_instance",
        &[
            ("ec2:DescribeInstances", ANY),
            ("ec2:DescribeInstanceAttribute", ANY),
            ("ec2:DescribeInstanceCreditSpecifications", ANY),
            ("ec2:DescribeInstanceTypes", ANY),
            ("ec2:DescribeTags", ANY),
            ("ec2:DescribeVolumes", ANY),
            ("ec2:DescribeVpcs", ANY),
        ],
        &[
            (
                "ec2:RunInstances",
                &[
                    New("instance"),
                    New("volume"),
                    Bare("network-interface"),
                    Ours("image"),
                    Ours("subnet"),
                    Ours("security-group"),
                ],
            ),
            ("iam:PassRole", &[Role]),
            ("ec2:ModifyInstanceAttribute", INSTANCE),
            ("ec2:ModifyInstanceMetadataOptions", INSTANCE),
            ("ec2:ModifyInstanceCreditSpecification", INSTANCE),
            ("ec2:ModifyVolume", &[Ours("volume")]),
            // The disk is tagged after its machine is created, which a killed run may not have done.
            ("ec2:CreateTags", &[Untagged("volume")]),
            ("ec2:StartInstances", INSTANCE),
            ("ec2:StopInstances", INSTANCE),
        ],
        &[("ec2:TerminateInstances", INSTANCE), ("ec2:ModifyInstanceAttribute", INSTANCE)],
    ),
    resource(
        "aws_eip",
        &[("ec2:DescribeAddresses", ANY), ("ec2:DescribeAddressesAttribute", ANY)],
        &[("ec2:AllocateAddress", &[New("elastic-ip")])],
        &[("ec2:ReleaseAddress", &[Ours("elastic-ip")]), ("ec2:DisassociateAddress", ADDRESS)],
    ),
    resource(
        "aws_eip_association",
        &[("ec2:DescribeAddresses", ANY)],
        &[("ec2:AssociateAddress", ADDRESS)],
        &[("ec2:DisassociateAddress", ADDRESS)],
    ),
    resource(
        "aws_lb",
        &[
            ("elasticloadbalancing:DescribeLoadBalancers", ANY),
            ("elasticloadbalancing:DescribeLoadBalancerAttributes", ANY),
            ("elasticloadbalancing:DescribeCapacityReservation", ANY),
            ("elasticloadbalancing:DescribeTags", ANY),
        ],
        &[
            ("elasticloadbalancing:CreateLoadBalancer", BALANCER),
            ("elasticloadbalancing:AddTags", BALANCER),
            ("elasticloadbalancing:RemoveTags", BALANCER),
            ("elasticloadbalancing:ModifyLoadBalancerAttributes", BALANCER),
            ("elasticloadbalancing:SetSubnets", BALANCER),
            ("elasticloadbalancing:SetSecurityGroups", BALANCER),
            ("iam:CreateServiceLinkedRole", &[ServiceRole]),
        ],
        &[("elasticloadbalancing:DeleteLoadBalancer", BALANCER), ("ec2:DescribeNetworkInterfaces", ANY)],
    ),
    resource(
        "aws_lb_target_group",
        &[
            ("elasticloadbalancing:DescribeTargetGroups", ANY),
            ("elasticloadbalancing:DescribeTargetGroupAttributes", ANY),
            ("elasticloadbalancing:DescribeTags", ANY),
        ],
        &[
            ("elasticloadbalancing:CreateTargetGroup", BALANCER),
            ("elasticloadbalancing:AddTags", BALANCER),
            ("elasticloadbalancing:RemoveTags", BALANCER),
            ("elasticloadbalancing:ModifyTargetGroup", BALANCER),
            ("elasticloadbalancing:ModifyTargetGroupAttributes", BALANCER),
        ],
        &[("elasticloadbalancing:DeleteTargetGroup", BALANCER)],
    ),
    resource(
        "aws_lb_listener",
        &[
            ("elasticloadbalancing:DescribeListeners", ANY),
            ("elasticloadbalancing:DescribeListenerAttributes", ANY),
            ("elasticloadbalancing:DescribeTags", ANY),
        ],
        &[
            ("elasticloadbalancing:CreateListener", BALANCER),
            ("elasticloadbalancing:AddTags", BALANCER),
            ("elasticloadbalancing:RemoveTags", BALANCER),
            ("elasticloadbalancing:ModifyListener", BALANCER),
            ("elasticloadbalancing:ModifyListenerAttributes", BALANCER),
        ],
        &[("elasticloadbalancing:DeleteListener", BALANCER)],
    ),
    resource(
        "aws_lb_target_group_attachment",
        &[("elasticloadbalancing:DescribeTargetHealth", ANY)],
        &[("elasticloadbalancing:RegisterTargets", BALANCER)],
        &[("elasticloadbalancing:DeregisterTargets", BALANCER)],
    ),
    data("aws_ami_ids", &[("ec2:DescribeImages", ANY)]),
    data("aws_eip", &[("ec2:DescribeAddresses", ANY)]),
    data("aws_key_pair", &[("ec2:DescribeKeyPairs", ANY)]),
    data("aws_security_group", &[("ec2:DescribeSecurityGroups", ANY)]),
    data("aws_security_groups", &[("ec2:DescribeSecurityGroups", ANY)]),
    data("aws_subnet", &[("ec2:DescribeSubnets", ANY)]),
    data("aws_subnets", &[("ec2:DescribeSubnets", ANY)]),
    data("aws_vpc", &[("ec2:DescribeVpcs", ANY), ("ec2:DescribeVpcAttribute", ANY), ("ec2:DescribeRouteTables", ANY)]),
    data("aws_vpcs", &[("ec2:DescribeVpcs", ANY)]),
    data("aws_vpc_endpoint", &[("ec2:DescribeVpcEndpoints", ANY), ("ec2:DescribePrefixLists", ANY)]),
    data("aws_vpc_endpoint_service", &[("ec2:DescribeVpcEndpointServices", ANY)]),
    data("aws_kms_key", &[("kms:DescribeKey", &[Key])]),
    data("aws_secretsmanager_secret", &[("secretsmanager:DescribeSecret", &[Secret])]),
    // The provider knows these without asking AWS.
    data("aws_caller_identity", &[]),
    data("aws_iam_policy_document", &[]),
    data("aws_partition", &[]),
    data("aws_region", &[]),
];
