# SPDX-License-Identifier: Apache-2.0
"""Creating an invoice in NetSuite: exact amounts, one document whatever happens, no guessing.

What counts is the mock's own state: how many documents it holds, and the bytes it was sent.
"""
import json
import re
import urllib.parse

import json_schema
from flow import NETSUITE_CREATES, FlowCase, connect, main, read_reply, request_bytes

CREATE, = NETSUITE_CREATES
INVOICE = "get_single_netsuite_invoice_by_id"
INVOICES = "list_all_netsuite_invoices"
RECORD = "/services/rest/record/v1/invoice"
OURS = r"^sluice-[a-z2-7]{26}$"


class CreateCase(FlowCase):
    flags = ("--upstream.read_timeout_ms", "1500", "--upstream.write_timeout_ms", "1500",
             "--governor.lost_connection_hold_ms", "0")

    @classmethod
    def prepare(cls):
        cls.account, cls.url = cls.fresh()
        _, _, listed = cls.stand.rpc(cls.url, "tools/list")
        cls.tools = {tool["name"]: tool for tool in listed["result"]["tools"]}

    def setUp(self):
        self.reset()
        party = self.data(self.tool("list_all_netsuite_customers",
                                    {"currency": "EUR", "is_inactive": False, "limit": 1}))[0]
        self.party = party["id"]

    def tool(self, name, arguments, status=200):
        got, _, result = self.stand.tool(self.url, name, arguments)
        self.assertEqual(got, status, result)
        self.assertEqual(json.loads(result["content"][0]["text"]), result["structuredContent"])
        self.assertEqual(json_schema.faults(self.tools[name]["outputSchema"],
                                            result["structuredContent"]), [])
        return result

    def create(self, status=200, **arguments):
        base = {"party_id": self.party, "lines": [{"item_id": "1", "rate": "10.00"}]}
        return self.tool(CREATE, dict(base, **arguments), status)

    def created(self, **arguments):
        row, = self.data(self.create(**arguments))
        return row

    def failure(self, code, status=200, **arguments):
        error = self.error(self.create(status, **arguments))
        self.assertEqual(error["code"], code, error)
        return error

    def invoices(self):
        rows, cursor = [], None
        while True:
            more = {"next_cursor": cursor} if cursor else {}
            envelope = self.tool(INVOICES, dict(more, limit=200))["structuredContent"]
            rows += envelope["data"]
            cursor = envelope["pagination"]["next_cursor"]
            if cursor is None:
                return rows

    def writes(self):
        """(method, target, body) of what was sent to be written."""
        return [(one["method"], one["target"], one["body"]) for one in self.last()
                if "/record/" in one["target"] and one["method"] != "GET"]


