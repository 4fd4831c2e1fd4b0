# SPDX-License-Identifier: Apache-2.0
"""mock-netsuite as a program on a wire: HTTP as bytes, options, the way it ends."""
import json
import os
import socket
import subprocess
import time
import unittest

from mock_netsuite import BIN, COUNT, RECORD, SUITEQL, Answer, Case, Mock, authorization, main


class Wire(Case):
    def raw(self, data, host=None):
        """Sends bytes, closes the sending side once an answer ended, returns all that came."""
        name, port = (host or self.mock.host).split(":")
        with socket.create_connection((name, int(port)), timeout=30) as s:
            s.sendall(data)
            s.settimeout(30)
            got = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return got
                got += piece

    def request(self, method="GET", target=RECORD + "/currency/1", extra="", body=b""):
        header = authorization(self.mock.who, method, self.mock.host, target)
        head = "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n%s\r\n" % (
            method, target, self.mock.host, header, extra)
        return head.encode() + body

    def test_keep_alive_serves_many_requests_on_one_connection(self):
        connection = self.mock.connect()
        for _ in range(20):
            self.mock.send(connection, "GET", RECORD + "/currency/1")
            answer = Answer(connection.getresponse())
            self.assertEqual((200, "keep-alive"), (answer.status, answer.headers["connection"]))
        connection.close()

    def test_pipelined_requests_are_answered_in_order(self):
        data = b"".join(self.request(target=RECORD + "/currency/%d" % i) for i in (1, 2, 3))
        data += self.request(target=RECORD + "/currency/4", extra="Connection: close\r\n")
        got = self.raw(data)
        self.assertEqual(4, got.count(b"HTTP/1.1 200 OK"))
        places = [got.index(b'"symbol":"%s"' % s) for s in (b"EUR", b"USD", b"DKK", b"GBP")]
        self.assertEqual(sorted(places), places)

    def test_a_chunked_body_and_expect_are_understood(self):
        body = json.dumps({"q": COUNT}).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:5], body[5:])) + b"0\r\n\r\n"
        got = self.raw(self.request("POST", SUITEQL, "Content-Type: application/json\r\n"
                                    "Prefer: transient\r\nTransfer-Encoding: chunked\r\n"
                                    "Expect: 100-continue\r\nConnection: close\r\n", chunks))
        self.assertTrue(got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), got[:80])

    def test_bytes_that_are_no_http_are_400_and_closed(self):
        for data in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
                     b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n"):
            with self.subTest(data[:30]):
                self.assertTrue(self.raw(data).startswith(b"HTTP/1.1 400 "))

    def test_a_body_over_four_mebibytes_is_413(self):
        head = ("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" % SUITEQL).encode()
        name, port = self.mock.host.split(":")
        with socket.create_connection((name, int(port)), timeout=30) as s:
            s.sendall(head + b"x" * 5000000)
            self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 413 "))
        self.assertEqual(0, self.mock.stats()["requests"])

    def test_half_a_request_is_no_request(self):
        name, port = self.mock.host.split(":")
        with socket.create_connection((name, int(port)), timeout=30) as s:
            s.sendall(self.request()[:-10])
        self.assertEqual(200, self.mock.query(COUNT).status)
        self.assertEqual(1, self.mock.stats()["requests"])


class Program(unittest.TestCase):
    def run_mock(self, *args, env=None):
        return subprocess.run([os.path.join(BIN, "mock-netsuite"), *args], capture_output=True,
                              text=True, timeout=60, env={**os.environ, **(env or {})})

    def test_help_names_the_options(self):
        done = self.run_mock("--help")
        self.assertEqual(0, done.returncode)
        for option in ("--host", "--port", "--control-port", "--seed", "--concurrency",
                       "--account-id", "--consumer-key", "--lockout-seconds", "--today"):
            self.assertIn(option, done.stdout)

    def test_bad_options_end_with_2_and_a_sentence(self):
        for args in (("--port", "x"), ("--port", "70000"), ("--seed", "-1"), ("--nope",),
                     ("--today", "20.11.2026"), ("--today", "2026-13-01"), ("--consumer-key", ""),
                     ("extra",)):
            with self.subTest(str(args)):
                done = self.run_mock(*args)
                self.assertEqual((2, ""), (done.returncode, done.stdout))
                self.assertTrue(done.stderr)

    def test_a_port_in_use_ends_with_1(self):
        mock = Mock()
        try:
            port = mock.host.split(":")[1]
            done = self.run_mock("--port", port)
            self.assertEqual(1, done.returncode)
            self.assertIn("cannot listen", done.stderr)
        finally:
            self.assertEqual((0, ""), mock.stop())

    def test_credentials_come_from_options_then_environment_then_chance(self):
        os.environ["MOCK_NETSUITE_TOKEN_ID"] = "from-environment"
        try:
            mock = Mock("--consumer-key", "from-option", "--account-id", "ACME_SB1")
        finally:
            del os.environ["MOCK_NETSUITE_TOKEN_ID"]
        try:
            self.assertEqual(("from-option", "from-environment", "ACME_SB1"),
                             (mock.said["consumer_key"], mock.said["token_id"],
                              mock.said["account_id"]))
            self.assertRegex(mock.said["token_secret"], r"^[0-9a-f]{64}$")
            self.assertEqual(mock.process.pid, mock.said["pid"])
            self.assertEqual(200, mock.query(COUNT).status)
        finally:
            self.assertEqual((0, ""), mock.stop())

    def test_sigterm_in_the_middle_of_work_ends_cleanly(self):
        mock = Mock()
        mock.control("PUT", "/latency", {"ms": 60000})
        connections = [mock.connect() for _ in range(5)]
        for connection in connections:
            mock.send(connection, "GET", RECORD + "/currency/1")
        while mock.stats()["in_flight"] < 5:
            time.sleep(0.005)
        self.assertEqual((0, ""), mock.stop())
        for connection in connections:
            connection.close()


if __name__ == "__main__":
    main()
