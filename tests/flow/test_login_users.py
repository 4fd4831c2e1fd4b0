# SPDX-License-Identifier: Apache-2.0
"""ERPs lock the user, not the secret: five different wrong secrets of one user are five refused logins.
Whoever types them, and wherever, the user is not locked, and an administrator knows what to do.
"""
import contextlib
import os
import resource
import signal
import sqlite3
import threading
import time
import urllib.parse

from flow import TODAY, Volley, codes, main, wait_until
from test_connect_sap import SapCase
from test_cutover import M2M
from test_processes import ProcessCase
from test_standing import HELD, TBA, StandingCase

MOST = 4  # of the five that lock


class UserCase(StandingCase):
    def wrong(self, n, **more):
        """The body that connects the upstream made last with another wrong secret each time."""
        body = self.stand.netsuite_account(credentials=self.credentials)
        body["auth"]["token_secret"] = "wrong-%d" % n
        return dict(body, name="wrong %d" % n, **more)

    def create(self, body, query="", token=None):
        return self.stand.api("POST", "/integrated-account" + query, body, **(
            {"token": token} if token else {}))

    def assert_locked_here(self, said, times=MOST):
        status, reply = said
        self.assertEqual((403, "policy_denied"), (status, reply["error"]["code"]), reply)
        self.assertIn("%d times in a row" % times, reply["error"]["message"])
        self.assertIn("try_now", reply["error"]["hint"])
        return reply["error"]

    def use_up(self):
        """As many different wrong secrets as are sent."""
        self.credentials = self.upstream()
        self.reset()
        for n in range(MOST):
            self.assertEqual(422, self.create(self.wrong(n))[0])
        self.assertEqual(MOST, self.stats()["refused_auth"])

    def right(self):
        return self.stand.netsuite_account(credentials=self.credentials)


class TestNewAccounts(UserCase):
    def test_the_fifth_wrong_secret_is_not_sent(self):
        self.use_up()
        error = self.assert_locked_here(self.create(self.wrong(9)))
        self.assertIn("in 30 minutes", error["hint"])
        self.assert_locked_here(self.create(self.right()))  # nor the right one: who knows
        self.assertEqual(MOST, self.stats()["requests"])
        # Of another user of the same account nothing was refused.
        before = self.credentials
        self.credentials = dict(self.upstream(), account_id=before["account_id"])
        self.assertEqual(422, self.create(self.right())[0])
        self.credentials = before

    def test_the_operator_says_try_now(self):
        self.use_up()
        status, account = self.create(self.right(), "?try_now=true")
        self.assertEqual(201, status, account)
        # The ERP has taken one: the row is over.
        self.assertEqual(422, self.create(self.wrong(9))[0])
        self.call(self.stand.mint(account["id"])["url"])

    def test_one_word_is_one_trial(self):
        self.use_up()
        self.assertEqual(422, self.create(self.wrong(8), "?try_now=true")[0])
        self.stand.control("netsuite", "POST", "/reset")
        said = [self.create(self.wrong(n))[0] for n in range(10, 15)]
        self.assertEqual([422] * 3 + [403] * 2, said)

    def test_only_the_operator_may_say_so(self):
        self.use_up()
        token = self.stand.admin("POST", "/api-token", {
            "name": "t", "role": "tenant", "tenant_id": "demo"})["token"]
        status, reply = self.create(self.right(), "?try_now=true", token)
        self.assertEqual((403, "forbidden"), (status, reply["error"]["code"]), reply)
        self.assertEqual(MOST, self.stats()["requests"])

    def test_what_is_not_tried_is_not_tried_now(self):
        account, _ = self.account()
        self.reset()
        both = "?try_now=true&verify=false"
        said = [self.create(self.right(), both), self.stand.api(
            "PUT", self.path(account) + "/auth/" + M2M + both, self.m2m())]
        for status, reply in said:
            self.assertEqual((422, "unprocessable"), (status, reply["error"]["code"]), reply)
            self.assertIn("leave out one of them", str(reply))
        self.assertEqual(0, self.stats()["requests"])

    def test_five_people_at_once(self):
        self.credentials = self.upstream()
        self.reset()
        said = []
        people = [threading.Thread(target=lambda n=n: said.append(self.create(self.wrong(n))))
                  for n in range(5)]
        for one in people:
            one.start()
        for one in people:
            one.join()
        self.assertEqual([403, 422, 422, 422, 422], sorted(status for status, _ in said))
        self.assertEqual(MOST, self.stats()["refused_auth"])


