# SPDX-License-Identifier: Apache-2.0
"""Two servers on one data folder: one ceiling between them, and what one changes holds for both."""
import contextlib
import copy
import os
import signal
import sqlite3
import subprocess
import time
import urllib.parse

from flow import Volley, codes, main, wait_until
from governing import GovernorCase
from test_webhooks import Receiver

CUSTOMERS = "list_all_netsuite_customers"
LONG_LINE = {"queue_limit": 500, "queue_wait_ms": 60000}
# A change reaches what is under way in the other process within 100 ms; the rest is the machine's.
SOON_S = 2.0


class ProcessCase(GovernorCase):
    flags = ("--coordination.shares", "2")

    @classmethod
    def prepare(cls):
        cls.other = cls.begin("second")

    @classmethod
    def begin(cls, name):
        """Another server on the folder of the stand; the stand as seen through it."""
        other = copy.copy(cls.stand)
        other.log_path = os.path.join(cls.stand.scratch, name + ".log")
        with open(other.log_path, "w") as log:
            process = cls.stand.start(name, [cls.stand.server, "serve", "--server.port", "0",
                                             *cls.stand.flags()], stderr=log)
        other.base = "http://127.0.0.1:%d" % other.wait_for_port(process, 0)
        return other

    def at_other(self, url):
        return self.other.base + urllib.parse.urlsplit(url).path

    def at(self, account, url=None):
        path = "/integrated-account/" + account["id"]
        if url is None:
            return path
        servers = self.stand.admin("GET", path + "/mcp")["data"]
        return "%s/mcp/%s" % (path, servers[0]["id"])

    def both_work(self, url):
        """Logins have proved themselves on both sides."""
        for each in (url, self.at_other(url)):
            self.assertEqual(codes([self.stand.tool(each, CUSTOMERS, {"limit": 1})]), {"ok": 1})
        self.reset()

    def fill(self, url, here, there):
        """That many calls that stay at the mock, through either process."""
        volleys = [Volley(each, count).send() for each, count in
                   ((url, here), (self.at_other(url), there)) if count > 0]
        wait_until(lambda: self.stats()["in_flight"] == here + there, "calls at the mock")
        return volleys


class TestOneCeiling(ProcessCase):
    def test_the_mock_never_sees_more_than_the_ceiling(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=5))
        self.both_work(url)
        for _ in range(3):
            self.reset()
            self.hold()
            volleys = [Volley(each, 100).send() for each in (url, self.at_other(url))]
            self.until_in_flight(5)
            self.release(50)
            for volley in volleys:
                self.assertEqual(codes(volley.results()), {"ok": 100})
            self.assertEqual(self.stats()["in_flight_peak"], 5)
            self.assertEqual(self.stats()["refused_concurrency"], 0)
        shares = [stand.admin("GET", "/lanes/" + urllib.parse.quote(account["lane"], safe=""))
                  ["effective"] for stand in (self.stand, self.other)]
        self.assertEqual(sorted(shares), [2, 3])

    def test_a_ceiling_of_one_falls_to_one_of_them(self):
        _, url = self.fresh(governor={"ceiling": 1})
        answers = [self.stand.tool(each, CUSTOMERS, {"limit": 1})
                   for each in (url, self.at_other(url))]
        self.assertEqual(codes(answers), {"ok": 1, "account_busy": 1})
        error = self.error(answers[1][2])
        self.assertIn("none of it falls to this one", error["message"])
        self.assertIn("coordination.shares", error["hint"])
        self.assertEqual(answers[1][1]["ratelimit-limit"], "0")

    def test_a_ceiling_that_one_changes_holds_for_both(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=5))
        self.both_work(url)
        self.stand.admin("PATCH", self.at(account), {"governor": dict(LONG_LINE, ceiling=2)})
        self.both_work(url)
        self.hold()
        volleys = [Volley(each, 30).send() for each in (url, self.at_other(url))]
        self.until_in_flight(2)
        self.release(50)
        for volley in volleys:
            self.assertEqual(codes(volley.results()), {"ok": 30})
        self.assertEqual(self.stats()["in_flight_peak"], 2)
        lane = "/lanes/" + urllib.parse.quote(account["lane"], safe="")
        self.other.admin("PATCH", lane, {"ceiling": 4})
        wait_until(lambda: self.stand.admin("GET", lane)["effective"] == 2, "the other's ceiling")

    def test_who_is_one_too_many_is_refused(self):
        for flags, word in ((["--coordination.shares", "2"], "2 sluice serve already"),
                            (["--coordination.shares", "3"], "another coordination.shares"),
                            (["--coordination.shares", "1"], "in use by another sluice serve")):
            result = subprocess.run([self.stand.server, "serve", "--server.port", "0",
                                     *self.stand.flags(), *flags], capture_output=True,
                                    text=True, timeout=60)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(word, result.stderr)


