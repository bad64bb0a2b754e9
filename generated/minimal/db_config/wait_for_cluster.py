#!/usr/bin/python3
"""Waits until the master has initialised the cluster, so that a slave without data does not initialise another one."""

import os
import sys
import time

import yaml

import etcd_api

# Seconds between two tries, and between two lines in the log.
PAUSE, LOG_EVERY = 1, 30


def main():
    with open("/etc/patroni/config.yml", encoding="utf-8") as config_file:
        config = yaml.safe_load(config_file)
    with open("/etc/pgherd/role", encoding="utf-8") as role_file:
        role = role_file.read().strip()
    if role == "master" or os.path.exists(os.path.join(config["postgresql"]["data_dir"], "PG_VERSION")):
        return
    key = f"{config['namespace']}{config['scope']}/initialize"
    logged = float("-inf")
    while True:
        reason = "etcd is unreachable"
        for host in config["etcd3"]["hosts"]:
            try:
                # Patroni creates the key empty when it starts to found the cluster, and fills it when that is done.
                if etcd_api.value(f"http://{host}", key):
                    return
                reason = "the master has not initialised the cluster yet"
                break
            except etcd_api.ERRORS:
                continue
        if time.monotonic() - logged > LOG_EVERY:
            logged = time.monotonic()
            print(f"waiting for the master: {reason}", flush=True)
        time.sleep(PAUSE)


if __name__ == "__main__":
    sys.exit(main())
