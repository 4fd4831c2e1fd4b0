# SPDX-License-Identifier: Apache-2.0
"""A second credential beside the one in use: added, verified, switched to and back, under load."""
import shutil
import tempfile
import threading
import urllib.parse

from flow import FlowCase, Volley, codes, main, wait_until
from mock_netsuite_oauth import Key

CUSTOMERS = "list_all_netsuite_customers"
TBA, M2M, OAUTH2 = "netsuite_tba", "netsuite_m2m", "netsuite_oauth2"


class CutoverCase(FlowCase):
    flags = ("--governor.queue_wait_ms", "60000")

    @classmethod
    def prepare(cls):
        cls.keys = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.keys)
        cls.key = Key(cls.keys, "ec", "prime256v1")

    def setUp(self):
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.reset()

    def account(self, **more):
        self.credentials = self.upstream()
        body = dict(self.stand.netsuite_account(credentials=self.credentials), **more)
        account = self.stand.admin("POST", "/integrated-account", body)
        self.tba = {k: v for k, v in body["auth"].items() if k != "scheme"}
        return account, self.stand.mint(account["id"])["url"]

    def m2m(self):
        """The fields of a client credentials login to the account made last."""
        record = self.stand.control("netsuite", "POST", "/integrations", {
            "account_id": self.credentials["account_id"], "client_credentials": True,
            "redirect_uris": ["https://app.example.com/oauth/callback"]})
        mapped = self.stand.control("netsuite", "POST", "/certificates", {
            "client_id": record["client_id"], "certificate_pem": self.key.pem})
        with open(self.key.key, encoding="ascii") as file:
            pem = file.read()
        return {"client_id": record["client_id"], "certificate_id": mapped["certificate_id"],
                "alg": "ES256", "private_key_pem": pem}

    def at(self, account, *rest):
        return "/".join(("/integrated-account", account["id"], "auth") + rest)

    def put(self, account, scheme, fields, query=""):
        return self.stand.api("PUT", self.at(account, scheme) + query, fields)

    def switch(self, account, scheme, query=""):
        return self.stand.api("POST", self.at(account, scheme, "switch") + query)

    def listed(self, account):
        return {one["scheme"]: (one["active"], one["verified"])
                for one in self.stand.admin("GET", self.at(account))["data"]}

    def call(self, url):
        return self.data(self.stand.tool(url, CUSTOMERS, {"limit": 1})[2])

    def restarted(self, url):
        """The URL at the server that was ended and started."""
        self.stand.end("server")
        self.stand.start_server()
        return self.stand.base + urllib.parse.urlsplit(url).path

    def logins(self):
        return self.stats()["logins"]

    def error_of(self, answer, status, code):
        self.assertEqual((status, code), (answer[0], answer[1]["error"]["code"]), answer)
        return answer[1]["error"]


