#!/usr/bin/python3
"""Writes table.tsv: `table.py 13.tsv … 18.tsv >table.tsv`, each the output of table.sql on a server of that major.

Equal lines of majors that follow each other become one.
"""

import pathlib
import sys

# Debian and PGDG build with lz4, zstd and liburing; a server that was built without names fewer words.
WORDS = {
    "default_toast_compression": lambda major: "pglz,lz4",
    "io_method": lambda major: "sync,worker,io_uring",
    "wal_compression": lambda major: "pglz,lz4,zstd,on,off" if major >= 15 else "",
}
# Debian's own, in its builds up to 17.
DEBIAN = [("extension_destdir", major, ("string", "", "", "", "")) for major in range(13, 18)]


def main(paths):
    lines = list(DEBIAN)
    for path in paths:
        major = int(pathlib.Path(path).stem)
        for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
            name, *rest = line.split("\t")
            if rest[0] == "shown":
                rest[1:] = [""] * 4
            rest[4] = WORDS.get(name, lambda _, words=rest[4]: words)(major)
            lines.append((name, major, tuple(rest)))
    spans = []
    for name, major, rest in sorted(lines, key=lambda line: (line[0].lower(), line[1])):
        if spans and spans[-1][0] == name and spans[-1][2] == major - 1 and spans[-1][3] == rest:
            spans[-1][2] = major
        else:
            spans.append([name, major, major, rest])
    print("# name, first major, last major, type, unit, least, most, words; by table.py")
    for name, first, last, rest in spans:
        print("\t".join([name, str(first), str(last), *("" if part.startswith("1.79769e+308") else part for part in rest)]))


main(sys.argv[1:])
