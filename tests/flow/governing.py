# SPDX-License-Identifier: Apache-2.0
"""What the tests of the governor share: lanes of their own, and what to wait for there."""
import urllib.parse

from flow import HELD, FlowCase, wait_until

LONG_LINE = {"queue_limit": 500, "queue_wait_ms": 60000}


class GovernorCase(FlowCase):
    def setUp(self):
        self.latency(0)
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.reset()

    def fresh(self, **options):
        """As in every flow test, and the mock has counted nothing yet."""
        made = super().fresh(**options)
        self.reset()
        return made

    def until_in_flight(self, count):
        wait_until(lambda: self.stats()["in_flight"] == count,
                   lambda: "%d requests at the mock, now: %r" % (count, self.stats()))

    def until_queued(self, account, count):
        wait_until(lambda: self.lane(account)["queued"] == count,
                   lambda: "%d calls in line, now: %r" % (count, self.lane(account)))

    def until_requests(self, count):
        """So many have come to the mock; whoever is there is answered, and those who follow are held."""
        wait_until(lambda: self.release(HELD) or self.stats()["requests"] >= count,
                   lambda: "%d requests in all, now: %r" % (count, self.stats()))

    def until_idle(self, account):
        wait_until(lambda: self.lane(account)["in_flight"] == 0 and
                   self.lane(account)["queued"] == 0 and self.stats()["in_flight"] == 0,
                   lambda: "an idle lane, now: %r" % self.lane(account))

    def set_account(self, account, **governor):
        return self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                                {"governor": governor})

    def set_lane(self, account, ceiling):
        return self.stand.admin("PATCH", "/lanes/" + urllib.parse.quote(account["lane"], safe=""),
                                {"ceiling": ceiling})