class TestCutover(CutoverCase):
    def test_added_verified_switched_and_switched_back(self):
        account, url = self.account()
        fields = self.m2m()
        self.assertEqual({TBA: (True, True)}, self.listed(account))
        status, said = self.put(account, M2M, fields)
        self.assertEqual(201, status, said)
        plain = {k: v for k, v in fields.items() if k != "private_key_pem"}
        self.assertEqual({"scheme": M2M, "active": False, "verified": True, "auth": plain}, said)
        self.assertEqual({TBA: (True, True), M2M: (False, True)}, self.listed(account))
        for scheme, kind in ((M2M, "bearer"), (TBA, "tba"), (M2M, "bearer")):
            self.reset()
            status, said = self.switch(account, scheme)
            self.assertEqual(200, status, said)
            self.assertEqual((scheme, "active", True),
                             (said["auth"]["scheme"], said["state"], said["verified"]))
            self.call(url)
            logins = self.logins()
            self.assertEqual(1, logins[kind], logins)
            self.assertEqual(1, sum(logins.values()), logins)
        self.assertEqual({TBA: (False, True), M2M: (True, True)}, self.listed(account))

    def test_no_call_fails_while_it_is_switched_back_and_forth(self):
        account, url = self.account(governor={"ceiling": 3})
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.latency(15)
        self.reset()
        over, results = threading.Event(), []

        def work():
            while not over.is_set():
                results.append(self.stand.tool(url, CUSTOMERS, {"limit": 1}))

        workers = [threading.Thread(target=work) for _ in range(6)]
        for worker in workers:
            worker.start()
        try:
            for n in range(10):
                done = len(results)
                wait_until(lambda: len(results) > done + 12, "calls between two switches")
                status, said = self.switch(account, M2M if n % 2 == 0 else TBA)
                self.assertEqual(200, status, said)
        finally:
            over.set()
            for worker in workers:
                worker.join()
        counted = codes([(status, fields, result) for status, fields, result in results])
        self.assertEqual({"ok": len(results)}, counted)
        logins = self.logins()
        self.assertEqual(len(results), logins["tba"] + logins["bearer"], logins)
        self.assertGreater(min(logins["tba"], logins["bearer"]), 30, logins)
        self.assertEqual(0, self.stats()["refused_auth"])
        self.assertLessEqual(self.stats()["in_flight_peak"], 3)

    def test_who_waits_in_line_is_signed_with_what_is_in_force_then(self):
        account, url = self.account(governor={"ceiling": 1})
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.hold()
        self.reset()
        volley = Volley(url, 3, CUSTOMERS).send()
        wait_until(lambda: self.stats()["in_flight"] == 1 and self.lane(account)["queued"] == 2,
                   "one at the ERP and two in line")
        self.assertEqual(200, self.switch(account, M2M)[0])
        self.release()
        self.assertEqual({"ok": 3}, codes(volley.results()))
        logins = self.logins()
        self.assertEqual((1, 2), (logins["tba"], logins["bearer"]), logins)

    def test_it_outlives_a_restart_and_an_active_one_is_replaced_alone(self):
        account, url = self.account()
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.assertEqual(200, self.switch(account, M2M)[0])
        url = self.restarted(url)
        self.call(url)
        self.assertEqual({TBA: (False, True), M2M: (True, True)}, self.listed(account))
        fields = dict(self.m2m(), scheme=M2M)
        self.stand.admin("PATCH", "/integrated-account/" + account["id"], {"auth": fields})
        self.call(url)
        self.assertEqual(200, self.switch(account, TBA)[0])
        self.reset()
        self.call(url)
        self.assertEqual(1, self.logins()["tba"])
        self.assertEqual(200, self.switch(account, M2M)[0])
        self.call(url)
        self.assertEqual(1, self.logins()["bearer"])
        # The active one takes the place of the one of its scheme that stood by.
        self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                         {"auth": dict(self.tba, scheme=TBA)})
        self.assertEqual({TBA}, set(self.listed(account)))
        self.call(url)

    def test_what_was_not_verified_is_not_switched_to(self):
        account, url = self.account()
        wrong = dict(self.m2m(), certificate_id="not-a-certificate")
        error = self.error_of(self.put(account, M2M, wrong), 422, "unprocessable")
        self.assertIn("nothing was changed", error["message"])
        self.assertEqual({TBA}, set(self.listed(account)))
        self.assertEqual(201, self.put(account, M2M, wrong, "?verify=false")[0])
        self.assertEqual((False, False), self.listed(account)[M2M])
        self.assertIn("verify", self.error_of(self.switch(account, M2M), 409, "conflict")["hint"])
        verify = self.at(account, M2M, "verify")
        self.error_of(self.stand.api("POST", verify), 422, "unprocessable")
        status, said = self.put(account, M2M, self.m2m(), "?verify=false")
        self.assertEqual((200, False), (status, said["verified"]))
        status, said = self.stand.api("POST", verify)
        self.assertEqual((200, True), (status, said["verified"]))
        self.assertEqual(200, self.switch(account, M2M)[0])
        self.call(url)
        # By force all the same: the account is then not verified any more.
        self.assertEqual(204, self.stand.api("DELETE", self.at(account, TBA))[0])
        self.assertEqual(201, self.put(account, TBA, self.tba, "?verify=false")[0])
        status, said = self.switch(account, TBA, "?force=true")
        self.assertEqual((200, False), (status, said["verified"]))
        self.call(url)
        wait_until(lambda: self.listed(account)[TBA] == (True, True), "a proven login")

    def test_an_account_that_needs_somebody_is_brought_back_by_a_switch(self):
        account, url = self.account()
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                         {"auth": dict(self.tba, scheme=TBA, token_secret="wrong")})
        self.error(self.stand.tool(url, CUSTOMERS, {"limit": 1})[2])
        found = lambda: self.stand.admin("GET", "/integrated-account/" + account["id"])
        wait_until(lambda: found()["state"] == "needs_reauth", "an account that needs somebody")
        self.assertEqual(200, self.switch(account, M2M)[0])
        self.assertEqual(("active", None), (found()["state"], found()["cause"]))
        self.call(url)
        self.assertEqual((False, False), self.listed(account)[TBA])
        self.error_of(self.switch(account, TBA), 409, "conflict")

    def test_a_trial_takes_a_place_of_the_account_and_says_nothing_of_it(self):
        account, url = self.account(governor={"ceiling": 1})
        fields = self.m2m()
        self.hold()
        volley = Volley(url, 1, CUSTOMERS).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "a call at the ERP")
        answers = []
        trial = threading.Thread(target=lambda: answers.append(self.put(account, M2M, fields)))
        trial.start()
        wait_until(lambda: self.lane(account)["queued"] == 1, "the trial in line")
        self.release()
        trial.join()
        self.assertEqual({"ok": 1}, codes(volley.results()))
        self.assertEqual(201, answers[0][0], answers)
        self.assertEqual(1, self.stats()["in_flight_peak"])
        self.assertEqual(1, self.lane(account)["effective"])

    def test_a_grant_scheme_waits_for_consent(self):
        account, _ = self.account()
        status, said = self.put(account, OAUTH2, {"client_id": "app", "client_secret": "s3cret-x"})
        self.assertEqual(201, status)
        self.assertEqual({"scheme": OAUTH2, "active": False, "verified": False,
                          "consented": False, "consent_ends_at": None,
                          "auth": {"client_id": "app"}}, said)
        self.error_of(self.stand.api("POST", self.at(account, OAUTH2, "verify")), 409, "conflict")
        self.error_of(self.switch(account, OAUTH2), 409, "conflict")

    def test_no_secret_is_ever_shown(self):
        account, _ = self.account()
        fields = self.m2m()
        status, said = self.put(account, M2M, fields)
        shown = repr(said) + repr(self.stand.admin("GET", self.at(account)))
        self.assertEqual(201, status)
        self.assertNotIn("PRIVATE KEY", shown)
        for secret in self.tba.values():
            if secret != self.tba["token_id"]:
                self.assertNotIn(secret, shown)


