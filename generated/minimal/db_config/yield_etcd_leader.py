#!/usr/bin/python3
"""Moves etcd's leadership off this machine while it is PostgreSQL's primary.

Losing both at once costs seconds more, because the primary's lease starts anew after etcd's own election.
"""

import sys

import etcd_api

OWN = "http://127.0.0.1:2379"


def main():
    if not etcd_api.is_primary(OWN):
        return
    try:
        leader = etcd_api.hand_over(OWN)
    except etcd_api.ERRORS as error:
        print(f"cannot move etcd's leadership yet: {error}", flush=True)
        return
    if leader:
        print(f"moved etcd's leadership to {leader}, because this machine is the primary", flush=True)


if __name__ == "__main__":
    sys.exit(main())