class TestChangesOfTheOther(ProcessCase):
    def test_the_lane_of_an_account_is_known_to_the_other_at_once(self):
        for verify, lane in ((True, lambda account: account["lane"]),
                             (False, lambda account: "unproven:" + account["id"])):
            for _ in range(4):
                account, _ = self.fresh(verify=verify)
                path = "/lanes/" + urllib.parse.quote(lane(account), safe="")
                self.assertEqual(self.other.admin("GET", path)["accounts"], 1)
                account, _ = self.fresh(verify=verify)
                self.assertIn(lane(account), [one["id"] for one in self.other.admin(
                    "GET", "/lanes")["data"]])

    def test_a_revoked_url_is_dead_in_both(self):
        account, url = self.fresh()
        self.both_work(url)
        self.stand.admin("DELETE", self.at(account, url))
        for each in (url, self.at_other(url)):
            self.assertEqual(self.stand.rpc(each, "tools/list")[0], 401)

    def test_calls_that_wait_in_the_other_end_with_their_url(self):
        for verb, path, body in (("DELETE", "", None), ("POST", "/rotate", {}),
                                 ("DELETE", None, None)):
            account, url = self.fresh(governor=dict(LONG_LINE, ceiling=2))
            self.both_work(url)
            self.hold()
            held = self.fill(url, 1, 1)
            waiting = Volley(self.at_other(url), 4).send()
            wait_until(lambda: self.other.admin(
                "GET", "/lanes/" + urllib.parse.quote(account["lane"], safe=""))["queued"] == 4,
                "calls in line at the other")
            where = self.at(account) if path is None else self.at(account, url) + path
            self.stand.admin(verb, where, body)
            started = time.monotonic()
            statuses = [status for status, _, _ in waiting.raw_results()]
            self.assertLess(time.monotonic() - started, SOON_S)
            self.assertEqual(statuses, [401] * 4)
            self.release()
            for volley in held:
                volley.raw_results()
            wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")

    def test_an_account_that_is_switched_off_is_off_in_both(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=2))
        self.both_work(url)
        self.hold()
        held = self.fill(url, 1, 1)
        waiting = Volley(self.at_other(url), 3).send()
        self.stand.admin("PATCH", self.at(account), {"state": "disabled"})
        started = time.monotonic()
        self.assertEqual(codes(waiting.results()), {"policy_denied": 3})
        self.assertLess(time.monotonic() - started, SOON_S)
        self.release()
        for volley in held:
            volley.raw_results()
        self.reset()
        self.assertEqual(codes([self.other.tool(self.at_other(url), CUSTOMERS, {"limit": 1})]),
                         {"policy_denied": 1})
        self.assertEqual(self.stats()["requests"], 0)

    def test_overrides_of_an_environment_show_in_both(self):
        body = self.stand.netsuite_account(credentials=self.upstream())
        account = self.stand.admin("POST", "/integrated-account", dict(body, environment="prod"))
        url = self.stand.mint(account["id"])["url"]

        def description():
            tools = self.stand.rpc(self.at_other(url), "tools/list")[2]["result"]["tools"]
            return [t["description"] for t in tools if t["name"] == CUSTOMERS][0]
        self.assertNotIn("Ours alone.", description())
        self.stand.admin("PUT", "/environment/prod/overrides", {"tools": {
            CUSTOMERS: {"description": "Ours alone."}}})
        wait_until(lambda: "Ours alone." in description(), "the override in the other")

    def test_an_account_that_one_has_connected_serves_in_both(self):
        account, url = self.fresh()
        self.assertEqual(codes([self.stand.tool(self.at_other(url), CUSTOMERS, {"limit": 1})]),
                         {"ok": 1})
        self.stand.admin("DELETE", self.at(account))
        self.assertEqual(self.stand.rpc(self.at_other(url), "tools/list")[0], 401)


