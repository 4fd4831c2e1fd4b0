# SPDX-License-Identifier: Apache-2.0
"""Starts mock-netsuite and speaks to it, signing with Python's own hmac: no code of the product; and
what its tests share.

Standard library only. The binary is looked for in $SLUICE_BIN, default build/bin.
"""
import base64
import decimal
import hashlib
import hmac
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("SLUICE_BIN") or os.path.join(ROOT, "build", "bin")
SUITEQL = "/services/rest/query/v1/suiteql"
RECORD = "/services/rest/record/v1"
RESTLET = "/app/site/hosting/restlet.nl"
TODAY = "2026-11-20"
COUNT = "SELECT COUNT(*) AS n FROM customer"


def encode(text):
    return urllib.parse.quote(text, safe="-._~")


class Credentials:
    def __init__(self, account_id, consumer_key, consumer_secret, token_id, token_secret):
        self.account_id = account_id
        self.consumer_key = consumer_key
        self.consumer_secret = consumer_secret
        self.token_id = token_id
        self.token_secret = token_secret


def authorization(who, method, host, target, **change):
    """The header of one request. `change` replaces or (None) removes header parameters; the
    signature covers what is sent, unless `signature` itself is given."""
    path, _, query = target.partition("?")
    header = {
        "oauth_consumer_key": who.consumer_key,
        "oauth_token": who.token_id,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": secrets.token_hex(16),
        "oauth_version": "1.0",
    }
    realm = change.pop("realm", who.account_id)
    signature = change.pop("signature", None)
    for name, value in change.items():
        header["oauth_" + name] = value
    header = {k: v for k, v in header.items() if v is not None}
    pairs = list(header.items())
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        pairs.append((urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(value)))
    encoded = sorted((encode(k).encode(), encode(v).encode()) for k, v in pairs)
    params = "&".join("%s=%s" % (k.decode(), v.decode()) for k, v in encoded)
    base = "&".join([method, encode("http://" + host.lower() + path), encode(params)])
    key = encode(who.consumer_secret) + "&" + encode(who.token_secret)
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()
    header["oauth_signature"] = signature or base64.b64encode(digest).decode()
    fields = ['realm="%s"' % realm] if realm is not None else []
    fields += ['%s="%s"' % (k, encode(v)) for k, v in header.items()]
    return "OAuth " + ", ".join(fields)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["o:errorDetails"][0]["o:errorCode"]

    @property
    def detail(self):
        return self.json["o:errorDetails"][0]["detail"]


class Mock:
    """One running mock."""

    def __init__(self, *args):
        command = [os.path.join(BIN, "mock-netsuite"), "--today", TODAY, *args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("mock-netsuite: " + self.process.stderr.read())
        self.said = json.loads(line)
        self.who = Credentials(*(self.said[k] for k in (
            "account_id", "consumer_key", "consumer_secret", "token_id", "token_secret")))
        self.host = urllib.parse.urlsplit(self.said["url"]).netloc
        self.control_host = urllib.parse.urlsplit(self.said["control_url"]).netloc

    def stop(self):
        """Ends the mock; returns (exit status, what it wrote to stderr)."""
        self.process.send_signal(signal.SIGTERM)
        rest = self.process.communicate(timeout=60)
        return self.process.returncode, rest[0] + rest[1]

    def connect(self, timeout=60):
        return http.client.HTTPConnection(self.host, timeout=timeout)

    def send(self, connection, method, target, body=None, headers=None, who=None, **change):
        h = {"Authorization": authorization(who or self.who, method, self.host, target, **change)}
        h.update(headers or {})
        connection.request(method, target, body=body, headers=h)

    def call(self, method, target, body=None, headers=None, who=None, **change):
        connection = self.connect()
        try:
            self.send(connection, method, target, body, headers, who, **change)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def query(self, sql, params=None, limit=None, offset=None, who=None, headers=None):
        page = {k: v for k, v in (("limit", limit), ("offset", offset)) if v is not None}
        target = SUITEQL + ("?" + urllib.parse.urlencode(page) if page else "")
        body = {"q": sql} if params is None else {"q": sql, "params": params}
        h = {"Content-Type": "application/json", "Prefer": "transient"}
        h.update(headers or {})
        return self.call("POST", target, json.dumps(body), h, who)

    def rows(self, sql, *params, limit=None, offset=None):
        answer = self.query(sql, list(params), limit, offset)
        if answer.status != 200:
            raise AssertionError("%d %s" % (answer.status, answer.body[:500]))
        return [{k: v for k, v in row.items() if k != "links"} for row in answer.json["items"]]

    def control(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.control_host, timeout=60)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, body=data)
            answer = Answer(connection.getresponse())
            return answer.status, answer.json
        finally:
            connection.close()

    def stats(self):
        return self.control("GET", "/stats")[1]

    def fault(self, kind, times=1, path_regex=None, **more):
        match = {"path_regex": path_regex} if path_regex else {}
        status, said = self.control("POST", "/faults",
                                    {"match": match, "times": times, "kind": kind, **more})
        if status != 200:
            raise AssertionError(said)


def dec(text):
    return decimal.Decimal(text)


class Case(unittest.TestCase):
    """One mock per class; every test starts from a reset one."""

    args = ()

    @classmethod
    def setUpClass(cls):
        cls.mock = Mock(*cls.args)

    @classmethod
    def tearDownClass(cls):
        status, said = cls.mock.stop()
        # A sanitizer's report is a failure of the test that ran before it.
        if status != 0 or said:
            raise AssertionError("mock ended with %d: %s" % (status, said[:3000]))

    def setUp(self):
        for method, path, body in (
                ("DELETE", "/faults", None), ("PUT", "/latency", {"ms": 0, "jitter_ms": 0}),
                ("PUT", "/limits", {"concurrency": 15}), ("PUT", "/clock", {"skew_seconds": 0}),
                ("POST", "/reset", None)):
            self.assertEqual(200, self.mock.control(method, path, body)[0])

    def parallel(self, count, call):
        """Runs call(i) in `count` threads; returns the results."""
        results = [None] * count

        def run(i):
            results[i] = call(i)

        threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def wait_for(self, what, value, key="in_flight"):
        """Until GET /stats says so: a state to reach, not a time to hope for."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            stats = self.mock.stats()
            if stats[key] == value:
                return stats
            time.sleep(0.005)
        self.fail("%s: %s never became %s: %s" % (what, key, value, stats))


def main():
    if not os.access(os.path.join(BIN, "mock-netsuite"), os.X_OK):
        sys.exit("no mock-netsuite in %s: build it, or set SLUICE_BIN" % BIN)
    unittest.main()
