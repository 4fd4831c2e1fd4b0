# SPDX-License-Identifier: Apache-2.0
"""kill -9 at 200 points of account, MCP server, token and secret writes.

    CRASH_SEED=12345 CRASH_KILLS=200 python3 tests/flow/test_crash.py

The seed is printed; it decides what is written and where the server is killed. When exactly a
thread runs is the machine's choice, so a seed brings back the pattern, not each byte; what holds
afterwards does not depend on it.
"""
import os
import random
import shutil
import signal
import sqlite3
import sys
import threading
import unittest

from crash import Audit, Killer, Line, Writer, expect, file_faults, file_ids, pages, try_calls
from flow import BIN, TODAY, Stand, main

SEED = os.environ.get("CRASH_SEED") or str(random.SystemRandom().randrange(10 ** 9))
KILLS = int(os.environ.get("CRASH_KILLS") or 200)
WRITERS = 4
CALLS_AFTER_RESTART = 3
WAL_BYTES = 8 * 1024 * 1024  # twice what SQLite lets it grow before it is written back


class CrashCase(unittest.TestCase):
    """A stand with both mocks, and logins that the writers change between."""

    def setUp(self):
        self.stand = Stand(BIN)
        self.addCleanup(self.stand.stop)
        self.stand.start_mock("netsuite", "--today", TODAY)
        self.stand.start_mock("sap")
        self.logins = {"netsuite": self.netsuite_logins(), "sap": self.sap_logins()}
        self.database = os.path.join(self.stand.data_dir, "sluice.db")

    def netsuite_logins(self):
        """Of one NetSuite account; each has a value of its own in every field."""
        logins = []
        for number in range(4):
            login = {"account_id": "CRASH"}
            for part in ("consumer_key", "consumer_secret", "token_id", "token_secret"):
                login[part] = "%s-%d-%d" % (part, number, os.getpid())
            reply = self.stand.control("netsuite", "POST", "/accounts",
                                       dict(login, concurrency=100))
            self.assertTrue(reply.get("ok"), reply)
            body = self.stand.netsuite_account(credentials=login)
            logins.append((body["connection"], body["auth"]))
        return logins

    def sap_logins(self):
        """Of one SAP client: two schemes, so that a change swaps which secrets there are."""
        connection = self.stand.sap_account(scheme="basic")["connection"]
        return [(connection, self.stand.sap_account(scheme=scheme)["auth"])
                for scheme in ("basic", "sap_xsuaa")]

    def line(self, killer=None):
        return Line(self.stand.base, self.stand.admin_token, killer)

    def size(self, suffix):
        path = self.database + suffix
        return os.path.getsize(path) if os.path.exists(path) else 0


