#!/usr/bin/python3
"""Decides, before etcd starts, whether this machine starts a new cluster, joins the existing one, or continues with the data on its disk.

If the disk is empty and the cluster runs, the machine was replaced or is new. Its old member is removed, a new one is
added, and etcd starts with `existing`. Only the founders (ETCD_INITIAL_CLUSTER) ever start with `new`, and only after
another founder has said that it has no cluster either: after a power cut, a founder that lost its disk must not found
another cluster while the others still boot. Both record their disks first, so that no other disks can found it again
(founding.py). All other machines wait for a cluster to join.
The decision goes to /run/pgherd/etcd-member.env, which etcd's unit reads.
"""

import glob
import http.server
import json
import os
import sys
import threading
import time
import urllib.parse

import etcd_api

DECISION = "/run/pgherd/etcd-member.env"
# Seconds between two lines in the log while waiting.
LOG_EVERY = 30
# Seconds between two questions to Secrets Manager.
ASK_EVERY = 5


def decide(state, initial_cluster):
    """Tells etcd's unit how to start."""
    print(f"starting etcd with initial-cluster-state={state}", flush=True)
    with open(DECISION, "w", encoding="utf-8") as out:
        out.write(f"ETCD_INITIAL_CLUSTER_STATE={state}\nETCD_INITIAL_CLUSTER={initial_cluster}\n")


def join(client_url, own_url, names):
    """Makes this machine a member that has not started yet. Returns the initial cluster for `existing`."""
    known = etcd_api.members(client_url)
    own = [m for m in known if own_url in m.get("peerURLs", [])]
    # A member that has ever run has published its client URLs. One without them is waiting for this very start.
    for member in (m for m in own if m.get("clientURLs")):
        print(f"removing this machine's former member {member['name']} ({member['ID']}): its disk is gone", flush=True)
        etcd_api.call(client_url, "/v3/cluster/member/remove", {"ID": member["ID"]}, timeout=10)
        own = []
    if not own:
        print("adding this machine as a new member", flush=True)
        etcd_api.call(client_url, "/v3/cluster/member/add", {"peerURLs": [own_url]}, timeout=10)
    urls = {own_url} | {url for m in known for url in m.get("peerURLs", [])}
    # etcd matches members by URL, so a name that the table does not have may be anything.
    return ",".join(f"{names.get(url, url.split('/')[2])}={url}" for url in sorted(urls))


def announce_empty_disk(own_url, disk):
    """Says on etcd's port, until this program ends, that this founder's disk is empty, and which disk that is."""
    # It knows of no member and takes no part in Raft.
    answers = {"/members": [], "/disk": disk}

    class EmptyDisk(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path not in answers:
                return self.send_error(http.HTTPStatus.NOT_FOUND)
            self.send_response(http.HTTPStatus.OK)
            self.end_headers()
            self.wfile.write(json.dumps(answers[self.path]).encode())

        def log_message(self, *_):
            pass

    own = urllib.parse.urlsplit(own_url)
    server = http.server.ThreadingHTTPServer((own.hostname, own.port), EmptyDisk)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def is_founded(peer_url):
    """Returns whether a peer belongs to a cluster that has run, with or without a quorum; None if it is unreachable."""
    try:
        known = etcd_api.call(peer_url, "/members")
    except etcd_api.ERRORS:
        return None
    return any(m.get("clientURLs") for m in known)


def disk_of(peer_url):
    """Returns the id of another founder's disk; None if it does not say that, because etcd runs there."""
    try:
        return etcd_api.call(peer_url, "/disk")
    except etcd_api.ERRORS:
        return None


def tell(text):
    """Logs a line, and writes it to the console, which EC2 shows to those who cannot log in."""
    print(text, flush=True)
    try:
        console = os.open("/dev/console", os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        os.write(console, f"etcd: {text}\r\n".encode())
        os.close(console)
    except OSError:
        pass


def urls_by_name(variable):
    """Parses a variable of the form name=url,name=url, as etcd has them."""
    return dict(entry.split("=", 1) for entry in os.environ[variable].split(","))


def main():
    name = os.environ["ETCD_NAME"]
    founders = urls_by_name("ETCD_INITIAL_CLUSTER")
    members = urls_by_name("PGHERD_ETCD_MEMBERS")
    names = {url: member for member, url in members.items()}
    peers = [url for member, url in members.items() if member != name]
    if glob.glob(os.path.join(os.environ["ETCD_DATA_DIR"], "member", "wal", "*.wal")):
        # etcd continues with its data and ignores both values.
        return decide("existing", os.environ["ETCD_INITIAL_CLUSTER"])

    other_founders = {member: url for member, url in founders.items() if member != name}
    if name in founders:
        # boto3 takes its time to load. etcd does not wait for that when it only restarts.
        import founding

        disk = founding.own_disk()
        announce_empty_disk(members[name], disk)
    logged = float("-inf")
    while True:
        reason, pause = f"waiting until one of these is reachable: {' '.join(peers)}", 1
        states = {url: is_founded(url) for url in peers}
        if any(states.values()):
            for url in (url for url, founded in states.items() if founded):
                try:
                    return decide("existing", join(url.replace(":2380", ":2379"), members[name], names))
                except etcd_api.ERRORS as error:
                    reason = f"this machine cannot join the cluster yet, trying again: {error}"
        elif name in founders and all(states[url] is False for url in other_founders.values()):
            disks = {member: disk_of(url) for member, url in other_founders.items()}
            reason, pause = founding.refusal({name: disk, **disks}), ASK_EVERY
            if reason is None:
                return decide("new", os.environ["ETCD_INITIAL_CLUSTER"])
        if time.monotonic() - logged > LOG_EVERY:
            logged = time.monotonic()
            tell(reason)
        time.sleep(pause)


if __name__ == "__main__":
    sys.exit(main())
