# SPDX-License-Identifier: Apache-2.0
"""People connect accounts in a real browser, at 1280 and at 390 pixels.

    SLUICE_BIN=build/dev/bin python3 tests/browser/test_connect_pages.py

With SCREENSHOTS=DIR every page that is looked at is written there as a PNG.
"""
import os
import secrets
import sqlite3
import ssl
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "flow")]

import flow  # noqa: E402
from btp import Btp, ClientCertificate  # noqa: E402
from connecting import RETURN, ConnectCase, Links  # noqa: E402
from sap_values import SapValues  # noqa: E402
from tap import Authority  # noqa: E402
from webdriver import ENTER, TAB, Chromium, Driver, key_hash  # noqa: E402

# Every control has a label and, when it is wrong, says so to those who do not see it; nothing is
# wider than the window; what can be pressed is large enough for a finger; text stands out from what
# is behind it as WCAG 2.2 asks (1.4.3, level AA).
LOOK = """
function parts(color) { return color.match(/[0-9.]+/g).map(Number); }
function light(color) {
    const [r, g, b] = parts(color).slice(0, 3).map(
        c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function behind(element) {
    for (let e = element; e; e = e.parentElement) {
        const color = parts(getComputedStyle(e).backgroundColor);
        if (color.length < 4 || color[3] > 0) return 'rgb(' + color.join(',') + ')';
    }
    return 'rgb(255,255,255)';
}
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
for (const element of document.querySelectorAll('main *')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.offsetParent) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faults.push(element.tagName + ': contrast ' + ratio.toFixed(2));
}
for (const one of document.querySelectorAll('button,.button,.ways a'))
    if (one.getBoundingClientRect().height < 44) faults.push(one.id + ': too low');
for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.hash.slice(1))) faults.push(link.hash + ': nowhere');
for (const script of document.scripts) faults.push('a script');
return faults;
"""


class Look:
    """Browsers; `width` and `dark` are of the class that runs them."""

    width, height, dark, trusted = 1280, 900, False, ()

    @classmethod
    def setUpClass(cls):
        cls.driver = Driver()
        cls.addClassCleanup(cls.driver.stop)
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.browser = self.new_browser()

    def new_browser(self):
        browser = Chromium(self.driver, self.width, self.height, self.dark, self.trusted)
        self.addCleanup(browser.stop)
        return browser

    def look(self, name, browser=None):
        """The page is as it should be, whatever it says."""
        browser = browser or self.browser
        browser.settle()
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

    def begin(self, link):
        self.browser.open(link)
        self.look("begin")
        self.browser.click("begin")


class Pages(Look):
    """The walks at NetSuite."""

    def to_consent(self, link):
        self.begin(link)
        self.browser.find("way-netsuite_oauth2")
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
        self.begin(link)
        self.browser.find("way-netsuite_tba")
        other = self.new_browser()
        other.open(link)
        self.assertIn("in use in another browser", other.text())
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
        self.begin(link)
        self.browser.click("way-netsuite_tba")
        self.browser.find("submit")
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

    def test_by_keyboard_alone(self):
        """What is wrong has the focus, and leads to the field."""
        _, link = self.session()
        self.browser.open(link)
        self.browser.press(TAB, ENTER)
        self.browser.find("way-netsuite_oauth2")
        self.browser.press(TAB)
        self.assertEqual("way-netsuite_oauth2", self.browser.focused())
        self.browser.press(ENTER)
        self.browser.find("connection.account_id")
        self.browser.press(TAB, *"no such id!", ENTER)
        self.browser.find("status")
        self.assertEqual("status", self.browser.focused())
        self.assertIn("Some values", self.browser.text("status"))
        self.look("keyboard")
        self.browser.press(TAB, ENTER)
        self.assertEqual("connection.account_id", self.browser.focused())
        self.browser.press(TAB, TAB)
        self.assertEqual("other", self.browser.focused())

    def test_the_certificate_form(self):
        _, link = self.session()
        self.begin(link)
        self.browser.click("way-netsuite_m2m")
        self.browser.find("submit")
        self.look("certificate")


