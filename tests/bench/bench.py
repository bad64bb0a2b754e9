#!/usr/bin/env python3
"""How long `pgherd gen` takes, as ratios from one run: against `cp -r` of what it wrote, against Jinja2 (render.py), and against
an older pgherd.

    bench.py PGHERD PYTHON WORK [--rounds N] [--against OLD_PGHERD] [--counts N...]

Every command is a whole process and writes into a fresh folder; rounds are interleaved, medians count. Before each command
the disk is quiet (`sync`), so that nobody pays for what another has written. `gen` waits until its files are on the disk
and `cp` and Jinja2 do not. A bar that is missed is an exit code of 1.

With `--against`, an older program does the same work in the same rounds, next to the new one: first in every other round, because
the second finds warm caches. What counts is the median of the rounds' ratios new/old of the processor time, since waits for a shared
disk make the wall time of one round differ by half from the next; the ratio of the wall time is printed beside it. The bar is
SLOWER.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# At most this much of an older program's processor time, in each of the cases.
# A program against itself is between 1.00 and 1.01 (20 rounds, 2 processors, a load of 17); the wall time was then 0.94 to 1.15.
SLOWER = 1.1
# How many times faster than Jinja2 one blueprint is at least, in wall time. It was 26.7 times cold on 2026-11-26 with 74 files, and
# about 10 times on 2026-11-28 with 84. Until it is met again, `--against` says whether a change made it worse.
FASTER = {"cold": 20, "unchanged": 20}
CASES = ("cold", "unchanged", "one changed")
BLUEPRINT = 'cluster "{name}" {{\n  region = "{region}"\n}}\n'


class Run:
    """Times commands. Keeps the wall time and the processor time of each in milliseconds, and the peak memory in MB."""

    def __init__(self):
        self.walls, self.processors, self.peaks = {}, {}, {}

    def __call__(self, what, *command):
        os.sync()
        start = time.perf_counter()
        child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        took = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{command}: exit code {child.returncode}\n{said.decode()}")
        self.walls.setdefault(what, []).append(took * 1000)
        self.processors.setdefault(what, []).append((usage.ru_utime + usage.ru_stime) * 1000)
        self.peaks[what] = max(self.peaks.get(what, 0), usage.ru_maxrss / 1024)

    def median(self, what):
        return statistics.median(self.walls[what])


def against(times, what):
    """Returns the median of the rounds' ratios new/old."""
    return statistics.median(new / old for new, old in zip(times["new", what], times["old", what], strict=True))


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


def measure(run, programs, python, work, count, rounds):
    """Runs all cases. `programs` are the new one and, with `--against`, the old one."""
    files = blueprints(work / f"blueprints{count}", count)
    for i in range(rounds):
        order = list(programs.items())[:: -1 if i % 2 else 1]

        def gen(what):
            for age, program in order:
                run((age, what), program, "gen", "--out", work / f"{count}.{i}.{age}", *files)

        gen("cold")
        out = work / f"{count}.{i}.new"
        run("cp -r", "cp", "-r", out, work / f"{count}.{i}.copy")
        if count == 1:
            source = work / "templates"
            if i == 0:
                templates(out / "c0000", source)
            run("jinja2", python, pathlib.Path(__file__).with_name("render.py"), source,
                work / f"jinja.{i}" / "c0000", "name=c0000", "region=eu-west-1")
        gen("unchanged")
        blueprints(work / f"blueprints{count}", count, changed=i % count)
        gen("one changed")
        blueprints(work / f"blueprints{count}", count)


def count_files(folder):
    return sum(len(names) for _, _, names in os.walk(folder))


def bars(count, run):
    """Yields each case with its figure, its bar and its text."""
    copy = run.median("cp -r")
    if count == 1:
        jinja = run.median("jinja2")
        for what in ("cold", "unchanged"):
            took = run.median(("new", what))
            yield what, FASTER[what] * took / jinja, 1, f"{jinja / took:.1f} x faster than Jinja2 (at least {FASTER[what]}), {took / copy:.2f} x cp -r"
        return
    # One changed file costs a wait for the disk, which dominates at a hundred clusters, so its bar applies to a thousand.
    for what, bar in (("cold", 2.0), ("unchanged", 0.4), ("one changed", 0.4 if count == 1000 else float("inf"))):
        ratio = run.median(("new", what)) / copy
        yield what, ratio, bar, f"{ratio:.2f} x cp -r" + (f" (at most {bar})" if bar < 9 else "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pgherd")
    parser.add_argument("python")
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", metavar="OLD_PGHERD")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 100, 1000], help="how many blueprints")
    words = parser.parse_args()
    programs = {"new": words.pgherd} | ({"old": words.against} if words.against else {})
    words.work.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(dir=words.work))
    missed = []

    def row(count, what, took, ratio, bar, text):
        fine = ratio <= bar
        if not fine:
            missed.append(f"{count} {what}: {text}")
        print(f"{count:>5}  {what:<12} {took:>8.1f} ms  {text:<60} {'' if fine else 'MISSED'}", flush=True)

    try:
        for count in words.counts:
            run = Run()
            # One blueprint takes milliseconds, so it can be measured more often.
            rounds = 4 * words.rounds if count == 1 else words.rounds if count < 1000 else max(3, words.rounds // 2)
            measure(run, programs, words.python, work, count, rounds)
            files = " and ".join(f"{count_files(work / f'{count}.0.{age}')} files ({age})" for age in programs)
            print(f"{count} blueprint{'s' if count > 1 else ''}, {files}; {rounds} rounds; cp -r takes {run.median('cp -r'):.1f} ms")
            if count == 1:
                print(f"{count:>5}  {'jinja2':<12} {run.median('jinja2'):>8.1f} ms")
            for what, ratio, bar, text in bars(count, run):
                row(count, what, run.median(("new", what)), ratio, bar, text)
            for what in CASES if words.against else ():
                wall, processor = against(run.walls, what), against(run.processors, what)
                row(count, what, run.median(("old", what)), processor, SLOWER,
                    f"is the old one's: new/old {processor:.2f} of its processor time (at most {SLOWER}), {wall:.2f} of the wall time")
            peak = max(run.peaks["new", what] for what in CASES)
            print(f"{count:>5}  peak memory  {peak:>8.1f} MB  (under 50)")
            if peak >= 50:
                missed.append("memory")
            shutil.rmtree(work)
            work.mkdir()
    finally:
        shutil.rmtree(work)
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)


main()