class TestSingletons(ProcessCase):
    @classmethod
    def expected_codes(cls, name):
        return (0, -signal.SIGKILL) if name == "server" else (0,)

    def test_webhooks_leave_once_and_go_on_when_their_process_is_killed(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        for stand in (self.other, self.stand):
            stand.admin("POST", "/webhook-endpoint", {
                "url": receiver.url + "/" + str(stand is self.other), "events": ["*"]})
        account = self.other.connect_netsuite(credentials=self.upstream())
        wait_until(lambda: len(receiver.of("account.connected")) == 2, "an event for each endpoint")
        self.assertEqual(len(receiver.of("account.connected", account["id"])), 2)

        leader = self.stand.process("server")
        leader.kill()
        leader.wait()
        account = self.other.connect_netsuite(credentials=self.upstream())
        wait_until(lambda: len(receiver.of("account.connected", account["id"])) == 2,
                   "the events by the other process")
        self.assertEqual(len([e for e in self.other.events() if e["event"] == "leads"]), 1)
        third = self.begin("third")  # the place of the one that was killed
        self.assertEqual(third.api("GET", "/integrated-account")[0], 200)


class TestADamagedRow(ProcessCase):
    def write_damaged(self, account_id):
        """A row like the account's whose last columns cannot be read. Both servers stand still, so
        that neither ever sees it whole. False: one stands while it reads or writes."""
        path = os.path.join(self.stand.data_dir, "sluice.db")
        text = b"damaged."
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as db:
            if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] != 0:
                return False
            found = db.execute("SELECT * FROM account WHERE id = ?", (account_id,))
            names = [column[0] for column in found.description]
            row = dict(zip(names, found.fetchone()))
            found.close()
            row.update(id="acc_" + "d" * 26, overrides=(text * 4096).decode())
            db.execute("INSERT INTO account (%s) VALUES (%s)" % (
                ",".join(names), ",".join("?" * len(names))), list(row.values()))
            db.commit()
            self.assertEqual(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0], 0)
            page_bytes = db.execute("PRAGMA page_size").fetchone()[0]
        with open(path, "r+b") as file:
            data = file.read()
            pages = [at for at in range(0, len(data), page_bytes)
                     if data[at + 4:at + 36] in text * 6]
            for at in pages:  # the number of the page that follows
                file.seek(at)
                file.write(b"\xff" * 4)
        self.assertGreater(len(pages), 1)
        return True

    def add_damaged(self, account):
        servers = [self.stand.process(name) for name in ("server", "second")]

        def is_written():
            try:
                for server in servers:
                    server.send_signal(signal.SIGSTOP)
                    os.waitid(os.P_PID, server.pid, os.WSTOPPED | os.WNOWAIT)
                return self.write_damaged(account["id"])
            finally:
                for server in servers:
                    server.send_signal(signal.SIGCONT)
        wait_until(is_written, "a database that nobody reads")

    def not_read(self):
        return [e["account"] for e in self.stand.events() if e["event"] == "account_not_read"]

    def test_it_keeps_no_other_change_back(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=2))
        self.both_work(url)
        self.hold()
        held = Volley(url, 1).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        waiting = Volley(url, 4).send()
        wait_until(lambda: self.lane(account)["queued"] == 4, "calls in line")
        self.add_damaged(account)
        wait_until(self.not_read, "a line about the account")
        self.other.admin("DELETE", self.at(account, url))
        self.assertEqual([status for status, _, _ in waiting.raw_results()], [401] * 4)
        self.release()
        held.raw_results()
        self.assertEqual(self.not_read(), ["acc_" + "d" * 26])


if __name__ == "__main__":
    main()
