# SPDX-License-Identifier: Apache-2.0
"""How logins stand with their ERP whatever happens around them: five refused ones in a row lock the
user there, so never so many are sent; and what one login of an account shows holds for that one alone.
"""
import random
import threading
import time
import urllib.parse

from flow import HELD, Volley, codes, main, wait_until
from test_cutover import M2M, TBA, CutoverCase

CUSTOMERS = "list_all_netsuite_customers"
CREATE = "create_a_netsuite_invoice"
SEARCHES = "list_all_netsuite_saved_searches"
SPARE = 30  # seconds: a token that ends sooner is not used
TOKEN = {"path_regex": "/oauth2/v1/token$"}
ERP = {"path_regex": "/suiteql"}
PAGE = "https://app.example/erp/connect?tenant=demo"


class StandingCase(CutoverCase):
    def path(self, account):
        return "/integrated-account/" + account["id"]

    def patch(self, account, **body):
        return self.stand.admin("PATCH", self.path(account), body)

    def found(self, account):
        found = self.stand.admin("GET", self.path(account))
        return found["state"], found["cause"]

    def assert_stopped(self, account, cause="login_refused"):
        wait_until(lambda: self.found(account) == ("needs_reauth", cause), "a stopped account")

    def refused(self, url, tool=CUSTOMERS, arguments=None):
        error = self.error(self.stand.tool(url, tool, {"limit": 1} if arguments is None
                                           else arguments)[2])
        self.assertEqual("needs_reauth", error["code"], error)
        return error

    def refuse(self, times=1, **more):
        self.fault("status", times=times, status=401, **more)

    def verify(self, account):
        return self.stand.api("POST", self.path(account) + "/verify")

    def lives(self, seconds):
        """How long access tokens are good from now on; None: NetSuite's hour."""
        self.stand.control("netsuite", "PUT", "/oauth2", {"access_token_seconds": seconds})
        self.addCleanup(self.stand.control, "netsuite", "PUT", "/oauth2",
                        {"access_token_seconds": None})

    def refuse_client(self):
        self.fault("status", times=1000, status=401, match=TOKEN,
                   body='{"error":"invalid_client"}',
                   headers={"Content-Type": "application/json"})

    def stop_client(self, url):
        """Its token has ended, and there is no other."""
        self.stand.control("netsuite", "POST", "/tokens/expire", {"kind": "access"})
        self.refuse_client()
        self.refused(url)

    def again(self, credentials):
        """Another account with the very same login."""
        account = self.stand.admin("POST", "/integrated-account",
                                   self.stand.netsuite_account(credentials=credentials))
        return account, self.stand.mint(account["id"])["url"]

    def until_at_erp(self, count, account=None, queued=0):
        """So many at the ERP, and of the account's lane so many more: in line, or with a slot until
        the one that tries their login has its answer."""
        wait_until(lambda: self.stats()["in_flight"] == count and
                   (account is None or self.on_lane(account) == count + queued),
                   lambda: "%d at the ERP and %d in line, now: %r %r" % (
                       count, queued, self.stats(), account and self.lane(account)))

    def on_lane(self, account):
        lane = self.lane(account)
        return lane["in_flight"] + lane["queued"]

    def held_or_queued(self, account):
        lane = self.lane(account)
        return lane["in_flight"] + lane["queued"]

    def together(self, url, calls, *tool):
        """The results of that many, all of them at the ERP before any is answered."""
        self.hold()
        volley = Volley(url, calls, *tool).send()
        self.until_at_erp(calls)
        self.release()
        return codes(volley.results())

    def on_m2m(self):
        """An account on OAuth 2.0 whose TBA stands by."""
        account, url = self.account()
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.assertEqual(200, self.switch(account, M2M)[0])
        return account, url


