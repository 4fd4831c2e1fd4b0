# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping, starting again, and the commands of the program."""
import json
import os
import shutil
import signal
import socket
import stat
import tempfile
import time
import unittest
import urllib.parse

from flow import BIN, HELD, NETSUITE_LISTS, NETSUITE_TOOLS, ROOT, TODAY, FlowCase, Stand, Volley, \
    codes, connect, exchange, main, read_to_end, wait_until

CUSTOMERS = "list_all_netsuite_customers"


class StandCase(unittest.TestCase):
    """A stand per test, which the test starts itself."""

    def setUp(self):
        self.stand = Stand(BIN)
        self.addCleanup(self.stand.stop)

    def raise_up(self, *flags):
        self.stand.extra_flags += list(flags)
        self.stand.start_mock("netsuite", "--today", TODAY)
        self.stand.start_server()

    def again(self):
        """Starts the server on the port it had."""
        self.stand.port = urllib.parse.urlsplit(self.stand.base).port
        return self.stand.start_server()

    def stats(self):
        return self.stand.control("netsuite", "GET", "/stats")

    def latency(self, ms):
        self.stand.control("netsuite", "PUT", "/latency", {"ms": ms, "jitter_ms": 0})

    def release(self):
        """What waits at the mock is answered now, and what comes later at once."""
        self.latency(0)
        self.stand.control("netsuite", "POST", "/release")

    def serve_fails(self, *flags, env=None):
        """What a server that does not start says; exit code 1 or 2."""
        result = self.stand.command("serve", "--server.port", "0", *flags, env=env)
        self.assertIn(result.returncode, (1, 2), result.stderr)
        self.assertEqual(result.stdout, "")
        said = [line for line in result.stderr.split("\n") if not line.startswith("{")]
        self.assertTrue(said[0].startswith("sluice: "), result.stderr)
        self.assertNotIn("listening", result.stderr)
        return "\n".join(said)


class TestKeys(StandCase):
    def keys(self):
        return os.path.join(self.stand.data_dir, "keys.json")

    def test_a_first_start_without_keys_says_what_to_run(self):
        said = self.serve_fails()
        command = said.strip().split("\n")[-1].strip()
        self.assertEqual(command, "sluice keygen " + self.keys())
        result = self.stand.command("token", "create", "--name", "x", "--role", "admin")
        self.assertEqual(result.returncode, 1)
        self.assertIn("sluice keygen " + self.keys(), result.stderr)

    def test_the_command_it_says_works(self):
        said = self.serve_fails()
        words = said.strip().split("\n")[-1].split()[1:]
        result = self.stand.command(*words)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(os.path.exists(self.keys()))

    def test_keygen_makes_a_file_for_its_owner_only_and_never_overwrites(self):
        result = self.stand.command("keygen")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(self.keys(), result.stdout)
        self.assertEqual(stat.S_IMODE(os.stat(self.keys()).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.stand.data_dir).st_mode), 0o700)
        with open(self.keys()) as file:
            first = file.read()
        keys = json.loads(first)
        self.assertNotIn(keys["signing_key"], result.stdout + result.stderr)
        again = self.stand.command("keygen")
        self.assertEqual(again.returncode, 1)
        self.assertIn("not overwritten", again.stderr)
        with open(self.keys()) as file:
            self.assertEqual(file.read(), first)
        other = os.path.join(self.stand.scratch, "other.json")
        self.assertEqual(self.stand.command("keygen", other).returncode, 0)
        with open(other) as file:
            self.assertNotEqual(json.load(file)["signing_key"], keys["signing_key"])

    def test_keys_that_others_may_read_are_refused(self):
        self.stand.make_keys()
        for mode in (0o644, 0o640, 0o604, 0o620, 0o601):
            os.chmod(self.keys(), mode)
            said = self.serve_fails()
            self.assertIn("chmod 600 " + self.keys(), said)
            self.assertEqual(self.stand.command("token", "list").returncode, 1)
        os.chmod(self.keys(), 0o400)
        self.assertEqual(self.stand.command("token", "list").returncode, 0)

    def test_keys_of_the_wrong_form_are_refused_without_showing_them(self):
        self.stand.make_keys()
        with open(self.keys()) as file:
            good = json.load(file)
        secret = good["signing_key"]
        for wrong in ("", "{", "[]", "{}", json.dumps(dict(good, signing_key=secret[:-1])),
                      json.dumps(dict(good, signing_key=secret[:-1] + "x")),
                      json.dumps(dict(good, vault_keys=[])),
                      json.dumps(dict(good, vault_keys=good["vault_keys"] * 2)),
                      json.dumps(dict(good, vault_keys=[{"id": "", "key": secret}])),
                      json.dumps(good)[:-1] + ', "signing_key": "%s"}' % secret,
                      json.dumps(good) + " " * 70000):
            with open(self.keys(), "w") as file:
                file.write(wrong)
            said = self.serve_fails()
            self.assertIn("keys", said)
            self.assertNotIn(secret[:-1], said)

    def test_the_environment_may_hold_the_keys(self):
        self.stand.make_keys()
        with open(self.keys()) as file:
            content = file.read()
        os.remove(self.keys())
        env = {"SLUICE_KEYS": content}
        self.assertEqual(self.stand.command("token", "list", env=env).returncode, 0)
        self.assertIn("keys", self.serve_fails(env={"SLUICE_KEYS": "nonsense"}))


