# SPDX-License-Identifier: Apache-2.0
"""GET /lanes/events: how lanes stand and what changes, while it happens, from one loop and two."""
import http.client
import json
import socket
import threading
import time
import urllib.parse

from flow import FlowCase, Volley, address, codes, connect, main, request_bytes, wait_until

TICK = 0.25  # seconds: a lane is told of at most once in that time
LONG_LINE = {"ceiling": 1, "queue_limit": 500, "queue_wait_ms": 60000}


class Watcher:
    """Reads a stream of events in a thread; `small`: its side of the connection takes little."""

    def __init__(self, base, token, query="", small=False, starts=True):
        if small:
            self.sock = socket.socket()
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            # Of large segments the server's side takes megabytes before anybody has to wait.
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            self.sock.settimeout(60)
            self.sock.connect(address(base))
        else:
            self.sock = connect(base)
        self.events, self.text, self.times = [], [], []
        self.is_over = False
        self.sock.sendall(request_bytes(base, "GET", "/lanes/events" + query,
                                        headers=[("Authorization", "Bearer " + token)]))
        self.thread = threading.Thread(target=self.read, daemon=True)
        if starts:
            self.thread.start()

    def read(self):
        reply = http.client.HTTPResponse(self.sock, method="GET")
        try:
            reply.begin()
            self.status, self.head = reply.status, dict(reply.getheaders())
            fields = {}
            for line in reply:
                self.text.append(line.decode())
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "event" in fields:
                    self.times.append(time.monotonic())
                    self.events.append((fields["event"], json.loads(fields["data"])))
                    fields = {}
        except (OSError, http.client.HTTPException):
            pass
        self.is_over = True

    def of(self, kind, lane=None):
        return [data for name, data in list(self.events)
                if name == kind and lane in (None, data.get("id"))]

    def last(self, lane):
        found = self.of("lane", lane)
        return found[-1] if found else {}

    def until(self, condition, what):
        return wait_until(condition, lambda: "%s; the last events: %s" % (what, self.events[-3:]))

    def until_ready(self, workers):
        self.until(lambda: len(self.of("ready")) == workers, "ready")
        return self

    def leave(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)  # closing waits for the thread's reader
        except OSError:
            pass  # the server was first
        self.sock.close()


