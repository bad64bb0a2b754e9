"""Rules of security groups, which Terraform makes and takes away side by side.

moto reads a group's rules, and puts a new list in their place: of two calls at once the later one undid the earlier. And it calls a
rule that is gone by another name than EC2, so Terraform takes a repeated call's answer for an error.
"""

import threading

from endpoints import around
from moto.ec2.exceptions import InvalidPermissionNotFoundError, InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models.security_groups import SecurityGroupBackend

TURN = threading.RLock()


def in_turn(backend, original, *args, **kwargs):
    with TURN:
        return original(backend, *args, **kwargs)


def revoked(backend, original, *args, security_rule_ids=None, **kwargs):
    with TURN:
        try:
            return original(backend, *args, security_rule_ids=security_rule_ids, **kwargs)
        except InvalidPermissionNotFoundError:
            if not security_rule_ids:
                raise
            # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
            raise InvalidSecurityGroupRuleIdNotFoundError(security_rule_ids[0]) from None


for way in ("ingress", "egress"):
    around(SecurityGroupBackend, f"authorize_security_group_{way}")(in_turn)
    around(SecurityGroupBackend, f"revoke_security_group_{way}")(revoked)
