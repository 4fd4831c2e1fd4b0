# SPDX-License-Identifier: Apache-2.0
"""URLs that end: rotation with and without overlap, revocation, offboarding, expiry, while calls
wait in line, are at the ERP, or have begun an event stream; and what PATCH merges."""
import datetime
import json
import os
import sqlite3
import time
import urllib.parse

from flow import HELD, FlowCase, Volley, call_bytes, codes, connect, exchange, main, message, raw, \
    read_reply, wait_until, without_date

CUSTOMERS = "list_all_netsuite_customers"
LONG_LINE = {"ceiling": 1, "queue_wait_ms": 600000}
ORDER = {"purchasing_org": "1010", "plant": "1010",
         "items": [{"material": "TG11", "quantity": 10, "unit": "EA"}]}


def in_seconds(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def path_of(url):
    return urllib.parse.urlsplit(url).path


class EndCase(FlowCase):
    def setUp(self):
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.reset()

    def server_of(self, governor=None, **more):
        account, _ = self.fresh(governor=governor)
        self.reset()  # connecting it was a request too
        return account, self.stand.mint(account["id"], **more)

    def at(self, account, server, verb=""):
        return "/integrated-account/%s/mcp/%s%s" % (account["id"], server["id"], verb)

    def rotate(self, account, server, body=None):
        return self.stand.admin("POST", self.at(account, server, "/rotate"), body)

    def status(self, url):
        return self.stand.rpc(url, "tools/list")[0]

    def dead_bytes(self):
        """What a URL that never was answers to a tools/call."""
        url = self.stand.base + "/mcp/" + "0" * 64
        with connect(url) as sock:
            sock.sendall(call_bytes(url, CUSTOMERS, {"limit": 1}))
            return read_reply(sock)

    def assert_dead(self, reply):
        """The same bytes as a dead URL: status, fields, body."""
        status, fields, body = reply
        known, known_fields, known_body = self.dead_bytes()
        self.assertEqual((status, body), (known, known_body))
        fields.pop("date", None)
        known_fields.pop("date", None)
        self.assertEqual(fields, known_fields)

    def until_in_flight(self, count):
        wait_until(lambda: self.stats()["in_flight"] == count, "%d at the mock" % count)

    def until_queued(self, account, count):
        wait_until(lambda: self.lane(account)["queued"] == count, "%d in line" % count)


class TestRotation(EndCase):
    def test_without_overlap_the_old_url_is_dead_at_once(self):
        account, server = self.server_of()
        for body in ({}, None, {"overlap_seconds": 0}):
            rotated = self.rotate(account, server, body)
            self.assertEqual(rotated["id"], server["id"])
            self.assertNotEqual(rotated["url"], server["url"])
            self.assertEqual(rotated["config"], server["config"])
            self.assertEqual(rotated["expires_at"], server["expires_at"])
            self.assertEqual(self.status(rotated["url"]), 200)
            token = without_date(raw(server["url"], "POST", path_of(server["url"])))
            unknown = without_date(raw(server["url"], "POST", "/mcp/" + "0" * 64))
            self.assertEqual(token, unknown)
            server = rotated
        read = self.stand.admin("GET", self.at(account, server))
        self.assertNotIn("url", read)
        self.assertNotIn("old_url_expires_at", read)

    def test_with_overlap_both_urls_are_the_same_server(self):
        account, server = self.server_of()
        _, _, result = self.stand.tool(server["url"], CUSTOMERS, {"limit": 2})
        cursor = result["structuredContent"]["pagination"]["next_cursor"]
        rotated = self.rotate(account, server, {"overlap_seconds": 300})
        self.assertRegex(rotated["old_url_expires_at"], r"^\d{4}-\d\d-\d\dT")
        for url in (server["url"], rotated["url"]):
            _, _, result = self.stand.tool(url, CUSTOMERS, {"limit": 2, "next_cursor": cursor})
            self.assertEqual(len(self.data(result)), 2)
        _, _, result = self.stand.tool(rotated["url"], CUSTOMERS, {"limit": 2})
        cursor = result["structuredContent"]["pagination"]["next_cursor"]
        _, _, result = self.stand.tool(server["url"], CUSTOMERS, {"limit": 2,
                                                                  "next_cursor": cursor})
        self.data(result)
        self.stand.admin("DELETE", self.at(account, server))
        self.assertEqual([self.status(url) for url in (server["url"], rotated["url"])],
                         [401, 401])

    def test_the_overlap_ends(self):
        account, server = self.server_of()
        rotated = self.rotate(account, server, {"overlap_seconds": 1})
        wait_until(lambda: self.status(server["url"]) == 401, "the end of the overlap")
        self.assertEqual(self.status(rotated["url"]), 200)
        # A new expiry of the server brings no old URL back.
        self.stand.admin("PATCH", self.at(account, server), {"expires_at": in_seconds(3600)})
        self.assertEqual(self.status(server["url"]), 401)
        self.stand.admin("PATCH", self.at(account, server), {"expires_at": None})
        self.assertEqual(self.status(server["url"]), 401)
        self.assertEqual(self.status(rotated["url"]), 200)

    def test_twice_within_an_overlap(self):
        account, first = self.server_of()
        second = self.rotate(account, first, {"overlap_seconds": 3600})
        third = self.rotate(account, first, {"overlap_seconds": 7200})
        self.assertEqual([self.status(one["url"]) for one in (first, second, third)], [200] * 3)
        fourth = self.rotate(account, first)
        self.assertEqual([self.status(one["url"]) for one in (first, second, third, fourth)],
                         [401, 401, 401, 200])

    def test_the_servers_own_end_still_binds(self):
        account, server = self.server_of(expires_at=in_seconds(65))
        rotated = self.rotate(account, server, {"overlap_seconds": 3600})
        self.assertEqual(rotated["expires_at"], server["expires_at"])
        self.assertEqual(rotated["old_url_expires_at"], server["expires_at"])

    def test_a_waiting_call_of_the_old_url_ends_with_the_overlap(self):
        account, server = self.server_of(governor=LONG_LINE)
        self.hold()
        rotated = self.rotate(account, server, {"overlap_seconds": 1})
        running = Volley(rotated["url"], 1).send()
        self.until_in_flight(1)
        old = Volley(server["url"], 2).send()
        new = Volley(rotated["url"], 1).send()
        for reply in old.raw_results():
            self.assert_dead(reply)
        self.release()
        self.assertEqual(codes(running.results()), {"ok": 1})
        self.assertEqual(codes(new.results()), {"ok": 1})
        self.assertEqual(self.stats()["requests"], 2)

    def test_a_rotation_without_overlap_ends_calls_of_the_old_url(self):
        account, server = self.server_of(governor=LONG_LINE)
        self.hold()
        calls = Volley(server["url"], 2).send()
        self.until_in_flight(1)
        self.until_queued(account, 1)
        rotated = self.rotate(account, server)
        for reply in calls.raw_results():
            self.assert_dead(reply)
        self.assertEqual(self.stats()["in_flight"], 1)  # read to its end, slot kept
        self.assertEqual(self.lane(account)["in_flight"], 1)
        new = Volley(rotated["url"], 1).send()
        self.until_queued(account, 1)
        self.release()
        self.assertEqual(codes(new.results()), {"ok": 1})
        self.assertEqual(self.stats()["in_flight_peak"], 1)

    def test_what_is_refused(self):
        account, server = self.server_of()
        path = self.at(account, server, "/rotate")
        for body in ({"overlap_seconds": -1}, {"overlap_seconds": 604801},
                     {"overlap_seconds": "60"}, {"overlap_seconds": 1.5},
                     {"overlap_seconds": None}, {"nonsense": 1}):
            status, reply = self.stand.api("POST", path, body)
            self.assertEqual(status, 422, body)
            self.assertTrue(reply["error"]["details"][0]["pointer"].startswith("/"), reply)
        self.assertEqual(self.stand.api("POST", path, b"[]")[0], 400)
        self.assertEqual(self.stand.api("GET", path)[0], 405)
        self.assertEqual(self.stand.api("POST", self.at(account, {"id": "mcp_none"}, "/rotate"),
                                        {})[0], 404)
        foreign = self.stand.admin("POST", "/api-token", {"name": "t", "role": "tenant",
                                                          "tenant_id": "other"})
        self.assertEqual(self.stand.api("POST", path, {}, token=foreign["token"])[0], 404)
        self.assertEqual(self.status(server["url"]), 200)


class TestRevocation(EndCase):
    """Every way a URL ends, seen by calls that are open then."""

    def test_in_both_eras_at_every_station(self):
        for era in ("modern", "legacy"):
            with self.subTest(era=era):
                self.reset()
                account, server = self.server_of(governor=LONG_LINE)
                self.hold()
                calls = Volley(server["url"], 3, era=era).send()
                self.until_in_flight(1)
                self.until_queued(account, 2)
                self.stand.admin("DELETE", self.at(account, server))
                for reply in calls.raw_results():
                    self.assert_dead(reply)
                self.assertEqual(self.lane(account)["in_flight"], 1)  # the slot is kept
                self.release()
                wait_until(lambda: self.lane(account)["in_flight"] == 0, "the slot back")
                self.assertEqual(self.stats()["requests"], 1)

    def test_offboarding(self):
        account, server = self.server_of(governor=LONG_LINE)
        self.hold()
        calls = Volley(server["url"], 3).send()
        self.until_in_flight(1)
        self.until_queued(account, 2)
        self.stand.admin("DELETE", "/integrated-account/" + account["id"])
        for reply in calls.raw_results():
            self.assert_dead(reply)
        self.release()
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.assertEqual(self.stats()["requests"], 1)

    def test_a_batch_is_told_in_its_place(self):
        account, server = self.server_of(governor=LONG_LINE)
        self.hold()
        body = [message("tools/call", {"name": CUSTOMERS, "arguments": {"limit": 1}}, n,
                        era="legacy")[0] for n in (1, 2)]
        body.append({"jsonrpc": "2.0", "id": 3, "method": "ping"})
        with connect(server["url"]) as sock:
            data = json.dumps(body).encode()
            sock.sendall(("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                          "MCP-Protocol-Version: 2025-03-26\r\nContent-Length: %d\r\n\r\n" %
                          (path_of(server["url"]),
                           urllib.parse.urlsplit(server["url"]).netloc,
                           len(data))).encode() + data)
            self.until_in_flight(1)
            self.until_queued(account, 1)
            self.stand.admin("DELETE", self.at(account, server))
            status, _, text = read_reply(sock)
        self.assertEqual(status, 200)
        replies = {one["id"]: one for one in json.loads(text)}
        for n in (1, 2):
            self.assertEqual(replies[n]["error"]["code"], -32603)
            self.assertIn("no longer valid", replies[n]["error"]["message"])
        self.assertEqual(replies[3]["result"], {})

    def test_a_stream_that_has_not_begun_is_a_401_and_one_that_has_is_told_in_band(self):
        account, server = self.server_of(governor=LONG_LINE)
        self.hold()
        begun = call_bytes(server["url"], CUSTOMERS, {"limit": 1}, token="p")
        with connect(server["url"]) as early, connect(server["url"]) as late:
            early.sendall(begun)
            self.until_in_flight(1)
            head = early.recv(65536)  # after the status was held back for its while
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
            late.sendall(begun)
            self.until_queued(account, 1)
            self.stand.admin("DELETE", self.at(account, server))
            self.assert_dead(read_reply(late))
            text = head
            while b"\r\n0\r\n\r\n" not in text:
                text += early.recv(65536)
        last = [line for line in text.decode().splitlines() if line.startswith("data:")][-1]
        error = json.loads(last[5:])["error"]
        self.assertEqual(error["code"], -32603)
        self.assertIn("no longer valid", error["message"])

    def end_soon(self, server, ms):
        """Sets its end nearer than the API takes one, as if the time had passed."""
        ends = int(time.time() * 1000) + ms
        database = sqlite3.connect(os.path.join(self.stand.data_dir, "sluice.db"), timeout=30)
        with database:
            for table, column in (("url_token", "server"), ("server_token", "server"),
                                  ("server", "id")):
                database.execute("UPDATE %s SET expires_ms = ? WHERE %s = ?" % (table, column),
                                 (ends, server["id"]))
        database.close()
        return ends / 1000

    def test_an_end_that_comes_while_calls_wait_is_theirs(self):
        account, server = self.server_of(governor=LONG_LINE)
        self.hold()
        self.end_soon(server, 4000)
        calls = Volley(server["url"], 2).send()
        self.until_in_flight(1)
        self.until_queued(account, 1)
        for reply in calls.raw_results():
            self.assert_dead(reply)
        self.assertEqual(self.stats()["in_flight"], 1)

    def test_an_end_that_is_put_off_lets_waiting_calls_be(self):
        account, server = self.server_of(governor=LONG_LINE)
        self.hold()
        ends = self.end_soon(server, 4000)
        calls = Volley(server["url"], 2).send()
        self.until_in_flight(1)
        self.stand.admin("PATCH", self.at(account, server), {"expires_at": in_seconds(3600)})
        wait_until(lambda: time.time() > ends + 0.5, "the end that was put off")
        self.release()
        self.assertEqual(codes(calls.results()), {"ok": 2})

    def test_another_server_of_the_account_goes_on(self):
        account, server = self.server_of(governor=LONG_LINE)
        other = self.stand.mint(account["id"])
        self.hold()
        going = Volley(other["url"], 1).send()
        self.until_in_flight(1)
        ending = Volley(server["url"], 1).send()
        self.until_queued(account, 1)
        self.stand.admin("DELETE", self.at(account, server))
        self.assert_dead(ending.raw_results()[0])
        self.release()
        self.assertEqual(codes(going.results()), {"ok": 1})

    def test_the_audit_says_so(self):
        account, server = self.server_of(governor=LONG_LINE)
        self.hold()
        calls = Volley(server["url"], 2).send()
        self.until_in_flight(1)
        self.until_queued(account, 1)
        self.stand.admin("DELETE", self.at(account, server))
        calls.raw_results()
        lines = [e for e in self.stand.events() if e["event"] == "tool_call" and
                 e["mcp_server"] == server["id"]]
        self.assertEqual([line["outcome"] for line in lines], ["unauthorized"] * 2)


class TestWrites(FlowCase):
    """A write that was sent is never cut: the ERP does it, whatever becomes of the URL."""

    @classmethod
    def prepare(cls):
        cls.stand.start_mock("sap", "--today", "2026-11-20")
        cls.account = cls.stand.connect_sap(governor=LONG_LINE)
        url = cls.stand.mint(cls.account["id"])["url"]
        cls.supplier = cls.stand.tool(url, "list_all_sap_vendors", {"limit": 1})[2][
            "structuredContent"]["data"][0]["id"]
        cls.stand.tool(url, "create_a_sap_purchase_order", dict(ORDER, supplier=cls.supplier))

    def stats(self):
        return self.stand.control("sap", "GET", "/stats")

    def test_a_write_at_the_erp_is_done_though_its_caller_got_a_401(self):
        server = self.stand.mint(self.account["id"])
        self.stand.control("sap", "POST", "/reset")
        self.stand.control("sap", "PUT", "/latency", {"ms": HELD})
        write = Volley(server["url"], 1, "create_a_sap_purchase_order",
                       dict(ORDER, supplier=self.supplier)).send()
        wait_until(lambda: self.stats()["writes"] == 1 and self.stats()["in_flight"] == 1,
                   "the write at the mock")
        waiting = Volley(server["url"], 1, "create_a_sap_purchase_order",
                         dict(ORDER, supplier=self.supplier)).send()
        wait_until(lambda: self.lane(self.account)["queued"] == 1, "the other in line")
        self.stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (self.account["id"],
                                                                      server["id"]))
        self.assertEqual([write.raw_results()[0][0], waiting.raw_results()[0][0]], [401, 401])
        self.assertEqual(self.lane(self.account)["in_flight"], 1)
        self.stand.control("sap", "PUT", "/latency", {"ms": 0})
        self.stand.control("sap", "POST", "/release")
        wait_until(lambda: self.lane(self.account)["in_flight"] == 0, "the slot back")
        self.assertEqual((self.stats()["writes"], self.stats()["requests"]), (1, 1))


