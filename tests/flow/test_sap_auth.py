# SPDX-License-Identifier: Apache-2.0
"""The ways into an SAP system: client certificates, Identity Authentication, SAP Cloud Connector by
the connectivity proxy, and API Management, each to the end of a tool call.
"""
import os
import time
import urllib.parse

from flow import FlowCase, codes, main
from btp import CLIENT, SECRET, Btp, ClientCertificate, basic

LIST = ("list_all_sap_vendors", {"limit": 2})


class SapCase(FlowCase):
    mocks = ("sap",)

    @classmethod
    def furnish(cls):
        folder = os.path.join(cls.stand.scratch, "btp")
        os.mkdir(folder)
        cls.first, cls.second, cls.stranger = (
            ClientCertificate(folder, name) for name in ("first", "second", "stranger"))
        cls.mock = {}
        cls.btp = Btp(cls.mock, folder, (cls.first, cls.second))
        cls.stand.extra_flags += ["--net.ca_file", cls.btp.authority.ca]

    @classmethod
    def prepare(cls):
        cls.mock.update(cls.stand.mocks["sap"])

    @classmethod
    def tearDownClass(cls):
        cls.btp.stop()
        super().tearDownClass()

    def setUp(self):
        self.btp.reset()
        self.btp.welcome = {"first", "second"}

    # ---- Accounts ----

    def body(self, auth, connection=None, governor=None):
        SapCase.count = getattr(SapCase, "count", 0) + 1
        return {"tenant_id": "t%d" % SapCase.count, "governor": governor or {}, "integration": "sap",
                "name": "SAP", "sap_api_policy_ack": True,
                "connection": connection or {"route": "direct", "base_url": self.mock["url"]},
                "auth": auth}

    def connect(self, auth, connection=None, **more):
        status, account = self.stand.api("POST", "/integrated-account",
                                         self.body(auth, connection, **more))
        self.assertEqual(status, 201, account)
        return account, self.stand.mint(account["id"])["url"]

    def refused(self, auth, connection=None, expected=422):
        status, answer = self.stand.api("POST", "/integrated-account", self.body(auth, connection))
        self.assertEqual(status, expected, answer)
        return answer["error"]

    def call(self, url):
        return self.stand.tool(url, *LIST)[2]

    def assert_serves(self, url):
        self.assertEqual(len(self.data(self.call(url))), 2)

    def by_certificate(self, one, path="/erp/token", **more):
        return dict({"scheme": "sap_xsuaa", "token_url": self.btp.tls_url + path,
                     "client_id": CLIENT, "certificate_pem": one.certificate,
                     "private_key_pem": one.key}, **more)

    def on_premise(self, **more):
        return (dict({"scheme": "sap_connectivity", "token_url": self.btp.url + "/oauth/token",
                      "client_id": CLIENT, "client_secret": SECRET, "proxy_url": self.btp.url,
                      "username": self.mock["username"], "password": self.mock["password"]},
                     **more),
                {"route": "connectivity", "base_url": "http://s4.virtual:44300",
                 "sap_client": self.mock["client"], "location_id": "berlin"})

    def assert_kept_to_itself(self, *secrets):
        """Nothing of it in the log."""
        with open(self.stand.log_path, encoding="utf-8") as file:
            log = file.read()
        for secret in secrets:
            self.assertNotIn(secret, log)