class SapPages(SapValues, Links, Look):
    """The walks at SAP."""

    mocks = ()

    @classmethod
    def furnish(cls):
        folder = os.path.join(cls.stand.scratch, "btp")
        os.mkdir(folder)
        authority = Authority(folder)
        cls.certified = ClientCertificate(folder, "first")
        cls.mock = cls.stand.start_mock(
            "sap", "--today", flow.TODAY, "--tls-certificate", authority.certificate, "--tls-key",
            authority.key, "--client-certificate", cls.certified.path)
        cls.stand.extra_flags += ["--net.ca_file", authority.ca]
        cls.btp = Btp(cls.mock, cls.stand.scratch, authority=authority)
        cls.addClassCleanup(cls.btp.stop)

    def fill(self, values):
        for name, value in values.items():
            if name == "connection.route":
                self.browser.choose(name, value)
            else:
                self.browser.type(name, value)
        self.browser.click("submit")

    def to_form(self, scheme, **more):
        session, link = self.session(integration="sap", **more)
        self.begin(link)
        self.browser.find("way-" + scheme)
        self.look("sap-ways")
        self.browser.click("way-" + scheme)
        self.browser.find("submit")
        self.look(scheme.replace("_", "-"))
        return session

    def test_a_user_with_a_wrong_password(self):
        """And who makes the link leaves SAP's terms to whoever connects."""
        session = self.to_form("basic")
        self.browser.click("acknowledged")
        self.fill(dict(self.user(), **{"auth.password": "not-the-password"}))
        self.assertIn("refused this login", self.browser.text("auth.password-error"))
        self.assertFalse(self.browser.has("connection.base_url-error"))
        self.look("basic-wrong")
        self.browser.type("auth.password", self.mock["password"])
        self.browser.click("submit")
        self.assertIn("works", self.browser.text("connected"))
        self.assertEqual("connected", self.state(session)["state"])

    def test_a_client_with_a_certificate(self):
        session = self.to_form("sap_xsuaa", sap_api_policy_ack=True)
        values = self.certificate(self.certified)
        self.fill(dict(values, **{"auth.private_key_pem": "no key"}))
        self.browser.find("auth.private_key_pem-error")
        self.look("sap-xsuaa-wrong")
        self.browser.type("auth.private_key_pem", self.certified.key)
        self.browser.click("submit")
        self.assertIn("works", self.browser.text("connected"))
        self.assertEqual("connected", self.state(session)["state"])

    def test_a_destination(self):
        self.to_form("sap_destination", sap_api_policy_ack=True)
        self.fill(dict(self.destination("S4_OAUTH"), **{"auth.destination": "NO_SUCH"}))
        self.browser.find("auth.destination-error")
        self.look("sap-destination-wrong")

    def test_an_api_key(self):
        session = self.to_form("sap_api_key")
        self.browser.click("acknowledged")
        self.fill(dict(self.api_key(self.btp), **{"auth.api_key": "a key"}))
        self.assertIn("without blanks", self.browser.text("auth.api_key-error"))
        self.assertTrue(self.browser.run("return document.getElementById('acknowledged').checked"))
        self.look("sap-api-key-wrong")
        for name in ("auth.api_key", "auth.password"):
            self.browser.type(name, self.api_key(self.btp)[name])
        self.browser.click("submit")
        self.assertIn("works", self.browser.text("connected"))
        self.assertEqual("connected", self.state(session)["state"])
        account = self.stand.admin("GET", "/integrated-account/" + self.state(session)["account_id"])
        self.assertEqual("sap_api_key", account["auth"]["scheme"])


class SapWide(SapPages, flow.FlowCase):
    pass


class SapNarrow(SapPages, flow.FlowCase):
    width, height = 390, 844


class AcrossSites(Look, ConnectCase):
    """The server by https on one site, the ERP and whoever hands out links on another."""

    @classmethod
    def furnish(cls):
        folder = os.path.join(cls.stand.scratch, "tls")
        os.mkdir(folder)
        authority = Authority(folder)
        os.chmod(authority.key, 0o600)
        cls.trusted = (key_hash(authority.certificate),)
        cls.stand.trust = ssl.create_default_context(cafile=authority.ca)
        cls.stand.extra_flags += ["--server.tls.certificate_file", authority.certificate,
                                  "--server.tls.key_file", authority.key,
                                  "--net.allow_plain_http_hosts", "127.0.0.1,localhost"]
        super().furnish()

    @classmethod
    def app_url(cls, mock):
        return mock["url"].replace("127.0.0.1", "localhost")

    def go_from_elsewhere(self, script, *args):
        """Runs it on a page of the other site."""
        self.browser.open(self.app_url(self.stand.mocks["netsuite"]) + "/nothing")
        self.assertEqual("localhost", self.browser.run("return location.hostname"))
        self.browser.run(script, *args)

    def test_the_cookie_comes_back_from_the_erp(self):
        session, link = self.session()
        self.assertTrue(link.startswith("https://127.0.0.1:"), link)
        self.go_from_elsewhere("location.href = arguments[0]", link)
        self.browser.click("begin")
        self.browser.click("way-netsuite_oauth2")
        self.browser.type("connection.account_id", self.account_id)
        self.browser.click("submit")
        self.browser.click("erp")
        self.browser.find("allow")
        self.assertTrue(self.browser.url.startswith("http://localhost:"), self.browser.url)
        self.browser.click("allow")
        self.assertIn("works", self.browser.text("connected"))
        self.assertEqual("connected", self.state(session)["state"])
        cookie = [one for one in self.browser.cookies() if "sluice" in one["name"]]
        self.assertEqual([("__Host-sluice-connect", True, True, "Lax", "/")], [
            (one["name"], one["secure"], one["httpOnly"], one["sameSite"], one["path"])
            for one in cookie])

    def test_another_site_cannot_begin(self):
        session, link = self.session()
        self.browser.open(link)
        token = self.browser.run("return document.querySelector('[name=form]').value")
        self.go_from_elsewhere("""
            const form = document.createElement('form');
            form.method = 'post';
            form.action = arguments[0];
            form.innerHTML = '<input name="form" value="' + arguments[1] + '">';
            document.body.append(form);
            setTimeout(() => form.submit(), 0);""", link, token)
        wait = flow.wait_until
        wait(lambda: self.browser.url == link, "the answer")
        wait(lambda: "another site" in self.browser.text(), self.browser.text)
        self.assertEqual("open", self.state(session)["state"])


class Wide(Pages, ConnectCase):
    pass


class Narrow(Pages, ConnectCase):
    width, height = 390, 844


class Dark(Pages, ConnectCase):
    width, height, dark = 390, 844, True

    test_consent_denied = test_wrong_company = test_expired_link = None
    test_link_opened_elsewhere = test_replayed_callback = test_by_keyboard_alone = None


if __name__ == "__main__":
    flow.main()
