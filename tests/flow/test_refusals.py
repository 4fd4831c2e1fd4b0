# SPDX-License-Identifier: Apache-2.0
"""What an agent is told when the ERP refuses, and how the lane narrows and opens again."""
import os
import threading
import time
import urllib.parse

from flow import Volley, codes, main, wait_until
from governing import LONG_LINE, GovernorCase


class TestRefusalsOfTheErp(GovernorCase):
    def refused(self, config=None):
        """Five calls at an ERP that takes three: (account, URL, refused, all)."""
        account, url = self.fresh(concurrency=3, governor=LONG_LINE, config=config)
        self.hold()
        volley = Volley(url, 5).send()
        wait_until(lambda: self.stats()["refused_concurrency"] >= 1, "a refusal")
        self.until_in_flight(3)
        self.release()
        results = volley.results()
        refused = [r for r in results if r[2].get("isError")]
        # The pause after the first refusal may come before the fifth call has been sent.
        self.assertIn(len(refused), (1, 2))
        self.assertEqual(codes(results), {"ok": 5 - len(refused), "rate_limited": len(refused)})
        self.assertEqual(self.stats()["refused_concurrency"], len(refused))
        return account, url, refused, results

    def check_body(self, fields, result):
        error = self.error(result)
        self.assertEqual(result["structuredContent"], {"error": error})
        self.assertEqual(error["code"], "rate_limited")
        self.assertEqual(error["upstream"]["status"], 429)
        self.assertEqual(error["retry_after_seconds"], int(fields["retry-after"]))
        return error

    def test_every_refusal_is_429_with_whole_numbers_and_a_result(self):
        _, _, refused, results = self.refused()
        self.assertEqual({status for status, _, result in results if not result.get("isError")},
                         {200})
        for status, fields, result in refused:
            self.assertEqual(status, 429)
            self.assertEqual(fields["content-type"], "application/json")
            for name in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset",
                         "retry-after"):
                self.assertRegex(fields[name], r"^\d+$", name)
            self.assertIn(fields["ratelimit-limit"], ("1", "2", "3"))  # halved, at least
            self.assertEqual(fields["ratelimit-remaining"], "0")
            self.assertGreaterEqual(int(fields["ratelimit-reset"]), 1)
            self.assertGreaterEqual(int(fields["retry-after"]), 1)
            self.check_body(fields, result)

    def test_the_tool_signal_is_200_with_the_same_body(self):
        _, _, plain, _ = self.refused()
        _, _, gentle, results = self.refused({"rate_limit_signal": "tool"})
        self.assertEqual({status for status, _, _ in results}, {200})
        bodies = []
        for _, fields, result in plain + gentle:
            error = self.check_body(fields, result)
            self.assertRegex(error["request_id"], r"^req_")
            for name in ("request_id", "retry_after_seconds"):
                error.pop(name)
            error["upstream"].pop("request_id")
            bodies.append(error)
        self.assertEqual(bodies, [bodies[0]] * len(bodies))

    def test_legacy_callers_get_the_429_too(self):
        account, url = self.fresh(governor=LONG_LINE)
        self.fault("status", status=429)
        status, fields, result = self.stand.tool(url, "list_all_netsuite_customers",
                                                 {"limit": 1}, era="legacy")
        self.assertEqual(status, 429)
        self.check_body(fields, result)
        self.until_idle(account)

    def test_a_client_that_waits_as_told_gets_through(self):
        _, url, refused, _ = self.refused()
        for _, fields, _ in refused:
            time.sleep(int(fields["ratelimit-reset"]))
            status, _, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
            self.assertEqual(status, 200)
            self.data(result)

    def test_the_lane_narrows_after_a_refusal_and_says_why(self):
        account, url = self.fresh(governor=LONG_LINE)
        lane = self.lane(account)
        self.assertEqual((lane["effective"], lane["cause"], lane["lowered_at"]), (5, None, None))
        self.fault("status", status=429)
        status, _, _ = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        self.assertEqual(status, 429)
        lane = self.lane(account)
        self.assertEqual((lane["effective"], lane["cause"]), (1, "refused_by_erp"))
        self.assertRegex(lane["lowered_at"], r"^2\d{3}-.*Z$")
        status, _, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        self.data(result)
        self.assertEqual(self.lane(account)["paused_ms"], 0)

    def test_the_erp_s_own_retry_after_is_kept(self):
        account, url = self.fresh(governor=dict(LONG_LINE, queue_wait_ms=1))
        self.fault("status", status=429, headers={"Retry-After": "7"})
        _, fields, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        self.assertIn(int(fields["retry-after"]), (6, 7, 8))
        self.assertEqual(self.error(result)["retry_after_seconds"], int(fields["retry-after"]))
        self.assertEqual(self.error(self.stand.tool(
            url, "list_all_netsuite_customers", {"limit": 1})[2])["code"], "account_busy")
        self.assertGreater(self.lane(account)["paused_ms"], 3000)


