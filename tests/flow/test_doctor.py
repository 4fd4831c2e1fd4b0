# SPDX-License-Identifier: Apache-2.0
"""An account is tried step by step: which step fails, what the person is told, how often the ERP
was asked."""
import shutil
import socket
import tempfile
import threading
import time
import unittest
import urllib.parse

from flow import BIN, FlowCase, main, wait_until
from mock_netsuite_oauth import Key
from stand import Stand
from tap import Authority, Tap

STEPS = ["configuration", "client_certificate", "resolve", "connect", "tls", "behind", "clock", "token_resolve",
         "token_connect", "token_tls", "token", "login", "permission", "read"]
OLD = {"Date": "Fri, 20 Nov 2020 09:30:00 GMT"}


class DoctorCase(FlowCase):
    mocks = ("netsuite", "sap")
    flags = ("--net.allow_plain_http_hosts", "127.0.0.1,localhost")

    def setUp(self):
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.reset()

    def account(self, body=None, **connection):
        """A NetSuite account that was not tried; `connection` replaces members."""
        body = body or self.stand.netsuite_account(credentials=self.upstream())
        body["connection"].update(connection)
        return self.stand.admin("POST", "/integrated-account?verify=false", body)

    def sap(self, scheme="sap_xsuaa", **auth):
        body = self.stand.sap_account(scheme=scheme)
        body["auth"].update(auth)
        return self.account(body)

    def verify(self, account, token=None):
        status, reply = self.stand.api("POST", "/integrated-account/%s/verify" % account["id"],
                                       token=token)
        self.assertEqual(status, 200, reply)
        self.assertEqual([step["step"] for step in reply["steps"]], STEPS)
        for step in reply["steps"]:
            self.assertTrue(step["detail"], step)
            self.assertEqual(step["outcome"] == "fail", step["remedy"] is not None, step)
            self.assertGreaterEqual(step["duration_ms"], 0)
        return reply

    def outcomes(self, reply):
        return {step["step"]: step["outcome"] for step in reply["steps"]}

    def failed(self, account, name):
        """The step of that name, which is the only one that failed."""
        reply = self.verify(account)
        self.assertFalse(reply["verified"])
        fails = [step for step in reply["steps"] if step["outcome"] == "fail"]
        self.assertEqual([step["step"] for step in fails], [name], reply)
        return fails[0]

    def elsewhere(self, mock):
        """The same mock by another name."""
        return self.stand.mocks[mock]["url"].replace("127.0.0.1", "localhost")

    def closed_port(self):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            return sock.getsockname()[1]

    def state(self, account):
        return self.stand.admin("GET", "/integrated-account/" + account["id"])["state"]


class TestWay(DoctorCase):
    def test_all_steps_of_an_account_that_works(self):
        account = self.account()
        reply = self.verify(account)
        self.assertTrue(reply["verified"])
        self.assertEqual((reply["account_id"], reply["state"]), (account["id"], "active"))
        found = self.outcomes(reply)
        for name in ("configuration", "connect", "login", "permission", "read"):
            self.assertEqual(found[name], "pass", name)
        # An address in place of a name, plain http, no Date, and a scheme without a token host.
        for name in ("resolve", "tls", "behind", "clock", "token_resolve", "token_connect",
                     "token_tls", "token"):
            self.assertEqual(found[name], "skipped", name)
        self.assertEqual(self.stats()["requests"], 1)
        path = "/integrated-account/" + account["id"]
        wait_until(lambda: self.stand.admin("GET", path)["verified"], "a proven account")

    def test_a_name_that_does_not_resolve(self):
        account = self.account(base_urls={"suitetalk": "https://nowhere.invalid"})
        step = self.failed(account, "resolve")
        self.assertIn("nowhere.invalid", step["detail"])
        self.assertIn("name service", step["remedy"])

    def test_a_port_that_is_closed(self):
        account = self.account(base_urls={"suitetalk": "http://127.0.0.1:%d" % self.closed_port()})
        step = self.failed(account, "connect")
        self.assertIn("firewall", step["remedy"])

    def test_addresses_that_the_operator_has_not_opened(self):
        step = self.failed(self.account(base_urls={"suitetalk": "https://127.0.0.2"}),
                           "configuration")
        self.assertIn("net.allow_cidrs", step["remedy"])
        step = self.failed(self.account(base_urls={"suitetalk": "http://example.invalid"}),
                           "configuration")
        self.assertIn("net.allow_plain_http_hosts", step["remedy"])

    def test_a_port_that_speaks_no_tls(self):
        url = self.stand.mocks["netsuite"]["url"].replace("http:", "https:")
        self.failed(self.account(base_urls={"suitetalk": url}), "tls")

    def test_an_erp_that_ends_the_connection(self):
        account = self.account()
        self.fault("reset")
        step = self.failed(account, "read")
        self.assertIn("cut the exchange short", step["detail"])
        self.assertEqual(self.state(account), "active")

    def test_an_erp_in_trouble_says_nothing_of_the_login(self):
        account = self.account()
        self.fault("status", status=503)
        self.failed(account, "read")
        self.assertEqual(self.outcomes(self.verify(account))["login"], "pass")


