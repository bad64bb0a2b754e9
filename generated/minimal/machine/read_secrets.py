#!/usr/bin/python3
"""Reads this machine's passwords from AWS Secrets Manager into /run/pgherd, which is in memory and never on disk.

/etc/pgherd/secrets.json says which secret goes where. The credentials are those of the instance role. It tries until it
has all secrets: Terraform may still be making them, and the network or the endpoint may be late.
"""

import json
import os
import shutil
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PLAN = "/etc/pgherd/secrets.json"
# Seconds between two tries. Each failed try logs a line.
PAUSE = 5


def read_plan():
    """Returns which secrets this machine reads, and where they go."""
    with open(PLAN, encoding="utf-8") as plan_file:
        return json.load(plan_file)


def connect(region):
    """Returns a client of Secrets Manager with this machine's role."""
    config = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2, "mode": "standard"})
    # Debian 12's boto3 does not read these variables by itself.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or os.environ.get("AWS_ENDPOINT_URL")
    return boto3.client("secretsmanager", region_name=region, endpoint_url=endpoint, config=config)


def read_all(region, names):
    """Returns secrets by name. Raises what boto3 raises."""
    client = connect(region)
    return {name: client.get_secret_value(SecretId=name)["SecretString"] for name in sorted(names)}


def keep_trying(action):
    """Repeats an action until it succeeds, and returns its result."""
    while True:
        try:
            return action()
        except (BotoCoreError, ClientError) as error:
            print(f"cannot read or write all secrets, trying again in {PAUSE} s: {error}", flush=True)
            time.sleep(PAUSE)


def as_env(values):
    """Returns KEY="value" lines, as systemd's EnvironmentFile reads them."""
    lines = []
    for key, value in values.items():
        if "\n" in value:
            raise SystemExit(f"the secret for {key} contains a line break, so it cannot be an environment variable")
        escaped = "".join("\\" + c if c in '\\"$`' else c for c in value)
        lines.append(f'{key}="{escaped}"\n')
    return "".join(lines)


def write(file, values):
    """Replaces a file in one step. Only its owner can read it."""
    fresh = file["path"] + ".new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(as_env(values))
    shutil.chown(fresh, file["owner"])
    os.rename(fresh, file["path"])


def main():
    plan = read_plan()
    wanted = plan["file"]["secrets"]
    secrets = keep_trying(lambda: read_all(plan["region"], wanted.values()))
    os.umask(0o077)
    write(plan["file"], {key: secrets[name] for key, name in wanted.items()})
    print(f"read {len(secrets)} secrets", flush=True)


if __name__ == "__main__":
    sys.exit(main())
