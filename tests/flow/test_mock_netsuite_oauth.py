# SPDX-License-Identifier: Apache-2.0
"""mock-netsuite as an OAuth 2.0 server, seen from outside: consent, codes, tokens, assertions.

Run: SLUICE_BIN=build/bin python3 -m unittest discover -s tests/flow -p 'test_mock_netsuite*.py'
"""
import http.client
import json
import os
import secrets
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mock_netsuite import RECORD, RESTLET, authorization
from mock_netsuite_oauth import (AUTHORIZE, CALLBACK, FORM, KEYS, REVOKE, TOKEN, Client, Forms,
                                 OAuthCase, claims_of, verify_ps256)

CURRENCY = RECORD + "/currency/1"
SCRIPT = RESTLET + "?script=customscript_x&deploy=1"


class Authorize(OAuthCase):
    def setUp(self):
        super().setUp()
        self.client = Client(self.mock, name='Till & "Co"'.replace('"', "'"))

    def test_the_page_says_who_asks_for_what_and_holds_two_buttons(self):
        page, _, _ = self.client.authorize()
        self.assertEqual((200, "text/html; charset=UTF-8", "no-store", "DENY"),
                         (page.status, page.headers["content-type"],
                          page.headers["cache-control"], page.headers["x-frame-options"]))
        self.assertNotIn("Till & 'Co'", page.body.decode())
        form = Forms(page.body.decode())
        self.assertEqual("Till & 'Co'", form.texts["application"])
        self.assertEqual(self.mock.who.account_id, form.texts["account"])
        self.assertEqual({"allow", "deny"}, set(form.buttons))
        self.assertNotRegex(page.body.decode(), r"(src|href)=")

    def test_allow_comes_back_with_code_state_role_entity_and_company(self):
        page, state, _ = self.client.authorize()
        back = self.client.press(page, "allow")
        location = back.headers["location"]
        self.assertTrue(location.startswith(CALLBACK + "?state="), location)
        said = self.client.back(back)
        self.assertRegex(said.pop("code"), r"^[0-9a-f]{64}$")
        self.assertEqual({"state": state, "role": "1000", "entity": "12",
                          "company": self.mock.who.account_id}, said)

    def test_deny_comes_back_with_an_error(self):
        page, state, _ = self.client.authorize()
        self.assertEqual({"state": state, "role": "1000", "entity": "12", "error": "access_denied",
                          "company": self.mock.who.account_id},
                         self.client.back(self.client.press(page, "deny")))
        self.assertEqual({"AuthorizationExplicitlyDenied"}, self.audit())

    def test_a_page_can_be_answered_once_and_not_for_long(self):
        page, _, _ = self.client.authorize()
        self.assertEqual(302, self.client.press(page, "allow").status)
        self.assertEqual(400, self.client.press(page, "allow").status)
        page, _, _ = self.client.authorize()
        self.pass_time(601)
        self.assertEqual(400, self.client.press(page, "allow").status)

    def test_an_unknown_client_and_another_address_stay_on_a_page(self):
        for change, error, reason in (
                ({"client_id": "nobody"}, "unauthorized_client", "UnknownIntegration"),
                ({"client_id": None}, "unauthorized_client", "UnknownIntegration"),
                ({"redirect_uri": CALLBACK + "/"}, "invalid_request", "InvalidRedirectURI"),
                ({"redirect_uri": CALLBACK + "?a=1"}, "invalid_request", "InvalidRedirectURI"),
                ({"redirect_uri": None}, "invalid_request", "InvalidRedirectURI")):
            with self.subTest(str(change)):
                self.mock.control("POST", "/reset")
                page, _, _ = self.client.authorize(**change)
                self.assertEqual((400, False), (page.status, "location" in page.headers))
                self.assertEqual(error, Forms(page.body.decode()).texts["error"])
                self.assertEqual({reason}, self.audit())

    def test_what_is_wrong_otherwise_goes_back_as_an_error(self):
        for change, error, reason in (
                ({"response_type": None}, "invalid_request", "InvalidRequest"),
                ({"response_type": "token"}, "unsupported_response_type", "UnsupportedResponseType"),
                ({"state": None}, "invalid_request", "InvalidState"),
                ({"state": "x" * 21}, "invalid_request", "InvalidState"),
                ({"state": "x" * 1025}, "invalid_request", "InvalidState"),
                ({"state": "x" * 22 + "\t"}, "invalid_request", "InvalidState"),
                ({"state": "x" * 22 + "\u00f8"}, "invalid_request", "InvalidState"),
                ({"scope": None}, "invalid_request", "InvalidRequest"),
                ({"scope": "everything"}, "invalid_scope", "ScopeMismatched"),
                ({"scope": "suite_analytics"}, "invalid_scope", "ScopeMismatched"),
                ({"scope": "mcp restlets"}, "invalid_scope", "ScopeMismatched"),
                ({"code_challenge": "short"}, "invalid_request", "InvalidRequest"),
                ({"code_challenge": "+" * 43}, "invalid_request", "InvalidRequest"),
                ({"code_challenge_method": "plain"}, "invalid_request", "InvalidRequest"),
                ({"code_challenge_method": None}, "invalid_request", "InvalidRequest"),
                ({"code_challenge": None}, "invalid_request", "InvalidRequest"),
                ({"prompt": "always"}, "invalid_request", "InvalidRequest")):
            with self.subTest(str(change)[:60]):
                self.mock.control("POST", "/reset")
                answer, state, _ = self.client.authorize(**change)
                said = self.client.back(answer)
                self.assertEqual(error, said["error"])
                self.assertEqual(state if state and len(state) <= 1024 else None,
                                 said.get("state"))
                self.assertNotIn("code", said)
                self.assertEqual({reason}, self.audit())

    def test_a_parameter_may_not_stand_twice(self):
        self.assertEqual(400, self.client.ask(
            "GET", AUTHORIZE + "?client_id=a&client_id=b").status)

    def test_states_of_both_lengths_serve_once(self):
        self.set(consent="allow")
        for state in (secrets.token_hex(11), "~ &=?/+%" * 128):
            answer, _, _ = self.client.authorize(state=state)
            said = self.client.back(answer)
            self.assertEqual(state, said["state"])
            self.assertIn("code", said)
            again = self.client.back(self.client.authorize(state=state)[0])
            self.assertEqual("invalid_request", again["error"])
        self.assertEqual({"InvalidState": 2}, self.mock.stats()["auth_failures"])

    def test_a_query_of_the_callback_stays(self):
        uri = CALLBACK + "?tenant=7"
        client = Client(self.mock, redirect_uris=[CALLBACK, uri, "myapp://back"])
        self.set(consent="allow")
        for target in (uri, "myapp://back"):
            location = client.authorize(redirect_uri=target)[0].headers["location"]
            self.assertTrue(location.startswith(target + ("&" if "?" in target else "?")), location)

    def test_the_control_port_consents_denies_and_names_another_company(self):
        self.set(consent="allow", company="OTHER_SB1")
        said = self.client.back(self.client.authorize()[0])
        self.assertEqual((True, "OTHER_SB1"), ("code" in said, said["company"]))
        self.set(consent="deny", company=None)
        said = self.client.back(self.client.authorize()[0])
        self.assertEqual(("access_denied", self.mock.who.account_id),
                         (said["error"], said["company"]))

    def test_the_consent_policy_and_the_prompt_decide_whether_the_page_comes(self):
        def page(client, **change):
            answer, _, _ = client.authorize(**change)
            return answer.status == 200

        never = Client(self.mock, consent_policy="never_ask")
        first = Client(self.mock, consent_policy="ask_first_time")
        self.assertEqual((True, True), (page(self.client), page(self.client, prompt="none")))
        self.assertEqual((False, False, True),
                         (page(never), page(never, prompt="login"), page(never, prompt="consent")))
        self.assertTrue(page(first))
        first.connect(scope="restlets")
        self.assertEqual((False, False, True, True),
                         (page(first, scope="restlets"), page(first, scope="restlets", prompt="none"),
                          page(first, scope="restlets", prompt="login consent"),
                          page(first, scope="restlets rest_webservices")))

    def test_a_public_client_and_the_scope_mcp_need_a_challenge(self):
        public = Client(self.mock, public=True)
        mcp = Client(self.mock, scope="mcp")
        self.set(consent="allow")
        none = {"code_challenge": None, "code_challenge_method": None}
        for client, change, works in ((self.client, none, True), (public, none, False),
                                      (public, {}, True), (mcp, dict(none, scope="mcp"), False),
                                      (mcp, {"scope": "mcp"}, True),
                                      (mcp, {"scope": "mcp", "prompt": "none"}, False)):
            said = client.back(client.authorize(**change)[0])
            self.assertEqual(works, "code" in said, said)

    def test_a_client_without_the_grant_is_not_authorized(self):
        client = Client(self.mock, authorization_code=False)
        self.assertEqual("unauthorized_client", client.back(client.authorize()[0])["error"])

    def test_a_host_of_another_account_does_not_know_the_client(self):
        for host, status in (("tstdrv1234567.app.netsuite.com", 200),
                             ("system.netsuite.com", 200), ("tstdrv1234567.localhost:1", 200),
                             ("other.app.netsuite.com", 400), ("other.localhost", 400)):
            self.assertEqual(status, self.client.authorize(host=host)[0].status, host)