class TestCreate(CreateCase):
    def test_the_tool_says_that_it_writes(self):
        self.assertEqual(self.tools[CREATE]["annotations"],
                         {"readOnlyHint": False, "destructiveHint": False,
                          "idempotentHint": False, "openWorldHint": True})

    def test_an_invoice_is_returned_as_it_was_saved(self):
        one = self.created(date="2026-11-02", due_date="2026-12-02", reference="PO-77",
                           memo="Größe ø 東京", external_id="web-1", lines=[
                               {"item_id": "1", "quantity": "2", "rate": "125.05",
                                "description": "Blade, \"used\""},
                               {"item_id": "11", "quantity": 3, "rate": 0.1},
                               {"item_id": "12", "amount": "99.99"}])
        self.assertEqual({name: one[name] for name in (
            "external_id", "party_id", "status", "currency", "total", "amount_due", "date",
            "due_date", "reference", "memo")}, {
                "external_id": "web-1", "party_id": self.party, "status": "open",
                "currency": "EUR", "total": "350.39", "amount_due": "350.39",
                "date": "2026-11-02", "due_date": "2026-12-02", "reference": "PO-77",
                "memo": "Größe ø 東京"})
        self.assertEqual([(line["item_id"], line["quantity"], line["amount"])
                          for line in one["lines"]],
                         [("1", "2", "250.10"), ("11", "3", "0.30"), ("12", "1", "99.99")])
        self.assertEqual(one["lines"][0]["description"], "Blade, \"used\"")
        self.assertEqual(self.data(self.tool(INVOICE, {"id": one["id"]})), [one])
        self.assertEqual(self.data(self.tool(INVOICE, {"id": "eid:web-1"})), [one])
        listed, = self.data(self.tool(INVOICES, {"external_id": "web-1"}))
        self.assertEqual(listed, {k: v for k, v in one.items() if k != "lines"})

    def test_amounts_leave_byte_for_byte_and_come_back(self):
        for sent in ("12345678901234.56", "0.01", "1.10", "-5.25", "99999999999999.99",
                     "9007199254740993.00"):
            for line in ({"item_id": "1", "amount": sent}, {"item_id": "1", "rate": sent}):
                one = self.created(lines=[line, {"item_id": "2", "amount": "0.00"}])
                self.assertEqual(one["lines"][0]["amount"], sent)
                self.assertEqual(one["total"], sent)
                name = next(k for k in line if k != "item_id")
                self.assertIn('"%s":%s' % (name, sent), self.writes()[-1][2])

    def test_numbers_of_json_are_sent_as_they_stood(self):
        body, headers = self.call_bytes('{"item_id":"1","quantity":1.0,"rate":1250.10}')
        status, _, reply = self.exchange(body, headers)
        self.assertEqual(status, 200)
        self.assertNotIn("isError", reply["result"])
        self.assertIn('"quantity":1.0,"rate":1250.10', self.writes()[-1][2])

    def call_bytes(self, line):
        return ('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s",'
                '"arguments":{"party_id":"%s","lines":[%s]}}}' % (CREATE, self.party, line),
                {"Content-Type": "application/json"})

    def exchange(self, body, headers):
        with connect(self.url) as sock:
            sock.sendall(request_bytes(self.url, "POST", urllib.parse.urlsplit(self.url).path,
                                       body.encode(), list(headers.items())))
            status, fields, reply = read_reply(sock)
        return status, fields, json.loads(reply)

    def test_without_an_external_id_one_is_made_and_put(self):
        one = self.created()
        self.assertRegex(one["external_id"], OURS)
        (method, target, body), = self.writes()
        self.assertEqual((method, target),
                         ("PUT", "%s/eid:%s?replace=item" % (RECORD, one["external_id"])))
        self.assertNotIn("externalId", json.loads(body))

    def test_an_external_id_that_is_given_is_posted(self):
        self.created(external_id="mine_1-A")
        (method, target, body), = self.writes()
        self.assertEqual((method, target), ("POST", RECORD))
        self.assertEqual(json.loads(body)["externalId"], "mine_1-A")

    def test_equal_calls_make_two_invoices(self):
        before = len(self.invoices())
        first, second = self.created(), self.created()
        self.assertNotEqual(first["id"], second["id"])
        self.assertNotEqual(first["external_id"], second["external_id"])
        self.assertEqual(len(self.invoices()), before + 2)

    def test_an_external_id_that_is_taken_is_a_conflict_that_names_its_owner(self):
        one = self.created(external_id="order-5")
        before = self.invoices()
        error = self.failure("conflict", external_id="order-5",
                             lines=[{"item_id": "2", "rate": "77.00"}])
        self.assertIn("id %s, number %s" % (one["id"], one["number"]), error["hint"])
        self.assertEqual(self.invoices(), before)
        self.fault("status", status=500, match={"method": "GET", "path_regex": "/invoice/"})
        error = self.failure("conflict", external_id="order-5")
        self.fault("reset", match={"method": "GET", "path_regex": "/invoice/"})
        error = self.failure("conflict", external_id="order-5")
        self.assertEqual(error["upstream"]["status"], 400)

    def test_a_currency_goes_by_its_code(self):
        one = self.created(currency="USD")
        self.assertEqual(one["currency"], "USD")
        error = self.failure("invalid_arguments", currency="XYZ")
        self.assertEqual([d["pointer"] for d in error["details"]], ["/currency"])
        self.fault("status", status=403, match={"path_regex": "/suiteql$"})
        self.failure("permission_denied", currency="EUR")
        self.fault("status", status=429, match={"path_regex": "/suiteql$"})
        self.failure("rate_limited", 429, currency="EUR")
        self.assertEqual(len(self.writes()), 1)

    def test_what_the_erp_refuses_is_not_there(self):
        before = self.invoices()
        for arguments, words in (
                ({"party_id": "999999"}, "entity"),
                ({"lines": [{"item_id": "1"}, {"item_id": "424242"}]}, "item.items[1].item"),
                ({"date": "2025-01-15"}, "closed"), ({"date": "2019-01-15"}, "accounting period"),
                ({"location_id": "77"}, "location")):
            error = self.failure("validation_failed", **arguments)
            self.assertIn(words, error["upstream"]["message"])
        self.assertEqual(self.invoices(), before)

    def test_wrong_arguments_never_reach_the_erp(self):
        line = {"item_id": "1"}
        for arguments, pointer in (
                ({"party_id": "x"}, "/party_id"), ({"party_id": 7}, "/party_id"),
                ({"external_id": "a/b"}, "/external_id"), ({"external_id": ""}, "/external_id"),
                ({"external_id": "a" * 61}, "/external_id"), ({"lines": []}, "/lines"),
                ({"lines": [line] * 201}, "/lines"), ({"lines": [{}]}, "/lines/0/item_id"),
                ({"lines": [line, dict(line, rate="1e3")]}, "/lines/1/rate"),
                ({"lines": [dict(line, rate="1,5")]}, "/lines/0/rate"),
                ({"lines": [dict(line, rate="007")]}, "/lines/0/rate"),
                ({"lines": [dict(line, rate="1.")]}, "/lines/0/rate"),
                ({"lines": [dict(line, amount=True)]}, "/lines/0/amount"),
                ({"lines": [dict(line, rate="1", amount="1")]}, "/lines/0"),
                ({"lines": [dict(line, price="1")]}, "/lines/0/price"),
                ({"date": "2026-02-30"}, "/date"), ({"nonsense": 1}, "/nonsense")):
            before = self.stats()["requests"]
            error = self.failure("invalid_arguments", **arguments)
            self.assertIn(pointer, [d["pointer"] for d in error["details"]], error)
            self.assertEqual(self.stats()["requests"], before)

    def test_a_number_with_an_exponent_is_refused_before_it_is_sent(self):
        body, headers = self.call_bytes('{"item_id":"1","rate":1e3}')
        _, _, reply = self.exchange(body, headers)
        error = self.error(reply["result"])
        self.assertEqual((error["code"], error["details"][0]["pointer"]),
                         ("invalid_arguments", "/lines/0/rate"))
        self.assertEqual(self.writes(), [])


