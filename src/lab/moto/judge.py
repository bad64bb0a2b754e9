"""Judges requests in the lab as IAM does.

moto knows users, roles and signatures, but judges by the action only: it ignores conditions and mostly ignores resources. Here each
request becomes the questions that AWS asks for it (an action on a resource, in a context), and the caller's policies decide them as
in IAM: a matching Deny refuses, a matching Allow allows, and everything else is refused. If a request comes through an endpoint, the
endpoint's policy must allow it as well. Every decision is recorded as a line of JSON, without keys or values of secrets.

Sources: the service authorization reference (https://docs.aws.amazon.com/service-authorization/latest/reference/) for resource
types, and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
"""

import json
import os
import re
from fnmatch import fnmatchcase

import doors
import flask
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import JsonRESTError
from moto.ec2.models import ec2_backends
from moto.iam.access_control import IAMPolicy, IAMRequest, S3IAMRequest
from moto.iam.models import iam_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.utilities.utils import get_partition

# The account's root user, which no policy restricts: the lab itself, and a person in `pgherd lab shell`.
ROOT = "lab"
# AWS allows these, whatever the policies say.
FREE = ["sts:GetCallerIdentity"]
# Types of EC2 resources by the prefix of their ids. Images and snapshots have no account in their ARN.
EC2_TYPES = {
    "ami": "image", "eipalloc": "elastic-ip", "eni": "network-interface", "i": "instance", "igw": "internet-gateway",
    "pl": "prefix-list", "rtb": "route-table", "scr": "subnet-cidr-reservation", "sg": "security-group",
    "sgr": "security-group-rule", "snap": "snapshot", "subnet": "subnet", "vol": "volume", "vpc": "vpc", "vpce": "vpc-endpoint",
}
# AWS does not check these on a resource, so a statement with ARNs allows nothing.
EC2_UNLIMITED = ["DeleteSubnetCidrReservation"]
# What these actions make, if their name does not say it.
EC2_MADE = {
    "AllocateAddress": ["elastic-ip"],
    "AuthorizeSecurityGroupEgress": [],
    "AuthorizeSecurityGroupIngress": [],
    "CreateImage": ["image", "snapshot"],
    "CreateManagedPrefixList": ["prefix-list"],
    "CreateRoute": [],
    "CreateSubnetCidrReservation": [],
    "CreateTags": [],
    "RunInstances": ["instance", "network-interface", "volume"],
}


def decide(response, request_class, resource="*"):
    """Replaces moto's own authentication and authorization."""
    authorization = response.headers.get("Authorization", "")
    key = re.search(r"Credential=([^/]*)/", authorization)
    if key and key.group(1) == ROOT:
        return
    path = re.sub(r"^https?://[^/]*", "", response.uri)
    request = request_class(
        account_id=response.current_account, method=response.method, path=path, data=response.data, body=response.raw_body,
        headers=response.headers, action=response._get_action(),
    )
    request.check_signature()
    caller = request._access_key
    policies = [IAMPolicy(policy)._policy_json for policy in caller.collect_policies()]
    asked = [question for question in questions(response, request, resource) if question[0] not in FREE]
    refused = [question for question in asked if not allows(policies, *question)]
    if endpoint := flask.request.environ.get(doors.THROUGH):
        refused += [question for question in asked if not allows([json.loads(endpoint.policy_document)], *question)]
    record(caller.arn, request._action, asked, refused)
    if refused and "X-Amz-Target" in response.headers:
        # Services with a JSON protocol refuse in JSON, but moto's own refusal is XML.
        raise JsonRESTError("AccessDeniedException", f"User: {caller.arn} is not authorized to perform: {request._action}")
    if refused:
        request._raise_access_denied()


def record(caller, action, asked, refused):
    """Records a request and the decision."""
    line = {"caller": caller, "action": action, "asked": [q[:2] for q in asked], "refused": [list(q) for q in refused]}
    with open(os.environ["PGHERD_LAB_CALLS"], "a", encoding="utf-8") as calls:
        calls.write(json.dumps(line) + "\n")


ActionAuthenticatorMixin._authenticate_and_authorize_action = decide


def allows(policies, action, resource, context):
    """Returns whether policies allow an action on a resource."""
    statements = [statement for policy in policies for statement in listed(policy["Statement"])]
    fitting = [one["Effect"] for one in statements if fits(one, action, resource, context)]
    return "Allow" in fitting and "Deny" not in fitting


