# SPDX-License-Identifier: Apache-2.0
"""The listener's TLS: versions, suites, protocols, certificates that change, peers that misbehave."""
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from flow import BIN, MODERN, exchange, main, parse_reply, wait_until
from stand import Stand
from tap import Authority

DAY = 86400
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


class Pair:
    """An authority, and its certificate and key as the server reads them."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.authority = Authority(folder)
        self.certificate, self.key = self.authority.certificate, self.authority.key
        os.chmod(self.key, 0o600)
        self.trust = ssl.create_default_context(cafile=self.authority.ca)

    def install(self, certificate, key):
        """Under those names, each by a rename, as tools that renew certificates do."""
        for source, target in ((self.certificate, certificate), (self.key, key)):
            shutil.copy(source, target + ".new")
            os.chmod(target + ".new", 0o600)
            os.rename(target + ".new", target)


class Dated(Pair):
    """A pair that is valid for those days from now, and signed by itself."""

    def __init__(self, folder, from_days, to_days):
        os.makedirs(folder, exist_ok=True)
        self.certificate, self.key = (os.path.join(folder, name) for name in ("own.pem", "own.key"))
        self.from_s = int(time.time()) + from_days * DAY
        self.to_s = int(time.time()) + to_days * DAY
        settings, asked = (os.path.join(folder, name) for name in ("ca.conf", "own.csr"))
        with open(settings, "w", encoding="utf-8") as file:
            file.write("[ca]\ndefault_ca=c\n[c]\ndatabase=%s/index\nnew_certs_dir=%s\nrand_serial=yes\n"
                       "policy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\n" % (folder, folder))
        open(os.path.join(folder, "index"), "w", encoding="utf-8").close()
        Authority.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                          "-nodes", "-keyout", self.key, "-out", asked, "-subj", "/CN=dated")
        Authority.openssl("ca", "-batch", "-selfsign", "-notext", "-config", settings, "-keyfile",
                          self.key, "-in", asked, "-out", self.certificate,
                          "-startdate", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(self.from_s)),
                          "-enddate", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(self.to_s)))
        os.chmod(self.key, 0o600)


class TlsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sluice-tls-")
        cls.first = Pair(os.path.join(cls.folder, "first"))
        cls.second = Pair(os.path.join(cls.folder, "second"))
        cls.certificate = os.path.join(cls.folder, "server.pem")
        cls.key = os.path.join(cls.folder, "server.key")
        cls.first.install(cls.certificate, cls.key)
        cls.stand = Stand(BIN, flags=("--server.tls.certificate_file", cls.certificate,
                                      "--server.tls.key_file", cls.key))
        cls.stand.trust = cls.first.trust
        try:
            cls.stand.start_mock("netsuite")
            cls.stand.start_server()
            cls.account = cls.stand.connect_netsuite()
            cls.url = cls.stand.mint(cls.account["id"])["url"]
        except BaseException:
            cls.stand.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            code = cls.stand.end("server")
            if code != 0:
                raise AssertionError("the server ended with %d: %s" % (code, cls.stand.log_tail()))
        finally:
            cls.stand.stop()
            shutil.rmtree(cls.folder)

    @property
    def port(self):
        return urllib.parse.urlsplit(self.stand.base).port

    def connect(self, trust=None, timeout=60):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        try:
            return (trust or self.stand.trust).wrap_socket(raw, server_hostname="127.0.0.1")
        except BaseException:
            raw.close()
            raise

    def context(self, lowest=None, highest=None, **more):
        context = ssl.create_default_context(cafile=self.first.authority.ca)
        if lowest is not None:
            context.minimum_version = lowest
        if highest is not None:
            context.maximum_version = highest
        for name, value in more.items():
            getattr(context, name)(value)
        return context

    def ask(self, body, headers=None):
        path = urllib.parse.urlsplit(self.url).path
        fields = {"Content-Type": "application/json",
                  "Accept": "application/json, text/event-stream"}
        fields.update(headers or {})
        return exchange(self.stand.base, "POST", path, json.dumps(body).encode(), fields,
                        trust=self.stand.trust)

    def head(self, path, more=""):
        return ("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n" % (path, self.port, more)).encode()

    @staticmethod
    def read_until(connection, mark):
        got = b""
        while mark not in got:
            piece = connection.recv(65536)
            if not piece:
                raise AssertionError("the connection ended after %r" % got[-200:])
            got += piece
        return got

    @staticmethod
    def read_to_end(connection):
        got = b""
        while True:
            try:
                piece = connection.recv(65536)
            except OSError:
                return got
            if not piece:
                return got
            got += piece


class TestVersions(TlsCase):
    def test_a_minted_url_is_https_and_answers(self):
        self.assertTrue(self.url.startswith("https://127.0.0.1:"), "no https URL")
        status, fields, raw = self.ask(LIST)
        self.assertEqual(status, 200)
        names = [tool["name"] for tool in parse_reply(fields, raw)["result"]["tools"]]
        self.assertIn("list_all_netsuite_invoices", names)

    def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(self):
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
                              (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            with self.connect(self.context(version, version)) as connection:
                self.assertEqual(connection.version(), name)
                connection.sendall(self.head("/healthz"))
                self.assertIn(b'{"ok":true}', self.read_until(connection, b"}"))
        old = subprocess.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.port, "-tls1_1",
             "-cipher", "ALL:@SECLEVEL=0"], input=b"", capture_output=True, timeout=60)
        self.assertNotEqual(old.returncode, 0)
        self.assertIn(b"alert protocol version", old.stderr)

    def test_tls_1_2_takes_forward_secret_aead_suites_only(self):
        for suites in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "DHE-RSA-AES128-SHA"):
            with self.assertRaises(ssl.SSLError, msg=suites):
                self.connect(self.context(highest=ssl.TLSVersion.TLSv1_2, set_ciphers=suites))
        with self.connect(self.context(highest=ssl.TLSVersion.TLSv1_2)) as connection:
            self.assertRegex(connection.cipher()[0], "^ECDHE-.*(GCM|CHACHA20)")

    def test_alpn(self):
        with self.connect(self.context(set_alpn_protocols=["h2", "http/1.1"])) as connection:
            self.assertEqual(connection.selected_alpn_protocol(), "http/1.1")
        with self.connect() as connection:
            self.assertIsNone(connection.selected_alpn_protocol())
        with self.assertRaisesRegex(ssl.SSLError, "no application protocol"):
            self.connect(self.context(set_alpn_protocols=["h2", "http/1.10"]))

    def test_no_session_is_resumed_and_no_early_data_taken(self):
        with self.connect(self.context(highest=ssl.TLSVersion.TLSv1_2)) as connection:
            self.assertFalse(connection.session.has_ticket)
        shown = subprocess.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.port, "-tls1_3",
             "-CAfile", self.first.authority.ca], input=self.head("/healthz", "Connection: close\r\n"),
            capture_output=True, timeout=60).stdout
        self.assertIn(b"Verify return code: 0", shown)
        self.assertNotIn(b"Max Early Data: 1", shown)
        self.assertNotIn(b"TLS session ticket:", shown)


class TestConversation(TlsCase):
    def test_keep_alive_and_pipelined_requests(self):
        with self.connect() as connection:
            for _ in range(3):
                connection.sendall(self.head("/healthz"))
                self.assertIn(b"200 OK", self.read_until(connection, b'{"ok":true}'))
            connection.sendall(self.head("/healthz") * 20)
            got = b""
            while got.count(b'{"ok":true}') < 20:
                got += self.read_until(connection, b"}")
            self.assertEqual(got.count(b"200 OK"), 20)

    def test_a_request_in_single_bytes_and_one_of_megabytes(self):
        with self.connect() as connection:
            for byte in self.head("/healthz"):
                connection.sendall(bytes([byte]))
            self.read_until(connection, b'{"ok":true}')
        call = dict(LIST, params={"filler": "x" * 3_000_000})
        self.assertEqual(self.ask(call)[0], 200)
        path = urllib.parse.urlsplit(self.url).path
        with self.connect() as connection:  # the answer does not wait for what it refuses
            connection.sendall(("POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/"
                                "json\r\nContent-Length: 5000000\r\n\r\n" % (path, self.port)).encode())
            self.assertIn(b"HTTP/1.1 413 ", self.read_until(connection, b"\r\n\r\n"))

    def test_an_answer_of_hundreds_of_kilobytes_reaches_a_slow_reader(self):
        body = json.dumps([dict(LIST, id=n) for n in range(30)]).encode()
        path = urllib.parse.urlsplit(self.url).path
        with self.connect() as connection:
            connection.sendall(("POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: "
                                "application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                                % (path, self.port, len(body))).encode() + body)
            got = b""
            while True:
                piece = connection.recv(4096)
                if not piece:
                    break
                got += piece
        head, _, answer = got.partition(b"\r\n\r\n")
        self.assertIn(b"Content-Length: %d" % len(answer), head)
        self.assertEqual([message["id"] for message in json.loads(answer)], list(range(30)))
        self.assertGreater(len(answer), 300_000)

    def test_an_event_stream(self):
        params = {"name": "list_all_netsuite_customers", "arguments": {"limit": 2},
                  "_meta": {"io.modelcontextprotocol/protocolVersion": MODERN,
                            "io.modelcontextprotocol/clientCapabilities": {},
                            "progressToken": "p"}}
        status, fields, raw = self.ask(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": params["name"]})
        self.assertEqual((status, fields["content-type"]), (200, "text/event-stream"))
        self.assertIn(b"notifications/progress", raw)
        self.assertFalse(parse_reply(fields, raw)["result"].get("isError"))

    def test_the_end_is_announced(self):
        with self.connect(self.context(highest=ssl.TLSVersion.TLSv1_2)) as connection:
            connection.sendall(self.head("/healthz", "Connection: close\r\n"))
            self.read_until(connection, b"}")
            self.assertEqual(connection.recv(1), b"")  # an end without close_notify would raise


class TestPeersThatMisbehave(TlsCase):
    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def still_serves(self):
        with self.connect() as connection:
            connection.sendall(self.head("/healthz"))
            self.read_until(connection, b'{"ok":true}')

    def test_plain_http_and_noise_are_ended(self):
        for noise in (self.head("/healthz"), b"\x00" * 5000, b"\x16\x03\x01\xff\xff" + b"A" * 70000,
                      os.urandom(3000)):
            with self.raw() as connection:
                try:
                    connection.sendall(noise)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it was ended before all of it was taken
                self.assertNotIn(b"200 OK", self.read_to_end(connection))
        self.still_serves()

    def test_a_handshake_that_is_cut_or_reset(self):
        for reset in (False, True):
            connection = self.raw()
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(40))
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        self.still_serves()

    def test_a_forged_record_ends_the_connection(self):
        raw = self.raw()
        connection = self.stand.trust.wrap_socket(raw, server_hostname="127.0.0.1")
        connection.sendall(self.head("/healthz"))
        self.read_until(connection, b'{"ok":true}')
        plain = socket.socket(fileno=os.dup(connection.fileno()))
        plain.settimeout(60)
        plain.sendall(b"\x17\x03\x03\x00\x30" + b"Z" * 48)
        self.read_to_end(plain)
        plain.close()
        connection.close()
        self.still_serves()

    def test_clients_that_leave_in_the_middle_of_calls(self):
        path = urllib.parse.urlsplit(self.url).path
        self.stand.control("netsuite", "PUT", "/latency", {"ms": 100})
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "list_all_netsuite_customers", "arguments": {}}}).encode()
        for _ in range(5):
            connection = self.connect()
            connection.sendall(("POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/"
                                "json\r\nContent-Length: %d\r\n\r\n" % (path, self.port, len(body))
                                ).encode() + body)
            connection.close()
        self.stand.control("netsuite", "PUT", "/latency", {"ms": 0})
        self.still_serves()
        self.assertEqual(self.ask(LIST)[0], 200)


class TestRenewal(TlsCase):
    def serial(self, trust):
        with self.connect(trust) as connection:
            return connection.getpeercert()["serialNumber"]

    def refusals(self):
        return [event for event in self.stand.events() if event["event"] == "tls_reload_refused"]

    def hang_up(self):
        self.stand.process("server").send_signal(signal.SIGHUP)

    def test_a_renewed_pair_is_used_and_open_connections_go_on(self):
        with self.connect() as before:
            before.sendall(self.head("/healthz"))
            self.read_until(before, b'{"ok":true}')
            self.second.install(self.certificate, self.key)
            self.hang_up()

            def is_new():
                try:
                    return self.serial(self.second.trust)
                except ssl.SSLError:
                    return None
            wait_until(is_new, "the new certificate")
            before.sendall(self.head("/healthz"))
            self.read_until(before, b'{"ok":true}')
        # Back again, noticed by the server itself.
        self.first.install(self.certificate, self.key)

        def is_old():
            try:
                return self.serial(self.first.trust)
            except ssl.SSLError:
                return None
        wait_until(is_old, "the first certificate")

    def test_a_pair_that_does_not_fit_is_refused_and_the_old_one_stays(self):
        serial = self.serial(self.first.trust)
        seen = len(self.refusals())
        shutil.copy(self.second.key, self.key)
        self.hang_up()
        wait_until(lambda: len(self.refusals()) > seen, "the refusal in the log")
        refusal = self.refusals()[-1]
        self.assertEqual((refusal["file"], refusal["cause"]), (self.key, "key_of_another"))
        self.assertEqual(self.serial(self.first.trust), serial)
        self.first.install(self.certificate, self.key)
        self.hang_up()


    def test_one_out_of_its_time_does_not_replace_one_that_is_within(self):
        serial = self.serial(self.first.trust)
        for name, days, cause in (("ended", (-9, -1), "has_ended"),
                                  ("early", (1, 9), "not_yet_valid")):
            pair = Dated(os.path.join(self.folder, name), *days)
            seen = len(self.refusals())
            pair.install(self.certificate, self.key)
            self.hang_up()
            wait_until(lambda: len(self.refusals()) > seen, "the refusal in the log")
            refusal = self.refusals()[-1]
            self.assertEqual((refusal["level"], refusal["file"], refusal["cause"]),
                             ("error", self.certificate, cause))
            self.assertEqual(self.serial(self.first.trust), serial)
        self.first.install(self.certificate, self.key)
        self.hang_up()

    def test_metrics_tell_its_end_and_what_tls_ended(self):
        def metrics():
            text = exchange(self.stand.base, "GET", "/metrics", trust=self.stand.trust)[2].decode()
            return dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
        end = ssl.cert_time_to_seconds(self.end_of(self.first.trust))
        before = metrics()
        self.assertEqual(int(before["sluice_tls_certificate_not_after_seconds"]), end)
        for noise in (self.head("/mcp/secret"), b"\x80\x2e\x01\x00"):
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
                connection.sendall(noise)
                got = self.read_to_end(connection)
                self.assertEqual(b"This port speaks TLS" in got, noise.startswith(b"GET"))
        with self.assertRaises(ssl.SSLError):
            self.connect(ssl.create_default_context())  # it does not know our authority
        name = 'sluice_tls_failures_total{cause="%s"}'

        def counted():
            after = metrics()
            return [int(after[name % cause]) - int(before[name % cause])
                    for cause in ("plain_http", "not_tls", "refused")] == [1, 1, 1]
        wait_until(counted, "one failure of each cause")

    def end_of(self, trust):
        with self.connect(trust) as connection:
            return connection.getpeercert()["notAfter"]


class TestStart(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-tls-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.pair = Pair(self.folder)
        self.stand = Stand(BIN)
        self.addCleanup(self.stand.stop)
        self.stand.make_keys()

    def refused(self, *flags):
        result = self.stand.command("serve", flags=[*self.stand.flags(), *flags])
        self.assertEqual(result.returncode, 1 if "together" not in result.stderr else 2,
                         result.stderr)
        return result.stderr

    def with_pair(self, certificate=None, key=None):
        return ("--server.tls.certificate_file", certificate or self.pair.certificate,
                "--server.tls.key_file", key or self.pair.key)

    def test_wrong_pairs_are_told_apart(self):
        other = Pair(os.path.join(self.folder, "other"))
        no_key = os.path.join(self.folder, "certificate.key")
        shutil.copy(self.pair.certificate, no_key)
        os.chmod(no_key, 0o600)
        self.assertIn("is not the key of the certificate", self.refused(*self.with_pair(key=other.key)))
        self.assertIn("/nowhere is not there", self.refused(*self.with_pair(certificate="/nowhere")))
        self.assertIn("holds no certificate", self.refused(*self.with_pair(certificate=self.pair.key)))
        self.assertIn("holds no private key", self.refused(*self.with_pair(key=no_key)))
        os.chmod(self.pair.key, 0o644)
        self.assertIn("may be read by everybody", self.refused(*self.with_pair()))
        os.chmod(self.pair.key, 0o640)
        sealed = os.path.join(self.folder, "sealed.key")
        Authority.openssl("pkey", "-in", self.pair.key, "-aes256", "-passout", "pass:x", "-out", sealed)
        os.chmod(sealed, 0o600)
        self.assertIn("is encrypted", self.refused(*self.with_pair(key=sealed)))
        self.assertIn("together", self.refused("--server.tls.key_file", self.pair.key))

    def test_another_address_than_loopback_needs_tls_or_a_word(self):
        said = self.refused("--server.host", "0.0.0.0", "--server.public_url", "http://x.example")
        self.assertIn("server.tls.certificate_file", said)
        self.assertIn("--insecure-bind", said)
        self.assertIn("server.public_url", self.refused("--server.host", "0.0.0.0",
                                                        "--insecure-bind"))
        self.stand.extra_flags = ["--server.host", "0.0.0.0", "--insecure-bind",
                                  "--server.public_url", "http://127.0.0.1"]
        self.stand.start_server()
        self.assertEqual(exchange(self.stand.base, "GET", "/healthz")[0], 200)
        self.assertIn("insecure_bind", [event["event"] for event in self.stand.events()])

    def told(self, event):
        return [one for one in self.stand.events() if one["event"] == event]

    def test_one_out_of_its_time_is_served_with_an_alarm_until_a_better_one_comes(self):
        for name, days, event, when in (
                ("ended", (-9, -1), "tls_certificate_ended", "since"),
                ("early", (1, 9), "tls_certificate_not_yet_valid", "until")):
            pair = Dated(os.path.join(self.folder, name), *days)
            self.stand.extra_flags = list(self.with_pair(pair.certificate, pair.key))
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.stand.trust = context
            self.stand.start_server()
            self.assertEqual(exchange(self.stand.base, "GET", "/healthz", trust=context)[0], 200)
            alarm = self.told(event)[-1]
            self.assertEqual((alarm["level"], alarm["file"]), ("error", pair.certificate))
            self.assertEqual(alarm[when], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(
                pair.to_s if name == "ended" else pair.from_s)))
            self.assertIn("put a", alarm["remedy"])
            count = len(self.told("tls_certificate"))
            self.pair.install(pair.certificate, pair.key)
            self.stand.process("server").send_signal(signal.SIGHUP)
            wait_until(lambda: len(self.told("tls_certificate")) > count, "the better one")
            self.stand.trust = self.pair.trust
            self.assertEqual(exchange(self.stand.base, "GET", "/healthz", trust=self.pair.trust)[0], 200)
            self.assertEqual(self.stand.end("server"), 0)

    def test_with_tls_it_listens_anywhere_and_says_until_when(self):
        self.stand.extra_flags = ["--server.host", "0.0.0.0", "--server.public_url",
                                  "https://erp.example.com", *self.with_pair()]
        self.stand.trust = self.pair.trust
        self.stand.start_server()
        self.assertEqual(exchange(self.stand.base, "GET", "/healthz", trust=self.pair.trust)[0], 200)
        told = [event for event in self.stand.events() if event["event"] == "tls_certificate"]
        self.assertEqual([event["level"] for event in told], ["warn"])
        self.assertIn(told[0]["days_left"], (1, 2))


class TestSlowHandshake(unittest.TestCase):
    def test_many_that_never_finish_make_room(self):
        folder = tempfile.mkdtemp(prefix="sluice-tls-")
        self.addCleanup(shutil.rmtree, folder)
        pair = Pair(folder)
        stand = Stand(BIN, flags=("--server.tls.certificate_file", pair.certificate,
                                  "--server.tls.key_file", pair.key,
                                  "--server.max_connections", "20"))
        stand.trust = pair.trust
        self.addCleanup(stand.stop)
        stand.start_server()
        port = urllib.parse.urlsplit(stand.base).port
        idle = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(40)]
        self.addCleanup(lambda: [connection.close() for connection in idle])
        self.assertEqual(exchange(stand.base, "GET", "/healthz", trust=pair.trust)[0], 200)


if __name__ == "__main__":
    main()
