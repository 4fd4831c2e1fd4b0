# SPDX-License-Identifier: Apache-2.0
"""A tool call from end to end: what is listed, what comes back, paging, money, every failure."""
import json
import re
import time
import urllib.parse
from decimal import Decimal

import json_schema
from flow import (HELD, NETSUITE_CREATES, NETSUITE_TOOLS, FlowCase, call_bytes, connect, main, raw,
                  read_reply)

INVOICES = "list_all_netsuite_invoices"
CUSTOMERS = "list_all_netsuite_customers"
BILLS = "list_all_netsuite_vendor_bills"
INVOICE = "get_single_netsuite_invoice_by_id"
CUSTOMER = "get_single_netsuite_customer_by_id"
VENDORS = "list_all_netsuite_vendors"
VENDOR = "get_single_netsuite_vendor_by_id"
BILL = "get_single_netsuite_vendor_bill_by_id"
ACCOUNTS = "list_all_netsuite_accounts"
ACCOUNT = "get_single_netsuite_account_by_id"
JOURNALS = "list_all_netsuite_journal_entries"
JOURNAL = "get_single_netsuite_journal_entry_by_id"
TOOLS = NETSUITE_TOOLS
FIELDS = {
    INVOICES: ["id", "number", "external_id", "party_id", "party_name", "status", "currency",
               "total", "amount_due", "date", "due_date", "reference", "memo"],
    CUSTOMERS: ["id", "number", "name", "email", "phone", "currency", "terms", "tax_id",
                "is_inactive"],
}
FIELDS[BILLS] = FIELDS[INVOICES]
FIELDS[VENDORS] = FIELDS[CUSTOMERS]
FIELDS[ACCOUNTS] = ["id", "number", "name", "type", "currency", "is_inactive"]
FIELDS[JOURNALS] = ["id", "number", "date", "period", "currency", "status", "memo",
                    "reversal_date"]
# What is listed, what reads one of it, what only the latter has.
PAIRS = ((INVOICES, INVOICE, ["lines"]), (CUSTOMERS, CUSTOMER, []), (VENDORS, VENDOR, []),
         (BILLS, BILL, ["lines"]), (ACCOUNTS, ACCOUNT, []), (JOURNALS, JOURNAL, ["lines"]))


class CallCase(FlowCase):
    flags = ("--upstream.read_timeout_ms", "1500", "--upstream.max_body_bytes", "262144",
             "--governor.lost_connection_hold_ms", "0")

    @classmethod
    def prepare(cls):
        account, cls.url = cls.fresh()
        cls.other_url = cls.stand.mint(account["id"])["url"]
        _, _, listed = cls.stand.rpc(cls.url, "tools/list")
        cls.tools = {tool["name"]: tool for tool in listed["result"]["tools"]}

    def call(self, name, arguments=None, era="modern", url=None, status=200):
        """The result, after checks that hold for every result there is."""
        got, fields, result = self.stand.tool(url or self.url, name, arguments, era)
        self.assertEqual(got, status)
        self.assertIsNotNone(result, "no result for %s %r" % (name, arguments))
        for field in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"):
            self.assertRegex(fields[field], r"^[0-9]+$")
        self.assertEqual(fields["cache-control"], "no-store")
        self.assertEqual([c["type"] for c in result["content"]], ["text"])
        self.assertEqual(json.loads(result["content"][0]["text"]), result["structuredContent"])
        self.assertEqual(json_schema.faults(self.tools[name]["outputSchema"],
                                            result["structuredContent"]), [])
        return result

    def failure(self, code, name=INVOICES, arguments=None, **more):
        error = self.error(self.call(name, arguments or {"limit": 1}, **more))
        self.assertEqual(error["code"], code, error)
        self.assertRegex(error["request_id"], r"^req_[a-z2-7]{26}$")
        self.assertTrue(error["message"])
        return error

    def pages(self, name, arguments):
        """Every page of a list, following the cursors."""
        found, cursor = [], None
        while True:
            more = dict(arguments, **({"next_cursor": cursor} if cursor else {}))
            envelope = self.call(name, more)["structuredContent"]
            found.append(envelope["data"])
            cursor = envelope["pagination"]["next_cursor"]
            self.assertEqual(envelope["pagination"]["has_more"], cursor is not None)
            if cursor is None:
                return found
            self.assertLess(len(found), 400, "the pages do not end")

    def at_upstream(self):
        return self.stats()["requests"]


