#!/usr/bin/python3
"""Decides, before etcd starts, whether this machine founds the cluster, joins it, or goes on with what is on its disk.

An empty disk in a cluster that runs means a replaced machine: the old member is removed and this one added, then etcd
starts with `existing`. An empty disk where nothing runs means that the cluster is being founded: `new`.
The answer is /run/pgherd/etcd-member.env, which etcd's unit reads.
"""

import glob
import os
import sys
import time

import etcd_api

ANSWER = "/run/pgherd/etcd-member.env"
# Seconds to look for a cluster before founding one. Machines that boot together found it together, whoever is first;
# the wait matters when a whole cluster comes back from a power cut with one disk empty.
LOOK = 5


def answer(state, initial_cluster):
    print(f"starting etcd with initial-cluster-state={state}", flush=True)
    with open(ANSWER, "w", encoding="utf-8") as out:
        out.write(f"ETCD_INITIAL_CLUSTER_STATE={state}\nETCD_INITIAL_CLUSTER={initial_cluster}\n")


def join(client_url, own_url, names):
    """Makes this machine a member that has not started yet; answers the cluster as `existing` wants it."""
    known = etcd_api.members(client_url)
    own = [m for m in known if own_url in m.get("peerURLs", [])]
    # A member that has ever run has published its client URLs. One that has not is waiting for exactly this start.
    for member in (m for m in own if m.get("clientURLs")):
        print(f"removing this machine's former member {member['name']} ({member['ID']}): its disk is gone", flush=True)
        etcd_api.call(client_url, "/v3/cluster/member/remove", {"ID": member["ID"]}, timeout=10)
        own = []
    if not own:
        print("adding this machine as a new member", flush=True)
        etcd_api.call(client_url, "/v3/cluster/member/add", {"peerURLs": [own_url]}, timeout=10)
    urls = {own_url} | {url for m in known for url in m.get("peerURLs", [])}
    # etcd matches members by URL; a name that the table does not know may be anything.
    return ",".join(f"{names.get(url, url.split('/')[2])}={url}" for url in sorted(urls))


def is_founded(peer_url):
    """Whether a peer, quorum or not, belongs to a cluster that has run; None if it does not answer."""
    try:
        known = etcd_api.call(peer_url, "/members")
    except etcd_api.ERRORS:
        return None
    return any(m.get("clientURLs") for m in known)


def main():
    name = os.environ["ETCD_NAME"]
    founders = os.environ["ETCD_INITIAL_CLUSTER"]
    urls = dict(entry.split("=", 1) for entry in founders.split(","))
    names = {url: peer for peer, url in urls.items()}
    peers = [url for peer, url in urls.items() if peer != name]
    if glob.glob(os.path.join(os.environ["ETCD_DATA_DIR"], "member", "wal", "*.wal")):
        # etcd goes on with what it has and looks at neither of these.
        return answer("existing", founders)

    started = time.monotonic()
    while True:
        states = [is_founded(url) for url in peers]
        if any(states):
            for url in (url for url, founded in zip(peers, states) if founded):
                try:
                    return answer("existing", join(url.replace(":2380", ":2379"), urls[name], names))
                except etcd_api.ERRORS as error:
                    print(f"the cluster cannot take this machine in yet, trying again: {error}", flush=True)
        elif any(state is False for state in states) or not peers or time.monotonic() - started > LOOK:
            return answer("new", founders)
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
