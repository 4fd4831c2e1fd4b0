# SPDX-License-Identifier: Apache-2.0
"""What mock-netsuite checks of a login: signatures, clocks, nonces, locks, and what it says of them."""
import time

from mock_netsuite import COUNT, RECORD, RESTLET, Answer, Case, Credentials, authorization, main


class Login(Case):
    args = ("--lockout-seconds", "1800")

    def status(self, target=RECORD + "/currency/1", **change):
        return self.mock.call("GET", target, **change).status

    def test_a_right_signature_is_let_in(self):
        self.assertEqual(200, self.status())

    def test_oauth_version_may_be_left_out(self):
        self.assertEqual(200, self.status(version=None))

    def test_the_query_is_part_of_the_signature_however_it_is_written(self):
        for query in ("?limit=2&offset=0", "?offset=0&limit=2", "?limit=2&offset=%30",
                      "?x=a%20b&limit=2", "?x=%C3%A6%2B%26&limit=2", "?b=9&b=10&B=1&limit=2",
                      "?x=a+b&limit=2", "?x&limit=2", "?x=&limit=2", "?%2a=*&limit=2"):
            with self.subTest(query):
                self.assertEqual(200, self.status(RECORD + "/currency" + query))

    def test_raw_marks_in_the_path_are_signed_as_they_stand(self):
        self.assertEqual(200, self.status(RECORD + "/customer/eid:crm-5000"))

    def test_a_restlet_signs_script_and_deploy(self):
        target = RESTLET + "?script=customscript_x&deploy=1&q=%C3%B8"
        answer = self.mock.call("POST", target, "{}", {"Content-Type": "application/json"})
        self.assertEqual(200, answer.status)
        self.assertEqual({"script": "customscript_x", "deploy": "1", "method": "POST"},
                         answer.json)

    def test_a_target_changed_after_signing_is_refused(self):
        header = {"Authorization": authorization(self.mock.who, "GET", self.mock.host,
                                                 RECORD + "/currency?limit=2")}
        connection = self.mock.connect()
        connection.request("GET", RECORD + "/currency?limit=3", headers=header)
        self.assertEqual(401, Answer(connection.getresponse()).status)
        connection.close()

    def test_wrong_parts_are_refused_with_the_reason_in_the_audit_only(self):
        now = int(time.time())
        wrong = (
            ("InvalidSignature", {"signature": "AAAA"}),
            ("UnknownAlgorithm", {"signature_method": "HMAC-SHA1"}),
            ("VersionRejected", {"version": "2.0"}),
            ("AccountMismatch", {"realm": self.mock.who.account_id.lower()}),
            ("AccountMismatch", {"realm": "OTHER"}),
            ("MissingTokenPassportRequiredFields", {"realm": None}),
            ("MissingTokenPassportRequiredFields", {"nonce": None}),
            ("consumer_key_unknown", {"consumer_key": "nobody"}),
            ("token_rejected", {"token": "nobody"}),
            ("InvalidTimestamp", {"timestamp": str(now - 400)}),
            ("InvalidTimestamp", {"timestamp": str(now + 400)}),
            ("InvalidTimestamp", {"timestamp": "soon"}),
            ("nonce_rejected", {"nonce": "abc12"}),
            ("nonce_rejected", {"nonce": "a" * 65}),
            ("nonce_rejected", {"nonce": "abc-123-def"}),
        )
        for reason, change in wrong:
            with self.subTest(reason=reason, change=str(change)):
                self.mock.control("POST", "/reset")
                answer = self.mock.call("GET", RECORD + "/currency/1", **change)
                self.assertEqual(401, answer.status)
                self.assertNotIn(reason.encode(), answer.body)
                stats = self.mock.stats()
                self.assertEqual({reason: 1}, stats["auth_failures"])
                self.assertEqual((1, 1), (stats["requests"], stats["refused_auth"]))

    def test_a_timestamp_within_five_minutes_is_let_in(self):
        now = int(time.time())
        self.assertEqual(200, self.status(timestamp=str(now - 290)))
        self.assertEqual(200, self.status(timestamp=str(now + 290)))

    def test_a_nonce_serves_once_per_timestamp(self):
        stamp = str(int(time.time()))
        self.assertEqual(200, self.status(nonce="abcdef123456", timestamp=stamp))
        self.assertEqual(401, self.status(nonce="abcdef123456", timestamp=stamp))
        later = str(int(stamp) + 1)
        self.assertEqual(200, self.status(nonce="abcdef123456", timestamp=later))
        self.assertEqual({"NonceUsed": 1}, self.mock.stats()["auth_failures"])

    def test_a_wrong_signature_does_not_use_up_a_nonce(self):
        stamp = str(int(time.time()))
        self.assertEqual(401, self.status(nonce="onlyonce1", timestamp=stamp, signature="AA"))
        self.assertEqual(200, self.status(nonce="onlyonce1", timestamp=stamp))

    def test_five_failures_in_a_row_lock_the_token_for_the_period(self):
        for _ in range(5):
            self.assertEqual(401, self.status(signature="AAAA"))
        self.assertEqual(401, self.status())
        self.assertEqual(1, self.mock.stats()["auth_failures"]["temporary_locked"])

        self.mock.control("PUT", "/clock", {"skew_seconds": 1799})
        stamp = str(int(time.time()) + 1799)
        self.assertEqual(401, self.status(timestamp=stamp))
        self.mock.control("PUT", "/clock", {"skew_seconds": 1805})
        stamp = str(int(time.time()) + 1805)
        self.assertEqual(200, self.status(timestamp=stamp))

    def test_a_success_between_failures_keeps_the_token_open(self):
        for _ in range(3):
            for _ in range(4):
                self.assertEqual(401, self.status(signature="AAAA"))
            self.assertEqual(200, self.status())

    def test_a_skewed_server_clock_refuses_a_right_client(self):
        self.mock.control("PUT", "/clock", {"skew_seconds": 3600})
        self.assertEqual(401, self.status())

    def test_rest_says_no_as_netsuite_does(self):
        answer = self.mock.call("GET", RECORD + "/currency/1", signature="AAAA")
        self.assertEqual("close", answer.headers["connection"])
        self.assertEqual('OAuth realm="TSTDRV1234567", error="token_rejected", '
                         'error_description="Invalid login attempt."',
                         answer.headers["www-authenticate"])
        self.assertEqual("application/vnd.oracle.resource+json; type=error; charset=UTF-8",
                         answer.headers["content-type"])
        self.assertEqual({
            "type": "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5.2",
            "title": "Unauthorized", "status": 401,
            "o:errorDetails": [{
                "detail": "Invalid login attempt. For more details, see the Login Audit Trail in "
                          "the NetSuite UI at Setup > Users/Roles > User Management > View Login "
                          "Audit Trail.",
                "o:errorCode": "INVALID_LOGIN"}]}, answer.json)

    def test_a_restlet_says_no_in_its_own_words(self):
        answer = self.mock.call("GET", RESTLET + "?script=1&deploy=1", signature="AAAA")
        self.assertEqual(401, answer.status)
        self.assertEqual({"error": {"code": "INVALID_LOGIN_ATTEMPT",
                                    "message": "Invalid login attempt."}}, answer.json)

    def test_headers_that_are_no_oauth_are_refused(self):
        for value in ("", "Bearer x", "OAuth", "OAuth x", 'OAuth realm="A', 'OAuth realm=A',
                      'OAuth realm="A" realm="A"', 'OAuth realm="A", realm="A"',
                      'OAuth ' + ", ".join('p%d="v"' % i for i in range(50))):
            with self.subTest(value):
                answer = self.mock.call("GET", RECORD + "/currency/1",
                                        headers={"Authorization": value})
                self.assertEqual(401, answer.status)

    def test_a_second_pair_of_the_account_and_a_second_account_are_let_in(self):
        pair = Credentials(self.mock.who.account_id, "ck2", "cs2", "tk2", "ts2")
        other = Credentials("OTHER_SB1", "ck3", "cs3", "tk3", "ts3")
        for who in (pair, other):
            self.mock.control("POST", "/accounts", vars(who))
            self.assertEqual(200, self.mock.query(COUNT, who=who).status)
        # The signature is right, the account is not the token's.
        self.assertEqual(401, self.mock.query(
            COUNT, who=Credentials("OTHER_SB1", "ck2", "cs2", "tk2", "ts2")).status)
        status, said = self.mock.control("POST", "/accounts", vars(pair))
        self.assertEqual(400, status)
        self.assertIn("taken", said["error"])

    def test_the_servers_time_can_be_read(self):
        answer = self.mock.call("GET", "/services/rest/system/v1/serverTime")
        self.assertRegex(answer.json["serverTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


if __name__ == "__main__":
    main()
