# SPDX-License-Identifier: Apache-2.0
"""An ERP that answers more slowly than it did: a lane lets fewer calls through, if it is told to look."""
import threading

from flow import FlowCase, connect, call_bytes, main, read_reply, wait_until

CUSTOMERS = "list_all_netsuite_customers"
CALLERS = 8


class Traffic:
    """Calls without end over a few connections, until it is told to stop."""

    def __init__(self, url):
        self.url, self.goes_on, self.answered = url, True, 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.call) for _ in range(CALLERS)]
        for thread in self.threads:
            thread.start()

    def call(self):
        with connect(self.url) as sock:
            while self.goes_on:
                sock.sendall(call_bytes(self.url, CUSTOMERS, {"limit": 1}))
                read_reply(sock)
                with self.lock:
                    self.answered += 1

    def stop(self):
        self.goes_on = False
        for thread in self.threads:
            thread.join()


class TestLatency(FlowCase):
    def slowed(self, **governor):
        """A lane whose ERP was quick for a while and is slow now, under calls that go on."""
        account, url = self.fresh(governor=dict(ceiling=CALLERS, queue_limit=100,
                                                queue_wait_ms=60000, **governor))
        self.latency(20)
        traffic = Traffic(url)
        self.addCleanup(traffic.stop)
        wait_until(lambda: traffic.answered > 100, "what is quick")
        self.assertIsNone(self.lane(account)["cause"])
        self.latency(400)
        return account, traffic

    def test_fewer_are_let_through_and_again_all_when_that_does_not_help(self):
        account, _ = self.slowed(latency_factor=3)
        lane = wait_until(lambda: self.cause(account) == "latency" and self.lane(account),
                          "fewer calls")
        self.assertEqual((lane["effective"], lane["probing"]), (CALLERS * 3 // 4, False))
        self.assertIsNotNone(lane["lowered_at"])
        # The mock is slow whatever is asked of it: the number of calls was not the reason.
        wait_until(lambda: self.cause(account) is None, "all calls again")
        self.assertEqual(self.lane(account)["effective"], CALLERS)

    def cause(self, account):
        return self.lane(account)["cause"]

    def test_nobody_looks_unless_the_account_says_so(self):
        account, traffic = self.slowed()
        before = traffic.answered
        wait_until(lambda: traffic.answered > before + 100, "slow calls")
        self.assertIsNone(self.cause(account))
        self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                         {"governor": {"latency_factor": 3}})
        self.latency(20)
        before = traffic.answered
        wait_until(lambda: traffic.answered > before + 100, "quick calls")
        self.latency(400)
        wait_until(lambda: self.cause(account) == "latency", "fewer calls")

    def test_a_factor_is_a_number_from_2_to_100(self):
        account, _ = self.fresh()
        for wrong in (1, 101, True, "3", 2.5):
            status, reply = self.stand.api("PATCH", "/integrated-account/" + account["id"],
                                           {"governor": {"latency_factor": wrong}})
            self.assertEqual((status, reply["error"]["details"][0]["pointer"]),
                             (422, "/governor/latency_factor"), wrong)


if __name__ == "__main__":
    main()
