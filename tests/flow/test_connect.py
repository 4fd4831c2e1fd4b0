# SPDX-License-Identifier: Apache-2.0
"""People connect accounts: the walk through the pages, and every way in which it is refused."""
import json
import os
import re
import secrets
import sqlite3
import urllib.parse

import flow
from connecting import CLIENT, RETURN, SECRET, Browser, ConnectCase


class Consent(ConnectCase):
    def test_connects_by_consent_and_the_account_works(self):
        session, link = self.session()
        self.assertEqual("open", self.state(session)["state"])
        browser = Browser(self.stand)
        page = self.to_erp(browser, link)
        self.assertEqual("opened", self.state(session)["state"])
        self.assertEqual(self.account_id, page.texts["account"])
        page = browser.get(self.back(browser, page))
        page = browser.follow(page)
        self.assertEqual(200, page.status, page.text)
        said = self.state(session)
        self.assertEqual(("connected", None), (said["state"], said["cause"]))
        account = self.stand.admin("GET", "/integrated-account/" + said["account_id"])
        self.assertEqual(
            ("demo", "netsuite", "active", True, "netsuite_oauth2", CLIENT),
            (account["tenant_id"], account["integration"], account["state"],
             account["verified"], account["auth"]["scheme"], account["auth"]["client_id"]))
        self.assertNotIn("client_secret", account["auth"])
        self.assertEqual({"status": "connected", "connect_session": session,
                          "account_id": account["id"]}, self.returned(page))
        url = self.stand.mint(account["id"])["url"]
        _, _, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 2})
        self.assertEqual(2, len(self.data(result)))

    def test_access_is_denied(self):
        before = self.accounts()
        session, link = self.session()
        browser = Browser(self.stand)
        page = self.consent(browser, link, "deny")
        self.assertIn("not allowed", page.texts["status"])
        self.assertEqual(("failed", "consent_denied"),
                         (self.state(session)["state"], self.state(session)["cause"]))
        self.assertEqual({"status": "denied", "connect_session": session}, self.returned(page))
        self.assertEqual(before, self.accounts())
        # The same link goes on for the same person.
        page = self.consent(browser, link)
        self.assertEqual("connected", self.state(session)["state"])

    def test_another_company_is_refused(self):
        self.oauth2(company="7654321")
        before = self.accounts()
        session, link = self.session()
        page = self.consent(Browser(self.stand), link)
        self.assertEqual("wrong_company", self.state(session)["cause"])
        self.assertIn("another account", page.texts["status"])
        self.assertEqual("failed", self.returned(page)["status"])
        self.assertEqual(before, self.accounts())

    def test_the_company_may_be_spelled_as_hosts_are(self):
        self.oauth2(company=self.account_id.lower().replace("_", "-"))
        session, link = self.session()
        self.consent(Browser(self.stand), link)
        self.assertEqual("connected", self.state(session)["state"])

    def test_a_callback_serves_once(self):
        session, link = self.session()
        browser = Browser(self.stand)
        callback = self.back(browser, self.to_erp(browser, link))
        self.assertEqual(303, browser.get(callback).status)
        before = self.accounts()
        again = browser.get(callback)
        self.assertEqual(400, again.status)
        self.assertIn("does not belong", again.text)
        self.assertEqual(before, self.accounts())
        self.assertEqual("connected", self.state(session)["state"])

    def test_a_wrong_state_is_nobodys(self):
        session, link = self.session()
        browser = Browser(self.stand)
        callback = self.back(browser, self.to_erp(browser, link))
        for state in ("0" * 64, "", "x"):
            split = urllib.parse.urlsplit(callback)
            query = dict(urllib.parse.parse_qsl(split.query), state=state)
            page = browser.get(urllib.parse.urlunsplit(
                split._replace(query=urllib.parse.urlencode(query))))
            self.assertEqual(400, page.status)
        twice = browser.get(callback + "&code=1234")
        self.assertEqual(400, twice.status)
        self.assertEqual("opened", self.state(session)["state"])

    def test_the_callback_wants_the_browser_that_was_sent(self):
        session, link = self.session()
        browser = Browser(self.stand)
        callback = self.back(browser, self.to_erp(browser, link))
        self.assertEqual(403, Browser(self.stand).get(callback).status)
        self.assertEqual("opened", self.state(session)["state"])
        self.assertEqual(303, browser.get(callback).status)
        self.assertEqual("connected", self.state(session)["state"])

    def test_a_verifier_of_another_login_is_worth_nothing(self):
        """The code of one login with the state of another: PKCE binds them."""
        session, link = self.session()
        browser = Browser(self.stand)
        first = self.back(browser, self.to_erp(browser, link))
        other, other_link = self.session()
        second = self.back(browser, self.to_erp(browser, other_link))
        code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(first).query))["code"]
        split = urllib.parse.urlsplit(second)
        query = dict(urllib.parse.parse_qsl(split.query), code=code)
        browser.get(urllib.parse.urlunsplit(split._replace(query=urllib.parse.urlencode(query))))
        self.assertEqual("token_refused", self.state(other)["cause"])
        self.assertEqual("opened", self.state(session)["state"])

    def test_the_token_host_is_down(self):
        before = self.accounts()
        session, link = self.session()
        browser = Browser(self.stand)
        callback = self.back(browser, self.to_erp(browser, link))
        self.fault("status", match={"path_regex": "/oauth2/v1/token"}, status=503)
        page = browser.follow(browser.get(callback))
        self.assertEqual("erp_unavailable", self.state(session)["cause"])
        self.assertIn("could not be reached", page.texts["status"])
        self.assertEqual(before, self.accounts())

    def test_tokens_that_do_not_work_are_not_stored(self):
        before = self.accounts()
        session, link = self.session()
        browser = Browser(self.stand)
        callback = self.back(browser, self.to_erp(browser, link))
        self.fault("status", match={"path_regex": "/query/"}, times=5, status=403)
        browser.get(callback)
        self.assertEqual("failed", self.state(session)["state"])
        self.assertEqual(before, self.accounts())

    def test_an_account_is_connected_again(self):
        session, link = self.session()
        self.consent(Browser(self.stand), link)
        account = self.state(session)["account_id"]
        url = self.stand.mint(account)["url"]
        self.stand.control("netsuite", "DELETE", "/grants")
        again, link = self.session(account_id=account)
        before = self.accounts()
        page = self.consent(Browser(self.stand), link)
        self.assertIn("connected", page.text)
        self.assertEqual(("connected", account),
                         (self.state(again)["state"], self.state(again)["account_id"]))
        self.assertEqual(before, self.accounts())
        _, _, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        self.assertEqual(1, len(self.data(result)))

    def test_an_account_keeps_what_it_has_until_the_new_login_works(self):
        made = self.stand.connect_netsuite(name="by token")
        url = self.stand.mint(made["id"])["url"]
        session, link = self.session(account_id=made["id"])
        self.consent(Browser(self.stand), link, "deny")
        browser = Browser(self.stand)
        session, link = self.session(account_id=made["id"])
        callback = self.back(browser, self.to_erp(browser, link))
        self.fault("status", match={"path_regex": "/query/"}, status=403)
        browser.get(callback)
        self.assertEqual("failed", self.state(session)["state"])
        self.stand.control("netsuite", "DELETE", "/faults")
        account = self.stand.admin("GET", "/integrated-account/" + made["id"])
        self.assertEqual("netsuite_tba", account["auth"]["scheme"])
        _, _, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        self.assertEqual(1, len(self.data(result)))
        self.consent(browser, link)
        account = self.stand.admin("GET", "/integrated-account/" + made["id"])
        self.assertEqual(("netsuite_oauth2", "active", "by token"),
                         (account["auth"]["scheme"], account["state"], account["name"]))
        _, _, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        self.assertEqual(1, len(self.data(result)))


    def test_a_consent_to_one_that_stands_by_leaves_the_active_one(self):
        made = self.stand.connect_netsuite(name="by token")
        url = self.stand.mint(made["id"])["url"]
        at = "/integrated-account/%s/auth" % made["id"]
        listed = lambda: {one["scheme"]: (one["active"], one["verified"], one.get("consented"))
                          for one in self.stand.admin("GET", at)["data"]}
        self.stand.admin("PUT", at + "/netsuite_oauth2",
                         {"client_id": CLIENT, "client_secret": SECRET})
        self.assertEqual((False, False, False), listed()["netsuite_oauth2"])
        session, link = self.session(account_id=made["id"])
        self.consent(Browser(self.stand), link)
        self.assertEqual("connected", self.state(session)["state"])
        self.assertEqual({"netsuite_tba": (True, True, None),
                          "netsuite_oauth2": (False, True, True)}, listed())
        for scheme, kind in (("netsuite_tba", "tba"), ("netsuite_oauth2", "bearer")) * 2:
            if not listed()[scheme][0]:
                self.stand.admin("POST", "%s/%s/switch" % (at, scheme))
            self.stand.control("netsuite", "POST", "/reset")
            _, _, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
            self.assertEqual(1, len(self.data(result)))
            logins = self.stand.control("netsuite", "GET", "/stats")["logins"]
            self.assertEqual(1, logins[kind], logins)
        self.assertEqual((True, True, True), listed()["netsuite_oauth2"])


