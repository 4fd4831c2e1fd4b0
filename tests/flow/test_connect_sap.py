# SPDX-License-Identifier: Apache-2.0
"""A customer's administrator connects SAP by values: each form, and which value is wrong."""
import json
import os
import socket

import flow
from btp import Btp, ClientCertificate
from connecting import RETURN, Browser, Links
from sap_values import SapValues
from tap import Authority

LIST = ("list_all_sap_vendors", {"limit": 2})


def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class SapCase(SapValues, Links, flow.FlowCase):
    mocks = ()

    @classmethod
    def furnish(cls):
        folder = os.path.join(cls.stand.scratch, "btp")
        os.mkdir(folder)
        authority = Authority(folder)
        cls.first, cls.second, cls.users = (
            ClientCertificate(folder, name) for name in ("first", "second", "user"))
        cls.stand.start_mock(
            "sap", "--today", flow.TODAY, "--tls-certificate", authority.certificate, "--tls-key",
            authority.key, "--client-certificate", cls.first.path, "--user-certificate", cls.users.path,
            "--location-id", "berlin")
        cls.mock = cls.stand.mocks["sap"]
        cls.stand.extra_flags += ["--net.ca_file", authority.ca]

    def setUp(self):
        self.stand.control("sap", "POST", "/tokens/expire", {})
        self.stand.control("sap", "DELETE", "/faults")
        self.stand.control("sap", "POST", "/reset")
        self.nowhere = "http://127.0.0.1:%d" % closed_port()

    def send(self, scheme, values, account=None):
        """(session, the page that comes of the form)."""
        more = {"account_id": account} if account else {"sap_api_policy_ack": True}
        session, link = self.session(integration="sap", **more)
        browser = Browser(self.stand)
        form = browser.click(browser.begin(link), "way-" + scheme)
        typed = {name.replace(".", "__"): value for name, value in values.items()}
        for name in values:
            self.assertIn(name, form.fields)
        page = browser.post(form, **typed)
        return session, browser.follow(page) if page.status == 303 else page

    def good(self, scheme, values):
        session, page = self.send(scheme, values)
        said = self.state(session)
        self.assertEqual("connected", said["state"], page.text)
        url = self.stand.mint(said["account_id"])["url"]
        self.assertEqual(2, len(self.data(self.stand.tool(url, *LIST)[2])))
        return said["account_id"]

    def wrong(self, scheme, values, cause, *named, **change):
        """With those changes the page points at exactly these fields."""
        values = dict(values, **{name.replace("__", "."): value for name, value in change.items()})
        session, page = self.send(scheme, values)
        seen = sorted(one[:-len("-error")] for one in page.texts if one.endswith("-error"))
        self.assertEqual((422, sorted(named)), (page.status, seen), page.text)
        self.assertEqual(cause, self.state(session)["cause"], page.text)
        for name in named:
            self.assertIn(name + "-error", page.described[name]["aria-describedby"].split())
            self.assertIn("#" + name, page.links.values())  # the summary leads there
        return page