class TestListing(CallCase):
    def test_both_eras_list_the_same_tools_in_the_same_order(self):
        for era in ("modern", "legacy"):
            status, _, message = self.stand.rpc(self.url, "tools/list", era=era)
            self.assertEqual(status, 200)
            self.assertEqual([t["name"] for t in message["result"]["tools"]], TOOLS)
            self.assertEqual(message["result"]["tools"], list(self.tools.values()))

    def test_every_tool_is_described_for_a_model(self):
        for name, tool in self.tools.items():
            self.assertRegex(name, r"^[a-z0-9_]{1,64}$")
            self.assertTrue(tool["title"] and tool["description"])
            self.assertEqual(tool["inputSchema"]["type"], "object")
            self.assertIs(tool["inputSchema"]["additionalProperties"], False)
            self.assertEqual(tool["outputSchema"]["type"], "object")
            self.assertEqual(tool["annotations"],
                             {"readOnlyHint": name not in NETSUITE_CREATES,
                              "destructiveHint": False,
                              "idempotentHint": name not in NETSUITE_CREATES,
                              "openWorldHint": True})
            for argument in tool["inputSchema"]["properties"].values():
                self.assertTrue(argument["description"])

    def test_a_bare_message_without_headers_lists_tools(self):
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
        path = urllib.parse.urlsplit(self.url).path
        reply = raw(self.url, "POST", path, body,
                    [("Content-Type", "application/x-www-form-urlencoded")])
        self.assertTrue(reply.startswith(b"HTTP/1.1 200 "), reply[:200])
        listed = json.loads(reply.partition(b"\r\n\r\n")[2])["result"]["tools"]
        self.assertEqual([t["name"] for t in listed], TOOLS)


