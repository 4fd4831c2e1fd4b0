# SPDX-License-Identifier: Apache-2.0
"""Who gets in: URL tokens, second factors, roles, Host and Origin, filters, expiry."""
import datetime
import json
import os
import sqlite3
import urllib.parse

from flow import (NETSUITE_CREATES, NETSUITE_GETS, NETSUITE_LISTS, NETSUITE_TOOLS, FlowCase, call_bytes, connect, exchange, main, message, raw, read_reply,
                  request_bytes, without_date)

TOOLS_LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


def path_of(url):
    return urllib.parse.urlsplit(url).path


def in_time(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class BoundaryCase(FlowCase):
    @classmethod
    def prepare(cls):
        cls.account = cls.stand.connect_netsuite()
        cls.servers = "/integrated-account/%s/mcp" % cls.account["id"]

    def mint(self, config=None, **more):
        return self.stand.mint(self.account["id"], config, **more)

    def api_token(self, role, tenant=None, **more):
        body = dict({"name": "t", "role": role}, **more)
        if tenant:
            body["tenant_id"] = tenant
        return self.stand.admin("POST", "/api-token", body)

    def names(self, url, era="modern"):
        _, _, listed = self.stand.rpc(url, "tools/list", era=era)
        return [tool["name"] for tool in listed["result"]["tools"]]

    def refused(self, expected, pointer, method, path, body):
        """The management API refuses and names the member."""
        status, reply = self.stand.api(method, path, body)
        self.assertEqual(status, expected, reply)
        self.assertEqual([d["pointer"] for d in reply["error"]["details"]], [pointer])
        self.assertRegex(reply["error"]["request_id"], r"^req_[a-z2-7]{26}$")
        return reply["error"]


class TestUrlTokens(BoundaryCase):
    def test_every_url_that_is_not_valid_gets_the_same_bytes(self):
        good = self.mint()
        revoked = self.mint()
        expired = self.mint(expires_at=in_time(3600))
        other = self.stand.connect_netsuite(tenant="gone")
        deleted = self.stand.mint(other["id"])
        self.stand.admin("DELETE", self.servers + "/" + revoked["id"])
        self.stand.admin("DELETE", "/integrated-account/" + other["id"])
        self.let_expire(expired["id"])
        token = path_of(good["url"])[len("/mcp/"):]
        self.assertRegex(token, r"^[0-9a-f]{64}$")
        paths = [path_of(server["url"]) for server in (revoked, expired, deleted)]
        paths += ["/mcp/" + wrong for wrong in (
            "0" * 64, "f" * 64, token[:-1], token + "0", token[:-1] + ("0" if token[-1] != "0"
                                                                       else "1"),
            token.upper() if token.upper() != token else "A" * 64, token[1:] + token[0], "",
            "x", "." * 64, "%00" * 10, "%2e%2e", "..", "*", "g" * 64, "a" * 20000,
            urllib.parse.quote("ü" * 32), "slt_" + token, token + ":", token + ";a=b",
            "%" + token[1:], "%41" + token[1:])]
        reference = None
        for path in paths:
            reply = without_date(raw(self.stand.base, "POST", path, TOOLS_LIST))
            reference = reference or reply
            self.assertEqual(reply, reference, path[:80])
        head, _, body = reference.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 401 "), head)
        self.assertIn(b'\r\nWWW-Authenticate: Bearer error="invalid_token"\r\n', head + b"\r\n")
        self.assertIn(b"\r\nContent-Type: text/plain", head)
        self.assertNotIn(b"resource_metadata", reference)
        self.assertTrue(body.endswith(b".\n") and len(body) < 300, body)
        self.assertEqual(self.names(good["url"]), self.names(good["url"], "legacy"))

    def let_expire(self, server):
        """Moves the expiry of a token into the past, in both entries, while nobody runs."""
        self.assertEqual(self.stand.end("server"), 0)
        database = sqlite3.connect(os.path.join(self.stand.data_dir, "sluice.db"))
        with database:
            for table in ("url_token", "server_token"):
                changed = database.execute(
                    "UPDATE %s SET expires_ms = 1000 WHERE server = ?" % table, (server,))
                self.assertEqual(changed.rowcount, 1)
        database.close()
        port = urllib.parse.urlsplit(self.stand.base).port
        self.stand.port = port
        self.stand.start_server()

    def test_one_expired_entry_of_the_two_is_enough(self):
        for table in ("url_token", "server_token"):
            server = self.mint()
            self.assertTrue(self.names(server["url"]))
            self.assertEqual(self.stand.end("server"), 0)
            database = sqlite3.connect(os.path.join(self.stand.data_dir, "sluice.db"))
            with database:
                database.execute("UPDATE %s SET expires_ms = 1000 WHERE server = ?" % table,
                                 (server["id"],))
            database.close()
            self.stand.port = urllib.parse.urlsplit(self.stand.base).port
            self.stand.start_server()
            self.assertEqual(self.stand.rpc(server["url"], "tools/list")[0], 401, table)

    def test_the_token_is_judged_before_the_body_the_headers_and_the_method(self):
        wrong = "/mcp/" + "1" * 64
        reference = without_date(raw(self.stand.base, "POST", wrong, TOOLS_LIST))
        for body in (b"{", b"", b"[]", b"\x00", b"[" * 1000, b'{"jsonrpc":"2.0"}', b"x" * 100000):
            self.assertEqual(without_date(raw(self.stand.base, "POST", wrong, body)), reference)
        for headers in ([("MCP-Protocol-Version", "1999-01-01")], [("Accept", "image/png")],
                        [("Content-Type", "image/png")], [("Authorization", "Bearer x")]):
            self.assertEqual(without_date(raw(self.stand.base, "POST", wrong, TOOLS_LIST,
                                              headers)), reference)
        for method in ("GET", "DELETE", "PUT", "PATCH"):
            self.assertEqual(without_date(raw(self.stand.base, method, wrong)), reference)

    def test_nothing_reaches_the_erp_through_a_wrong_url(self):
        before = self.stats()["requests"]
        body, headers = message("tools/call", {"name": "list_all_netsuite_customers",
                                               "arguments": {}})
        raw(self.stand.base, "POST", "/mcp/" + "2" * 64, json.dumps(body).encode(),
            list(headers.items()))
        self.assertEqual(self.stats()["requests"], before)

    def test_other_methods_are_405_and_say_what_is_allowed(self):
        path = path_of(self.mint()["url"])
        for method in ("GET", "DELETE", "PUT", "PATCH"):
            status, fields, body = exchange(self.stand.base, method, path,
                                            headers={"Accept": "text/event-stream"})
            self.assertEqual((status, fields["allow"]), (405, "POST, OPTIONS"))
            self.assertTrue(json.loads(body)["error"]["message"])
        status, fields, body = exchange(self.stand.base, "HEAD", path)
        self.assertEqual((status, fields["allow"], body), (405, "POST, OPTIONS", b""))

    def test_a_url_with_more_behind_it_is_nothing(self):
        path = path_of(self.mint()["url"])
        for more in ("/", "/x", "/.well-known/openid-configuration"):
            status, _, _ = exchange(self.stand.base, "POST", path + more, TOOLS_LIST)
            self.assertEqual(status, 404)
        status, _, _ = exchange(self.stand.base, "POST", path + "?a=b", TOOLS_LIST)
        self.assertEqual(status, 200)

    def test_revoking_acts_on_the_next_request_of_an_open_connection(self):
        server = self.mint()
        with connect(self.stand.base) as sock:
            for expected in (200, 401):
                sock.sendall(request_bytes(self.stand.base, "POST", path_of(server["url"]),
                                           TOOLS_LIST))
                self.assertEqual(read_reply(sock)[0], expected)
                if expected == 200:
                    self.stand.admin("DELETE", self.servers + "/" + server["id"])

    def test_well_known_probes_find_nothing(self):
        token = path_of(self.mint()["url"])
        replies = set()
        for path in ("/.well-known/oauth-protected-resource" + token,
                     "/.well-known/oauth-protected-resource",
                     "/.well-known/oauth-authorization-server",
                     "/.well-known/oauth-authorization-server" + token,
                     "/.well-known/oauth-protected-resource/mcp/" + "3" * 64,
                     "/.well-known/openid-configuration", token +
                     "/.well-known/openid-configuration", "/mcp"):
            status, _, body = exchange(self.stand.base, "GET", path)
            self.assertEqual(status, 404, path)
            replies.add(json.loads(body)["error"]["message"])
        self.assertEqual(len(replies), 1)

    def test_who_looks_for_a_login_is_told_that_the_url_is_dead(self):
        for method, path in (("POST", "/register"), ("GET", "/authorize?client_id=x"),
                             ("POST", "/token")):
            status, fields, body = exchange(self.stand.base, method, path)
            self.assertEqual(status, 404, path)
            self.assertEqual(fields["content-type"], "text/plain; charset=utf-8")
            self.assertIn(b"unknown, has expired or was revoked", body)


class TestMinting(BoundaryCase):
    def test_a_token_is_shown_once_and_stored_as_a_hash(self):
        server = self.mint()
        token = path_of(server["url"])[len("/mcp/"):]
        self.assertTrue(server["url"].startswith(self.stand.base + "/mcp/"))
        shown = [self.stand.admin("GET", self.servers + "/" + server["id"]),
                 self.stand.admin("GET", self.servers + "?limit=200"),
                 self.stand.admin("PATCH", self.servers + "/" + server["id"], {"name": "new"}),
                 self.stand.admin("GET", "/integrated-account/" + self.account["id"])]
        self.assertNotIn(token, json.dumps(shown))
        self.assertNotIn("url", shown[0])
        for name in os.listdir(self.stand.data_dir):
            with open(os.path.join(self.stand.data_dir, name), "rb") as content:
                stored = content.read()
            self.assertNotIn(token.encode(), stored, name)
            self.assertNotIn(bytes.fromhex(token), stored, name)

    def test_what_minting_answers(self):
        server = self.mint({"methods": ["read"]})
        self.assertRegex(server["id"], r"^mcp_[a-z2-7]{26}$")
        self.assertEqual((server["name"], server["config"], server["tools"]),
                         ("agent", {"methods": ["read"]}, len(NETSUITE_GETS + NETSUITE_LISTS)))
        self.assertGreater(server["token_estimate"], 1000)
        with connect(self.stand.base) as sock:
            body, headers = message("tools/list")
            sock.sendall(request_bytes(self.stand.base, "POST", path_of(server["url"]),
                                       json.dumps(body).encode(), list(headers.items())))
            _, _, listed = read_reply(sock)
        self.assertAlmostEqual(server["token_estimate"], len(listed) / 4,
                               delta=len(listed) / 4 * 0.05)

    def test_without_an_expiry_it_lives_thirty_days(self):
        until = datetime.datetime.fromisoformat(self.mint()["expires_at"].replace("Z", "+00:00"))
        left = until - datetime.datetime.now(datetime.timezone.utc)
        self.assertAlmostEqual(left.total_seconds(), 30 * 86400, delta=120)

    def test_null_never_ends(self):
        server = self.mint(expires_at=None)
        self.assertIsNone(server["expires_at"])
        self.assertIsNone(self.stand.admin("GET", self.servers + "/" + server["id"])["expires_at"])
        self.assertTrue(self.names(server["url"]))

    def test_less_than_a_minute_ahead_is_refused(self):
        server = self.mint()
        for wrong in (in_time(50), in_time(0), in_time(-86400), "tomorrow", "2027-13-01T00:00:00Z",
                      "2027-01-31", 1800000000, "", True, "2027-02-30T00:00:00Z"):
            self.refused(422, "/expires_at", "POST", self.servers,
                         {"name": "x", "expires_at": wrong})
            self.refused(422, "/expires_at", "PATCH", self.servers + "/" + server["id"],
                         {"expires_at": wrong})
        kept = self.stand.admin("GET", self.servers + "/" + server["id"])
        self.assertEqual(kept["expires_at"], server["expires_at"])

    def test_an_expiry_may_be_changed(self):
        server = self.mint(expires_at=in_time(120))
        path = self.servers + "/" + server["id"]
        for wanted in (in_time(7200), None):
            changed = self.stand.admin("PATCH", path, {"expires_at": wanted})
            self.assertEqual(changed["expires_at"] and changed["expires_at"][:19],
                             wanted and wanted[:19])
            self.assertTrue(self.names(server["url"]))

    def test_wrong_members_are_refused_by_name(self):
        for body, pointer in (
                ({}, "/name"), ({"name": ""}, "/name"), ({"name": "x" * 201}, "/name"),
                ({"name": "x", "nonsense": 1}, "/nonsense"), ({"name": "x", "config": []}, "/config"),
                ({"name": "x", "config": {"unknown": 1}}, "/config"),
                ({"name": "x", "config": {"require_api_token_auth": "yes"}},
                 "/config/require_api_token_auth"),
                ({"name": "x", "config": {"rate_limit_signal": "mail"}},
                 "/config/rate_limit_signal"),
                ({"name": "x", "config": {"priority": 1}}, "/config/priority")):
            self.refused(422, pointer, "POST", self.servers, body)


ACCOUNT, CUSTOMER, INVOICE, JOURNAL, BILL, VENDOR = NETSUITE_GETS
ACCOUNTS, CUSTOMERS, INVOICES, JOURNALS, SEARCHES, BILLS, VENDORS = NETSUITE_LISTS


class TestFilters(BoundaryCase):
    TABLE = [
        ({}, NETSUITE_TOOLS), ({"methods": ["read"]}, NETSUITE_GETS + NETSUITE_LISTS),
        ({"methods": ["get"]}, NETSUITE_GETS), ({"methods": ["list"]}, NETSUITE_LISTS),
        ({"methods": ["list", "get"]}, NETSUITE_GETS + NETSUITE_LISTS),
        ({"methods": ["write"]}, NETSUITE_CREATES), ({"tags": ["billing"]}, NETSUITE_CREATES),
        ({"tags": ["payables"]}, [BILL, VENDOR, BILLS, VENDORS]),
        ({"methods": ["read"], "tags": ["receivables"]},
         [CUSTOMER, INVOICE, CUSTOMERS, INVOICES]),
        ({"tags": ["parties"]}, [CUSTOMER, VENDOR, CUSTOMERS, VENDORS]),
        ({"tags": ["ledger"]}, [ACCOUNT, JOURNAL, ACCOUNTS, JOURNALS]),
        ({"tags": ["searches"]}, [SEARCHES]),
        ({"tags": ["payables", "parties"]},
         [CUSTOMER, BILL, VENDOR, CUSTOMERS, BILLS, VENDORS]),
        ({"tools": [INVOICES]}, [INVOICES]),
        ({"methods": ["list"], "tags": ["parties"]}, [CUSTOMERS, VENDORS]),
        ({"methods": ["list"], "tags": ["receivables"], "tools": [INVOICES, CUSTOMER]},
         [INVOICES]),
    ]

    def test_filters_leave_what_all_of_them_leave(self):
        for config, wanted in self.TABLE:
            server = self.mint(config)
            self.assertEqual(server["tools"], len(wanted), config)
            for era in ("modern", "legacy"):
                self.assertEqual(self.names(server["url"], era), wanted, config)

    def test_a_filter_that_leaves_nothing_is_refused_and_named(self):
        kept = self.mint({"methods": ["list"]})
        for config, pointer in (
                ({"methods": ["delete"]}, "/config/methods"),
                ({"methods": ["custom"]}, "/config/methods"),
                ({"methods": []}, "/config/methods"), ({"tags": []}, "/config/tags"),
                ({"tools": []}, "/config/tools"),
                ({"tags": ["nonsense"]}, "/config/tags"),
                ({"tools": ["nonsense"]}, "/config/tools"),
                ({"methods": ["nonsense"]}, "/config/methods"),
                ({"methods": "read"}, "/config/methods"), ({"tags": [1]}, "/config/tags"),
                ({"tools": {}}, "/config/tools")):
            for method, path, body in (
                    ("POST", self.servers, {"name": "x", "config": config}),
                    ("PATCH", self.servers + "/" + kept["id"], {"config": config})):
                status, reply = self.stand.api(method, path, body)
                self.assertEqual(status, 422, config)
                self.assertTrue(reply["error"]["details"][0]["pointer"].startswith(pointer),
                                (config, reply))
        for config in ({"methods": ["get"], "tools": [NETSUITE_LISTS[0]]},
                       {"methods": ["list"], "tools": [NETSUITE_GETS[0]]}):
            status, reply = self.stand.api("POST", self.servers, {"name": "x", "config": config})
            self.assertEqual(status, 422)
            self.assertIn("/config", reply["error"]["details"][0]["pointer"])
        self.assertEqual(self.names(kept["url"]), NETSUITE_LISTS)

    def test_a_filtered_tool_cannot_be_called(self):
        server = self.mint({"tags": ["payables"]})
        before = self.stats()["requests"]
        for era in ("modern", "legacy"):
            for name in (CUSTOMER, INVOICES, "no_such_tool", ""):
                status, _, reply = self.stand.rpc(server["url"], "tools/call",
                                                  {"name": name, "arguments": {}}, era)
                self.assertEqual((status, reply["error"]["code"]), (200, -32602), (era, name))
        self.assertEqual(self.stats()["requests"], before)

    def test_a_changed_filter_holds_at_once(self):
        server = self.mint({"methods": ["list"]})
        changed = self.stand.admin("PATCH", self.servers + "/" + server["id"],
                                   {"config": {"methods": ["get"]}})
        self.assertEqual((changed["tools"], changed["config"]), 
                         (len(NETSUITE_GETS), {"methods": ["get"]}))
        self.assertEqual(self.names(server["url"]), NETSUITE_GETS)
        _, _, reply = self.stand.rpc(server["url"], "tools/call",
                                     {"name": CUSTOMERS, "arguments": {}})
        self.assertEqual(reply["error"]["code"], -32602)


class TestSecondFactor(BoundaryCase):
    def test_only_a_call_token_of_the_tenant_opens_the_url(self):
        url = self.mint({"require_api_token_auth": True})["url"]
        good = self.api_token("call", "demo")["token"]
        ended = self.api_token("call", "demo")
        self.stand.admin("DELETE", "/api-token/" + ended["id"])
        wrong = {
            "none": None, "empty": "", "not bearer": "Basic " + good,
            "unknown": "Bearer slt_" + "0" * 64, "cut": "Bearer " + good[:-1],
            "two": "Bearer %s %s" % (good, good), "bare": good,
            "admin": "Bearer " + self.stand.admin_token,
            "tenant's own": "Bearer " + self.api_token("tenant", "demo")["token"],
            "another tenant's": "Bearer " + self.api_token("call", "other")["token"],
            "deleted": "Bearer " + ended["token"],
        }
        before = self.stats()["requests"]
        for what, value in wrong.items():
            headers = {} if value is None else {"Authorization": value}
            status, fields, body = exchange(self.stand.base, "POST", path_of(url), TOOLS_LIST,
                                            dict(headers, **{"Content-Type": "application/json"}))
            self.assertEqual(status, 401, what)
            self.assertIn("realm=\"mcp\"", fields["www-authenticate"])
            self.assertEqual("invalid_token" in fields["www-authenticate"], value is not None)
            self.assertNotIn("resource_metadata", fields["www-authenticate"])
            self.assertIn(b"call", body)
        self.assertEqual(self.stats()["requests"], before)
        for value in ("Bearer " + good, "bearer " + good, "BEARER  " + good):
            status, _, reply = self.stand.rpc(url, "tools/list",
                                              headers={"Authorization": value})
            self.assertEqual(status, 200)
            self.assertEqual(len(reply["result"]["tools"]), len(NETSUITE_TOOLS))

    def test_a_call_token_alone_opens_nothing_else(self):
        token = self.api_token("call", "demo")["token"]
        for method, path in (("GET", "/integrated-account"), ("GET", "/lanes"),
                             ("GET", "/api-token"), ("GET", "/tenant/demo"),
                             ("GET", "/integrated-account/" + self.account["id"])):
            status, reply = self.stand.api(method, path, token=token)
            self.assertEqual((status, reply["error"]["code"]), (403, "forbidden"), path)

    def test_a_url_that_asks_for_none_ignores_one(self):
        url = self.mint()["url"]
        status, _, _ = self.stand.rpc(url, "tools/list", headers={"Authorization": "Bearer x"})
        self.assertEqual(status, 200)


class TestRoles(BoundaryCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.theirs = cls.stand.connect_netsuite(tenant="other")
        cls.their_server = cls.stand.mint(cls.theirs["id"])
        cls.token = cls.stand.admin("POST", "/api-token", {
            "name": "own", "role": "tenant", "tenant_id": "demo"})["token"]

    def own(self, method, path, body=None):
        return self.stand.api(method, path, body, token=self.token)

    def test_without_a_valid_token_nothing_opens(self):
        for value in (None, "", "Bearer", "Bearer ", "Bearer x", "Basic eDp5",
                      self.stand.admin_token, "Bearer " + self.stand.admin_token[:-1],
                      "Bearer " + self.stand.admin_token + "0",
                      "Bearer " + self.stand.admin_token.upper()):
            headers = {} if value is None else {"Authorization": value}
            for method, path in (("GET", "/integrated-account"), ("GET", "/lanes"),
                                 ("POST", "/api-token"), ("GET", "/no/such/path")):
                status, fields, body = exchange(self.stand.base, method, path, headers=headers)
                self.assertEqual(status, 401, value)
                self.assertIn("Bearer", fields["www-authenticate"])
                self.assertEqual(json.loads(body)["error"]["code"], "unauthorized")

    def test_a_tenant_sees_its_own_accounts_only(self):
        status, reply = self.own("GET", "/integrated-account?limit=200")
        self.assertEqual(status, 200)
        self.assertEqual({a["tenant_id"] for a in reply["data"]}, {"demo"})
        status, reply = self.own("GET", "/integrated-account?tenant_id=other")
        self.assertEqual({a["tenant_id"] for a in reply["data"]}, {"demo"})
        every = self.stand.admin("GET", "/integrated-account?limit=200")["data"]
        self.assertEqual({a["tenant_id"] for a in every}, {"demo", "other"})

    def test_another_tenant_s_account_looks_like_none(self):
        none = "acc_" + "a" * 26
        their = self.theirs["id"]
        for method, path, body in (
                ("GET", "/integrated-account/%s", None),
                ("PATCH", "/integrated-account/%s", {"name": "mine"}),
                ("DELETE", "/integrated-account/%s", None),
                ("GET", "/integrated-account/%s/mcp", None),
                ("POST", "/integrated-account/%s/mcp", {"name": "x"}),
                ("GET", "/integrated-account/%s/mcp/" + self.their_server["id"], None),
                ("PATCH", "/integrated-account/%s/mcp/" + self.their_server["id"], {"name": "x"}),
                ("DELETE", "/integrated-account/%s/mcp/" + self.their_server["id"], None)):
            replies = []
            for account in (their, none):
                status, reply = self.own(method, path % account, body)
                reply["error"].pop("request_id")
                replies.append((status, reply))
            self.assertEqual(replies[0], replies[1], path)
            self.assertEqual(replies[0][0], 404)
        self.assertEqual(self.stand.admin("GET", "/integrated-account/" + their)["name"],
                         self.theirs["name"])
        self.assertTrue(self.names(self.their_server["url"]))

    def test_a_server_is_found_under_its_own_account_only(self):
        status, _ = self.stand.api("GET", self.servers + "/" + self.their_server["id"])
        self.assertEqual(status, 404)
        status, _ = self.stand.api("DELETE", self.servers + "/" + self.their_server["id"])
        self.assertEqual(status, 404)
        self.assertTrue(self.names(self.their_server["url"]))

    def test_a_tenant_works_on_its_own(self):
        body = self.stand.netsuite_account(tenant="demo")
        status, account = self.own("POST", "/integrated-account", body)
        self.assertEqual(status, 201)
        status, server = self.own("POST", "/integrated-account/%s/mcp" % account["id"],
                                  {"name": "x"})
        self.assertEqual(status, 201)
        self.assertTrue(self.names(server["url"]))
        status, _ = self.own("PATCH", "/integrated-account/" + account["id"], {"name": "new"})
        self.assertEqual(status, 200)
        status, _ = self.own("DELETE", "/integrated-account/" + account["id"])
        self.assertEqual(status, 204)
        self.assertEqual(self.stand.rpc(server["url"], "tools/list")[0], 401)

    def test_a_tenant_connects_no_account_of_another(self):
        status, reply = self.own("POST", "/integrated-account",
                                 self.stand.netsuite_account(tenant="other"))
        self.assertEqual((status, reply["error"]["code"]), (403, "forbidden"))

    def test_operators_calls_are_closed_to_a_tenant(self):
        lane = "/lanes/" + urllib.parse.quote(self.account["lane"], safe="")
        for method, path, body in (("POST", "/api-token", {"name": "x", "role": "admin"}),
                                   ("GET", "/api-token", None),
                                   ("DELETE", "/api-token/tok_x", None),
                                   ("PATCH", lane, {"ceiling": 9}),
                                   ("PATCH", "/tenant/demo", {"governor": {"ceiling": 9}})):
            status, reply = self.own(method, path, body)
            self.assertEqual((status, reply["error"]["code"]), (403, "forbidden"), path)
        self.assertEqual(self.own("GET", "/tenant/demo")[0], 200)
        self.assertEqual(self.own("GET", "/tenant/other")[0], 404)

    def test_a_tenant_sees_its_own_counts_of_a_shared_lane(self):
        self.assertEqual(self.account["lane"], self.theirs["lane"])
        status, reply = self.own("GET", "/lanes")
        self.assertEqual(status, 200)
        lanes = [one for one in reply["data"] if one["id"] == self.account["lane"]]
        mine = [a for a in self.own("GET", "/integrated-account?limit=200")[1]["data"]]
        self.assertEqual(lanes[0]["accounts"], len(mine))
        self.assertNotIn("granted", lanes[0])
        self.assertGreater(self.lane(self.account)["accounts"], lanes[0]["accounts"])

    def test_api_tokens_are_shown_once_and_gone_when_deleted(self):
        made = self.api_token("tenant", "demo", expires_at=in_time(3600))
        self.assertRegex(made["token"], r"^slt_[0-9a-f]{64}$")
        self.assertNotIn(made["token"], json.dumps(self.stand.admin("GET",
                                                                    "/api-token?limit=200")))
        self.assertEqual(self.stand.api("GET", "/integrated-account", token=made["token"])[0], 200)
        self.stand.admin("DELETE", "/api-token/" + made["id"])
        self.assertEqual(self.stand.api("GET", "/integrated-account", token=made["token"])[0], 401)
        self.assertEqual(self.stand.api("DELETE", "/api-token/" + made["id"])[0], 404)

    def test_wrong_api_tokens_are_not_made(self):
        for body in ({"name": "x"}, {"name": "x", "role": "root"}, {"role": "admin"},
                     {"name": "x", "role": "admin", "tenant_id": "demo"},
                     {"name": "x", "role": "call"}, {"name": "x", "role": "tenant"},
                     {"name": "x", "role": "call", "tenant_id": "a b"},
                     {"name": "x", "role": "admin", "expires_at": in_time(10)},
                     {"name": "x", "role": "admin", "scope": "all"}):
            status, reply = self.stand.api("POST", "/api-token", body)
            self.assertEqual((status, reply["error"]["code"]), (422, "unprocessable"), body)

    def test_pages_of_the_management_api_hold_every_record_once(self):
        made = [self.stand.mint(self.theirs["id"])["id"] for _ in range(5)]
        found, after = [], ""
        while after is not None:
            page = self.stand.admin("GET", "/integrated-account/%s/mcp?limit=2&cursor=%s" % (
                self.theirs["id"], after))
            found += [server["id"] for server in page["data"]]
            after = page["next_cursor"]
        self.assertEqual(found, sorted(set(found)))
        self.assertLessEqual(set(made), set(found))
        for wrong in ("0", "201", "x", "-1", "1.5"):
            self.assertEqual(self.stand.api("GET", "/integrated-account?limit=" + wrong)[0], 422)

    def test_a_body_that_is_no_object_is_refused(self):
        for body in (b"", b"{", b"[]", b"5", b'{"name":1,"name":2}', b"{}x", b"\xff"):
            status, _, reply = exchange(self.stand.base, "POST", "/api-token", body,
                                        {"Authorization": "Bearer " + self.stand.admin_token})
            self.assertEqual(status, 400, body)
            self.assertIn("code", json.loads(reply)["error"])
        status, _, _ = exchange(self.stand.base, "POST", "/api-token",
                                b'{"name":"%s"}' % (b"x" * 300000),
                                {"Authorization": "Bearer " + self.stand.admin_token})
        self.assertEqual(status, 413)

    def test_credentials_never_come_back(self):
        shown = json.dumps([self.account, self.stand.admin(
            "GET", "/integrated-account/" + self.account["id"])])
        for secret in ("consumer_secret", "token_secret"):
            self.assertNotIn(self.stand.mocks["netsuite"][secret], shown)
            self.assertNotIn(secret, shown)


class TestPagesOfAllowedOrigins(BoundaryCase):
    """CORS: what a browser lets a page read."""

    flags = ("--server.allowed_origins", "https://desk.example.com")
    ORIGIN = "https://desk.example.com"
    EXPOSED = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after",
               "mcp-session-id", "mcp-protocol-version", "last-event-id", "www-authenticate")

    def ask_as_page(self, method, path, body=None, **fields):
        headers = {"Origin": self.ORIGIN}
        headers.update({name.replace("_", "-"): value for name, value in fields.items()})
        return exchange(self.stand.base, method, path, body, headers)

    def assert_readable(self, fields):
        self.assertEqual(fields["access-control-allow-origin"], self.ORIGIN)
        self.assertEqual(fields["vary"], "Origin")
        exposed = fields["access-control-expose-headers"].lower().split(", ")
        self.assertEqual(sorted(exposed), sorted(self.EXPOSED))
        self.assertNotIn("access-control-allow-credentials", fields)

    def test_answers_and_errors_are_readable(self):
        path = path_of(self.mint()["url"])
        listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        for method, where, body, status in (
                ("POST", path, listing, 200), ("POST", path, b"{", 400), ("GET", path, None, 405),
                ("POST", "/mcp/" + "4" * 64, listing, 401), ("GET", "/lanes", None, 401),
                ("GET", "/.well-known/oauth-protected-resource", None, 404)):
            got, fields, _ = self.ask_as_page(method, where, body)
            self.assertEqual(got, status, (method, where))
            self.assert_readable(fields)

    def test_an_event_stream_is_readable(self):
        path = path_of(self.mint()["url"])
        params = {"name": "list_all_netsuite_customers", "arguments": {"limit": 1},
                  "_meta": {"progressToken": 1}}
        status, fields, _ = self.ask_as_page(
            "POST", path, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            Accept="application/json, text/event-stream")
        self.assertEqual((status, fields["content-type"]), (200, "text/event-stream"))
        self.assert_readable(fields)

    def test_a_preflight_names_what_may_be_sent(self):
        path = path_of(self.mint()["url"])
        status, fields, body = self.ask_as_page(
            "OPTIONS", path, Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="content-type, mcp-param-region, Mcp-Param-B.c,"
                                           " mcp-param-, mcp-param-a b, x-own")
        self.assertEqual((status, body), (204, b""))
        self.assert_readable(fields)
        self.assertEqual(fields["access-control-max-age"], "7200")
        methods = fields["access-control-allow-methods"].split(", ")
        self.assertEqual(sorted(methods), ["DELETE", "GET", "OPTIONS", "POST"])
        names = fields["access-control-allow-headers"].split(", ")
        for name in ("Content-Type", "Accept", "Authorization", "MCP-Protocol-Version", "Mcp-Method",
                     "Mcp-Name", "Mcp-Session-Id", "Last-Event-ID", "traceparent",
                     "mcp-param-region", "Mcp-Param-B.c"):
            self.assertIn(name, names)
        for name in ("*", "x-own", "mcp-param-", "mcp-param-a b"):
            self.assertNotIn(name, names)

    def test_others_get_no_such_field(self):
        path = path_of(self.mint()["url"])
        for origin, status in (("https://evil.example.com", 403), ("null", 403), (None, 204)):
            headers = {"Access-Control-Request-Method": "POST"}
            headers.update({"Origin": origin} if origin else {})
            got, fields, _ = exchange(self.stand.base, "OPTIONS", path, None, headers)
            self.assertEqual(got, status)
            self.assertEqual([name for name in fields if name.startswith("access-control")], [])


class TestHostAndOrigin(BoundaryCase):
    def ask(self, path, *headers):
        return int(raw(self.stand.base, "POST", path, TOOLS_LIST, headers).split(b" ")[1])

    def test_a_foreign_host_or_origin_is_refused(self):
        path = path_of(self.mint()["url"])
        port = urllib.parse.urlsplit(self.stand.base).port
        for host in ("example.com", "example.com:%d" % port, "127.0.0.1.example.com",
                     "localhost.example.com", "127.0.0.2", "[::2]:%d" % port):
            self.assertEqual(self.ask(path, ("Host", host)), 403, host)
        for origin in ("https://example.com", "http://example.com:%d" % port, "null",
                       "http://127.0.0.1.example.com", "file://", "http://", "evil",
                       "http://localhost.example.com:80"):
            self.assertEqual(self.ask(path, ("Origin", origin)), 403, origin)

    def test_loopback_hosts_and_origins_are_let_in(self):
        path = path_of(self.mint()["url"])
        for host in ("127.0.0.1", "localhost", "localhost:1234", "[::1]", "[::1]:9", "LOCALHOST"):
            self.assertEqual(self.ask(path, ("Host", host)), 200, host)
        for origin in (self.stand.base, "http://localhost:9999", "https://localhost",
                       "http://127.0.0.1:1", "http://[::1]:5"):
            self.assertEqual(self.ask(path, ("Origin", origin)), 200, origin)

    def test_host_and_origin_come_before_the_token(self):
        self.assertEqual(self.ask("/mcp/" + "4" * 64, ("Host", "example.com")), 403)
        self.assertEqual(self.ask("/mcp/" + "4" * 64, ("Origin", "null")), 403)
        self.assertEqual(self.ask("/integrated-account", ("Origin", "https://example.com")), 403)


class TestPublicUrl(FlowCase):
    flags = ("--server.public_url", "https://erp.example.com/",
             "--server.allowed_origins", "https://desk.example.com,https://two.example.com:8443")

    def ask(self, path, *headers):
        return int(raw(self.stand.base, "POST", path, TOOLS_LIST, headers).split(b" ")[1])

    def test_only_the_public_host_and_the_configured_origins_get_in(self):
        public = ("Host", "erp.example.com")

        def api(method, path, body):
            reply = raw(self.stand.base, method, path, json.dumps(body).encode(),
                        [public, ("Authorization", "Bearer " + self.stand.admin_token)])
            return json.loads(reply.partition(b"\r\n\r\n")[2])
        account = api("POST", "/integrated-account", self.stand.netsuite_account())
        server = api("POST", "/integrated-account/%s/mcp" % account["id"], {"name": "x"})
        self.assertTrue(server["url"].startswith("https://erp.example.com/mcp/"))
        path = path_of(server["url"])
        self.assertEqual(self.ask(path, public), 200)
        for host in ("ERP.example.com", "erp.example.com:443"):
            self.assertEqual(self.ask(path, ("Host", host)), 200, host)
        for host in ("127.0.0.1", "localhost", "erp.example.com:444", "example.com",
                     "erp.example.com.evil.com"):
            self.assertEqual(self.ask(path, ("Host", host)), 403, host)
        for origin in ("https://erp.example.com", "https://desk.example.com",
                       "https://two.example.com:8443"):
            self.assertEqual(self.ask(path, public, ("Origin", origin)), 200, origin)
        for origin in ("http://erp.example.com", "https://two.example.com", "http://localhost",
                       "https://desk.example.com.evil.com", "null",
                       "https://desk.example.com:444"):
            self.assertEqual(self.ask(path, public, ("Origin", origin)), 403, origin)

    def test_health_needs_no_host_of_ours(self):
        for path in ("/healthz", "/readyz"):
            reply = raw(self.stand.base, "GET", path, headers=[("Host", "10.1.2.3:8080")])
            self.assertTrue(reply.startswith(b"HTTP/1.1 200 "), path)


class TestOpenPaths(BoundaryCase):
    def test_health_and_metrics_answer_reads_only(self):
        for path, wanted in (("/healthz", {"ok": True}), ("/readyz", {"ready": True})):
            status, _, body = exchange(self.stand.base, "GET", path)
            self.assertEqual((status, json.loads(body)), (200, wanted))
        for path in ("/healthz", "/readyz", "/metrics"):
            status, fields, _ = exchange(self.stand.base, "POST", path, {})
            self.assertEqual((status, fields["allow"]), (405, "GET, HEAD"))
            status, _, body = exchange(self.stand.base, "HEAD", path)
            self.assertEqual((status, body), (200, b""))

    def test_metrics_name_no_tenant_and_no_account(self):
        url = self.mint()["url"]
        with connect(url) as sock:
            sock.sendall(call_bytes(url, "list_all_netsuite_customers", {"limit": 1}))
            self.assertEqual(read_reply(sock)[0], 200)
        _, _, text = exchange(self.stand.base, "GET", "/metrics")
        for name in (self.account["id"], "demo", "mcp_", "acc_", self.account["lane"]):
            self.assertNotIn(name, text.decode())

    def test_unknown_paths_and_methods(self):
        self.assertEqual(self.stand.api("GET", "/nothing")[0], 404)
        self.assertEqual(self.stand.api("PUT", "/integrated-account")[0], 405)
        self.assertEqual(self.stand.api("GET", "/integrated-account/")[0], 404)
        self.assertEqual(self.stand.api("GET", "//integrated-account")[0], 404)

    def test_options_is_204(self):
        status, fields, body = exchange(self.stand.base, "OPTIONS", path_of(self.mint()["url"]))
        self.assertEqual((status, body), (204, b""))
        self.assertIn("POST", fields["allow"])


if __name__ == "__main__":
    main()
