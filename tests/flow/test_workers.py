# SPDX-License-Identifier: Apache-2.0
"""Two loops in one server: an account lives in one of them, whichever its calls arrive on."""
import json
import os
import re
import threading
import time
import urllib.parse

from flow import FlowCase, Volley, call_bytes, codes, connect, exchange, main, message, \
    read_reply, wait_until
from test_tokens import TokenCase

CUSTOMERS = "list_all_netsuite_customers"
LONG_LINE = {"queue_limit": 500, "queue_wait_ms": 60000}
CONNECTIONS = 64


class WorkerCase(FlowCase):
    flags = ("--server.workers", "2")

    def setUp(self):
        self.latency(0)
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.reset()

    def fresh(self, **options):
        made = super().fresh(**options)
        self.reset()
        return made

    def until_queued(self, account, count):
        wait_until(lambda: self.lane(account)["queued"] == count, "%d in line" % count)

    def at(self, account, rest=""):
        return "/integrated-account/%s%s" % (account["id"], rest)


class TestOneHome(WorkerCase):
    def storm(self, url, calls):
        """That many calls over 64 connections that stay open; how each ended."""
        ends = []
        lock = threading.Lock()
        gate = threading.Barrier(CONNECTIONS)

        def one(first):
            with connect(url) as sock:
                gate.wait()
                for n in range(first, calls, CONNECTIONS):
                    sock.sendall(call_bytes(url, CUSTOMERS, {"limit": 1}, message_id=n + 1))
                    status, fields, body = read_reply(sock)
                    with lock:
                        ends.append((status, b'"isError":true' not in body, fields))
        threads = [threading.Thread(target=one, args=(n,)) for n in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ends

    def test_the_ceiling_is_exact_over_both_in_ten_of_ten_runs(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=5))
        self.latency(10)
        for _ in range(10):
            self.reset()
            ends = self.storm(url, 400)
            self.assertEqual([(200, True)] * 400, [end[:2] for end in ends])
            stats = self.stats()
            self.assertEqual((stats["in_flight_peak"], stats["requests"]), (5, 400))
            self.assertEqual({end[2]["ratelimit-limit"] for end in ends}, {"5"})
        self.assertEqual(self.lane(account)["effective"], 5)

    def test_a_tenants_ceiling_holds_over_lanes_of_both(self):
        made = [self.fresh(tenant="wide", governor=LONG_LINE) for _ in range(6)]
        self.latency(100)
        self.reset()
        volleys = [Volley(url, 10) for _, url in made]
        self.stand.admin("PATCH", "/tenant/wide", {"governor": {"ceiling": 4}})
        for volley in volleys:
            volley.send()
        for volley in volleys:
            self.assertEqual(codes(volley.results()), {"ok": 10})
        self.assertLessEqual(self.stats()["in_flight_peak"], 4)

    def test_who_has_no_part_of_a_tenants_ceiling_is_told_why(self):
        made = [self.fresh(tenant="narrow", governor=LONG_LINE) for _ in range(12)]
        self.stand.admin("PATCH", "/tenant/narrow", {"governor": {"ceiling": 1}})
        answers = [self.stand.tool(url, CUSTOMERS, {"limit": 1}) for _, url in made]
        self.assertEqual(sorted(codes(answers)), ["account_busy", "ok"])
        error = [self.error(result) for _, _, result in answers if result.get("isError")][0]
        self.assertIn("divided among this server's workers", error["message"])
        self.assertIn("starts the server again", error["hint"])

    def test_a_tenants_ceiling_holds_when_an_account_joins_a_lane_elsewhere(self):
        for n in range(6):  # of these lanes some live in the second worker, the tenant's in the first
            tenant = "joins%d" % n
            credentials = self.upstream()
            other = self.stand.admin("POST", "/integrated-account", self.stand.netsuite_account(
                tenant="first%d" % n, credentials=credentials, governor=LONG_LINE))
            self.stand.admin("PATCH", "/tenant/" + tenant, {"governor": {"ceiling": 4}})
            _, url = self.fresh(tenant=tenant, governor=LONG_LINE)
            self.assertEqual(codes(Volley(url, 4).send().results()), {"ok": 4})
            self.latency(150)
            self.reset()
            first = Volley(url, 12)
            joined = self.stand.admin("POST", "/integrated-account", self.stand.netsuite_account(
                tenant=tenant, credentials=credentials, governor=LONG_LINE))
            self.assertEqual(joined["lane"], other["lane"])
            more = Volley(self.stand.mint(joined["id"])["url"], 12).send()
            first.send()  # no account of a tenant is called before it has a URL
            self.assertEqual(codes(first.results()), {"ok": 12})
            self.assertEqual(codes(more.results()), {"ok": 12})
            self.assertLessEqual(self.stats()["in_flight_peak"], 4)
            self.latency(0)

    def test_wrong_logins_at_once_reach_the_erp_as_one(self):
        account, url = self.fresh(governor=LONG_LINE)
        wrong = self.stand.netsuite_account(credentials=self.upstream())
        body = dict(wrong["auth"], token_secret="not-this-one")
        account = self.stand.admin("POST", "/integrated-account?verify=false",
                                   dict(wrong, auth=body))
        url = self.stand.mint(account["id"])["url"]
        self.reset()
        results = Volley(url, 20).send().results()
        self.assertEqual(codes(results), {"needs_reauth": 20})
        self.assertEqual(self.stats()["requests"], 1)


