"""Serves instance metadata as EC2 does: with tokens, and the credentials of the machine's own role.

moto serves made-up metadata to anybody. Here the caller is the machine with the address that the request comes from, and its own
options say what it gets. Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html.
"""

import datetime
import json
import re
import secrets

from judge import instance_of
from moto.core.utils import utcnow
from moto.instance_metadata.responses import InstanceMetadataResponse
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

# The most seconds that a token is valid.
LONGEST = 6 * 3600
TOKEN = "X-aws-ec2-metadata-token"
# By token: the address that it was made for, and when it ends.
tokens = {}
# By instance: the session of its role.
sessions = {}


def metadata(request, full_url, headers):
    """Serves one request."""
    caller = request.remote_addr
    backend, instance = instance_of(lambda one: one.private_ip == caller and one.state == "running")
    if instance is None:
        # No machine of EC2: the lab itself.
        return moto_metadata(request, full_url, headers)
    if instance.metadata_options.http_endpoint == "disabled":
        return 403, {}, ""
    path = re.sub(r"^https?://[^/]*", "", full_url)
    if path == "/latest/api/token":
        return new_token(request, caller)
    token = request.headers.get(TOKEN)
    if token is None and instance.metadata_options.http_tokens == "required":
        return 401, {}, ""
    if token is not None:
        owner, end = tokens.get(token, (None, utcnow()))
        if owner != caller or end <= utcnow():
            return 401, {}, ""
    path = path.removeprefix("/latest/meta-data/")
    if path.startswith("iam/security-credentials"):
        return credentials(backend, instance, path.rstrip("/") == "iam/security-credentials")
    return moto_metadata(request, full_url, headers)


def new_token(request, caller):
    """Makes a token that only its caller can use."""
    seconds = request.headers.get(f"{TOKEN}-ttl-seconds", "")
    if request.method != "PUT":
        return 405, {}, ""
    if not seconds.isdecimal() or not 1 <= int(seconds) <= LONGEST:
        return 400, {}, ""
    token = secrets.token_urlsafe(40)
    tokens[token] = caller, utcnow() + datetime.timedelta(seconds=int(seconds))
    return 200, {}, token


def credentials(backend, instance, is_name):
    """Serves the name of the machine's role, or temporary credentials for that role."""
    association = backend.iam_instance_profile_associations.get(instance.id)
    roles = association.iam_instance_profile.roles if association else []
    if not roles:
        return 404, {}, "there is no role"
    if is_name:
        return 200, {}, roles[0].name
    known = sessions.get(instance.id)
    if known is None or known.expiration < utcnow() + datetime.timedelta(minutes=10):
        partition = get_partition(backend.region_name)
        known = sessions[instance.id] = sts_backends[backend.account_id][partition].assume_role(
            region_name=backend.region_name, role_session_name=instance.id, role_arn=roles[0].arn, policy=None,
            duration=LONGEST, external_id=None,
        )
    return 200, {}, json.dumps({
        "Code": "Success",
        "LastUpdated": utcnow().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Type": "AWS-HMAC",
        "AccessKeyId": known.access_key_id,
        "SecretAccessKey": known.secret_access_key,
        "Token": known.session_token,
        "Expiration": known.expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
    })


moto_metadata = InstanceMetadataResponse.metadata_response
InstanceMetadataResponse.metadata_response = staticmethod(metadata)
