# SPDX-License-Identifier: Apache-2.0
"""Prints gcovr's summaries as a table by folder: coverage.py SUMMARY MOCKS"""
import collections
import json
import sys

LEAST = 15  # files named below the table


def read(path):
    with open(path) as file:
        return json.load(file)["files"]


def percent(covered, total):
    return "%6.1f %%" % (100.0 * covered / total) if total else "       -"


def row(name, counts):
    return "%-34s %7d  %s   %7d  %s" % (
        name, counts["line_total"], percent(counts["line_covered"], counts["line_total"]),
        counts["branch_total"], percent(counts["branch_covered"], counts["branch_total"]))


def add(sums, counts):
    for key in ("line_total", "line_covered", "branch_total", "branch_covered"):
        sums[key] += counts[key]


def folder_of(name):
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] == "connectors" and len(parts) > 2 else parts[0]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    files, mocks = read(sys.argv[1]), read(sys.argv[2])
    folders = collections.defaultdict(collections.Counter)
    total, of_mocks = collections.Counter(), collections.Counter()
    for counts in files:
        add(folders[folder_of(counts["filename"])], counts)
        add(total, counts)
    for counts in mocks:
        add(of_mocks, counts)
    print("%-34s %7s  %8s   %7s  %8s" % ("", "lines", "reached", "branches", "reached"))
    for name in sorted(folders):
        print(row(name, folders[name]))
    print(row("all", total))
    print(row("(mocks)", of_mocks))
    print("\nreached least:")
    by_lines = [counts for counts in files if counts["line_total"] > 0]
    by_lines.sort(key=lambda counts: counts["line_covered"] / counts["line_total"])
    for counts in by_lines[:LEAST]:
        print(row(counts["filename"], counts))


if __name__ == "__main__":
    main()
