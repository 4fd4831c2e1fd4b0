# SPDX-License-Identifier: Apache-2.0
"""mock-netsuite under load and in trouble: limits, faults to order, and what it counts."""
import http.client
import json
import time

from mock_netsuite import COUNT, RECORD, RESTLET, SUITEQL, Answer, Case, Credentials, Mock, main


class Concurrency(Case):
    def test_the_limit_is_the_accounts_over_rest_and_restlet(self):
        self.mock.control("PUT", "/limits", {"concurrency": 2})
        self.mock.control("PUT", "/latency", {"ms": 60000})
        held = [self.mock.connect() for _ in range(2)]
        self.mock.send(held[0], "GET", RECORD + "/currency/1")
        self.mock.send(held[1], "GET", RESTLET + "?script=1&deploy=1")
        self.wait_for("both are in", 2)

        rest = self.mock.query(COUNT)
        restlet = self.mock.call("GET", RESTLET + "?script=1&deploy=1")
        stats = self.mock.stats()

        self.assertEqual((429, "CONCURRENCY_LIMIT_EXCEEDED"), (rest.status, rest.code))
        self.assertEqual("Concurrent request limit exceeded. Request blocked.", rest.detail)
        self.assertNotIn("retry-after", rest.headers)
        self.assertEqual(400, restlet.status)
        self.assertEqual({"error": {"code": "SSS_REQUEST_LIMIT_EXCEEDED",
                                    "message": "Request Limit Exceeded!"}}, restlet.json)
        self.assertEqual((4, 2, 2, 2), (stats["requests"], stats["in_flight"],
                                        stats["in_flight_peak"], stats["refused_concurrency"]))
        for connection in held:
            connection.close()
        self.restart()

    def restart(self):
        """Work of a minute is in flight: it ends with its mock."""
        self.assertEqual((0, ""), self.mock.stop())
        type(self).mock = Mock()

    def test_work_stays_in_flight_after_its_client_has_left(self):
        self.mock.control("PUT", "/latency", {"ms": 60000})
        for _ in range(3):
            connection = self.mock.connect()
            self.mock.send(connection, "GET", RECORD + "/currency/1")
            connection.close()
        stats = self.wait_for("all three are in", 3)
        again = self.mock.stats()
        self.assertEqual((3, 3), (stats["in_flight_peak"], again["in_flight"]))
        self.assertGreaterEqual(again["busy_ms"], stats["busy_ms"])
        self.restart()

    def test_busy_time_is_the_integral_of_what_is_in_flight(self):
        self.mock.control("PUT", "/latency", {"ms": 100})
        answers = self.parallel(10, lambda i: self.mock.call("GET", RECORD + "/currency/1").status)
        stats = self.wait_for("all are done", 0)
        self.assertEqual([200] * 10, answers)
        self.assertLessEqual(stats["in_flight_peak"], 10)
        # Timers may be a millisecond early or, on a loaded machine, late; never much early.
        self.assertGreaterEqual(stats["busy_ms"], 10 * 98)

    def test_a_client_that_fills_the_limit_exactly_is_never_refused(self):
        self.mock.control("PUT", "/limits", {"concurrency": 4})
        self.mock.control("PUT", "/latency", {"ms": 1, "jitter_ms": 1})

        def worker(_):
            connection, bad = self.mock.connect(), 0
            for _ in range(100):
                self.mock.send(connection, "GET", RECORD + "/currency/1")
                bad += Answer(connection.getresponse()).status != 200
            connection.close()
            return bad

        self.assertEqual([0] * 4, self.parallel(4, worker))
        stats = self.mock.stats()
        self.assertEqual((0, 400), (stats["refused_concurrency"], stats["requests"]))
        self.assertLessEqual(stats["in_flight_peak"], 4)

    def test_accounts_have_counters_and_limits_of_their_own(self):
        other = Credentials("LANE_TWO", "ck", "cs", "lane-two-token", "ts")
        status, _ = self.mock.control("POST", "/accounts", {**vars(other), "concurrency": 1})
        self.assertEqual(200, status)
        self.mock.control("PUT", "/limits", {"concurrency": 1, "account_id": "LANE_TWO"})
        self.mock.control("PUT", "/latency", {"ms": 60000})
        connections = [self.mock.connect() for _ in range(2)]
        self.mock.send(connections[0], "GET", RECORD + "/currency/1")
        self.mock.send(connections[1], "GET", RECORD + "/currency/1", who=other)
        self.wait_for("one each", 2)
        self.assertEqual(429, self.mock.query(COUNT, who=other).status)
        accounts = self.mock.stats()["accounts"]
        self.assertEqual((1, 1, 1), (accounts["LANE_TWO"]["in_flight"],
                                     accounts["LANE_TWO"]["refused_concurrency"],
                                     accounts["TSTDRV1234567"]["in_flight"]))
        self.assertEqual(404, self.mock.control(
            "PUT", "/limits", {"concurrency": 1, "account_id": "NOBODY"})[0])
        for connection in connections:
            connection.close()
        self.restart()

    def test_reset_keeps_limits_latency_faults_and_what_is_in_flight(self):
        self.mock.control("PUT", "/limits", {"concurrency": 1})
        self.mock.fault("status", status=500, times=5, path_regex="subsidiary")
        self.mock.control("PUT", "/latency", {"ms": 60000})
        connection = self.mock.connect()
        self.mock.send(connection, "GET", RECORD + "/currency/1")
        self.wait_for("it is in", 1)
        self.mock.control("POST", "/reset")
        stats = self.mock.stats()
        self.assertEqual((0, 1, 1, 0), (stats["requests"], stats["in_flight"],
                                        stats["in_flight_peak"], stats["refused_concurrency"]))
        self.assertEqual(429, self.mock.query(COUNT).status)  # the limit is still 1
        connection.close()
        self.restart()

    def test_many_connections_at_once(self):
        self.mock.control("PUT", "/limits", {"concurrency": 1000})
        self.mock.control("PUT", "/latency", {"ms": 50})
        answers = self.parallel(300, lambda i: self.mock.query(COUNT).status)
        self.assertEqual([200] * 300, answers)


