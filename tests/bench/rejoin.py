#!/usr/bin/python3
"""Measures how long a member of etcd that was cut off has no leader after the network has healed, with a value of net.ipv4.tcp_retries2.

    rejoin.py ETCD RETRIES CUT TRIALS      # the etcd program, the setting, seconds; needs root, and not the lab

Three real members, each in a network namespace of its own behind a bridge. By turns a follower and the leader are cut off, at the bridge, so
that no member sees its link go down.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time

MEMBERS = (1, 2, 3)
HUB = f"rejoin-{os.getpid()}"
# How etcd.env starts them.
SETTINGS = {"ETCD_HEARTBEAT_INTERVAL": "100", "ETCD_ELECTION_TIMEOUT": "1000", "ETCD_PRE_VOTE": "true", "ETCD_LOG_LEVEL": "error"}
# Runs beside a member, and prints the time, its leader and its own id.
LOOK = """
import json, time, urllib.request
while True:
    asked = time.time()
    try:
        url = urllib.request.Request("http://127.0.0.1:2379/v3/maintenance/status", b"{}")
        status = json.load(urllib.request.urlopen(url, timeout=1))
        print(asked, status.get("leader", "0"), status["header"]["member_id"], flush=True)
    except OSError:
        print(asked, "0", "?", flush=True)
    time.sleep(0.05)
"""


def words(line):
    subprocess.run(line.split(), check=True)


def name(member):
    return f"{HUB}-{member}"


def address(member):
    return f"10.99.0.{member}"


def connect(retries):
    words(f"ip netns add {HUB}")
    words(f"ip -n {HUB} link add bridge type bridge")
    words(f"ip -n {HUB} link set bridge up")
    for member in MEMBERS:
        words(f"ip netns add {name(member)}")
        here = f"ip -n {name(member)}"
        words(f"{here} link set lo up")
        words(f"{here} link add eth0 address 02:00:00:00:00:0{member} type veth peer name port{member} netns {HUB}")
        words(f"{here} address add {address(member)}/24 dev eth0")
        words(f"{here} link set eth0 up")
        words(f"ip -n {HUB} link set port{member} master bridge up")
        # A neighbour that does not answer would be reported to TCP. In a VPC every neighbour answers.
        for other in MEMBERS:
            words(f"{here} neigh replace {address(other)} lladdr 02:00:00:00:00:0{other} dev eth0 nud permanent")
        words(f"ip netns exec {name(member)} sysctl -q net.ipv4.tcp_retries2={retries}")


def start(etcd, member, folder):
    cluster = ",".join(f"m{one}=http://{address(one)}:2380" for one in MEMBERS)
    peers, clients = f"http://{address(member)}:2380", f"http://{address(member)}:2379"
    own = f"--name m{member} --data-dir {folder}/{member} --listen-peer-urls {peers} --initial-advertise-peer-urls {peers}"
    more = f"--listen-client-urls {clients},http://127.0.0.1:2379 --advertise-client-urls {clients} --initial-cluster {cluster}"
    argv = ["ip", "netns", "exec", name(member), etcd, *own.split(), *more.split()]
    return subprocess.Popen(argv, env={**os.environ, **SETTINGS}, stderr=subprocess.DEVNULL)


class Watch:
    """What each member says last: when it was asked, its leader ("0" is none) and its own id."""

    def __init__(self):
        self.last = {member: (0.0, "0", "?") for member in MEMBERS}

    def follow(self, member, look):
        for line in look.stdout:
            asked, leader, own = line.split()
            self.last[member] = (float(asked), leader, own)

    def until(self, holds, patience):
        end = time.time() + patience
        while not holds():
            if time.time() > end:
                sys.exit(f"not after {patience} s: {self.last}")
            time.sleep(0.02)

    def agree(self):
        leaders = {leader for _, leader, _ in self.last.values()}
        return len(leaders) == 1 and leaders != {"0"}


def cut(member, is_cut):
    # A port of a bridge that is disabled drops everything; 3 is forwarding.
    words(f"ip netns exec {HUB} bridge link set dev port{member} state {0 if is_cut else 3}")


def trial(watch, number, seconds):
    watch.until(watch.agree, 120)
    time.sleep(5)
    leader = next(member for member, (_, named, own) in watch.last.items() if named == own)
    victim = leader if number % 2 else leader % len(MEMBERS) + 1
    cut(victim, True)
    time.sleep(seconds)
    cut(victim, False)
    healed = time.time()
    watch.until(lambda: watch.last[victim][0] > healed and watch.last[victim][1] != "0", 300)
    role = "the leader" if number % 2 else "a follower"
    print(f"{role}: {watch.last[victim][0] - healed:.1f} s, load {os.getloadavg()[0]:.1f}", flush=True)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    etcd, retries, seconds, trials = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    children, watch = [], Watch()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        try:
            connect(retries)
            children.extend(start(etcd, member, folder) for member in MEMBERS)
            for member in MEMBERS:
                argv = ["ip", "netns", "exec", name(member), sys.executable, "-c", LOOK]
                look = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
                children.append(look)
                threading.Thread(target=watch.follow, args=(member, look), daemon=True).start()
            for number in range(trials):
                trial(watch, number, seconds)
        finally:
            for child in children:
                child.kill()
                child.wait()
            for namespace in [HUB, *map(name, MEMBERS)]:
                subprocess.run(["ip", "netns", "delete", namespace], stderr=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
