//! The rights for each thing that the pipeline creates, reads or asks for. Policies are made from this table.
//!
//! Actions, their resource types and condition keys: the service authorization reference
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html> and its siblings). Which of them
//! Terraform's AWS provider 5.100 and Packer call was recorded in the lab.

use On::{Any, Bare, Base, Key, Loose, New, Ours, Profile, Role, Secret, SecretOfUser, Untagged};

/// The resource of an action, and what AWS can check of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
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
    pub look: &'static [(&'static str, &'static [On])],
    /// To create it, or to change it in place.
    pub make: &'static [(&'static str, &'static [On])],
    /// To destroy it.
    pub unmake: &'static [(&'static str, &'static [On])],
}

type List = &'static [(&'static str, &'static [On])];

const fn resource(kind: &'static str, look: List, make: List, unmake: List) -> Rights {
    Rights { of: ("resource", kind), look, make, unmake }
}

const fn data(kind: &'static str, look: List) -> Rights {
    Rights { of: ("data", kind), look, make: &[], unmake: &[] }
}

const ANY: &[On] = &[Any];
const GROUP: &[On] = &[Ours("security-group")];
const RULES: &[On] = &[Ours("security-group"), Ours("security-group-rule")];
/// A rule that AWS itself added to a group of the cluster's has no tag.
const REVOKED: &[On] = &[Ours("security-group"), Ours("security-group-rule"), Loose("security-group-rule")];
const NEW_RULE: &[On] = &[Ours("security-group"), New("security-group-rule")];
const BUILDER_GROUP: &[On] = &[Ours("security-group"), Loose("security-group")];
const INSTANCE: &[On] = &[Ours("instance")];
const TABLE: &[On] = &[Ours("route-table")];
const VPC: &[On] = &[Ours("vpc")];
/// Reading a rule.
const READ_RULE: List = &[("ec2:DescribeSecurityGroupRules", ANY)];
/// A network interface does not have the cluster's tag, but its machine does.
const ADDRESS: &[On] = &[Ours("elastic-ip"), Ours("instance"), Bare("network-interface")];

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

/// What Packer does to build an image: it creates a machine with a key pair and a security group, and removes them at the end.
pub const BUILD: &[(&str, &[On])] = &[
    ("ec2:DescribeImages", ANY),
    ("ec2:DescribeInstances", ANY),
    ("ec2:DescribeRegions", ANY),
    ("ec2:DescribeSecurityGroups", ANY),
    ("ec2:DescribeSnapshots", ANY),
    ("ec2:DescribeSubnets", ANY),
    ("ec2:DescribeVolumes", ANY),
    ("ec2:DescribeVpcs", ANY),
    ("ec2:CreateKeyPair", &[Bare("key-pair")]),
    ("ec2:DeleteKeyPair", &[Bare("key-pair")]),
    // Packer 1.6 never tags its group, and every Packer tags image and snapshot only when they are complete.
    ("ec2:CreateSecurityGroup", &[Bare("security-group"), Bare("vpc")]),
    ("ec2:AuthorizeSecurityGroupIngress", BUILDER_GROUP),
    ("ec2:DeleteSecurityGroup", BUILDER_GROUP),
    (
        "ec2:RunInstances",
        &[
            New("instance"),
            New("volume"),
            Bare("network-interface"),
            Bare("key-pair"),
            Bare("subnet"),
            Base,
            Ours("security-group"),
            Loose("security-group"),
        ],
    ),
    ("ec2:StopInstances", INSTANCE),
    ("ec2:TerminateInstances", INSTANCE),
    ("ec2:ModifyInstanceAttribute", INSTANCE),
    ("ec2:CreateImage", &[Bare("image"), Bare("snapshot"), Ours("instance")]),
    ("ec2:ModifyImageAttribute", &[Ours("image"), Loose("image")]),
    ("ec2:CreateTags", &[Untagged("image"), Untagged("snapshot"), Untagged("security-group"), Untagged("key-pair")]),
    ("ec2:CreateTags", &[Ours("image"), Ours("snapshot")]),
    ("ec2:DeleteVolume", &[Ours("volume")]),
    ("ec2:DeregisterImage", &[Ours("image")]),
    ("ec2:DeleteSnapshot", &[Ours("snapshot")]),
];

/// What `pgherd destroy --images` and `pgherd images prune` remove.
pub const IMAGES: &[(&str, &[On])] =
    &[("ec2:DeregisterImage", &[Ours("image")]), ("ec2:DeleteSnapshot", &[Ours("snapshot")])];