class TestConfiguration(StandCase):
    def test_a_wrong_option_is_refused_by_name(self):
        self.stand.make_keys()
        for flags, word in (
                (("--server.port", "65536"), "server.port"), (("--server.port", "x"), "server.port"),
                (("--nonsense", "1"), "nonsense"), (("--log.level", "loud"), "log.level"),
                (("--server.host", "0.0.0.0"), "loopback"), (("--server.port",), "server.port"),
                (("--net.allow_cidrs", "10.0.0.0/33"), "net.allow_cidrs"),
                (("--upstream.read_timeout_ms", "0"), "upstream.read_timeout_ms"),
                (("--config", "/nonexistent.json"), "/nonexistent.json"),
                (("--catalog_dir", "/nonexistent"), "catalog")):
            result = self.stand.command("serve", flags=[*self.stand.flags(), "--server.port", "0",
                                                        *flags])
            self.assertIn(result.returncode, (1, 2), flags)
            self.assertIn(word, result.stderr)
            self.assertNotIn('"listening"', result.stderr)

    def test_flags_beat_the_environment_and_that_beats_the_file(self):
        path = os.path.join(self.stand.scratch, "config.json")

        def write(content):
            with open(path, "w") as file:
                file.write(content if isinstance(content, str) else json.dumps(content))

        def refused(value):
            """Which of the three values was taken shows in what is refused."""
            return "log.level" in value
        self.stand.make_keys()
        write({"log": {"level": "loud"}, "data_dir": self.stand.data_dir})
        base = ["--config", path, "--server.port", "0"]
        result = self.stand.command("serve", flags=base)
        self.assertTrue(refused(result.stderr))
        result = self.stand.command("serve", flags=base, env={"SLUICE_LOG_LEVEL": "louder"})
        self.assertTrue(refused(result.stderr))
        result = self.stand.command("token", "list", flags=["--config", path])
        self.assertEqual(result.returncode, 0, result.stderr)
        result = self.stand.command("token", "list", flags=[],
                                    env={"SLUICE_CONFIG": path, "SLUICE_DATA_DIR":
                                         self.stand.data_dir + "-none"})
        self.assertEqual(result.returncode, 1)
        self.assertIn("-none", result.stderr)
        result = self.stand.command("token", "list", flags=["--data_dir", self.stand.data_dir],
                                    env={"SLUICE_DATA_DIR": "/nowhere"})
        self.assertEqual(result.returncode, 0, result.stderr)
        for wrong, word in (("{", path), ("[]", path), ({"nonsense": 1}, "nonsense"),
                            ({"server": {"port": "1"}}, "server.port"),
                            ({"net.allow_cidrs": "x"}, "net.allow_cidrs"),
                            ('{"data_dir":"a","data_dir":"b"}', path)):
            write(wrong)
            result = self.stand.command("serve", flags=base)
            self.assertEqual(result.returncode, 2, wrong)
            self.assertIn(word, result.stderr)

    def test_a_taken_port_is_said(self):
        self.stand.make_keys()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            said = self.serve_fails("--server.port", str(port))
        self.assertIn("port %d" % port, said)

    def test_a_database_that_is_none_is_refused(self):
        self.stand.make_keys()
        path = os.path.join(self.stand.data_dir, "sluice.db")
        for name in os.listdir(self.stand.data_dir):
            if name.startswith("sluice.db"):
                os.remove(os.path.join(self.stand.data_dir, name))
        with open(path, "wb") as file:
            file.write(b"this is no database" * 1000)
        result = self.stand.command("serve", "--server.port", "0")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(path, result.stderr)