class Tokens(OAuthCase):
    def setUp(self):
        super().setUp()
        self.set(consent="allow")
        self.client = Client(self.mock)
        self.public = Client(self.mock, public=True)

    def test_a_code_gives_an_access_and_a_refresh_token(self):
        answer = self.client.redeem(*self.client.code())
        said = answer.json
        self.assertEqual((200, "no-store"), (answer.status, answer.headers["cache-control"]))
        self.assertEqual({"access_token", "refresh_token", "expires_in", "token_type"}, set(said))
        self.assertEqual((3600, "bearer"), (said["expires_in"], said["token_type"]))
        self.assertEqual(200, self.client.get(said["access_token"], CURRENCY).status)
        self.assertEqual(200, self.client.get(said["access_token"], SCRIPT).status)

    def test_tokens_are_signed_by_the_key_set(self):
        said = self.client.connect()
        keys = self.client.ask("GET", KEYS).json["keys"]
        for name, lifetime in (("access_token", 3600), ("refresh_token", 7 * 86400)):
            claims = claims_of(said[name])
            self.assertEqual(("1000;12", lifetime, ["restlets", "rest_webservices"]),
                             (claims["sub"], claims["exp"] - claims["iat"], claims["scope"]))
            self.assertEqual(self.client.id, claims["aud"][1])
            verify_ps256(said[name], keys[0])
        with self.assertRaises(RuntimeError):
            verify_ps256("x" + said["access_token"], keys[0])

    def test_a_code_serves_once_for_its_client_address_and_verifier(self):
        code, verifier = self.client.code()
        self.assertEqual(200, self.client.redeem(code, verifier).status)
        self.refused(self.client.redeem(code, verifier), "invalid_grant", "InvalidGrant")
        for change in ({"redirect_uri": "https://app.example.com/other"},
                       {"code_verifier": secrets.token_urlsafe(48)}, {"code_verifier": None}):
            code, verifier = self.client.code()
            self.refused(self.client.redeem(code, verifier, **change), "invalid_grant")
            self.refused(self.client.redeem(code, verifier), "invalid_grant")
        code, verifier = self.client.code()
        other = Client(self.mock)
        self.refused(other.redeem(code, verifier), "invalid_grant", "ClientIdMismatch")
        self.assertEqual(200, self.client.redeem(code, verifier).status)

    def test_a_verifier_without_a_challenge_is_refused(self):
        none = {"code_challenge": None, "code_challenge_method": None}
        code, verifier = self.client.code(**none)
        self.refused(self.client.redeem(code, verifier), "invalid_grant")
        code, _ = self.client.code(**none)
        self.assertEqual(200, self.client.redeem(code, None).status)

    def test_a_code_lives_a_minute(self):
        self.pass_time(0)
        code, verifier = self.client.code()
        self.pass_time(58)
        self.assertEqual(200, self.client.redeem(code, verifier).status)
        self.set(code_seconds=600)
        self.pass_time(0)
        code, verifier = self.client.code()
        self.pass_time(601)
        self.refused(self.client.redeem(code, verifier), "invalid_grant")

    def test_requests_that_miss_something_are_refused(self):
        code, verifier = self.client.code()
        good = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
                "code_verifier": verifier}
        for name in ("code", "redirect_uri", "grant_type"):
            form = {k: v for k, v in good.items() if k != name}
            self.refused(self.client.post(TOKEN, form), "invalid_request")
        self.refused(self.client.post(TOKEN, {**good, "grant_type": "password"}),
                     "unsupported_grant_type", "InvalidGrantType")
        self.refused(self.client.post(TOKEN, {**good, "code_verifier": "a" * 42}), "invalid_request")
        self.refused(self.client.post(TOKEN, {**good, "code_verifier": "!" * 43}), "invalid_request")
        self.refused(self.client.post(TOKEN, good, {"Content-Type": "application/json"}),
                     "invalid_request")
        self.refused(self.client.post(TOKEN, {**good, "filler": "x" * 70000}), "invalid_request")
        body = urllib.parse.urlencode(good) + "&code=" + code
        self.refused(self.client.ask("POST", TOKEN, body, {
            "Content-Type": FORM, "Authorization": self.client.basic()}), "invalid_request")
        self.assertEqual(405, self.client.ask("GET", TOKEN).status)
        self.assertEqual(200, self.client.post(TOKEN, good).status)

    def test_a_client_proves_itself_in_one_way(self):
        client = self.client
        form = {"grant_type": "refresh_token", "refresh_token": client.connect()["refresh_token"]}
        for headers, more, error in (
                ({"Authorization": client.basic("wrong")}, {}, "invalid_client"),
                ({"Authorization": client.basic("")}, {}, "invalid_client"),
                ({"Authorization": "Basic !"}, {}, "invalid_client"),
                ({"Authorization": "Basic bm9jb2xvbg=="}, {}, "invalid_client"),
                ({"Authorization": "Bearer x"}, {}, "invalid_client"),
                ({}, {}, "invalid_client"), ({}, {"client_id": client.id}, "invalid_client"),
                ({}, {"client_id": client.id, "client_secret": client.secret}, "invalid_client"),
                ({"Authorization": client.basic()}, {"client_secret": client.secret},
                 "invalid_request"),
                ({"Authorization": client.basic()}, {"client_id": "other"}, "invalid_request")):
            with self.subTest(str(headers)[:40] + str(list(more))):
                self.refused(client.post(TOKEN, {**form, **more}, headers, auth=False), error)
        url_alphabet = {"Authorization": client.basic().replace("+", "-").replace("/", "_")}
        self.assertEqual(200, client.post(TOKEN, form, url_alphabet, auth=False).status)
        self.refused(client.refresh(form["refresh_token"], host="other.suitetalk.api.netsuite.com"),
                     "invalid_client")

    def test_a_public_client_has_no_secret(self):
        public, said = self.public, self.public.connect()
        form = {"grant_type": "refresh_token", "refresh_token": said["refresh_token"]}
        self.refused(public.post(TOKEN, form, {"Authorization": public.basic("x")}, auth=False),
                     "invalid_client")
        self.assertEqual(200, public.post(TOKEN, form, {"Authorization": public.basic()},
                                          auth=False).status)

    def test_a_confidential_client_keeps_its_refresh_token_for_seven_days(self):
        self.pass_time(0)
        first = self.client.connect()["refresh_token"]
        for day in range(7):
            self.pass_time(day * 86400)
            said = self.client.refresh(first).json
            self.assertEqual({"access_token", "expires_in", "token_type"}, set(said))
            self.assertEqual(200, self.client.get(said["access_token"], CURRENCY).status)
        self.pass_time(7 * 86400 + 1)
        self.refused(self.client.refresh(first), "invalid_grant", "RefreshTokenExpired")

    def test_a_public_clients_refresh_token_serves_once_and_the_chain_goes_on(self):
        token = self.public.connect()["refresh_token"]
        for _ in range(3):
            said = self.public.refresh(token).json
            self.assertNotEqual(token, said["refresh_token"])
            self.refused(self.public.refresh(token), "invalid_grant", "TokenBlocked")
            self.assertEqual(200, self.public.get(said["access_token"], CURRENCY).status)
            token = said["refresh_token"]
        self.assertEqual(3, self.control("GET", "/grants")["grants"][-1]["rotations"])

    def test_a_public_clients_token_lives_two_days_and_its_grant_seven(self):
        self.pass_time(0)
        token = self.public.connect()["refresh_token"]
        self.pass_time(48 * 3600 + 1)
        self.refused(self.public.refresh(token), "invalid_grant", "RefreshTokenExpired")
        self.pass_time(0)
        token = self.public.connect()["refresh_token"]
        for day in range(1, 7):
            self.pass_time(day * 86400)
            token = self.public.refresh(token).json["refresh_token"]
        self.pass_time(168 * 3600 + 1)
        self.refused(self.public.refresh(token), "invalid_grant")
        short = Client(self.mock, public=True, refresh_hours=1, rotation_hours=2)
        self.pass_time(0)
        token = short.connect()["refresh_token"]
        self.pass_time(3601)
        self.refused(short.refresh(token), "invalid_grant")

    def test_an_access_token_and_a_strangers_token_refresh_nothing(self):
        said = self.client.connect()
        self.refused(self.client.refresh(said["access_token"]), "invalid_grant",
                     "InvalidRefreshToken")
        self.refused(self.client.refresh("nonsense"), "invalid_grant", "InvalidRefreshToken")
        self.refused(Client(self.mock).refresh(said["refresh_token"]), "invalid_grant",
                     "ClientIdMismatch")

    def test_lifetimes_are_settable_and_expires_in_may_be_text(self):
        self.pass_time(0)
        self.set(access_token_seconds=90, refresh_token_seconds=300, grant_seconds=200,
                 expires_in_text=True)
        said = self.client.connect()
        self.assertEqual("90", said["expires_in"])
        self.pass_time(91)
        self.assertEqual(401, self.client.get(said["access_token"], CURRENCY).status)
        self.assertEqual({"AccessTokenExpired"}, self.audit())
        self.assertEqual(200, self.client.refresh(said["refresh_token"]).status)
        self.pass_time(201)
        self.refused(self.client.refresh(said["refresh_token"]), "invalid_grant")

    def test_revoking_ends_the_grant_and_all_its_tokens(self):
        for client in (self.client, self.public):
            said = client.connect()
            self.refused(client.post(REVOKE, {"token": said["refresh_token"]}, auth=False),
                         "invalid_client")
            self.refused(client.post(REVOKE, {}), "invalid_request")
            self.assertEqual(200, Client(self.mock).revoke(said["refresh_token"]).status)
            self.assertEqual(200, client.get(said["access_token"], CURRENCY).status)
            self.assertEqual(200, client.revoke(said["refresh_token"]).status)
            self.assertEqual(401, client.get(said["access_token"], CURRENCY).status)
            self.refused(client.refresh(said["refresh_token"]), "invalid_grant", "TokenBlocked")
            self.assertEqual(200, client.revoke(said["refresh_token"]).status)
            self.assertEqual(200, client.revoke("nonsense").status)

    def test_grants_are_listed_without_secrets_and_revoked_by_id(self):
        one, two = self.client.connect(), self.public.connect(scope="restlets")
        listed = self.control("GET", "/grants")["grants"]
        self.assertEqual([("authorization_code", self.client.id, False, 1, 1),
                          ("authorization_code", self.public.id, True, 1, 1)],
                         [(g["kind"], g["client_id"], g["public"], g["access_tokens"],
                           g["refresh_tokens"]) for g in listed])
        self.assertEqual(["restlets"], listed[1]["scope"])
        text = json.dumps(listed)
        for secret in (one["access_token"], one["refresh_token"], self.client.secret):
            self.assertNotIn(secret, text)
        self.control("DELETE", "/grants/" + listed[0]["id"])
        self.assertEqual(401, self.client.get(one["access_token"], CURRENCY).status)
        self.assertEqual(200, self.public.get(two["access_token"], SCRIPT).status)
        self.assertEqual(404, self.mock.control("DELETE", "/grants/" + "0" * 32)[0])
        self.control("DELETE", "/grants")
        self.assertEqual([], self.control("GET", "/grants")["grants"])

    def test_tokens_of_one_kind_can_be_ended(self):
        said = self.client.connect()
        self.assertLessEqual(1, self.control("POST", "/tokens/expire", {"kind": "access"})["ended"])
        self.assertEqual(401, self.client.get(said["access_token"], CURRENCY).status)
        self.assertEqual(200, self.client.refresh(said["refresh_token"]).status)
        self.control("POST", "/tokens/expire", {"kind": "refresh"})
        self.refused(self.client.refresh(said["refresh_token"]), "invalid_grant")
        self.assertEqual(400, self.mock.control("POST", "/tokens/expire", {"kind": "all"})[0])

    def test_requests_are_counted_by_grant_type_and_take_no_place(self):
        said = self.client.connect()
        self.client.refresh(said["refresh_token"])
        self.client.refresh("nonsense")
        self.client.revoke(said["refresh_token"])
        self.client.post(TOKEN, {"grant_type": "password"})
        stats = self.mock.stats()
        self.assertEqual({"authorization_code": 1, "refresh_token": 2, "client_credentials": 0,
                          "revoke": 1, "other": 1}, stats["token_grants"])
        self.assertEqual({"invalid_grant": 1, "unsupported_grant_type": 1}, stats["token_errors"])
        self.assertEqual((5, 0, 1, 0), (stats["token_requests"], stats["token_requests_in_flight"],
                                        stats["token_requests_in_flight_peak"], stats["requests"]))

    def test_a_refresh_token_outlives_a_thousand_access_tokens(self):
        first = self.client.connect()
        for _ in range(1000):
            self.assertEqual(200, self.client.refresh(first["refresh_token"]).status)
        self.assertEqual([(999, 1)], [(g["access_tokens"], g["refresh_tokens"])
                                      for g in self.control("GET", "/grants")["grants"]])
        self.assertEqual(401, self.client.get(first["access_token"], CURRENCY).status)

    def test_a_lost_answer_has_rotated_the_token(self):
        token = self.public.connect()["refresh_token"]
        self.mock.fault("after_commit_drop", path_regex="/oauth2/v1/token$")
        with self.assertRaises(http.client.RemoteDisconnected):
            self.public.refresh(token)
        self.refused(self.public.refresh(token), "invalid_grant", "TokenBlocked")
        token = self.public.connect()["refresh_token"]
        self.mock.fault("status", path_regex="/oauth2/v1/token$", status=503, times=2)
        self.assertEqual([503, 503, 200], [self.public.refresh(token).status for _ in range(3)])


