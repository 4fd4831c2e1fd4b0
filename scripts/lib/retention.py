# SPDX-License-Identifier: Apache-2.0
"""Proves that nothing of a call stays behind, on the running programs.

usage: scripts/prove-zero-retention [--only-control | --no-control] [--verbose]

Starts the mock ERPs and the server on free loopback ports with log.level debug and sends texts
that stand nowhere else (marks: 48 random letters and digits) through every kind of call: list,
get, create, free query, refused arguments, error of the ERP, answer that comes too late, caller that leaves,
event stream, answer that is cut off or malformed, wrong tokens, management calls, changed
credentials, a client certificate, SAP's connectivity proxy and destination service, people at the
connect pages; over NetSuite and SAP, in both eras of MCP. Then searches

  * every file of the data folder, the log, what the server printed, /metrics,
  * the process's environment and command line,
  * all memory of the live process that can be read (/proc/PID/mem): heap, stacks of all threads,
    locked pages, data of the shared libraries,

for every 16-byte piece of every mark: raw, hex, percent-encoded, JSON-escaped, UTF-16 in both
byte orders, base64 and base64url at every alignment, and a token's or key's bytes. Connections of
callers (all of them by the server's own TLS) and to the ERPs are still open then.

While a call is at the ERP, the secrets that signed it and the server's keys are searched for, too.
What may be found, and nothing else, while an account is active: its credentials, the tokens fetched
with them and the server's own keys (that of its certificate as well) and client secret, in pages that
are locked (not swapped) and left out of dumps; the CSRF token and cookies of its SAP session. Then the accounts are deleted and the
search is repeated: now only the server's own keys may be there, in locked pages.

The search itself is proven too: a text that is kept by design is found by it, and programs are
built in which one wipe is missing (cmake/sabotage.cmake); each of them must be found out.

  --no-control    leaves the sabotaged programs out
  --only-control  runs only them
  --verbose       prints every find, also those that are allowed

Exit code 0: nothing was found in the server, and something in every sabotaged one. 1: otherwise.
2: a place could not be searched, so nothing is proven: /proc/PID/mem of a process that forbids
dumps is read by root (CAP_SYS_PTRACE) only.
"""
import argparse
import base64
import concurrent.futures
import http.server
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse

from connect_walk import Walk, private_number
from marks import KEPT, LOCKED, NOWHERE, OWN, SESSION, CannotSearch, Marks, files_under, forms
from stand import LEGACY, Fault, Stand, exchange
from tap import Authority, Tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests",
                                "flow"))
from btp import CLIENT, Btp, ClientCertificate  # noqa: E402
from flow import (call_bytes, connect, message, read_reply, read_to_end, request_bytes,  # noqa: E402
                  wait_until)

FLAGS = ("--log.level", "debug", "--integrations.enable", "conformance", "--upstream.read_timeout_ms", "1500",
         "--upstream.write_timeout_ms", "3000", "--governor.lost_connection_hold_ms", "0")
ERAS = ("modern", "legacy")
TODAY = "2026-11-20"
PATIENCE = 8  # looks at a find, 0.1 s apart, before it counts as left behind
CREDENTIALS = ("consumer_key", "consumer_secret", "token_id", "token_secret")
SECRETS = ("consumer_secret", "token_secret", "client secret", "key", "listener's key",
           "listener's key, reversed", "connect client secret")  # never sent with a call
LIST = {"netsuite": "list_all_netsuite_customers", "sap": "list_all_sap_vendors"}
NAME = {"netsuite": "name", "sap": "name_contains"}
GET = {"netsuite": "get_single_netsuite_invoice_by_id",
       "sap": "get_single_sap_purchase_order_by_id"}
CREATE = {"netsuite": "create_a_netsuite_invoice", "sap": "create_a_sap_purchase_order"}
QUERY = "netsuite_suiteql_query"
NETSUITE_ERROR = '{"title":"%s","status":%d,"o:errorDetails":[{"detail":"%s","o:errorCode":"%s"}]}'
SAP_ERROR = ('{"error":{"code":"%s","message":{"lang":"en","value":"%s"},"innererror":'
             '{"transactionid":"%s","errordetails":[{"code":"A","message":"%s","severity":"error"}]}}}')
SAP_XML = ('<?xml version="1.0"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/'
           'metadata"><code>%s</code><message xml:lang="en">%s</message><innererror><errordetails>'
           '<errordetail><code>A</code><message>%s</message></errordetail></errordetails>'
           '</innererror></error>')


class FoundOut(Exception):
    """A sabotaged program needs no further calls."""


