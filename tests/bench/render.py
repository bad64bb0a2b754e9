#!/usr/bin/env python3
"""The alternative to pgherd: Jinja2 renders each file of a cluster from a template and a few variables.

    render.py TEMPLATES OUT name=NAME region=REGION

It computes nothing (no address, no timer, no hash), checks nothing and does not wait for the disk: what it takes is the
least that Jinja2 takes for so many files.
"""

import os
import sys

import jinja2

# Other delimiters than Jinja's own, which have a meaning in Packer's templates and in shell.
MARKS = {"variable_start_string": "@@{", "variable_end_string": "}@@", "comment_start_string": "@@#", "comment_end_string": "#@@"}


def main(templates, out, *variables):
    context = dict(variable.split("=", 1) for variable in variables)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates), undefined=jinja2.StrictUndefined, keep_trailing_newline=True,
        block_start_string="@@%", block_end_string="%@@", **MARKS)
    for name in environment.list_templates():
        path = os.path.join(out, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(environment.get_template(name).render(context))
        os.chmod(path + ".new", os.stat(os.path.join(templates, name)).st_mode & 0o777)
        os.rename(path + ".new", path)


main(*sys.argv[1:])