class PublicClient(ConnectCase):
    public = True

    def test_connects_with_its_verifier_alone(self):
        session, link = self.session()
        self.consent(Browser(self.stand), link)
        self.assertEqual("connected", self.state(session)["state"])


class Pages(ConnectCase):
    def change(self, sql, *values):
        """What time does, done to the server's row."""
        with sqlite3.connect(os.path.join(self.stand.data_dir, "sluice.db"), timeout=10) as db:
            db.execute(sql, values)
        db.close()

    def end(self, session):
        self.change("UPDATE connect_session SET expires_ms = created_ms - 1 WHERE id = ?", session)

    def test_an_ended_link_an_unknown_and_a_used_one_look_alike(self):
        unknown = Browser(self.stand).get(self.stand.base + "/connect/" + "a" * 64)
        self.assertEqual(404, unknown.status)
        self.assertIn("does not work any more", unknown.text)
        session, link = self.session()
        self.end(session)
        ended = Browser(self.stand).get(link)
        self.assertEqual((404, unknown.body), (ended.status, ended.body))
        self.assertEqual("expired", self.state(session)["state"])
        session, link = self.session()
        self.consent(Browser(self.stand), link)
        used = Browser(self.stand).get(link)
        self.assertEqual((404, unknown.body), (used.status, used.body))
        for rest in ("short", "a" * 65, "a" * 64 + "/", "a" * 64 + "/netsuite_tba", ""):
            page = Browser(self.stand).get(self.stand.base + "/connect/" + rest)
            self.assertEqual((404, unknown.body), (page.status, page.body), rest)

    def test_a_link_ends_in_the_middle(self):
        session, link = self.session()
        browser = Browser(self.stand)
        page = self.to_erp(browser, link)
        callback = self.back(browser, page)
        self.end(session)
        before = self.accounts()
        self.assertEqual(404, browser.get(callback).status)
        self.assertEqual(404, browser.get(link).status)
        self.assertEqual(before, self.accounts())

    def test_a_link_belongs_to_the_browser_that_began(self):
        session, link = self.session()
        browser, other = Browser(self.stand), Browser(self.stand)
        opened = other.get(link)
        page = browser.begin(link)
        self.assertEqual((200, "opened"), (page.status, self.state(session)["state"]))
        for refused in (other.get(link), other.post(opened, "begin")):
            self.assertEqual(403, refused.status)
            self.assertIn("another browser", refused.text)
            self.assertNotIn("demo", refused.body)
        # A button that was pressed twice leads to the same page.
        self.assertEqual(303, browser.post(browser.seen[0], "begin").status)
        form = browser.click(page, "way-netsuite_tba")
        self.assertEqual(403, other.post(form).status)
        self.assertEqual(200, browser.get(link).status)

    def test_two_links_in_one_browser(self):
        browser = Browser(self.stand)
        first, link = self.session()
        page = self.to_erp(browser, link)
        second, other = self.session()
        self.consent(browser, other)
        browser.get(self.back(browser, page))
        self.assertEqual(["connected", "connected"],
                         [self.state(one)["state"] for one in (first, second)])

    def test_asking_without_beginning_changes_nothing(self):
        """As scanners of mail do, and programs that show a preview: often, from anywhere."""
        session, link = self.session()
        asked = Browser(self.stand).ask("HEAD", link)
        shown = Browser(self.stand).get(link)
        self.assertEqual((200, ""), (asked.status, asked.body))
        self.assertEqual(set(shown.headers), set(asked.headers))
        for name in ("content-type", "content-length", "cache-control"):
            self.assertEqual(shown.headers[name], asked.headers[name])
        self.assertEqual(404, Browser(self.stand).ask("HEAD", link[:-4] + "0000").status)
        for where in (link, link, link + "/netsuite_tba", link + "/netsuite_oauth2"):
            page = Browser(self.stand).get(where)
            self.assertEqual((200, ["begin"]), (page.status, list(page.buttons)))
            self.assertEqual({"form"}, set(page.fields))
            for known in ("demo", session, RETURN.split("?", maxsplit=1)[0], self.account_id):
                self.assertNotIn(known, page.body)
        self.assertEqual("open", self.state(session)["state"])
        # What was shown to one browser begins nothing in another, nor what nobody was shown.
        other = Browser(self.stand)
        other.get(link)
        self.assertEqual(403, other.post(page, "begin").status)
        self.assertEqual(403, Browser(self.stand).post(page, "begin").status)
        plain = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(403, Browser(self.stand).ask("POST", link, "", plain).status)
        self.assertEqual("open", self.state(session)["state"])
        person = Browser(self.stand)
        self.assertEqual(200, person.begin(link).status)
        self.assertEqual("opened", self.state(session)["state"])

    def test_who_only_asks_for_the_callback_uses_up_nothing(self):
        session, link = self.session()
        browser = Browser(self.stand)
        callback = self.back(browser, self.to_erp(browser, link))
        asked = browser.ask("HEAD", callback)
        self.assertEqual((405, "GET"), (asked.status, asked.headers["allow"]))
        self.assertEqual(303, browser.get(callback).status)
        self.assertEqual("connected", self.state(session)["state"])
        self.assertEqual("GET, HEAD, POST", browser.ask("DELETE", link).headers["allow"])
        style = self.stand.base + "/connect/style.css"
        self.assertEqual(200, browser.ask("HEAD", style).status)
        self.assertEqual("GET, HEAD", browser.ask("POST", style).headers["allow"])

    def test_a_form_from_elsewhere_is_refused(self):
        _, link = self.session()
        browser = Browser(self.stand)
        form = browser.click(browser.begin(link), "way-netsuite_tba")
        forged = dict(form.fields, form="0" * 64)
        self.assertEqual(403, browser.post(form, form=forged["form"]).status)
        where = urllib.parse.urljoin(link, form.action)
        body = urllib.parse.urlencode(form.fields)
        plain = {"Content-Type": "text/plain"}
        self.assertEqual(403, browser.ask("POST", where, body, plain).status)
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        for more in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            self.assertEqual(403, browser.ask("POST", where, body, {**form_type, **more}).status)
        for more in ({"Origin": "null"}, {"Origin": self.stand.base},
                     {"Sec-Fetch-Site": "same-origin", "Origin": "null"}):
            self.assertEqual(422, browser.ask("POST", where, body, {**form_type, **more}).status)
        large = body + "&x=" + "a" * (128 * 1024)
        self.assertEqual(413, browser.ask("POST", where, large, form_type).status)

    def test_every_answer_is_closed_to_the_outside(self):
        _, link = self.session()
        browser = Browser(self.stand)
        pages = [browser.get(link), Browser(self.stand).get(link),
                 browser.get(self.stand.base + "/connect/style.css"),
                 browser.get(self.stand.base + "/connect/callback?state=1&code=2")]
        for page in pages:
            self.assertEqual("default-src 'none'; style-src 'self'; form-action 'self'; "
                             "base-uri 'none'; frame-ancestors 'none'",
                             page.headers["content-security-policy"])
            self.assertEqual(("DENY", "no-referrer", "nosniff", "no-store", "same-origin"),
                             tuple(page.headers[name] for name in (
                                 "x-frame-options", "referrer-policy", "x-content-type-options",
                                 "cache-control", "cross-origin-opener-policy")))
            self.assertNotIn("access-control-allow-origin", page.headers)
            self.assertNotIn("<script", page.body)
        cookie = pages[0].headers["set-cookie"]
        self.assertRegex(cookie, r"^sluice-connect=[0-9a-f]{64}; Path=/; Max-Age=1800; HttpOnly; "
                                 r"SameSite=Lax$")

    def test_the_api_says_what_is_wrong(self):
        def made(**change):
            body = {"tenant_id": "demo", "integration": "netsuite", "return_url": RETURN, **change}
            return self.stand.api("POST", "/connect-session",
                                  {k: v for k, v in body.items() if v is not None})
        for change, word in (({"return_url": "http://desk.example.com/"}, "/return_url"),
                             ({"return_url": "javascript:alert(1)"}, "/return_url"),
                             ({"return_url": "https://a.example/#x"}, "/return_url"),
                             ({"return_url": None}, "/return_url"),
                             ({"integration": "other"}, "/integration"),
                             ({"tenant_id": "a b"}, "/tenant_id"),
                             ({"account_id": "acc_none"}, "/account_id"),
                             ({"colour": 1}, "/colour"),
                             ({"integration": "sap", "sap_api_policy_ack": "yes"},
                              "/sap_api_policy_ack")):
            status, said = made(**change)
            self.assertEqual(422, status, (change, said))
            self.assertIn(word, json.dumps(said))
        self.assertEqual(201, made(return_url="http://127.0.0.1:9/x")[0])
        self.assertEqual(201, made(integration="sap")[0])
        self.assertEqual(404, self.stand.api("GET", "/connect-session/cs_none")[0])

    def test_a_tenant_makes_links_for_itself(self):
        token = self.stand.admin("POST", "/api-token", {
            "name": "t", "role": "tenant", "tenant_id": "one"})["token"]
        body = {"tenant_id": "one", "integration": "netsuite", "return_url": RETURN}
        status, made = self.stand.api("POST", "/connect-session", body, token)
        self.assertEqual(201, status)
        self.assertEqual(200, self.stand.api("GET", "/connect-session/" + made["id"], None,
                                             token)[0])
        self.assertEqual(403, self.stand.api("POST", "/connect-session",
                                             dict(body, tenant_id="demo"), token)[0])
        other, _ = self.session()
        self.assertEqual(404, self.stand.api("GET", "/connect-session/" + other, None, token)[0])

    def test_a_tenant_has_a_hundred_open_links_at_most(self):
        body = {"tenant_id": "many", "integration": "netsuite", "return_url": RETURN}
        ids = [self.stand.admin("POST", "/connect-session", body)["id"] for _ in range(100)]
        status, said = self.stand.api("POST", "/connect-session", body)
        self.assertEqual((409, "conflict"), (status, said["error"]["code"]))
        self.end(ids[0])
        self.assertEqual(201, self.stand.api("POST", "/connect-session", body)[0])


