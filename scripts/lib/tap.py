# SPDX-License-Identifier: Apache-2.0
"""A tap: passes connections on to a mock ERP and remembers what was said in them.

What the server really sends and gets (signatures, access tokens, CSRF tokens, cookies) is known
from the wire alone; whoever looks for it in places where it must not be has to see it first. With
a certificate the tap speaks TLS to the server, as an ERP does.
"""
import asyncio
import os
import re
import ssl
import subprocess
import threading

PATTERNS = {
    "bearer token": rb"(?im)^authorization: Bearer ([^\r\n]+)",
    "user and password": rb"(?im)^authorization: Basic ([^\r\n]+)",
    "signature": rb'oauth_signature="([^"]+)"',
    "code": rb"[?&]code=([^&\s]+)",
    "code verifier": rb"code_verifier=([^&\s]+)",
    "refresh token": rb'"refresh_token"\s*:\s*"([^"]+)"',
    "access token": rb'"access_token"\s*:\s*"([^"]+)"',
    "CSRF token": rb"(?im)^x-csrf-token: ([^\r\n]+)",
    "cookie": rb"(?im)^set-cookie: [^=\r\n]+=([^;\r\n]+)",
}


class Authority:
    """A certificate authority of the moment, and one certificate of it for 127.0.0.1."""

    def __init__(self, folder):
        self.ca, self.certificate, self.key, ca_key, asked, names = (
            os.path.join(folder, name) for name in (
                "ca.pem", "own.pem", "own.key", "ca.key", "own.csr", "own.names"))
        with open(names, "w", encoding="utf-8") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self.openssl("req", "-x509", *new_key, "-keyout", ca_key, "-out", self.ca, "-days", "2",
                     "-subj", "/CN=authority of the moment")
        self.openssl("req", *new_key, "-keyout", self.key, "-out", asked, "-subj", "/CN=tap")
        self.openssl("x509", "-req", "-in", asked, "-CA", self.ca, "-CAkey", ca_key,
                     "-CAcreateserial", "-out", self.certificate, "-days", "2",
                     "-extfile", names)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, self.key)

    @staticmethod
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)


class Tap:
    """Listens on a free loopback port until stop()."""

    def __init__(self, port, authority=None):
        self.upstream = port
        self.lock = threading.Lock()
        self.streams = []  # one bytearray per direction of a connection
        self.loop = asyncio.new_event_loop()
        context = authority.context if authority else None
        self.server = self.loop.run_until_complete(
            asyncio.start_server(self.on_connection, "127.0.0.1", 0, ssl=context))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    async def on_connection(self, from_client, to_client):
        from_mock, to_mock = await asyncio.open_connection("127.0.0.1", self.upstream)
        heard = [bytearray(), bytearray()]
        with self.lock:
            self.streams += heard
        await asyncio.gather(self.pass_on(from_client, to_mock, heard[0]),
                             self.pass_on(from_mock, to_client, heard[1]))

    async def pass_on(self, source, sink, stream):
        """Ends both ways when one ends, by an end or a reset: the mocks close whole connections."""
        try:
            while True:
                piece = await source.read(65536)
                if not piece:
                    break
                with self.lock:
                    stream += piece
                sink.write(piece)
                await sink.drain()
        except OSError:
            pass
        sink.close()

    def heard(self):
        """{what: set of texts} of everything that passed."""
        with self.lock:
            everything = [bytes(stream) for stream in self.streams]
        found = {what: set() for what in PATTERNS}
        for stream in everything:
            for what, pattern in PATTERNS.items():
                found[what].update(re.findall(pattern, stream))
        return found

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.server.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()
