# SPDX-License-Identifier: Apache-2.0
"""A tap: passes connections on to a mock ERP and remembers what was said in them.

What the server really sends and gets (signatures, access tokens, CSRF tokens, cookies) is known
from the wire alone; whoever looks for it in places where it must not be has to see it first.
"""
import re
import socket
import threading

PATTERNS = {
    "bearer token": rb"(?im)^authorization: Bearer ([^\r\n]+)",
    "user and password": rb"(?im)^authorization: Basic ([^\r\n]+)",
    "signature": rb'oauth_signature="([^"]+)"',
    "access token": rb'"access_token"\s*:\s*"([^"]+)"',
    "CSRF token": rb"(?im)^x-csrf-token: ([^\r\n]+)",
    "cookie": rb"(?im)^set-cookie: [^=\r\n]+=([^;\r\n]+)",
}


def hang_up(sock):
    """Also for the thread that waits in recv: close alone would let it wait."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is hung up already


class Tap:
    """Listens on a free loopback port until stop()."""

    def __init__(self, port):
        self.upstream = port
        self.lock = threading.Lock()
        self.streams = []  # one bytearray per direction of a connection
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.upstream))
            with self.lock:
                self.sockets += [client, server]
                heard = [bytearray(), bytearray()]
                self.streams += heard
            for source, sink, stream in ((client, server, heard[0]), (server, client, heard[1])):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.pass_on, args=(source, sink, stream),
                                 daemon=True).start()

    def pass_on(self, source, sink, stream):
        try:
            while True:
                piece = source.recv(65536)
                if not piece:
                    break
                with self.lock:
                    stream += piece
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # a reset ends both sides
            for end in (source, sink):
                hang_up(end)

    def heard(self):
        """{what: set of texts} of everything that passed."""
        with self.lock:
            everything = [bytes(stream) for stream in self.streams]
        found = {what: set() for what in PATTERNS}
        for stream in everything:
            for what, pattern in PATTERNS.items():
                found[what].update(re.findall(pattern, stream))
        return found

    def contains(self, text):
        with self.lock:
            return any(text in stream for stream in self.streams)

    def stop(self):
        self.listener.close()
        with self.lock:
            for end in self.sockets:
                hang_up(end)
                end.close()
