# SPDX-License-Identifier: Apache-2.0
"""What operators set of a lane: no change is lost beside another, no slot is kept for nobody."""
import copy
import json
import os
import sqlite3
import time
import urllib.parse

from flow import HELD, Volley, codes, connect, main, read_reply, request_bytes, wait_until
from governing import LONG_LINE, GovernorCase

ROUNDS = 25
SOON_MS = 5000  # longer than a change of a lane takes


def path(account):
    return "/lanes/" + urllib.parse.quote(account["lane"], safe="")


class Settings:
    def bases(self):
        """Two ways to the lane."""
        return self.stand.base, self.stand.base

    def at_once(self, account, *bodies):
        """The PATCHes leave before any is answered; (status, answer) of each."""
        sent = []
        for base, body in zip(self.bases(), bodies):
            sock = connect(base)
            sent.append((sock, request_bytes(
                base, "PATCH", path(account), json.dumps(body).encode(),
                [("Authorization", "Bearer " + self.stand.admin_token),
                 ("Content-Type", "application/json")])))
        for sock, data in sent:
            sock.sendall(data)
        answers = []
        for sock, _ in sent:
            with sock:
                status, _, body = read_reply(sock, "PATCH")
                answers.append((status, json.loads(body)))
        return answers

    def reserve(self, account, *reservations):
        return self.stand.admin("PATCH", path(account), {"reserve": list(reservations)})

    def prove(self, url):
        """A login that has not worked yet in the process or worker of its lane has a ceiling of one."""
        ends = codes([self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})])
        self.assertEqual(ends, {"ok": 1})

    def kept(self, account):
        return [(one.get("mcp_server", one.get("priority")), one["slots"], one["kept"])
                for one in self.stand.admin("GET", path(account))["reserve"]]

    def until_kept(self, account, wanted):
        wait_until(lambda: self.kept(account) == wanted,
                   lambda: "%r, now %r" % (wanted, self.kept(account)))

    def own(self, account, url):
        """The way of the URL's MCP server in the management API."""
        servers = self.stand.admin("GET", "/integrated-account/%s/mcp" % account["id"])["data"]
        return "/integrated-account/%s/mcp/%s" % (account["id"], servers[0]["id"])

    def test_of_two_changes_at_once_none_is_lost(self):
        account, _ = self.fresh(governor={"ceiling": 5})
        for n in range(ROUNDS):
            slots = 1 + n % 3
            answers = self.at_once(account, {"ceiling": 10 + n}, {
                "reserve": [{"priority": "critical", "slots": slots}]})
            self.assertEqual([status for status, _ in answers], [200, 200], answers)
            lane = self.stand.admin("GET", path(account))
            if self.bases()[0] == self.bases()[1]:
                self.assertEqual((lane["ceiling"], lane["reserve"][0]["slots"]), (10 + n, slots))
            wait_until(lambda: self.stand.admin("GET", path(account))["ceiling"] == 10 + n and
                       [one[1] for one in self.kept(account)] == [slots], lambda: "round %d: %r" % (n, lane))

    def test_of_two_that_do_not_fit_together_one_is_refused(self):
        account, _ = self.fresh(governor={"ceiling": 5})
        for n in range(ROUNDS):
            self.stand.admin("PATCH", path(account), {"ceiling": 10, "reserve": None})
            answers = self.at_once(account, {"ceiling": 2}, {
                "reserve": [{"priority": "critical", "slots": 3}]})
            self.assertEqual(sorted(status for status, _ in answers), [200, 422], answers)

    def test_a_server_that_is_deleted_has_no_slots_kept(self):
        account, url = self.fresh(governor=dict(LONG_LINE, ceiling=3))
        self.prove(url)
        night = self.stand.mint(account["id"])
        self.reserve(account, {"priority": "critical", "slots": 1},
                     {"mcp_server": night["id"], "slots": 1})
        self.latency(60000)
        volley = Volley(url, 5).send()
        self.until_in_flight(1)
        self.until_queued(account, 4)
        self.stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (account["id"], night["id"]))
        self.assertEqual(self.kept(account), [("critical", 1, 1)])
        self.until_in_flight(2)  # the slot that was kept goes to who waits
        self.latency(0)
        self.release()
        self.assertEqual(codes(volley.results()), {"ok": 5})
        # What is kept for nobody does not stand in the way of a lower ceiling either.
        self.assertEqual(self.stand.admin("PATCH", path(account), {"ceiling": 2})["effective"], 2)
        self.assertEqual(self.kept(account), [("critical", 1, 1)])

    def test_an_account_that_is_deleted_leaves_none(self):
        credentials = self.upstream()
        accounts = [self.stand.admin("POST", "/integrated-account", self.stand.netsuite_account(
            credentials=credentials, governor={"ceiling": 4})) for _ in range(2)]
        self.assertEqual(accounts[0]["lane"], accounts[1]["lane"])
        server = self.stand.mint(accounts[1]["id"])["id"]
        self.reserve(accounts[0], {"mcp_server": server, "slots": 2})
        self.assertEqual(self.kept(accounts[0]), [(server, 2, 2)])
        self.stand.admin("DELETE", "/integrated-account/" + accounts[1]["id"])
        self.assertEqual(self.kept(accounts[0]), [])

    def test_a_server_that_has_expired_has_none_until_it_is_good_again(self):
        account, url = self.fresh(governor={"ceiling": 4})
        self.prove(url)
        own = self.own(account, url)
        server = own.rsplit("/", 1)[1]
        reservation = {"mcp_server": server, "slots": 2}
        self.reserve(account, reservation)
        self.assertEqual(self.kept(account), [(server, 2, 2)])
        # The API takes no end that is nearer than a minute; the lane is set when it is.
        with sqlite3.connect(os.path.join(self.stand.data_dir, "sluice.db"), timeout=60) as db:
            db.execute("UPDATE server SET expires_ms = ? WHERE id = ?",
                       (int(time.time() * 1000) + SOON_MS, server))
        self.reserve(account, reservation)
        self.until_kept(account, [])  # time alone
        status, reply = self.stand.api("PATCH", path(account), {"reserve": [reservation]})
        self.assertEqual(status, 422, reply)
        self.assertIn("expired", reply["error"]["details"][0]["message"])
        self.stand.admin("PATCH", own, {"expires_at": None})
        self.assertEqual(self.kept(account), [(server, 2, 2)])
        self.stand.admin("DELETE", own)
        self.assertEqual(self.kept(account), [])


