#!/usr/bin/env python3
"""How long `pgherd gen` takes, as ratios from one run: against `cp -r` of what it wrote, and against Jinja2 (render.py).

    bench.py PGHERD PYTHON WORK [ROUNDS]

Every command is a whole process and writes into a fresh folder; rounds are interleaved, medians count. Before each command
the disk is quiet (`sync`), so that nobody pays for what another has written. `gen` waits until its files are on the disk
and `cp` and Jinja2 do not. A bar that is missed is an exit code of 1.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BLUEPRINT = 'cluster "{name}" {{\n  region = "{region}"\n}}\n'


class Run:
    """Times commands, and keeps the medians and the peak memory."""

    def __init__(self):
        self.times, self.peaks = {}, {}

    def __call__(self, what, *command):
        os.sync()
        start = time.perf_counter()
        child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{command}: exit code {child.returncode}")
        self.times.setdefault(what, []).append(took * 1000)
        self.peaks[what] = max(self.peaks.get(what, 0), usage.ru_maxrss / 1024)

    def median(self, what):
        return statistics.median(self.times[what])


def blueprints(folder, count, changed=None):
    folder.mkdir(exist_ok=True)
    for i in range(count):
        text = BLUEPRINT.format(name=f"c{i:04}", region="eu-central-1" if i == changed else "eu-west-1")
        (folder / f"c{i:04}.hcl").write_text(text)
    return sorted(folder.iterdir())


def templates(tree, folder):
    """Returns the files of cluster c0000 as templates for render.py."""
    for path in (p for p in tree.rglob("*") if p.is_file()):
        to = folder / path.relative_to(tree)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(path.read_text().replace("c0000", "@@{ name }@@").replace("eu-west-1", "@@{ region }@@"))
        shutil.copymode(path, to)
    return folder


def measure(run, pgherd, python, work, count, rounds):
    files = blueprints(work / f"blueprints{count}", count)
    for i in range(rounds):
        out = work / f"{count}.{i}"
        gen = [pgherd, "gen", "--out", out, *files]
        run("cold", *gen)
        run("cp -r", "cp", "-r", out, work / f"{count}.{i}.copy")
        if count == 1:
            source = work / "templates"
            if i == 0:
                templates(out / "c0000", source)
            run("jinja2", python, pathlib.Path(__file__).with_name("render.py"), source,
                work / f"jinja.{i}" / "c0000", "name=c0000", "region=eu-west-1")
        run("unchanged", *gen)
        blueprints(work / f"blueprints{count}", count, changed=i % count)
        run("one changed", *gen)
        blueprints(work / f"blueprints{count}", count)


def main(pgherd, python, work, rounds="5"):
    pathlib.Path(work).mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(dir=work))
    missed = []

    def row(count, what, run, ratio, bar, text):
        fine = ratio <= bar
        if not fine:
            missed.append(text)
        print(f"{count:>5}  {what:<12} {run.median(what):>8.1f} ms  {text:<28} {'' if fine else 'MISSED'}", flush=True)

    try:
        for count in (1, 100, 1000):
            run = Run()
            measure(run, pgherd, python, work, count, int(rounds) if count < 1000 else max(3, int(rounds) // 2))
            copy = run.median("cp -r")
            files = sum(len(names) for _, _, names in os.walk(work / f"{count}.0"))
            print(f"{count} blueprint{'s' if count > 1 else ''}, {files} files; cp -r takes {copy:.1f} ms")
            if count == 1:
                cold, jinja = run.median("cold"), run.median("jinja2")
                print(f"{count:>5}  {'jinja2':<12} {jinja:>8.1f} ms")
                row(count, "cold", run, 20 * cold / jinja, 1, f"{jinja / cold:.1f} x faster than Jinja2 (20), {cold / copy:.2f} x cp")
                row(count, "unchanged", run, 20 * run.median("unchanged") / jinja, 1,
                    f"{jinja / run.median('unchanged'):.1f} x faster than Jinja2 (20)")
                continue
            # One changed file costs a wait for the disk, which dominates at a hundred clusters, so its bar applies to a thousand.
            for what, bar in (("cold", 2.0), ("unchanged", 0.4), ("one changed", 0.4 if count == 1000 else float("inf"))):
                ratio = run.median(what) / copy
                row(count, what, run, ratio, bar, f"{ratio:.2f} x cp -r" + (f" (at most {bar})" if bar < 9 else ""))
            peak = max(run.peaks[what] for what in ("cold", "unchanged", "one changed"))
            print(f"{count:>5}  peak memory  {peak:>8.1f} MB  (under 50)")
            if peak >= 50:
                missed.append("memory")
    finally:
        shutil.rmtree(work)
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)


main(*sys.argv[1:])