class TestLostAnswers(CreateCase):
    def look_up(self, error):
        """The external id that the hint tells, as an agent would read it."""
        found = set(re.findall(r"(?:eid:|external_id )([A-Za-z0-9_-]+)", error["hint"]))
        self.assertEqual(len(found), 1, error["hint"])
        self.assertNotIn("{", error["hint"])
        return found.pop()

    def test_a_lost_answer_is_an_unknown_outcome_and_one_document(self):
        before = len(self.invoices())
        for made, given in enumerate(({}, {"external_id": "given-1"}), 1):
            self.fault("after_commit_drop", match={"path_regex": "/invoice"})
            error = self.failure("outcome_unknown", **given)
            external_id = self.look_up(error)
            self.assertEqual(external_id, given.get("external_id", external_id))
            one, = self.data(self.tool(INVOICE, {"id": "eid:" + external_id}))
            self.assertEqual(one["external_id"], external_id)
            self.assertEqual(len(self.invoices()), before + made)
            again = self.failure("conflict", external_id=external_id)
            self.assertIn("id %s," % one["id"], again["hint"])
            self.assertEqual(len(self.invoices()), before + made)

    def test_an_answer_that_takes_too_long_is_an_unknown_outcome(self):
        before = len(self.invoices())
        self.fault("status", status=200, delay_ms=2500, match={"path_regex": "/invoice"})
        external_id = self.look_up(self.failure("outcome_unknown"))
        self.error(self.tool(INVOICE, {"id": "eid:" + external_id}))
        one = self.created(external_id=external_id)
        self.assertEqual(one["external_id"], external_id)
        self.assertEqual(len(self.invoices()), before + 1)

    def test_a_write_that_the_erp_broke_off_is_an_unknown_outcome(self):
        before = len(self.invoices())
        for kind, more in (("status", {"status": 500}), ("status", {"status": 502}),
                           ("html", {}), ("reset", {})):
            self.fault(kind, match={"path_regex": "/invoice"}, **more)
            self.look_up(self.failure("outcome_unknown"))
        self.assertEqual(len(self.invoices()), before)

    def test_a_refused_login_or_load_is_no_unknown_outcome(self):
        before = len(self.invoices())
        self.fault("status", status=429, match={"path_regex": "/invoice"})
        self.failure("rate_limited", 429)
        self.fault("status", status=403, match={"path_regex": "/invoice"})
        self.failure("permission_denied")
        self.fault("expire_tokens", match={"path_regex": "/invoice"})
        self.failure("needs_reauth")
        self.assertEqual(len(self.invoices()), before)

    def test_an_unreadable_answer_is_cleared_up_by_reading(self):
        for kind, more in (("malformed", {}), ("truncate", {})):
            before = len(self.invoices())
            self.fault(kind, match={"method": "PUT", "path_regex": "/invoice"}, **more)
            one = self.created()
            self.assertEqual(one["total"], "10.00")
            self.assertEqual(len(self.invoices()), before + 1)

    def test_a_saved_invoice_that_cannot_be_read_back_is_no_failure(self):
        for kind, more in (("reset", {}), ("after_commit_drop", {}), ("truncate", {}),
                           ("malformed", {}), ("html", {}), ("status", {"status": 500}),
                           ("status", {"status": 429}), ("status", {"status": 403}),
                           ("status", {"status": 200, "delay_ms": 2500})):
            before = len(self.invoices())
            self.fault(kind, match={"method": "GET", "path_regex": "/invoice/"}, **more)
            result = self.create()
            one, = self.data(result)
            said, = result["structuredContent"]["_meta"]["messages"]
            self.assertEqual((said["severity"], said["code"]), ("warning", "not_read_back"))
            self.assertRegex(one["external_id"], OURS)
            self.assertIsNone(one["total"])
            whole, = self.data(self.tool(INVOICE, {"id": one["id"]}))
            self.assertEqual((whole["external_id"], whole["total"]),
                             (one["external_id"], "10.00"))
            self.assertEqual(len(self.invoices()), before + 1)

    def test_nothing_is_sent_twice(self):
        for kind in ("reset", "after_commit_drop", "html", "malformed"):
            self.fault(kind, match={"path_regex": "/invoice"})
            self.create()
        self.assertEqual(len(self.writes()), 4)


if __name__ == "__main__":
    main()