class TestCatalogs(StandCase):
    def broken(self, file, change):
        """A copy of the catalog in which one file was changed as text."""
        source = os.path.join(ROOT, "connectors", "netsuite", "catalog")
        folder = tempfile.mkdtemp(dir=self.stand.scratch)
        target = os.path.join(folder, "netsuite")
        shutil.copytree(source, target)
        path = os.path.join(target, file)
        with open(path) as content:
            text = content.read()
        changed = change(text)
        self.assertNotEqual(changed, text)
        with open(path, "w") as content:
            content.write(changed)
        return folder, path

    def test_a_broken_catalog_is_refused_with_file_and_pointer(self):
        self.stand.make_keys()
        table = [
            ("resources/customers.json", lambda t: t[:-10], ""),
            ("resources/customers.json",
             lambda t: t.replace('"service": "suiteql"', '"service": "nonsense"'), "/methods/list"),
            ("resources/customers.json", lambda t: t.replace('"bind": "like"', '"bind": "raw"'),
             "/methods/list"),
            ("resources/customers.json", lambda t: t.replace('"resource"', '"resuorce"', 1), ""),
            ("documentation/customers.json",
             lambda t: t.replace('"maxLength": 254', '"maxLength": "254"'), "/methods/list/input"),
            ("documentation/customers.json",
             lambda t: t.replace('"minLength": 1', '"minLenght": 1', 1), "/methods/list/input"),
            ("integration.json", lambda t: t.replace('"is": "rate_limited"', '"is": "slow"', 1),
             "/errors/0"),
        ]
        for file, change, pointer in table:
            folder, path = self.broken(file, change)
            for words in (("catalog", "check", folder),
                          ("serve", "--server.port", "0", "--catalog_dir", folder)):
                result = self.stand.command(*words)
                self.assertEqual(result.returncode, 1, (file, result.stdout, result.stderr))
                self.assertIn(os.path.basename(path), result.stderr)
                self.assertIn(pointer, result.stderr)
                self.assertTrue(result.stderr.startswith("sluice: catalog: "), result.stderr)

    def test_a_whole_catalog_is_listed(self):
        result = self.stand.command("catalog", "check")
        self.assertEqual(result.returncode, 0, result.stderr)
        # and one that a server shows only when it is named
        self.assertIn("netsuite: %d tools\n" % (len(NETSUITE_TOOLS) + 1), result.stdout)
        self.assertIn(CUSTOMERS, result.stdout)
        self.assertEqual(self.stand.command("catalog").returncode, 2)
        self.assertEqual(self.stand.command("catalog", "check", "/nonexistent").returncode, 1)


