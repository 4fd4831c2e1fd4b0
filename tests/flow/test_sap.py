# SPDX-License-Identifier: Apache-2.0
"""SAP behind the same tools: tokens, CSRF, orders made once, one code path for both ERPs."""
import json
import os
import threading
import time
import urllib.parse
from decimal import Decimal

from flow import FlowCase, Volley, codes, main, wait_until

ORDER = {"purchasing_org": "1010", "plant": "1010",
         "items": [{"material": "TG11", "quantity": 10, "unit": "EA"},
                   {"material": "RM13", "quantity": "2.5", "unit": "KG", "net_price": "199.99"}]}


class SapCase(FlowCase):
    mocks = ("netsuite", "sap")

    @classmethod
    def prepare(cls):
        cls.account = cls.stand.connect_sap(governor={"ceiling": 4, "queue_limit": 500,
                                                      "queue_wait_ms": 60000})
        cls.url = cls.stand.mint(cls.account["id"])["url"]

    def setUp(self):
        self.control("PUT", "/latency", {"ms": 0, "jitter_ms": 0})
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.control("POST", "/reset")
        self.addCleanup(self.control, "DELETE", "/faults")

    def control(self, method, path, body=None):
        return self.stand.control("sap", method, path, body)

    def stats(self):
        return self.control("GET", "/stats")

    def last(self, count=2000):
        return self.control("GET", "/last?n=%d" % count)["requests"]

    def supplier(self):
        return self.data(self.stand.tool(self.url, "list_all_sap_vendors", {"limit": 1})[2])[0]

    def create(self, **more):
        return self.stand.tool(self.url, "create_a_sap_purchase_order",
                               dict(ORDER, supplier=self.supplier()["id"], **more))


class TestOneAgent(SapCase):
    """One script over both URLs."""

    @classmethod
    def prepare(cls):
        super().prepare()
        account = cls.stand.connect_netsuite()
        cls.netsuite = cls.stand.mint(account["id"])["url"]

    def vendors(self, url, integration):
        return self.data(self.stand.tool(url, "list_all_%s_vendors" % integration,
                                         {"limit": 3})[2])

    def test_vendors_of_both_come_by_the_same_code_path(self):
        sap, netsuite = self.vendors(self.url, "sap"), self.vendors(self.netsuite, "netsuite")
        self.assertEqual([len(sap), len(netsuite)], [3, 3])
        self.assertEqual(list(sap[0]), list(netsuite[0]))

    def test_an_order_is_read_back_to_the_cent(self):
        made = self.data(self.create()[2])[0]
        read = self.data(self.stand.tool(self.url, "get_single_sap_purchase_order_by_id",
                                         {"id": made["id"]})[2])[0]
        self.assertEqual(read["total"], "624.98")  # 10 x 12.50 + 2.5 x 199.99, rounded half up
        self.assertEqual([line["amount"] for line in read["lines"]], ["125.00", "499.98"])
        self.assertEqual(sum(Decimal(line["amount"]) for line in read["lines"]),
                         Decimal(read["total"]))
        self.assertEqual(self.stats()["writes"], 1)

    def test_shared_resources_have_the_same_fields(self):
        tools = {}
        for url in (self.url, self.netsuite):
            for tool in self.stand.rpc(url, "tools/list")[2]["result"]["tools"]:
                tools[tool["name"]] = list(
                    tool["outputSchema"]["$defs"]["record"]["properties"])
        shared = 0
        for name, fields in tools.items():
            twin = tools.get(name.replace("_sap_", "_netsuite_"))
            if "_sap_" in name and twin is not None:
                shared += 1
                self.assertEqual(set(fields), set(twin), name)
        self.assertGreaterEqual(shared, 3)

    def test_a_remark_of_sap_reaches_the_agent(self):
        envelope = self.create()[2]["structuredContent"]
        self.assertEqual(envelope["_meta"]["messages"][0]["code"], "06/207")
        self.assertEqual(envelope["_meta"]["messages"][0]["severity"], "warning")

    def test_pages_of_a_filtered_list_repeat_and_lose_nothing(self):
        seen, arguments = [], {"limit": 37, "status": "released"}
        while True:
            result = self.stand.tool(self.url, "list_all_sap_purchase_orders", arguments)[2]
            seen += [row["id"] for row in self.data(result)]
            cursor = result["structuredContent"]["pagination"]["next_cursor"]
            if cursor is None:
                break
            arguments = dict(arguments, next_cursor=cursor)
        whole = self.data(self.stand.tool(self.url, "list_all_sap_purchase_orders",
                                          {"limit": 200, "status": "released"})[2])
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(seen[:len(whole)], [row["id"] for row in whole])


