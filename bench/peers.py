"""Who is measured: a trivial upstream, nginx before it, sluice before it.

A peer has a name, a url, a script for wrk, pids() whose CPU counts, mark() and check() around a
round. A further one (another size, another server) is a further class or a further call here.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from measure import write_post
from stand import Fault, Stand, exchange

TOOL = "list_all_netsuite_invoices"
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": TOOL, "arguments": {"limit": 25}}}
JSON_PAGE = "application/vnd.oracle.resource+json; type=collection"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def suiteql_page(rows):
    """A SuiteQL answer as the ERP writes it: null columns left out, amounts as text."""
    items = [{"links": [], "id": str(1000 + n), "tranid": "INV-%d" % (1000 + n), "entity": "107",
              "entityname": "Hansen A/S", "status": "CustInvc:A", "approvalstatus": "2",
              "currency": "EUR", "foreigntotal": "1250.00", "foreignamountunpaid": "1250.00",
              "trandate": "2026-10-01", "duedate": "2026-10-31", "memo": "Consulting"}
             for n in range(rows)]
    return json.dumps({"links": [], "count": rows, "hasMore": False, "items": items, "offset": 0,
                       "totalResults": rows}, separators=(",", ":"))


class Nginx:
    """One nginx with one worker on a free port; `block` is what goes around its server block."""

    def __init__(self, scratch, name, location, around=""):
        for _ in range(5):  # a port that was free may be taken by the time nginx asks for it
            self.port = free_port()
            self.url = "http://127.0.0.1:%d" % self.port
            self.process = subprocess.Popen(
                ["nginx", "-p", scratch, "-c", self.configure(scratch, name, location, around)],
                stderr=subprocess.DEVNULL)
            if self.answers():
                return
            self.stop()
        raise Fault("nginx (%s) does not start; see nginx -t" % name)

    def configure(self, scratch, name, location, around):
        places = " ".join("%s_temp_path %s/%s-%s;" % (kind, scratch, name, kind) for kind in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = os.path.join(scratch, name + ".conf")
        with open(path, "w") as out:
            out.write("worker_processes 1; daemon off; pid %s/%s.pid; error_log %s/%s.log;\n"
                      "events { worker_connections 1024; }\n"
                      "http { access_log off; keepalive_requests 1000000000; %s\n%s\n"
                      "server { listen 127.0.0.1:%d; location / { %s } } }\n"
                      % (scratch, name, scratch, name, places, around, self.port, location))
        return path

    def answers(self):
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            try:
                exchange(self.url, "POST", "/", b"{}", timeout=5)
                return self.process.poll() is None
            except OSError:
                time.sleep(0.02)
        return False

    def stop(self):
        self.process.terminate()
        self.process.wait()


class NginxPeer:
    def __init__(self, name, nginx, script):
        self.name, self.nginx, self.script = name, nginx, script
        self.url = nginx.url + "/"

    def pids(self):
        master = self.nginx.process.pid
        with open("/proc/%d/task/%d/children" % (master, master)) as children:
            return [master] + [int(pid) for pid in children.read().split()]

    def mark(self):
        return None

    def check(self, mark, calls, connections):
        pass  # the load generator saw 2xx, and nothing else is hidden in them


class SluicePeer:
    def __init__(self, name, stand, url, script, body):
        self.name, self.stand, self.url, self.script = name, stand, url, script
        self.body = body

    def pids(self):
        return [self.stand.process("server").pid]

    def mark(self):
        """Finished tool calls by outcome."""
        _, _, raw = exchange(self.stand.base, "GET", "/metrics")
        return {outcome: int(count) for outcome, count in re.findall(
            r'^sluice_tool_calls_total\{outcome="(\w*)"\} (\d+)', raw.decode(), re.M)}

    def check(self, mark, calls, connections):
        """An error is a 200 here: a round counts only when every answer was a result."""
        now = self.mark()
        good = [name for name in now if name in ("", "ok")]
        done = sum(now[name] - mark.get(name, 0) for name in good)
        other = {name: now[name] - mark.get(name, 0) for name in now
                 if name not in good and now[name] > mark.get(name, 0)}
        if done < calls or sum(other.values()) > connections:
            raise SystemExit("%s: %d calls, %d of them good, %s" % (self.name, calls, done, other))


class Field:
    """Everything that runs during a measurement; a context, so that it always ends."""

    def __init__(self, bin_dir):
        self.scratch = tempfile.mkdtemp(prefix="sluice-bench-")
        self.stand = Stand(bin_dir)
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stand.stop()
        for server in self.started:
            server.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def nginx(self, name, location, around=""):
        server = Nginx(self.scratch, name, location, around)
        self.started.append(server)
        return server

    def upstream(self, rows):
        return self.nginx("upstream-%d" % rows, "default_type '%s'; return 200 '%s';" %
                          (JSON_PAGE, suiteql_page(rows)))

    def script(self):
        return write_post(os.path.join(self.scratch, "post.lua"), CALL)

    def nginx_peer(self, upstream):
        around = ("upstream erp { server 127.0.0.1:%d; keepalive 64; "
                  "keepalive_requests 1000000000; }" % upstream.port)
        proxy = self.nginx("proxy-%d" % upstream.port, "proxy_pass http://erp; "
                           "proxy_http_version 1.1; proxy_set_header Connection '';", around)
        return NginxPeer("nginx proxy_pass", proxy, self.script())

    def sluice_peer(self, upstream):
        """(peer, bytes of the result): an account that one call proved, its ceiling out of the way."""
        if self.stand.base is None:
            self.stand.start_server()
        key = "upstream-%d" % upstream.port
        self.stand.mocks[key] = {"url": upstream.url}
        secrets = dict.fromkeys(("consumer_key", "consumer_secret", "token_id", "token_secret"),
                                "bench")
        account = self.stand.admin(
            "POST", "/integrated-account?verify=false",
            self.stand.netsuite_account(mock=key, credentials=dict(secrets, account_id="TSTDRV1"),
                                        governor={"ceiling": 64, "queue_limit": 1000}))
        url = self.stand.mint(account["id"])["url"]
        _, _, result = self.stand.tool(url, TOOL, CALL["params"]["arguments"])
        if result is None or result.get("isError"):
            raise Fault("the first call failed: %s" % json.dumps(result))
        return (SluicePeer("sluice, full call", self.stand, url, self.script(), CALL),
                len(result["content"][0]["text"].encode()))