class TestHosts(UserCase):
    """Where a request goes says whose user it is: a tenant may name a host of its own, and what that
    says is no word of another tenant's user, whatever account id and names it goes by."""

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.stand.start_mock("netsuite", "--today", TODAY, key="own")
        cls.token = cls.stand.admin("POST", "/api-token", {
            "name": "elsewhere", "role": "tenant", "tenant_id": "elsewhere"})["token"]

    def tried(self, mock, secret):
        body = self.stand.netsuite_account(tenant="elsewhere", mock=mock, credentials=dict(
            self.credentials, token_secret=secret))
        return self.create(body, token=self.token)[0]

    def own(self, secret):
        self.stand.control("own", "POST", "/accounts",
                           dict(self.credentials, token_secret=secret))

    def test_an_own_host_ends_no_row_of_another(self):
        self.credentials = self.upstream()
        self.own("mine")
        self.reset()
        said = [self.tried("netsuite", "wrong-%d" % n) for n in range(3)]
        said.append(self.tried("own", "mine"))
        said += [self.tried("netsuite", "wrong-%d" % n) for n in range(3, 6)]
        self.assertEqual([422] * 3 + [201, 422, 403, 403], said)
        self.assertEqual(MOST, self.stats()["refused_auth"])

    def test_an_own_host_bars_no_user_of_another(self):
        self.credentials = self.upstream()
        self.own("mine")
        self.assertEqual([422] * 4 + [403],
                         [self.tried("own", "wrong-%d" % n) for n in range(5)])
        self.assertEqual(201, self.create(self.right())[0])

    def test_an_own_host_holds_no_turn_of_another(self):
        self.credentials = self.upstream()
        self.own("mine")
        self.stand.control("own", "PUT", "/latency", {"ms": HELD, "jitter_ms": 0})
        self.addCleanup(self.stand.control, "own", "PUT", "/latency",
                        {"ms": 0, "jitter_ms": 0})
        other = threading.Thread(target=self.tried, args=("own", "mine"))
        other.start()
        wait_until(lambda: self.stand.control("own", "GET", "/stats")["in_flight"] == 1,
                   "a trial at the tenant's own host")
        self.assertEqual(201, self.create(self.right())[0])
        self.assertEqual(1, self.stand.control("own", "GET", "/stats")["in_flight"])
        self.stand.control("own", "POST", "/release")
        other.join()


class TestStored(UserCase):
    def test_five_changes_of_auth_and_a_call_after_each(self):
        account, url = self.account()
        self.reset()
        for n in range(6):
            self.patch(account, auth=dict(self.tba, scheme=TBA, token_secret="wrong-%d" % n))
            self.error(self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[2])
        self.assertEqual(MOST, self.stats()["refused_auth"])
        self.patch(account, auth=dict(self.tba, scheme=TBA))
        error = self.error(self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[2])
        self.assertEqual("policy_denied", error["code"])
        self.assertEqual("active", self.found(account)[0])
        self.assert_locked_here(self.verify(account))
        status, told = self.stand.api("POST", self.path(account) + "/verify?try_now=true")
        self.assertEqual((200, True), (status, told["verified"]), told)
        self.call(url)

    def test_one_that_works_goes_on_and_ends_the_row(self):
        account, url = self.account()
        for n in range(3):
            self.assertEqual(422, self.create(self.wrong(n))[0])
        self.call(url)
        for n in range(3, 6):
            self.assertEqual(422, self.create(self.wrong(n))[0])
        self.assertEqual(422, self.create(self.wrong(7))[0])
        self.assert_locked_here(self.create(self.wrong(8)))
        self.call(url)  # it is no trial
        self.assertEqual(("active", None), self.found(account))
        self.assertEqual(422, self.create(self.wrong(9))[0])

    def test_many_calls_of_one_that_works_are_let_through_together(self):
        _, url = self.account(governor={"ceiling": 5})
        for n in range(MOST):
            self.assertEqual(422, self.create(self.wrong(n))[0])
        self.latency(HELD)
        self.reset()
        volley = Volley(url, 5, "list_all_netsuite_customers").send()
        wait_until(lambda: self.stats()["in_flight"] == 5, "all of them at the ERP")
        self.release()
        self.assertEqual({"ok": 5}, codes(volley.results()))

    def test_after_a_start_others_do_not_stop_one_that_has_worked(self):
        _, url = self.account()
        url = self.restarted(url)
        for n in range(MOST):
            self.assertEqual(422, self.create(self.wrong(n))[0])
        self.assertEqual(403, self.create(self.wrong(9))[0])
        self.call(url)
        self.assertEqual(422, self.create(self.wrong(10))[0])  # it has ended the row

    def test_after_a_start_it_is_one_trial_of_its_own(self):
        account, url = self.account()
        url = self.restarted(url)
        for n in range(MOST):
            self.assertEqual(422, self.create(self.wrong(n))[0])
        self.refuse(1)  # the right login, from now on: the user is locked, or has another secret
        self.refused(url)
        self.assert_stopped(account)
        self.reset()
        self.assert_locked_here(self.verify(account), 5)
        self.refused(url)
        self.assertEqual(0, self.stats()["requests"])

    def test_after_a_start_one_of_several_that_have_worked_is_tried(self):
        """What was refused of its login by another account was refused of its own."""
        _, url = self.account()
        other = self.create(dict(self.right(), name="other"))[1]
        second = self.stand.mint(other["id"])["url"]
        url = self.restarted(url)
        second = self.stand.base + urllib.parse.urlsplit(second).path
        for n in range(MOST):
            self.assertEqual(422, self.create(self.wrong(n))[0])
        self.refuse(1)
        self.refused(url)
        self.reset()
        self.error(self.stand.tool(second, "list_all_netsuite_customers", {"limit": 1})[2])
        self.assertEqual(0, self.stats()["requests"])


