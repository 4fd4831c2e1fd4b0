# SPDX-License-Identifier: Apache-2.0
"""mock-netsuite and the client credentials flow: certificates and the assertions they sign.

Run: SLUICE_BIN=build/bin python3 -m unittest discover -s tests/flow -p 'test_mock_netsuite*.py'
"""
import json
import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mock_netsuite import RECORD, RESTLET
from mock_netsuite_oauth import TOKEN, Client, Key, OAuthCase, b64url, claims_of, jwt

CURRENCY = RECORD + "/currency/1"
SCRIPT = RESTLET + "?script=customscript_x&deploy=1"


class ClientCredentials(OAuthCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.rsa = Key(cls.folder.name)
        cls.p256 = Key(cls.folder.name, "ec", "prime256v1")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.client = Client(self.mock, client_credentials=True)
        self.rsa_id = self.mapped(self.rsa)
        self.p256_id = self.mapped(self.p256)

    def mapped(self, key, **more):
        status, said = self.client.map(key, **more)
        self.assertEqual(200, status, said)
        return said["certificate_id"]

    def by_rsa(self, **change):
        return self.client.assert_with(self.rsa, self.rsa_id, "PS256", **change)

    def by_p256(self, **change):
        return self.client.assert_with(self.p256, self.p256_id, "ES256", **change)

    def test_every_algorithm_gives_an_access_token_and_nothing_more(self):
        p384, p521 = (Key(self.folder.name, "ec", curve) for curve in ("secp384r1", "secp521r1"))
        for key, kid, algorithms in ((self.rsa, self.rsa_id, ("PS256", "PS384", "PS512")),
                                     (self.p256, self.p256_id, ("ES256",)),
                                     (p384, self.mapped(p384), ("ES384",)),
                                     (p521, self.mapped(p521), ("ES512",))):
            for alg in algorithms:
                with self.subTest(alg):
                    answer = self.client.assert_with(key, kid, alg)
                    self.assertEqual(200, answer.status, answer.body)
                    self.assertEqual({"access_token", "expires_in", "token_type"},
                                     set(answer.json))
                    self.assertEqual((3600, "Bearer"),
                                     (answer.json["expires_in"], answer.json["token_type"]))
                    token = answer.json["access_token"]
                    self.assertEqual([200, 200], [self.client.get(token, target).status
                                                  for target in (CURRENCY, SCRIPT)])

    def test_an_algorithm_must_be_one_of_netsuites_and_fit_the_key(self):
        for key, kid, alg, error, reason in (
                (self.rsa, self.rsa_id, "RS256", "invalid_request", "UnsupportedAlgo"),
                (self.rsa, self.p256_id, "PS256", "invalid_client", "SignatureValidation"),
                (self.p256, self.rsa_id, "ES256", "invalid_client", "SignatureValidation"),
                (self.p256, self.p256_id, "ES384", "invalid_client", "SignatureValidation")):
            self.refused(self.client.assert_with(key, kid, alg), error, reason)
        none = b64url(json.dumps({"alg": "none", "typ": "JWT", "kid": self.rsa_id}).encode())
        claims = b64url(json.dumps(self.client.claims()).encode())
        for signature in ("", "AAAA"):
            self.refused(self.client.send_assertion("%s.%s.%s" % (none, claims, signature)),
                         "invalid_request")

    def test_a_signature_in_der_and_a_changed_claim_prove_nobody(self):
        head, _, _ = jwt(self.p256, "ES256", self.client.claims(), kid=self.p256_id).rpartition(".")
        der = self.p256.sign(head.encode(), "RS256")  # openssl's own form
        self.refused(self.client.send_assertion(head + "." + b64url(der)), "invalid_client")
        raw = self.p256.sign(head.encode(), "ES256")
        self.refused(self.client.send_assertion(head + "." + b64url(raw + b"\0")), "invalid_client")
        self.assertEqual(200, self.client.send_assertion(head + "." + b64url(raw)).status)
        good = jwt(self.rsa, "PS256", self.client.claims(), kid=self.rsa_id)
        head, _, signature = good.split(".")
        changed = b64url(json.dumps(self.client.claims(exp=int(time.time()) + 60)).encode())
        self.refused(self.client.send_assertion(".".join((head, changed, signature))),
                     "invalid_client", "SignatureValidation")

    def test_texts_that_are_no_assertion_are_invalid_requests(self):
        good = jwt(self.rsa, "PS256", self.client.claims(), kid=self.rsa_id)
        head, claims, signature = good.split(".")
        for text in ("", "a.b.c", good + ".x", head + "." + claims, good + "=", "[]." + claims,
                     ".".join((head, b64url(b"[1]"), signature)), "x" * 9000):
            self.refused(self.client.send_assertion(text), "invalid_request")
        self.refused(self.client.send_assertion(good, client_assertion_type="other"),
                     "invalid_request")
        self.refused(self.client.send_assertion(good, headers={"Authorization": self.client.basic()}),
                     "invalid_request")
        self.assertEqual(200, self.client.send_assertion(good).status)

    def test_what_the_header_and_the_claims_must_hold(self):
        now = int(time.time())
        for change, error, reason in (
                ({"header": {"typ": None}}, "invalid_request", "InvalidRequest"),
                ({"header": {"kid": None}}, "invalid_request", "MissingKeyId"),
                ({"header": {"kid": "unknown"}}, "invalid_client", "MissingKey"),
                ({"iss": None}, "invalid_request", "InvalidRequest"),
                ({"iss": "nobody"}, "invalid_client", "ClientAuthenticationFailed"),
                ({"aud": None}, "invalid_request", "InvalidRequest"),
                ({"aud": "https://example.com" + TOKEN}, "invalid_grant", "TokenNotAcceptable"),
                ({"iat": None}, "invalid_request", "InvalidRequest"),
                ({"iat": str(now)}, "invalid_request", "InvalidRequest"),
                ({"exp": None}, "invalid_request", "InvalidRequest"),
                ({"iat": now - 7200, "exp": now - 3601}, "invalid_grant", "TokenExpired"),
                ({"iat": now, "exp": now + 3601}, "invalid_grant", "TokenValidityTooBroad"),
                ({"iat": now + 600, "exp": now + 1200}, "invalid_grant", "TokenNotAcceptable"),
                ({"exp": 10 ** 17}, "invalid_grant", "TokenValidityTooBroad"),
                ({"scope": None}, "invalid_scope", "ScopeMismatched"),
                ({"scope": []}, "invalid_scope", "ScopeMismatched"),
                ({"scope": ["everything"]}, "invalid_scope", "ScopeMismatched"),
                ({"scope": ["suite_analytics"]}, "invalid_scope", "ScopeMismatched"),
                ({"scope": "mcp"}, "invalid_scope", "ScopeMismatched")):
            with self.subTest(str(change)):
                self.mock.control("POST", "/reset")
                kid = change.get("header", {}).pop("kid", self.rsa_id)
                self.refused(self.client.assert_with(self.rsa, kid, "PS256", **change), error)
                self.assertEqual({reason}, self.audit())

    def test_the_audience_is_the_token_endpoint_as_called_or_as_netsuite_names_it(self):
        real = "https://tstdrv1234567.suitetalk.api.netsuite.com" + TOKEN
        self.assertEqual(200, self.by_p256(aud=real).status)
        host = "tstdrv1234567.suitetalk.api.netsuite.com"
        self.assertEqual(200, self.by_p256(aud="http://" + host + TOKEN, host=host).status)
        self.refused(self.by_p256(aud=real, host="other.suitetalk.api.netsuite.com"),
                     "invalid_client")

    def test_the_scope_is_an_array_or_a_text_and_holds(self):
        for scope, statuses in (("rest_webservices", [200, 401]), (["restlets"], [401, 200]),
                                ("restlets,rest_webservices", [200, 200])):
            token = self.by_p256(scope=scope).json["access_token"]
            self.assertEqual(statuses, [self.client.get(token, target).status
                                        for target in (CURRENCY, SCRIPT)], scope)

    def test_a_revoked_certificate_ends_its_tokens(self):
        token = self.by_p256().json["access_token"]
        other = self.by_rsa().json["access_token"]
        self.assertEqual(["client_credentials"] * 2,
                         [g["kind"] for g in self.control("GET", "/grants")["grants"]])
        self.control("DELETE", "/certificates/" + self.p256_id, {"client_id": self.client.id})
        self.refused(self.by_p256(), "invalid_client", "MissingKey")
        self.assertEqual([401, 200], [self.client.get(t, CURRENCY).status for t in (token, other)])
        self.assertEqual(1, len(self.control("GET", "/grants")["grants"]))

    def test_a_revoked_grant_ends_its_tokens_and_a_new_one_can_be_had(self):
        token = self.by_p256().json["access_token"]
        self.control("DELETE", "/grants/" + self.control("GET", "/grants")["grants"][0]["id"])
        self.assertEqual(401, self.client.get(token, CURRENCY).status)
        token = self.by_p256().json["access_token"]
        self.assertEqual(200, self.client.get(token, CURRENCY).status)

    def test_a_certificate_expires(self):
        short = Key(self.folder.name, "ec", "prime256v1", days="1")
        kid = self.mapped(short)
        self.assertEqual(200, self.client.assert_with(short, kid, "ES256").status)
        later = int(time.time()) + 2 * 86400
        self.pass_time(2 * 86400)
        self.refused(self.client.assert_with(short, kid, "ES256", iat=later, exp=later + 600),
                     "invalid_client", "MissingKey")

    def test_which_certificates_are_mapped(self):
        long = Key(self.folder.name, "ec", "prime256v1", days="4000")
        status, said = self.client.map(long, certificate_id="chosen-1_A")
        self.assertEqual((200, "chosen-1_A"), (status, said["certificate_id"]))
        self.assertLessEqual(said["ends_at"], time.time() + 730 * 86400 + 5)
        self.assertEqual(400, self.client.map(long, certificate_id="chosen-1_A")[0])
        self.assertEqual(400, self.client.map(long, certificate_id="no spaces")[0])
        for weak in (Key(self.folder.name, size="2048"), Key(self.folder.name, "ec", "secp224r1")):
            self.assertIn("3072", self.client.map(weak)[1]["error"])
        with open(self.rsa.key, encoding="ascii") as file:
            key = file.read()
        for pem in ("", "nonsense", key, "x" * 20000):
            self.assertEqual(400, self.mock.control("POST", "/certificates", {
                "client_id": self.client.id, "certificate_pem": pem})[0])
        self.mapped(self.rsa)
        self.mapped(self.rsa)
        self.assertIn("five", self.client.map(self.rsa)[1]["error"])
        self.control("DELETE", "/certificates/" + self.rsa_id, {"client_id": self.client.id})
        self.mapped(self.rsa)
        self.assertEqual(404, self.mock.control("DELETE", "/certificates/unknown",
                                                {"client_id": self.client.id})[0])

    def test_a_record_without_the_flow_maps_none(self):
        plain = Client(self.mock)
        self.assertEqual(400, plain.map(self.rsa)[0])
        self.assertEqual(400, self.mock.control("POST", "/integrations", {
            "public": True, "client_credentials": True})[0])

    def test_it_is_counted_and_the_secret_is_no_way_in(self):
        self.by_p256()
        form = {"grant_type": "client_credentials"}
        self.refused(self.client.post(TOKEN, form), "invalid_request")
        self.assertEqual(2, self.mock.stats()["token_grants"]["client_credentials"])
        self.assertEqual("1000;12", claims_of(self.by_p256().json["access_token"])["sub"])


class ControlPort(OAuthCase):
    def test_records_that_make_no_sense_are_refused(self):
        Client(self.mock, client_id="taken")
        for record in ({"client_id": "taken"}, {"client_id": ""}, {"client_id": "a:b"},
                       {"client_id": 7}, {"name": "x" * 201}, {"scope": "all"},
                       {"scope": "mcp restlets"}, {"redirect_uris": "https://x"},
                       {"redirect_uris": ["http://x/y"]}, {"redirect_uris": ["https://x/#y"]},
                       {"redirect_uris": ["https://x y"]}, {"redirect_uris": [None]},
                       {"redirect_uris": ["https://x"] * 9}, {"consent_policy": "sometimes"},
                       {"refresh_hours": 0}, {"rotation_hours": 721}, {"refresh_hours": "1"}):
            status, said = self.mock.control("POST", "/integrations", record)
            self.assertEqual((400, True), (status, "error" in said), record)

    def test_http_callbacks_are_for_tests_only(self):
        record = {"redirect_uris": ["http://127.0.0.1:9/back"]}
        self.assertEqual(400, self.mock.control("POST", "/integrations", record)[0])
        Client(self.mock, allow_http=True, **record)

    def test_settings_that_make_no_sense_change_nothing(self):
        self.set(consent="allow")
        for settings in ({"consent": "maybe"}, {"company": ""}, {"company": "x" * 41},
                         {"company": 7}, {"grant_seconds": 0}, {"code_seconds": 1.5},
                         {"access_token_seconds": 10 ** 10}):
            status, said = self.mock.control("PUT", "/oauth2", {"consent": "page", **settings})
            self.assertEqual((400, True), (status, "error" in said), settings)
        self.assertEqual(302, Client(self.mock).authorize()[0].status)


if __name__ == "__main__":
    unittest.main()
