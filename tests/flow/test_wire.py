# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 at the socket: what is refused, what is kept alive, what has a ceiling."""
import json
import re
import socket
import urllib.parse

from flow import (NETSUITE_TOOLS, FlowCase, connect, exchange, main, message, read_reply, read_to_end,
                  request_bytes, wait_until)

LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
PING = b'{"jsonrpc":"2.0","id":%d,"method":"ping"}'
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


class WireCase(FlowCase):
    @classmethod
    def prepare(cls):
        account = cls.stand.connect_netsuite()
        cls.url = cls.stand.mint(account["id"])["url"]
        cls.path = urllib.parse.urlsplit(cls.url).path
        cls.host = urllib.parse.urlsplit(cls.stand.base).netloc

    def send(self, data, end=False):
        """Everything the server says before it closes."""
        with connect(self.stand.base) as sock:
            sock.sendall(data)
            if end:
                sock.shutdown(socket.SHUT_WR)
            return read_to_end(sock)

    def alive(self):
        status, _, _ = exchange(self.stand.base, "GET", "/healthz")
        self.assertEqual(status, 200)

    def head(self, *lines, first="POST /x HTTP/1.1", host=True):
        lines = [first] + (["Host: " + self.host] if host else []) + list(lines)
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


class TestRefusals(WireCase):
    """The inputs of the refusal list: 400, and the connection ends. What follows such a head is
    never read as a request of its own."""

    def refused(self, data, status=400):
        reply = self.send(data)
        self.assertTrue(reply.startswith(b"HTTP/1.1 %d " % status), (data[:200], reply[:200]))
        self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d{3} ", reply)), 1, (data[:200], reply))
        self.assertIn(b"connection: close", reply.lower())

    def test_two_ways_to_say_how_long_a_body_is(self):
        chunked = b"0\r\n\r\n"
        for lines in (("Content-Length: 5", "Transfer-Encoding: chunked"),
                      ("Transfer-Encoding: chunked", "Content-Length: 5"),
                      ("Content-Length: 5", "Content-Length: 5"),
                      ("Content-Length: 5", "Content-Length: 6"),
                      ("Content-Length: 5, 5",), ("Content-Length: +3",), ("Content-Length: -1",),
                      ("Content-Length: 0x3",), ("Content-Length: ",), ("Content-Length: 3 3",),
                      ("Content-Length: 18446744073709551616",),
                      ("Content-Length: 99999999999999999999999999",), ("Content-Length: 1e3",),
                      ("Content-Length: 5;",), ("Content-Length: five",),
                      ("Transfer-Encoding: xchunked",), ("Transfer-Encoding: chunkedx",),
                      ("Transfer-Encoding: identity, chunked",),
                      ("Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
                      ("Transfer-Encoding: chunked, identity",), ("Transfer-Encoding: gzip",),
                      ("Transfer-Encoding: chunked, chunked",), ("Transfer-Encoding: ",)):
            self.refused(self.head(*lines) + chunked + SMUGGLED)
        self.alive()

    def test_transfer_encoding_on_http_1_0(self):
        self.refused(self.head("Transfer-Encoding: chunked", first="POST /x HTTP/1.0") +
                     b"0\r\n\r\n" + SMUGGLED)

    def test_field_lines_of_the_wrong_form(self):
        for line in ("X : y", "X\t: y", " X: y", "X", ": y", "X y: z", "X\x00: y", "X: a\x00b",
                     "X: a\rb", "X: \rTransfer-Encoding: chunked", "X:\rTransfer-Encoding: chunked",
                     "X: a\x01b", "X: a\x7fb", "(X): y", "X@: y", "\xfc: y",
                     "X: y\r\n folded", "X: y\r\n\tfolded"):
            self.refused(self.head(line) + SMUGGLED)
        self.refused(b"POST /x HTTP/1.1\r\n Host: a\r\n\r\n")
        self.alive()

    def test_line_ends_of_the_wrong_form(self):
        host = ("Host: " + self.host).encode()
        for data in (b"POST /x HTTP/1.1\n" + host + b"\r\n\r\n",
                     b"POST /x HTTP/1.1\r\n" + host + b"\n\r\n",
                     b"POST /x HTTP/1.1\r\n" + host + b"\r\n\n",
                     b"POST /x HTTP/1.1\r\n" + host + b"\n\n",
                     b"POST /x HTTP/1.1\r\nX: a\nY: b\r\n" + host + b"\r\n\r\n",
                     b"POST /x HTTP/1.1\r\n" + host + b"\r\n\rX",
                     b"POST /x HTTP/1.1\r" + host + b"\r\n\r\n",
                     b"POST /x HTTP/1.1\r\n" + host + b"\rX: y\r\n\r\n"):
            self.refused(data + SMUGGLED)

    def test_request_lines_of_the_wrong_form(self):
        for first in ("PO ST /x HTTP/1.1", "P\x00ST /x HTTP/1.1", "POST  /x HTTP/1.1",
                      "POST /x", "POST /x HTTP/1.1 ", "POST /x http/1.1",
                      "POST /a b HTTP/1.1", "POST /x\x00 HTTP/1.1", "POST x HTTP/1.1",
                      " POST / HTTP/1.1", "@ / HTTP/1.1", "G\u00cbT / HTTP/1.1", "POST / HTTP/1.1x"):
            self.refused(self.head(first=first))
        self.alive()

    def test_other_versions_of_http(self):
        for version in ("2.0", "0.9", "1.2", "3.0"):
            self.refused(self.head(first="POST /x HTTP/" + version), status=505)

    def test_host_has_to_stand_there_once(self):
        self.refused(self.head(host=False))
        self.refused(self.head("Host: " + self.host))
        self.refused(self.head("host: other"))

    def test_chunks_of_the_wrong_form(self):
        head = self.head("Transfer-Encoding: chunked",
                         first="POST %s HTTP/1.1" % self.path)
        for body in (b"0x3\r\nabc\r\n0\r\n\r\n", b"3\r\nabcX\r\n0\r\n\r\n", b"3\r\nabc\n0\r\n\r\n",
                     b"3\nabc\r\n0\r\n\r\n", b"ffffffffffffffffff\r\nabc", b"-1\r\nabc\r\n0\r\n\r\n",
                     b" 3\r\nabc\r\n0\r\n\r\n", b"\r\n", b"g\r\n", b"3;a\nb\r\nabc\r\n0\r\n\r\n",
                     b"3\r\nabc0\r\n\r\n", b"+3\r\nabc\r\n0\r\n\r\n", b"3 \nabc\r\n0\r\n\r\n",
                     b"0\r\nX: y\n\r\n"):
            self.refused(head + body + SMUGGLED)
        self.alive()

    def test_a_head_has_a_ceiling(self):
        self.refused(self.head(*("X-%d: y" % n for n in range(70))), status=431)
        self.refused(self.head("X: " + "y" * 40000), status=431)
        self.refused(self.head(first="GET /%s HTTP/1.1" % ("a" * 40000)), status=414)
        self.alive()

    def test_an_expectation_that_is_not_known(self):
        self.refused(self.head("Expect: something", "Content-Length: 1"), status=417)


class TestBodies(WireCase):
    def test_one_byte_more_than_four_mebibytes_is_413(self):
        limit = 4 * 1024 * 1024
        body = LIST + b" " * (limit - len(LIST))
        status, fields, _ = self.post(body)
        self.assertEqual(status, 200)
        for path in (self.path, "/integrated-account"):
            reply = self.send(request_bytes(self.stand.base, "POST", path)
                              .replace(b"Content-Length: 0", b"Content-Length: %d" % (limit + 1)))
            self.assertTrue(reply.startswith(b"HTTP/1.1 413 "), reply[:100])
            self.assertIn(b"connection: close", reply.lower())
        self.alive()

    def test_a_chunked_body_has_the_same_ceiling(self):
        limit = 4 * 1024 * 1024
        with connect(self.stand.base) as sock:
            sock.sendall(self.chunked_head())
            piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
            try:
                for _ in range(limit // 65536 + 2):
                    sock.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass
            reply = read_to_end(sock)
        if reply:  # a reset may overtake the answer to a client that still writes
            self.assertTrue(reply.startswith(b"HTTP/1.1 413 "), reply[:100])
        self.alive()

    def post(self, body, headers=()):
        with connect(self.stand.base) as sock:
            sock.sendall(request_bytes(self.stand.base, "POST", self.path, body, headers))
            return read_reply(sock)

    def chunked_head(self, *lines):
        return self.head("Transfer-Encoding: chunked", *lines,
                         first="POST %s HTTP/1.1" % self.path)

    def test_chunks_of_every_size_and_split_characters(self):
        text = '{"jsonrpc":"2.0","id":"ü💶","method":"ping"}'.encode()
        for size in (1, 2, 3, 7, len(text)):
            body = b"".join(b"%x\r\n%s\r\n" % (len(text[n:n + size]), text[n:n + size])
                            for n in range(0, len(text), size)) + b"0\r\n\r\n"
            with connect(self.stand.base) as sock:
                sock.sendall(self.chunked_head() + body)
                status, _, reply = read_reply(sock)
            self.assertEqual((status, json.loads(reply)["id"]), (200, "ü💶"))

    def test_chunk_extensions_and_trailers_are_passed_over(self):
        body = b"%x;name=value\r\n%s\r\n0\r\nX-Trailer: y\r\n\r\n" % (len(LIST), LIST)
        with connect(self.stand.base) as sock:
            for _ in range(2):
                sock.sendall(self.chunked_head() + body)
                status, _, reply = read_reply(sock)
                self.assertEqual((status, len(json.loads(reply)["result"]["tools"])), (200, len(NETSUITE_TOOLS)))

    def test_a_request_in_single_bytes(self):
        with connect(self.stand.base) as sock:
            for byte in request_bytes(self.stand.base, "POST", self.path, LIST):
                sock.sendall(bytes([byte]))
            self.assertEqual(read_reply(sock)[0], 200)

    def test_expect_100_continue(self):
        with connect(self.stand.base) as sock:
            sock.sendall(request_bytes(self.stand.base, "POST", self.path, LIST,
                                       [("Expect", "100-continue")])[:-len(LIST)])
            first = sock.recv(4096)
            self.assertEqual(first, b"HTTP/1.1 100 Continue\r\n\r\n")
            sock.sendall(LIST)
            self.assertEqual(read_reply(sock)[0], 200)

    def test_a_body_that_ends_early_reaches_nobody(self):
        body, headers = message("tools/call", {"name": "list_all_netsuite_customers",
                                               "arguments": {}})
        data = request_bytes(self.stand.base, "POST", self.path, json.dumps(body).encode(),
                             headers.items())
        before = self.stats()["requests"]
        for cut in (1, 20, len(data) - 1):
            reply = self.send(data[:cut], end=True)
            self.assertNotIn(b"HTTP/1.1 200", reply)
        self.assertEqual(self.stats()["requests"], before)
        self.alive()


class TestConnections(WireCase):
    def replies(self, data, count):
        """That many replies to pipelined requests, in their order."""
        found = b""
        with connect(self.stand.base) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            found = read_to_end(sock)
        parts = found.split(b"HTTP/1.1 ")[1:]
        self.assertEqual(len(parts), count, found[:500])
        return [json.loads(part.partition(b"\r\n\r\n")[2]) for part in parts]

    def test_pipelined_requests_are_answered_in_order(self):
        data = b"".join(request_bytes(self.stand.base, "POST", self.path, PING % n)
                        for n in range(50))
        self.assertEqual([r["id"] for r in self.replies(data, 50)], list(range(50)))

    def test_pipelined_calls_of_different_length_keep_their_order(self):
        data = b""
        for n in range(6):
            body, headers = message("tools/call", {
                "name": "list_all_netsuite_customers", "arguments": {"limit": 50 - n * 9}}, n,
                "legacy")
            data += request_bytes(self.stand.base, "POST", self.path, json.dumps(body).encode(),
                                  headers.items())
        with connect(self.stand.base) as sock:
            sock.sendall(data)
            found = b""
            while found.count(b"HTTP/1.1 200 OK\r\n") < 6 or not found.endswith(b"}"):
                piece = sock.recv(65536)
                self.assertTrue(piece, "the connection ended early: %r" % found[-200:])
                found += piece
        order = [int(part.partition(b'"id":')[2].split(b",")[0])
                 for part in found.split(b"HTTP/1.1 200 OK\r\n")[1:]]
        self.assertEqual(order, list(range(6)))

    def test_a_connection_is_kept_and_ends_when_asked(self):
        with connect(self.stand.base) as sock:
            for n in range(20):
                sock.sendall(request_bytes(self.stand.base, "POST", self.path, PING % n))
                status, _, body = read_reply(sock)
                self.assertEqual((status, json.loads(body)["id"]), (200, n))
            sock.sendall(request_bytes(self.stand.base, "POST", self.path, PING % 99,
                                       [("Connection", "close")]))
            rest = read_to_end(sock)
        self.assertIn(b"connection: close", rest.lower())
        self.assertIn(b'"id":99', rest)

    def test_http_1_0_is_answered_and_closed(self):
        head = "POST %s HTTP/1.0\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (
            self.path, self.host, len(LIST))
        reply = self.send(head.encode() + LIST)
        self.assertRegex(reply, b"^HTTP/1\\.[01] 200 ")
        self.assertNotIn(b"chunked", reply.lower())
        self.assertEqual(len(json.loads(reply.partition(b"\r\n\r\n")[2])["result"]["tools"]),
                         len(NETSUITE_TOOLS))

    def test_an_answer_to_head_has_no_body(self):
        with connect(self.stand.base) as sock:
            sock.sendall(request_bytes(self.stand.base, "HEAD", "/healthz") +
                         request_bytes(self.stand.base, "GET", "/healthz",
                                       headers=[("Connection", "close")]))
            found = read_to_end(sock)
        self.assertEqual(found.count(b"HTTP/1.1 200 "), 2)
        self.assertEqual(found.count(b'{"ok":true}'), 1)

    def test_hundreds_of_open_connections_cost_nobody_a_place(self):
        held = [connect(self.stand.base) for _ in range(300)]
        try:
            for sock in held[::50]:
                sock.sendall(request_bytes(self.stand.base, "POST", self.path, LIST))
                self.assertEqual(read_reply(sock)[0], 200)
        finally:
            for sock in held:
                sock.close()
        self.alive()


class TestFewConnections(FlowCase):
    flags = ("--server.max_connections", "5")

    @classmethod
    def prepare(cls):
        _, url = cls.fresh(governor={"ceiling": 5})
        cls.path = urllib.parse.urlsplit(url).path

    def open_one(self):
        sock = connect(self.stand.base)
        sock.sendall(request_bytes(self.stand.base, "GET", "/healthz"))
        return sock

    def test_the_sixth_connection_is_turned_away_while_five_are_served(self):
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": "list_all_netsuite_customers", "arguments": {"limit": 1}}}
        self.stand.control("netsuite", "PUT", "/latency", {"ms": 3000})
        held = [connect(self.stand.base) for _ in range(5)]
        try:
            for sock in held:
                sock.sendall(request_bytes(self.stand.base, "POST", self.path,
                                           json.dumps(call).encode()))
            wait_until(lambda: self.stats()["in_flight"] == 5, "five calls at the ERP")
            with self.open_one() as sixth:
                answer = read_to_end(sixth)
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 503 "), answer[:100])
            for sock in held:
                self.assertEqual(read_reply(sock)[0], 200)
        finally:
            self.stand.control("netsuite", "PUT", "/latency", {"ms": 0})
            for sock in held:
                sock.close()
        with self.open_one() as sock:
            self.assertEqual(read_reply(sock, "GET")[0], 200)

    def test_an_idle_connection_gives_way_to_a_new_one(self):
        held = [self.open_one() for _ in range(5)]
        for sock in held:
            self.assertEqual(read_reply(sock, "GET")[0], 200)
        with self.open_one() as sixth:
            self.assertEqual(read_reply(sixth, "GET")[0], 200)
        self.assertEqual(first_piece(held[0]), b"")
        for sock in held:
            sock.close()


class TestSmallBodies(FlowCase):
    flags = ("--server.max_body_bytes", "2048")

    def test_the_body_s_ceiling_is_the_operator_s(self):
        status, _, _ = exchange(self.stand.base, "POST", "/mcp/x", b" " * 2049)
        self.assertEqual(status, 413)
        status, _, _ = exchange(self.stand.base, "POST", "/mcp/x", b" " * 2048)
        self.assertEqual(status, 401)


def first_piece(sock):
    try:
        return sock.recv(65536)
    except ConnectionResetError:
        return b""


if __name__ == "__main__":
    main()