class TestRefusals(CutoverCase):
    def test_what_cannot_be_added_is_named(self):
        account, _ = self.account()
        self.error_of(self.put(account, TBA, self.tba), 409, "conflict")
        self.error_of(self.put(account, "basic", {"username": "a"}), 404, "not_found")
        self.error_of(self.put(account, "no_such", {}), 404, "not_found")
        self.error_of(self.put(account, M2M, {"scheme": M2M}), 422, "unprocessable")
        error = self.error_of(self.put(account, M2M, {"client_id": 5, "extra": "x"}), 422,
                              "unprocessable")
        self.assertEqual({"/extra", "/client_id", "/certificate_id", "/alg", "/private_key_pem"},
                         {one["pointer"] for one in error["details"]})
        self.assertEqual({TBA}, set(self.listed(account)))

    def test_what_is_not_there_is_not_found(self):
        account, _ = self.account()
        self.error_of(self.switch(account, M2M), 404, "not_found")
        self.error_of(self.stand.api("DELETE", self.at(account, M2M)), 404, "not_found")
        self.error_of(self.stand.api("DELETE", self.at(account, TBA)), 409, "conflict")
        self.error_of(self.switch(account, TBA), 409, "conflict")
        missing = {"id": "acc_" + "a" * 26}
        self.error_of(self.stand.api("GET", self.at(missing)), 404, "not_found")

    def test_another_tenants_account_is_none(self):
        account, _ = self.account()
        token = self.stand.admin("POST", "/api-token", {
            "name": "other", "role": "tenant", "tenant_id": "other"})["token"]
        for method, path in (("GET", self.at(account)), ("DELETE", self.at(account, M2M)),
                             ("POST", self.at(account, M2M, "switch")),
                             ("POST", self.at(account, M2M, "verify"))):
            self.error_of(self.stand.api(method, path, token=token), 404, "not_found")
        self.error_of(self.stand.api("PUT", self.at(account, M2M), self.tba, token=token), 404,
                      "not_found")

    def test_deleting_one_leaves_the_other(self):
        account, url = self.account()
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.assertEqual(204, self.stand.api("DELETE", self.at(account, M2M))[0])
        self.assertEqual({TBA}, set(self.listed(account)))
        self.call(url)
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.assertEqual(200, self.switch(account, M2M)[0])
        self.assertEqual(204, self.stand.api("DELETE", self.at(account, TBA))[0])
        self.call(url)
        self.call(self.restarted(url))


if __name__ == "__main__":
    main()
