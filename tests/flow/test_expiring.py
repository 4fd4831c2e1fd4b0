# SPDX-License-Identifier: Apache-2.0
"""A consent whose end is near is told of by webhook: connected as people do it, on a server that knows
how long consents last at that ERP."""
import calendar
import os
import subprocess
import time
import urllib.parse

from connecting import Browser, ConnectCase
from flow import FlowCase, main, wait_until
from receiver import Receiver, sign

HOUR = 3600


def seconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


class Told:
    """What the receiver of one endpoint was told."""

    def warnings(self, account):
        return [one["data"]["expires_at"] for one in self.receiver.of("account.expiring", account)]

    def told(self, kind):
        """Everything up to a test event has come."""
        before = len(self.receiver.of("webhook.test"))
        self.stand.admin("POST", "/webhook-endpoint/%s/test" % self.endpoint["id"])
        wait_until(lambda: len(self.receiver.of("webhook.test")) > before, "a test event")
        wait_until(lambda: all(one["outcome"] == "delivered" for one in self.stand.admin(
            "GET", "/webhook-endpoint/%s/deliveries" % self.endpoint["id"])["data"]), kind)


class Expiring(Told, ConnectCase):
    @classmethod
    def furnish(cls):
        super().furnish()
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        cls.flags_then = list(cls.stand.extra_flags)

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.endpoint = cls.stand.admin("POST", "/webhook-endpoint", {
            "url": cls.receiver.url, "events": ["account.expiring", "account.connected"]})

    def restart(self, hours):
        """What ends by itself is looked for at the start, too."""
        self.assertEqual(0, self.stand.end("server"))
        self.stand.extra_flags[:] = self.flags_then + [
            "--connect.netsuite.grant_hours", str(hours)]
        self.stand.port = urllib.parse.urlsplit(self.stand.base).port  # the redirect URI's
        self.stand.start_server()

    def connect(self, **more):
        session, link = self.session(**more)
        self.consent(Browser(self.stand), link)
        self.assertEqual("connected", self.state(session)["state"])
        return self.state(session)["account_id"]

    def test_the_end_of_a_consent_is_told_twice(self):
        self.restart(40)
        long_ago = time.time()
        account = self.connect()
        self.restart(40)
        wait_until(lambda: self.warnings(account), "the first warning")
        ends = seconds(self.warnings(account)[0])
        self.assertTrue(long_ago + 40 * HOUR - 2 <= ends <= time.time() + 40 * HOUR, ends)
        self.assertEqual("consent", self.receiver.of("account.expiring", account)[0]["data"]["what"])
        fields, body = next(one for one in self.receiver.got if b"account.expiring" in one[1])
        self.assertEqual(fields["webhook-signature"], sign(self.endpoint["secret"], fields, body))
        self.restart(11)  # of consents that are given from now on
        self.told("the first warning alone")
        self.assertEqual(1, len(self.warnings(account)))
        shorter = self.connect()
        self.restart(11)
        wait_until(lambda: self.warnings(shorter), "the second warning, which comes alone")
        self.restart(11)
        self.told("what was told before")
        self.assertEqual((1, 1), (len(self.warnings(account)), len(self.warnings(shorter))))
        # A new consent has an end of its own.
        self.connect(account_id=shorter)
        self.restart(168)
        wait_until(lambda: len(self.warnings(shorter)) == 2, "a warning of the new one")

    def test_a_consent_that_lasts_is_not_told_of(self):
        self.restart(49)
        account = self.connect()
        self.restart(49)
        self.told("nothing")
        self.assertEqual([], self.warnings(account))


CA = """[ca]
default_ca = own
[own]
database = %(folder)s/index
serial = %(folder)s/serial
new_certs_dir = %(folder)s
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


class Certificates(Told, FlowCase):
    """A client certificate that ends is told of before calls are refused for it."""

    mocks = ()

    @classmethod
    def furnish(cls):
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        cls.folder = os.path.join(cls.stand.scratch, "certificates")
        os.mkdir(cls.folder)
        for name, text in (("ca", CA % {"folder": cls.folder}), ("index", ""), ("serial", "01")):
            with open(os.path.join(cls.folder, name), "w", encoding="ascii") as file:
                file.write(text)

    @classmethod
    def prepare(cls):
        cls.endpoint = cls.stand.admin("POST", "/webhook-endpoint", {
            "url": cls.receiver.url, "events": ["account.expiring"]})

    def pair(self, begins_days, ends_days):
        """(certificate, key) in PEM, good from then to then as seen from now."""
        at = {name: os.path.join(self.folder, name) for name in ("key", "request", "ca")}
        dates = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 24 * HOUR))
                 for days in (begins_days, ends_days)]
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", at["key"], "-out",
                        at["request"], "-subj", "/CN=erp"], check=True, capture_output=True)
        made = subprocess.run(["openssl", "ca", "-config", at["ca"], "-selfsign", "-batch",
                               "-notext", "-keyfile", at["key"], "-in", at["request"],
                               "-startdate", dates[0], "-enddate", dates[1]],
                              check=True, capture_output=True, text=True)
        with open(at["key"], encoding="ascii") as file:
            return made.stdout, file.read()

    def account(self, begins_days, ends_days):
        certificate, key = self.pair(begins_days, ends_days)
        return self.stand.admin("POST", "/integrated-account?verify=false", self.body(
            {"scheme": "sap_certificate", "certificate_pem": certificate,
             "private_key_pem": key}))["id"]

    def body(self, auth):
        return {"tenant_id": "t", "integration": "sap", "name": "SAP", "sap_api_policy_ack": True,
                "connection": {"route": "direct", "base_url": "https://erp.example"},
                "auth": auth}

    def restart(self):
        """What ends by itself is looked for at the start, too."""
        self.assertEqual(0, self.stand.end("server"))
        self.stand.start_server()

    def test_each_end_is_told_in_time_and_once(self):
        near, last = self.account(-300, 29), self.account(-300, 6)
        far, new = self.account(-300, 31), self.account(-1, 365)
        weekly, short = self.account(-4, 3), self.account(-6, 1)
        beside = self.stand.admin("POST", "/integrated-account?verify=false", self.body(
            {"scheme": "basic", "username": "u", "password": "p"}))["id"]
        certificate, key = self.pair(-300, 20)
        status, reply = self.stand.api(
            "PUT", "/integrated-account/%s/auth/sap_certificate?verify=false" % beside,
            {"certificate_pem": certificate, "private_key_pem": key})
        self.assertEqual(201, status, reply)
        for _ in range(2):
            self.restart()
            wait_until(lambda: self.warnings(near) and self.warnings(beside), "warnings")
            self.told("all of them")
            self.assertEqual([1, 1, 1, 1, 0, 0, 0], [len(self.warnings(one)) for one in (
                near, last, short, beside, far, new, weekly)])
        said = self.receiver.of("account.expiring", near)[0]["data"]
        self.assertEqual(("certificate", "sap_certificate", "active"),
                         (said["what"], said["scheme"], said["state"]))
        self.assertAlmostEqual(time.time() + 29 * 24 * HOUR, seconds(said["expires_at"]), delta=600)
        # A new pair has an end of its own.
        certificate, key = self.pair(-300, 28)
        self.stand.admin("PATCH", "/integrated-account/" + near, {"auth": {
            "scheme": "sap_certificate", "certificate_pem": certificate, "private_key_pem": key}})
        self.restart()
        wait_until(lambda: len(self.warnings(near)) == 2, "a warning of the new one")


if __name__ == "__main__":
    main()
