# SPDX-License-Identifier: Apache-2.0
"""A SAP mock with a TLS port, its control port and a client of its own: http.client and ssl."""
import base64
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import unittest
import urllib.parse

BIN = os.environ.get("SLUICE_BIN") or os.path.join("build", "bin")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ODATA = "/sap/opu/odata/sap/"
ORDERS = ODATA + "API_PURCHASEORDER_PROCESS_SRV/"
PARTNERS = ODATA + "API_BUSINESS_PARTNER/"
FORM = "application/x-www-form-urlencoded"


def make_certificate(folder, name, days="7", subject=None):
    """A self-signed certificate for 127.0.0.1: (certificate, key), paths of PEM files."""
    paths = [os.path.join(folder, name + end) for end in (".crt", ".key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", days, "-subj",
                    "/CN=" + (subject or name), "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", paths[1], "-out", paths[0]], check=True, capture_output=True)
    return paths


def text_of(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def basic(name, secret):
    return "Basic " + base64.b64encode(("%s:%s" % (name, secret)).encode()).decode()


class MockCase(unittest.TestCase):
    """One mock for all tests of a class; each starts from clean settings."""
    flags = ()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.server = make_certificate(cls.folder, "server")
        cls.mine = make_certificate(cls.folder, "mine", subject="tenant")
        cls.process = subprocess.Popen(
            [os.path.join(ROOT, BIN, "mock-sap"), "--today", "2026-11-20",
             "--tls-certificate", cls.server[0], "--tls-key", cls.server[1],
             "--client-certificate", cls.mine[0], *cls.flags], stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.end)
        cls.mock = json.loads(cls.process.stdout.readline())

    @classmethod
    def end(cls):
        cls.process.terminate()
        code = cls.process.wait(timeout=30)
        cls.process.stdout.close()
        if code != 0:
            raise AssertionError("mock-sap ended with %d" % code)

    def setUp(self):
        self.control("PUT", "/clock", {"skew_seconds": 0})
        self.control("PUT", "/oauth2", {"access_token_seconds": None})
        self.control("PUT", "/certificates", {"certificate_pem": text_of(self.mine[0])})
        self.control("POST", "/tokens/expire", {})
        self.control("PUT", "/connectivity", {
            "connected": True, **{name: self.mock["connectivity"][name]
                                  for name in ("virtual_host", "location_id")}})
        self.control("DELETE", "/faults")
        self.control("PUT", "/latency", {"ms": 0, "jitter_ms": 0, "token_ms": 0})
        self.control("POST", "/reset")

    def connect(self, url, certificate=None):
        split = urllib.parse.urlsplit(url)
        if split.scheme == "http":
            return http.client.HTTPConnection(split.hostname, split.port, timeout=60)
        context = ssl.create_default_context(cafile=self.server[0])
        if certificate:
            context.load_cert_chain(*certificate)
        return http.client.HTTPSConnection(split.hostname, split.port, timeout=60,
                                           context=context)

    def ask(self, method, url, headers=None, body=None, certificate=None):
        """(status, {name: value}, text)."""
        split = urllib.parse.urlsplit(url)
        connection = self.connect(url, certificate)
        try:
            connection.request(method, split.path + ("?" + split.query if split.query else ""),
                               body=body, headers=headers or {})
            reply = connection.getresponse()
            return (reply.status, {k.lower(): v for k, v in reply.getheaders()},
                    reply.read().decode())
        finally:
            connection.close()

    def control(self, method, path, body=None, status=200):
        got, _, text = self.ask(method, self.mock["control_url"] + path, None,
                                json.dumps(body) if body is not None else None)
        self.assertEqual(got, status, text)
        return json.loads(text)

    def token(self, url, headers=None, certificate=None, **fields):
        """(status, body) of a token request; a field that is None is left out."""
        fields = {"grant_type": "client_credentials", **fields}
        form = urllib.parse.urlencode({k: v for k, v in fields.items() if v is not None})
        status, _, text = self.ask("POST", url, {"Content-Type": FORM, **(headers or {})}, form,
                                   certificate)
        return status, json.loads(text)

    def good(self, *args, **fields):
        status, body = self.token(*args, **fields)
        self.assertEqual(status, 200, body)
        return body["access_token"]

    def erp(self, token):
        return self.ask("GET", self.mock["url"] + PARTNERS,
                        {"Authorization": "Bearer " + token, "Accept": "application/json"})[0]