class TestInARow(StandingCase):
    def test_an_old_success_pardons_no_later_refusal(self):
        account, url = self.account()
        self.hold()
        slow = Volley(url, 1, CUSTOMERS).send()
        self.until_at_erp(1)
        self.latency(0)
        self.refuse(3)
        self.refused(url)
        self.release()
        self.assertEqual({"ok": 1}, codes(slow.results()))
        self.refused(url)
        self.refused(url)
        self.assert_stopped(account)

    def test_an_old_success_does_not_bring_a_stopped_account_back(self):
        account, url = self.account(governor={"ceiling": 5})
        self.hold()
        slow = Volley(url, 1, CUSTOMERS).send()
        self.until_at_erp(1)
        self.latency(700)
        self.refuse(4)
        self.assertEqual({"needs_reauth": 4}, codes(Volley(url, 4, CUSTOMERS).send().results()))
        self.assert_stopped(account)
        self.release()
        self.assertEqual({"ok": 1}, codes(slow.results()))
        self.reset()
        self.refused(url)
        self.assertEqual(0, self.stats()["requests"])
        self.assertEqual(("needs_reauth", "login_refused"), self.found(account))

    def test_a_change_of_other_things_does_not_begin_the_count_anew(self):
        account, url = self.account()
        self.refuse(3)
        self.refused(url)
        self.refused(url)
        self.patch(account, name="another name")
        self.refused(url)
        self.assert_stopped(account)

    def test_a_change_of_other_things_while_the_first_is_out_lets_nobody_past_it(self):
        account, url = self.account()
        url = self.restarted(url)
        self.hold()
        self.reset()
        self.refuse(5)
        volley = Volley(url, 5, CUSTOMERS).send()
        self.until_at_erp(1, account, queued=4)
        self.patch(account, governor={"queue_limit": 20})
        self.patch(account, name="another name")
        self.until_at_erp(1, account, queued=4)
        self.release()
        self.assertEqual({"needs_reauth": 5}, codes(volley.results()))
        self.assertEqual(1, self.stats()["in_flight_peak"])
        self.assertLess(self.stats()["requests"], 5)
        self.assert_stopped(account)

    def test_accounts_with_one_login_count_together(self):
        first, url = self.account()
        second, url2 = self.again(self.credentials)
        self.reset()
        self.refuse(10)
        self.refused(url)
        self.refused(url)
        self.refused(url2)
        self.assert_stopped(second)
        self.refused(url)
        self.assert_stopped(first)
        self.assertEqual(3, self.stats()["requests"])

    def test_who_asks_the_doctor_again_and_again_locks_nobody(self):
        account, url = self.account()
        self.patch(account, auth=dict(self.tba, scheme=TBA, token_secret="wrong"))
        self.refused(url)
        url = self.restarted(url)
        said = [self.verify(account) for _ in range(6)]
        self.assertLess(self.stats()["refused_auth"], 5)
        status, reply = said[-1]
        self.assertEqual((403, "policy_denied"), (status, reply["error"]["code"]))
        self.assertIn("try_now", reply["error"]["hint"])
        # The operator says that it is right now: it is tried at once.
        self.patch(account, auth=dict(self.tba, scheme=TBA))
        path = self.path(account) + "/verify?try_now=true"
        self.assertTrue(self.stand.admin("POST", path)["verified"])
        self.call(url)

    def test_one_refusal_among_many_in_flight_stops_nothing(self):
        account, url = self.account(governor={"ceiling": 5})
        self.refuse()
        self.assertEqual({"ok": 4, "needs_reauth": 1}, self.together(url, 5))
        self.assertEqual(("active", None), self.found(account))
        self.call(url)  # sent after the refusal: all is well again
        self.assertEqual({"ok": 5}, self.together(url, 5))

    def test_a_refusal_while_reading_back_is_one_though_the_record_is_saved(self):
        account, url = self.account(governor={"ceiling": 5})
        party = self.call(url)[0]["id"]
        invoice = {"party_id": party, "lines": [{"item_id": "1", "rate": "10.00"}]}
        self.refuse(match={"method": "GET", "path_regex": "/invoice/"})
        saved = self.stand.tool(url, CREATE, invoice)[2]
        self.assertEqual("not_read_back",
                         saved["structuredContent"]["_meta"]["messages"][0]["code"])
        self.hold()
        volley = Volley(url, 5, CUSTOMERS).send()
        self.until_at_erp(1, account, queued=4)  # one goes first
        self.release(HELD)
        self.until_at_erp(4)
        self.release()
        self.assertEqual({"ok": 5}, codes(volley.results()))
        # The write before it has shown that the login works: it stops nothing after a start.
        url = self.restarted(url)
        self.refuse(match={"method": "GET", "path_regex": "/invoice/"})
        self.data(self.stand.tool(url, CREATE, invoice)[2])
        self.call(url)
        self.assertEqual(("active", None), self.found(account))

    def test_no_order_of_events_sends_five(self):
        """From each starting point every event in many orders; the mock refuses all logins."""
        for seed in range(6):
            chance = random.Random(seed)
            first, url = self.account()
            second, url2 = self.again(self.credentials)
            urls = [(first, url), (first, self.stand.mint(first["id"])["url"]), (second, url2)]
            if seed % 2 == 1:
                self.restarted(url)
            self.reset()
            self.refuse(500)
            events = ["call"] * 6 + ["soap"] * 3 + ["doctor"] * 3 + ["patch"] * 2 + ["restart"]
            chance.shuffle(events)
            for event in events:
                account, url = chance.choice(urls)
                url = self.stand.base + urllib.parse.urlsplit(url).path
                if event == "call":
                    self.refused(url)
                elif event == "soap":
                    self.refused(url, SEARCHES, {})
                elif event == "doctor":
                    self.verify(account)
                elif event == "patch":
                    self.patch(account, name="name %d" % chance.randrange(1000))
                else:
                    self.restarted(url)
            self.assertLess(self.stats()["requests"], 5, (seed, events))
            self.stand.control("netsuite", "DELETE", "/faults")