/// What the pipeline itself asks with the AWS CLI before it creates anything: what exists, and what AWS would refuse.
pub const QUESTIONS: &[(&str, &[On])] = &[
    ("ec2:DescribeAccountAttributes", ANY),
    ("ec2:DescribeAddresses", ANY),
    ("ec2:DescribeAvailabilityZones", ANY),
    ("ec2:DescribeImages", ANY),
    ("ec2:DescribeInstanceTypeOfferings", ANY),
    ("ec2:DescribeInstances", ANY),
    ("ec2:DescribeInternetGateways", ANY),
    ("ec2:DescribeKeyPairs", ANY),
    ("ec2:DescribeRouteTables", ANY),
    ("ec2:DescribeSecurityGroupRules", ANY),
    ("ec2:DescribeSecurityGroups", ANY),
    ("ec2:DescribeSubnets", ANY),
    ("ec2:DescribeTags", ANY),
    ("ec2:DescribeVolumes", ANY),
    ("ec2:DescribeVpcEndpoints", ANY),
    ("ec2:DescribeVpcs", ANY),
    ("iam:GetInstanceProfile", &[Profile]),
    ("iam:GetRole", &[Role]),
    ("secretsmanager:ListSecrets", ANY),
    ("servicequotas:GetServiceQuota", ANY),
];

/// What `rotate_password.sh` does.
pub const ROTATE: &[(&str, &[On])] = &[
    ("secretsmanager:GetSecretValue", &[SecretOfUser]),
    ("secretsmanager:ListSecretVersionIds", &[SecretOfUser]),
    ("secretsmanager:PutSecretValue", &[SecretOfUser]),
    ("secretsmanager:UpdateSecretVersionStage", &[SecretOfUser]),
];

/// What Secrets Manager does with a KMS key in the caller's name to read and to write a password
/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html>).
pub const ENCRYPT_SECRETS: &[&str] = &["kms:Decrypt", "kms:GenerateDataKey"];

/// What EC2 and Secrets Manager do with a KMS key in the caller's name
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html#ebs-encryption-permissions>,
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html>).
pub const ENCRYPT: &[&str] = &[
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

/// Rights that a run in the lab does not use, and what they are for.
pub const NEEDED_ELSEWHERE: &[(&str, &str)] = &[
    ("ec2:DeleteTags", "a key that is removed from the blueprint's tags"),
    ("ec2:DeleteVolume", "the volume of a killed build"),
    ("ec2:DeleteSnapshot", "the snapshot of a killed build, or of an image that is pruned"),
    ("ec2:DeregisterImage", "an image that is rebuilt or pruned"),
    ("ec2:DescribeInstanceCreditSpecifications", "a burstable instance type"),
    ("ec2:DescribeInternetGateways", "what a killed run created"),
    ("ec2:DescribeKeyPairs", "the key pair of a killed build, or of the blueprint"),
    ("ec2:DescribeNetworkInterfaces", "a foreign network interface in a subnet that is destroyed"),
    ("ec2:DescribePrefixLists", "the addresses of a gateway endpoint"),
    ("ec2:DescribeSnapshots", "newer Packers: the state of an image's snapshot"),
    ("ec2:DescribeSubnets", "newer Packers: the subnet of the default VPC"),
    ("ec2:DescribeTags", "what a killed run created"),
    ("ec2:ModifyInstanceCreditSpecification", "a change to a burstable instance type"),
    (
        "ec2:ModifyInstanceMetadataOptions",
        "a machine of an earlier pgherd, with other settings of the metadata service",
    ),
    ("ec2:ModifySecurityGroupRules", "a rule whose description or range changes"),
    ("ec2:ModifyVolume", "a disk that grows"),
    ("ec2:ModifyVpcEndpoint", "a zone that is added or removed, or a change of the endpoint's policy"),
    ("ec2:StartInstances", "a machine whose instance type changes"),
    ("iam:UntagInstanceProfile", "a key that is removed from the blueprint's tags"),
    ("iam:UntagRole", "a key that is removed from the blueprint's tags"),
    ("iam:UpdateAssumeRolePolicy", "a role of an earlier pgherd"),
    ("iam:UpdateRole", "a role's description that changes"),
    ("route53:AssociateVPCWithHostedZone", "AWS requires it to create an endpoint with private names; moto does not"),
    ("secretsmanager:ListSecrets", "what a killed run created"),
    ("secretsmanager:UntagResource", "a key that is removed from the blueprint's tags"),
    ("secretsmanager:UpdateSecret", "a secret's description or KMS key that changes"),
    ("servicequotas:GetServiceQuota", "quotas of processors and VPCs; moto has none"),
    ("secretsmanager:UpdateSecretVersionStage", "a secret that was rotated by hand"),
];