class TestCsrf(SapCase):
    def test_eight_creates_while_the_token_expires_share_one_refetch(self):
        self.create()
        before = self.stats()["csrf_fetches"]
        supplier = self.supplier()["id"]
        self.control("POST", "/reset")
        self.control("PUT", "/latency", {"ms": 30, "jitter_ms": 0})
        results = []

        def one():
            results.append(self.stand.tool(self.url, "create_a_sap_purchase_order",
                                           dict(ORDER, supplier=supplier))[2])
        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads[:3]:
            thread.start()
        self.control("POST", "/csrf/expire")
        for thread in threads[3:]:
            thread.start()
        for thread in threads:
            thread.join()
        ids = {self.data(result)[0]["id"] for result in results}
        self.assertEqual(len(ids), 8)
        self.assertEqual(self.stats()["writes"], 8)
        self.assertEqual(self.stats()["csrf_fetches"] - before, 1)

    def test_a_stale_token_is_replayed_once(self):
        self.create()
        self.control("POST", "/csrf/expire")
        before = self.stats()["writes"]
        self.data(self.create()[2])
        self.assertEqual(self.stats()["writes"], before + 1)

    def test_reads_fetch_no_token(self):
        before = self.stats()["csrf_fetches"]
        self.supplier()
        self.assertEqual(self.stats()["csrf_fetches"], before)


class TestTokens(SapCase):
    def test_fifty_calls_on_an_expired_token_ask_for_one(self):
        self.supplier()
        self.control("POST", "/tokens/expire")
        self.control("POST", "/reset")
        results = Volley(self.url, 50, name="list_all_sap_vendors").send().results()
        self.assertEqual(codes(results), {"ok": 50})
        self.assertEqual(self.stats()["token_requests"], 1)

    def test_connecting_and_calling_ask_for_one_token(self):
        self.control("POST", "/reset")
        account = self.stand.connect_sap(tenant="careful")
        url = self.stand.mint(account["id"])["url"]
        self.data(self.stand.tool(url, "list_all_sap_vendors", {"limit": 1})[2])
        self.assertEqual(self.stats()["token_requests"], 1)

    def test_tenants_share_no_token(self):
        self.control("POST", "/reset")
        for tenant in ("one", "two"):
            account = self.stand.connect_sap(tenant=tenant)
            url = self.stand.mint(account["id"])["url"]
            self.data(self.stand.tool(url, "list_all_sap_vendors", {"limit": 1})[2])
        self.assertEqual(self.stats()["token_requests"], 2)

    def test_the_token_host_takes_no_slot(self):
        account = self.stand.connect_sap(tenant="other", governor={"ceiling": 1})
        url = self.stand.mint(account["id"])["url"]
        self.control("POST", "/tokens/expire")
        self.data(self.stand.tool(url, "list_all_sap_vendors", {"limit": 1})[2])
        paths = [request["target"] for request in self.last(3)]
        self.assertTrue(any("/oauth/token" in path for path in paths), paths)

    def test_a_wrong_secret_is_told_and_nothing_is_stored(self):
        body = self.stand.sap_account()
        body["auth"]["client_secret"] = "wrong"
        before = len(self.stand.admin("GET", "/integrated-account?limit=200")["data"])
        status, reply = self.stand.api("POST", "/integrated-account", body)
        self.assertEqual(status, 422, reply)
        self.assertIn("token host", reply["error"]["message"])
        self.assertEqual(len(self.stand.admin("GET", "/integrated-account?limit=200")["data"]),
                         before)

    def test_user_and_client_work_as_well(self):
        account = self.stand.connect_sap(scheme="basic")
        url = self.stand.mint(account["id"])["url"]
        self.data(self.stand.tool(url, "list_all_sap_vendors", {"limit": 1})[2])
        self.assertEqual(account["lane"].split(":")[1], "on_premise")


class TestLoad(SapCase):
    def test_two_hundred_reads_at_ceiling_four(self):
        self.supplier()
        # A refusal in another test narrows the lane for half a minute.
        wait_until(lambda: all(lane["cause"] is None
                               for lane in self.stand.admin("GET", "/lanes")["data"]),
                   "lanes that take what they may")
        self.control("PUT", "/latency", {"ms": 50, "jitter_ms": 0})
        self.control("POST", "/reset")
        results = Volley(self.url, 200, name="list_all_sap_vendors").send().results()
        stats = self.stats()
        self.assertEqual(codes(results), {"ok": 200})
        self.assertEqual((stats["in_flight_peak"], stats["refused_concurrency"]), (4, 0))

    def test_overload_of_the_erp_is_429_with_a_result(self):
        body = "<html><head><title>Service Unavailable</title></head></html>"
        self.control("POST", "/faults", {"match": {"path_regex": "A_Supplier"}, "times": 1,
                                         "kind": "html", "status": 503, "body": body})
        status, fields, result = self.stand.tool(self.url, "list_all_sap_vendors", {"limit": 1})
        self.assertEqual(status, 429)
        self.assertEqual(self.error(result)["code"], "rate_limited")
        self.assertGreaterEqual(int(fields["retry-after"]), 1)


