#!/usr/bin/env python3
"""Drills a new cluster of blueprints/herd.hcl in the lab, and adds the trials to tests/drill/report.json.

    drill.py PGHERD TRIALS [FAULT...]      # all faults that the cluster can have, if none is named

Trials of the same subject add up, whatever they found. The subject is what a trial depends on, as committed: all that the machines run,
what breaks and measures them, and what predicts. The first trial of a fault with another subject replaces that fault's earlier trials,
because they say nothing about it. Each run is recorded with its machine, its load and how it ended, also when it ended early: what it found
until then counts.

It needs root, waits until no other lab test runs, brings the lab up and takes it down. Its exit code is the drill's: 1 if the cluster
did not keep its word.
"""

import fcntl
import hashlib
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
REPORT = pathlib.Path(__file__).with_name("report.json")
BLUEPRINT = "blueprints/herd.hcl"
LOCK = "/run/lock/pgherd-lab-tests"
# All faults in random order. Such a drill has an entry of its own: its trials do not count as trials of each fault.
RANDOM = "random"
SUBJECT = ["generated/herd", "src/cluster/fault", "src/cluster/timing.rs", "src/drill", "src/lab"]


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def subject():
    """The identity of what is tried. What is not committed has none, and nobody could repeat its trials."""
    if git("status", "--porcelain", "--", "src", "generated", "Cargo.lock"):
        sys.exit("src, generated or Cargo.lock has changes that are not committed, so nobody could repeat these trials: commit them first")
    trees = git("rev-parse", *(f"HEAD:{folder}" for folder in SUBJECT))
    return hashlib.sha256(trees.encode()).hexdigest()[:12]


def machine():
    with open("/proc/meminfo") as meminfo:
        kib = int(next(line for line in meminfo if line.startswith("MemTotal:")).split()[1])
    return {"processors": len(os.sched_getaffinity(0)), "memory_gib": round(kib / 2**20), "kernel": platform.release()}


def load():
    """The load average of the last minute."""
    return round(os.getloadavg()[0], 1)


def drilled(pgherd, trials, faults):
    """Makes the trials. Returns the exit code, what ended them early, and the report, which is None if the drill was refused."""
    words = [pgherd, "drill", BLUEPRINT, "--target", "lab", "--format", "json", "--trials", trials, *faults]
    last = None
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        # The drill repairs what it broke and says what it has found. A terminal's interrupt reaches it by itself.
        before = [signal.signal(signal.SIGINT, lambda *_: None), signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGINT))]
        for line in child.stdout:
            said = json.loads(line)
            if said["event"] == "trial-ended":
                print(f"{said['fault']}, trial {said['trial']}: writes stopped for {said['writes_stopped_ms']} ms", flush=True)
            last = said
    for one, handler in zip([signal.SIGINT, signal.SIGTERM], before):
        signal.signal(one, handler)
    if last is None or last["event"] != "drill-ended":
        sys.exit(f"the drill ended without a report, with exit code {child.returncode}; nothing was recorded")
    return child.returncode, last.get("error", ""), last["report"]


def drills(found, wanted):
    """Returns the faults of a drill with their trials."""
    if RANDOM not in wanted:
        return found["faults"]
    trials = [trial for fault in found["faults"] for trial in fault["trials"]]
    return [{"fault": RANDOM, "title": "all faults in random order", "trials": trials}]


def merged(report, run, found, wanted):
    """Returns the report with the trials of another run. Their timelines are left out: those of 20 trials of each fault take many megabytes."""
    faults = {fault["fault"]: fault for fault in report["faults"]}
    for fault in drills(found, wanted):
        name = fault["fault"]
        known = faults.get(name)
        earlier = known["trials"] if known and known["subject"] == run["subject"] else []
        new = [{key: value for key, value in trial.items() if key != "timeline"} for trial in fault["trials"]]
        trials = earlier + [{**trial, "trial": number} for number, trial in enumerate(new, len(earlier) + 1)]
        faults[name] = {"fault": name, "title": fault["title"], "subject": run["subject"], "trials": trials}
    subjects = {fault["subject"] for fault in faults.values()} | {run["subject"]}
    runs = [earlier for earlier in report["runs"] if earlier["subject"] in subjects]
    return {"runs": [*runs, run], "faults": list(faults.values())}


def write(report):
    new = REPORT.with_suffix(".new")
    new.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    new.replace(REPORT)


def main():
    if len(sys.argv) < 3 or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    pgherd, trials, faults = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2], sys.argv[3:]
    # So that the lab is taken down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    run = {"subject": subject(), "machine": machine()}
    report = json.loads(REPORT.read_text()) if REPORT.exists() else {"runs": [], "faults": []}
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            subprocess.run([pgherd, "lab", "down"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            subprocess.run([pgherd, "run", BLUEPRINT, "--target", "lab"], cwd=ROOT, check=True)
            begun = load()
            code, error, found = drilled(pgherd, trials, faults)
        finally:
            subprocess.run([pgherd, "lab", "down"], cwd=ROOT, stdout=subprocess.DEVNULL)
    if found is None:
        sys.exit(f"the drill was refused; nothing was recorded: {error}")
    run |= {"began": found["began"], "load": [begun, load()], "exit_code": code, "error": error, "skipped": found["skipped"]}
    write(merged(report, run, found, faults))
    sys.exit(code)


if __name__ == "__main__":
    main()
