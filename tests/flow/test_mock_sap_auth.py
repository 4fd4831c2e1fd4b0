# SPDX-License-Identifier: Apache-2.0
"""The SAP mock's token hosts and services. Clients: http.client, ssl and the openssl program."""
import http.client
import json
import subprocess
import unittest
import urllib.parse

from mock_sap import FORM, PARTNERS, MockCase, basic, make_certificate, text_of


class TestXsuaa(MockCase):
    def body(self, **more):
        return {"client_id": self.mock["client_id"],
                "client_secret": self.mock["client_secret"], **more}

    def test_a_secret_in_the_body_or_by_basic(self):
        url = self.mock["token_url"]
        status, body = self.token(url, **self.body())
        self.assertEqual((status, body["token_type"], body["expires_in"]), (200, "bearer", 43199))
        self.assertEqual(len(body["access_token"].split(".")), 3)
        self.assertEqual(self.erp(body["access_token"]), 200)
        header = {"Authorization": basic(self.mock["client_id"], self.mock["client_secret"])}
        self.assertEqual(self.erp(self.good(url, header)), 200)

    def test_a_plus_in_a_secret_by_basic_has_to_be_encoded_and_said_so(self):
        url, client = self.mock["token_url"], self.mock["destination"]
        self.assertIn("+", client["client_secret"])
        raw = {"Authorization": basic(client["client_id"], client["client_secret"])}
        self.assertEqual(self.token(url, raw)[0], 401)
        coded = {"Authorization": basic(urllib.parse.quote(client["client_id"], safe=""),
                                        urllib.parse.quote(client["client_secret"], safe=""))}
        self.assertEqual(self.token(url, coded)[0], 401)
        coded["X-CF-ENCODED-CREDENTIALS"] = "true"
        self.assertEqual(self.token(url, coded)[0], 200)
        self.assertEqual(self.token(url, **client)[0], 200)

    def test_refusals_are_worded_as_xsuaa_words_them(self):
        url = self.mock["token_url"]
        for change in ({"client_secret": "wrong"}, {"client_secret": None}, {"client_id": "x"},
                       {"client_id": None}):
            status, body = self.token(url, **self.body(**change))
            self.assertEqual((status, body), (401, {"error": "invalid_client",
                                                    "error_description": "Bad credentials"}))
        status, fields, _ = self.ask("POST", url, {"Content-Type": FORM},
                                     "grant_type=client_credentials")
        self.assertEqual(status, 401)
        self.assertIn('realm="UAA/client"', fields["www-authenticate"])
        self.assertEqual(self.token(url, **self.body(grant_type="password"))[1]["error"],
                         "unsupported_grant_type")
        self.assertEqual(self.token(url, **self.body(grant_type=None))[0], 400)
        self.assertEqual(self.ask("GET", url)[0], 405)

    def test_a_token_opens_what_its_client_is_for(self):
        self.assertEqual(self.erp(self.good(self.mock["token_url"],
                                            **self.mock["destination"])), 401)

    def test_tokens_end_with_their_time_and_by_order(self):
        self.control("PUT", "/oauth2", {"access_token_seconds": 60})
        status, body = self.token(self.mock["token_url"], **self.body())
        self.assertEqual((status, body["expires_in"]), (200, 60))
        self.control("PUT", "/clock", {"skew_seconds": 59})
        self.assertEqual(self.erp(body["access_token"]), 200)
        self.control("PUT", "/clock", {"skew_seconds": 61})
        self.assertEqual(self.erp(body["access_token"]), 401)
        token = self.good(self.mock["token_url"], **self.body())
        self.control("POST", "/tokens/expire", {"client": "ias"})
        self.assertEqual(self.erp(token), 200)
        self.control("POST", "/tokens/expire", {"client": "erp"})
        self.assertEqual(self.erp(token), 401)

    def test_control_calls_that_make_no_sense_are_refused(self):
        self.control("PUT", "/oauth2", {"access_token_seconds": 0}, 400)
        self.control("PUT", "/clock", {"skew_seconds": "1"}, 400)
        self.control("POST", "/tokens/expire", {"client": "nobody"}, 400)
        for pem in ("", "nonsense", "x" * 20000):
            self.control("POST", "/certificates", {"certificate_pem": pem}, 400)