class TestLogins(TokenCase):
    flags = ("--server.workers", "2")

    def test_a_token_that_has_ended_is_asked_for_once(self):
        for _ in range(2):  # of two accounts at least one has its home elsewhere than its calls
            _, url = self.stale_account()
            results = Volley(url, 40).send().results()
            self.assertEqual(codes(results), {"ok": 40})
            self.assertEqual(self.asked(), 1)
            self.assertLessEqual(self.stats()["in_flight_peak"], 5)
            self.reset()


class TestTheWayBack(WorkerCase):
    """Each of these takes a path of its own through both loops: many connections, both arrive."""

    def test_streams_tell_progress_on_every_connection(self):
        _, url = self.fresh(governor=dict(LONG_LINE, ceiling=10))
        self.latency(300)
        path = urllib.parse.urlsplit(url).path
        body, headers = message("tools/call", {"name": CUSTOMERS, "arguments": {"limit": 1}},
                                token="t1")
        headers["Accept"] = "text/event-stream, application/json"
        ends = []

        def one():
            _, fields, raw = exchange(self.stand.base, "POST", path, body, headers)
            ends.append((fields["content-type"].split(";")[0], raw.count(b"notifications/progress"),
                         raw.count(b'"result"')))
        threads = [threading.Thread(target=one) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({end[0] for end in ends}, {"text/event-stream"})
        self.assertTrue(all(end[1] >= 1 and end[2] == 1 for end in ends), ends)

    def test_who_leaves_gives_up_its_place(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=1))
        self.hold()
        held = Volley(url, 1).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        leaving = Volley(url, 16).send()
        self.until_queued(account, 16)
        leaving.hang_up()
        self.until_queued(account, 0)
        self.release()
        self.assertEqual(codes(held.results()), {"ok": 1})
        self.assertEqual(self.stats()["requests"], 1)

    def test_a_legacy_cancel_finds_its_call_whatever_way_it_comes(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=1))
        self.hold()
        held = Volley(url, 1).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        waiting = Volley(url, 8, era="legacy", first_id=100).send()
        self.until_queued(account, 8)
        for n in range(8):
            body, headers = message("notifications/cancelled", {"requestId": 100 + n},
                                    era="legacy")
            body.pop("id", None)
            status, _, _ = exchange(self.stand.base, "POST", urllib.parse.urlsplit(url).path,
                                    body, headers)
            self.assertEqual(status, 202)
        self.until_queued(account, 0)
        waiting.hang_up()
        self.release()
        held.results()
        self.assertEqual(self.stats()["requests"], 1)

    def test_a_revoked_url_ends_what_waits_on_both(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=1))
        server = self.stand.admin("GET", self.at(account, "/mcp"))["data"][0]
        self.hold()
        held = Volley(url, 1).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        waiting = Volley(url, 16).send()
        self.until_queued(account, 16)
        self.stand.admin("DELETE", self.at(account, "/mcp/" + server["id"]))
        self.assertEqual([s for s, _, _ in waiting.raw_results()], [401] * 16)
        for _ in range(8):
            self.assertEqual(self.stand.rpc(url, "tools/list")[0], 401)
        self.release()
        held.raw_results()

    def test_an_account_that_is_deleted_ends_its_calls(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=2))
        self.hold()
        volley = Volley(url, 16).send()
        self.until_queued(account, 14)
        self.stand.admin("DELETE", self.at(account))
        self.assertEqual([s for s, _, _ in volley.raw_results()], [401] * 16)
        self.release()
        wait_until(lambda: self.stats()["in_flight"] == 0, "the ERP to be done")


