# SPDX-License-Identifier: Apache-2.0
"""Vault keys: rotated under calls and across kills, verified, forgotten; by the command and the API."""
import json
import os
import signal
import sqlite3
import stat
import subprocess
import threading
import unittest
from random import Random

from connecting import Browser, ConnectCase
from flow import BIN, TODAY, Stand, main, wait_until

CUSTOMERS = "list_all_netsuite_customers"
CALLERS = 4


class VaultCase(unittest.TestCase):
    def setUp(self):
        self.stand = Stand(BIN)
        self.addCleanup(self.stand.stop)
        self.stand.start_mock("netsuite", "--today", TODAY)
        self.database = os.path.join(self.stand.data_dir, "sluice.db")
        self.keys_path = os.path.join(self.stand.data_dir, "keys.json")

    def keys(self):
        with open(self.keys_path) as file:
            return json.load(file)

    def write_keys(self, keys):
        with open(self.keys_path, "w") as file:
            json.dump(keys, file)

    def ids(self):
        return [key["id"] for key in self.keys()["vault_keys"]]

    def rows(self, sql, *values):
        database = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def change(self, sql, *values):
        database = sqlite3.connect(self.database, timeout=30)
        with database:
            database.execute(sql, values)
        database.close()

    def under(self):
        return dict(self.rows("SELECT key_id, count(*) FROM secret GROUP BY key_id"))

    def vault(self, *words, code=0, env=None):
        done = self.stand.command("vault", *words, env=dict(self.env(), **(env or {})))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def env(self):
        return {"SLUICE_URL": self.stand.base or "", "SLUICE_TOKEN": self.stand.admin_token or ""}

    def accounts(self, count):
        return [self.stand.admin("POST", "/integrated-account?verify=false",
                                 self.stand.netsuite_account())["id"] for _ in range(count)]

    def calls_work(self, url):
        status, _, result = self.stand.tool(url, CUSTOMERS, {"limit": 1})
        self.assertEqual(status, 200)
        self.assertNotIn("isError", result)

    def event(self, name):
        return [e for e in self.stand.events() if e["event"] == name]