class TestCertificates(MockCase):
    def fetch(self, certificate, **fields):
        return self.token(self.mock["mtls_token_url"], None, certificate,
                          **{"client_id": self.mock["client_id"], **fields})

    def test_the_bound_certificate_stands_in_for_the_secret(self):
        status, body = self.fetch(self.mine)
        self.assertEqual(status, 200, body)
        self.assertEqual(self.erp(body["access_token"]), 200)

    def test_no_other_and_no_certificate_are_refused(self):
        twin = make_certificate(self.folder, "twin", subject="tenant")
        refusal = (401, {"error": "invalid_client", "error_description": "Bad credentials"})
        self.assertEqual(self.fetch(twin), refusal)
        self.assertEqual(self.fetch(None), refusal)
        self.assertEqual(self.fetch(self.mine, client_id="x"), refusal)
        plain = self.token(self.mock["token_url"], client_id=self.mock["client_id"])
        self.assertEqual(plain, refusal)

    def test_a_wrong_secret_is_not_made_good_by_a_certificate(self):
        self.assertEqual(self.fetch(self.mine, client_secret="wrong")[0], 401)

    def test_the_port_serves_secrets_too(self):
        self.assertEqual(self.fetch(None, client_secret=self.mock["client_secret"])[0], 200)

    def test_a_certificate_is_good_for_its_days(self):
        self.control("PUT", "/clock", {"skew_seconds": 8 * 86400})
        self.assertEqual(self.fetch(self.mine)[0], 401)
        self.control("PUT", "/clock", {"skew_seconds": -2 * 86400})
        self.assertEqual(self.fetch(self.mine)[0], 401)

    def test_rotation_with_and_without_overlap(self):
        new = make_certificate(self.folder, "new", subject="tenant")
        self.control("POST", "/certificates", {"client": "erp", "certificate_pem": text_of(new[0])})
        self.assertEqual((self.fetch(self.mine)[0], self.fetch(new)[0]), (200, 200))
        self.control("PUT", "/certificates", {"client": "erp", "certificate_pem": text_of(new[0])})
        self.assertEqual((self.fetch(self.mine)[0], self.fetch(new)[0]), (401, 200))
        self.control("PUT", "/certificates", {"certificate_pem": "broken"}, 400)
        self.assertEqual(self.fetch(new)[0], 200)
        self.control("DELETE", "/certificates", {"client": "erp"})
        self.assertEqual(self.fetch(new)[0], 401)

    def test_a_kept_connection_shows_its_old_certificate(self):
        connection = self.connect(self.mock["mtls_token_url"], self.mine)
        self.addCleanup(connection.close)
        form = urllib.parse.urlencode({"grant_type": "client_credentials",
                                       "client_id": self.mock["client_id"]})
        got = []
        for path, body in ((None, None), ("DELETE", {"client": "erp"})):
            if path:
                self.control(path, "/certificates", body)
            connection.request("POST", "/oauth/token", form, {"Content-Type": FORM})
            reply = connection.getresponse()
            reply.read()
            got.append(reply.status)
        self.assertEqual(got, [200, 401])

    def test_openid_configuration_names_both_endpoints(self):
        status, _, text = self.ask("GET", self.mock["url"] + "/.well-known/openid-configuration")
        page = json.loads(text)
        self.assertEqual((status, page["token_endpoint"]), (200, self.mock["token_url"]))
        self.assertEqual(page["mtls_endpoint_aliases"]["token_endpoint"],
                         self.mock["mtls_token_url"])

    def test_openssl_as_client_and_noise_on_the_port(self):
        split = urllib.parse.urlsplit(self.mock["tls_url"])
        for version in ("-tls1_2", "-tls1_3"):
            shown = subprocess.run(
                ["openssl", "s_client", version, "-connect", split.netloc, "-CAfile",
                 self.server[0], "-verify_return_error", "-cert", self.mine[0], "-key",
                 self.mine[1], "-quiet", "-ign_eof"], capture_output=True, text=True, check=False,
                input="GET /.well-known/openid-configuration HTTP/1.1\r\nhost: x\r\n"
                      "connection: close\r\n\r\n")
            self.assertIn("mtls_endpoint_aliases", shown.stdout)
        status = None
        try:
            status = self.ask("GET", "http://" + split.netloc + "/")[0]
        except (http.client.HTTPException, OSError):
            pass
        self.assertIsNone(status)
        self.assertEqual(self.fetch(self.mine)[0], 200)


