#!/usr/bin/python3
"""Measures the effect of Patroni's failsafe_mode when etcd fails but PostgreSQL does not, in the lab, on blueprints/herd.hcl.

    flock /run/lock/pgherd-lab-tests python3 tests/bench/failsafe.py TRIALS

Each database machine tries to write a row every tenth of a second, on its own socket: who acknowledges, and when, is known of each
machine by itself. Two machines that acknowledge at the same time would be two primaries.
"""

import json
import subprocess
import sys
import time

PGHERD = "target/debug/pgherd"
BLUEPRINT = "blueprints/herd.hcl"
DATABASES = ["master", "slave1", "slave2"]
# One acknowledged row per line, with its time on the clock that all machines of the lab share.
WRITER = """
while :; do
  if timeout 2 psql -XAqt -d app -c 'INSERT INTO acknowledged DEFAULT VALUES' 2>/dev/null; then date +%s.%N; fi
  sleep 0.1
done
"""


def run(*words, check=True):
    done = subprocess.run([PGHERD, *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(f"{words}: {done.stdout}{done.stderr}")
    return done.stdout


def machine(name, script, check=True):
    return run("lab", "shell", name, "--", "bash", "-c", script, check=check)


def members():
    return json.loads(machine("master", "herdctl list -f json"))


def primary():
    return next(m["Member"] for m in members() if m["Role"] == "Leader")


def healthy(limit=180):
    end = time.time() + limit
    while time.time() < end:
        if run("status", BLUEPRINT, "--target", "lab", check=False).rstrip().endswith("healthy"):
            return
        time.sleep(1)
    raise SystemExit("the cluster did not heal:\n" + machine("master", "herdctl list", check=False))


def etcd_leader():
    hosts = ",".join(f"http://{address}:2379" for address in addresses().values())
    found = json.loads(machine("master", f"ETCDCTL_API=3 etcdctl --endpoints={hosts} endpoint status -w json"))
    one = next(e for e in found if e["Status"]["leader"] == e["Status"]["header"]["member_id"])
    return next(name for name, address in addresses().items() if address in one["Endpoint"])


def addresses():
    with open("generated/herd/machine/machines.tsv", encoding="utf-8") as table:
        rows = [line.rstrip("\n").split("\t") for line in table if not line.startswith("#")]
    return {row[0]: row[3] for row in rows if row[0] in DATABASES}


def namespace(name):
    for space in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout.splitlines():
        space = space.split()[0]
        shown = subprocess.run(["ip", "netns", "exec", space, "ip", "-4", "-o", "addr"], capture_output=True, text=True, check=False)
        if f" {addresses()[name]}/" in shown.stdout:
            return space
    raise SystemExit(f"{name} has no namespace")


def nft(name, text):
    subprocess.run(["ip", "netns", "exec", namespace(name), "nft", "-f", "-"], input=text, text=True, check=True)


def cut(name, what):
    """Blocks packets of this kind from the machine to the other databases and back."""
    others = ", ".join(address for other, address in addresses().items() if other != name)
    rules = "".join(f"  chain {hook} {{ type filter hook {hook} priority 0; ip {side} {{ {others} }} {what} drop; }}\n"
                    for hook, side in (("output", "daddr"), ("input", "saddr")))
    nft(name, f"table inet measured {{\n{rules}}}\n")


def mend(name):
    nft(name, "delete table inet measured\n")


class Fault:
    """A fault, and how long it lasts in seconds."""

    def __init__(self, seconds):
        self.seconds = seconds


class LeaderDies(Fault):
    def begin(self):
        self.who = etcd_leader()
        machine(self.who, "systemctl stop etcd")

    def end(self):
        machine(self.who, "systemctl start etcd")


class MajorityDies(Fault):
    """etcd stops on both standbys."""

    def begin(self):
        self.who = [name for name in DATABASES if name != primary()]
        for name in self.who:
            machine(name, "systemctl stop etcd")

    def end(self):
        for name in self.who:
            machine(name, "systemctl start etcd")


class PrimaryLosesEtcd(Fault):
    """etcd has a majority without the primary, which reaches the other machines by all other ports."""

    def begin(self):
        self.who = primary()
        machine(self.who, "systemctl stop etcd")
        cut(self.who, "tcp dport { 2379, 2380 }")

    def end(self):
        mend(self.who)
        machine(self.who, "systemctl start etcd")


class PrimaryCutOff(Fault):
    """The primary reaches neither of the others."""

    def begin(self):
        self.who = primary()
        cut(self.who, "")

    def end(self):
        mend(self.who)


FAULTS = {
    "etcd's leader stops": LeaderDies(20),
    "etcd's majority stops": MajorityDies(60),
    "the primary loses etcd": PrimaryLosesEtcd(40),
    "the primary is cut off": PrimaryCutOff(40),
}


def trial(fault):
    healthy()
    for name in DATABASES:
        machine(name, f"cat >/run/writer.sh <<'END'\n{WRITER}\nEND\nrm -f /run/acknowledged")
        machine(name, "systemd-run -q --unit=writer -p User=postgres -p StandardOutput=file:/run/acknowledged bash /run/writer.sh")
    time.sleep(5)
    before = primary()
    begun = time.time()
    fault.begin()
    time.sleep(max(0, begun + fault.seconds - time.time()))
    fault.end()
    ended = time.time()
    healthy()
    time.sleep(2)
    rows = []
    for name in DATABASES:
        machine(name, "systemctl stop writer")
        rows += [(float(when), name) for when in machine(name, "cat /run/acknowledged").split()]
    rows.sort()
    after = primary()
    times = [when for when, _ in rows]
    pauses = [(b - a, a) for a, b in zip(times, times[1:])]
    longest, since = max(pauses)
    # Finds an old primary that still acknowledges after a new one has begun to.
    changes = [(a, b) for a, b in zip(rows, rows[1:]) if a[1] != b[1]]
    return {
        "writes stopped for": round(longest, 1), "first pause began after": round(since - begun, 1),
        "fault lasted": round(ended - begun, 1), "moved": before != after, "two primaries": len(changes) > 1,
    }


def main():
    trials = int(sys.argv[1])
    run("run", BLUEPRINT, "--target", "lab", "--yes")
    try:
        healthy()
        machine(primary(), "runuser -u postgres -- psql -qd app -c 'CREATE TABLE acknowledged (n bigserial)'")
        for mode in "false", "true":
            machine("master", f"herdctl edit-config --force -s failsafe_mode={mode}")
            time.sleep(10)
            for title, fault in FAULTS.items():
                for _ in range(trials):
                    print(json.dumps({"failsafe_mode": mode, "fault": title, **trial(fault)}), flush=True)
    finally:
        run("lab", "down", check=False)


if __name__ == "__main__":
    main()
