# SPDX-License-Identifier: Apache-2.0
"""mock-netsuite's records: read, listed and written as the ERP does."""
import decimal
import json
import urllib.parse

from mock_netsuite import RECORD, Case, dec, main


class Records(Case):
    def get(self, path):
        return self.mock.call("GET", RECORD + path)

    def an_invoice(self, where="foreignamountunpaid > 0 AND status = 'A'"):
        return self.mock.rows("SELECT id FROM transaction WHERE type = 'CustInvc' AND " + where +
                              " ORDER BY id", limit=1)[0]["id"]

    def test_an_invoice_with_its_lines(self):
        number = self.an_invoice("memo IS NOT NULL AND status = 'A'")
        answer = self.get("/invoice/%s?expandSubResources=true" % number)
        self.assertEqual(200, answer.status)
        self.assertEqual("application/vnd.oracle.resource+json; type=singular; charset=UTF-8",
                         answer.headers["content-type"])
        record = json.loads(answer.body, parse_float=str, parse_int=str)
        self.assertEqual(["links"] + sorted(k for k in record if k != "links"), list(record))
        self.assertEqual(number, record["id"])
        self.assertTrue(answer.body.index(b'"id":"%s"' % number.encode()) > 0)  # text
        self.assertRegex(record["tranDate"], r"^\d{4}-\d\d-\d\d$")
        self.assertRegex(record["createdDate"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        row = self.mock.rows("SELECT foreigntotal, foreignamountunpaid, entity, BUILTIN.DF(entity) "
                             "AS name FROM transaction WHERE id = ?", number)[0]
        self.assertEqual(row["foreigntotal"], record["total"])  # the same digits
        self.assertEqual(row["foreignamountunpaid"], record["amountRemaining"])
        self.assertEqual({"links": [{"rel": "self", "href": "%s%s/customer/%s" % (
            self.mock.said["url"], RECORD, row["entity"])}], "id": row["entity"],
                          "refName": row["name"]}, record["entity"])
        self.assertEqual({"links": [], "id": "Open", "refName": "Open"}, record["status"])
        items = record["item"]["items"]
        self.assertEqual(str(len(items)), record["item"]["totalResults"])
        self.assertEqual(dec(record["total"]), sum(dec(i["amount"]) for i in items))
        self.assertEqual("1", items[0]["line"])

    def test_without_expansion_a_sublist_is_a_link(self):
        number = self.an_invoice()
        record = self.get("/invoice/" + number).json
        self.assertEqual({"links": [{"rel": "self", "href": "%s%s/invoice/%s/item" % (
            self.mock.said["url"], RECORD, number)}]}, record["item"])
        lines = self.get("/invoice/%s/item" % number)
        self.assertEqual(200, lines.status)
        self.assertGreater(lines.json["totalResults"], 0)

    def test_fields_and_simple_enums(self):
        number = self.an_invoice()
        record = self.get("/invoice/%s?fields=tranId,status&simpleEnumFormat=true" % number).json
        self.assertEqual({"links", "id", "tranId", "status"}, set(record))
        self.assertEqual("Open", record["status"])

    def test_empty_members_are_left_out_and_booleans_are_real(self):
        person = self.get("/customer/146").json
        self.assertNotIn("companyName", person)
        self.assertIs(True, person["isPerson"])
        self.assertEqual("Åse Lindqvist", person["entityId"])

    def test_external_ids(self):
        self.assertEqual("101", self.get("/customer/eid:crm-5000").json["id"])
        self.assertEqual(404, self.get("/customer/eid:none").status)
        self.assertEqual(400, self.get("/invoice/eid:none").status)

    def test_every_record_type_can_be_listed_and_read(self):
        for name in ("invoice", "vendorBill", "customerPayment", "vendorPayment", "journalEntry",
                     "purchaseOrder", "salesOrder", "customer", "vendor", "employee", "account",
                     "subsidiary", "currency", "accountingPeriod", "department", "classification",
                     "location", "term", "inventoryItem", "serviceSaleItem",
                     "nonInventorySaleItem", "assemblyItem", "otherChargeSaleItem"):
            with self.subTest(name):
                page = self.get("/%s?limit=1" % name).json
                self.assertEqual(1, page["count"])
                self.assertEqual({"links", "id"}, set(page["items"][0]))
                one = self.get("/%s/%s?expandSubResources=true" % (name, page["items"][0]["id"]))
                self.assertEqual(200, one.status)

    def test_an_empty_expanded_sublist_is_spelt_out(self):
        number = self.mock.rows("""SELECT t.id FROM transaction t WHERE t.type = 'VendBill' AND NOT
            EXISTS (SELECT 1 FROM transactionline l WHERE l.transaction = t.id AND
            l.item IS NOT NULL) ORDER BY t.id""", limit=1)[0]["id"]
        bill = self.get("/vendorBill/%s?expandSubResources=true" % number).json
        self.assertEqual({"links", "items", "totalResults", "count", "hasMore", "offset"},
                         set(bill["item"]))
        self.assertEqual([], bill["item"]["items"])
        self.assertGreater(bill["expense"]["totalResults"], 0)

    def test_a_journal_balances(self):
        number = self.get("/journalEntry?limit=1").json["items"][0]["id"]
        record = json.loads(self.get("/journalEntry/%s?expandSubResources=true" % number).body,
                            parse_float=decimal.Decimal)
        lines = record["line"]["items"]
        self.assertEqual(sum(dec(l.get("debit", 0)) for l in lines),
                         sum(dec(l.get("credit", 0)) for l in lines))

    def test_unknown_ids_answer_by_kind(self):
        for path, status, code in (("/invoice/999999", 400, "USER_ERROR"),
                                   ("/vendorBill/101", 400, "USER_ERROR"),
                                   ("/invoice/x'y", 400, "USER_ERROR"),
                                   ("/customer/999999", 404, "NONEXISTENT_ID"),
                                   ("/account/0", 404, "NONEXISTENT_ID")):
            with self.subTest(path):
                answer = self.get(path)
                self.assertEqual((status, code), (answer.status, answer.code))
                self.assertEqual("close", answer.headers["connection"])
        self.assertEqual("Error while accessing a resource. Transaction type specified is "
                         "incorrect.", self.get("/invoice/999999").detail)
        answer = self.get("/file/1")
        self.assertEqual(404, answer.status)
        self.assertEqual({"detail": "Record type 'file' does not exist.",
                          "o:errorUrl": RECORD + "/file/1", "o:errorCode": "NONEXISTENT_ID"},
                         answer.json["o:errorDetails"][0])


class Writing(Case):
    HEADERS = {"Content-Type": "application/json"}

    def setUp(self):
        self.mock.control("POST", "/reset")
        self.party = self.mock.rows("SELECT id FROM customer WHERE isinactive = 'F' AND currency "
                                    "= 1 ORDER BY id", limit=1)[0]["id"]
        self.invoice = {"entity": {"id": self.party},
                        "item": {"items": [{"item": {"id": "1"}, "quantity": 2, "rate": 10.05}]}}

    def write(self, method, path, body, **headers):
        h = dict(self.HEADERS, **{k.replace("_", "-"): v for k, v in headers.items()})
        return self.mock.call(method, RECORD + path,
                              body if isinstance(body, str) else json.dumps(body), h)

    def saved(self, answer):
        """What the Location names."""
        self.assertEqual((204, b""), (answer.status, answer.body))
        path = urllib.parse.urlsplit(answer.headers["location"]).path
        one = self.mock.call("GET", path + "?expandSubResources=true")
        self.assertEqual(200, one.status)
        return json.loads(one.body, parse_float=decimal.Decimal)

    def count(self, kind="CustInvc"):
        return int(self.mock.rows("SELECT COUNT(*) AS n FROM transaction WHERE type = ?",
                                  kind)[0]["n"])

    def refused(self, answer, words, code="USER_ERROR", status=400):
        self.assertEqual((status, code), (answer.status, answer.code), answer.body)
        self.assertIn(words, answer.detail)

    def test_a_post_makes_a_record_and_says_where(self):
        before = self.count()
        body = dict(self.invoice, externalId="a-1", memo="Ø", tranDate="2026-11-03",
                    otherRefNum="PO")
        one = self.saved(self.write("POST", "/invoice", body))
        self.assertEqual(("a-1", "Ø", "2026-11-03", "PO", self.party), (
            one["externalId"], one["memo"], one["tranDate"], one["otherRefNum"],
            one["entity"]["id"]))
        self.assertEqual(dec("20.10"), one["total"])
        self.assertEqual(dec("20.10"), one["amountRemaining"])
        self.assertEqual(dec("20.10"), one["item"]["items"][0]["amount"])
        self.assertEqual(before + 1, self.count())
        self.assertEqual(1, self.mock.stats()["writes"])
        number = self.mock.rows("SELECT COUNT(*) AS n FROM transaction WHERE tranid = ?",
                                one["tranId"])
        self.assertEqual("1", number[0]["n"])

    def test_the_ledger_balances_after_a_write(self):
        one = self.saved(self.write("POST", "/invoice", self.invoice))
        sums = self.mock.rows("SELECT SUM(NVL(debit, 0)) AS d, SUM(NVL(credit, 0)) AS c FROM "
                              "transactionaccountingline WHERE transaction = ?", one["id"])[0]
        self.assertEqual(dec(sums["d"]), dec(sums["c"]))

    def test_digits_are_kept(self):
        line = '{"item":{"id":"1"},"amount":%s}'
        for amount in ("12345678901234.56", "0.01", "9007199254740993.00"):
            body = '{"entity":{"id":"%s"},"item":{"items":[%s]}}' % (self.party, line % amount)
            one = self.saved(self.write("POST", "/invoice", body))
            self.assertEqual(amount, str(one["item"]["items"][0]["amount"]))
            self.assertEqual(amount, str(one["total"]))

    def test_an_external_id_is_taken_once(self):
        body = dict(self.invoice, externalId="a-1")
        self.saved(self.write("POST", "/invoice", body))
        before = self.count()
        self.refused(self.write("POST", "/invoice", body), "This entity already exists.")
        self.assertEqual(before, self.count())

    def test_a_put_makes_or_changes_the_one_of_that_external_id(self):
        before = self.count()
        first = self.saved(self.write("PUT", "/invoice/eid:x-1", self.invoice))
        self.assertEqual("x-1", first["externalId"])
        line = {"item": {"id": "2"}, "amount": 5}
        changed = {"memo": "again", "item": {"items": [line]}}
        more = self.saved(self.write("PUT", "/invoice/eid:x-1", changed))
        self.assertEqual((first["id"], first["tranId"], "again", 2), (
            more["id"], more["tranId"], more["memo"], len(more["item"]["items"])))
        self.assertEqual(dec("25.10"), more["total"])
        less = self.saved(self.write("PUT", "/invoice/eid:x-1?replace=item", changed))
        self.assertEqual((1, dec("5.00")), (len(less["item"]["items"]), less["total"]))
        self.assertEqual(before + 1, self.count())

    def test_unknown_members_follow_the_header(self):
        wrong = dict(self.invoice, mmeo="x", item={"items": [
            {"item": {"id": "1"}, "prize": 3}]})
        before = self.count()
        answer = self.write("POST", "/invoice", wrong,
                            X_NetSuite_PropertyNameValidation="Error")
        self.refused(answer, "prize", "INVALID_CONTENT")
        self.assertEqual("item.items[0].prize",
                         answer.json["o:errorDetails"][0]["o:errorPath"])
        self.assertEqual(before, self.count())
        answer = self.write("POST", "/invoice", wrong)
        self.assertEqual(204, answer.status)
        self.assertIn("item.items[0].prize, mmeo", answer.headers["warning"])
        answer = self.write("POST", "/invoice", wrong, X_NetSuite_PropertyNameValidation="Ignore")
        self.assertEqual(204, answer.status)
        self.assertNotIn("warning", answer.headers)

    def test_references_that_lead_nowhere_are_refused_with_their_path(self):
        for body, path in (
                (dict(self.invoice, entity={"id": "999999"}), "entity"),
                (dict(self.invoice, currency={"id": "77"}), "currency"),
                (dict(self.invoice, tranDate="3.11.2026"), "tranDate"),
                (dict(self.invoice, item={"items": [{"item": {"id": "9999"}}]}),
                 "item.items[0].item"),
                (dict(self.invoice, item={"items": [{"item": {"id": "1"}, "rate": "x"}]}),
                 "item.items[0].rate")):
            answer = self.write("POST", "/invoice", body)
            self.refused(answer, "Invalid Field Value", "INVALID_CONTENT")
            self.assertEqual(path, answer.json["o:errorDetails"][0]["o:errorPath"])

    def test_rules_of_a_document(self):
        for body, words in (
                ({"item": self.invoice["item"]}, "Customer"),
                ({"entity": {"id": self.party}}, "line item"),
                (dict(self.invoice, item={"items": [{}]}), "choose an item"),
                (dict(self.invoice, tranDate="2025-02-03"), "closed or locked"),
                (dict(self.invoice, tranDate="2001-02-03"), "accounting periods")):
            self.refused(self.write("POST", "/invoice", body), words)

    def journal(self, debit, credit, **more):
        return dict({"subsidiary": {"id": "1"}, "line": {"items": [
            {"account": {"id": "16"}, "debit": debit, "memo": "m"},
            {"account": {"id": "8"}, "credit": credit, "entity": {"id": "201"}}]}}, **more)

    def test_a_journal_has_to_balance(self):
        before = self.count("Journal")
        one = self.saved(self.write("POST", "/journalEntry", self.journal(70.1, 70.1)))
        lines = one["line"]["items"]
        self.assertEqual([dec("70.10"), None], [line.get("debit") for line in lines])
        self.assertEqual([None, dec("70.10")], [line.get("credit") for line in lines])
        self.assertEqual(("m", "201"), (lines[0]["memo"], lines[1]["entity"]["id"]))
        self.refused(self.write("POST", "/journalEntry", self.journal(70.1, 70.11)),
                     "do not balance")
        self.refused(self.write("POST", "/journalEntry", {"subsidiary": {"id": "1"}}),
                     "at least two lines")
        self.refused(self.write("POST", "/journalEntry",
                                self.journal(1, 1, tranDate="2025-02-03")), "closed or locked")
        self.assertEqual(before + 1, self.count("Journal"))

    def test_bodies_that_are_no_record_are_refused(self):
        for body in ("", "[]", "{", '"x"', '{"a":1,"a":2}'):
            self.refused(self.write("POST", "/invoice", body), "JSON object", "INVALID_REQUEST")
        answer = self.write("POST", "/invoice", self.invoice, Content_Type="text/plain")
        self.assertEqual(415, answer.status)

    def test_other_verbs_and_records_are_not_served(self):
        for method, path in (("POST", "/customer"), ("PUT", "/invoice/1009"),
                             ("PUT", "/invoice/eid:"), ("POST", "/invoice/1009"),
                             ("DELETE", "/invoice/1009"), ("PATCH", "/invoice/1009")):
            self.assertEqual(405, self.write(method, path, {}).status, (method, path))
        self.assertEqual(0, self.mock.stats()["writes"])

    def test_reset_takes_written_records_away(self):
        before = self.count()
        self.saved(self.write("POST", "/invoice", self.invoice))
        self.mock.control("POST", "/reset")
        self.assertEqual(before, self.count())


if __name__ == "__main__":
    main()