class TestIas(MockCase):
    def fetch(self, headers=None, certificate=None, **fields):
        url = self.mock["ias"]["mtls_token_url" if certificate else "token_url"]
        return self.token(url, headers, certificate, **fields)

    def pair(self):
        return {name: self.mock["ias"][name] for name in ("client_id", "client_secret")}

    def test_secret_by_body_and_basic_and_certificate(self):
        pair = self.pair()
        for status, body in (
                self.fetch(**pair),
                self.fetch({"Authorization": basic(*(urllib.parse.quote(text, safe="")
                                                     for text in pair.values()))}),
                self.fetch(None, self.mine, client_id=pair["client_id"],
                           app_tid=self.mock["ias"]["app_tid"])):
            self.assertEqual((status, body["token_type"]), (200, "Bearer"))
            self.assertEqual(set(body), {"access_token", "token_type", "expires_in"})
            self.assertEqual(self.erp(body["access_token"]), 200)

    def test_wrong_clients_are_refused(self):
        pair = self.pair()
        twin = make_certificate(self.folder, "ias-twin", subject="tenant")
        for status, body in (self.fetch(**dict(pair, client_secret="x")),
                             self.fetch(client_id=self.mock["client_id"],
                                        client_secret=self.mock["client_secret"]),
                             self.fetch(None, twin, client_id=pair["client_id"])):
            self.assertEqual((status, body["error"]), (401, "invalid_client"))
        self.assertEqual(self.token(self.mock["token_url"], **pair)[0], 401)

    def test_the_parameters_are_read(self):
        pair = self.pair()
        service = "urn:sap:identity:application:service:id:"
        status, body = self.fetch(app_tid="nobody", **pair)
        self.assertEqual((status, body["error"]), (400, "invalid_request"))
        provider = "urn:sap:identity:application:provider:name:"
        status, body = self.fetch(resource=provider + self.mock["ias"]["provider"], **pair)
        self.assertEqual((status, self.erp(body["access_token"])), (200, 200))
        for resource in (service + "nobody", provider + "nobody", "nonsense"):
            status, body = self.fetch(resource=resource, **pair)
            self.assertEqual((status, body["error"]), (400, "invalid_target"))
        status, body = self.fetch(
            resource=service + self.mock["connectivity"]["instance_guid"], **pair)
        self.assertEqual(status, 200)
        self.assertEqual(self.erp(body["access_token"]), 401)