def fits(statement, action, resource, context):
    """Returns whether a statement matches an action on a resource in a context."""
    acts = any(matches(pattern.lower(), action.lower()) for pattern in listed(statement.get("Action", [])))
    return (
        acts
        and any(matches(pattern, resource) for pattern in listed(statement.get("Resource", [])))
        and all(holds(*test, context) for test in conditions(statement.get("Condition", {})))
    )


def conditions(element):
    """Returns operator, key and values of each condition."""
    return [(operator, key, listed(values)) for operator, tests in element.items() for key, values in tests.items()]


def holds(operator, key, values, context):
    """Returns whether a condition is met. An unknown operator raises an error."""
    name = operator.removesuffix("IfExists")
    actual = context.get(key)
    values = [expanded(value, context) for value in values]
    if name == "Null":
        return (actual is None) == (values[0] in (True, "true"))
    if name.startswith("ForAllValues:"):
        return all(any(compare(name.split(":")[1], value, one) for value in values) for one in listed(actual or []))
    if actual is None:
        return operator.endswith("IfExists") or "Not" in name
    if "Not" in name:
        return not any(compare(name.replace("Not", ""), value, actual) for value in values)
    return any(compare(name, value, actual) for value in values)


def expanded(value, context):
    """Returns a value with its policy variables replaced. An unknown variable becomes something that equals nothing."""
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(context.get(found[1], "\0")), value) if isinstance(value, str) else value


def compare(operator, expected, actual):
    """Compares two values."""
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        return matches(expected, actual)
    if operator == "NumericGreaterThanEquals":
        return float(actual) >= float(expected)
    if operator in ("StringEquals", "Bool"):
        return str(actual).lower() == str(expected).lower() if operator == "Bool" else actual == expected
    raise NotImplementedError(f"the condition operator {operator}")


