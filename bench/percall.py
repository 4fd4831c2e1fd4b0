"""CPU microseconds per call: sluice's full tools/call beside nginx proxy_pass, same upstream.

The upstream is an nginx that answers every request with one canned SuiteQL page: what is measured
is what stands between. CPU is utime + stime of the peer's processes over a round, divided by the
calls; the peers take turns, so that a noisy machine hurts all of them.
"""
import statistics
import sys

from measure import load, machine, options, publish, tools
from peers import Field
from stand import Fault

CONNECTIONS = (1, 8, 32)
ROWS = 7  # about 2 KB of result


def table(results):
    lines = ["| peer | connections | CPU µs per call | of rounds | calls/s | p50 µs | p99 µs |",
             "|---|---|---|---|---|---|---|"]
    for (peer, connections), rounds in results.items():
        cost = [r["us"] for r in rounds]
        lines.append("| %s | %d | %.1f | %.1f to %.1f | %.0f | %.0f | %.0f |" % (
            peer, connections, statistics.median(cost), min(cost), max(cost),
            statistics.median(r["calls"] / r["seconds"] for r in rounds),
            statistics.median(r["p50"] for r in rounds),
            statistics.median(r["p99"] for r in rounds)))
    return lines


def measure(chosen):
    with Field(chosen.bin) as field:
        upstream = field.upstream(ROWS)
        sluice, size = field.sluice_peer(upstream)
        peers = [sluice, field.nginx_peer(upstream)]
        results = {}
        for connections in CONNECTIONS:
            for _ in range(chosen.rounds):
                for peer in peers:
                    results.setdefault((peer.name, connections), []).append(
                        load(peer, connections, chosen.seconds))
        return results, size


def main():
    chosen = options(__doc__)
    try:
        results, size = measure(chosen)
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    publish("percall", [
        "Result of %d bytes, medians of %d rounds of %d s each after 1 s of warm-up, peers in turns; "
        "%s, %s." % (size, chosen.rounds, chosen.seconds, machine(), tools()), ""] + table(results),
        chosen.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