class TestDestinations(MockCase):
    def find(self, name, query="", token=None, method="GET"):
        """(status, body)."""
        if token is None:
            token = self.good(self.mock["token_url"], **{
                key: self.mock["destination"][key] for key in ("client_id", "client_secret")})
        url = "%s/destination-configuration/v1/destinations/%s%s" % (
            self.mock["destination"]["uri"], name, query)
        status, _, text = self.ask(method, url, {"Authorization": "Bearer " + token})
        return status, json.loads(text)

    def call(self, found):
        """Status of a read at the destination, by what was found alone."""
        configuration = found["destinationConfiguration"]
        headers = {"Accept": "application/json"}
        for entry in found.get("authTokens", []):
            headers[entry["http_header"]["key"]] = entry["http_header"]["value"]
        if "sap-client" in configuration:
            headers["sap-client"] = configuration["sap-client"]
        return self.ask("GET", configuration["URL"] + PARTNERS, headers)[0]

    def test_what_was_found_is_enough_for_a_call(self):
        for name, expected in (("S4_NONE", 401), ("S4_BASIC", 200), ("S4_OAUTH", 200)):
            status, found = self.find(name)
            self.assertEqual((status, self.call(found)), (200, expected), name)
            self.assertEqual(set(found["owner"]), {"SubaccountId", "InstanceId"})
            self.assertTrue(all(isinstance(value, str)
                                for value in found["destinationConfiguration"].values()))
        self.assertNotIn("authTokens", self.find("S4_NONE")[1])

    def test_a_token_entry_says_all_of_it_as_text(self):
        entry = self.find("S4_OAUTH")[1]["authTokens"][0]
        self.assertEqual((entry["type"], entry["expires_in"], entry["scope"]),
                         ("bearer", "43199", "uaa.resource"))
        self.assertEqual(entry["http_header"], {"key": "Authorization",
                                                "value": "Bearer " + entry["value"]})

    def test_a_token_that_cannot_be_had_is_200_with_error(self):
        status, found = self.find("S4_BROKEN")
        entry = found["authTokens"][0]
        self.assertEqual((status, entry["type"], entry["value"]), (200, "", ""))
        self.assertIn("Bad credentials", entry["error"])
        self.assertNotIn("http_header", entry)
        good = self.find("S4_OAUTH")[1]["destinationConfiguration"]
        for change in ({"tokenServiceURL": "https://other.example/oauth/token"},
                       {"clientId": "x"}):
            self.control("PUT", "/destinations", dict(good, Name="MINE", **change))
            self.assertTrue(self.find("MINE")[1]["authTokens"][0]["error"])
        self.control("PUT", "/destinations", {"Name": "MINE", "User": "x", "Authentication":
                                              "BasicAuthentication"})
        self.assertIn("Password", self.find("MINE")[1]["authTokens"][0]["error"])
        self.control("DELETE", "/destinations", {"Name": "MINE"})
        self.control("DELETE", "/destinations", {"Name": "MINE"}, 400)

    def test_tokens_are_kept_while_they_live(self):
        first = self.find("S4_OAUTH")[1]["authTokens"][0]
        self.control("PUT", "/clock", {"skew_seconds": 100})
        again = self.find("S4_OAUTH")[1]["authTokens"][0]
        self.assertEqual(again["value"], first["value"])
        self.assertIn(int(again["expires_in"]), range(43090, 43100))
        self.control("POST", "/tokens/expire", {"client": "erp"})
        self.assertNotEqual(self.find("S4_OAUTH")[1]["authTokens"][0]["value"], first["value"])

    def test_token_retrieval_can_be_left_out(self):
        status, found = self.find("S4_OAUTH", "?$skipTokenRetrieval=true")
        self.assertEqual((status, "authTokens" in found), (200, False))

    def test_refusals(self):
        self.assertEqual(self.find("NOBODY")[0], 404)
        self.assertIn("not found", self.find("NOBODY")[1]["ErrorMessage"])
        self.assertEqual(self.find("S4_BASIC", token="x")[0], 401)
        other = self.good(self.mock["token_url"], client_id=self.mock["client_id"],
                          client_secret=self.mock["client_secret"])
        self.assertEqual(self.find("S4_BASIC", token=other)[0], 401)
        self.assertEqual(self.find("S4_BASIC", method="DELETE")[0], 405)
        self.control("POST", "/faults", {"kind": "status", "status": 500, "times": 1,
                                         "match": {"path_regex": "destinations/S4_BASIC$"}})
        self.assertEqual(self.find("S4_BASIC")[0], 500)

    def test_what_is_no_destination_is_refused(self):
        for body in ({}, {"Name": "X"}, {"Name": "X", "Authentication": "SAMLAssertion"},
                     {"Name": "X", "Authentication": "NoAuthentication", "TrustAll": True},
                     {"Name": "X" * 5000, "Authentication": "NoAuthentication"},
                     dict({"p%d" % i: "" for i in range(60)}, Name="X",
                          Authentication="NoAuthentication")):
            self.control("PUT", "/destinations", body, 400)
        self.assertEqual(self.find("X")[0], 404)


