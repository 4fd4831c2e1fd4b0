# SPDX-License-Identifier: Apache-2.0
"""Two servers on one Redis, and an ERP that takes fewer calls than it did: both together have to
find its limit, and later that it is gone. The mock counts what it refused."""
import time
import unittest

from flow import main, wait_until
from redis_server import PROGRAM
from test_redis import LINE, Trouble

HIGH, LOW = 15, 5
STOPPED_S, COUNTED_S, RECOVERED_S = 5, 10, 60


@unittest.skipUnless(PROGRAM, "redis-server is not installed")
class TestLimit(Trouble):
    line = dict(LINE, ceiling=HIGH)

    def limit(self, concurrency):
        self.control("PUT", "/limits", {"concurrency": concurrency})

    def refused(self):
        return self.stats()["refused_concurrency"]

    def effective(self):
        return [stand.admin("GET", "/lanes")["data"][0]["effective"] for stand in self.stands]

    def test_both_follow_a_limit_that_falls_and_rises(self):
        self.load(callers=20)
        self.fill(HIGH)
        self.limit(LOW)
        time.sleep(STOPPED_S)
        before = self.stats()
        time.sleep(COUNTED_S)
        after = self.stats()
        served, known = (after["requests"] - before["requests"]) / COUNTED_S, min(self.effective())
        print("\nrefused in %d s: %d, later: %d; %.1f calls/s then, of %d" % (
            STOPPED_S, before["refused_concurrency"],
            after["refused_concurrency"] - before["refused_concurrency"], served,
            known), flush=True)
        self.assertGreater(before["refused_concurrency"], 0)
        self.assertEqual(after["refused_concurrency"], before["refused_concurrency"])
        # The lowest holds for both. By the calls of one server alone it would be half of that.
        self.assertIn(known, range(LOW - 2, LOW + 1))
        self.limit(HIGH)
        started = time.monotonic()
        wait_until(lambda: self.effective() == [HIGH, HIGH], "both at %d" % HIGH,
                   seconds=RECOVERED_S)
        print("risen after %.1f s" % (time.monotonic() - started), flush=True)
        refused = self.refused()
        self.control("POST", "/reset")
        self.fill(HIGH)
        self.unload()
        self.check_peak(HIGH)
        self.assertEqual(self.done.get("rate_limited", 0), refused)
        self.assertEqual(sorted(self.done), ["ok", "rate_limited"])


if __name__ == "__main__":
    main()