class TestAllTogether(WorkerCase):
    def test_lanes_metrics_and_audit_lines_are_whole(self):
        made = [self.fresh() for _ in range(8)]
        start = os.path.getsize(self.stand.log_path)
        before = self.calls_counted()
        volleys = [Volley(url, 20).send() for _, url in made]
        for volley in volleys:
            self.assertEqual(codes(volley.results()), {"ok": 20})
        for _ in range(4):
            lanes = [lane["id"] for lane in self.stand.admin("GET", "/lanes")["data"]]
            self.assertEqual(lanes, sorted(set(lanes)))
            self.assertLessEqual({account["lane"] for account, _ in made}, set(lanes))
        self.assertEqual(self.calls_counted() - before, 160)
        lines = [e for e in self.stand.events(start) if e["event"] == "tool_call"]
        self.assertEqual(len(lines), 160)
        self.assertEqual(len({e["request_id"] for e in lines}), 160)

    def calls_counted(self):
        _, _, raw = exchange(self.stand.base, "GET", "/metrics")
        text = raw.decode()
        families = re.findall(r"^# TYPE (\S+)", text, re.M)
        self.assertEqual(len(families), len(set(families)))
        return int(re.search(r'^sluice_tool_calls_total\{outcome="ok"\} (\d+)$', text, re.M)[1])

    def test_lanes_are_shown_before_anybody_calls(self):
        made = [self.fresh(verify=False)[0] for _ in range(6)]
        listed = {lane["id"]: lane for lane in self.stand.admin("GET", "/lanes")["data"]}
        for account in made:
            lane = "unproven:" + account["id"]
            for _ in range(4):  # whichever worker is asked
                self.assertEqual(self.stand.admin("GET", "/lanes/" + lane), dict(
                    listed[lane], reserve=[], queue=[]))
        for n in range(8):  # the place of the newest is taken anew
            account = made.pop()
            self.stand.admin("DELETE", self.at(account))
            self.assertEqual(self.stand.api("GET", "/lanes/unproven:" + account["id"])[0], 404)
            made.append(self.fresh(verify=False)[0])
            lanes = {lane["id"] for lane in self.stand.admin("GET", "/lanes")["data"]}
            self.assertLessEqual({"unproven:" + account["id"] for account in made}, lanes)
            self.assertNotIn("unproven:" + account["id"], lanes)

    def test_every_worker_serves_and_says_it_is_ready(self):
        for _ in range(16):
            self.assertEqual(exchange(self.stand.base, "GET", "/readyz")[0], 200)
        database = os.path.join(self.stand.data_dir, "sluice.db")
        os.rename(database, database + ".away")
        self.assertEqual(exchange(self.stand.base, "GET", "/readyz")[::2],
                         (503, b'{"ready":false,"cause":"store"}'))
        os.rename(database + ".away", database)
        self.assertEqual(exchange(self.stand.base, "GET", "/readyz")[::2],
                         (200, b'{"ready":true}'))
        self.assertEqual(exchange(self.stand.base, "HEAD", "/readyz")[::2], (200, b""))
        self.assertEqual(exchange(self.stand.base, "POST", "/readyz", {})[0], 405)
        status, reply = self.stand.api("GET", "/lanes", token="slt_" + "0" * 64)
        self.assertEqual((status, reply["error"]["code"]), (401, "unauthorized"))
        status, _ = self.stand.api("GET", "/lanes/nobody%20has")
        self.assertEqual(status, 404)

    def test_a_ceiling_that_is_changed_holds_at_home(self):
        account, url = self.fresh(governor=LONG_LINE)
        lane = "/lanes/" + urllib.parse.quote(account["lane"], safe="")
        for ceiling in (2, 4):
            self.stand.admin("PATCH", lane, {"ceiling": ceiling})
            self.assertEqual(self.stand.admin("GET", lane)["effective"], ceiling)
            self.hold()
            self.reset()
            volley = Volley(url, 32).send()
            wait_until(lambda: self.stats()["in_flight"] == ceiling, "a full lane")
            self.release(50)
            self.assertEqual(codes(volley.results()), {"ok": 32})
            self.assertEqual(self.stats()["in_flight_peak"], ceiling)