class TestConnectivity(MockCase):
    flags = ("--location-id", "plant")

    def setUp(self):
        super().setUp()
        self.proxy_token = self.good(self.mock["token_url"], **{
            key: self.mock["connectivity"][key] for key in ("client_id", "client_secret")})

    def through(self, path=PARTNERS + "A_Supplier?$top=1", host=None, scheme="http",
                method="GET", **change):
        """(status, {name: value}, text) of a request by the proxy; a header None is left out."""
        service = self.mock["connectivity"]
        headers = {"Proxy-Authorization": "Bearer " + self.proxy_token,
                   "SAP-Connectivity-SCC-Location_ID": "plant", "Accept": "application/json",
                   "Authorization": basic(self.mock["username"], self.mock["password"]),
                   "sap-client": self.mock["client"]}
        headers.update({name.replace("_", "-"): value for name, value in change.items()
                        if name != "location"})
        if "location" in change:
            headers["SAP-Connectivity-SCC-Location_ID"] = change["location"]
        connection = http.client.HTTPConnection(
            service["onpremise_proxy_host"], int(service["onpremise_proxy_http_port"]), timeout=60)
        try:
            connection.request(method, "%s://%s%s" % (scheme, host or service["virtual_host"], path),
                               headers={k: v for k, v in headers.items() if v is not None})
            reply = connection.getresponse()
            return (reply.status, {k.lower(): v for k, v in reply.getheaders()},
                    reply.read().decode())
        finally:
            connection.close()

    def test_a_read_reaches_the_system_under_its_virtual_name(self):
        status, _, text = self.through()
        self.assertEqual(status, 200, text)
        uri = json.loads(text)["d"]["results"][0]["__metadata"]["uri"]
        self.assertTrue(uri.startswith("http://" + self.mock["connectivity"]["virtual_host"]))

    def test_a_destination_says_the_way(self):
        token = self.good(self.mock["token_url"], **{
            key: self.mock["destination"][key] for key in ("client_id", "client_secret")})
        _, _, text = self.ask("GET", self.mock["url"] +
                              "/destination-configuration/v1/destinations/S4_ON_PREMISE",
                              {"Authorization": "Bearer " + token})
        found = json.loads(text)
        configuration = found["destinationConfiguration"]
        self.assertEqual(configuration["ProxyType"], "OnPremise")
        self.assertEqual(self.through(
            host=urllib.parse.urlsplit(configuration["URL"]).netloc,
            location=configuration["CloudConnectorLocationId"],
            Authorization=found["authTokens"][0]["http_header"]["value"])[0], 200)

    def test_without_a_living_token_of_the_service_it_is_407(self):
        erp = self.good(self.mock["token_url"], client_id=self.mock["client_id"],
                        client_secret=self.mock["client_secret"])
        for value in (None, "Bearer x", "Bearer " + erp, "Basic " + self.proxy_token):
            status, fields, _ = self.through(Proxy_Authorization=value)
            self.assertEqual((status, fields["proxy-authenticate"]), (407, "Bearer"))
        self.control("POST", "/tokens/expire", {"client": "connectivity"})
        self.assertEqual(self.through()[0], 407)
        self.assertEqual(self.control("GET", "/stats")["requests"], 0)

    def test_a_token_of_ias_for_the_service_will_do(self):
        token = self.good(self.mock["ias"]["token_url"], resource="urn:sap:identity:application:"
                          "service:id:" + self.mock["connectivity"]["instance_guid"],
                          **{key: self.mock["ias"][key] for key in ("client_id", "client_secret")})
        self.assertEqual(self.through(Proxy_Authorization="Bearer " + token)[0], 200)

    def test_without_the_right_connector_it_is_503(self):
        for location in (None, "other"):
            self.assertEqual(self.through(location=location)[0], 503)
        self.control("PUT", "/connectivity", {"connected": False})
        self.assertEqual(self.through()[0], 503)
        self.control("PUT", "/connectivity", {"connected": True, "location_id": ""})
        self.assertEqual(self.through(location=None)[0], 200)

    def test_a_host_that_is_not_exposed_is_403(self):
        for host in ("other:44300", "s4.virtual", "s4.virtual:443"):
            status, _, text = self.through(host=host)
            self.assertEqual(status, 403)
            self.assertIn("Access denied to system " + host, text)
        self.control("PUT", "/connectivity", {"virtual_host": "erp:80"})
        self.assertEqual(self.through(host="erp")[0], 200)

    def test_https_targets_and_connect_are_405(self):
        self.assertEqual(self.through(scheme="https")[0], 405)
        connection = http.client.HTTPConnection(
            *urllib.parse.urlsplit(self.mock["url"]).netloc.split(":"), timeout=60)
        self.addCleanup(connection.close)
        connection.set_tunnel("s4.virtual", 44300)
        with self.assertRaisesRegex(OSError, "405"):
            connection.request("GET", "/")

    def test_long_lines_are_refused(self):
        self.assertEqual(self.through(path=PARTNERS + "?" + "x" * 8200)[0], 400)
        self.assertEqual(self.through(X_Long="x" * 8200)[0], 400)

    def test_the_system_checks_its_own_logon(self):
        self.assertEqual(self.through(Authorization=None)[0], 401)
        self.assertEqual(self.through(sap_client="999")[0], 401)
        cloud = self.mock["communication"]
        self.assertEqual(self.through(
            Authorization=basic(cloud["username"], cloud["password"]))[0], 401)

    def test_a_users_token_takes_the_place_of_a_logon(self):
        user = "Bearer " + self.control("POST", "/user-tokens")["token"]
        propagated = {"SAP_Connectivity_Authentication": user}
        self.assertEqual(self.through(Authorization=None, **propagated)[0], 200)
        self.assertEqual(self.through(**propagated)[0], 400)
        self.assertEqual(self.through(Authorization=None, SAP_Connectivity_Authentication=(
            "Bearer " + self.proxy_token))[0], 401)
        self.assertEqual(self.ask("GET", self.mock["url"] + PARTNERS, {
            "SAP-Connectivity-Authentication": user})[0], 401)

    def test_control_calls_that_make_no_sense_are_refused(self):
        for body in ({"connected": 1}, {"virtual_host": "x" * 201}, {"location_id": 1}):
            self.control("PUT", "/connectivity", body, 400)
        self.assertEqual(self.through()[0], 200)