class Scene:
    """A server with both ERPs behind it, and everything that is sent through it."""

    def __init__(self, bin_dir, server=None):
        self.marks = Marks()
        self.case = "set-up"
        self.cases = []
        self.open = []  # connections that stay open until the search is done
        self.stand = Stand(bin_dir, flags=FLAGS, server=server)
        self.authority = Authority(self.stand.scratch)
        self.stand.extra_flags += ["--net.ca_file", self.authority.ca,
                                   "--server.tls.certificate_file", self.authority.certificate,
                                   "--server.tls.key_file", self.authority.key]
        self.stand.trust = ssl.create_default_context(cafile=self.authority.ca)
        self.taps = {}
        self.btp = self.walk = None

    def mark(self, what, allowed=NOWHERE):
        return self.marks.new("%s: %s" % (self.case, what), allowed)

    def remember(self, what, text, allowed=NOWHERE):
        self.marks.add("%s: %s" % (self.case, what), text, allowed)
        return text

    # ---- Set-up ----

    def start(self):
        sap = {"user": self.mark("SAP user", LOCKED), "password": self.mark("SAP password", LOCKED),
               "client-secret": self.mark("client secret", LOCKED)}
        flags = [word for name, value in sap.items() for word in ("--" + name, value)]
        self.stand.start_mock("netsuite", "--today", TODAY)
        self.stand.start_mock("sap", "--today", TODAY, *flags)
        self.put_tap("netsuite")
        self.put_tap("sap basic", mock="sap")
        self.put_tap("sap", authority=self.authority)
        self.start_btp()
        self.remember_listener_key()
        self.walk = Walk(self)
        self.stand.extra_flags += self.walk.flags()
        self.stand.make_keys()
        self.remember("admin token", self.stand.admin_token[len("slt_"):])
        self.stand.start_server(env={"SLUICE_KEYS": self.take_keys()})
        self.walk.register()
        self.connect_accounts()

    def remember_listener_key(self):
        """The private number of the server's own certificate, also in the order in which OpenSSL
        computes with it."""
        with open(self.authority.key, encoding="ascii") as file:
            number = private_number(file.read())
        self.remember("listener's key", number, OWN)
        self.remember("listener's key, reversed", number[::-1], OWN)

    def put_tap(self, erp, mock=None, authority=None):
        """What the mock said of its ERP port leads to the tap from now on; with an authority by
        TLS."""
        at = self.stand.mocks[erp] = dict(self.stand.mocks[mock or erp])
        port = urllib.parse.urlsplit(at["url"]).port
        tap = self.taps[erp] = Tap(port, authority)
        for name, value in at.items():
            if name.endswith("url") and name != "control_url":
                value = value.replace(":%d" % port, ":%d" % tap.port)
                at[name] = value.replace("http:", "https:") if authority else value

    def start_btp(self):
        """What stands before the same SAP system on SAP BTP. Of the client's key the number that is
        private is marked, also in the order in which OpenSSL computes with it."""
        certificate = ClientCertificate(self.stand.scratch, "client")
        number = private_number(certificate.key)
        self.remember("private key", number, LOCKED)
        self.remember("private key, reversed", number[::-1], LOCKED)
        self.certificate = certificate
        self.btp = Btp(self.stand.mocks["sap basic"], self.stand.scratch, (certificate,),
                       self.authority, self.mark("connectivity secret", LOCKED))

    def connect_btp(self):
        sap, btp = self.stand.sap_account(mock="sap basic", scheme="basic"), self.btp
        user = {name: sap["auth"][name] for name in ("username", "password")}
        client = {"client_id": CLIENT, "token_url": btp.tls_url + "/erp/token"}
        by_certificate = dict(
            sap, connection={"route": "direct", "base_url": self.stand.mocks["sap basic"]["url"]},
            auth=dict(client, scheme="sap_xsuaa", certificate_pem=self.certificate.certificate,
                      private_key_pem=self.certificate.key))
        by_proxy = dict(
            sap, connection={"route": "connectivity", "base_url": "http://s4.virtual:44300",
                             "sap_client": sap["connection"]["sap_client"]},
            auth=dict(client, **user, scheme="sap_connectivity", client_secret=btp.secret,
                      token_url=btp.tls_url + "/oauth/token", proxy_url=btp.url))
        return {name: self.stand.admin("POST", "/integrated-account", body)
                for name, body in (("sap by certificate", by_certificate),
                                   ("sap by proxy", by_proxy),
                                   ("sap by destination", self.by_destination(sap, client)))}

    def by_destination(self, sap, client):
        """Its service says in the same answer where the system is and with which user."""
        btp, at = self.btp, self.stand.mocks["sap basic"]
        btp.destinations["S4"] = {
            "owner": {"SubaccountId": "sub"}, "destinationConfiguration": {
                "Name": "S4", "Type": "HTTP", "URL": at["url"], "ProxyType": "Internet",
                "Authentication": "BasicAuthentication", "User": sap["auth"]["username"],
                "Password": sap["auth"]["password"], "sap-client": at["client"],
                "Description": self.mark("description of a destination")}}
        return dict(sap, connection={"route": "destination", "base_url": at["url"]},
                    auth=dict(client, scheme="sap_destination", client_secret=btp.secret,
                              token_url=btp.tls_url + "/oauth/token", service_url=btp.tls_url,
                              destination="S4"))

    def take_keys(self):
        """The content of the key file, which is no more: the environment brings the keys."""
        path = os.path.join(self.stand.data_dir, "keys.json")
        with open(path, encoding="utf-8") as file:
            content = file.read()
        os.unlink(path)
        keys = json.loads(content)
        for key in [keys["signing_key"]] + [one["key"] for one in keys["vault_keys"]]:
            self.remember("key", key, OWN)
        return content

    def connect_accounts(self):
        stand = self.stand
        self.control_text = "Control " + self.marks.new("control: name of an account", KEPT)
        credentials = {"account_id": "RETENTION1"}
        for part in CREDENTIALS:
            credentials[part] = self.mark(part, LOCKED)
        stand.control("netsuite", "POST", "/accounts", credentials)
        self.accounts = {
            "netsuite": stand.connect_netsuite(credentials=credentials, name=self.control_text),
            "sap": stand.connect_sap(),
            "sap basic": stand.connect_sap(mock="sap basic", scheme="basic"),
            "conformance": stand.connect_conformance(),
            **self.connect_btp(),
        }
        self.urls = {name: self.mint(account["id"]) for name, account in self.accounts.items()}

    def mint(self, account_id, config=None):
        url = self.stand.mint(account_id, config)["url"]
        self.remember("URL token", urllib.parse.urlsplit(url).path[len("/mcp/"):])
        return url

    # ---- Shorthands ----

    def erps(self):
        for erp in ("netsuite", "sap"):
            for era in ERAS:
                yield erp, era

    def fault(self, erp, kind, path=None, **more):
        if path is None and erp == "sap":
            path = "^/sap/"  # not for the token host, which the same mock plays
        match = {} if path is None else {"path_regex": path}
        reply = self.stand.control(erp, "POST", "/faults",
                                   dict({"match": match, "times": 1, "kind": kind}, **more))
        if not reply.get("ok"):
            raise Fault("the mock takes no such fault: %r" % reply)

    def answer(self, erp, body, status=200, path=None, **more):
        self.fault(erp, "status", path, status=status, body=body, **more)

    def list_answer(self, erp, *texts):
        if erp == "netsuite":
            rows = ['{"id":"7","entityid":"%s","companyname":"%s","email":"%s"}' % texts]
            return '{"items":[%s],"hasMore":true,"count":1,"totalResults":1}' % ",".join(rows)
        return ('{"d":{"results":[{"Supplier":"7","SupplierName":"%s","BPSupplierFullName":"%s",'
                '"TaxNumber1":"%s"}]}}' % texts)

    def dial(self):
        """A connection to the server, by TLS as all of a caller's side."""
        sock = connect(self.stand.base)
        try:
            return self.stand.trust.wrap_socket(sock, server_hostname="127.0.0.1")
        except BaseException:
            sock.close()
            raise

    def raw(self, method, path, body=b"", headers=()):
        """The whole reply as bytes, on a connection of its own that the server then closes."""
        with self.dial() as sock:
            sock.sendall(request_bytes(self.stand.base, method, path, body,
                                       list(headers) + [("Connection", "close")]))
            return read_to_end(sock)

    def call(self, erp, name, arguments, era, **more):
        """(status, result) of a call on a connection of its own."""
        status, _, result = self.stand.tool(self.urls[erp], name, arguments, era, **more)
        return status, result

    def kept_open(self, erp, name, arguments, era):
        """The same on a connection that stays open; its reply's body."""
        sock = self.dial()
        self.open.append(sock)
        sock.sendall(call_bytes(self.urls[erp], name, arguments, era))
        return read_reply(sock)[2]

    def expect(self, result, code, what):
        got = "no result"
        if result is not None:
            error = (result.get("structuredContent") or {}).get("error")
            got = error["code"] if error else "data"
        if got not in code.split():
            raise Fault("%s: %s was expected, %s came: %.300s" % (what, code, got, result))

    # ---- What is sent ----

    def send_everything(self, look, look_for_secrets):
        """Calls look(case) after each kind of call, when its traces are fresh, and the other while
        a call is at the ERP."""
        self.look_for_secrets = look_for_secrets
        for case, send in (
                ("list", self.send_lists), ("get", self.send_gets), ("create", self.send_creates),
                ("create an invoice", self.send_invoices), ("free query", self.send_queries),
                ("refused arguments", self.send_refused), ("event stream", self.send_streams),
                ("pipelined", self.send_pipelined), ("without an ERP", self.send_built_in),
                ("error of the ERP", self.send_errors), ("cut off", self.send_cut_off),
                ("malformed answer", self.send_malformed), ("answer too late", self.send_late),
                ("caller leaves", self.send_leavers), ("access tokens", self.send_tokens),
                ("broken request", self.send_broken), ("stranger", self.send_strangers),
                ("API tokens", self.send_api_tokens), ("management", self.send_management),
                ("webhooks", self.send_webhooks), ("SAP BTP", self.send_by_btp),
                ("connect pages", self.send_pages),
                ("changed credentials", self.send_new_credentials)):
            self.case = case
            self.cases.append(case)
            send()
            self.remember_wire()
            self.wait_for_mocks()
            look(case)

    def send_lists(self):
        for erp, era in self.erps():
            texts = [self.mark("result") for _ in range(3)]
            self.answer(erp, self.list_answer(erp, *texts),
                        headers={"X-Marked": self.mark("field of the answer")})
            reply = self.kept_open(erp, LIST[erp], {NAME[erp]: self.mark("argument"), "limit": 1},
                                   era)
            if texts[0].encode() not in reply and texts[1].encode() not in reply:
                raise Fault("the mark was not passed on: %.500r" % reply)
            page = json.loads(reply)["result"]["structuredContent"]["pagination"]
            if page["next_cursor"]:
                self.remember("cursor", page["next_cursor"])
            self.expect(self.call(erp, LIST[erp], {"limit": 200}, era)[1], "data", "a long page")

    def send_gets(self):
        for era in ERAS:
            for body in ('{"id":"5","memo":"%s","tranid":"%s","total":%s}',):
                self.answer("netsuite", body % (self.mark("memo"), self.mark("number"),
                                                self.marks.number("get: amount", 30)))
                _, result = self.call("netsuite", GET["netsuite"], {"id": "1009"}, era)
                self.expect(result, "data upstream_malformed", "get")
            self.call("netsuite", GET["netsuite"], {"id": "eid:" + self.mark("id")}, era)
            self.answer("sap", '{"d":{"PurchaseOrder":"45","CorrespncExternalReference":"%s",'
                        '"to_PurchaseOrderItem":{"results":[{"PurchaseOrderItemText":"%s"}]}}}' %
                        (self.mark("reference"), self.mark("text of an item")))
            self.call("sap", GET["sap"], {"id": "4500000001"}, era)

    def send_creates(self):
        vendor = self.call("sap", LIST["sap"], {"limit": 1}, "modern")[1]
        supplier = vendor["structuredContent"]["data"][0]["id"]
        for erp in ("sap", "sap basic"):
            for era in ERAS:
                text = self.mark("text of an item")[:40]
                order = {"supplier": supplier, "purchasing_org": "1010", "plant": "1010", "items": [
                    {"material": "TG11", "quantity": 10, "unit": "EA", "text": text}]}
                status, result = self.call(erp, CREATE["sap"], order, era)
                self.expect(result, "data", "create")
        self.answer("sap", SAP_ERROR % tuple(self.mark("error") for _ in range(4)), 400,
                    path="A_PurchaseOrder$")
        order["items"][0]["text"] = self.mark("refused text")[:40]
        self.expect(self.call("sap", CREATE["sap"], order, "modern")[1],
                    "validation_failed invalid_arguments", "a refused order")
        self.fault("sap", "after_commit_drop", "A_PurchaseOrder$")
        order["items"][0]["text"] = self.mark("text of a lost order")[:40]
        self.expect(self.call("sap", CREATE["sap"], order, "modern")[1], "outcome_unknown", "a lost order")

    def send_invoices(self):
        """Saved, refused by the ERP, and with an answer that is lost after the ERP has saved."""
        party = self.call("netsuite", LIST["netsuite"], {"limit": 1}, "modern")[1]
        party = party["structuredContent"]["data"][0]["id"]

        def create(what, era):
            return self.call("netsuite", CREATE["netsuite"], {
                "party_id": party, "external_id": self.mark(what + " id"),
                "memo": self.mark(what + " memo"), "reference": self.mark(what + " reference")[:40],
                "lines": [{"item_id": "1", "rate": "10.00",
                           "description": self.mark(what + " line")}]}, era)[1]
        for era in ERAS:
            saved = create("saved", era)
            self.expect(saved, "data", "an invoice")
            self.answer("netsuite", NETSUITE_ERROR % (self.mark("error"), 400, self.mark("error"),
                                                      self.mark("error")), 400, path="/invoice")
            self.expect(create("refused", era), "validation_failed invalid_arguments",
                        "a refused invoice")
            self.fault("netsuite", "after_commit_drop", "/invoice")
            self.expect(create("lost", era), "outcome_unknown", "a lost invoice")
            self.stand.control("netsuite", "DELETE", "/faults")

    def send_queries(self):
        """The tool whose query its caller writes: rows, an error of the ERP, a refused text."""
        url = self.mint(self.accounts["netsuite"]["id"], {"tools": [QUERY]})

        def query(text, params, era):
            return self.stand.tool(url, QUERY, {"query": text, "params": params, "limit": 2}, era)[2]
        text = "SELECT t.id FROM transaction t WHERE t.type = ? ORDER BY t.id"
        for era in ERAS:
            page = query(text, ["CustInvc"], era)
            self.expect(page, "data", "a query")
            self.remember("cursor", page["structuredContent"]["pagination"]["next_cursor"])
            value = self.mark("value of a row")
            self.answer("netsuite", '{"items":[{"%s":"%s"}],"hasMore":false,"count":1,'
                        '"totalResults":1}' % (self.mark("column"), value), path="suiteql")
            rows = query("SELECT t.id FROM transaction t WHERE t.memo = '%s' AND t.type = ? "
                         "ORDER BY t.id" % self.mark("literal"), [self.mark("parameter")], era)
            if value not in json.dumps(rows):
                raise Fault("the row was not passed on: %.300r" % rows)
            self.answer("netsuite", NETSUITE_ERROR % (self.mark("error"), 400, self.mark("error"),
                                                      self.mark("error")), 400, path="suiteql")
            self.expect(query(text, [self.mark("parameter")], era),
                        "validation_failed invalid_arguments", "a query that the ERP refuses")
            self.expect(query("DELETE FROM transaction WHERE memo = '%s'" % self.mark("text"), [],
                              era), "invalid_arguments", "a text that is no query")

    def send_refused(self):
        for erp, era in self.erps():
            for arguments in ({"status": self.mark("argument")}, {self.mark("name"): 1},
                              {"next_cursor": self.mark("cursor")}, {"limit": self.mark("limit")},
                              {"created_from": self.mark("date")}):
                self.expect(self.call(erp, LIST[erp], arguments, era)[1], "invalid_arguments",
                            "arguments")
            self.stand.rpc(self.urls[erp], "tools/call",
                           {"name": self.mark("tool"), "arguments": {}}, era)
            self.stand.rpc(self.urls[erp], self.mark("method"), {}, era)
            long = self.mark("long argument") + "x" * 200000 + self.mark("long argument")
            self.expect(self.call(erp, LIST[erp], {NAME[erp]: long}, era)[1],
                        "invalid_arguments", "a long argument")
        client = {"name": self.mark("name of a client"), "version": self.mark("version")}
        self.stand.rpc(self.urls["sap"], "initialize", {
            "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client}, "legacy")
        self.stand.rpc(self.urls["sap"], "tools/list", {"cursor": self.mark("cursor")})

    def send_pipelined(self):
        """Calls that arrive while another one runs, on the same connection."""
        for erp, era in self.erps():
            texts = [self.mark("result") for _ in range(3)]
            self.answer(erp, self.list_answer(erp, *texts), delay_ms=100)
            sock = self.dial()
            self.open.append(sock)
            sock.sendall(b"".join(call_bytes(self.urls[erp], LIST[erp], {
                NAME[erp]: self.mark("argument"), "limit": 1}, era, n) for n in range(1, 4)))
            for _ in range(3):
                if read_reply(sock)[0] not in (200, 429):
                    raise Fault("a pipelined call was not answered")

    def send_built_in(self):
        """Tools without an ERP: what goes in comes out."""
        url = self.urls["conformance"]
        echo = [tool["name"] for tool in self.stand.rpc(url, "tools/list")[2]["result"]["tools"]
                if tool["name"].endswith("echo")][0]
        for era in ERAS:
            text = self.mark("argument")
            result = self.stand.tool(url, echo, {"text": text}, era)[2]
            if text not in json.dumps(result):
                raise Fault("no echo: %r" % result)

    def send_streams(self):
        for erp in ("netsuite", "sap"):
            texts = [self.mark("result") for _ in range(3)]
            self.answer(erp, self.list_answer(erp, *texts), delay_ms=200)
            body, headers = message("tools/call", {
                "name": LIST[erp], "arguments": {NAME[erp]: self.mark("argument")}},
                self.mark("request id"), token=self.mark("progress token"))
            sock = self.dial()
            self.open.append(sock)
            sock.sendall(request_bytes(self.stand.base, "POST",
                                       urllib.parse.urlsplit(self.urls[erp]).path,
                                       json.dumps(body).encode(), headers.items()))
            _, fields, reply = read_reply(sock)
            if fields.get("content-type") != "text/event-stream" or b"progress" not in reply:
                raise Fault("no event stream: %.300r" % reply)

    def send_errors(self):
        for erp, era in self.erps():
            for status in (400, 401, 403, 404, 409, 429, 500, 503):
                texts = tuple(self.mark("error text") for _ in range(4))
                body = (SAP_ERROR % texts if erp == "sap" else
                        NETSUITE_ERROR % (texts[0], status, texts[1], texts[2]))
                self.answer(erp, body, status)
                self.call(erp, LIST[erp], {NAME[erp]: self.mark("argument")}, era)
                self.stand.control(erp, "DELETE", "/faults")
        for status in (400, 404, 500):
            self.answer("sap", SAP_XML % tuple(self.mark("XML text") for _ in range(3)), status,
                        headers={"Content-Type": "application/xml"})
            self.call("sap", LIST["sap"], {}, "modern")
        self.answer("sap", '<?xml version="1.0"?><error><code>%s</code><message>%s<broken' %
                    (self.mark("XML text"), self.mark("XML text")), 400,
                    headers={"Content-Type": "application/xml"})
        self.call("sap", LIST["sap"], {}, "modern")

    def send_cut_off(self):
        for erp, era in self.erps():
            for kind in ("truncate", "reset", "after_commit_drop"):
                self.fault(erp, kind)
                self.call(erp, LIST[erp], {NAME[erp]: self.mark("argument")}, era)
                self.stand.control(erp, "DELETE", "/faults")
            texts = [self.mark("result") for _ in range(3)]
            self.fault(erp, "truncate", body=self.list_answer(erp, *texts), status=200)
            self.call(erp, LIST[erp], {NAME[erp]: self.mark("argument")}, era)
            self.stand.control(erp, "DELETE", "/faults")

    def send_malformed(self):
        for erp, era in self.erps():
            for body in ("<html>%s", '{"items":[{"id":"%s"}', '{"items":"%s"}', "%s",
                         '{"d":{"results":"%s"}}', '{"a":"\\ud800%s"}', "[" * 200 + '"%s"'):
                self.answer(erp, body % self.mark("broken answer"))
                _, result = self.call(erp, LIST[erp], {NAME[erp]: self.mark("argument")}, era)
                self.expect(result, "upstream_malformed needs_reauth", body)
            self.fault(erp, "html")
            self.call(erp, LIST[erp], {NAME[erp]: self.mark("argument")}, era)
            self.answer(erp, '{"items":[{"id":"%s","x":"%s"}]}' %
                        (self.mark("large answer"), "y" * (1 << 20)))
            self.call(erp, LIST[erp], {NAME[erp]: self.mark("argument")}, era)

    def send_late(self):
        """Patience ends, the caller has its answer, then the ERP's comes. Meanwhile the secrets that
        signed the request are in locked pages and nowhere else."""
        for erp, era in self.erps():
            texts = [self.mark("late result") for _ in range(3)]
            self.answer(erp, self.list_answer(erp, *texts), delay_ms=2500)
            self.expect(self.call(erp, LIST[erp], {NAME[erp]: self.mark("argument")}, era)[1],
                        "upstream_unavailable", "late")
            if self.stats(erp)["in_flight"] != 1:
                raise Fault("the late call is not under way")
            self.look_for_secrets("answer too late")
        self.wait_for_rest()

    def send_leavers(self):
        for erp, era in self.erps():
            texts = [self.mark("unread result") for _ in range(3)]
            self.answer(erp, self.list_answer(erp, *texts), delay_ms=300)
            before = self.stats(erp)["requests"]
            socks = []
            for _ in range(8):  # more than the account's ceiling: some leave from the queue
                socks.append(self.dial())
                socks[-1].sendall(call_bytes(self.urls[erp], LIST[erp], {
                    NAME[erp]: self.mark("argument")}, era))
            wait_until(lambda: self.stats(erp)["requests"] > before, "a call at the mock")
            for sock in socks:
                sock.close()
            self.wait_for_rest()
        for era in ERAS:  # a caller that reads nothing of a large answer, and leaves
            self.answer("netsuite", '{"id":"5","memo":"%s%s"}' % (self.mark("unread memo"),
                                                                  "m" * (3 << 20)))
            before = self.stats("netsuite")["requests"]
            with self.dial() as sock:
                sock.sendall(call_bytes(self.urls["netsuite"], GET["netsuite"], {"id": "1009"},
                                        era))
                wait_until(lambda: self.stats("netsuite")["requests"] > before and
                           self.stats("netsuite")["in_flight"] == 0, "an answered call")
                time.sleep(0.2)  # so that the answer is on its way to the caller

    def send_tokens(self):
        """A token host that says strange things, and a token that the ERP takes for expired."""
        for body in ('{"access_token":"%s","expires_in":3600}', '{"error":"%s"}',
                     '{"error":"invalid_client","error_description":"%s"}', "%s"):
            self.fault("sap", "expire_tokens")
            self.answer("sap", body % self.mark("answer of the token host"),
                        200 if "access_token" in body else 401, path="oauth/token")
            self.call("sap", LIST["sap"], {NAME["sap"]: self.mark("argument")}, "modern")
            self.stand.control("sap", "DELETE", "/faults")
            # A client that was refused is left alone until a person has it tried.
            self.stand.admin("POST", "/integrated-account/%s/verify" %
                             self.accounts["sap"]["id"])
        self.answer("sap", "", 403, headers={"x-csrf-token": "Required",
                                             "Set-Cookie": "a=" + self.mark("cookie")})
        self.call("sap", LIST["sap"], {}, "modern")
        self.stand.control("sap", "DELETE", "/faults")
        self.expect(self.call("sap", LIST["sap"], {"limit": 1}, "modern")[1], "data",
                    "SAP after its tokens")

    def send_broken(self):
        path = urllib.parse.urlsplit(self.urls["netsuite"]).path
        for body in ('{"a":"%s"', '"%s"', '{"jsonrpc":"2.0","id":1,"method":"%s"}',
                     '{"jsonrpc":"2.0","id":"%s"}', '[{"x":"%s"}]'):
            self.raw("POST", path, (body % self.mark("body")).encode())
        for name in ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Accept", "Content-Type",
                     "Origin", "Host", "Authorization", "User-Agent", "X-Own", "Cookie",
                     "Mcp-Session-Id", "traceparent", "X-Forwarded-For", "X-Request-Id"):
            body, headers = message("tools/list")
            headers[name] = self.mark("field " + name)
            self.raw("POST", path, json.dumps(body).encode(), headers.items())
        for junk in ("GET /%s HTTP/1.1\r\n\r\n", "%s\r\n\r\n",
                     "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
                     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n"):
            with self.dial() as sock:
                sock.sendall((junk % self.mark("head")).encode())
                read_reply(sock)
        for part in ("head", "body"):  # half a request, and gone
            body, headers = message("tools/call", {"name": self.mark("half a " + part)})
            data = request_bytes(self.stand.base, "POST", path, json.dumps(body).encode(),
                                 list(headers.items()) + [("X-Own", self.mark("half a head"))])
            with self.dial() as sock:
                sock.sendall(data[:-20] if part == "body" else data[:data.index(b"\r\n\r\n")])
                time.sleep(0.05)

    def send_strangers(self):
        wrong = os.urandom(32).hex()
        self.remember("wrong token", wrong)
        for path in ("/mcp/" + wrong, "/mcp/" + wrong + "/x", "/" + self.mark("path"),
                     "/integrated-account/" + self.mark("path"), "/healthz?x=" + self.mark("query"),
                     urllib.parse.urlsplit(self.urls["sap"]).path + "?x=" + self.mark("query")):
            for method in ("POST", "GET"):
                self.raw(method, path, b"{}")
        for value in ("Bearer slt_%s", "Bearer %s", "Basic %s", "%s"):
            self.raw("GET", "/lanes", b"", [("Authorization", value %
                                                         self.mark("wrong bearer"))])

    def send_api_tokens(self):
        for role in ("tenant", "call", "admin"):
            made = self.stand.admin("POST", "/api-token", dict(
                {"name": "x", "role": role}, **({} if role == "admin" else {"tenant_id": "demo"})))
            self.remember("API token", made["token"][len("slt_"):])
            self.stand.api("GET", "/lanes", token=made["token"])
            if role == "call":
                locked = self.mint(self.accounts["netsuite"]["id"],
                                   {"require_api_token_auth": True})
                for token in (None, made["token"], self.mark("second factor")):
                    headers = {"Authorization": "Bearer " + token} if token else {}
                    self.stand.rpc(locked, "tools/list", headers=headers)

    def send_management(self):
        good = self.stand.netsuite_account()
        for part in CREDENTIALS:  # of an account that is refused
            good["auth"][part] = self.mark("refused " + part)
        self.stand.api("POST", "/integrated-account", good)
        for change in ({"auth": dict(good["auth"], scheme=self.mark("scheme"))},
                       {"auth": dict(good["auth"], **{self.mark("member"): self.mark("secret")})},
                       {"auth": self.mark("secret")}, {"connection": self.mark("connection")},
                       {"connection": {"account_id": "1", "base_urls": {
                           "suitetalk": "http://user:%s@x" % self.mark("password")}}},
                       {"governor": {"ceiling": self.mark("ceiling")}}):
            self.stand.api("POST", "/integrated-account", dict(good, **change))
        one = self.stand.mint(self.accounts["sap"]["id"])
        path = "/integrated-account/%s/mcp/%s" % (self.accounts["sap"]["id"], one["id"])
        rotated = self.stand.admin("POST", path + "/rotate", {"overlap_seconds": 60})
        for url in (one["url"], rotated["url"]):
            self.remember("URL token", urllib.parse.urlsplit(url).path[len("/mcp/"):])
            self.stand.rpc(url, "tools/list")
        self.stand.admin("DELETE", path)
        for path in ("/integrated-account/" + self.accounts["netsuite"]["id"], "/api-token"):
            for body in ('{"a":"%s"', '{"%s":1}', '{"name":["%s"]}',
                         '{"auth":{"scheme":"netsuite_tba","token_secret":"%s"}}'):
                for method in ("POST", "PATCH"):
                    exchange(self.stand.base, method, path, (body % self.mark("body")).encode(),
                             {"Authorization": "Bearer " + self.stand.admin_token},
                             trust=self.stand.trust)

    def send_webhooks(self):
        """Endpoints whose answers hold marks; their secrets are derived, and used twice here."""
        answers = [self.mark("answer of an endpoint") for _ in range(2)]
        bodies, got = list(answers), []

        class Endpoint(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                got.append(self.headers["webhook-signature"])
                text = bodies.pop().encode()
                self.send_response(200 if bodies else 500, text.decode())
                self.send_header("X-Own", text.decode())
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        made = self.stand.admin("POST", "/webhook-endpoint", {
            "url": "http://127.0.0.1:%d/" % server.server_address[1], "events": ["*"]})
        path = "/webhook-endpoint/" + made["id"]
        for secret in (made["secret"],
                       self.stand.admin("POST", path + "/rotate-secret",
                                        {"overlap_seconds": 60})["secret"]):
            self.remember("secret of an endpoint", secret[len("whsec_"):])
            self.remember("secret of an endpoint",
                          base64.b64decode(secret[len("whsec_"):]).hex())
        for _ in answers:
            self.stand.admin("POST", path + "/test")
        wait_until(lambda: all(one["attempts"] for one in self.stand.admin(
            "GET", path + "/deliveries")["data"]), "both deliveries", 20)
        self.stand.admin("DELETE", path)
        server.shutdown()
        server.server_close()
        if len(got) != len(answers):
            raise Fault("%d of %d events came" % (len(got), len(answers)))

    def send_by_btp(self):
        """The accounts also fetch a token anew: theirs are refused."""
        for erp in ("sap by certificate", "sap by proxy", "sap by destination"):
            for era in ERAS:
                self.stand.control("sap", "POST", "/tokens/expire")
                self.btp.tokens.clear()
                texts = [self.mark("result") for _ in range(3)]
                arguments = {NAME["sap"]: self.mark("argument"), "limit": 1}
                self.expect(self.call(erp, LIST["sap"], arguments, era)[1], "data", erp)
                self.answer("sap", self.list_answer("sap", *texts))
                self.expect(self.call(erp, LIST["sap"], {"limit": 1}, era)[1], "data", erp)
        for token in self.btp.tokens:
            self.remember("token of the connectivity service", token, LOCKED)

    def send_pages(self):
        """People connect accounts, by consent and by forms; then these are called, and what was
        consented to is renewed."""
        self.walk.all()
        self.stand.control("netsuite", "POST", "/tokens/expire")
        for erp in ("netsuite by consent", "netsuite by page"):
            arguments = {NAME["netsuite"]: self.mark("argument"), "limit": 1}
            self.expect(self.call(erp, LIST["netsuite"], arguments, "modern")[1], "data", erp)

    def send_new_credentials(self):
        """The old ones go with the change, the account's calls go on with the new ones."""
        path = "/integrated-account/" + self.accounts["netsuite"]["id"]
        other = {"account_id": "RETENTION2"}
        for part in CREDENTIALS:
            other[part] = self.mark("interim " + part)
        auth = {"scheme": "netsuite_tba", **{part: other[part] for part in CREDENTIALS}}
        self.stand.api("PATCH", path, {"auth": auth})
        self.call("netsuite", LIST["netsuite"], {"limit": 1}, "modern")
        for one in self.marks.marks:
            if one.what.startswith("set-up") and one.what.split(": ")[1] in CREDENTIALS:
                one.allowed = NOWHERE
        credentials = {"account_id": "RETENTION1"}
        for part in CREDENTIALS:
            credentials[part] = self.mark("new " + part, LOCKED)
        self.stand.control("netsuite", "POST", "/accounts", credentials)
        auth = {"scheme": "netsuite_tba", **{part: credentials[part] for part in CREDENTIALS}}
        self.stand.admin("PATCH", path, {"auth": auth})
        self.call("netsuite", LIST["netsuite"], {"limit": 1}, "modern")

    def remember_wire(self):
        """What the server really used at the ERPs, as the taps heard it."""
        allowed = {"access token": LOCKED, "bearer token": LOCKED, "refresh token": LOCKED,
                   "user and password": LOCKED,
                   "CSRF token": SESSION, "cookie": SESSION}
        for erp, tap in self.taps.items():
            for what, texts in tap.heard().items():
                for text in sorted(texts):
                    if len(text) >= 24:
                        self.remember("%s of %s" % (what, erp), text,
                                      allowed.get(what, NOWHERE))

    # ---- Rest ----

    def stats(self, erp):
        return self.stand.control(erp, "GET", "/stats")

    def wait_for_mocks(self):
        wait_until(lambda: all(self.stats(erp)["in_flight"] == 0 for erp in self.taps),
                   "idle mocks", 20)

    def wait_for_rest(self):
        def is_at_rest():
            lanes = self.stand.admin("GET", "/lanes")
            lanes = lanes.get("lanes") or lanes.get("data") or []
            return (all(self.stats(erp)["in_flight"] == 0 for erp in self.taps) and
                    all(lane["in_flight"] == 0 and lane["queued"] == 0 for lane in lanes))
        wait_until(is_at_rest, lambda: "the server to come to rest: %r %r" % (
            self.stand.admin("GET", "/lanes"), {erp: self.stats(erp) for erp in self.taps}), 20)

    def delete_accounts(self):
        for account in self.accounts.values():
            self.stand.admin("DELETE", "/integrated-account/" + account["id"])

    def stop(self):
        for sock in self.open:
            sock.close()
        for tap in self.taps.values():
            tap.stop()
        if self.btp:
            self.btp.stop()
        self.stand.stop()


class Judge:
    """Looks everywhere, and says what is too much."""

    def __init__(self, scene, tool):
        self.scene, self.tool = scene, tool
        self.searched = {}
        self.bad = {}      # case -> what should not be there
        self.allowed = []  # of the last search

    def files(self):
        stand = self.scene.stand
        metrics = os.path.join(stand.scratch, "metrics")
        with open(metrics, "wb") as file:
            file.write(exchange(stand.base, "GET", "/metrics", trust=stand.trust)[2])
        pid = stand.process("server").pid
        return [*files_under(stand.data_dir), stand.log_path, metrics,
                "/proc/%d/environ" % pid, "/proc/%d/cmdline" % pid]

    def memory(self):
        return "pid:%d" % self.scene.stand.process("server").pid

    def name_of(self, place):
        if place.startswith("pid:"):
            return "memory of the process"
        if place.startswith("/proc/"):
            return place.split("/")[-1] + " of the process"
        return os.path.relpath(place, self.scene.stand.scratch)

    def look(self, case, places, are_accounts_active=True):
        """Looks again while there is something: the server may be about to clean up."""
        for _ in range(PATIENCE):
            finds, searched = self.scene.marks.search(self.tool, places)
            bad = [find for find in finds if not self.is_allowed(find, are_accounts_active)]
            if not bad:
                break
            time.sleep(0.1)
        for place, count in searched.items():
            name = self.name_of(place)
            times, _ = self.searched.get(name, (0, 0))
            self.searched[name] = times + 1, count
        self.allowed = [find for find in finds if find not in bad]
        if bad:
            self.bad.setdefault(case, []).extend(bad)

    def look_for_secrets(self, case):
        """While a call is at the ERP: its arguments are in memory then, secrets are not."""
        finds, _ = self.scene.marks.search(self.tool, [self.memory()],
                                           lambda mark: mark.what.split(": ")[1] in SECRETS)
        bad = [find for find in finds if not self.is_allowed(find, True)]
        if bad:
            self.bad.setdefault(case, []).extend(bad)

    @staticmethod
    def is_allowed(find, are_accounts_active):
        allowed = find.mark.allowed
        if allowed == KEPT:
            return True
        if not find.place.startswith("pid:"):
            return False
        if allowed in (LOCKED, OWN):
            return find.is_locked and (are_accounts_active or allowed == OWN)
        return allowed == SESSION and are_accounts_active

    def all_bad(self):
        return [find for finds in self.bad.values() for find in finds]

    def check_the_search(self):
        """Before "nothing was found" means anything."""
        kept = [find for find in self.allowed if find.mark.allowed == KEPT]
        if not any(find.place.startswith("pid:") for find in kept):
            raise CannotSearch("an account's name, kept by design, was not found in memory")
        if not any(".db" in find.place for find in kept):
            raise CannotSearch("an account's name, kept by design, was not found in a file")
        if not any(find.is_locked for find in self.allowed):
            raise CannotSearch("no credential was found in locked pages, where they are kept: "
                               "raise RLIMIT_MEMLOCK")


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    print()


def in_words(count):
    return "%d FINDS" % count if count else "nothing"


def tell_sent(scene, judge):
    rows = [("sent through", "marks", "patterns", "found after it")]
    for case in ["set-up"] + scene.cases:
        marks = [mark for mark in scene.marks.marks if mark.what.startswith(case + ":")]
        patterns = sum(len(forms(mark.data)) for mark in marks)
        rows.append((case, str(len(marks)), str(patterns),
                     "" if case == "set-up" else in_words(len(judge.bad.get(case, [])))))
    print_table(rows)


def tell_searched(judge):
    rows = [("searched", "times", "bytes", "found")]
    for name, (times, count) in judge.searched.items():
        hits = len([find for find in judge.all_bad() if judge.name_of(find.place) == name])
        rows.append((name, str(times), "{:,}".format(count), in_words(hits)))
    print_table(rows)


def tell_allowed(judge):
    for allowed, words in ((LOCKED, "of credentials and tokens, each in locked pages (VmFlags lo, "
                                    "dd)"),
                           (OWN, "of the server's own keys and secrets, in locked pages too"),
                           (SESSION, "of CSRF tokens and cookies of an SAP session"),
                           (KEPT, "of an account's name (shows that the search finds)")):
        count = len([find for find in judge.allowed if find.mark.allowed == allowed])
        print("  allowed while accounts are active: %d finds %s" % (count, words))
    print()


def run(scene, judge):
    """Sends all and searches all."""
    scene.start()
    scene.send_everything(lambda case: judge.look(case, [judge.memory()]),
                          judge.look_for_secrets)
    scene.wait_for_rest()
    judge.look("at rest", [*judge.files(), judge.memory()])


def prove(bin_dir, tool, verbose):
    """Exit code of the proof on the server as it is."""
    scene = Scene(bin_dir)
    judge = Judge(scene, tool)
    try:
        run(scene, judge)
        judge.check_the_search()
        if verbose:
            show(judge.allowed, 1000)
        tell_allowed(judge)
        scene.delete_accounts()
        scene.wait_for_rest()
        judge.look("accounts deleted", [*judge.files(), judge.memory()],
                   are_accounts_active=False)
        scene.cases += ["at rest", "accounts deleted"]
        tell_sent(scene, judge)
        tell_searched(judge)
        show(judge.all_bad())
        return 1 if judge.bad else 0
    finally:
        scene.stop()


def show(finds, most=40):
    for find in finds[:most]:
        print("  found: %s" % find)
    if len(finds) > most:
        print("  ... and %d more" % (len(finds) - most))


def find_out(bin_dir, tool, program):
    """What the search finds in a program without one wipe; it stops at the first find."""
    scene = Scene(bin_dir, server=program)
    judge = Judge(scene, tool)

    def look(case):
        judge.look(case, [judge.memory()])
        if judge.bad:
            raise FoundOut
    try:
        scene.start()
        scene.send_everything(look, judge.look_for_secrets)
    except FoundOut:
        pass
    finally:
        scene.stop()
    return judge.bad


def control(bin_dir, tool, folder):
    print("The same search on programs in which one wipe is missing:\n")
    programs = sorted(name for name in os.listdir(folder) if name.startswith("sluice-without-"))
    if not programs:
        raise CannotSearch("there is no sabotaged program in %s" % folder)
    rows, missed = [("program", "found after", "finds", "the first")], 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda name: find_out(bin_dir, tool, os.path.join(folder, name)),
                           programs)
        for name, bad in zip(programs, results):
            case = next(iter(bad), None)
            rows.append((name, case or "NEVER", str(len(bad.get(case, []))),
                         "%s as %s" % (bad[case][0].mark.what, bad[case][0].form) if bad else ""))
            missed += not bad
    print_table(rows)
    return 1 if missed else 0


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/prove-zero-retention", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    parser.add_argument("--no-control", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only-control", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--verbose", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--bin", default=os.path.join("build", "bin"), help=argparse.SUPPRESS)
    parser.add_argument("--sabotaged", default=os.path.join("build", "sabotaged"),
                        help=argparse.SUPPRESS)
    args = parser.parse_args()
    tool = os.path.join(args.bin, "find-marks")
    started = time.monotonic()
    try:
        code = 0
        if not args.only_control:
            code = prove(args.bin, tool, args.verbose)
        if not args.no_control:
            code = control(args.bin, tool, args.sabotaged) or code
    except (CannotSearch, Fault, AssertionError) as problem:
        print("\nnothing is proven: %s" % problem, file=sys.stderr)
        return 2
    print("\n%s (%.0f s)" % ("Nothing was retained." if code == 0 else "NOT PROVEN.",
                             time.monotonic() - started))
    return code


if __name__ == "__main__":
    sys.exit(main())
