# SPDX-License-Identifier: Apache-2.0
"""Two servers of two workers each, on one data folder and one Redis: ten volleys of 400 calls, while
servers are killed and stopped, and Redis is restarted empty and stopped. The mock counts."""
import signal
import subprocess
import time
import unittest

from flow import BIN, HELD, Volley, codes, main, wait_until
from redis_server import PROGRAM
from stand import Stand
from test_redis import CALL_MS, CEILING, GRACE_S, LEASE_MS, Pair

EACH = 200


class Quad(Pair):
    is_one_folder = True
    workers = 2


@unittest.skipUnless(PROGRAM, "redis-server is not installed")
class TestTenRuns(Quad):
    def volley(self, trouble=None, hears=(0, 1)):
        """200 calls through each server at once; what they came to through those that live."""
        self.until_states("open")
        self.control("POST", "/reset")
        self.latency(HELD)
        volleys = [Volley(url, EACH).send() for url in self.urls]
        self.until_in_flight(CEILING)
        self.release(20)
        if trouble:
            wait_until(lambda: self.stats()["requests"] >= EACH // 2, "a volley under way")
            trouble()
        for at in hears:
            self.assertEqual(codes(volleys[at].results()), {"ok": EACH})
        for volley in volleys:
            volley.hang_up()
        print("peak %d of %d" % (self.stats()["in_flight_peak"], CEILING), flush=True)
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        stats = self.stats()
        self.assertEqual((stats["in_flight_peak"], stats["refused_concurrency"]), (CEILING, 0))

    def test_four_hundred_calls_meet_one_ceiling_in_ten_of_ten_runs(self):
        for _ in range(3):
            self.volley()
        self.volley(self.redis.restart)
        self.volley(self.stop_redis)
        self.volley(self.stop_a_server)
        for _ in range(2):
            self.volley(lambda: self.redis.ask("FLUSHALL"))
        self.volley(self.stands[1].process("server").kill, hears=(0,))
        self.stands[1].start_server()
        self.urls[1] = self.stands[1].base + self.urls[1][self.urls[1].index("/mcp/"):]
        self.until_states("open")
        self.both_work()  # after a start one goes first
        self.volley()

    def stop_redis(self):
        self.redis.signal(signal.SIGSTOP)
        time.sleep(2 * LEASE_MS / 1000)
        self.redis.signal(signal.SIGCONT)

    def stop_a_server(self):
        self.stop_server(20)
        time.sleep(GRACE_S + 1)
        self.stands[1].process("server").send_signal(signal.SIGCONT)


@unittest.skipUnless(PROGRAM, "redis-server is not installed")
class TestOneFolder(Quad):
    def test_both_count_one_lane_and_every_worker_takes_part(self):
        nodes = self.redis.ask("EVAL", "redis.call('SELECT', 3) return redis.call('HLEN', "
                               "'sluice:nodes')", "0")
        self.assertEqual(nodes, b":4\r\n")
        for stand in self.stands:
            self.assertEqual(self.metric(stand, 'sluice_coordination_state{state="open"}'), 2)
            self.assertEqual(self.coordination(stand)["state"], "open")

    def test_who_names_another_redis_or_none_is_refused(self):
        first = self.stands[0]
        named = self.url()
        other = Stand(BIN)
        self.addCleanup(other.stop)
        other.data_dir = first.data_dir
        for flags, word in ((["--coordination.redis", named.replace("/3", "/4")],
                             "another coordination.redis"),
                            (["--coordination.shares", "2"], "another coordination.shares"),
                            ([], "in use by another sluice serve"),
                            (["--coordination.redis", named, "--coordination.shares", "2"],
                             "not both")):
            result = subprocess.run([other.server, "serve", "--server.port", "0", *other.flags(),
                                     *flags], capture_output=True, text=True, timeout=60)
            self.assertNotEqual(result.returncode, 0, flags)
            self.assertIn(word, result.stderr)


@unittest.skipUnless(PROGRAM, "redis-server is not installed")
class TestShareOfWorkers(Quad):
    when_away = ("--coordination.when_away", "share", "--coordination.nodes", "2",
                 "--coordination.node", "NODE")

    def test_a_tenants_ceiling_is_divided(self):
        self.stands[0].admin("PATCH", "/tenant/demo", {"governor": {"ceiling": 3}})
        wait_until(lambda: sorted(self.limit(stand, url) for stand, url in
                                  zip(self.stands, self.urls)) == ["1", "2"], "parts of 3")
        self.latency(HELD)
        self.control("POST", "/reset")
        volleys = [Volley(url, 40).send() for url in self.urls]
        self.until_in_flight(3)
        self.release(20)
        for volley in volleys:
            self.assertEqual(codes(volley.results()), {"ok": 40})
        self.check_peak(3)

    def test_who_has_no_part_of_a_tenants_ceiling_is_told_why(self):
        self.stands[0].admin("PATCH", "/tenant/demo", {"governor": {"ceiling": 1}})
        wait_until(lambda: sorted(self.limit(stand, url) for stand, url in
                                  zip(self.stands, self.urls)) == ["0", "1"], "parts of 1")
        answers = [stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
                   for stand, url in zip(self.stands, self.urls)]
        self.assertEqual(codes(answers), {"ok": 1, "account_busy": 1})
        error = [result["structuredContent"]["error"] for _, _, result in answers
                 if result.get("isError")][0]
        self.assertIn("coordination.nodes", error["hint"])
        self.assertNotIn("coordination.shares", error["hint"])

    def limit(self, stand, url):
        return stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[1]["ratelimit-limit"]

    def test_without_redis_each_server_has_its_share_once(self):
        self.redis.kill()
        self.until_states("share")
        for url in self.urls:  # until each may use all of its share
            wait_until(lambda: codes(Volley(url, 1).send().results()) == {"ok": 1}, "a share")
        self.latency(HELD)
        self.control("POST", "/reset")
        volleys = [Volley(url, 40).send() for url in self.urls]
        self.until_in_flight(CEILING // 2 * 2)
        self.release(20)
        for volley in volleys:
            self.assertEqual(codes(volley.results()), {"ok": 40})
        self.check_peak(CEILING // 2 * 2)
        self.redis.start()
        self.until_states("open")
        self.latency(0)
        for url in self.urls:
            self.assertEqual(codes(Volley(url, 20).send().results()), {"ok": 20})
        self.check_peak(exactly=False)


if __name__ == "__main__":
    main()
