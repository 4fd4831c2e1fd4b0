"""The demonstration: mocks and server on loopback, an account, a secret URL, a few calls.

Standard library only. Everything it starts is ended by its own process id, also after an
interrupt; nothing outside build/ is written.
"""
import argparse
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
MODERN = "2026-07-28"


def say(text=""):
    print(text, flush=True)


class Fault(Exception):
    pass


def exchange(base, method, path, body=None, headers=None, timeout=130):
    """(status, headers in lower case, bytes) of one HTTP exchange."""
    url = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
    fields = dict(headers or {})
    data = None
    if body is not None:
        data = json.dumps(body)
        fields.setdefault("Content-Type", "application/json")
    connection.request(method, url.path.rstrip("/") + path, body=data, headers=fields)
    reply = connection.getresponse()
    result = (reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
    connection.close()
    return result


class Demo:
    def __init__(self, options):
        self.options = options
        self.bin = options.bin
        self.processes = []  # (name, Popen), in the order of their start
        self.scratch = tempfile.mkdtemp(prefix="sluice-demo-")
        self.base = self.admin_token = self.data_dir = None
        self.mocks = {}
        self.accounts = {}

    # ---- processes ----

    def start(self, name, command, env=None, stderr=None):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr,
                                   stdin=subprocess.DEVNULL, text=True, cwd=ROOT,
                                   env=dict(os.environ, **(env or {})))
        self.processes.append((name, process))
        return process

    def start_mock(self, name):
        program = os.path.join(self.bin, "mock-" + name)
        process = self.start(name, [program])
        line = process.stdout.readline()
        if not line:
            raise Fault("mock-%s did not start" % name)
        self.mocks[name] = json.loads(line)
        self.mocks[name]["pid"] = process.pid
        say("mock %-10s %s   (control %s)" % (name, self.mocks[name]["url"],
                                              self.mocks[name]["control_url"]))

    def sluice(self, *words):
        result = subprocess.run([os.path.join(self.bin, "sluice"), *words, *self.flags()],
                                capture_output=True, text=True, cwd=ROOT)
        if result.returncode != 0:
            raise Fault("sluice %s: %s" % (" ".join(words), result.stderr.strip()))
        return result.stdout.strip()

    def flags(self):
        return ["--data_dir", self.data_dir, "--net.allow_cidrs", "127.0.0.1/32",
                "--net.allow_plain_http_hosts", "127.0.0.1"]

    def start_server(self):
        self.data_dir = os.path.join(self.scratch, "data")
        os.mkdir(self.data_dir, 0o700)
        self.sluice("keygen")
        self.admin_token = self.sluice("token", "create", "--name", "demo", "--role", "admin")
        log_path = os.path.join(ROOT, "build", "demo.log")
        self.log = open(log_path, "w+")
        process = self.start("server", [os.path.join(self.bin, "sluice"), "serve",
                                        "--server.port", str(self.options.port), *self.flags()],
                             stderr=self.log)
        port = self.wait_for_port(process, log_path)
        self.base = "http://127.0.0.1:%d" % port
        say("sluice          %s   (log build/demo.log)" % self.base)

    @staticmethod
    def wait_for_port(process, log_path):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with open(log_path) as log:
                for line in log:
                    try:
                        event = json.loads(line)
                    except ValueError:
                        continue
                    if event.get("event") == "listening":
                        return event["port"]
            if process.poll() is not None:
                break
            time.sleep(0.02)
        with open(log_path) as log:
            raise Fault("the server did not start: %s" % log.read()[-400:].strip())

    def stop(self):
        for _, process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in reversed(self.processes):
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)

    # ---- the API and MCP ----

    def admin(self, method, path, body=None):
        status, _, raw = exchange(self.base, method, path, body,
                                  {"Authorization": "Bearer " + self.admin_token})
        reply = json.loads(raw) if raw.strip() else None
        if status >= 300:
            raise Fault("%s %s answered %d: %s" % (method, path, status, raw.decode()))
        return reply

    def control(self, mock, method, path, body=None):
        _, _, raw = exchange(self.mocks[mock]["control_url"], method, path, body)
        return json.loads(raw) if raw.strip() else None

    def rpc(self, url, method, params=None):
        split = urllib.parse.urlsplit(url)
        params = dict(params or {})
        params["_meta"] = {"io.modelcontextprotocol/protocolVersion": MODERN,
                           "io.modelcontextprotocol/clientCapabilities": {}}
        headers = {"Accept": "application/json, text/event-stream",
                   "MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if method == "tools/call":
            headers["Mcp-Name"] = params["name"]
        status, fields, raw = exchange("%s://%s" % (split.scheme, split.netloc), "POST",
                                       split.path, {"jsonrpc": "2.0", "id": 1, "method": method,
                                                    "params": params}, headers)
        return status, fields, json.loads(raw)

    def tool(self, url, name, arguments=None):
        status, fields, message = self.rpc(url, "tools/call",
                                           {"name": name, "arguments": arguments or {}})
        return status, fields, message["result"]

    def connect_netsuite(self):
        mock = self.mocks["netsuite"]
        account = self.admin("POST", "/integrated-account", {
            "tenant_id": "demo", "integration": "netsuite", "name": "NetSuite (mock)",
            "connection": {"account_id": mock["account_id"],
                           "base_urls": {"suitetalk": mock["url"], "restlets": mock["url"],
                                         "app": mock["url"]}},
            "auth": {"scheme": "netsuite_tba", "consumer_key": mock["consumer_key"],
                     "consumer_secret": mock["consumer_secret"], "token_id": mock["token_id"],
                     "token_secret": mock["token_secret"]}})
        server = self.admin("POST", "/integrated-account/%s/mcp" % account["id"],
                            {"name": "demo agent", "config": {}})
        self.accounts["netsuite"] = {"id": account["id"], "mcp_id": server["id"],
                                     "mcp_url": server["url"]}
        say("account         %s (verified against the ERP: %s), lane %s" %
            (account["id"], account["verified"], account["lane"]))
        say("MCP server      %s, %d tools, about %d tokens to list them" %
            (server["id"], server["tools"], server["token_estimate"]))
        say("its URL         %s" % mask(server["url"]))

    # ---- what an engineer wants to see ----

    def show(self):
        url = self.accounts["netsuite"]["mcp_url"]
        self.show_tools(url)
        self.show_pages(url)
        self.show_bad_arguments(url)
        self.show_busy(url)
        self.show_refusal(url)
        self.show_boundary()

    def show_tools(self, url):
        head("tools/list")
        _, _, message = self.rpc(url, "tools/list")
        for tool in message["result"]["tools"]:
            say("  %-44s %s" % (tool["name"], tool["description"].split(". ")[0][:80]))

    def show_pages(self, url):
        head("overdue invoices, largest page first: list_all_netsuite_invoices")
        arguments = {"overdue": True, "limit": 3}
        status, fields, result = self.tool(url, "list_all_netsuite_invoices", arguments)
        envelope = result["structuredContent"]
        for row in envelope["data"]:
            say("  %-12s %-28s %12s %s, due %s" % (row["number"], (row["party_name"] or "")[:28],
                                                 row["amount_due"], row["currency"],
                                                 row["due_date"]))
        say("  has_more %s, limit %s, token_estimate %s" % (
            envelope["pagination"]["has_more"], envelope["pagination"]["limit"],
            envelope["_meta"]["token_estimate"]))
        say("  ratelimit-limit %s, ratelimit-remaining %s, ratelimit-reset %s" % tuple(
            fields["ratelimit-" + name] for name in ("limit", "remaining", "reset")))
        cursor = envelope["pagination"]["next_cursor"]
        _, _, result = self.tool(url, "list_all_netsuite_invoices",
                                 dict(arguments, next_cursor=cursor))
        say("  next page: %s" % ", ".join(r["number"] for r in result["structuredContent"]["data"]))
        head("the same cursor with one character changed is refused")
        changed = cursor[:9] + ("A" if cursor[9] != "A" else "B") + cursor[10:]
        _, _, result = self.tool(url, "list_all_netsuite_invoices",
                                 dict(arguments, next_cursor=changed))
        show_error(result)

    def show_bad_arguments(self, url):
        head("wrong arguments never reach the ERP")
        before = self.control("netsuite", "GET", "/stats")["requests"]
        _, _, result = self.tool(url, "list_all_netsuite_invoices",
                                 {"limit": "many", "nonsense": 1})
        show_error(result)
        say("  requests at the ERP meanwhile: %d" %
            (self.control("netsuite", "GET", "/stats")["requests"] - before))

    def burst(self, url, calls):
        results = []
        lock = threading.Lock()

        def one():
            outcome = self.tool(url, "list_all_netsuite_customers", {"limit": 1})
            with lock:
                results.append(outcome)
        threads = [threading.Thread(target=one) for _ in range(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def show_busy(self, url):
        head("60 calls at once, each 200 ms at the ERP, ceiling 5, 32 places in line")
        self.control("netsuite", "PUT", "/latency", {"ms": 200, "jitter_ms": 0})
        self.control("netsuite", "POST", "/reset")
        results = self.burst(url, 60)
        stats = self.control("netsuite", "GET", "/stats")
        good = [r for r in results if not r[2].get("isError")]
        busy = [r for r in results if r[2].get("isError")]
        say("  %d answered, %d told account_busy; at the ERP never more than %d at once" %
            (len(good), len(busy), stats["in_flight_peak"]))
        if busy:
            show_error(busy[0][2])
        self.control("netsuite", "PUT", "/latency", {"ms": 0, "jitter_ms": 0})

    def show_refusal(self, url):
        head("the ERP itself refuses (its limit is now 3): HTTP 429, and still a readable result")
        self.control("netsuite", "PUT", "/latency", {"ms": 300, "jitter_ms": 0})
        self.control("netsuite", "PUT", "/limits", {"concurrency": 3})
        refused = [r for r in self.burst(url, 5) if r[0] == 429]
        self.control("netsuite", "PUT", "/limits", {"concurrency": 15})
        self.control("netsuite", "PUT", "/latency", {"ms": 0, "jitter_ms": 0})
        if not refused:
            raise Fault("the mock's limit of 3 refused nothing")
        status, fields, result = refused[0]
        say("  HTTP %d, retry-after %s, ratelimit-reset %s (%d of 5 refused)" %
            (status, fields["retry-after"], fields["ratelimit-reset"], len(refused)))
        show_error(result)

    def show_boundary(self):
        head("an unknown URL")
        status, fields, raw = exchange(self.base, "POST", "/mcp/" + "0" * 64,
                                       {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        say("  HTTP %d: %s" % (status, raw.decode().strip()))

    # ---- demo.json ----

    def write_state(self):
        pids = {"server": dict(self.processes)["server"].pid}
        for name, mock in self.mocks.items():
            pids["mock_" + name] = mock["pid"]
        state = {"base_url": self.base, "admin_token": self.admin_token,
                 "accounts": self.accounts,
                 "mocks": {name: {"url": mock["url"], "control_url": mock["control_url"]}
                           for name, mock in self.mocks.items()},
                 "data_dir": self.data_dir, "pids": pids}
        path = os.path.join(ROOT, "build", "demo.json")
        draft = path + ".new"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(state, out, indent=1)
        os.replace(draft, path)
        return path


def mask(url):
    """Enough of the token to tell two URLs apart, not enough to use one."""
    return url[:url.rindex("/") + 5] + "…"


def head(text):
    say("\n-- " + text)


def show_error(result):
    error = result["structuredContent"]["error"]
    say("  isError, %s: %s" % (error["code"], error["message"]))
    for name in ("retry_after_seconds", "in_flight", "ceiling", "queue_depth"):
        if name in error:
            say("    %s %s" % (name, error[name]))


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="sluice against its mock ERPs, on loopback.")
    parser.add_argument("--serve", action="store_true",
                        help="leave everything running until interrupted; writes build/demo.json")
    parser.add_argument("--port", type=int, default=0,
                        help="the server's port (by default a free one)")
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"),
                        help="folder of the programs")
    options = parser.parse_args()
    demo = Demo(options)

    def interrupted(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupted)
    state = os.path.join(ROOT, "build", "demo.json")
    try:
        if os.path.exists(state):
            os.remove(state)
        demo.start_mock("netsuite")
        demo.start_server()
        demo.connect_netsuite()
        if options.serve:
            say("\n%s" % demo.write_state())
            say("running until interrupted")
            while all(process.poll() is None for _, process in demo.processes):
                time.sleep(0.5)
            raise Fault("a program ended by itself; see build/demo.log")
        demo.show()
        say("\ndone")
        return 0
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if options.serve else 130
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.stop()
        if options.serve and os.path.exists(state):
            os.remove(state)


if __name__ == "__main__":
    sys.exit(main())