class TestAtOnce(StandingCase):
    """Many try one login at the same moment, each by an account of its own."""

    def connect(self, bodies, together=0):
        """All at once: [(status, reply)]. The first has its answer when all stand in line; the rest
        have theirs as they come, or when so many of them are at the ERP together."""
        said, before = [None] * len(bodies), self.tried()  # a lost answer holds its slot

        def work(n):
            said[n] = self.stand.api("POST", "/integrated-account", bodies[n])

        self.hold()
        callers = [threading.Thread(target=work, args=(n,)) for n in range(len(bodies))]
        for caller in callers:
            caller.start()
        wait_until(lambda: len(self.tried() - before) == len(bodies), "all of them trying")
        self.until_at_erp(1)
        if together:
            self.release(HELD)
            self.until_at_erp(together)
        self.release()
        for caller in callers:
            caller.join()
        return said

    def tried(self):
        return {one["id"] for one in self.stand.admin("GET", "/lanes")["data"]
                if one["id"].startswith("unproven:") and one["in_flight"] == 1}

    def bodies(self, count):
        body = self.stand.netsuite_account(credentials=self.upstream())
        return [dict(body, name="at once %d" % n) for n in range(count)]

    def test_five_new_accounts_with_a_wrong_login_send_one_request(self):
        bodies = self.bodies(5)
        self.refuse(9)
        self.reset()
        for status, reply in self.connect(bodies):
            self.assertEqual(422, status, reply)
            self.assertIn("refused", reply["error"]["message"])
        self.assertEqual(1, self.stats()["requests"])

    def test_five_new_accounts_with_a_good_login_are_all_made(self):
        bodies = self.bodies(5)
        self.reset()
        self.assertEqual([201] * 5, [status for status, _ in self.connect(bodies, together=4)])
        self.assertEqual(5, self.stats()["requests"])

    def test_after_a_lost_answer_the_next_goes_first(self):
        bodies = self.bodies(5)
        self.fault("reset", times=1)
        self.reset()
        said = self.connect(bodies)
        self.assertEqual([201] * 4, sorted(status for status, _ in said)[:4], said)
        self.assertEqual(422, max(status for status, _ in said), said)

    def test_who_waits_in_vain_twice_is_told_to_come_again(self):
        bodies = self.bodies(4)
        self.fault("status", times=2, status=503)
        said = self.connect(bodies)
        busy = [reply["error"] for _, reply in said if "tried by another" in str(reply)]
        self.assertEqual(["account_busy"] * 2, [one["code"] for one in busy], said)

    def test_accounts_that_share_a_login_try_it_once_after_a_start(self):
        first, url = self.account()
        urls = [url] + [self.again(self.credentials)[1] for _ in range(4)]
        self.restarted(url)
        urls = [self.stand.base + urllib.parse.urlsplit(one).path for one in urls]
        self.reset()
        self.refuse(9)
        self.hold()
        volleys = [Volley(one, 1, CUSTOMERS).send() for one in urls]
        # The others wait for a slot of the lane, or have one and wait for their turn.
        wait_until(lambda: self.stats()["in_flight"] == 1 and self.held_or_queued(first) == 5,
                   "one at the ERP and four behind it")
        self.release()
        for volley in volleys:
            self.assertEqual({"needs_reauth": 1}, codes(volley.results()))
        self.assertEqual(1, self.stats()["requests"])


