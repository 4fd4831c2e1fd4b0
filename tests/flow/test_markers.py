# SPDX-License-Identifier: Apache-2.0
"""Markers sent through every door are found in no log line, metric or file.

Every text that is payload or secret carries a mark of its own: arguments, rows, texts of ERP
errors, credentials, URL tokens, API tokens, bodies of the management API. The server runs at
log.level debug. Afterwards each mark is looked for, plain and in the forms it may hide in.
"""
import base64
import itertools
import json
import os
import secrets
import urllib.parse

from flow import FlowCase, call_bytes, connect, exchange, main, message, raw, read_reply, \
    request_bytes, wait_until

CUSTOMERS = "list_all_netsuite_customers"
INVOICE = "get_single_netsuite_invoice_by_id"


class MarkerCase(FlowCase):
    flags = ("--log.level", "debug", "--upstream.read_timeout_ms", "700",
             "--governor.lost_connection_hold_ms", "0")

    @classmethod
    def prepare(cls):
        cls.marks = {}
        cls.numbers = itertools.count(1)

    def mark(self, what, prefix="MARK"):
        """A new unique text, remembered by what it was sent as."""
        return self.remember(what, prefix + secrets.token_hex(12))

    def remember(self, what, text):
        self.marks["%s %d" % (what, next(self.numbers))] = text
        return text

    def forms(self, text):
        data = text.encode()
        found = [data, base64.b64encode(data)[:-4], data.hex().encode(),
                 urllib.parse.quote(text, safe="").encode(), data[::-1]]
        if all(c in "0123456789abcdef" for c in text):
            found.append(bytes.fromhex(text))
        return [one for one in found if len(one) > 10]

    def assert_nowhere(self, extra_files=()):
        """Looks for every mark in the log, the metrics and all files of the data folder."""
        _, _, metrics = exchange(self.stand.base, "GET", "/metrics")
        places = {"/metrics": metrics}
        paths = [self.stand.log_path, *extra_files]
        for folder, _, names in os.walk(self.stand.data_dir):
            paths += [os.path.join(folder, name) for name in names]
        for path in paths:
            with open(path, "rb") as content:
                places[os.path.basename(path)] = content.read()
        self.assertIn("sluice.db", places)
        self.assertIn(b'"listening"', places["sluice.log"])
        for place, content in places.items():
            for what, text in self.marks.items():
                for form in self.forms(text):
                    self.assertNotIn(form, content, "%s is in %s" % (what, place))
        return places


