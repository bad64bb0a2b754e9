"""Corrections of security groups.

moto's error code for a missing rule differs from EC2's, so Terraform fails when it repeats a call. The members of a VPC's default group
reach each other on EC2 (https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html).
"""

from endpoints import around
from moto.ec2.exceptions import InvalidPermissionNotFoundError, InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models.security_groups import SecurityGroupBackend


def revoked(backend, original, *args, security_rule_ids=None, **kwargs):
    try:
        return original(backend, *args, security_rule_ids=security_rule_ids, **kwargs)
    except InvalidPermissionNotFoundError:
        if not security_rule_ids:
            raise
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
        raise InvalidSecurityGroupRuleIdNotFoundError(security_rule_ids[0]) from None


for way in ("ingress", "egress"):
    around(SecurityGroupBackend, f"revoke_security_group_{way}")(revoked)


@around(SecurityGroupBackend, "create_security_group")
def members_of_a_default_group_reach_each_other(backend, original, *args, is_default=None, **kwargs):
    group = original(backend, *args, is_default=is_default, **kwargs)
    if is_default:
        every = {"ip_protocol": "-1", "from_port": None, "to_port": None, "ip_ranges": []}
        backend.authorize_security_group_ingress(
            **every, group_name_or_id=group.id, source_groups=[{"GroupId": group.id}], vpc_id=group.vpc_id
        )
    return group
