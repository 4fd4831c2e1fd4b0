# SPDX-License-Identifier: Apache-2.0
"""Users of the SAP mock: clients, passwords and their lock, cookies, arrangements."""
import json
import unittest

from mock_sap import ORDERS, PARTNERS, MockCase, basic


class LogonCase(MockCase):
    def setUp(self):
        super().setUp()
        self.control("PUT", "/arrangements", {"missing": []})

    def read(self, path=PARTNERS, **headers):
        """(status, http.client.HTTPMessage, text); a header None is left out."""
        given = {"Authorization": basic(self.mock["username"], self.mock["password"]),
                 "sap-client": self.mock["client"], "Accept": "application/json"}
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        connection = self.connect(self.mock["url"])
        try:
            connection.request("GET", path, headers={k: v for k, v in given.items()
                                                     if v is not None})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read().decode()
        finally:
            connection.close()

    def cloud(self, path=PARTNERS, **headers):
        user = self.mock["communication"]
        return self.read(path, **{"Authorization": basic(user["username"], user["password"]),
                                  "sap_client": None, **headers})

    def user(self, name=None):
        return self.control("GET", "/stats")["users"][name or self.mock["username"]]


class TestClients(LogonCase):
    def test_a_client_is_named_in_three_ways(self):
        client = self.mock["client"]
        self.assertEqual(self.read()[0], 200)
        self.assertEqual(self.read(PARTNERS + "?sap-client=" + client, sap_client=None)[0], 200)
        self.assertEqual(self.read(sap_client=None,
                                   Cookie="a=b; sap-usercontext=sap-client=" + client)[0], 200)

    def test_the_realm_names_the_client_that_was_used(self):
        for named, used in ((None, "000"), ("200", "200"), ("x", "000"), ("1000", "000")):
            status, fields, text = self.read(sap_client=named)
            self.assertEqual((status, fields["www-authenticate"]), (
                401, 'Basic realm="SAP NetWeaver Application Server [S4H/%s]"' % used))
            self.assertIn("Logon Error Message", text)

    def test_a_communication_user_needs_no_client(self):
        self.assertEqual(self.cloud()[0], 200)
        self.assertEqual(self.cloud(sap_client=self.mock["client"])[0], 200)
        self.assertEqual(self.cloud(sap_client="999")[0], 401)

    def test_a_service_without_an_arrangement_is_403_in_the_cloud(self):
        self.control("PUT", "/arrangements", {"missing": ["API_BUSINESS_PARTNER"]})
        status, fields, text = self.cloud()
        error = json.loads(text)["error"]
        self.assertEqual((status, error["code"]), (403, "/IWFND/CM_CONSUMER/101"))
        self.assertIn("ZAPI_BUSINESS_PARTNER_0001", error["message"]["value"])
        self.assertNotIn("x-csrf-token", fields)
        self.assertEqual(self.cloud(ORDERS)[0], 200)
        self.assertEqual(self.read()[0], 200)
        token = self.good(self.mock["token_url"], client_id=self.mock["client_id"],
                          client_secret=self.mock["client_secret"])
        self.assertEqual(self.erp(token), 403)
        for missing in (None, "x", [1], ["x"] * 51):
            self.control("PUT", "/arrangements", {"missing": missing}, 400)


class TestLock(LogonCase):
    def fail(self, times, **headers):
        wrong = basic(self.mock["username"], "wrong")
        self.assertEqual([self.read(Authorization=wrong, **headers)[0] for _ in range(times)],
                         [401] * times)

    def test_four_failures_and_a_success_lock_nobody(self):
        self.fail(4)
        self.assertEqual(self.user(), {"failed": 4, "failed_in_a_row": 4, "locked": False})
        self.assertEqual(self.read()[0], 200)
        self.fail(4)
        self.assertEqual(self.user(), {"failed": 8, "failed_in_a_row": 4, "locked": False})
        self.assertEqual(self.read()[0], 200)

    def test_the_fifth_locks_until_somebody_unlocks(self):
        self.fail(5)
        self.assertEqual(self.user()["locked"], True)
        self.assertEqual(self.read()[0], 401)
        self.assertEqual(self.user()["failed"], 6)
        self.assertEqual(self.cloud()[0], 200)
        self.control("PUT", "/clock", {"skew_seconds": 86400})
        self.assertEqual(self.read()[0], 401)
        self.control("POST", "/users/unlock", {"user": self.mock["username"]})
        self.assertEqual(self.read()[0], 200)
        self.fail(5)
        self.control("POST", "/users/unlock", {})
        self.assertEqual(self.read()[0], 200)
        for user in ("nobody", 1):
            self.control("POST", "/users/unlock", {"user": user}, 400)

    def test_another_client_has_no_such_user_to_lock(self):
        self.fail(6, sap_client="200")
        self.assertEqual(self.user()["failed"], 0)
        self.assertEqual(self.read()[0], 200)

    def test_a_communication_user_is_locked_too(self):
        user = self.mock["communication"]["username"]
        for _ in range(5):
            self.assertEqual(self.cloud(Authorization=basic(user, "wrong"))[0], 401)
        self.assertEqual((self.user(user)["locked"], self.cloud()[0]), (True, 401))


class TestCookies(LogonCase):
    @staticmethod
    def cookies(fields):
        return dict(text.split(";")[0].split("=", 1) for text in fields.get_all("set-cookie", []))

    def test_a_logon_brings_a_ticket_that_is_a_logon(self):
        given = self.cookies(self.read()[1])
        self.assertEqual(set(given), {"MYSAPSSO2"})
        cookie = "MYSAPSSO2=" + given["MYSAPSSO2"]
        status, fields, _ = self.read(Authorization=None, Cookie=cookie)
        self.assertEqual((status, self.cookies(fields)), (200, {}))
        self.assertEqual(self.cookies(self.read(Cookie=cookie)[1]), {})
        for change in ({"sap_client": None}, {"Cookie": "MYSAPSSO2=x"},
                       {"Authorization": basic(self.mock["username"], "wrong")}):
            self.assertEqual(self.read(**{"Authorization": None, "Cookie": cookie, **change})[0],
                             401)
        self.control("PUT", "/clock", {"skew_seconds": 8 * 3600 + 1})
        self.assertEqual(self.read(Authorization=None, Cookie=cookie)[0], 401)

    def test_a_fetch_brings_a_session_of_that_client_too(self):
        given = self.cookies(self.read(X_CSRF_Token="Fetch")[1])
        self.assertEqual(set(given), {"MYSAPSSO2", "sap-usercontext",
                                      "SAP_SESSIONID_S4H_" + self.mock["client"]})
        self.assertEqual(given["sap-usercontext"], "sap-client=" + self.mock["client"])

    def test_the_cloud_gives_no_ticket(self):
        self.assertEqual(self.cookies(self.cloud()[1]), {})


class TestAnotherClient(LogonCase):
    flags = ("--client", "200")

    def test_cookies_and_logon_follow_the_client(self):
        status, fields, _ = self.read(X_CSRF_Token="Fetch")
        self.assertEqual(status, 200)
        self.assertIn("SAP_SESSIONID_S4H_200", TestCookies.cookies(fields))
        self.assertEqual(self.read(sap_client="100")[0], 401)


if __name__ == "__main__":
    unittest.main(verbosity=2)
