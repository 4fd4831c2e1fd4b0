# SPDX-License-Identifier: Apache-2.0
"""What the flow tests share: a stand per class, raw exchanges, volleys, waiting for a condition.

Standard library only. The programs are looked for in $SLUICE_BIN, default build/bin.
"""
import http.client
import json
import os
import shutil
import socket
import sys
import time
import unittest
import urllib.parse

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

from stand import LEGACY, MODERN, Stand, exchange, parse_reply  # noqa: E402,F401

BIN = os.environ.get("SLUICE_BIN") or os.path.join("build", "bin")
TODAY = "2026-11-20"
# What an MCP server of a NetSuite account shows when nothing narrows it, as it is listed.
NETSUITE_GETS = ["get_single_netsuite_%s_by_id" % one for one in (
    "account", "customer", "invoice", "journal_entry", "vendor_bill", "vendor")]
NETSUITE_LISTS = ["list_all_netsuite_" + many for many in (
    "accounts", "customers", "invoices", "journal_entries", "saved_searches", "vendor_bills", "vendors")]
NETSUITE_CREATES = ["create_a_netsuite_invoice"]
NETSUITE_TOOLS = NETSUITE_CREATES + NETSUITE_GETS + NETSUITE_LISTS
PATIENCE = 60  # seconds: the limit of every wait here; nothing is expected to take that long
# Milliseconds: an answer that is held until release(); less than upstream.read_timeout_ms.
HELD = 50000
META_VERSION = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