class OneWorker(Settings, GovernorCase):
    def test_a_restart_keeps_nothing_for_a_server_that_is_gone(self):
        account, url = self.fresh(governor={"ceiling": 4})
        self.reserve(account, {"mcp_server": self.own(account, url).rsplit("/", 1)[1], "slots": 1},
                     {"priority": "batch", "slots": 1})
        self.stand.admin("DELETE", self.own(account, url))
        self.stand.end("server")
        self.stand.start_server()
        self.assertEqual(self.kept(account), [("batch", 1, 1)])

    def test_slots_are_reserved_of_the_ceiling_that_holds_when_the_login_has_worked(self):
        account, _ = self.fresh(governor={"ceiling": 4})
        self.stand.end("server")
        self.stand.start_server()
        self.latency(HELD)
        volley = Volley(self.stand.mint(account["id"])["url"], 1).send()
        self.until_in_flight(1)  # the first call since the start: one goes at a time
        self.assertEqual(self.lane(account)["effective"], 1)
        self.reserve(account, {"priority": "critical", "slots": 3})
        status, reply = self.stand.api("PATCH", path(account), {
            "reserve": [{"priority": "critical", "slots": 4}]})
        self.assertEqual(status, 422, reply)
        self.assertIn("of a ceiling of 4", reply["error"]["details"][0]["message"])
        self.assertEqual(self.kept(account), [("critical", 3, 0)])
        self.latency(0)
        self.release()
        self.assertEqual(codes(volley.results()), {"ok": 1})
        self.assertEqual(self.kept(account), [("critical", 3, 3)])


class TwoWorkers(Settings, GovernorCase):
    flags = ("--server.workers", "2")


class TwoProcesses(Settings, GovernorCase):
    """The changes go to one, or to both at once; each keeps its part of the slots."""

    flags = ("--coordination.shares", "2")

    @classmethod
    def prepare(cls):
        cls.other = copy.copy(cls.stand)
        cls.other.log_path = os.path.join(cls.stand.scratch, "second.log")
        with open(cls.other.log_path, "w") as log:
            process = cls.stand.start("second", [
                cls.stand.server, "serve", "--server.port", "0", *cls.stand.flags()], stderr=log)
        cls.other.base = "http://127.0.0.1:%d" % cls.other.wait_for_port(process, 0)

    def bases(self):
        return self.stand.base, self.other.base

    def test_a_server_that_is_deleted_has_no_slots_kept(self):
        account, _ = self.fresh(governor={"ceiling": 8})
        night = self.stand.mint(account["id"])
        self.reserve(account, {"mcp_server": night["id"], "slots": 4})
        self.other.admin("DELETE", "/integrated-account/%s/mcp/%s" % (account["id"], night["id"]))
        for stand in (self.stand, self.other):
            wait_until(lambda: stand.admin("GET", path(account))["reserve"] == [], "no slots kept")

    def kept(self, account):
        """The half of them that is this server's, as if it were all."""
        return [(who, slots, slots if kept else 0) for who, slots, kept in super().kept(account)]


if __name__ == "__main__":
    main()
