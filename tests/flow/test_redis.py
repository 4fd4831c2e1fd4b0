# SPDX-License-Identifier: Apache-2.0
"""Two servers that keep one ceiling through a real Redis: in peace, and while everything is
killed, stopped, cut off or emptied. The mock counts what arrives; nothing here asks the servers."""
import os
import signal
import subprocess
import threading
import time
import unittest
import urllib.parse

from flow import BIN, HELD, TODAY, Volley, codes, exchange, main, read_reply, wait_until
from redis_server import PROGRAM, Redis
from stand import Stand

CEILING = 5
LEASE_MS, CALL_MS = 2000, 1000
GRACE_S = (1.5 * LEASE_MS + CALL_MS) / 1000
ROUNDS = int(os.environ.get("SLUICE_REDIS_ROUNDS", "3"))
# Sanitizers cost CPU that a slot cannot be filled in; the figure is printed in any case.
LEAST_OCCUPANCY = float(os.environ.get("SLUICE_LEAST_OCCUPANCY", "0.80"))
LINE = {"ceiling": CEILING, "queue_limit": 1000, "queue_wait_ms": 60000}


@unittest.skipUnless(PROGRAM, "redis-server is not installed")
class Pair(unittest.TestCase):
    """Two servers and the same upstream account, on one Redis; each has its data folder, or the
    second works on the first one's."""

    is_one_folder = False
    workers = 1
    when_away = ()
    redis_flags = redis_prefix = ()
    password = None
    call_ms = CALL_MS
    line = LINE

    def setUp(self):
        self.stands = []
        self.redis = Redis(*self.redis_flags, prefix=self.redis_prefix, password=self.password)
        self.addCleanup(self.redis.close)
        for number in (1, 2):
            self.add_stand(number)
        self.mock = self.stands[0].start_mock("netsuite", "--today", TODAY)
        for stand in self.stands:
            stand.mocks = self.stands[0].mocks
            if self.is_one_folder:
                stand.admin_token = self.stands[0].admin_token
            stand.start_server()
        self.accounts = [None, None]
        self.urls = [self.connect(stand, at) for at, stand in enumerate(self.stands)]
        self.both_work()
        self.until_states("open")
        self.control("POST", "/reset")

    def add_stand(self, number):
        flags = ["--coordination.redis", self.url(), "--coordination.lease_ms", str(LEASE_MS),
                 "--coordination.call_max_ms", str(self.call_ms)]
        flags += [word.replace("NODE", str(number)) for word in self.when_away]
        flags += ["--server.workers", str(self.workers)]
        stand = Stand(BIN, flags=flags)
        if self.is_one_folder and self.stands:
            stand.data_dir = self.stands[0].data_dir
        self.addCleanup(stand.stop)
        if self.password:
            path = os.path.join(stand.scratch, "password")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(self.password + "\n")
            stand.extra_flags += ["--coordination.redis_password_file", path]
        self.stands.append(stand)
        return stand

    def url(self):
        return "redis://127.0.0.1:%d/3" % self.redis.port

    def connect(self, stand, at):
        """The URL of the same upstream account on that server; a trial needs a slot as well."""
        self.until_states("open", [stand])
        if self.is_one_folder and at > 0:
            self.accounts[at] = self.accounts[0]
            return stand.base + urllib.parse.urlsplit(self.first_url).path
        self.accounts[at] = stand.connect_netsuite(governor=self.line)
        self.first_url = stand.mint(self.accounts[at]["id"])["url"]
        return self.first_url

    def both_work(self):
        """Logins have proved themselves on both sides."""
        for url in self.urls:
            self.assertEqual(codes(Volley(url, 1).send().results()), {"ok": 1})

    def control(self, method, path, body=None):
        return self.stands[0].control("netsuite", method, path, body)

    def latency(self, ms):
        self.control("PUT", "/latency", {"ms": ms, "jitter_ms": 0})

    def release(self, ms=0):
        """What waits at the mock is answered now; what comes from now on takes `ms`."""
        self.latency(ms)
        self.control("POST", "/release")

    def stats(self):
        return self.control("GET", "/stats")

    def coordination(self, stand):
        return stand.admin("GET", "/lanes")["data"][0]["coordination"]

    def state(self, stand):
        return exchange(stand.base, "GET", "/readyz")[2].decode()

    def until_states(self, word, stands=None):
        stands = self.stands if stands is None else stands
        wait_until(lambda: all('"coordination":"%s"' % word in self.state(s) for s in stands),
                   lambda: "%s, now: %r" % (word, [self.state(s) for s in stands]))

    def metric(self, stand, name):
        text = exchange(stand.base, "GET", "/metrics")[2].decode()
        return float([x for x in text.split("\n") if x.startswith(name + " ")][0].split()[1])

    def until_idle(self):
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")

    def until_in_flight(self, count):
        wait_until(lambda: self.stats()["in_flight"] == count, "%d at the mock" % count)

    def until_lease_is_over(self):
        wait_until(lambda: all(self.coordination(stand)["left_ms"] == 0 for stand in self.stands),
                   lambda: "the leases' end: %r" % [self.coordination(s) for s in self.stands])

    def stop_server(self, latency_ms):
        """With all places at the mock: one that is stopped with a call granted and not yet sent would
        send it whenever it goes on, which no lease can keep (docs/coordination.md)."""
        self.latency(HELD)
        self.until_in_flight(CEILING)
        self.stands[1].process("server").send_signal(signal.SIGSTOP)
        self.release(latency_ms)

    def check_peak(self, most=CEILING, exactly=True):
        peak = self.stats()["in_flight_peak"]
        (self.assertEqual if exactly else self.assertLessEqual)(peak, most, self.stats())