class TestClock(DoctorCase):
    def test_a_clock_that_is_off_is_measured(self):
        account = self.account()
        self.fault("status", status=401, headers=OLD)
        reply = self.verify(account)
        found = {step["step"]: step for step in reply["steps"]}
        self.assertEqual((found["clock"]["outcome"], found["login"]["outcome"]), ("fail", "fail"))
        self.assertIn("behind", found["clock"]["detail"])
        self.assertIn("300", found["clock"]["detail"])
        self.assertIn("clock is", found["login"]["remedy"])

    def test_a_clock_that_is_right(self):
        account = self.account()
        now = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 20))
        self.fault("status", status=403, headers={"Date": now})
        found = {step["step"]: step for step in self.verify(account)["steps"]}
        self.assertEqual(found["clock"]["outcome"], "pass")
        self.assertRegex(found["clock"]["detail"], r"2\d seconds behind .* 300 are tolerated")

    def test_a_scheme_that_does_not_look_at_it(self):
        account = self.sap("basic")
        self.stand.control("sap", "POST", "/faults",
                           {"match": {}, "times": 1, "kind": "status", "status": 403,
                            "headers": OLD})
        self.addCleanup(self.stand.control, "sap", "DELETE", "/faults")
        found = self.outcomes(self.verify(account))
        self.assertEqual((found["clock"], found["permission"]), ("pass", "fail"))


class TestTokens(DoctorCase):
    def test_an_access_token_is_fetched(self):
        reply = self.verify(self.sap())
        self.assertTrue(reply["verified"], reply)
        self.assertEqual(self.outcomes(reply)["token"], "pass")
        # mock-sap is its own token host, and has its lines once.
        self.assertEqual(self.outcomes(reply)["token_connect"], "skipped")
        again = {step["step"]: step["detail"] for step in self.verify(
            self.sap(token_url=self.elsewhere("sap") + "/oauth/token"))["steps"]}
        self.assertIn("//localhost:", again["token_resolve"])
        self.assertIn("127.0.0.1", again["token_resolve"])
        self.assertIn("A connection was made", again["token_connect"])

    def test_a_token_host_that_refuses_the_client(self):
        account = self.sap(client_secret="not-the-secret")
        before = self.stand.control("sap", "GET", "/stats")["requests"]
        step = self.failed(account, "token")
        self.assertIn("HTTP 401", step["detail"])
        self.assertIn("secret is wrong", step["remedy"])
        self.assertEqual(self.stand.control("sap", "GET", "/stats")["requests"], before)

    def test_a_token_host_that_is_not_there(self):
        url = "http://127.0.0.1:%d/oauth/token" % self.closed_port()
        step = self.failed(self.sap(token_url=url), "token_connect")
        self.assertIn("took no connection", step["detail"])
        step = self.failed(self.sap(token_url="https://nowhere.invalid/oauth/token"),
                           "token_resolve")
        self.assertIn("nowhere.invalid", step["detail"])
        url = self.stand.mocks["sap"]["url"].replace("http:", "https:").replace(
            "127.0.0.1", "localhost") + "/oauth/token"
        self.failed(self.sap(token_url=url), "token_tls")

    def test_an_unknown_certificate_at_netsuites_own_token_host(self):
        folder = tempfile.mkdtemp(prefix="sluice-doctor-")
        self.addCleanup(shutil.rmtree, folder)
        with open(Key(folder, "ec", "prime256v1").key, encoding="ascii") as file:
            pem = file.read()
        body = self.stand.netsuite_account()
        body["auth"] = {"scheme": "netsuite_m2m", "client_id": "nobody", "alg": "ES256",
                        "certificate_id": "unknown", "private_key_pem": pem}
        account = self.account(body)
        step = self.failed(account, "token")
        self.assertIn("invalid_client", step["detail"])
        # The ERP gives its own tokens, so the way to it is known.
        found = self.outcomes(self.verify(account))
        self.assertEqual((found["connect"], found["login"]), ("pass", "skipped"))