class TestRotation(VaultCase):
    def calls_during(self, url, action):
        """Runs it while callers call; the number of calls, after none has failed."""
        stop, faults, counts = threading.Event(), [], [0] * CALLERS

        def work(number):
            try:
                while not stop.is_set():
                    self.calls_work(url)
                    counts[number] += 1
            except Exception as fault:  # pylint: disable=broad-except
                faults.append(fault)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: all(counts) or faults, "every caller at work")
            before = sum(counts)
            action()
            wait_until(lambda: sum(counts) > before or faults, "a call during it")
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        self.assertEqual(faults, [])
        return sum(counts)

    def test_every_secret_is_sealed_anew_while_calls_go_on(self):
        self.stand.start_server()
        account = self.stand.connect_netsuite()["id"]
        url = self.stand.mint(account)["url"]
        self.accounts(60)
        old, signing = self.ids(), self.keys()["signing_key"]
        before = self.under()
        boxes = [row[0] for row in self.rows("SELECT sealed FROM secret")]
        said = []
        self.calls_during(url, lambda: said.append(self.vault("rotate")))
        self.assertIn("%d of %d secrets" % (before[old[0]], before[old[0]]), said[0])
        self.assertIn("0 secrets are left", said[0])
        self.assertEqual(self.ids()[:-1], old)
        self.assertEqual(self.keys()["signing_key"], signing)
        self.assertEqual(stat.S_IMODE(os.stat(self.keys_path).st_mode), 0o600)
        self.assertFalse(os.path.exists(self.keys_path + ".new"))
        self.assertEqual(self.under(), {self.ids()[-1]: before[old[0]]})
        seen = self.stand.admin("GET", "/vault")
        self.assertEqual(seen["seals_with"], self.ids()[-1])
        self.assertEqual([key["secrets"] for key in seen["vault_keys"]], [0, before[old[0]]])
        self.assertEqual(seen["missing_keys"], [])
        self.vault("forget", old[0])
        self.assertEqual(self.ids(), [seen["seals_with"]])
        self.calls_work(url)
        self.assertEqual(self.stand.end("server"), 0)
        with open(self.database, "rb") as file:
            content = file.read()
        self.assertEqual([box for box in boxes if box in content], [])
        self.stand.start_server()
        self.calls_work(self.stand.base + "/mcp/" + url.rsplit("/", 1)[1])
        self.vault("verify")

    def cut_short(self, kill_server):
        """Kills in the midst of a rotation: some secrets are under the new key, some not."""
        self.accounts(300)
        old = self.ids()[-1]
        whole = self.under()[old]
        command = subprocess.Popen(
            [self.stand.server, "vault", "rotate", *self.stand.flags()],
            stdout=subprocess.DEVNULL, env=dict(os.environ, **self.env()))
        wait_until(lambda: self.under().get(old, 0) < whole, "the first batch")
        if kill_server:
            server = self.stand.process("server")
            server.send_signal(signal.SIGKILL)
            server.wait(60)
            command.wait(60)
        else:
            command.send_signal(signal.SIGKILL)
            command.wait(60)
        return old, whole

    def test_a_killed_command_goes_on_when_it_is_run_again(self):
        self.stand.start_server()
        url = self.stand.mint(self.stand.connect_netsuite()["id"])["url"]
        old, whole = self.cut_short(False)
        self.assertGreater(self.under().get(old, 0), 0, "it was over before the kill")
        ids = self.ids()
        said = self.vault("rotate")
        self.assertIn("without another key", said)
        self.assertEqual(self.ids(), ids)
        self.assertEqual(self.under(), {ids[-1]: whole})
        self.calls_work(url)

    def test_a_killed_server_opens_everything_and_the_rotation_ends_without_it(self):
        self.stand.start_server()
        account = self.stand.connect_netsuite()["id"]
        token = self.stand.mint(account)["url"].rsplit("/", 1)[1]
        _, whole = self.cut_short(True)
        self.assertEqual(self.under(), {self.ids()[-1]: whole})  # the command needs no server
        self.vault("verify")
        self.stand.start_server()
        self.calls_work(self.stand.base + "/mcp/" + token)

    def test_fifty_kills_at_random_points_lose_nothing(self):
        """Between any two rows, and while the key file is written."""
        chance = Random(50)
        self.stand.start_server()
        url = self.stand.mint(self.stand.connect_netsuite()["id"])["url"]
        self.accounts(100)
        whole = sum(self.under().values())
        points = set()
        for number in range(50):
            goal = chance.randrange(whole)
            begun = self.ids()
            command = subprocess.Popen(
                [self.stand.server, "vault", "rotate", *self.stand.flags()],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=dict(os.environ, **self.env()))
            try:
                if number % 5 == 0:  # about when the key file changes
                    wait_until(lambda: self.ids() != begun or command.poll() is not None or
                               chance.random() < 0.02, "a moment to kill at")
                else:
                    wait_until(lambda: self.under().get(self.ids()[-1], 0) > goal or
                               command.poll() is not None, "a moment to kill at")
            finally:
                command.kill()
                command.wait(60)
            counts = self.under()
            points.add(counts.get(self.ids()[-1], 0))
            self.assertEqual(whole, sum(counts.values()))
            self.assertLessEqual(set(counts), set(self.ids()))
            self.assertEqual([], self.stand.admin("GET", "/vault")["missing_keys"])
            self.calls_work(url)
            if number % 10 == 9:
                self.vault("verify")
        self.assertGreater(len(points), 5, points)  # not all at the same point
        self.vault("rotate")
        self.assertEqual({self.ids()[-1]: whole}, self.under())
        self.vault("verify")
        self.assertEqual(0, self.stand.end("server"))
        self.stand.start_server()
        self.calls_work(self.stand.base + "/mcp/" + url.rsplit("/", 1)[1])

    def test_a_credential_changed_meanwhile_is_the_one_that_stays(self):
        self.stand.start_server()
        account = self.stand.connect_netsuite()["id"]
        url = self.stand.mint(account)["url"]
        self.accounts(60)
        auth = self.stand.netsuite_account()["auth"]
        path = "/integrated-account/" + account

        def rewrite():
            for _ in range(40):
                self.stand.admin("PATCH", path, {"auth": auth})
        writer = threading.Thread(target=rewrite)
        writer.start()
        self.vault("rotate")
        writer.join(60)
        self.vault("rotate")  # what a write under way had sealed before, if any; else a new key
        self.vault("verify")
        self.calls_work(url)

    def test_what_is_under_which_key_is_counted_without_reading_secrets(self):
        self.stand.start_server()
        self.accounts(1)
        plan = self.rows("EXPLAIN QUERY PLAN SELECT key_id, count(*), count(DISTINCT account)"
                         " FROM secret GROUP BY key_id ORDER BY key_id")
        self.assertEqual(["SCAN secret USING COVERING INDEX secret_by_key"],
                         [row[3] for row in plan if "SCAN" in row[3] or "SEARCH" in row[3]])

    def test_without_a_server_the_data_folder_is_enough(self):
        self.stand.start_server()
        self.accounts(2)
        self.assertEqual(self.stand.end("server"), 0)
        self.vault("rotate", env={"SLUICE_TOKEN": ""})
        self.assertEqual(list(self.under()), self.ids()[-1:])

    def test_keys_of_the_environment_are_changed_where_they_are_set(self):
        self.stand.start_server()
        self.accounts(1)
        self.assertEqual(self.stand.end("server"), 0)
        keys = self.keys()
        env = {"SLUICE_KEYS": json.dumps(keys)}
        self.assertIn("SLUICE_KEYS", self.vault("rotate", code=1, env=env))
        keys["vault_keys"].append({"id": "k2", "key": "ab" * 32})
        env = {"SLUICE_KEYS": json.dumps(keys)}
        self.vault("rotate", env=env)
        self.assertEqual(list(self.under()), ["k2"])
        self.assertEqual(self.ids(), ["k1"])
        self.assertIn("k2 (not in the key file)", self.vault("verify", code=1))


