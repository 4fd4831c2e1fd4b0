# SPDX-License-Identifier: Apache-2.0
"""Writes wait for a token and for earlier writes on their document, and hold no slot meanwhile."""
import time
import urllib.parse

from flow import NETSUITE_CREATES, Volley, codes, main, wait_until
from governing import LONG_LINE, GovernorCase

CREATE, = NETSUITE_CREATES
READ = "list_all_netsuite_customers"


class WriteCase(GovernorCase):
    def invoice(self, url, external_id=None):
        """Arguments of a create, for a customer that is there."""
        party = self.data(self.stand.tool(url, READ, {
            "currency": "EUR", "is_inactive": False, "limit": 1})[2])[0]["id"]
        more = {"external_id": external_id} if external_id else {}
        return dict({"party_id": party, "lines": [{"item_id": "1", "rate": "10.00"}]}, **more)

    def line(self, account):
        lane = self.stand.admin("GET", "/lanes/" + urllib.parse.quote(account["lane"], safe=""))
        return sorted((line["waits_for"], line["queued"]) for line in lane["queue"])

    def until_line(self, account, wanted):
        wait_until(lambda: self.line(account) == wanted, lambda: repr(self.line(account)))


class TestRates(WriteCase):
    def test_writes_keep_to_their_rate_and_reads_pass_them(self):
        account, url = self.fresh(governor=dict(LONG_LINE, writes_per_minute=30, writes_burst=2))
        arguments = self.invoice(url)
        self.reset()
        started = time.monotonic()
        writes = Volley(url, 5, CREATE, arguments).send()
        self.until_line(account, [("write_rate", 3)])
        self.assertEqual(codes(Volley(url, 8, READ).send().results()), {"ok": 8})
        self.assertEqual([one for one, _ in self.line(account)], ["write_rate"])  # still
        self.assertEqual(codes(writes.results()), {"ok": 5})
        took = time.monotonic() - started
        print("\nfive writes at 30 a minute, two at once: %.2f s" % took, flush=True)
        self.assertGreaterEqual(took, 5.9)
        self.assertLess(took, 15)

    def test_a_write_that_would_wait_too_long_is_told_so_at_once(self):
        account, url = self.fresh(governor={"writes_per_minute": 2, "writes_burst": 1})
        arguments = self.invoice(url)
        self.data(self.stand.tool(url, CREATE, arguments)[2])
        self.reset()
        started = time.monotonic()
        status, fields, result = self.stand.tool(url, CREATE, arguments)
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(status, 200)
        error = self.error(result)
        self.assertEqual(error["code"], "account_busy")
        self.assertIn("writes_per_minute", error["message"])
        self.assertIn("not sent", error["message"])
        self.assertIn(error["retry_after_seconds"], range(20, 31))
        self.assertEqual(self.stats()["writes"], 0)
        self.assertGreaterEqual(int(fields["ratelimit-remaining"]), 1)
        self.data(self.stand.tool(url, READ, {"limit": 1})[2])
        self.set_account(account, writes_per_minute=0)
        self.data(self.stand.tool(url, CREATE, arguments)[2])

    def test_calls_of_all_kinds_keep_to_theirs(self):
        account, url = self.fresh(governor=LONG_LINE)
        self.set_account(account, calls_per_minute=30, calls_burst=2)
        started = time.monotonic()
        volley = Volley(url, 5, READ).send()
        self.until_line(account, [("call_rate", 3)])
        self.assertEqual(codes(volley.results()), {"ok": 5})
        took = time.monotonic() - started
        self.assertGreaterEqual(took, 5.9)
        self.assertLess(took, 15)

    def test_a_create_goes_before_the_reads_in_line(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=1))
        arguments = self.invoice(url)
        self.reset()
        self.latency(60000)
        reads = Volley(url, 6, READ).send()
        self.until_in_flight(1)
        self.until_queued(account, 5)
        create = Volley(url, 1, CREATE, arguments).send()
        self.until_queued(account, 6)
        lane = self.stand.admin("GET", "/lanes/" + urllib.parse.quote(account["lane"], safe=""))
        self.assertEqual(sorted((line["priority"], line["queued"]) for line in lane["queue"]),
                         [("critical", 1), ("interactive", 5)])
        self.release()  # the one read that is there; what comes next waits again
        self.until_queued(account, 5)
        self.assertEqual([line["priority"] for line in self.stand.admin(
            "GET", "/lanes/" + urllib.parse.quote(account["lane"], safe=""))["queue"]],
            ["interactive"])
        self.latency(0)
        self.release()
        self.assertEqual(codes(create.results() + reads.results()), {"ok": 7})

    def test_what_is_no_rate_is_refused(self):
        account, _ = self.fresh()
        for member, value, least, most in (("writes_per_minute", 60001, 0, 60000),
                                           ("calls_per_minute", -1, 0, 60000),
                                           ("writes_burst", 0, 1, 1000),
                                           ("calls_burst", "4", 1, 1000)):
            status, body = self.stand.api("PATCH", "/integrated-account/" + account["id"],
                                          {"governor": {member: value}})
            self.assertEqual(status, 422, body)
            self.assertEqual(body["error"]["details"], [
                {"pointer": "/governor/" + member,
                 "message": "a whole number from %d to %d is needed" % (least, most)}])
        status, body = self.stand.api("PATCH", "/integrated-account/" + account["id"],
                                      {"governor": {"writes_per_hour": 1}})
        self.assertEqual(status, 422)
        self.assertIn("writes_per_minute", body["error"]["message"])


class TestDocuments(WriteCase):
    def test_two_writes_on_one_document_are_never_at_the_erp_together(self):
        account, url = self.fresh(governor=LONG_LINE)
        arguments = self.invoice(url, "GOV-1")
        other = self.invoice(url, "GOV-2")
        self.hold()
        self.reset()
        same = Volley(url, 3, CREATE, arguments).send()
        self.until_line(account, [("document", 2)])
        self.assertEqual(self.lane(account)["in_flight"], 1)
        read = Volley(url, 1, READ).send()
        apart = Volley(url, 1, CREATE, other).send()
        self.until_in_flight(3)
        self.assertEqual(self.lane(account)["in_flight"], 3)
        self.release()
        self.assertEqual(codes(read.results() + apart.results()), {"ok": 2})
        same.results()
        self.assertEqual(self.line(account), [])


if __name__ == "__main__":
    main()