class Https(ConnectCase):
    """Behind a proxy that speaks TLS, with a path in front."""

    @classmethod
    def furnish(cls):
        super().furnish()
        cls.stand.extra_flags += ["--server.public_url", "https://erp.example.com/sluice"]

    def test_the_cookie_is_of_this_host_alone(self):
        host = {"Host": "erp.example.com"}
        token = {"Authorization": "Bearer " + self.stand.admin_token}
        _, _, raw = flow.exchange(
            self.stand.base, "POST", "/connect-session",
            {"tenant_id": "demo", "integration": "netsuite", "return_url": RETURN},
            {**host, **token})
        url = json.loads(raw)["url"]
        self.assertTrue(url.startswith("https://erp.example.com/sluice/connect/"), url)
        path = url[len("https://erp.example.com/sluice"):]
        status, fields, body = flow.exchange(self.stand.base, "GET", path, None, host)
        self.assertEqual(200, status)
        token = re.search(rb'name="form" value="([0-9a-f]{64})"', body).group(1).decode()
        self.assertRegex(fields["set-cookie"],
                         r"^__Host-sluice-connect=[0-9a-f]{64}; Path=/; Max-Age=1800; HttpOnly; "
                         r"SameSite=Lax; Secure$")
        self.assertIn(b'href="/sluice/connect/style.css"', body)
        plain = {"Cookie": "sluice-connect=" + fields["set-cookie"].split("=")[1][:64]}
        right = {"Cookie": "other=1; " + fields["set-cookie"].split(";")[0]}
        for cookie, begun, seen in ((plain, 403, 200), (right, 303, 200), (plain, 403, 403)):
            status, _, _ = flow.exchange(self.stand.base, "POST", path, b"form=" + token.encode(), {
                **host, **cookie, "Content-Type": "application/x-www-form-urlencoded"})
            self.assertEqual(begun, status)
            status, _, _ = flow.exchange(self.stand.base, "GET", path, None, {**host, **cookie})
            self.assertEqual(seen, status)