class TestUsers(SapCase):
    def test_a_communication_user(self):
        account = self.good("basic", self.user())
        session, _ = self.send("basic", self.login(self.user()), account)
        self.assertEqual(("connected", account),
                         (self.state(session)["state"], self.state(session)["account_id"]))

    def test_which_value_of_a_user_is_wrong(self):
        login = ("auth.username", "auth.password", "connection.sap_client")
        for name, value in zip(login, ("nobody", "no-word", "999")):
            page = self.wrong("basic", self.user(), "login_refused", *login,
                              **{name.replace(".", "__"): value})
            self.assertIn("locked", page.texts["reason"])
        self.wrong("basic", self.user(), "erp_unavailable", "connection.base_url",
                   connection__base_url=self.nowhere)
        self.wrong("basic", self.user(), "policy_denied", "connection.base_url",
                   connection__base_url="https://10.1.2.3")
        self.wrong("basic", self.user(), "erp_unavailable", "connection.base_url",
                   connection__base_url="https://nowhere.invalid")
        self.wrong("basic", self.user(), None, "connection.base_url", "connection.sap_client",
                   connection__base_url="my300000", connection__sap_client="1000")
        self.wrong("basic", self.user(), None, "auth.username", auth__username="a:b")
        self.wrong("basic", self.user(), None, "auth.password", auth__password="")

    def test_a_login_that_may_lock_its_user_is_not_sent(self):
        values = dict(self.user(), **{"auth.username": "locked-soon"})
        auth = dict(self.login(values), **{"auth.scheme": "basic"})
        body = dict(self.stand.sap_account(scheme="basic"),
                    auth={name[len("auth."):]: value for name, value in auth.items()})
        for _ in range(4):
            self.assertEqual(422, self.stand.api("POST", "/integrated-account", body)[0])
        self.stand.control("sap", "POST", "/reset")
        page = self.wrong("basic", values, "login_locked")
        self.assertEqual(0, self.stand.control("sap", "GET", "/stats")["requests"])
        self.assertIn("not tried again for now", page.texts["status"])
        self.assertIn("in 24 hours", page.texts["hint"])
        self.assertNotIn("PATCH", page.body)

    def test_the_right_value_after_a_wrong_one(self):
        session, link = self.session(integration="sap", sap_api_policy_ack=True)
        browser = Browser(self.stand)
        page = browser.click(browser.begin(link), "way-basic")
        right = {name.replace(".", "__"): value for name, value in self.user().items()}
        page = browser.post(page, **dict(right, auth__password="not-the-password"))
        self.assertEqual((422, self.mock["username"], self.mock["url"]), (
            page.status, page.fields["auth.username"], page.fields["connection.base_url"]))
        self.assertEqual("on_premise", page.fields["connection.route"])
        self.assertEqual(303, browser.post(page, auth__password=right["auth__password"]).status)
        self.assertEqual("connected", self.state(session)["state"])

    def test_an_address_where_no_sap_answers(self):
        page = self.wrong("basic", self.user(), "erp_unavailable", "connection.base_url",
                          connection__base_url=self.mock["control_url"])
        self.assertIn("HTTP 404", page.texts["connection.base_url-error"])
        self.stand.control("sap", "POST", "/faults", {
            "match": {}, "times": 1, "kind": "status", "status": 404,
            "headers": {"Content-Type": "application/json"}, "body": json.dumps(
                {"error": {"code": "SY/530",
                           "message": {"lang": "en", "value": "There is no such thing"}}})})
        page = self.wrong("basic", self.user(), "erp_refused", "connection.base_url")
        self.assertIn("HTTP 404", page.texts["connection.base_url-error"])
        self.assertIn("There is no such thing", page.texts["said"])


class TestCertificate(SapCase):
    """Of a user, at the ERP itself."""

    def test_it_logs_in_and_writes(self):
        account = self.good("sap_certificate", self.user_certificate(self.users))
        auth = self.stand.admin("GET", "/integrated-account/" + account)["auth"]
        self.assertIn("certificate_expires_at", auth)
        self.assertNotIn("private_key_pem", auth)
        url = self.stand.mint(account)["url"]
        supplier = self.data(self.stand.tool(url, *LIST)[2])[0]["id"]
        order = {"supplier": supplier, "purchasing_org": "1010", "plant": "1010",
                 "items": [{"material": "TG11", "quantity": 10, "unit": "EA"}]}
        made, = self.data(self.stand.tool(url, "create_a_sap_purchase_order", order)[2])
        self.assertEqual(supplier, made["party_id"])

    def test_one_that_is_refused_stops_the_account(self):
        account = self.good("sap_certificate", self.user_certificate(self.users))
        url = self.stand.mint(account)["url"]
        self.stand.control("sap", "POST", "/faults", {
            "match": {}, "times": 9, "kind": "status", "status": 401, "body": "<html></html>",
            "headers": {"Content-Type": "text/html"}})
        for _ in range(3):
            error = self.error(self.stand.tool(url, *LIST)[2])
            self.assertEqual("needs_reauth", error["code"])
        self.assertIn("no user belongs to this certificate", error["message"])
        flow.wait_until(lambda: self.stand.admin("GET", "/integrated-account/" + account)["cause"]
                        == "login_refused", "a stopped account")

    def test_which_value_of_it_is_wrong(self):
        values = self.user_certificate(self.users)
        page = self.wrong("sap_certificate", self.user_certificate(self.second), "login_refused",
                          "auth.certificate_pem")
        self.assertNotIn(self.second.key.split("\n")[1], page.body)
        self.wrong("sap_certificate", values, None, "auth.private_key_pem",
                   auth__private_key_pem=self.second.key)
        self.wrong("sap_certificate", values, None, "connection.base_url",
                   connection__base_url=self.mock["url"])

    def test_it_is_shown_over_https_only(self):
        body = dict(self.stand.sap_account(), auth={
            "scheme": "sap_certificate", "certificate_pem": self.users.certificate,
            "private_key_pem": self.users.key})
        status, reply = self.stand.api("POST", "/integrated-account", body)
        self.assertEqual((422, "/connection/base_url"),
                         (status, reply["error"]["details"][0]["pointer"]))
        # An account without TLS is not offered it.
        account = self.good("basic", self.user())
        _, link = self.session(integration="sap", account_id=account)
        self.assertNotIn("way-sap_certificate", Browser(self.stand).begin(link).links)


