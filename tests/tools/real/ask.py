"""Asks Secrets Manager for a secret from an address of this machine, and says what came of it: the secret, an error's code, or nothing.

ask.py SOURCE API SECRET [ENDPOINT ROOTS]: with the credentials that the API's metadata service gives to the machine at
SOURCE_OF_CREDENTIALS, or with a key in the environment; through an endpoint, by its own name if that is in ENDPOINT_NAME, or at the
API itself.
"""

import http.client
import json
import os
import ssl
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "eu-west-1"


def fetched(api, source, path):
    token = asked(api, source, "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    path = f"/latest/meta-data/iam/security-credentials/{path}"
    return asked(api, source, "GET", path, {"X-aws-ec2-metadata-token": token})


def asked(api, source, method, path, headers):
    connection = http.client.HTTPConnection(api, source_address=(source, 0))
    connection.request(method, path, headers=headers)
    return connection.getresponse().read().decode()


def credentials(api):
    source = os.environ.get("SOURCE_OF_CREDENTIALS")
    if source is None:
        return Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    given = json.loads(fetched(api, source, fetched(api, source, "")))
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["Token"])


def main(source, api, secret, endpoint=None, roots=None):
    host = os.environ.get("ENDPOINT_NAME", f"secretsmanager.{REGION}.amazonaws.com")
    request = AWSRequest("POST", f"https://{host}/", data=json.dumps({"SecretId": secret}), headers={
        "Host": host, "X-Amz-Target": "secretsmanager.GetSecretValue", "Content-Type": "application/x-amz-json-1.1",
    })
    SigV4Auth(credentials(api), "secretsmanager", REGION).add_auth(request)
    connection = http.client.HTTPConnection(endpoint or api, source_address=(source, 0), timeout=20)
    try:
        connection.connect()
        if endpoint:
            tls = ssl.create_default_context(cafile=roots)
            connection.sock = tls.wrap_socket(connection.sock, server_hostname=host)
        connection.request("POST", "/", request.body, dict(request.headers))
        answer = json.loads(connection.getresponse().read())
    except ssl.SSLCertVerificationError:
        raise
    except OSError:
        return "no connection"
    return answer.get("SecretString") or answer["__type"]


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
