//! The rights for what is no Terraform block: building images, the pipeline's own questions, rotating passwords, encryption.

use super::rights::Resources::{self, Bare, Base, Loose, New, Ours, Profile, Role, SecretOfUser, Untagged};
use super::rights::{ANY, BUILDER_GROUP, INSTANCE};

/// What Packer does to build an image: it creates a machine with a key pair and a security group, and removes them at the end.
pub const BUILD: &[(&str, &[Resources])] = &[
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
pub const IMAGES: &[(&str, &[Resources])] =
    &[("ec2:DeregisterImage", &[Ours("image")]), ("ec2:DeleteSnapshot", &[Ours("snapshot")])];

/// What the pipeline itself asks with the AWS CLI before it creates anything: what exists, and what AWS would refuse.
pub const QUESTIONS: &[(&str, &[Resources])] = &[
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

/// What `pgherd drill` does: it finds the cluster's machines, cuts their power, and starts them again. Its clients log in as a user.
pub const DRILL: &[(&str, &[Resources])] = &[
    ("ec2:DescribeInstances", ANY),
    ("ec2:StopInstances", INSTANCE),
    ("ec2:StartInstances", INSTANCE),
    ("secretsmanager:GetSecretValue", &[SecretOfUser]),
];

/// What `rotate_password.sh` does.
pub const ROTATE: &[(&str, &[Resources])] = &[
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
    ("elasticloadbalancing:ModifyListener", "a listener that was changed by hand"),
    ("elasticloadbalancing:ModifyListenerAttributes", "a listener that was changed by hand"),
    ("elasticloadbalancing:ModifyTargetGroup", "a health check that changes"),
    ("elasticloadbalancing:RemoveTags", "a key that is removed from the blueprint's tags"),
    ("elasticloadbalancing:SetSecurityGroups", "a load balancer whose security group was changed by hand"),
    ("elasticloadbalancing:SetSubnets", "a HAProxy in another zone"),
    ("iam:CreateServiceLinkedRole", "the first load balancer of an account; moto needs no such role"),
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