def wait_until(condition, what, seconds=PATIENCE):
    """The first true value of condition(); fails with `what` at the deadline."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %d s for %s" %
                                 (seconds, what() if callable(what) else what))
        time.sleep(0.005)


class FlowCase(unittest.TestCase):
    """A class of tests with one stand; ends it, and fails when a program ended badly."""

    flags = ()
    mocks = ("netsuite",)
    maxDiff = 4000

    @classmethod
    def furnish(cls):
        """What the server finds when it starts."""

    @classmethod
    def prepare(cls):
        """What every test of the class builds on."""

    @classmethod
    def setUpClass(cls):
        cls.stand = Stand(BIN, flags=cls.flags)
        try:
            cls.furnish()
            for mock in cls.mocks:
                cls.stand.start_mock(mock, "--today", TODAY)
            cls.stand.start_server()
            cls.prepare()
        except BaseException:
            cls.stand.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            for name, process in reversed(cls.stand.processes):
                if process.poll() is None:
                    cls.stand.end(name)
                if process.returncode not in cls.expected_codes(name):
                    raise AssertionError("%s ended with %d; its log ends: %s" %
                                         (name, process.returncode, cls.stand.log_tail()))
            strange = [e for e in cls.stand.events() if e["event"] == "not_json"]
            if strange:
                raise AssertionError("the log has lines that are not JSON: %r" % strange[:3])
        finally:
            cls.stand.stop()

    @classmethod
    def expected_codes(cls, name):
        return (0,)

    @classmethod
    def copy_catalogs(cls):
        """For furnish: the server reads a copy of the catalogs, cls.folder, that tests may change."""
        cls.folder = os.path.join(cls.stand.scratch, "catalog")
        for name in ("netsuite", "sap"):
            shutil.copytree(os.path.join(ROOT, "connectors", name, "catalog"),
                            os.path.join(cls.folder, name))
        cls.stand.extra_flags += ["--catalog_dir", cls.folder]

    # ---- Upstream accounts ----

    @classmethod
    def upstream(cls, concurrency=None, mock="netsuite"):
        """Credentials of a NetSuite account at the mock that nothing else uses."""
        cls.upstreams = getattr(cls, "upstreams", 0) + 1
        name = "FLOW%d" % cls.upstreams
        credentials = {"account_id": name}
        for part in ("consumer_key", "consumer_secret", "token_id", "token_secret"):
            credentials[part] = "%s-%s-%d" % (name, part, os.getpid())
        body = dict(credentials)
        if concurrency is not None:
            body["concurrency"] = concurrency
        reply = cls.stand.control(mock, "POST", "/accounts", body)
        if not reply.get("ok"):
            raise AssertionError(reply)
        return credentials

    @classmethod
    def fresh(cls, tenant="demo", governor=None, config=None, verify=True, concurrency=None):
        """(account, URL) with a lane that nothing else uses."""
        credentials = cls.upstream(concurrency)
        body = cls.stand.netsuite_account(tenant=tenant, credentials=credentials,
                                          governor=governor)
        path = "/integrated-account" + ("" if verify else "?verify=false")
        account = cls.stand.admin("POST", path, body)
        return account, cls.stand.mint(account["id"], config)["url"]

    # ---- The mock ----

    def stats(self):
        return self.stand.control("netsuite", "GET", "/stats")

    def latency(self, ms):
        self.stand.control("netsuite", "PUT", "/latency", {"ms": ms, "jitter_ms": 0})
        self.addCleanup(self.stand.control, "netsuite", "PUT", "/latency",
                        {"ms": 0, "jitter_ms": 0})

    def hold(self):
        """The ERP thinks until release(): a test first sees what it waits for, however long it takes."""
        self.latency(HELD)
        self.addCleanup(self.release)

    def release(self, ms=0):
        """What waits at the mock is answered now; what comes from now on takes `ms`, as HELD."""
        self.stand.control("netsuite", "PUT", "/latency", {"ms": ms})
        self.stand.control("netsuite", "POST", "/release")

    def reset(self):
        self.stand.control("netsuite", "POST", "/reset")

    def fault(self, kind, times=1, **more):
        reply = self.stand.control("netsuite", "POST", "/faults",
                                   dict({"match": {}, "times": times, "kind": kind}, **more))
        self.assertTrue(reply.get("ok"), reply)
        self.addCleanup(self.stand.control, "netsuite", "DELETE", "/faults")

    def last(self, count=2000):
        return self.stand.control("netsuite", "GET", "/last?n=%d" % count)["requests"]

    def lane(self, account):
        return self.stand.admin("GET", "/lanes/" + urllib.parse.quote(account["lane"], safe=""))

    # ---- Shorthands ----

    def error(self, result):
        self.assertTrue(result and result.get("isError"), "no error but %r" % result)
        return json.loads(result["content"][0]["text"])["error"]

    def data(self, result):
        self.assertIsNotNone(result)
        self.assertNotIn("isError", result, result)
        return json.loads(result["content"][0]["text"])["data"]


# ---- Raw bytes ----

def address(base):
    split = urllib.parse.urlsplit(base)
    return split.hostname, split.port


def connect(base, timeout=PATIENCE):
    sock = socket.create_connection(address(base), timeout=timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_reply(sock, method="POST"):
    """(status, headers in lower case, body) of the next reply on the socket."""
    reply = http.client.HTTPResponse(sock, method=method)
    reply.begin()
    body = reply.read()
    return reply.status, {k.lower(): v for k, v in reply.getheaders()}, body


def read_to_end(sock):
    pieces = []
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)


def request_bytes(base, method, path, body=b"", headers=()):
    host = "%s:%d" % address(base)
    lines = ["%s %s HTTP/1.1" % (method, path)]
    names = [name.lower() for name, _ in headers]
    if "host" not in names:
        lines.append("Host: " + host)
    lines += ["%s: %s" % pair for pair in headers]
    if body or method == "POST":
        lines.append("Content-Length: %d" % len(body))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def raw(base, method, path, body=b"", headers=()):
    """The whole reply as bytes, on a connection of its own that the server then closes."""
    sock = connect(base)
    with sock:
        sock.sendall(request_bytes(base, method, path, body,
                                   list(headers) + [("Connection", "close")]))
        return read_to_end(sock)


def without_date(reply):
    """The bytes of a reply without its Date line."""
    head, _, body = reply.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"date:")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


# ---- MCP in raw form ----

def message(method, params=None, message_id=1, era="modern", token=None):
    """(body as an object, headers) of one request."""
    body = {"jsonrpc": "2.0", "id": message_id, "method": method}
    headers = {"Content-Type": "application/json",
               "Accept": "application/json, text/event-stream"}
    params = dict(params) if params is not None else None
    meta = {}
    if token is not None:
        meta["progressToken"] = token
    if era == "modern":
        meta.update({META_VERSION: MODERN, META_CAPABILITIES: {}})
        headers.update({"MCP-Protocol-Version": MODERN, "Mcp-Method": method})
        if method == "tools/call":
            headers["Mcp-Name"] = params["name"]
    else:
        headers["MCP-Protocol-Version"] = LEGACY
    if meta:
        params = dict(params or {}, _meta=meta)
    if params is not None:
        body["params"] = params
    return body, headers


def call_bytes(url, name, arguments, era="modern", message_id=1, token=None):
    """The bytes of a tools/call on a URL."""
    body, headers = message("tools/call", {"name": name, "arguments": arguments}, message_id,
                            era, token)
    split = urllib.parse.urlsplit(url)
    return request_bytes(url, "POST", split.path, json.dumps(body).encode(),
                         list(headers.items()))


class Volley:
    """Calls sent at once: every connection is open before the first byte of a call leaves."""

    def __init__(self, url, calls, name="list_all_netsuite_customers", arguments=None,
                 era="modern", first_id=1):
        self.bytes = [call_bytes(url, name, arguments or {"limit": 1}, era, first_id + n)
                      for n in range(calls)]
        self.sockets = [connect(url) for _ in range(calls)]
        self.first_id = first_id
        self.started = None

    def send(self):
        self.started = time.monotonic()
        for sock, data in zip(self.sockets, self.bytes):
            sock.sendall(data)
        return self

    def hang_up(self):
        for sock in self.sockets:
            sock.close()

    def raw_results(self):
        """(status, headers, bytes) of every call, in the order they were sent."""
        outcome = []
        for sock in self.sockets:
            with sock:
                outcome.append(read_reply(sock))
        return outcome

    def results(self):
        """(status, headers, result) of every call, in the order they were sent."""
        outcome = []
        for n, (status, fields, body) in enumerate(self.raw_results()):
            reply = parse_reply(fields, body, self.first_id + n) if status != 401 else None
            outcome.append((status, fields, (reply or {}).get("result")))
        return outcome


def codes(results):
    """How many of each: "ok" or the error's code."""
    counted = {}
    for _, _, result in results:
        word = "ok"
        if result is None:
            word = "no result"
        elif result.get("isError"):
            word = json.loads(result["content"][0]["text"])["error"]["code"]
        counted[word] = counted.get(word, 0) + 1
    return counted


def main():
    unittest.main(verbosity=2)
