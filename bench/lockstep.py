"""Callers in lockstep: so many keep-alive connections, one call on each, then all answers read.

The load of what must not depend on how fast the machine happens to be: the calls are counted, not
the seconds.
"""
import json
import re
import socket
import urllib.parse

import measure  # noqa: F401  (it knows where stand is)
from stand import Fault


def request(url, body):
    split = urllib.parse.urlsplit(url)
    data = json.dumps(body).encode()
    return (b"POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
            b"Accept: application/json, text/event-stream\r\nContent-Length: %d\r\n\r\n%s" %
            (split.path.encode(), split.netloc.encode(), len(data), data))


def read_answer(connection):
    """The body of one answer; anything but a 200 is a fault."""
    answer = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            raise Fault("the server closed the connection after %r" % answer[:200])
        answer += piece
        head, sep, body = answer.partition(b"\r\n\r\n")
        if not sep:
            continue
        if not head.startswith(b"HTTP/1.1 200 "):
            raise Fault("the server answered %r" % answer[:300])
        if len(body) >= int(re.search(rb"(?i)content-length: (\d+)", head).group(1)):
            return body


class Callers:
    """A context: its connections are open while it lasts."""

    def __init__(self, base, count, timeout=120):
        url = urllib.parse.urlsplit(base)
        self.connections = []
        for _ in range(count):
            one = socket.create_connection((url.hostname, url.port), timeout=timeout)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(one)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.connections:
            one.close()

    def call(self, requests):
        """Sends the n-th request on the n-th connection, then reads the answers."""
        pairs = list(zip(self.connections, requests))
        for connection, data in pairs:
            connection.sendall(data)
        return [read_answer(connection) for connection, _ in pairs]
