#!/usr/bin/python3
"""Moves etcd's leadership off this machine while it is PostgreSQL's primary.

Losing both at once costs seconds more: the primary's lease starts anew after etcd's own election.
"""

import sys
import urllib.request

import etcd_api

OWN = "http://127.0.0.1:2379"


def is_primary():
    """Whether the Patroni of this machine says that it leads."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8008/primary", timeout=3) as answer:
            return answer.status == 200
    except OSError:
        return False


def is_healthy(url):
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
                print(f"etcd's leadership moved to {member['name']}: this machine is the primary", flush=True)
                return
    except etcd_api.ERRORS as error:
        print(f"etcd's leadership stays here for now: {error}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