class TestTerms(SapCase):
    """SAP's API policy is acknowledged by whoever makes the link, or by the person who connects."""

    BOX = "acknowledged"

    def form(self, **more):
        session, link = self.session(integration="sap", **more)
        browser = Browser(self.stand)
        return session, browser, browser.click(browser.begin(link), "way-basic")

    def typed(self, **change):
        values = {name.replace(".", "__"): value for name, value in self.user().items()}
        return dict(values, **change)

    def test_a_link_without_the_word_asks_whoever_connects(self):
        session, browser, form = self.form()
        self.assertEqual("checkbox", form.types[self.BOX])
        self.assertIn("required", form.described[self.BOX])
        self.assertNotIn(self.BOX, form.fields)  # it is not ticked for anybody
        self.assertIn("https://help.sap.com/doc/sap-api-policy/latest", form.body)
        page = browser.post(form, **self.typed())
        self.assertEqual(422, page.status)
        self.assertIn("tick the box", page.texts["acknowledged-error"])
        self.assertIn("acknowledged-error", page.described[self.BOX]["aria-describedby"].split())
        self.assertEqual(0, self.stand.control("sap", "GET", "/stats")["requests"])
        self.assertFalse(self.state(session)["sap_api_policy_ack"])
        self.assertEqual(303, browser.post(page, acknowledged="yes", **self.typed()).status)
        said = self.state(session)
        self.assertEqual(("connected", True), (said["state"], said["sap_api_policy_ack"]))

    def test_it_stays_ticked_until_it_was_sent_and_is_not_asked_twice(self):
        session, browser, form = self.form()
        page = browser.post(form, acknowledged="yes", **self.typed(auth__username="a:b"))
        self.assertEqual((422, "yes"), (page.status, page.fields[self.BOX]))
        page = browser.post(page, **self.typed(auth__password="not-the-password"))
        self.assertEqual("login_refused", self.state(session)["cause"])
        self.assertNotIn(self.BOX, page.types)
        self.assertEqual(303, browser.post(page, **self.typed()).status)

    def test_who_makes_the_link_may_have_said_it(self):
        session, _, form = self.form(sap_api_policy_ack=True)
        self.assertNotIn(self.BOX, form.types)
        self.assertTrue(self.state(session)["sap_api_policy_ack"])
        for value in (False, "yes", None):
            status, reply = self.stand.api("POST", "/connect-session", {
                "tenant_id": "demo", "integration": "sap", "return_url": RETURN,
                "sap_api_policy_ack": value})
            self.assertEqual((422, "/sap_api_policy_ack"),
                             (status, reply["error"]["details"][0]["pointer"]))

    def test_an_account_that_is_there_is_not_asked_again(self):
        account = self.good("basic", self.user())
        _, _, form = self.form(account_id=account)
        self.assertNotIn(self.BOX, form.types)


class TestClients(SapCase):
    def test_a_client_with_its_secret(self):
        self.good("sap_xsuaa", self.xsuaa())

    def test_which_value_of_a_client_is_wrong(self):
        client = ("auth.client_id", "auth.client_secret")
        for name in client:
            self.wrong("sap_xsuaa", self.xsuaa(), "login_refused", *client,
                       **{name.replace(".", "__"): "nobody-knows"})
        self.wrong("sap_xsuaa", self.xsuaa(), "erp_unavailable", "auth.token_url",
                   auth__token_url=self.nowhere + "/oauth/token")
        page = self.wrong("sap_xsuaa", self.xsuaa(), "login_refused", "auth.token_url",
                          auth__token_url=self.mock["url"] + "/sap/nothing")
        self.assertIn("not what was asked for", page.texts["auth.token_url-error"])
        self.wrong("sap_xsuaa", self.xsuaa(), "erp_unavailable", "connection.base_url",
                   connection__base_url=self.nowhere)
        self.wrong("sap_xsuaa", self.xsuaa(), None, "auth.client_secret", auth__client_secret="")

    def test_a_client_with_a_certificate(self):
        account = self.good("sap_xsuaa", self.certificate(self.first))
        auth = self.stand.admin("GET", "/integrated-account/" + account)["auth"]
        self.assertIn("certificate_expires_at", auth)

    def test_which_value_of_a_certificate_is_wrong(self):
        values = self.certificate(self.first)
        self.wrong("sap_xsuaa", values, None, "auth.private_key_pem",
                   auth__private_key_pem=self.second.key)
        self.wrong("sap_xsuaa", values, None, "auth.certificate_pem",
                   auth__certificate_pem=self.first.certificate[:-40])
        self.wrong("sap_xsuaa", values, None, "auth.private_key_pem", auth__private_key_pem="")
        page = self.wrong("sap_xsuaa", self.certificate(self.second), "login_refused",
                          "auth.client_id", "auth.certificate_pem")
        self.assertNotIn(self.second.key.split("\n")[1], page.body)

    def test_identity_authentication(self):
        self.good("sap_ias", self.ias())
        client = ("auth.client_id", "auth.client_secret")
        self.wrong("sap_ias", self.ias(), "login_refused", *client, auth__client_secret="wrong")


