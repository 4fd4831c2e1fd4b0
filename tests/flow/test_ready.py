# SPDX-License-Identifier: Apache-2.0
"""Few accounts and servers are kept ready, many are called: nobody notices but the clock."""
import threading

from flow import FlowCase, Volley, codes, main, wait_until

CUSTOMERS = "list_all_netsuite_customers"


class TestReady(FlowCase):
    flags = ("--memory.ready_accounts", "2", "--memory.ready_servers", "3")
    COUNT = 7

    @classmethod
    def prepare(cls):
        cls.made = [cls.fresh(governor={"ceiling": 2, "queue_wait_ms": 600000})
                    for _ in range(cls.COUNT)]

    def test_all_in_turn_and_back(self):
        urls = [url for _, url in self.made]
        cursors = []
        for url in urls:
            _, _, result = self.stand.tool(url, CUSTOMERS, {"limit": 2})
            cursors.append(result["structuredContent"]["pagination"]["next_cursor"])
        for url, cursor in reversed(list(zip(urls, cursors))):
            _, _, result = self.stand.tool(url, CUSTOMERS, {"limit": 2, "next_cursor": cursor})
            self.assertEqual(len(self.data(result)), 2)

    def test_more_in_use_at_once_than_are_kept(self):
        self.hold()
        volleys = [Volley(url, 3).send() for _, url in self.made]
        wait_until(lambda: self.stats()["in_flight"] == 2 * self.COUNT, "two of each")
        for account, _ in self.made:
            lane = self.lane(account)
            self.assertEqual((lane["in_flight"], lane["queued"]), (2, 1))
        self.release()
        self.assertEqual([codes(volley.results()) for volley in volleys],
                         [{"ok": 3}] * self.COUNT)
        self.test_all_in_turn_and_back()

    def test_changes_reach_those_that_are_not_kept(self):
        account, url = self.made[0]
        self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                         {"governor": {"ceiling": 1}})
        self.assertEqual(self.lane(account)["effective"], 1)
        for _, other in self.made[1:]:
            self.stand.tool(other, CUSTOMERS, {"limit": 1})
        _, fields, _ = self.stand.tool(url, CUSTOMERS, {"limit": 1})
        self.assertEqual(fields["ratelimit-limit"], "1")
        self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                         {"governor": {"ceiling": 2}})

    def test_an_unproven_account_is_proved_though_it_was_put_away(self):
        account, url = self.fresh(verify=False)
        for _, other in self.made:
            self.stand.rpc(other, "tools/list")
        self.data(self.stand.tool(url, CUSTOMERS, {"limit": 1})[2])
        path = "/integrated-account/" + account["id"]
        proved = wait_until(lambda: self.stand.admin("GET", path)["verified"] and
                            self.stand.admin("GET", path), "the proof in the store")
        for part in ("connection", "auth", "governor", "overrides", "name"):
            self.assertEqual(proved[part], account[part])

    def test_callers_of_all_at_once(self):
        outcomes = []

        def caller(shift):
            for n in range(20):
                _, url = self.made[(n + shift) % self.COUNT]
                status, _, result = self.stand.tool(url, CUSTOMERS, {"limit": 1})
                outcomes.append((status, result is not None and "isError" not in result))
        threads = [threading.Thread(target=caller, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(set(outcomes), {(200, True)})


if __name__ == "__main__":
    main()