class Forms(ConnectCase):
    def token(self):
        """Values in the shape of NetSuite's own."""
        values = {name: secrets.token_hex(32) for name in (
            "consumer_key", "consumer_secret", "token_id", "token_secret")}
        said = self.stand.control("netsuite", "POST", "/accounts",
                                  dict(values, account_id="FORM1"))
        self.assertTrue(said.get("ok"), said)
        return values

    def form(self, browser, link, scheme="netsuite_tba"):
        return browser.click(browser.begin(link), "way-" + scheme)

    def send(self, browser, form, values, account="FORM1"):
        typed = {"auth__" + name: value for name, value in values.items()}
        return browser.post(form, connection__account_id=account, **typed)

    def test_values_are_tried_and_stored(self):
        session, link = self.session(environment="sandbox")
        browser = Browser(self.stand)
        form = self.form(browser, link)
        values = {name: " %s\n" % value for name, value in self.token().items()}
        answer = self.send(browser, form, values, " form1 ")
        self.assertEqual(303, answer.status, answer.text)
        said = self.state(session)
        self.assertEqual("connected", said["state"])
        account = self.stand.admin("GET", "/integrated-account/" + said["account_id"])
        self.assertEqual(("Oracle NetSuite FORM1", "sandbox", "FORM1", "netsuite_tba"),
                         (account["name"], account["environment"],
                          account["connection"]["account_id"], account["auth"]["scheme"]))
        page = browser.follow(answer)
        self.assertEqual("connected", self.returned(page)["status"])

    def test_one_wrong_value_is_pointed_at(self):
        before = self.accounts()
        session, link = self.session()
        browser = Browser(self.stand)
        values = self.token()
        page = self.send(browser, self.form(browser, link),
                         dict(values, token_secret=values["token_secret"][:-1]))
        self.assertEqual(422, page.status)
        self.assertEqual("login_refused", self.state(session)["cause"])
        self.assertIn("63 characters", page.texts["auth.token_secret-error"])
        self.assertEqual(["auth.token_secret-error"],
                         [one for one in page.texts if one.endswith("-error")])
        wrong = page.described["auth.token_secret"]
        self.assertEqual("true", wrong["aria-invalid"])
        self.assertIn("auth.token_secret-error", wrong["aria-describedby"].split())
        self.assertIn("Probable causes", page.texts["reason"])
        self.assertEqual(before, self.accounts())
        # What is no secret stays; secrets are never in a page.
        self.assertEqual("FORM1", page.fields["connection.account_id"])
        for value in values.values():
            self.assertNotIn(value[:40], page.body)
        self.assertEqual(303, self.send(browser, page, values).status)
        self.assertEqual("connected", self.state(session)["state"])

    def test_missing_and_malformed_values_are_named_before_anything_is_tried(self):
        self.reset()
        session, link = self.session()
        browser = Browser(self.stand)
        page = self.send(browser, self.form(browser, link), {"consumer_key": "a"}, "no such id!")
        self.assertEqual(422, page.status)
        self.assertEqual({"connection.account_id-error", "auth.consumer_secret-error",
                          "auth.token_id-error", "auth.token_secret-error"},
                         {one for one in page.texts if one.endswith("-error")})
        self.assertEqual(0, self.stats()["requests"])
        self.assertEqual("opened", self.state(session)["state"])

    def test_a_key_that_does_not_fit_is_named(self):
        _, link = self.session()
        browser = Browser(self.stand)
        form = self.form(browser, link, "netsuite_m2m")
        self.assertIn("ES256", form.options["auth.alg"])
        self.assertEqual("textarea", form.types["auth.private_key_pem"])
        page = self.send(browser, form, {"client_id": "<b>&\"'", "certificate_id": "c",
                                         "alg": "ES256", "private_key_pem": "no key"})
        self.assertEqual(422, page.status)
        self.assertIn("auth.private_key_pem-error", page.texts)
        self.assertEqual("<b>&\"'", page.fields["auth.client_id"])
        self.assertNotIn("<b>&", page.body)
        self.assertEqual("ES256", page.fields["auth.alg"])

    def test_a_link_has_five_tries(self):
        session, link = self.session()
        browser = Browser(self.stand)
        values = dict(self.token(), token_secret=secrets.token_hex(32))
        page = self.form(browser, link)
        for _ in range(4):
            page = self.send(browser, page, values)
            self.assertEqual(422, page.status)
        self.assertEqual(303, self.send(browser, page, values).status)
        page = browser.get(link)
        self.assertIn("too often", page.text)
        self.assertEqual("failed", self.returned(page)["status"])
        self.reset()
        form = dict(connection__account_id="FORM1")
        filled = next(page for page in browser.seen if "auth.token_id" in page.fields)
        self.assertEqual(303, browser.post(filled, **form).status)
        self.assertEqual(0, self.stats()["requests"])
        self.assertEqual("failed", self.state(session)["state"])

    def test_the_erp_is_down(self):
        self.fault("status", status=503)
        session, link = self.session()
        browser = Browser(self.stand)
        page = self.send(browser, self.form(browser, link), self.token())
        self.assertEqual(422, page.status)
        self.assertEqual("erp_unavailable", self.state(session)["cause"])

    def test_nothing_of_it_is_in_the_log(self):
        session, link = self.session()
        browser = Browser(self.stand)
        values = self.token()
        self.send(browser, self.form(browser, link), values)
        other, consent_link = self.session()
        callback = self.back(browser, self.to_erp(browser, consent_link))
        browser.get(callback)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(callback).query))
        cookies = [value for jar in browser.cookies.values() for value in jar.values()]
        with open(self.stand.log_path, encoding="utf-8") as file:
            log = file.read()
        for secret in [link.rsplit("/", 1)[1], consent_link.rsplit("/", 1)[1], query["code"],
                       query["state"], SECRET, *cookies, *values.values()]:
            self.assertNotIn(secret, log)
        self.assertIn(session, log)
        self.assertIn(other, log)


if __name__ == "__main__":
    flow.main()
