#!/usr/bin/python3
"""Ends this machine's etcd if it has no leader while another member has one. systemd starts it again.

After a partition, etcd keeps its old connections to its peers: the time-outs that it sets never apply to them. They work again only when
TCP resends, which it does ever more rarely. A new etcd finds the leader at once, and one without a leader serves nobody.
"""

import os
import signal
import subprocess
import sys

import etcd_api

OWN = "http://127.0.0.1:2379"


def has_leader(url):
    """Returns whether the member at this URL knows a leader; None if it is unreachable."""
    try:
        return etcd_api.call(url, "/v3/maintenance/status", {}).get("leader", "0") != "0"
    except etcd_api.ERRORS:
        return None


def main():
    if has_leader(OWN) is not False:
        return
    try:
        others = [url for member in etcd_api.members(OWN) for url in member.get("clientURLs", [])]
    except etcd_api.ERRORS:
        return
    # Without a leader anywhere, the members are electing one, and their connections may be good.
    if not any(map(has_leader, others)) or has_leader(OWN) is not False:
        return
    show = ["systemctl", "show", "--property=MainPID", "--value", "etcd.service"]
    pid = int(subprocess.run(show, stdout=subprocess.PIPE, check=True, text=True).stdout)
    if pid > 0:
        os.kill(pid, signal.SIGTERM)
        print("restarted etcd: the other members have a leader, and this one had not heard of it", flush=True)


if __name__ == "__main__":
    sys.exit(main())
