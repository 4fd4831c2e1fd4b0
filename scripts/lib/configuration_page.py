#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of options in docs/configuration.md from what the program says of itself.

    scripts/lib/configuration_page.py [--check] [--bin build/bin]

--check writes nothing and exits 1 when the page is behind.
"""
import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PAGE = os.path.join(ROOT, "docs", "configuration.md")
BEGIN, END = "<!-- options: scripts/lib/configuration_page.py -->\n", "<!-- end of options -->\n"


def options(bin_dir):
    """(name, default with its range, help) of every option, in the program's order."""
    program = os.path.join(ROOT, bin_dir, "sluice")
    said = subprocess.run([program, "serve", "--help"], capture_output=True, text=True,
                          check=True).stdout
    found = []
    for line in said.split("\nOptions ", 1)[1].splitlines()[1:]:
        option = re.match(r"  --([a-z_.]+) +(\S.*)$", line)
        default = re.match(r" +default: (.*)$", line)
        if option:
            found.append([option[1], "", option[2]])
        elif default and found:
            found[-1][1] = default[1]
    return found


def table(bin_dir):
    lines = ["| option | default (range) | what |", "|---|---|---|"]
    for name, default, text in options(bin_dir):
        lines.append("| `%s` | %s | %s |" % (name, default.replace("|", "\\|"),
                                             text.replace("|", "\\|")))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--bin", default="build/bin", help="folder of the programs")
    chosen = parser.parse_args()
    with open(PAGE, encoding="utf-8") as file:
        before = file.read()
    head, rest = before.split(BEGIN)
    after = head + BEGIN + table(chosen.bin) + END + rest.split(END)[1]
    if after == before:
        return 0
    if chosen.check:
        print("docs/configuration.md is behind: run scripts/lib/configuration_page.py",
              file=sys.stderr)
        return 1
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