class TestLostAnswers(SapCase):
    flags = ("--governor.lost_connection_hold_ms", "100")

    def test_a_create_whose_answer_is_lost_is_unknown_and_made_once(self):
        self.create()
        before = self.stats()["writes"]
        supplier = self.supplier()["id"]
        self.control("POST", "/faults", {"match": {"method": "POST", "path_regex": "Order"},
                                         "times": 1, "kind": "after_commit_drop"})
        result = self.stand.tool(self.url, "create_a_sap_purchase_order",
                                 dict(ORDER, supplier=supplier))[2]
        error = self.error(result)
        self.assertEqual(error["code"], "outcome_unknown")
        self.assertIn("list_all_sap_purchase_orders", error["hint"])
        self.assertEqual(self.stats()["writes"], before + 1)


class TestOverdueFetch(SapCase):
    flags = ("--upstream.read_timeout_ms", "400")

    def test_nobody_waits_for_a_csrf_token_longer_than_for_an_answer(self):
        # The transfer of the fetch goes on for much longer than its caller has patience.
        supplier = self.supplier()["id"]
        self.control("POST", "/faults", {"match": {"method": "GET", "path_regex": "_SRV/$"},
                                         "times": 1, "kind": "slow_drip", "delay_ms": 5000})
        before, errors = self.stats()["writes"], []

        def one():
            errors.append(self.error(self.stand.tool(
                self.url, "create_a_sap_purchase_order", dict(ORDER, supplier=supplier))[2]))
        threads = [threading.Thread(target=one) for _ in range(3)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual([error["code"] for error in errors], ["upstream_unavailable"] * 3)
        self.assertEqual(self.stats()["writes"], before)
        self.control("POST", "/reset")
        self.data(self.create()[2])


class TestValues(SapCase):
    NASTY = ["O'Hara", "a&b", "100%", "a+b c", "x' or '1' eq '1", "Ångström", "東京", "a/b?c#d",
             "''", "%27", "\\", "<x>", "a;b=c", "𝄞", "'", "&$top=1000"]

    def test_the_mock_received_exactly_the_value_and_nothing_else(self):
        for value in self.NASTY:
            self.control("POST", "/reset")
            result = self.stand.tool(self.url, "list_all_sap_vendors",
                                     {"name_contains": value, "limit": 5})[2]
            self.data(result)
            target = self.last(1)[0]["target"]
            split = urllib.parse.urlsplit(target)
            options = [pair.split("=", 1) for pair in split.query.split("&")]
            names = [name for name, _ in options]
            self.assertEqual(sorted(names), sorted(set(names)), target)
            text = urllib.parse.unquote(dict(options)["$filter"])
            self.assertIn("'%s'" % value.replace("'", "''"), text, target)
            self.assertNotIn("#", target)

    def test_every_kind_of_literal_arrives_as_it_was_given(self):
        for name, argument, value, literal in (
                ("list_all_sap_vendor_bills", "date_from", "2024-02-29",
                 "datetime'2024-02-29T00:00:00'"),
                ("list_all_sap_vendor_bills", "date_to", "9999-12-31",
                 "datetime'9999-12-31T00:00:00'"),
                ("list_all_sap_vendor_bills", "min_total", "0.001", "0.001M"),
                ("list_all_sap_vendor_bills", "min_total", "99999999999.99", "99999999999.99M"),
                ("list_all_sap_vendor_bills", "party_id", "0000017300", "'0000017300'"),
                ("list_all_sap_vendors", "is_inactive", True, "eq true")):
            self.control("POST", "/reset")
            self.data(self.stand.tool(self.url, name, {argument: value, "limit": 1})[2])
            target = self.last(1)[0]["target"]
            text = urllib.parse.unquote(urllib.parse.urlsplit(target).query)
            self.assertIn(literal, text)

    def test_a_vendor_with_a_quote_is_found(self):
        rows = self.data(self.stand.tool(self.url, "list_all_sap_vendors",
                                         {"name_contains": "O'Hara"})[2])
        self.assertTrue(rows and all("O'Hara" in row["name"] for row in rows), rows)

    def test_leading_zeros_are_taken(self):
        supplier = self.supplier()["id"]
        row = self.data(self.stand.tool(self.url, "get_single_sap_vendor_by_id",
                                        {"id": "00" + supplier})[2])[0]
        self.assertEqual(row["id"], supplier)

    def test_refusals_name_what_sap_said(self):
        error = self.error(self.stand.tool(self.url, "create_a_sap_purchase_order",
                                           dict(ORDER, supplier="99999999"))[2])
        self.assertEqual(error["code"], "validation_failed")
        self.assertEqual(error["upstream"]["code"], "06/317")

    def test_without_the_acknowledgement_there_is_no_account(self):
        body = self.stand.sap_account()
        for value in (None, False, "yes"):
            if value is None:
                body.pop("sap_api_policy_ack", None)
            else:
                body["sap_api_policy_ack"] = value
            status, reply = self.stand.api("POST", "/integrated-account?verify=false", body)
            self.assertEqual(status, 422)
            self.assertIn("docs/sap-policy.md", json.dumps(reply))


class TestEveryEdmType(SapCase):
    """A catalog of the test's own, with one filter of each type: the values go to the mock."""

    TYPES = {"String": "String(200)", "DateTime": "DateTime", "DateTimeOffset": "DateTimeOffset",
             "Time": "Time", "Guid": "Guid", "Decimal": "Decimal(34,10)", "Int64": "Int64",
             "Int32": "Int32", "Byte": "Byte", "Double": "Double", "Boolean": "Boolean"}
    VALUES = (
        ("String", "x' or '1' eq '1", "'x'' or ''1'' eq ''1'"), ("String", "0000000042",
                                                                 "'0000000042'"),
        ("String", "&$top=1#%27+ æ東𝄞", "'&$top=1#%27+ æ東𝄞'"),
        ("DateTime", "0001-01-01", "datetime'0001-01-01T00:00:00'"),
        ("DateTime", "2024-02-29", "datetime'2024-02-29T00:00:00'"),
        ("DateTime", "9999-12-31", "datetime'9999-12-31T00:00:00'"),
        ("DateTimeOffset", "2026-11-20T10:00:00Z", "datetimeoffset'2026-11-20T10:00:00Z'"),
        ("Time", "23:59:59", "time'PT23H59M59S'"),
        ("Guid", "00505600-0000-1ed6-b2d3-f0a4e5c6d7e8",
         "guid'00505600-0000-1ed6-b2d3-f0a4e5c6d7e8'"),
        ("Decimal", "123456789012345678901234.5678901234",
         "123456789012345678901234.5678901234M"), ("Decimal", "-0.10", "-0.10M"),
        ("Int64", "9223372036854775807", "9223372036854775807L"),
        ("Int32", "-2147483648", "-2147483648"), ("Byte", "255", "255"),
        ("Double", "1.5", "1.5d"))

    @classmethod
    def furnish(cls):
        cls.copy_catalogs()
        cls.write_probe(os.path.join(cls.folder, "sap"))

    @classmethod
    def write_probe(cls, folder):
        names = [name.lower() for name in cls.TYPES]
        upstream = {"service": "/sap/opu/odata/sap/API_BUSINESS_PARTNER",
                    "entity_set": "A_Supplier", "select": ["Supplier"], "order_by": "Supplier",
                    "properties": dict(cls.TYPES),
                    "filters": {name.lower(): {"property": name, "op": "eq"}
                                for name in cls.TYPES}}
        resource = {"resource": "probes", "singular": "probe", "title": "Probes", "tags": ["probe"],
                    "methods": {"list": {"upstream": upstream}}}
        field = {"name": "id", "type": "string", "class": "business", "from": ["Supplier"],
                 "description": "Supplier."}
        text = {"type": "string", "maxLength": 300, "description": "A value."}
        documentation = {"resource": "probes", "fields": {"header": [field]}, "methods": {"list": {
            "title": "Probe", "description": "One filter of each type.",
            "input": {"query": {name: {"type": "boolean", "description": "A value."}
                                if name == "boolean" else text for name in names}},
            "output": ["header"]}}}
        for kind, body in (("resources", resource), ("documentation", documentation)):
            with open(os.path.join(folder, kind, "probes.json"), "w") as out:
                json.dump(body, out)

    def test_the_mock_received_exactly_the_value(self):
        for name, value, literal in self.VALUES + (("Boolean", True, "true"),):
            self.control("POST", "/reset")
            result = self.stand.tool(self.url, "list_all_sap_probes",
                                     {name.lower(): value, "limit": 1})[2]
            self.assertNotIn("invalid_arguments", json.dumps(result), (name, value))
            target = self.last(1)[0]["target"]
            options = dict(pair.split("=", 1)
                           for pair in urllib.parse.urlsplit(target).query.split("&"))
            self.assertEqual(urllib.parse.unquote(options.pop("$filter")),
                             "(%s eq %s)" % (name, literal), target)
            self.assertEqual(set(options), {"$select", "$orderby", "$top"}, target)


if __name__ == "__main__":
    main()
