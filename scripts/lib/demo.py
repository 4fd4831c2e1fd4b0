"""The demonstration: mocks and server on loopback, an account, a secret URL, a few calls.

Standard library only; nothing outside build/ and a scratch folder is written.
"""
import argparse
import json
import os
import signal
import sys
import time

from stand import ROOT, Fault, Stand, exchange


def say(text=""):
    print(text, flush=True)


class Demo(Stand):
    def __init__(self, options):
        log_path = os.path.join(ROOT, "build", "demo.log")
        if os.path.exists(log_path):
            os.remove(log_path)
        flags = ["--integrations.enable", "conformance"] if options.serve else []
        super().__init__(options.bin, port=options.port, flags=flags, log_path=log_path)
        self.serves = options.serve
        self.accounts = {}

    def raise_up(self):
        for name in ("netsuite", "sap"):
            mock = self.start_mock(name)
            say("mock %-10s %s   (control %s)" % (name, mock["url"], mock["control_url"]))
        self.start_server()
        say("sluice          %s   (log build/demo.log)" % self.base)
        self.connect("netsuite", self.connect_netsuite())
        self.connect("sap", self.connect_sap())
        if self.serves:
            self.connect("conformance", self.connect_conformance())

    def connect(self, name, account):
        server = self.mint(account["id"])
        self.accounts[name] = {"id": account["id"], "mcp_id": server["id"],
                               "mcp_url": server["url"]}
        say("account         %s (verified: %s), lane %s" %
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
        self.show_order()
        self.show_boundary()

    def show_tools(self, url):
        head("tools/list")
        _, _, message = self.rpc(url, "tools/list")
        for tool in message["result"]["tools"]:
            say("  %-44s %s" % (tool["name"], tool["description"].split(". ")[0][:80]))

    def show_pages(self, url):
        head("overdue invoices, three at a time: list_all_netsuite_invoices")
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

    def show_order(self):
        head("the same from SAP: an order is made once, and read back to the cent")
        url = self.accounts["sap"]["mcp_url"]
        _, _, vendors = self.tool(url, "list_all_sap_vendors", {"limit": 1})
        vendor = vendors["structuredContent"]["data"][0]
        say("  vendor %s %s" % (vendor["id"], vendor["name"]))
        order = {"supplier": vendor["id"], "purchasing_org": "1010", "plant": "1010",
                 "items": [{"material": "TG11", "quantity": 10, "unit": "EA"},
                           {"material": "RM13", "quantity": "2.5", "unit": "KG",
                            "net_price": "199.99"}]}
        _, _, result = self.tool(url, "create_a_sap_purchase_order", order)
        if result.get("isError"):
            raise Fault("the order was refused: %s" % json.dumps(result["structuredContent"]))
        envelope = result["structuredContent"]
        made = envelope["data"][0]
        for message in envelope["_meta"].get("messages", []):
            say("  SAP remarks: %s (%s)" % (message["text"], message["severity"]))
        _, _, result = self.tool(url, "get_single_sap_purchase_order_by_id", {"id": made["id"]})
        row = result["structuredContent"]["data"][0]
        for line in row["lines"]:
            say("  line %-3s %-6s %8s %s %12s" % (line["line"], line["item_id"],
                                                 line["quantity"], line["unit"],
                                                 line["amount"]))
        say("  order %s, %s %s, status %s" % (row["number"], row["total"], row["currency"],
                                              row["status"]))

    def show_boundary(self):
        head("an unknown URL")
        status, fields, raw = exchange(self.base, "POST", "/mcp/" + "0" * 64,
                                       {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        say("  HTTP %d: %s" % (status, raw.decode().strip()))

    # ---- demo.json ----

    def write_state(self):
        pids = {"server": self.process("server").pid}
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
    for detail in error.get("details", []):
        say("    %s %s" % (detail["pointer"], detail["message"]))
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
    parser.add_argument("--bin", default="build/bin",
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
        demo.raise_up()
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
