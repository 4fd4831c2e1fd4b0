# SPDX-License-Identifier: Apache-2.0
"""Where two things happen at once: an account changes while its calls run, a server stops while
calls wait, a caller says what nobody should say."""
import json
import os
import time
import urllib.parse

from flow import (FlowCase, Volley, call_bytes, codes, connect, exchange, main, message,
                  read_reply, read_to_end, wait_until)

CUSTOMERS = "list_all_netsuite_customers"


class EdgeCase(FlowCase):
    def lanes(self):
        return {lane["id"]: lane for lane in self.stand.admin("GET", "/lanes")["data"]}

    def until_in_flight(self, count):
        wait_until(lambda: self.stats()["in_flight"] == count, "%d requests at the mock" % count)

    def patch(self, account, **change):
        return self.stand.admin("PATCH", "/integrated-account/" + account["id"], change)


class TestAccountsThatChange(EdgeCase):
    def setUp(self):
        self.latency(0)

    def test_a_call_does_not_bring_its_deleted_account_back(self):
        account, url = self.fresh(verify=False)
        self.latency(1000)
        volley = Volley(url, 1).send()
        self.until_in_flight(1)
        self.stand.admin("DELETE", "/integrated-account/" + account["id"])
        self.assertEqual(codes(volley.results()), {"ok": 1})
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        lanes = self.lanes()
        self.assertNotIn(account["lane"], lanes)
        self.assertNotIn("unproven:" + account["id"], lanes)

    def test_a_call_proves_nothing_of_credentials_that_came_after_it(self):
        credentials = self.upstream()
        body = self.stand.netsuite_account(credentials=credentials, governor={"ceiling": 7})
        account = self.stand.admin("POST", "/integrated-account?verify=false", body)
        url = self.stand.mint(account["id"])["url"]
        self.latency(1000)
        volley = Volley(url, 1).send()
        self.until_in_flight(1)
        self.patch(account, auth=dict(body["auth"], token_secret="of another day"),
                   governor={"ceiling": 2})
        self.assertEqual(codes(volley.results()), {"ok": 1})
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        lanes = self.lanes()
        self.assertNotIn(account["lane"], lanes)
        self.assertEqual(lanes["unproven:" + account["id"]]["effective"], 1)


if __name__ == "__main__":
    main()
