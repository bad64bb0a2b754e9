"""Enforces AWS's limits on the size of policies, which moto does not know."""

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.vpcs import VPCBackend
from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend

from endpoints import around

# Characters in all inline policies of a role, without white space
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
ROLE_POLICIES = 10_240
# Characters in an endpoint's policy, with white space
# (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html).
ENDPOINT_POLICY = 20_480


@around(IAMBackend, "put_role_policy")
def role_policies_within_their_quota(iam, original, role_name, policy_name, policy_json):
    policies = iam.get_role(role_name).policies | {policy_name: policy_json}
    if sum(len("".join(text.split())) for text in policies.values()) > ROLE_POLICIES:
        message = f"Maximum policy size of {ROLE_POLICIES} bytes exceeded for role {role_name}"
        raise LimitExceededException(message)
    return original(iam, role_name, policy_name, policy_json)


@around(VPCBackend, "create_vpc_endpoint")
def endpoint_policy_within_its_quota(ec2, original, *args, **kwargs):
    if len(kwargs.get("policy_document") or "") > ENDPOINT_POLICY:
        raise EC2ClientError("InvalidPolicyDocument", f"The policy is longer than {ENDPOINT_POLICY} characters")
    return original(ec2, *args, **kwargs)
