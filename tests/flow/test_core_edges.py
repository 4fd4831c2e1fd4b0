# SPDX-License-Identifier: Apache-2.0
"""Where two things happen at once: an account changes while its calls run, a server stops while
calls wait, a caller says what nobody should say."""
import json
import os
import signal
import time
import urllib.parse

from flow import (FlowCase, Volley, call_bytes, codes, connect, exchange, main, message,
                  read_reply, read_to_end, wait_until)

CUSTOMERS = "list_all_netsuite_customers"


class EdgeCase(FlowCase):
    def lanes(self):
        return {lane["id"]: lane for lane in self.stand.admin("GET", "/lanes")["data"]}

    def until_in_flight(self, count):
        wait_until(lambda: self.stats()["in_flight"] == count, "%d requests at the mock" % count)

    def patch(self, account, **change):
        return self.stand.admin("PATCH", "/integrated-account/" + account["id"], change)


class TestAccountsThatChange(EdgeCase):
    def setUp(self):
        self.latency(0)

    def test_a_call_does_not_bring_its_deleted_account_back(self):
        account, url = self.fresh(verify=False)
        self.hold()
        volley = Volley(url, 1).send()
        self.until_in_flight(1)
        self.stand.admin("DELETE", "/integrated-account/" + account["id"])
        self.assertEqual(volley.results()[0][0], 401)
        self.release()
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        wait_until(lambda: account["lane"] not in self.lanes(), "no such lane")
        lanes = self.lanes()
        self.assertNotIn(account["lane"], lanes)
        self.assertNotIn("unproven:" + account["id"], lanes)

    def test_a_call_proves_nothing_of_credentials_that_came_after_it(self):
        credentials = self.upstream()
        body = self.stand.netsuite_account(credentials=credentials, governor={"ceiling": 7})
        account = self.stand.admin("POST", "/integrated-account?verify=false", body)
        url = self.stand.mint(account["id"])["url"]
        self.hold()
        volley = Volley(url, 1).send()
        self.until_in_flight(1)
        self.patch(account, auth=dict(body["auth"], token_secret="of another day"),
                   governor={"ceiling": 2})
        self.release()
        self.assertEqual(codes(volley.results()), {"ok": 1})
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        lanes = self.lanes()
        self.assertNotIn(account["lane"], lanes)
        self.assertEqual(lanes["unproven:" + account["id"]]["effective"], 1)


class TestAudit(EdgeCase):
    def test_a_wait_that_is_cut_short_is_told_as_long_as_it_was(self):
        account, _ = self.fresh(governor={"ceiling": 1, "queue_wait_ms": 600000})
        servers = [self.stand.mint(account["id"]) for _ in range(2)]
        self.hold()
        first = Volley(servers[0]["url"], 1).send()
        self.until_in_flight(1)
        second = Volley(servers[1]["url"], 1).send()
        wait_until(lambda: self.lanes()[account["lane"]]["queued"] == 1, "a call in line")
        self.stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (account["id"],
                                                                      servers[1]["id"]))
        self.assertEqual(second.results()[0][0], 401)
        self.release()
        self.assertEqual(codes(first.results()), {"ok": 1})
        line = [event for event in self.stand.events() if event["event"] == "tool_call" and
                event["mcp_server"] == servers[1]["id"]][0]
        self.assertEqual(line["outcome"], "unauthorized")
        self.assertGreater(line["wait_us"], 0)
        self.assertLessEqual(line["wait_us"], line["duration_us"])