class TestProxy(DoctorCase):
    def behind(self, **auth):
        """An account behind the mock's connectivity proxy."""
        mock = self.stand.mocks["sap"]
        client, at = mock["connectivity"], mock["connectivity"]
        body = self.stand.sap_account()
        body["connection"] = {"route": "connectivity", "sap_client": mock["client"],
                              "base_url": "http://" + at["virtual_host"]}
        if at.get("location_id"):
            body["connection"]["location_id"] = at["location_id"]
        body["auth"] = dict({
            "scheme": "sap_connectivity", "token_url": mock["token_url"],
            "client_id": client["client_id"], "client_secret": client["client_secret"],
            "proxy_url": "http://%s:%s" % (at["onpremise_proxy_host"],
                                           at["onpremise_proxy_http_port"]),
            "username": mock["username"], "password": mock["password"]}, **auth)
        return self.account(body)

    def test_proxy_and_host_behind_it_have_lines_of_their_own(self):
        account = self.behind()
        steps = {step["step"]: step for step in self.verify(account)["steps"]}
        at = self.stand.mocks["sap"]["connectivity"]
        self.assertIn(":%s" % at["onpremise_proxy_http_port"], steps["configuration"]["detail"])
        self.assertEqual("pass", steps["behind"]["outcome"], steps)
        self.assertIn(at["virtual_host"], steps["behind"]["detail"])
        self.stand.control("sap", "PUT", "/connectivity", {"connected": False})
        self.addCleanup(self.stand.control, "sap", "PUT", "/connectivity", {"connected": True})
        steps = {step["step"]: step for step in self.verify(account)["steps"]}
        self.assertEqual("skipped", steps["behind"]["outcome"])
        self.assertIn("HTTP 503", steps["behind"]["detail"])

    def test_a_proxy_that_is_not_there(self):
        account = self.behind(proxy_url="http://127.0.0.1:%d" % self.closed_port())
        self.failed(account, "connect")


class TestLogin(DoctorCase):
    def spoilt(self, **more):
        body = dict(self.stand.netsuite_account(credentials=self.upstream()), **more)
        right = dict(body["auth"])
        body["auth"]["token_secret"] = "not-the-secret"
        return self.account(body), right

    def test_a_login_is_tried_once(self):
        account, _ = self.spoilt(reauth_url="https://app.example/connect")
        step = self.failed(account, "login")
        self.assertIn("HTTP 401", step["detail"])
        for words in ("View Login Audit Trail", "Each further attempt counts",
                      "https://app.example/connect"):
            self.assertIn(words, step["remedy"])
        stats = self.stats()
        self.assertEqual((stats["requests"], stats["refused_auth"]), (1, 1))
        wait_until(lambda: self.state(account) == "needs_reauth", "an account that is stopped")

    def test_an_account_that_needs_somebody_is_healed_by_it(self):
        account = self.account()
        url = self.stand.mint(account["id"])["url"]
        self.fault("status", status=401)
        self.failed(account, "login")
        wait_until(lambda: self.state(account) == "needs_reauth", "an account that is stopped")
        result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[2]
        self.assertEqual(self.error(result)["code"], "needs_reauth")
        reply = self.verify(account)
        self.assertEqual((reply["verified"], reply["state"]), (True, "active"))
        result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[2]
        self.assertEqual(len(self.data(result)), 1)
        wait_until(lambda: self.state(account) == "active", "what is told to be stored")

    def test_what_fails_again_stays_as_it_was(self):
        account, _ = self.spoilt()
        self.failed(account, "login")
        self.failed(account, "login")
        self.assertEqual(self.stats()["refused_auth"], 2)
        wait_until(lambda: self.state(account) == "needs_reauth", "an account that is stopped")

    def test_a_role_that_may_not(self):
        account = self.account()
        self.fault("status", status=403)
        step = self.failed(account, "permission")
        self.assertIn("administrator", step["remedy"])
        self.assertEqual(self.outcomes(self.verify(account))["permission"], "pass")

    def test_an_account_that_is_switched_off_stays_so(self):
        account = self.account()
        path = "/integrated-account/" + account["id"]
        self.stand.admin("PATCH", path, {"state": "disabled"})
        status, reply = self.stand.api("POST", path + "/verify")
        self.assertEqual((status, reply["error"]["code"]), (403, "policy_denied"))
        self.assertEqual((self.state(account), self.stats()["requests"]), ("disabled", 0))

    def test_one_at_a_time(self):
        account = self.account()
        self.hold()
        replies = []
        first = threading.Thread(target=lambda: replies.append(self.verify(account)))
        first.start()
        wait_until(lambda: self.stats()["in_flight"] == 1, "a verification at the ERP")
        status, reply = self.stand.api("POST", "/integrated-account/%s/verify" % account["id"])
        self.release()
        first.join()
        self.assertEqual((status, reply["error"]["code"]), (409, "conflict"))
        self.assertTrue(replies[0]["verified"])
        self.assertTrue(self.verify(account)["verified"])