class TestGrants(ConnectCase):
    """Tokens of a grant are replaced at each renewal; those of a public client serve once, so one
    that is lost ends the grant."""

    public = True

    def call(self, url):
        status, _, result = self.stand.tool(url, CUSTOMERS, {"limit": 1})
        self.assertEqual((200, 1), (status, len(self.data(result))))

    def rotate(self):
        done = self.stand.command("vault", "rotate", env={
            "SLUICE_URL": self.stand.base, "SLUICE_TOKEN": self.stand.admin_token})
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_tokens_that_are_renewed_meanwhile_are_the_ones_that_stay(self):
        session, link = self.session()
        self.consent(Browser(self.stand), link)
        url = self.stand.mint(self.state(session)["account_id"])["url"]
        faults, renewed, stop = [], [], threading.Event()

        def renew():
            try:
                while not stop.is_set():
                    self.stand.control("netsuite", "POST", "/tokens/expire")
                    self.call(url)
                    renewed.append(1)
            except Exception as fault:  # pylint: disable=broad-except
                faults.append(fault)
        thread = threading.Thread(target=renew)
        thread.start()
        try:
            for _ in range(12):
                before = len(renewed)
                self.rotate()
                wait_until(lambda: len(renewed) > before or faults, "a renewal beside it")
        finally:
            stop.set()
            thread.join(60)
        self.assertEqual([], faults)
        self.rotate()
        done = self.stand.command("vault", "verify")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        seen = self.stand.admin("GET", "/vault")
        self.assertEqual([seen["seals_with"]],
                         [key["id"] for key in seen["vault_keys"] if key["secrets"]])
        self.assertEqual(0, self.stand.end("server"))
        self.stand.start_server()  # with nothing in memory: what is stored is the newest
        self.stand.control("netsuite", "POST", "/tokens/expire")
        self.call(self.stand.base + "/mcp/" + url.rsplit("/", 1)[1])


