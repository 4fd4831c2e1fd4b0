# SPDX-License-Identifier: Apache-2.0
"""A consent whose end is near is told of by webhook: connected as people do it, on a server that knows
how long consents last at that ERP."""
import calendar
import time
import urllib.parse

from connecting import Browser, ConnectCase
from flow import main, wait_until
from receiver import Receiver, sign

HOUR = 3600


def seconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


class Expiring(ConnectCase):
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

    def warnings(self, account):
        return [one["data"]["expires_at"] for one in self.receiver.of("account.expiring", account)]

    def told(self, kind):
        """Everything up to a test event has come."""
        before = len(self.receiver.of("webhook.test"))
        self.stand.admin("POST", "/webhook-endpoint/%s/test" % self.endpoint["id"])
        wait_until(lambda: len(self.receiver.of("webhook.test")) > before, "a test event")
        wait_until(lambda: all(one["outcome"] == "delivered" for one in self.stand.admin(
            "GET", "/webhook-endpoint/%s/deliveries" % self.endpoint["id"])["data"]), kind)

    def test_the_end_of_a_consent_is_told_twice(self):
        self.restart(40)
        long_ago = time.time()
        account = self.connect()
        self.restart(40)
        wait_until(lambda: self.warnings(account), "the first warning")
        ends = seconds(self.warnings(account)[0])
        self.assertTrue(long_ago + 40 * HOUR - 2 <= ends <= time.time() + 40 * HOUR, ends)
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


if __name__ == "__main__":
    main()