class TestEnvelope(CallCase):
    def test_every_tool_answers_in_both_eras(self):
        for era in ("modern", "legacy"):
            for listing, single, _ in PAIRS:
                rows = self.data(self.call(listing, {"limit": 2}, era))
                self.assertEqual([list(row) for row in rows], [FIELDS[listing]] * 2)
                row = self.data(self.call(listing, {"limit": 1}, era))[0]
                one = self.data(self.call(single, {"id": row["id"]}, era))
                self.assertEqual(len(one), 1)
                self.assertEqual(one[0]["id"], row["id"])

    def test_the_envelope_has_its_members_in_their_order(self):
        result = self.call(INVOICES, {"limit": 3})
        envelope = result["structuredContent"]
        self.assertEqual(list(envelope), ["resource", "method", "integration", "timestamp",
                                          "pagination", "data", "_meta"])
        self.assertEqual(envelope["resource"], "invoices")
        self.assertEqual(envelope["method"], "list")
        self.assertEqual(envelope["integration"], "netsuite")
        self.assertRegex(envelope["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(list(envelope["pagination"]), ["next_cursor", "has_more", "limit"])
        self.assertEqual(envelope["pagination"]["limit"], 3)
        self.assertEqual(list(envelope["_meta"]), ["request_id", "fields_redacted",
                                                   "fields_truncated", "token_estimate"])
        text = result["content"][0]["text"].encode()
        self.assertEqual(envelope["_meta"]["token_estimate"], (len(text) + 3) // 4)

    def test_the_structured_content_is_the_text_byte_for_byte(self):
        for arguments in ({"limit": 50}, {"limit": 0}):
            with connect(self.url) as sock:
                sock.sendall(call_bytes(self.url, INVOICES, arguments))
                _, _, body = read_reply(sock)
            text = json.loads(body)["result"]["content"][0]["text"].encode()
            self.assertIn(b'"structuredContent":' + text, body)

    def test_a_get_has_a_pagination_that_says_nothing_pages(self):
        row = self.data(self.call(INVOICES, {"limit": 1}))[0]
        envelope = self.call(INVOICE, {"id": row["id"]})["structuredContent"]
        self.assertEqual(envelope["pagination"],
                         {"next_cursor": None, "has_more": False, "limit": None})

    def test_a_record_read_alone_has_the_fields_of_its_row(self):
        for listing, single, extra in PAIRS:
            for row in self.data(self.call(listing, {"limit": 20})):
                one = self.data(self.call(single, {"id": row["id"]}))[0]
                self.assertEqual(list(one), FIELDS[listing] + extra)
                for field in FIELDS[listing]:
                    if field != "tax_id":  # only the record service has it
                        self.assertEqual(one[field], row[field], field)

    def test_lines_hold_amounts_as_text(self):
        for row in self.data(self.call(INVOICES, {"limit": 10})):
            lines = self.data(self.call(INVOICE, {"id": row["id"]}))[0]["lines"]
            self.assertTrue(lines)
            for line in lines:
                self.assertEqual(list(line), ["line", "item_id", "account_id", "description",
                                              "quantity", "amount"])
                self.assertRegex(line["amount"], r"^-?\d+(\.\d+)?$")
                self.assertRegex(line["quantity"], r"^-?\d+(\.\d+)?$")

    def test_a_bill_s_lines_are_those_of_both_sublists(self):
        kinds = set()
        for row in self.data(self.call(BILLS, {"limit": 100}))[30:]:
            bill = self.data(self.call(BILL, {"id": row["id"]}))[0]
            for line in bill["lines"]:
                self.assertNotEqual(line["item_id"] is None, line["account_id"] is None)
            kinds.add(("".join("i" if line["item_id"] else "e" for line in bill["lines"])))
            self.assertEqual(sum(Decimal(line["amount"]) for line in bill["lines"]),
                             Decimal(bill["total"]))
        for kind in (r"^i+$", r"^e+$", r"^e+i$"):
            self.assertTrue(any(re.match(kind, seen) for seen in kinds), (kind, kinds))

    def test_a_bill_read_by_its_external_id_is_the_same(self):
        row = next(r for r in self.data(self.call(BILLS, {"limit": 50})) if r["external_id"])
        self.assertEqual(self.data(self.call(BILL, {"id": "eid:" + row["external_id"]})),
                         self.data(self.call(BILL, {"id": row["id"]})))

    def test_the_debits_of_a_journal_are_its_credits(self):
        parties = memos = 0
        for row in self.data(self.call(JOURNALS, {"limit": 20})):
            lines = self.data(self.call(JOURNAL, {"id": row["id"]}))[0]["lines"]
            self.assertGreater(len(lines), 1)
            for line in lines:
                self.assertEqual(list(line), ["line", "account_id", "debit", "credit", "memo",
                                              "party_id"])
                self.assertNotEqual(line["debit"] is None, line["credit"] is None)
                parties += line["party_id"] is not None
                memos += line["memo"] is not None
            self.assertEqual(sum(Decimal(line["debit"] or 0) for line in lines),
                             sum(Decimal(line["credit"] or 0) for line in lines))
        self.assertTrue(parties and memos)

    def test_an_absent_arguments_member_is_an_empty_object(self):
        for era in ("modern", "legacy"):
            _, _, message = self.stand.rpc(self.url, "tools/call", {"name": CUSTOMERS}, era)
            self.assertEqual(len(self.data(message["result"])), 25)

    def test_filters_do_what_they_say(self):
        rows = [r for page in self.pages(INVOICES, {"limit": 200}) for r in page]
        self.assertGreater(len(rows), 200)

        def listed(**arguments):
            return [r["id"] for page in self.pages(INVOICES, dict(arguments, limit=200))
                    for r in page]

        def among(keep):
            return [r["id"] for r in rows if keep(r)]
        party = rows[0]["party_id"]
        self.assertEqual(listed(status="open"), among(lambda r: r["status"] == "open"))
        self.assertEqual(listed(status="paid", party_id=party),
                         among(lambda r: r["status"] == "paid" and r["party_id"] == party))
        self.assertEqual(listed(date_from="2026-03-01", date_to="2026-03-31"),
                         among(lambda r: "2026-03-01" <= r["date"] <= "2026-03-31"))
        self.assertEqual(listed(overdue=True), among(
            lambda r: r["status"] == "open" and r["due_date"] and r["due_date"] < "2026-11-20"))
        self.assertEqual(len(listed(overdue=True)) + len(listed(overdue=False)), len(rows))
        self.assertEqual(listed(currency="JPY"), among(lambda r: r["currency"] == "JPY"))
        self.assertEqual(listed(number=rows[5]["number"].lower()), [rows[5]["id"]])
        self.assertEqual(listed(min_amount_due="1000.00", currency="EUR"), among(
            lambda r: r["currency"] == "EUR" and Decimal(r["amount_due"]) >= Decimal("1000.00")))

    def listed(self, tool, **arguments):
        return [r for page in self.pages(tool, dict(arguments, limit=200)) for r in page]

    def test_filters_of_journals_do_what_they_say(self):
        rows = self.listed(JOURNALS)
        self.assertGreater(len(rows), 50)
        some = rows[3]
        table = [
            ({"status": "approved"}, lambda r: r["status"] == "approved"),
            ({"status": "pending_approval"}, lambda r: r["status"] == "pending_approval"),
            ({"date_from": "2026-03-01", "date_to": "2026-06-30"},
             lambda r: "2026-03-01" <= r["date"] <= "2026-06-30"),
            ({"period": some["period"]}, lambda r: r["period"] == some["period"]),
            ({"currency": "JPY"}, lambda r: r["currency"] == "JPY"),
            ({"number": some["number"].lower()}, lambda r: r["id"] == some["id"]),
        ]
        for arguments, keep in table:
            wanted = [r for r in rows if keep(r)]
            self.assertTrue(wanted, arguments)
            self.assertEqual(self.listed(JOURNALS, **arguments), wanted, arguments)
        self.assertEqual(self.listed(JOURNALS, status="cancelled"), [])
        self.assertTrue(any(r["reversal_date"] and r["reversal_date"] > r["date"] for r in rows))
        whole = [self.data(self.call(JOURNAL, {"id": r["id"]}))[0] for r in rows[:40]]
        account = whole[0]["lines"][0]["account_id"]
        party = next(l["party_id"] for j in whole for l in j["lines"] if l["party_id"])
        for field, value in (("account_id", account), ("party_id", party)):
            found = {r["id"] for r in self.listed(JOURNALS, **{field: value})}
            for journal in whole:
                self.assertEqual(journal["id"] in found,
                                 any(line[field] == value for line in journal["lines"]))
        self.assertEqual(sum(len(self.listed(JOURNALS, subsidiary_id=str(n)))
                             for n in (1, 2, 3)), len(rows))

    def test_filters_of_accounts_do_what_they_say(self):
        rows = self.listed(ACCOUNTS)
        kinds = ("asset", "liability", "equity", "income", "expense", "other")
        for kind in kinds:
            wanted = [r for r in rows if r["type"] == kind]
            self.assertTrue(wanted, kind)
            self.assertEqual(self.listed(ACCOUNTS, type=kind), wanted)
        table = [
            ({"number": "1000"}, lambda r: r["number"] == "1000"),
            ({"number_from": "4000", "number_to": "4999"},
             lambda r: "4000" <= r["number"] <= "4999"),
            ({"name": "bank"}, lambda r: "bank" in r["name"].lower()),
            ({"is_bank": True}, lambda r: r["name"].startswith("Bank")),
            ({"is_bank": False}, lambda r: not r["name"].startswith("Bank")),
            ({"currency": "DKK"}, lambda r: r["currency"] == "DKK"),
            ({"is_inactive": True}, lambda r: r["is_inactive"]),
            ({"is_inactive": False}, lambda r: not r["is_inactive"]),
            ({"is_summary": False}, lambda r: True),
        ]
        for arguments, keep in table:
            wanted = [r for r in rows if keep(r)]
            self.assertTrue(wanted, arguments)
            self.assertEqual(self.listed(ACCOUNTS, **arguments), wanted, arguments)

    def test_documents_can_be_narrowed_to_a_subsidiary(self):
        for name in (INVOICES, BILLS):
            whole = [r["id"] for r in self.listed(name)]
            parts = [r["id"] for n in (1, 2, 3)
                     for r in self.listed(name, subsidiary_id=str(n))]
            self.assertEqual(sorted(parts), sorted(whole))
            self.assertEqual(self.listed(name, subsidiary_id="99"), [])


class TestPaging(CallCase):
    def test_pages_hold_every_row_once(self):
        for name, arguments in ((INVOICES, {"status": "open"}), (CUSTOMERS, {}), (VENDORS, {}),
                                (BILLS, {"currency": "EUR"}), (ACCOUNTS, {}), (JOURNALS, {})):
            whole = self.pages(name, dict(arguments, limit=200))
            ids = [row["id"] for page in whole for row in page]
            self.assertEqual(len(ids), len(set(ids)))
            self.assertGreater(len(ids), 20)
            small = self.pages(name, dict(arguments, limit=7))
            self.assertEqual([row["id"] for page in small for row in page], ids)
            self.assertEqual([len(page) for page in small[:-1]], [7] * (len(small) - 1))
            self.assertEqual(ids, sorted(ids, key=int))

    def test_the_limit_may_change_between_pages(self):
        ids = [r["id"] for page in self.pages(CUSTOMERS, {"limit": 200}) for r in page]
        first = self.call(CUSTOMERS, {"limit": 5})["structuredContent"]
        rest = self.pages_from(first, [11, "3", 200])
        self.assertEqual([r["id"] for r in first["data"]] + rest, ids)

    def pages_from(self, envelope, limits):
        found = []
        for limit in limits:
            envelope = self.call(CUSTOMERS, {
                "limit": limit, "next_cursor": envelope["pagination"]["next_cursor"],
            })["structuredContent"]
            self.assertEqual(envelope["pagination"]["limit"], int(limit))
            found += [r["id"] for r in envelope["data"]]
        self.assertIsNone(envelope["pagination"]["next_cursor"])
        return found

    def test_a_list_without_rows_is_an_empty_page(self):
        envelope = self.call(INVOICES, {"number": "NO-SUCH-NUMBER"})["structuredContent"]
        self.assertEqual(envelope["data"], [])
        self.assertEqual(envelope["pagination"],
                         {"next_cursor": None, "has_more": False, "limit": 25})

    def refused(self, cursor, name=INVOICES, arguments=None, url=None):
        before = self.at_upstream()
        error = self.failure("invalid_arguments", name,
                             dict(arguments if arguments is not None else {"status": "open"},
                                  next_cursor=cursor), url=url)
        self.assertEqual([d["pointer"] for d in error["details"]], ["/next_cursor"])
        self.assertEqual(self.at_upstream(), before)

    def cursor(self):
        first = self.call(INVOICES, {"status": "open", "limit": 2})["structuredContent"]
        return first["pagination"]["next_cursor"]

    def test_a_changed_cursor_is_refused_at_every_place(self):
        cursor = self.cursor()
        for n in range(len(cursor)):
            other = "A" if cursor[n] != "A" else "B"
            self.refused(cursor[:n] + other + cursor[n + 1:])

    def test_a_cut_lengthened_or_invented_cursor_is_refused(self):
        cursor = self.cursor()
        for wrong in (cursor[:-1], cursor[1:], cursor + "A", cursor + cursor, cursor + "=",
                      cursor.upper(), " " + cursor, cursor + "\n", "2", "offset=2", "A" * 4096,
                      "💶", "../" + cursor):
            self.refused(wrong)

    def test_a_cursor_is_bound_to_its_arguments(self):
        cursor = self.cursor()
        for arguments in ({}, {"status": "paid"}, {"status": "open", "currency": "EUR"},
                          {"status": "open", "overdue": False}):
            self.refused(cursor, arguments=arguments)

    def test_a_cursor_is_bound_to_its_tool_and_its_server(self):
        cursor = self.cursor()
        self.refused(cursor, name=BILLS)
        self.refused(cursor, url=self.other_url)
        _, foreign = self.fresh(tenant="another")
        self.refused(cursor, url=foreign)
        plain = self.call(CUSTOMERS, {"limit": 1})["structuredContent"]
        self.refused(plain["pagination"]["next_cursor"], name=BILLS, arguments={})

    def test_a_cursor_may_be_used_again(self):
        cursor = self.cursor()
        pages = [self.data(self.call(INVOICES, {"status": "open", "limit": 2,
                                                "next_cursor": cursor})) for _ in range(2)]
        self.assertEqual(pages[0], pages[1])


class TestArguments(CallCase):
    def test_wrong_arguments_never_reach_the_erp(self):
        table = [
            (INVOICES, {"limit": 0}, "/limit"), (INVOICES, {"limit": 201}, "/limit"),
            (INVOICES, {"limit": -1}, "/limit"), (INVOICES, {"limit": 1.5}, "/limit"),
            (INVOICES, {"limit": "many"}, "/limit"), (INVOICES, {"limit": "201"}, "/limit"),
            (INVOICES, {"limit": "0"}, "/limit"), (INVOICES, {"limit": True}, "/limit"),
            (INVOICES, {"limit": None}, "/limit"), (INVOICES, {"limit": [1]}, "/limit"),
            (INVOICES, {"limit": 10 ** 30}, "/limit"),
            (INVOICES, {"nonsense": 1}, "/nonsense"), (INVOICES, {"Status": "open"}, "/Status"),
            (INVOICES, {"a/b~c": 1}, "/a~1b~0c"), (INVOICES, {"status": "OPEN"}, "/status"),
            (INVOICES, {"status": ["open"]}, "/status"), (INVOICES, {"status": ""}, "/status"),
            (INVOICES, {"party_id": "1 OR 1=1"}, "/party_id"),
            (INVOICES, {"party_id": 149}, "/party_id"),
            (INVOICES, {"date_from": "2026-02-30"}, "/date_from"),
            (INVOICES, {"date_from": "30.11.2026"}, "/date_from"),
            (INVOICES, {"date_from": "2026-11-20T00:00:00Z"}, "/date_from"),
            (INVOICES, {"overdue": "true"}, "/overdue"), (INVOICES, {"overdue": 1}, "/overdue"),
            (INVOICES, {"min_amount_due": "1e3"}, "/min_amount_due"),
            (INVOICES, {"min_amount_due": "1,000.00"}, "/min_amount_due"),
            (INVOICES, {"min_amount_due": 1000}, "/min_amount_due"),
            (INVOICES, {"number": ""}, "/number"), (INVOICES, {"number": "x" * 101}, "/number"),
            (INVOICES, {"number": {"$ne": None}}, "/number"),
            (INVOICES, {"next_cursor": 5}, "/next_cursor"),
            (INVOICES, {"next_cursor": ""}, "/next_cursor"),
            (CUSTOMERS, {"name": None}, "/name"), (CUSTOMERS, {"email": "x" * 255}, "/email"),
            (INVOICE, {}, "/id"), (INVOICE, {"id": 5}, "/id"), (INVOICE, {"id": ""}, "/id"),
            (INVOICE, {"id": "1" * 65}, "/id"), (INVOICE, {"id": "1", "limit": 1}, "/limit"),
        ]
        before = self.at_upstream()
        for era in ("modern", "legacy"):
            for name, arguments, pointer in table:
                error = self.failure("invalid_arguments", name, arguments, era=era) \
                    if arguments else self.error(self.call(name, {}, era))
                pointers = [d["pointer"] for d in error["details"]]
                self.assertEqual(pointers, [pointer], (name, arguments, error))
        self.assertEqual(self.at_upstream(), before)

    def test_every_fault_is_named_at_once(self):
        error = self.failure("invalid_arguments", INVOICES,
                             {"limit": 0, "status": "no", "nonsense": 1, "date_to": "x"})
        self.assertEqual(sorted(d["pointer"] for d in error["details"]),
                         ["/date_to", "/limit", "/nonsense", "/status"])

    def test_a_limit_may_be_text(self):
        for limit in (1, "1", 200, "200", 25, "25"):
            envelope = self.call(INVOICES, {"limit": limit})["structuredContent"]
            self.assertEqual(len(envelope["data"]), int(limit))
            self.assertEqual(envelope["pagination"]["limit"], int(limit))


class TestMoney(CallCase):
    AMOUNTS = [
        ('12345678901234567.89', "12345678901234567.89"),
        ('"12345678901234567.89"', "12345678901234567.89"),
        ('100.10', "100.10"), ('"100.10"', "100.10"), ('0.00', "0.00"), ('-0.05', "-0.05"),
        ('1.1', "1.1"), ('9007199254740993', "9007199254740993"),
        ('1234567890123456789012345678.901234', "1234567890123456789012345678.901234"),
        ('"9999999999999999999999999999999999"', "9999999999999999999999999999999999"),
        ('0.1000000000000000055511151231257827', "0.1000000000000000055511151231257827"),
    ]

    def test_amounts_of_a_list_arrive_byte_for_byte(self):
        rows = ",".join('{"links":[],"id":"%d","foreigntotal":%s,"foreignamountunpaid":%s}'
                        % (n, sent, sent) for n, (sent, _) in enumerate(self.AMOUNTS))
        body = '{"links":[],"count":%d,"hasMore":false,"items":[%s],"offset":0,' \
               '"totalResults":%d}' % (len(self.AMOUNTS), rows, len(self.AMOUNTS))
        for era in ("modern", "legacy"):
            self.fault("status", status=200, body=body)
            got = self.data(self.call(INVOICES, {"limit": 50}, era))
            for row, (_, wanted) in zip(got, self.AMOUNTS):
                self.assertEqual((row["total"], row["amount_due"]), (wanted, wanted))
            self.assertEqual(len(got), len(self.AMOUNTS))

    def test_amounts_of_a_record_and_its_lines_arrive_byte_for_byte(self):
        for sent, wanted in self.AMOUNTS:
            body = '{"id":"5","total":%s,"amountRemaining":%s,"item":{"items":[' \
                   '{"line":1,"amount":%s,"quantity":%s}]}}' % (sent, sent, sent, sent)
            self.fault("status", status=200, body=body)
            record = self.data(self.call(INVOICE, {"id": "5"}))[0]
            self.assertEqual((record["total"], record["amount_due"]), (wanted, wanted))
            self.assertEqual((record["lines"][0]["amount"], record["lines"][0]["quantity"]),
                             (wanted, wanted))

    def test_an_amount_the_mock_computes_is_the_record_s_own(self):
        for row in self.data(self.call(BILLS, {"limit": 200})):
            self.assertRegex(row["total"], r"^\d+(\.\d+)?$")


class TestUpstreamFailures(CallCase):
    def after(self):
        """The account still works, and nothing is left behind on its lane."""
        self.data(self.call(INVOICES, {"limit": 1}))

    def test_an_unknown_id_is_not_found(self):
        for name in (INVOICE, CUSTOMER, VENDOR, BILL, JOURNAL):
            error = self.failure("not_found", name, {"id": "999999"})
            self.assertIn(error["upstream"]["status"], (400, 404))
            self.assertIn("list tool", error["hint"])
        self.failure("not_found", ACCOUNT, {"id": "999999"})

    def test_a_bill_whose_second_answer_fails_is_not_half_a_bill(self):
        bill = self.data(self.call(BILLS, {"limit": 1}))[0]["id"]
        for kind, more, code in (("status", {"status": 500}, "upstream_unavailable"),
                                 ("reset", {}, "upstream_unavailable"),
                                 ("malformed", {}, "upstream_malformed")):
            self.fault(kind, match={"path_regex": "/suiteql$"}, **more)
            self.failure(code, BILL, {"id": bill})
        self.fault("status", status=429, match={"path_regex": "/suiteql$"})
        self.failure("rate_limited", BILL, {"id": bill}, status=429)
        self.after()

    def test_the_mock_s_statuses_become_our_codes(self):
        for status, code in ((400, "validation_failed"), (401, "needs_reauth"),
                             (403, "permission_denied"), (409, "conflict"),
                             (500, "upstream_unavailable"), (502, "upstream_unavailable"),
                             (503, "upstream_unavailable"), (504, "upstream_unavailable"),
                             (301, "upstream_malformed")):
            for name, arguments in ((INVOICES, {"limit": 1}), (INVOICE, {"id": "1009"})):
                self.fault("status", status=status)
                error = self.failure(code, name, arguments)
                self.assertEqual(error["upstream"]["status"], status)
        self.after()

    def test_a_page_for_people_is_an_outage(self):
        self.fault("html")
        error = self.failure("upstream_unavailable")
        self.assertEqual(error["upstream"]["status"], 503)
        self.assertNotIn("<", json.dumps(error))
        self.after()

    def test_a_page_for_people_with_status_200_cannot_be_read(self):
        self.fault("html", status=200)
        self.failure("upstream_malformed")
        self.after()

    def test_lost_connections_are_an_outage(self):
        for kind in ("reset", "after_commit_drop"):
            for name, arguments in ((INVOICES, {"limit": 1}), (INVOICE, {"id": "1009"})):
                self.fault(kind)
                before = self.at_upstream()
                self.failure("upstream_unavailable", name, arguments)
                self.assertEqual(self.at_upstream(), before + 1, "it was sent again")
        self.after()

    def test_a_broken_answer_cannot_be_read(self):
        for kind in ("truncate", "malformed"):
            for name, arguments in ((INVOICES, {"limit": 1}), (INVOICE, {"id": "1009"})):
                self.fault(kind)
                self.failure("upstream_malformed", name, arguments)
        self.after()

    def test_an_answer_of_another_shape_cannot_be_read(self):
        for body in ('', '[]', 'null', '"text"', '{}', '{"items":{}}', '{"items":[1]}',
                     '{"items":[]}', '{"items":[],"hasMore":"no"}', '{"items":[],"items":[]}',
                     '{"items":[{"id":"\\u0000"}],"hasMore":false}', '{"items":[],"hasMore":0}',
                     '[' * 5000, '{"a":' * 5000, '\ufeff{"items":[],"hasMore":false}',
                     '{"items":[{"id":"1"}],"hasMore":false} x'):
            self.fault("status", status=200, body=body)
            self.failure("upstream_malformed")
        self.after()

    def test_a_too_large_answer_is_too_large(self):
        row = '{"id":"1","memo":"%s"}' % ("m" * 300000)
        self.fault("status", status=200, body='{"items":[%s],"hasMore":false}' % row)
        error = self.failure("too_large")
        self.assertIn("limit", error["hint"])
        self.after()

    def test_an_answer_in_drips_is_read_to_its_end(self):
        self.fault("slow_drip", delay_ms=500)
        self.assertEqual(len(self.data(self.call(INVOICES, {"limit": 30}))), 30)

    def test_a_slow_answer_ends_our_patience(self):
        self.fault("status", status=200, delay_ms=HELD,
                   body='{"items":[],"hasMore":false,"count":0}')
        started = time.monotonic()
        error = self.failure("upstream_unavailable")
        self.assertGreaterEqual(time.monotonic() - started, 1.4)
        self.assertEqual(self.stats()["in_flight"], 1)
        self.release()
        self.assertIn("in time", error["message"])

    def test_a_login_that_the_erp_refuses_needs_somebody(self):
        self.fault("expire_tokens")
        error = self.failure("needs_reauth")
        self.assertIn("Login Audit Trail", error["message"])
        self.after()

    def test_a_load_refusal_is_429_with_the_way_out(self):
        self.fault("status", status=429)
        error = self.failure("rate_limited", status=429)
        self.assertGreaterEqual(error["retry_after_seconds"], 1)
        self.after()

    def test_known_codes_in_a_body_become_ours(self):
        def body(stated, code, detail):
            return json.dumps({"type": "x", "title": "y", "status": stated, "o:errorDetails": [
                {"detail": detail, "o:errorCode": code}]})
        table = [
            (400, "INVALID_PARAMETER", "Record 'transaction' was not found", "permission_denied"),
            (400, "USER_ERROR", "This entity already exists.", "conflict"),
            (400, "USER_ERROR", "You must enter a value.", "validation_failed"),
            (404, "NONEXISTENT_ID", "The record instance does not exist.", "not_found"),
            (200, "INSUFFICIENT_PERMISSION", "You may not.", "permission_denied"),
        ]
        for status, code, detail, wanted in table:
            self.fault("status", status=status, body=body(max(status, 400), code, detail))
            error = self.failure(wanted, INVOICE, {"id": "1009"})
            self.assertEqual(error["upstream"]["code"], code)
            self.assertEqual(error["upstream"]["message"], detail)

    def test_an_erp_s_text_loses_its_control_characters(self):
        body = json.dumps({"title": "t", "status": 400, "o:errorDetails": [
            {"detail": "a\u0007b\u009bc\nd" + "x" * 5000, "o:errorCode": "E\u001b[31m"}]})
        self.fault("status", status=400, body=body)
        error = self.failure("validation_failed")
        shown = error["upstream"]["message"] + error["upstream"]["code"]
        self.assertIsNone(re.search(r"[\x00-\x1f\x7f-\x9f]", shown))
        self.assertLess(len(shown), 1000)


if __name__ == "__main__":
    main()