class TestManagement(EdgeCase):
    def setUp(self):
        self.latency(0)

    def test_the_ceiling_of_an_empty_lane_can_be_taken_away(self):
        account, _ = self.fresh()
        path = "/lanes/" + urllib.parse.quote(account["lane"], safe="")
        self.stand.admin("PATCH", path, {"ceiling": 3})
        self.stand.admin("DELETE", "/integrated-account/" + account["id"])
        self.assertEqual(self.stand.admin("GET", path)["ceiling"], 3)
        lane = self.stand.admin("PATCH", path, {"ceiling": None})
        self.assertEqual((lane["id"], lane["ceiling"]), (account["lane"], None))
        self.assertNotIn(account["lane"], self.lanes())

    def test_a_tenant_that_no_account_could_name_is_not_made(self):
        for name in ("%00", "a%0ab", "%ff", "a%2fb", "a" * 49, "%20"):
            path = "/tenant/" + name
            for method, body in (("GET", None), ("PATCH", {"governor": {"ceiling": 3}})):
                status, reply = self.stand.api(method, path, body)
                self.assertEqual((status, reply["error"]["code"]), (404, "not_found"), name)

    def test_a_wrong_method_is_told_the_right_ones(self):
        bearer = {"Authorization": "Bearer " + self.stand.admin_token}
        for path, methods in (("/lanes", "GET"), ("/lanes/x", "GET, PATCH"),
                              ("/integrated-account", "POST, GET"),
                              ("/integrated-account/x/mcp/y", "GET, PATCH, DELETE")):
            status, fields, _ = exchange(self.stand.base, "PUT", path, b"", bearer)
            self.assertEqual((status, fields["allow"]), (405, methods))

    def test_an_account_is_not_called_wrong_because_its_tenant_is_busy(self):
        _, url = self.fresh(tenant="crowded")
        self.stand.admin("PATCH", "/tenant/crowded", {"governor": {"ceiling": 1}})
        self.hold()
        volley = Volley(url, 1).send()
        self.until_in_flight(1)
        body = self.stand.netsuite_account(tenant="crowded", credentials=self.upstream(),
                                           governor={"queue_wait_ms": 100})
        status, reply = self.stand.api("POST", "/integrated-account", body)
        self.assertEqual((status, reply["error"]["code"]), (503, "account_busy"))
        self.release()
        volley.hang_up()


class TestAnswers(EdgeCase):
    def call(self, url, arguments, token):
        """(content type, messages) of a call with a progress token."""
        with connect(url) as sock:
            sock.sendall(call_bytes(url, CUSTOMERS, arguments, token=token))
            status, fields, body = read_reply(sock)
        self.assertEqual(status, 200)
        kind = fields["content-type"].split(";")[0]
        if kind == "application/json":
            return kind, [json.loads(body)]
        return kind, [json.loads(line[5:]) for line in body.decode().splitlines()
                      if line.startswith("data:")]

    def test_a_call_that_never_left_tells_no_progress_at_the_erp(self):
        _, url = self.fresh()
        kind, messages = self.call(url, {"limit": "many"}, "t1")
        self.assertEqual(kind, "text/event-stream")
        self.assertEqual([sorted(m) for m in messages], [["id", "jsonrpc", "result"]])
        self.assertTrue(messages[0]["result"]["isError"])
        kind, messages = self.call(url, {"limit": 1}, "t2")
        self.assertEqual(kind, "text/event-stream")
        self.assertEqual(messages[0]["params"]["message"], "the ERP answered")

    def test_a_batch_too_large_for_one_answer_is_still_json(self):
        _, url = self.fresh()
        row = {"links": [], "id": "1", "entityid": "x" * 2500000, "isinactive": "F"}
        page = {"links": [], "count": 1, "hasMore": False, "offset": 0, "totalResults": 1,
                "items": [row]}
        calls = 16
        self.fault("status", times=calls, status=200, body=json.dumps(page))
        batch = [message("tools/call", {"name": CUSTOMERS, "arguments": {"limit": 1}}, n,
                         era="legacy")[0] for n in range(calls)]
        split = urllib.parse.urlsplit(url)
        status, _, body = exchange(self.stand.base, "POST", split.path, batch)
        self.assertEqual(status, 200)
        replies = json.loads(body)
        self.assertEqual(sorted(reply["id"] for reply in replies), list(range(calls)))
        whole = [reply for reply in replies if "result" in reply]
        rest = [reply for reply in replies if "error" in reply]
        self.assertGreater(len(whole), 0)
        self.assertGreater(len(rest), 0)
        for reply in whole:
            self.assertIn("x" * 1000, reply["result"]["content"][0]["text"])
        for reply in rest:
            self.assertIn("too large together", reply["error"]["message"])


