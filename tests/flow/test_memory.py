# SPDX-License-Identifier: Apache-2.0
"""What strangers can make the server hold, measured from outside."""
import socket
import unittest
import urllib.parse

from flow import BIN, exchange, main
from stand import Stand

MIB = 1024 * 1024
CLIENTS = 300
BODY = 900_000
BUDGET = 32 * MIB
# Beside the budget: what each connection may have uncounted, and what the sanitizers of a
# development build keep of freed memory. The bodies together are above.
BESIDE = CLIENTS * 128 * 1024 + 64 * MIB


class TestBodies(unittest.TestCase):
    def setUp(self):
        self.stand = Stand(BIN, flags=("--server.max_body_memory_bytes", str(BUDGET)))
        self.addCleanup(self.stand.stop)
        self.stand.start_server()
        self.at = urllib.parse.urlsplit(self.stand.base)

    def resident(self, line="VmRSS"):
        with open("/proc/%d/status" % self.stand.process("server").pid, encoding="ascii") as status:
            return next(int(one.split()[1]) * 1024 for one in status if one.startswith(line))

    def send_most(self):
        """A connection with all of a body but its end, as far as the server took it."""
        connection = socket.create_connection((self.at.hostname, self.at.port), timeout=60)
        self.addCleanup(connection.close)
        try:
            connection.sendall(b"POST /mcp/none HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json"
                               b"\r\nContent-Length: %d\r\n\r\n" % (self.at.netloc.encode(), BODY + 1))
            connection.sendall(b" " * BODY)
        except OSError:
            pass  # it was refused
        return connection

    def test_bodies_that_never_end_stay_within_their_budget(self):
        before = self.resident()
        connections = [self.send_most() for _ in range(CLIENTS)]
        # A small request behind them is served: everything before it was taken or refused.
        self.assertEqual(exchange(self.stand.base, "GET", "/healthz")[0], 200)
        self.assertEqual(exchange(self.stand.base, "POST", "/mcp/none", b"{}")[0], 401)
        grown = self.resident("VmHWM") - before
        self.assertGreater(CLIENTS * BODY, BUDGET + BESIDE)
        self.assertLess(grown, BUDGET + BESIDE)
        refused = 0
        for connection in connections:
            connection.setblocking(False)
            try:
                refused += connection.recv(4096).startswith(b"HTTP/1.1 503 ")
            except OSError:
                pass
        # 900 KB take a MiB each.
        self.assertGreaterEqual(refused, CLIENTS - BUDGET // MIB - 1)
        print("grown by %d KiB, %d of %d refused" % (grown // 1024, refused, CLIENTS))


if __name__ == "__main__":
    main()
