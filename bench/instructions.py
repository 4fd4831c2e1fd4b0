"""Instructions per call: what a full call costs in user space, counted, not timed.

The server runs under callgrind and answers a fixed number of calls, so the figure is the same on a
quiet machine and on a busy one: the number to hold a change against. What it cannot see is the
kernel (system calls are counted instead) and what an instruction costs; valgrind's processor has
no SHA instructions, so hashing weighs more here than it does, and reading the clock is a system
call there but not outside, so those are left out. The stations are those of bench/stations.py.
"""
import collections
import glob
import itertools
import os
import re
import subprocess
import sys

import callgrind
from lockstep import Callers, request
from measure import machine, options, publish, version
from peers import Field, modern
from stand import Fault
from tree import LIBC, STATIONS, in_tree, station_of
from upstreams import NETSUITE, SAP

CONNECTIONS = 8
STEPS = 25    # of one call on each connection: 200 calls
WARM_UP = 10  # the same before anything is counted
ROUNDS = 3
TOP = 20
PLACES = (("own code", r"sluice$"), ("libc", LIBC), ("other libraries", r""))
INSTRUCTIONS, SYSTEM_CALLS = "Ir", "sysCount"
CLOCK = r"clock_gettime|gettimeofday|time_syscall"


def control(pid, *words):
    done = subprocess.run(["callgrind_control", *words, str(pid)], capture_output=True, text=True)
    if done.returncode != 0 or "OK." not in done.stdout:
        raise Fault("callgrind_control %s: %s" % (" ".join(words), done.stdout + done.stderr))


class Counted:
    """Has the field's server run under callgrind from its next start on."""

    def __init__(self, field):
        self.stand = field.stand
        self.out = os.path.join(field.scratch, "callgrind.out")
        self.stand.runner = callgrind.command(self.out)

    def pid(self):
        return self.stand.process("server").pid

    def begin(self):
        control(self.pid(), "-i", "on")

    def profile(self, peer):
        """[Cost] of so many calls; a peer's URLs take turns."""
        data = [request(url, peer.body, peer.fields) for url in peer.urls]
        turns = itertools.cycle(data)
        with Callers(self.stand.base, CONNECTIONS) as callers:
            for _ in range(WARM_UP):
                callers.call(list(itertools.islice(turns, CONNECTIONS)))
            mark = peer.mark()
            control(self.pid(), "-d")  # what was counted so far; -z would keep part of it
            before = set(glob.glob(self.out + ".*"))
            for _ in range(STEPS):
                callers.call(list(itertools.islice(turns, CONNECTIONS)))
            control(self.pid(), "-d")
            peer.check(mark, STEPS * CONNECTIONS, 0)
        left = set(glob.glob(self.out + ".*")) - before
        if len(left) != 1:
            raise Fault("callgrind left %d profiles, not one" % len(left))
        return callgrind.read(left.pop())

    def per_call(self, peer):
        return per_call(self.profile(peer))


def instructions(cost):
    return cost.own[INSTRUCTIONS] / (STEPS * CONNECTIONS)


def system_calls(cost):
    if re.match(CLOCK, cost.frames[0]):
        return 0
    return cost.own[SYSTEM_CALLS] / (STEPS * CONNECTIONS)


def per_call(costs, amount=instructions):
    return sum(amount(cost) for cost in costs)


class Chains:
    """Files of the frames of ours under a cost; a name alone does not tell (two may share it)."""

    def __init__(self, costs):
        ours = [cost for cost in costs if cost.place == "sluice"]
        self.by_chain = {tuple(cost.frames): cost.path for cost in ours}
        self.by_name = {cost.frames[0]: cost.path for cost in ours}

    def station(self, cost):
        paths = [self.by_chain.get(tuple(cost.frames[i:])) or self.by_name.get(name)
                 for i, name in enumerate(cost.frames)]
        return station_of([in_tree(path) for path in paths if path])


def place_of(cost):
    return next(name for name, fits in PLACES if re.search(fits, cost.place))