class TestPatch(EndCase):
    """PATCH merges as RFC 7396 says: what is not named stays, null takes out."""

    def test_governor(self):
        account, _ = self.fresh(governor={"ceiling": 3, "queue_limit": 7})
        path = "/integrated-account/" + account["id"]

        def patched(governor):
            return self.stand.admin("PATCH", path, {"governor": governor})["governor"]
        self.assertEqual(patched({"queue_wait_ms": 500}),
                         {"ceiling": 3, "queue_limit": 7, "queue_wait_ms": 500})
        self.assertEqual(patched({"ceiling": 2}),
                         {"ceiling": 2, "queue_limit": 7, "queue_wait_ms": 500})
        self.assertEqual(self.lane(account)["effective"], 2)
        self.assertEqual(patched({"ceiling": None}), {"queue_limit": 7, "queue_wait_ms": 500})
        self.assertEqual(self.lane(account)["effective"], 5)
        self.assertEqual(patched({}), {"queue_limit": 7, "queue_wait_ms": 500})
        for wrong in ({"ceiling": 0}, {"nonsense": 1}, [], "x", {"ceiling": {"a": 1}}):
            status, reply = self.stand.api("PATCH", path, {"governor": wrong})
            self.assertEqual(status, 422, wrong)
            self.assertTrue(reply["error"]["details"][0]["pointer"].startswith("/governor"))
        self.assertEqual(patched(None), {})
        self.assertEqual(self.stand.admin("GET", path)["governor"], {})

    def test_config(self):
        account, server = self.server_of(config={"methods": ["list"], "tags": ["receivables"]})
        tools = server["tools"]

        def patched(config):
            return self.stand.admin("PATCH", self.at(account, server), {"config": config})
        self.assertEqual(patched({"priority": "batch"})["config"],
                         {"methods": ["list"], "tags": ["receivables"], "priority": "batch"})
        wider = patched({"tags": None})
        self.assertEqual(wider["config"], {"methods": ["list"], "priority": "batch"})
        self.assertGreater(wider["tools"], tools)
        self.assertEqual(patched({"methods": ["get"]})["config"],
                         {"methods": ["get"], "priority": "batch"})
        for wrong in ({"methods": ["nonsense"]}, {"nonsense": 1}, [], 1,
                      {"tools": [CUSTOMERS]}):  # with methods get, that leaves none
            self.assertEqual(self.stand.api("PATCH", self.at(account, server),
                                            {"config": wrong})[0], 422, wrong)
        self.assertEqual(patched(None)["config"], {})
        _, _, listed = self.stand.rpc(server["url"], "tools/list")
        self.assertGreater(len(listed["result"]["tools"]), wider["tools"])


if __name__ == "__main__":
    main()
