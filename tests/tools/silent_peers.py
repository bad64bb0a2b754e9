#!/usr/bin/env python3
"""Tries silent_peers.nft against another machine, a network namespace: silent_peers.py FILE. Prints what each connection met.

Needs a network namespace of its own (unshare --net). Everything ends with it.
"""

import socket
import subprocess
import sys

HERE, PEER = "10.20.0.16", "10.20.64.16"
POSTGRES, PATRONI, ETCD = 5432, 8008, 2380
# The time limit of Patroni's requests in the race for the lock, in seconds.
LIMIT = 2

LISTENS = f"""
import signal, socket
listening = [socket.create_server(("", port)) for port in ({POSTGRES}, {PATRONI}, {ETCD})]
print("up", flush=True)
signal.pause()
"""


def run(*words):
    subprocess.run(words, check=True)


def met(port):
    """Returns what a connection to a port of the peer meets."""
    try:
        socket.create_connection((PEER, port), timeout=LIMIT).close()
        return "connected"
    except TimeoutError:
        return "no answer"
    except ConnectionRefusedError:
        return "refused"


def main():
    with subprocess.Popen(["unshare", "--net", "python3", "-c", LISTENS], stdout=subprocess.PIPE) as peer:
        peer.stdout.readline()
        there = ["nsenter", "--net", f"--target={peer.pid}"]
        try:
            run("ip", "link", "set", "lo", "up")
            run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(peer.pid))
            run("ip", "address", "add", f"{HERE}/16", "dev", "here")
            run("ip", "link", "set", "here", "up")
            run(*there, "ip", "link", "set", "there", "up")
            run(*there, "ip", "address", "add", f"{PEER}/16", "dev", "there")
            run("nft", "--file", sys.argv[1])
            # Loading it once more replaces it.
            run("nft", "--file", sys.argv[1])
            print("healthy:", met(PATRONI), flush=True)
            run(*there, "nft", "add table inet cut; add chain inet cut input { type filter hook input priority 0; }")
            run(*there, "nft", f"add rule inet cut input tcp dport {ETCD} drop")
            print("cut off from etcd only:", met(ETCD), "by etcd, then", met(PATRONI), flush=True)
            run(*there, "nft", f"add rule inet cut input tcp dport {PATRONI} drop")
            print("cut off from Patroni only:", met(PATRONI), "and", met(PATRONI), flush=True)
            run(*there, "nft", "add rule inet cut input drop")
            print("first silent:", met(POSTGRES), flush=True)
            print("silent:", met(PATRONI), "by Patroni,", met(POSTGRES), "by PostgreSQL,", met(ETCD), "by etcd", flush=True)
            run(*there, "nft", "flush chain inet cut input")
            print("back:", met(POSTGRES), "by PostgreSQL, then", met(PATRONI), flush=True)
        finally:
            peer.kill()


main()
