#!/usr/bin/python3
"""Moves etcd's leadership off this machine while it is PostgreSQL's primary.

Losing both at once costs seconds more, because the primary's lease starts anew after etcd's own election.
"""

import sys
import urllib.request

import etcd_api

OWN = "http://127.0.0.1:2379"


def is_primary():
    """Returns whether this machine's Patroni is the leader."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8008/primary", timeout=3) as response:
            return response.status == 200
    except OSError:
        return False


def is_healthy(url):
    """Returns whether an etcd member is reachable and healthy."""
    try:
        return etcd_api.call(url, "/health").get("health") == "true"
    except etcd_api.ERRORS:
        return False


def main():
    if not is_primary():
        return
    try:
        status = etcd_api.call(OWN, "/v3/maintenance/status", {})
        own = status["header"]["member_id"]
        if status.get("leader") != own:
            return
        for member in etcd_api.members(OWN):
            if member["ID"] != own and any(is_healthy(url) for url in member.get("clientURLs", [])):
                etcd_api.call(OWN, "/v3/maintenance/transfer-leadership", {"targetID": member["ID"]})
                print(f"moved etcd's leadership to {member['name']}, because this machine is the primary", flush=True)
                return
    except etcd_api.ERRORS as error:
        print(f"cannot move etcd's leadership yet: {error}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
