#!/usr/bin/python3
"""Reads this machine's passwords from AWS Secrets Manager into /run/pgherd, which is memory, never disk.

/etc/pgherd/secrets.json says which secret goes where. Credentials are the instance role's. It tries until all secrets
are there: Terraform may still be making them, the network or the endpoint may be late.
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
# Seconds between two tries; a line in the log for each.
PAUSE = 5


def read_plan():
    """Which secrets this machine may read."""
    with open(PLAN, encoding="utf-8") as plan_file:
        return json.load(plan_file)


def connect(region):
    """Secrets Manager, as this machine's role may use it."""
    config = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2, "mode": "standard"})
    # Debian 12's boto3 does not read this variable by themselves.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or os.environ.get("AWS_ENDPOINT_URL")
    return boto3.client("secretsmanager", region_name=region, endpoint_url=endpoint, config=config)


def read_all(region, names):
    """Secrets by their names; raises what boto3 raises."""
    client = connect(region)
    return {name: client.get_secret_value(SecretId=name)["SecretString"] for name in sorted(names)}


def keep_trying(action):
    """The action's result, once it succeeds."""
    while True:
        try:
            return action()
        except (BotoCoreError, ClientError) as error:
            print(f"Secrets Manager did not take or give all secrets, trying again in {PAUSE} s: {error}", flush=True)
            time.sleep(PAUSE)


def as_env(values):
    """KEY="value" lines, as systemd's EnvironmentFile reads them."""
    lines = []
    for key, value in values.items():
        if "\n" in value:
            raise SystemExit(f"the secret of {key} has a line break: it cannot be an environment variable")
        escaped = "".join("\\" + c if c in '\\"$`' else c for c in value)
        lines.append(f'{key}="{escaped}"\n')
    return "".join(lines)


def write(file, values):
    """Writes one file in one step, readable by its owner alone."""
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