class TestOpenPaths(EdgeCase):
    def test_metrics_are_closed_to_those_who_come_through_a_proxy(self):
        for headers, wanted in (({}, 200), ({"Host": "erp.example.com"}, 401),
                                ({"X-Forwarded-For": "198.51.100.7"}, 401),
                                ({"Forwarded": "for=198.51.100.7"}, 401)):
            self.assertEqual(exchange(self.stand.base, "GET", "/metrics", headers=headers)[0],
                             wanted, headers)
        bearer = {"X-Forwarded-For": "198.51.100.7",
                  "Authorization": "Bearer " + self.stand.admin_token}
        self.assertEqual(exchange(self.stand.base, "GET", "/metrics", headers=bearer)[0], 200)


class TestCommands(EdgeCase):
    def ask(self, base):
        return self.stand.command("lane", "list", flags=["--url", base],
                                  env={"SLUICE_TOKEN": self.stand.admin_token})

    def test_a_command_takes_every_form_of_a_base_url(self):
        for base in (self.stand.base, self.stand.base + "/",
                     self.stand.base.replace("http:", "HTTP:")):
            result = self.ask(base)
            self.assertEqual(result.returncode, 0, result.stderr)
        result = self.ask(self.stand.base.replace("http:", "https:"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("no answer", result.stderr)
        for base in ("127.0.0.1:1", "ftp://127.0.0.1", self.stand.base + "/?x"):
            result = self.ask(base)
            self.assertEqual(result.returncode, 1)
            self.assertIn("not a URL", result.stderr)

    def test_what_would_start_and_then_refuse_everybody_does_not_start(self):
        path = os.path.join(self.stand.scratch, "edges.json")
        for config, word in (({"net": {"allow_cidrs": [1]}}, "net.allow_cidrs"),
                             ({"server": {"allowed_origins": ["x" * 70000]}}, "64 KiB"),
                             ({"nonsense": {}}, "nonsense"),
                             ({"server": {"public_url": "erp.example.com"}}, "public_url"),
                             ({"server.allowed_origins": ["desk.example.com"]},
                              "desk.example.com"),
                             ({"data_dir": ""}, "data_dir"), ([], "JSON object")):
            with open(path, "w") as file:
                json.dump(config, file)
            result = self.stand.command("serve", flags=["--config", path])
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(word, result.stderr)
        self.assertEqual(self.stand.command("serve", "now").returncode, 2)

    def test_an_empty_variable_names_no_configuration_file(self):
        result = self.stand.command("token", "list", env={"SLUICE_CONFIG": ""})
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_token_is_for_a_tenant_that_an_account_could_have(self):
        for tenant in ("a b", "a/b", "\u00e6", "a" * 49):
            result = self.stand.command("token", "create", "--name", "n", "--role", "call",
                                        "--tenant", tenant)
            self.assertEqual(result.returncode, 2, tenant)
            self.assertIn("--tenant", result.stderr)


class TestStopping(EdgeCase):
    """A class of its own: the server of this one ends inside the test."""

    def test_calls_that_wait_when_the_time_to_drain_is_over_are_let_go(self):
        self.latency(120000)
        account, url = self.fresh(verify=False, governor={"queue_wait_ms": 600000})
        volleys = [Volley(url, 3).send(), Volley(url, 3, era="legacy", first_id=50).send()]
        wait_until(lambda: [lane["queued"] for lane in self.lanes().values()] == [5],
                   "five calls in line")
        self.latency(0)
        process = self.stand.process("server")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=90), 0, self.stand.log_tail())
        for volley in volleys:
            for sock in volley.sockets:
                with sock:
                    self.assertEqual(read_to_end(sock), b"")


if __name__ == "__main__":
    main()