class TestAfterAnEnd(UserCase):
    @classmethod
    def expected_codes(cls, name):
        return (0, -signal.SIGKILL)

    def test_what_was_refused_counts_after_a_start(self):
        self.use_up()
        self.restarted("http://nowhere/")
        self.assert_locked_here(self.create(self.wrong(9)))
        self.assert_locked_here(self.create(self.right()))
        self.assertEqual(MOST, self.stats()["requests"])
        self.assertEqual(201, self.create(self.right(), "?try_now=true")[0])
        self.restarted("http://nowhere/")
        self.assertEqual(422, self.create(self.wrong(9))[0])

    def test_a_server_that_is_killed_holds_no_user(self):
        self.credentials = self.upstream()
        account = self.stand.admin("POST", "/integrated-account?verify=false", self.right())
        url = self.stand.mint(account["id"])["url"]
        self.latency(HELD)
        volley = Volley(url, 1, "list_all_netsuite_customers").send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "a trial at the ERP")
        server = self.stand.process("server")
        server.kill()
        server.wait()
        volley.hang_up()
        self.release()
        self.latency(0)
        self.stand.start_server()
        self.call(self.stand.base + urllib.parse.urlsplit(url).path)


class TestCeiling(UserCase):
    def fill(self, tenant):
        """As if so many names of users had been tried."""
        self.stand.end("server")
        paths = [os.path.join(self.stand.data_dir, name)
                 for name in os.listdir(self.stand.data_dir) if name.endswith(".db")]
        later = int(time.time() * 1000) + 3600 * 1000
        with contextlib.closing(sqlite3.connect(paths[0])) as store, store:
            store.executemany(
                "INSERT INTO login_user VALUES (?, 1, ?, ?, 'x', '', 0, ?)",
                [("%064x" % n, later - 3600 * 1000, later, tenant) for n in range(4096)])
        self.stand.start_server()

    def test_a_tenant_that_tries_too_many_users_is_held_up_alone(self):
        _, url = self.account()
        self.fill("demo")
        url = self.stand.base + urllib.parse.urlsplit(url).path
        self.call(url)  # one that has worked
        self.credentials = self.upstream()
        self.reset()
        status, reply = self.create(self.right())
        self.assertEqual((503, "account_busy"), (status, reply["error"]["code"]), reply)
        self.assertIn("4096 users of this tenant", reply["error"]["message"])
        self.assertEqual(0, self.stats()["requests"])
        other = self.stand.netsuite_account(tenant="other", credentials=self.credentials)
        self.assertEqual(201, self.create(other)[0])


class TestFullDisk(UserCase):
    def test_what_cannot_be_stored_counts_all_the_same(self):
        self.credentials = mine = self.upstream()
        self.reset()
        said = [self.create(self.wrong(n))[0] for n in range(MOST - 1)]
        server = self.stand.process("server").pid
        no_limit = resource.prlimit(server, resource.RLIMIT_FSIZE)
        resource.prlimit(server, resource.RLIMIT_FSIZE, (4096, no_limit[1]))
        said.append(self.create(self.wrong(MOST))[0])
        # It was to be stored before this.
        self.assertEqual(500, self.stand.api("POST", "/api-token", {"name": "n", "role": "admin"})[0])
        resource.prlimit(server, resource.RLIMIT_FSIZE, no_limit)
        self.assertEqual([422] * MOST, said)
        self.credentials = self.upstream()
        self.assertEqual(201, self.create(self.right())[0])  # the store takes what others try
        self.credentials = mine
        self.assert_locked_here(self.create(self.wrong(9)))


class TestWorkers(UserCase):
    flags = ("--server.workers", "2")

    def test_new_accounts_and_calls_count_together(self):
        account, url = self.account()
        self.reset()
        self.patch(account, auth=dict(self.tba, scheme=TBA, token_secret="wrong"))
        self.error(self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[2])
        said = [self.create(self.wrong(n))[0] for n in range(5)]
        self.assertEqual([422] * 3 + [403] * 2, said)
        self.assertEqual(MOST, self.stats()["refused_auth"])