class TestCertificates(SapCase):
    def test_a_certificate_takes_the_place_of_the_secret(self):
        account, url = self.connect(self.by_certificate(self.first))
        self.assert_serves(url)
        self.assertEqual([(f["seen_as"], "client_secret" in f) for f in self.btp.forms],
                         [("first", False)])
        auth = self.stand.admin("GET", "/integrated-account/" + account["id"])["auth"]
        self.assertEqual(sorted(auth), ["certificate_expires_at", "client_id", "scheme",
                                        "token_url"])
        days = (time.mktime(time.strptime(auth["certificate_expires_at"][:19],
                                          "%Y-%m-%dT%H:%M:%S")) - time.time()) / 86400
        self.assertTrue(28 < days < 31, auth)
        self.assert_kept_to_itself(self.first.key.split("\n")[1])

    def test_a_stranger_is_refused_and_nothing_stored(self):
        error = self.refused(self.by_certificate(self.stranger))
        self.assertIn("nothing was stored", error["message"])
        self.btp.welcome = {"second"}
        error = self.refused(self.by_certificate(self.first))
        self.assertIn("The token host refused", error["message"])
        self.assertEqual(error["upstream"]["code"], "invalid_client")

    def test_a_rotated_certificate_serves_without_a_restart(self):
        account, url = self.connect(self.by_certificate(self.first))
        self.btp.welcome = {"second"}  # the old one is gone over there; its token is still good
        self.assert_serves(url)
        path = "/integrated-account/" + account["id"]
        status, answer = self.stand.api("PATCH", path, {"auth": self.by_certificate(self.second)})
        self.assertEqual(status, 200, answer)
        self.assert_serves(url)
        self.assertEqual([f["seen_as"] for f in self.btp.forms], ["first", "second"])

    def test_a_key_of_another_certificate_is_named(self):
        error = self.refused(self.by_certificate(self.first, private_key_pem=self.second.key))
        self.assertEqual([d["pointer"] for d in error["details"]], ["/auth/private_key_pem"])
        self.assertNotIn("BEGIN", str(error))
        self.assertEqual(self.btp.forms, [])

    def test_fifty_calls_with_an_ended_token_fetch_one(self):
        _, url = self.connect(self.by_certificate(self.first),
                              governor={"ceiling": 8, "queue_limit": 100})
        self.stand.control("sap", "POST", "/tokens/expire")
        self.assert_serves(url)  # refused, renewed and sent once more
        self.btp.forms.clear()
        self.stand.control("sap", "POST", "/tokens/expire")
        results = self.stand.burst(url, 50, *LIST)
        self.assertEqual(codes(results).get("ok"), 50, codes(results))
        self.assertEqual(len(self.btp.forms), 1)


class TestIdentityAuthentication(SapCase):
    def test_the_token_is_asked_for_one_application(self):
        urn = "urn:sap:identity:application:provider:name:erp"
        _, url = self.connect({"scheme": "sap_ias", "token_url": self.btp.tls_url + "/erp/token",
                               "client_id": CLIENT, "client_secret": SECRET, "resource": urn,
                               "app_tid": "tenant of mine"})
        self.assert_serves(url)
        self.assertEqual(len(self.btp.forms), 1)
        self.assertEqual((self.btp.forms[0]["resource"], self.btp.forms[0]["app_tid"]),
                         (urn, "tenant of mine"))


class TestConnectivity(SapCase):
    def test_a_virtual_host_is_reached_by_the_proxy(self):
        account, url = self.connect(*self.on_premise())
        self.assert_serves(url)
        asked, headers = self.btp.proxied[-1]
        self.assertTrue(asked.startswith("http://s4.virtual:44300/sap/opu/odata/sap/"), asked)
        self.assertEqual(headers["SAP-Connectivity-SCC-Location_ID"], "berlin")
        self.assertEqual(headers["Authorization"],
                         basic(self.mock["username"], self.mock["password"]))
        self.assertEqual(len(self.btp.forms), 1)
        self.assertEqual(account["lane"], "sap:connectivity:berlin:s4.virtual:44300:%s@%s" % (
            self.mock["client"], self.btp.url[len("http://"):]))
        self.assert_kept_to_itself(SECRET, self.mock["password"], *self.btp.tokens)

    def test_a_token_that_ended_is_renewed_once_and_the_call_sent_again(self):
        _, url = self.connect(*self.on_premise())
        self.btp.tokens.clear()
        self.btp.proxied.clear()
        self.assert_serves(url)
        self.assertEqual((len(self.btp.proxied), len(self.btp.forms)), (2, 2))

    def test_a_proxy_that_refuses_every_token_is_not_asked_without_end(self):
        account, url = self.connect(*self.on_premise())
        self.btp.always = (407, "text/plain", "")
        self.btp.proxied.clear()
        error = self.error(self.call(url))
        self.assertEqual(error["code"], "needs_reauth")
        self.assertIn("connectivity proxy", error["hint"])
        self.assertEqual(len(self.btp.proxied), 2)
        self.btp.always = None
        self.assert_serves(url)  # the user was never refused: the account is as it was
        self.assertEqual(self.stand.admin("GET", "/integrated-account/" + account["id"])["state"],
                         "active")

    def test_a_system_that_is_not_exposed_has_words_of_its_own(self):
        auth, connection = self.on_premise()
        error = self.refused(auth, dict(connection, base_url="http://other.virtual:44300"))
        self.assertIn("does not expose this host", error["hint"])
        self.assertEqual(error["upstream"]["status"], 403)
        self.assertIn("Access denied to system other.virtual:44300", error["upstream"]["message"])

    def test_no_connector_is_no_overload(self):
        _, url = self.connect(*self.on_premise())
        self.btp.always = (503, "text/plain", "There is no SAP Cloud Connector (SCC) connected to "
                                              "your subaccount matching the requested tunnel.")
        status, _, result = self.stand.tool(url, *LIST)
        error = self.error(result)
        self.assertEqual((status, error["code"]), (200, "upstream_unavailable"))
        self.assertIn("location id", error["hint"])

    def test_a_wrong_password_is_sent_once(self):
        self.refused(*self.on_premise(password="wrong"))
        self.assertEqual(len(self.btp.proxied), 1)

    def test_a_token_too_long_for_a_line_is_never_sent(self):
        self.btp.token_says = (200, {"access_token": "t" * 9000, "token_type": "bearer",
                                     "expires_in": 3600})
        error = self.refused(*self.on_premise())
        self.assertIn("longer than the way to the ERP carries", error["message"])
        self.assertEqual(self.btp.proxied, [])

    def test_scheme_and_route_belong_together(self):
        auth, connection = self.on_premise()
        direct = {"route": "direct", "base_url": self.mock["url"]}
        user = {"scheme": "basic", "username": "u", "password": "p"}
        for pair in ((auth, direct), (user, connection)):
            error = self.refused(*pair)
            self.assertEqual([d["pointer"] for d in error["details"]], ["/auth/scheme"])
        account, _ = self.connect(*self.on_premise())
        status, answer = self.stand.api("PATCH", "/integrated-account/" + account["id"],
                                        {"auth": user})
        self.assertEqual(status, 422, answer)