class TestWho(DoctorCase):
    def token(self, tenant):
        return self.stand.admin("POST", "/api-token", {"name": tenant, "role": "tenant",
                                                       "tenant_id": tenant})["token"]

    def test_a_tenant_tries_its_own_and_no_other(self):
        account = self.account()
        reply = self.verify(account, self.token("demo"))
        self.assertTrue(reply["verified"])
        # Where names and connections lead inside the operator's network is not the tenant's affair.
        self.assertNotIn("127.0.0.1.", reply["steps"][3]["detail"])
        self.assertIn("127.0.0.1.", self.verify(account)["steps"][3]["detail"])
        status, _ = self.stand.api("POST", "/integrated-account/%s/verify" % account["id"],
                                   token=self.token("other"))
        self.assertEqual(status, 404)
        status, _ = self.stand.api("POST", "/integrated-account/acc_unknown/verify")
        self.assertEqual(status, 404)

    def test_the_log_says_what_came_of_it(self):
        account = self.account()
        self.fault("status", status=403)
        self.verify(account)
        event = [e for e in self.stand.events() if e["event"] == "account_verified"][-1]
        self.assertEqual((event["account"], event["outcome"], event["cause"]),
                         (account["id"], "fail", "permission"))


class TestCommand(DoctorCase):
    def doctor(self, account_id, **env):
        env = dict({"SLUICE_TOKEN": self.stand.admin_token, "SLUICE_URL": self.stand.base}, **env)
        return self.stand.command("account", "doctor", account_id, env=env, flags=[])

    def test_the_table_and_the_exit_codes(self):
        account = self.account()
        done = self.doctor(account["id"])
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        lines = done.stdout.splitlines()
        self.assertIn("every step passed, state active", lines[0])
        rows = lines[2:]
        self.assertEqual([row.split()[1] for row in rows], STEPS)
        self.assertEqual({row[:9].strip() for row in rows}, {"pass", "skipped"})
        self.fault("status", status=403)
        done = self.doctor(account["id"])
        self.assertEqual(done.returncode, 1)
        rows = done.stdout.splitlines()[2:]
        at = [n for n, row in enumerate(rows) if row.startswith("fail ")]
        self.assertEqual(len(at), 1)
        remedy = [row for row in rows[at[0] + 1:] if row.startswith(9 * " ") and row[9] != " "]
        self.assertIn("administrator", " ".join(remedy))
        self.assertLessEqual(max(map(len, rows)), 100)

    def test_a_server_that_cannot_be_asked(self):
        account = self.account()
        gone = "http://127.0.0.1:%d" % self.closed_port()
        self.assertEqual(self.doctor(account["id"], SLUICE_URL=gone).returncode, 2)
        self.assertEqual(self.doctor("acc_unknown").returncode, 2)
        self.assertEqual(self.doctor(account["id"], SLUICE_TOKEN="").returncode, 2)

    def test_help_names_it(self):
        self.assertIn("doctor ID", self.stand.command("account", "--help", flags=[]).stdout)


class TestCertificates(unittest.TestCase):
    """An ERP behind TLS, whose authority the operator has named or not."""

    def steps(self, *flags, host="127.0.0.1"):
        folder = tempfile.mkdtemp(prefix="sluice-doctor-")
        self.addCleanup(shutil.rmtree, folder)
        authority = Authority(folder)
        flags = [flag % {"ca": authority.ca} for flag in flags]
        stand = Stand(BIN, flags=flags)
        self.addCleanup(stand.stop)
        mock = stand.start_mock("sap")
        tap = Tap(urllib.parse.urlsplit(mock["url"]).port, authority)
        self.addCleanup(tap.stop)
        mock["url"] = "https://%s:%d" % (host, tap.port)
        stand.start_server()
        account = stand.admin("POST", "/integrated-account?verify=false", stand.sap_account())
        reply = stand.admin("POST", "/integrated-account/%s/verify" % account["id"])
        return {step["step"]: step for step in reply["steps"]}

    def test_one_that_is_trusted_says_how_long(self):
        found = self.steps("--net.ca_file", "%(ca)s")
        self.assertEqual(found["tls"]["outcome"], "pass", found)
        self.assertRegex(found["tls"]["detail"], r"for [12] more days \(20\d\d-\d\d-\d\d\)")
        self.assertEqual(found["read"]["outcome"], "pass")

    def test_one_of_an_unknown_authority(self):
        found = self.steps()
        self.assertEqual(found["tls"]["outcome"], "fail", found)
        self.assertIn("authority", found["tls"]["detail"])
        self.assertIn("net.ca_file", found["tls"]["remedy"])
        self.assertEqual((found["connect"]["outcome"], found["login"]["outcome"]),
                         ("pass", "skipped"))

    def test_one_of_another_host(self):
        found = self.steps("--net.ca_file", "%(ca)s", host="localhost")
        self.assertEqual((found["resolve"]["outcome"], found["tls"]["outcome"]), ("pass", "fail"),
                         found)
        self.assertIn("127.0.0.1", found["resolve"]["detail"])
        self.assertIn("of another host", found["tls"]["detail"])


if __name__ == "__main__":
    main()