class TestSubaccount(SapCase):
    def test_a_destination(self):
        self.good("sap_destination", self.destination("S4_OAUTH"))

    def test_a_destination_on_premise(self):
        self.good("sap_destination", self.destination_behind_proxy())

    def test_which_value_of_a_destination_is_wrong(self):
        values = self.destination("S4_OAUTH")
        client = ("auth.client_id", "auth.client_secret")
        self.wrong("sap_destination", values, "login_refused", *client,
                   auth__client_secret="nobody-knows")
        self.wrong("sap_destination", values, "login_refused", "auth.destination",
                   auth__destination="NO_SUCH")
        self.wrong("sap_destination", values, "erp_unavailable", "auth.service_url",
                   auth__service_url=self.nowhere)
        self.wrong("sap_destination", values, "erp_unavailable", "auth.token_url",
                   auth__token_url=self.nowhere + "/oauth/token")
        self.wrong("sap_destination", values, "policy_denied", "connection.base_url",
                   connection__base_url=self.nowhere)

    def test_which_value_of_the_way_on_premise_is_wrong(self):
        values = self.destination_behind_proxy()
        self.wrong("sap_destination", values, "login_refused", "auth.connectivity_client_id",
                   "auth.connectivity_client_secret", auth__connectivity_client_secret="wrong")
        self.wrong("sap_destination", values, "erp_unavailable", "auth.connectivity_token_url",
                   auth__connectivity_token_url=self.nowhere + "/oauth/token")
        self.wrong("sap_destination", values, "erp_unavailable", "auth.proxy_url",
                   auth__proxy_url=self.nowhere)
        self.wrong("sap_destination", values, None, "auth.connectivity_client_secret",
                   auth__connectivity_client_secret="")

    def test_the_cloud_connector(self):
        self.good("sap_connectivity", self.connectivity())

    def test_which_value_of_the_cloud_connector_is_wrong(self):
        values = self.connectivity()
        self.wrong("sap_connectivity", values, "login_refused", "auth.username", "auth.password",
                   "connection.sap_client", auth__password="nobody-knows")
        self.wrong("sap_connectivity", values, "login_refused", "auth.client_id",
                   "auth.client_secret", auth__client_secret="nobody-knows")
        self.wrong("sap_connectivity", values, "erp_unavailable", "auth.proxy_url",
                   auth__proxy_url=self.nowhere)
        page = self.wrong("sap_connectivity", values, "permission_denied", "connection.base_url",
                          connection__base_url="http://other.virtual:44300")
        self.assertIn("does not expose", page.texts["status"])


class TestApiManagement(SapCase):
    @classmethod
    def furnish(cls):
        super().furnish()
        cls.btp = Btp(cls.mock, cls.stand.scratch)
        cls.addClassCleanup(cls.btp.stop)

    def test_a_key(self):
        self.good("sap_api_key", self.api_key(self.btp))

    def test_which_value_of_a_key_is_wrong(self):
        values = self.api_key(self.btp)
        login = ("auth.api_key", "auth.username", "auth.password", "connection.sap_client")
        self.wrong("sap_api_key", values, "login_refused", *login, auth__api_key="wrong")
        self.wrong("sap_api_key", values, "login_refused", *login,
                   connection__api_key_header="apikey")
        self.wrong("sap_api_key", values, "erp_unavailable", "connection.base_url",
                   connection__base_url=self.nowhere)
        self.wrong("sap_api_key", values, None, "auth.password", auth__password="")


if __name__ == "__main__":
    flow.main()
