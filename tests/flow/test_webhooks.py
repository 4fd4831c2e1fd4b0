# SPDX-License-Identifier: Apache-2.0
"""Webhooks against a receiver of our own: signed, stored before they leave, tried again."""
import calendar
import json
import os
import re
import sqlite3
import time
import unittest

from flow import BIN, TODAY, FlowCase, Stand, Volley, codes, exchange, main, wait_until
from receiver import Receiver, sign

HOUR = 3600 * 1000
CUSTOMERS = "list_all_netsuite_customers"


class WebhookCase(FlowCase):
    def receiver(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        return receiver

    def endpoint(self, url, events=("*",), **more):
        made = self.stand.admin("POST", "/webhook-endpoint",
                                dict({"url": url, "events": list(events)}, **more))
        self.addCleanup(self.stand.api, "DELETE", "/webhook-endpoint/" + made["id"])
        return made

    def deliveries(self, endpoint):
        return self.stand.admin("GET", "/webhook-endpoint/%s/deliveries" %
                                endpoint["id"])["data"]

    def send_test(self, endpoint):
        return self.stand.admin("POST", "/webhook-endpoint/%s/test" % endpoint["id"])["event_id"]

    def check(self, endpoint, delivery):
        """Signed, in the form that is promised; the parsed body."""
        fields, body = delivery
        self.assertEqual(fields["webhook-signature"], sign(endpoint["secret"], fields, body))
        self.assertLess(abs(time.time() - int(fields["webhook-timestamp"])), 60)
        self.assertEqual(fields["content-type"], "application/json")
        event = json.loads(body)
        self.assertEqual(set(event), {"type", "timestamp", "data"})
        return event


class TestEndpoints(WebhookCase):
    def test_a_secret_is_shown_once(self):
        receiver = self.receiver()
        made = self.endpoint(receiver.url, ["account.connected", "mcp_server.expired"])
        self.assertRegex(made["secret"], r"^whsec_[A-Za-z0-9+/]{43}=$")
        self.assertRegex(made["id"], r"^whe_[a-z2-7]{26}$")
        shown = self.stand.admin("GET", "/webhook-endpoint/" + made["id"])
        self.assertNotIn("secret", shown)
        self.assertEqual(shown, {k: v for k, v in made.items() if k != "secret"})
        self.assertEqual(shown["events"], ["account.connected", "mcp_server.expired"])
        self.assertEqual(shown["state"], "active")
        listed = self.stand.admin("GET", "/webhook-endpoint")["data"]
        self.assertEqual([e for e in listed if e["id"] == made["id"]], [shown])
        self.assertEqual(self.stand.api("DELETE", "/webhook-endpoint/" + made["id"])[0], 204)
        self.assertEqual(self.stand.api("GET", "/webhook-endpoint/" + made["id"])[0], 404)

    def refused(self, body, pointer):
        status, reply = self.stand.api("POST", "/webhook-endpoint", body)
        self.assertEqual(status, 422, reply)
        self.assertEqual(reply["error"]["details"][0]["pointer"], pointer, reply)

    def test_what_is_no_endpoint_is_refused(self):
        good = "https://example.com/hook"
        for url in ("ftp://example.com/", "http://example.com/", "example.com", "", 7,
                    "https://user:word@example.com/", "https://10.1.2.3/x",
                    "https://169.254.169.254/latest", "https://[::1]/", "https://127.0.0.2/",
                    "https://example.com/" + "x" * 2048):
            self.refused({"url": url, "events": ["*"]}, "/url")
        for events in ([], "*", None, {}):
            self.refused({"url": good, "events": events}, "/events")
        self.refused({"url": good, "events": ["account.connected", "account.gone"]}, "/events/1")
        self.refused({"url": good, "events": [3]}, "/events/0")
        self.refused({"url": good, "events": ["*"], "secret": "x"}, "/secret")
        self.refused({"url": good, "events": ["*"], "tenant_id": "a b"}, "/tenant_id")

    def test_only_an_admin_has_endpoints(self):
        for role in ("tenant", "call"):
            token = self.stand.admin("POST", "/api-token", {
                "name": "t", "role": role, "tenant_id": "demo"})["token"]
            status, reply = self.stand.api("POST", "/webhook-endpoint", {
                "url": "https://example.com/", "events": ["*"]}, token=token)
            self.assertEqual((status, reply["error"]["code"]), (403, "forbidden"))

    def test_there_is_a_ceiling(self):
        made = []
        try:
            while len(made) < 100:
                status, reply = self.stand.api("POST", "/webhook-endpoint", {
                    "url": "https://example.com/", "events": ["*"]})
                if status != 201:
                    break
                made.append(reply["id"])
            self.assertEqual(len(made), 64)
            self.assertEqual((status, reply["error"]["code"]), (409, "conflict"))
        finally:
            for one in made:
                self.stand.admin("DELETE", "/webhook-endpoint/" + one)

    def test_the_command_line_has_them_too(self):
        receiver = self.receiver()
        env = {"SLUICE_URL": self.stand.base, "SLUICE_TOKEN": self.stand.admin_token}
        made = json.loads(self.stand.sluice("webhook", "create", "--to", receiver.url,
                                            "--events", "account.connected,account.disabled",
                                            env=env))
        self.assertTrue(made["secret"].startswith("whsec_"))
        listed = json.loads(self.stand.sluice("webhook", "list", env=env))["data"]
        self.assertIn(made["id"], [e["id"] for e in listed])
        self.stand.sluice("webhook", "test", made["id"], env=env)
        wait_until(lambda: receiver.got, "the test event")
        wait_until(lambda: json.loads(self.stand.sluice(
            "webhook", "deliveries", made["id"], env=env))["data"][0]["outcome"] == "delivered",
            "its line in the log")
        self.stand.sluice("webhook", "delete", made["id"], env=env)


class TestEvents(WebhookCase):
    def test_an_account_that_is_connected_and_switched_off_is_told(self):
        receiver = self.receiver()
        endpoint = self.endpoint(receiver.url)
        account, url = self.fresh()
        wait_until(lambda: receiver.of("account.connected", account["id"]), "account.connected")
        path = "/integrated-account/" + account["id"]
        off = self.stand.admin("PATCH", path, {"state": "disabled"})
        self.assertEqual(off["state"], "disabled")
        wait_until(lambda: receiver.of("account.disabled", account["id"]), "account.disabled")
        self.assertEqual(self.error(self.stand.tool(url, CUSTOMERS)[2])["code"], "policy_denied")
        self.stand.admin("PATCH", path, {"state": "disabled"})
        self.stand.admin("PATCH", path, {"name": "still off"})
        self.assertEqual(self.stand.admin("GET", path)["state"], "disabled")
        self.assertEqual(self.stand.admin("PATCH", path, {"state": "active"})["state"], "active")
        self.data(self.stand.tool(url, CUSTOMERS, {"limit": 1})[2])
        self.assertEqual(self.stand.api("PATCH", path, {"state": "asleep"})[0], 422)
        mine = [(f, b) for f, b in receiver.got
                if json.loads(b)["data"]["account_id"] == account["id"]]
        seen = [self.check(endpoint, delivery) for delivery in mine]
        self.assertEqual([e["type"] for e in seen], ["account.connected", "account.disabled"])
        self.assertEqual(seen[0]["data"], {"account_id": account["id"], "tenant_id": "demo",
                                           "integration": "netsuite", "state": "active",
                                           "cause": None})
        self.assertEqual(seen[1]["data"]["state"], "disabled")
        self.assertEqual(len({f["webhook-id"] for f, _ in mine}), 2)

    def test_an_account_that_is_off_lets_nothing_through(self):
        account, url = self.fresh(governor={"ceiling": 1, "queue_wait_ms": 60000})
        path = "/integrated-account/" + account["id"]
        self.data(self.stand.tool(url, CUSTOMERS, {"limit": 1})[2])
        self.hold()
        volley = Volley(url, 3).send()
        wait_until(lambda: self.lane(account)["queued"] == 2, "two in line")
        self.stand.admin("PATCH", path, {"state": "disabled"})
        wait_until(lambda: self.lane(account)["queued"] == 0, "an empty line")
        self.release()
        counted = codes(volley.results())
        self.assertEqual(counted["policy_denied"], 2, counted)
        good = self.stand.netsuite_account(credentials=self.upstream())["auth"]
        changed = self.stand.admin("PATCH", path, {"auth": good})
        self.assertEqual(changed["state"], "disabled")
        self.assertEqual(codes(Volley(url, 2).send().results()), {"policy_denied": 2})
        self.assertEqual(self.stand.rpc(url, "tools/list")[0], 200)

    def test_a_refused_login_is_not_mended_by_a_word(self):
        body = self.stand.netsuite_account(credentials=self.upstream())
        body["auth"] = dict(body["auth"], token_secret="wrong")
        account = self.stand.admin("POST", "/integrated-account?verify=false", body)
        url = self.stand.mint(account["id"])["url"]
        self.error(self.stand.tool(url, CUSTOMERS)[2])
        path = "/integrated-account/" + account["id"]
        wait_until(lambda: self.stand.admin("GET", path)["state"] == "needs_reauth", "its state")
        status, reply = self.stand.api("PATCH", path, {"state": "active"})
        self.assertEqual((status, reply["error"]["details"][0]["pointer"]), (422, "/state"))
        self.stand.admin("PATCH", path, {"state": "disabled"})
        self.assertEqual(self.error(self.stand.tool(url, CUSTOMERS)[2])["code"], "policy_denied")

    def test_a_login_that_is_refused_and_works_again_is_told(self):
        receiver = self.receiver()
        endpoint = self.endpoint(receiver.url, ["account.needs_reauth", "account.connected"])
        credentials = self.upstream()
        body = self.stand.netsuite_account(credentials=credentials)
        good = dict(body["auth"])
        body["auth"] = dict(good, token_secret="wrong")
        account = self.stand.admin("POST", "/integrated-account?verify=false", body)
        url = self.stand.mint(account["id"])["url"]
        self.assertEqual(self.error(self.stand.tool(url, CUSTOMERS)[2])["code"], "needs_reauth")
        wait_until(lambda: receiver.of("account.needs_reauth", account["id"]), "needs_reauth")
        self.stand.admin("PATCH", "/integrated-account/" + account["id"], {"auth": good})
        self.assertEqual(receiver.of("account.connected", account["id"]), [])
        self.data(self.stand.tool(url, CUSTOMERS, {"limit": 1})[2])
        wait_until(lambda: receiver.of("account.connected", account["id"]), "account.connected")
        first = self.check(endpoint, receiver.got[0])
        self.assertEqual((first["data"]["state"], first["data"]["cause"]),
                         ("needs_reauth", "login_refused"))
        self.assertEqual(len(receiver.got), 2)

    def test_a_tenants_endpoint_hears_of_its_own_accounts(self):
        mine, other = self.receiver(), self.receiver()
        self.endpoint(mine.url, tenant_id="demo")
        self.endpoint(other.url, tenant_id="another")
        account, _ = self.fresh()
        self.fresh(tenant="another")
        wait_until(lambda: mine.got and other.got, "an event each")
        self.assertEqual([e["data"]["tenant_id"] for e in mine.events()], ["demo"])
        self.assertEqual([e["data"]["tenant_id"] for e in other.events()], ["another"])

    def test_a_rotated_secret_overlaps(self):
        receiver = self.receiver()
        old = self.endpoint(receiver.url)
        new = self.stand.admin("POST", "/webhook-endpoint/%s/rotate-secret" % old["id"],
                               {"overlap_seconds": 600})
        self.assertNotEqual(old["secret"], new["secret"])
        self.assertIsNotNone(new["old_secret_expires_at"])
        self.send_test(old)
        wait_until(lambda: len(receiver.got) == 1, "the event")
        fields, body = receiver.got[0]
        self.assertEqual(fields["webhook-signature"].split(" "),
                         [sign(new["secret"], fields, body), sign(old["secret"], fields, body)])
        last = self.stand.admin("POST", "/webhook-endpoint/%s/rotate-secret" % old["id"])
        self.send_test(old)
        wait_until(lambda: len(receiver.got) == 2, "the event")
        fields, body = receiver.got[1]
        self.assertEqual(fields["webhook-signature"], sign(last["secret"], fields, body))


class TestDelivery(WebhookCase):
    def log_lines(self, event):
        return [e for e in self.stand.events()
                if e["event"] == "webhook_attempt" and e["event_id"] == event]

    def test_what_fails_is_sent_again_with_the_same_id(self):
        receiver = self.receiver()
        receiver.answers = [500]
        endpoint = self.endpoint(receiver.url + "?key=HIDDEN")
        event = self.send_test(endpoint)
        wait_until(lambda: self.deliveries(endpoint)[0]["attempts"] == 1, "the first attempt")
        line = self.deliveries(endpoint)[0]
        self.assertEqual((line["event_id"], line["type"], line["outcome"], line["http_status"]),
                         (event, "webhook.test", "pending", 500))
        self.assertIsNotNone(line["next_attempt_at"])
        wait_until(lambda: len(receiver.got) == 2, "the second attempt")
        (one, first), (two, second) = receiver.got
        self.assertEqual((one["webhook-id"], first), (two["webhook-id"], second))
        self.assertEqual(one["webhook-id"], event)
        self.check(endpoint, receiver.got[1])
        self.assertGreaterEqual(int(two["webhook-timestamp"]) - int(one["webhook-timestamp"]), 4)
        wait_until(lambda: self.deliveries(endpoint)[0]["outcome"] == "delivered", "the end")
        line = self.deliveries(endpoint)[0]
        self.assertEqual((line["attempts"], line["http_status"], line["next_attempt_at"]),
                         (2, 204, None))
        self.assertNotIn("body", line)
        wait_until(lambda: len(self.log_lines(event)) == 2, "the log")
        metrics = exchange(self.stand.base, "GET", "/metrics")[2].decode()
        for outcome in ("delivered", "pending"):
            line = re.search(r'sluice_webhook_attempts_total\{outcome="%s"\} (\d+)' % outcome,
                             metrics)
            self.assertGreaterEqual(int(line.group(1)), 1)
        with open(self.stand.log_path) as log:
            text = log.read()
        self.assertNotIn("HIDDEN", text)
        self.assertNotIn(endpoint["secret"].removeprefix("whsec_"), text)

    def test_an_endpoint_that_is_gone_is_switched_off(self):
        receiver = self.receiver()
        receiver.answers = [410]
        endpoint = self.endpoint(receiver.url)
        self.send_test(endpoint)
        path = "/webhook-endpoint/" + endpoint["id"]
        wait_until(lambda: self.stand.admin("GET", path)["state"] == "disabled", "the end of it")
        self.assertEqual(self.stand.admin("GET", path)["cause"], "gone")
        self.assertEqual(self.deliveries(endpoint)[0]["outcome"], "dropped")
        self.assertEqual(self.stand.api("POST", path + "/test")[0], 409)
        self.assertEqual(len(receiver.got), 1)
        back = self.stand.admin("PATCH", path, {"state": "active"})
        self.assertEqual((back["state"], back["cause"]), ("active", None))
        self.send_test(endpoint)
        wait_until(lambda: len(receiver.got) == 2, "what came after that")
        self.check(endpoint, receiver.got[1])
        self.assertEqual([d["outcome"] for d in self.deliveries(endpoint)][1:], ["dropped"])

    def test_an_endpoint_is_switched_off_and_on(self):
        receiver = self.receiver()
        receiver.gate.clear()
        endpoint = self.endpoint(receiver.url)
        path = "/webhook-endpoint/" + endpoint["id"]
        for _ in range(4):
            self.send_test(endpoint)
        wait_until(lambda: len(receiver.got) == 2, "its places taken")
        off = self.stand.admin("PATCH", path, {"state": "disabled"})
        self.assertEqual((off["state"], off["cause"]), ("disabled", "operator"))
        receiver.gate.set()
        env = {"SLUICE_URL": self.stand.base, "SLUICE_TOKEN": self.stand.admin_token}
        on = json.loads(self.stand.sluice("webhook", "enable", endpoint["id"], env=env))
        self.assertEqual((on["state"], on["cause"]), ("active", None))
        last = self.send_test(endpoint)
        wait_until(lambda: any(f["webhook-id"] == last for f, _ in receiver.got), "the last one")
        self.assertEqual(len(receiver.got), 3)  # what was waiting was dropped
        off = json.loads(self.stand.sluice("webhook", "disable", endpoint["id"], env=env))
        self.assertEqual(off["state"], "disabled")
        for body, code in (({"state": "asleep"}, 422), ({"url": receiver.url}, 422), ({}, 422)):
            self.assertEqual(self.stand.api("PATCH", path, body)[0], code)
        self.assertEqual(self.stand.api("PATCH", path + "x", {"state": "active"})[0], 404)

    def test_a_receiver_that_asks_for_a_pause_gets_it(self):
        receiver = self.receiver()
        receiver.answers, receiver.headers = [429], {"Retry-After": "600"}
        endpoint = self.endpoint(receiver.url)
        path = "/webhook-endpoint/" + endpoint["id"]
        began = time.time()
        self.send_test(endpoint)
        wait_until(lambda: self.deliveries(endpoint)[0]["attempts"] == 1, "the attempt")
        until = self.stand.admin("GET", path)["paused_until"]
        self.assertEqual(self.deliveries(endpoint)[0]["next_attempt_at"], until)
        waits = calendar.timegm(time.strptime(until[:19], "%Y-%m-%dT%H:%M:%S")) - began
        self.assertTrue(590 < waits < 660, waits)
        other = self.receiver()
        bystander = self.endpoint(other.url)
        self.send_test(endpoint)  # is due at once, and waits for the pause to end
        self.send_test(bystander)
        wait_until(lambda: self.deliveries(bystander)[0]["outcome"] == "delivered", "another's")
        self.assertEqual(len(receiver.got), 1)
        self.assertEqual(self.deliveries(endpoint)[0]["attempts"], 0)
        self.stand.admin("PATCH", path, {"state": "disabled"})
        self.assertIsNone(self.stand.admin("PATCH", path, {"state": "active"})["paused_until"])
        self.send_test(endpoint)
        wait_until(lambda: len(receiver.got) == 2, "one that waits no more")

    def test_a_redirect_is_not_followed(self):
        receiver = self.receiver()
        receiver.answers = [302]
        receiver.headers = {"Location": "/elsewhere"}
        endpoint = self.endpoint(receiver.url)
        self.send_test(endpoint)
        wait_until(lambda: self.deliveries(endpoint)[0]["attempts"] == 1, "the attempt")
        self.assertEqual(self.deliveries(endpoint)[0]["http_status"], 302)
        self.assertEqual([f[":path"] for f, _ in receiver.got], ["/hook"])

    def test_a_slow_endpoint_holds_up_nobody_else(self):
        slow, quick = self.receiver(), self.receiver()
        slow.gate.clear()
        one, two = self.endpoint(slow.url), self.endpoint(quick.url)
        for _ in range(20):
            self.send_test(one)
        wait_until(lambda: len(slow.got) >= 2, "the slow one has its places taken")
        began = time.monotonic()
        for _ in range(20):
            self.send_test(two)
        wait_until(lambda: len(quick.got) == 20, "the quick one")
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(len(slow.got), 2)
        slow.gate.set()
        wait_until(lambda: len({f["webhook-id"] for f, _ in slow.got}) == 20, "all the others")

    def test_no_answer_is_tried_again(self):
        receiver = self.receiver()
        receiver.gate.clear()
        endpoint = self.endpoint(receiver.url)
        self.send_test(endpoint)
        wait_until(lambda: self.deliveries(endpoint)[0]["attempts"] == 1, "the time-out")
        line = self.deliveries(endpoint)[0]
        self.assertIsNone(line["http_status"])
        self.assertGreaterEqual(line["duration_ms"], 14000)
        self.assertLess(line["duration_ms"], 20000)
        receiver.gate.set()
        wait_until(lambda: self.deliveries(endpoint)[0]["outcome"] == "delivered", "the second")


class TestAlone(unittest.TestCase):
    """Tests that start and stop a server of their own."""

    def setUp(self):
        self.stand, self.receiver = Stand(BIN), Receiver()
        self.addCleanup(self.stand.stop)
        self.addCleanup(self.receiver.close)

    def sql(self, text, *values):
        """Changes the database of a server that is stopped."""
        base = sqlite3.connect(os.path.join(self.stand.data_dir, "sluice.db"))
        base.execute(text, values)
        base.commit()
        base.close()

    def deliveries(self, endpoint):
        return self.stand.admin("GET", "/webhook-endpoint/%s/deliveries" %
                                endpoint["id"])["data"]

    def test_a_name_that_leads_to_a_private_address_is_not_called(self):
        self.stand.extra_flags += ["--net.allow_cidrs", "192.0.2.1/32",
                                   "--net.allow_plain_http_hosts", "localhost"]
        self.stand.start_server()
        url = self.receiver.url.replace("127.0.0.1", "localhost")
        made = self.stand.admin("POST", "/webhook-endpoint", {"url": url, "events": ["*"]})
        self.stand.admin("POST", "/webhook-endpoint/%s/test" % made["id"])
        wait_until(lambda: self.deliveries(made)[0]["attempts"] == 1, "the attempt")
        line = self.deliveries(made)[0]
        self.assertEqual((line["http_status"], line["outcome"]), (None, "pending"))
        self.assertEqual(line["reason"], "address")
        self.assertEqual(self.receiver.got, [])

    def test_what_ends_by_itself_is_told_once(self):
        stand, receiver = self.stand, self.receiver
        stand.start_mock("netsuite", "--today", TODAY)
        stand.start_server()
        made = stand.admin("POST", "/webhook-endpoint", {
            "url": receiver.url, "events": ["mcp_server.expired", "account.expiring"]})
        account = stand.connect_netsuite()
        server, other = stand.mint(account["id"]), stand.mint(account["id"])
        stand.end("server")
        now = int(time.time() * 1000)
        for table, column in (("server", "id"), ("url_token", "server"),
                              ("server_token", "server")):
            self.sql("UPDATE %s SET expires_ms = ? WHERE %s = ?" % (table, column),
                     now - 5000, server["id"])
        self.sql("INSERT INTO oauth_grant (account, version, access_ends_ms, grant_ends_ms,"
                 " lease_holder, lease_ends_ms) VALUES (?, 1, ?, ?, '', 0)", account["id"],
                 now + 40 * HOUR, now + 40 * HOUR)
        stand.start_server()
        wait_until(lambda: len(receiver.got) >= 2, "both events")
        expired = receiver.of("mcp_server.expired", account["id"])
        self.assertEqual([e["data"]["mcp_server_id"] for e in expired], [server["id"]])
        self.assertIn("expired_at", expired[0]["data"])
        self.assertEqual(len(receiver.of("account.expiring", account["id"])), 1)
        self.assertNotIn(server["url"].rsplit("/", 1)[1], repr(receiver.got))
        path = "/integrated-account/%s/mcp/" % account["id"]
        self.assertEqual(stand.api("GET", path + server["id"])[0], 404)
        self.assertEqual(stand.api("GET", path + other["id"])[0], 200)
        wait_until(lambda: all(d["outcome"] == "delivered" for d in self.deliveries(made)),
                   "the log")
        stand.end("server")
        self.sql("UPDATE oauth_grant SET grant_ends_ms = ? WHERE account = ?", now + 11 * HOUR,
                 account["id"])
        stand.start_server()
        wait_until(lambda: len(receiver.got) >= 3, "the second warning")
        stand.end("server")
        stand.start_server()
        stand.admin("POST", "/webhook-endpoint/%s/test" % made["id"])
        wait_until(lambda: receiver.of("webhook.test"), "what was stored last")
        ends = [e["data"]["expires_at"] for e in receiver.of("account.expiring")]
        self.assertEqual(len(ends), 2)
        self.assertLess(ends[1], ends[0])
        self.assertEqual(len(receiver.of("mcp_server.expired")), 1)
        fields, body = receiver.got[0]
        self.assertEqual(fields["webhook-signature"], sign(made["secret"], fields, body))

    def test_a_kill_between_commit_and_delivery_loses_nothing(self):
        stand, receiver = self.stand, self.receiver
        stand.start_mock("netsuite", "--today", TODAY)
        stand.start_server()
        receiver.gate.clear()
        stand.admin("POST", "/webhook-endpoint", {"url": receiver.url, "events": ["*"]})
        account = stand.connect_netsuite()
        for number in range(5):
            stand.connect_netsuite(name="n%d" % number)
        process = stand.process("server")
        process.kill()
        process.wait()
        before = len(receiver.got)
        self.assertLessEqual(before, 2)
        receiver.gate.set()
        stand.start_server()
        wait_until(lambda: len({f["webhook-id"] for f, _ in receiver.got[before:]}) == 6,
                   "all six, whatever had left before")
        self.assertEqual(len(receiver.of("account.connected", account["id"])[:1]), 1)
        self.assertEqual(stand.end("server"), 0)
        with open(os.path.join(stand.data_dir, "sluice.db"), "rb") as file:
            self.assertNotIn(b'{"type":"account', file.read())


if __name__ == "__main__":
    main()
