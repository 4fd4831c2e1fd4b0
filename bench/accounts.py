"""What 10,000 accounts change: a call to one of them, and calls spread over all, beside one account.

One server has one account, another has 10,000; both stand before the same upstream and are measured
in turns: instructions per call under callgrind, which no noise reaches, and CPU per call under load.
The servers are started anew and every account is called once before, so that what is measured is
an account that is known, as it is in daily use.
"""
import statistics
import sys

from goals import Goals
from instructions import CONNECTIONS as COUNTED_CONNECTIONS, STEPS, Counted
from lockstep import Callers
from measure import load, machine, options, publish, tools
from peers import Field, SluicePeer
from population import ACCOUNTS, AT_ONCE, call_each, create
from stand import Fault
from upstreams import NETSUITE

CONNECTIONS = 32
MORE_PERCENT = 10
ONE, OF_MANY, SPREAD = "one account", "one of %d accounts", "spread over %d accounts"


class Town:
    """A server and its accounts, and the peers that call one of them and all of them."""

    def __init__(self, field, count):
        self.field = field
        self.urls, self.seconds = create(field, count)
        self.count = count
        self.restart()

    def restart(self):
        """Nobody makes 10,000 accounts in ten seconds and lives in what that left of the heap; after
        a start the port may be another, and nothing is in memory until it is called."""
        self.field.stand.end("server")
        self.field.stand.start_server()
        self.urls = [self.field.stand.base + url[url.index("/mcp/"):] for url in self.urls]
        with Callers(self.field.stand.base, AT_ONCE) as callers:
            call_each(callers, self.urls, NETSUITE.call())

    def peers(self):
        stand, body = self.field.stand, NETSUITE.call()
        if self.count == 1:
            return [SluicePeer(ONE, stand, self.urls, body)]
        return [SluicePeer(OF_MANY % self.count, stand, self.urls[self.count // 2:][:1], body),
                SluicePeer(SPREAD % self.count, stand, self.urls, body)]


def under_load(towns, chosen):
    """name -> rounds; who begins changes, since the machine may be another after some seconds."""
    peers = [(peer, town.field.scratch) for town in towns for peer in town.peers()]
    results = {peer.name: [] for peer, _ in peers}
    for first in range(chosen.rounds):
        at = first % len(peers)
        for peer, scratch in peers[at:] + peers[:at]:
            results[peer.name].append(load(peer, scratch, CONNECTIONS, chosen.seconds))
    return results


def counted(towns):
    """name -> instructions per call; the servers are started anew, under callgrind."""
    found = {}
    for town in towns:
        counter = Counted(town.field)
        town.restart()
        counter.begin()
        for peer in town.peers():
            found[peer.name] = counter.per_call(peer)
    return found


def table(results, instructions):
    lines = ["| calls to | instructions per call | CPU µs per call | of rounds | p50 µs | p99 µs |",
             "|---|---|---|---|---|---|"]
    for name, rounds in results.items():
        cost = [r["us"] for r in rounds]
        lines.append("| %s | %.0f | %.1f | %.1f to %.1f | %.0f | %.0f |" % (
            name, instructions[name], statistics.median(cost), min(cost), max(cost),
            statistics.median(r["p50"] for r in rounds),
            statistics.median(r["p99"] for r in rounds)))
    return lines


def times(rounds, beside):
    """The median of what each round cost beside the other peer's in the same turn: seconds later
    the machine may be half as fast again, for both."""
    return statistics.median(a["us"] / b["us"] for a, b in zip(rounds, beside))


def judge(results, instructions):
    goals = Goals()
    cost = {"CPU": {name: times(rounds, results[ONE]) for name, rounds in results.items()},
            "instructions": {name: amount / instructions[ONE]
                             for name, amount in instructions.items()}}
    for unit, of in cost.items():
        for name, ratio in of.items():
            if name != ONE:
                goals.at_most("%s of a call, %s, more than with one" % (unit, name),
                              100 * (ratio - 1), MORE_PERCENT, "%")
    return goals


def main():
    chosen = options(__doc__, seconds=1, rounds=30)
    count = ACCOUNTS // 10 if chosen.quick else ACCOUNTS
    try:
        with Field(chosen.bin) as small, Field(chosen.bin) as large:
            towns = [Town(small, 1), Town(large, count)]
            results = under_load(towns, chosen)
            instructions = counted(towns)
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    goals = judge(results, instructions)
    publish("accounts", [
        "Full calls to NetSuite, results of 2 KB, %d connections, medians of %d rounds of %d s; "
        "goals by the median of what a call cost beside one account's in the same turn; "
        "instructions of %d calls on %d connections in lockstep; %s, %s." % (
            CONNECTIONS, chosen.rounds, chosen.seconds, STEPS * COUNTED_CONNECTIONS,
            COUNTED_CONNECTIONS, machine(), tools()), ""] +
        table(results, instructions) + goals.table(), chosen.write)
    return goals.verdict(chosen.check)


if __name__ == "__main__":
    sys.exit(main())