class TestFaults(VaultCase):
    def test_a_key_in_use_is_not_forgotten_and_names_its_accounts(self):
        self.stand.start_server()
        account = self.accounts(1)[0]
        self.assertIn("no vault key", self.vault("forget", "k7", code=1))
        said = self.vault("forget", "k1", code=1)
        self.assertIn(account, said)
        self.assertIn("needed by these accounts", said)
        self.assertEqual(self.ids(), ["k1"])
        self.change("DELETE FROM secret")
        self.assertIn("the vault key that seals", self.vault("forget", "k1", code=1))

    def test_a_missing_key_and_a_damaged_box_are_named(self):
        self.stand.start_server()
        good, bad = self.accounts(2)
        self.vault("verify")
        self.assertEqual(self.stand.end("server"), 0)
        self.change("UPDATE secret SET sealed = zeroblob(length(sealed))"
                    " WHERE account = ? AND field = 'token_secret'", bad)
        said = self.vault("verify", code=1)
        self.assertIn("%s  token_secret  under k1: it is damaged" % bad, said)
        self.assertNotIn(good, said)
        self.assertIn("k1: 8 secrets of 2 accounts, 1 do not open", said)
        said = self.vault("rotate", code=1)
        self.assertIn("1 secrets are left", said)
        self.assertIn(bad, said)

        keys = self.keys()
        lost = keys["vault_keys"].pop()
        keys["vault_keys"].append({"id": "other", "key": "cd" * 32})
        self.write_keys(keys)
        self.stand.start_server()
        missing = self.event("vault_key_missing")
        self.assertEqual([(e["key_id"], e["count"]) for e in missing], [(lost["id"], 2)])
        self.assertEqual(self.stand.admin("GET", "/vault")["missing_keys"],
                         [{"id": lost["id"], "secrets": 7, "accounts": 2}])
        said = self.vault("verify", code=1)
        self.assertIn("%s (not in the key file): 7 secrets of 2 accounts, 7" % lost["id"], said)
        for account in (good, bad):
            self.assertIn("%s  consumer_key  under %s: its key is not in the key file" %
                          (account, lost["id"]), said)

    def test_a_wrong_file_is_refused_and_the_old_keys_stay(self):
        self.stand.start_server()
        url = self.stand.mint(self.stand.connect_netsuite()["id"])["url"]
        keys = self.keys()
        other = [{"id": "k9", "key": "ef" * 32}]
        for content, cause in (
                ("{", "not a JSON object"),
                (json.dumps(dict(keys, signing_key="12" * 32)), "another signing_key"),
                (json.dumps(dict(keys, vault_keys=other)), "lacks the vault key k1")):
            with open(self.keys_path, "w") as file:
                file.write(content)
            status, answer = self.stand.api("POST", "/vault/reload")
            self.assertEqual(status, 409)
            self.assertIn(cause, answer["error"]["message"])
            self.assertEqual(self.stand.admin("GET", "/vault")["seals_with"], "k1")
        self.calls_work(url)
        refused = len(self.event("keys_refused"))
        self.stand.process("server").send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.event("keys_refused")) > refused, "a refusal in the log")
        self.write_keys(dict(keys, vault_keys=keys["vault_keys"] + other))
        self.stand.process("server").send_signal(signal.SIGHUP)
        wait_until(lambda: self.event("keys_taken"), "the new key")
        self.assertEqual(self.stand.admin("GET", "/vault")["seals_with"], "k9")
        self.calls_work(url)


if __name__ == "__main__":
    main()