class TestPeace(Pair):
    def test_four_hundred_calls_on_two_servers_meet_one_ceiling(self):
        self.latency(150)
        for turn in range(ROUNDS):
            self.control("POST", "/reset")
            volleys = [Volley(url, 200) for url in self.urls]
            started = time.monotonic()
            for volley in volleys:
                volley.send()
            results = [volley.results() for volley in volleys]
            wall_ms = (time.monotonic() - started) * 1000
            stats = self.stats()
            occupancy = stats["busy_ms"] / (CEILING * wall_ms)
            print("\nround %d: peak %d, occupancy %.1f %% (busy %d ms, wall %d ms)" % (
                turn, stats["in_flight_peak"], occupancy * 100, stats["busy_ms"], wall_ms),
                flush=True)
            self.assertEqual([codes(one) for one in results], [{"ok": 200}] * 2)
            self.assertEqual(stats["requests"], 400)
            self.assertEqual(stats["refused_concurrency"], 0)
            self.check_peak()
            self.assertGreaterEqual(occupancy, LEAST_OCCUPANCY)

    def test_a_server_that_comes_later_gets_its_share(self):
        self.latency(HELD)
        first = Volley(self.urls[0], 120).send()
        self.until_in_flight(CEILING)
        second = Volley(self.urls[1], 40).send()
        lane = "/lanes/" + urllib.parse.quote(self.accounts[1]["lane"], safe="")
        wait_until(lambda: self.stands[1].admin("GET", lane)["queued"] == 40, "forty in line")
        self.release(50)
        self.assertEqual(codes(second.results()), {"ok": 40})
        # In turn all 160 would have come by now; with half of the places each, some 80.
        self.assertLess(self.stats()["requests"], 140)
        self.assertEqual(codes(first.results()), {"ok": 120})
        self.check_peak()

    def test_one_place_goes_from_hand_to_hand(self):
        for stand, account in zip(self.stands, self.accounts):
            stand.admin("PATCH", "/integrated-account/" + account["id"],
                        {"governor": {"ceiling": 1}})
        self.latency(HELD)
        volleys = [Volley(url, 25).send() for url in self.urls]
        self.until_in_flight(1)
        self.release(20)
        done, others_done = [0, 0], []

        def read(one):
            for sock in volleys[one].sockets:
                with sock:
                    self.assertEqual(read_reply(sock)[0], 200)
                done[one] += 1
            others_done.append(done[1 - one])
        threads = [threading.Thread(target=read, args=(one,)) for one in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.check_peak(1)
        self.assertGreater(others_done[0], 12)  # one after the other: none
        self.assertEqual(done, [25, 25])

    def test_nothing_is_left_at_redis_and_nothing_names_anybody(self):
        self.latency(HELD)
        volley = Volley(self.urls[0], 3).send()
        self.until_in_flight(3)
        keys = self.redis_keys()
        self.assertEqual(len([key for key in keys if key.startswith("sluice:lane:")]), 1)
        everything = " ".join(keys) + repr([self.ask("HGETALL", key) for key in keys])
        for word in (self.mock["account_id"], "demo", self.accounts[0]["id"]):
            self.assertNotIn(word, everything)
        self.release()
        self.assertEqual(codes(volley.results()), {"ok": 3})
        wait_until(lambda: self.redis_keys() == ["sluice:epoch", "sluice:nodes"], "an empty lane")
        for stand in self.stands:
            self.assertEqual(stand.end("server"), 0)
        self.assertEqual(self.redis_keys(), ["sluice:epoch"])

    def ask(self, *words):
        """In the database that the servers use."""
        script = "redis.call('SELECT', 3) return redis.call(unpack(ARGV))"
        return self.redis.ask("EVAL", script, "0", *words).decode()

    def redis_keys(self):
        return sorted(line for line in self.ask("KEYS", "*").split("\r\n")
                      if line.startswith("sluice:"))

    def test_it_is_told_how_it_stands(self):
        self.assertEqual(self.coordination(self.stands[0]),
                         {"state": "open", "cause": "", "left_ms": 0})
        self.assertEqual(self.metric(self.stands[0], 'sluice_coordination_state{state="open"}'), 1)
        self.assertEqual(self.metric(self.stands[0], "sluice_coordination_losses_total"), 0)


class TestPassword(Pair):
    password = "a-password-of-redis"

    def url(self):
        return "unix://%s?db=3" % self.redis.path

    def test_a_password_out_of_a_file(self):
        self.assertEqual(codes(Volley(self.urls[0], 10).send().results()), {"ok": 10})
        self.redis.password = "another"
        self.redis.restart()
        wait_until(lambda: '"cause":"denied"' in self.state(self.stands[0]), "a refusal")
        self.assertNotIn(self.password, self.stands[0].log_tail(100000))


class Trouble(Pair):
    """Calls without end on both servers while something happens; the peak tells."""

    def setUp(self):
        super().setUp()
        self.stop = threading.Event()
        self.done = {"ok": 0}
        self.lock = threading.Lock()
        self.threads = []
        self.addCleanup(self.stop.set)
        self.latency(60)

    def load(self, callers=15):
        for stand, url in zip(self.stands, self.urls):
            for _ in range(callers):
                thread = threading.Thread(target=self.caller, args=(stand, url), daemon=True)
                thread.start()
                self.threads.append(thread)
        self.until_more()

    def caller(self, stand, url):
        while not self.stop.is_set():
            try:
                _, _, result = stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
            except OSError:
                if self.stop.wait(0.05):
                    return
                continue
            word = list(codes([(200, {}, result)]))[0]
            with self.lock:
                self.done[word] = self.done.get(word, 0) + 1

    def until_more(self, calls=30):
        start = self.done["ok"]
        wait_until(lambda: self.done["ok"] >= start + calls, "calls that succeed")

    def until_used(self, places):
        """Of what was lent before, nothing more is counted: so many are used at once from now on."""
        self.check_peak(exactly=False)
        self.control("POST", "/reset")
        wait_until(lambda: self.stats()["in_flight_peak"] >= places, "%d places in use" % places)

    def fill(self, places):
        """Callers keep so many at the mock at once, however slow they are."""
        self.latency(HELD)
        self.until_in_flight(places)
        self.release(60)

    def unload(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.until_idle()


class TestTrouble(Trouble):
    def test_redis_is_killed_and_comes_back_empty(self):
        self.load()
        for _ in range(ROUNDS):
            self.redis.restart()
            self.until_states("grace")
            self.until_more(10)  # what was held is used on
            self.until_states("open")
            self.until_more()
        self.unload()
        self.check_peak()

    def test_a_server_is_killed(self):
        self.load()
        self.stands[1].process("server").kill()
        self.until_more()
        self.until_used(CEILING)  # its slots have come back
        self.until_more(100)
        self.unload()
        self.check_peak()

    def test_redis_is_flushed_under_way(self):
        self.load()
        self.redis.ask("FLUSHALL")
        self.until_more()
        self.until_states("open")
        self.until_more()
        self.unload()
        self.check_peak()

    def test_redis_stands_still(self):
        self.load()
        self.redis.signal(signal.SIGSTOP)
        self.until_states("strict")
        wait_until(lambda: '"cause":"silent"' in self.state(self.stands[0]), "the cause")
        self.until_lease_is_over()
        self.until_idle()  # the leases are over: nobody calls
        self.redis.signal(signal.SIGCONT)
        self.until_states("open")
        self.until_more()
        self.unload()
        self.check_peak()

    def test_a_server_stands_still(self):
        self.load()
        self.stop_server(60)
        self.until_more()
        self.until_used(CEILING)  # by the other alone
        self.until_more()
        self.stands[1].process("server").send_signal(signal.SIGCONT)
        self.until_more(60)
        self.unload()
        self.check_peak()

    def test_busy_says_why_and_at_once(self):
        self.redis.kill()
        self.until_states("strict")
        self.until_lease_is_over()
        started = time.monotonic()
        _, _, result = self.stands[0].tool(self.urls[0], "list_all_netsuite_customers")
        self.assertLess(time.monotonic() - started, LINE["queue_wait_ms"] / 1000 / 2)
        error = result["structuredContent"]["error"]
        self.assertEqual(error["code"], "account_busy")
        self.assertIn("Redis is away", error["message"])
        self.assertIn("unreachable", error["message"])
        self.assertEqual(self.coordination(self.stands[0])["cause"], "unreachable")
        self.assertGreater(self.metric(self.stands[0], "sluice_coordination_losses_total"), 0)


class TestShare(Trouble):
    when_away = ("--coordination.when_away", "share", "--coordination.nodes", "2",
                 "--coordination.node", "NODE")

    def test_without_redis_each_uses_its_share(self):
        self.load()
        self.redis.kill()
        self.until_states("share")
        self.until_more()
        self.until_used(CEILING // 2 * 2)
        self.until_more(100)
        self.check_peak(CEILING // 2 * 2)  # both shares, and no more
        self.redis.start()
        self.until_states("open")
        self.until_more(100)
        self.unload()
        self.check_peak()



class TestCutOff(Trouble):
    """Redis in a network namespace of its own, whose link goes down: no answer, no end."""

    when_away = TestShare.when_away

    def setUp(self):
        self.net = "sluice%d" % os.getpid()
        self.ip("netns", "add", self.net)
        self.addCleanup(self.ip, "netns", "del", self.net, must=False)
        low = os.getpid() % 16384 * 4
        near, far = ["10.213.%d.%d" % ((low + at) // 256, (low + at) % 256) for at in (1, 2)]
        link = "sl%d" % os.getpid()
        self.ip("link", "add", link, "type", "veth", "peer", "name", "redis", "netns", self.net)
        self.ip("addr", "add", near + "/30", "dev", link)
        self.ip("link", "set", link, "up")
        self.ip("-n", self.net, "addr", "add", far + "/30", "dev", "redis")
        self.ip("-n", self.net, "link", "set", "redis", "up")
        self.far = far
        self.redis_flags = ("--bind", far, "--protected-mode", "no")
        self.redis_prefix = ("ip", "netns", "exec", self.net)
        super().setUp()

    def ip(self, *words, must=True):
        try:
            result = subprocess.run(["ip", *words], capture_output=True, text=True)
        except OSError as error:
            self.skipTest("no program ip: %s" % error)
        if must and result.returncode != 0:
            print("skipped: network namespaces are not permitted here: " + result.stderr.strip())
            self.skipTest("ip %s: %s" % (" ".join(words), result.stderr.strip()))

    def url(self):
        return "redis://%s:%d/3" % (self.far, self.redis.port)

    def test_the_network_to_redis_is_cut(self):
        self.load()
        self.ip("-n", self.net, "link", "set", "redis", "down")
        self.until_states("share")
        wait_until(lambda: '"cause":"silent"' in self.state(self.stands[0]), "the cause")
        self.until_more()
        self.until_used(CEILING // 2 * 2)
        self.until_more()
        self.ip("-n", self.net, "link", "set", "redis", "up")
        self.until_states("open")
        self.until_more(60)
        self.unload()
        self.check_peak()


if __name__ == "__main__":
    main()
