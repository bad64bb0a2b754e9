#!/usr/bin/env python3
"""How long `pgherd run` takes in the lab, as ratios from one run.

    run.py PGHERD [ROUNDS [PARTS]]      # PARTS: `a` or `bc` for some of it

(a) From nothing: the pipeline against the same commands one after the other in the seed's order (network, then image and module of
    master, slaves, HAProxy); both end when the cluster is whole. Bar: 0.55.
(b) Nothing to do: `pgherd run` against the bare commands that it cannot avoid (a plan a module, one look for the images), side by side;
    bar: 1.15. And one `terraform plan` after the other in each module against `pgherd run`; bar: at least 1.5. Medians of ROUNDS
    (default 5), interleaved.
The bare commands have the environment of a shell. How (b) looks where someone sets by hand what `run` adds to Terraform's (COLLECT)
is printed as well, without a bar.
(c) pgherd's own processor time (with its keepers') beside its children's, and its memory; bars: 1 % and 50 MB. Memory is the
    proportional set size: pgherd and a dozen keepers are one program, and the sum of their resident sets counts each page of its
    code as often as there are processes that have it.

A bar that is missed is an exit code of 1. It needs root, brings the lab up and takes it down.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[2]
BLUEPRINT = "blueprints/herd.hcl"
WORK = "/var/lib/pgherd/lab/clusters/herd"
MODULES = {
    "network": "network/terraform_network",
    "master": "db_config/terraform_master",
    "slave": "db_config/terraform_slave",
    "haproxy": "load_balancer/terraform_haproxy",
}
ROLES = ["master", "slave", "haproxy"]
# What `run` adds to Terraform's environment: Go collects garbage less often.
COLLECT = "export GOGC=off GOMEMLIMIT=768MiB"
ENVIRONMENT = {**os.environ, "AWS_REGION": "eu-west-1", "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}


class Bench:
    def __init__(self, pgherd):
        self.pgherd = pathlib.Path(pgherd).resolve()
        self.missed = False

    def call(self, *words):
        done = subprocess.run([self.pgherd, *words], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"pgherd {' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def shell(self, script, collect=""):
        return self.call("lab", "shell", "--", "bash", "-euo", "pipefail", "-c", f"cd {WORK}\n{collect}\n{script}")

    def run(self, *words):
        return self.call("run", BLUEPRINT, "--target", "lab", *words)

    def timed(self, work):
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    def forget(self):
        """Destroys everything, including images."""
        self.call("destroy", BLUEPRINT, "--target", "lab", "--yes", "--images")
        self.shell("rm -rf */terraform_*/.terraform */terraform_*/terraform.tfstate* .pgherd/plans")

    def say(self, what, value, bar, good):
        self.missed |= not good
        print(f"{what:<92} {value:>8}   bar {bar:<8} {'' if good else 'MISSED'}", flush=True)


def name(role):
    template = json.loads((ROOT / f"generated/herd/packer_templates/{role}_temp.json").read_text())
    return template["builders"][0]["ami_name"]


def proportional_set(pid):
    """Returns the memory of a process in MB, in which a page that it shares with others counts in part (`Pss` of proc(5)).
    A process that has ended meanwhile is an OSError."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024 / 1e6


def own_costs(bench):
    """Returns the processor time of pgherd and its children in seconds, and the peak memory of its own processes in MB."""
    ticks = os.sysconf("SC_CLK_TCK")
    exe = os.stat(bench.pgherd)
    child = subprocess.Popen([bench.pgherd, "run", BLUEPRINT, "--target", "lab"], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    own, peak = {}, 0
    while True:
        taken = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat(f"/proc/{pid}/exe").st_ino != exe.st_ino:
                    continue
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
                if b"controller" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    continue
                own[pid] = (int(fields[11]) + int(fields[12])) / ticks
                taken += proportional_set(pid)
            except (OSError, IndexError):
                continue
        peak = max(peak, taken)
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            break
        time.sleep(0.05)
    if child.returncode:
        sys.exit("pgherd run failed")
    return sum(own.values()), usage.ru_utime + usage.ru_stime, peak


def one_after_the_other():
    commands = []
    for what, module in MODULES.items():
        if what in ROLES:
            commands.append(f"packer build -color=false $PACKER_FLAGS packer_templates/{what}_temp.json")
        commands.append(f"terraform -chdir={module} init -input=false -no-color")
        commands.append(f"terraform -chdir={module} apply -input=false -no-color -auto-approve")
    return "\n".join(commands)


def plans(beside):
    commands = [f"terraform -chdir={module} plan -input=false -no-color -detailed-exitcode" for module in MODULES.values()]
    if beside:
        names = ",".join(name(role) for role in ROLES)
        commands.append(f"aws ec2 describe-images --owners self --filters Name=name,Values={names} --output json")
        return "\n".join(f"{command} & jobs+=($!)" for command in commands) + '\nfor job in "${jobs[@]}"; do wait "$job"; done'
    return "\n".join(commands)


def main():
    bench = Bench(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    parts = sys.argv[3] if len(sys.argv) > 3 else "abc"
    bench.call("lab", "up")
    try:
        if "a" in parts:
            # Everything that is downloaded once exists by now: the base image and the provider.
            bench.run("--only", "network")
            bench.forget()
            seed = bench.timed(lambda: (bench.shell(one_after_the_other()), bench.run("--only", "verify")))
            bench.forget()
            ours = bench.timed(bench.run)
            ratio = ours / seed
            bench.say(f"(a) from nothing: run {ours:.0f} s, the seed's order {seed:.0f} s", f"{ratio:.2f}", "<= 0.55", ratio <= 0.55)
        else:
            bench.run()
        if "b" not in parts:
            return

        ways = {
            "run": bench.run,
            "beside": lambda: bench.shell(plans(True)),
            "after": lambda: bench.shell(plans(False)),
            "beside, collecting less": lambda: bench.shell(plans(True), COLLECT),
            "after, collecting less": lambda: bench.shell(plans(False), COLLECT),
        }
        times = {what: [] for what in ways}
        for _ in range(rounds):
            for what, way in ways.items():
                times[what].append(bench.timed(way))
        run, *bare = (statistics.median(times[what]) for what in ways)
        for what, (beside, after), barred in (("", bare[:2], True), (" with its environment", bare[2:], False)):
            side, end = run / beside, after / run
            bench.say(f"(b) nothing to do: run {run:.1f} s, the bare commands side by side{what} {beside:.1f} s", f"{side:.2f}", "<= 1.15" if barred else "none", side <= 1.15 or not barred)
            bench.say(f"    the plans one after the other{what} {after:.1f} s, against run", f"{end:.2f}", ">= 1.5" if barred else "none", end >= 1.5 or not barred)

        own, all_of_it, peak = own_costs(bench)
        share = 100 * own / (all_of_it - own)
        bench.say(f"(c) pgherd's own processor time {own:.2f} s beside {all_of_it - own:.1f} s", f"{share:.1f} %", "< 1 %", share < 1)
        bench.say("    memory of pgherd and its keepers", f"{peak:.0f} MB", "< 50 MB", peak < 50)
    finally:
        bench.call("lab", "down")
        if bench.missed:
            sys.exit(1)


if __name__ == "__main__":
    main()