class TestSwitchedOff(StandingCase):
    def test_what_ends_meanwhile_does_not_switch_it_on(self):
        party = self.data(self.stand.tool(self.fresh()[1], CUSTOMERS, {
            "currency": "EUR", "is_inactive": False, "limit": 1})[2])[0]["id"]
        invoice = {"party_id": party, "lines": [{"item_id": "1", "rate": "10.00"}]}
        body = self.stand.netsuite_account(credentials=self.upstream())
        account = self.stand.admin("POST", "/integrated-account?verify=false", body)
        url = self.stand.mint(account["id"])["url"]
        self.hold()
        self.reset()
        done = []
        caller = threading.Thread(target=lambda: done.append(
            self.stand.tool(url, CREATE, invoice)[2]))
        caller.start()
        self.until_at_erp(1)
        self.patch(account, state="disabled")
        self.release()
        caller.join()
        self.assertEqual("disabled", self.found(account)[0])
        # What was saved is told; nothing more was sent to find out how it reads.
        self.assertEqual(1, self.stats()["requests"], done)
        self.assertFalse(done[0].get("isError", False), done)


class TestEachLogin(StandingCase):
    def test_one_that_stands_by_goes_first_alone_too(self):
        account, url = self.on_m2m()
        url = self.restarted(url)
        self.call(url)
        self.hold()
        self.reset()
        self.fault("expire_tokens", times=5, match={"path_regex": "NetSuitePort"})
        volley = Volley(url, 5, SEARCHES, {"limit": 10}).send()
        self.until_at_erp(1, account, queued=4)
        self.release()
        self.assertEqual({"needs_reauth": 5}, codes(volley.results()))
        self.assertEqual(1, self.stats()["refused_auth"])
        self.assertEqual(("active", None), self.found(account))
        self.call(url)

    def test_one_that_stands_by_and_works_lets_the_others_go(self):
        account, url = self.on_m2m()
        url = self.restarted(url)
        self.data(self.stand.tool(url, SEARCHES, {})[2])
        self.assertEqual({"ok": 4}, self.together(url, 4, SEARCHES, {"limit": 10}))

    def test_one_that_stands_by_and_hears_nothing_leaves_the_others_their_places(self):
        account, url = self.on_m2m()
        url = self.restarted(url)
        self.call(url)
        self.fault("status", status=503, match={"path_regex": "NetSuitePort"})
        self.error(self.stand.tool(url, SEARCHES, {})[2])
        self.assertEqual({"ok": 4}, self.together(url, 4, CUSTOMERS))
        # And the next by it goes first alone again.
        self.hold()
        self.reset()
        self.fault("status", status=503, match={"path_regex": "NetSuitePort"})
        self.fault("expire_tokens", times=5, match={"path_regex": "NetSuitePort"})
        volley = Volley(url, 4, SEARCHES, {"limit": 10}).send()
        self.until_at_erp(1, account, queued=3)
        self.release()
        self.assertEqual({"upstream_unavailable": 1, "needs_reauth": 3}, codes(volley.results()))
        self.assertEqual((2, 1), (self.stats()["requests"], self.stats()["refused_auth"]))

    def test_it_serves_while_the_active_one_needs_somebody(self):
        account, url = self.on_m2m()
        self.stop_client(url)
        self.assert_stopped(account, "client_refused")
        self.reset()
        self.data(self.stand.tool(url, SEARCHES, {})[2])
        self.assertEqual(1, self.logins()["passport"])
        self.refused(url)

    def test_it_keeps_its_place_in_line_when_the_active_one_is_refused(self):
        self.lives(SPARE + 3)
        account, url = self.account(governor={"ceiling": 1})
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.assertEqual(200, self.switch(account, M2M)[0])
        self.lives(None)
        self.data(self.stand.tool(url, SEARCHES, {})[2])
        got = time.monotonic()
        wait_until(lambda: time.monotonic() > got + 4, "a token that ends within 30 s")
        self.hold()
        volley = Volley(url, 2, SEARCHES, {"limit": 10}).send()
        self.until_at_erp(1, account, queued=1)
        self.refuse_client()
        self.refused(url)
        self.assert_stopped(account, "client_refused")
        self.release()
        self.assertEqual({"ok": 2}, codes(volley.results()))


