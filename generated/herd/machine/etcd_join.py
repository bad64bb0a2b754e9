#!/usr/bin/python3
"""Decides, before etcd starts, whether this machine founds the cluster, joins it, or goes on with what is on its disk.

An empty disk in a cluster that runs means a replaced machine, or one that is not in it yet: its old member is removed, it
is added, and etcd starts with `existing`. Only the founders, ETCD_INITIAL_CLUSTER, ever start with `new`, and only once
another founder says that it has no cluster either: after a power cut a founder whose disk was lost must not begin anew
while the others still boot. Everyone else waits for a cluster to join.
The answer is /run/pgherd/etcd-member.env, which etcd's unit reads.
"""

import glob
import http.server
import os
import sys
import threading
import time
import urllib.parse

import etcd_api

ANSWER = "/run/pgherd/etcd-member.env"
# Seconds between two lines in the log while waiting.
LOG_EVERY = 30


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


class NoMembers(http.server.BaseHTTPRequestHandler):
    """What a founder with an empty disk answers where etcd will: it knows of no member, and takes no part in Raft."""

    def do_GET(self):
        if self.path != "/members":
            return self.send_error(http.HTTPStatus.NOT_FOUND)
        self.send_response(http.HTTPStatus.OK)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_):
        pass


def tell_that_nothing_is_here(own_url):
    """Answers the other founders until this program ends, which frees the port for etcd."""
    own = urllib.parse.urlsplit(own_url)
    server = http.server.ThreadingHTTPServer((own.hostname, own.port), NoMembers)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def is_founded(peer_url):
    """Whether a peer, quorum or not, belongs to a cluster that has run; None if it does not answer."""
    try:
        known = etcd_api.call(peer_url, "/members")
    except etcd_api.ERRORS:
        return None
    return any(m.get("clientURLs") for m in known)


def urls_by_name(variable):
    """name=url,name=url as etcd writes it."""
    return dict(entry.split("=", 1) for entry in os.environ[variable].split(","))


def main():
    name = os.environ["ETCD_NAME"]
    founders = urls_by_name("ETCD_INITIAL_CLUSTER")
    members = urls_by_name("PGHERD_ETCD_MEMBERS")
    names = {url: member for member, url in members.items()}
    peers = [url for member, url in members.items() if member != name]
    if glob.glob(os.path.join(os.environ["ETCD_DATA_DIR"], "member", "wal", "*.wal")):
        # etcd goes on with what it has and looks at neither of these.
        return answer("existing", os.environ["ETCD_INITIAL_CLUSTER"])

    other_founders = [url for member, url in founders.items() if member != name]
    if name in founders:
        if not other_founders:
            return answer("new", os.environ["ETCD_INITIAL_CLUSTER"])
        tell_that_nothing_is_here(members[name])
    logged = float("-inf")
    while True:
        states = {url: is_founded(url) for url in peers}
        if any(states.values()):
            for url in (url for url, founded in states.items() if founded):
                try:
                    return answer("existing", join(url.replace(":2380", ":2379"), members[name], names))
                except etcd_api.ERRORS as error:
                    print(f"the cluster cannot take this machine in yet, trying again: {error}", flush=True)
        elif name in founders and any(states[url] is False for url in other_founders):
            return answer("new", os.environ["ETCD_INITIAL_CLUSTER"])
        elif time.monotonic() - logged > LOG_EVERY:
            logged = time.monotonic()
            print(f"waiting for one of these to answer: {' '.join(peers)}", flush=True)
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
