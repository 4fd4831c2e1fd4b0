# SPDX-License-Identifier: Apache-2.0
"""People at the connect pages, for the proof that nothing of it stays: what they type, what their
browser holds, and what the server and the ERP tell each other by way of it are marks."""
import base64
import http.client
import os
import secrets
import sys
import urllib.parse

from marks import LOCKED, NOWHERE, OWN
from stand import Fault

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests",
                                "flow"))
from btp import ClientCertificate  # noqa: E402
from connecting import Browser, Links  # noqa: E402

CLIENT = "retention-client-of-the-operator"
TOKEN_PARTS = ("consumer_key", "consumer_secret", "token_id", "token_secret")


def private_number(key):
    """RFC 5915 in RFC 5958, of P-256: what of a key in PEM is private."""
    return base64.b64decode("".join(key.strip().split("\n")[1:-1]))[36:68]


class Person(Browser):
    """By the server's own TLS; the ERP's pages without."""

    def dial(self, split):
        if split.scheme == "https":
            return http.client.HTTPSConnection(split.netloc, timeout=60, context=self.server.trust)
        return super().dial(split)


class Walk(Links):
    def __init__(self, scene):
        self.scene, self.stand = scene, scene.stand
        self.client_secret = scene.mark("connect client secret", OWN)

    # ---- Set-up ----

    def flags(self):
        """Before the server starts."""
        path = os.path.join(self.stand.scratch, "client-secret")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(self.client_secret + "\n")
        urls = ",".join("%s=%s" % (name, self.stand.mocks["netsuite"]["url"])
                        for name in ("suitetalk", "restlets", "app"))
        return ["--connect.netsuite.client_id", CLIENT, "--connect.netsuite.base_urls", urls,
                "--connect.netsuite.client_secret_file", path]

    def register(self):
        """When its address is known."""
        self.account_id = self.stand.mocks["netsuite"]["account_id"]
        said = self.stand.control("netsuite", "POST", "/integrations", {
            "client_id": CLIENT, "client_secret": self.client_secret, "public": False,
            "account_id": self.account_id, "name": "sluice",
            "redirect_uris": [self.stand.base + "/connect/callback"]})
        if said.get("client_id") != CLIENT:
            raise Fault("the mock takes no such client: %r" % said)
        self.stand.control("netsuite", "PUT", "/oauth2", {"consent": "page"})

    # ---- Shorthands ----

    def open(self, integration):
        """(session, browser, first page) of a link that is new."""
        ack = {"sap_api_policy_ack": True} if integration == "sap" else {}
        session, link = self.session(integration=integration, **ack)
        self.remember_text("link", urllib.parse.urlsplit(link).path.rsplit("/", 1)[1])
        browser = Person(self.stand)
        page = browser.begin(link)
        for text in browser.cookies.get(urllib.parse.urlsplit(link).netloc, {}).values():
            self.remember_text("cookie", text)
        return session, browser, page

    def remember_text(self, what, text, allowed=NOWHERE):
        if len(text) >= 24:
            self.scene.remember(what, text, allowed)

    def remember_query(self, url):
        for name, value in urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query):
            if name in ("state", "code", "code_challenge"):
                self.remember_text(name, value)

    def send(self, browser, form, **typed):
        self.remember_text("form", form.fields.get("form", ""))
        return browser.post(form, **typed)

    def expect(self, got, wanted, what):
        if got != wanted:
            raise Fault("%s: %r was expected, %r came" % (what, wanted, got))

    def connected(self, session, name):
        """The account, kept with the scene's others."""
        said = self.state(session)
        self.expect((said["state"], said["cause"]), ("connected", None), name)
        self.scene.accounts[name] = {"id": said["account_id"]}
        self.scene.urls[name] = self.scene.mint(said["account_id"])

    # ---- What people do ----

    def all(self):
        self.consent()
        self.token_form()
        self.certificate_form()
        self.user_form()

    def to_callback(self, browser, page, button):
        """The ERP's consent page and the address it sends the browser to."""
        form = browser.click(page, "way-netsuite_oauth2")
        page = self.send(browser, form, connection__account_id=self.account_id)
        self.remember_query(page.links["erp"])
        answer = browser.post(browser.click(page, "erp"), button)
        self.remember_query(answer.headers["location"])
        return answer.headers["location"]

    def consent(self):
        _, browser, page = self.open("netsuite")
        callback = self.to_callback(browser, page, "deny")
        browser.follow(browser.get(callback + "&error_description=" + self.scene.mark("reason")))
        session, browser, page = self.open("netsuite")
        callback = self.to_callback(browser, page, "allow")
        stranger = Person(self.stand)
        self.expect(stranger.get(callback).status, 403, "somebody else's callback")
        wrong = callback.replace("code=", "code=" + self.scene.mark("wrong code"))
        browser.follow(browser.get(wrong))
        session, browser, page = self.open("netsuite")
        browser.follow(browser.get(self.to_callback(browser, page, "allow")))
        self.connected(session, "netsuite by consent")

    def token_form(self):
        values = {name: secrets.token_hex(32) for name in TOKEN_PARTS}
        for name, value in values.items():
            self.scene.remember("typed " + name, value, LOCKED)
        self.stand.control("netsuite", "POST", "/accounts", dict(values, account_id="RETENTION3"))
        session, browser, page = self.open("netsuite")
        form = browser.click(page, "way-netsuite_tba")
        typed = {"auth__" + name: secrets.token_hex(32) for name in TOKEN_PARTS}
        for name, value in typed.items():
            self.scene.remember("wrong " + name, value)
        page = self.send(browser, form, connection__account_id=self.scene.mark("typed account"),
                         unknown=self.scene.mark("field"), **typed)
        self.expect(page.status, 422, "wrong values")
        page = self.send(browser, page, connection__account_id="RETENTION3",
                         **{"auth__" + name: value for name, value in values.items()})
        self.expect(page.status, 303, "right values")
        browser.follow(page)
        self.connected(session, "netsuite by page")

    def certificate_form(self):
        """The client that nobody knows: the key is pasted, tried and refused."""
        pair = ClientCertificate(self.stand.scratch, "pasted")
        number = private_number(pair.key)
        self.scene.remember("pasted key", number)
        self.scene.remember("pasted key, reversed", number[::-1])
        _, browser, page = self.open("netsuite")
        form = browser.click(page, "way-netsuite_m2m")
        page = self.send(browser, form, connection__account_id=self.account_id,
                         auth__client_id=self.scene.mark("client id"),
                         auth__certificate_id=self.scene.mark("certificate id"), auth__alg="ES256",
                         auth__private_key_pem=pair.key)
        self.expect(page.status, 422, "a key that nobody knows")

    def user_form(self):
        _, browser, page = self.open("sap")
        form = browser.click(page, "way-basic")
        page = self.send(browser, form, auth__username=self.scene.mark("typed user"),
                         auth__password=self.scene.mark("typed password"),
                         connection__base_url=self.stand.mocks["sap basic"]["url"],
                         connection__sap_client=self.stand.mocks["sap basic"]["client"])
        self.expect(page.status, 422, "a wrong password")
