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


ACCEPT = {"Accept": "application/json, text/event-stream"}


def request(url, body, fields=None):
    """The bytes of a POST."""
    split = urllib.parse.urlsplit(url)
    data = json.dumps(body).encode()
    head = ["POST %s%s HTTP/1.1" % (split.path, "?" + split.query if split.query else ""),
            "Host: " + split.netloc, "Content-Type: application/json",
            "Content-Length: %d" % len(data)]
    head += ["%s: %s" % pair for pair in dict(ACCEPT, **(fields or {})).items()]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + data


def is_whole(head, body):
    length = re.search(rb"(?i)content-length: (\d+)", head)
    if length:
        return len(body) >= int(length.group(1))
    return body.endswith(b"0\r\n\r\n")  # chunked, and an answer to one request alone


def read_answer(connection):
    """The body of one answer as it came; anything but a 2xx is a fault."""
    answer = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            raise Fault("the server closed the connection after %r" % answer[:200])
        answer += piece
        head, sep, body = answer.partition(b"\r\n\r\n")
        if not sep:
            continue
        if not head.startswith(b"HTTP/1.1 2"):
            raise Fault("the server answered %r" % answer[:300])
        if is_whole(head, body):
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

    def part(self, at, count):
        """Those callers of them alone; the connections stay theirs."""
        some = Callers.__new__(Callers)
        some.connections = self.connections[at:at + count]
        return some

    def call(self, requests):
        """Sends the n-th request on the n-th connection, then reads the answers."""
        if len(requests) > len(self.connections):
            raise ValueError("more requests than connections")
        pairs = list(zip(self.connections, requests))
        for connection, data in pairs:
            connection.sendall(data)
        return [read_answer(connection) for connection, _ in pairs]

    def call_all(self, requests, at_once=32):
        """All of the requests, so many at a time; the answers in their order."""
        answers = []
        for at in range(0, len(requests), at_once):
            answers += self.call(requests[at:at + at_once])
        return answers
