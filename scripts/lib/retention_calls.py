# SPDX-License-Identifier: Apache-2.0
"""The proof of zero retention: every kind of call, with marks in all that it carries."""
import base64
import http.server
import json
import os
import socket
import sys
import threading
import time
import urllib.parse

from marks import LOCKED, NOWHERE, SESSION
from retention_scene import CREDENTIALS, ERAS, Scene
from stand import LEGACY, Fault, exchange

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests",
                                "flow"))
from flow import call_bytes, message, read_reply, read_to_end, request_bytes, wait_until  # noqa: E402

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


class Calls(Scene):
    """Everything that is sent through the server, one kind of call after the other."""

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

        def create(what, era, memo="%s"):
            return self.call("netsuite", CREATE["netsuite"], {
                "party_id": party, "external_id": self.mark(what + " id"),
                "memo": memo % self.mark(what + " memo"),
                "reference": self.mark(what + " reference")[:40],
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
        # What has to be escaped at its very end is written twice, and some buffers grow between.
        for length in range(20, 900, 40):
            saved = create("long", ERAS[0], "y" * length + "%s\u00fc")
            self.expect(saved, "data", "an invoice with a long memo")

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
        for era in ERAS:  # a caller that reads next to nothing of a large answer, and leaves
            self.answer("netsuite", '{"id":"5","memo":"%s%s"}' % (self.mark("unread memo"),
                                                                  "m" * (3 << 20)))
            before = self.stats("netsuite")["requests"]
            with self.dial() as sock:
                sock.sendall(call_bytes(self.urls["netsuite"], GET["netsuite"], {"id": "1009"},
                                        era))
                wait_until(lambda: self.stats("netsuite")["requests"] > before and
                           self.stats("netsuite")["in_flight"] == 0, "an answered call")
                sock.recv(1)  # the answer is on its way to the caller

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
                sock.shutdown(socket.SHUT_WR)
                read_to_end(sock)  # the server has seen that nothing follows

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