class TestRestart(StandCase):
    def everything(self):
        account = self.stand.connect_netsuite(governor={"ceiling": 4, "queue_limit": 7,
                                                        "queue_wait_ms": 1234})
        server = self.stand.mint(account["id"], {"methods": ["list"]})
        revoked = self.stand.mint(account["id"])
        self.stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (account["id"],
                                                                      revoked["id"]))
        self.stand.admin("PATCH", "/tenant/demo", {"governor": {"ceiling": 3}})
        lane = "/lanes/" + urllib.parse.quote(account["lane"], safe="")
        self.stand.admin("PATCH", lane, {"ceiling": 2})
        token = self.stand.admin("POST", "/api-token", {"name": "t", "role": "tenant",
                                                        "tenant_id": "demo"})
        unproven = self.stand.admin("POST", "/integrated-account?verify=false",
                                    self.stand.netsuite_account(tenant="new"))
        _, _, result = self.stand.tool(server["url"], CUSTOMERS, {"limit": 2})
        cursor = result["structuredContent"]["pagination"]["next_cursor"]
        return account, server, revoked, lane, token, unproven, cursor

    def check(self, made):
        account, server, revoked, lane, token, unproven, cursor = made
        self.assertEqual(self.stand.admin("GET", "/integrated-account/" + account["id"]), account)
        self.assertEqual(self.stand.admin("GET", "/integrated-account/" + unproven["id"]),
                         unproven)
        kept = self.stand.admin("GET", "/integrated-account/%s/mcp/%s" % (account["id"],
                                                                          server["id"]))
        self.assertEqual(kept, {k: v for k, v in server.items() if k != "url"})
        self.assertEqual(self.stand.admin("GET", "/tenant/demo")["governor"], {"ceiling": 3})
        seen = self.stand.admin("GET", lane)
        self.assertEqual((seen["ceiling"], seen["effective"], seen["accounts"]), (2, 2, 1))
        self.assertEqual(self.stand.api("GET", "/integrated-account", token=token["token"])[0], 200)
        self.assertEqual(self.stand.rpc(revoked["url"], "tools/list")[0], 401)
        _, _, listed = self.stand.rpc(server["url"], "tools/list")
        self.assertEqual([t["name"] for t in listed["result"]["tools"]], NETSUITE_LISTS)
        status, fields, result = self.stand.tool(server["url"], CUSTOMERS,
                                                 {"limit": 2, "next_cursor": cursor})
        self.assertEqual((status, fields["ratelimit-limit"]), (200, "2"))
        self.assertNotIn("isError", result)

    def test_a_restart_keeps_accounts_servers_ceilings_and_tokens(self):
        self.raise_up()
        made = self.everything()
        self.assertEqual(self.stand.end("server"), 0)
        self.again()
        self.check(made)

    def test_a_kill_loses_nothing_that_was_acknowledged(self):
        self.raise_up()
        made = self.everything()
        process = self.stand.process("server")
        process.send_signal(signal.SIGKILL)
        self.assertEqual(process.wait(timeout=60), -signal.SIGKILL)
        self.again()
        self.check(made)

    def test_a_kill_in_the_middle_of_calls_leaves_a_server_that_starts(self):
        self.raise_up()
        made = self.everything()
        self.latency(HELD)
        volley = Volley(made[1]["url"], 6).send()
        wait_until(lambda: self.stats()["in_flight"] == 2, "two at the mock")
        process = self.stand.process("server")
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        for sock in volley.sockets:
            with sock:
                self.assertEqual(read_to_end(sock), b"")
        self.release()
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.again()
        self.check(made)

    def test_the_same_keys_are_needed_after_a_restart(self):
        self.raise_up()
        made = self.everything()
        self.assertEqual(self.stand.end("server"), 0)
        keys = os.path.join(self.stand.data_dir, "keys.json")
        os.rename(keys, keys + ".kept")
        self.assertEqual(self.stand.command("keygen").returncode, 0)
        self.again()
        self.assertEqual(self.stand.rpc(made[1]["url"], "tools/list")[0], 401)
        self.assertEqual(self.stand.api("GET", "/lanes")[0], 401)
        self.assertEqual(self.stand.end("server"), 0)
        os.replace(keys + ".kept", keys)
        self.again()
        self.check(made)


