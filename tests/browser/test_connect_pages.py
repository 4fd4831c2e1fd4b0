# SPDX-License-Identifier: Apache-2.0
"""People connect accounts in a real browser, at 1280 and at 390 pixels.

    SLUICE_BIN=build/dev/bin python3 tests/browser/test_connect_pages.py

With SCREENSHOTS=DIR every page that is looked at is written there as a PNG.
"""
import os
import secrets
import sqlite3
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "flow")]

import flow  # noqa: E402
from connecting import RETURN, ConnectCase  # noqa: E402
from webdriver import Chromium, Driver  # noqa: E402

# Every control has a label and, when it is wrong, says so to those who do not see it; nothing is
# wider than the window; what can be pressed is large enough for a finger.
LOOK = """
const faults = [];
const wide = document.documentElement.scrollWidth;
if (wide > window.innerWidth) faults.push('wider than the window: ' + wide);
if (!document.documentElement.lang) faults.push('no language');
if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
for (const control of document.querySelectorAll('input:not([type=hidden]),select,textarea')) {
    const label = control.labels[0];
    if (!label || !label.textContent.trim()) faults.push(control.name + ': no label');
    const ids = (control.getAttribute('aria-describedby') || '').split(' ').filter(Boolean);
    for (const id of ids) if (!document.getElementById(id)) faults.push(id + ': nowhere');
    if (control.getBoundingClientRect().height < 44) faults.push(control.name + ': too low');
}
for (const script of document.scripts) faults.push('a script');
return faults;
"""


class Pages:
    """The walks; `width` and `dark` are of the class that runs them."""

    width, height, dark = 1280, 900, False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.driver = Driver()

    @classmethod
    def tearDownClass(cls):
        cls.driver.stop()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.browser = self.new_browser()

    def new_browser(self):
        browser = Chromium(self.driver, self.width, self.height, self.dark)
        self.addCleanup(browser.stop)
        return browser

    def look(self, name, browser=None):
        """The page is as it should be, whatever it says."""
        browser = browser or self.browser
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            os.makedirs(folder, exist_ok=True)
            browser.shoot(os.path.join(folder, "%s-%d%s.png" % (
                name, self.width, "-dark" if self.dark else "")))
        self.assertEqual([], browser.run(LOOK), name)
        background = browser.run("return getComputedStyle(document.body).backgroundColor")
        self.assertEqual("rgb(17, 21, 29)" if self.dark else "rgb(244, 245, 247)", background)
        # A status of 4xx is reported like a fault; what a policy refused names the policy.
        self.assertEqual([], [one for one in browser.complaints() if "Policy" in one])

    def to_consent(self, link):
        self.browser.open(link)
        self.look("ways")
        self.browser.click("way-netsuite_oauth2")
        self.look("consent")
        self.browser.type("connection.account_id", self.account_id)
        self.browser.click("submit")
        self.assertEqual(self.account_id, self.browser.text("account"))
        self.look("to-erp")
        self.browser.click("erp")
        self.assertIn("rest_webservices", self.browser.text("scopes"))

    def test_connect_by_consent(self):
        session, link = self.session()
        self.to_consent(link)
        self.browser.click("allow")
        self.assertIn("works", self.browser.text("connected"))
        self.look("connected")
        self.assertEqual(link, self.browser.url)
        account = self.state(session)["account_id"]
        self.assertEqual(RETURN + "&status=connected&connect_session=%s&account_id=%s" % (
            session, account), self.browser.href("return"))
        url = self.stand.mint(account)["url"]
        _, _, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        self.assertEqual(1, len(self.data(result)))
        cookie = [one for one in self.browser.cookies() if one["name"] == "sluice-connect"][0]
        self.assertEqual((True, "Lax", "/"),
                         (cookie["httpOnly"], cookie["sameSite"], cookie["path"]))

    def test_consent_denied(self):
        session, link = self.session()
        self.to_consent(link)
        self.browser.click("deny")
        self.assertIn("Access was not allowed", self.browser.text("status"))
        self.look("denied")
        self.assertIn("status=denied", self.browser.href("return"))
        self.assertEqual("consent_denied", self.state(session)["cause"])

    def test_wrong_company(self):
        self.oauth2(company="7654321")
        session, link = self.session()
        self.to_consent(link)
        self.browser.click("allow")
        self.assertIn("another account", self.browser.text("status"))
        self.look("wrong-company")
        self.assertEqual("wrong_company", self.state(session)["cause"])

    def test_expired_link(self):
        session, link = self.session()
        with sqlite3.connect(os.path.join(self.stand.data_dir, "sluice.db"), timeout=10) as db:
            db.execute("UPDATE connect_session SET expires_ms = created_ms WHERE id = ?",
                       (session,))
        db.close()
        self.browser.open(link)
        self.assertIn("does not work any more", self.browser.text())
        self.look("expired")

    def test_link_opened_elsewhere(self):
        _, link = self.session()
        self.browser.open(link)
        other = self.new_browser()
        other.open(link)
        self.assertIn("opened in another browser", other.text())
        self.look("elsewhere", other)

    def test_replayed_callback(self):
        """As somebody would who has read the address: the same one again, in the same browser."""
        session, link = self.session()
        self.to_consent(link)
        self.browser.click("allow")
        self.browser.find("connected")
        replayed = [one for one in self.browser.requests() if "/connect/callback?" in one]
        self.assertEqual(1, len(replayed))
        before = self.accounts()
        self.browser.open(replayed[0])
        self.assertIn("does not belong", self.browser.text())
        self.look("replayed")
        self.assertEqual(before, self.accounts())
        self.assertEqual("connected", self.state(session)["state"])

    def test_token_form_with_one_wrong_value(self):
        values = {name: secrets.token_hex(32) for name in (
            "consumer_key", "consumer_secret", "token_id", "token_secret")}
        self.stand.control("netsuite", "POST", "/accounts", dict(values, account_id="FORM1"))
        session, link = self.session()
        self.browser.open(link)
        self.browser.click("way-netsuite_tba")
        self.look("token")
        self.browser.type("connection.account_id", "FORM1")
        for name, value in values.items():
            self.browser.type("auth." + name, value[:-4] if name == "token_secret" else value)
        self.browser.click("submit")
        self.assertIn("60 characters", self.browser.text("auth.token_secret-error"))
        self.assertFalse(self.browser.has("auth.token_id-error"))
        self.look("token-wrong")
        self.assertEqual("login_refused", self.state(session)["cause"])
        for name, value in values.items():
            self.browser.type("auth." + name, value)
        self.browser.click("submit")
        self.assertIn("works", self.browser.text("connected"))
        self.assertEqual("connected", self.state(session)["state"])

    def test_the_other_forms(self):
        _, link = self.session()
        self.browser.open(link)
        self.browser.click("way-netsuite_m2m")
        self.look("certificate")
        session, link = self.session(integration="sap", sap_api_policy_ack=True)
        self.browser.open(link)
        self.look("sap-ways")
        self.browser.click("way-sap_xsuaa")
        self.look("sap-client")


class Wide(Pages, ConnectCase):
    pass


class Narrow(Pages, ConnectCase):
    width, height = 390, 844


class Dark(Pages, ConnectCase):
    width, height, dark = 390, 844, True

    test_consent_denied = test_wrong_company = test_expired_link = None
    test_link_opened_elsewhere = test_replayed_callback = test_the_other_forms = None


if __name__ == "__main__":
    flow.main()