class Faults(Case):
    def test_a_status_with_the_erps_own_body(self):
        self.mock.fault("status", status=500)
        answer = self.mock.query(COUNT)
        self.assertEqual((500, "UNEXPECTED_ERROR"), (answer.status, answer.code))
        self.assertRegex(answer.detail, r"^An unexpected error occurred\. Error ID: [0-9a-f]+$")
        self.assertEqual(200, self.mock.query(COUNT).status)
        stats = self.mock.stats()
        self.assertEqual((2, 1), (stats["requests"], stats["in_flight_peak"]))

    def test_a_body_is_sent_byte_for_byte_under_its_headers(self):
        body = '{"items":[{"id":"1","foreigntotal":"12345678901234567.89","x":100.10}],"u":"æ🚀"}'
        self.mock.fault("status", status=200, body=body, headers={
            "Content-Type": "application/vnd.oracle.resource+json; type=collection",
            "X-Extra": "yes"})
        answer = self.mock.query(COUNT)
        self.assertEqual((200, body.encode()), (answer.status, answer.body))
        self.assertEqual("application/vnd.oracle.resource+json; type=collection",
                         answer.headers["content-type"])
        self.assertEqual("yes", answer.headers["x-extra"])

    def test_faults_match_by_method_and_path_and_last_n_times(self):
        status, _ = self.mock.control("POST", "/faults", {
            "match": {"method": "POST", "path_regex": "suiteql$"}, "times": 2, "kind": "status",
            "status": 503})
        self.assertEqual(200, status)
        self.assertEqual(200, self.mock.call("GET", RECORD + "/currency/1").status)
        self.assertEqual([503, 503, 200],
                         [self.mock.query(COUNT, limit=5).status for _ in range(3)])

    def test_deleting_the_faults_ends_them(self):
        self.mock.fault("status", status=503, times=100)
        self.assertEqual(503, self.mock.query(COUNT).status)
        self.mock.control("DELETE", "/faults")
        self.assertEqual(200, self.mock.query(COUNT).status)

    def test_reset_and_drop_end_the_connection_without_an_answer(self):
        self.mock.fault("reset")
        with self.assertRaises(ConnectionResetError):
            self.mock.query(COUNT)
        self.mock.fault("after_commit_drop")
        with self.assertRaises(http.client.RemoteDisconnected):
            self.mock.query(COUNT)
        self.assertEqual(0, self.mock.stats()["in_flight"])

    def test_a_truncated_answer_promises_more_than_it_sends(self):
        whole = len(self.mock.query("SELECT id FROM customer").body)
        self.mock.fault("truncate")
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.mock.query("SELECT id FROM customer")
        self.assertEqual(whole // 2, len(caught.exception.partial))

    def test_html_in_place_of_json(self):
        self.mock.fault("html")
        answer = self.mock.query(COUNT)
        self.assertEqual((503, "text/html; charset=utf-8"),
                         (answer.status, answer.headers["content-type"]))
        self.assertTrue(answer.body.startswith(b"<!DOCTYPE html>"))
        self.mock.fault("html", status=200)
        self.assertEqual(200, self.mock.query(COUNT).status)

    def test_malformed_json_comes_with_status_200(self):
        self.mock.fault("malformed")
        answer = self.mock.query(COUNT)
        self.assertEqual(200, answer.status)
        with self.assertRaises(ValueError):
            answer.json

    def test_a_slow_answer_arrives_whole_and_is_in_flight_until_its_last_piece(self):
        plain = self.mock.query("SELECT id FROM customer ORDER BY id").body
        self.mock.fault("slow_drip", delay_ms=300)
        start = time.monotonic()
        answer = self.mock.query("SELECT id FROM customer ORDER BY id")
        self.assertGreaterEqual(time.monotonic() - start, 0.25)
        self.assertEqual(plain, answer.body)
        self.assertEqual(0, self.mock.stats()["in_flight"])
        self.assertGreaterEqual(self.mock.stats()["busy_ms"], 250)

    def test_expired_tokens_reject_right_logins(self):
        self.mock.fault("expire_tokens", times=7)
        answers = [self.mock.query(COUNT) for _ in range(8)]
        self.assertEqual([401] * 7 + [200], [a.status for a in answers])  # and no lock-out
        self.assertEqual("INVALID_LOGIN", answers[0].code)
        self.assertEqual(7, self.mock.stats()["refused_auth"])

    def test_a_delay_comes_before_the_answer(self):
        self.mock.fault("status", status=500, delay_ms=200)
        start = time.monotonic()
        self.assertEqual(500, self.mock.query(COUNT).status)
        self.assertGreaterEqual(time.monotonic() - start, 0.19)
        self.assertGreaterEqual(self.mock.stats()["busy_ms"], 190)

    def test_orders_that_make_no_sense_are_refused(self):
        for order in ({}, {"kind": "explode"}, {"kind": "status", "times": 0},
                      {"kind": "status", "times": "2"}, {"kind": "status", "status": 99},
                      {"kind": "status", "body": {}}, {"kind": "status", "headers": []},
                      {"kind": "status", "headers": {"x": "a\r\nb: c"}},
                      {"kind": "status", "match": {"path_regex": "("}},
                      {"kind": "status", "delay_ms": -1}):
            with self.subTest(str(order)):
                status, said = self.mock.control("POST", "/faults", order)
                self.assertEqual(400, status)
                self.assertTrue(said["error"])


class Control(Case):
    def test_what_was_received_can_be_read_back(self):
        self.mock.query("SELECT id FROM customer WHERE companyname = ?", ["O'Brien & Sons \"Ltd\""],
                        limit=1)
        self.mock.call("GET", RECORD + "/customer/999999?x=%C3%A6")
        _, said = self.mock.control("GET", "/last?n=10")
        first, second = said["requests"]
        self.assertEqual(("POST", SUITEQL + "?limit=1", 200),
                         (first["method"], first["target"], first["status"]))
        self.assertEqual(["O'Brien & Sons \"Ltd\""], json.loads(first["body"])["params"])
        self.assertEqual({"method": "GET", "target": RECORD + "/customer/999999?x=%C3%A6",
                          "body": "", "status": 404}, second)
        self.assertEqual([second], self.mock.control("GET", "/last?n=1")[1]["requests"])
        self.mock.control("POST", "/reset")
        self.assertEqual([], self.mock.control("GET", "/last")[1]["requests"])

    def test_only_the_last_two_thousand_are_kept(self):
        connection = self.mock.connect()
        for i in range(2005):
            connection.request("GET", "/n/%d" % i)
            Answer(connection.getresponse())
            connection.close()
        kept = self.mock.control("GET", "/last?n=5000")[1]["requests"]
        self.assertEqual(("/n/5", "/n/2004", 2000), (kept[0]["target"], kept[-1]["target"],
                                                     len(kept)))

    def test_stats_have_the_members_of_the_contract(self):
        stats = self.mock.stats()
        for name in ("requests", "in_flight", "in_flight_peak", "busy_ms", "refused_concurrency",
                     "refused_auth", "token_requests", "writes"):
            self.assertEqual(0, stats[name], name)
        self.mock.query(COUNT)
        self.assertEqual({SUITEQL: 1}, self.mock.stats()["requests_by_path"])

    def test_calls_that_make_no_sense_are_refused(self):
        for method, path, body, status in (
                ("GET", "/nothing", None, 404), ("POST", "/stats", None, 404),
                ("PUT", "/limits", {}, 400), ("PUT", "/limits", {"concurrency": "5"}, 400),
                ("PUT", "/limits", {"concurrency": -1}, 400), ("PUT", "/latency", {"ms": -1}, 400),
                ("PUT", "/latency", {"ms": 1.5}, 400), ("PUT", "/clock", {}, 400),
                ("POST", "/accounts", {"account_id": "lower"}, 400), ("POST", "/faults", [], 400)):
            with self.subTest("%s %s %s" % (method, path, body)):
                answered, said = self.mock.control(method, path, body)
                self.assertEqual(status, answered)
                self.assertTrue(said["error"])


if __name__ == "__main__":
    main()