class TestDrain(StandCase):
    def test_sigterm_lets_open_calls_end_and_takes_no_new_ones(self):
        self.raise_up()
        account = self.stand.connect_netsuite(governor={"ceiling": 2, "queue_wait_ms": 60000})
        url = self.stand.mint(account["id"])["url"]
        self.latency(HELD)
        volley = Volley(url, 4).send()
        wait_until(lambda: self.stats()["in_flight"] == 2, "two at the mock")
        lane = "/lanes/" + urllib.parse.quote(account["lane"], safe="")
        wait_until(lambda: self.stand.admin("GET", lane)["queued"] == 2, "two in line")
        idle = connect(self.stand.base)
        process = self.stand.process("server")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: any(e["event"] == "draining" for e in self.stand.events()), "draining")
        with idle:
            self.assertEqual(read_to_end(idle), b"")

        def refused():
            try:
                connect(self.stand.base).close()
                return False
            except ConnectionRefusedError:
                return True
        wait_until(refused, "a closed door")
        self.assertIsNone(process.poll())
        self.release()
        results = volley.results()
        self.assertEqual(codes(results), {"ok": 4})
        self.assertEqual({fields.get("connection", "").lower() for _, fields, _ in results},
                         {"close"})
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(self.stats()["in_flight_peak"], 2)
        words = [e["event"] for e in self.stand.events()]
        self.assertLess(words.index("draining"), words.index("drained"))

    def test_a_request_that_has_begun_is_answered_and_hears_that_the_server_ends(self):
        self.raise_up()
        process = self.stand.process("server")
        with connect(self.stand.base) as sock:
            sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                         b"Content-Length: 2\r\n\r\n")
            begun = b""
            while not begun.endswith(b"\r\n\r\n"):
                begun += sock.recv(1)
            self.assertEqual(begun, b"HTTP/1.1 100 Continue\r\n\r\n")
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: any(e["event"] == "draining" for e in self.stand.events()),
                       "draining")
            sock.sendall(b"{}")
            head, _, body = read_to_end(sock).partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 503 "), head)
        self.assertIn(b"\r\nConnection: close", head)
        self.assertEqual(json.loads(body), {"ready": False, "cause": "draining"})
        self.assertEqual(process.wait(timeout=60), 0)

    def test_an_idle_server_ends_at_once_on_either_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            if self.stand.base is None:
                self.raise_up()
            else:
                self.again()
            process = self.stand.process("server")
            started = time.monotonic()
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=60), 0)
            self.assertLess(time.monotonic() - started, 20)

    def test_a_hangup_ends_no_call(self):
        self.raise_up()
        url = self.stand.mint(self.stand.connect_netsuite()["id"])["url"]
        self.latency(HELD)
        volley = Volley(url, 2).send()
        wait_until(lambda: self.stats()["in_flight"] == 2, "two at the mock")
        process = self.stand.process("server")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: any(e["event"] == "keys_taken" for e in self.stand.events()),
                   "a line in the log")
        self.release()
        self.assertEqual(codes(volley.results()), {"ok": 2})
        self.assertIsNone(process.poll())
        self.assertEqual(self.stand.end("server"), 0)

    def test_a_caller_that_left_does_not_hold_up_the_end(self):
        self.raise_up()
        account = self.stand.connect_netsuite()
        url = self.stand.mint(account["id"])["url"]
        self.latency(HELD)
        for era in ("modern", "legacy"):
            volley = Volley(url, 3, era=era).send()
            wait_until(lambda: self.stats()["in_flight"] >= 3, "three at the mock")
            volley.hang_up()
        process = self.stand.process("server")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: any(e["event"] == "draining" for e in self.stand.events()), "draining")
        self.release()
        self.assertEqual(process.wait(timeout=60), 0)