class TestKills(CrashCase):
    def test_every_acknowledged_write_survives_a_kill(self):
        print("seed %s, %d kills" % (SEED, KILLS), file=sys.stderr)
        dice = random.Random("%s kills" % SEED)
        writers = [Writer(n, SEED, self.logins) for n in range(WRITERS)]
        points, peak = {}, 0
        self.stand.start_server()
        for number in range(KILLS):
            try:
                how = self.kill_once(writers, dice)
                peak = max(peak, self.size("-wal"))
                self.stand.start_server()
                self.check(writers)
            except BaseException:
                print("seed %s, kill %d" % (SEED, number + 1), file=sys.stderr)
                raise
            points[how] = points.get(how, 0) + 1
        answered = sum(w.answered for w in writers)
        print("%d kills (%s), %d acknowledged writes, write-ahead log at most %d bytes" %
              (KILLS, ", ".join("%s %d" % p for p in sorted(points.items())), answered, peak),
              file=sys.stderr)
        self.assertGreater(answered, 5 * KILLS)
        self.assertLess(peak, WAL_BYTES)
        self.assertEqual(self.stand.end("server"), 0)
        self.assertEqual(self.strange_events(), [])

    def kill_once(self, writers, dice):
        process = self.stand.process("server")
        killer = Killer(lambda: os.kill(process.pid, signal.SIGKILL), dice)
        threads = [threading.Thread(target=writer.work, args=(self.line(killer),))
                   for writer in writers]
        for thread in threads:
            thread.start()
        killer.wait()
        self.assertEqual(process.wait(timeout=60), -signal.SIGKILL)
        process.stdout.close()
        for thread in threads:
            thread.join(60)
        for writer in writers:
            if writer.fault:
                raise writer.fault
        return killer.how

    def check(self, writers):
        line = self.line()
        tokens = pages(line, "/api-token")
        for writer in writers:
            Audit(line, writer, tokens).run()
        try_calls(line, writers, CALLS_AFTER_RESTART)
        line.close()
        self.assertEqual(file_faults(self.database), [])
        ids = file_ids(self.database)
        known = {"account": {n for w in writers for n in w.accounts},
                 "server": {s.id for w in writers for _, s in w.all_servers()},
                 "api_token": {n for w in writers for n in w.tokens}}
        stand_token = ids["api_token"] - known["api_token"]
        expect(len(stand_token) == 1, "tokens in the file that nobody has: %s", stand_token)
        self.assertEqual(dict(ids, api_token=ids["api_token"] - stand_token), known)

    def strange_events(self):
        return [e for e in self.stand.events()
                if e["event"] in ("not_json", "store_failed", "secret_not_opened",
                                  "store_file_failed", "purge_failed")][:5]


class TestWriteAheadLog(CrashCase):
    def test_it_does_not_grow_without_end_and_a_start_empties_it(self):
        """Nothing here deletes a secret, which would empty it along the way."""
        self.stand.start_server()
        line, peak, written = self.line(), 0, 0
        while written < WAL_BYTES + WAL_BYTES // 4:
            for ceiling in range(1, 101):
                status, _ = line.send("PATCH", "/tenant/wal", {"governor": {"ceiling": ceiling}})
                self.assertEqual(status, 200)
                written += 4096  # a page at least
            peak = max(peak, self.size("-wal"))
        self.assertGreater(peak, 1024 * 1024)
        self.assertLess(peak, WAL_BYTES)
        process = self.stand.process("server")
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        line.close()
        self.assertGreater(self.size("-wal"), 0)
        self.stand.start_server()
        self.assertEqual(self.size("-wal"), 0)
        ceiling = self.stand.admin("GET", "/tenant/wal")["governor"]["ceiling"]
        self.assertEqual(ceiling, 100)


class TestTheLookIntoTheFile(CrashCase):
    """The check itself: each kind of half thing is seen when it is there."""

    def test_each_kind_of_half_thing_is_named(self):
        self.stand.start_server()
        account = self.stand.admin("POST", "/integrated-account?verify=false",
                                   self.stand.netsuite_account())
        self.stand.mint(account["id"])
        self.assertEqual(self.stand.end("server"), 0)
        self.assertEqual(file_faults(self.database), [])
        for damage, words in (
                ("DELETE FROM secret WHERE field = 'token_id'", "secrets are not those"),
                ("UPDATE account SET scheme = 'basic'", "secrets are not those"),
                ("DELETE FROM account", "a secret without an account"),
                ("DELETE FROM account", "a server without an account"),
                ("DELETE FROM url_token", "without its twin"),
                ("UPDATE server_token SET expires_ms = 1", "without its twin"),
                ("DELETE FROM server_token; DELETE FROM url_token", "a server without a token"),
                ("DELETE FROM server", "a token of no server"),
                ("DELETE FROM server", "foreign_key_check")):
            copy = os.path.join(self.stand.scratch, "copy.db")
            shutil.copyfile(self.database, copy)
            with sqlite3.connect(copy) as database:
                database.executescript("PRAGMA foreign_keys = OFF;" + damage)
            database.close()
            faults = file_faults(copy)
            self.assertTrue(any(words in fault for fault in faults), (damage, faults))


if __name__ == "__main__":
    main()