class Bearer(OAuthCase):
    def setUp(self):
        super().setUp()
        self.set(consent="allow")
        self.client = Client(self.mock)

    def challenged(self, answer, error, description):
        self.assertEqual('Bearer realm="%s", error="%s", error_description="%s"' % (
            self.mock.who.account_id, error, description), answer.headers["www-authenticate"])

    def test_a_token_that_is_not_good_is_401_at_every_interface(self):
        said = self.client.connect()
        for token, reason in (("nonsense", "TokenRejected"),
                              (said["access_token"] + "x", "TokenRejected"),
                              (said["refresh_token"], "InvalidTokenType")):
            self.mock.control("POST", "/reset")
            answer = self.client.get(token, CURRENCY)
            self.assertEqual((401, "INVALID_LOGIN"), (answer.status, answer.code))
            self.challenged(answer, "invalid_token", "Invalid login attempt.")
            answer = self.client.get(token, SCRIPT)
            self.assertEqual((401, {"error": {"code": "INVALID_LOGIN_ATTEMPT",
                                              "message": "Invalid login attempt."}}),
                             (answer.status, answer.json))
            self.challenged(answer, "invalid_token", "Invalid login attempt.")
            self.assertEqual({reason: 2}, self.mock.stats()["auth_failures"])

    def test_a_header_that_cannot_be_read_is_400(self):
        for value in ("Bearer", "Bearer  ", "Bearer a b", "Bearer \"x\""):
            answer = self.client.ask("GET", CURRENCY, headers={"Authorization": value})
            self.assertEqual((400, "INVALID_REQUEST"), (answer.status, answer.code), value)
            self.challenged(answer, "invalid_request", "The request could not be understood by the "
                            "server due to malformed syntax.")

    def test_the_scope_holds_at_each_interface(self):
        rest = self.client.connect(scope="rest_webservices")["access_token"]
        script = self.client.connect(scope="restlets")["access_token"]
        self.assertEqual([200, 401, 401, 200],
                         [self.client.get(token, target).status for token in (rest, script)
                          for target in (CURRENCY, SCRIPT)])
        self.assertEqual({"ScopeMismatched": 2}, self.mock.stats()["auth_failures"])

    def test_a_token_of_another_account_is_refused_where_the_host_names_one(self):
        other = Client(self.mock, account_id="OTHER_SB1")
        token = other.connect()["access_token"]
        self.assertEqual(200, other.get(token, CURRENCY).status)
        self.assertEqual(200, other.get(token, CURRENCY,
                                        "other-sb1.suitetalk.api.netsuite.com").status)
        self.assertEqual(401, other.get(token, CURRENCY,
                                        "tstdrv1234567.suitetalk.api.netsuite.com").status)
        self.assertEqual({"AccountMismatch": 1}, self.mock.stats()["auth_failures"])
        self.assertEqual(2, self.mock.stats()["accounts"]["OTHER_SB1"]["requests"])

    def test_a_signature_is_held_to_the_host_too(self):
        for host, status in (("tstdrv1234567.suitetalk.api.netsuite.com", 200),
                             ("other.suitetalk.api.netsuite.com", 401)):
            answer = self.client.ask("GET", CURRENCY, headers={
                "Host": host, "Authorization": authorization(self.mock.who, "GET", host, CURRENCY)})
            self.assertEqual(status, answer.status)
        self.assertEqual({"AccountMismatch": 1}, self.mock.stats()["auth_failures"])

    def test_a_fault_ends_every_access_token(self):
        said = self.client.connect()
        self.mock.fault("expire_tokens")
        answers = [self.client.get(said["access_token"], CURRENCY) for _ in range(2)]
        self.assertEqual([401, 401], [answer.status for answer in answers])
        self.challenged(answers[0], "invalid_token", "Invalid login attempt.")
        renewed = self.client.refresh(said["refresh_token"]).json["access_token"]
        self.assertEqual(200, self.client.get(renewed, CURRENCY).status)

    def test_a_stranger_locks_nobody_out(self):
        said = self.client.connect()
        for _ in range(6):
            self.assertEqual(401, self.client.get("nonsense", CURRENCY).status)
        self.assertEqual(200, self.client.get(said["access_token"], CURRENCY).status)


if __name__ == "__main__":
    unittest.main()