def station_table(costs):
    chains = Chains(costs)
    counted, calls = collections.Counter(), collections.Counter()
    for cost in costs:
        station = chains.station(cost)
        counted[station, place_of(cost)] += instructions(cost)
        calls[station] += system_calls(cost)
    whole = per_call(costs)
    names = [name for name, _ in PLACES]
    rows = []
    for station, _ in STATIONS:
        parts = [counted[station, name] for name in names]
        rows.append((sum(parts), station, parts, calls[station]))
    total = [sum(row[2][i] for row in rows) for i in range(len(names))]
    lines = ["| station | instructions | % | " + " | ".join("of it " + name for name in names) +
             " | system calls |", "|---|---|---|" + "---|" * (len(names) + 1)]
    for amount, station, parts, made in sorted(rows, reverse=True) + [
            (whole, "**all**", total, sum(calls.values()))]:
        lines.append("| %s | %.0f | %.1f | %s | %.1f |" % (
            station, amount, 100 * amount / whole, " | ".join("%.0f" % part for part in parts),
            made))
    return lines


def shown_name(name):
    """A library's function that is not exported has no name."""
    return "(not exported)" if re.match(r"0x[0-9a-f]+$", name) else "`%s`" % name


def top_lines(what, counted, whole):
    lines = ["", "| %s | where | instructions | %% |" % what, "|---|---|---|---|"]
    for (name, place), amount in counted.most_common(TOP):
        amount /= STEPS * CONNECTIONS
        lines.append("| %s | %s | %.0f | %.1f |" % (name, place, amount, 100 * amount / whole))
    return lines


def where(cost):
    return in_tree(cost.path) if cost.place == "sluice" else cost.place.split(".so")[0]


def top(costs):
    """The functions that cost most by themselves, and with all that they call."""
    own, inclusive = collections.Counter(), collections.Counter()
    for cost in costs:
        name = cost.frames[0]
        own[shown_name(name), where(cost)] += cost.own[INSTRUCTIONS]
        if name not in cost.frames[1:] and not name.startswith("0x"):
            inclusive[shown_name(name), where(cost)] += (cost.own + cost.calls_below)[INSTRUCTIONS]
    whole = per_call(costs)
    return top_lines("function, by itself", own, whole) + top_lines(
        "function, with what it calls", inclusive, whole)


def others_table(counter, field):
    """What the other calls cost, in the same server."""
    peers = [field.sluice_peer("full call, %s, %d KB" % (erp.title, kilobytes), erp, kilobytes)
             for erp, kilobytes in ((SAP, 2), (NETSUITE, 9), (SAP, 9))]
    peers += [(field.echo_peer("echo tool"), None),
              (field.echo_peer("echo tool, 2026-07-28", modern), None)]
    lines = ["", "| other calls | instructions | system calls |", "|---|---|---|"]
    for peer, size in peers:
        costs = counter.profile(peer)
        name = peer.name if size is None else "%s (%d bytes)" % (peer.name, size)
        lines.append("| %s | %.0f | %.1f |" % (name, per_call(costs), per_call(costs, system_calls)))
    return lines


def measure(chosen):
    """(profile of the median round, instructions of each round, bytes, lines on other calls)"""
    with Field(chosen.bin) as field:
        counter = Counted(field)
        peer, size = field.sluice_peer("full call")
        counter.begin()
        rounds = [counter.profile(peer) for _ in range(ROUNDS)]
        totals = [per_call(costs) for costs in rounds]
        middle = rounds[totals.index(sorted(totals)[ROUNDS // 2])]
        return middle, totals, size, [] if chosen.quick else others_table(counter, field)


def main():
    chosen = options(__doc__)
    try:
        costs, totals, size, others = measure(chosen)
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    publish("instructions", [
        "%.0f instructions and %.1f system calls per call (%d rounds: %.0f to %.0f), full call to "
        "NetSuite, result of %d bytes, %d connections in lockstep, %d calls a round; callgrind "
        "(valgrind %s); %s." %
        (per_call(costs), per_call(costs, system_calls), ROUNDS, min(totals), max(totals), size,
         CONNECTIONS, STEPS * CONNECTIONS, version(["valgrind", "--version"], r"valgrind-(\S+)"),
         machine()), ""] + station_table(costs) + others + top(costs), chosen.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
