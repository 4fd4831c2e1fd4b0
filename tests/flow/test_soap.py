# SPDX-License-Identifier: Apache-2.0
"""What NetSuite offers by SOAP alone: signed by TBA, active or standing by, and left out without it."""
from flow import main, wait_until
from test_cutover import M2M, TBA, CutoverCase

SEARCHES = "list_all_netsuite_saved_searches"


class SoapCase(CutoverCase):
    def searches(self, url, **arguments):
        return self.stand.tool(url, SEARCHES, arguments)[2]

    def names(self, url):
        return [tool["name"] for tool in self.stand.rpc(url, "tools/list")[2]["result"]["tools"]]

    def judged(self, account, name=SEARCHES):
        data = self.stand.admin("GET", "/integrated-account/%s/catalog" % account["id"])["data"]
        return next(one for one in data if one["name"] == name)


class TestSavedSearches(SoapCase):
    def test_they_are_listed_in_pages(self):
        account, url = self.account()
        self.reset()
        rows = self.data(self.searches(url))
        self.assertEqual({"id": "37", "name": "Month end & accruals",
                          "script_id": "customsearch_month_end"}, rows[2])
        self.assertEqual(3, len(rows))
        self.assertEqual({"tba": 0, "bearer": 0, "passport": 1}, self.logins())
        self.assertEqual(["40"], [one["id"] for one in self.data(self.searches(url, type="customer"))])
        self.assertEqual([], self.data(self.searches(url, type="vendor")))
        got, cursor = [], None
        while True:
            more = {"next_cursor": cursor} if cursor else {}
            page = self.searches(url, limit=2, **more)["structuredContent"]
            got += [one["id"] for one in page["data"]]
            cursor = page["pagination"]["next_cursor"]
            if not cursor:
                break
        self.assertEqual(["21", "22", "37"], got)
        error = self.error(self.searches(url, type="no such"))
        self.assertEqual("invalid_arguments", error["code"])

    def test_they_stay_while_tba_stands_by_and_leave_with_it(self):
        account, url = self.account()
        self.assertEqual({"shown": True, "reason": None},
                         {k: self.judged(account)[k] for k in ("shown", "reason")})
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.assertEqual(200, self.switch(account, M2M)[0])
        self.reset()
        self.data(self.searches(url))
        self.call(url)
        self.assertEqual({"tba": 0, "bearer": 1, "passport": 1}, self.logins())
        self.assertIn(SEARCHES, self.names(url))
        before = self.names(url)
        self.assertEqual(204, self.stand.api("DELETE", self.at(account, TBA))[0])
        self.assertEqual([name for name in before if name != SEARCHES], self.names(url))
        judged = self.judged(account)
        self.assertEqual((False, "scheme"), (judged["shown"], judged["reason"]))
        self.assertIn(TBA, judged["message"])
        status, _, reply = self.stand.rpc(url, "tools/call", {"name": SEARCHES, "arguments": {}})
        self.assertEqual(-32602, reply["error"]["code"], reply)
        server = self.stand.admin("GET", "/integrated-account/%s/mcp" % account["id"])["data"][0]
        self.assertEqual(len(before) - 1, server["tools"])
        # Unverified it is not signed with; verified it is there again.
        self.assertEqual(201, self.put(account, TBA, self.tba, "?verify=false")[0])
        self.assertNotIn(SEARCHES, self.names(url))
        self.assertEqual(200, self.stand.api("POST", self.at(account, TBA, "verify"))[0])
        self.assertIn(SEARCHES, self.names(url))
        self.data(self.searches(url))

    def test_the_catalog_says_of_each_why_it_is_left_out(self):
        account, url = self.account()
        data = self.stand.admin("GET", "/integrated-account/%s/catalog" % account["id"])["data"]
        shown = [one["name"] for one in data if one["shown"]]
        self.assertEqual(self.names(url), shown)
        self.assertEqual({"netsuite_suiteql_query": "opt_in"},
                         {one["name"]: one["reason"] for one in data
                          if not one["shown"] and one["name"]})
        token = self.stand.admin("POST", "/api-token", {
            "name": "other", "role": "tenant", "tenant_id": "other"})["token"]
        status, _ = self.stand.api("GET", "/integrated-account/%s/catalog" % account["id"],
                                   token=token)
        self.assertEqual(404, status)


class TestFaults(SoapCase):
    def spoilt(self):
        """An account on OAuth 2.0 whose TBA stands by, and is refused."""
        account, url = self.account()
        self.assertEqual(201, self.put(account, M2M, self.m2m())[0])
        self.assertEqual(200, self.switch(account, M2M)[0])
        return account, url

    def test_a_refusal_for_load_is_rate_limited(self):
        account, url = self.account()
        self.fault("status", status=429)
        status, fields, result = self.stand.tool(url, SEARCHES, {})
        error = self.error(result)
        self.assertEqual((429, "rate_limited", "WS_REQUEST_BLOCKED"),
                         (status, error["code"], error["upstream"]["code"]))

    def test_a_refused_login_of_one_that_stands_by_takes_its_tools_and_nothing_else(self):
        account, url = self.spoilt()
        self.fault("expire_tokens")
        error = self.error(self.searches(url))
        self.assertEqual("needs_reauth", error["code"])
        self.assertNotIn(SEARCHES, self.names(url))
        self.assertEqual("scheme", self.judged(account)["reason"])
        wait_until(lambda: self.listed(account)[TBA] == (False, False), "an unverified login")
        self.assertEqual("active", self.stand.admin(
            "GET", "/integrated-account/" + account["id"])["state"])
        self.call(url)

    def test_a_refused_login_of_the_active_one_needs_somebody(self):
        account, url = self.account()
        self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                         {"auth": dict(self.tba, scheme=TBA, token_secret="wrong")})
        self.assertEqual("needs_reauth", self.error(self.searches(url))["code"])
        wait_until(lambda: self.stand.admin("GET", "/integrated-account/" + account["id"])
                   ["state"] == "needs_reauth", "an account that needs somebody")

    def test_what_is_no_answer_is_malformed(self):
        account, url = self.account()
        for body in ("<a/>", "", "{}", "<!DOCTYPE a><a/>"):
            self.fault("status", status=200, body=body, headers={"Content-Type": "text/xml"})
            self.assertEqual("upstream_malformed", self.error(self.searches(url))["code"], body)

    def test_a_page_for_people_is_unavailable(self):
        account, url = self.account()
        self.fault("html", status=503)
        self.assertEqual("upstream_unavailable", self.error(self.searches(url))["code"])


if __name__ == "__main__":
    main()