class Load:
    """Agents that call without end, each its next call when the last is answered."""

    def __init__(self, stand, urls):
        self.answers, self.lock, self.over = [], threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(stand, url)) for url in urls]
        for thread in self.threads:
            thread.start()

    def run(self, stand, url):
        while not self.over.is_set():
            status, _, result = stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
            code = ((result or {}).get("structuredContent") or {}).get("error", {}).get("code", "ok")
            with self.lock:
                self.answers.append((time.monotonic(), status, code))

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.answers


class TestALimitThatChanges(GovernorCase):
    def limit(self, name, concurrency):
        body = {"account_id": name, "concurrency": concurrency}
        for part in ("consumer_key", "consumer_secret", "token_id", "token_secret"):
            body[part] = "limit-%s-%d-%d" % (part, concurrency, os.getpid())
        self.assertTrue(self.stand.control("netsuite", "POST", "/accounts", body)["ok"])

    def test_a_limit_lowered_without_notice_is_found_and_left_again(self):
        account, url = self.fresh(concurrency=15, governor=dict(LONG_LINE, ceiling=15))
        name = account["connection"]["account_id"]
        self.hold()
        load = Load(self.stand, [url] * 25)
        self.addCleanup(load.stop)
        self.until_in_flight(15)
        self.release(100)
        self.reset()
        self.limit(name, 5)
        lowered = time.monotonic()
        wait_until(lambda: time.monotonic() > lowered + 20, "twenty seconds under the limit")
        self.assertEqual(self.lane(account)["effective"], 5)
        self.limit(name, 16)
        raised = time.monotonic()
        wait_until(lambda: self.lane(account)["effective"] == 15, lambda: repr(self.lane(account)))
        self.hold()
        self.until_in_flight(15)
        recovered = time.monotonic() - raised
        self.release(100)
        answers = load.stop()
        refusals = [at - lowered for at, _, code in answers if code == "rate_limited"]
        print("\n%d refusals, the last after %.1f s; recovered after %.1f s" % (
            len(refusals), max(refusals), recovered), flush=True)
        self.assertLess(max(refusals), 5)
        self.assertLess(recovered, 60)
        self.assertEqual({code for _, _, code in answers}, {"ok", "rate_limited"})
        self.assertEqual({status for _, status, code in answers if code == "rate_limited"}, {429})
        self.assertEqual(self.stats()["refused_concurrency"], len(refusals))
        self.assertIsNone(self.lane(account)["cause"])

    def test_a_login_refused_after_a_long_wait_is_load(self):
        account, url = self.fresh(governor=LONG_LINE)
        self.data(self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[2])
        self.assert_load(account, url)

    def test_after_a_start_it_is_load_too(self):
        """The server has not seen the login work, but knows that it once has."""
        account, url = self.fresh(governor=LONG_LINE)
        self.stand.end("server")
        self.stand.start_server()
        self.assert_load(account, self.stand.base + urllib.parse.urlsplit(url).path)

    def test_of_a_login_that_never_worked_it_is_a_refusal(self):
        body = self.stand.netsuite_account(credentials=self.upstream())
        account = self.stand.admin("POST", "/integrated-account?verify=false", body)
        url = self.stand.mint(account["id"])["url"]
        self.latency(10100)
        self.fault("status", status=401)
        result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[2]
        self.assertEqual(self.error(result)["code"], "needs_reauth")

    def assert_load(self, account, url):
        self.latency(10100)
        self.fault("status", status=401)
        status, _, result = self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        self.assertEqual(status, 429)
        error = self.error(result)
        self.assertEqual(error["code"], "rate_limited")
        self.assertIn("overloaded", error["message"])
        self.assertEqual(self.lane(account)["cause"], "refused_by_erp")
        account = self.stand.admin("GET", "/integrated-account/" + account["id"])
        self.assertEqual((account["state"], account["cause"]), ("active", None))
        self.latency(0)
        self.data(self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[2])


if __name__ == "__main__":
    main()
