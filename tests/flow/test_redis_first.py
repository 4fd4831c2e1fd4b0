# SPDX-License-Identifier: Apache-2.0
"""The first start of all on a Redis, with the settings as they come: how long nothing is lent is
said everywhere, and the operator who knows that nothing runs need not wait."""
import json
import re
import unittest

from flow import BIN, TODAY, exchange, main, wait_until
from redis_server import PROGRAM, Redis
from stand import Stand

GRACE_S = 1.5 * 10 + 900  # of lease_ms and call_max_ms by default


@unittest.skipUnless(PROGRAM, "redis-server is not installed")
class TestFirstStart(unittest.TestCase):
    def setUp(self):
        self.redis = Redis()
        self.addCleanup(self.redis.close)
        self.stand = Stand(BIN, flags=["--coordination.redis",
                                       "redis://127.0.0.1:%d/0" % self.redis.port])
        self.addCleanup(self.stand.stop)
        self.stand.start_mock("netsuite", "--today", TODAY)
        self.stand.start_server()

    def ready(self):
        return json.loads(exchange(self.stand.base, "GET", "/readyz")[2])

    def until_state(self, word):
        return wait_until(lambda: self.ready() if self.ready()["coordination"] == word else None,
                          lambda: "%s, now: %r" % (word, self.ready()))

    def event(self, name):
        return wait_until(lambda: [e for e in self.stand.events() if e["event"] == name], name)[0]

    def try_to_connect(self):
        body = self.stand.netsuite_account()
        status, reply = self.stand.api("POST", "/integrated-account", body)
        return status, reply["error"]

    def check_left(self, seconds):
        self.assertLessEqual(float(seconds), GRACE_S)
        self.assertGreater(float(seconds), GRACE_S - 60)

    def test_how_long_nothing_is_lent_is_said_and_may_be_cut_short(self):
        self.check_left(self.until_state("grace")["left_ms"] / 1000)
        self.check_left(self.event("coordination_grace")["wait_us"] / 1e6)
        status, error = self.try_to_connect()
        self.assertEqual((status, error["code"]), (503, "account_busy"))
        self.check_left(re.search(r"for another (\d+) s", error["message"]).group(1))
        self.check_left(re.search(r"in (\d+) seconds", error["hint"]).group(1))
        self.redis.ask("HSET", "sluice:epoch", "open", "0")  # as docs/operations.md says
        self.assertEqual(self.until_state("open")["left_ms"], 0)
        self.event("coordination_open")
        self.assertTrue(self.stand.connect_netsuite()["verified"])


if __name__ == "__main__":
    main()