def matches(pattern, text):
    """Returns whether a text matches a pattern with IAM's wildcards, * and ?."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def listed(value):
    """Returns a list. In IAM, a single value stands for a list of one."""
    return value if isinstance(value, list) else [value]


def questions(response, request, resource):
    """Returns what AWS asks for a request: actions, each on a resource in a context."""
    service, _, action = request._action.partition(":")
    world = {"aws:RequestedRegion": request._region} | caller_context(request)
    partition, account = get_partition(request._region), response.current_account
    where = f"arn:{partition}:{service}:{request._region}:{account}"
    asked = {
        "ec2": ec2_questions, "elasticloadbalancing": balancer_questions, "iam": iam_questions, "secretsmanager": secret_questions,
    }.get(service)
    if asked is None:
        return [(request._action, resource, world)]
    return [(name, arn, world | more) for name, arn, more in asked(response, action, where)]


def caller_context(request):
    """Returns the context of a caller: the machine that it runs on, and the endpoint that the request comes through."""
    context = {}
    session = getattr(request._access_key, "_session_name", "")
    backend, instance = instance_of(lambda one: one.id == session)
    if instance:
        arn = f"arn:{get_partition(backend.region_name)}:ec2:{backend.region_name}:{backend.account_id}"
        context |= {
            "ec2:RoleDelivery": "2.0",
            "ec2:SourceInstanceARN": f"{arn}:instance/{session}",
            "aws:Ec2InstanceSourceVpc": instance.vpc_id,
            "aws:Ec2InstanceSourcePrivateIPv4": instance.private_ip,
        }
    if endpoint := flask.request.environ.get(doors.THROUGH):
        context |= {
            "aws:SourceVpce": endpoint.id, "aws:SourceVpc": endpoint.vpc_id, "aws:VpcSourceIp": flask.request.remote_addr,
        }
    return context


def ec2_questions(response, action, where):
    """Returns the questions of EC2: one for each resource that is named, and one for each kind that is made."""
    if action.startswith(("Describe", "Get")) or action in EC2_UNLIMITED:
        return [(f"ec2:{action}", "*", {})]
    data = {name: value[0] for name, value in response.data.items() if isinstance(value, list) and value}
    backend, tags = response.ec2_backend, requested_tags(data)
    asked = [named(backend, where, value) for name, value in data.items() if is_resource(name)]
    if key := data.get("KeyName"):
        asked.append((f"{where}:key-pair/{key}", tagged(key_tags(backend, key))))
    made = EC2_MADE.get(action)
    if made is None:
        made = [kebab(action.removeprefix("Create"))] if action.startswith("Create") else []
    if action == "CreateKeyPair" or action == "ImportKeyPair":
        asked, made = [(f"{where}:key-pair/{data['KeyName']}", requested(tags.get("key-pair")))], []
    asked += [(new(where, kind), requested(tags.get(kind))) for kind in made]
    if action.startswith("AuthorizeSecurityGroup") and "security-group-rule" in tags:
        asked.append((new(where, "security-group-rule"), requested(tags["security-group-rule"])))
    if action == "CreateTags":
        asked = [(arn, context | requested(tags["*"])) for arn, context in asked]
    if action == "DeleteTags":
        asked = [(arn, context | {"aws:TagKeys": list(tags["*"])}) for arn, context in asked]
    asked = [(f"ec2:{action}", arn, context) for arn, context in asked if arn]
    # Tags on new resources are a question of their own.
    for kind in (kind for kind in tags if kind != "*"):
        arn = f"{where}:key-pair/{data['KeyName']}" if kind == "key-pair" else new(where, kind)
        asked.append(("ec2:CreateTags", arn, requested(tags[kind]) | {"ec2:CreateAction": action}))
    if profile := data.get("IamInstanceProfile.Name"):
        iam = iam_backends[response.current_account][get_partition(response.region)]
        roles = iam.get_instance_profile(profile).roles
        asked += [("iam:PassRole", role.arn, {"iam:PassedToService": "ec2.amazonaws.com"}) for role in roles]
    # If an association does not exist, EC2 itself reports that.
    return asked or ([] if "AssociationId" in data else [(f"ec2:{action}", "*", {})])


def is_resource(name):
    """Returns whether a parameter names a resource of the action."""
    return re.fullmatch(r"(NetworkInterface\.\d+\.)?(?!Owner)\w*I[dD](\.\d+)?", name) is not None


def named(backend, where, value):
    """Returns the ARN and the context of an existing resource."""
    kind = EC2_TYPES.get(value.split("-")[0])
    if value.startswith("eipassoc-"):
        address = next((one for one in backend.addresses if one.association_id == value), None)
        return named(backend, where, address.allocation_id) if address else (None, {})
    if value.startswith("rtbassoc-"):
        table = next((one for one in backend.route_tables.values() if value in one._associations), None)
        return named(backend, where, table.id) if table else (None, {})
    if kind is None:
        return (None, {})
    context = tagged(backend.tags.get(value, {}))
    if kind == "image" and (image := backend.amis.get(value)):
        context["ec2:Owner"] = image.owner_id
    if kind == "snapshot" and (snapshot := backend.snapshots.get(value)):
        context["ec2:Owner"] = snapshot.owner_id
    return (new(where, kind).replace("*", value), context)


def new(where, kind):
    """Returns the ARN of a resource without an id."""
    if kind in ("image", "snapshot"):
        where = where.rpartition(":")[0] + ":"
    return f"{where}:{kind}/*"


def requested_tags(data):
    """Returns the tags in a request by the kind of resource; those of CreateTags under `*`."""
    found = {}
    for name, key in data.items():
        if match := re.fullmatch(r"((TagSpecification\.\d+)\.)?Tag\.(\d+)\.Key", name):
            kind = data[f"{match[2]}.ResourceType"] if match[2] else "*"
            found.setdefault(kind, {})[key] = data.get(name.removesuffix("Key") + "Value", "")
    return found


def key_tags(backend, name):
    """Returns the tags of a key pair, which moto keeps under its id."""
    key = backend.key_pairs.get(name)
    return backend.tags.get(key.id, {}) if key else {}


def iam_questions(response, action, where):
    """Returns the questions of IAM, about the role or the instance profile in the request."""
    data = {name: value[0] for name, value in response.data.items() if isinstance(value, list) and value}
    iam = iam_backends[response.current_account][get_partition(response.region)]
    base = where.replace(f":{response.region}:", "::")
    base = re.sub(r":iam:[^:]*:", ":iam::", base)
    tags = {data[name]: data.get(name.replace("Key", "Value"), "") for name in data if re.fullmatch(r"Tags\.member\.\d+\.Key", name)}
    kind, name = ("instance-profile", data.get("InstanceProfileName")) if "InstanceProfileName" in data else ("role", data.get("RoleName"))
    if name is None:
        return [(f"iam:{action}", "*", {})]
    there = {"role": iam.roles.values(), "instance-profile": iam.instance_profiles.values()}[kind]
    one = next((one for one in there if one.name == name), None)
    context = tagged(getattr(one, "tags", None) or {}) if one else {}
    asked = [(f"iam:{action}", f"{base}:{kind}/{name}", context | requested(tags))]
    if tags and action.startswith("Create"):
        asked.append((f"iam:Tag{'Role' if kind == 'role' else 'InstanceProfile'}", f"{base}:{kind}/{name}", requested(tags)))
    if action == "AddRoleToInstanceProfile":
        asked.append(("iam:PassRole", f"{base}:role/{data['RoleName']}", {"iam:PassedToService": "ec2.amazonaws.com"}))
    return asked


def balancer_questions(response, action, where):
    """Returns the questions of Elastic Load Balancing, about each resource that is named or made."""
    if action.startswith("Describe"):
        return [(f"elasticloadbalancing:{action}", "*", {})]
    data = {name: value[0] for name, value in response.data.items() if isinstance(value, list) and value}
    if action == "CreateLoadBalancer":
        arns = [f"{where}:loadbalancer/net/{data['Name']}/*"]
    elif action == "CreateTargetGroup":
        arns = [f"{where}:targetgroup/{data['Name']}/*"]
    else:
        # A listener's target group is not checked (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html).
        is_named = re.compile(r"(LoadBalancer|Listener|TargetGroup)Arn|ResourceArns\.member\.\d+")
        arns = [value for name, value in data.items() if is_named.fullmatch(name)]
    asked = [(f"elasticloadbalancing:{action}", arn, {}) for arn in arns or ["*"]]
    if action.startswith("Create") and "Tags.member.1.Key" in data:
        asked += [("elasticloadbalancing:AddTags", created(arn, action), {}) for arn in arns]
    return asked


def created(arn, action):
    """Returns the ARN of what an action creates at a resource: a listener at its load balancer, anything else by itself."""
    return arn.replace(":loadbalancer/", ":listener/") + "/*" if action == "CreateListener" else arn


def secret_questions(response, action, where):
    """Returns the questions of Secrets Manager, about the secret in the request."""
    body = json.loads(response.body or "{}")
    tags = {tag["Key"]: tag.get("Value", "") for tag in body.get("Tags") or []}
    name = body.get("SecretId") or body.get("Name")
    if name is None:
        return [(f"secretsmanager:{action}", "*", {})]
    backend = secretsmanager_backends[response.current_account][response.region]
    secret = next((one for one in backend.secrets.values() if name in (one.name, one.arn)), None)
    arn = secret.arn if secret else f"{where}:secret:{name}-??????"
    has = {tag["Key"]: tag["Value"] for tag in (secret.tags if secret else None) or []}
    context = tagged(has) | requested(tags)
    if secret:
        context["secretsmanager:ResourceTag"] = has
        context |= {"secretsmanager:SecretId": arn, "secretsmanager:VersionStage": body.get("VersionStage", "AWSCURRENT")}
    asked = [(f"secretsmanager:{action}", arn, context)]
    if tags and action == "CreateSecret":
        asked.append(("secretsmanager:TagResource", arn, context))
    return asked


def tagged(tags):
    """Returns the tags of an existing resource as keys of conditions."""
    if isinstance(tags, list):
        tags = {tag["Key"]: tag["Value"] for tag in tags}
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


def requested(tags):
    """Returns the tags in a request as keys of conditions."""
    tags = tags or {}
    return {f"aws:RequestTag/{key}": value for key, value in tags.items()} | ({"aws:TagKeys": list(tags)} if tags else {})


def kebab(name):
    """Returns kebab case: SecurityGroup becomes security-group."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def instance_of(fits):
    """Returns the first instance that fits, with the backend of its region."""
    for regions in ec2_backends.values():
        for backend in regions.values():
            for instance in backend.all_instances():
                if fits(instance):
                    return backend, instance
    return None, None