class TestCommands(FlowCase):
    @classmethod
    def prepare(cls):
        cls.account = cls.stand.connect_netsuite()
        cls.url = cls.stand.mint(cls.account["id"])["url"]

    def run_it(self, *words, code=0, stdin=None, env=None, flags=()):
        env = dict({"SLUICE_URL": self.stand.base, "SLUICE_TOKEN": self.stand.admin_token},
                   **(env or {}))
        result = self.stand.command(*words, env=env, stdin=stdin, flags=flags)
        self.assertEqual(result.returncode, code, (words, result.stdout, result.stderr))
        self.assertNotIn(self.stand.admin_token, result.stdout + result.stderr)
        return result

    def answer(self, *words, **more):
        return json.loads(self.run_it(*words, **more).stdout)

    def test_version_and_help(self):
        self.assertRegex(self.run_it("version").stdout, r"^sluice \d+\.\d+\.\d+\n$")
        self.assertEqual(self.run_it("--version").stdout, self.run_it("version").stdout)
        told = self.run_it("--help").stdout
        for name in ("serve", "keygen", "token", "account", "mcp", "tenant", "lane", "catalog",
                     "version"):
            self.assertIn("\n  %s " % name, told)
            own = self.run_it(name, "--help").stdout
            self.assertTrue(own.startswith("usage: sluice " + name), own)
            is_remote = "--url" in own
            self.assertEqual(name in ("account", "mcp", "tenant", "lane"), is_remote, own)
            self.assertIn("sluice serve --help" if is_remote else "--data_dir", own)
        self.assertNotIn("--expires-at", self.run_it("lane", "--help").stdout)
        self.assertIn("there is no flag --methods",
                      self.run_it("lane", "list", "--methods", "read", code=2).stderr)
        self.assertEqual(self.run_it(code=2).stdout, told)
        self.assertIn("nonsense", self.run_it("nonsense", code=2).stderr)

    def test_tokens(self):
        flags = self.stand.flags()
        made = self.run_it("token", "create", "--name", "cli", "--role", "call", "--tenant", "demo",
                           "--expires-at", "2099-01-01T00:00:00Z", flags=flags)
        token = made.stdout.strip()
        self.assertRegex(token, r"^slt_[0-9a-f]{64}$")
        self.assertNotIn(token, made.stderr)
        listed = self.run_it("token", "list", flags=flags).stdout
        line = [one for one in listed.splitlines() if one.endswith("cli")][0]
        self.assertIn("2099-01-01", line)
        self.assertNotIn(token[4:], listed)
        number = line.split()[0]
        self.run_it("token", "delete", number, flags=flags)
        self.assertIn(number, self.run_it("token", "delete", number, code=1, flags=flags).stderr)
        for words in (("create",), ("create", "--name", "x"), ("nonsense",), (), ("delete",),
                      ("create", "--name", "x", "--role", "root"),
                      ("create", "--name", "x", "--role", "call"),
                      ("create", "--name", "x", "--role", "admin", "--tenant", "t"),
                      ("create", "--name", "x", "--role", "admin", "--expires-at", "2001-01-01"),
                      ("create", "--name", "x", "--role", "admin", "--expires-at",
                       "2001-01-01T00:00:00Z")):
            self.run_it("token", *words, code=2, flags=flags)

    def test_a_token_made_beside_a_running_server_works_at_once(self):
        token = self.stand.sluice("token", "create", "--name", "x", "--role", "admin")
        self.assertEqual(self.stand.api("GET", "/lanes", token=token)[0], 200)

    def test_accounts_and_their_servers(self):
        body = json.dumps(self.stand.netsuite_account(tenant="cli"))
        path = os.path.join(self.stand.scratch, "account.json")
        with open(path, "w") as file:
            file.write(body)
        made = self.answer("account", "create", "--file", path)
        self.assertIs(made["verified"], True)
        plain = self.answer("account", "create", "--file", "-", "--no-verify", stdin=body)
        self.assertIs(plain["verified"], False)
        self.assertEqual(self.answer("account", "get", made["id"])["id"], made["id"])
        listed = self.answer("account", "list", "--tenant", "cli")["data"]
        self.assertEqual({a["id"] for a in listed}, {made["id"], plain["id"]})
        changed = self.answer("account", "update", made["id"], "--file", "-",
                              stdin='{"name":"renamed","governor":{"ceiling":2}}')
        self.assertEqual((changed["name"], changed["governor"]), ("renamed", {"ceiling": 2}))

        server = self.answer("mcp", "create", made["id"], "--name", "s", "--methods", "list",
                             "--tags", "receivables, payables", "--expires-at", "never")
        self.assertEqual((server["tools"], server["expires_at"]), (4, None))
        self.assertEqual(self.stand.rpc(server["url"], "tools/list")[0], 200)
        narrow = self.answer("mcp", "update", made["id"], server["id"], "--file", "-",
                             stdin='{"config":{"tools":["%s"]}}' % CUSTOMERS)
        self.assertEqual(narrow["tools"], 1)
        self.assertEqual(self.answer("mcp", "get", made["id"], server["id"])["id"], server["id"])
        self.assertEqual(len(self.answer("mcp", "list", made["id"])["data"]), 1)
        rotated = self.answer("mcp", "rotate", made["id"], server["id"], "--overlap-seconds", "60")
        self.assertEqual([self.stand.rpc(one["url"], "tools/list")[0] for one in (server, rotated)],
                         [200, 200])
        again = self.answer("mcp", "rotate", made["id"], server["id"])
        self.assertEqual([self.stand.rpc(one["url"], "tools/list")[0]
                          for one in (server, rotated, again)], [401, 401, 200])
        self.run_it("mcp", "rotate", made["id"], server["id"], "--overlap-seconds", "x", code=2)
        self.run_it("mcp", "delete", made["id"], server["id"])
        self.assertEqual(self.stand.rpc(server["url"], "tools/list")[0], 401)
        for account in (made, plain):
            self.run_it("account", "delete", account["id"])
        refused = self.answer("account", "get", made["id"], code=1)
        self.assertEqual(refused["error"]["code"], "not_found")

    def test_tenants_and_lanes(self):
        self.assertEqual(self.answer("tenant", "set", "cli", "--ceiling", "3")["governor"],
                         {"ceiling": 3})
        self.assertEqual(self.answer("tenant", "get", "cli")["governor"], {"ceiling": 3})
        self.assertEqual(self.answer("tenant", "set", "cli", "--ceiling", "none")["governor"],
                         {"ceiling": None})
        lane = self.account["lane"]
        self.assertIn(lane, [one["id"] for one in self.answer("lane", "list")["data"]])
        self.assertEqual(self.answer("lane", "set", lane, "--ceiling", "4")["ceiling"], 4)
        self.assertEqual(self.answer("lane", "get", lane)["ceiling"], 4)
        self.assertIsNone(self.answer("lane", "set", lane, "--ceiling", "none")["ceiling"])
        for words in (("tenant", "set", "cli"), ("tenant",), ("lane", "nonsense"),
                      ("lane", "set", lane, "--ceiling", "x"), ("account", "nonsense"),
                      ("mcp", "list"), ("account", "create", "extra", "--file", "-")):
            self.run_it(*words, code=2)

    def test_without_a_token_or_a_server_it_says_so(self):
        result = self.run_it("lane", "list", code=1, env={"SLUICE_TOKEN": ""})
        self.assertIn("sluice token create", result.stderr)
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = "http://127.0.0.1:%d" % closed.getsockname()[1]
        result = self.run_it("lane", "list", code=1, env={"SLUICE_URL": url})
        self.assertIn(url, result.stderr)
        refused = self.answer("lane", "list", code=1, env={"SLUICE_TOKEN": "slt_wrong"})
        self.assertEqual(refused["error"]["code"], "unauthorized")
        self.assertIn("--file", self.run_it("account", "create", code=1).stderr)
        self.run_it("account", "create", "--file", "/nonexistent", code=1)

    def test_health_while_it_runs(self):
        for path in ("/healthz", "/readyz"):
            self.assertEqual(exchange(self.stand.base, "GET", path)[0], 200)


if __name__ == "__main__":
    main()