class TestProcesses(UserCase, ProcessCase):
    """Two servers on one store."""

    flags = ProcessCase.flags

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.other = cls.begin("second")

    def two(self):
        return (self.stand, self.other)

    def ask(self, n, body, said):
        said.append(self.two()[n % 2].api("POST", "/integrated-account", body))

    def at_once(self, bodies):
        said = []
        people = [threading.Thread(target=self.ask, args=(n, body, said))
                  for n, body in enumerate(bodies)]
        for one in people:
            one.start()
        return people, said

    def trying(self):
        return sum(one["in_flight"] for each in self.two()
                   for one in each.admin("GET", "/lanes")["data"]
                   if one["id"].startswith("unproven:"))

    def test_one_goes_first_over_both_and_its_refusal_holds_for_all(self):
        self.credentials = self.upstream()
        self.refuse(9, delay_ms=HELD)
        self.reset()
        people, said = self.at_once([dict(self.right(), name="n%d" % n) for n in range(5)])
        wait_until(lambda: self.trying() == 5 and self.stats()["in_flight"] == 1,
                   "all of them trying, and one at the ERP")
        self.release()
        for one in people:
            one.join()
        self.assertEqual([422] * 5, [status for status, _ in said], said)
        self.assertEqual(1, self.stats()["requests"])

    def test_different_wrong_secrets_count_over_both(self):
        self.credentials = self.upstream()
        self.reset()
        people, said = self.at_once([self.wrong(n) for n in range(6)])
        for one in people:
            one.join()
        self.assertEqual([403] * 2 + [422] * 4, sorted(status for status, _ in said), said)
        self.assertEqual(MOST, self.stats()["refused_auth"])
        for each in self.two():
            self.assertEqual(403, each.api("POST", "/integrated-account", self.right())[0])
        status, reply = self.other.api("POST", "/integrated-account?try_now=true", self.right())
        self.assertEqual(201, status, reply)
        self.assertEqual(201, self.stand.api("POST", "/integrated-account", self.right())[0])

    def test_a_good_login_serves_in_both(self):
        self.credentials = self.upstream()
        account = self.stand.admin("POST", "/integrated-account?verify=false",
                                   dict(self.right(), governor={"ceiling": 4}))
        url = self.stand.mint(account["id"])["url"]
        volleys = [Volley(each, 3, "list_all_netsuite_customers").send()
                   for each in (url, self.at_other(url))]
        told = [codes(volley.results()) for volley in volleys]
        self.assertEqual([{"ok": 3}] * 2, told)


class TestSap(SapCase):
    """As the administrator sees it who types into the hosted form."""

    def failed(self):
        users = self.stand.control("sap", "GET", "/stats")["users"]
        return users[self.mock["username"]]

    def test_a_name_is_one_user_however_it_is_written(self):
        self.stand.control("sap", "POST", "/users/unlock", {})
        name = self.user()["auth.username"]
        for n, spelled in enumerate((name, name.lower(), name.upper(), " " + name)):
            values = dict(self.user(), **{"auth.username": spelled,
                                          "auth.password": "wrong-%d" % n})
            _, page = self.send("basic", values)
            self.assertEqual(422, page.status)
            self.assertIn("refused", page.texts["status"])
        self.stand.control("sap", "POST", "/reset")
        page = self.wrong("basic", self.user(), "login_locked")
        self.assertEqual(0, self.stand.control("sap", "GET", "/stats")["requests"])
        self.assertIn("not tried again for now", page.texts["status"])
        self.assertIn("4 times in a row", page.texts["reason"])
        self.assertIn("unlocked", page.texts["hint"])
        self.assertIn("in 24 hours", page.texts["hint"])
        # Nobody types five wrong passwords into five links.
        body = self.stand.sap_account(scheme="basic")
        body["auth"]["username"] = name
        self.assertEqual(403, self.stand.api("POST", "/integrated-account", body)[0])
        status, reply = self.stand.api("POST", "/integrated-account?try_now=true", body)
        self.assertEqual(201, status, reply)
        self.good("basic", self.user())

    def test_a_user_is_the_same_by_every_route(self):
        self.stand.control("sap", "POST", "/users/unlock", {})
        self.stand.control("sap", "POST", "/reset")
        said = []
        for n in range(MOST + 2):
            body = self.stand.sap_account(scheme="basic")
            body["connection"] = dict(body["connection"], sap_client="100",
                                      route=("direct", "on_premise")[n % 2])
            body["auth"]["password"] = "wrong-%d" % n
            said.append(self.stand.api("POST", "/integrated-account", body)[0])
        self.assertEqual([422] * MOST + [403] * 2, said)
        self.assertEqual(MOST, self.stand.control("sap", "GET", "/stats")["requests"])


if __name__ == "__main__":
    main()
