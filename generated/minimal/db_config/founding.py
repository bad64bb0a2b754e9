#!/usr/bin/python3
"""Makes sure that the cluster is founded once in its life.

The founders record the ids of their disks in the secret CLUSTER/founded before they initialise anything, in a version with a fixed id.
Secrets Manager never changes a version. So an interrupted founding goes on with the same disks, and no other disks can found the cluster
again, whatever has happened to all machines.

etcd_join.py uses it as a module. As a program, it runs once etcd has a leader, and records that the cluster lives if nothing is
recorded: an earlier version founded it, or the secret was created again. Then no disk can found it.
"""

import datetime
import json
import os
import shutil
import sys
import time
import uuid

from botocore.exceptions import BotoCoreError, ClientError

import etcd_api
from read_secrets import connect, keep_trying, read_plan

# The only version's id. Secrets Manager requires 32 to 64 characters.
VERSION = "pgherd-a-cluster-is-founded-once"
OWN_ETCD = "http://127.0.0.1:2379"
# Seconds between two looks at etcd.
PAUSE = 1


def disk_file():
    """Returns the path of the disk's id. It is lost with etcd's data, by which it is the disk of a founder."""
    return os.path.join(os.environ["ETCD_DATA_DIR"], "founding-disk")


def own_disk():
    """Returns the id of this machine's disk, which an empty disk gets. It survives a power cut before anybody hears of it."""
    path = disk_file()
    if not os.path.exists(path):
        folder = os.path.dirname(path)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        shutil.chown(folder, "etcd", "etcd")
        with open(path + ".new", "w", encoding="ascii") as out:
            out.write(str(uuid.uuid4()))
            out.flush()
            os.fsync(out.fileno())
        os.rename(path + ".new", path)
        for parent in folder, os.path.dirname(folder):
            handle = os.open(parent, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
    with open(path, encoding="ascii") as disk:
        return disk.read()


class Record:
    """The secret. Its methods raise what boto3 raises."""

    def __init__(self):
        plan = read_plan()
        self.client, self.secret = connect(plan["region"]), plan["founded"]

    def read(self):
        """Returns the founding disks by machine, and when they were recorded; None if nothing is recorded."""
        try:
            version = self.client.get_secret_value(SecretId=self.secret, VersionId=VERSION)
        except self.client.exceptions.ResourceNotFoundException:
            return None
        return json.loads(version["SecretString"]), version["CreatedDate"]

    def write(self, disks):
        """Records disks by machine. Returns whether these are recorded now: others may have been before."""
        text = json.dumps(disks, sort_keys=True)
        try:
            self.client.put_secret_value(SecretId=self.secret, SecretString=text, ClientRequestToken=VERSION)
        except self.client.exceptions.ResourceExistsException:
            return False
        return True


def refusal(disks):
    """Returns why founders with these disks may not found the cluster; None if they may.

    This machine's own disk is among them. That of a founder whose etcd runs already is None: it was asked for before.
    """
    try:
        record = Record()
        recorded = record.read()
        if recorded is None:
            unknown = [machine for machine, disk in disks.items() if disk is None]
            if unknown:
                return f"{' '.join(unknown)} does not say which disk it has. If its image is older than this machine's, replace it"
            if record.write(disks):
                return None
            recorded = record.read()
    except (BotoCoreError, ClientError, ValueError) as error:
        return f"cannot find out whether the cluster was founded before, trying again: {error}"
    # Of what was recorded this very moment, Secrets Manager may still say that it does not exist.
    founding_disks, when = recorded or ({}, datetime.datetime.now(datetime.timezone.utc))
    if all(disk in (None, founding_disks.get(machine)) for machine, disk in disks.items()):
        return None
    when = when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"etcd's disks are empty, and others founded the cluster at {when} ({record.secret}). Nothing is initialised. Bring back a machine "
        "that has etcd's data, and this one joins it. If no machine has it, see \"All data is lost\" in RUNBOOK.md"
    )


def record_life():
    """Records that the cluster lives, if nothing is recorded."""
    record = Record()
    if record.read() is None and record.write({}):
        print(f"recorded in {record.secret} that the cluster lives: no empty disk can found it", flush=True)


def has_leader():
    """Returns whether this machine's etcd belongs to a majority, and so to a cluster that is founded."""
    try:
        return etcd_api.call(OWN_ETCD, "/health").get("health") == "true"
    except etcd_api.ERRORS:
        return False


def main():
    while not has_leader():
        time.sleep(PAUSE)
    keep_trying(record_life)
    # Should only etcd's data be removed later, this disk is not the founding one any more.
    if os.path.exists(disk_file()):
        os.remove(disk_file())


if __name__ == "__main__":
    sys.exit(main())