class TestDestination(SapCase):
    def described(self, **properties):
        """What the destination service says of a system with a login of its own."""
        return {"owner": {"SubaccountId": "sub", "InstanceId": None},
                "destinationConfiguration": dict(
                    {"Name": "S4", "Type": "HTTP", "URL": self.mock["url"],
                     "ProxyType": "Internet", "Authentication": "BasicAuthentication",
                     "User": self.mock["username"], "Password": self.mock["password"],
                     "sap-client": self.mock["client"]}, **properties)}

    def with_token(self, expires="3600", **token):
        bearer = "Bearer " + self.btp.system_token()
        return dict(self.described(Authentication="OAuth2ClientCredentials"), authTokens=[dict(
            {"type": "Bearer", "value": bearer[7:], "expires_in": expires,
             "http_header": {"key": "Authorization", "value": bearer}}, **token)])

    def asked(self, name="S4 production", **more):
        return (dict({"scheme": "sap_destination", "token_url": self.btp.url + "/oauth/token",
                      "client_id": CLIENT, "client_secret": SECRET,
                      "service_url": self.btp.url, "destination": name}, **more),
                {"route": "destination", "base_url": self.mock["url"]})

    def through(self):
        """The connectivity service, for destinations on premise."""
        return {"proxy_url": self.btp.url, "connectivity_token_url": self.btp.url + "/oauth/token",
                "connectivity_client_id": CLIENT, "connectivity_client_secret": SECRET}

    def test_its_token_is_used_as_it_stands_for_as_long_as_it_lasts(self):
        self.btp.destinations["S4 production"] = self.with_token
        _, url = self.connect(*self.asked(), governor={"ceiling": 8, "queue_limit": 100})
        self.assert_serves(url)
        path, headers = self.btp.lookups[0]
        self.assertEqual(path, "/destination-configuration/v1/destinations/S4%20production")
        self.assertIn(headers["Authorization"][7:], self.btp.tokens)
        self.assertEqual((len(self.btp.lookups), len(self.btp.forms)), (1, 1))
        self.stand.control("sap", "POST", "/tokens/expire")
        results = self.stand.burst(url, 50, *LIST)
        self.assertEqual(codes(results).get("ok"), 50, codes(results))
        self.assertEqual((len(self.btp.lookups), len(self.btp.forms)), (2, 1))

    def test_its_name_may_stand_in_the_connection(self):
        self.btp.destinations["S4 production"] = self.described
        auth, connection = self.asked()
        name = auth.pop("destination")
        account, url = self.connect(auth, dict(connection, destination=name))
        self.assert_serves(url)
        self.assertEqual(name, account["auth"]["destination"])  # the one place where it is kept
        self.assertNotIn("destination", account["connection"])
        self.connect(dict(auth, destination=name), dict(connection, destination=name))
        error = self.refused(dict(auth, destination="S4 other"),
                             dict(connection, destination=name))
        self.assertEqual(["/connection/destination"], [d["pointer"] for d in error["details"]])
        error = self.refused(auth, connection)
        self.assertEqual(["/auth/destination"], [d["pointer"] for d in error["details"]])
        user = {"scheme": "basic", "username": "u", "password": "p"}
        error = self.refused(user, dict(connection, destination=name))
        self.assertEqual(["/auth/scheme"], [d["pointer"] for d in error["details"]])

    def test_a_user_of_the_destination_logs_in_in_its_client(self):
        self.btp.destinations["S4 production"] = self.described
        _, url = self.connect(*self.asked())
        self.assert_serves(url)
        self.assertEqual(len(self.btp.lookups), 1)
        self.assert_kept_to_itself(self.mock["password"], SECRET, *self.btp.tokens)

    def test_a_wrong_password_there_is_sent_once(self):
        self.btp.destinations["S4 production"] = self.described
        self.btp.destinations["S4 other"] = lambda: self.described(Password="wrong")
        account, url = self.connect(*self.asked())
        self.stand.control("sap", "POST", "/reset")
        self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                         {"auth": self.asked(name="S4 other")[0]})
        self.assertEqual(self.error(self.call(url))["code"], "needs_reauth")
        self.assertEqual(self.stand.control("sap", "GET", "/stats")["refused_auth"], 1)

    def test_an_error_inside_a_200_is_an_error(self):
        token = "eyJhbGciOi.J9.sig"
        self.stand.control("sap", "POST", "/reset")
        self.btp.destinations["S4 production"] = lambda: self.with_token(
            type="", value="", http_header=None,
            error="Retrieval of OAuthToken\x07 for %s failed: 401" % token)
        error = self.refused(*self.asked())
        self.assertIn("could not get a token for this destination", error["message"])
        self.assertEqual(error["upstream"]["message"],
                         "Retrieval of OAuthToken  for *** failed: 401")
        self.assertEqual(self.stand.control("sap", "GET", "/stats")["refused_auth"], 0)
        self.assert_kept_to_itself(token)

    def test_a_path_and_queries_go_with_each_request(self):
        more = {"URL": self.btp.url + "/gateway/", "URL.headers.X-Gateway-Key":
                "k3y-of-the-gateway", "URL.queries.note": "a&b c"}
        self.btp.destinations["S4 production"] = lambda: self.described(**more)
        auth, _ = self.asked()
        _, url = self.connect(auth, {"route": "destination", "base_url": self.btp.url})
        self.assert_serves(url)
        asked = urllib.parse.urlsplit(self.btp.keyed[-1][0])
        self.assertTrue(asked.path.startswith("/gateway/sap/opu/odata/"), asked)
        query = urllib.parse.parse_qs(asked.query, strict_parsing=True)
        self.assertEqual((["a&b c"], ["3"]), (query["note"], query["$top"]))
        more["URL.queries.$top"] = "1"
        self.stand.control("sap", "POST", "/tokens/expire")
        error = self.refused(self.asked()[0], {"route": "destination", "base_url": self.btp.url})
        self.assertIn("URL.queries", error["message"])

    def test_a_destination_elsewhere_is_not_followed(self):
        self.btp.destinations["S4 production"] = lambda: self.described(
            URL="https://evil.example/sap")
        error = self.refused(*self.asked(), expected=403)
        self.assertIn("another address", error["message"])
        self.assertEqual(error["upstream"]["message"], "https://evil.example")

    def test_a_name_that_is_unknown_is_told(self):
        error = self.refused(*self.asked(name="none"))
        self.assertIn("no destination of this name", error["message"])

    def test_a_system_on_premise_is_reached_by_the_proxy(self):
        virtual = "http://s4.virtual:44300"
        self.btp.destinations["S4 production"] = lambda: self.described(
            URL=virtual + "/", ProxyType="OnPremise", CloudConnectorLocationId="berlin")
        auth, _ = self.asked()
        connection = {"route": "destination", "base_url": virtual}
        error = self.refused(auth, connection)
        self.assertIn("proxy_url", error["message"])
        _, url = self.connect(dict(auth, **self.through()), connection)
        self.assert_serves(url)
        asked, headers = self.btp.proxied[-1]
        self.assertTrue(asked.startswith(virtual + "/sap/opu/odata/"), asked)
        self.assertEqual(headers["SAP-Connectivity-SCC-Location_ID"], "berlin")
        self.assertEqual(headers["sap-client"], self.mock["client"])
        self.btp.tokens.clear()  # 407, then once more with new tokens
        self.btp.proxied.clear()
        self.assert_serves(url)
        self.assertEqual(len(self.btp.proxied), 2)

    def test_the_way_to_it_opens_by_a_certificate(self):
        virtual = "http://s4.virtual:44300"
        self.btp.destinations["S4 production"] = lambda: self.described(
            URL=virtual, ProxyType="OnPremise", CloudConnectorLocationId="berlin")
        through = {"proxy_url": self.btp.url, "connectivity_client_id": CLIENT,
                   "connectivity_token_url": self.btp.tls_url + "/oauth/token",
                   "connectivity_certificate_pem": self.first.certificate,
                   "connectivity_private_key_pem": self.first.key}
        connection = {"route": "destination", "base_url": virtual}
        account, url = self.connect(self.asked(**through)[0], connection)
        self.assert_serves(url)
        asked = [one for one in self.btp.forms if "client_secret" not in one]
        self.assertEqual([(CLIENT, "first")], [(one["client_id"], one["seen_as"]) for one in asked])
        self.assertIn("connectivity_certificate_expires_at", account["auth"])
        self.assertNotIn("connectivity_private_key_pem", account["auth"])
        for change, wrong in (({"connectivity_private_key_pem": None},
                               "connectivity_private_key_pem"),
                              ({"connectivity_client_secret": SECRET},
                               "connectivity_client_secret"),
                              ({"connectivity_token_url": self.btp.url + "/oauth/token"},
                               "connectivity_token_url"),
                              ({"connectivity_client_id": None}, "connectivity_client_id"),
                              ({"connectivity_private_key_pem": self.second.key},
                               "connectivity_private_key_pem")):
            auth = {name: value for name, value in self.asked(**dict(through, **change))[0].items()
                    if value is not None}
            error = self.refused(auth, connection)
            self.assertEqual(["/auth/" + wrong], [d["pointer"] for d in error["details"]], change)

    def test_fields_of_the_destination_go_along(self):
        self.btp.destinations["S4 production"] = lambda: self.described(
            URL=self.btp.url, **{"URL.headers.X-Gateway-Key": "k3y-of-the-gateway"})
        auth, connection = self.asked()
        _, url = self.connect(auth, dict(connection, base_url=self.btp.url))
        self.assert_serves(url)
        self.assertEqual(self.btp.keyed[-1][1]["X-Gateway-Key"], "k3y-of-the-gateway")
        self.btp.destinations["S4 production"] = lambda: self.described(
            **{"URL.headers.Host": "evil.example"})
        error = self.refused(auth, connection)
        self.assertIn("URL.headers", error["message"])


class TestApiManagement(SapCase):
    def gateway(self, **more):
        return (dict({"scheme": "sap_api_key", "api_key": "k3y-of-the-gateway",
                      "username": self.mock["username"], "password": self.mock["password"]},
                     **more),
                {"route": "api_management", "base_url": self.btp.url + "/gateway",
                 "api_key_header": "X-Gateway-Key", "sap_client": self.mock["client"]})

    def test_the_key_goes_in_the_field_that_was_named(self):
        _, url = self.connect(*self.gateway())
        self.assert_serves(url)
        path, headers = self.btp.keyed[-1]
        self.assertTrue(path.startswith("/gateway/sap/opu/odata/sap/"), path)
        self.assertEqual(headers["X-Gateway-Key"], "k3y-of-the-gateway")
        self.assert_kept_to_itself("k3y-of-the-gateway", self.mock["password"])

    def test_a_wrong_key_is_told_with_the_gateways_code(self):
        error = self.refused(*self.gateway(api_key="wrong"))
        self.assertEqual(error["upstream"]["status"], 401)
        self.assertEqual(error["upstream"]["code"], "oauth.v2.InvalidApiKey")
        self.assertEqual(len(self.btp.keyed), 1)


if __name__ == "__main__":
    main()
