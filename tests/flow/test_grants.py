# SPDX-License-Identifier: Apache-2.0
"""Grants that persons gave, and every trouble in which they can get: what each ends in.

NetSuite's OAuth 2.0 by consent, connected through the pages: a public client, whose refresh token
is used once and replaced, and a confidential one, whose refresh token stays. docs/credentials.md
has the table that these tests prove.
"""
import os
import shutil
import sqlite3
import tempfile
import time
import urllib.parse

from connecting import Browser, ConnectCase
from flow import Volley, call_bytes, codes, connect, main, wait_until

CUSTOMERS = "list_all_netsuite_customers"
TOKEN_PATH = "/oauth2/v1/token$"
SPARE = 30  # seconds: a token that ends sooner is not used
LONG_LINE = {"ceiling": 5, "queue_limit": 100, "queue_wait_ms": 60000}
CALLS = 50
HELD = 15000  # milliseconds: a token host that needs 20 s is down


class GrantCase(ConnectCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.stand.port = urllib.parse.urlsplit(cls.stand.base).port  # the redirect's, for good

    def setUp(self):
        super().setUp()
        self.control("DELETE", "/grants")
        self.lives(None)
        self.reset()

    def control(self, method, path, body=None):
        reply = self.stand.control("netsuite", method, path, body)
        self.assertNotIn("error", reply or {})
        return reply

    def lives(self, seconds):
        """How long access tokens are good from now on; None: NetSuite's hour."""
        self.oauth2(access_token_seconds=seconds)

    def token_latency(self, ms):
        """The mock has done the work, and answers that much later."""
        self.control("PUT", "/latency", {"token_ms": ms})
        self.addCleanup(self.release_tokens)

    def release_tokens(self):
        """What waits at the token host is answered now, and what comes later at once."""
        self.control("PUT", "/latency", {"token_ms": 0})
        self.control("POST", "/release")

    def token_fault(self, kind, times=1, **more):
        self.fault(kind, times, match={"path_regex": TOKEN_PATH}, **more)

    def refreshes(self):
        return self.stats()["token_grants"]["refresh_token"]

    def refused(self):
        return self.stats()["token_errors"].get("invalid_grant", 0)

    def on_their_way(self):
        return self.stats()["token_requests_in_flight"]

    # ---- Accounts ----

    def account(self):
        """(id, URL) of one that a person has just connected."""
        session, link = self.session()
        self.consent(Browser(self.stand), link)
        account = self.state(session)["account_id"]
        self.stand.admin("PATCH", "/integrated-account/" + account, {"governor": LONG_LINE})
        self.addCleanup(self.stand.api, "DELETE", "/integrated-account/" + account)
        return account, self.url(account)

    def url(self, account):
        return self.stand.mint(account)["url"]

    def stale_account(self):
        """One whose token has ended by now; the next lives long. Nothing is counted yet."""
        self.lives(SPARE + 2)
        account, url = self.account()
        got = time.monotonic()
        self.lives(None)
        wait_until(lambda: time.monotonic() > got + 2.1, "a token that ends within 30 s")
        self.reset()
        return account, url

    def connect_again(self, account):
        session, link = self.session(account_id=account)
        self.consent(Browser(self.stand), link)
        self.assertEqual("connected", self.state(session)["state"])

    def standing(self, account):
        found = self.stand.admin("GET", "/integrated-account/" + account)
        return found["state"], found["cause"]

    # ---- Calls and what they end in ----

    def volley(self, url, calls=CALLS):
        return codes(Volley(url, calls, CUSTOMERS).send().results())

    def assert_serves(self, account, url, calls=CALLS):
        self.assertEqual({"ok": calls}, self.volley(url, calls))
        self.assertEqual(("active", None), self.standing(account))

    def assert_over(self, account, url):
        """A person is needed, and helps."""
        wait_until(lambda: self.standing(account) == ("needs_reauth", "grant_refused"),
                   "an account that needs somebody")
        asked = self.refreshes()
        self.assertEqual({"needs_reauth": 3}, self.volley(url, 3))
        self.assertEqual(asked, self.refreshes())
        self.connect_again(account)
        self.assert_serves(account, url, 3)

    # ---- The server ----

    def database(self):
        database = sqlite3.connect(os.path.join(self.stand.data_dir, "sluice.db"), timeout=30,
                                   isolation_level=None)
        self.addCleanup(database.close)
        return database

    def row(self, account):
        """(version, lease holder) as stored."""
        return self.database().execute("SELECT version, lease_holder FROM oauth_grant WHERE "
                                       "account = ?", (account,)).fetchone()

    def kill(self):
        process = self.stand.process("server")
        process.kill()
        process.wait()

    def start_neighbour(self):
        """The address of another server on the same database, by a folder of its own: one folder
        has one server (decision 0010), and this is about what the database alone guards."""
        folder = tempfile.mkdtemp(dir=self.stand.scratch)
        shutil.copy(os.path.join(self.stand.data_dir, "keys.json"), folder)
        os.symlink(os.path.join(self.stand.data_dir, "sluice.db"),
                   os.path.join(folder, "sluice.db"))
        flags = [folder if one == self.stand.data_dir else one for one in self.stand.flags()]
        start = os.path.getsize(self.stand.log_path)
        with open(self.stand.log_path, "a", encoding="utf-8") as log:
            process = self.stand.start("neighbour", [self.stand.server, "serve", "--server.port",
                                                     "0", *flags], stderr=log)
        return "http://127.0.0.1:%d" % self.stand.wait_for_port(process, start)

    @classmethod
    def expected_codes(cls, name):
        return (0, -9) if name == "server" else (0,)

    def begin_call(self, url):
        sock = connect(url)
        self.addCleanup(sock.close)
        sock.sendall(call_bytes(url, CUSTOMERS, {"limit": 1}))
        return sock


class Rows:
    """What both kinds of client end in alike."""

    def test_a_token_that_has_ended(self):
        account, url = self.stale_account()
        self.assert_serves(account, url)
        self.assertEqual(1, self.refreshes())

    def test_again_and_again(self):
        account, url = self.account()
        for n in range(1, 5):
            self.control("POST", "/tokens/expire", {"kind": "access"})
            self.assert_serves(account, url, 10)
            self.assertEqual(n, self.refreshes())
        self.assertEqual(0, self.refused())
        self.assertEqual(5, self.row(account)[0])

    def test_a_token_that_only_the_erp_knows_to_have_ended(self):
        account, url = self.account()
        self.reset()
        self.control("POST", "/tokens/expire", {"kind": "access"})
        self.assert_serves(account, url)
        self.assertEqual(1, self.refreshes())

    def test_a_token_host_of_three_seconds(self):
        account, url = self.stale_account()
        self.token_latency(3000)
        self.assert_serves(account, url)
        self.assertEqual(1, self.refreshes())

    def test_a_token_host_in_trouble_for_a_moment(self):
        account, url = self.stale_account()
        for status in (500, 503):
            self.token_fault("status", status=status)
        self.assert_serves(account, url)
        self.assertEqual(1, self.refreshes())  # the two others did not get as far

    def test_refusals_of_another_kind_end_nothing(self):
        account, url = self.stale_account()
        for status, body, words in ((403, "<html>blocked</html>", "a firewall"),
                                    (400, '{"error":"invalid_request"}', "found the request"),
                                    (401, '{"error":"invalid_client"}', "client's id or secret")):
            self.reset()
            self.token_fault("status", times=9, status=status, body=body)
            error = self.error(self.stand.tool(url, CUSTOMERS, {"limit": 1})[2])
            self.assertEqual("upstream_unavailable", error["code"])
            self.assertIn(words, error["message"])
            self.assertEqual(("active", None), self.standing(account))
            self.assertEqual(1, self.stats()["token_requests"])  # it would be refused again
            self.control("DELETE", "/faults")
        self.assert_serves(account, url, 3)
        self.assertEqual((1, 0), (self.refreshes(), self.refused()))

    def test_an_account_deleted_in_the_middle(self):
        account, url = self.stale_account()
        self.token_latency(HELD)
        volley = Volley(url, 5, CUSTOMERS).send()
        wait_until(lambda: self.on_their_way() == 1, "a request for a token")
        self.stand.api("DELETE", "/integrated-account/" + account)
        self.assertEqual({401}, {status for status, _, _ in volley.results()})
        self.release_tokens()
        wait_until(lambda: self.on_their_way() == 0, "its end")
        self.assertEqual(1, self.refreshes())
        self.assertEqual([], self.control("GET", "/grants")["grants"])
        left = self.database().execute("SELECT (SELECT count(*) FROM oauth_grant WHERE account = "
                                       "?1) + (SELECT count(*) FROM secret WHERE account = ?1)",
                                       (account,)).fetchone()
        self.assertEqual((0,), left)

    def test_a_server_that_is_stopped_in_the_middle(self):
        account, url = self.stale_account()
        self.token_latency(HELD)
        sock = self.begin_call(url)
        wait_until(lambda: self.on_their_way() == 1, "a request for a token")
        sock.close()  # nobody waits for it any more
        process, start = self.stand.process("server"), os.path.getsize(self.stand.log_path)
        process.terminate()
        wait_until(lambda: "draining" in [e["event"] for e in self.stand.events(start)], "draining")
        self.release_tokens()
        self.assertEqual(0, process.wait(timeout=60))
        self.assertEqual(2, self.row(account)[0])
        self.stand.start_server()
        self.assert_serves(account, self.url(account))
        self.assertEqual((1, 0), (self.refreshes(), self.refused()))

    def test_a_server_that_is_stopped_between_two_tries(self):
        account, url = self.stale_account()
        self.token_fault("status", times=9, status=500)
        sock = self.begin_call(url)
        wait_until(lambda: self.stats()["token_requests"] >= 2, "a second try")
        sock.close()
        self.assertEqual(0, self.stand.end("server"))
        self.control("DELETE", "/faults")
        self.stand.start_server()
        self.assert_serves(account, self.url(account), 3)

    def test_two_servers_on_one_store(self):
        account, url = self.stale_account()
        neighbour = self.start_neighbour()
        there = neighbour + urllib.parse.urlsplit(url).path
        self.token_latency(1000)
        volleys = [Volley(one, 10, CUSTOMERS).send() for one in (url, there)]
        self.assertEqual([{"ok": 10}] * 2, [codes(one.results()) for one in volleys])
        self.assertLess(time.monotonic() - volleys[0].started, 30)  # nobody waits a lease out
        self.assertEqual((1, 0), (self.refreshes(), self.refused()))
        self.assertEqual(2, self.row(account)[0])
        for n in range(2, 6):  # and whoever is asked first renews it for both
            self.control("POST", "/tokens/expire", {"kind": "access"})
            one, other = (url, there) if n % 2 else (there, url)
            self.assertEqual({"ok": 5}, self.volley(one, 5))
            self.assertEqual({"ok": 5}, self.volley(other, 5))
            self.assertEqual((n, 0), (self.refreshes(), self.refused()))
        self.stand.end("neighbour")

    def test_a_server_killed_before_its_request(self):
        account, url = self.stale_account()
        database = self.database()
        database.execute("BEGIN IMMEDIATE")  # the lease cannot be written
        self.begin_call(url)
        self.stand.admin("GET", "/integrated-account/" + account)  # it has begun by now
        self.kill()
        database.execute("ROLLBACK")
        self.stand.start_server()
        self.assert_serves(account, self.url(account))
        self.assertEqual((1, 0), (self.refreshes(), self.refused()))

    def test_an_answer_that_cannot_be_stored_for_a_while(self):
        account, url = self.stale_account()
        self.token_latency(HELD)
        database = self.database()
        volley = Volley(url, 5, CUSTOMERS).send()
        wait_until(lambda: self.on_their_way() == 1, "a request for a token")
        database.execute("BEGIN IMMEDIATE")
        self.release_tokens()
        wait_until(lambda: self.on_their_way() == 0, "its answer")
        self.stand.admin("GET", "/integrated-account/" + account)  # it has been read by now
        self.assertEqual(1, self.row(account)[0])
        database.execute("ROLLBACK")
        self.assertEqual({"ok": 5}, codes(volley.results()))
        self.assertEqual((1, 0), (self.refreshes(), self.refused()))
        self.assertEqual(2, self.row(account)[0])

    def test_an_answer_that_cannot_be_stored_for_longer_than_calls_wait(self):
        account, url = self.stale_account()
        self.token_latency(HELD)
        database = self.database()
        volley = Volley(url, 5, CUSTOMERS).send()
        wait_until(lambda: self.on_their_way() == 1, "a request for a token")
        database.execute("BEGIN IMMEDIATE")
        self.release_tokens()
        self.assertEqual({"internal": 5}, codes(volley.results()))
        database.execute("ROLLBACK")
        wait_until(lambda: self.row(account)[0] == 2, "an answer that is stored after all")
        self.assert_serves(account, url, 5)
        self.assertEqual((1, 0), (self.refreshes(), self.refused()))

    def test_a_grant_that_is_refused(self):
        account, url = self.stale_account()
        self.control("DELETE", "/grants")
        self.assertEqual({"needs_reauth": CALLS}, self.volley(url))
        self.assertEqual((1, 1), (self.refreshes(), self.refused()))
        self.assert_over(account, url)

    def test_a_conversation_over_many_tokens(self):
        self.lives(SPARE + 1)
        account, url = self.account()
        self.reset()
        calls = []

        def call():
            status, _, result = self.stand.tool(url, CUSTOMERS, {"limit": 1})
            self.assertEqual((200, False), (status, result.get("isError", False)), result)
            calls.append(result)
            return len(calls) > 20 and self.refreshes() > 3
        wait_until(call, lambda: "a fourth token, after %d calls" % len(calls))
        self.assertEqual(0, self.refused())
        self.assertEqual(("active", None), self.standing(account))

    def test_no_token_is_in_the_log(self):
        account, url = self.stale_account()
        self.assert_serves(account, url, 3)
        self.assertNotIn("eyJ", str(self.stand.events()))

    # ---- After the host has done its part, and nobody here has the answer ----

    def lose_the_answer(self):
        account, url = self.stale_account()
        self.token_fault("after_commit_drop")
        return account, url, self.volley(url)

    def kill_before_the_answer(self):
        account, url = self.stale_account()
        self.token_latency(HELD)
        self.begin_call(url)
        wait_until(lambda: self.refreshes() == 1, "a request that the host has worked on")
        self.kill()
        self.release_tokens()
        self.stand.start_server()
        return account, self.url(account)

    def kill_between_answer_and_store(self):
        account, url = self.stale_account()
        self.token_latency(HELD)
        self.begin_call(url)
        wait_until(lambda: self.on_their_way() == 1, "a request for a token")
        database = self.database()
        database.execute("BEGIN IMMEDIATE")  # what the host gives cannot be stored
        self.release_tokens()
        wait_until(lambda: self.on_their_way() == 0, "its answer")
        self.stand.admin("GET", "/integrated-account/" + account)  # it has been read by now
        self.kill()
        database.execute("ROLLBACK")
        self.assertEqual(1, self.row(account)[0])
        self.stand.start_server()
        return account, self.url(account)


class TestKept(Rows, GrantCase):
    """A confidential client: its refresh token stays, so no answer is missed."""

    def test_a_lost_answer(self):
        account, url, ended = self.lose_the_answer()
        self.assertEqual({"ok": CALLS}, ended)
        self.assertEqual((2, 0), (self.refreshes(), self.refused()))
        self.assertEqual(("active", None), self.standing(account))

    def test_killed_before_the_answer(self):
        account, url = self.kill_before_the_answer()
        self.assert_serves(account, url)
        self.assertEqual(0, self.refused())

    def test_killed_between_answer_and_store(self):
        account, url = self.kill_between_answer_and_store()
        self.assert_serves(account, url)
        self.assertEqual((2, 0), (self.refreshes(), self.refused()))


class TestRotating(Rows, GrantCase):
    """A public client: the host has replaced the refresh token, and only its answer had the new
    one. No client can mend that; the host's refusal is real."""

    public = True

    def test_a_lost_answer(self):
        account, url, ended = self.lose_the_answer()
        self.assertEqual({"needs_reauth": CALLS}, ended)
        self.assertEqual((2, 1), (self.refreshes(), self.refused()))
        self.assert_over(account, url)

    def test_killed_before_the_answer(self):
        account, url = self.kill_before_the_answer()
        self.assertEqual({"needs_reauth": 3}, self.volley(url, 3))
        self.assert_over(account, url)

    def test_killed_between_answer_and_store(self):
        account, url = self.kill_between_answer_and_store()
        self.assertEqual({"needs_reauth": 3}, self.volley(url, 3))
        self.assertEqual((2, 1), (self.refreshes(), self.refused()))
        self.assert_over(account, url)


if __name__ == "__main__":
    main()
