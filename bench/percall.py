"""CPU microseconds per call: sluice beside nginx proxy_pass and the TypeScript SDK, in one run.

The upstream is an nginx that answers every request with one canned page of the ERP: what is measured
is what stands between. CPU is utime + stime of the peer's processes over a round, divided by the
calls; the peers take turns, so that a noisy machine hurts all of them.
"""
import statistics
import sys

from goals import Goals
from measure import drive, load, machine, options, publish, tools
from peers import ECHO, Field, Sdk, modern
from stand import Fault
from upstreams import NETSUITE, SAP

BUSY = 32            # connections at which every peer is measured
FEW = (1, 8)         # and those that are measured at these as well
FULL = "sluice, full call, %s, %d KB"
ECHO_NAME = "sluice, echo tool"
SDK_NAME = "TypeScript SDK, echo tool"
FULL_CALL_US, FULL_CALL_AIM_US, ECHO_US = 60, 42, 25
SDK_SHARE = 0.25
SDK_HEAT_S = 3  # under load before the first round: until its code is compiled


def table(results):
    lines = ["| peer | connections | CPU µs per call | of rounds | calls/s | p50 µs | p99 µs |",
             "|---|---|---|---|---|---|---|"]
    for (peer, connections), rounds in sorted(results.items(), key=lambda item: item[0][1]):
        cost = [r["us"] for r in rounds]
        lines.append("| %s | %d | %.1f | %.1f to %.1f | %.0f | %.0f | %.0f |" % (
            peer, connections, statistics.median(cost), min(cost), max(cost),
            statistics.median(r["calls"] / r["seconds"] for r in rounds),
            statistics.median(r["p50"] for r in rounds),
            statistics.median(r["p99"] for r in rounds)))
    return lines


class Line:
    """The peers in the order of their turns, and the sizes of what the full calls bring."""

    def __init__(self, field, quick):
        self.sizes = {}
        self.few = []
        self.peers = []
        for kilobytes in (2,) if quick else (2, 9):
            for erp in (NETSUITE, SAP):
                name = FULL % (erp.title, kilobytes)
                peer, self.sizes[name] = field.sluice_peer(name, erp, kilobytes)
                self.peers.append(peer)
                self.peers.append(field.nginx_peer("nginx proxy_pass, %s, %d KB" % (
                    erp.title, kilobytes), erp, kilobytes))
        sdk = field.keep(Sdk())
        self.sdk_version = "TypeScript SDK %s on Node %s" % (sdk.version(), sdk.node_version)
        self.peers += [
            field.echo_peer(ECHO_NAME), field.echo_peer(ECHO_NAME + ", 2026-07-28", modern),
            sdk.peer(SDK_NAME, ECHO), sdk.peer(SDK_NAME + ", 2026-07-28", *modern(ECHO))]
        self.few = [] if quick else [peer for peer in self.peers if peer.name in (
            FULL % ("NetSuite", 2), "nginx proxy_pass, NetSuite, 2 KB", ECHO_NAME, SDK_NAME)]


def measure(field, line, chosen):
    results = {}
    for peer in line.peers:
        if peer.name.startswith(SDK_NAME):
            drive(peer, field.scratch, BUSY, SDK_HEAT_S)
    for connections in (*FEW, BUSY):
        for _ in range(chosen.rounds):
            for peer in line.peers if connections == BUSY else line.few:
                results.setdefault((peer.name, connections), []).append(
                    load(peer, field.scratch, connections, chosen.seconds))
    return results


def judge(results):
    us = {name: statistics.median(r["us"] for r in rounds)
          for (name, connections), rounds in results.items() if connections == BUSY}
    goals = Goals()
    sdk = min(cost for name, cost in us.items() if name.startswith(SDK_NAME))
    for title in (NETSUITE.title, SAP.title):
        cost = us[FULL % (title, 2)]
        goals.at_most("CPU of a full call, %s, 2 KB" % title, cost, FULL_CALL_US, "µs",
                      FULL_CALL_AIM_US)
        goals.at_most("the same as a share of the SDK's cheaper echo", 100 * cost / sdk,
                      100 * SDK_SHARE, "%")
    goals.at_most("CPU of the echo tool", us[ECHO_NAME], ECHO_US, "µs")
    return goals


def main():
    chosen = options(__doc__)
    try:
        with Field(chosen.bin) as field:
            line = Line(field, chosen.quick)
            results = measure(field, line, chosen)
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    goals = judge(results)
    publish("percall", [
        "Results: %s. Medians of %d rounds of %d s each after 1 s of warm-up, peers in turns; %s, "
        "%s, %s. Goals are judged at %d connections." % (
            ", ".join("%s: %d bytes" % (name.replace("sluice, full call, ", ""), size)
                      for name, size in line.sizes.items()),
            chosen.rounds, chosen.seconds, machine(), tools(), line.sdk_version, BUSY), ""] +
        table(results) + goals.table(), chosen.write)
    return goals.verdict(chosen.check)


if __name__ == "__main__":
    sys.exit(main())