class TestControl(MockCase):
    def fetch(self):
        return self.token(self.mock["token_url"], client_id=self.mock["client_id"],
                          client_secret=self.mock["client_secret"])

    def test_token_requests_are_counted_by_endpoint(self):
        self.fetch()
        self.fetch()
        self.token(self.mock["ias"]["token_url"])
        stats = self.control("GET", "/stats")
        self.assertEqual(stats["token_requests"], 3)
        self.assertEqual(stats["token_endpoints"], {
            "/oauth/token": {"requests": 2, "in_flight": 0, "in_flight_peak": 1},
            "/oauth2/token": {"requests": 1, "in_flight": 0, "in_flight_peak": 1}})

    def test_the_next_requests_fail_as_a_token_host_fails(self):
        self.control("POST", "/faults", {"match": {"path_regex": "^/oauth/token$"}, "times": 2,
                                         "kind": "status", "status": 503})
        self.assertEqual([self.fetch()[0] for _ in range(3)], [503, 503, 200])
        self.control("POST", "/faults", {"match": {"path_regex": "^/oauth/token$"}, "times": 1,
                                         "kind": "status", "status": 429,
                                         "headers": {"Retry-After": "7"}})
        status, fields, text = self.ask("POST", self.mock["token_url"])
        self.assertEqual((status, fields["retry-after"]), (429, "7"))
        self.assertIn("error", json.loads(text))

    def test_the_second_answer_is_lost_after_its_token_was_made(self):
        self.control("POST", "/faults", {"match": {"path_regex": "^/oauth/token$"}, "skip": 1,
                                         "times": 1, "kind": "after_commit_drop"})
        self.assertEqual(self.fetch()[0], 200)
        with self.assertRaises((http.client.HTTPException, ConnectionError)):
            self.fetch()
        self.assertEqual(self.fetch()[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
