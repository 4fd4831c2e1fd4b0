"""What every measurement needs: options, CPU of processes, load, conditions, the written page."""
import argparse
import json
import os
import platform
import re
import subprocess
import sys
import urllib.parse

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from stand import Fault  # noqa: E402

TURNS = """local ready, at = {}, 0
function init(args)
    for i, path in ipairs(paths) do ready[i] = wrk.format(nil, path) end
end
function request()
    at = at % #ready + 1
    return ready[at]
end
"""
PAGE = os.path.join(ROOT, "docs", "performance.md")


def options(description, seconds=2, rounds=3):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"),
                        help="folder of the programs")
    parser.add_argument("--seconds", type=int, help="of a round, after a warm-up of 1 s")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, fewer rows")
    parser.add_argument("--check", action="store_true", help="a goal that is missed is a failure")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md as well")
    chosen = parser.parse_args()
    chosen.seconds = chosen.seconds or (1 if chosen.quick else seconds)
    chosen.rounds = chosen.rounds or (1 if chosen.quick else rounds)
    return chosen


def cpu_us(pids):
    """utime + stime of those processes since they began."""
    ticks = 0
    for pid in pids:
        with open("/proc/%d/stat" % pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1e6 / os.sysconf("SC_CLK_TCK")


def write_post(path, urls, body, fields):
    """The wrk script that posts that body with those fields; returns the path. The requests are
    made before the load: what wrk does for one does not depend on how many URLs there are."""
    fields = dict({"Content-Type": "application/json",
                   "Accept": "application/json, text/event-stream"}, **fields)
    with open(path, "w") as out:
        out.write("wrk.method = 'POST'\nwrk.body = [==[%s]==]\n" % json.dumps(body))
        for name, value in fields.items():
            out.write("wrk.headers['%s'] = '%s'\n" % (name, value))
        out.write("local paths = {%s}\n" % ",".join(
            "'%s'" % urllib.parse.urlsplit(url).path for url in urls))
        out.write(TURNS)
    return path


def percentile_us(out, percent):
    """From wrk's distribution; its other columns may hold the same number before a %."""
    found = re.search(r"^ +%d%% +([0-9.]+)(us|ms|s|m) *$" % percent, out, re.M)
    if not found:
        raise Fault("wrk shows no percentile %d:\n%s" % (percent, out))
    number, unit = found.groups()
    return float(number) * {"us": 1, "ms": 1000, "s": 1e6, "m": 6e7}[unit]


def drive(peer, scratch, connections, seconds):
    """wrk on one thread; refuses a run in which anything but 2xx came back."""
    out = subprocess.run(["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--latency", "-s",
                          peer.script(scratch), peer.url], capture_output=True, text=True,
                         check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise Fault("%s refused some of the load:\n%s" % (peer.name, out))
    return {"calls": int(re.search(r"(\d+) requests in", out).group(1)), "seconds": seconds,
            "p50": percentile_us(out, 50), "p99": percentile_us(out, 99)}


def load(peer, scratch, connections, seconds):
    """One round: a second to warm up, then the load, with what it cost the peer."""
    drive(peer, scratch, connections, 1)
    mark = peer.mark()
    before = cpu_us(peer.pids())
    run = drive(peer, scratch, connections, seconds)
    run["us"] = (cpu_us(peer.pids()) - before) / run["calls"]
    peer.check(mark, run["calls"], connections)
    return run


def version(command, pattern):
    shown = subprocess.run(command, capture_output=True, text=True)
    found = re.search(pattern, shown.stdout + shown.stderr)
    return found.group(1) if found else "unknown"


def machine():
    with open("/proc/cpuinfo") as info:
        model = re.search(r"model name\s*: (.*)", info.read())
    return "%d cores (%s), Linux %s, release build" % (
        os.cpu_count(), model.group(1).strip() if model else platform.machine(),
        platform.release().split("-")[0])


def tools():
    return "nginx %s, wrk %s on the same machine" % (
        version(["nginx", "-v"], r"nginx/(\S+)"),
        version(["wrk", "-v"], r"wrk (?:debian/)?([0-9.]+)"))


def write_section(name, lines):
    """Puts the lines between <!-- name --> and <!-- /name --> of the page."""
    begin, end = "<!-- %s -->\n" % name, "<!-- /%s -->" % name
    with open(PAGE) as page:
        text = page.read()
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit("docs/performance.md wants one line %s and one line %s" %
                         (begin.strip(), end))
    head, rest = text.split(begin)
    _, tail = rest.split(end)
    with open(PAGE, "w") as page:
        page.write(head + begin + "\n".join(lines) + "\n" + end + tail)


def publish(name, lines, write):
    print("\n".join(lines), flush=True)
    if write:
        write_section(name, lines)
