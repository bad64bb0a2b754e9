#!/usr/bin/python3
"""Moves etcd's leadership off this machine before its etcd stops.

etcd also hands over by itself, but only once it has closed its clients' connections, and to the member that it has been connected to for
longest, even if PostgreSQL's primary runs there.
"""

import sys

import etcd_api

OWN = "http://127.0.0.1:2379"


def main():
    try:
        leader = etcd_api.hand_over(OWN)
    except etcd_api.ERRORS as error:
        # Without a quorum there is nobody to hand over to. etcd stops all the same.
        print(f"cannot move etcd's leadership: {error}", flush=True)
        return
    if leader:
        print(f"moved etcd's leadership to {leader}, because etcd stops here", flush=True)


if __name__ == "__main__":
    sys.exit(main())
