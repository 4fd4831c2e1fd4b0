"""A callgrind profile read back: cost per function, under the functions that called it.

The server runs with --separate-callers, so a function's name carries its callers:
    memcpy'buf_append'write_head'...
"""
import collections
import os
import re

CALLERS = 24  # deeper than any stack from the loop to a function of ours
# callgrind counts each repetition of a rep instruction; libc's other loops are counted as they are.
NO_REP = "GLIBC_TUNABLES=glibc.cpu.x86_rep_%s_threshold=%d:glibc.cpu.x86_rep_%s_threshold=%d" % (
    "movsb", 1 << 30, "stosb", 1 << 30)


def command(out):
    """What stands before the server's command."""
    return ["env", NO_REP, "valgrind", "--tool=callgrind", "--instr-atstart=no", "--collect-systime=yes",
            "--separate-callers=%d" % CALLERS, "--callgrind-out-file=" + out]


class Cost:
    """One function under one chain of callers. Events: instructions, system calls."""

    def __init__(self, frames, place, path):
        self.frames, self.place, self.path = frames, place, path
        self.own = collections.Counter()
        self.calls_below = collections.Counter()


class Reader:
    """Names are compressed: "(7) memcpy" once, "(7)" from then on; one table for ob, fl and fn."""
    LINE = re.compile(r"^(c?)(ob|fl|fi|fe|fn)=\((\d+)\)(?: (.*))?$")

    def __init__(self):
        self.names = {"ob": {}, "fl": {}, "fn": {}}
        self.costs = {}
        self.events = []
        self.place = self.path = ""
        self.now = None
        self.below = False  # the next cost line is that of a call

    def name(self, kind, number, text):
        table = self.names["fl" if kind in ("fi", "fe") else kind]
        if text is not None:
            table[number] = text
        return table[number]

    def function(self, name):
        key = (self.place, name)
        if key not in self.costs:
            # A part that is a number counts a recursion.
            frames = [part for part in name.split("'") if not part.isdigit()]
            self.costs[key] = Cost(frames, self.place, self.path)
        self.now = self.costs[key]

    def position(self, found):
        callee, kind, number, text = found.groups()
        name = self.name(kind, number, text)
        if callee:
            return
        if kind == "ob":
            self.place = os.path.basename(name)
        elif kind == "fl":
            self.path = name
        elif kind == "fn":
            self.function(name)

    def line(self, line):
        found = self.LINE.match(line)
        if found:
            self.position(found)
        elif line.startswith("events: "):
            self.events = line.split()[1:]
        elif line.startswith("calls="):
            self.below = True
        elif line[:1].isdigit() or line[:1] in "+-*":
            into = self.now.calls_below if self.below else self.now.own
            self.below = False
            for event, amount in zip(self.events, line.split()[1:]):
                into[event] += int(amount)


def read(path):
    """[Cost]"""
    reader = Reader()
    with open(path, errors="replace") as profile:
        for line in profile:
            if line.strip():
                reader.line(line.rstrip("\n"))
    return list(reader.costs.values())
