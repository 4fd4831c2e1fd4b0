"""Where the time of a call goes, station by station, under 32 connections.

perf samples the server with its stacks. A sample belongs to the station of the innermost frame that
is code of ours outside base/: what base/, libraries and the kernel do, they do for that station.
Microseconds are the sample's share of the CPU per call, which is measured before, without perf.
"""
import collections
import os
import re
import signal
import subprocess
import sys
import time

from measure import drive, load, machine, options, publish, tools
from peers import Field
from stand import Fault
from tree import LIBC, STATIONS, in_tree, station_of

CONNECTIONS = 32
SECONDS = 4
PLACES = (("own code", r"sluice$"), ("libc", LIBC), ("kernel", r"\[kernel|\[k\]"),
          ("other libraries", r""))


def record(peer, scratch, data, seconds):
    """Samples the server while it is under load."""
    pid = peer.pids()[0]
    perf = subprocess.Popen(["perf", "record", "-e", "cpu-clock", "-F", "997", "--call-graph",
                             "dwarf,16384", "-o", data, "-p", str(pid)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(0.5)
    if perf.poll() is not None:
        raise Fault("perf cannot sample here (%s); run as root or lower "
                    "kernel.perf_event_paranoid" % perf.stdout.read().strip().split("\n")[0])
    drive(peer, scratch, CONNECTIONS, seconds)
    perf.send_signal(signal.SIGINT)
    perf.communicate()


def stacks(data):
    """Each sample as [(address, file of the program or library)], innermost first."""
    shown = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso", "--no-inline"],
                           capture_output=True, text=True, check=True).stdout
    for block in re.split(r"\n\s*\n", shown):
        frames = re.findall(r"^\s+([0-9a-f]+) .*\((\S+)\)$", block, re.M)
        if frames:
            yield [(int(address, 16), os.path.basename(place)) for address, place in frames]


def sources(program, addresses):
    """address -> path in the tree of the function there; that of the file it was inlined into."""
    order = sorted(addresses)
    shown = subprocess.run(["addr2line", "-a", "-i", "-e", program],
                           input="\n".join("0x%x" % address for address in order),
                           capture_output=True, text=True, check=True).stdout
    blocks = re.split(r"^0x[0-9a-f]+\n", shown, flags=re.M)[1:]
    found = {}
    for address, block in zip(order, blocks):
        path = block.strip().split("\n")[-1].rsplit(":", 1)[0]
        found[address] = in_tree(os.path.normpath(path))
    return found


def place_of(frames):
    return next(name for name, fits in PLACES if re.search(fits, frames[0][1]))


def table(samples, found, us):
    counted = collections.Counter(
        (station_of([found[address] for address, place in frames if place == "sluice"]),
         place_of(frames)) for frames in samples)
    each = us / len(samples)
    names = [name for name, _ in PLACES]
    lines = ["| station | µs | % | " + " | ".join("of it " + name for name in names) + " |",
             "|---|---|---|" + "---|" * len(names)]
    rows = []
    for station, _ in STATIONS:
        parts = [counted[station, name] * each for name in names]
        rows.append((sum(parts), station, parts))
    totals = [sum(row[2][i] for row in rows) for i in range(len(names))]
    for whole, station, parts in sorted(rows, reverse=True) + [(us, "**all**", totals)]:
        lines.append("| %s | %.1f | %.0f | %s |" % (station, whole, 100 * whole / us,
                                                    " | ".join("%.1f" % part for part in parts)))
    return lines


def measure(chosen):
    with Field(chosen.bin) as field:
        peer, size = field.sluice_peer("sluice")
        us = load(peer, field.scratch, CONNECTIONS, SECONDS)["us"]
        data = os.path.join(field.scratch, "perf.data")
        record(peer, field.scratch, data, SECONDS)
        samples = list(stacks(data))
    if len(samples) < 500:
        raise Fault("perf took only %d samples; is it allowed to?" % len(samples))
    found = sources(os.path.join(chosen.bin, "sluice"),
                    {address for frames in samples for address, place in frames
                     if place == "sluice"})
    return ["%d samples (`perf record`, %d connections, result of %d bytes), spread over the %.1f µs "
            "of CPU per call measured right before; %s, %s." %
            (len(samples), CONNECTIONS, size, us, machine(), tools()), ""] + table(
                samples, found, us)


def main():
    chosen = options(__doc__)
    try:
        lines = measure(chosen)
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    publish("stations", lines, chosen.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