class TestTokens(StandingCase):
    def on_m2m_alone(self, **more):
        body = dict(self.stand.netsuite_account(credentials=self.upstream_of()), **more)
        body["auth"] = dict(self.m2m(), scheme=M2M)
        account = self.stand.admin("POST", "/integrated-account", body)
        return account, self.stand.mint(account["id"])["url"], body["auth"]

    def upstream_of(self):
        self.credentials = self.upstream()
        return self.credentials

    def served(self, url):
        return not self.stand.tool(url, CUSTOMERS, {"limit": 1})[2].get("isError", False)

    def test_a_client_that_is_refused_needs_somebody(self):
        account, url, auth = self.on_m2m_alone(reauth_url=PAGE)
        self.stop_client(url)
        self.assert_stopped(account, "client_refused")
        self.reset()
        error = self.refused(url)
        self.assertIn("certificate has ended or was removed", error["message"])
        self.assertIn(PAGE, error["hint"])
        self.assertEqual((0, 0), (self.stats()["requests"], self.stats()["token_requests"]))
        self.stand.control("netsuite", "DELETE", "/faults")
        self.patch(account, auth=auth)
        self.assertEqual(("active", None), self.found(account))
        self.call(url)

    def test_what_stands_before_the_token_host_says_nothing_of_the_client(self):
        account, url, _ = self.on_m2m_alone()
        for status, body in ((403, "<html>blocked</html>"), (401, ""), (500, "{}"),
                             (400, '{"error":"slow_down"}')):
            self.stand.control("netsuite", "POST", "/tokens/expire", {"kind": "access"})
            self.fault("status", times=9, status=status, body=body, match=TOKEN)
            self.error(self.stand.tool(url, CUSTOMERS, {"limit": 1})[2])
            self.stand.control("netsuite", "DELETE", "/faults")
        self.assertEqual(("active", None), self.found(account))
        self.call(url)

    def stopped_client(self):
        account, url, _ = self.on_m2m_alone()
        self.stop_client(url)
        self.assert_stopped(account, "client_refused")
        url = self.restarted(url)
        self.refused(url)
        self.stand.control("netsuite", "DELETE", "/faults")
        return account, url

    def refused_tokens(self):
        account, url, _ = self.on_m2m_alone()
        self.refuse(4, match=ERP, body="{}")
        self.refused(url)
        self.refused(url)
        self.assertEqual(("active", None), self.found(account))
        self.call(url)  # nothing in a row any more
        self.refuse(6, match=ERP, body="{}")
        for _ in range(3):
            error = self.refused(url)
        self.assert_stopped(account, "token_refused")
        self.assertIn("those just fetched too", error["message"])
        self.reset()
        self.refused(url)
        self.assertEqual(0, self.stats()["requests"])
        return account, url

    def test_what_may_be_over_is_found_over_and_brings_the_account_back(self):
        """A client that is taken again, and fresh tokens that are: each is tried now and then."""
        for account, url in (self.stopped_client(), self.refused_tokens()):
            wait_until(lambda: self.served(url), "a call that finds it over")
            wait_until(lambda: self.found(account) == ("active", None), "an active account")

    def test_calls_that_share_a_token_are_refused_as_one(self):
        account, url, _ = self.on_m2m_alone()
        self.hold()
        self.reset()
        self.refuse(10, match=ERP, body="{}")
        volley = Volley(url, 5, CUSTOMERS).send()
        self.until_at_erp(5)
        self.release(HELD)
        wait_until(lambda: self.stats()["requests"] == 10, "each of them with a fresh token")
        self.release()
        self.assertEqual({"needs_reauth": 5}, codes(volley.results()))
        self.assertEqual(("active", None), self.found(account))
        self.call(url)


class TestCauses(StandingCase):
    def test_a_second_factor_is_named_before_all_that_is_only_probable(self):
        account, url = self.account(reauth_url=PAGE)
        for status in (401, 403):
            self.fault("status", status=status, headers={"Content-Type": "application/json"},
                       body='{"error":{"code":"TWO_FA_REQD","message":"Two-factor"}}')
            error = self.refused(url)
            self.assertIn("second factor", error["message"])
            self.assertNotIn("Probable causes", error["message"])
            self.assertIn(PAGE, error["hint"])
            self.call(url)


if __name__ == "__main__":
    main()