class OneWorker(FlowCase):
    workers = 1

    def setUp(self):
        self.latency(0)

    def token(self, role="admin", tenant=None):
        body = {"name": "watch", "role": role}
        if tenant:
            body["tenant_id"] = tenant
        return self.stand.admin("POST", "/api-token", body)

    def watch(self, token=None, query="", **options):
        watcher = Watcher(self.stand.base, token or self.stand.admin_token, query, **options)
        self.addCleanup(watcher.leave)
        return watcher

    def patch(self, lane, body):
        self.stand.admin("PATCH", "/lanes/" + urllib.parse.quote(lane, safe=""), body)

    def test_it_begins_with_every_lane_and_says_when_it_has(self):
        made = [self.fresh(governor=LONG_LINE)[0] for _ in range(5)]
        watcher = self.watch().until_ready(self.workers)
        self.assertEqual(watcher.status, 200)
        self.assertTrue(watcher.head["Content-Type"].startswith("text/event-stream"))
        for account in made:
            lane = self.lane(account)
            self.assertEqual(watcher.last(account["lane"]), lane)  # as GET /lanes/{id} shows it
        ids = [lane["id"] for lane in self.stand.admin("GET", "/lanes")["data"]]
        self.assertEqual(sorted(lane["id"] for lane in watcher.of("lane")), ids)
        self.assertEqual(sorted(one["worker"] for one in watcher.of("ready")),
                         list(range(self.workers)))

    def test_what_is_under_way_and_in_line_is_seen(self):
        account, url = self.fresh(governor=LONG_LINE)
        server = self.stand.admin("GET", "/integrated-account/%s/mcp" % account["id"])["data"][0]
        watcher = self.watch().until_ready(self.workers)
        self.hold()
        volley = Volley(url, 4).send()
        sent = time.monotonic()
        watcher.until(lambda: watcher.last(account["lane"]).get("queued") == 3, "three in line")
        seen = watcher.last(account["lane"])
        self.assertEqual((seen["in_flight"], seen["effective"]), (1, 1))
        self.assertEqual(seen["queue"], [{"account": account["id"], "mcp_server": server["id"],
                                          "priority": "interactive", "waits_for": "slot",
                                          "queued": 3}])
        wait_until(lambda: time.monotonic() > sent + 1, "a wait that shows")
        self.release()
        self.assertEqual(codes(volley.results()), {"ok": 4})
        watcher.until(lambda: watcher.last(account["lane"])["granted"] >= 4 and
                      watcher.last(account["lane"])["in_flight"] == 0, "the end")
        seen = watcher.last(account["lane"])
        self.assertEqual((seen["queued"], seen["queue"]), (0, []))
        self.assertGreater(seen["wait_p99_ms"], 500)

    def test_the_operators_hand_and_a_refusal_of_the_erp_are_seen(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=4))
        watcher = self.watch().until_ready(self.workers)
        self.patch(account["lane"], {"ceiling": 2})
        watcher.until(lambda: watcher.last(account["lane"])["ceiling"] == 2, "the ceiling")
        one = "/lanes/" + urllib.parse.quote(account["lane"], safe="")
        for word, state in (("pause", "paused"), ("drain", "draining"), ("resume", "running")):
            self.stand.admin("POST", "%s/%s" % (one, word))
            watcher.until(lambda: watcher.last(account["lane"])["state"] == state, state)
        self.fault("status", status=429)
        self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        watcher.until(lambda: watcher.last(account["lane"])["refused_upstream"] == 1, "a refusal")
        self.assertTrue(any(lane["cause"] == "refused_by_erp"
                            for lane in watcher.of("lane", account["lane"])))

    def test_a_lane_that_changes_all_the_time_is_told_of_now_and_then(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=5))
        watcher = self.watch().until_ready(self.workers)
        first, began = len(watcher.of("lane", account["lane"])), time.monotonic()
        for _ in range(6):
            self.assertEqual(codes(Volley(url, 30).send().results()), {"ok": 30})
        took = time.monotonic() - began
        watcher.until(lambda: watcher.last(account["lane"])["granted"] >= 180 and
                      watcher.last(account["lane"])["in_flight"] == 0, "all calls")
        told = len(watcher.of("lane", account["lane"])) - first
        self.assertLessEqual(told, took / TICK + 3)

    def test_a_lane_that_is_gone_is_told(self):
        account, _ = self.fresh(governor=LONG_LINE)
        watcher = self.watch().until_ready(self.workers)
        self.stand.admin("DELETE", "/integrated-account/" + account["id"])
        watcher.until(lambda: watcher.of("gone", account["lane"]), "the end of the lane")

    def test_one_lane_alone(self):
        account, url = self.fresh(governor=LONG_LINE)
        other, other_url = self.fresh(governor=LONG_LINE)
        watcher = self.watch(query="?lane=" + urllib.parse.quote(account["lane"], safe=""))
        watcher.until_ready(self.workers)
        for one in (other_url, url):
            self.stand.tool(one, "list_all_netsuite_customers", {"limit": 1})
        watcher.until(lambda: watcher.last(account["lane"])["granted"] >= 1, "a call")
        self.assertEqual({lane["id"] for lane in watcher.of("lane")}, {account["lane"]})
        self.assertEqual(watcher.of("lane", other["lane"]), [])

    def test_a_tenant_sees_its_own_lanes_and_nothing_of_others(self):
        tenant = "tenant-%d" % self.workers
        account, url = self.fresh(tenant=tenant, governor=LONG_LINE)
        other, other_url = self.fresh(tenant="somebody", governor=LONG_LINE)
        watcher = self.watch(self.token("tenant", tenant)["token"]).until_ready(self.workers)
        everything = self.watch().until_ready(self.workers)
        self.stand.tool(other_url, "list_all_netsuite_customers", {"limit": 1})
        self.stand.admin("DELETE", "/integrated-account/" + other["id"])
        everything.until(lambda: everything.of("gone", other["lane"]), "the other's end")
        self.hold()
        volley = Volley(url, 2).send()
        watcher.until(lambda: watcher.last(account["lane"]).get("queued") == 1, "one in line")
        self.release()
        volley.results()
        self.assertEqual({lane["id"] for lane in watcher.of("lane")}, {account["lane"]})
        self.assertEqual(watcher.of("gone"), [])
        self.assertNotIn("wait_p99_ms", watcher.last(account["lane"]))  # of the whole lane
        self.assertNotIn(other["lane"], "".join(watcher.text))

    def test_two_tenants_on_one_erp_account_do_not_see_each_other_call(self):
        credentials = self.upstream()
        urls, tenants = [], ["shared-a", "shared-b"]
        for tenant in tenants:
            account = self.stand.admin("POST", "/integrated-account", self.stand.netsuite_account(
                tenant=tenant, credentials=credentials, governor=LONG_LINE))
            urls.append(self.stand.mint(account["id"])["url"])
        marker, _ = self.fresh(tenant=tenants[0], governor=LONG_LINE)
        watcher = self.watch(self.token("tenant", tenants[0])["token"]).until_ready(self.workers)
        everything = self.watch().until_ready(self.workers)
        before = len(everything.of("lane", account["lane"])), len(watcher.of("lane"))
        self.stand.tool(urls[1], "list_all_netsuite_customers", {"limit": 1})
        everything.until(lambda: len(everything.of("lane", account["lane"])) > before[0], "a call")
        self.stand.tool(urls[0], "list_all_netsuite_customers", {"limit": 1})
        everything.until(lambda: everything.last(account["lane"])["granted"] >= 2 and
                         everything.last(account["lane"])["in_flight"] == 0, "two calls")
        for ceiling in (2, 3):  # the second is held back for a tick; so long was what came before it
            self.patch(marker["lane"], {"ceiling": ceiling})
            watcher.until(lambda: watcher.last(marker["lane"])["ceiling"] == ceiling, "the marker")
        told = [lane for lane in watcher.of("lane")[before[1]:] if lane["id"] != marker["lane"]]
        for lane in told:
            self.assertEqual((lane["id"], lane["accounts"]), (account["lane"], 1))
        self.assertLessEqual(len(told), 2)  # its own call, no other

    def test_it_ends_with_its_token(self):
        made = self.token()
        watcher = self.watch(made["token"]).until_ready(self.workers)
        self.stand.admin("DELETE", "/api-token/" + made["id"])
        watcher.until(lambda: watcher.is_over, "the end")
        self.assertEqual(watcher.of("end")[0], {"reason": "unauthorized"})

    def test_who_may_not_read_lanes_may_not_watch_them(self):
        status, _ = self.stand.api("GET", "/lanes/events", token="slt_" + "0" * 64)
        self.assertEqual(status, 401)
        caller = self.token("call", "demo")["token"]
        self.assertEqual(self.stand.api("GET", "/lanes/events", token=caller)[0], 403)
        status, reply = self.stand.api("POST", "/lanes/events", {})
        self.assertEqual((status, reply["error"]["code"]), (405, "method_not_allowed"))

    def test_streams_have_a_ceiling_and_leave_others_theirs(self):
        token = self.token("tenant", "many")["token"]
        open_ones = [self.watch(token).until_ready(self.workers) for _ in range(4)]
        status, reply = self.stand.api("GET", "/lanes/events", token=token)
        self.assertEqual((status, reply["error"]["code"]), (503, "unavailable"))
        self.assertIn("4 of a tenant", reply["error"]["message"])
        self.watch().until_ready(self.workers)
        open_ones[0].leave()

        def again():
            watcher = self.watch(token)
            wait_until(lambda: watcher.is_over or watcher.of("ready"), "an answer")
            return watcher.status == 200
        wait_until(again, "the place that was left")

    def test_a_reader_that_stands_still_gets_the_state_not_what_it_missed(self):
        for n in range(1200):
            self.stand.admin(
                "POST", "/integrated-account?verify=false", self.stand.netsuite_account(
                    tenant="crowd", credentials={
                        "account_id": "STILL%d" % n, "consumer_key": "k", "consumer_secret": "s",
                        "token_id": "t", "token_secret": "u"}))
        lanes = [lane["id"] for lane in self.stand.admin("GET", "/lanes")["data"]]
        self.assertGreater(len(lanes), 1000)  # more than a socket takes of them
        some = lanes[:40]
        still = self.watch(small=True, starts=False)
        quick = self.watch().until_ready(self.workers)
        for ceiling in range(1, 41):  # each a change that the one who stands still misses
            for lane in some:
                self.patch(lane, {"ceiling": ceiling})
        quick.until(lambda: all(quick.last(lane).get("ceiling") == 40 for lane in some),
                    "the last ceiling")
        still.thread.start()
        still.until_ready(self.workers)
        still.until(lambda: all(still.last(lane).get("ceiling") == 40 for lane in some),
                    "the last ceiling, late")
        self.assertEqual({lane["id"] for lane in still.of("lane")}, set(lanes))
        self.assertLess(sum(map(len, still.text)), sum(map(len, quick.text)) + 3 * 1200 * 500)
        self.assertEqual(still.of("end"), [])


class TwoWorkers(OneWorker):
    workers = 2
    flags = ("--server.workers", "2")


class Drain:
    def test_a_server_that_stops_says_so(self):
        token = self.stand.admin_token
        watcher = Watcher(self.stand.base, token).until_ready(self.workers)
        began = time.monotonic()
        self.assertEqual(self.stand.end("server"), 0)
        watcher.until(lambda: watcher.is_over, "the end")
        self.assertEqual(watcher.of("end")[0], {"reason": "draining"})
        self.assertLess(time.monotonic() - began, 20)  # it did not wait for its readers
        watcher.leave()


class DrainOne(Drain, FlowCase):
    workers = 1


class DrainTwo(Drain, FlowCase):
    workers = 2
    flags = ("--server.workers", "2")


if __name__ == "__main__":
    main()
