"""CPU microseconds per call: sluice's full tools/call beside nginx proxy_pass, same upstream.

The upstream is an nginx that answers every request with one canned SuiteQL page, so what is measured
is what stands between. CPU is utime + stime of the server's processes over the run, divided by the
requests; the peers take turns, so that a noisy machine hurts both.
"""
import argparse
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from stand import Stand  # noqa: E402

SECONDS = 3
ROUNDS = 3
CONNECTIONS = (1, 8, 32)
ROWS = 6  # about 2 KB of result
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "list_all_netsuite_invoices", "arguments": {"limit": 25}}}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def canned_page():
    rows = [{"links": [], "id": str(1000 + n), "tranid": "INV-%d" % (1000 + n), "entity": "107",
             "entityname": "Hansen A/S", "status": "CustInvc:A", "approvalstatus": "2",
             "currency": "EUR", "foreigntotal": "1250.00", "foreignamountunpaid": "1250.00",
             "trandate": "2026-10-01", "duedate": "2026-10-31", "memo": "Consulting"}
            for n in range(ROWS)]
    return json.dumps({"links": [], "count": ROWS, "hasMore": False, "items": rows, "offset": 0,
                       "totalResults": ROWS}, separators=(",", ":"))


class Nginx:
    """One nginx with one worker and one location, in a scratch folder."""

    def __init__(self, scratch, name, inner):
        places = " ".join("%s_temp_path %s/%s-%s;" % (kind, scratch, name, kind) for kind in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = os.path.join(scratch, name + ".conf")
        with open(config, "w") as out:
            out.write("worker_processes 1; daemon off; pid %s/%s.pid; error_log %s/%s.log;\n"
                      "events { worker_connections 1024; }\n"
                      "http { access_log off; keepalive_requests 1000000000; %s\n%s\n}\n"
                      % (scratch, name, scratch, name, places, inner))
        self.process = subprocess.Popen(["nginx", "-p", scratch, "-c", config],
                                        stderr=subprocess.DEVNULL)

    def pids(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                  text=True).stdout.split()
        return [self.process.pid] + [int(pid) for pid in children]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def cpu_us(pids):
    ticks = 0
    for pid in pids:
        with open("/proc/%d/stat" % pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1e6 / os.sysconf("SC_CLK_TCK")


def duration_us(text):
    number, unit = re.fullmatch(r"([0-9.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1000, "s": 1e6}[unit]


def load(url, pids, connections, script):
    before = cpu_us(pids)
    out = subprocess.run(["wrk", "-t1", "-c%d" % connections, "-d%ds" % SECONDS, "--latency", "-s",
                          script, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise SystemExit("the server refused some of the load:\n" + out)
    calls = int(re.search(r"(\d+) requests in", out).group(1))
    used = cpu_us(pids) - before
    return {"us": used / calls, "rate": calls / SECONDS,
            "p50": duration_us(re.search(r"50%\s+(\S+)", out).group(1)),
            "p99": duration_us(re.search(r"99%\s+(\S+)", out).group(1))}


def table(results):
    lines = ["| peer | connections | CPU µs per call | of rounds | calls/s | p50 µs | p99 µs |",
             "|---|---|---|---|---|---|---|"]
    for (peer, connections), rounds in results.items():
        cost = [r["us"] for r in rounds]
        lines.append("| %s | %d | %.1f | %.1f to %.1f | %.0f | %.0f | %.0f |" % (
            peer, connections, statistics.median(cost), min(cost), max(cost),
            statistics.median(r["rate"] for r in rounds),
            statistics.median(r["p50"] for r in rounds),
            statistics.median(r["p99"] for r in rounds)))
    return lines


def prepare(stand, scratch):
    up, proxy = free_port(), free_port()
    upstream = Nginx(scratch, "upstream", "server { listen 127.0.0.1:%d; location / { default_type "
                     "'application/vnd.oracle.resource+json; type=collection'; return 200 '%s'; } }"
                     % (up, canned_page()))
    peer = Nginx(scratch, "peer", "upstream u { server 127.0.0.1:%d; keepalive 64; "
                 "keepalive_requests 1000000000; } server { listen 127.0.0.1:%d; location / { "
                 "proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ''; } }"
                 % (up, proxy))
    stand.start_server()
    stand.mocks["upstream"] = {"url": "http://127.0.0.1:%d" % up}
    names = dict.fromkeys(("consumer_key", "consumer_secret", "token_id", "token_secret"), "bench")
    status, account = stand.api(
        "POST", "/integrated-account?verify=false",
        stand.netsuite_account(mock="upstream", credentials=dict(names, account_id="TSTDRV1"),
                               governor={"ceiling": 64, "queue_limit": 1000}))
    if status != 201:
        raise SystemExit("connecting answered %d: %s" % (status, account))
    url = stand.mint(account["id"])["url"]
    _, _, result = stand.tool(url, "list_all_netsuite_invoices", {"limit": 25})
    if result.get("isError"):
        raise SystemExit("the first call failed: %s" % result)
    return upstream, peer, url, "http://127.0.0.1:%d/" % proxy, len(result["content"][0]["text"])


def measure():
    scratch = tempfile.mkdtemp(prefix="sluice-bench-")
    stand = Stand("build/bin")
    started = []
    try:
        upstream, peer, url, peer_url, size = prepare(stand, scratch)
        started = [upstream, peer]
        script = os.path.join(scratch, "post.lua")
        with open(script, "w") as out:
            out.write("wrk.method='POST'\nwrk.body=[[%s]]\n"
                      "wrk.headers['Content-Type']='application/json'\n" % json.dumps(CALL))
        while len(peer.pids()) < 2:  # its worker does the work
            time.sleep(0.01)
        peers = {"sluice, full call": (url, [stand.process("server").pid]),
                 "nginx proxy_pass": (peer_url, peer.pids())}
        results = {}
        for connections in CONNECTIONS:
            for _ in range(ROUNDS):
                for name, (where, pids) in peers.items():
                    results.setdefault((name, connections), []).append(
                        load(where, pids, connections, script))
        return results, size
    finally:
        stand.stop()
        for server in started:
            server.stop()
        shutil.rmtree(scratch, ignore_errors=True)


def write_section(lines):
    path = os.path.join(ROOT, "docs", "performance.md")
    with open(path) as page:
        text = page.read()
    begin, end = "<!-- percall -->\n", "<!-- /percall -->"
    head, rest = text.split(begin)
    _, tail = rest.split(end)
    with open(path, "w") as page:
        page.write(head + begin + "\n".join(lines) + "\n" + end + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    results, size = measure()
    lines = ["%d cores, Linux %s, release build, result of %d bytes, %d rounds of %d s each, "
             "peers in turns, load generator on the same machine:" %
             (os.cpu_count(), platform.release().split("-")[0], size, ROUNDS, SECONDS), ""]
    lines += table(results)
    print("\n".join(lines))
    if options.write:
        write_section(lines)


if __name__ == "__main__":
    main()
