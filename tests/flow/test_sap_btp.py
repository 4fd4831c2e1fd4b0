# SPDX-License-Identifier: Apache-2.0
"""The ways into an SAP system against mock-sap, which plays the whole of a BTP subaccount: client
certificates of XSUAA and of Identity Authentication, destinations, and the connectivity proxy.
"""
import json
import os

from flow import FlowCase, TODAY, main, wait_until
from btp import ClientCertificate
from tap import Authority

LIST = ("list_all_sap_vendors", {"limit": 2})


class TestSubaccount(FlowCase):
    mocks = ()

    @classmethod
    def furnish(cls):
        folder = os.path.join(cls.stand.scratch, "btp")
        os.mkdir(folder)
        authority = Authority(folder)
        cls.first, cls.second = (ClientCertificate(folder, name) for name in ("first", "second"))
        cls.mock = cls.stand.start_mock(
            "sap", "--today", TODAY, "--tls-certificate", authority.certificate, "--tls-key",
            authority.key, "--client-certificate", cls.first.path, "--location-id", "berlin")
        cls.stand.extra_flags += ["--net.ca_file", authority.ca]

    def setUp(self):
        self.control("PUT", "/certificates", {"certificate_pem": self.first.certificate})
        self.control("PUT", "/connectivity", {"connected": True})
        self.control("POST", "/tokens/expire", {})
        self.control("DELETE", "/faults")
        self.control("POST", "/reset")

    def control(self, method, path, body=None):
        return self.stand.control("sap", method, path, body)

    def post(self, connection, auth):
        TestSubaccount.count = getattr(TestSubaccount, "count", 0) + 1
        return self.stand.api("POST", "/integrated-account", {
            "tenant_id": "t%d" % TestSubaccount.count, "integration": "sap", "name": "SAP",
            "sap_api_policy_ack": True, "connection": connection, "auth": auth})

    def connect(self, connection, auth):
        status, account = self.post(connection, auth)
        self.assertEqual(status, 201, account)
        return account, self.stand.mint(account["id"])["url"]

    def assert_serves(self, url):
        self.assertEqual(len(self.data(self.stand.tool(url, *LIST)[2])), 2)

    def direct(self):
        return {"route": "direct", "base_url": self.mock["url"]}

    def virtual(self):
        return "http://" + self.mock["connectivity"]["virtual_host"]

    def client(self, name):
        binding = self.mock[name]
        return {"token_url": self.mock["token_url"], "client_id": binding["client_id"],
                "client_secret": binding["client_secret"]}

    def proxy(self):
        at = self.mock["connectivity"]
        return "http://%s:%s" % (at["onpremise_proxy_host"], at["onpremise_proxy_http_port"])

    def on_premise(self):
        return ({"route": "connectivity", "base_url": self.virtual(),
                 "sap_client": self.mock["client"], "location_id": "berlin"},
                dict(self.client("connectivity"), scheme="sap_connectivity",
                     proxy_url=self.proxy(), username=self.mock["username"],
                     password=self.mock["password"]))

    def by_certificate(self, one):
        return {"scheme": "sap_xsuaa", "token_url": self.mock["mtls_token_url"],
                "client_id": self.mock["client_id"], "certificate_pem": one.certificate,
                "private_key_pem": one.key}

    def destination(self, name):
        return ({"route": "destination", "base_url": self.mock["url"]},
                dict(self.client("destination"), scheme="sap_destination", destination=name,
                     service_url=self.mock["destination"]["uri"]))

    def test_a_certificate_is_rotated_without_a_restart(self):
        account, url = self.connect(self.direct(), self.by_certificate(self.first))
        self.assert_serves(url)
        self.control("PUT", "/certificates", {"certificate_pem": self.second.certificate})
        self.control("POST", "/tokens/expire", {})
        error = self.error(self.stand.tool(url, *LIST)[2])
        self.assertEqual(error["code"], "needs_reauth")
        self.assertIn("certificate has ended", error["message"])
        found = lambda: self.stand.admin("GET", "/integrated-account/" + account["id"])
        wait_until(lambda: (found()["state"], found()["cause"]) ==
                   ("needs_reauth", "client_refused"), "an account that needs somebody")
        self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                         {"auth": self.by_certificate(self.second)})
        self.assert_serves(url)

    def test_identity_authentication_gives_a_token_for_the_erp(self):
        ias = self.mock["ias"]
        auth = {"scheme": "sap_ias", "token_url": ias["token_url"],
                "client_id": ias["client_id"], "client_secret": ias["client_secret"],
                "app_tid": ias["app_tid"],
                "resource": "urn:sap:identity:application:provider:name:" + ias["provider"]}
        self.assert_serves(self.connect(self.direct(), auth)[1])

    def test_a_token_of_a_destination_ends_and_is_fetched_anew(self):
        _, url = self.connect(*self.destination("S4_OAUTH"))
        self.assert_serves(url)
        self.control("POST", "/tokens/expire", {"client": "erp"})
        self.assert_serves(url)

    def test_a_destination_with_a_user_is_reached_by_the_proxy(self):
        connection, auth = self.destination("S4_ON_PREMISE")
        through = self.client("connectivity")
        auth.update({"proxy_url": self.proxy()},
                    **{"connectivity_" + name: value for name, value in through.items()})
        _, url = self.connect(dict(connection, base_url=self.virtual()), auth)
        self.assert_serves(url)

    def test_a_destination_that_cannot_be_used_is_told(self):
        for name, word in (("none", "no destination of this name"),
                           ("S4_BROKEN", "could not get a token"),
                           ("S4_USER", "a person's own login")):
            connection, auth = self.destination(name)
            if name == "S4_USER":
                connection["base_url"] = self.virtual()
            status, answer = self.post(connection, auth)
            self.assertEqual(status, 422, answer)
            self.assertIn(word, answer["error"]["message"])

    def test_the_connectivity_proxy_and_its_refusals(self):
        _, url = self.connect(*self.on_premise())
        self.assert_serves(url)
        self.control("POST", "/tokens/expire", {"client": "connectivity"})
        self.assert_serves(url)  # 407, then once more
        self.control("PUT", "/connectivity", {"connected": False})
        status, _, result = self.stand.tool(url, *LIST)
        error = self.error(result)
        self.assertEqual((status, error["upstream"]["status"]), (200, 503), json.dumps(error))
        self.assertEqual(error["code"], "upstream_unavailable")

    def test_a_host_that_is_not_exposed(self):
        connection, auth = self.on_premise()
        status, answer = self.post(dict(connection, base_url="http://other.virtual:44300"), auth)
        self.assertEqual((status, answer["error"]["upstream"]["status"]), (422, 403))
        self.assertIn("does not expose", answer["error"]["hint"])


if __name__ == "__main__":
    main()