class TestMarkers(MarkerCase):
    def connected(self):
        """(account, server) made with marked credentials."""
        credentials = {"account_id": "MARKERS" + secrets.token_hex(3).upper()}
        for part in ("consumer_key", "consumer_secret", "token_id", "token_secret"):
            credentials[part] = self.mark(part)
        self.stand.control("netsuite", "POST", "/accounts", credentials)
        # Key and token id are names, not secrets: the account shows them and the store holds them.
        for what in [w for w in self.marks if w.split()[0] in ("consumer_key", "token_id")]:
            del self.marks[what]
        account = self.stand.connect_netsuite(credentials=credentials)
        server = self.stand.mint(account["id"])
        self.remember("URL token", urllib.parse.urlsplit(server["url"]).path[len("/mcp/"):])
        return account, server

    def test_a_mark_would_be_found(self):
        """What may be stored and logged is found by the same search."""
        account, server = self.connected()
        self.stand.admin("PATCH", "/integrated-account/" + account["id"], {"name": "ControlMark"})
        self.stand.tool(server["url"], CUSTOMERS, {"limit": 1})
        for text, place in (("ControlMark", "sluice.db"), (server["id"], "sluice.log"),
                            ("sluice_tool_calls", "/metrics")):
            self.marks["control"] = text
            with self.assertRaisesRegex(AssertionError, "control is in " + place):
                self.assert_nowhere()
            del self.marks["control"]

    def test_successes_leave_nothing(self):
        _, server = self.connected()
        for era in ("modern", "legacy"):
            row = '{"id":"7","entityid":"%s","companyname":"%s","email":"%s","phone":"%s"}' % tuple(
                self.mark("result") for _ in range(4))
            self.fault("status", status=200, body='{"items":[%s],"hasMore":true,"count":1}' % row,
                       headers={"X-Marked": self.mark("upstream header")})
            _, _, result = self.stand.tool(server["url"], CUSTOMERS, {
                "name": self.mark("argument"), "email": self.mark("argument"), "limit": 1}, era)
            shown = self.data(result)[0]
            self.assertIn(shown["number"], self.marks.values())
            self.remember("cursor", result["structuredContent"]["pagination"]["next_cursor"])
            self.stand.tool(server["url"], INVOICE, {"id": "eid:" + self.mark("id")}, era)
        record = '{"id":"5","memo":"%s","total":"%s"}' % (self.mark("memo"), "1.00")
        self.fault("status", status=200, body=record)
        self.data(self.stand.tool(server["url"], INVOICE, {"id": "1009"})[2])
        self.assert_nowhere()

    def test_a_stream_leaves_nothing(self):
        _, server = self.connected()
        token = self.mark("progress token")
        body, headers = message("tools/call", {
            "name": CUSTOMERS, "arguments": {"name": self.mark("argument")}},
            self.mark("request id"), token=token)
        with connect(self.stand.base) as sock:
            sock.sendall(request_bytes(self.stand.base, "POST",
                                       urllib.parse.urlsplit(server["url"]).path,
                                       json.dumps(body).encode(), headers.items()))
            _, fields, reply = read_reply(sock)
        self.assertEqual(fields["content-type"], "text/event-stream")
        self.assertIn(token.encode(), reply)
        self.assert_nowhere()

    def test_refused_arguments_leave_nothing(self):
        _, server = self.connected()
        for arguments in ({"status": self.mark("argument")}, {self.mark("argument name"): 1},
                          {"next_cursor": self.mark("cursor")}, {"limit": self.mark("limit")},
                          {"date_from": self.mark("date")},
                          {"number": self.mark("long") + "x" * 200}):
            for era in ("modern", "legacy"):
                _, _, result = self.stand.tool(server["url"], "list_all_netsuite_invoices",
                                               arguments, era)
                self.assertEqual(self.error(result)["code"], "invalid_arguments")
        self.stand.tool(server["url"], INVOICE, {"id": self.mark("id") + "/"})
        self.stand.rpc(server["url"], "tools/call", {"name": self.mark("tool").lower(),
                                                     "arguments": {}})
        self.remember("tool", list(self.marks.values())[-1].lower())
        self.assert_nowhere()

    def test_errors_of_the_erp_leave_nothing(self):
        _, server = self.connected()
        detail = '{"title":"%s","status":%d,"o:errorDetails":[{"detail":"%s","o:errorCode":"%s"}]}'
        for status in (400, 401, 403, 404, 409, 429, 500, 503, 301):
            text = self.mark("error text")
            self.fault("status", status=status, body=detail % (
                self.mark("error title"), status, text, self.mark("error code")))
            _, _, result = self.stand.tool(server["url"], CUSTOMERS,
                                           {"name": self.mark("argument")})
            self.assertEqual(self.error(result)["upstream"]["message"], text)
        for body in ("<html>%s", '{"items":[{"id":"%s"}', '{"items":"%s"}', "%s"):
            self.fault("status", status=200, body=body % self.mark("broken answer"))
            self.assertEqual(self.error(self.stand.tool(server["url"], CUSTOMERS, {
                "name": self.mark("argument")})[2])["code"], "upstream_malformed")
        for kind in ("reset", "truncate", "after_commit_drop", "html", "malformed"):
            self.fault(kind)
            self.error(self.stand.tool(server["url"], CUSTOMERS,
                                       {"name": self.mark("argument")})[2])
        self.fault("status", status=200, delay_ms=1500,
                   body='{"items":[{"id":"%s"}],"hasMore":false}' % self.mark("late answer"))
        self.error(self.stand.tool(server["url"], CUSTOMERS, {"name": self.mark("argument")})[2])
        wait_until(lambda: self.stats()["in_flight"] == 0, "the late answer")
        self.assert_nowhere()

    def test_callers_that_leave_leave_nothing(self):
        account, server = self.connected()
        self.hold()
        socks = []
        for n in range(8):
            sock = connect(self.stand.base)
            sock.sendall(call_bytes(server["url"], CUSTOMERS, {"name": self.mark("argument")},
                                    ("modern", "legacy")[n % 2]))
            socks.append(sock)
        wait_until(lambda: self.stats()["in_flight"] == 5, "five at the mock")
        for sock in socks:
            sock.close()
        self.release()
        wait_until(lambda: self.stats()["in_flight"] == 0 and
                   self.lane(account)["in_flight"] == 0, "an idle lane")
        self.assert_nowhere()

    def test_broken_requests_leave_nothing(self):
        _, server = self.connected()
        path = urllib.parse.urlsplit(server["url"]).path
        for body in ('{"a":"%s"', '"%s"', '{"jsonrpc":"2.0","id":1,"method":"%s"}',
                     '{"jsonrpc":"2.0","id":"%s"}', '{"jsonrpc":"2.0","method":"%s"}',
                     '[{"x":"%s"}]'):
            raw(self.stand.base, "POST", path, (body % self.mark("broken body")).encode())
        for name in ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Accept", "Content-Type",
                     "Origin", "Host", "Authorization", "User-Agent", "X-Own", "Cookie",
                     "Mcp-Session-Id", "traceparent", "X-Forwarded-For", "X-Request-Id"):
            body, headers = message("tools/list")
            headers[name] = self.mark("header " + name)
            raw(self.stand.base, "POST", path, json.dumps(body).encode(), headers.items())
        for junk in ("GET /%s HTTP/1.1\r\n\r\n", "%s\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
                     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n"):
            with connect(self.stand.base) as sock:
                sock.sendall((junk % self.mark("broken head")).encode())
                read_reply(sock)
        self.assert_nowhere()

    def test_strangers_leave_nothing(self):
        _, server = self.connected()
        wrong = self.mark("wrong token", prefix="")
        for path in ("/mcp/" + wrong, "/mcp/" + wrong + wrong, "/mcp/" + wrong + "/x",
                     "/.well-known/oauth-protected-resource/mcp/" + wrong,
                     "/%s" % self.mark("path"), "/integrated-account/" + self.mark("path"),
                     "/healthz?x=" + self.mark("query"),
                     urllib.parse.urlsplit(server["url"]).path + "?x=" + self.mark("query"),
                     "/.well-known/oauth-protected-resource" +
                     urllib.parse.urlsplit(server["url"]).path):
            for method in ("POST", "GET", "DELETE"):
                raw(self.stand.base, method, path, b"{}")
        for value in ("Bearer slt_%s", "Bearer %s", "Basic %s", "%s"):
            raw(self.stand.base, "GET", "/lanes", b"",
                [("Authorization", value % self.mark("wrong bearer"))])
        self.assert_nowhere()

    def test_tokens_leave_nothing(self):
        account, _ = self.connected()
        self.remember("admin token", self.stand.admin_token)
        self.remember("admin token", self.stand.admin_token[len("slt_"):])
        for role in ("tenant", "call", "admin"):
            made = self.stand.admin("POST", "/api-token", dict(
                {"name": "x", "role": role}, **({} if role == "admin" else {"tenant_id": "demo"})))
            self.remember("API token", made["token"])
            self.remember("API token", made["token"][len("slt_"):])
            self.stand.api("GET", "/lanes", token=made["token"])
        locked = self.stand.mint(account["id"], {"require_api_token_auth": True})
        self.remember("URL token", urllib.parse.urlsplit(locked["url"]).path[len("/mcp/"):])
        for token in (None, made["token"], self.mark("second factor")):
            headers = {"Authorization": "Bearer " + token} if token else {}
            self.assertEqual(self.stand.rpc(locked["url"], "tools/list", headers=headers)[0], 401)
        self.assert_nowhere()

    def test_errors_of_the_management_api_leave_nothing(self):
        account, _ = self.connected()
        one = "/integrated-account/" + account["id"]
        good = self.stand.netsuite_account()
        for change in ({"auth": dict(good["auth"], token_secret=self.mark("secret"))},
                       {"auth": dict(good["auth"], scheme=self.mark("scheme"))},
                       {"auth": dict(good["auth"], **{self.mark("member"): self.mark("secret")})},
                       {"auth": {"scheme": "netsuite_tba", "token_secret": self.mark("secret")}},
                       {"auth": self.mark("secret")}, {"connection": self.mark("connection")},
                       {"connection": {"account_id": "!" + self.mark("account id")}},
                       {"connection": {"account_id": "1", "base_urls": {
                           "suitetalk": "http://user:%s@x" % self.mark("password")}}},
                       {"integration": self.mark("integration")}, {self.mark("member"): 1},
                       {"governor": {"ceiling": self.mark("ceiling")}}):
            status, _ = self.stand.api("POST", "/integrated-account", dict(good, **change))
            self.assertEqual(status, 422, change)
        for path in (one, one + "/mcp", "/api-token"):
            for body in ('{"a":"%s"', '"%s"', '{"%s":1}', '{"name":["%s"]}',
                         '{"auth":{"scheme":"netsuite_tba","token_secret":"%s"}}',
                         '{"expires_at":"%s","name":"x"}', '{"config":{"tools":["%s"]},"name":"x"}'):
                for method in ("POST", "PATCH"):
                    exchange(self.stand.base, method, path, (body % self.mark("body")).encode(),
                             {"Authorization": "Bearer " + self.stand.admin_token})
        self.assert_nowhere()

    def test_changed_credentials_leave_nothing(self):
        account, server = self.connected()
        auth = {"scheme": "netsuite_tba", "consumer_key": "k", "token_id": "t",
                "consumer_secret": self.mark("new secret"),
                "token_secret": self.mark("new secret")}
        self.stand.admin("PATCH", "/integrated-account/" + account["id"], {"auth": auth})
        self.assertEqual(self.error(self.stand.tool(server["url"], CUSTOMERS, {
            "name": self.mark("argument")})[2])["code"], "needs_reauth")
        self.stand.admin("DELETE", "/integrated-account/" + account["id"])
        self.assert_nowhere()

    def test_the_keys_stand_in_their_file_only(self):
        with open(os.path.join(self.stand.data_dir, "keys.json")) as file:
            keys = json.load(file)
        wanted = [keys["signing_key"]] + [one["key"] for one in keys["vault_keys"]]
        self.connected()
        kept, self.marks = self.marks, {}
        places = self.assert_nowhere()
        self.marks = kept
        for place, content in places.items():
            for key in wanted:
                self.assertEqual(key.encode() in content, place == "keys.json", place)
                self.assertNotIn(bytes.fromhex(key), content, place)

    def test_the_command_line_leaves_nothing(self):
        token = self.stand.sluice("token", "create", "--name", "x", "--role", "admin")
        self.remember("API token", token)
        self.remember("API token", token[len("slt_"):])
        self.assert_nowhere()

    @classmethod
    def tearDownClass(cls):
        """Once more over what the end of the server wrote."""
        database = os.path.join(cls.stand.data_dir, "sluice.db")
        try:
            if cls.stand.process("server").poll() is None:
                cls.stand.end("server")
            with open(cls.stand.log_path, "rb") as log, open(database, "rb") as stored:
                content = log.read() + stored.read()
            for what, text in cls.marks.items():
                if text.encode() in content:
                    raise AssertionError("%s is in the log or the database at the end" % what)
        finally:
            super().tearDownClass()


if __name__ == "__main__":
    main()