class TestHomes(WorkerCase):
    def test_lanes_whose_names_differ_at_the_end_live_in_both(self):
        made = [self.fresh(tenant="row", governor=LONG_LINE) for _ in range(8)]
        self.assertEqual({account["lane"] for account, _ in made},
                         {"netsuite:FLOW%d" % n for n in range(1, 9)})
        # One call at once for the tenant is the first worker's; the second has no part of it.
        self.stand.admin("PATCH", "/tenant/row", {"governor": {"ceiling": 1}})
        ends = codes([self.stand.tool(url, CUSTOMERS, {"limit": 1}) for _, url in made])
        self.assertEqual(set(ends), {"ok", "account_busy"})
        self.assertGreaterEqual(min(ends.values()), 2, ends)


class TestTheEnd(WorkerCase):
    @classmethod
    def expected_codes(cls, name):
        return (0, -9) if name == "server" else (0,)

    def test_what_was_answered_outlives_a_kill(self):
        made = [self.fresh() for _ in range(4)]
        self.hold()
        volleys = [Volley(url, 8).send() for _, url in made]
        wait_until(lambda: self.stats()["in_flight"] == 4 * 5, "calls at the mock")
        self.stand.process("server").kill()
        self.stand.process("server").wait()
        for volley in volleys:
            volley.hang_up()
        self.release()
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.stand.start_server()
        self.reset()
        for account, url in made:
            again = self.stand.base + urllib.parse.urlsplit(url).path
            self.assertEqual(codes(Volley(again, 8).send().results()), {"ok": 8})
            self.assertEqual(self.lane(account)["in_flight"], 0)
        self.assertLessEqual(self.stats()["in_flight_peak"], 4 * 5)

    def test_what_runs_is_answered_before_it_ends(self):
        _, url = self.fresh(governor=dict(LONG_LINE, ceiling=8))
        self.hold()
        volley = Volley(url, 16).send()
        wait_until(lambda: self.stats()["in_flight"] == 8, "eight at the mock")
        process = self.stand.process("server")
        process.terminate()
        wait_until(lambda: "draining" in [e["event"] for e in self.stand.events()], "draining")
        self.release()
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(codes(volley.results()), {"ok": 16})
        words = [e["event"] for e in self.stand.events()]
        self.assertEqual(words.count("drained"), 1)
        self.stand.start_server()
        self.assertEqual(self.stand.rpc(self.stand.base + urllib.parse.urlsplit(url).path,
                                        "tools/list")[0], 200)


if __name__ == "__main__":
    main()
